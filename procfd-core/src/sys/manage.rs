// SPDX-License-Identifier: MIT OR Apache-2.0

//! What is done to another process, or with its namespaces.

use std::os::fd::{AsRawFd, BorrowedFd};

use super::{Errno, RLimit64, Result, arch, call};

/// process_mrelease(2), 5.15. The same number everywhere; the libc crate has it on some.
const SYS_PROCESS_MRELEASE: isize = 448;

/// `struct sched_attr` as 5.3 has it (linux/sched/types.h).
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct SchedAttr {
    pub size: u32,
    pub policy: u32,
    pub flags: u64,
    pub nice: i32,
    pub priority: u32,
    pub runtime: u64,
    pub deadline: u64,
    pub period: u64,
    pub util_min: u32,
    pub util_max: u32,
}
const _: () = assert!(size_of::<SchedAttr>() == 56);

impl SchedAttr {
    /// Its bytes, as they lie in memory.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let Self { size, policy, flags, nice, priority, runtime, deadline, period, util_min, util_max } =
            self;
        let mut bytes = Vec::with_capacity(size_of::<Self>());
        [size, policy].iter().for_each(|n| bytes.extend(n.to_ne_bytes()));
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(nice.to_ne_bytes());
        bytes.extend(priority.to_ne_bytes());
        [runtime, deadline, period].iter().for_each(|n| bytes.extend(n.to_ne_bytes()));
        [util_min, util_max].iter().for_each(|n| bytes.extend(n.to_ne_bytes()));
        bytes
    }
}

/// `struct iovec` with an address of another process.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct RemoteIoVec {
    pub address: u64,
    pub len: u64,
}
const _: () = assert!(size_of::<RemoteIoVec>() == size_of::<libc::iovec>());

/// prlimit(2) of a process by its number: the limit before.
pub(crate) fn rlimit_of(pid: i32, resource: u32, new: Option<RLimit64>) -> Result<RLimit64> {
    let mut old = RLimit64 { cur: 0, max: 0 };
    let new = new.as_ref().map_or(core::ptr::null(), |limit| &raw const *limit);
    // SAFETY: the kernel reads `new`, which is NULL or the limit on the frame, and writes `old` on the frame.
    unsafe { call!(SYS_prlimit64, pid, resource, new, &raw mut old) }?;
    Ok(old)
}

/// setpriority(2) of one thread.
pub(crate) fn set_nice(tid: i32, nice: i32) -> Result<()> {
    // SAFETY: the three arguments are numbers, not addresses.
    unsafe { call!(SYS_setpriority, libc::PRIO_PROCESS, tid, nice) }.map(drop)
}

/// sched_setattr(2) of one thread.
pub(crate) fn set_scheduler(tid: i32, attr: &SchedAttr) -> Result<()> {
    let mut attr = SchedAttr { size: size_of::<SchedAttr>() as u32, ..*attr };
    // SAFETY: the kernel reads as many bytes as `attr.size` says, which is its size; where its own
    // structure is another it writes that size into the first word, which is why `attr` is mutable.
    unsafe { call!(SYS_sched_setattr, tid, &raw mut attr, 0) }.map(drop)
}

/// sched_setaffinity(2) of one thread.
pub(crate) fn set_affinity(tid: i32, mask: &[u8]) -> Result<()> {
    // SAFETY: the kernel reads at most `mask.len()` bytes, of a slice borrowed for the call.
    unsafe { call!(SYS_sched_setaffinity, tid, mask.len(), mask.as_ptr()) }.map(drop)
}

/// ioprio_set(2) of one thread.
pub(crate) fn set_ioprio(tid: i32, ioprio: u16) -> Result<()> {
    const IOPRIO_WHO_PROCESS: i32 = 1;
    // SAFETY: the three arguments are numbers, not addresses.
    unsafe { call!(SYS_ioprio_set, IOPRIO_WHO_PROCESS, tid, ioprio) }.map(drop)
}

/// setns(2) by a namespace file, or by a pidfd with several flags (5.8).
pub(crate) fn set_namespaces(fd: BorrowedFd<'_>, flags: u64) -> Result<()> {
    // SAFETY: both arguments are numbers, not addresses.
    unsafe { call!(SYS_setns, fd.as_raw_fd(), flags) }.map(drop)
}

/// process_madvise(2), 5.10: the bytes advised. Only for advice that leaves contents as they are.
pub(crate) fn advise(pidfd: BorrowedFd<'_>, ranges: &[RemoteIoVec], advice: i32) -> Result<usize> {
    // SAFETY: the kernel reads the slice, borrowed for the call. The addresses in it are those of another
    // process; should the pidfd be the caller's own, the caller owes advice that changes no byte.
    unsafe { call!(SYS_process_madvise, pidfd.as_raw_fd(), ranges.as_ptr(), ranges.len(), advice, 0) }
}

/// process_mrelease(2), 5.15.
pub(crate) fn release_memory(pidfd: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: both arguments are numbers. The kernel only releases memory of a process that a SIGKILL is
    // ending, and refuses any other with EINVAL.
    Errno::check(unsafe { arch::raw(SYS_PROCESS_MRELEASE, [pidfd.as_raw_fd() as usize, 0, 0, 0, 0, 0]) })
        .map(drop)
}
