// SPDX-License-Identifier: MIT OR Apache-2.0

//! Runs a command with little to lose: new user, mount, network, IPC and UTS namespaces, where it
//! is nobody; no new privileges; limits of CPU time, memory and file size; nothing of the caller's
//! open descriptors but 0, 1 and 2; killed when this program ends.
//!
//! ```text
//! sandbox COMMAND [ARGUMENT]...
//! ```
//!
//! It sees the caller's files, with the caller's rights: docs/security.md says what is a boundary
//! and what is not.

use std::error::Error;
use std::ffi::OsString;
use std::process::ExitCode;

use procfd::{Change, Context, IdMap, Namespaces};

fn sandbox(program: &OsString, command: &[OsString]) -> Result<Context, Box<dyn Error>> {
    // SAFETY: these calls have no preconditions.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    let nobody = |outside| IdMap { inside: 65534, outside, count: 1 };
    let limits = [
        (libc::RLIMIT_CPU, 60),
        (libc::RLIMIT_AS, 4 << 30),
        (libc::RLIMIT_FSIZE, 64 << 20),
        (libc::RLIMIT_CORE, 0),
        (libc::RLIMIT_NOFILE, 256),
    ];

    let mut context = Context::new()?;
    context
        .program_in_path(program)?
        .args(command)?
        .env_only([("PATH", "/usr/bin:/bin"), ("HOME", "/"), ("LANG", "C.UTF-8")])?
        .namespaces(
            Namespaces::USER | Namespaces::MOUNT | Namespaces::NET | Namespaces::IPC | Namespaces::UTS,
        )?
        .uid_map(&[nobody(uid)])?
        .gid_map(&[nobody(gid)])?
        .hostname("sandbox")?
        // A session of its own: no terminal to push input into.
        .new_session()?
        .no_new_privs()?
        .umask(0o077)?
        .nice(19)?
        .kill_on_close(libc::SIGKILL)?;
    for (resource, most) in limits {
        context.rlimit(resource, most, most)?;
    }
    Ok(context)
}

fn run(program: &OsString, command: &[OsString]) -> Result<u8, Box<dyn Error>> {
    let process = sandbox(program, command)?.create()?;
    Ok(match process.wait()?.change {
        Change::Exited(code) => code as u8,
        Change::Killed(signal) | Change::Dumped(signal) => 128 | signal as u8,
        _ => 125,
    })
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let command @ [program, ..] = &arguments[..] else {
        eprintln!("usage: sandbox COMMAND [ARGUMENT]...");
        return ExitCode::from(125);
    };
    run(program, command).map_or_else(
        |error| {
            eprintln!("sandbox: {error}");
            ExitCode::from(125)
        },
        ExitCode::from,
    )
}
