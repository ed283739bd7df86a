// SPDX-License-Identifier: MIT OR Apache-2.0

//! Processes: what one is, signals, waiting, cloning.

use core::ffi::CStr;
use core::ptr::null;

use super::{EINVAL, Errno, RLimit, Result, call, check, nr, raw};

pub(crate) const SIGKILL: i32 = 9;
pub(crate) const SIGCHLD: i32 = 17;

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

pub(crate) const CAP_KILL: u32 = 5;

/// `siginfo_t` as waitid(2) fills it.
#[derive(Clone, Copy, Default)]
#[repr(C, align(8))]
pub(crate) struct Waited {
    pub(crate) signo: i32,
    pub(crate) errno: i32,
    pub(crate) code: i32,
    _pad: i32,
    pub(crate) pid: i32,
    pub(crate) uid: u32,
    pub(crate) status: i32,
    _rest: [u32; 25],
}

/// `struct signalfd_siginfo`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct SignalInfo {
    pub(crate) signo: u32,
    pub(crate) errno: i32,
    pub(crate) code: i32,
    pub(crate) pid: u32,
    pub(crate) uid: u32,
    _fd: i32,
    _tid: u32,
    _band: u32,
    _overrun: u32,
    _trap: u32,
    _status: i32,
    _int: i32,
    pub(crate) value: u64,
    _rest: [u64; 9],
}

const _: () = {
    assert!(size_of::<Waited>() == 128);
    assert!(size_of::<SignalInfo>() == 128);
};

pub(crate) fn setsid() -> Result<()> {
    // SAFETY: no arguments.
    unsafe { call!(nr::SETSID) }.map(drop)
}

pub(crate) fn setpgid(pid: i32, group: i32) -> Result<()> {
    // SAFETY: numbers.
    unsafe { call!(nr::SETPGID, pid, group) }.map(drop)
}

pub(crate) fn getpid() -> i32 {
    // SAFETY: no arguments.
    unsafe { call!(nr::GETPID) }.map_or(0, |pid| pid as i32)
}

/// The real, effective and saved user id.
pub(crate) fn user_ids() -> [u32; 3] {
    let mut ids = [u32::MAX; 3];
    let at = ids.as_mut_ptr();
    // SAFETY: three numbers, in the order of the array.
    let _ = unsafe { call!(nr::GETRESUID, at, at.add(1), at.add(2)) };
    ids
}

pub(crate) fn kill(pid: i32, signal: i32) -> Result<()> {
    // SAFETY: numbers.
    unsafe { call!(nr::KILL, pid, signal) }.map(drop)
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
    // SAFETY: 128 bytes, the size of siginfo_t.
    unsafe { call!(nr::RT_SIGQUEUEINFO, pid, from.signo, info.as_ptr()) }.map(drop)
}

/// What `ps -o comm` shows.
pub(crate) fn set_name(name: &CStr) {
    const PR_SET_NAME: usize = 15;
    // SAFETY: a string with a NUL, of which the kernel takes 15 bytes.
    let _ = unsafe { call!(nr::PRCTL, PR_SET_NAME, name.as_ptr()) };
}

/// SCHED_BATCH instead of SCHED_OTHER; another policy stays. sched(7)
pub(crate) fn be_batch() {
    const SCHED_OTHER: usize = 0;
    const SCHED_BATCH: u32 = 3;
    let priority = 0i32;
    // SAFETY: the kernel reads one number.
    unsafe {
        if call!(nr::SCHED_GETSCHEDULER, 0) == Ok(SCHED_OTHER) {
            let _ = call!(nr::SCHED_SETSCHEDULER, 0, SCHED_BATCH, &raw const priority);
        }
    }
}

/// Sets the signal mask; answers what it was.
pub(crate) fn set_mask(mask: u64) -> Result<u64> {
    const SIG_SETMASK: usize = 2;
    let mut before = 0u64;
    // SAFETY: both words outlive the call; 8 is the kernel's size of a signal set.
    unsafe { call!(nr::RT_SIGPROCMASK, SIG_SETMASK, &raw const mask, &raw mut before, 8) }?;
    Ok(before)
}

/// Gives a signal its default action.
pub(crate) fn default_action(signal: i32) {
    // Handler, flags, restorer (x86_64) and mask: all zero is SIG_DFL everywhere.
    let action = [0u64; 4];
    // SAFETY: at least as long as the kernel's struct sigaction.
    let _ = unsafe { call!(nr::RT_SIGACTION, signal, &raw const action, 0, 8) };
}

pub(crate) fn pidfd_open(pid: i32) -> Result<i32> {
    // SAFETY: numbers.
    unsafe { call!(nr::PIDFD_OPEN, pid, 0) }.map(|fd| fd as i32)
}

/// pidfd_send_signal(2); `flags` is the scope (Linux 6.9), 0 is the process.
pub(crate) fn pidfd_signal(pidfd: i32, signal: i32, flags: u32) -> Result<()> {
    // SAFETY: no siginfo is given.
    unsafe { call!(nr::PIDFD_SEND_SIGNAL, pidfd, signal, 0, flags) }.map(drop)
}

/// waitid(2). With WNOHANG and nothing to tell, `pid` of the answer is 0.
pub(crate) fn wait(kind: i32, id: i32, options: i32) -> Result<Waited> {
    let mut info = Waited::default();
    // SAFETY: the structure is as long as siginfo_t.
    unsafe { call!(nr::WAITID, kind, id, &raw mut info, options, 0) }?;
    Ok(info)
}

pub(crate) fn limit_descriptors(new: Option<&RLimit>) -> Result<RLimit> {
    const RLIMIT_NOFILE: u32 = 7;
    let mut old = RLimit::default();
    let new = new.map_or(null(), core::ptr::from_ref);
    // SAFETY: both structures outlive the call; NULL is allowed.
    unsafe { call!(nr::PRLIMIT64, 0, RLIMIT_NOFILE, new, &raw mut old) }?;
    Ok(old)
}

pub(crate) fn signalfd(mask: u64) -> Result<i32> {
    const CLOEXEC_NONBLOCK: u32 = 0o2_000_000 | 0o4000;
    // SAFETY: the mask outlives the call.
    unsafe { call!(nr::SIGNALFD4, -1isize, &raw const mask, 8, CLOEXEC_NONBLOCK) }.map(|fd| fd as i32)
}

/// execveat(2) of the file behind `fd`. Comes back only with an error.
///
/// # Safety
///
/// `argv` and `envp` are arrays of strings that end with NULL.
pub(crate) unsafe fn execute_fd(fd: i32, argv: *const *const u8, envp: *const *const u8) -> Errno {
    const AT_EMPTY_PATH: u32 = 0x1000;
    // SAFETY: the caller owes the arrays; the path is the empty string.
    match unsafe { call!(nr::EXECVEAT, fd, c"".as_ptr(), argv, envp, AT_EMPTY_PATH) } {
        Ok(_) => EINVAL,
        Err(e) => e,
    }
}

pub(crate) fn chdir(path: &CStr) -> Result<()> {
    // SAFETY: a string with a NUL.
    unsafe { call!(nr::CHDIR, path.as_ptr()) }.map(drop)
}

/// The effective capabilities of a process (0: the caller). capget(2), two words since version 3.
pub(crate) fn effective_capabilities(pid: i32) -> Result<u64> {
    let (_, data) = capabilities(pid)?;
    Ok(u64::from(data[0]) | (u64::from(data[3]) << 32))
}

fn capabilities(pid: i32) -> Result<([u32; 2], [u32; 6])> {
    const VERSION_3: u32 = 0x2008_0522;
    let mut header = [VERSION_3, pid as u32];
    let mut data = [0u32; 6];
    // SAFETY: version 3 has a header of two words and two sets of three words.
    unsafe { call!(nr::CAPGET, header.as_mut_ptr(), data.as_mut_ptr()) }?;
    Ok((header, data))
}

/// Gives up a capability of the first word for good.
pub(crate) fn drop_capability(which: u32) -> Result<()> {
    let (header, mut data) = capabilities(0)?;
    for word in data.iter_mut().take(3) {
        *word &= !(1 << which);
    }
    // SAFETY: as in `capabilities`.
    unsafe { call!(nr::CAPSET, header.as_ptr(), data.as_ptr()) }.map(drop)
}

/// What a cloned child runs. It never returns: there is no frame above it.
pub(crate) type Entry = unsafe extern "C" fn(*const u8) -> !;

pub(crate) const CLONE_VM: usize = 0x100;
pub(crate) const CLONE_FILES: usize = 0x400;
pub(crate) const CLONE_PIDFD: usize = 0x1000;
pub(crate) const CLONE_VFORK: usize = 0x4000;

/// clone(2) whose child runs `entry(arg)` on the stack that ends at `top`. The old call, since it
/// takes all that is needed here and container filters let it pass.
///
/// # Safety
///
/// With `CLONE_VM`, `entry` is fit for memory that it shares, `arg` and the stack live until the
/// child has executed or ended, and `top` is aligned to 16. `pidfd` is writable or NULL.
#[inline(never)]
pub(crate) unsafe fn clone(
    flags: usize,
    top: *mut u8,
    pidfd: *mut i32,
    entry: Entry,
    arg: *const u8,
) -> Result<i32> {
    let ret: isize;
    // SAFETY: in the parent a plain system call. The child starts with a fresh stack pointer,
    // touches no frame of the parent's and leaves for `entry` at once.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        core::arch::asm!(
            "syscall", "test rax, rax", "jnz 2f",
            "xor ebp, ebp", "mov rdi, r12", "call r13", "ud2",
            "2:",
            inlateout("rax") nr::CLONE => ret,
            in("rdi") flags, in("rsi") top, in("rdx") pidfd, in("r10") 0usize, in("r8") 0usize,
            in("r12") arg, in("r13") entry, lateout("rcx") _, lateout("r11") _,
        );
        #[cfg(target_arch = "aarch64")]
        core::arch::asm!(
            "svc 0", "cbnz x0, 2f",
            "mov x29, xzr", "mov x30, xzr", "mov x0, x20", "blr x21", "brk 1",
            "2:",
            in("x8") nr::CLONE, inlateout("x0") flags => ret,
            in("x1") top, in("x2") pidfd, in("x3") 0usize, in("x4") 0usize,
            in("x20") arg, in("x21") entry,
        );
        #[cfg(target_arch = "riscv64")]
        core::arch::asm!(
            "ecall", "bnez a0, 2f",
            "mv a0, s2", "jalr s3", "unimp",
            "2:",
            in("a7") nr::CLONE, inlateout("a0") flags => ret,
            in("a1") top, in("a2") pidfd, in("a3") 0usize, in("a4") 0usize,
            in("s2") arg, in("s3") entry,
        );
    }
    check(ret).map(|pid| pid as i32)
}
