// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The root directory and the umask. Working directories are in the list of `descriptors`.

use std::ffi::CString;
use std::path::Path;

use super::{Configured, Context, Facts, Families, Prepared, Set, Settings, c_string, check};
use crate::child::List;
use crate::error::{Error, Stage};

/// The files that the process sees.
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

impl Context {
    /// chroot(2), and then the new root as the directory.
    ///
    /// # Errors
    ///
    /// As [`program`](Self::program).
    ///
    /// # Kernel
    ///
    /// [chroot(2)](https://man7.org/linux/man-pages/man2/chroot.2.html).
    /// Privilege: `CAP_SYS_CHROOT`.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.root("/srv/box")?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::ROOT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_ROOT")]
    pub fn root(&mut self, path: impl AsRef<Path>) -> Configured<'_> {
        let path = c_string(path.as_ref())?;
        self.set(|s| s.set_root(path))
    }

    /// The file mode creation mask.
    ///
    /// # Errors
    ///
    /// `EINVAL`: over 0o777.
    ///
    /// # Kernel
    ///
    /// [umask(2)](https://man7.org/linux/man-pages/man2/umask.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "test $(umask) = 0027"])?.umask(0o027)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_UMASK")]
    pub fn umask(&mut self, mask: u32) -> Configured<'_> {
        self.set(|s| s.set_umask(mask))
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
