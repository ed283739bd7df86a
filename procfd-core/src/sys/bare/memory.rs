// SPDX-License-Identifier: MIT OR Apache-2.0

//! Mappings.

use super::{Result, call};

/// A private mapping of zeroes.
pub(crate) fn map(len: usize) -> Result<*mut u8> {
    const READ_WRITE: usize = 3;
    const PRIVATE_ANONYMOUS: usize = 0x22;
    // SAFETY: without MAP_FIXED the kernel picks an unused range, so no live memory changes.
    unsafe { call!(SYS_mmap, 0, len, READ_WRITE, PRIVATE_ANONYMOUS, -1isize, 0) }.map(|at| at as *mut u8)
}

/// Changes the length of a mapping, which may move.
///
/// # Safety
///
/// `at` and `old` are a mapping of the caller's, to which nothing points any more when it is done.
pub(crate) unsafe fn remap(at: *mut u8, old: usize, new: usize) -> Result<*mut u8> {
    const MAYMOVE: usize = 1;
    // SAFETY: the caller owes that the old range is its own mapping and that no pointer into it
    // survives the move.
    unsafe { call!(SYS_mremap, at, old, new, MAYMOVE, 0) }.map(|at| at as *mut u8)
}

/// Whether mremap(2) may be called: EINVAL is the kernel's answer, anything else that of a filter.
pub(crate) fn probe_remap() -> Result<()> {
    // SAFETY: the kernel refuses length 0 before it touches any mapping.
    unsafe { remap(core::ptr::null_mut(), 0, 0) }.map(drop)
}

/// munmap(2).
///
/// # Safety
///
/// `at` and `len` are a mapping of the caller's, to which nothing points any more.
pub(crate) unsafe fn unmap(at: *mut u8, len: usize) {
    // SAFETY: the caller owes that the range is its own mapping and that nothing points into it.
    let _ = unsafe { call!(SYS_munmap, at, len) };
}
