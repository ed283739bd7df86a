// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Mounts in a new mount namespace, and its root.

use std::path::Path;

use super::{Configured, Context};
use crate::settings::{Mount, Propagation, c_string};

impl Context {
    /// Adds an entry to the list of mounts, which the child makes in this order.
    ///
    /// A source is a path as the creator sees it, a target one in the new root. The mounts need a new
    /// mount namespace ([`namespaces`](Self::namespaces)), and do not spread out of it.
    ///
    /// # Errors
    ///
    /// `EINVAL`: a path that is not absolute, has a `..` or a NUL; something that this kind of entry does not take.
    /// `EFBIG`: a file over 16 MiB. `E2BIG`: over 65,536 entries.
    ///
    /// # Kernel
    ///
    /// [open_tree(2)](https://man7.org/linux/man-pages/man2/open_tree.2.html),
    /// [fsopen(2)](https://man7.org/linux/man-pages/man2/fsopen.2.html),
    /// [move_mount(2)](https://man7.org/linux/man-pages/man2/move_mount.2.html); or mount(2), where the kernel lacks
    /// them or a filter refuses them. Ids of a user namespace since 5.12. Privilege: `CAP_SYS_ADMIN`, or a new user
    /// namespace.
    ///
    /// ```no_run
    /// use procfd::{Mount, Namespaces};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/ls")?.namespaces(Namespaces::USER | Namespaces::MOUNT)?.tmpfs_root(true)?;
    /// for directory in ["/usr", "/bin", "/lib", "/lib64"] {
    ///     context.mount(Mount::rbind(directory, directory).read_only())?;
    /// }
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_MOUNT")]
    pub fn mount(&mut self, mount: Mount) -> Configured<'_> {
        self.set(|s| s.add_mount(mount))
    }

    /// The new root: this directory, with the mounts beneath. The list of mounts adds to it. The child
    /// goes to the creator's directory in it, or to its root.
    ///
    /// # Errors
    ///
    /// As [`program`](Self::program). `EINVAL`: another new root is set.
    ///
    /// # Kernel
    ///
    /// [pivot_root(2)](https://man7.org/linux/man-pages/man2/pivot_root.2.html).
    /// Privilege: as [`mount`](Self::mount).
    ///
    /// ```
    /// use procfd::{Namespaces, Stage};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.namespaces(Namespaces::USER | Namespaces::MOUNT)?;
    /// context.pivot_root("/srv/box")?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::PIVOT_ROOT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_PIVOT_ROOT")]
    pub fn pivot_root(&mut self, path: impl AsRef<Path>) -> Configured<'_> {
        let path = c_string(path.as_ref())?;
        self.set(|s| s.set_pivot_root(path))
    }

    /// A fresh tmpfs as the new root. Targets of mounts that are missing are made.
    ///
    /// # Errors
    ///
    /// `EINVAL`: another new root is set.
    ///
    /// # Kernel
    ///
    /// [pivot_root(2)](https://man7.org/linux/man-pages/man2/pivot_root.2.html).
    /// Privilege: as [`mount`](Self::mount).
    ///
    /// ```
    /// use procfd::{Namespaces, Stage};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.namespaces(Namespaces::USER | Namespaces::MOUNT)?;
    /// context.tmpfs_root(true)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::NEW_ROOT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_TMPFS_ROOT")]
    pub fn tmpfs_root(&mut self, on: bool) -> Configured<'_> {
        self.set(|s| s.set_tmpfs_root(on))
    }

    /// The creator's root with all mounts beneath it read-only. What the list of mounts binds is writable.
    ///
    /// # Errors
    ///
    /// `EINVAL`: another new root is set.
    ///
    /// # Kernel
    ///
    /// [mount_setattr(2)](https://man7.org/linux/man-pages/man2/mount_setattr.2.html), or mount(2) for each mount before
    /// 5.12. Privilege: as [`mount`](Self::mount).
    ///
    /// ```no_run
    /// use procfd::{Mount, Namespaces};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/usr/bin/make")?.namespaces(Namespaces::USER | Namespaces::MOUNT)?;
    /// context.readonly_root(true)?.private_tmp(true)?.mount(Mount::rbind("/work", "/work"))?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_READONLY_ROOT")]
    pub fn readonly_root(&mut self, on: bool) -> Configured<'_> {
        self.set(|s| s.set_readonly_root(on))
    }

    /// An empty `/tmp`, before the list of mounts.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [tmpfs(5)](https://man7.org/linux/man-pages/man5/tmpfs.5.html). Privilege: as [`mount`](Self::mount).
    ///
    /// ```
    /// use procfd::{Namespaces, Stage};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.namespaces(Namespaces::USER | Namespaces::MOUNT)?;
    /// context.private_tmp(true)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::PRIVATE_TMP));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_PRIVATE_TMP")]
    pub fn private_tmp(&mut self, on: bool) -> Configured<'_> {
        self.set(|s| s.set_private_tmp(on))
    }

    /// A private `/dev`, before the list of mounts ([`Mount::dev`]).
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [devpts](https://www.kernel.org/doc/html/latest/filesystems/devpts.html). Privilege: as [`mount`](Self::mount).
    /// The new pseudo-terminals are [pts(4)](https://man7.org/linux/man-pages/man4/pts.4.html).
    ///
    /// ```
    /// use procfd::{Namespaces, Stage};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.namespaces(Namespaces::USER | Namespaces::MOUNT)?;
    /// context.private_dev(true)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::PRIVATE_DEV));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_PRIVATE_DEV")]
    pub fn private_dev(&mut self, on: bool) -> Configured<'_> {
        self.set(|s| s.set_private_dev(on))
    }

    /// The propagation of all mounts of the child's namespace, set before any is made; private unless you
    /// set it.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [mount_namespaces(7)](https://man7.org/linux/man-pages/man7/mount_namespaces.7.html).
    /// Privilege: as [`mount`](Self::mount).
    ///
    /// ```
    /// use procfd::{Namespaces, Propagation, Stage};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.namespaces(Namespaces::USER | Namespaces::MOUNT)?;
    /// context.mount_propagation(Propagation::Slave)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::MOUNT_PROPAGATION));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_MOUNT_PROPAGATION")]
    pub fn mount_propagation(&mut self, propagation: Propagation) -> Configured<'_> {
        self.set(|s| s.set_mount_propagation(propagation))
    }
}
