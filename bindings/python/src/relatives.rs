// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The relatives of a process as handles, and the methods that Python code has.

use std::io;

use procfd::{Fields, ProcessRef};
use pyo3::BoundObject;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// Calls the function of `procfd._details` with this name.
pub(crate) fn call<'py, A>(process: &Bound<'py, PyAny>, name: &str, rest: A) -> PyResult<Bound<'py, PyAny>>
where
    A: IntoPyObject<'py, Target = PyTuple>,
{
    let function = process.py().import("procfd._details")?.getattr(name)?;
    let rest = rest.into_pyobject(process.py()).map_err(Into::into)?.into_bound();
    let all = (process,).into_pyobject(process.py())?;
    let all = all.as_sequence().concat(rest.as_sequence())?.to_tuple()?;
    function.call1(all)
}

/// Opens a relative; `None` if it has ended, though its pid may be in use again.
pub(crate) fn open(reference: &ProcessRef) -> Option<procfd::Process> {
    let process = procfd::Process::open(reference.pid).ok()?;
    let info = process.info(Fields::INODE | Fields::START).ok()?;
    let same = match (reference.inode, info.inode) {
        (Some(inode), Some(found)) => inode == found,
        _ => info.start?.boot_ns == reference.start_boot_ns,
    };
    same.then_some(process)
}

/// Its parent; `None` without one in the caller's pid namespace.
pub(crate) fn parent(process: &procfd::Process) -> io::Result<Option<procfd::Process>> {
    loop {
        let parent_id = |process: &procfd::Process| -> io::Result<u32> {
            Ok(process.info(Fields::IDS)?.ids.map_or(0, |ids| ids.ppid))
        };
        let id = parent_id(process)?;
        if id == 0 {
            return Ok(None);
        }
        let opened = procfd::Process::open(id);
        // It was the parent when it was opened, if it still is: another would have come in its place.
        if parent_id(process)? == id {
            return opened.map(Some);
        }
    }
}
