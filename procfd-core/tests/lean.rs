// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a process holds of the program's: one descriptor, two with a close policy, none once it is dropped.
//!
//! One test, since it counts the descriptors of the whole program.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::os::fd::{AsFd, AsRawFd};

use procfd::{Command, Context, OpenFlags, Process};

fn open_fds() -> usize {
    // The directory's own is among them, each time.
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn children() -> String {
    std::fs::read_to_string("/proc/thread-self/children").unwrap()
}

fn sleeper(context: &mut Context) {
    context.program("/bin/sleep").unwrap().args(["sleep", "60"]).unwrap();
}

/// Starts `n` more than one, and says how many descriptors each has taken.
fn each(start: impl Fn() -> Process) -> f64 {
    // What the library opens once, for all of them.
    let first = start();
    let before = open_fds();
    let all: Vec<Process> = (0..10).map(|_| start()).collect();
    let taken = open_fds() - before;
    for process in all.iter().chain([&first]) {
        process.kill().unwrap();
        assert_eq!(process.wait().unwrap().signal(), Some(libc::SIGKILL));
    }
    drop(all);
    drop(first);
    taken as f64 / 10.0
}

#[test]
fn a_process_is_one_descriptor() {
    let before = open_fds();
    let mut context = Context::new().unwrap();
    sleeper(&mut context);
    assert_eq!(open_fds(), before, "a context has none before the start");

    let plain = || context.try_clone().unwrap().create().unwrap();
    let one = plain();
    one.kill().unwrap();
    one.wait().unwrap();
    drop(one);
    // Before Linux 6.13 the library opens /proc, once for all.
    let all = open_fds() - before;
    assert!(all <= 1, "{all} more");
    let before = open_fds();
    assert_eq!(each(plain), 1.0);
    assert_eq!(open_fds(), before);

    let closed = || {
        let mut copy = context.try_clone().unwrap();
        copy.kill_on_close(libc::SIGKILL).unwrap();
        copy.create().unwrap()
    };
    assert_eq!(each(closed), 2.0);
    assert_eq!(open_fds(), before);

    let by_command = || Process::from(Command::new("sleep").arg("60").spawn().unwrap());
    assert_eq!(each(by_command), 1.0);

    // Its descriptor is the pidfd, and it has a procfd on request.
    let process = plain();
    assert_eq!(process.as_raw_fd(), process.pidfd().as_raw_fd());
    let procfd = Process::from_fd(process.procfd().unwrap()).unwrap();
    assert_ne!(procfd.as_raw_fd(), procfd.pidfd().as_raw_fd());
    assert_eq!(procfd.pid().unwrap(), process.pid().unwrap());
    procfd.kill().unwrap();
    assert_eq!(process.wait().unwrap().signal(), Some(libc::SIGKILL));
    drop((procfd, process));
    assert_eq!(open_fds(), before);

    // A procfd from before the start stays the process's.
    let mut early = context.try_clone().unwrap();
    let held = early.procfd().unwrap().try_clone_to_owned().unwrap();
    let process = early.create().unwrap();
    let holder = Process::from_fd(held).unwrap();
    assert_eq!(holder.pid().unwrap(), process.pid().unwrap());
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(holder.wait().unwrap().signal(), Some(libc::SIGKILL));
    drop((holder, process));
    assert_eq!(open_fds(), before);

    // Dropped while it runs, it is reaped by a later start.
    let process = plain();
    let other = Process::from_fd(process.as_fd().try_clone_to_owned().unwrap()).unwrap();
    drop(process);
    other.kill().unwrap();
    let mut event = libc::pollfd { fd: other.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one pollfd, on this frame.
    assert_eq!(unsafe { libc::poll(&raw mut event, 1, -1) }, 1);
    drop(other);
    assert_ne!(children(), "");
    let next = plain();
    assert_eq!(children().trim(), next.pid().unwrap().to_string());
    next.kill().unwrap();
    next.wait().unwrap();
    drop(next);
    assert_eq!(open_fds(), before);

    // And a process of which no descriptor is open.
    drop(plain());
    let left = children();
    let pid: i32 = left.trim().parse().unwrap();
    // SAFETY: a plain number: the child's, which is not reaped.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGKILL) }, 0);
    while std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z")) {
        std::thread::yield_now();
    }
    let last = plain();
    assert!(!children().split_whitespace().any(|child| child == pid.to_string()), "reaped");
    last.kill().unwrap();
    last.wait().unwrap();

    // The error at the limit names it.
    let full = Context::with_flags(OpenFlags::NO_WATCH);
    let watched = Context::with_flags(OpenFlags::empty());
    let mut closing = context.try_clone().unwrap();
    closing.kill_on_close(libc::SIGKILL).unwrap();
    at_the_limit(&context);
    at_the_limit(&closing);
    for form in [full, watched] {
        let mut form = form.unwrap();
        sleeper(&mut form);
        at_the_limit(&form);
    }
}

/// Starts processes up to the limit of descriptors.
fn at_the_limit(context: &Context) {
    // A full context has descriptors before the start.
    let contexts: Vec<Context> = (0..40).map(|_| context.try_clone().unwrap()).collect();
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: one rlimit, on this frame.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    let now = open_fds() as u64 + 20;
    let low = libc::rlimit { rlim_cur: now, ..limit };
    // SAFETY: as above.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const low) };
    let mut running = Vec::new();
    let mut errors = Vec::new();
    for mut context in contexts {
        match context.create() {
            Ok(process) => running.push(process),
            Err(e) => errors.push(e),
        }
    }
    // SAFETY: as above.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    for process in &running {
        process.kill().unwrap();
        process.wait().unwrap();
    }
    assert!(running.len() >= 4 && !errors.is_empty(), "{} {errors:?}", running.len());
    let wanted = format!("RLIMIT_NOFILE is {now}; a process takes 1 descriptor");
    for error in errors {
        assert_eq!(error.raw_os_error(), libc::EMFILE);
        assert!(error.to_string().contains(&wanted), "{error}");
    }
}
