// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! User and group ids.

use std::ffi::OsStr;

use super::{Configured, Context};
use crate::settings::{Ids, c_string};

impl Context {
    /// User ids. Supplementary groups stay as they are unless [`groups`](Self::groups) says otherwise.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [setresuid(2)](https://man7.org/linux/man-pages/man2/setresuid.2.html).
    /// Privilege: `CAP_SETUID`, but for one's own ids.
    ///
    /// ```
    /// use procfd::Ids;
    ///
    /// let mut context = procfd::Context::new()?;
    /// // Your own id needs no privilege.
    /// context.program("/bin/true")?.uid(Ids { effective: Some(0), ..Ids::default() })?;
    /// match context.create() {
    ///     Ok(process) => assert!(process.wait()?.is_success()),
    ///     Err(e) => assert_eq!(e.error().stage(), procfd::Stage::UID),
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_UID")]
    pub fn uid(&mut self, ids: Ids) -> Configured<'_> {
        self.set(|s| s.set_uid(ids))
    }

    /// A user, by name or number: its user id, group id and supplementary groups, as you find them now.
    ///
    /// A later [`uid`](Self::uid), [`gid`](Self::gid) or [`groups`](Self::groups) replaces these one by one.
    ///
    /// # Errors
    ///
    /// `ENOENT`: no such user, or a number without an account; what the user database answers.
    ///
    /// # Kernel
    ///
    /// [getpwnam_r(3)](https://man7.org/linux/man-pages/man3/getpwnam_r.3.html),
    /// [getgrouplist(3)](https://man7.org/linux/man-pages/man3/getgrouplist.3.html), then setgroups(2), setresgid(2)
    /// and setresuid(2). Privilege: `CAP_SETUID` and `CAP_SETGID`.
    ///
    /// ```no_run
    /// let mut context = procfd::Context::new()?;
    /// context.program("/usr/bin/id")?.user("nobody")?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_USER")]
    pub fn user(&mut self, user: impl AsRef<OsStr>) -> Configured<'_> {
        let user = c_string(user)?;
        self.set(|s| s.set_user(user))
    }

    /// Group ids.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [setresgid(2)](https://man7.org/linux/man-pages/man2/setresgid.2.html).
    /// Privilege: `CAP_SETGID`, but for one's own ids.
    ///
    /// ```
    /// use procfd::{Ids, Stage};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.gid(Ids::all(65_534))?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::GID));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_GID")]
    pub fn gid(&mut self, ids: Ids) -> Configured<'_> {
        self.set(|s| s.set_gid(ids))
    }

    /// Supplementary groups; an empty list drops them all.
    ///
    /// # Errors
    ///
    /// `E2BIG`: more than 65,536.
    ///
    /// # Kernel
    ///
    /// [setgroups(2)](https://man7.org/linux/man-pages/man2/setgroups.2.html).
    /// Privilege: `CAP_SETGID`.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.groups(&[])?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::GROUPS));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_GROUPS")]
    pub fn groups(&mut self, groups: &[u32]) -> Configured<'_> {
        self.set(|s| s.set_groups(groups.to_vec()))
    }
}
