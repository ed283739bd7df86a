// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Waiting for a process by its pidfd, as its parent or as anybody else who holds it.
//!
//! The ladder: `waitid(P_PIDFD)` tells the parent, with the usage. After ECHILD (another's child, or
//! reaped already) `PIDFD_GET_INFO` tells every holder of a reaped process (6.15). For a zombie of
//! another parent there is the exit code in /proc/PID/stat, for those who may trace it; for the rest
//! the wait goes on until it is reaped. Where the kernel keeps none of this, ENODATA says so.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use crate::contexts;
use crate::info::parse::{fdinfo::fdinfo, stat::stat};
use crate::info::proc::{self, Path, Proc};
use crate::procfd::{self, Target};
use crate::sys::{self, Errno, PIDFD_INFO_EXIT, PIDFD_INFO_PID, Result, Timespec};

bitflags::bitflags! {
    /// What counts as a change, and whether it is taken.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Options: u32 {
        /// Leave it to be waited for again (`WNOWAIT`).
        const PEEK = 1;
        /// A stop counts too; the parent alone is told of it.
        const STOPPED = 2;
        /// A continuation counts too; the parent alone is told of it.
        const CONTINUED = 4;
    }
}

/// How long a wait may take.
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

/// What happened to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// It ended by itself, with this exit code.
    Exited(i32),
    /// This signal ended it.
    Killed(i32),
    /// This signal ended it, and it dumped core.
    Dumped(i32),
    /// This signal stopped it.
    Stopped(i32),
    /// It was continued.
    Continued,
}

impl Change {
    /// From the `si_code` and `si_status` of a SIGCHLD.
    pub(crate) fn of_child(code: i32, status: i32) -> Option<Self> {
        Some(match code {
            libc::CLD_EXITED => Self::Exited(status),
            libc::CLD_KILLED => Self::Killed(status),
            libc::CLD_DUMPED => Self::Dumped(status),
            libc::CLD_STOPPED | libc::CLD_TRAPPED => Self::Stopped(status),
            libc::CLD_CONTINUED => Self::Continued,
            _ => return None,
        })
    }
}

/// Resource usage, as getrusage(2) has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// User CPU time.
    pub user: Duration,
    /// System CPU time.
    pub system: Duration,
    /// Largest resident set, in bytes.
    pub max_rss: u64,
    /// Page faults without I/O.
    pub minor_faults: u64,
    /// Page faults with I/O.
    pub major_faults: u64,
    /// Blocks of 512 bytes read.
    pub blocks_in: u64,
    /// Blocks of 512 bytes written.
    pub blocks_out: u64,
    /// Voluntary context switches.
    pub voluntary_switches: u64,
    /// Involuntary context switches.
    pub involuntary_switches: u64,
}

/// The answer to a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// What happened.
    pub change: Change,
    /// What the process and the children it waited for used. The kernel tells the parent, once; a procfd
    /// that the parent opened keeps it.
    pub usage: Option<Usage>,
}

impl Status {
    /// Exit code 0.
    pub fn is_success(&self) -> bool {
        self.change == Change::Exited(0)
    }

    /// The exit code, if it ended by itself.
    pub fn code(&self) -> Option<i32> {
        match self.change {
            Change::Exited(code) => Some(code),
            _ => None,
        }
    }

    /// The signal that ended it.
    pub fn signal(&self) -> Option<i32> {
        match self.change {
            Change::Killed(signal) | Change::Dumped(signal) => Some(signal),
            _ => None,
        }
    }

    /// Keeps the usage with the procfd it was waited for by, or takes what is kept there.
    pub(crate) fn with_usage_of(mut self, fd: BorrowedFd<'_>) -> Self {
        if matches!(self.change, Change::Exited(_) | Change::Killed(_) | Change::Dumped(_)) {
            match self.usage {
                Some(usage) => contexts::remember_usage(fd, usage),
                None => self.usage = contexts::remembered_usage(fd),
            }
        }
        self
    }

    fn known(change: Change) -> Self {
        Self { change, usage: None }
    }
}

/// Waits for what a descriptor stands for: for a built-in init the change is that of its program.
pub(crate) fn wait_for(target: &Target<'_>, options: Options, limit: Limit) -> Result<Status> {
    let mut status = wait(target.pidfd()?, options, limit)?;
    if let Target::Init(_, a) | Target::Kept(_, Some(a)) = target {
        status.change = of_program(*a, status.change);
    }
    Ok(status)
}

/// The change of a built-in init's program. As a shell has it, an exit code of 128 and more may stand
/// for a signal; which of the two it was, the init has said.
pub(crate) fn of_program(a: BorrowedFd<'_>, change: Change) -> Change {
    match change {
        Change::Exited(128..) => procfd::init_change(a).unwrap_or(change),
        _ => change,
    }
}

/// Waits. EAGAIN, ETIMEDOUT: no change yet; EINTR: a signal handler ran; ENODATA: it ended, and the
/// kernel has not kept how; ECHILD: stops of another's child were asked for; EOPNOTSUPP: stops
/// together with a timeout, on a kernel or under a policy without io_uring's waitid (6.7).
pub(crate) fn wait(pidfd: BorrowedFd<'_>, options: Options, limit: Limit) -> Result<Status> {
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
        match sys::pidfd::wait(pidfd, flags | block) {
            Ok(Some(waited)) => return own_child(&waited),
            Ok(None) => {}
            Err(Errno(libc::ECHILD)) => return of_anybody(pidfd, options, limit),
            Err(e) => return Err(e),
        }
        let left = limit.left()?;
        let stops = options.intersects(Options::STOPPED | Options::CONTINUED);
        let woken = match left {
            // It has ended, and its status is its tracer's first: that this is over is no event here.
            Some(left) if ended => sys::fd::poll(pidfd, 0, Some(left.at_most(TRACED_NS))),
            // No descriptor becomes readable for a stop.
            Some(left) if stops => match sys::uring::wait(pidfd, flags, left) {
                Err(Errno(libc::ETIME)) => Ok(0),
                done => done.map(|()| 0),
            },
            left => sys::fd::poll(pidfd, libc::POLLIN, left).inspect(|events| ended = *events != 0),
        };
        if let Err(e) = woken {
            // The end itself may have raised the signal (SIGCHLD): it goes before EINTR.
            return match sys::pidfd::wait(pidfd, flags | libc::WNOHANG) {
                Ok(Some(waited)) => own_child(&waited),
                _ => Err(e),
            };
        }
    }
}

fn own_child(waited: &sys::pidfd::Waited) -> Result<Status> {
    Ok(Status {
        change: Change::of_child(waited.code, waited.status).ok_or(Errno(libc::ENODATA))?,
        usage: Some(usage(&waited.usage)),
    })
}

/// How often a zombie that somebody else traces is asked after: ptrace(2) hands its status to its
/// parent when the tracer has taken it, and nobody is told.
const TRACED_NS: i64 = 20_000_000;

pub(crate) fn usage(r: &libc::rusage) -> Usage {
    let time = |t: libc::timeval| {
        Duration::from_secs(t.tv_sec.max(0) as u64)
            .saturating_add(Duration::from_micros(t.tv_usec.max(0) as u64))
    };
    let count = |n: libc::c_long| n.max(0) as u64;
    Usage {
        user: time(r.ru_utime),
        system: time(r.ru_stime),
        // getrusage(2): in KiB.
        max_rss: count(r.ru_maxrss).saturating_mul(1024),
        minor_faults: count(r.ru_minflt),
        major_faults: count(r.ru_majflt),
        blocks_in: count(r.ru_inblock),
        blocks_out: count(r.ru_oublock),
        voluntary_switches: count(r.ru_nvcsw),
        involuntary_switches: count(r.ru_nivcsw),
    }
}

/// A process that is not (or no longer) our child to wait for.
fn of_anybody(pidfd: BorrowedFd<'_>, options: Options, limit: Limit) -> Result<Status> {
    loop {
        let kept = match sys::pidfd::get_info(pidfd, PIDFD_INFO_EXIT) {
            Ok(info) if info.mask & PIDFD_INFO_EXIT != 0 => {
                return Ok(Status::known(decode(info.exit_code)));
            }
            // Not reaped yet; or 6.13 or 6.14, which do not know EXIT and say ESRCH later.
            Ok(_) => true,
            // Reaped (6.13), no such ioctl (before), or out of this pid namespace's sight.
            Err(_) => false,
        };
        if sys::fd::poll(pidfd, libc::POLLIN, sys::fd::NOW)? == 0 {
            if options.intersects(Options::STOPPED | Options::CONTINUED) {
                return Err(Errno(libc::ECHILD));
            }
            sys::fd::poll(pidfd, libc::POLLIN, limit.left()?)?;
            continue;
        }
        if let Some(code) = zombie_exit_code(pidfd) {
            return Ok(Status::known(decode(code)));
        }
        if !kept {
            // The wait may have been overtaken by the reaping: one more look.
            return match sys::pidfd::get_info(pidfd, PIDFD_INFO_EXIT) {
                Ok(info) if info.mask & PIDFD_INFO_EXIT != 0 => Ok(Status::known(decode(info.exit_code))),
                _ => Err(Errno(libc::ENODATA)),
            };
        }
        // Until its parent reaps it, only POLLHUP is news.
        if sys::fd::poll(pidfd, 0, limit.left()?)? & libc::POLLHUP != 0 {
            continue;
        }
    }
}

/// A wait status as wait(2) encodes it.
pub(crate) fn decode(code: i32) -> Change {
    if libc::WIFEXITED(code) {
        Change::Exited(libc::WEXITSTATUS(code))
    } else if libc::WCOREDUMP(code) {
        Change::Dumped(libc::WTERMSIG(code))
    } else {
        Change::Killed(libc::WTERMSIG(code))
    }
}

/// The exit code of a zombie, from the last field of /proc/PID/stat, if the caller may see it.
///
/// proc(5): shown to those who may trace it, 0 to others; so that permission is asked of another
/// file with the same check. What was read is of this process if it is not reaped even after.
fn zombie_exit_code(pidfd: BorrowedFd<'_>) -> Option<i32> {
    let process = Proc::new(pidfd, pid(pidfd).ok()? as u32);
    if process.link(c"ns/user", &mut [0; 32]) == Err(Errno(libc::EACCES)) {
        return None;
    }
    let stat = process.read_small(c"stat", &mut [0; 2048]).ok().and_then(stat)?;
    process.check().ok()?;
    stat.exit_code.filter(|_| matches!(stat.state, b'Z' | b'X'))
}

/// The pid behind a pidfd, in the caller's pid namespace.
///
/// ESRCH: the process is reaped. EREMOTE: it is not in the caller's pid namespace; or, before 6.13, /proc
/// belongs to another pid namespace, where the number means another process. ENOENT: before 6.13, no /proc.
pub(crate) fn pid(pidfd: BorrowedFd<'_>) -> Result<i32> {
    match sys::pidfd::get_info(pidfd, PIDFD_INFO_PID) {
        Ok(info) => return Ok(info.pid as i32),
        Err(e @ Errno(libc::ESRCH | libc::EREMOTE)) => return Err(e),
        Err(_) => {}
    }
    // Before 6.13: the line "Pid:" of its fdinfo; -1 once reaped, 0 outside the namespace. `proc` reads the
    // /proc of the caller's own pid namespace alone.
    let path = Path::new().text(c"thread-self/fdinfo/").number(pidfd.as_raw_fd() as u32);
    let mut buf = [0u8; 512];
    match fdinfo(proc::read_small(path, &mut buf)?).pid {
        Some(pid @ 1..) => Ok(pid),
        Some(-1) => Err(Errno(libc::ESRCH)),
        Some(_) => Err(Errno(libc::EREMOTE)),
        None => Err(Errno(libc::EINVAL)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        assert_eq!(decode(0x300), Change::Exited(3));
        assert_eq!(decode(9), Change::Killed(9));
        assert_eq!(decode(0x8b), Change::Dumped(11));
    }
}
