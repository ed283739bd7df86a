// SPDX-License-Identifier: MIT OR Apache-2.0

//! Fork: of libc, of the kernel with flags, and the hooks of libc.

use super::fd::own;
use super::{CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID, CLONE_PIDFD, CloneArgs, Errno, OwnFd, Result, call};

/// pthread_atfork(3): libc's fork calls these. False when there was no memory for it.
pub(crate) fn at_fork(
    prepare: unsafe extern "C" fn(),
    parent: unsafe extern "C" fn(),
    child: unsafe extern "C" fn(),
) -> bool {
    // SAFETY: the caller owes functions that live as long as the process and that may run at a fork:
    // those of `forks`, which are items of this crate.
    unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) == 0 }
}

/// The result of a fork.
pub(crate) enum Forked {
    /// The child's pid, and its pidfd where the fork itself gives one.
    Parent(i32, Option<OwnFd>),
    Child,
}

/// fork(3) of libc: handlers of pthread_atfork run, and the allocator is usable in the child.
pub(crate) fn fork() -> Result<Forked> {
    // SAFETY: fork takes no argument; the child goes on as a copy of the caller, who asked for that.
    match unsafe { libc::fork() } {
        -1 => Err(Errno(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EAGAIN))),
        0 => Ok(Forked::Child),
        pid => Ok(Forked::Parent(pid, None)),
    }
}

/// clone3 or clone without CLONE_VM: a fork with namespace flags and an exit signal, which gives the child's pidfd
/// itself. libc does not know of it.
/// `CLONE_CHILD_SETTID` tells it the new thread id, as its own fork does: on the address that libc gave the kernel
/// for this thread (PR_GET_TID_ADDRESS).
pub(crate) fn fork_with(flags: u64, exit_signal: u64, pids: &[u32]) -> Result<Forked> {
    let mut tid_address = 0u64;
    const PR_GET_TID_ADDRESS: i32 = 40;
    // SAFETY: PR_GET_TID_ADDRESS writes one word: `tid_address` on this frame. Without
    // CONFIG_CHECKPOINT_RESTORE it writes nothing and fails.
    let has =
        unsafe { call!(SYS_prctl, PR_GET_TID_ADDRESS, &raw mut tid_address) }.is_ok() && tid_address != 0;
    let tid_flags = if has { CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID } else { 0 };
    let mut pidfd: i32 = -1;
    let args = CloneArgs {
        flags: flags | CLONE_PIDFD | tid_flags,
        pidfd: &raw mut pidfd as u64,
        child_tid: tid_address,
        exit_signal,
        set_tid: if pids.is_empty() { 0 } else { pids.as_ptr() as u64 },
        set_tid_size: pids.len() as u64,
        ..CloneArgs::default()
    };
    // SAFETY: the kernel reads `args` and `pids`, and writes `pidfd` in the parent: all are on this frame or borrowed.
    // Without CLONE_VM and a stack the child is a copy that returns here on its own copy of this stack, as after fork;
    // the address in `child_tid` is the one that libc gave the kernel for this thread, valid in the copy too.
    let pid = unsafe {
        match call!(SYS_clone3, &raw const args, size_of::<CloneArgs>()) {
            // In the old call CLONE_NEWTIME stands where the exit signal is.
            Err(Errno(libc::ENOSYS | libc::EPERM))
                if pids.is_empty() && flags & libc::CSIGNAL as u64 == 0 =>
            {
                old_fork(&args)
            }
            done => done,
        }
    }?;
    Ok(match pid {
        0 => Forked::Child,
        pid => Forked::Parent(pid as i32, Some(own(pidfd as usize))),
    })
}

/// # Safety
///
/// As fork(2): the child returns on a copy of the stack.
unsafe fn old_fork(args: &CloneArgs) -> Result<usize> {
    let flags = args.flags | args.exit_signal;
    // SAFETY: the caller owes flags without CLONE_VM, so the child runs on its own copy of this stack, and the words
    // that `args` points to. With CLONE_PIDFD the third argument is the address of the pidfd. The order of the last
    // two arguments differs between architectures.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        return call!(SYS_clone, flags, 0, args.pidfd, args.child_tid, 0);
        #[cfg(not(target_arch = "x86_64"))]
        return call!(SYS_clone, flags, 0, args.pidfd, 0, args.child_tid);
    }
}
