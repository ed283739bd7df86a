// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The watcher of this process: its start, its loss, its successor.
//!
//! A watcher is lost when it dies, does not answer, or when the program closes its control socket. Its successor
//! gets every process that still runs. The time for this grows with the number of processes. So each call of the
//! library does a step of it, without the lock of the table.
//!
//! A step fails where a watcher has no room for all, since limits have changed. The watcher is lost then, and the next
//! creation gives its successor everything at once: it fails as long as there is no room.
//!
//! Each watcher has a serial. A process remembers the serial of the watcher that has it. If the current watcher has
//! another serial, the process is handed over again.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::client::{AddError, Client, Policy, Reservation, StartError};
use crate::forks;
use crate::leaves::Leaf;
use crate::sys::per_process::PerProcess;
use crate::sys::query;

/// Gives a new watcher the next processes that are to be watched, and says whether there are more.
pub(crate) type HandOver<'a> = &'a dyn Fn(&Arc<Client>, u64, &mut Walk) -> Result<bool, AddError>;

/// Makes sure that a watcher has one process.
pub(crate) type Give<'a> = &'a dyn Fn(&Arc<Client>, u64) -> Result<(), AddError>;

/// How far the steps of a hand-over have come.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// The cookie of the last context that was looked at; 0 at the begin, and at the end.
    pub(crate) after: u64,
    /// Another thread held one of them, so a second walk follows.
    pub(crate) missed: bool,
    /// The last step has failed.
    failed: bool,
}

#[derive(Debug)]
struct Current {
    client: Arc<Client>,
    serial: u64,
}

#[derive(Default)]
struct Keeper {
    current: Mutex<Option<Current>>,
    /// Held while a watcher is replaced, and for each step of the hand-over.
    replacing: Mutex<Walk>,
    /// The current watcher does not have everything yet.
    behind: AtomicBool,
    /// The serial of the latest watcher; 0 before the first one.
    serial: AtomicU64,
    /// The coarse clock when a PROC_INFO last checked the watcher.
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

    /// A running watcher: the current one, or a new one, which gets all running processes from now on.
    fn get(&self, hand_over: HandOver<'_>) -> Result<Arc<Client>, StartError> {
        if let Some(client) = self.alive() {
            return Ok(client);
        }
        let mut walk = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        self.replace(&mut walk, hand_over)
    }

    fn replace(&self, walk: &mut Walk, hand_over: HandOver<'_>) -> Result<Arc<Client>, StartError> {
        if let Some(client) = self.alive() {
            return Ok(client);
        }
        if let Some(lost) = self.current().take() {
            lost.client.reap();
        }
        let client = Client::start()?;
        let serial = self.serial.load(Ordering::SeqCst).wrapping_add(1);
        *self.current() = Some(Current { client: Arc::clone(&client), serial });
        // A thread that has added a process to the lost watcher sees this after it unlocks the process's context.
        self.serial.store(serial, Ordering::SeqCst);
        let all_at_once = std::mem::take(walk).failed;
        self.behind.store(true, Ordering::SeqCst);
        loop {
            self.step(walk, &client, serial, hand_over)?;
            // One that another thread holds, or this one, is for a later walk.
            if !all_at_once || walk.after == 0 {
                return Ok(client);
            }
        }
    }

    /// Gives the watcher the next processes.
    fn step(
        &self,
        walk: &mut Walk,
        client: &Arc<Client>,
        serial: u64,
        hand_over: HandOver<'_>,
    ) -> Result<(), StartError> {
        match hand_over(client, serial, walk) {
            Ok(more) => {
                self.behind.store(more, Ordering::SeqCst);
                Ok(())
            }
            Err(e) => {
                // With a watcher that has no room for all, some procfds would never report an exit.
                walk.failed = true;
                self.lose(client);
                Err(StartError { step: "give the new watcher what the old one had", errno: e.errno() })
            }
        }
    }

    /// The next step of a hand-over that is not at its end, unless another thread does it.
    fn catch_up(&self, hand_over: HandOver<'_>) -> Result<(), StartError> {
        if !self.behind.load(Ordering::SeqCst) {
            return Ok(());
        }
        let Ok(mut walk) = self.replacing.try_lock() else { return Ok(()) };
        let Some((client, serial)) = self.current_and_serial() else { return Ok(()) };
        self.step(&mut walk, &client, serial, hand_over)
    }

    fn current_and_serial(&self) -> Option<(Arc<Client>, u64)> {
        self.current().as_ref().map(|now| (Arc::clone(&now.client), now.serial))
    }

    /// Marks a watcher that does not answer as lost, so that another takes its place.
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
    keeper.catch_up(hand_over)?;
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

/// Room with another watcher, which is given the cgroup that the lost one had.
fn reserve_again(
    lost: &Reservation,
    policy: &Policy,
    hand_over: HandOver<'_>,
) -> Result<Reservation, StartError> {
    match lost.leaf() {
        Some((id, leaf)) => give_leaf(reserve(policy, hand_over)?, *id, leaf, policy, hand_over),
        None => reserve(policy, hand_over),
    }
}

/// Gives the watcher the cgroup of a process before there is a process, and waits for its answer.
pub(crate) fn give_leaf(
    mut room: Reservation,
    id: u64,
    leaf: &Arc<Leaf>,
    policy: &Policy,
    hand_over: HandOver<'_>,
) -> Result<Reservation, StartError> {
    for _ in 0..8 {
        match room.give_leaf(id, leaf) {
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
        *room = reserve_again(room, policy, hand_over)?;
    }
    Err(refused(AddError::Gone))
}

/// Gives a started process to the watcher of the reservation, or says that the start it has is published. If that
/// watcher has ended, its successor gets the process. Returns the serial of the watcher that has it.
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
        let leaf = room.leaf().cloned();
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
        if let Some((id, leaf)) = leaf {
            room = give_leaf(room, id, &leaf, policy, hand_over)?;
        }
    }
    Err(refused(AddError::Gone))
}

/// Gives a process that is watched another policy. `give` makes sure that a watcher has it.
pub(crate) fn change(id: u64, policy: &Policy, hand_over: HandOver<'_>, give: Give<'_>) -> Result<(), i32> {
    let keeper = keeper();
    for _ in 0..8 {
        keeper.get(hand_over).map_err(|e| e.errno)?;
        let Some((client, serial)) = keeper.current_and_serial() else { continue };
        match give(&client, serial).and_then(|()| client.change(id, policy)) {
            Err(e) if e.wants_another() => keeper.lose(&client),
            done => return done.map_err(AddError::errno),
        }
    }
    Err(AddError::Gone.errno())
}

/// Has the watcher forget a process.
pub(crate) fn forget(id: u64) {
    if let Some(client) = keeper().client() {
        client.forget(id);
    }
}

/// The current watcher and its serial, if a process of the watcher `serial` has to be handed over to it.
pub(crate) fn outdated(serial: u64) -> Option<(Arc<Client>, u64)> {
    let keeper = keeper();
    if serial == 0 || keeper.serial.load(Ordering::SeqCst) == serial {
        return None;
    }
    keeper.current_and_serial()
}

/// Replaces a watcher that has died, if `is_needed` by one of the next processes. Gives one that is new the next of
/// them. Returns at once if another thread does it already. On failure the next creation reports the error.
pub(crate) fn tend(is_needed: impl FnOnce(&mut Walk) -> bool, hand_over: HandOver<'_>) {
    let keeper = keeper();
    if keeper.serial.load(Ordering::Relaxed) == 0 {
        return;
    }
    // The next creation replaces a watcher that could not be started or did not answer.
    let Some(client) = keeper.client() else { return };
    if client.is_alive() {
        let _ = keeper.catch_up(hand_over);
        return;
    }
    if let Ok(mut walk) = keeper.replacing.try_lock() {
        if is_needed(&mut walk) {
            let _ = keeper.replace(&mut walk, hand_over);
        }
    }
}

/// Whether a PROC_INFO has to check the watcher: once in a tick of the coarse clock, since the check costs more than
/// the question.
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
            AddError::Gone | AddError::Stuck | AddError::Failed(_) | AddError::Unheard(_) => {
                "talk to the watcher"
            }
        },
        errno: e.errno(),
    }
}
