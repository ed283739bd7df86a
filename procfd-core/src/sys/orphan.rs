// SPDX-License-Identifier: MIT OR Apache-2.0

//! Executes an image as a process that is not the caller's child.
//!
//! ```text
//! creator       clone ------ suspended -----------------------> waitid(intermediate)
//! intermediate    clone ---- suspended -----------> exit
//! orphan            own table, image, execveat ---> set-up ...
//! ```
//!
//! Both clones are of the vfork class: nothing is copied, whatever the creator's memory, and each
//! waits for no more than the few calls of the one below it. The intermediate has exit signal 0 and
//! never executes: only `wait` with `__WALL` or `__WCLONE` can see it, for as long as this takes.
//! Between clone and exec everything here shares the creator's memory: raw system calls only, no
//! allocation, no lock, no panic, nothing with a destructor.

use core::ffi::{CStr, c_void};
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::os::fd::{AsRawFd, BorrowedFd};

use super::bare::{
    self, Address, CLONE_PIDFD, CLOSE_RANGE_UNSHARE, EINTR, EINVAL, ENOSYS, EPERM, Errno, Result, arch,
};
use super::clone::{ROOM, vfork_args};
use super::{OwnFd, fd, memfd};

/// The step that failed. The children write its number down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Step {
    /// A stack for the children could not be allocated.
    Stack,
    /// Signals could not be blocked.
    Signals,
    CloneIntermediate,
    CloneOrphan,
    /// Leaving the shared descriptor table.
    Table,
    Socket,
    CreateImage,
    WriteImage,
    SealImage,
    Execute,
}

impl Step {
    const ALL: [Self; 10] = [
        Self::Stack,
        Self::Signals,
        Self::CloneIntermediate,
        Self::CloneOrphan,
        Self::Table,
        Self::Socket,
        Self::CreateImage,
        Self::WriteImage,
        Self::SealImage,
        Self::Execute,
    ];
}

/// How the orphan comes by its socket.
#[derive(Clone, Copy)]
pub(crate) enum Socket<'a> {
    /// It is in the shared descriptor table; all that lies below it there is copied on the way.
    Inherited(BorrowedFd<'a>),
    /// It connects to this address, and nothing is copied.
    Connected(&'a Address),
}

/// The file to execute.
#[derive(Clone, Copy)]
pub(crate) struct Image<'a> {
    /// Of the memfd.
    pub name: &'a CStr,
    pub bytes: &'a [u8],
    /// The only argument.
    pub title: &'a CStr,
}

/// The memory that the three share.
struct Shared<'a> {
    socket: Socket<'a>,
    image: Image<'a>,
    argv: *const *const u8,
    envp: *const *const u8,
    /// The lower end of the orphan's stack.
    inner_stack: *mut u8,
    step: AtomicU32,
    errno: AtomicI32,
    pid: AtomicI32,
    /// Written by the kernel, into the creator's descriptor table too, which is shared.
    pidfd: AtomicI32,
}

/// Starts the image with `socket` as its descriptor 0. Answers the orphan's pid and pidfd.
pub(crate) fn launch(
    socket: Socket<'_>,
    image: Image<'_>,
) -> core::result::Result<(i32, OwnFd), (Step, Errno)> {
    let len = 2 * ROOM;
    // All signals are blocked from before the first clone, and in the orphan to its end.
    let stacks = bare::map(len).map_err(|e| (Step::Stack, e))?;
    let before = match bare::set_mask(!0) {
        Ok(before) => before,
        Err(e) => {
            // SAFETY: the mapping just made, whose address no child and no reference has.
            unsafe { bare::unmap(stacks, len) };
            return Err((Step::Signals, e));
        }
    };
    let argv = [image.title.as_ptr().cast::<u8>(), core::ptr::null()];
    let envp = [core::ptr::null::<u8>()];
    let shared = Shared {
        socket,
        image,
        argv: argv.as_ptr(),
        envp: envp.as_ptr(),
        // SAFETY: `map` has made 2 * ROOM bytes, so the middle lies within the mapping.
        inner_stack: unsafe { stacks.add(ROOM) },
        step: AtomicU32::new(Step::CloneIntermediate as u32),
        errno: AtomicI32::new(0),
        pid: AtomicI32::new(0),
        pidfd: AtomicI32::new(-1),
    };
    let args = vfork_args(stacks, 0, core::ptr::null_mut());
    // SAFETY: `Intermediate` only makes raw system calls; `shared`, `args` and the stacks live on this
    // frame or in the mapping until it has ended, since CLONE_VFORK suspends this thread.
    let cloned = unsafe { arch::clone::<Intermediate>(&args, core::ptr::from_ref(&shared).cast()) };
    if let Ok(pid) = cloned {
        // Only children with another exit signal than SIGCHLD: it cannot be a child of the program's.
        while bare::wait(bare::P_PID, pid, bare::WEXITED | bare::WCLONE).err() == Some(EINTR) {}
    }
    let _ = bare::set_mask(before);
    // SAFETY: both children have executed or ended, as CLONE_VFORK waits for that: no code runs there.
    unsafe { bare::unmap(stacks, len) };
    outcome(cloned, &shared)
}

fn outcome(cloned: Result<i32>, shared: &Shared<'_>) -> core::result::Result<(i32, OwnFd), (Step, Errno)> {
    cloned.map_err(|e| (Step::CloneIntermediate, e))?;
    let pidfd = shared.pidfd.load(Ordering::Relaxed);
    // The kernel put it into this process's table for the second clone.
    let pidfd = (pidfd >= 0).then(|| fd::made(pidfd));
    match pidfd {
        Some(pidfd) if shared.executed() => Ok((shared.pid.load(Ordering::Relaxed), pidfd)),
        _ => {
            let step = shared.step.load(Ordering::Relaxed) as usize;
            let step = Step::ALL.get(step).copied().unwrap_or(Step::Execute);
            // Without an errno a seccomp filter killed one of the children at this step.
            let errno = match shared.errno.load(Ordering::Relaxed) {
                0 => EPERM,
                errno => Errno(errno),
            };
            Err((step, errno))
        }
    }
}

impl Shared<'_> {
    #[inline(always)]
    fn at(&self, step: Step) {
        self.step.store(step as u32, Ordering::Relaxed);
    }

    /// Whether it got as far as the exec and did not come back. What becomes of it then, its
    /// socket will tell.
    #[inline(always)]
    fn executed(&self) -> bool {
        self.step.load(Ordering::Relaxed) == Step::Execute as u32 && self.errno.load(Ordering::Relaxed) == 0
    }

    #[inline(always)]
    fn failed(&self, errno: Errno) {
        self.errno.store(errno.0, Ordering::Relaxed);
    }
}

/// Clones the orphan and ends, which makes it an orphan.
struct Intermediate;

impl arch::Entry for Intermediate {
    unsafe extern "C" fn enter(arg: *const c_void) -> ! {
        // SAFETY: `launch` passes a `Shared` on its frame, and is suspended until this process ends.
        let shared = unsafe { &*arg.cast::<Shared<'_>>() };
        shared.at(Step::CloneOrphan);
        let args = vfork_args(shared.inner_stack, CLONE_PIDFD, shared.pidfd.as_ptr());
        // SAFETY: `Orphan` only makes raw system calls; `arg` and the stack outlive this process, and
        // CLONE_VFORK suspends it until the orphan has executed or ended. The kernel writes the number
        // of the pidfd into `shared.pidfd`.
        let cloned = unsafe { arch::clone::<Orphan>(&args, arg) };
        match cloned {
            Ok(pid) => {
                shared.pid.store(pid, Ordering::Relaxed);
                // It is in the creator's table.
                let pidfd = bare::above_standard(shared.pidfd.load(Ordering::Relaxed));
                shared.pidfd.store(pidfd, Ordering::Relaxed);
                if !shared.executed() {
                    // It has ended, or is about to: the creator has no use for it, were it to inherit it.
                    while bare::wait(bare::P_PID, pid, bare::WEXITED | bare::WALL).err() == Some(EINTR) {}
                }
            }
            Err(errno) => shared.failed(errno),
        }
        bare::exit(0)
    }
}

/// The orphan before it executes.
struct Orphan;

impl arch::Entry for Orphan {
    unsafe extern "C" fn enter(arg: *const c_void) -> ! {
        // SAFETY: `Intermediate` passes the `Shared` of `launch`, which is suspended until this process
        // has executed or ended.
        let shared = unsafe { &*arg.cast::<Shared<'_>>() };
        shared.failed(execute(shared));
        bare::exit(1)
    }
}

#[inline(always)]
fn execute(shared: &Shared<'_>) -> Errno {
    shared.at(Step::Table);
    // The copy of the shared table ends at the socket.
    let keep = match shared.socket {
        Socket::Inherited(fd) => fd.as_raw_fd().wrapping_add(1),
        Socket::Connected(_) => 0,
    };
    if let Err(errno) = leave_table(keep as u32) {
        return errno;
    }
    shared.at(Step::Socket);
    let taken = match shared.socket {
        Socket::Inherited(fd) => only(fd.as_raw_fd()),
        Socket::Connected(address) => connected(address),
    };
    if let Err(errno) = taken {
        return errno;
    }
    // The creator's RLIMIT_FSIZE is for the creator's files: it holds for a memfd too. This process has limits of its
    // own.
    bare::lift_file_size();
    let made = memfd::sealed(shared.image.name, shared.image.bytes, |step| {
        shared.at(match step {
            memfd::Step::Create => Step::CreateImage,
            memfd::Step::Write => Step::WriteImage,
            memfd::Step::Seal => Step::SealImage,
        });
    });
    let image = match made {
        Ok(fd) => fd,
        Err(errno) => return errno,
    };
    shared.at(Step::Execute);
    // SAFETY: `launch` has made both arrays on its frame: `argv` is a CStr's pointer and NULL, `envp`
    // is NULL alone.
    unsafe { bare::execute_fd(image, shared.argv, shared.envp) }
}

/// A descriptor table of its own.
#[inline(always)]
fn leave_table(first: u32) -> Result<()> {
    match bare::close_range(first, !0, CLOSE_RANGE_UNSHARE) {
        // Before Linux 5.9, or a filter that does not know it.
        Err(ENOSYS | EPERM | EINVAL) => bare::unshare_files(),
        done => done,
    }
}

/// A new socket as descriptor 0 of the empty table.
#[inline(always)]
fn connected(address: &Address) -> Result<()> {
    let fd = bare::socket(false)?;
    if fd != 0 {
        // The table is not empty: an old kernel. The caller can still hand a socket over.
        return Err(ENOSYS);
    }
    // From the first message on the kernel attests who sent it. unix(7)
    bare::pass_credentials(fd)?;
    bare::connect(fd, address)
}

/// The socket as descriptor 0, to be kept by exec, and nothing else.
#[inline(always)]
fn only(socket: i32) -> Result<()> {
    if socket == 0 {
        bare::keep_at_exec(0)?;
    } else {
        bare::dup3(socket, 0, 0)?;
    }
    if bare::close_range(1, !0, 0).is_err() {
        let limit = bare::limit_descriptors(None)?;
        let end = if limit.cur > 1 << 20 { 1 << 20 } else { limit.cur as i32 };
        let mut fd = 1;
        while fd < end {
            let _ = bare::close(fd);
            fd += 1;
        }
    }
    Ok(())
}
