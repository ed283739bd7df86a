// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Descriptors of the library's own, and what a fork does to them.
//!
//! Linux has no close-on-fork. A child that another thread forks inherits whatever the library holds at that
//! instant. So every private descriptor is on a list. The library makes and lists it under one lock, for which fork
//! waits. The fork hook closes them all in the child.
//!
//! A program may close a private number (closefrom(3), a stray close(2)), and the kernel gives it away again. So
//! the list has the identity of each file. Before the library closes a number, or hides it from a child, it proves
//! that the number is still that file. [`Private::live`] proves it for every other use.
//!
//! # Locks
//!
//! The fork hooks take one lock, that of the list. It is held for system calls that make, close and prove
//! descriptors, with all signals blocked: a signal handler that forks never interrupts its holder. The holder takes
//! no other lock. The order of the library's locks, outermost first:
//!
//! 1. the state of one context (`contexts::Opened`), held for a whole creation
//! 2. the replacement of the watcher (`watch::keeper`), held while one is started and given what runs
//! 3. one question to the watcher (`watch::client`), held for its answer
//! 4. the current watcher (`watch::keeper`), the table of contexts, `start::dumpable`, the init image: each alone,
//!    for a few memory accesses or one prctl(2)
//! 5. the list
//!
//! A thread that holds 2 or a later one takes a context's state with `try_lock` only. The state of 2 to 4 is
//! of one process ([`PerProcess`](crate::sys::per_process::PerProcess)): a forked copy begins with a fresh
//! one and waits for none.

mod private;

use std::cell::RefCell;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

pub(crate) use private::Private;

use crate::pair;
use crate::sys::identity::Identity;
use crate::sys::task::SignalsBlocked;
use crate::sys::{self, OwnFd, Result, vec};

struct List {
    /// The library's own files by their numbers.
    own: Vec<Option<Own>>,
    /// How many there have been.
    made: u64,
    /// The procfds that objects hold, by their numbers.
    held: Vec<Option<Procfd>>,
}

/// A file of the library's own.
#[derive(Clone, Copy)]
struct Own {
    file: Identity,
    /// Which `Private` has it: the library may open a file again whose number the program has closed, and get the same
    /// number.
    serial: u64,
}

/// A procfd that a forked copy does not keep.
#[derive(Clone, Copy)]
struct Procfd {
    cookie: u64,
    /// The number of its process's pidfd.
    pidfd: Option<RawFd>,
    /// In a forked copy: the file that took its place.
    now: Option<Identity>,
}

static LIST: Mutex<List> = Mutex::new(List { own: Vec::new(), made: 0, held: Vec::new() });
/// Counts forks: a value made before one does not close numbers after it.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// The list, and the signals of this thread: the lock is released before the signals are unblocked. A call of
/// the library that takes the list several times blocks the signals once for all of them
/// ([`SignalsBlocked`]).
struct Held {
    list: MutexGuard<'static, List>,
    _signals: Option<SignalsBlocked>,
}

fn lock() -> Held {
    static HOOKS: Once = Once::new();
    // Without memory for the hooks, a forked child keeps the descriptors until it executes.
    HOOKS.call_once(|| {
        let _ = sys::fork::at_fork(prepare, parent, child);
    });
    let signals = SignalsBlocked::new().ok();
    Held { list: LIST.lock().unwrap_or_else(PoisonError::into_inner), _signals: signals }
}

/// Sets the entry of a number. ENOMEM.
fn enter<T: Copy>(list: &mut Vec<Option<T>>, fd: RawFd, with: T) -> Result<()> {
    let at = usize::try_from(fd).map_err(|_| sys::Errno(libc::EBADF))?;
    vec::lengthen(list, at.saturating_add(1))?;
    if let Some(entry) = list.get_mut(at) {
        *entry = Some(with);
    }
    Ok(())
}

/// Clears the entry of a number that is this one.
fn clear<T>(list: &mut [Option<T>], fd: RawFd, is_it: impl FnOnce(&T) -> bool) {
    let entry = usize::try_from(fd).ok().and_then(|at| list.get_mut(at));
    if let Some(entry) = entry.filter(|entry| entry.as_ref().is_some_and(is_it)) {
        *entry = None;
    }
}

fn listed<T>(list: &[Option<T>]) -> impl Iterator<Item = (RawFd, &T)> {
    (0..).zip(list).filter_map(|(fd, entry)| entry.as_ref().map(|entry| (fd, entry)))
}

impl List {
    /// Whether a number is on the list, and still the file that it was.
    fn has(&self, fd: RawFd) -> bool {
        let file = usize::try_from(fd).ok().and_then(|at| self.own.get(at).copied().flatten());
        file.is_some_and(|own| sys::fd::borrow(fd).is_ok_and(|fd| own.file.is(fd)))
    }

    fn numbers(&self) -> impl Iterator<Item = RawFd> + '_ {
        listed(&self.own).map(|(fd, _)| fd).filter(|&fd| self.has(fd))
    }

    /// In a forked child: closes the library's own. Those made before belong to the parent.
    fn close_all(&mut self) {
        GENERATION.fetch_add(1, Ordering::Relaxed);
        self.numbers().for_each(sys::fd::close_raw);
        self.own.clear();
        self.replace_held();
    }

    /// In a forked child: another file takes the place of each procfd that an object holds.
    fn replace_held(&mut self) {
        let mut dead = None;
        for (fd, entry) in (0..).zip(&mut self.held) {
            if let Some(held) = entry {
                held.now = held.replace(fd, &mut dead);
            }
            *entry = entry.filter(|held| held.now.is_some());
        }
    }
}

impl Procfd {
    /// Puts another file over its number, and returns which. `None`: the number is not the procfd any more.
    fn replace(&self, fd: RawFd, dead: &mut Option<OwnFd>) -> Option<Identity> {
        let place = sys::fd::borrow(fd).ok()?;
        if sys::sock::cookie(place) != Ok(self.cookie) {
            return None;
        }
        let with = match self.pidfd {
            Some(pidfd) => {
                sys::fd::borrow(pidfd).ok().filter(|&pidfd| sys::pidfd::is_pidfd(pidfd) == Ok(true))?
            }
            None => {
                *dead = dead.take().or_else(|| pair::dead().ok());
                dead.as_ref()?.as_fd()
            }
        };
        sys::fd::replace_raw(fd, with).ok()?;
        Identity::of(place).ok()
    }
}

/// A procfd that an object holds, and its process once there is one. ENOMEM.
pub(crate) fn hold(fd: BorrowedFd<'_>, cookie: u64, pidfd: Option<BorrowedFd<'_>>) -> Result<()> {
    let pidfd = pidfd.map(|pidfd| pidfd.as_raw_fd());
    enter(&mut lock().list.held, fd.as_raw_fd(), Procfd { cookie, pidfd, now: None })
}

/// Takes a procfd off the list, with what is to be done before the next fork: `then` learns which file an earlier fork
/// has put in its place.
pub(crate) fn let_go(fd: BorrowedFd<'_>, cookie: u64, then: impl FnOnce(Option<Identity>)) {
    let mut held = lock();
    let mut now = None;
    clear(&mut held.list.held, fd.as_raw_fd(), |entry| {
        let it_is = entry.cookie == cookie;
        now = entry.now.filter(|_| it_is);
        it_is
    });
    then(now);
}

/// Whether a number is one of the library's own.
pub(crate) fn is_listed(fd: RawFd) -> bool {
    lock().list.has(fd)
}

/// The numbers of all of them. ENOMEM.
pub(crate) fn numbers() -> Result<Vec<u32>> {
    vec::collect(lock().list.numbers().filter_map(|fd| u32::try_from(fd).ok()))
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

thread_local! {
    /// The lock, from hook to hook.
    static HELD: RefCell<Option<Held>> = const { RefCell::new(None) };
}

/// Before a fork that libc's hooks do not hear of.
pub(crate) fn before() {
    let held = lock();
    let _ = HELD.try_with(|to| to.try_borrow_mut().map(|mut to| *to = Some(held)));
}

fn release() -> Option<Held> {
    HELD.try_with(|held| held.try_borrow_mut().ok().and_then(|mut h| h.take())).ok().flatten()
}

/// After it, in the parent.
pub(crate) fn after() {
    drop(release());
}

/// After it, in the child.
pub(crate) fn after_in_child() {
    if let Some(mut held) = release() {
        held.list.close_all();
    }
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
