// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The questions of process_info whose answers are texts and lists.

use std::os::fd::{IntoRawFd, RawFd};

use super::{Result, target};
use crate::info::{self, Fields, Mapping, OpenFd, ProcessRef, Thread};
use crate::settings::{IdMap, Namespaces};
use crate::sys::Errno;

pub use crate::info::Text;

/// PROC_INFO_EXE to PROC_INFO_FD_PATH, but PROC_INFO_MAPS.
pub fn text(fd: RawFd, which: Text) -> Result<Vec<u8>> {
    info::text(target(fd)?.pidfd()?, which)
}

/// PROC_INFO_MAPS.
pub fn maps(fd: RawFd) -> Result<Vec<Mapping>> {
    info::maps(target(fd)?.pidfd()?)
}

/// PROC_INFO_THREADS.
pub fn threads(fd: RawFd, fields: Fields) -> Result<Vec<Thread>> {
    info::threads(target(fd)?.pidfd()?, fields)
}

/// PROC_INFO_CHILDREN.
pub fn children(fd: RawFd) -> Result<Vec<ProcessRef>> {
    info::children(target(fd)?.pidfd()?)
}

/// PROC_INFO_DESCENDANTS.
pub fn descendants(fd: RawFd) -> Result<Vec<ProcessRef>> {
    info::descendants(target(fd)?.pidfd()?)
}

/// PROC_INFO_GROUPS.
pub fn groups(fd: RawFd) -> Result<Vec<u32>> {
    info::groups(target(fd)?.pidfd()?)
}

/// PROC_INFO_AFFINITY.
pub fn affinity(fd: RawFd) -> Result<Vec<u8>> {
    info::affinity(target(fd)?.pidfd()?)
}

/// PROC_INFO_UID_MAP.
pub fn uid_map(fd: RawFd) -> Result<Vec<IdMap>> {
    info::id_map(target(fd)?.pidfd()?, c"uid_map")
}

/// PROC_INFO_GID_MAP.
pub fn gid_map(fd: RawFd) -> Result<Vec<IdMap>> {
    info::id_map(target(fd)?.pidfd()?, c"gid_map")
}

/// PROC_INFO_FDS.
pub fn open_fds(fd: RawFd) -> Result<Vec<OpenFd>> {
    info::open_fds(target(fd)?.pidfd()?)
}

/// PROC_INFO_NSFD.
pub fn namespace(fd: RawFd, which: u64) -> Result<RawFd> {
    let which = Namespaces::from_bits(which).ok_or(Errno(libc::EINVAL))?;
    info::namespace(target(fd)?.pidfd()?, which).map(IntoRawFd::into_raw_fd)
}
