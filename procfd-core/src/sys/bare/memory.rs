// SPDX-License-Identifier: MIT OR Apache-2.0

//! Mappings, and the bytes of plain structures.

use super::{Result, call};

/// The bytes of a plain structure.
///
/// # Safety
///
/// `T` has no padding and no pointers.
pub(crate) unsafe fn bytes_of<T: Copy>(value: &T) -> &[u8] {
    // SAFETY: `value` is a live reference, valid for its size; the caller owes that `T` has no
    // padding, so every byte is initialised.
    unsafe { core::slice::from_raw_parts(core::ptr::from_ref(value).cast(), size_of::<T>()) }
}

/// The bytes of a plain structure, to be written.
///
/// # Safety
///
/// `T` has no padding, and every pattern of bits is a value of it.
pub(crate) unsafe fn bytes_of_mut<T: Copy>(value: &mut T) -> &mut [u8] {
    // SAFETY: `value` is borrowed for as long as the slice; the caller owes that `T` has no padding
    // and that any bytes written here are a `T`.
    unsafe { core::slice::from_raw_parts_mut(core::ptr::from_mut(value).cast(), size_of::<T>()) }
}

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

/// # Safety
///
/// `at` and `len` are a mapping of the caller's, to which nothing points any more.
pub(crate) unsafe fn unmap(at: *mut u8, len: usize) {
    // SAFETY: the caller owes that the range is its own mapping and that nothing points into it.
    let _ = unsafe { call!(SYS_munmap, at, len) };
}
