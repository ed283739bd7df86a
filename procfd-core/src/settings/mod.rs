// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The configuration of a context before its start. Each family of settings has one file: its data, its
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
//! | `elsewhere` | where the child's paths begin, for the words of a step that finds nothing |
//! | `lifecycle` | close policy, built-in init, exit signal |
//! | `time_limit` | how long the process may run |
//! | `suspended` | a stop before the program's first instruction |
//! | `context`, `opened` | the context that holds the settings, and its procfd as the opener knows it |
//! | `check` | checks of one value, which families share |
//! | `order` | the order in the child, and the checks before a start |
//! | `words` | the words for a step that failed |
//! | `prepared` | what all of it comes to in a start, kept until the next change |

mod capabilities;
mod capset;
mod cgroup;
mod check;
mod clocks;
mod context;
mod descriptors;
mod elsewhere;
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
mod order;
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
#[cfg(test)]
mod tests;
mod time_limit;
mod words;

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

use crate::error::Error;
use crate::sys::per_process::PerProcess;

/// The result of a change of the settings.
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

/// What decides over the capabilities: those that seccomp and Landlock take are given up after them.
const LATE_RIGHTS: Families = Families::CAPABILITIES.union(Families::SECCOMP).union(Families::LANDLOCK);

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

impl Settings {
    /// Changes something. The list that was prepared for a start is dropped.
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
}
