// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The contexts that the watcher has.

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{HandedOver, Opened, find, portion};
use crate::leaves::Leaf;
use crate::settings::{ClosePolicy, Settings};
use crate::sys::{Errno, Result};
use crate::watch::keeper::{self, Walk};
use crate::watch::{AddError, Client, Limit, Policy, Reservation, StartError};

/// How many contexts one call of the library gives to a new watcher at most, each with a round trip at most.
const GIVE: usize = 16;
/// And how many it looks at, with two system calls each at most.
const LOOK: usize = 64;

/// Gives a new watcher the next of what runs. Whether there are more.
fn hand_over(client: &Arc<Client>, serial: u64, walk: &mut Walk) -> std::result::Result<bool, AddError> {
    let contexts = portion(walk.after, LOOK);
    let mut given = 0;
    for opened in &contexts {
        if given == GIVE {
            return Ok(true);
        }
        match opened.hand_over(client, serial)? {
            HandedOver::Now => given += 1,
            HandedOver::Settled => {}
            HandedOver::Held => walk.missed = true,
        }
        walk.after = opened.cookie;
    }
    if contexts.len() == LOOK {
        return Ok(true);
    }
    walk.after = 0;
    Ok(std::mem::take(&mut walk.missed))
}

/// Whether one of the next contexts needs a watcher.
fn is_needed(walk: &mut Walk) -> bool {
    let contexts = portion(walk.after, LOOK);
    walk.after = if contexts.len() == LOOK { contexts.last().map_or(0, |last| last.cookie) } else { 0 };
    contexts.iter().any(|opened| opened.wants_watcher())
}

/// Room with the watcher for one more process, before it is started.
pub(crate) fn reserve_watch(policy: &Policy) -> std::result::Result<Reservation, StartError> {
    keeper::reserve(policy, &hand_over)
}

/// B, for a message to the watcher.
fn b_for_watcher(opened: &Opened) -> std::result::Result<BorrowedFd<'_>, StartError> {
    opened.live_b().map_err(|e| StartError { step: "talk to the watcher", errno: e.0 })
}

/// Gives the watcher B before the clone: should the creator be killed before it has published the start, the fuse
/// still fires at the last close.
pub(crate) fn watch_b_early(
    room: Reservation,
    opened: &Opened,
    policy: &Policy,
) -> std::result::Result<Reservation, StartError> {
    keeper::give_b(room, opened.cookie, b_for_watcher(opened)?, policy, &hand_over)
}

/// Gives the watcher the cgroup of a process before there is one: it is removed even if the creator is killed.
pub(crate) fn watch_leaf(
    room: Reservation,
    opened: &Opened,
    leaf: &Arc<Leaf>,
    policy: &Policy,
) -> std::result::Result<Reservation, StartError> {
    keeper::give_leaf(room, opened.cookie, leaf, policy, &hand_over)
}

/// Gives the watcher a process whose program cannot run yet, with a policy that has signals of the watcher's, and
/// waits for its answer.
pub(crate) fn watch_early(
    room: &mut Reservation,
    opened: &Opened,
    pidfd: BorrowedFd<'_>,
    policy: &Policy,
) -> std::result::Result<(), StartError> {
    keeper::add_early(room, opened.cookie, b_for_watcher(opened)?, pidfd, policy, &hand_over)
}

/// Gives a started process to the watcher, or tells it that the one it has is published. Call [`see_to`] once the
/// context has let its state go.
pub(crate) fn watch(
    room: Reservation,
    opened: &Opened,
    pidfd: BorrowedFd<'_>,
    policy: &Policy,
) -> std::result::Result<(), StartError> {
    let serial = keeper::add(room, opened.cookie, b_for_watcher(opened)?, pidfd, policy, &hand_over)?;
    opened.watcher.store(serial, Ordering::SeqCst);
    Ok(())
}

/// The watcher forgets a process whose message was of other files: another thread has taken their numbers.
pub(crate) fn unwatch(opened: &Opened) {
    opened.watcher.store(0, Ordering::SeqCst);
    keeper::forget(opened.cookie);
}

/// A watcher that came while a creation held its context has passed it over.
pub(crate) fn see_to(opened: &Opened) {
    if let Some((client, serial)) = keeper::outdated(opened.watcher.load(Ordering::SeqCst)) {
        // On failure the watcher is gone again, and its successor is given this one.
        let _ = opened.hand_over(&client, serial);
    }
}

/// The same as [`tend_watcher`] for questions and settings, which cost less.
pub(crate) fn tend_watcher_by_the_tick() {
    if keeper::is_due() {
        tend_watcher();
    }
}

/// Replaces a watcher that has died, if there is anything to watch, and gives the new one what runs, step by step. For
/// every call of the library.
pub(crate) fn tend_watcher() {
    keeper::tend(is_needed, &hand_over);
}

/// Changes what the watcher does when the procfd `a` is closed. Whether there is a watcher for it
/// here. EOPNOTSUPP: a second signal, and there is none.
pub(crate) fn change_policy(a: BorrowedFd<'_>, close: Option<ClosePolicy>) -> Result<bool> {
    let found = find(a);
    let second = close.is_some_and(|p| p.then.is_some());
    let Ok(opened) = found else {
        return if second { Err(Errno(libc::EOPNOTSUPP)) } else { Ok(false) };
    };
    let mut state = opened.state();
    if state.watched.is_none() {
        return if second { Err(Errno(libc::EOPNOTSUPP)) } else { Ok(false) };
    }
    // The time limit runs on.
    let policy =
        Policy { limit: state.watched.and_then(|policy| policy.limit), ..policy(&state.config, close) };
    let reaching = state.config.is_init();
    let before = state.watched.replace(policy);
    drop(state);
    // A successor that comes meanwhile is given the new one.
    let done = keeper::change(opened.cookie, &policy, &hand_over, &|client, serial| {
        // A watcher that is new has it now, and not at a later step.
        opened.hand_over(client, serial).map(drop)
    });
    let done = done.map_err(Errno);
    if done.is_err() {
        opened.state().watched = before;
    }
    done.map(|()| reaching)
}

/// The watcher's part of a close policy. For the init of a pid namespace this is all of it. Where the process has a
/// cgroup of its own it is SIGKILL, which reaches the whole cgroup. Otherwise it is the second signal.
pub(crate) fn policy(config: &Settings, close: Option<ClosePolicy>) -> Policy {
    // The built-in init does all of it alone.
    if config.built_in_init() {
        return Policy::default();
    }
    let number = |signal: i32| u8::try_from(signal).unwrap_or(0);
    let limit = config.time_limit().map(|limit| {
        let (second, delay) = limit.then.unwrap_or_default();
        Limit { until: limit.end(), first: number(limit.signal), second: number(second), delay }
    });
    let Some(close) = close else { return Policy { limit, ..Policy::default() } };
    let (second, delay) = close.then.unwrap_or_default();
    let kills_cgroup = config.cgroup.has_leaf() && close.signal == libc::SIGKILL;
    Policy {
        first: if config.is_init() || kills_cgroup { number(close.signal) } else { 0 },
        second: number(second),
        delay,
        group: close.group,
        limit,
    }
}
