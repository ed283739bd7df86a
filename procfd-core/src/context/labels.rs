// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The label that a security module gives to the program.

use super::{Configured, Context};
use crate::settings::c_string;

impl Context {
    /// The SELinux context that the program runs in.
    ///
    /// # Errors
    ///
    /// `EINVAL`: empty, or a NUL in it; `ENAMETOOLONG`: over 4,000 bytes.
    /// [`create`](Self::create) fails with `EINVAL` if SELinux is not enabled or does not know the context. It fails with
    /// `EACCES` if its policy does not allow the change.
    ///
    /// # Kernel
    ///
    /// lsm_set_self_attr(2), since 6.8; before, and where that is refused,
    /// [`/proc/self/attr/exec`](https://man7.org/linux/man-pages/man5/proc_pid_attr.5.html). Privilege: what the policy
    /// says.
    ///
    /// ```no_run
    /// let mut context = procfd::Context::new()?;
    /// context.program("/usr/sbin/nginx")?.selinux_context("system_u:system_r:httpd_t:s0")?;
    /// context.create()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_SELINUX_CONTEXT")]
    pub fn selinux_context(&mut self, context: impl AsRef<std::ffi::OsStr>) -> Configured<'_> {
        let context = c_string(context)?;
        self.set(|s| s.set_selinux_context(context))
    }

    /// The AppArmor profile that the program runs under.
    ///
    /// # Errors
    ///
    /// `EINVAL`: empty, or a NUL in it; `ENAMETOOLONG`: over 4,000 bytes.
    /// [`create`](Self::create) fails with `ENOENT` if AppArmor is not in the kernel or has no such profile. It fails with
    /// `EACCES` if its policy does not allow the change.
    ///
    /// # Kernel
    ///
    /// lsm_set_self_attr(2), since 6.8; before, and where that is refused, `/proc/self/attr/apparmor/exec`, since 5.8.
    /// Privilege: what the policy says.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.apparmor_profile("usr.bin.man")?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::LABEL));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_APPARMOR_PROFILE")]
    pub fn apparmor_profile(&mut self, profile: impl AsRef<std::ffi::OsStr>) -> Configured<'_> {
        let profile = c_string(profile)?;
        self.set(|s| s.set_apparmor_profile(profile))
    }

    /// The Smack label of the process, which the program keeps unless its file has one.
    ///
    /// # Errors
    ///
    /// `EINVAL`: empty, or a NUL in it; `ENAMETOOLONG`: over 4,000 bytes. [`create`](Self::create) fails with `ENOENT` if
    /// Smack is not in the kernel, and with `EPERM` without the privilege.
    ///
    /// # Kernel
    ///
    /// lsm_set_self_attr(2), since 6.8; before, and where that is refused, `/proc/self/attr/smack/current`, since 5.1.
    /// Privilege: `CAP_MAC_ADMIN`.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.smack_label("User")?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::LABEL));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_SMACK_LABEL")]
    pub fn smack_label(&mut self, label: impl AsRef<std::ffi::OsStr>) -> Configured<'_> {
        let label = c_string(label)?;
        self.set(|s| s.set_smack_label(label))
    }
}
