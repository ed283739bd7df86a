// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The calls of Landlock in the child's list.

use std::ffi::CString;

use super::ruleset::OF_FILES;
use super::{Landlock, LandlockFs, Rule};
use crate::child::{List, Slot};
use crate::error::Stage;
use crate::settings::{Facts, Settings};

/// The ruleset, its rules, and the restriction. Rules of which this kernel knows nothing are left out.
pub(crate) fn landlock(s: &Settings, facts: &Facts<'_>, list: &mut List) {
    let Some(ruleset) = s.landlock.ruleset.map(|all| all.known(facts.landlock_abi)) else { return };
    if ruleset.is_empty() {
        return;
    }
    let Landlock { fs, net, scopes, .. } = ruleset;
    let attr = [fs.bits(), net.bits(), scopes.bits()];
    list.step(Stage::LANDLOCK, 0).landlock_create_ruleset(attr).into(Slot::A);
    for (rule, index) in s.landlock.rules.iter().zip(0..) {
        match rule {
            Rule::Path(accesses, path) => add_path(list, index, path, *accesses & fs),
            Rule::Port(accesses, port) if accesses.intersects(net) => {
                let attr = [(*accesses & net).bits(), u64::from(*port)];
                list.step(Stage::LANDLOCK_RULE, index).landlock_add_port(Slot::A, attr);
            }
            Rule::Port(..) => {}
        }
    }
    list.step(Stage::LANDLOCK, 0).landlock_restrict_self(Slot::A);
    list.close_slot(Slot::A);
}

/// The caller's own, which may restrict what the child's own ruleset needs.
pub(crate) fn made(s: &Settings, _: &Facts<'_>, list: &mut List) {
    for ((end, flags), index) in s.landlock.made.iter().zip(0..) {
        list.step(Stage::LANDLOCK_FD, index).landlock_restrict_self_by(end.number(), *flags);
        list.close(end.number());
    }
}

fn add_path(list: &mut List, index: u32, path: &CString, accesses: LandlockFs) {
    if accesses.is_empty() {
        return;
    }
    list.step(Stage::LANDLOCK_RULE, index).open(path, libc::O_PATH | libc::O_CLOEXEC, 0).into(Slot::C);
    // `struct landlock_path_beneath_attr` begins at B: the accesses, then the descriptor.
    list.load(Slot::B, accesses.bits() as i64);
    let of_file = accesses & OF_FILES;
    let added = list.landlock_add_path_at_b(Slot::A);
    if of_file != accesses && !of_file.is_empty() {
        // The path may be no directory.
        added.or_else(2);
        list.load(Slot::B, of_file.bits() as i64);
        list.landlock_add_path_at_b(Slot::A);
    }
    list.close_slot(Slot::C);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::child::When;
    use crate::settings::{LandlockNet, LandlockScopes};

    const ALL: Landlock =
        Landlock::new().fs(LandlockFs::all()).net(LandlockNet::all()).scopes(LandlockScopes::all());

    fn steps(abi: u32) -> Vec<(u32, String)> {
        let mut s = Settings::default();
        s.set_landlock(Some(ALL)).unwrap();
        s.add_landlock_path(LandlockFs::READ, c"/usr".into()).unwrap();
        s.add_landlock_path(LandlockFs::TRUNCATE, c"/tmp".into()).unwrap();
        s.add_landlock_port(LandlockNet::BIND_TCP, 80).unwrap();
        s.add_landlock_path(LandlockFs::MAKE_DIR, c"/tmp".into()).unwrap();
        let facts = Facts {
            candidates: &[],
            maps: crate::settings::namespaces::Maps::None,
            mount_sources: &[],
            old_mounts: None,
            directory: None,
            sets: None,
            landlock_abi: abi,
        };
        let mut list = List::default();
        landlock(&s, &facts, &mut list);
        list.outline(When::ALWAYS).into_iter().map(|step| (step.index, step.calls.join(" "))).collect()
    }

    #[test]
    fn what_the_kernel_lacks_is_left_out() {
        assert_eq!(steps(0), []);
        let create = (0, "landlock_create_ruleset".to_string());
        let usr = (0, "openat landlock_add_rule or landlock_add_rule close".to_string());
        let tmp = (1, "openat landlock_add_rule close".to_string());
        let port = (2, "landlock_add_rule".to_string());
        let mkdir = (3, "openat landlock_add_rule close".to_string());
        let restrict = (0, "landlock_restrict_self close".to_string());
        let all = [create, usr, tmp, port, mkdir, restrict];
        assert_eq!(steps(7), all);
        assert_eq!(steps(3), [0, 1, 2, 4, 5].map(|n: usize| all[n].clone()));
        assert_eq!(steps(2), [0, 1, 4, 5].map(|n: usize| all[n].clone()));
    }
}
