// SPDX-License-Identifier: MIT OR Apache-2.0

//! From a child's end to the waiter's return.
//!
//! The child sleeps 2 ms, writes the time into the shared memory and ends; what is measured is from
//! there to the return of the call that waits for it.

use std::cell::UnsafeCell;
use std::io;
use std::os::fd::RawFd;

use procfd::{OpenFlags, WaitOptions, ffi};

use crate::bare::{self, Stack, Stamp};
use crate::harness::{Aim, Method, Rounds, group};

const WAITPID: &str = "waitpid";
const SECOND: u64 = 1_000_000_000;

/// How to wait for the child: by its pid, its pidfd, or its procfd.
type Wait<'a> = &'a dyn Fn(i32, RawFd, RawFd) -> io::Result<()>;

/// Starts the child, attaches a procfd, lets `wait` wait for it and reap it, compares the clocks.
fn measure(stack: &Stack, wait: Wait<'_>) -> io::Result<u64> {
    let none = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let stamp = Stamp { sleep: libc::timespec { tv_nsec: 2_000_000, ..none }, at: UnsafeCell::new(none) };
    let flags = libc::CLONE_VM as u64 | bare::PIDFD;
    // SAFETY: `sleep_and_stamp` is fit for shared memory; the stamp lives until it has ended, also
    // when the wait fails (below).
    let (pid, pidfd) = unsafe { bare::clone3(flags, stack, bare::sleep_and_stamp, &stamp) }?;
    let procfd = ffi::open(OpenFlags::NO_WATCH.bits())?;
    let done = ffi::configuring(procfd)
        .and_then(|context| context.attach(pidfd).map_err(|e| procfd::Errno(e.raw_os_error())))
        .map_err(io::Error::from)
        .and_then(|_| wait(pid, pidfd, procfd));
    let mut now = none;
    // SAFETY: `now` outlives the call.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    if done.is_err() {
        let _ = bare::wait_pid(pid);
    }
    bare::close(procfd);
    bare::close(pidfd);
    done?;
    // SAFETY: the child has ended.
    let ended = unsafe { *stamp.at.get() };
    let ns = (now.tv_sec - ended.tv_sec) * 1_000_000_000 + (now.tv_nsec - ended.tv_nsec);
    u64::try_from(ns).map_err(|_| io::Error::other("returned before the end"))
}

fn poll_then_wait(pidfd: RawFd) -> io::Result<()> {
    let mut poll = libc::pollfd { fd: pidfd, events: libc::POLLIN, revents: 0 };
    // SAFETY: one structure, which outlives the call.
    bare::check(unsafe { libc::poll(&raw mut poll, 1, 1000) }.into())?;
    bare::wait_pidfd(pidfd)
}

fn procfd_wait(fd: RawFd, timeout_ns: u64) -> io::Result<()> {
    let status = ffi::wait(fd, WaitOptions::empty(), false, timeout_ns)?;
    bare::must_be_zero(status.code().unwrap_or(-1))
}

pub fn wake(rounds: &Rounds) {
    let stack = &Stack::new();
    group(
        "From the end of a child of 2 ms to the return of the wait",
        &[WAITPID],
        rounds.one_in(10),
        vec![
            method(WAITPID, stack, &|pid, _, _| bare::wait_pid(pid)),
            method("waitid(P_PIDFD)", stack, &|_, pidfd, _| bare::wait_pidfd(pidfd)),
            method("poll(pidfd) + waitid", stack, &|_, pidfd, _| poll_then_wait(pidfd)),
            method("PROC_WAIT", stack, &|_, _, procfd| procfd_wait(procfd, 0))
                .aim(Aim::AtMost(1.10, WAITPID)),
            method("PROC_WAIT with a timeout", stack, &|_, _, procfd| procfd_wait(procfd, SECOND))
                .aim(Aim::AtMost(1.20, WAITPID)),
            method("PROC_WAIT with a timeout, on a pidfd", stack, &|_, pidfd, _| procfd_wait(pidfd, SECOND)),
        ],
    );
}

fn method<'a>(name: &'static str, stack: &'a Stack, wait: Wait<'a>) -> Method<'a> {
    Method::timing_itself(name, move || measure(stack, wait))
}
