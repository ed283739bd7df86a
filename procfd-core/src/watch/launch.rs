// SPDX-License-Identifier: MIT OR Apache-2.0

//! Starts the watcher as a process that is not the caller's child.
//!
//! ```text
//! creator       clone ------ suspended -----------------------> waitid(intermediate)
//! intermediate    clone ---- suspended -----------> exit
//! watcher           own table, image, execveat ---> set-up ...
//! ```
//!
//! Both clones are of the vfork class: nothing is copied, whatever the creator's memory, and each
//! waits for no more than the few calls of the one below it. The intermediate has exit signal 0 and
//! never executes: only `wait` with `__WALL` or `__WCLONE` can see it, for as long as this takes.
//! Between clone and exec everything here shares the creator's memory: raw system calls only, no
//! allocation, no lock, no panic, nothing with a destructor.

use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::client::StartError;
use super::image;
use super::kernel::{
    self, Address, CLONE_FILES, CLONE_PIDFD, CLONE_VFORK, CLONE_VM, EINTR, EINVAL, ENOSYS, EPERM, Errno,
    Result,
};

/// The steps by the number that the children write down.
const STEPS: [&str; 10] = [
    "create a memfd for the watcher (see vm.memfd_noexec)",
    "write the watcher's image",
    "seal the watcher's image",
    "clone the watcher's parent",
    "clone the watcher",
    "leave the shared descriptor table",
    "give the watcher its socket",
    "execute the watcher (a memfd: see vm.memfd_noexec, or a security policy)",
    "allocate the watcher's first stack",
    "block signals",
];
const CLONE_OUTER: u32 = 3;
const CLONE_INNER: u32 = 4;
const TABLE: u32 = 5;
const SOCKET: u32 = 6;
const EXECUTE: u32 = 7;
const STACK: u32 = 8;
const SIGNALS: u32 = 9;

fn failure(step: u32, errno: Errno) -> StartError {
    StartError { step: STEPS.get(step as usize).copied().unwrap_or("start the watcher"), errno }
}

/// How the watcher comes by its socket.
#[derive(Clone, Copy)]
pub(super) enum Socket<'a> {
    /// It is in the shared descriptor table; all that lies below it there is copied on the way.
    Inherited(BorrowedFd<'a>),
    /// It connects to this address, and nothing is copied.
    Connected(&'a Address),
}

/// What the three share.
struct Shared<'a> {
    socket: Socket<'a>,
    argv: *const *const u8,
    envp: *const *const u8,
    inner_top: *mut u8,
    step: AtomicU32,
    errno: AtomicI32,
    pid: AtomicI32,
    /// Written by the kernel, into the creator's descriptor table too, which is shared.
    pidfd: AtomicI32,
}

/// Of each stack. What is touched of it is a page or two.
const ROOM: usize = 64 * 1024;

/// Starts the image with `socket` as its descriptor 0 and `name` as its only argument. Answers the
/// watcher's pid and pidfd.
pub(super) fn launch(
    socket: Socket<'_>,
    name: &core::ffi::CStr,
) -> core::result::Result<(i32, OwnedFd), StartError> {
    let len = 2 * ROOM;
    // All signals are blocked from before the first clone, and in the watcher to its end.
    let stacks = kernel::map(len).map_err(|e| failure(STACK, e))?;
    let before = match kernel::set_mask(!0) {
        Ok(before) => before,
        Err(e) => {
            // SAFETY: the mapping just made.
            unsafe { kernel::unmap(stacks, len) };
            return Err(failure(SIGNALS, e));
        }
    };
    let argv = [name.as_ptr().cast::<u8>(), core::ptr::null()];
    let envp = [core::ptr::null::<u8>()];
    let shared = Shared {
        socket,
        argv: argv.as_ptr(),
        envp: envp.as_ptr(),
        // SAFETY: within the mapping, or its end.
        inner_top: unsafe { stacks.add(len) },
        step: AtomicU32::new(CLONE_OUTER),
        errno: AtomicI32::new(0),
        pid: AtomicI32::new(0),
        pidfd: AtomicI32::new(-1),
    };
    // SAFETY: `outer` makes raw system calls only; `shared` and the stacks outlive both children,
    // for which VFORK makes this thread wait; the top is a multiple of 16.
    let cloned = unsafe {
        kernel::clone(
            CLONE_VM | CLONE_VFORK | CLONE_FILES,
            stacks.add(ROOM),
            core::ptr::null_mut(),
            outer,
            core::ptr::from_ref(&shared).cast(),
        )
    };
    if let Ok(pid) = cloned {
        // Only children with another exit signal than SIGCHLD: it cannot be somebody else's.
        while kernel::wait(kernel::P_PID, pid, kernel::WEXITED | kernel::WCLONE).err() == Some(EINTR) {}
    }
    let _ = kernel::set_mask(before);
    // SAFETY: both children have left the memory.
    unsafe { kernel::unmap(stacks, len) };
    outcome(cloned, &shared)
}

fn outcome(cloned: Result<i32>, shared: &Shared<'_>) -> core::result::Result<(i32, OwnedFd), StartError> {
    cloned.map_err(|e| failure(CLONE_OUTER, e))?;
    let pidfd = shared.pidfd.load(Ordering::Relaxed);
    // SAFETY: the kernel put it into this process's table for the second clone, and nobody else
    // knows of it.
    let pidfd = (pidfd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(pidfd) });
    match pidfd {
        Some(pidfd) if shared.executed() => Ok((shared.pid.load(Ordering::Relaxed), pidfd)),
        _ => {
            let (step, errno) = (shared.step.load(Ordering::Relaxed), shared.errno.load(Ordering::Relaxed));
            // Without an errno a seccomp filter killed it, or the one between, at this step.
            Err(failure(step, if errno == 0 { EPERM } else { errno }))
        }
    }
}

impl Shared<'_> {
    #[inline(always)]
    fn at(&self, step: u32) {
        self.step.store(step, Ordering::Relaxed);
    }

    /// Whether it got as far as the exec and did not come back. What becomes of it then, its
    /// socket will tell.
    #[inline(always)]
    fn executed(&self) -> bool {
        self.step.load(Ordering::Relaxed) == EXECUTE && self.errno.load(Ordering::Relaxed) == 0
    }

    #[inline(always)]
    fn failed(&self, errno: Errno) {
        self.errno.store(errno, Ordering::Relaxed);
    }
}

/// The intermediate: clones the watcher and ends, which makes it an orphan.
unsafe extern "C" fn outer(arg: *const u8) -> ! {
    // SAFETY: `launch` passes a `Shared` that outlives this process.
    let shared = unsafe { &*arg.cast::<Shared<'_>>() };
    shared.at(CLONE_INNER);
    // SAFETY: as for the first clone; the kernel writes the number of the pidfd.
    let cloned = unsafe {
        kernel::clone(
            CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD,
            shared.inner_top,
            shared.pidfd.as_ptr(),
            inner,
            arg,
        )
    };
    match cloned {
        Ok(pid) => {
            shared.pid.store(pid, Ordering::Relaxed);
            if !shared.executed() {
                // It has ended, or is about to: the creator, were it to inherit it, has no use for it.
                while kernel::wait(kernel::P_PID, pid, kernel::WEXITED | kernel::WALL).err() == Some(EINTR) {}
            }
        }
        Err(errno) => shared.failed(errno),
    }
    kernel::exit(0)
}

/// The watcher before it executes.
unsafe extern "C" fn inner(arg: *const u8) -> ! {
    // SAFETY: as in `outer`.
    let shared = unsafe { &*arg.cast::<Shared<'_>>() };
    shared.failed(become_watcher(shared));
    kernel::exit(1)
}

#[inline(always)]
fn become_watcher(shared: &Shared<'_>) -> Errno {
    shared.at(TABLE);
    // Of the shared table only what lies below the socket is copied.
    let keep = match shared.socket {
        Socket::Inherited(fd) => fd.as_raw_fd().wrapping_add(1),
        Socket::Connected(_) => 0,
    };
    if let Err(errno) = leave_table(keep as u32) {
        return errno;
    }
    shared.at(SOCKET);
    let taken = match shared.socket {
        Socket::Inherited(fd) => only(fd.as_raw_fd()),
        Socket::Connected(address) => connected(address),
    };
    if let Err(errno) = taken {
        return errno;
    }
    let image = match image::make(|step| shared.at(step)) {
        Ok(fd) => fd,
        Err(errno) => return errno,
    };
    shared.at(EXECUTE);
    // SAFETY: both arrays end with NULL.
    unsafe { kernel::execute_fd(image, shared.argv, shared.envp) }
}

/// A descriptor table of its own.
#[inline(always)]
fn leave_table(first: u32) -> Result<()> {
    const UNSHARE: u32 = 2;
    match kernel::close_range(first, !0, UNSHARE) {
        // Before Linux 5.9, or a filter that knows it not.
        Err(ENOSYS | EPERM | EINVAL) => kernel::unshare(CLONE_FILES as u32),
        done => done,
    }
}

/// A new socket as descriptor 0 of the empty table.
#[inline(always)]
fn connected(address: &Address) -> Result<()> {
    let fd = kernel::socket(false)?;
    if fd != 0 {
        // The table is not empty: an old kernel. The other way knows what to do.
        return Err(ENOSYS);
    }
    // From the first message on the kernel attests who sent it. unix(7)
    kernel::pass_credentials(fd)?;
    kernel::connect(fd, address)
}

/// The socket as descriptor 0, to be kept by exec, and nothing else.
#[inline(always)]
fn only(socket: i32) -> Result<()> {
    const F_SETFD: u32 = 2;
    if socket == 0 {
        kernel::fcntl(0, F_SETFD, 0).map(drop)?;
    } else {
        kernel::dup3(socket, 0, 0)?;
    }
    if kernel::close_range(1, !0, 0).is_err() {
        let limit = kernel::limit_descriptors(None)?;
        let end = if limit.cur > 1 << 20 { 1 << 20 } else { limit.cur as i32 };
        let mut fd = 1;
        while fd < end {
            let _ = kernel::close(fd);
            fd += 1;
        }
    }
    Ok(())
}
