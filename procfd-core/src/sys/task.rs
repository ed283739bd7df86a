// SPDX-License-Identifier: MIT OR Apache-2.0

//! The calling process and its threads: ids, capabilities, signal masks, limits, dumpable; its children by pid.

use core::cell::Cell;
use core::marker::PhantomData;
use std::sync::atomic::{AtomicU32, Ordering};

use super::bare;
use super::{RLimit64, Result, call};

pub(crate) use super::number::has_threads;

/// getpid(2); not cached, so a forked child knows itself.
pub(crate) fn pid() -> i32 {
    bare::getpid()
}

/// getpgid(2).
pub(crate) fn group_of(pid: i32) -> Result<i32> {
    // SAFETY: the argument is a pid, not an address.
    unsafe { call!(SYS_getpgid, pid) }.map(|group| group as i32)
}

/// setpgid(2).
pub(crate) fn set_group(pid: i32, group: i32) -> Result<()> {
    bare::setpgid(pid, group)
}

/// Whether a process has the same memory as the caller: kcmp(2). `None`: nothing tells, as where a filter refuses it.
pub(crate) fn shares_memory(pid: i32) -> Option<bool> {
    const KCMP_VM: i32 = 1;
    // SAFETY: all arguments are numbers, not addresses.
    unsafe { call!(SYS_kcmp, self::pid(), pid, KCMP_VM, 0, 0) }.ok().map(|order| order == 0)
}

/// Between two looks at what a child is about to do. A yield lets a child on the same CPU go on only if it is in the same
/// scheduling group and of the same policy; a new session and another cgroup are other groups. So this sleeps after some
/// yields.
pub(crate) fn pause(tried: u32) {
    const YIELDS: u32 = 2;
    match tried {
        0..YIELDS => std::thread::yield_now(),
        _ => super::fd::sleep(core::time::Duration::from_micros(10)),
    }
}

/// kill(2), for a child that is known not to be reaped.
pub(crate) fn kill_child(pid: i32, signal: i32) {
    let _ = bare::kill(pid, signal);
}

/// waitid(P_PID) of such a child, which is ending.
pub(crate) fn reap_child(pid: i32) {
    while bare::wait(bare::P_PID, pid, bare::WEXITED | bare::WALL).err() == Some(bare::EINTR) {}
}

/// Whether a child has ended. ECHILD: it is reaped, or no child.
pub(crate) fn child_has_ended(pid: i32) -> Result<bool> {
    let look = bare::WEXITED | libc::WNOHANG | libc::WNOWAIT | bare::WALL;
    bare::wait(bare::P_PID, pid, look).map(|waited| waited.pid != 0)
}

/// Takes the report of a child's stop, if there is one.
pub(crate) fn take_stop(pid: i32) -> Result<bool> {
    let look = libc::WSTOPPED | libc::WNOHANG | bare::WALL;
    bare::wait(bare::P_PID, pid, look).map(|waited| waited.pid != 0)
}

/// Whether such a child has not executed: waitid(P_PID) sees it only with __WALL, since its exit signal is not SIGCHLD.
pub(crate) fn child_never_executed(pid: i32) -> bool {
    let look = bare::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    bare::wait(bare::P_PID, pid, look).err() == Some(bare::ECHILD)
        && bare::wait(bare::P_PID, pid, look | bare::WALL).is_ok()
}

/// geteuid(2) and getegid(2).
pub(crate) fn effective_ids() -> (u32, u32) {
    // SAFETY: both calls take no argument and cannot fail.
    unsafe { (libc::geteuid(), libc::getegid()) }
}

/// The effective, permitted and inheritable capabilities of this thread (capget(2)), one bit each.
pub(crate) fn capabilities() -> [u64; 3] {
    let (_, data) = bare::capabilities(0).unwrap_or_default();
    [0, 1, 2].map(|set| u64::from(data[set]) | (u64::from(data[set + 3]) << 32))
}

/// Whether this thread has no_new_privs.
pub(crate) fn no_new_privs() -> bool {
    // SAFETY: the arguments are numbers.
    unsafe { call!(SYS_prctl, libc::PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) }.is_ok_and(|on| on == 1)
}

/// Whether the kernel is older than this version.
pub(crate) fn kernel_is_before(major: u32, minor: u32) -> bool {
    // SAFETY: all zeroes is a value of `utsname`, an array of bytes.
    let mut names: libc::utsname = unsafe { core::mem::zeroed() };
    // SAFETY: the kernel writes one `struct utsname`, whose form is libc's: `names` on this frame.
    if unsafe { call!(SYS_uname, &raw mut names) }.is_err() {
        return true;
    }
    let text = names.release.map(|byte| byte as u8);
    let mut numbers = text.split(|byte| !byte.is_ascii_digit()).map(|digits| {
        digits.iter().fold(0u32, |n, digit| n.saturating_mul(10).saturating_add(u32::from(digit - b'0')))
    });
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    version < (major, minor)
}

/// The version of Landlock; 0 where the kernel lacks it or does not enable it, and where a filter refuses it.
pub(crate) fn landlock_abi() -> u32 {
    const LANDLOCK_CREATE_RULESET_VERSION: u32 = 1;
    // SAFETY: the arguments are numbers.
    let abi = unsafe { call!(SYS_landlock_create_ruleset, 0, 0, LANDLOCK_CREATE_RULESET_VERSION) };
    abi.map_or(0, |abi| u32::try_from(abi).unwrap_or(0))
}

/// The highest number of a capability that the kernel has; asked once.
pub(crate) fn last_capability() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let known = |number: &u32| {
        // SAFETY: the arguments are numbers.
        unsafe { call!(SYS_prctl, libc::PR_CAPBSET_READ, *number, 0, 0, 0) }.is_ok()
    };
    match LAST.load(Ordering::Relaxed) {
        0 => {
            // CAP_CHECKPOINT_RESTORE, the last of 5.9, where a filter refuses to say.
            let last = (0..63).rev().find(known).unwrap_or(40);
            LAST.store(last, Ordering::Relaxed);
            last
        }
        last => last,
    }
}

/// The effective capabilities (capget(2)), one bit each.
pub(crate) fn effective_capabilities() -> u64 {
    bare::effective_capabilities(0).unwrap_or(0)
}

/// The answer of [`in_initial_user_namespace`]; 0 before there is one.
static IN_INITIAL_USER_NAMESPACE: AtomicU32 = AtomicU32::new(0);

/// The process has entered another user namespace.
pub(crate) fn forget_user_namespace() {
    IN_INITIAL_USER_NAMESPACE.store(0, Ordering::Relaxed);
}

/// Whether the caller is in the initial user namespace, whose id map is the identity. Remembered: a
/// process changes its user namespace at its start if ever, or by `PROC_SETNS`.
pub(crate) fn in_initial_user_namespace() -> bool {
    match IN_INITIAL_USER_NAMESPACE.load(Ordering::Relaxed) {
        0 => {}
        known => return known == 1,
    }
    let mut buf = [0u8; 64];
    let len = super::fd::read_small(libc::AT_FDCWD, c"/proc/self/uid_map", &mut buf).unwrap_or(0);
    let map = String::from_utf8_lossy(buf.get(..len).unwrap_or_default()).into_owned();
    let initial = map.split_whitespace().eq(["0", "0", "4294967295"]);
    IN_INITIAL_USER_NAMESPACE.store(if initial { 1 } else { 2 }, Ordering::Relaxed);
    initial
}

/// getrlimit(2).
pub(crate) fn rlimit(resource: u32) -> Result<RLimit64> {
    super::manage::rlimit_of(0, resource, None)
}

/// All signals of this thread are blocked (libc's internal ones too) while it lives. The outermost one of a thread
/// makes the two system calls: a call of the library blocks them once for all its steps.
pub(crate) struct SignalsBlocked {
    /// The thread's mask before the outermost one.
    pub before: u64,
    /// It counts in its own thread.
    _thread: PhantomData<*const ()>,
}

thread_local! {
    /// How many of them this thread has, and its mask before the first. It changes while the signals are blocked.
    static BLOCKED: Cell<(u32, u64)> = const { Cell::new((0, 0)) };
}

impl SignalsBlocked {
    pub(crate) fn new() -> Result<Self> {
        let (many, before) = BLOCKED.get();
        let before = if many == 0 { bare::set_mask(!0)? } else { before };
        BLOCKED.set((many.saturating_add(1), before));
        Ok(Self { before, _thread: PhantomData })
    }

    /// In the child of a fork, for the only one: the mask stays what it is now.
    pub(crate) fn leave(self) {
        BLOCKED.set((0, 0));
        core::mem::forget(self);
    }
}

impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        let (many, before) = BLOCKED.get();
        BLOCKED.set((many.saturating_sub(1), before));
        if many <= 1 {
            let _ = bare::set_mask(before);
        }
    }
}

/// prctl(PR_GET_DUMPABLE).
pub(crate) fn dumpable() -> Result<usize> {
    // SAFETY: PR_GET_DUMPABLE takes no argument and returns the value.
    unsafe { call!(SYS_prctl, libc::PR_GET_DUMPABLE) }
}

/// prctl(PR_SET_DUMPABLE); 0 or 1.
pub(crate) fn set_dumpable(value: usize) -> Result<()> {
    // SAFETY: PR_SET_DUMPABLE takes a number, not an address.
    unsafe { call!(SYS_prctl, libc::PR_SET_DUMPABLE, value) }.map(drop)
}

#[cfg(test)]
mod tests {
    use super::kernel_is_before;

    #[test]
    fn a_version_is_two_numbers() {
        assert!(!kernel_is_before(0, 0) && !kernel_is_before(5, 0));
        assert!(kernel_is_before(u32::MAX, 0) && kernel_is_before(99, 1));
    }
}
