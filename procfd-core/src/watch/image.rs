// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The watcher program, which is the built-in init of a pid namespace too.

use std::ffi::CStr;
use std::os::fd::OwnedFd;

use crate::sys::{self, Result};

/// What the build script made.
pub(crate) static PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/procfd-watcher"));

/// The memfd's name, which /proc/PID/exe shows.
pub(super) const NAME: &CStr = c"procfd-watch";

/// The sealed image, close-on-exec, for a caller that executes it more than once.
pub(crate) fn sealed_image() -> Result<OwnedFd> {
    sys::memfd::sealed(NAME, PROGRAM, |_| ()).map(sys::fd::made)
}
