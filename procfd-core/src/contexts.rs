// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The opener's memory: its contexts by the cookie of their procfd, and the sweep of those whose procfd is gone.

mod sweep;
mod watched;

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::forks::{self, Private};
use crate::held::Held;
use crate::pair::{self, Kind};
use crate::procfd;
use crate::settings::Settings;
use crate::status::Status;
use crate::sys::per_process::PerProcess;
use crate::sys::task::SignalsBlocked;
use crate::sys::{self, Errno, OwnFd, Result};
use crate::watch::{AddError, Client};

pub(crate) use crate::settings::{OpenFlags, Opened, Pidfd, State};
pub(crate) use sweep::sweep;
pub(crate) use watched::{
    change_policy, policy, reserve_watch, see_to, tend_watcher, tend_watcher_by_the_tick, unwatch, watch,
    watch_b_early, watch_early, watch_leaf,
};

impl Opened {
    /// B, if there is still something for a watcher to do: its exit has not been reported.
    fn unreported(&self) -> Option<BorrowedFd<'_>> {
        let b = self.live_b().ok()?;
        let hung_up = sys::fd::poll(b, 0, sys::fd::NOW).is_ok_and(|events| events & libc::POLLHUP != 0);
        (!hung_up).then_some(b)
    }

    /// Whether a watcher is missed. If another thread holds the context, that thread does it.
    fn wants_watcher(&self) -> bool {
        self.try_state().is_some_and(|state| state.watched.is_some()) && self.unreported().is_some()
    }

    /// Gives it to a watcher that has not seen it. One whose numbers the program has closed cannot be given.
    fn hand_over(&self, client: &Arc<Client>, serial: u64) -> std::result::Result<HandedOver, AddError> {
        if self.watcher.load(Ordering::SeqCst) == serial {
            return Ok(HandedOver::Settled);
        }
        let Some(state) = self.try_state() else { return Ok(HandedOver::Held) };
        let (Some(pidfd), Some(policy)) = (&state.pidfd, &state.watched) else {
            return Ok(HandedOver::Settled);
        };
        let (Some(b), Ok(now)) = (self.unreported(), pidfd.live()) else { return Ok(HandedOver::Settled) };
        client.add_in(self.cookie, b, now, policy, state.leaf.as_ref())?;
        // What it was given is what is here: no instant lies between a proof and the message.
        if sys::task::has_threads() && (pidfd.live().is_err() || !self.has_b()) {
            client.forget(self.cookie);
            return Ok(HandedOver::Settled);
        }
        self.watcher.store(serial, Ordering::SeqCst);
        Ok(HandedOver::Now)
    }
}

/// The parts of a context that a new watcher gets.
enum HandedOver {
    Now,
    /// There is nothing to give.
    Settled,
    /// Another thread holds it, so it is for later.
    Held,
}

/// The entries that the sweep examines.
#[derive(Debug)]
enum Entry {
    Context(Weak<Opened>),
    /// A child whose procfd is gone and who has not ended yet.
    Leaving(Arc<Pidfd>),
}

#[derive(Default)]
struct Table {
    contexts: BTreeMap<u64, Arc<Opened>>,
    /// Everything the sweep has to look at, oldest look first.
    entries: VecDeque<Entry>,
}

impl Table {
    /// Room for one more to look at. ENOMEM.
    fn has_room(&mut self) -> Result<()> {
        HAS_ENTRIES.store(true, Ordering::Relaxed);
        self.entries.try_reserve(1).map_err(|_| Errno(libc::ENOMEM))
    }
}

static TABLE: PerProcess<Mutex<Table>> = PerProcess::new();

/// Set with the first entry: until then a sweep has nothing to look at.
static HAS_ENTRIES: AtomicBool = AtomicBool::new(false);

fn table() -> MutexGuard<'static, Table> {
    TABLE.get(forks::generation()).lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens a context: the procfd and its entry here. Sweeps first.
pub(crate) fn open(flags: OpenFlags, config: Settings) -> Result<(OwnFd, Arc<Opened>)> {
    tend_watcher();
    let _signals = SignalsBlocked::new()?;
    sweep();
    let (a, b) = procfd::open()?;
    let cookie = a.cookie().map_or_else(|| procfd::cookie(a.as_fd()), Ok)?;
    Ok((a, enter(cookie, b, flags, config)?))
}

/// The same for an object, which a forked copy of this process does not hold.
pub(crate) fn open_held(flags: OpenFlags, config: Settings) -> Result<(Held, Arc<Opened>)> {
    tend_watcher();
    let _signals = SignalsBlocked::new()?;
    sweep();
    let (a, b) = procfd::open_held()?;
    let cookie = a.cookie().ok_or(Errno(libc::EINVAL))?;
    Ok((a, enter(cookie, b, flags, config)?))
}

fn enter(cookie: u64, b: Private, flags: OpenFlags, config: Settings) -> Result<Arc<Opened>> {
    let opened = Arc::new(Opened::new(cookie, b, flags, config));
    HAS_OPENED.store(true, Ordering::Relaxed);
    let mut table = table();
    table.has_room()?;
    table.contexts.insert(opened.cookie, Arc::clone(&opened));
    table.entries.push_back(Entry::Context(Arc::downgrade(&opened)));
    drop(table);
    Ok(opened)
}

/// Lets go of a started context whose process has all that is kept here, and says whether the library reaps the child.
/// A context with a watcher stays, since the watcher may have to be replaced: `None`.
pub(crate) fn forget(opened: &Arc<Opened>) -> Option<bool> {
    if opened.is_watched() {
        return None;
    }
    // B goes with the caller's Arc. As a fuse it lives on in the queue of its peer.
    let known = table().contexts.remove(&opened.cookie);
    drop(known);
    let mut state = opened.state();
    let kept = state.pidfd.take();
    let reap = opened.reaps(&state);
    drop(state);
    drop(kept);
    Some(reap)
}

/// Sees to the end of a child that no thread waits for any more: it is reaped now, or by a later [`sweep`].
pub(crate) fn reap(pidfd: OwnFd) {
    if !matches!(sys::pidfd::wait(pidfd.as_fd(), libc::WEXITED | libc::WNOHANG), Ok(None)) {
        return;
    }
    let Ok(pidfd) = Private::adopt(pidfd) else { return };
    let mut table = table();
    if table.has_room().is_ok() {
        table.entries.push_back(Entry::Leaving(Arc::new(Pidfd::of(pidfd))));
    }
}

/// The context of a procfd that this process opened. EBADF; EINVAL: no procfd; EPERM: another's.
pub(crate) fn find(fd: BorrowedFd<'_>) -> Result<Arc<Opened>> {
    if let Some(opened) = opened_here(fd) {
        return Ok(opened);
    }
    if pair::kind(fd)? != Kind::Other {
        return Err(Errno(libc::EPERM));
    }
    procfd::cookie(fd)?;
    Err(Errno(libc::EINVAL))
}

/// How many contexts this process has open.
pub(crate) fn count() -> usize {
    table().contexts.len()
}

/// The pid of a process that this process has started, by its pidfd or a duplicate of that, until the process is
/// reaped. Only the creation and the pidfd are asked. Returns `None` for all others, and when a lock is contended.
pub(crate) fn number_of(pidfd: BorrowedFd<'_>) -> Option<i32> {
    let pid_of = |opened: &Opened| {
        let state = opened.try_state()?;
        let kept = state.pidfd.as_ref()?.live().ok()?;
        (state.pid > 0 && sys::pidfd::is_same_file(pidfd, kept)).then_some(state.pid)
    };
    let pid = visit_all(|opened| match pid_of(opened) {
        Some(pid) => ControlFlow::Break(pid),
        None => ControlFlow::Continue(()),
    })?;
    let unreaped = matches!(sys::pidfd::send_signal(pidfd, 0, None, 0), Ok(()) | Err(Errno(libc::EPERM)));
    unreaped.then_some(pid)
}

/// Set at the first context: a process that only receives procfds never asks for a cookie.
static HAS_OPENED: AtomicBool = AtomicBool::new(false);

/// Whether this process may have a context.
pub(crate) fn may_have() -> bool {
    HAS_OPENED.load(Ordering::Relaxed)
}

/// The context of a procfd that this process opened.
pub(crate) fn opened_here(fd: BorrowedFd<'_>) -> Option<Arc<Opened>> {
    if !may_have() {
        return None;
    }
    let cookie = procfd::cookie_of_socket(fd)?;
    table().contexts.get(&cookie).map(Arc::clone)
}

/// A process that this process started, by its procfd.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) context: Arc<Opened>,
    pub(crate) pidfd: Arc<Pidfd>,
    /// It is a built-in init.
    pub(crate) init: bool,
}

/// The process of a procfd that this process opened and started, without a look into its queue.
///
/// Returns `None` for contexts of other processes, when a lock is contended, and when the program has closed the kept
/// pidfd. The caller then peeks at the queue, which never blocks.
pub(crate) fn started(cookie: u64) -> Option<Running> {
    let table = TABLE.get(forks::generation()).try_lock().ok()?;
    let context = Arc::clone(table.contexts.get(&cookie)?);
    drop(table);
    let state = context.try_state()?;
    let pidfd = Arc::clone(state.pidfd.as_ref()?);
    let init = state.config.built_in_init();
    drop(state);
    pidfd.live().ok()?;
    Some(Running { context, pidfd, init })
}

/// How the process of a procfd ended that this process opened and has reaped, without a system call. Not of a built-in
/// init, whose program is asked for. Returns `None` when a lock is contended, too.
pub(crate) fn kept_end(cookie: u64) -> Option<Status> {
    let table = TABLE.get(forks::generation()).try_lock().ok()?;
    let context = Arc::clone(table.contexts.get(&cookie)?);
    drop(table);
    let state = context.try_state()?;
    state.ended.filter(|_| state.is_reaped && !state.config.built_in_init())
}

/// The next contexts behind the one with this cookie: so many of all, so that the lock is held for a moment.
fn portion(after: u64, many: usize) -> Vec<Arc<Opened>> {
    let table = table();
    table.contexts.range(after.saturating_add(1)..).take(many).map(|(_, opened)| Arc::clone(opened)).collect()
}

/// The result of `visit` for the contexts, one after the other, until it breaks. No lock is held meanwhile.
fn visit_all<B>(mut visit: impl FnMut(&Opened) -> ControlFlow<B>) -> Option<B> {
    let mut after = 0;
    loop {
        let contexts = portion(after, 64);
        after = contexts.last()?.cookie;
        for opened in &contexts {
            if let ControlFlow::Break(found) = visit(opened) {
                return Some(found);
            }
        }
    }
}
