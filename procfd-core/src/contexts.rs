// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The opener's memory: its contexts by the cookie of their procfd, the sweep of those whose procfd
//! is gone, and what a fork does to all of it.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use crate::error::Error;
use crate::forks::{self, Private};
use crate::procfd;
use crate::settings::{ClosePolicy, Config};
use crate::status::Status;
use crate::sys::{self, Errno, Result};
use crate::watch::{AddError, Client, Policy, Reservation, StartError};

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
    /// Of B: a program may close it under us (closefrom(3)), and the number become something else.
    b_cookie: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub config: Config,
    pub started: bool,
    pub error: Option<Error>,
    /// The process.
    pub pidfd: Option<Arc<Private>>,
    /// The number that its creation returned; 0 for a process that was attached.
    pub pid: i32,
    /// What the watcher was told to do; `None` when it does not watch it.
    pub watched: Option<Policy>,
    /// How it ended and what it had used, once it was waited for here: the kernel tells that once.
    pub ended: Option<Status>,
}

impl Drop for Opened {
    fn drop(&mut self) {
        if !self.b.is_parents() && !self.has_b() {
            self.b.forget();
        }
    }
}

impl Opened {
    pub(crate) fn b(&self) -> BorrowedFd<'_> {
        self.b.as_fd()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether B's number is still B.
    pub(crate) fn has_b(&self) -> bool {
        procfd::cookie(self.b()) == Ok(self.b_cookie)
    }

    /// Whether the exit has been reported, or the procfd closed.
    fn is_hung_up(&self) -> bool {
        sys::fd::poll(self.b(), 0, sys::fd::NOW).is_ok_and(|events| events & libc::POLLHUP != 0)
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

#[derive(Default)]
struct Table {
    contexts: BTreeMap<u64, Arc<Opened>>,
    /// Children whose procfd is gone and who have not ended yet.
    leaving: BTreeMap<u64, Arc<Private>>,
    /// Holds each context's B, and the pidfd of each leaving child, under its cookie.
    epoll: Option<Private>,
    /// The watcher of this process, from the first creation that needs one.
    watcher: Option<Arc<Client>>,
    /// The built-in init as a descriptor, from the first use.
    init_image: Option<Arc<Private>>,
    /// Creations under way that change the credentials in the shared memory, and what dumpable was.
    dumpable: (usize, usize),
}

static TABLE: Mutex<Option<Table>> = Mutex::new(None);
/// That there ever was a watcher: until then nobody asks after it.
static HAS_WATCHER: AtomicBool = AtomicBool::new(false);

fn lock() -> MutexGuard<'static, Option<Table>> {
    static HOOKS: Once = Once::new();
    HOOKS.call_once(fork::install);
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn with<T>(f: impl FnOnce(&mut Table) -> T) -> T {
    f(lock().get_or_insert_default())
}

/// Opens a context: the procfd and its entry here. Sweeps first.
pub(crate) fn open(flags: OpenFlags, config: Config) -> Result<(OwnedFd, Arc<Opened>)> {
    with(Table::sweep);
    tend_watcher();
    let (a, b) = procfd::pair()?;
    let opened = Arc::new(Opened {
        cookie: procfd::cookie(a.as_fd())?,
        flags,
        forks: forks::generation(),
        b_cookie: procfd::cookie(b.as_fd())?,
        b,
        state: Mutex::new(State { config, ..State::default() }),
    });
    with(|t| t.insert(&opened))?;
    Ok((a, opened))
}

/// The context of a procfd that this process opened. EBADF; EINVAL: no procfd; EPERM: another's.
pub(crate) fn find(fd: BorrowedFd<'_>) -> Result<Arc<Opened>> {
    procfd::cookie(fd)?;
    match opened_here(fd) {
        Some(opened) => Ok(opened),
        None if procfd::is_marked(fd)? => Err(Errno(libc::EPERM)),
        None => Err(Errno(libc::EINVAL)),
    }
}

/// How many contexts this process has open.
pub(crate) fn count() -> usize {
    with(|t| t.contexts.len())
}

/// The number of a process that this process has started, by its pidfd or a duplicate of that, for as long as the
/// process is not reaped. Nothing but the creation and the pidfd is asked. `None` for all others, and where a lock
/// is contended.
pub(crate) fn number_of(pidfd: BorrowedFd<'_>) -> Option<i32> {
    let table = TABLE.try_lock().ok()?;
    let pid = table.as_ref()?.contexts.values().filter(|opened| opened.is_mine()).find_map(|opened| {
        let state = opened.state.try_lock().ok()?;
        let same = sys::pidfd::is_same_file(pidfd, state.pidfd.as_ref()?.as_fd());
        (state.pid > 0 && same).then_some(state.pid)
    })?;
    let unreaped = matches!(sys::pidfd::send_signal(pidfd, 0, None, 0), Ok(()) | Err(Errno(libc::EPERM)));
    unreaped.then_some(pid)
}

/// The context of a procfd that this process opened.
pub(crate) fn opened_here(fd: BorrowedFd<'_>) -> Option<Arc<Opened>> {
    let cookie = procfd::cookie_of_socket(fd)?;
    with(|t| t.contexts.get(&cookie).map(Arc::clone)).filter(|opened| opened.is_mine())
}

/// The process of a procfd that this process opened and started, without a look into its queue. `None`
/// for all others, and where a lock is taken: a look into the queue answers then, and never waits.
pub(crate) fn started(fd: BorrowedFd<'_>) -> Option<(Arc<Private>, bool)> {
    let cookie = procfd::cookie_of_socket(fd)?;
    let opened = Arc::clone(TABLE.try_lock().ok()?.as_ref()?.contexts.get(&cookie)?);
    if !opened.is_mine() || !opened.has_b() {
        return None;
    }
    let state = opened.state.try_lock().ok()?;
    let pidfd = Arc::clone(state.pidfd.as_ref()?);
    Some((pidfd, state.config.built_in_init))
}

impl Table {
    fn insert(&mut self, opened: &Arc<Opened>) -> Result<()> {
        let watched = match &self.epoll {
            Some(epoll) => watch_b(epoll.as_fd(), opened),
            None => Err(Errno(libc::EBADF)),
        };
        match watched {
            Ok(()) => {}
            // The first context; or a program has closed our descriptor under us (closefrom(3)),
            // and its number is nothing now, or something else.
            Err(Errno(libc::EBADF | libc::EINVAL | libc::EPERM)) => {
                let epoll = Private::new(sys::fd::epoll_create)?;
                watch_b(epoll.as_fd(), opened)?;
                // One that was closed under us, too, is found when it is used.
                for other in self.contexts.values().filter(|other| other.has_b()) {
                    let _ = watch_b(epoll.as_fd(), other);
                }
                if let Some(mut lost) = self.epoll.replace(epoll) {
                    lost.forget();
                }
            }
            Err(e) => return Err(e),
        }
        self.contexts.insert(opened.cookie, Arc::clone(opened));
        Ok(())
    }

    /// Forgets contexts whose procfd is gone, and reaps those of their children that are to be.
    fn sweep(&mut self) {
        if !self.has_epoll() {
            if let Some(mut lost) = self.epoll.take() {
                lost.forget();
            }
        }
        loop {
            let Some(epoll) = &self.epoll else { return };
            let mut cookies = [0u64; 32];
            let n = sys::fd::epoll_poll(epoll.as_fd(), &mut cookies).unwrap_or(0);
            for &cookie in cookies.iter().take(n) {
                self.look_at(cookie);
            }
            if n < cookies.len() {
                return;
            }
        }
    }

    /// Whether the epoll's number is still that epoll: what it holds says so.
    fn has_epoll(&self) -> bool {
        let Some(epoll) = &self.epoll else { return false };
        let held = |fd: BorrowedFd<'_>, events, cookie| {
            sys::fd::epoll_ctl(epoll.as_fd(), libc::EPOLL_CTL_MOD, fd, events, cookie).is_ok()
        };
        match (self.contexts.iter().find(|(_, o)| o.has_b()), self.leaving.iter().next()) {
            (Some((cookie, opened)), _) => held(opened.b(), EDGE, *cookie),
            (None, Some((cookie, pidfd))) => held(pidfd.as_fd(), libc::EPOLLIN as u32 | EDGE, *cookie),
            // Nothing to sweep, and nothing to tell it by.
            (None, None) => self.contexts.is_empty(),
        }
    }

    /// Something has happened to a context's B, or a leaving child has ended.
    fn look_at(&mut self, cookie: u64) {
        if self.leaving.remove(&cookie).is_some_and(|pidfd| {
            // Whoever reaped it, it has ended.
            let _ = sys::pidfd::wait(pidfd.as_fd(), libc::WEXITED | libc::WNOHANG);
            true
        }) {
            return;
        }
        let (Some(epoll), Some(opened)) = (&self.epoll, self.contexts.get(&cookie)) else { return };
        if !opened.has_b() {
            self.contexts.remove(&cookie);
            return;
        }
        let Ok(mut state) = opened.state.try_lock() else {
            // A creation is under way on a procfd that was closed meanwhile: at the next sweep.
            let _ = sys::fd::epoll_ctl(epoll.as_fd(), libc::EPOLL_CTL_MOD, opened.b(), EDGE, cookie);
            return;
        };
        if state.started && !procfd::is_gone(opened.b()) {
            // The watcher has hung it up: the process has ended, and its procfd is still held.
            return;
        }
        let reap = state.config.close.is_some() || opened.flags.contains(OpenFlags::AUTOREAP);
        let pidfd = state.pidfd.take().filter(|_| reap);
        drop(state);
        if let Some(pidfd) = pidfd {
            let ended = sys::pidfd::wait(pidfd.as_fd(), libc::WEXITED | libc::WNOHANG);
            let events = libc::EPOLLIN as u32 | EDGE;
            if matches!(ended, Ok(None))
                && sys::fd::epoll_ctl(epoll.as_fd(), libc::EPOLL_CTL_ADD, pidfd.as_fd(), events, cookie)
                    .is_ok()
            {
                self.leaving.insert(cookie, pidfd);
            }
        }
        // Closing B would take it off the epoll, but a raw clone may hold it too.
        let _ = sys::fd::epoll_ctl(epoll.as_fd(), libc::EPOLL_CTL_DEL, opened.b(), 0, 0);
        self.contexts.remove(&cookie);
    }

    /// A watcher that lives: the one there is, or a new one, which is given all that runs.
    fn watcher(&mut self) -> std::result::Result<Arc<Client>, StartError> {
        if let Some(client) = self.watcher.take() {
            if client.is_alive() {
                return Ok(Arc::clone(self.watcher.insert(client)));
            }
            client.reap();
        }
        let client = Client::start()?;
        HAS_WATCHER.store(true, Ordering::Relaxed);
        for (cookie, opened) in &self.contexts {
            // One whose creation is under way sees to itself.
            let Ok(state) = opened.state.try_lock() else { continue };
            if opened.is_hung_up() {
                continue;
            }
            if let (Some(pidfd), Some(policy)) = (&state.pidfd, &state.watched) {
                // A watcher without room for all would be one of silent descriptors.
                client.add(*cookie, opened.b(), pidfd.as_fd(), policy).map_err(|e| StartError {
                    step: "give the new watcher what the old one had",
                    errno: e.errno(),
                })?;
            }
        }
        Ok(Arc::clone(self.watcher.insert(client)))
    }

    /// The watcher does not answer: another is to take its place.
    fn lose(&mut self, client: &Arc<Client>) {
        if self.watcher.as_ref().is_some_and(|now| Arc::ptr_eq(now, client)) {
            client.reap();
            self.watcher = None;
        }
    }
}

/// Room with the watcher for one more process, before it is started.
pub(crate) fn reserve_watch(policy: &Policy) -> std::result::Result<Reservation, StartError> {
    for _ in 0..8 {
        let client = with(Table::watcher)?;
        match client.reserve(policy) {
            Ok(room) => return Ok(room),
            Err(e) if e.wants_another() => with(|t| t.lose(&client)),
            Err(e) => return Err(refused(e)),
        }
    }
    Err(refused(AddError::Gone))
}

/// Gives the watcher B before the clone: should the creator be killed before it has published the start, the fuse
/// still fires at the last close.
pub(crate) fn watch_b_early(
    mut room: Reservation,
    opened: &Opened,
    policy: &Policy,
) -> std::result::Result<Reservation, StartError> {
    for _ in 0..8 {
        match room.give_b(opened.cookie, opened.b()) {
            Ok(()) => return Ok(room),
            Err(e) if e.wants_another() => with(|t| t.lose(room.client())),
            Err(e) => return Err(refused(e)),
        }
        room = reserve_watch(policy)?;
    }
    Err(refused(AddError::Gone))
}

/// Gives the watcher a process whose program cannot run yet, with a policy that has signals of the watcher's, and
/// waits for its answer.
pub(crate) fn watch_early(
    room: &mut Reservation,
    opened: &Opened,
    pidfd: BorrowedFd<'_>,
    policy: &Policy,
) -> std::result::Result<(), StartError> {
    for _ in 0..8 {
        match room.add_early(opened.cookie, opened.b(), pidfd, policy) {
            Ok(()) => return Ok(()),
            Err(e) if e.wants_another() => with(|t| t.lose(room.client())),
            Err(e) => return Err(refused(e)),
        }
        *room = reserve_watch(policy)?;
    }
    Err(refused(AddError::Gone))
}

/// Gives a started process to the watcher, or tells it that the one it has is published: the watcher reserved, or,
/// should that have ended by now, its successor.
pub(crate) fn watch(
    mut room: Reservation,
    opened: &Opened,
    pidfd: BorrowedFd<'_>,
    policy: &Policy,
) -> std::result::Result<(), StartError> {
    for _ in 0..8 {
        let client = Arc::clone(room.client());
        let sent = match room.is_early(policy) {
            true => room.confirm(opened.cookie),
            false => room.add(opened.cookie, opened.b(), pidfd, policy),
        };
        match sent {
            // A successor that came meanwhile has not seen this one.
            Ok(()) if with(|t| t.watcher.as_ref().is_some_and(|now| Arc::ptr_eq(now, &client))) => {
                return Ok(());
            }
            Ok(()) => {}
            Err(e) if e.wants_another() => with(|t| t.lose(&client)),
            Err(e) => return Err(refused(e)),
        }
        room = reserve_watch(policy)?;
    }
    Err(refused(AddError::Gone))
}

fn refused(e: AddError) -> StartError {
    StartError {
        step: match e {
            AddError::Full(_) => "make room with the watcher",
            AddError::Failed(libc::EPERM) => "let the watcher of a set-user-ID program send signals",
            AddError::Gone | AddError::Stuck | AddError::Failed(_) => "talk to the watcher",
        },
        errno: e.errno(),
    }
}

/// The image of the built-in init, sealed, for execveat(2).
pub(crate) fn init_image() -> Result<Arc<Private>> {
    with(|t| match &t.init_image {
        Some(image) => Ok(Arc::clone(image)),
        None => {
            let make = || crate::watch::sealed_image();
            let image = Arc::new(Private::new(make)?);
            t.init_image = Some(Arc::clone(&image));
            Ok(image)
        }
    })
}

/// The same for questions, which cost less than looking after the watcher does: once in a tick of the
/// coarse clock.
pub(crate) fn tend_watcher_by_the_tick() {
    static LAST: AtomicI64 = AtomicI64::new(0);
    if HAS_WATCHER.load(Ordering::Relaxed) {
        let now = sys::query::clock_ns(libc::CLOCK_MONOTONIC_COARSE);
        if LAST.swap(now, Ordering::Relaxed) != now {
            tend_watcher();
        }
    }
}

/// Replaces a watcher that has died, if there is anything to watch. For every call of the library;
/// where the table is in use, the next one does it.
pub(crate) fn tend_watcher() {
    if !HAS_WATCHER.load(Ordering::Relaxed) {
        return;
    }
    let Ok(mut table) = TABLE.try_lock() else { return };
    let Some(table) = table.as_mut() else { return };
    let Some(client) = &table.watcher else { return };
    if client.is_alive() {
        return;
    }
    let watched = |o: &Arc<Opened>| o.state.try_lock().is_ok_and(|s| s.watched.is_some() && !o.is_hung_up());
    if table.contexts.values().any(watched) {
        // It failing, the next creation says so.
        let _ = table.watcher();
    }
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
    for _ in 0..8 {
        let client = with(Table::watcher).map_err(|e| Errno(e.errno))?;
        match client.change(opened.cookie, &policy) {
            Ok(()) => {
                state.watched = Some(policy);
                return Ok(reaching);
            }
            Err(e) if e.wants_another() => {
                // Its successor is given the new one.
                state.watched = Some(policy);
                with(|t| t.lose(&client));
            }
            Err(e) => return Err(Errno(e.errno())),
        }
    }
    Err(Errno(libc::EPIPE))
}

/// The watcher's part of a close policy: all of it for the init of a pid namespace, else the second
/// signal.
pub(crate) fn policy(config: &Config, close: Option<ClosePolicy>) -> Policy {
    // The built-in init sees to it alone.
    let Some(close) = close.filter(|_| !config.built_in_init) else { return Policy::default() };
    let number = |signal: i32| u8::try_from(signal).unwrap_or(0);
    let (second, delay) = close.then.unwrap_or_default();
    Policy {
        first: if config.is_init() { number(close.signal) } else { 0 },
        second: number(second),
        delay,
        group: close.group,
    }
}

/// HUP is always reported. Edge-triggered: the watcher's hanging-up is news once, and the closing of
/// the procfd is news again.
fn watch_b(epoll: BorrowedFd<'_>, opened: &Opened) -> Result<()> {
    sys::fd::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, opened.b(), EDGE, opened.cookie)
}

const EDGE: u32 = libc::EPOLLET as u32;

/// Keeps dumpable as it was, across a child that changes its credentials in the shared memory.
///
/// setresuid(2) and its like clear it there, and until the child has executed that is what keeps
/// processes of its new user from tracing it into the parent's memory. The last of several such
/// creations at once restores what the first one found.
pub(crate) struct DumpableKept(());

impl DumpableKept {
    pub(crate) fn new() -> Self {
        with(|t| {
            if t.dumpable.0 == 0 {
                t.dumpable.1 = sys::task::dumpable().unwrap_or(0);
            }
            t.dumpable.0 = t.dumpable.0.saturating_add(1);
        });
        Self(())
    }
}

impl Drop for DumpableKept {
    fn drop(&mut self) {
        with(|t| {
            t.dumpable.0 = t.dumpable.0.saturating_sub(1);
            if t.dumpable.0 == 0 {
                restore_dumpable(t.dumpable.1);
            }
        });
    }
}

fn restore_dumpable(before: usize) {
    // 2 can be neither set nor, here, lost: it is suid_dumpable itself.
    if before == 1 && sys::task::dumpable() != Ok(1) {
        let _ = sys::task::set_dumpable(1);
    }
}

/// In a child forked without libc's hooks (a `PROC_CREATE` fork with namespaces).
pub(crate) fn forget_in_fork_child() {
    fork::after_in_child();
}

/// Takes the locks that a fork must not catch open, and gives them back.
pub(crate) fn around_fork<T>(f: impl FnOnce() -> T) -> T {
    fork::before();
    let done = f();
    fork::after();
    done
}

/// fork(3): the locks are taken before it, so that the child finds everything whole, and in the
/// child the private descriptors are closed and the contexts, which are the parent's, forgotten.
mod fork {
    use super::{MutexGuard, Table, forks, lock, restore_dumpable, sys};
    use crate::forks::Listed;
    use std::cell::RefCell;

    thread_local! {
        #[allow(clippy::type_complexity, reason = "two guards, held from hook to hook")]
        static HELD: RefCell<Option<(MutexGuard<'static, Option<Table>>, MutexGuard<'static, Listed>)>> =
            const { RefCell::new(None) };
    }

    pub(super) fn install() {
        // Without memory for the hooks a fork is merely not as tidy.
        let _ = sys::task::at_fork(prepare, parent, child);
    }

    pub(super) fn before() {
        let table = lock();
        let listed = forks::lock();
        let _ = HELD.try_with(|held| held.try_borrow_mut().map(|mut h| *h = Some((table, listed))));
    }

    fn release() -> Option<(MutexGuard<'static, Option<Table>>, MutexGuard<'static, Listed>)> {
        HELD.try_with(|held| held.try_borrow_mut().ok().and_then(|mut h| h.take())).ok().flatten()
    }

    pub(super) fn after() {
        drop(release());
    }

    pub(super) fn after_in_child() {
        let Some((mut table, mut listed)) = release() else { return };
        if let Some(old) = table.take() {
            if old.dumpable.0 > 0 {
                restore_dumpable(old.dumpable.1);
            }
            // Another thread may have been in the middle of any of these.
            std::mem::forget(old);
        }
        listed.close_all_after_fork();
    }

    extern "C" fn prepare() {
        before();
    }

    extern "C" fn parent() {
        after();
    }

    extern "C" fn child() {
        after_in_child();
    }
}
