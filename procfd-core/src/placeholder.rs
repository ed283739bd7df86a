// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The lean contexts of the C interface: their descriptor is a placeholder until the start, and then the pidfd.
//!
//! A Rust context has its configuration in an object and needs no descriptor before the start. A C program has only a
//! number. So a timer that never expires keeps the number, and dup3(2) puts the pidfd over it at the start. The timer's
//! interval is a mark with a serial number. The mark proves that the number is still the placeholder: the program may
//! have closed the number, and the kernel may have given it away again.
//!
//! The context belongs to the number that [`open`] returned. A copy (dup(2), a forked process, SCM_RIGHTS) has the
//! same mark under another number or in another process, and is no context.
//!
//! # Sweep
//!
//! Nothing tells of a close. A placeholder that gets the number of an earlier one takes its entry. Besides that, each
//! [`sweep`] looks at [`LOOK`] other entries. So each call makes one entry and looks at more: an entry whose
//! placeholder is gone is found after as many calls as there are entries, at most.

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Stage};
use crate::forks;
use crate::pair;
use crate::settings::Settings;
use crate::sys::per_process::PerProcess;
use crate::sys::{self, Errno, OwnFd, Result};

/// A context whose descriptor is a placeholder.
#[derive(Debug)]
pub(crate) struct Lean {
    number: RawFd,
    mark: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub config: Settings,
    pub started: bool,
    pub error: Option<Error>,
}

impl Lean {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The placeholder, proved to be it still. EBADF: the program has closed it.
    pub(crate) fn live(&self) -> Result<BorrowedFd<'_>> {
        let fd = sys::fd::borrow(self.number)?;
        if sys::timer::number(fd) == Ok(self.mark) { Ok(fd) } else { Err(Errno(libc::EBADF)) }
    }

    /// Starts or binds a process, once. The failing step stays on record. A context that has a process has nothing to
    /// keep: [`forget`] it.
    pub(crate) fn start<T>(
        &self,
        start: impl FnOnce(&State) -> std::result::Result<T, Error>,
    ) -> std::result::Result<T, Error> {
        let mut state = self.state();
        if state.started {
            return Err(Error::config(libc::EBUSY, "a context that has been started"));
        }
        let done = start(&state).inspect_err(|e| state.error = Some(e.clone()))?;
        state.started = true;
        // A pipe whose end stayed open here would never end.
        let config = std::mem::take(&mut state.config);
        drop(state);
        drop(config);
        Ok(done)
    }

    /// The number becomes the pidfd, close-on-exec.
    pub(crate) fn become_pidfd(&self, stage: Stage, pidfd: BorrowedFd<'_>) -> std::result::Result<(), Error> {
        self.replace(pidfd).map_err(|e| {
            let error = Error::new(stage, 0, e, "");
            if e.0 == libc::EBADF { error.hint("the placeholder was closed meanwhile") } else { error }
        })
    }

    fn replace(&self, pidfd: BorrowedFd<'_>) -> Result<()> {
        loop {
            // Each time: another thread may have closed the placeholder, and got the number for another file.
            self.live()?;
            match sys::fd::replace_raw(self.number, pidfd) {
                Err(Errno(libc::EBUSY | libc::EINTR)) => {}
                done => return done,
            }
        }
    }

    /// In the child of a fork: closes the placeholder, which is the creator's.
    pub(crate) fn close_in_child(&self) {
        if self.live().is_ok() {
            sys::fd::close_raw(self.number);
        }
    }
}

#[derive(Default)]
struct Table {
    contexts: BTreeMap<RawFd, Arc<Lean>>,
    /// The number at which the next sweep begins.
    next: RawFd,
    /// The last serial number; 0 before the first.
    serial: u64,
}

impl Table {
    /// A mark that no other placeholder of this process has. The first is drawn, so that those of other processes
    /// are others too.
    fn mark(&mut self) -> u64 {
        if self.serial == 0 {
            self.serial = sys::query::random();
        }
        self.serial = self.serial.wrapping_add(1);
        pair::placeholder_mark(self.serial)
    }

    /// Takes out what is entered under a number, if it is this context.
    fn take(&mut self, context: &Lean) -> Option<Arc<Lean>> {
        let known = self.contexts.get(&context.number)?;
        if known.mark == context.mark { self.contexts.remove(&context.number) } else { None }
    }
}

static TABLE: PerProcess<Mutex<Table>> = PerProcess::new();

/// Set at the first placeholder: a program in Rust or Python alone never has one.
static HAS_OPENED: AtomicBool = AtomicBool::new(false);

fn table() -> MutexGuard<'static, Table> {
    TABLE.get(forks::generation()).lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens a context. The caller sweeps first.
pub(crate) fn open(config: Settings) -> Result<OwnFd> {
    HAS_OPENED.store(true, Ordering::Relaxed);
    let mark = table().mark();
    let fd = sys::timer::with_number(mark)?;
    let number = fd.as_raw_fd();
    let state = Mutex::new(State { config, ..State::default() });
    let context = Arc::new(Lean { number, mark, state });
    // The settings of an earlier context go without the lock.
    let earlier = table().contexts.insert(number, context);
    drop(earlier);
    Ok(fd)
}

/// The context of a placeholder that this process has opened, by its own number.
pub(crate) fn find(fd: BorrowedFd<'_>) -> Option<Arc<Lean>> {
    if !HAS_OPENED.load(Ordering::Relaxed) {
        return None;
    }
    let context = table().contexts.get(&fd.as_raw_fd()).map(Arc::clone)?;
    if context.live().is_ok() {
        return Some(context);
    }
    forget(&context);
    None
}

/// Lets go of a context: it has become a process, or its placeholder is gone.
pub(crate) fn forget(context: &Lean) {
    let known = table().take(context);
    drop(known);
}

/// How many entries a sweep looks at.
const LOOK: usize = 2;

/// Forgets contexts whose placeholder is closed.
pub(crate) fn sweep() {
    if !HAS_OPENED.load(Ordering::Relaxed) {
        return;
    }
    let mut table = table();
    if table.contexts.is_empty() {
        return;
    }
    let from = table.next;
    let looked_at: Vec<Arc<Lean>> = table
        .contexts
        .range(from..)
        .chain(table.contexts.range(..from))
        .take(LOOK)
        .map(|(_, c)| c)
        .cloned()
        .collect();
    table.next = looked_at.last().map_or(0, |context| context.number.saturating_add(1));
    drop(table);
    for context in looked_at {
        if context.live().is_err() {
            forget(&context);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    fn count() -> usize {
        table().contexts.len()
    }

    #[test]
    fn a_number_that_became_another_file_is_no_context() {
        let fd = open(Settings::default()).unwrap();
        let context = find(fd.as_fd()).unwrap();
        let copy = sys::fd::dup_cloexec(fd.as_fd()).unwrap();
        assert!(find(copy.as_fd()).is_none(), "a copy is no context");
        let null: OwnFd = std::fs::File::open("/dev/null").unwrap().into();
        sys::fd::replace_raw(fd.as_raw_fd(), null.as_fd()).unwrap();
        assert_eq!(context.live().unwrap_err(), Errno(libc::EBADF));
        assert_eq!(context.replace(null.as_fd()), Err(Errno(libc::EBADF)));
        assert!(find(fd.as_fd()).is_none());
        // One's placeholder over another's number.
        let other = open(Settings::default()).unwrap();
        let third = open(Settings::default()).unwrap();
        sys::fd::replace_raw(third.as_raw_fd(), other.as_fd()).unwrap();
        assert!(find(third.as_fd()).is_none() && find(other.as_fd()).is_some());
        forget(&find(other.as_fd()).unwrap());
    }

    #[test]
    fn a_sweep_forgets_what_is_closed_and_nothing_else() {
        let kept: Vec<OwnFd> = (0..40).map(|_| open(Settings::default()).unwrap()).collect();
        let closed: Vec<OwnFd> = (0..40).map(|_| open(Settings::default()).unwrap()).collect();
        assert!(count() >= 80);
        let contexts: Vec<Arc<Lean>> = closed.iter().map(|fd| find(fd.as_fd()).unwrap()).collect();
        drop(closed);
        // No more than there are entries, with those of other tests.
        for _ in 0..60 {
            sweep();
        }
        assert!(contexts.iter().all(|context| Arc::strong_count(context) == 1));
        assert!(kept.iter().all(|fd| find(fd.as_fd()).is_some()));
        kept.iter().for_each(|fd| forget(&find(fd.as_fd()).unwrap()));
    }
}
