// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The root directory and the umask. Working directories are in the list of `descriptors`.

use std::ffi::CString;

use super::Families;
use super::check::{self};
use super::{Facts, Prepared, Set, Settings};
use crate::child::List;
use crate::error::{Error, Stage};

/// What the process sees of files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filesystem {
    root: Option<CString>,
    umask: Option<u32>,
}

impl Filesystem {
    pub(super) fn has_root(&self) -> bool {
        self.root.is_some()
    }
}

impl Settings {
    /// The root directory.
    pub fn set_root(&mut self, path: CString) -> Set {
        check::path(&path, "the root directory")?;
        self.make(Families::FILESYSTEM).filesystem.root = Some(path);
        Ok(())
    }

    /// The file mode creation mask.
    pub fn set_umask(&mut self, mask: u32) -> Set {
        if mask > 0o777 {
            return Err(Error::config(libc::EINVAL, format_args!("umask {mask:#o} is not in 0 to 0o777")));
        }
        self.make(Families::FILESYSTEM).filesystem.umask = Some(mask);
        Ok(())
    }
}

pub(super) fn root(s: &Settings, _: &Facts<'_>, list: &mut List) {
    let Some(root) = &s.filesystem.root else { return };
    list.step(Stage::ROOT, 0).chroot(root);
    list.chdir(c"/");
}

pub(super) fn umask(s: &Settings, _: &Facts<'_>, list: &mut List) {
    if let Some(mask) = s.filesystem.umask {
        list.step(Stage::UMASK, 0).umask(mask);
    }
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, _: u32) -> Option<String> {
    match stage {
        Stage::ROOT => s.filesystem.root.as_ref().map(|root| format!("to {root:?}")),
        Stage::UMASK => s.filesystem.umask.map(|mask| format!("{mask:#o}")),
        _ => None,
    }
}
