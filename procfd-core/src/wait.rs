// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Waits for a process by its pidfd, as its parent or as any other holder.
//!
//! The ladder: `waitid(P_PIDFD)` tells the parent, with the usage. ECHILD means a child of another process, or one
//! that is reaped already. After it, `PIDFD_GET_INFO` tells every holder of a reaped process (6.15). The exit code
//! of another parent's zombie is in /proc/PID/stat, if you may trace it. Otherwise the wait goes on until the parent
//! reaps the process. ENODATA: the kernel no longer has the status.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use crate::contexts;
use crate::kept::{self, Keeper};
use crate::leaves;
use crate::proc::parse::{fdinfo::fdinfo, stat};
use crate::proc::{self, Path, Proc};
use crate::procfd;
use crate::status::{Change, Status, decode, usage};
use crate::sys::{self, Errno, PIDFD_INFO_EXIT, PIDFD_INFO_PID, Result, Timespec};
use crate::target::{self, Target};

bitflags::bitflags! {
    /// Which changes count, and whether the wait consumes them.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Options: u32 {
        /// Leave it to be waited for again (`WNOWAIT`).
        const PEEK = 1;
        /// A stop counts too. The kernel tells it to the parent only.
        const STOPPED = 2;
        /// A continuation counts too. The kernel tells it to the parent only.
        const CONTINUED = 4;
    }
}

/// The time limit of a wait.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    None,
    NoHang,
    /// CLOCK_MONOTONIC, nanoseconds.
    Until(u64),
}

impl Limit {
    pub(crate) fn after(timeout: Duration) -> Self {
        let ns = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        Self::Until(sys::fd::monotonic_ns().saturating_add(ns))
    }

    /// The time left. EAGAIN or ETIMEDOUT when there is none.
    pub(crate) fn left(self) -> Result<Option<Timespec>> {
        match self {
            Self::None => Ok(None),
            Self::NoHang => Err(Errno(libc::EAGAIN)),
            Self::Until(end) => match end.saturating_sub(sys::fd::monotonic_ns()) {
                0 => Err(Errno(libc::ETIMEDOUT)),
                ns => {
                    Ok(Some(Timespec { sec: (ns / 1_000_000_000) as i64, nsec: (ns % 1_000_000_000) as i64 }))
                }
            },
        }
    }
}

/// Waits for the process behind a descriptor. For a built-in init the change is that of its program.
pub(crate) fn wait_for(
    fd: BorrowedFd<'_>,
    target: &Target<'_>,
    options: Options,
    limit: Limit,
) -> Result<Status> {
    let mut status = wait_by(target.pidfd()?, &|| target.still(), options, limit, &target.keeper(fd));
    if let Err(Errno(libc::EBADF)) = status {
        // Another thread has taken the number of the pidfd meanwhile: the procfd has another.
        if target.still().is_err() {
            let found = target::resolve(fd)?;
            status = wait_by(found.pidfd()?, &|| found.still(), options, limit, &found.keeper(fd));
        }
    }
    let mut status = status?;
    if target.is_init() {
        status.change = of_program(fd, status.change);
    }
    Ok(status)
}

/// The change of a built-in init's program. An exit code of 128 and more may stand for a signal, as in a shell. The
/// init's message says which of the two it was, and counts only if it fits the exit code.
pub(crate) fn of_program(a: BorrowedFd<'_>, change: Change) -> Change {
    let Change::Exited(code @ 128..) = change else { return change };
    let fits = |said: &Change| match *said {
        Change::Exited(said) => said == code,
        Change::Killed(signal) | Change::Dumped(signal) => signal.checked_add(128) == Some(code),
        _ => false,
    };
    procfd::init_change(a).filter(fits).unwrap_or(change)
}

/// The end of a process that this process has reaped, by the cookie of its procfd. The kernel need not be
/// asked again, so the kept pidfd is not used.
pub(crate) fn again(cookie: Option<u64>) -> Option<Status> {
    let status = cookie.and_then(contexts::kept_end)?;
    leaves::tend();
    Some(status)
}

/// Waits by a pidfd alone: see [`wait_keeping`].
pub(crate) fn wait(pidfd: BorrowedFd<'_>, options: Options, limit: Limit) -> Result<Status> {
    wait_keeping(pidfd, options, limit, &Keeper::default())
}

/// Waits. EAGAIN, ETIMEDOUT: no change yet. EINTR: a signal handler ran. ENODATA: the process has ended, and neither
/// the kernel nor the keeper has its status. ECHILD: you asked for stops of another process's child. EOPNOTSUPP: you
/// asked for stops with a timeout, and io_uring's waitid (6.7) is missing or refused.
pub(crate) fn wait_keeping(
    pidfd: BorrowedFd<'_>,
    options: Options,
    limit: Limit,
    keeper: &Keeper<'_>,
) -> Result<Status> {
    wait_by(pidfd, &|| Ok(pidfd), options, limit, keeper)
}

/// The pidfd after a wait. EBADF: its number is another file's now.
type Again<'a> = &'a dyn Fn() -> Result<BorrowedFd<'a>>;

fn wait_by<'a>(
    pidfd: BorrowedFd<'a>,
    again: Again<'a>,
    options: Options,
    limit: Limit,
    keeper: &Keeper<'_>,
) -> Result<Status> {
    let status = climb(pidfd, again, options, limit, keeper)?;
    if status.change.is_end() {
        leaves::tend();
    }
    Ok(status)
}

/// The ladder.
fn climb<'a>(
    mut pidfd: BorrowedFd<'a>,
    again: Again<'a>,
    options: Options,
    limit: Limit,
    keeper: &Keeper<'_>,
) -> Result<Status> {
    let mut flags = libc::WEXITED;
    for (option, flag) in [
        (Options::PEEK, libc::WNOWAIT),
        (Options::STOPPED, libc::WSTOPPED),
        (Options::CONTINUED, libc::WCONTINUED),
    ] {
        if options.contains(option) {
            flags |= flag;
        }
    }
    let block = if matches!(limit, Limit::None) { 0 } else { libc::WNOHANG };
    let mut ended = false;
    loop {
        match take(pidfd, again, flags | block, keeper) {
            Ok(Some(status)) => return Ok(status),
            Ok(None) => {}
            Err(Errno(libc::ECHILD)) => return of_anybody(pidfd, again, options, limit, keeper),
            Err(e) => return Err(e),
        }
        let left = limit.left()?;
        let stops = options.intersects(Options::STOPPED | Options::CONTINUED);
        let woken = match left {
            // It has ended, and its tracer takes the status first. No event says when the tracer is done.
            Some(left) if ended => sys::fd::poll(pidfd, 0, Some(left.at_most(TRACED_NS))),
            // A stop makes no descriptor readable.
            Some(left) if stops => match sys::uring::wait(pidfd, flags, left) {
                Err(Errno(libc::ETIME)) => Ok(0),
                done => done.map(|()| 0),
            },
            left => sys::fd::poll(pidfd, libc::POLLIN, left).inspect(|events| ended = *events != 0),
        };
        pidfd = again()?;
        if let Err(e) = woken {
            // The end itself may have raised the signal (SIGCHLD), so the end goes before EINTR.
            return match take(pidfd, again, flags | libc::WNOHANG, keeper) {
                Ok(Some(status)) => Ok(status),
                _ => Err(e),
            };
        }
    }
}

/// Takes a change of a child from the kernel, or looks at it with WNOWAIT. The keeper gets an end. If the kernel does
/// not keep the end, the keeper gets it before it is taken. `None`: no change (WNOHANG).
fn take<'a>(
    pidfd: BorrowedFd<'a>,
    again: Again<'a>,
    flags: i32,
    keeper: &Keeper<'_>,
) -> Result<Option<Status>> {
    let look = flags & libc::WNOWAIT != 0;
    loop {
        let first = if keeper.comes_first() { libc::WNOWAIT } else { 0 };
        let Some(waited) = sys::pidfd::wait(pidfd, flags | first)? else { return Ok(None) };
        let status = own_child(&waited)?;
        keeper.keep(status);
        let end = status.change.is_end();
        if look || first == 0 {
            if end && !look {
                keeper.set_reaped();
            }
            return Ok(Some(status));
        }
        let flags = libc::WNOHANG | if end { libc::WEXITED } else { flags };
        match again().and_then(|pidfd| sys::pidfd::wait(pidfd, flags)) {
            Ok(Some(_)) if end => {
                keeper.set_reaped();
                kept::learn(pidfd);
            }
            // Another thread has reaped it.
            _ if end => {}
            Ok(Some(waited)) => {
                let status = own_child(&waited)?;
                keeper.keep(status);
                return Ok(Some(status));
            }
            // Another thread has taken the stop.
            Ok(None) => continue,
            Err(e) => return Err(e),
        }
        return Ok(Some(status));
    }
}

fn own_child(waited: &sys::pidfd::Waited) -> Result<Status> {
    Ok(Status {
        change: Change::of_child(waited.code, waited.status).ok_or(Errno(libc::ENODATA))?,
        usage: Some(usage(&waited.usage)),
    })
}

/// The time between two questions for the status of a zombie that another process traces. ptrace(2) passes the
/// status to the parent when the tracer has taken it, and sends no event.
const TRACED_NS: i64 = 20_000_000;

/// A process that is not (or no longer) our child to wait for.
fn of_anybody<'a>(
    mut pidfd: BorrowedFd<'a>,
    again: Again<'a>,
    options: Options,
    limit: Limit,
    keeper: &Keeper<'_>,
) -> Result<Status> {
    loop {
        let kept = match sys::pidfd::get_info(pidfd, PIDFD_INFO_EXIT) {
            Ok(info) if info.mask & PIDFD_INFO_EXIT != 0 => {
                return Ok(keeper.with_usage(Status::known(decode(info.exit_code))));
            }
            // Not reaped yet; or 6.13 or 6.14, which do not know EXIT and say ESRCH later.
            Ok(_) => true,
            // Reaped (6.13), no such ioctl (before), or out of this pid namespace's sight.
            Err(_) => false,
        };
        let ended = sys::fd::poll(pidfd, libc::POLLIN, sys::fd::NOW);
        // Only of one that has ended: to look for the context may cost a system call.
        if ended != Ok(0) {
            if let Some(status) = keeper.kept() {
                return Ok(status);
            }
        }
        if ended? == 0 {
            if options.intersects(Options::STOPPED | Options::CONTINUED) {
                return Err(Errno(libc::ECHILD));
            }
            sys::fd::poll(pidfd, libc::POLLIN, limit.left()?)?;
            pidfd = again()?;
            continue;
        }
        if let Some(code) = zombie_exit_code(pidfd) {
            return Ok(Status::known(decode(code)));
        }
        if !kept {
            // Another thread may have reaped it during the wait, so look once more.
            return match sys::pidfd::get_info(pidfd, PIDFD_INFO_EXIT) {
                Ok(info) if info.mask & PIDFD_INFO_EXIT != 0 => Ok(Status::known(decode(info.exit_code))),
                _ => keeper.kept().ok_or(Errno(libc::ENODATA)),
            };
        }
        // Until its parent reaps it, only POLLHUP brings something new.
        sys::fd::poll(pidfd, 0, limit.left()?)?;
        pidfd = again()?;
    }
}

/// The exit code of a zombie, from the last field of /proc/PID/stat, if the caller may see it.
///
/// The kernel shows it to a process that may trace the zombie, and 0 to others (proc(5)). Another file with the same
/// check tells whether the caller may. The reading is about this process if the process is not reaped after it.
fn zombie_exit_code(pidfd: BorrowedFd<'_>) -> Option<i32> {
    let process = Proc::new(pidfd, pid(pidfd).ok()? as u32);
    if process.link(c"ns/user", &mut [0; 32]) == Err(Errno(libc::EACCES)) {
        return None;
    }
    let read = process.read_small(c"stat", &mut [0; 2048]).ok().and_then(stat::stat)?;
    process.check().ok()?;
    read.exit_code.filter(|_| stat::has_ended(read.state))
}

/// The pid behind a pidfd, in the caller's pid namespace.
///
/// EBADF: it is not open. ESRCH: the process is reaped. EREMOTE: it is not in the caller's pid namespace; or, before 6.13, /proc
/// belongs to another pid namespace, where the number means another process. ENOENT: before 6.13, no /proc.
pub(crate) fn pid(pidfd: BorrowedFd<'_>) -> Result<i32> {
    match sys::pidfd::get_info(pidfd, PIDFD_INFO_PID) {
        Ok(info) => return Ok(info.pid as i32),
        Err(e @ Errno(libc::ESRCH | libc::EREMOTE | libc::EBADF)) => return Err(e),
        Err(_) => {}
    }
    // Before 6.13: the line "Pid:" of its fdinfo, which is -1 once reaped and 0 outside the namespace. `proc` reads
    // only the /proc of the caller's own pid namespace. A process that has changed its ids cannot read it before 5.14;
    // the creation then remembers the pid of what this process started.
    let path = Path::new().text(c"thread-self/fdinfo/").number(pidfd.as_raw_fd() as u32);
    let mut buf = [0u8; 512];
    let text = match proc::read_small(path, &mut buf) {
        Ok(text) => text,
        Err(e) => return contexts::number_of(pidfd).ok_or(e),
    };
    match fdinfo(text).pid {
        Some(pid @ 1..) => Ok(pid),
        Some(-1) => Err(Errno(libc::ESRCH)),
        Some(_) => Err(Errno(libc::EREMOTE)),
        None => Err(Errno(libc::EINVAL)),
    }
}
