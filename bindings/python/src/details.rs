// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What `procfd/_details.py` makes the methods of `Process` from: lists of plain values.

use std::ffi::OsString;

use procfd::{Fields, MapFlags};
use pyo3::prelude::*;

use crate::process::Process;

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

/// The names of the capabilities, by number.
#[pyfunction]
pub(crate) fn _capabilities() -> Vec<String> {
    let name = |number: u32| procfd::CapSet::from_bits(1 << number).to_string();
    (0..64).map(name).take_while(|name| name.parse::<u32>().is_err()).collect()
}
