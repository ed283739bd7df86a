// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Limits, scheduling and memory of a process.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use super::{pid_race, threads};
use crate::sys::manage::{RemoteIoVec, SchedAttr};
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

/// A scheduling policy with its parameters, as [sched_setattr(2)](https://man7.org/linux/man-pages/man2/sched_setattr.2.html)
/// has them. Made by [`Default`], which is `SCHED_OTHER` with nice 0, and changed field by field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scheduler {
    /// `SCHED_OTHER`, `SCHED_BATCH`, `SCHED_IDLE`, `SCHED_FIFO`, `SCHED_RR`, `SCHED_DEADLINE`.
    pub policy: u32,
    /// `SCHED_FLAG_*`.
    pub flags: u64,
    /// Nice value of `SCHED_OTHER` and `SCHED_BATCH`.
    pub nice: i32,
    /// Priority of `SCHED_FIFO` and `SCHED_RR`, 1 to 99.
    pub priority: u32,
    /// Of `SCHED_DEADLINE`, for each thread; the time slice of other policies (6.12).
    pub runtime: Duration,
    /// Of `SCHED_DEADLINE`.
    pub deadline: Duration,
    /// Of `SCHED_DEADLINE`.
    pub period: Duration,
    /// With `SCHED_FLAG_UTIL_CLAMP_MIN`: 0 to 1024.
    pub util_min: u32,
    /// With `SCHED_FLAG_UTIL_CLAMP_MAX`: 0 to 1024.
    pub util_max: u32,
}

/// What the kernel takes. EINVAL: a time, or the nice value, out of its range.
pub(crate) fn sched_attr(scheduler: &Scheduler) -> Result<SchedAttr> {
    let ns = |d: Duration| u64::try_from(d.as_nanos()).map_err(|_| INVALID);
    // The kernel would take a nice value out of its range for the nearest in it.
    if !(-20..=19).contains(&scheduler.nice) {
        return Err(INVALID);
    }
    Ok(SchedAttr {
        size: size_of::<SchedAttr>() as u32,
        policy: scheduler.policy,
        flags: scheduler.flags,
        nice: scheduler.nice,
        priority: scheduler.priority,
        runtime: ns(scheduler.runtime)?,
        deadline: ns(scheduler.deadline)?,
        period: ns(scheduler.period)?,
        util_min: scheduler.util_min,
        util_max: scheduler.util_max,
    })
}

/// The scheduling policy of all threads.
pub(crate) fn set_scheduler(pidfd: BorrowedFd<'_>, scheduler: &Scheduler) -> Result<()> {
    let attr = sched_attr(scheduler)?;
    threads::each(pidfd, |tid| sys::manage::set_scheduler(tid, &attr))
}

/// The mask of some CPUs, in whole words of the kernel. EINVAL: a number beyond all kernels (8,191).
pub(crate) fn cpu_mask(cpus: impl IntoIterator<Item = usize>) -> Result<Vec<u8>> {
    const WORD: usize = size_of::<usize>();
    let mut words = vec![0usize; 1];
    for cpu in cpus {
        if cpu >= 8192 {
            return Err(INVALID);
        }
        let (at, bit) = (cpu / (WORD * 8), cpu % (WORD * 8));
        words.resize(words.len().max(at + 1), 0);
        if let Some(word) = words.get_mut(at) {
            *word |= 1 << bit;
        }
    }
    Ok(words.iter().flat_map(|word| word.to_ne_bytes()).collect())
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

/// oom_score_adj. EPERM: not a process of the caller's; EACCES: below the least it was ever given.
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
    sys::fd::write(file.as_fd(), value.to_string().as_bytes()).map(drop)
}

/// What the kernel is told about memory. None of it changes what the memory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// Needed soon (`MADV_WILLNEED`).
    WillNeed,
    /// Not needed for a while (`MADV_COLD`).
    Cold,
    /// To be written to swap or its file now (`MADV_PAGEOUT`).
    PageOut,
    /// To be gathered into huge pages now (`MADV_COLLAPSE`, 6.1).
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

/// Gives advice about ranges (address, length) of its memory: the bytes advised.
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
    fn masks_of_cpus() {
        let word = |bits: usize| bits.to_ne_bytes().to_vec();
        assert_eq!(cpu_mask([]), Ok(word(0)));
        assert_eq!(cpu_mask([0, 3, 3]), Ok(word(9)));
        assert_eq!(cpu_mask([65]), Ok([word(0), word(2)].concat()));
        assert_eq!(cpu_mask([8191]).map(|mask| mask.len()), Ok(1024));
        assert_eq!(cpu_mask([8192]), Err(INVALID));
    }

    #[test]
    fn only_advice_that_keeps_contents() {
        let known: Vec<_> = (0..200).filter(|&n| Advice::from_raw(n).is_some()).collect();
        assert_eq!(known, [3, 20, 21, 25]);
    }
}
