// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What the child does with its capabilities: the sets that it begins with, those of its steps, and their calls.

use super::{Capabilities, SecureBits};
use crate::child::List;
use crate::error::Stage;
use crate::settings::capset::CapSet;
use crate::settings::{Facts, Ids, Settings};
use crate::sys;

/// The three sets of capset(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sets {
    pub(crate) permitted: CapSet,
    pub(crate) effective: CapSet,
    pub(crate) inheritable: CapSet,
}

impl Sets {
    /// Those that the child begins with: the calling thread's, or those of another user namespace.
    pub(crate) fn at_start(other_user_namespace: bool) -> Self {
        if other_user_namespace {
            let all = known(CapSet::ALL);
            return Self { permitted: all, effective: all, inheritable: CapSet::NONE };
        }
        let [effective, permitted, inheritable] = sys::task::capabilities().map(CapSet::from_bits);
        Self { permitted, effective, inheritable }
    }
}

/// The part of a set that the running kernel has.
pub(super) fn known(set: CapSet) -> CapSet {
    let last = sys::task::last_capability();
    set & CapSet::from_bits(u64::MAX >> 63u32.saturating_sub(last))
}

/// The actions of the child.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The permitted set has to outlive the change of ids.
    keep: bool,
    /// After the change of ids, to have the rights for the steps that follow.
    pub(super) first: Option<Sets>,
    /// At the end.
    pub(super) last: Option<Sets>,
}

impl Capabilities {
    /// Where a set is not given: what the kernel would leave of it, with the ambient set and what it needs.
    pub(super) fn plan(&self, start: Sets, uid: Option<Ids>) -> Plan {
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

/// Before the change of ids.
pub(crate) fn keep(s: &Settings, facts: &Facts<'_>, list: &mut List) {
    if plan(s, facts).is_some_and(|plan| plan.keep) {
        list.step(Stage::KEEP_CAPS, 0).prctl::<{ libc::PR_SET_KEEPCAPS }>(1);
    }
}

fn plan(s: &Settings, facts: &Facts<'_>) -> Option<Plan> {
    facts.sets.map(|start| s.capabilities.plan(start, s.identity.uid()))
}

/// After it: all but the last word on permitted and effective.
pub(crate) fn change(s: &Settings, facts: &Facts<'_>, list: &mut List) {
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
pub(crate) fn finish(s: &Settings, facts: &Facts<'_>, list: &mut List) {
    if !s.needs_rights_late() {
        give_up(s, facts, list);
    }
}

/// The same after those. What is not given, execve(2) takes from a new user by itself.
pub(crate) fn finish_late(s: &Settings, facts: &Facts<'_>, list: &mut List) {
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
