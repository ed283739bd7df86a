// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The cgroup that the process starts in.

use std::os::fd::OwnedFd;
use std::path::Path;

use super::{Configured, Context};
use crate::settings::c_string;

impl Context {
    /// The cgroup (v2) that the process starts in: a path as in `/proc/PID/cgroup`, a relative one below the
    /// creator's own cgroup, or the path of its directory in the file system.
    ///
    /// # Errors
    ///
    /// As [`program`](Self::program). [`create`](Self::create) opens it.
    ///
    /// # Kernel
    ///
    /// [cgroups(7)](https://man7.org/linux/man-pages/man7/cgroups.7.html). Since 5.7 the kernel starts the process
    /// there (`CLONE_INTO_CGROUP`). Before, it moves there before its first other step; a fork and, with the
    /// built-in init, the program do so too. Privilege: both cgroups must be delegated to the caller.
    ///
    /// ```no_run
    /// let mut context = procfd::Context::new()?;
    /// context.program("/usr/bin/make")?.cgroup("/sys/fs/cgroup/builds")?;
    /// let process = context.create()?;
    /// # drop(process);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_CGROUP")]
    pub fn cgroup(&mut self, path: impl AsRef<Path>) -> Configured<'_> {
        let path = c_string(path.as_ref())?;
        self.set(|s| s.set_cgroup(path))
    }

    /// The same by a descriptor of its directory, which the context keeps.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [cgroups(7)](https://man7.org/linux/man-pages/man7/cgroups.7.html), as [`cgroup`](Self::cgroup).
    ///
    /// ```no_run
    /// let builds = std::fs::File::open("/sys/fs/cgroup/builds")?;
    /// let mut context = procfd::Context::new()?;
    /// context.program("/usr/bin/make")?.cgroup_fd(builds)?;
    /// let process = context.create()?;
    /// # drop(process);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_CGROUP_FD")]
    pub fn cgroup_fd(&mut self, fd: impl Into<OwnedFd>) -> Configured<'_> {
        let fd = fd.into();
        self.set(|s| {
            let number = s.hold(fd);
            s.set_cgroup_fd(number)
        })
    }
}
