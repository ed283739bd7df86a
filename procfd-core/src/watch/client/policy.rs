// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The watcher's orders for a process, and their form in a request.

use std::time::Duration;

use crate::sys;
use crate::watch::proto::{self, Request};

/// The watcher's action when the last procfd of a running process is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Policy {
    /// The signal at the last close; 0: none. For the inits of pid namespaces, which the fuse cannot reach.
    pub(crate) first: u8,
    /// The signal after `delay`, if the process still runs; 0: none.
    pub(crate) second: u8,
    pub(crate) delay: Duration,
    /// Sends both to the process group (before Linux 6.9 to the process).
    pub(crate) group: bool,
    pub(crate) limit: Option<Limit>,
}

/// How long the process may run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limit {
    /// In nanoseconds of the creator's CLOCK_MONOTONIC.
    pub(crate) until: u64,
    pub(crate) first: u8,
    /// The signal after `delay`, if the process still runs; 0: none.
    pub(crate) second: u8,
    pub(crate) delay: Duration,
}

impl Policy {
    /// Whether the watcher has no signal to send.
    pub(crate) fn is_silent(&self) -> bool {
        self.first == 0 && self.second == 0 && self.limit.is_none()
    }

    pub(super) fn request(&self, op: u32, id: u64) -> Request {
        let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let limit = self.limit.unwrap_or_default();
        Request {
            magic: proto::MAGIC,
            op,
            id,
            delay_ns: ns(self.delay),
            flags: if self.group { proto::TO_GROUP } else { 0 },
            first: self.first.into(),
            second: self.second.into(),
            // What is left: the watcher may be in another time namespace.
            limit_ns: limit.until.saturating_sub(sys::fd::monotonic_ns()),
            limit_delay_ns: ns(limit.delay),
            limit_first: limit.first.into(),
            limit_second: limit.second.into(),
        }
    }
}
