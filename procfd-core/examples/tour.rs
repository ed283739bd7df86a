// SPDX-License-Identifier: MIT OR Apache-2.0

//! A short tour: configure, fail, correct, start, ask, wait, pass on, kill on last close.

use std::error::Error;
use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::{AsFd, FromRawFd};
use std::time::Duration;

use procfd::{Context, Fields, IdMap, Namespaces, Process};

/// A shell in new namespaces, where the caller is root.
fn configured(script: &str, output: &File) -> Result<Context, Box<dyn Error>> {
    // SAFETY: these calls have no preconditions.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    let root = |outside| IdMap { inside: 0, outside, count: 1 };
    let mut context = Context::new()?;
    context
        .program("/no/such/shell")?
        .args(["sh", "-c", script])?
        .fd(output.try_clone()?, 1)?
        .namespaces(Namespaces::USER | Namespaces::PID | Namespaces::UTS)?
        .uid_map(&[root(uid)])?
        .gid_map(&[root(gid)])?
        .hostname("procfd-tour")?;
    Ok(context)
}

/// A file in memory.
fn memory_file() -> std::io::Result<File> {
    // SAFETY: the name is a string; a descriptor that the call returns has no other owner.
    unsafe {
        match libc::memfd_create(c"output".as_ptr(), libc::MFD_CLOEXEC) {
            -1 => Err(std::io::Error::last_os_error()),
            fd => Ok(File::from_raw_fd(fd)),
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut output = memory_file()?;
    let mut context = configured("id; uname -n; echo $$; sleep 0.3; exit 7", &output)?;

    // A creation that fails names the step, and leaves nothing but the context as it was.
    match context.create() {
        Ok(_) => return Err("it did not fail".into()),
        Err(failed) => println!("failed as it should: {failed} ({:?})", failed.stage()),
    }
    context.program_in_path("sh")?;
    let process = context.create()?;

    let info = process.info(Fields::IDS | Fields::CREDS)?;
    if let (Some(ids), Some(creds)) = (info.ids, info.creds) {
        println!("pid {}, parent {}, effective uid {}", ids.pid, ids.ppid, creds.euid);
    }
    println!("after 10 ms: {:?}", process.wait_timeout(Duration::from_millis(10))?);
    println!("at its end: {:?}", process.wait()?.change);
    let mut text = String::new();
    output.rewind()?;
    output.read_to_string(&mut text)?;
    print!("it said:\n{text}");

    // Every descriptor of the process's is as good as the first.
    let mut context = Context::new()?;
    context.program_in_path("sleep")?.args(["sleep", "1000"])?.kill_on_close(libc::SIGKILL)?;
    let process = context.create()?;
    let watched = Process::from_fd(process.pidfd().try_clone_to_owned()?)?;
    let other = Process::from_fd(process.as_fd().try_clone_to_owned()?)?;
    drop(process);
    println!("held by another: {:?}", watched.wait_timeout(Duration::from_millis(50))?);
    drop(other);
    println!("held by nobody: {:?}", watched.wait()?.change);
    Ok(())
}
