// SPDX-License-Identifier: MIT OR Apache-2.0

//! Processes as descriptors: configure, start, poll, wait, signal, kill on last close.
//!
//! A [`Context`] is a descriptor without a process: it is configured, and [`Context::create`] turns
//! it into a [`Process`], the same descriptor with a process behind it. It can be polled,
//! duplicated, inherited and passed to other processes; whoever holds it may signal the process,
//! wait for it and ask about it. With [`Context::kill_on_close`] the kernel ends the process when
//! the last such descriptor in the system is gone, whoever held it and however they ended.
//!
//! ```
//! use std::time::Duration;
//!
//! let mut context = procfd::Context::new()?;
//! context.program_in_path("sleep")?.args(["sleep", "60"])?.kill_on_close(9)?;
//! let process = context.create()?;
//! assert_eq!(process.wait_timeout(Duration::from_millis(10))?, None);
//! process.send_signal(libc::SIGTERM)?;
//! assert_eq!(process.wait()?.signal(), Some(libc::SIGTERM));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! The rooms of the house:
//!
//! | room | holds |
//! |---|---|
//! | `context`, `process` | the two types of the interface |
//! | `settings` | what a context can hold |
//! | `procfd` | the descriptor: mark, publish, look, resolve |
//! | `fuse` | kill on last close |
//! | `contexts` | the opener's memory, and its sweep |
//! | `forks` | the library's own descriptors, what a fork does to them, and the order of all locks |
//! | `child` | the list of prepared calls, and the code that walks it |
//! | `start` | clone, publish, fork |
//! | `attach` | a procfd for a process that already runs |
//! | `wait`, `signal`, `info` | manage and ask, by pidfd |
//! | `status`, `kept` | how a process ended, and who keeps that |
//! | `wait_any` | waiting for any of many |
//! | `manage` | trees, limits, scheduling, namespaces, cgroup, memory of a process that runs |
//! | `error` | stages and messages |
//! | `watch` | exit readiness on the procfd itself: the watcher and its client |
//! | `sys` | the kernel, and all unsafe code |
//! | `ffi` | the same by bare descriptors, for the C interface |

#![cfg(target_os = "linux")]

mod attach;
mod child;
mod context;
mod contexts;
mod error;
#[doc(hidden)]
pub mod ffi;
mod forks;
mod fuse;
mod info;
mod kept;
mod manage;
mod process;
mod procfd;
mod settings;
mod signal;
mod start;
mod status;
mod sys;
mod wait;
mod wait_any;
mod watch;

pub use context::{Context, CreateError};
pub use contexts::OpenFlags;
pub use error::{Errno, Error, Stage};
pub use info::{
    Autogroup, Caps, Comm, CoreDump, CpuSplit, Credentials, Faults, FdKind, Fds, Fields, Info, Io, Job,
    KnownUsage, Limits, Login, MapFlags, Mapping, Memory, MemoryDetail, MemoryParts, MemorySet, NamespaceIds,
    NsPid, Oom, OpenFd, ProcessIds, ProcessRef, ProcessState, Processes, RunDelay, Sched, Security, Signals,
    Snapshot, Start, Switches, TaskState, Thread, ThreadFaults, ThreadSignals, ThreadTimes, Times,
    UsageFields,
};
pub use manage::{Advice, KillTree, Scheduler, TreeMethod};
pub use process::Process;
pub use settings::{IdMap, Ids, Namespaces, Scope, Setgroups, SignalSet};
pub use status::{Change, Status, Usage};
pub use wait::Options as WaitOptions;
pub use wait_any::{Awaited, Events, wait_any};
