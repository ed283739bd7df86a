// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs a build. The files are read-only except DIRECTORY. /tmp, /run and /dev are private. There are no
//! network, keys or capabilities; memory and descriptors are limited. All its processes end with this program.
//!
//! `build_sandbox DIRECTORY COMMAND [ARGUMENT]...`
use procfd::{CapSet, Context, IdMap, Mount, Namespaces};
use std::{env, error::Error, fs, process};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [directory, command @ ..] = &arguments[..] else { return Err("no directory".into()) };
    let directory = fs::canonicalize(directory)?;
    // SAFETY: these calls have no preconditions.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    let mut context = Context::new()?;
    context
        .program_in_path(command.first().ok_or("no command")?)?
        .args(command)?
        .namespaces(Namespaces::USER | Namespaces::PID | Namespaces::MOUNT)?
        .namespaces(Namespaces::NET | Namespaces::IPC | Namespaces::UTS)?
        .uid_map(&[IdMap { inside: uid, outside: uid, count: 1 }])?
        .gid_map(&[IdMap { inside: gid, outside: gid, count: 1 }])?
        .built_in_init(true)?
        .kill_on_close(libc::SIGKILL)?
        .readonly_root(true)?
        .private_tmp(true)?
        .private_dev(true)?
        .mount(Mount::proc("/proc").read_only())?
        .mount(Mount::tmpfs("/run"))?
        .mount(Mount::rbind(&directory, &directory).create())?
        .current_dir(&directory)?
        .rlimit(libc::RLIMIT_AS, 4 << 30, 4 << 30)?
        .rlimit(libc::RLIMIT_NOFILE, 1024, 1024)?
        .no_new_privs()?
        .cap_bounding(CapSet::NONE)?
        .session_keyring("")?
        .new_session()?;
    let status = context.create()?.wait()?;
    process::exit(status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(125));
}
