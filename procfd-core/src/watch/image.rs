// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The image of the watcher program, which also is the built-in init of a pid namespace.

use std::ffi::CStr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::forks::{self, Private};
use crate::sys::per_process::PerProcess;
use crate::sys::{self, Result};

/// The executable from the build script.
pub(crate) static PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/procfd-watcher"));

/// The memfd's name, which /proc/PID/exe shows.
pub(super) const NAME: &CStr = c"procfd-watch";

static INIT_IMAGE: PerProcess<Mutex<Option<Arc<Private>>>> = PerProcess::new();

/// The sealed image of the built-in init, for execveat(2). Made once, and again if the program has closed it.
pub(crate) fn init_image() -> Result<Arc<Private>> {
    let mut kept = INIT_IMAGE.get(forks::generation()).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(image) = kept.as_ref().filter(|image| image.live().is_ok()) {
        return Ok(Arc::clone(image));
    }
    let image =
        Arc::new(Private::new(|| sys::memfd::sealed_whatever_limit(NAME, PROGRAM).map(sys::fd::made))?);
    *kept = Some(Arc::clone(&image));
    Ok(image)
}
