// SPDX-License-Identifier: MIT OR Apache-2.0

//! Clones a child, in the creator's memory or in a copy.

use core::ffi::c_void;
use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};

use super::bare;
use super::fd::own;
use super::stack::{STACK, Stack};
use super::task::reap_child;
use super::{
    CLONE_AUTOREAP, CLONE_CHILD_CLEARTID, CLONE_CLEAR_SIGHAND, CLONE_FILES, CLONE_INTO_CGROUP, CLONE_NNP,
    CLONE_PARENT, CLONE_PARENT_SETTID, CLONE_PIDFD, CLONE_PIDFD_AUTOKILL, CLONE_VFORK, CLONE_VM, CloneArgs,
    Errno, OwnFd, Result, arch, call,
};

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
) -> Result<(i32, OwnFd)> {
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

/// Of each stack. What is touched of it is a page or two.
pub(super) const ROOM: usize = 64 * 1024;

/// A clone of the vfork class on the ROOM bytes from `stack` on.
#[inline(always)]
pub(super) fn vfork_args(stack: *mut u8, flags: u64, pidfd: *mut i32) -> CloneArgs {
    CloneArgs {
        flags: CLONE_VM | CLONE_VFORK | CLONE_FILES | flags,
        pidfd: pidfd as u64,
        child_tid: 0,
        parent_tid: 0,
        exit_signal: 0,
        stack: stack as u64,
        stack_size: ROOM as u64,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: 0,
    }
}
