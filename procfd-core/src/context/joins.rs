// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Existing namespaces that the process joins: by a namespace descriptor, by a pidfd, by a path.

use std::os::fd::OwnedFd;
use std::path::Path;

use super::{Configured, Context};
use crate::settings::{Namespaces, c_string};

impl Context {
    /// Joins existing namespaces: the one of a namespace descriptor, or several of the process of a pidfd.
    ///
    /// User namespaces come first and mount namespaces last. From a mount namespace on, paths begin at its root: the
    /// program's too. A process of a pid namespace is still your child. A time namespace takes the slow path, which
    /// copies your memory as fork(2) does.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no kinds, or one that is joined already.
    ///
    /// # Kernel
    ///
    /// [setns(2)](https://man7.org/linux/man-pages/man2/setns.2.html); since 5.8 by pidfd.
    /// Privilege: `CAP_SYS_ADMIN` in the user namespace of each, and in the child's own.
    ///
    /// ```no_run
    /// use procfd::Namespaces;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/ip")?.args(["ip", "address"])?;
    /// context.join_fd(Namespaces::NET, std::fs::File::open("/run/netns/blue")?)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_JOIN_FD")]
    pub fn join_fd(&mut self, kinds: Namespaces, fd: impl Into<OwnedFd>) -> Configured<'_> {
        let fd = fd.into();
        self.set(|s| {
            let number = s.hold(fd);
            s.add_join_fd(kinds.bits(), number)
        })
    }

    /// Joins the existing namespace of this kind at a path, such as `/proc/1/ns/net`, which the child opens.
    ///
    /// # Errors
    ///
    /// As [`join_fd`](Self::join_fd), and `EINVAL`: several kinds, or a NUL in the path.
    ///
    /// # Kernel
    ///
    /// [setns(2)](https://man7.org/linux/man-pages/man2/setns.2.html). Privilege: as [`join_fd`](Self::join_fd).
    ///
    /// ```
    /// use procfd::{Namespaces, Stage};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.join_path(Namespaces::UTS, "/proc/self/ns/uts")?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::JOIN));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_JOIN_PATH")]
    pub fn join_path(&mut self, kind: Namespaces, path: impl AsRef<Path>) -> Configured<'_> {
        let path = c_string(path.as_ref())?;
        self.set(|s| s.add_join_path(kind.bits(), path))
    }
}
