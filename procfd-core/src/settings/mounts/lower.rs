// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The calls of mounts in the child's list: fsopen(2), open_tree(2), move_mount(2), mount_setattr(2).
//!
//! A new root is made detached and put on top of the present one, where no path of the creator leads:
//! sources are found as before, targets beneath the new root's descriptor (`Slot::ROOT`). pivot_root(2) at
//! the end makes it the root, and the old one is unmounted.
//!
//! A recursive bind of the creator's root would take along what is on top of it. With such a source the new root is on
//! top of a mount that cannot be bound: the kernel leaves that out, and what is on it.

use super::old;
use super::table::{OF_TMPFS_ROOT, Table};
use super::work::{CLOEXEC, CLONE, RECURSIVE, Steps, TOP, Work};
use super::{Entry, Mount, MountAttributes, NewRoot};
use crate::child::{List, Slot};
use crate::error::Stage;
use crate::settings::{Facts, Settings};

pub(crate) fn all(s: &Settings, facts: &Facts<'_>, list: &mut List) {
    let mounts = &s.mounts;
    if !mounts.any() {
        return;
    }
    // Nothing that follows leaves the namespace.
    let propagation = mounts.propagation.unwrap_or_default();
    list.step(Stage::MOUNT_PROPAGATION, 0).set_propagation(c"/", libc::MS_REC | propagation.flag());
    list.umask(0).into(Slot::UMASK);
    let is_bound = facts.mount_sources.iter().any(|source| source.has_new_root);
    let old = facts.old_mounts.map(|creators| Table::new(&mounts.root, creators));
    list.step(Stage::NEW_ROOT, 0);
    match &old {
        Some(_) => old::new_root(&mounts.root, is_bound, list),
        None => new_root(&mounts.root, is_bound, list),
    }
    let fresh = mounts.root == NewRoot::Tmpfs;
    let mut work =
        Work { list, step: Steps::all(Stage::NEW_ROOT), index: 0, fresh, directory: facts.directory, old };
    if mounts.root == NewRoot::ReadOnly {
        work.old_read_only();
    }
    if mounts.private_tmp {
        work.short(Stage::PRIVATE_TMP, private_tmp());
    }
    if mounts.private_dev {
        work.short(Stage::PRIVATE_DEV, private_dev());
    }
    for ((entry, index), source) in mounts.list.iter().zip(0..).zip(facts.mount_sources) {
        work.step = Steps::LIST;
        work.index = index;
        work.entry(entry, *source);
    }
    list.step(Stage::PIVOT_ROOT, 0);
    if mounts.root != NewRoot::Own {
        list.fchdir_slot(Slot::ROOT);
        list.pivot_root_here();
        list.umount(c".");
    }
    list.close_slot(Slot::ROOT);
    // Also where the root stays: the directory may be one that a mount hides.
    list.chdir(c"/");
    if let Some(directory) = facts.directory {
        list.chdir(directory).or_not();
    }
    list.umask_slot(Slot::UMASK);
}

fn private_tmp() -> Option<Entry> {
    Mount::tmpfs("/tmp").mode(0o1777).check().ok()
}

fn private_dev() -> Option<Entry> {
    Mount::dev("/dev").check().ok()
}

/// The new root, on top of the creator's. With `is_bound` an entry binds the creator's root, and an
/// unbindable mount keeps the new root out of that bind.
fn new_root(root: &NewRoot, is_bound: bool, list: &mut List) {
    match root {
        NewRoot::Own => {
            list.open(c"/", libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC, 0).into(Slot::ROOT);
            return;
        }
        NewRoot::Tmpfs => {
            list.fsopen(c"tmpfs").into(Slot::A);
            list.fsconfig_string(Slot::A, c"mode", c"0755");
            list.fsconfig_create(Slot::A);
            list.fsmount(Slot::A, OF_TMPFS_ROOT.bits()).into(Slot::ROOT);
            list.close_slot(Slot::A);
        }
        NewRoot::Path(path) => {
            list.open_tree(path, CLONE | CLOEXEC | RECURSIVE as u32).into(Slot::ROOT);
        }
        NewRoot::ReadOnly => {
            list.open_tree(c"/", CLONE | CLOEXEC | RECURSIVE as u32).into(Slot::ROOT);
            list.mount_setattr(Slot::ROOT, RECURSIVE, [MountAttributes::READ_ONLY.bits(), 0, 0, 0]);
        }
    }
    if is_bound {
        list.fsopen(c"tmpfs").into(Slot::A);
        list.fsconfig_create(Slot::A);
        list.fsmount(Slot::A, 0).into(Slot::B);
        list.close_slot(Slot::A);
        list.move_mount_over_root(Slot::B);
        list.close_slot(Slot::B);
        list.set_propagation(TOP, libc::MS_UNBINDABLE);
    }
    list.move_mount_over_root(Slot::ROOT);
}
