// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The facts about the machine that a start needs before it can mount: the kernel's calls, the sources.

use std::ffi::CString;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::table::{self, Known};
use super::{Entry, MountKind, Mounts, NewRoot};
use crate::error::Error;
use crate::settings::Set;
use crate::settings::check::c_string;
use crate::sys;

/// The kind of an entry's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// A directory, or not known.
    pub(crate) is_dir: bool,
    /// The creator's root with the mounts beneath it, the new root among them.
    pub(crate) has_new_root: bool,
}

/// The input for the list of mounts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MountFacts {
    /// One for each entry.
    pub(crate) sources: Vec<Source>,
    /// The creator's.
    pub(crate) directory: Option<CString>,
    /// The creator's mounts, where mount(2) has to do.
    pub(crate) old: Option<Vec<Known>>,
    maps_ids: bool,
}

impl Mounts {
    /// Whether a mount that is there already gets attributes.
    fn changes_attributes(&self) -> bool {
        let changes = |entry: &Entry| {
            let may = matches!(
                entry.kind,
                MountKind::Bind | MountKind::File | MountKind::Dev | MountKind::Attributes
            );
            may && entry.set | entry.clear != 0
        };
        self.root == NewRoot::ReadOnly || self.list.iter().any(changes)
    }

    /// The facts that the child's list depends on, besides the settings.
    pub(crate) fn facts(&self) -> MountFacts {
        let calls = sys::mounts::NewCalls::present();
        let by_mount = !calls.mounts || (!calls.attributes && self.changes_attributes());
        MountFacts {
            sources: self.sources(by_mount),
            directory: directory(),
            old: by_mount.then(table::of_the_creator),
            maps_ids: calls.mounts && calls.attributes,
        }
    }

    /// The requests that mount(2) cannot carry out.
    pub(crate) fn check(&self, facts: &MountFacts) -> Set {
        match self.user_namespaces().next() {
            Some((index, _)) if !facts.maps_ids => Err(Error::plan(
                libc::ENOSYS,
                format_args!(
                    "mount {index} with the ids of a user namespace: it takes mount_setattr(2), which Linux has from 5.12 on \
                     unless a seccomp program refuses it"
                ),
            )),
            _ => Ok(()),
        }
    }

    /// The kind of each entry's source, as far as the child's list depends on it.
    fn sources(&self, by_mount: bool) -> Vec<Source> {
        let fresh = self.root == NewRoot::Tmpfs;
        let replaced = self.root != NewRoot::Own;
        let root = if replaced && !self.list.is_empty() { std::fs::metadata("/").ok() } else { None };
        let source = |entry: &Entry| {
            let asked = by_mount || fresh || entry.create || (replaced && entry.recursive);
            // One that is missing fails in the child, with its step.
            let found = (asked && entry.kind == MountKind::Bind)
                .then(|| std::fs::metadata(Path::new(std::ffi::OsStr::from_bytes(entry.source.as_bytes()))))
                .and_then(Result::ok);
            let is_same = |a: &Metadata, b: &Metadata| a.dev() == b.dev() && a.ino() == b.ino();
            Source {
                is_dir: found.as_ref().is_none_or(Metadata::is_dir),
                has_new_root: replaced
                    && entry.recursive
                    && found.is_some_and(|found| root.as_ref().is_none_or(|root| is_same(&found, root))),
            }
        };
        self.list.iter().map(source).collect()
    }
}

/// The creator's directory, where the child goes if the new root has it.
fn directory() -> Option<CString> {
    std::env::current_dir().ok().and_then(|path| c_string(path).ok())
}
