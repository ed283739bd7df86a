// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The order in the child, and the checks before a start.

use super::{Facts, Families, LATE_RIGHTS, Set, Settings};
use super::{
    capabilities, cgroup, clocks, descriptors, filesystem, identity, joins, labels, landlock, lifecycle,
    memory, mounts, namespaces, numa, pids, privileges, program, resources, scheduling, seccomp, session,
    signals, speculation, suspended, sysctls, task,
};
use crate::child::List;
use crate::sys;

/// When a part of a start has something to do. A start of a program with few settings passes over the rest: the
/// processor would have to load what it runs of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    Always,
    /// Where there is more than a program, its arguments, its environment and a signal mask.
    More,
    /// Where something was set of one of these families.
    Of(Families),
}

use Where::{Always, More, Of};

/// How many parts of these always have something to do.
const fn count<T>(parts: &[(Where, T)]) -> usize {
    let (mut at, mut count) = (0, 0);
    while at < parts.len() {
        if matches!(parts[at].0, Always) {
            count += 1;
        }
        at += 1;
    }
    count
}

/// Those parts.
const fn always<T: Copy, const N: usize>(parts: &[(Where, T)], first: T) -> [T; N] {
    let mut found = [first; N];
    let (mut at, mut count) = (0, 0);
    while at < parts.len() {
        if matches!(parts[at].0, Always) {
            found[count] = parts[at].1;
            count += 1;
        }
        at += 1;
    }
    found
}

/// Adds calls to the child's list.
type Prepare = fn(&Settings, &Facts<'_>, &mut List);

/// The order in the child. The order in which you set things does not matter.
const ORDER: &[(Where, Prepare)] = &[
    // In the creator's table, so that no later instant is without the close policy.
    (More, lifecycle::arm),
    (Of(Families::CGROUP), cgroup::join),
    (More, signals::actions),
    (Of(Families::RESOURCES), resources::scheduling),
    // After the nice value, which a scheduler may have too.
    (Of(Families::SCHEDULING), scheduling::cpus_and_policy),
    (Of(Families::NUMA), numa::policy),
    (Of(Families::TASK), task::attributes),
    (Of(Families::SPECULATION), speculation::controls),
    (Of(Families::RESOURCES), resources::limits),
    (Of(Families::SESSION), session::all),
    (More, lifecycle::arm_group),
    // From here the child has a table of its own.
    (Always, descriptors::leave_table),
    (More, namespaces::id_maps),
    (Of(Families::MEMORY), memory::oom_score),
    (Of(Families::MEMORY), memory::of_memory_itself),
    (Of(Families::CLOCKS), clocks::offsets),
    (Of(Families::JOINS), joins::all),
    (Of(Families::JOINS), namespaces::made_there),
    // In the user namespace that the new user is of.
    (Of(Families::IDENTITY), lifecycle::arm_as_new_user),
    (Of(Families::NAMESPACES), namespaces::names),
    (Of(Families::SYSCTLS), sysctls::write),
    // Paths lead to the creator's root until this is done.
    (Of(Families::MOUNTS), mounts::all),
    (Of(Families::FILESYSTEM), filesystem::root),
    (More, descriptors::move_program),
    (More, descriptors::actions),
    (Always, descriptors::close_rest),
    (More, suspended::pipe),
    (Of(Families::RESOURCES), resources::descriptor_limit),
    (Of(Families::FILESYSTEM), filesystem::umask),
    (Of(Families::LABELS), labels::current),
    (Of(LATE_RIGHTS), capabilities::keep),
    // From here processes of the new user may reach the child.
    (Of(Families::IDENTITY.union(Families::JOINS)), identity::credentials),
    (Of(Families::PRIVILEGES), privileges::session_keyring),
    (Of(LATE_RIGHTS), capabilities::change),
    (Of(Families::PRIVILEGES), privileges::no_new_privs),
    (Of(LATE_RIGHTS), capabilities::finish),
    // As the new user, in the new root; before what refuses its calls.
    (Of(Families::LABELS), labels::at_execution),
    (Of(Families::LANDLOCK), landlock::landlock),
    (Of(Families::LANDLOCK), landlock::made),
    // A change of credentials clears it.
    (Of(Families::PRIVILEGES), privileges::parent_death_signal),
    (More, suspended::arm),
    // Each program has to allow what follows it.
    (Of(Families::SECCOMP), seccomp::seccomp),
    (Of(LATE_RIGHTS), capabilities::finish_late),
    (Always, signals::mask),
    (Always, program::execute),
];

/// The parts of a start with a program alone, in that order.
static ORDER_OF_ALL: [Prepare; count(ORDER)] = always(ORDER, program::execute);

/// Refuses settings that do not go together.
type Check = fn(&Settings) -> Set;

const CONFLICTS: &[(Where, Check)] = &[
    (Always, program::conflicts),
    (More, lifecycle::conflicts),
    (More, suspended::conflicts),
    (Of(Families::SESSION), session::conflicts),
    (Of(Families::NAMESPACES), namespaces::conflicts),
    (Of(Families::IDENTITY), identity::conflicts),
    (Of(Families::JOINS), joins::conflicts),
    (Of(Families::CLOCKS), clocks::conflicts),
    (Of(Families::SYSCTLS), sysctls::conflicts),
    (Of(Families::PIDS), pids::conflicts),
    (Of(Families::MOUNTS), mounts::conflicts),
    (More, signals::conflicts),
    (Of(Families::CAPABILITIES), capabilities::conflicts),
    (Of(Families::SECCOMP), seccomp::conflicts),
    (Of(Families::LANDLOCK), landlock::conflicts),
];

/// The checks of such a start.
static CONFLICTS_OF_ALL: [Check; count(CONFLICTS)] = always(CONFLICTS, program::conflicts);

impl Settings {
    /// Whether a part of a start has something to do, where there is more than a program.
    fn concerns(&self, part: Where) -> bool {
        match part {
            Always | More => true,
            Of(families) => self.of(families).is_some(),
        }
    }

    /// Refuses settings that do not go together.
    pub(super) fn check(&self) -> Set {
        if self.is_plain() {
            return CONFLICTS_OF_ALL.iter().try_for_each(|check| check(self));
        }
        CONFLICTS.iter().filter(|(part, _)| self.concerns(*part)).try_for_each(|(_, check)| check(self))
    }

    /// The child's list. ENOMEM.
    pub(super) fn list(&self, facts: &Facts<'_>) -> sys::Result<List> {
        if self.is_plain() {
            let mut list = List::short()?;
            ORDER_OF_ALL.iter().for_each(|prepare| prepare(self, facts, &mut list));
            return list.complete();
        }
        let mut list = List::default();
        let parts = ORDER.iter().filter(|(part, _)| self.concerns(*part));
        parts.for_each(|(_, prepare)| prepare(self, facts, &mut list));
        list.complete()
    }
}
