// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! A scheduling policy and a set of CPUs, as the kernel takes them.

use std::time::Duration;

use crate::sys::manage::SchedAttr;
use crate::sys::{Errno, Result};

const INVALID: Errno = Errno(libc::EINVAL);

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

/// The value in the kernel's form. EINVAL: a time, or the nice value, out of its range.
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
}
