// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The opener's memory: its contexts by the cookie of their procfd, the sweep of those whose procfd
//! is gone, and what a fork does to all of it.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use crate::config::Config;
use crate::error::Error;
use crate::private::{self, Private};
use crate::procfd;
use crate::sys::{self, Errno, Result};

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
    owner: i32,
    b: Private,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub config: Config,
    pub started: bool,
    pub error: Option<Error>,
    /// The child that is to be reaped when its procfd is gone.
    pub reap: Option<Private>,
}

impl Opened {
    pub(crate) fn b(&self) -> BorrowedFd<'_> {
        self.b.as_fd()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this process opened it. A fork hook may not have run (a raw clone), so the pid counts.
    pub(crate) fn is_mine(&self) -> bool {
        !self.b.is_parents() && self.owner == sys::task::pid()
    }
}

#[derive(Default)]
struct Table {
    contexts: HashMap<u64, Arc<Opened>>,
    /// Children whose procfd is gone and who have not ended yet.
    leaving: HashMap<u64, Private>,
    /// Holds each context's B, and the pidfd of each leaving child, under its cookie.
    epoll: Option<Private>,
    /// Creations under way that change the credentials in the shared memory, and what dumpable was.
    dumpable: (usize, usize),
}

static TABLE: Mutex<Option<Table>> = Mutex::new(None);

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
    let (a, b) = procfd::pair()?;
    let opened = Arc::new(Opened {
        cookie: procfd::cookie(a.as_fd())?,
        flags,
        owner: sys::task::pid(),
        b,
        state: Mutex::new(State {
            config,
            ..State::default()
        }),
    });
    with(|t| t.insert(&opened))?;
    Ok((a, opened))
}

/// The context of a procfd that this process opened. EBADF; EINVAL: no procfd; EPERM: another's.
pub(crate) fn find(fd: BorrowedFd<'_>) -> Result<Arc<Opened>> {
    let cookie = procfd::cookie(fd)?;
    with(|t| t.contexts.get(&cookie).cloned())
        .filter(|opened| opened.is_mine())
        .ok_or(Errno(libc::EPERM))
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
                for other in self.contexts.values() {
                    // One that was closed under us, too, is found when it is used.
                    let _ = watch_b(epoll.as_fd(), other);
                }
                if let Some(lost) = self.epoll.replace(epoll) {
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
        loop {
            let Some(epoll) = &self.epoll else { return };
            let mut cookies = [0u64; 32];
            let n = sys::fd::epoll_poll(epoll.as_fd(), &mut cookies).unwrap_or(0);
            let mut progress = false;
            for &cookie in cookies.iter().take(n) {
                progress |= self.swept(cookie);
            }
            if n < cookies.len() || !progress {
                return;
            }
        }
    }

    fn swept(&mut self, cookie: u64) -> bool {
        let Some(epoll) = &self.epoll else { return false };
        if let Some(pidfd) = self.leaving.get(&cookie) {
            // Whoever reaped it, it has ended.
            let _ = sys::pidfd::wait(pidfd.as_fd(), libc::WEXITED | libc::WNOHANG);
            let _ = sys::fd::epoll_ctl(epoll.as_fd(), libc::EPOLL_CTL_DEL, pidfd.as_fd(), 0, 0);
            self.leaving.remove(&cookie);
            return true;
        }
        let Some(opened) = self.contexts.get(&cookie) else { return false };
        let reap = match opened.state.try_lock() {
            Ok(mut state) => state.reap.take(),
            // A creation is under way on a procfd that was closed meanwhile: at the next sweep.
            Err(_) => return false,
        };
        let _ = sys::fd::epoll_ctl(epoll.as_fd(), libc::EPOLL_CTL_DEL, opened.b(), 0, 0);
        if let Some(pidfd) = reap {
            let ended = sys::pidfd::wait(pidfd.as_fd(), libc::WEXITED | libc::WNOHANG);
            if matches!(ended, Ok(None)) {
                let events = libc::EPOLLIN as u32;
                let _ = sys::fd::epoll_ctl(epoll.as_fd(), libc::EPOLL_CTL_ADD, pidfd.as_fd(), events, cookie);
                self.leaving.insert(cookie, pidfd);
            }
        }
        self.contexts.remove(&cookie);
        true
    }
}

/// HUP is always reported: A is gone. Level-triggered, so that nothing is lost when a sweep has to
/// leave one for later.
fn watch_b(epoll: BorrowedFd<'_>, opened: &Opened) -> Result<()> {
    sys::fd::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, opened.b(), 0, opened.cookie)
}

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
    use super::{MutexGuard, Table, lock, private, restore_dumpable, sys};
    use crate::private::Listed;
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
        let listed = private::lock();
        let _ = HELD.try_with(|held| held.try_borrow_mut().map(|mut h| *h = Some((table, listed))));
    }

    fn release() -> Option<(MutexGuard<'static, Option<Table>>, MutexGuard<'static, Listed>)> {
        HELD.try_with(|held| held.try_borrow_mut().ok().and_then(|mut h| h.take()))
            .ok()
            .flatten()
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
