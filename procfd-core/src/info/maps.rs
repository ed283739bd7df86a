// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The mappings of a process.

use std::ffi::OsString;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStringExt;

use super::retry::ask_for;
use super::text;
use crate::proc::parse::maps as parse;
use crate::sys::{Result, vec};

bitflags::bitflags! {
    /// The permissions of a mapping.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct MapFlags: u32 {
        /// Reading.
        const READ = 0x1;
        /// Writing.
        const WRITE = 0x2;
        /// Executing.
        const EXEC = 0x4;
        /// Shared, not copied on write.
        const SHARED = 0x8;
    }
}

/// One mapping: a line of /proc/PID/maps.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mapping {
    /// Its first address.
    pub start: u64,
    /// The address behind its last.
    pub end: u64,
    /// Its permissions.
    pub flags: MapFlags,
    /// Where in the file it begins.
    pub offset: u64,
    /// The device of the file, as makedev(3) has it; 0 without a file.
    pub device: u64,
    /// The inode of the file; 0 without a file.
    pub inode: u64,
    /// The path of the file, with " (deleted)" behind it where that is gone; or `[heap]`, `[stack]`,
    /// `[anon:name]` and the like; or nothing. The kernel's `\012` for a newline is undone.
    pub path: OsString,
}

/// All mappings of one memory, in the order of addresses.
pub(crate) fn maps(pidfd: BorrowedFd<'_>) -> Result<Vec<Mapping>> {
    let text = ask_for(pidfd, |process| text::of_one_memory(process, c"maps"))?;
    // Each path is copied out of it.
    vec::need(text.len())?;
    vec::collect(parse::maps(&text).map(owned))
}

fn owned(map: parse::Map<'_>) -> Mapping {
    let mut flags = MapFlags::empty();
    flags.set(MapFlags::READ, map.read);
    flags.set(MapFlags::WRITE, map.write);
    flags.set(MapFlags::EXEC, map.execute);
    flags.set(MapFlags::SHARED, map.shared);
    Mapping {
        start: map.start,
        end: map.end,
        flags,
        offset: map.offset,
        device: libc::makedev(map.major, map.minor),
        inode: map.inode,
        path: OsString::from_vec(map.path().into_owned()),
    }
}
