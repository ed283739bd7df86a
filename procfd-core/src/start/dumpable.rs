// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Dumpable, across children that change their credentials in the shared memory.
//!
//! setresuid(2) and its like clear it there. Until the child has left the memory, that keeps processes of its new user
//! from tracing it into the parent's memory. The last of several such creations at once restores what the first one
//! found.
//!
//! A change by the program itself has precedence. A change of its ids clears dumpable, and it stays cleared.
//! A creator that was not dumpable when the first creation began stays so. The child reads dumpable just
//! before it changes its credentials: what another thread has cleared by then stays cleared.
//!
//! Where /proc does not tell that the child has left the memory, dumpable stays cleared.
//!
//! Two things cannot be seen: a prctl(2) of another thread that clears what a child has already cleared, up to the
//! child's exec; and one during several such creations at once, of which the first has cleared it. A program that
//! gives dumpable up does that before its creations with other credentials begin, or once more after they have
//! returned.

use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use crate::forks;
use crate::sys;
use crate::sys::per_process::PerProcess;

#[derive(Default)]
struct Creations {
    active: usize,
    /// Whether the process was dumpable, and is to be again.
    restore: bool,
    /// There were several at once: what a child reads may be what another has cleared.
    several: bool,
}

static CREATIONS: PerProcess<Mutex<Creations>> = PerProcess::new();

fn creations() -> MutexGuard<'static, Creations> {
    CREATIONS.get(forks::generation()).lock().unwrap_or_else(PoisonError::into_inner)
}

/// The kernel's conditions under which a change of credentials clears dumpable.
type Ids = ((u32, u32), u64);

fn ids() -> Ids {
    (sys::task::effective_ids(), sys::task::effective_capabilities())
}

/// A creation that changes credentials in the shared memory. Drop it while signals are still blocked: a change of
/// ids of the whole process (setuid(3)) waits for the signal handler of each thread, and so comes after.
pub(crate) struct DumpableKept {
    /// `None` without other threads: while this one sleeps, with its signals blocked, nothing changes its ids.
    ids: Option<Ids>,
}

impl DumpableKept {
    pub(crate) fn new() -> Self {
        static HOOKS: Once = Once::new();
        HOOKS.call_once(|| {
            let _ = sys::fork::at_fork(nothing, nothing, in_child);
        });
        let mut creations = creations();
        if creations.active == 0 {
            creations.restore = sys::task::dumpable() == Ok(1);
            creations.several = false;
            mark(creations.restore);
        } else {
            creations.several = true;
        }
        creations.active = creations.active.saturating_add(1);
        Self { ids: sys::task::has_threads().then(ids) }
    }

    /// The child has given the memory back. `seen`: what it read before it changed its credentials. `has_left`: it is
    /// known to be out of the memory.
    pub(crate) fn done(self, seen: usize, has_left: bool) {
        let mut creations = creations();
        creations.restore &= has_left;
        creations.restore &= creations.several || seen == NOT_SEEN as usize || seen == 1;
    }
}

/// The child has not come to its credentials.
pub(crate) const NOT_SEEN: i32 = -1;

impl Drop for DumpableKept {
    fn drop(&mut self) {
        let mut creations = creations();
        creations.active = creations.active.saturating_sub(1);
        creations.restore &= self.ids.is_none_or(|before| before == ids());
        if creations.active == 0 {
            mark(false);
            restore(creations.restore);
        }
    }
}

fn restore(before: bool) {
    // 2 can be neither set nor, here, lost: it is suid_dumpable itself.
    if before {
        let _ = sys::task::set_dumpable(1);
    }
}

/// For a forked child, which has a fresh `Creations`: its copy of the memory may be cleared.
static CLEARED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

fn mark(on: bool) {
    CLEARED.store(on, std::sync::atomic::Ordering::Relaxed);
}

/// After a fork, in the child: another thread's creation has cleared the copy, too.
pub(crate) fn restore_in_fork_child() {
    restore(CLEARED.swap(false, std::sync::atomic::Ordering::Relaxed));
}

extern "C" fn nothing() {}

extern "C" fn in_child() {
    restore_in_fork_child();
}
