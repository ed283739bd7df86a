// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What a context can hold before it is started. Each family of settings has one file: its data, its
//! checks, what it adds to the child's list, its words in an error, and its methods of
//! [`Context`](crate::Context).
//!
//! | room | holds |
//! |---|---|
//! | `program` | the program and its arguments |
//! | `environment` | the environment and its edits |
//! | `descriptors` | the list of directory and descriptor actions |
//! | `pipes` | pipes to and from the child, descriptors with given bytes |
//! | `pty` | a pseudo-terminal for the child |
//! | `filesystem` | root, umask, working directory |
//! | `signals` | mask and dispositions |
//! | `session` | session, process group, terminal |
//! | `identity` | user and group ids |
//! | `resources` | limits and the nice value |
//! | `cgroup` | the cgroup that it starts in |
//! | `leaf` | a new cgroup, with limits |
//! | `scheduling` | policy and CPUs |
//! | `numa` | on which NUMA nodes its memory lies |
//! | `memory` | what the kernel does with its memory |
//! | `capset` | sets of capabilities by name |
//! | `capabilities` | the five sets of capabilities, securebits |
//! | `privileges` | no_new_privs, the parent-death signal, the session keyring |
//! | `seccomp` | seccomp programs |
//! | `landlock` | a Landlock ruleset and its rules |
//! | `late` | descriptors that the child needs after its actions |
//! | `labels` | labels of SELinux, AppArmor and Smack |
//! | `mounts` | mounts in a new mount namespace, its root |
//! | `namespaces` | namespaces, id maps, the host name |
//! | `task` | execution domain, time-stamp counter, subreaper, I/O priority |
//! | `speculation` | what the CPU may do ahead |
//! | `joins` | existing namespaces to join |
//! | `clocks` | the offsets of a new time namespace |
//! | `sysctls` | kernel parameters of new namespaces |
//! | `pids` | chosen pids |
//! | `lifecycle` | close policy, built-in init, exit signal |
//! | `time_limit` | how long the process may run |
//! | `suspended` | a stop before the program's first instruction |
//! | `context`, `opened` | the context that holds the settings, and its procfd as the opener knows it |
//! | `check` | checks of one value, which families share |
//! | `prepared` | what all of it comes to in a start, kept until the next change |

mod capabilities;
mod capset;
mod cgroup;
mod check;
mod clocks;
mod context;
mod descriptors;
mod ends;
mod environment;
mod filesystem;
mod identity;
mod interpreter;
mod joins;
mod labels;
mod landlock;
mod late;
mod leaf;
mod lifecycle;
mod memory;
mod mounts;
mod namespaces;
mod numa;
mod opened;
mod pids;
mod pipes;
mod prepared;
mod privileges;
mod program;
mod pty;
mod resources;
mod scheduler;
mod scheduling;
mod seccomp;
mod session;
mod signals;
mod speculation;
mod suspended;
mod sysctls;
mod task;
mod time_limit;

pub use capabilities::SecureBits;
pub use capset::{CapSet, UnknownCapability};
pub(crate) use cgroup::Opened as Cgroup;
pub(crate) use check::{SIGNAL_MAX, c_string, c_strings};
pub use context::Context;
pub(crate) use context::{Configured, Form};
pub(crate) use identity::HELD_SECONDS;
pub use identity::Ids;
pub use landlock::{Landlock, LandlockFs, LandlockLog, LandlockNet, LandlockScopes};
pub(crate) use lifecycle::ClosePolicy;
pub use lifecycle::{Close, Scope};
pub use mounts::{Mount, MountAttributes, MountKind, Propagation};
pub(crate) use namespaces::is_own;
pub(crate) use namespaces::map_text;
pub use namespaces::{IdMap, Namespaces, Setgroups};
pub use numa::{NumaFlags, NumaPolicy};
pub use opened::OpenFlags;
pub(crate) use opened::{Opened, Pidfd, State};
pub use pipes::{DATA_MAX, PipeWay};
pub(crate) use prepared::{Facts, Prepared};
pub use program::Program;
pub use pty::WindowSize;
pub use scheduler::Scheduler;
pub(crate) use scheduler::{cpu_mask, sched_attr};
pub use seccomp::{NEW_LISTENER, SeccompFlags, SeccompListener};
pub use signals::SignalSet;
pub use speculation::{Speculation, SpeculationControl};

use std::ops::Deref;

use crate::child::List;
use crate::error::{Error, Stage};
use crate::sys;
use crate::sys::per_process::PerProcess;

/// What a change of the settings returns.
pub(crate) type Set = Result<(), Error>;

/// The whole configuration of a context.
///
/// Most starts have none of the `Rare` settings. They have one place of their own, and the code that sees to them does
/// not run for such a start: at each start of a program the processor has to load again what it runs.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub(crate) program: program::Execution,
    pub(crate) environment: environment::Environment,
    pub(crate) descriptors: descriptors::Descriptors,
    pub(crate) signals: signals::Signals,
    pub(crate) lifecycle: lifecycle::Lifecycle,
    /// Made by the first write to one of them.
    rare: Option<Box<Rare>>,
    /// Dropped by [`change`](Self::change).
    prepared: prepared::Kept,
}

bitflags::bitflags! {
    /// Families of the [`Rare`] settings.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Families: u32 {
        const FILESYSTEM = 1;
        const SESSION = 1 << 1;
        const IDENTITY = 1 << 2;
        const RESOURCES = 1 << 3;
        const CGROUP = 1 << 4;
        const SCHEDULING = 1 << 5;
        const NUMA = 1 << 6;
        const MEMORY = 1 << 7;
        const CAPABILITIES = 1 << 8;
        const PRIVILEGES = 1 << 9;
        const SECCOMP = 1 << 10;
        const LANDLOCK = 1 << 11;
        const LABELS = 1 << 12;
        const MOUNTS = 1 << 13;
        const NAMESPACES = 1 << 14;
        const JOINS = 1 << 15;
        const CLOCKS = 1 << 16;
        const SYSCTLS = 1 << 17;
        const PIDS = 1 << 18;
        const TASK = 1 << 19;
        const SPECULATION = 1 << 20;
    }
}

/// The settings that most starts leave alone. [`Settings`] has them as its own fields.
#[derive(Clone, Debug, Default)]
pub struct Rare {
    /// Those that something was set of.
    made: Families,
    pub(crate) filesystem: filesystem::Filesystem,
    pub(crate) session: session::Session,
    pub(crate) identity: identity::Identity,
    pub(crate) resources: resources::Resources,
    pub(crate) cgroup: cgroup::Cgroup,
    pub(crate) scheduling: scheduling::Scheduling,
    pub(crate) numa: Option<numa::Numa>,
    pub(crate) memory: memory::Memory,
    pub(crate) capabilities: capabilities::Capabilities,
    pub(crate) privileges: privileges::Privileges,
    pub(crate) seccomp: seccomp::Seccomp,
    pub(crate) landlock: landlock::Confinement,
    pub(crate) labels: labels::Labels,
    pub(crate) mounts: mounts::Mounts,
    pub(crate) namespaces: namespaces::NamespaceSettings,
    pub(crate) joins: joins::Joins,
    pub(crate) clocks: clocks::Clocks,
    pub(crate) sysctls: sysctls::Sysctls,
    pub(crate) pids: pids::Pids,
    pub(crate) task: task::Task,
    pub(crate) speculation: speculation::SpeculationControls,
}

impl Deref for Settings {
    type Target = Rare;

    fn deref(&self) -> &Rare {
        /// Those of all settings that have none. The same for a process and its copies.
        static NONE: PerProcess<Rare> = PerProcess::new();
        match &self.rare {
            Some(rare) => rare,
            None => NONE.get(0),
        }
    }
}

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

/// What decides over the capabilities: those that seccomp and Landlock take are given up after them.
const LATE_RIGHTS: Families = Families::CAPABILITIES.union(Families::SECCOMP).union(Families::LANDLOCK);

/// Adds calls to the child's list.
type Prepare = fn(&Settings, &Facts<'_>, &mut List);

/// The order in the child, whatever the order in which things were set.
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
    // In the user namespace that the new user is of.
    (Of(Families::IDENTITY), lifecycle::arm_as_new_user),
    (Of(Families::NAMESPACES), namespaces::names),
    (Of(Families::SYSCTLS), sysctls::write),
    // Paths lead to the creator's root until this is done.
    (Of(Families::MOUNTS), mounts::all),
    (Of(Families::FILESYSTEM), filesystem::root),
    (More, program::move_descriptor),
    (More, descriptors::actions),
    (Always, descriptors::close_rest),
    (More, suspended::pipe),
    (Of(Families::RESOURCES), resources::descriptor_limit),
    (Of(Families::FILESYSTEM), filesystem::umask),
    (Of(LATE_RIGHTS), capabilities::keep),
    // From here processes of the new user may reach the child.
    (Of(Families::IDENTITY.union(Families::JOINS)), identity::credentials),
    (Of(Families::PRIVILEGES), privileges::session_keyring),
    (Of(LATE_RIGHTS), capabilities::change),
    (Of(Families::PRIVILEGES), privileges::no_new_privs),
    (Of(LATE_RIGHTS), capabilities::finish),
    // As the new user, in the new root; before what refuses its calls.
    (Of(Families::LABELS), labels::labels),
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

/// What a failed step is about.
type Words = fn(&Settings, &Prepared, Stage, u32) -> Option<String>;

/// What to do about an errno of a step.
type Hint = fn(&Settings, Stage, i32) -> Option<&'static str>;

const OPERANDS: &[Words] = &[
    program::operand,
    descriptors::operand,
    filesystem::operand,
    signals::operand,
    session::operand,
    identity::operand,
    resources::operand,
    cgroup::operand,
    scheduling::operand,
    numa::operand,
    memory::operand,
    task::operand,
    speculation::operand,
    capabilities::operand,
    privileges::operand,
    seccomp::operand,
    landlock::operand,
    labels::operand,
    namespaces::operand,
    joins::operand,
    clocks::operand,
    sysctls::operand,
    mounts::operand,
];

/// What to do, where the errno and the step leave no doubt about it.
const HINTS: &[Hint] = &[
    program::hint,
    descriptors::hint,
    identity::hint,
    capabilities::hint,
    seccomp::hint,
    landlock::hint,
    labels::hint,
    privileges::hint,
    task::hint,
    speculation::hint,
    joins::hint,
    clocks::hint,
    sysctls::hint,
    mounts::hint,
    cgroup::hint,
    scheduling::hint,
    numa::hint,
    memory::hint,
];

impl Settings {
    /// Changes something. What was prepared for a start is dropped.
    pub(crate) fn change(&mut self, f: impl FnOnce(&mut Self) -> Set) -> Set {
        self.prepared.drop_all();
        f(self)
    }

    /// Whether the process is in another user namespace than its creator, with all capabilities there.
    fn has_other_user_namespace(&self) -> bool {
        self.namespaces.has(Namespaces::USER) || self.joins.has_user()
    }

    /// Whether the child needs CAP_SYS_ADMIN up to its last steps.
    fn needs_rights_late(&self) -> bool {
        self.seccomp_needs_rights() || self.landlock_needs_rights()
    }

    /// The rare settings, of which something of a family is set.
    fn make(&mut self, family: Families) -> &mut Rare {
        let rare = self.rare.get_or_insert_default();
        rare.made |= family;
        rare
    }

    /// The rare settings, if something of one of these families was set.
    pub(crate) fn of(&self, families: Families) -> Option<&Rare> {
        self.rare().filter(|rare| rare.made.intersects(families))
    }

    /// The rare settings, if one was made.
    pub(crate) fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    /// Whether there is a program, with arguments, environment and signal mask, and nothing else.
    fn is_plain(&self) -> bool {
        self.rare.is_none()
            && self.lifecycle.is_plain()
            && !self.signals.has_actions()
            && !self.descriptors.has_actions()
            && !matches!(self.program.program, Program::Fd(_))
    }

    /// Whether a part of a start has something to do, where there is more than a program.
    fn concerns(&self, part: Where) -> bool {
        match part {
            Always | More => true,
            Of(families) => self.of(families).is_some(),
        }
    }

    /// Refuses settings that do not go together.
    fn check(&self) -> Set {
        if self.is_plain() {
            return CONFLICTS_OF_ALL.iter().try_for_each(|check| check(self));
        }
        CONFLICTS.iter().filter(|(part, _)| self.concerns(*part)).try_for_each(|(_, check)| check(self))
    }

    /// The child's list. ENOMEM.
    fn list(&self, facts: &Facts<'_>) -> sys::Result<List> {
        let mut list = List::default();
        if self.is_plain() {
            ORDER_OF_ALL.iter().for_each(|prepare| prepare(self, facts, &mut list));
            return list.complete();
        }
        let parts = ORDER.iter().filter(|(part, _)| self.concerns(*part));
        parts.for_each(|(_, prepare)| prepare(self, facts, &mut list));
        list.complete()
    }

    /// What a step is about, in words.
    pub(crate) fn operand(&self, prepared: &Prepared, stage: Stage, index: u32) -> String {
        OPERANDS.iter().find_map(|words| words(self, prepared, stage, index)).unwrap_or_default()
    }

    /// The error of a step of the child, with the operand in its words.
    pub(crate) fn step_failed(
        &self,
        prepared: &Prepared,
        stage: Stage,
        index: u32,
        errno: crate::Errno,
    ) -> Error {
        let error = Error::new(stage, index, errno, self.operand(prepared, stage, index));
        let interpreter = match (stage, errno.0) {
            (Stage::EXEC, libc::ENOENT) => interpreter::missing(self, prepared),
            _ => None,
        };
        if let Some(interpreter) = interpreter {
            return error.hint(&interpreter);
        }
        match HINTS.iter().find_map(|hint| hint(self, stage, errno.0)) {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::child::When;

    /// The calls of the child, or why there are none.
    fn outcome(settings: &Settings) -> Result<String, String> {
        let prepared = settings.prepare().map_err(|e| e.to_string())?;
        let all =
            [When::FUSE, When::HAS_FUSE, When::GO, When::CLOSES, When::COPIED, When::NEW_USER, When::CGROUP];
        let all = all.into_iter().fold(When::SHARED_MEMORY, When::and);
        Ok(format!("{:?}", prepared.list.outline(all)))
    }

    #[test]
    fn families_that_nothing_was_set_of_change_nothing() {
        let changes: &[fn(&mut Settings) -> Set] = &[
            |_| Ok(()),
            |s| s.set_program(Program::Path(c"/bin/true".into())),
            |s| s.set_program(Program::Fd(9)),
            |s| s.set_argv(vec![c"x".into()]),
            |s| s.add_dup(1, 7),
            |s| s.set_inherit_all(true),
            |s| s.set_close(Some((libc::SIGKILL, Scope::Process, None))),
            |s| s.set_close(Some((libc::SIGTERM, Scope::ProcessGroup, None))),
            |s| s.set_init(true),
            |s| s.set_suspended(true),
            |s| s.set_mask(5),
            |s| s.set_default_signals(9),
            |s| s.add_pty(WindowSize::default()).map(drop),
            |s| s.set_umask(0o22),
            |s| s.set_root(c"/".into()),
            |s| s.set_session(true),
            |s| s.set_group(0),
            |s| s.set_ctty(0),
            |s| s.set_uid(Ids::all(5)),
            |s| s.set_groups(vec![7]),
            |s| s.set_rlimit(libc::RLIMIT_NOFILE, 9, 9),
            |s| s.set_rlimit(libc::RLIMIT_CORE, 0, 0),
            |s| s.set_nice(3),
            |s| s.set_timer_slack(5),
            |s| s.set_cgroup_fd(9),
            |s| s.set_scheduler(Some(Scheduler { policy: libc::SCHED_BATCH as u32, ..Scheduler::default() })),
            |s| s.set_affinity(Some(vec![1])),
            |s| s.set_numa(0, Vec::new()),
            |s| s.set_oom_score_adj(5),
            |s| s.set_thp_disable(true),
            |s| s.set_keep_caps(true),
            |s| s.set_cap_effective(1),
            |s| s.set_cap_bounding(1),
            |s| s.set_no_new_privs(true),
            |s| s.set_pdeathsig(9),
            |s| s.set_keyring(c"x".into()),
            |s| s.add_seccomp(vec![0x0006, 0x7fff_0000], 0),
            |s| s.set_landlock(Some(Landlock::new())),
            |s| s.set_apparmor_profile(c"x".into()),
            |s| s.set_private_tmp(true),
            |s| s.set_tmpfs_root(true),
            |s| s.add_namespaces(Namespaces::USER.bits()),
            |s| s.add_namespaces(Namespaces::PID.bits()),
            |s| s.add_namespaces((Namespaces::MOUNT | Namespaces::TIME | Namespaces::UTS).bits()),
            |s| s.set_uid_map(vec![IdMap { inside: 0, outside: 0, count: 1 }]),
            |s| s.set_hostname(b"x".to_vec()),
            |s| s.add_join_fd(Namespaces::USER.bits(), 9),
            |s| s.add_join_fd(Namespaces::PID.bits(), 9),
            |s| s.set_time_offset(1, 5, 0),
            |s| s.add_sysctl(c"kernel.shmmax=1".into()),
            |s| s.set_tid(vec![77]),
            |s| s.set_no_tsc(true),
            |s| s.set_subreaper(true),
            |s| s.set_ioprio(0),
            |s| s.set_speculation(0, None),
        ];
        let mut compared = 0;
        for first in changes {
            for second in changes {
                let mut settings = Settings::default();
                settings.change(|s| s.set_program(Program::Path(c"/bin/true".into()))).unwrap();
                if settings.change(first).is_err() || settings.change(second).is_err() {
                    continue;
                }
                let mut all = settings.clone();
                all.change(|s| {
                    s.make(Families::all());
                    Ok(())
                })
                .unwrap();
                assert_eq!(outcome(&settings), outcome(&all));
                compared += 1;
            }
        }
        assert!(compared > 40 * 40, "{compared}");
    }
}
