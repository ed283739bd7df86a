// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What `procfd/_details.py` makes the methods of `Process` from: lists of plain values, and
//! relatives as handles.

use std::ffi::OsString;
use std::io;

use procfd::{Fields, MapFlags, ProcessRef};
use pyo3::BoundObject;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::process::Process;

/// Calls the function of `procfd._details` with this name.
pub(crate) fn call<'py, A>(process: &Bound<'py, Process>, name: &str, rest: A) -> PyResult<Bound<'py, PyAny>>
where
    A: IntoPyObject<'py, Target = PyTuple>,
{
    let function = process.py().import("procfd._details")?.getattr(name)?;
    let rest = rest.into_pyobject(process.py()).map_err(Into::into)?.into_bound();
    let all = (process,).into_pyobject(process.py())?;
    let all = all.as_sequence().concat(rest.as_sequence())?.to_tuple()?;
    function.call1(all)
}

/// Its threads: id, and user and system time in nanoseconds where the kernel tells them.
#[pyfunction]
pub(crate) fn _threads(py: Python<'_>, process: &Process) -> PyResult<Vec<(u32, u64, u64)>> {
    let threads = process.ask(py, "threads of", |p| p.threads(Fields::TIMES))?;
    let times = |thread: procfd::Thread| {
        let (user, system) = thread.times.map_or((0, 0), |times| (times.user_ns, times.system_ns));
        (thread.tid, user, system)
    };
    Ok(threads.into_iter().map(times).collect())
}

type Descriptor = (i32, String, u32, i64, u64, OsString);
type MappingParts = (u64, u64, String, u64, u64, u64, OsString);

/// Its open descriptors: number, kind, flags, position, inode and path.
#[pyfunction]
pub(crate) fn _open_fds(py: Python<'_>, process: &Process) -> PyResult<Vec<Descriptor>> {
    let open = process.ask(py, "open files of", |p| p.open_fds())?;
    let shown = |fd: procfd::OpenFd| {
        (fd.fd, format!("{:?}", fd.kind).to_lowercase(), fd.flags, fd.position, fd.inode, fd.path)
    };
    Ok(open.into_iter().map(shown).collect())
}

/// Its mappings: first and last address, permissions, offset, device, inode and path.
#[pyfunction]
pub(crate) fn _maps(py: Python<'_>, process: &Process) -> PyResult<Vec<MappingParts>> {
    let maps = process.ask(py, "memory maps of", |p| p.maps())?;
    let shown = |map: procfd::Mapping| {
        let letter = |flag, letter| if map.flags.contains(flag) { letter } else { '-' };
        let mut perms: String =
            [letter(MapFlags::READ, 'r'), letter(MapFlags::WRITE, 'w'), letter(MapFlags::EXEC, 'x')]
                .iter()
                .collect();
        perms.push(if map.flags.contains(MapFlags::SHARED) { 's' } else { 'p' });
        (map.start, map.end, perms, map.offset, map.device, map.inode, map.path)
    };
    Ok(maps.into_iter().map(shown).collect())
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
