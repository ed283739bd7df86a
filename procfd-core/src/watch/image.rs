// SPDX-License-Identifier: MIT OR Apache-2.0

//! The program as a descriptor that can be executed: a memfd that nobody can change any more.

use std::os::fd::{FromRawFd, OwnedFd};

use super::kernel::{self, EINVAL, Result};

/// What the build script made.
pub(crate) static PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/procfd-watcher"));

/// Which call failed, for people.
pub(crate) type Step = u32;
pub(crate) const MEMFD: Step = 0;
pub(crate) const WRITE: Step = 1;
pub(crate) const SEAL: Step = 2;

/// The sealed image, close-on-exec, for a caller that executes it more than once.
pub(crate) fn sealed_image() -> core::result::Result<OwnedFd, (Step, kernel::Errno)> {
    let mut step = MEMFD;
    // SAFETY: a descriptor that was made here.
    make(|at| step = at).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }).map_err(|errno| (step, errno))
}

/// Makes the image. Raw system calls only: a child that shares memory calls it too.
#[inline(always)]
pub(crate) fn make(mut at: impl FnMut(Step)) -> Result<i32> {
    const CLOEXEC: u32 = 1;
    const ALLOW_SEALING: u32 = 2;
    const EXEC: u32 = 0x10;
    const F_ADD_SEALS: u32 = 1033;
    /// Seal, shrink, grow, write.
    const SEALS: usize = 0xf;

    at(MEMFD);
    let fd = match kernel::memfd_create(c"procfd-watch", CLOEXEC | ALLOW_SEALING | EXEC) {
        // Before Linux 6.3 there is no such flag, and every memfd can be executed.
        Err(EINVAL) => kernel::memfd_create(c"procfd-watch", CLOEXEC | ALLOW_SEALING),
        made => made,
    }?;
    let filled = fill(fd, &mut at).and_then(|()| {
        at(SEAL);
        kernel::fcntl(fd, F_ADD_SEALS, SEALS)
    });
    if filled.is_err() {
        let _ = kernel::close(fd);
    }
    filled.map(|_| fd)
}

#[inline(always)]
fn fill(fd: i32, at: &mut impl FnMut(Step)) -> Result<()> {
    at(WRITE);
    let mut left = PROGRAM;
    while !left.is_empty() {
        let done = kernel::write(fd, left)?;
        left = left.get(done..).unwrap_or_default();
        if done == 0 {
            return Err(EINVAL);
        }
    }
    Ok(())
}
