// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The label that a security module gives to the program: SELinux, AppArmor, Smack.
//!
//! The child says it by lsm_set_self_attr(2) (6.8). Where the kernel or the module does not have that, it writes to
//! /proc, which it has to see. SELinux and AppArmor change the label at the execution; the child says it as its new
//! user, with its last capabilities. The label of Smack holds at once and takes CAP_MAC_ADMIN, which a new user does not
//! have: the child sets it before its ids. Processes with that label could then trace the child into the creator's
//! memory, so the child runs in a copy.

use std::ffi::{CStr, CString};

use super::{Configured, Context, Facts, Families, Prepared, Set, Settings, c_string};
use crate::child::{List, LsmAttribute};
use crate::error::{Error, Stage};

/// The longest label that the kernel takes: a page.
const LABEL_MAX: usize = 4000;

/// The modules, in the order of their indices.
const MODULES: [Module; 3] = [
    Module {
        name: "SELinux context",
        attribute: LsmAttribute::SELINUX_EXEC,
        file: c"/proc/thread-self/attr/exec",
    },
    Module {
        name: "AppArmor profile",
        attribute: LsmAttribute::APPARMOR_EXEC,
        file: c"/proc/thread-self/attr/apparmor/exec",
    },
    Module {
        name: "Smack label",
        attribute: LsmAttribute::SMACK_CURRENT,
        file: c"/proc/thread-self/attr/smack/current",
    },
];

const SELINUX: usize = 0;
const APPARMOR: usize = 1;
const SMACK: usize = 2;

struct Module {
    name: &'static str,
    attribute: LsmAttribute,
    file: &'static CStr,
}

/// The label of each module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels([Option<CString>; MODULES.len()]);

impl Labels {
    /// Whether the child needs memory of its own.
    pub(crate) fn needs_copy(&self) -> bool {
        self.0.get(SMACK).is_some_and(Option::is_some)
    }
}

impl Settings {
    /// The SELinux context of the program.
    pub fn set_selinux_context(&mut self, context: CString) -> Set {
        self.set_label(SELINUX, context)
    }

    /// The AppArmor profile of the program.
    pub fn set_apparmor_profile(&mut self, profile: CString) -> Set {
        self.set_label(APPARMOR, profile)
    }

    /// The Smack label of the process.
    pub fn set_smack_label(&mut self, label: CString) -> Set {
        self.set_label(SMACK, label)
    }

    fn set_label(&mut self, module: usize, label: CString) -> Set {
        let name = MODULES.get(module).map_or("", |module| module.name);
        if label.is_empty() {
            return Err(Error::config(libc::EINVAL, format_args!("an empty {name}")));
        }
        let len = label.as_bytes().len();
        if len > LABEL_MAX {
            return Err(Error::config(
                libc::ENAMETOOLONG,
                format_args!("{name} of {len} bytes; there are {LABEL_MAX} at most"),
            ));
        }
        if let Some(place) = self.make(Families::LABELS).labels.0.get_mut(module) {
            *place = Some(label);
        }
        Ok(())
    }
}

impl Context {
    /// The SELinux context that the program runs in.
    ///
    /// # Errors
    ///
    /// `EINVAL`: empty, or a NUL in it; `ENAMETOOLONG`: over 4,000 bytes.
    /// [`create`](Self::create) fails with `EINVAL` if SELinux is not enabled or does not know the context, or with
    /// `EOPNOTSUPP` if Smack is enabled in its place. It fails with `EACCES` if its policy does not allow the change.
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
    /// It holds before the ids change, which takes the privilege away. Such a start takes the slow path: the child runs in
    /// a copy of your memory, because processes with that label could trace it.
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

/// The labels that apply at once. Before the ids, whose change takes the right away.
pub(super) fn current(s: &Settings, _: &Facts<'_>, list: &mut List) {
    set(s, SMACK, list);
}

/// The labels that apply at the exec. Before Landlock and seccomp, which may refuse the calls.
pub(super) fn at_execution(s: &Settings, _: &Facts<'_>, list: &mut List) {
    set(s, SELINUX, list);
    set(s, APPARMOR, list);
}

fn set(s: &Settings, at: usize, list: &mut List) {
    let (Some(Some(label)), Some(module)) = (s.labels.0.get(at), MODULES.get(at)) else { return };
    let mut text = Vec::new();
    // An AppArmor profile is an argument of a command.
    if module.attribute == LsmAttribute::APPARMOR_EXEC {
        text.extend_from_slice(b"exec ");
    }
    text.extend_from_slice(label.as_bytes());
    list.step(Stage::LABEL, at as u32);
    let before = list.len();
    list.lsm_set_self_attr(module.attribute, &text).or_else(3);
    list.write_file(module.file, &text);
    debug_assert_eq!(list.len(), before + 4, "the length of the substitute");
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, index: u32) -> Option<String> {
    let at = usize::try_from(index).ok().filter(|_| stage == Stage::LABEL)?;
    let label = s.labels.0.get(at)?.as_ref()?;
    Some(format!("of {} to {label:?}", MODULES.get(at)?.name.split(' ').next()?))
}

pub(super) fn hint(_: &Settings, stage: Stage, errno: i32) -> Option<&'static str> {
    match (stage, errno) {
        (Stage::LABEL, libc::EINVAL) => {
            Some("the security module is not enabled in this kernel, or does not know the label")
        }
        // Of Smack, asked for what is SELinux's.
        (Stage::LABEL, libc::EOPNOTSUPP) => Some("this kernel has enabled another security module"),
        (Stage::LABEL, libc::ENOENT) => Some(
            "the security module is not in this kernel, does not know the label, or no /proc shows the process",
        ),
        (Stage::LABEL, libc::EACCES | libc::EPERM) => {
            Some("the policy of the security module does not allow the change")
        }
        _ => None,
    }
}
