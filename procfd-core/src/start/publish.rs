// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What makes a process known to the holders of its procfd: room for it before it is started, the message
//! with its pidfd and fuse, and the watcher.

use std::os::fd::{AsFd, BorrowedFd, IntoRawFd};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::end::{end, end_by_pid, is_its, is_still_its};
use crate::contexts::{self, OpenFlags, Opened, State};
use crate::error::{Error, Stage};
use crate::forks::Private;
use crate::leaves::{self, Leaf};
use crate::procfd;
use crate::settings::{ClosePolicy, Settings};
use crate::sys::{self, CLONE_AUTOREAP, CLONE_NNP, CLONE_PIDFD_AUTOKILL, Errno, OwnFd};
use crate::watch::{Policy, Reservation, StartError};

/// Whether the kernel carries the close policy out. For the init of a pid namespace the watcher does, or the
/// built-in init itself, which keeps B open for that.
pub(super) fn has_fuse(config: &Settings) -> bool {
    config.close().is_some() && !config.is_init()
}

/// Whether the kernel ends the process with the last descriptor of the pidfd of its clone, and leaves no zombie (7.1).
/// That file then lives in the procfd's queue and nowhere else. It is used where a fuse cannot be: a process that
/// nothing reaps has no usage to tell, and a policy that cannot be changed.
pub(super) fn ends_by_its_pidfd(config: &Settings, opened: &Opened) -> bool {
    config.is_init()
        && !config.built_in_init()
        && !opened.is_watched()
        && opened.flags.contains(OpenFlags::AUTOREAP)
        && config.close().is_some_and(ClosePolicy::is_of_the_kernel)
        && clones_to_end(config)
        && sys::clone::has_autokill()
}

/// Whether the kernel clones such a process with these settings.
fn clones_to_end(config: &Settings) -> bool {
    const CAP_SYS_ADMIN: u32 = 21;
    // The process that joins a pid namespace makes a sibling, which the kernel refuses.
    !config.program.is_none()
        && !config.joins.has_pid()
        // With the cgroup the library keeps a pidfd.
        && !config.cgroup.has_leaf()
        && (config.privileges.is_no_new_privs()
            || sys::task::effective_capabilities() & (1 << CAP_SYS_ADMIN) != 0)
}

/// Refuses a close policy that a pidfd alone cannot carry out.
pub(crate) fn check_lean_policy(policy: ClosePolicy) -> Result<(), Error> {
    let refuse = |what: &str, hint: &str| Err(Error::config(libc::EOPNOTSUPP, what).hint(hint));
    if !policy.is_of_the_kernel() {
        return refuse(
            "a close policy, with PROCFD_PIDFD, other than SIGKILL for the process alone",
            "it needs a procfd: open the context without PROCFD_PIDFD",
        );
    }
    if !sys::clone::has_autokill() {
        return refuse(
            "a close policy, with PROCFD_PIDFD, on a kernel without CLONE_PIDFD_AUTOKILL (Linux 7.1)",
            "it needs a procfd there: open the context without PROCFD_PIDFD",
        );
    }
    Ok(())
}

/// The same for the other settings, before the start.
pub(super) fn check_lean(config: &Settings) -> Result<(), Error> {
    if config.close().is_none() || clones_to_end(config) {
        return Ok(());
    }
    let what = "a close policy, with PROCFD_PIDFD";
    Err(Error::plan(libc::EOPNOTSUPP, what).hint(
        "it takes PROC_SET_NO_NEW_PRIVS or CAP_SYS_ADMIN, a program, no pid namespace to join, and no cgroup of its \
         own; or open the context without PROCFD_PIDFD",
    ))
}

/// The flags of a clone that ends by its pidfd.
pub(super) fn autokill_flags(config: &Settings) -> u64 {
    let flags = CLONE_PIDFD_AUTOKILL | CLONE_AUTOREAP;
    if config.privileges.is_no_new_privs() { flags | CLONE_NNP } else { flags }
}

/// Publishes a process that was running already. It is not ended when that fails.
pub(crate) fn attach(
    a: BorrowedFd<'_>,
    opened: &Opened,
    config: &Settings,
    pidfd: OwnFd,
    pid: i32,
) -> Result<Started, Error> {
    let mut publication = Publication::prepare(a, opened, config)?;
    publication.fuse = config.close().is_some();
    publication.spare = Some(pid);
    publication.autokill = false;
    publication.init = false;
    publication.publish(pidfd, 0)
}

/// The parts of a close policy that are the watcher's.
pub(super) fn check_close(config: &Settings, opened: &Opened) -> Result<(), Error> {
    config.check_time_limit(opened.is_watched())?;
    let Some(policy) = config.close() else { return Ok(()) };
    let refuse = |what: &str, hint: &str| Err(Error::plan(libc::EOPNOTSUPP, what).hint(hint));
    let by_itself = config.built_in_init() && config.is_init();
    if opened.is_watched() || by_itself || ends_by_its_pidfd(config, opened) {
        return Ok(());
    }
    if config.is_init() {
        return refuse(
            "a close policy for the init of a new pid namespace, without the watcher",
            "the kernel protects such an init from the signal of a fuse; open the context without PROCFD_NO_WATCH, or use the \
             built-in init; from 7.1 on SIGKILL works with PROCFD_AUTOREAP and no_new_privs",
        );
    }
    if policy.then.is_some() {
        return refuse(
            "a second signal after a delay, without the watcher",
            "open the context without PROCFD_NO_WATCH",
        );
    }
    Ok(())
}

/// What makes a process known to the holders of its procfd: the message with its fuse, and the watcher.
pub(super) struct Publication<'a> {
    a: BorrowedFd<'a>,
    opened: &'a Opened,
    pub fuse: bool,
    policy: Policy,
    room: Option<Reservation>,
    /// The process's own cgroup, where the watcher has it too.
    leaf: Option<Arc<Leaf>>,
    /// The process ends by the pidfd of its clone.
    autokill: bool,
    /// That file, until it is published.
    killer: Option<Private>,
    /// The pid of a process that was there before.
    spare: Option<i32>,
    init: bool,
}

/// Why a start was not published.
enum Unsent {
    Failed(Error),
    /// The number of the pidfd is another file's.
    Lost(Error),
}

/// The facts about a start that the context keeps.
pub(crate) struct Started {
    pub(super) pidfd: Private,
    /// 0 for a process that was running already.
    pid: i32,
    watched: Option<Policy>,
    leaf: Option<Arc<Leaf>>,
}

impl Started {
    pub(crate) fn enter(self, state: &mut State) {
        state.keep(self.pidfd);
        state.watched = self.watched;
        state.leaf = self.leaf;
        state.has_started(self.pid);
    }
}

impl<'a> Publication<'a> {
    /// Everything that can be refused, before there is a process.
    pub(super) fn prepare(a: BorrowedFd<'a>, opened: &'a Opened, config: &Settings) -> Result<Self, Error> {
        let policy = contexts::policy(config, config.close());
        let mut room = match opened.is_watched() {
            true => Some(contexts::reserve_watch(&policy).map_err(watch_error)?),
            false => None,
        };
        if let Some(reserved) = room.take_if(|_| has_fuse(config) && policy.is_silent()) {
            room = Some(contexts::watch_b_early(reserved, opened, &policy).map_err(watch_error)?);
        }
        Ok(Self {
            a,
            opened,
            fuse: has_fuse(config),
            policy,
            room,
            leaf: None,
            autokill: ends_by_its_pidfd(config, opened),
            killer: None,
            spare: None,
            init: config.built_in_init(),
        })
    }

    /// Publishes the process of `pidfd`. If that fails it is ended, and nothing has happened.
    pub(super) fn publish(mut self, pidfd: OwnFd, pid: i32) -> Result<Started, Error> {
        let pidfd = match Private::adopt(pidfd) {
            Ok(pidfd) => pidfd,
            Err(e) => {
                // The program has closed the pidfd under us.
                if self.spare.is_none() {
                    end_by_pid(pid);
                }
                return Err(Error::new(Stage::PUBLISH, 0, e, ""));
            }
        };
        match self.send(pidfd.as_fd(), pid) {
            Ok(()) => {}
            Err(Unsent::Failed(error)) => return Err(error),
            Err(Unsent::Lost(error)) => {
                pidfd.abandon();
                return Err(error);
            }
        }
        let mut watched = None;
        if let Some(room) = self.room.take() {
            if let Err(e) = contexts::watch(room, self.opened, pidfd.as_fd(), &self.policy) {
                return Err(self.undone(pidfd.as_fd(), pid, watch_error(e)));
            }
            // What the watcher was given is what is here: no instant lies between a proof and the message.
            if sys::task::has_threads() && (pidfd.live().is_err() || !self.opened.has_b()) {
                contexts::unwatch(self.opened);
                return Err(self.undone(pidfd.as_fd(), pid, pidfd_is_lost()));
            }
            watched = Some(self.policy);
        }
        Ok(Started { pidfd, pid, watched, leaf: self.leaf.take() })
    }

    /// Keeps the pidfd of the clone where that ends the process, and answers another pidfd of the process; else the
    /// same. A process that has ended has no other pidfd, and nothing ends it any more.
    pub(super) fn take_killer(&mut self, pidfd: OwnFd, pid: i32) -> Result<OwnFd, Error> {
        if !self.autokill {
            return Ok(pidfd);
        }
        let inode = |fd: &OwnFd| sys::fd::mode_and_inode(fd.as_fd()).map(|(_, inode)| inode);
        match sys::pidfd::open(pid) {
            Ok(other) if inode(&other) == inode(&pidfd) => {
                let killer = Private::adopt(pidfd).map_err(|e| Error::new(Stage::PUBLISH, 0, e, ""))?;
                self.killer = Some(killer);
                Ok(other)
            }
            Ok(_) | Err(Errno(libc::ESRCH)) => Ok(pidfd),
            Err(e) => {
                let error = super::out_of_descriptors(Error::new(Stage::PUBLISH, 0, e, ""));
                Err(self.undone(pidfd.as_fd(), pid, error))
            }
        }
    }

    /// Whether the process ends by the pidfd of its clone.
    pub(super) fn ends_by_its_pidfd(&self) -> bool {
        self.autokill
    }

    /// The same without a watcher, where the context keeps no pidfd.
    pub(super) fn publish_unkept(&self, pidfd: OwnFd, pid: i32) -> Result<OwnFd, Error> {
        match self.send(pidfd.as_fd(), pid) {
            Ok(()) => Ok(pidfd),
            Err(Unsent::Failed(error)) => Err(error),
            Err(Unsent::Lost(error)) => {
                let _ = pidfd.into_raw_fd();
                Err(error)
            }
        }
    }

    /// Sends the start message. If that fails the process is ended.
    fn send(&self, pidfd: BorrowedFd<'_>, pid: i32) -> Result<(), Unsent> {
        let killer = self.killer.as_ref().map(AsFd::as_fd);
        let sent = self.opened.live_b().and_then(|b| procfd::publish(b, pidfd, self.fuse, self.init, killer));
        sent.map_err(|e| {
            FLIGHT_WAS_FULL.store(e.0 == libc::ETOOMANYREFS, Ordering::Relaxed);
            Unsent::Failed(self.undone(pidfd, pid, in_flight(Stage::PUBLISH, e)))
        })?;
        // What was sent is what is here: no instant lies between a proof and the sending. And the watcher acts on
        // whatever it is given.
        match is_still_its(pidfd, self.spare.unwrap_or(pid)) {
            true => Ok(()),
            false => Err(Unsent::Lost(self.undone(pidfd, pid, pidfd_is_lost()))),
        }
    }

    /// Whether the watcher is to have the process before its program can run.
    pub(super) fn is_early(&self) -> bool {
        self.room.is_some() && !self.policy.is_silent()
    }

    /// Gives the watcher the process, whose child waits.
    pub(super) fn give_early(&mut self, pidfd: BorrowedFd<'_>, pid: i32) -> Result<(), Error> {
        let Some(room) = self.room.as_mut().filter(|_| !self.policy.is_silent()) else { return Ok(()) };
        if !is_its(pidfd, pid) {
            return Err(Error::new(Stage::PUBLISH, 0, Errno(libc::EBADF), ""));
        }
        contexts::watch_early(room, self.opened, pidfd, &self.policy).map_err(watch_error)
    }

    /// Gives the watcher the cgroup of the process, before there is one.
    pub(super) fn give_leaf(&mut self, leaf: &Arc<Leaf>) -> Result<(), Error> {
        let Some(room) = self.room.take() else { return Ok(()) };
        self.room = Some(contexts::watch_leaf(room, self.opened, leaf, &self.policy).map_err(watch_error)?);
        self.leaf = Some(Arc::clone(leaf));
        Ok(())
    }

    /// The child has failed, and another may be tried.
    pub(super) fn withdraw(&mut self) {
        self.leaf = None;
        if let Some(room) = &mut self.room {
            room.withdraw();
        }
    }

    /// The peer of the procfd, which is the fuse.
    pub(super) fn b(&self) -> BorrowedFd<'a> {
        self.opened.b()
    }

    /// The same, proved. EBADF: the program has closed its number.
    pub(super) fn live_b(&self) -> sys::Result<BorrowedFd<'a>> {
        self.opened.live_b()
    }

    /// The procfd.
    pub(super) fn procfd(&self) -> BorrowedFd<'a> {
        self.a
    }

    /// Ends a process that could not be published, and takes back what was.
    pub(super) fn undone(&self, pidfd: BorrowedFd<'_>, pid: i32, error: Error) -> Error {
        if self.spare.is_none() {
            end(pidfd, pid);
            leaves::tend();
        }
        procfd::retract(self.a);
        error
    }
}

/// Another thread has closed the pidfd of the start.
pub(super) fn pidfd_is_lost() -> Error {
    Error::new(Stage::PUBLISH, 0, Errno(libc::EBADF), "")
        .hint("another thread has closed a descriptor that is not its own")
}

pub(crate) fn watch_error(e: StartError) -> Error {
    let error = Error::new(Stage::WATCHER, 0, Errno(e.errno), format_args!("({})", e.step));
    if e.errno == libc::ETOOMANYREFS {
        return error.hint(IN_FLIGHT);
    }
    error.hint("a context opened with PROCFD_NO_WATCH does without it")
}

/// Set by a start that the limit of descriptors in flight refused: until one fits, the next starts ask first.
static FLIGHT_WAS_FULL: AtomicBool = AtomicBool::new(false);

/// What a started procfd has in flight at most, with the message to the watcher.
const FDS_IN_FLIGHT: usize = 5;

/// Sees, before anything is started, whether the start can be published: where this process alone has so many
/// procfds that they come near the limit, or the last start met it. Otherwise the publication reports it.
pub(super) fn reserve(opened: &Opened, fuse: bool) -> Result<(), Error> {
    let mine = contexts::count().saturating_mul(FDS_IN_FLIGHT);
    let near = || {
        let limit = sys::task::rlimit(libc::RLIMIT_NOFILE as _).map_or(0, |limit| limit.cur);
        mine as u64 >= limit / 4
    };
    if !FLIGHT_WAS_FULL.load(Ordering::Relaxed) && (mine < 64 || !near()) {
        return Ok(());
    }
    const CAP_SYS_ADMIN: u32 = 21;
    const CAP_SYS_RESOURCE: u32 = 24;
    // The kernel asks for them in the initial namespace.
    let free = sys::task::effective_capabilities() & (1 << CAP_SYS_ADMIN | 1 << CAP_SYS_RESOURCE) != 0;
    if free && sys::task::in_initial_user_namespace() {
        return Ok(());
    }
    procfd::try_in_flight(opened.b(), fuse, opened.is_watched())
        .inspect(|()| FLIGHT_WAS_FULL.store(false, Ordering::Relaxed))
        .map_err(|e| in_flight(Stage::PUBLISH, e))
}

const IN_FLIGHT: &str = "the user's limit of descriptors in flight, which is the soft RLIMIT_NOFILE: \
                         a started procfd holds 1, with a close policy 2; raise the soft limit";

pub(super) fn in_flight(stage: Stage, errno: Errno) -> Error {
    match errno.0 {
        libc::ETOOMANYREFS => Error::new(stage, 0, errno, "").hint(IN_FLIGHT),
        libc::EPIPE | libc::ECONNRESET => {
            Error::new(stage, 0, Errno(libc::EBADF), "").hint("the procfd was closed meanwhile")
        }
        _ => Error::new(stage, 0, errno, ""),
    }
}
