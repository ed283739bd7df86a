// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The commands of mounts that take a structure or a name of the kernel's.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use procfd::ffi::{MountKind, Settings};
use procfd::{Mount, MountAttributes, Propagation};

use super::Command;
use crate::Result;
use crate::abi::*;
use crate::args::{Data, string_at};
use crate::shapes::{self, INVALID, Read};

/// What is longer cannot be a file's content: the core has the limit.
const CONTENT_MAX: usize = (16 << 20) + 1;

pub(super) fn mount(command: Command<'_>) -> Result {
    command.set(read, Settings::add_mount)
}

pub(super) fn set_mount_propagation(command: Command<'_>) -> Result {
    let propagation = |arg, data| propagation(shapes::flags(arg, data)?);
    command.set(propagation, Settings::set_mount_propagation)
}

fn propagation(flag: u64) -> Read<Propagation> {
    Propagation::from_flag(flag).ok_or(INVALID)
}

fn read(arg: u64, data: Data) -> Read<Mount> {
    let kind = match arg {
        PROC_MOUNT_BIND => MountKind::Bind,
        PROC_MOUNT_FILESYSTEM => MountKind::Filesystem,
        PROC_MOUNT_DEV => MountKind::Dev,
        PROC_MOUNT_FILE => MountKind::File,
        PROC_MOUNT_SYMLINK => MountKind::Symlink,
        PROC_MOUNT_DIRECTORY => MountKind::Directory,
        PROC_MOUNT_REMOUNT => MountKind::Attributes,
        PROC_MOUNT_MOVE => MountKind::Move,
        PROC_MOUNT_UNMOUNT => MountKind::Unmount,
        PROC_MOUNT_PROPAGATION => MountKind::Propagation,
        _ => return Err(INVALID),
    };
    let given: procfd_mount = data.whole_pointer()?.read()?;
    let source = if given.source.is_null() { None } else { Some(string_at(given.source)?) };
    let target = string_at(given.target)?;
    let source = source.as_ref().map(|source| OsStr::from_bytes(source.as_bytes()));
    let mut mount = Mount::new(kind, source, OsStr::from_bytes(target.as_bytes()))
        .set(MountAttributes::from_bits_retain(given.set));
    if given.set & given.clear != 0 {
        return Err(INVALID);
    }
    mount = mount.clear(MountAttributes::from_bits_retain(given.clear));
    if !given.options.is_null() {
        mount = mount.options(string_at(given.options)?.as_bytes());
    }
    let size = usize::try_from(given.content_size).map_err(|_| INVALID)?;
    if size != 0 {
        mount = mount.content(data.at(given.content, size).list::<u8>(CONTENT_MAX)?);
    }
    if given.flags & !(PROC_MOUNT_RECURSIVE | PROC_MOUNT_CREATE | PROC_MOUNT_IDMAP) != 0 {
        return Err(INVALID);
    }
    if given.flags & PROC_MOUNT_RECURSIVE != 0 {
        mount = mount.recursive();
    }
    if given.flags & PROC_MOUNT_CREATE != 0 {
        mount = mount.create();
    }
    match (given.flags & PROC_MOUNT_IDMAP != 0, given.user_namespace) {
        (true, fd) => mount = mount.id_mapped_fd(fd),
        (false, 0) => {}
        (false, _) => return Err(INVALID),
    }
    if given.mode != 0 {
        mount = mount.mode(given.mode);
    }
    match (kind, given.propagation) {
        (MountKind::Propagation, flag) => Ok(mount.propagates(propagation(flag)?)),
        (_, 0) => Ok(mount),
        _ => Err(INVALID),
    }
}
