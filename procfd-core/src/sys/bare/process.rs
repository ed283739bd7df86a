// SPDX-License-Identifier: MIT OR Apache-2.0

//! Processes: ids, signals, waiting, limits, capabilities, exec and exit.

use core::ffi::CStr;
use core::ptr::null;

use super::{EINVAL, Errno, RLimit64, Result, SignalInfo, Waited, call};

pub(crate) const SIGKILL: i32 = 9;
pub(crate) const SIGCHLD: i32 = 17;
pub(crate) const SIGCONT: i32 = 18;

pub(crate) const WEXITED: i32 = 4;
pub(crate) const WNOHANG: i32 = 1;
pub(crate) const WNOWAIT: i32 = 0x0100_0000;
/// Children of any kind. wait(2)
pub(crate) const WALL: i32 = 0x4000_0000;
/// Only children that send something else than SIGCHLD. wait(2)
pub(crate) const WCLONE: i32 = -0x8000_0000;
pub(crate) const P_ALL: i32 = 0;
pub(crate) const P_PID: i32 = 1;
pub(crate) const P_PIDFD: i32 = 3;

pub(crate) const CAP_DAC_OVERRIDE: u32 = 1;
pub(crate) const CAP_KILL: u32 = 5;

/// exit_group(2).
#[inline(always)]
pub(crate) fn exit(code: i32) -> ! {
    loop {
        // SAFETY: the argument is a number; the call ends the process, so nothing runs on after it.
        let _ = unsafe { call!(SYS_exit_group, code) };
    }
}

/// unshare(CLONE_FILES): a descriptor table of one's own.
pub(crate) fn unshare_files() -> Result<()> {
    // SAFETY: the argument is a flag, not an address.
    unsafe { call!(SYS_unshare, super::CLONE_FILES) }.map(drop)
}

/// setsid(2).
pub(crate) fn setsid() -> Result<()> {
    // SAFETY: the call takes no argument.
    unsafe { call!(SYS_setsid) }.map(drop)
}

/// setpgid(2).
pub(crate) fn setpgid(pid: i32, group: i32) -> Result<()> {
    // SAFETY: both arguments are pids, not addresses.
    unsafe { call!(SYS_setpgid, pid, group) }.map(drop)
}

/// getpid(2).
pub(crate) fn getpid() -> i32 {
    // SAFETY: the call takes no argument.
    unsafe { call!(SYS_getpid) }.map_or(0, |pid| pid as i32)
}

/// The real, effective and saved user id.
pub(crate) fn user_ids() -> [u32; 3] {
    let mut ids = [u32::MAX; 3];
    let at = ids.as_mut_ptr();
    // SAFETY: the kernel writes one word at each of three addresses, all within the array `ids`.
    let _ = unsafe { call!(SYS_getresuid, at, at.add(1), at.add(2)) };
    ids
}

/// kill(2).
pub(crate) fn kill(pid: i32, signal: i32) -> Result<()> {
    // SAFETY: both arguments are numbers, not addresses.
    unsafe { call!(SYS_kill, pid, signal) }.map(drop)
}

/// Queues a signal with the value and the sender that came with it. rt_sigqueueinfo(2)
pub(crate) fn requeue(pid: i32, from: &SignalInfo) -> Result<()> {
    // siginfo_t of SI_QUEUE: signal, errno, code, padding, pid, uid, value.
    let mut info = [0u32; 32];
    info[0] = from.signo;
    info[2] = from.code as u32;
    info[4] = from.pid;
    info[5] = from.uid;
    info[6] = from.value as u32;
    info[7] = (from.value >> 32) as u32;
    // SAFETY: the kernel reads a siginfo_t of 128 bytes, which is the size of the array `info`.
    unsafe { call!(SYS_rt_sigqueueinfo, pid, from.signo, info.as_ptr()) }.map(drop)
}

/// The name that `ps -o comm` shows.
pub(crate) fn set_name(name: &CStr) {
    const PR_SET_NAME: usize = 15;
    // SAFETY: the kernel reads at most 16 bytes of `name`, up to its NUL, which CStr guarantees.
    let _ = unsafe { call!(SYS_prctl, PR_SET_NAME, name.as_ptr()) };
}

/// SCHED_BATCH instead of SCHED_OTHER; another policy stays. sched(7)
pub(crate) fn be_batch() {
    const SCHED_OTHER: usize = 0;
    const SCHED_BATCH: u32 = 3;
    let priority = 0i32;
    // SAFETY: sched_getscheduler takes a pid; sched_setscheduler reads one `struct sched_param`, which is
    // an int: `priority` on this frame.
    unsafe {
        if call!(SYS_sched_getscheduler, 0) == Ok(SCHED_OTHER) {
            let _ = call!(SYS_sched_setscheduler, 0, SCHED_BATCH, &raw const priority);
        }
    }
}

/// Sets the signal mask; answers what it was.
pub(crate) fn set_mask(mask: u64) -> Result<u64> {
    const SIG_SETMASK: usize = 2;
    let mut before = 0u64;
    // SAFETY: the kernel reads 8 bytes of `mask` and writes 8 bytes of `before`, both on this frame.
    unsafe { call!(SYS_rt_sigprocmask, SIG_SETMASK, &raw const mask, &raw mut before, 8) }?;
    Ok(before)
}

/// Gives a signal its default action.
pub(crate) fn default_action(signal: i32) {
    // Handler, flags, restorer (x86_64) and mask: all zero is SIG_DFL everywhere.
    let action = [0u64; 4];
    // SAFETY: the kernel reads a `struct sigaction` of at most 32 bytes, the size of `action`, which names no
    // handler; the old action is NULL.
    let _ = unsafe { call!(SYS_rt_sigaction, signal, &raw const action, 0, 8) };
}

/// pidfd_open(2), Linux 5.3.
pub(crate) fn pidfd_open(pid: i32) -> Result<i32> {
    // SAFETY: both arguments are numbers, not addresses.
    unsafe { call!(SYS_pidfd_open, pid, 0) }.map(|fd| fd as i32)
}

/// pidfd_send_signal(2); `flags` is the scope (Linux 6.9), 0 is the process.
pub(crate) fn pidfd_signal(pidfd: i32, signal: i32, flags: u32) -> Result<()> {
    // SAFETY: the siginfo is NULL; the others are numbers, not addresses.
    unsafe { call!(SYS_pidfd_send_signal, pidfd, signal, 0, flags) }.map(drop)
}

/// waitid(2). With WNOHANG and nothing to tell, `pid` of the answer is 0.
pub(crate) fn wait(kind: i32, id: i32, options: i32) -> Result<Waited> {
    let mut info = Waited::default();
    // SAFETY: the kernel writes a siginfo_t of 128 bytes, the size of `info` on this frame; the usage is NULL.
    unsafe { call!(SYS_waitid, kind, id, &raw mut info, options, 0) }?;
    Ok(info)
}

/// prlimit(RLIMIT_NOFILE) of the caller: the limit before.
pub(crate) fn limit_descriptors(new: Option<&RLimit64>) -> Result<RLimit64> {
    const RLIMIT_NOFILE: u32 = 7;
    let mut old = RLimit64::default();
    let new = new.map_or(null(), core::ptr::from_ref);
    // SAFETY: `new` is NULL or points to the caller's borrowed limit, which the kernel reads; it writes `old`
    // on this frame.
    unsafe { call!(SYS_prlimit64, 0, RLIMIT_NOFILE, new, &raw mut old) }?;
    Ok(old)
}

/// prlimit(RLIMIT_FSIZE) of the caller: none with CAP_SYS_RESOURCE, else the hard limit.
#[inline(always)]
pub(crate) fn lift_file_size() {
    const RLIMIT_FSIZE: u32 = 1;
    let mut limit = RLimit64 { cur: u64::MAX, max: u64::MAX };
    // SAFETY: the kernel reads the limit on this frame; the old one is not asked for.
    if unsafe { call!(SYS_prlimit64, 0, RLIMIT_FSIZE, &raw const limit, null::<RLimit64>()) }.is_ok() {
        return;
    }
    // SAFETY: the kernel writes the limit on this frame; no new one is given.
    if unsafe { call!(SYS_prlimit64, 0, RLIMIT_FSIZE, null::<RLimit64>(), &raw mut limit) }.is_ok() {
        limit.cur = limit.max;
        // SAFETY: as for the first call.
        let _ = unsafe { call!(SYS_prlimit64, 0, RLIMIT_FSIZE, &raw const limit, null::<RLimit64>()) };
    }
}

/// signalfd4(2), close-on-exec and non-blocking.
pub(crate) fn signalfd(mask: u64) -> Result<i32> {
    const CLOEXEC_NONBLOCK: u32 = 0o2_000_000 | 0o4000;
    // SAFETY: the kernel reads 8 bytes of `mask`, on this frame.
    unsafe { call!(SYS_signalfd4, -1isize, &raw const mask, 8, CLOEXEC_NONBLOCK) }.map(|fd| fd as i32)
}

/// Takes the next signal of a signalfd. EAGAIN: none is pending; EINVAL: a part of one.
pub(crate) fn next_signal(signalfd: i32) -> Result<SignalInfo> {
    let mut info = SignalInfo::default();
    // SAFETY: the kernel writes at most 128 bytes, the size of `info`, all of whose fields are integers.
    let len = unsafe { call!(SYS_read, signalfd, &raw mut info, size_of::<SignalInfo>()) }?;
    if len == size_of::<SignalInfo>() { Ok(info) } else { Err(EINVAL) }
}

/// execveat(AT_EMPTY_PATH) of the file behind `fd`. Comes back only with an error.
///
/// # Safety
///
/// `argv` and `envp` are arrays of strings that end with NULL.
pub(crate) unsafe fn execute_fd(fd: i32, argv: *const *const u8, envp: *const *const u8) -> Errno {
    const AT_EMPTY_PATH: u32 = 0x1000;
    // SAFETY: the caller owes both arrays and their strings; the path is a literal with its NUL.
    match unsafe { call!(SYS_execveat, fd, c"".as_ptr(), argv, envp, AT_EMPTY_PATH) } {
        Ok(_) => EINVAL,
        Err(e) => e,
    }
}

/// chdir(2).
pub(crate) fn chdir(path: &CStr) -> Result<()> {
    // SAFETY: the kernel reads `path` up to its NUL, which CStr guarantees.
    unsafe { call!(SYS_chdir, path.as_ptr()) }.map(drop)
}

/// The effective capabilities of a process (0: the caller). capget(2), two words since version 3.
pub(crate) fn effective_capabilities(pid: i32) -> Result<u64> {
    let (_, data) = capabilities(pid)?;
    Ok(u64::from(data[0]) | (u64::from(data[3]) << 32))
}

pub(crate) fn capabilities(pid: i32) -> Result<([u32; 2], [u32; 6])> {
    const VERSION_3: u32 = 0x2008_0522;
    let mut header = [VERSION_3, pid as u32];
    let mut data = [0u32; 6];
    // SAFETY: version 3 makes the kernel read and write a header of two words, which is `header`, and
    // write two sets of three words, which is `data`.
    unsafe { call!(SYS_capget, header.as_mut_ptr(), data.as_mut_ptr()) }?;
    Ok((header, data))
}

/// Gives up a capability of the first word for good.
pub(crate) fn drop_capability(which: u32) -> Result<()> {
    let (header, mut data) = capabilities(0)?;
    for word in data.iter_mut().take(3) {
        *word &= !(1 << which);
    }
    // SAFETY: version 3 makes the kernel read a header of two words and two sets of three words.
    unsafe { call!(SYS_capset, header.as_ptr(), data.as_ptr()) }.map(drop)
}
