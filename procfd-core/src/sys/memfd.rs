// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! A program of the library's own as a descriptor to execute: a memfd that no process can change.

use core::ffi::CStr;

use super::Result;
use super::bare::{self, EINVAL};

/// What is under way, for the error.
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
