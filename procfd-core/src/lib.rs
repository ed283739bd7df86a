// SPDX-License-Identifier: MIT OR Apache-2.0

//! Processes as descriptors: configure, start, poll, wait, signal, kill on last close.
//!
//! [`Command`] starts a program as `std::process::Command` does, with every setting of the kernel that the
//! library has:
//!
//! ```
//! use std::time::Duration;
//! use procfd::Command;
//!
//! let mut child = Command::new("sleep").arg("60").new_session().kill_on_close().spawn()?;
//! assert_eq!(child.wait_timeout(Duration::from_millis(10))?, None);
//! child.process().send_signal(libc::SIGTERM)?;
//! assert_eq!(child.wait()?.signal(), Some(libc::SIGTERM));
//! # Ok::<(), procfd::Error>(())
//! ```
//!
//! **Defaults differ from the C interface.** [`Command::new`] and [`Context::new`] open with
//! [`OpenFlags::NO_WATCH`] and [`OpenFlags::AUTOREAP`]: no watcher process runs, the library reaps the child,
//! and a process takes one descriptor, its pidfd (with a close policy two: a procfd as well).
//! `process_open(0)` of C has the watcher, and you have to wait for the child. For the same here, use
//! `Context::with_flags(OpenFlags::empty())`.
//!
//! Below the command:
//!
//! - A [`Context`] is a process before its start. You configure it, and [`Context::create`] turns it into a
//!   [`Process`]. [`Context::procfd`] gives it a descriptor before the start, which other processes can hold.
//! - A [`Process`] can be polled, duplicated, inherited and passed to other processes. Each holder may signal
//!   it, wait for it and ask about it, within its own privileges. [`Process::open`] takes a pid.
//! - With [`Command::kill_on_close`] the kernel ends the process when the last such descriptor in the system
//!   is gone, whichever process held it.
//! - [`Snapshot`] reads all processes of the machine. [`wait_any`] waits until any of many has an event.
//!
//! One error type, [`Error`], has the step that failed, its errno, and a sentence. It comes from and turns into
//! [`std::io::Error`].
//!
//! # Async
//!
//! With the feature `tokio`, [`Command`] has `spawn_async`, `output_async` and `status_async`. Without it,
//! [`Process::pidfd`] becomes readable at the exit, so every runtime can wait for it: tokio by
//! `AsyncFd::new(process.pidfd().try_clone_to_owned()?)`.
//!
//! # Names
//!
//! The package is `procfd-core`, the library `procfd`. The package `procfd` on crates.io is another project.

// The rooms of the house:
//
// | room | holds |
// |---|---|
// | `context`, `process` | the two types of the interface |
// | `settings` | what a context can hold |
// | `pair` | the two sockets of the descriptor |
// | `procfd` | the descriptor: publish, look |
// | `target` | the process behind a descriptor of any kind |
// | `proc` | /proc |
// | `fuse` | kill on last close |
// | `contexts` | the opener's memory, and its sweep |
// | `placeholder` | the lean contexts of the C interface, whose descriptor becomes the pidfd |
// | `forks` | the library's own descriptors, what a fork does to them, and the order of all locks |
// | `child` | the list of prepared calls, and the code that walks it |
// | `start` | clone, publish, fork |
// | `attach` | a procfd for a process that already runs |
// | `held` | the descriptor of an object, which a forked copy of the program does not hold |
// | `wait`, `signal`, `info` | manage and ask, by pidfd |
// | `status`, `kept` | how a process ended, and who keeps that |
// | `leaves` | cgroups that the library has made |
// | `wait_any` | waiting for any of many |
// | `manage` | trees, limits, scheduling, namespaces, cgroup, memory of a process that runs |
// | `error` | stages and messages |
// | `watch` | exit readiness on the procfd itself: the watcher and its client |
// | `sys` | the kernel, and all unsafe code |
// | `ffi` | the same by bare descriptors, for the C interface |
// | `command` | a command that chains, with its child; `fork` is the fork form |

#![cfg(target_os = "linux")]

mod attach;
mod child;
mod command;
mod context;
mod contexts;
mod error;
#[doc(hidden)]
pub mod ffi;
mod fork;
mod forks;
mod fuse;
mod held;
mod info;
mod kept;
mod leaves;
mod manage;
mod pair;
mod placeholder;
mod proc;
mod process;
mod procfd;
mod settings;
mod signal;
mod start;
mod status;
mod sys;
mod target;
mod wait;
mod wait_any;
mod watch;

#[cfg(feature = "tokio")]
pub use command::asynchronous;
pub use command::{Child, Command, Output, Stdio};
pub use error::{Errno, Error, Stage};
pub use info::{
    Autogroup, Caps, Comm, CoreDump, CpuSplit, Credentials, Faults, FdKind, Fds, Fields, Info, Io, Job,
    KnownUsage, Limits, Login, MapFlags, Mapping, Memory, MemoryDetail, MemoryParts, MemorySet, Missing,
    NamespaceIds, NsPid, Oom, OpenFd, ProcessIds, ProcessRef, ProcessState, Processes, RunDelay, Sched,
    Security, Signals, Snapshot, Start, Switches, TaskState, Thread, ThreadFaults, ThreadSignals,
    ThreadTimes, Times, UsageFields,
};
pub use manage::{Advice, KillTree, TreeMethod};
pub use process::Process;
pub use settings::{CapSet, Scheduler, SecureBits, UnknownCapability, WindowSize};
pub use settings::{Context, OpenFlags, SeccompFlags, SeccompListener};
pub use settings::{
    IdMap, Ids, Mount, MountAttributes, Namespaces, Propagation, Scope, Setgroups, SignalSet,
};
pub use settings::{Landlock, LandlockFs, LandlockLog, LandlockNet, LandlockScopes};
pub use settings::{NumaFlags, NumaPolicy, Speculation, SpeculationControl};
pub use start::{Plan, PlanStep};
pub use status::{Change, Status, Usage};
pub use wait::Options as WaitOptions;
pub use wait_any::{Awaited, Events, wait_any};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
