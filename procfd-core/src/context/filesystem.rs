// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The root directory and the umask. Working directories are in the list of `descriptors`.

use std::path::Path;

use super::{Configured, Context};
use crate::settings::c_string;

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
