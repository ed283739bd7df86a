// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which system calls for mounts there are.

use core::ffi::c_void;
use core::sync::atomic::{AtomicI32, Ordering};

use super::bare::{self, EINTR};
use super::clone::{ROOM, vfork_args};
use super::task::SignalsBlocked;
use super::{Errno, Result, arch, call};

/// The calls that the kernel has and no filter refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NewCalls {
    /// open_tree(2), fsopen(2), fsconfig(2), fsmount(2), fspick(2), move_mount(2); 5.2.
    pub(crate) mounts: bool,
    /// mount_setattr(2); 5.12.
    pub(crate) attributes: bool,
}

/// Flags that no version has: EINVAL.
const BAD: u32 = u32::MAX;
const NONE: i32 = -1;

impl NewCalls {
    /// Asks with wrong arguments.
    pub(crate) fn present() -> Self {
        // SAFETY: no call reads memory before it has refused the flags or the descriptor.
        let (open_tree, mount_setattr, fsconfig) = unsafe {
            (
                call!(SYS_open_tree, NONE, 0, BAD),
                call!(SYS_mount_setattr, NONE, 0, BAD, 0, 0),
                call!(SYS_fsconfig, NONE, BAD, 0, 0, 0),
            )
        };
        let there = |result: Result<usize>| !matches!(result, Err(Errno(libc::ENOSYS | libc::EPERM)));
        Self {
            mounts: there(open_tree) && there(fsconfig) && privileged_are_there(),
            attributes: there(mount_setattr),
        }
    }
}

/// Calls that check CAP_SYS_ADMIN first.
const PRIVILEGED: usize = 4;

/// The errnos of these calls with wrong arguments.
#[inline(always)]
fn of_privileged() -> [i32; PRIVILEGED] {
    // SAFETY: no call reads memory before it has refused the flags.
    let results = unsafe {
        [
            call!(SYS_fsopen, 0, BAD),
            call!(SYS_fsmount, NONE, BAD, 0),
            call!(SYS_fspick, NONE, 0, BAD),
            call!(SYS_move_mount, NONE, 0, NONE, 0, BAD),
        ]
    };
    results.map(|result| result.map_or_else(|errno| errno.0, |_| 0))
}

/// Whether there are those calls. EPERM is the answer of a filter, or to a caller without the privilege, which the
/// child has in its new user namespace.
fn privileged_are_there() -> bool {
    let errnos = of_privileged();
    if errnos.contains(&libc::ENOSYS) {
        return false;
    }
    if !errnos.contains(&libc::EPERM) {
        return true;
    }
    if errnos.contains(&libc::EINVAL) || is_privileged() {
        return false;
    }
    // Without a filter it is the privilege. Where no process can be asked, it counts as that too.
    !is_filtered() || of_a_privileged_process().is_none_or(|errnos| !errnos.contains(&libc::EPERM))
}

/// Whether pivot_root(2) sees the privilege: it has the same check before it reads its paths.
fn is_privileged() -> bool {
    // SAFETY: both paths are NULL, which the kernel refuses.
    unsafe { call!(SYS_pivot_root, 0, 0) == Err(Errno(libc::EFAULT)) }
}

/// Whether this thread has a seccomp filter, as far as it lets the question pass.
fn is_filtered() -> bool {
    // SAFETY: the arguments are numbers.
    unsafe { call!(SYS_prctl, libc::PR_GET_SECCOMP, 0, 0, 0, 0) != Ok(0) }
}

/// What a process says that has the privilege, in namespaces of its own. None where there is no such process.
fn of_a_privileged_process() -> Option<[i32; PRIVILEGED]> {
    let answer = Answer(Default::default());
    let _signals = SignalsBlocked::new().ok()?;
    let stack = bare::map(ROOM).ok()?;
    let flags = (libc::CLONE_NEWUSER | libc::CLONE_NEWNS) as u64;
    let args = vfork_args(stack, flags, core::ptr::null_mut());
    let arg = core::ptr::from_ref(&answer).cast();
    // SAFETY: `Answer` only makes raw system calls. `answer` and the stack outlive the child: CLONE_VFORK suspends
    // this thread until it has ended.
    let cloned = unsafe {
        match arch::clone3::<Answer>(&args, arg) {
            Err(Errno(libc::ENOSYS | libc::EPERM)) => arch::clone::<Answer>(&args, arg),
            done => done,
        }
    };
    if let Ok(pid) = cloned {
        while bare::wait(bare::P_PID, pid, bare::WEXITED | bare::WCLONE).err() == Some(EINTR) {}
    }
    // SAFETY: the child has ended, so no code runs there.
    unsafe { bare::unmap(stack, ROOM) };
    cloned.ok()?;
    let errnos = answer.0.map(AtomicI32::into_inner);
    // It was killed before it had asked.
    (!errnos.contains(&0)).then_some(errnos)
}

/// The errnos that a process writes down before it ends.
struct Answer([AtomicI32; PRIVILEGED]);

impl arch::Entry for Answer {
    unsafe extern "C" fn enter(arg: *const c_void) -> ! {
        // SAFETY: `of_a_privileged_process` passes an `Answer` on its frame, and is suspended until this process ends.
        let answer = unsafe { &*arg.cast::<Self>() };
        for (place, errno) in answer.0.iter().zip(of_privileged()) {
            place.store(errno, Ordering::Relaxed);
        }
        bare::exit(0)
    }
}
