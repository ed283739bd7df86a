// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The creator's side: starts the watcher and hands it processes.
//!
//! # Descriptors
//!
//! A `Client` owns the control socket, and where the watcher is visible to the creator its pidfd too.
//! Both are close-on-exec, and private to the creator: the fork hook closes them in a forked
//! child, which starts a watcher of its own when it needs one.

mod policy;
mod reservation;
#[cfg(test)]
mod tests;

#[cfg(test)]
use std::os::fd::AsFd;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use self::policy::{Limit, Policy};
pub(crate) use self::reservation::Reservation;
use super::proto::{self, Reply, Request};
pub(crate) use super::start::StartError;
use super::start::{self, Started};
use crate::forks::Private;
use crate::leaves::Leaf;
use crate::sys::OwnFd;
use crate::sys::bare::{
    self, EAGAIN, ECONNRESET, EINTR, ENOTCONN, EPERM, EPIPE, EPROTO, ETIMEDOUT, Errno, POLLHUP, POLLIN,
    POLLOUT, PollFd, Timespec,
};
use crate::sys::fd::made;
use crate::sys::sock;

/// The time limit for an answer of the watcher. A request takes microseconds. A watcher that is stopped, or frozen
/// with its cgroup, takes longer than any caller should wait.
const PATIENCE_NS: u64 = 2_000_000_000;

/// Why a process could not be given to the watcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddError {
    /// The watcher has ended. Start another, and give it all processes that still run.
    Gone,
    /// It does not take requests, for example because it is stopped. Another one may.
    Stuck,
    /// It has no room. EMFILE: its descriptor limit, with two descriptors for each process. ENOSPC: the user's limit
    /// of epoll entries (fs.epoll.max_user_watches). ENOMEM: no memory.
    Full(i32),
    /// The message could not be sent. ETOOMANYREFS: the user's limit of descriptors in flight, which is the soft
    /// RLIMIT_NOFILE. ENOBUFS, ENOMEM: no memory. EPERM: the watcher refuses to send this creator's signals.
    Failed(i32),
    /// Its answer could not be taken, for example ENOMEM: the next question would get it. Another watcher has no such
    /// answer.
    Unheard(i32),
}

impl AddError {
    /// Whether a new watcher would help.
    pub(crate) fn wants_another(self) -> bool {
        matches!(self, Self::Gone | Self::Stuck | Self::Unheard(_))
    }

    pub(crate) fn errno(self) -> i32 {
        match self {
            Self::Gone => EPIPE.0,
            Self::Stuck => ETIMEDOUT.0,
            Self::Full(errno) | Self::Failed(errno) | Self::Unheard(errno) => errno,
        }
    }
}

/// The creator's handle of a running watcher.
#[derive(Debug)]
pub(crate) struct Client {
    control: Private,
    /// Its pidfd, if the watcher is the creator's child and has to be reaped.
    adopted: Option<Private>,
    #[cfg_attr(not(test), allow(dead_code, reason = "asked for by tests"))]
    pid: i32,
    creator: i32,
    /// The creator's user ids when it started the watcher, which keeps them.
    uids: [u32; 3],
    no_signals: bool,
    /// Processes that the watcher has promised to take.
    credit: AtomicU32,
    asking: Mutex<()>,
}

/// A pidfd of the caller, whose pid is `pid`. `None`: a filter refuses pidfd_open(2) (old container profiles), and
/// before 6.5 the kernel has no other way.
fn own_pidfd(pid: i32) -> Option<OwnFd> {
    let by_socket = || {
        let (one, other) = bare::socket_pair().ok()?;
        let (one, _other) = (made(one), made(other));
        bare::peer_pidfd(one.as_raw_fd()).ok()
    };
    bare::pidfd_open(pid).ok().or_else(by_socket).map(made)
}

impl Client {
    /// Starts a watcher. This takes about 0.25 ms for any amount of memory and descriptors of the creator.
    pub(crate) fn start() -> Result<Arc<Self>, StartError> {
        let Started { control, pid, pidfd } = start::start()?;
        let at = |step| move |e: Errno| StartError { step, errno: e.0 };
        let mut client = Self {
            control: Private::adopt(control).map_err(at("make the watcher's socket"))?,
            adopted: None,
            pid,
            creator: bare::getpid(),
            uids: bare::user_ids(),
            no_signals: false,
            credit: AtomicU32::new(0),
            asking: Mutex::new(()),
        };
        let adopted = start::is_child(&pidfd);
        if let Err(why) = client.begin(adopted) {
            start::end(&pidfd);
            return Err(why);
        }
        if adopted {
            client.adopted = Some(Private::adopt(pidfd).map_err(at("keep the watcher's pidfd"))?);
        }
        Ok(Arc::new(client))
    }

    fn begin(&mut self, adopted: bool) -> Result<(), StartError> {
        let at = |step| move |errno| StartError { step, errno };
        // Without this pidfd the watcher stays as long as a forked copy of the creator holds its socket.
        let creator = own_pidfd(self.creator);
        let mut request = Policy::default().request(proto::BEGIN, 0);
        if adopted {
            request.flags = proto::LEAVE_WHEN_IDLE;
        }
        let sent = match self.send(&request, creator.as_ref().map(AsRawFd::as_raw_fd).as_slice()) {
            // It has ended already, but may have said why.
            Err(AddError::Gone) => Ok(()),
            sent => sent,
        };
        let reply = sent.and_then(|()| self.reply()).map_err(|e| match e {
            AddError::Gone => at(
                "keep the watcher alive until it has set itself up (a seccomp filter, or RLIMIT_STACK?)",
            )(EPERM.0),
            other => at("hear from the watcher when it has set itself up")(other.errno()),
        })?;
        if reply.errno != 0 {
            let step = proto::STEPS.get(reply.step as usize).copied().unwrap_or(proto::STEPS[0]);
            return Err(at(step)(reply.errno));
        }
        self.no_signals = reply.flags & proto::NO_SIGNALS != 0;
        self.credit.store(reply.grant, Ordering::Relaxed);
        Ok(())
    }

    /// Reserves room for one process before its start: the watcher lives and has room. Drop the reservation if no
    /// child follows.
    pub(crate) fn reserve(self: &Arc<Self>, policy: &Policy) -> Result<Reservation, AddError> {
        if !policy.is_silent() {
            if bare::user_ids() != self.uids {
                // The watcher's permissions are no longer the creator's.
                return Err(AddError::Gone);
            }
            if self.no_signals {
                return Err(AddError::Failed(EPERM.0));
            }
        }
        if self.adopted.is_some() {
            // A watcher that leaves when it is idle has to stay now.
            self.send(&Policy::default().request(proto::HOLD, 0), &[])?;
        } else if !self.is_alive() {
            return Err(AddError::Gone);
        }
        let taken = self.take_credit();
        if taken.is_err() {
            self.release();
        }
        taken.map(|()| Reservation::new(Arc::clone(self)))
    }

    /// As [`add_in`](Self::add_in), without a cgroup.
    #[cfg(test)]
    pub(crate) fn add(
        self: &Arc<Self>,
        id: u64,
        b: BorrowedFd<'_>,
        pidfd: BorrowedFd<'_>,
        policy: &Policy,
    ) -> Result<(), AddError> {
        self.add_in(id, b, pidfd, policy, None)
    }

    /// Gives a process to the watcher: B of its procfd, its pidfd, and the cgroup that was made for it. `id` is for
    /// [`Client::change`]. All descriptors are duplicated on the way.
    pub(crate) fn add_in(
        self: &Arc<Self>,
        id: u64,
        b: BorrowedFd<'_>,
        pidfd: BorrowedFd<'_>,
        policy: &Policy,
        leaf: Option<&Arc<Leaf>>,
    ) -> Result<(), AddError> {
        let mut room = self.reserve(policy)?;
        if let Some(leaf) = leaf {
            room.give_leaf(id, leaf)?;
        }
        room.add(id, b, pidfd, policy)
    }

    /// Forgets the pair `id`, whose room is free again.
    pub(crate) fn forget(&self, id: u64) {
        if self.send(&Policy::default().request(proto::DROP, id), &[]).is_ok() {
            self.credit.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Gives the pair `id` another policy, as long as a procfd of it is open.
    pub(crate) fn change(&self, id: u64, policy: &Policy) -> Result<(), AddError> {
        if !policy.is_silent() {
            if bare::user_ids() != self.uids {
                return Err(AddError::Gone);
            }
            if self.no_signals {
                return Err(AddError::Failed(EPERM.0));
            }
        }
        let request = policy.request(proto::CHANGE, id);
        if policy.is_silent() { self.send(&request, &[]) } else { self.answered(request, &[]) }
    }

    /// The number of the control socket. `Gone`: the program has closed it, so its number may be another file.
    fn control(&self) -> Result<RawFd, AddError> {
        self.control.live().map(|fd| fd.as_raw_fd()).map_err(|_| AddError::Gone)
    }

    /// Whether the watcher runs and its socket is open.
    pub(crate) fn is_alive(&self) -> bool {
        let Ok(control) = self.control() else { return false };
        let mut fds = [PollFd { fd: control, events: 0, revents: 0 }];
        !matches!(bare::poll(&mut fds, Some(Timespec::default())), Ok(n) if n > 0)
    }

    /// Whether the watcher is the creator's child, the creator being an init or a subreaper.
    #[cfg(test)]
    pub(crate) fn is_adopted(&self) -> bool {
        self.adopted.is_some()
    }

    /// Reaps an adopted watcher that has left, if the program has not.
    pub(crate) fn reap(&self) {
        if let Some(Ok(pidfd)) = self.adopted.as_ref().map(Private::live) {
            let _ = bare::wait(bare::P_PIDFD, pidfd.as_raw_fd(), bare::WEXITED | bare::WNOHANG | bare::WALL);
        }
    }

    /// The watcher's pid; it may have ended.
    #[cfg(test)]
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// The descriptors it owns, all of them private to the creator.
    #[cfg(test)]
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        std::iter::once(self.control.as_fd()).chain(self.adopted.iter().map(AsFd::as_fd))
    }

    /// The number of processes it watches now, and of those it refused in spite of a promise. Takes a round trip.
    #[cfg(test)]
    pub(crate) fn counts(&self) -> Result<(u32, u32), AddError> {
        self.ask(proto::COUNT).map(|reply| (reply.watched, reply.refused))
    }

    fn take_credit(&self) -> Result<(), AddError> {
        let take = |n: u32| n.checked_sub(1);
        while self.credit.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            let reply = self.ask(proto::ASK)?;
            if reply.errno != 0 || reply.grant == 0 {
                return Err(AddError::Full(reply.errno));
            }
        }
        Ok(())
    }

    /// Asks, and adds the grant.
    fn ask(&self, op: u32) -> Result<Reply, AddError> {
        // One question at a time, so that each thread gets its own answer.
        let _one = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        self.send(&Policy::default().request(op, 0), &[])?;
        let reply = self.reply()?;
        self.credit.fetch_add(reply.grant, Ordering::Relaxed);
        Ok(reply)
    }

    /// Sends a request and waits for the answer.
    fn answered(&self, request: Request, fds: &[i32]) -> Result<(), AddError> {
        self.answered_with(request, &[], fds)
    }

    /// The same with something behind the request.
    fn answered_with(&self, mut request: Request, rest: &[u8], fds: &[i32]) -> Result<(), AddError> {
        request.flags |= proto::ANSWER;
        let mut bytes = [0; Request::SIZE + proto::NAME];
        let all = request.to_bytes().into_iter().chain(rest.iter().copied());
        let mut len = 0usize;
        for (byte, to) in all.zip(&mut bytes) {
            *to = byte;
            len = len.saturating_add(1);
        }
        let _one = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        self.send_bytes(bytes.get(..len).unwrap_or(&bytes), fds)?;
        match self.reply()?.errno {
            0 => Ok(()),
            errno if errno == EPERM.0 => Err(AddError::Failed(errno)),
            errno => Err(AddError::Full(errno)),
        }
    }

    fn release(&self) {
        if self.adopted.is_some() {
            let _ = self.send(&Policy::default().request(proto::RELEASE, 0), &[]);
        }
    }

    fn send(&self, request: &Request, fds: &[i32]) -> Result<(), AddError> {
        self.send_bytes(&request.to_bytes(), fds)
    }

    fn send_bytes(&self, bytes: &[u8], fds: &[i32]) -> Result<(), AddError> {
        let mut end = None;
        loop {
            match bare::send(self.control()?, bytes, fds) {
                Ok(()) => return Ok(()),
                Err(EPIPE | ECONNRESET | ENOTCONN) => return Err(AddError::Gone),
                Err(EAGAIN) => self.wait_for(POLLOUT, &mut end)?,
                Err(EINTR) => {}
                Err(Errno(errno)) => return Err(AddError::Failed(errno)),
            }
        }
    }

    fn reply(&self) -> Result<Reply, AddError> {
        self.take_reply().map_err(|e| match e {
            AddError::Failed(errno) => AddError::Unheard(errno),
            e => e,
        })
    }

    fn take_reply(&self) -> Result<Reply, AddError> {
        let mut end = None;
        loop {
            let mut bytes = [0; Reply::SIZE];
            // Another thread may have put a socket of the program under this number: what comes with its message is
            // closed.
            match sock::take(self.control.live().map_err(|_| AddError::Gone)?, &mut bytes) {
                Ok(0) | Err(EPIPE | ENOTCONN) => return Err(AddError::Gone),
                // The watcher ended before it read a request. The kernel tells this once; an answer may follow.
                Err(ECONNRESET) => {}
                Ok(len) => {
                    let reply = Reply::from_bytes(&bytes);
                    let reply = reply.filter(|r| len == Reply::SIZE && r.magic == proto::MAGIC);
                    return reply.ok_or(AddError::Failed(EPROTO.0));
                }
                Err(EAGAIN) => self.wait_for(POLLIN, &mut end)?,
                Err(EINTR) => {}
                Err(Errno(errno)) => return Err(AddError::Failed(errno)),
            }
        }
    }

    /// Waits for the socket, until `end` at the latest, which the first wait sets.
    fn wait_for(&self, events: i16, end: &mut Option<u64>) -> Result<(), AddError> {
        let now = bare::now();
        let end = *end.get_or_insert(now.saturating_add(PATIENCE_NS));
        let left = end.checked_sub(now).ok_or(AddError::Stuck)?;
        let mut fds = [PollFd { fd: self.control()?, events, revents: 0 }];
        match bare::poll(&mut fds, Some(Timespec::from_ns(left))) {
            Ok(0) => Err(AddError::Stuck),
            Ok(_) if fds[0].revents & POLLHUP != 0 && fds[0].revents & POLLIN == 0 => Err(AddError::Gone),
            Ok(_) | Err(EINTR) => Ok(()),
            Err(Errno(errno)) => Err(AddError::Failed(errno)),
        }
    }
}
