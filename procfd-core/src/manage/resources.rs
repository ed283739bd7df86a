// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Limits, scheduling and memory of a process.

use std::os::fd::{AsRawFd, BorrowedFd};

use super::{pid_race, threads};
use crate::settings::{Scheduler, sched_attr};
use crate::sys::manage::RemoteIoVec;
use crate::sys::{self, Errno, RLimit64, Result};

const INVALID: Errno = Errno(libc::EINVAL);
/// process_madvise(2): UIO_MAXIOV.
const RANGES_MAX: usize = 1024;

/// A limit: soft and hard, `u64::MAX` for none.
pub(crate) type Limits = (u64, u64);

/// Reads a limit, and sets it.
pub(crate) fn rlimit(pidfd: BorrowedFd<'_>, resource: u32, new: Option<Limits>) -> Result<Limits> {
    if new.is_some_and(|(soft, hard)| soft > hard) {
        return Err(INVALID);
    }
    let new = new.map(|(cur, max)| RLimit64 { cur, max });
    let old = pid_race::by_number(pidfd, |pid| sys::manage::rlimit_of(pid, resource, new))?;
    Ok((old.cur, old.max))
}

/// The nice value of all threads.
pub(crate) fn set_nice(pidfd: BorrowedFd<'_>, nice: i64) -> Result<()> {
    let nice = i32::try_from(nice).ok().filter(|n| (-20..=19).contains(n)).ok_or(INVALID)?;
    threads::each(pidfd, |tid| sys::manage::set_nice(tid, nice))
}

/// The scheduling policy of all threads.
pub(crate) fn set_scheduler(pidfd: BorrowedFd<'_>, scheduler: &Scheduler) -> Result<()> {
    let attr = sched_attr(scheduler)?;
    threads::each(pidfd, |tid| sys::manage::set_scheduler(tid, &attr))
}

/// The CPU affinity of all threads.
pub(crate) fn set_affinity(pidfd: BorrowedFd<'_>, mask: &[u8]) -> Result<()> {
    if mask.is_empty() {
        return Err(INVALID);
    }
    threads::each(pidfd, |tid| sys::manage::set_affinity(tid, mask))
}

/// The I/O priority of all threads.
pub(crate) fn set_ioprio(pidfd: BorrowedFd<'_>, ioprio: u16) -> Result<()> {
    threads::each(pidfd, |tid| sys::manage::set_ioprio(tid, ioprio))
}

/// Sets oom_score_adj. EPERM: the process belongs to another user. EACCES: the value is below the least that it ever
/// had.
pub(crate) fn set_oom_score_adj(pidfd: BorrowedFd<'_>, value: i64) -> Result<()> {
    if !(-1000..=1000).contains(&value) {
        return Err(INVALID);
    }
    pid_race::running(pidfd)?;
    let dir = pid_race::directory(pidfd)?;
    let file = match sys::fd::open_at(dir.as_raw_fd(), c"oom_score_adj", libc::O_WRONLY) {
        Err(Errno(libc::ENOENT)) => Err(Errno(libc::ESRCH)),
        Err(Errno(libc::EACCES)) => Err(Errno(libc::EPERM)),
        opened => opened,
    }?;
    file.write(value.to_string().as_bytes())
}

/// Advice to the kernel about memory. No advice changes the contents of the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// Needed soon (`MADV_WILLNEED`).
    WillNeed,
    /// Not needed for a while (`MADV_COLD`).
    Cold,
    /// Write it to swap or its file now (`MADV_PAGEOUT`).
    PageOut,
    /// Gather it into huge pages now (`MADV_COLLAPSE`, 6.1).
    Collapse,
}

impl Advice {
    /// From `MADV_*`.
    pub(crate) fn from_raw(advice: u32) -> Option<Self> {
        [Self::WillNeed, Self::Cold, Self::PageOut, Self::Collapse]
            .into_iter()
            .find(|known| known.as_raw() as u32 == advice)
    }

    fn as_raw(self) -> i32 {
        match self {
            Self::WillNeed => libc::MADV_WILLNEED,
            Self::Cold => 20,
            Self::PageOut => 21,
            Self::Collapse => 25,
        }
    }
}

/// Gives advice about ranges (address, length) of the process's memory. Returns the number of bytes advised.
pub(crate) fn advise(pidfd: BorrowedFd<'_>, ranges: &[(u64, u64)], advice: Advice) -> Result<usize> {
    if ranges.len() > RANGES_MAX {
        return Err(INVALID);
    }
    if pid_race::has_ended(pidfd)? {
        return Err(Errno(libc::ESRCH));
    }
    let ranges: Vec<_> = ranges.iter().map(|&(address, len)| RemoteIoVec { address, len }).collect();
    sys::manage::advise(pidfd, &ranges, advice.as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_advice_that_keeps_contents() {
        let known: Vec<_> = (0..200).filter(|&n| Advice::from_raw(n).is_some()).collect();
        assert_eq!(known, [3, 20, 21, 25]);
    }
}
