// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Mounts in a new mount namespace, and its root.
//!
//! | room | holds |
//! |---|---|
//! | `mount` | one entry of the list: what a caller says, and its checks |
//! | `facts` | what a start has to know of the machine first |
//! | `lower` | what all of it comes to in the child's list |
//! | `old` | the same by mount(2) alone |
//! | `table` | what is mounted where, which mount(2) has to be told |

mod facts;
mod lower;
mod mount;
mod old;
mod table;
mod work;

use std::ffi::CString;
use std::os::fd::RawFd;
use std::path::Path;

use super::check::{self, c_string};
use super::{Configured, Context, Families, Namespaces, Prepared, Set, Settings};
use crate::error::{Error, Stage};
use crate::sys::vec::Shared;

pub(crate) use facts::{MountFacts, Source};
pub(super) use lower::all;
pub(crate) use mount::Entry;
pub use mount::{Mount, MountAttributes, MountKind, Propagation};
pub(crate) use table::Known;

/// The new root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum NewRoot {
    /// It stays: the mounts are made in it.
    #[default]
    Own,
    /// A fresh tmpfs.
    Tmpfs,
    /// This directory, with the mounts beneath.
    Path(CString),
    /// The creator's own, with all mounts beneath it read-only.
    ReadOnly,
}

/// The mounts of the process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mounts {
    root: NewRoot,
    private_tmp: bool,
    private_dev: bool,
    propagation: Option<Propagation>,
    list: Shared<Entry>,
}

impl Mounts {
    pub(super) fn any(&self) -> bool {
        self.root != NewRoot::Own
            || self.private_tmp
            || self.private_dev
            || self.propagation.is_some()
            || !self.list.is_empty()
    }

    /// Whether paths begin at another root than the creator's.
    pub(super) fn has_other_root(&self) -> bool {
        matches!(self.root, NewRoot::Tmpfs | NewRoot::Path(_))
    }

    /// The descriptors of user namespaces, with the index of their entry.
    pub(super) fn user_namespaces(&self) -> impl Iterator<Item = (u32, RawFd)> {
        self.list.iter().zip(0..).filter_map(|(entry, index)| Some((index, entry.user_namespace?)))
    }
}

impl Settings {
    /// Adds an entry to the list of mounts.
    pub fn add_mount(&mut self, mount: Mount) -> Set {
        check::len(self.mounts.list.len() + 1, "mounts")?;
        self.make(Families::MOUNTS)
            .mounts
            .list
            .push(mount.check()?)
            .map_err(|e| Error::config(e.0, "the list of mounts"))
    }

    fn set_new_root(&mut self, root: NewRoot, on: bool) -> Set {
        if on {
            if self.mounts.root != NewRoot::Own && self.mounts.root != root {
                let text = "a second new root: one of pivot_root, tmpfs_root and readonly_root";
                return Err(Error::config(libc::EINVAL, text));
            }
            self.make(Families::MOUNTS).mounts.root = root;
        } else if self.mounts.root == root {
            self.make(Families::MOUNTS).mounts.root = NewRoot::Own;
        }
        Ok(())
    }

    /// The new root.
    pub fn set_pivot_root(&mut self, path: CString) -> Set {
        check::path(&path, "the new root")?;
        if matches!(self.mounts.root, NewRoot::Path(_)) {
            self.make(Families::MOUNTS).mounts.root = NewRoot::Own;
        }
        self.set_new_root(NewRoot::Path(path), true)
    }

    /// A fresh tmpfs as root.
    pub fn set_tmpfs_root(&mut self, on: bool) -> Set {
        self.set_new_root(NewRoot::Tmpfs, on)
    }

    /// The creator's root, read-only.
    pub fn set_readonly_root(&mut self, on: bool) -> Set {
        self.set_new_root(NewRoot::ReadOnly, on)
    }

    /// An empty /tmp.
    pub fn set_private_tmp(&mut self, on: bool) -> Set {
        self.make(Families::MOUNTS).mounts.private_tmp = on;
        Ok(())
    }

    /// A /dev with the usual nodes.
    pub fn set_private_dev(&mut self, on: bool) -> Set {
        self.make(Families::MOUNTS).mounts.private_dev = on;
        Ok(())
    }

    /// The propagation of all mounts, before any is made.
    pub fn set_mount_propagation(&mut self, propagation: Propagation) -> Set {
        self.make(Families::MOUNTS).mounts.propagation = Some(propagation);
        Ok(())
    }
}

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

    /// The creator's root with all mounts beneath it read-only. A bind in the list of mounts is writable.
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

pub(super) fn conflicts(s: &Settings) -> Set {
    if !s.mounts.any() {
        return Ok(());
    }
    let err = |text: &str| Err(Error::plan(libc::EINVAL, text));
    if !s.namespaces.has(Namespaces::MOUNT) {
        return err("mounts without a new mount namespace (CLONE_NEWNS): they would be the creator's too");
    }
    if s.mounts.root != NewRoot::Own && s.filesystem.has_root() {
        return err("a new root by pivot_root and another by chroot: leave one out");
    }
    if s.mounts.root != NewRoot::Own && s.mounts.propagation == Some(Propagation::Shared) {
        return err("a new root with shared propagation: the kernel refuses pivot_root among shared mounts");
    }
    Ok(())
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, index: u32) -> Option<String> {
    let entry = || s.mounts.list.get(index as usize);
    match stage {
        Stage::MOUNT_SOURCE => entry().map(|e| format!("{:?}", e.source)),
        Stage::MOUNT_TARGET => entry().map(|e| format!("/{}", e.target.path().to_string_lossy())),
        Stage::MOUNT => entry().map(|e| {
            let target = e.target.path();
            let target = target.to_string_lossy();
            let target = target.trim_start_matches('.');
            match e.source.is_empty() {
                true => format!("({}) at /{target}", mount::name(e.kind)),
                false => format!("({}) {:?} at /{target}", mount::name(e.kind), e.source),
            }
        }),
        Stage::NEW_ROOT | Stage::PIVOT_ROOT => match &s.mounts.root {
            NewRoot::Own => None,
            NewRoot::Tmpfs => Some("(a tmpfs)".into()),
            NewRoot::Path(path) => Some(format!("{path:?}")),
            NewRoot::ReadOnly => Some("(the creator's, read-only)".into()),
        },
        _ => None,
    }
}

pub(super) fn hint(s: &Settings, stage: Stage, errno: i32) -> Option<&'static str> {
    let of_mounts = matches!(
        stage,
        Stage::MOUNT_PROPAGATION
            | Stage::NEW_ROOT
            | Stage::MOUNT_SOURCE
            | Stage::MOUNT_TARGET
            | Stage::MOUNT
            | Stage::PIVOT_ROOT
            | Stage::PRIVATE_TMP
            | Stage::PRIVATE_DEV
    );
    match errno {
        libc::EOVERFLOW if of_mounts && s.namespaces.is_unmapped() => {
            Some("the user and group of the child have no id in its user namespace: map them")
        }
        libc::EINVAL
            if stage == Stage::MOUNT_SOURCE
                && (s.namespaces.has(Namespaces::USER) || s.joins.has(Namespaces::USER)) =>
        {
            Some("without privilege a bind takes the mounts beneath along: make it recursive")
        }
        libc::EINVAL if stage == Stage::PIVOT_ROOT => {
            Some("the creator's root is no mount (a chroot, an initramfs): pivot_root cannot replace it")
        }
        _ => None,
    }
}
