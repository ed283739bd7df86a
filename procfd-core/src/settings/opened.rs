// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The context of a procfd, in its opener: the settings, and later the process.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::Settings;
use crate::error::Error;
use crate::forks::{self, Private};
use crate::leaves::Leaf;
use crate::status::Status;
use crate::sys::{Errno, Result};
use crate::watch::Policy;

bitflags::bitflags! {
    /// How a context is opened.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct OpenFlags: u64 {
        /// Without the watcher: the descriptor reports the start and not the exit.
        const NO_WATCH = 1;
        /// The library reaps the child once its last procfd is closed.
        const AUTOREAP = 2;
    }
}

/// A context as its opener knows it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub cookie: u64,
    pub flags: OpenFlags,
    forks: u64,
    b: Private,
    /// The serial of the watcher that has it; 0 none.
    pub watcher: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub config: Settings,
    pub started: bool,
    pub error: Option<Error>,
    /// The process.
    pub pidfd: Option<Arc<Pidfd>>,
    /// Where its pidfd will be: a start takes no memory.
    place: Option<Arc<Pidfd>>,
    /// The number that its creation returned; 0 for a process that was attached.
    pub pid: i32,
    /// The orders of the watcher; `None` if it does not watch the process.
    pub watched: Option<Policy>,
    /// The process's own cgroup, which the watcher has too.
    pub leaf: Option<Arc<Leaf>>,
    /// How it ended and what it had used, once it was waited for here: the kernel tells that once.
    pub ended: Option<Status>,
    /// It is reaped by a wait of this process: nothing is left to take.
    pub is_reaped: bool,
}

/// A pidfd that the library keeps. Its place is there before the process is.
#[derive(Debug, Default)]
pub(crate) struct Pidfd(OnceLock<Private>);

impl Pidfd {
    pub(crate) fn of(pidfd: Private) -> Self {
        Self(OnceLock::from(pidfd))
    }

    /// EBADF: there is none.
    pub(crate) fn get(&self) -> Result<BorrowedFd<'_>> {
        self.0.get().map(AsFd::as_fd).ok_or(Errno(libc::EBADF))
    }

    /// It, proved to be what was put here. EBADF: the program has closed it, or there is none.
    pub(crate) fn live(&self) -> Result<BorrowedFd<'_>> {
        self.0.get().ok_or(Errno(libc::EBADF))?.live()
    }

    pub(crate) fn number(&self) -> RawFd {
        self.get().map_or(-1, |pidfd| pidfd.as_raw_fd())
    }
}

impl State {
    /// The process, once there is one.
    pub(crate) fn keep(&mut self, pidfd: Private) {
        let place = self.place.take().unwrap_or_default();
        // A place is used once, so it is empty.
        let _ = place.0.set(pidfd);
        self.pidfd = Some(place);
    }

    /// There is a process. It has its own copies of what the settings hold: a pipe whose end stayed open here would
    /// never end.
    pub(crate) fn has_started(&mut self, pid: i32) {
        self.pid = pid;
        self.started = true;
        self.config.let_go();
    }
}

impl Opened {
    /// A new one, by its B and the cookie of its procfd.
    pub(crate) fn new(cookie: u64, b: Private, flags: OpenFlags, config: Settings) -> Self {
        Self {
            cookie,
            flags,
            forks: forks::generation(),
            b,
            watcher: AtomicU64::new(0),
            state: Mutex::new(State { config, place: Some(Arc::default()), ..State::default() }),
        }
    }

    /// Whether the library reaps the child.
    pub(crate) fn reaps(&self, state: &State) -> bool {
        state.config.close().is_some() || self.flags.contains(OpenFlags::AUTOREAP)
    }

    /// B, for a call that has just seen it with [`live_b`](Self::live_b).
    pub(crate) fn b(&self) -> BorrowedFd<'_> {
        self.b.as_fd()
    }

    /// B. EBADF: the program has closed its number.
    pub(crate) fn live_b(&self) -> Result<BorrowedFd<'_>> {
        self.b.live()
    }

    /// Whether B's number is still B.
    pub(crate) fn has_b(&self) -> bool {
        self.b.live().is_ok()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, if no other thread holds it.
    pub(crate) fn try_state(&self) -> Option<MutexGuard<'_, State>> {
        self.state.try_lock().ok()
    }

    /// Whether the watcher is to report its exit.
    pub(crate) fn is_watched(&self) -> bool {
        !self.flags.contains(OpenFlags::NO_WATCH)
    }

    /// Whether this process opened it, and not one it is a copy of.
    pub(crate) fn is_mine(&self) -> bool {
        self.forks == forks::generation()
    }
}
