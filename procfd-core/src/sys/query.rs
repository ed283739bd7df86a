// SPDX-License-Identifier: MIT OR Apache-2.0

//! Questions by number. The caller ensures that the pid is still the process's.

use core::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::{Errno, Result, call, vec};

/// A CPU-time clock (linux/posix-timers_types.h).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CpuClock {
    /// User and system time, as sampled by the tick.
    Prof = 0,
    /// User time, as sampled by the tick.
    Virt = 1,
    /// The exact time on processors.
    Sched = 2,
}

/// clock_gettime(2) of a process's (or with `thread`, a thread's) CPU-time clock, in nanoseconds.
/// EINVAL: no such process.
pub(crate) fn cpu_clock(pid: u32, clock: CpuClock, thread: bool) -> Result<u64> {
    let id = (!pid << 3) as i32 | clock as i32 | if thread { 4 } else { 0 };
    let mut ts = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes one timespec, whose 64-bit form is libc's: `ts` on this frame.
    unsafe { call!(SYS_clock_gettime, id, &raw mut ts) }?;
    Ok((ts.tv_sec as u64).saturating_mul(1_000_000_000).saturating_add(ts.tv_nsec as u64))
}

/// A clock of the machine, in nanoseconds (by the vdso).
pub(crate) fn clock_ns(id: i32) -> i64 {
    let mut ts = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: libc writes one timespec: `ts` on this frame. The call cannot fail for the clocks asked here.
    unsafe { libc::clock_gettime(id, &raw mut ts) };
    ts.tv_sec.saturating_mul(1_000_000_000).saturating_add(ts.tv_nsec)
}

/// A number that others do not have: getrandom(2), or the clock where a filter refuses that.
pub(crate) fn random() -> u64 {
    let mut number = 0u64;
    // SAFETY: the kernel writes at most 8 bytes, the size of `number` on this frame.
    let drawn = unsafe { call!(SYS_getrandom, &raw mut number, 8, libc::GRND_NONBLOCK) };
    if drawn == Ok(8) { number } else { clock_ns(libc::CLOCK_MONOTONIC) as u64 }
}

/// USER_HZ and the page size.
pub(crate) fn units() -> (u64, u64) {
    // SAFETY: sysconf takes a number; both are answered from the auxiliary vector.
    let (ticks, page) = unsafe { (libc::sysconf(libc::_SC_CLK_TCK), libc::sysconf(libc::_SC_PAGESIZE)) };
    (ticks.max(1) as u64, page.max(1) as u64)
}

/// ioprio_get(2).
pub(crate) fn io_priority(pid: u32) -> Result<u32> {
    const IOPRIO_WHO_PROCESS: i32 = 1;
    // SAFETY: both arguments are numbers, not addresses.
    unsafe { call!(SYS_ioprio_get, IOPRIO_WHO_PROCESS, pid) }.map(|value| value as u32)
}

/// The core scheduling cookie: PR_SCHED_CORE_GET of one thread (5.14).
pub(crate) fn core_sched_cookie(pid: u32) -> Result<u64> {
    const PR_SCHED_CORE: i32 = 62;
    let mut cookie = 0u64;
    // SAFETY: PR_SCHED_CORE_GET, which is 0, writes one 64-bit word: `cookie` on this frame.
    unsafe { call!(SYS_prctl, PR_SCHED_CORE, 0, pid, 0, &raw mut cookie) }?;
    Ok(cookie)
}

/// PR_GET_SECUREBITS, of the caller.
pub(crate) fn securebits() -> Result<u32> {
    // SAFETY: PR_GET_SECUREBITS takes no argument and returns the bits.
    unsafe { call!(SYS_prctl, libc::PR_GET_SECUREBITS) }.map(|bits| bits as u32)
}

/// getrusage(2) of the caller.
pub(crate) fn own_usage() -> Result<libc::rusage> {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the kernel writes one rusage, whose form is libc's, into `usage` on this frame; all zeroes
    // is a value of it.
    unsafe {
        call!(SYS_getrusage, libc::RUSAGE_SELF, usage.as_mut_ptr())?;
        Ok(usage.assume_init())
    }
}

/// The size that fstatat(2) has of a file.
pub(crate) fn size_at(dir: BorrowedFd<'_>, path: &core::ffi::CStr) -> Result<u64> {
    stat_at(dir, path).map(|st| st.st_size.max(0) as u64)
}

/// fstatat(2).
pub(crate) fn stat_at(dir: BorrowedFd<'_>, path: &core::ffi::CStr) -> Result<libc::stat> {
    let mut st = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: the kernel reads `path` up to its NUL, which CStr guarantees. It writes one `struct stat`, whose 64-bit
    // form is libc's, into `st` on this frame. All zeroes is a value of it.
    unsafe {
        call!(SYS_newfstatat, dir.as_raw_fd(), path.as_ptr(), st.as_mut_ptr(), 0)?;
        Ok(st.assume_init())
    }
}

/// The fields of statx(2) for a file.
pub(crate) struct File {
    /// Type and permissions.
    pub mode: u32,
    pub inode: u64,
    /// The device of its file system, in the form of makedev(3).
    pub device: u64,
    /// The device that a device file names.
    pub rdev: u64,
}

/// statx(2) of a descriptor, which asks no server of a network file system: one that is gone would not answer.
pub(crate) fn file_of(fd: BorrowedFd<'_>) -> Result<File> {
    const AT_STATX_DONT_SYNC: i32 = 0x4000;
    const STATX_TYPE_MODE_INO: u32 = 0x103;
    /// `struct statx` (linux/stat.h).
    #[repr(C)]
    struct Statx {
        head: [u32; 7],
        mode: u16,
        pad: u16,
        ino: u64,
        middle: [u64; 11],
        rdev: [u32; 2],
        dev: [u32; 2],
        tail: [u64; 14],
    }
    let mut st = MaybeUninit::<Statx>::zeroed();
    let (path, flags) = (c"", AT_STATX_DONT_SYNC | libc::AT_EMPTY_PATH);
    // SAFETY: the kernel reads `path`, a literal with its NUL, and writes the 256 bytes of `struct statx`,
    // the size of `st` on this frame; all zeroes is a value of it.
    let st = unsafe {
        call!(SYS_statx, fd.as_raw_fd(), path.as_ptr(), flags, STATX_TYPE_MODE_INO, st.as_mut_ptr())?;
        st.assume_init()
    };
    let device = |[major, minor]: [u32; 2]| libc::makedev(major, minor);
    Ok(File { mode: st.mode.into(), inode: st.ino, device: device(st.dev), rdev: device(st.rdev) })
}

/// sched_getaffinity(2): the kernel's words of the mask, as bytes.
pub(crate) fn affinity(pid: u32) -> Result<Vec<u8>> {
    let (mut words, mut count) = (Vec::new(), 128);
    loop {
        vec::lengthen::<u64>(&mut words, count)?;
        // SAFETY: the kernel writes at most the size that is given, which is that of `words`.
        let done =
            unsafe { call!(SYS_sched_getaffinity, pid, words.len() * size_of::<u64>(), words.as_mut_ptr()) };
        match done {
            // In the byte order of the mask's bits, on either endianness.
            Ok(len) => return vec::collect(words.iter().flat_map(|word| word.to_le_bytes()).take(len)),
            // The kernel's mask is longer.
            Err(Errno(libc::EINVAL)) if words.len() < 1 << 16 => count *= 4,
            Err(e) => return Err(e),
        }
    }
}
