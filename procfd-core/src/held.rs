// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The descriptor of an object (`Context`, `Process`), which a forked copy of the program does not hold.
//!
//! A forked copy has the objects of its parent in its memory and their procfds in its table. With a close policy,
//! the process would outlive the parent as long as the copy runs, though the copy never uses it. So the fork hook
//! puts another file over the number of each procfd that an object holds: the process's pidfd, or before the start
//! the end of a dead pair. The object stays usable in the copy; it no longer holds the process.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use crate::forks;
use crate::sys::{self, OwnFd, owned::Proved};

/// A descriptor that an object owns. A procfd is on the list of the fork hook.
#[derive(Debug)]
pub(crate) struct Held(Proved);

impl Held {
    /// A procfd that the caller has just put on the list, under its cookie.
    pub(crate) fn listed(fd: OwnFd, cookie: u64) -> Self {
        Self(Proved::socket(fd, cookie))
    }

    /// A descriptor of a process: on the list if it is a procfd.
    pub(crate) fn of(fd: OwnFd, pidfd: BorrowedFd<'_>) -> sys::Result<Self> {
        if let Ok(cookie) = sys::sock::cookie(fd.as_fd()) {
            forks::hold(fd.as_fd(), cookie, Some(pidfd))?;
            return Ok(Self::listed(fd, cookie));
        }
        Ok(Self(Proved::new(fd)))
    }

    /// The procfd has a process from now on.
    pub(crate) fn stands_for(&self, pidfd: BorrowedFd<'_>) {
        if let Some(cookie) = self.cookie() {
            // Its entry exists, so there is room for it.
            let _ = forks::hold(self.as_fd(), cookie, Some(pidfd));
        }
    }

    /// The cookie of a procfd.
    pub(crate) fn cookie(&self) -> Option<u64> {
        self.0.cookie()
    }

    /// The descriptor, which the copies of the program hold from now on.
    pub(crate) fn into_fd(self) -> OwnFd {
        if let Some(cookie) = self.cookie() {
            forks::let_go(self.as_fd(), cookie, drop);
        }
        let fd = sys::fd::taken(self.as_raw_fd());
        std::mem::forget(self);
        fd
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        match self.cookie() {
            // Under the lock of the list: a fork finds it listed, or closed.
            Some(cookie) => forks::let_go(self.as_fd(), cookie, |now| self.0.close_as(now)),
            None => self.0.close_as(None),
        }
    }
}

impl AsFd for Held {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Held {
    fn as_raw_fd(&self) -> i32 {
        self.as_fd().as_raw_fd()
    }
}
