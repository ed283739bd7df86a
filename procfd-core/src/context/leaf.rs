// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! A new cgroup for the process, with limits.

use std::ffi::OsStr;

use super::{Configured, Context};
use crate::error::Error;
use crate::settings::c_string;
use crate::sys::vec;

impl Context {
    /// Starts the process in a new cgroup (v2) of its own, under a name that the library chooses; with
    /// [`cgroup_leaf_named`](Self::cgroup_leaf_named) under yours. [`cgroup_limit`](Self::cgroup_limit) implies it.
    ///
    /// The parent is [`cgroup`](Self::cgroup). Without that it is your own cgroup; or the one above, if your own has
    /// processes and so cannot have controllers for its children (cgroups(7), "no internal processes").
    ///
    /// SIGKILL of [`Process::kill_tree`](crate::Process::kill_tree) kills the whole cgroup; with a watcher, so does
    /// SIGKILL of a close policy. Once it is empty it is removed: when you next wait for a process or make a context,
    /// and by the watcher. Without a watcher it stays if your process ends first, and the close policy reaches the
    /// process or its group alone.
    ///
    /// # Errors
    ///
    /// None here. [`create`](Self::create) makes it ([`Stage::CGROUP_LEAF`](crate::Stage::CGROUP_LEAF)).
    ///
    /// # Kernel
    ///
    /// [cgroups(7)](https://man7.org/linux/man-pages/man7/cgroups.7.html), as [`cgroup`](Self::cgroup). Before 5.14 a
    /// kill reaches the processes of the cgroup and not those of cgroups below it. Privilege: the parent must be
    /// delegated to you.
    ///
    /// ```no_run
    /// let mut context = procfd::Context::new()?;
    /// context.program("/usr/bin/make")?.cgroup("/sys/fs/cgroup/builds")?.cgroup_leaf()?;
    /// let process = context.create()?;
    /// // The whole cgroup.
    /// process.kill_tree(libc::SIGKILL)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_CGROUP_LEAF")]
    pub fn cgroup_leaf(&mut self) -> Configured<'_> {
        self.set(|s| s.set_cgroup_leaf(Some(None)))
    }

    /// As [`cgroup_leaf`](Self::cgroup_leaf), under this name.
    ///
    /// # Errors
    ///
    /// `EINVAL`: an empty name, one of more than 255 bytes, or one with a slash or newline.
    ///
    /// # Kernel
    ///
    /// As [`cgroup_leaf`](Self::cgroup_leaf).
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.cgroup_leaf_named("job-7")?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::CGROUP_LEAF));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cgroup_leaf_named(&mut self, name: impl AsRef<OsStr>) -> Configured<'_> {
        let name = c_string(name)?;
        self.set(|s| s.set_cgroup_leaf(Some(Some(name))))
    }

    /// A limit of the process's own cgroup: a file of it and what to write there, as `("memory.max", "100M")` or
    /// `("pids.max", 20)`; or `("cpus", 0.5)` for `cpu.max` as a number of CPUs. In the order given; one file may come
    /// several times (`io.max` takes a device a time).
    ///
    /// The library enables the controller in the parent's `cgroup.subtree_control`, where it stays enabled.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no name of a limit, or no value. `E2BIG`: more than 256. [`create`](Self::create) sets it
    /// ([`Stage::CGROUP_LIMIT`](crate::Stage::CGROUP_LIMIT)).
    ///
    /// # Kernel
    ///
    /// As [`cgroup_leaf`](Self::cgroup_leaf). [cgroups(7)](https://man7.org/linux/man-pages/man7/cgroups.7.html).
    /// Privilege: the parent must be delegated to you.
    ///
    /// ```no_run
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/make")?;
    /// context.cgroup_limit("memory.max", "2G")?.cgroup_limit("cpus", 1.5)?.cgroup_limit("pids.max", 500)?;
    /// let process = context.create()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_CGROUP_LIMIT")]
    pub fn cgroup_limit(&mut self, file: &str, value: impl ToString) -> Configured<'_> {
        let text = vec::text(format_args!("{file}={}", value.to_string()));
        let limit = c_string(text.map_err(|e| Error::config(e.0, "a cgroup limit"))?)?;
        self.set(|s| s.add_cgroup_limit(limit))
    }
}
