// SPDX-License-Identifier: MIT OR Apache-2.0
#![deny(unsafe_code)]

//! `procfd._native`: the core crate as Python objects.
//!
//! | room | holds |
//! |---|---|
//! | `context`, `spawn` | `Context`, and `spawn`, which does without one |
//! | `settings` | the keywords of a configuration |
//! | `descriptors` | those of them that map descriptors and open files |
//! | `details` | what psutil's questions are answered from |
//! | `ends` | the pipes of a `run` |
//! | `process` | `Process`, `open`, `attach` |
//! | `manage` | what managing it answers |
//! | `status` | `ExitStatus`, `Usage` |
//! | `info`, `records` | `Info`, and the groups of its attributes |
//! | `snapshot` | the same of many processes |
//! | `convert` | paths, descriptors and times out of Python objects |
//! | `names` | users, groups, signals and limits by their names |
//! | `error` | exceptions |
//! | `sys` | the unsafe code |
//! | `posix` | `posix_spawn` |
//! | `calls` | the four calls by bare descriptors |

#[allow(unsafe_code)]
mod calls;
mod context;
mod convert;
mod descriptors;
mod details;
mod ends;
mod error;
mod info;
mod manage;
mod named;
mod names;
mod posix;
mod process;
mod records;
mod relatives;
mod settings;
mod snapshot;
mod spawn;
mod status;
#[allow(unsafe_code)]
mod sys;

/// The interpreter's side of the package, which `procfd/__init__.py` gives its names to.
///
/// A free-threaded interpreter does without its lock: the classes are frozen, and what changes in them is behind a
/// mutex or atomic.
#[pyo3::pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use super::calls::{process_config, process_info, process_manage, process_open};
    #[pymodule_export]
    use super::context::Context;
    /// What help() shows of the settings, for the functions that are written in Python.
    #[pymodule_export]
    const SETTINGS: &str = include_str!("settings/help.txt");
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    #[pymodule_export]
    use super::details::{_capabilities, _maps, _open_fds, _threads};
    #[pymodule_export]
    use super::ends::Ends;
    #[pymodule_export]
    use super::info::Info;
    #[pymodule_export]
    use super::manage::{KillTree, Reference};
    #[pymodule_export]
    use super::posix::{posix_spawn, posix_spawnp};
    #[pymodule_export]
    use super::process::{Process, attach, open};
    #[pymodule_export]
    use super::records::{
        Autogroup, Caps, CoreDump, CpuSplit, Credentials, Faults, Fds, Io, Job, KnownUsage, Login, Memory,
        MemoryDetail, MemoryParts, MemorySet, NamespaceIds, NsPid, Oom, ProcessIds, RunDelay, Sched,
        Security, Signals, Start, Switches, TaskState, Times,
    };
    #[pymodule_export]
    use super::snapshot::Snapshot;
    #[pymodule_export]
    use super::spawn::{spawn, start};
    #[pymodule_export]
    use super::status::{ExitStatus, Usage};
}
