// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The watcher of this process: its start, its loss, its successor.
//!
//! A watcher is lost when it dies, does not answer, or when the program closes its control socket. Its successor is
//! given every process that still runs. That takes as long as there are processes, so no lock of the table is held
//! meanwhile, and a creation that finds the successor there already goes on.
//!
//! Each watcher has a serial. A process that is given to one remembers the serial; where the current one has another,
//! the process is given again.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::client::{AddError, Client, Policy, Reservation, StartError};
use crate::forks;
use crate::sys::per_process::PerProcess;
use crate::sys::query;

/// Gives a new watcher all that is to be watched.
pub(crate) type HandOver<'a> = &'a dyn Fn(&Arc<Client>, u64) -> Result<(), AddError>;

#[derive(Debug)]
struct Current {
    client: Arc<Client>,
    serial: u64,
}

#[derive(Default)]
struct Keeper {
    current: Mutex<Option<Current>>,
    /// Held while a watcher is replaced.
    replacing: Mutex<()>,
    /// Of the latest watcher; 0 until there was one, and nothing asks after it.
    serial: AtomicU64,
    /// The coarse clock when a question last looked after the watcher.
    looked: AtomicI64,
}

static KEEPER: PerProcess<Keeper> = PerProcess::new();

fn keeper() -> &'static Keeper {
    KEEPER.get(forks::generation())
}

impl Keeper {
    fn current(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn client(&self) -> Option<Arc<Client>> {
        self.current().as_ref().map(|now| Arc::clone(&now.client))
    }

    fn alive(&self) -> Option<Arc<Client>> {
        self.client().filter(|client| client.is_alive())
    }

    /// A watcher that lives: the current one, or a new one, which is given all that runs.
    fn get(&self, hand_over: HandOver<'_>) -> Result<Arc<Client>, StartError> {
        if let Some(client) = self.alive() {
            return Ok(client);
        }
        let _one = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        self.replace(hand_over)
    }

    /// The caller holds `replacing`.
    fn replace(&self, hand_over: HandOver<'_>) -> Result<Arc<Client>, StartError> {
        if let Some(client) = self.alive() {
            return Ok(client);
        }
        if let Some(lost) = self.current().take() {
            lost.client.reap();
        }
        let client = Client::start()?;
        let serial = self.serial.load(Ordering::SeqCst).wrapping_add(1);
        *self.current() = Some(Current { client: Arc::clone(&client), serial });
        // Who has added a process to the lost one sees this after it has let the process's context go.
        self.serial.store(serial, Ordering::SeqCst);
        if let Err(e) = hand_over(&client, serial) {
            // A watcher without room for all would be one of silent descriptors.
            self.lose(&client);
            return Err(StartError { step: "give the new watcher what the old one had", errno: e.errno() });
        }
        Ok(client)
    }

    /// The watcher does not answer: another is to take its place.
    fn lose(&self, client: &Arc<Client>) {
        let mut current = self.current();
        if current.as_ref().is_some_and(|now| Arc::ptr_eq(&now.client, client)) {
            client.reap();
            *current = None;
        }
    }
}

/// Room with the watcher for one more process, before it is started.
pub(crate) fn reserve(policy: &Policy, hand_over: HandOver<'_>) -> Result<Reservation, StartError> {
    let keeper = keeper();
    for _ in 0..8 {
        let client = keeper.get(hand_over)?;
        match client.reserve(policy) {
            Ok(room) => return Ok(room),
            Err(e) if e.wants_another() => keeper.lose(&client),
            Err(e) => return Err(refused(e)),
        }
    }
    Err(refused(AddError::Gone))
}

/// Gives the watcher B before there is a process.
pub(crate) fn give_b(
    mut room: Reservation,
    id: u64,
    b: BorrowedFd<'_>,
    policy: &Policy,
    hand_over: HandOver<'_>,
) -> Result<Reservation, StartError> {
    for _ in 0..8 {
        match room.give_b(id, b) {
            Ok(()) => return Ok(room),
            Err(e) if e.wants_another() => keeper().lose(room.client()),
            Err(e) => return Err(refused(e)),
        }
        room = reserve(policy, hand_over)?;
    }
    Err(refused(AddError::Gone))
}

/// Gives the watcher a process whose program cannot run yet, and waits for its answer.
pub(crate) fn add_early(
    room: &mut Reservation,
    id: u64,
    b: BorrowedFd<'_>,
    pidfd: BorrowedFd<'_>,
    policy: &Policy,
    hand_over: HandOver<'_>,
) -> Result<(), StartError> {
    for _ in 0..8 {
        match room.add_early(id, b, pidfd, policy) {
            Ok(()) => return Ok(()),
            Err(e) if e.wants_another() => keeper().lose(room.client()),
            Err(e) => return Err(refused(e)),
        }
        *room = reserve(policy, hand_over)?;
    }
    Err(refused(AddError::Gone))
}

/// Gives a started process to the watcher, or tells it that the one it has is published: the watcher reserved, or,
/// should that have ended by now, its successor. Returns the serial of the one that has it.
pub(crate) fn add(
    mut room: Reservation,
    id: u64,
    b: BorrowedFd<'_>,
    pidfd: BorrowedFd<'_>,
    policy: &Policy,
    hand_over: HandOver<'_>,
) -> Result<u64, StartError> {
    let keeper = keeper();
    for _ in 0..8 {
        let client = Arc::clone(room.client());
        let sent = match room.is_early(policy) {
            true => room.confirm(id),
            false => room.add(id, b, pidfd, policy),
        };
        match sent {
            Ok(()) => {
                let current = keeper.current();
                if let Some(now) = current.as_ref().filter(|now| Arc::ptr_eq(&now.client, &client)) {
                    return Ok(now.serial);
                }
            }
            Err(e) if e.wants_another() => keeper.lose(&client),
            Err(e) => return Err(refused(e)),
        }
        // A successor that came meanwhile has not seen this one.
        room = reserve(policy, hand_over)?;
    }
    Err(refused(AddError::Gone))
}

/// Gives a process that is watched another policy.
pub(crate) fn change(id: u64, policy: &Policy, hand_over: HandOver<'_>) -> Result<(), i32> {
    let keeper = keeper();
    for _ in 0..8 {
        let client = keeper.get(hand_over).map_err(|e| e.errno)?;
        match client.change(id, policy) {
            Err(e) if e.wants_another() => keeper.lose(&client),
            done => return done.map_err(AddError::errno),
        }
    }
    Err(AddError::Gone.errno())
}

/// Whether a process that the watcher `serial` was given has to be given to another.
pub(crate) fn is_outdated(serial: u64) -> bool {
    serial != 0 && keeper().serial.load(Ordering::SeqCst) != serial
}

/// The current watcher and its serial.
pub(crate) fn current() -> Option<(Arc<Client>, u64)> {
    keeper().current().as_ref().map(|now| (Arc::clone(&now.client), now.serial))
}

/// Replaces a watcher that has died, if `is_needed`. Where another thread replaces it, that one does it.
pub(crate) fn tend(is_needed: impl FnOnce() -> bool, hand_over: HandOver<'_>) {
    let keeper = keeper();
    if keeper.serial.load(Ordering::Relaxed) == 0 {
        return;
    }
    // A watcher that could not be started, or did not answer, is for the next creation to replace.
    if keeper.client().is_none_or(|client| client.is_alive()) {
        return;
    }
    if let Ok(_one) = keeper.replacing.try_lock() {
        if is_needed() {
            // On failure the next creation reports the error.
            let _ = keeper.replace(hand_over);
        }
    }
}

/// Whether a question has to look after the watcher, which costs more than the question: once in a tick of the
/// coarse clock.
pub(crate) fn is_due() -> bool {
    let keeper = keeper();
    if keeper.serial.load(Ordering::Relaxed) == 0 {
        return false;
    }
    let now = query::clock_ns(libc::CLOCK_MONOTONIC_COARSE);
    keeper.looked.swap(now, Ordering::Relaxed) != now
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
