// SPDX-License-Identifier: MIT OR Apache-2.0

//! Clone, signal masks, limits, dumpable.

use core::cell::Cell;
use core::ffi::c_void;
use core::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};

use super::bare;
use super::fd::own;
use super::stack::{STACK, Stack};
use super::{
    CLONE_AUTOREAP, CLONE_CHILD_CLEARTID, CLONE_CLEAR_SIGHAND, CLONE_FILES, CLONE_INTO_CGROUP, CLONE_NNP,
    CLONE_PARENT, CLONE_PARENT_SETTID, CLONE_PIDFD, CLONE_PIDFD_AUTOKILL, CLONE_VFORK, CLONE_VM, CloneArgs,
    Errno, RLimit64, Result, arch, call,
};

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

/// kill(2), for a child that is known not to be reaped.
pub(crate) fn kill_child(pid: i32, signal: i32) {
    let _ = bare::kill(pid, signal);
}

/// waitid(P_PID) of such a child, which is ending.
pub(crate) fn reap_child(pid: i32) {
    while bare::wait(bare::P_PID, pid, bare::WEXITED | bare::WALL).err() == Some(bare::EINTR) {}
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
    // SAFETY: an all-zero `utsname` is valid.
    let mut names: libc::utsname = unsafe { core::mem::zeroed() };
    // SAFETY: the kernel fills the structure.
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

/// The code of a child that shares the parent's memory.
///
/// # Safety
///
/// `run` may only make raw system calls (`sys::child`): no allocation, no lock, no libc, no panic,
/// no destructor. It must be inlined, so that all of it lies in the child's section.
pub(crate) unsafe trait SharedChild: Sync {
    /// Ends in execve or exit.
    fn run(&self) -> !;

    /// What a second child does, which the first may clone ([`clone_second`]).
    fn run_second(&self) -> !;

    /// What an intermediate process does before it clones the child ([`Through`]); whether it succeeded.
    fn run_between(&self) -> bool;

    /// The kernel could not reset the signal handlers at the clone; the child has to.
    fn handlers_left(&self);

    /// The kernel could not start the child in its cgroup; it has to go there.
    fn cgroup_left(&self);
}

/// Where the children start. scripts/check-child.py finds them by the name of this module.
mod procfd_child {
    use core::ffi::c_void;
    use core::marker::PhantomData;

    use super::{Between, SharedChild, arch};

    /// Where a child starts.
    pub(super) struct First<T>(PhantomData<T>);
    /// Where a second child starts.
    pub(super) struct Second<T>(PhantomData<T>);
    /// Where an intermediate process starts.
    pub(super) struct Intermediate<T>(PhantomData<T>);

    impl<T: SharedChild> arch::Entry for First<T> {
        // The section lets a test find all of the child's code.
        #[unsafe(link_section = ".text.procfd_child")]
        #[inline(never)]
        unsafe extern "C" fn enter(arg: *const c_void) -> ! {
            // SAFETY: clone_child passes its `child: &T`, and does not return before this child has left
            // the memory.
            unsafe { &*arg.cast::<T>() }.run()
        }
    }

    impl<T: SharedChild> arch::Entry for Second<T> {
        #[unsafe(link_section = ".text.procfd_child")]
        #[inline(never)]
        unsafe extern "C" fn enter(arg: *const c_void) -> ! {
            // SAFETY: clone_second passes its `child: &T`, and CLONE_VFORK suspends it until this child has
            // left the memory.
            unsafe { &*arg.cast::<T>() }.run_second()
        }
    }

    impl<T: SharedChild> arch::Entry for Intermediate<T> {
        #[unsafe(link_section = ".text.procfd_child")]
        #[inline(never)]
        unsafe extern "C" fn enter(arg: *const c_void) -> ! {
            // SAFETY: clone_through passes its `between: &Between<T>`, and CLONE_VFORK suspends it until this
            // process has left the memory.
            unsafe { &*arg.cast::<Between<'_, T>>() }.run()
        }
    }
}

use procfd_child::{First, Intermediate, Second};

/// What an intermediate process is given: the child that it clones, and how.
struct Between<'a, T> {
    child: &'a T,
    args: &'a CloneArgs,
    errno: AtomicU32,
}

impl<T: SharedChild> Between<'_, T> {
    #[inline(always)]
    fn run(&self) -> ! {
        if self.child.run_between() {
            // SAFETY: `T: SharedChild` owes that `run` only makes raw system calls. The creator, which waits for the
            // child to leave the memory, borrows the child, its stack and the words in `args` for that long.
            let cloned =
                unsafe { arch::clone3_inline::<First<T>>(self.args, core::ptr::from_ref(self.child).cast()) };
            if let Err(Errno(errno)) = cloned {
                self.errno.store(errno as u32, Ordering::Relaxed);
            }
        }
        super::child::exit(127)
    }
}

/// The stack of an intermediate process, which makes the child the creator's own (CLONE_PARENT): setns(2) into a pid
/// namespace is for the children that come after it.
pub(crate) struct Through<'a>(pub(crate) &'a Stack);

/// How a child is cloned.
#[derive(Clone, Copy)]
pub(crate) struct Cloning<'a> {
    /// CLONE_NEW*, and CLONE_FILES.
    pub(crate) flags: u64,
    pub(crate) memory: Memory,
    /// The cgroup that it starts in.
    pub(crate) cgroup: Option<RawFd>,
    /// Its pids, the innermost first; none for the kernel's choice.
    pub(crate) pids: &'a [u32],
    pub(crate) through: Option<&'a Through<'a>>,
}

/// Clones the child of `args` by an intermediate process, which is gone when this returns; the child may still run in
/// the memory. Returns its pid.
fn clone_through<T: SharedChild>(args: &mut CloneArgs, through: &Through<'_>, child: &T) -> Result<i32> {
    // The kernel writes it before the child runs, and only if there is one.
    let pid = AtomicU32::new(0);
    args.flags |= CLONE_PARENT | CLONE_PARENT_SETTID;
    args.parent_tid = pid.as_ptr() as u64;
    let between = Between { child, args, errno: AtomicU32::new(0) };
    let Through(stack) = through;
    // The child's pidfd has to come into the creator's table.
    let own = CloneArgs {
        flags: CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_CLEAR_SIGHAND,
        stack: stack.bottom(),
        stack_size: STACK as u64,
        exit_signal: 0,
        ..CloneArgs::default()
    };
    // SAFETY: `T: SharedChild` owes that `run_between` only makes raw system calls. `between` and the stack are
    // borrowed for this call, which CLONE_VFORK suspends until the intermediate process has left the memory.
    let intermediate =
        unsafe { arch::clone3::<Intermediate<T>>(&own, core::ptr::from_ref(&between).cast()) }?;
    reap_child(intermediate);
    match (pid.load(Ordering::Acquire), between.errno.load(Ordering::Relaxed)) {
        // It was killed, or says elsewhere why.
        (0, 0) => Err(Errno(libc::ECHILD)),
        (0, errno) => Err(Errno(errno as i32)),
        (pid, _) => Ok(pid as i32),
    }
}

/// In the child: clones a second one, `child.run_second()`, on `stack`, and sleeps until that has
/// left the memory (CLONE_VFORK). Returns its pid.
#[inline(always)]
pub(crate) fn clone_second<T: SharedChild>(flags: u64, stack: &Stack, child: &T) -> Result<i32> {
    let args = CloneArgs {
        flags: flags | CLONE_VM | CLONE_VFORK,
        stack: stack.bottom(),
        stack_size: STACK as u64,
        exit_signal: libc::SIGCHLD as u64,
        ..CloneArgs::default()
    };
    // SAFETY: `T: SharedChild` owes that `run_second` only makes raw system calls. `child`, `args` and the
    // stack are borrowed for this call, which CLONE_VFORK suspends until the child has left the memory.
    unsafe { arch::clone::<Second<T>>(&args, core::ptr::from_ref(child).cast()) }
}

/// Which memory a child runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// The creator's own.
    Shared,
    /// A copy, as fork(2) makes it: at a cost that grows with the creator's memory.
    Copied,
}

/// Set when clone3 has answered ENOSYS: this process will not see it again.
static NO_CLONE3: AtomicBool = AtomicBool::new(false);

/// Whether clone3 knows CLONE_PIDFD_AUTOKILL, CLONE_AUTOREAP and CLONE_NNP, which are 7.1. Remembered.
///
/// The question makes no process: it asks for a cgroup by a number that is no descriptor. A kernel that knows the
/// flags says EBADF, and others say EINVAL before they look at the number.
pub(crate) fn has_autokill() -> bool {
    const NO: u8 = 1;
    const YES: u8 = 2;
    static KNOWN: AtomicU8 = AtomicU8::new(0);
    match KNOWN.load(Ordering::Relaxed) {
        NO => return false,
        YES => return true,
        _ => {}
    }
    let mut pidfd = -1i32;
    let args = CloneArgs {
        flags: CLONE_PIDFD | CLONE_PIDFD_AUTOKILL | CLONE_AUTOREAP | CLONE_NNP | CLONE_INTO_CGROUP,
        pidfd: &raw mut pidfd as u64,
        cgroup: i32::MAX as u64,
        ..CloneArgs::default()
    };
    // SAFETY: the kernel reads `args` and may write `pidfd`, both on this frame. Without CLONE_VM a child would be a
    // copy, as after fork.
    match unsafe { call!(SYS_clone3, &raw const args, size_of::<CloneArgs>()) } {
        Err(Errno(libc::EBADF)) => KNOWN.store(YES, Ordering::Relaxed),
        // A shortage of the moment.
        Err(Errno(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE)) => return false,
        // Something that ignores the flags and the number has made a child.
        Ok(0) => bare::exit(0),
        _ => KNOWN.store(NO, Ordering::Relaxed),
    }
    KNOWN.load(Ordering::Relaxed) == YES
}

/// What the creator does while the child runs; it is given the child's pid.
pub(crate) type Meanwhile<'a> = &'a mut dyn FnMut(i32, BorrowedFd<'_>);

/// Clones a child that runs `child.run()` on `stack` in the shared address space. Returns its pid and pidfd once it
/// has left that memory, by execve or by its end. A child in a copy of the memory is the same with CLONE_VFORK. With
/// `meanwhile` this returns after `meanwhile`, while the child runs.
///
/// Without `meanwhile` the caller sleeps in the kernel until then (CLONE_VFORK). With it, the caller runs
/// `meanwhile` while the child runs. It then waits until execve or exit clears a word (CLONE_CHILD_CLEARTID). So it
/// is for the child of an intermediate process.
///
/// clone3 is 5.3, CLONE_CLEAR_SIGHAND 5.5. clone3 may be missing, or a seccomp filter may refuse it (ENOSYS, EPERM).
/// The old clone then does the same, and the child resets the signal handlers itself.
///
/// The child's exit signal is 0 until it executes, which hides it from `wait(-1)` and SIGCHLD. No waiter sees a
/// child that fails in its set-up. execve sets SIGCHLD.
pub(crate) fn clone_child<T: SharedChild>(
    how: Cloning<'_>,
    stack: &Stack,
    child: &T,
    meanwhile: Option<Meanwhile<'_>>,
) -> Result<(i32, OwnedFd)> {
    let Cloning { memory, cgroup, pids, .. } = how;
    let mut pidfd: i32 = -1;
    let in_memory = AtomicU32::new(1);
    let flags = how.flags | CLONE_PIDFD | if memory == Memory::Shared { CLONE_VM } else { 0 };
    // CLONE_VFORK would make the intermediate process wait, which others may kill.
    let waits_for_word = memory == Memory::Shared && (meanwhile.is_some() || how.through.is_some());
    let flags = match (&meanwhile, memory) {
        _ if waits_for_word => flags | CLONE_CHILD_CLEARTID,
        (None, _) => flags | CLONE_VFORK,
        // The kernel clears the word only where others have the same memory.
        (Some(_), _) => flags,
    };
    let mut args = CloneArgs {
        flags: flags | CLONE_CLEAR_SIGHAND | if cgroup.is_some() { CLONE_INTO_CGROUP } else { 0 },
        cgroup: cgroup.unwrap_or(0) as u64,
        pidfd: &raw mut pidfd as u64,
        child_tid: in_memory.as_ptr() as u64,
        stack: stack.bottom(),
        stack_size: STACK as u64,
        exit_signal: 0,
        set_tid: if pids.is_empty() { 0 } else { pids.as_ptr() as u64 },
        set_tid_size: pids.len() as u64,
        ..CloneArgs::default()
    };
    let arg = core::ptr::from_ref(child).cast::<c_void>();
    let new_call = if let Some(through) = how.through {
        clone_through(&mut args, through, child)
    } else if NO_CLONE3.load(Ordering::Relaxed) {
        Err(Errno(libc::ENOSYS))
    } else {
        // SAFETY: `T: SharedChild` owes that `run` only makes raw system calls. `child`, `stack` and the words
        // in `args` are borrowed by this function or on its frame; it does not return before the child has
        // left the memory, by CLONE_VFORK or, with `meanwhile`, by LeftMemory. One that has a copy of the memory
        // borrows nothing.
        unsafe { arch::clone3::<First<T>>(&args, arg) }
    };
    let pid = match new_call {
        // The old call has neither.
        Err(e) if how.through.is_some() || !pids.is_empty() => return Err(e),
        // EPERM: a filter, or the honest answer to a namespace flag; the old call tells which.
        // EINVAL: a kernel before 5.5.
        // E2BIG: with a cgroup, one before 5.7.
        Err(e @ Errno(libc::ENOSYS | libc::EPERM | libc::EINVAL | libc::E2BIG)) => {
            if e.0 == libc::ENOSYS {
                NO_CLONE3.store(true, Ordering::Relaxed);
            }
            if flags & libc::CSIGNAL as u64 != 0 {
                // CLONE_NEWTIME stands where the old call has the exit signal.
                return Err(e);
            }
            if flags & CLONE_PIDFD_AUTOKILL != 0 {
                // Not of the old call.
                return Err(e);
            }
            child.handlers_left();
            if cgroup.is_some() {
                child.cgroup_left();
            }
            args.flags = flags;
            // SAFETY: as for clone3: the same code, stack, argument and words, and the same wait.
            unsafe { arch::clone::<First<T>>(&args, arg) }
        }
        done => done,
    }?;
    let pidfd = own(pidfd as usize);
    let _left = waits_for_word.then(|| LeftMemory(&in_memory));
    if let Some(meanwhile) = meanwhile {
        meanwhile(pid, pidfd.as_fd());
    }
    Ok((pid, pidfd))
}

/// Waits, when dropped, until the kernel has cleared the word.
struct LeftMemory<'a>(&'a AtomicU32);

impl Drop for LeftMemory<'_> {
    fn drop(&mut self) {
        while self.0.load(Ordering::Acquire) != 0 {
            let _ = futex_wait(self.0, 1);
        }
    }
}

/// futex(FUTEX_WAIT): sleeps while `word` is `value`. Not private, since the kernel's wake of
/// CLONE_CHILD_CLEARTID is not.
fn futex_wait(word: &AtomicU32, value: u32) -> Result<()> {
    // SAFETY: the kernel reads the borrowed word; the timeout is NULL.
    unsafe { call!(SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, value, 0) }.map(drop)
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
