// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The methods of a snapshot that take processes.

use std::io;

use crate::info::{Info, Processes, Snapshot};
use crate::process::Process;

impl Snapshot {
    /// A process and its descendants, parents before children. The relation is read process by process:
    /// one whose parent ends meanwhile may be missing.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all); `ESRCH`: it has been reaped.
    pub fn tree(&mut self, root: &Process) -> io::Result<Processes<'_>> {
        Ok(self.tree_of(root.pidfd())?)
    }

    /// These processes, in this order; [`None`] for one of which nothing is known any more.
    pub fn list<'a>(
        &'a self,
        processes: impl IntoIterator<Item = &'a Process> + 'a,
    ) -> impl Iterator<Item = Option<Info>> + 'a {
        processes.into_iter().map(|process| process.info(self.asked()).ok())
    }
}
