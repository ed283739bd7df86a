// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! A pseudo-terminal as the process's standard streams and controlling terminal.
//!
//! Like a pipe it exists from the call on: the caller gets the master, and the context keeps the process's end until
//! the start.

use std::os::fd::OwnedFd;

use super::Settings;
use crate::Errno;
use crate::error::Error;
use crate::sys;

/// The size of a terminal in characters and, for programs that draw, in pixels: `struct winsize`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowSize {
    /// Lines.
    pub rows: u16,
    /// Characters in a line.
    pub columns: u16,
    /// Pixels; 0: not said.
    pub width: u16,
    /// Pixels; 0: not said.
    pub height: u16,
}

impl Settings {
    /// A terminal as 0, 1 and 2, with a new session that it controls; returns the master.
    pub fn add_pty(&mut self, size: WindowSize) -> Result<OwnedFd, Error> {
        let failed = |e: Errno| Error::config(e.0, "a pseudo-terminal");
        let (master, slave) =
            sys::fd::pty([size.rows, size.columns, size.width, size.height]).map_err(failed)?;
        let source = self.keep_end(slave, &[0, 1, 2], failed)?;
        self.set_session(true)?;
        self.set_ctty(source)?;
        Ok(master.into())
    }
}
