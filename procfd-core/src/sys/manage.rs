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
    // SAFETY: `new` is NULL or outlives the call, `old` does.
    unsafe { call!(SYS_prlimit64, pid, resource, new, &raw mut old) }?;
    Ok(old)
}

/// setpriority(2) of one thread.
pub(crate) fn set_nice(tid: i32, nice: i32) -> Result<()> {
    // SAFETY: plain numbers.
    unsafe { call!(SYS_setpriority, libc::PRIO_PROCESS, tid, nice) }.map(drop)
}

/// sched_setattr(2) of one thread.
pub(crate) fn set_scheduler(tid: i32, attr: &SchedAttr) -> Result<()> {
    let mut attr = SchedAttr { size: size_of::<SchedAttr>() as u32, ..*attr };
    // SAFETY: the structure says its size; where the kernel's is another it writes its own there.
    unsafe { call!(SYS_sched_setattr, tid, &raw mut attr, 0) }.map(drop)
}

/// sched_setaffinity(2) of one thread.
pub(crate) fn set_affinity(tid: i32, mask: &[u8]) -> Result<()> {
    // SAFETY: the kernel reads at most `mask.len()` bytes.
    unsafe { call!(SYS_sched_setaffinity, tid, mask.len(), mask.as_ptr()) }.map(drop)
}

/// ioprio_set(2) of one thread.
pub(crate) fn set_ioprio(tid: i32, ioprio: u16) -> Result<()> {
    const IOPRIO_WHO_PROCESS: i32 = 1;
    // SAFETY: plain numbers.
    unsafe { call!(SYS_ioprio_set, IOPRIO_WHO_PROCESS, tid, ioprio) }.map(drop)
}

/// setns(2) by a namespace file, or by a pidfd with several flags (5.8).
pub(crate) fn set_namespaces(fd: BorrowedFd<'_>, flags: u64) -> Result<()> {
    // SAFETY: plain numbers.
    unsafe { call!(SYS_setns, fd.as_raw_fd(), flags) }.map(drop)
}

/// process_madvise(2), 5.10: the bytes advised. Only for advice that leaves contents as they are.
pub(crate) fn advise(pidfd: BorrowedFd<'_>, ranges: &[RemoteIoVec], advice: i32) -> Result<usize> {
    // SAFETY: the array outlives the call; its addresses are only names of another's memory, or of the
    // caller's own, of which by the contract above no byte changes.
    unsafe { call!(SYS_process_madvise, pidfd.as_raw_fd(), ranges.as_ptr(), ranges.len(), advice, 0) }
}

/// process_mrelease(2), 5.15.
pub(crate) fn release_memory(pidfd: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: plain numbers; the memory is that of a process that SIGKILL is ending.
    Errno::check(unsafe { arch::raw(SYS_PROCESS_MRELEASE, [pidfd.as_raw_fd() as usize, 0, 0, 0, 0, 0]) })
        .map(drop)
}
