// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The constants and structures of `procfd.h`.
//!
//! Numbers are ABI: they are never reused. The families are kept apart: `0x1xx` belongs to
//! `process_config`, `0x2xx` to `process_manage`, `0x3xx` to `process_info`.
//! Literals, not expressions, because the header is generated from them, in the order of the modules.

/// `process_open`: do without the watcher. The descriptor still reports the start (EPOLLIN);
/// it does not report the exit, and EPOLLHUP on it means only that its creator is gone.
pub const PROCFD_NO_WATCH: u64 = 0x1;
/// `process_open`: reap the child once its last procfd is closed, at the next `process_open`
/// at the latest. A close policy (PROC_SET_CLOSE) implies it.
pub const PROCFD_AUTOREAP: u64 = 0x2;

/// `process_open`: the descriptor becomes the process's own pidfd at PROC_CREATE, under the same number. It has
/// no watcher and shows no start: epoll entries from before the start are lost. Do not pass or duplicate it before
/// the start. PROC_SET_CLOSE, PROC_SET_INIT and PROCFD_AUTOREAP need the form without this flag.
pub const PROCFD_PIDFD: u64 = 0x4;

mod settings;
pub use settings::*;

mod config;
pub use config::*;

mod manage;
pub use manage::*;

mod state;
pub use state::*;

mod stages;
pub use stages::*;

mod changes;
pub use changes::*;

mod info;
pub use info::*;

mod lists;
pub use lists::*;

mod ioctl;
pub use ioctl::*;

mod spawn;
pub use spawn::*;
