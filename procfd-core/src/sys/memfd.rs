// SPDX-License-Identifier: MIT OR Apache-2.0

//! A program of the library's own as a descriptor to execute: a memfd that no process can change.

use core::ffi::{CStr, c_void};
use core::sync::atomic::{AtomicI32, Ordering};

use super::bare::{self, EINTR, EINVAL, Errno, arch};
use super::clone::{ROOM, vfork_args};
use super::task::SignalsBlocked;
use super::{Result, task};

/// The present step, for the error.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    Create,
    Write,
    Seal,
}

/// Makes a memfd of `bytes`, close-on-exec and sealed; the caller owns the number. A child that shares
/// memory calls this too: it only makes system calls.
#[inline(always)]
pub(crate) fn sealed(name: &CStr, bytes: &[u8], mut at: impl FnMut(Step)) -> Result<i32> {
    const CLOEXEC: u32 = 1;
    const ALLOW_SEALING: u32 = 2;
    const EXEC: u32 = 0x10;
    /// Seal, shrink, grow, write.
    const SEALS: u32 = 0xf;

    at(Step::Create);
    let fd = match bare::memfd_create(name, CLOEXEC | ALLOW_SEALING | EXEC) {
        // Before Linux 6.3 the flag does not exist, and every memfd can be executed.
        Err(EINVAL) => bare::memfd_create(name, CLOEXEC | ALLOW_SEALING),
        made => made,
    }?;
    let fd = bare::above_standard(fd);
    at(Step::Write);
    let filled = fill(fd, bytes).and_then(|()| {
        at(Step::Seal);
        bare::add_seals(fd, SEALS)
    });
    if filled.is_err() {
        let _ = bare::close(fd);
    }
    filled.map(|()| fd)
}

#[inline(always)]
fn fill(fd: i32, mut left: &[u8]) -> Result<()> {
    while !left.is_empty() {
        let done = bare::write(fd, left)?;
        left = left.get(done..).unwrap_or_default();
        if done == 0 {
            return Err(EINVAL);
        }
    }
    Ok(())
}

/// The same in the caller's own table, where the soft RLIMIT_FSIZE may be below the image: then a child with limits of
/// its own writes it. A write above the limit would be a SIGXFSZ for the caller. EFBIG: the hard limit is below, too.
pub(crate) fn sealed_whatever_limit(name: &CStr, bytes: &[u8]) -> Result<i32> {
    let limit = task::rlimit(libc::RLIMIT_FSIZE as _).map_or(u64::MAX, |limit| limit.cur);
    if limit >= bytes.len() as u64 {
        return sealed(name, bytes, |_| ());
    }
    let maker = Maker { name, bytes, made: AtomicI32::new(-libc::EPERM) };
    let _signals = SignalsBlocked::new()?;
    let stack = bare::map(ROOM)?;
    let args = vfork_args(stack, 0, core::ptr::null_mut());
    // SAFETY: `Maker` only makes raw system calls. `maker` and the stack outlive the child: CLONE_VFORK suspends this
    // thread until it has ended.
    let cloned = unsafe { arch::clone::<Maker<'_>>(&args, core::ptr::from_ref(&maker).cast()) };
    if let Ok(pid) = cloned {
        while bare::wait(bare::P_PID, pid, bare::WEXITED | bare::WCLONE).err() == Some(EINTR) {}
    }
    // SAFETY: the child has ended, so no code runs there.
    unsafe { bare::unmap(stack, ROOM) };
    cloned?;
    match maker.made.load(Ordering::Relaxed) {
        fd if fd >= 0 => Ok(fd),
        errno => Err(Errno(errno.saturating_neg())),
    }
}

/// Makes an image in the shared descriptor table, and ends.
struct Maker<'a> {
    name: &'a CStr,
    bytes: &'a [u8],
    /// The number, or the negative errno. At first that of a filter that kills the child.
    made: AtomicI32,
}

impl arch::Entry for Maker<'_> {
    unsafe extern "C" fn enter(arg: *const c_void) -> ! {
        // SAFETY: `sealed_whatever_limit` passes a `Maker` on its frame, and is suspended until this process ends.
        let maker = unsafe { &*arg.cast::<Maker<'_>>() };
        bare::lift_file_size();
        let made = match sealed(maker.name, maker.bytes, |_| ()) {
            Ok(fd) => fd,
            Err(errno) => errno.0.wrapping_neg(),
        };
        maker.made.store(made, Ordering::Relaxed);
        bare::exit(0)
    }
}
