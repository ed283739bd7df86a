// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The sweep of contexts whose procfd is gone.
//!
//! Linux reports no close to the holder of another end. So each [`open`](super::open) looks at a few
//! contexts, oldest look first, with one poll(2) of their peers: as many as [`LOOK`], and as many again while
//! half of them are gone, up to [`LOOKS`] times. A call adds one context and looks at more. A context that is
//! gone is therefore found after a bounded number of calls, and no call pays for many. The sweep closes them
//! without the lock.

use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Entry, HAS_ENTRIES, Opened, table};
use crate::leaves;
use crate::placeholder;
use crate::procfd;
use crate::sys::{self, Errno, PollFd};

/// How many entries one poll(2) of the sweep looks at.
const LOOK: usize = 8;
/// How often a call polls at most: 64 entries, some 0.2 ms where all of them are gone.
const LOOKS: usize = 8;

/// The result of the sweep for one entry.
enum Found {
    /// It stays.
    Stays(Entry),
    /// Nothing is left to do for it. Its resources are dropped without the lock.
    Gone(Option<Arc<Opened>>),
}

/// Forgets contexts whose procfd is gone, and reaps those of their children that are to be. Also for each context
/// that opens none.
pub(crate) fn sweep() {
    placeholder::sweep();
    leaves::tend();
    if HAS_ENTRIES.load(Ordering::Relaxed) {
        sweep_entries();
    }
}

fn sweep_entries() {
    for _ in 0..LOOKS {
        let mut entries = [const { None }; LOOK];
        let mut table = table();
        entries.iter_mut().for_each(|place| *place = table.entries.pop_front());
        drop(table);
        if entries[0].is_none() {
            return;
        }
        let events = look(&entries);
        let mut gone = 0;
        for (entry, events) in entries.into_iter().flatten().zip(events) {
            match look_at(entry, events) {
                Found::Stays(entry) => self::table().entries.push_back(entry),
                Found::Gone(opened) => {
                    gone += 1;
                    let known = opened.and_then(|opened| self::table().contexts.remove(&opened.cookie));
                    drop(known);
                }
            }
        }
        if gone < LOOK / 2 || self::table().entries.is_empty() {
            return;
        }
    }
}

/// One poll(2) of all, by the call that a seccomp filter lets through.
fn look(entries: &[Option<Entry>; LOOK]) -> [i16; LOOK] {
    let mut fds = [PollFd { fd: -1, events: 0, revents: 0 }; LOOK];
    for (place, entry) in fds.iter_mut().zip(entries.iter().flatten()) {
        match entry {
            Entry::Context(opened) => place.fd = opened.upgrade().map_or(-1, |opened| opened.b().as_raw_fd()),
            Entry::Leaving(pidfd) => {
                place.fd = pidfd.number();
                place.events = libc::POLLIN;
            }
        }
    }
    if fds.iter().all(|fd| fd.fd < 0) {
        // All are forgotten already.
        return [0; LOOK];
    }
    // The kernel passes over the numbers below 0.
    match sys::fd::poll_many(&mut fds, sys::fd::NOW) {
        Ok(()) | Err(Errno(libc::EINTR)) => {}
        Err(_) => sys::fd::poll_without_ppoll(&mut fds),
    }
    fds.map(|fd| fd.revents)
}

/// Something may have happened to a context's B, or a leaving child have ended.
fn look_at(entry: Entry, events: i16) -> Found {
    let opened = match &entry {
        Entry::Leaving(pidfd) => {
            let Ok(pidfd) = pidfd.live() else { return Found::Gone(None) };
            if events == 0 {
                return Found::Stays(entry);
            }
            // It has ended, and something has reaped it; or a filter has refused the poll.
            let waited = sys::pidfd::wait(pidfd, libc::WEXITED | libc::WNOHANG);
            return if matches!(waited, Ok(None)) { Found::Stays(entry) } else { Found::Gone(None) };
        }
        Entry::Context(opened) => match opened.upgrade() {
            Some(opened) => opened,
            None => return Found::Gone(None),
        },
    };
    if events & (libc::POLLHUP | libc::POLLERR) == libc::POLLHUP | libc::POLLERR {
        // The last A is closed, and left the start message unread. Without a child to reap there is only B to close,
        // which proves what it closes.
        let state = opened.try_state();
        if state.is_some_and(|state| state.started && !opened.reaps(&state)) {
            return Found::Gone(Some(opened));
        }
    }
    let Ok(b) = opened.live_b() else {
        // A number that the program has closed tells nothing of A any more. A context that has not been started stays
        // known, since its next creation has to say why it fails.
        let started = opened.try_state().is_some_and(|state| state.started);
        return Found::Gone(Some(opened).filter(|_| started));
    };
    if events & libc::POLLHUP == 0 {
        return Found::Stays(entry);
    }
    let Some(mut state) = opened.try_state() else {
        // A creation is under way on a procfd that was closed meanwhile: at a later look.
        return Found::Stays(entry);
    };
    if state.started && events & libc::POLLERR == 0 && !procfd::is_gone(b) {
        // The watcher has hung it up: the process has ended, and its procfd is still held.
        return Found::Stays(entry);
    }
    let reap = opened.reaps(&state);
    let pidfd = state.pidfd.take().filter(|_| reap);
    drop(state);
    if let Some(pidfd) = pidfd {
        let ended = pidfd.live().map(|pidfd| sys::pidfd::wait(pidfd, libc::WEXITED | libc::WNOHANG));
        if matches!(ended, Ok(Ok(None))) {
            table().contexts.remove(&opened.cookie);
            return Found::Stays(Entry::Leaving(pidfd));
        }
    }
    Found::Gone(Some(opened))
}
