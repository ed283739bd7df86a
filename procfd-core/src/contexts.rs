// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The opener's memory: its contexts by the cookie of their procfd, and the sweep of those whose procfd is gone.
//!
//! # Sweep
//!
//! Linux tells nobody of a close. So each [`open`] looks at a few contexts, oldest look first, with one poll(2) of
//! their peers: as many as [`LOOK`], and as many again while half of them are gone, up to [`LOOKS`] times. A call adds
//! one context and looks at more, so what is gone is found after a bounded number of calls, and no call pays for
//! many. What is found is let go of without the lock.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use crate::error::Error;
use crate::forks::{self, Private};
use crate::held::Held;
use crate::pair::{self, Kind};
use crate::placeholder;
use crate::procfd;
use crate::settings::{ClosePolicy, Settings};
use crate::status::Status;
use crate::sys::per_process::PerProcess;
use crate::sys::{self, Errno, PollFd, Result};
use crate::watch::{AddError, Client, Policy, Reservation, StartError, keeper};

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
    watcher: AtomicU64,
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
    /// What the watcher was told to do; `None` when it does not watch it.
    pub watched: Option<Policy>,
    /// How it ended and what it had used, once it was waited for here: the kernel tells that once.
    pub ended: Option<Status>,
}

/// A pidfd that the library keeps. Its place is there before the process is.
#[derive(Debug, Default)]
pub(crate) struct Pidfd(OnceLock<Private>);

impl Pidfd {
    fn of(pidfd: Private) -> Self {
        Self(OnceLock::from(pidfd))
    }

    /// EBADF: there is none.
    pub(crate) fn get(&self) -> Result<BorrowedFd<'_>> {
        self.0.get().map(AsFd::as_fd).ok_or(Errno(libc::EBADF))
    }

    /// It, proved to be what was put here. EBADF: the program has closed it, or there is none.
    fn live(&self) -> Result<BorrowedFd<'_>> {
        self.0.get().ok_or(Errno(libc::EBADF))?.live()
    }

    fn number(&self) -> RawFd {
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
}

impl Opened {
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

    /// Whether the watcher is to report its exit.
    pub(crate) fn is_watched(&self) -> bool {
        !self.flags.contains(OpenFlags::NO_WATCH)
    }

    /// Whether this process opened it, and not one it is a copy of.
    pub(crate) fn is_mine(&self) -> bool {
        self.forks == forks::generation()
    }

    /// Whether there is still something for a watcher to do: its exit has not been reported.
    fn wants_watcher(&self) -> bool {
        let Ok(b) = self.live_b() else { return false };
        let hung_up = sys::fd::poll(b, 0, sys::fd::NOW).is_ok_and(|events| events & libc::POLLHUP != 0);
        !hung_up && self.state.try_lock().is_ok_and(|state| state.watched.is_some())
    }

    /// Gives it to a watcher that has not seen it. One whose creation is under way sees to itself
    /// ([`see_to`]); one whose numbers the program has closed cannot be given.
    fn hand_over(&self, client: &Arc<Client>, serial: u64) -> std::result::Result<(), AddError> {
        if !self.wants_watcher() {
            return Ok(());
        }
        let Ok(state) = self.state.try_lock() else { return Ok(()) };
        let (Some(pidfd), Some(policy)) = (&state.pidfd, &state.watched) else { return Ok(()) };
        let (Ok(b), Ok(pidfd)) = (self.live_b(), pidfd.live()) else { return Ok(()) };
        client.add(self.cookie, b, pidfd, policy)?;
        self.watcher.store(serial, Ordering::SeqCst);
        Ok(())
    }
}

/// How many entries one poll(2) of the sweep looks at.
const LOOK: usize = 8;
/// How often a call polls at most: 64 entries, some 0.2 ms where all of them are gone.
const LOOKS: usize = 8;

/// What the sweep looks at.
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
        self.entries.try_reserve(1).map_err(|_| Errno(libc::ENOMEM))
    }
}

static TABLE: PerProcess<Mutex<Table>> = PerProcess::new();

fn table() -> MutexGuard<'static, Table> {
    TABLE.get(forks::generation()).lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens a context: the procfd and its entry here. Sweeps first.
pub(crate) fn open(flags: OpenFlags, config: Settings) -> Result<(OwnedFd, Arc<Opened>)> {
    sweep();
    tend_watcher();
    let (a, b) = procfd::open()?;
    let cookie = procfd::cookie(a.as_fd())?;
    Ok((a, enter(cookie, b, flags, config)?))
}

/// The same for an object, which a forked copy of this process does not hold.
pub(crate) fn open_held(flags: OpenFlags, config: Settings) -> Result<(Held, Arc<Opened>)> {
    sweep();
    tend_watcher();
    let (a, b) = procfd::open_held()?;
    let cookie = a.cookie().ok_or(Errno(libc::EINVAL))?;
    Ok((a, enter(cookie, b, flags, config)?))
}

fn enter(cookie: u64, b: Private, flags: OpenFlags, config: Settings) -> Result<Arc<Opened>> {
    let opened = Arc::new(Opened {
        cookie,
        flags,
        forks: forks::generation(),
        b,
        watcher: AtomicU64::new(0),
        state: Mutex::new(State { config, place: Some(Arc::default()), ..State::default() }),
    });
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
    let reap = state.config.close().is_some() || opened.flags.contains(OpenFlags::AUTOREAP);
    drop(state);
    drop(kept);
    Some(reap)
}

/// Sees to the end of a child that nobody waits for any more: it is reaped now, or by a later [`sweep`].
pub(crate) fn reap(pidfd: OwnedFd) {
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
    procfd::cookie(fd)?;
    Err(Errno(if pair::kind(fd)? == Kind::Other { libc::EINVAL } else { libc::EPERM }))
}

/// How many contexts this process has open.
pub(crate) fn count() -> usize {
    table().contexts.len()
}

/// The pid of a process that this process has started, by its pidfd or a duplicate of that, until the process is
/// reaped. Only the creation and the pidfd are asked. Returns `None` for all others, and when a lock is contended.
pub(crate) fn number_of(pidfd: BorrowedFd<'_>) -> Option<i32> {
    let pid_of = |opened: &Opened| {
        let state = opened.state.try_lock().ok()?;
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

/// The context of a procfd that this process opened.
pub(crate) fn opened_here(fd: BorrowedFd<'_>) -> Option<Arc<Opened>> {
    let cookie = procfd::cookie_of_socket(fd)?;
    table().contexts.get(&cookie).map(Arc::clone)
}

/// The process of a procfd that this process opened and started, without a look into its queue.
///
/// Returns `None` for contexts of other processes, when a lock is contended, and when the program has closed the kept
/// pidfd. The caller then peeks at the queue, which never blocks.
pub(crate) fn started(fd: BorrowedFd<'_>) -> Option<(Arc<Pidfd>, bool)> {
    let cookie = procfd::cookie_of_socket(fd)?;
    let table = TABLE.get(forks::generation()).try_lock().ok()?;
    let opened = Arc::clone(table.contexts.get(&cookie)?);
    drop(table);
    let state = opened.state.try_lock().ok()?;
    let pidfd = Arc::clone(state.pidfd.as_ref()?);
    pidfd.live().ok()?;
    Some((pidfd, state.config.built_in_init()))
}

/// What a look at an entry has found.
enum Found {
    /// It stays.
    Stays(Entry),
    /// Nothing is left to do for it. What it held is dropped without the lock.
    Gone(Option<Arc<Opened>>),
}

/// Forgets contexts whose procfd is gone, and reaps those of their children that are to be. Also for each context
/// that opens none.
pub(crate) fn sweep() {
    placeholder::sweep();
    for _ in 0..LOOKS {
        let mut table = table();
        if table.entries.is_empty() {
            return;
        }
        let many = table.entries.len().min(LOOK);
        let entries: Vec<Entry> = table.entries.drain(..many).collect();
        drop(table);
        let events = look(&entries);
        let found: Vec<Found> =
            entries.into_iter().zip(events).map(|(entry, events)| look_at(entry, events)).collect();
        let mut gone = Vec::new();
        let mut table = self::table();
        for found in found {
            match found {
                Found::Stays(entry) => table.entries.push_back(entry),
                Found::Gone(opened) => {
                    gone.push(opened.and_then(|opened| table.contexts.remove(&opened.cookie)));
                }
            }
        }
        let left = table.entries.len();
        drop(table);
        if gone.len() < LOOK / 2 || left == 0 {
            return;
        }
    }
}

/// One poll(2) of all. Where a seccomp filter refuses it, an epoll(7) for the moment.
fn look(entries: &[Entry]) -> Vec<i16> {
    let mut fds: Vec<PollFd> = entries
        .iter()
        .map(|entry| match entry {
            Entry::Context(opened) => {
                let fd = opened.upgrade().map_or(-1, |opened| opened.b().as_raw_fd());
                PollFd { fd, events: 0, revents: 0 }
            }
            Entry::Leaving(pidfd) => PollFd { fd: pidfd.number(), events: libc::POLLIN, revents: 0 },
        })
        .collect();
    match sys::fd::poll_many(&mut fds, sys::fd::NOW) {
        Ok(()) | Err(Errno(libc::EINTR)) => {}
        Err(_) => sys::fd::poll_by_epoll(&mut fds),
    }
    fds.iter().map(|fd| fd.revents).collect()
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
    let Ok(b) = opened.live_b() else {
        // A number that the program has closed tells nothing of A any more. A context that has not been started stays
        // known, since its next creation has to say why it fails.
        let started = opened.state.try_lock().is_ok_and(|state| state.started);
        return Found::Gone(Some(opened).filter(|_| started));
    };
    if events & libc::POLLHUP == 0 {
        return Found::Stays(entry);
    }
    let Ok(mut state) = opened.state.try_lock() else {
        // A creation is under way on a procfd that was closed meanwhile: at a later look.
        return Found::Stays(entry);
    };
    if state.started && !procfd::is_gone(b) {
        // The watcher has hung it up: the process has ended, and its procfd is still held.
        return Found::Stays(entry);
    }
    let reap = state.config.close().is_some() || opened.flags.contains(OpenFlags::AUTOREAP);
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

/// The next contexts behind the one with this cookie: a portion of all, so that the lock is held for a moment.
fn portion(after: u64) -> Vec<Arc<Opened>> {
    const PORTION: usize = 64;
    let table = table();
    table
        .contexts
        .range(after.saturating_add(1)..)
        .take(PORTION)
        .map(|(_, opened)| Arc::clone(opened))
        .collect()
}

/// The result of `visit` for the contexts, one after the other, until it breaks. No lock is held meanwhile.
fn visit_all<B>(mut visit: impl FnMut(&Opened) -> ControlFlow<B>) -> Option<B> {
    let mut after = 0;
    loop {
        let contexts = portion(after);
        after = contexts.last()?.cookie;
        for opened in &contexts {
            if let ControlFlow::Break(found) = visit(opened) {
                return Some(found);
            }
        }
    }
}

/// Gives a new watcher all that runs.
fn hand_over(client: &Arc<Client>, serial: u64) -> std::result::Result<(), AddError> {
    let failed = visit_all(|opened| match opened.hand_over(client, serial) {
        Ok(()) => ControlFlow::Continue(()),
        Err(e) => ControlFlow::Break(e),
    });
    failed.map_or(Ok(()), Err)
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

/// A watcher that came while a creation held its context has passed it over.
pub(crate) fn see_to(opened: &Opened) {
    if keeper::is_outdated(opened.watcher.load(Ordering::SeqCst)) {
        if let Some((client, serial)) = keeper::current() {
            // On failure the watcher is gone again, and its successor is given this one.
            let _ = opened.hand_over(&client, serial);
        }
    }
}

/// The same as [`tend_watcher`] for questions, which cost less.
pub(crate) fn tend_watcher_by_the_tick() {
    if keeper::is_due() {
        tend_watcher();
    }
}

/// Replaces a watcher that has died, if there is anything to watch. For every call of the library.
pub(crate) fn tend_watcher() {
    let is_needed = || {
        let wanted = |opened: &Opened| match opened.wants_watcher() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        visit_all(wanted).is_some()
    };
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
    let policy = policy(&state.config, close);
    let reaching = state.config.is_init();
    let before = state.watched.replace(policy);
    drop(state);
    // A successor that comes meanwhile is given the new one.
    let done = keeper::change(opened.cookie, &policy, &hand_over).map_err(Errno);
    if done.is_err() {
        opened.state().watched = before;
    }
    done.map(|()| reaching)
}

/// The watcher's part of a close policy: all of it for the init of a pid namespace, else the second
/// signal.
pub(crate) fn policy(config: &Settings, close: Option<ClosePolicy>) -> Policy {
    // The built-in init sees to it alone.
    let Some(close) = close.filter(|_| !config.built_in_init()) else { return Policy::default() };
    let number = |signal: i32| u8::try_from(signal).unwrap_or(0);
    let (second, delay) = close.then.unwrap_or_default();
    Policy {
        first: if config.is_init() { number(close.signal) } else { 0 },
        second: number(second),
        delay,
        group: close.group,
    }
}
