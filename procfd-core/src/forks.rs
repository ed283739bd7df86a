// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Descriptors of the library's own, which a forked child must not keep.
//!
//! Linux has no close-on-fork. A child that another thread forks inherits whatever the library holds
//! at that instant, and a fuse kept open there would keep a process alive that should have died.
//! So every private descriptor is on a list, made and listed under one lock that fork waits for,
//! and the fork hook (see [`registry`](crate::contexts)) closes them all in the child.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::sys::{self, Result};

/// One bit per descriptor number.
pub(crate) struct Listed(Vec<u64>);

static LISTED: Mutex<Listed> = Mutex::new(Listed(Vec::new()));
/// Counts forks: a value made before one does not close numbers after it.
static GENERATION: AtomicU64 = AtomicU64::new(0);

pub(crate) fn lock() -> MutexGuard<'static, Listed> {
    LISTED.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Listed {
    fn set(&mut self, fd: RawFd, on: bool) {
        let (word, bit) = (fd as usize / 64, 1u64 << (fd as usize % 64));
        if on && word >= self.0.len() {
            self.0.resize(word.saturating_add(1), 0);
        }
        if let Some(w) = self.0.get_mut(word) {
            *w = if on { *w | bit } else { *w & !bit };
        }
    }

    /// In a forked child: closes them all. Those made before belong to the parent.
    pub(crate) fn close_all_after_fork(&mut self) {
        GENERATION.fetch_add(1, Ordering::Relaxed);
        for (i, word) in self.0.iter_mut().enumerate() {
            while *word != 0 {
                sys::fd::close_raw((i * 64) as RawFd + word.trailing_zeros() as RawFd);
                *word &= word.wrapping_sub(1);
            }
        }
    }
}

/// Takes a leaked number off the list, which turns out not to be ours any more.
pub(crate) fn unlist(fd: RawFd) {
    lock().set(fd, false);
}

/// Whether a number is one of the library's own.
pub(crate) fn is_listed(fd: RawFd) -> bool {
    lock().0.get(fd as usize / 64).is_some_and(|word| word & (1 << (fd as usize % 64)) != 0)
}

/// The numbers of all of them.
pub(crate) fn numbers() -> Vec<u32> {
    let list = lock();
    let words = list.0.iter().zip((0u32..).step_by(64));
    words
        .flat_map(|(word, first)| {
            (0..64).filter(move |bit| word & (1 << bit) != 0).map(move |bit| first + bit)
        })
        .collect()
}

/// A number that a process and its forked child do not share: what was kept in the one is not for the
/// other, which may be in another pid namespace. Also of a fork that the hooks did not hear of.
pub(crate) fn generation() -> u64 {
    static COPIES: AtomicU64 = AtomicU64::new(0);
    let word = sys::forked::word();
    let mut copy = word.load(Ordering::Relaxed);
    if copy == 0 {
        let next = COPIES.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        copy = match word.compare_exchange(0, next, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => next,
            Err(other) => other,
        };
    }
    // Both only grow from a process to its child.
    GENERATION.load(Ordering::Relaxed).wrapping_add(copy)
}

/// A descriptor on the list.
#[derive(Debug)]
pub(crate) struct Private {
    /// `None` only while it is dropped.
    fd: Option<OwnedFd>,
    generation: u64,
}

impl Private {
    fn listed(list: &mut Listed, fd: OwnedFd) -> Self {
        list.set(fd.as_raw_fd(), true);
        Self { fd: Some(fd), generation: GENERATION.load(Ordering::Relaxed) }
    }

    /// A descriptor that `make` makes.
    pub(crate) fn new(make: impl FnOnce() -> Result<OwnedFd>) -> Result<Self> {
        let mut list = lock();
        make().map(|fd| Self::listed(&mut list, fd))
    }

    /// One that was made already: a fork may have caught it before.
    pub(crate) fn adopt(fd: OwnedFd) -> Self {
        Self::listed(&mut lock(), fd)
    }

    /// Two descriptors that `make` makes.
    pub(crate) fn pair(make: impl FnOnce() -> Result<(OwnedFd, OwnedFd)>) -> Result<(Self, Self)> {
        let mut list = lock();
        make().map(|(a, b)| (Self::listed(&mut list, a), Self::listed(&mut list, b)))
    }

    /// Two descriptors that `make` makes, of which only the second is private.
    pub(crate) fn second(make: impl FnOnce() -> Result<(OwnedFd, OwnedFd)>) -> Result<(OwnedFd, Self)> {
        let mut list = lock();
        make().map(|(a, b)| (a, Self::listed(&mut list, b)))
    }

    /// Lets go of a number that is not ours any more.
    pub(crate) fn forget(&mut self) {
        if let Some(fd) = self.fd.take() {
            lock().set(fd.as_raw_fd(), false);
            let _ = fd.into_raw_fd();
        }
    }

    /// Stays open, and listed, for good.
    pub(crate) fn leak(mut self) -> RawFd {
        self.fd.take().map_or(-1, IntoRawFd::into_raw_fd)
    }

    /// Whether it was made before a fork, of which this is the child.
    pub(crate) fn is_parents(&self) -> bool {
        self.generation != GENERATION.load(Ordering::Relaxed)
    }
}

impl AsFd for Private {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.fd {
            Some(fd) => fd.as_fd(),
            // Not reached: only `drop` and `forget`, the last use of a value, take it out.
            None => std::process::abort(),
        }
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let mut list = lock();
        let Some(fd) = self.fd.take() else { return };
        if self.is_parents() {
            // The fork hook has closed it, and the number may be somebody else's by now.
            let _ = fd.into_raw_fd();
        } else {
            list.set(fd.as_raw_fd(), false);
            drop(fd);
        }
    }
}
