// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! New namespaces, the id maps of a user namespace, the host name of a UTS namespace.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::{Configured, Context};
use crate::settings::{IdMap, Namespaces, Setgroups};

impl Context {
    /// New namespaces, added to those set before.
    ///
    /// # Errors
    ///
    /// `EINVAL`: unknown bits.
    ///
    /// # Kernel
    ///
    /// [namespaces(7)](https://man7.org/linux/man-pages/man7/namespaces.7.html); since 5.6 for `CLONE_NEWTIME`.
    /// Privilege: `CAP_SYS_ADMIN`, but for a user namespace.
    ///
    /// ```
    /// use procfd::Namespaces;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?.namespaces(Namespaces::USER | Namespaces::NET)?;
    /// println!("{}", context.plan()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_FLAG")]
    pub fn namespaces(&mut self, namespaces: Namespaces) -> Configured<'_> {
        self.set(|s| s.add_namespaces(namespaces.bits()))
    }

    /// The user id map of a new user namespace.
    ///
    /// # Errors
    ///
    /// `EINVAL`: an empty or overflowing line; `E2BIG`: over 340 lines.
    ///
    /// # Kernel
    ///
    /// [user_namespaces(7)](https://man7.org/linux/man-pages/man7/user_namespaces.7.html).
    /// Privilege: `CAP_SETUID` or newuidmap(1), but for one's own id.
    ///
    /// ```
    /// use procfd::{IdMap, Namespaces, Stage};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.namespaces(Namespaces::USER)?.uid_map(&[IdMap { inside: 0, outside: 1000, count: 1 }])?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::UID_MAP));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_UID_MAP")]
    pub fn uid_map(&mut self, map: &[IdMap]) -> Configured<'_> {
        self.set(|s| s.set_uid_map(map.to_vec()))
    }

    /// The group id map of a new user namespace.
    ///
    /// # Errors
    ///
    /// As [`uid_map`](Self::uid_map).
    ///
    /// # Kernel
    ///
    /// [user_namespaces(7)](https://man7.org/linux/man-pages/man7/user_namespaces.7.html).
    /// Privilege: `CAP_SETGID` or newgidmap(1), but for one's own id.
    ///
    /// ```
    /// use procfd::{IdMap, Namespaces};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.namespaces(Namespaces::USER)?.gid_map(&[IdMap { inside: 0, outside: 1000, count: 1 }])?;
    /// println!("{}", context.plan()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_GID_MAP")]
    pub fn gid_map(&mut self, map: &[IdMap]) -> Configured<'_> {
        self.set(|s| s.set_gid_map(map.to_vec()))
    }

    /// What becomes of setgroups(2) in a new user namespace.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [user_namespaces(7)](https://man7.org/linux/man-pages/man7/user_namespaces.7.html).
    /// Privilege: `CAP_SETGID` to allow it.
    ///
    /// ```
    /// use procfd::{Namespaces, Setgroups, Stage};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.namespaces(Namespaces::USER)?.setgroups(Setgroups::Deny)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::SETGROUPS));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_SETGROUPS")]
    pub fn setgroups(&mut self, policy: Setgroups) -> Configured<'_> {
        self.set(|s| s.set_setgroups(policy))
    }

    /// The host name in a new UTS namespace.
    ///
    /// # Errors
    ///
    /// `ENAMETOOLONG`: over 64 bytes; `EINVAL`: a NUL in it.
    ///
    /// # Kernel
    ///
    /// [sethostname(2)](https://man7.org/linux/man-pages/man2/sethostname.2.html).
    /// Privilege: `CAP_SYS_ADMIN` in the namespace.
    ///
    /// ```no_run
    /// use procfd::Namespaces;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/hostname")?.namespaces(Namespaces::USER | Namespaces::UTS)?;
    /// context.hostname("box")?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_HOSTNAME")]
    pub fn hostname(&mut self, name: impl AsRef<OsStr>) -> Configured<'_> {
        self.set(|s| s.set_hostname(name.as_ref().as_bytes().to_vec()))
    }

    /// The NIS domain name in a new UTS namespace, up to 64 bytes.
    ///
    /// # Errors
    ///
    /// `ENAMETOOLONG`: over 64 bytes; `EINVAL`: a NUL in it.
    ///
    /// # Kernel
    ///
    /// [setdomainname(2)](https://man7.org/linux/man-pages/man2/setdomainname.2.html).
    /// Privilege: `CAP_SYS_ADMIN` in the namespace.
    ///
    /// ```
    /// use procfd::{Namespaces, Stage};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.namespaces(Namespaces::USER | Namespaces::UTS)?.domain_name("inside.example")?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::DOMAINNAME));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_DOMAINNAME")]
    pub fn domain_name(&mut self, name: impl AsRef<OsStr>) -> Configured<'_> {
        let name = name.as_ref().as_bytes().to_vec();
        self.set(|s| s.set_domain_name(name))
    }
}
