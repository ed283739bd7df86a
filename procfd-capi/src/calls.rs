// SPDX-License-Identifier: MIT OR Apache-2.0

//! The calls as Rust has them, without errno: for the Python module, whose calls are these. Not for
//! other users: it may change with every release.

use std::ffi::{c_int, c_void};

use procfd::{Errno, ffi};

use crate::args::Data;
use crate::reserve;

type Result = std::result::Result<c_int, Errno>;

/// Whether there is memory for a call. The four calls look for themselves.
///
/// # Errors
///
/// ENOMEM.
pub fn check_memory() -> std::result::Result<(), Errno> {
    reserve::check()
}

/// process_open.
///
/// # Errors
///
/// Its errnos.
pub fn open(flags: u64) -> Result {
    reserve::check()?;
    ffi::open(flags)
}

/// process_config.
///
/// # Errors
///
/// Its errnos.
///
/// # Safety
///
/// `data` is NULL or valid for what the command reads.
pub unsafe fn config(procfd: c_int, cmd: u32, arg: u64, data: *mut c_void, size: usize) -> Result {
    reserve::check()?;
    // SAFETY: the caller's contract says data is NULL or valid for what the command reads.
    crate::config::config(procfd, cmd, arg, unsafe { Data::new(data, size) })
}

/// process_manage.
///
/// # Errors
///
/// Its errnos.
///
/// # Safety
///
/// `data` is NULL or valid for what the command reads and writes.
pub unsafe fn manage(procfd: c_int, cmd: u32, arg: u64, data: *mut c_void, size: usize) -> Result {
    reserve::check()?;
    // SAFETY: the caller's contract says data is NULL or valid for what the command needs.
    crate::manage::manage(procfd, cmd, arg, unsafe { Data::new(data, size) })
}

/// process_info.
///
/// # Errors
///
/// Its errnos.
///
/// # Safety
///
/// `data` is NULL or valid for what the command writes.
pub unsafe fn info(procfd: c_int, cmd: u32, arg: u64, data: *mut c_void, size: usize) -> Result {
    reserve::check()?;
    // SAFETY: the caller's contract says data is NULL or valid for what the command writes.
    crate::info::info(procfd, cmd, arg, unsafe { Data::new(data, size) })
}
