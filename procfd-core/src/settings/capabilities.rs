// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The five sets of capabilities, keep-caps, securebits.
//!
//! A change of the user clears sets, and execve(2) computes the program's anew, so the child works in this
//! order. It keeps its permitted set across the change of ids, and makes it effective again. With it, it changes
//! the inheritable, bounding and ambient sets and the securebits. It gives the rest up at the end.

mod plan;

use super::capset::CapSet;
use super::{Configured, Context, Families, Prepared, Set, Settings};
use crate::error::{Error, Stage};
use crate::sys;
use plan::{Plan, known};

pub(super) use plan::{Sets, change, finish, finish_late, keep};

bitflags::bitflags! {
    /// The securebits of a process: what user id 0 means for its capabilities
    /// ([capabilities(7)](https://man7.org/linux/man-pages/man7/capabilities.7.html)). A lock keeps the
    /// bit below it as it is, for the process and all it starts.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct SecureBits: u32 {
        /// User id 0 gives no capabilities at execve(2).
        const NOROOT = 1;
        /// Locks `NOROOT`.
        const NOROOT_LOCKED = 1 << 1;
        /// A change of the user leaves the sets as they are.
        const NO_SETUID_FIXUP = 1 << 2;
        /// Locks `NO_SETUID_FIXUP`.
        const NO_SETUID_FIXUP_LOCKED = 1 << 3;
        /// A change from user id 0 leaves the permitted set; execve(2) clears this bit.
        const KEEP_CAPS = 1 << 4;
        /// Locks `KEEP_CAPS`.
        const KEEP_CAPS_LOCKED = 1 << 5;
        /// Nothing is added to the ambient set.
        const NO_CAP_AMBIENT_RAISE = 1 << 6;
        /// Locks `NO_CAP_AMBIENT_RAISE`.
        const NO_CAP_AMBIENT_RAISE_LOCKED = 1 << 7;
        /// Interpreters are asked to check what they execute by execveat(`AT_EXECVE_CHECK`); 6.14.
        const EXEC_RESTRICT_FILE = 1 << 8;
        /// Locks `EXEC_RESTRICT_FILE`.
        const EXEC_RESTRICT_FILE_LOCKED = 1 << 9;
        /// Interpreters are asked to take no commands from elsewhere; 6.14.
        const EXEC_DENY_INTERACTIVE = 1 << 10;
        /// Locks `EXEC_DENY_INTERACTIVE`.
        const EXEC_DENY_INTERACTIVE_LOCKED = 1 << 11;
    }
}

/// The sets as the context has them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Capabilities {
    bounding: Option<CapSet>,
    permitted: Option<CapSet>,
    effective: Option<CapSet>,
    inheritable: Option<CapSet>,
    ambient: Option<CapSet>,
    keep: bool,
    securebits: Option<SecureBits>,
}

impl Capabilities {
    /// Whether anything is set, so that the sets at the start count.
    pub(super) fn is_set(&self) -> bool {
        let sets = [self.bounding, self.permitted, self.effective, self.inheritable, self.ambient];
        sets.iter().any(Option::is_some) || self.keep || self.securebits.is_some()
    }
}

impl Settings {
    /// The bounding set.
    pub fn set_cap_bounding(&mut self, bits: u64) -> Set {
        self.make(Families::CAPABILITIES).capabilities.bounding = Some(checked(bits)?);
        Ok(())
    }

    /// The permitted set.
    pub fn set_cap_permitted(&mut self, bits: u64) -> Set {
        self.make(Families::CAPABILITIES).capabilities.permitted = Some(checked(bits)?);
        Ok(())
    }

    /// The effective set.
    pub fn set_cap_effective(&mut self, bits: u64) -> Set {
        self.make(Families::CAPABILITIES).capabilities.effective = Some(checked(bits)?);
        Ok(())
    }

    /// The inheritable set.
    pub fn set_cap_inheritable(&mut self, bits: u64) -> Set {
        self.make(Families::CAPABILITIES).capabilities.inheritable = Some(checked(bits)?);
        Ok(())
    }

    /// The ambient set.
    pub fn set_cap_ambient(&mut self, bits: u64) -> Set {
        self.make(Families::CAPABILITIES).capabilities.ambient = Some(checked(bits)?);
        Ok(())
    }

    /// Whether the permitted set outlives the change of ids.
    pub fn set_keep_caps(&mut self, on: bool) -> Set {
        self.make(Families::CAPABILITIES).capabilities.keep = on;
        Ok(())
    }

    /// The securebits.
    pub fn set_securebits(&mut self, bits: u32) -> Set {
        let Some(bits) = SecureBits::from_bits(bits) else {
            let unknown = bits & !SecureBits::all().bits();
            return Err(Error::config(
                libc::EINVAL,
                format_args!("securebits {unknown:#x}, which are unknown"),
            ));
        };
        self.make(Families::CAPABILITIES).capabilities.securebits = Some(bits);
        Ok(())
    }

    /// Whether the child begins with a capability.
    pub(super) fn creator_has(&self, number: u32) -> bool {
        Sets::at_start(self.has_other_user_namespace()).permitted.contains(number)
    }

    /// The sets that the child begins with, if they count.
    pub(super) fn sets_at_start(&self) -> Option<Sets> {
        // A new user would not have the right that Landlock or a seccomp program takes.
        let counts =
            self.capabilities.is_set() || (self.needs_rights_late() && self.identity.uid().is_some());
        counts.then(|| Sets::at_start(self.has_other_user_namespace()))
    }
}

impl Context {
    /// The capability bounding set: what the program can get at most by its file. It is a limit: what the
    /// creator's has lost does not come back.
    ///
    /// # Errors
    ///
    /// `EINVAL`: a capability that the kernel does not have.
    ///
    /// # Kernel
    ///
    /// [capabilities(7)](https://man7.org/linux/man-pages/man7/capabilities.7.html).
    /// Privilege: `CAP_SETPCAP`.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/grep")?.args(["grep", "-q", "CapBnd:.0*400$", "/proc/self/status"])?;
    /// context.cap_bounding("net_bind_service".parse()?)?;
    /// match context.create() {
    ///     Ok(process) => assert!(process.wait()?.is_success()),
    ///     Err(e) => assert_eq!(e.stage(), procfd::Stage::BOUNDING),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_CAP_BOUNDING")]
    pub fn cap_bounding(&mut self, set: CapSet) -> Configured<'_> {
        self.set(|s| s.set_cap_bounding(set.bits()))
    }

    /// The permitted set. execve(2) computes the program's permitted set from the other sets and the file. This is
    /// therefore for a fork, and for root with [`no_new_privs`](Self::no_new_privs), which gains nothing at the
    /// execve(2).
    ///
    /// # Errors
    ///
    /// `EINVAL`: a capability that the kernel does not have.
    ///
    /// # Kernel
    ///
    /// [capset(2)](https://man7.org/linux/man-pages/man2/capset.2.html).
    /// Privilege: the creator must have the capabilities.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.no_new_privs()?.cap_permitted("kill".parse()?)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::CAPS));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_CAP_PERMITTED")]
    pub fn cap_permitted(&mut self, set: CapSet) -> Configured<'_> {
        self.set(|s| s.set_cap_permitted(set.bits()))
    }

    /// The effective set. execve(2) computes the program's anew.
    ///
    /// # Errors
    ///
    /// `EINVAL`: a capability that the kernel does not have.
    ///
    /// # Kernel
    ///
    /// [capset(2)](https://man7.org/linux/man-pages/man2/capset.2.html).
    /// Privilege: the creator must have the capabilities.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.cap_effective("kill".parse()?)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::CAPS));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_CAP_EFFECTIVE")]
    pub fn cap_effective(&mut self, set: CapSet) -> Configured<'_> {
        self.set(|s| s.set_cap_effective(set.bits()))
    }

    /// The inheritable set: the program gets those that its file has as inheritable too.
    ///
    /// # Errors
    ///
    /// `EINVAL`: a capability that the kernel does not have.
    ///
    /// # Kernel
    ///
    /// [capset(2)](https://man7.org/linux/man-pages/man2/capset.2.html).
    /// Privilege: the creator must have the capabilities.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.cap_inheritable("net_bind_service".parse()?)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::CAPS));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_CAP_INHERITABLE")]
    pub fn cap_inheritable(&mut self, set: CapSet) -> Configured<'_> {
        self.set(|s| s.set_cap_inheritable(set.bits()))
    }

    /// The ambient set: capabilities that a program without root has in spite of its file. They become
    /// inheritable too, unless [`cap_inheritable`](Self::cap_inheritable) says otherwise.
    ///
    /// # Errors
    ///
    /// `EINVAL`: a capability that the kernel does not have.
    ///
    /// # Kernel
    ///
    /// [capabilities(7)](https://man7.org/linux/man-pages/man7/capabilities.7.html).
    /// Privilege: the creator must have the capabilities.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.cap_ambient("net_bind_service".parse()?)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::AMBIENT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_CAP_AMBIENT")]
    pub fn cap_ambient(&mut self, set: CapSet) -> Configured<'_> {
        self.set(|s| s.set_cap_ambient(set.bits()))
    }

    /// Whether a new user keeps the creator's permitted set, as far as execve(2) leaves it.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [PR_SET_KEEPCAPS(2const)](https://man7.org/linux/man-pages/man2const/PR_SET_KEEPCAPS.2const.html). No privilege.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.keep_caps(true)?.uid(procfd::Ids::all(65_534))?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::KEEP_CAPS));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_KEEP_CAPS")]
    pub fn keep_caps(&mut self, on: bool) -> Configured<'_> {
        self.set(|s| s.set_keep_caps(on))
    }

    /// The securebits, with their locks.
    ///
    /// # Errors
    ///
    /// `EINVAL`: unknown bits.
    ///
    /// # Kernel
    ///
    /// [PR_SET_SECUREBITS(2const)](https://man7.org/linux/man-pages/man2const/PR_SET_SECUREBITS.2const.html).
    /// Privilege: `CAP_SETPCAP`.
    ///
    /// ```
    /// use procfd::{SecureBits, Stage};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.securebits(SecureBits::NOROOT)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::SECUREBITS));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_SECUREBITS")]
    pub fn securebits(&mut self, bits: SecureBits) -> Configured<'_> {
        self.set(|s| s.set_securebits(bits.bits()))
    }
}

/// All bits stand for all that the kernel has.
fn checked(bits: u64) -> Result<CapSet, Error> {
    let set = CapSet::from_bits(bits);
    let last = sys::task::last_capability();
    match (set - known(set)).iter().next() {
        Some(number) if set != CapSet::ALL => Err(Error::config(
            libc::EINVAL,
            format_args!("capability {number}; the last of this kernel is {last}"),
        )),
        _ => Ok(known(set)),
    }
}

pub(super) fn conflicts(s: &Settings) -> Set {
    let Capabilities { permitted, effective, inheritable, ambient, .. } = s.capabilities;
    let pairs = [
        ("effective", effective, "permitted", permitted),
        ("ambient", ambient, "permitted", permitted),
        ("ambient", ambient, "inheritable", inheritable),
    ];
    for (small, set, large, other) in pairs {
        let (Some(set), Some(other)) = (set, other) else { continue };
        if !set.is_within(other) {
            let missing = set - other;
            return Err(Error::plan(
                libc::EINVAL,
                format_args!(
                    "{missing} in the {small} set but not in the {large} set: add it there, or leave that set out"
                ),
            ));
        }
    }
    Ok(())
}

pub(super) fn operand(s: &Settings, prepared: &Prepared, stage: Stage, index: u32) -> Option<String> {
    let capabilities = &s.capabilities;
    match stage {
        Stage::CAPS => {
            let Plan { first, last, .. } = capabilities.plan(prepared.sets()?, s.identity.uid());
            let Sets { permitted, effective, inheritable } = if index == 0 { first } else { last }?;
            Some(format!("permitted {permitted}, effective {effective}, inheritable {inheritable}"))
        }
        Stage::BOUNDING | Stage::AMBIENT => {
            let all = stage == Stage::AMBIENT && capabilities.ambient == Some(CapSet::NONE);
            Some(if all { "(all)".into() } else { CapSet::from_iter([index]).to_string() })
        }
        Stage::SECUREBITS => capabilities.securebits.map(|bits| format!("{:#x}", bits.bits())),
        _ => None,
    }
}

pub(super) fn hint(_: &Settings, stage: Stage, errno: i32) -> Option<&'static str> {
    match (stage, errno) {
        (Stage::CAPS, libc::EPERM) => Some(
            "no set can have more than the creator's permitted set; the inheritable set beyond the bounding set needs CAP_SETPCAP",
        ),
        (Stage::BOUNDING, libc::EPERM) => Some("dropping from the bounding set needs CAP_SETPCAP"),
        (Stage::AMBIENT, libc::EPERM) => Some(
            "an ambient capability has to be permitted and inheritable, and the securebits have to allow it",
        ),
        (Stage::SECUREBITS, libc::EPERM) => Some("securebits need CAP_SETPCAP, and a lock holds"),
        (Stage::KEEP_CAPS, libc::EPERM) => Some("the creator has SECBIT_KEEP_CAPS_LOCKED"),
        _ => None,
    }
}
