// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The five sets of capabilities, keep-caps, securebits.
//!
//! A change of the user clears sets, and execve(2) computes the program's anew, so the child works in this
//! order. It keeps its permitted set across the change of ids, and makes it effective again. With it, it changes
//! the inheritable, bounding and ambient sets and the securebits. It gives the rest up at the end.

use super::capset::CapSet;
use super::{Configured, Context, Facts, Families, Ids, Prepared, Set, Settings};
use crate::child::List;
use crate::error::{Error, Stage};
use crate::sys;

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

/// The three sets of capset(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sets {
    pub(crate) permitted: CapSet,
    pub(crate) effective: CapSet,
    pub(crate) inheritable: CapSet,
}

impl Sets {
    /// Those that the child begins with: the calling thread's, or those of another user namespace.
    pub(super) fn at_start(other_user_namespace: bool) -> Self {
        if other_user_namespace {
            let all = known(CapSet::ALL);
            return Self { permitted: all, effective: all, inheritable: CapSet::NONE };
        }
        let [effective, permitted, inheritable] = sys::task::capabilities().map(CapSet::from_bits);
        Self { permitted, effective, inheritable }
    }
}

/// What the running kernel has of a set.
fn known(set: CapSet) -> CapSet {
    let last = sys::task::last_capability();
    set & CapSet::from_bits(u64::MAX >> 63u32.saturating_sub(last))
}

/// What the child does.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    /// The permitted set has to outlive the change of ids.
    keep: bool,
    /// After the change of ids, to have the rights for the steps that follow.
    first: Option<Sets>,
    /// At the end.
    last: Option<Sets>,
}

impl Capabilities {
    /// Whether anything is set, so that the sets at the start count.
    pub(super) fn is_set(&self) -> bool {
        let sets = [self.bounding, self.permitted, self.effective, self.inheritable, self.ambient];
        sets.iter().any(Option::is_some) || self.keep || self.securebits.is_some()
    }

    /// Where a set is not given: what the kernel would leave of it, with the ambient set and what it needs.
    fn plan(&self, start: Sets, uid: Option<Ids>) -> Plan {
        let is_user = |id: Option<u32>| id.is_some_and(|id| id != 0);
        let fixup = !self
            .securebits
            .is_some_and(|bits| bits.intersects(SecureBits::NO_SETUID_FIXUP | SecureBits::KEEP_CAPS));
        let leaves_root = uid.is_some_and(|ids| is_user(ids.saved.or(ids.real).or(ids.effective)));
        let loses_effective = uid.is_some_and(|ids| is_user(ids.effective));
        let ambient = self.ambient.unwrap_or_default();
        let inheritable = self.inheritable.unwrap_or(start.inheritable | ambient);
        let permitted = self.permitted.unwrap_or(match leaves_root && fixup && !self.keep {
            true => ambient | self.effective.unwrap_or_default(),
            false => start.permitted,
        });
        let effective = self.effective.unwrap_or(match loses_effective && fixup {
            true => ambient,
            false => start.effective & permitted,
        });
        let raised = if uid.is_some() { start.permitted } else { start.effective };
        let first = Sets { permitted: start.permitted, effective: raised, inheritable };
        let last = Sets { permitted, effective, inheritable };
        let needs_first = uid.is_some() || inheritable != start.inheritable;
        Plan {
            keep: uid.is_some(),
            first: needs_first.then_some(first),
            last: (last != first).then_some(last),
        }
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
    ///     Err(e) => assert_eq!(e.error().stage(), procfd::Stage::BOUNDING),
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

/// Before the change of ids.
pub(super) fn keep(s: &Settings, facts: &Facts<'_>, list: &mut List) {
    if plan(s, facts).is_some_and(|plan| plan.keep) {
        list.step(Stage::KEEP_CAPS, 0).prctl::<{ libc::PR_SET_KEEPCAPS }>(1);
    }
}

fn plan(s: &Settings, facts: &Facts<'_>) -> Option<Plan> {
    facts.sets.map(|start| s.capabilities.plan(start, s.identity.uid()))
}

/// After it: all but the last word on permitted and effective.
pub(super) fn change(s: &Settings, facts: &Facts<'_>, list: &mut List) {
    let Some(Plan { keep, first, .. }) = plan(s, facts) else { return };
    let Capabilities { bounding, ambient, securebits, .. } = s.capabilities;
    if let Some(sets) = first {
        capset(list.step(Stage::CAPS, 0), sets);
    }
    if let Some(bounding) = bounding {
        for number in (known(CapSet::ALL) - bounding).iter() {
            list.step(Stage::BOUNDING, number).drop_bounding(number);
        }
    }
    if let Some(ambient) = ambient {
        list.step(Stage::AMBIENT, 0).clear_ambient();
        for number in ambient.iter() {
            list.step(Stage::AMBIENT, number).raise_ambient(number);
        }
    }
    if let Some(bits) = securebits {
        list.step(Stage::SECUREBITS, 0).prctl::<{ libc::PR_SET_SECUREBITS }>(bits.bits().into());
    } else if keep && s.program.is_none() {
        // A fork would keep the bit, which execve(2) clears.
        list.step(Stage::KEEP_CAPS, 0).prctl::<{ libc::PR_SET_KEEPCAPS }>(0);
    }
}

/// The end of the rights, unless Landlock or a seccomp program takes them.
pub(super) fn finish(s: &Settings, facts: &Facts<'_>, list: &mut List) {
    if !s.needs_rights_late() {
        give_up(s, facts, list);
    }
}

/// The same after those. What is not given, execve(2) takes from a new user by itself.
pub(super) fn finish_late(s: &Settings, facts: &Facts<'_>, list: &mut List) {
    let Capabilities { permitted, effective, .. } = s.capabilities;
    if s.needs_rights_late() && (s.program.is_none() || permitted.is_some() || effective.is_some()) {
        give_up(s, facts, list);
    }
}

fn give_up(s: &Settings, facts: &Facts<'_>, list: &mut List) {
    if let Some(sets) = plan(s, facts).and_then(|plan| plan.last) {
        capset(list.step(Stage::CAPS, 1), sets);
    }
}

fn capset(list: &mut List, sets: Sets) {
    let Sets { permitted, effective, inheritable } = sets;
    list.capset([effective.bits(), permitted.bits(), inheritable.bits()]);
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

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: Sets = Sets {
        permitted: CapSet::from_bits(0xff),
        effective: CapSet::from_bits(0xff),
        inheritable: CapSet::NONE,
    };
    const TWO: CapSet = CapSet::from_bits(0b110);

    #[test]
    fn a_new_user_has_its_ambient_set_alone() {
        let settings = Capabilities { ambient: Some(TWO), ..Capabilities::default() };
        let plan = settings.plan(ROOT, Some(Ids::all(1000)));
        assert_eq!(plan.first, Some(Sets { inheritable: TWO, ..ROOT }));
        assert_eq!(plan.last, Some(Sets { permitted: TWO, effective: TWO, inheritable: TWO }));
        assert!(plan.keep);
    }

    #[test]
    fn the_same_user_keeps_what_is_not_given() {
        let settings = Capabilities { bounding: Some(TWO), ..Capabilities::default() };
        assert_eq!(settings.plan(ROOT, None), Plan { keep: false, first: None, last: None });
        let settings = Capabilities { permitted: Some(TWO), ..Capabilities::default() };
        let last = Sets { permitted: TWO, effective: TWO, inheritable: CapSet::NONE };
        assert_eq!(settings.plan(ROOT, None), Plan { keep: false, first: None, last: Some(last) });
    }

    #[test]
    fn a_new_user_keeps_the_permitted_set_on_demand() {
        let settings = Capabilities { keep: true, ..Capabilities::default() };
        let last = settings.plan(ROOT, Some(Ids::all(1000))).last.unwrap();
        assert_eq!(last, Sets { effective: CapSet::NONE, ..ROOT });
        let none = Capabilities { bounding: Some(TWO), ..Capabilities::default() };
        assert_eq!(none.plan(ROOT, Some(Ids::all(1000))).last, Some(Sets::default()));
    }
}
