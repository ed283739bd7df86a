// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The creator's side: starts the watcher and hands it processes.
//!
//! # Descriptors
//!
//! A `Client` owns the control socket, and where the watcher is visible to the creator its pidfd too.
//! Both are close-on-exec, and private to the creator: the fork hook closes them in a forked
//! child, which starts a watcher of its own when it needs one.

#[cfg(test)]
use std::os::fd::AsFd;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::proto::{self, Reply, Request};
use super::start::{self, Started};
use crate::forks::Private;
use crate::leaves::Leaf;
use crate::sys;
use crate::sys::bare::{
    self, EAGAIN, ECONNRESET, EINTR, ENOTCONN, EPERM, EPIPE, EPROTO, ETIMEDOUT, Errno, POLLHUP, POLLIN,
    POLLOUT, PollFd, Timespec,
};
use crate::sys::fd::made;

/// The time limit for an answer of the watcher. A request takes microseconds. A watcher that is stopped, or frozen
/// with its cgroup, takes longer than any caller should wait.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why the watcher could not be started. `step` is for a message: it starts with a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StartError {
    pub(crate) step: &'static str,
    pub(crate) errno: i32,
}

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
}

impl AddError {
    /// Whether a new watcher would help.
    pub(crate) fn wants_another(self) -> bool {
        matches!(self, Self::Gone | Self::Stuck)
    }

    pub(crate) fn errno(self) -> i32 {
        match self {
            Self::Gone => EPIPE.0,
            Self::Stuck => ETIMEDOUT.0,
            Self::Full(errno) | Self::Failed(errno) => errno,
        }
    }
}

/// What the watcher does when the last procfd of a running process has been closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Policy {
    /// The signal at the last close; 0: none. For the inits of pid namespaces, which the fuse cannot reach.
    pub(crate) first: u8,
    /// The signal after `delay`, if the process still runs; 0: none.
    pub(crate) second: u8,
    pub(crate) delay: Duration,
    /// Sends both to the process group (before Linux 6.9 to the process).
    pub(crate) group: bool,
    pub(crate) limit: Option<Limit>,
}

/// How long the process may run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limit {
    /// In nanoseconds of the creator's CLOCK_MONOTONIC.
    pub(crate) until: u64,
    pub(crate) first: u8,
    /// The signal after `delay`, if the process still runs; 0: none.
    pub(crate) second: u8,
    pub(crate) delay: Duration,
}

impl Policy {
    /// Whether the watcher has no signal to send.
    pub(crate) fn is_silent(&self) -> bool {
        self.first == 0 && self.second == 0 && self.limit.is_none()
    }

    fn request(&self, op: u32, id: u64) -> Request {
        let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let limit = self.limit.unwrap_or_default();
        Request {
            magic: proto::MAGIC,
            op,
            id,
            delay_ns: ns(self.delay),
            flags: if self.group { proto::TO_GROUP } else { 0 },
            first: self.first.into(),
            second: self.second.into(),
            // What is left: the watcher may be in another time namespace.
            limit_ns: limit.until.saturating_sub(sys::fd::monotonic_ns()),
            limit_delay_ns: ns(limit.delay),
            limit_first: limit.first.into(),
            limit_second: limit.second.into(),
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
fn own_pidfd(pid: i32) -> Option<OwnedFd> {
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
            AddError::Gone => {
                at("keep the watcher alive until it has set itself up (a seccomp filter?)")(EPERM.0)
            }
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
        taken.map(|()| Reservation { client: Arc::clone(self), open: true, entered: None, leaf: None })
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
        let mut end = None;
        loop {
            let mut bytes = [0; Reply::SIZE];
            match bare::receive(self.control()?, &mut bytes) {
                Ok(bare::Received { len: 0, .. }) | Err(EPIPE | ENOTCONN) => return Err(AddError::Gone),
                // The watcher ended before it read a request. The kernel tells this once; an answer may follow.
                Err(ECONNRESET) => {}
                Ok(got) => {
                    let reply = Reply::from_bytes(&bytes);
                    let reply = reply.filter(|r| got.len == Reply::SIZE && r.magic == proto::MAGIC);
                    return reply.ok_or(AddError::Failed(EPROTO.0));
                }
                Err(EAGAIN) => self.wait_for(POLLIN, &mut end)?,
                Err(EINTR) => {}
                Err(Errno(errno)) => return Err(AddError::Failed(errno)),
            }
        }
    }

    /// Waits for the socket, until `end` at the latest, which the first wait sets.
    fn wait_for(&self, events: i16, end: &mut Option<Instant>) -> Result<(), AddError> {
        let now = Instant::now();
        let end = *end.get_or_insert(now + PATIENCE);
        let left = end.checked_duration_since(now).ok_or(AddError::Stuck)?;
        let mut fds = [PollFd { fd: self.control()?, events, revents: 0 }];
        let left = Timespec::from_ns(u64::try_from(left.as_nanos()).unwrap_or(0));
        match bare::poll(&mut fds, Some(left)) {
            Ok(0) => Err(AddError::Stuck),
            Ok(_) if fds[0].revents & POLLHUP != 0 && fds[0].revents & POLLIN == 0 => Err(AddError::Gone),
            Ok(_) | Err(EINTR) => Ok(()),
            Err(Errno(errno)) => Err(AddError::Failed(errno)),
        }
    }
}

/// Room for one process, held until it is added.
#[derive(Debug)]
pub(crate) struct Reservation {
    client: Arc<Client>,
    open: bool,
    /// The watcher has B of this process, or the process too.
    entered: Option<u64>,
    /// The watcher has the cgroup of this process.
    leaf: Option<(u64, Arc<Leaf>)>,
}

impl Reservation {
    /// The watcher that granted it.
    pub(crate) fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Gives the watcher the cgroup of the process, before there is a process, and waits for its answer.
    pub(crate) fn give_leaf(&mut self, id: u64, leaf: &Arc<Leaf>) -> Result<(), AddError> {
        if bare::user_ids() != self.client.uids {
            // The watcher's permissions are no longer the creator's.
            return Err(AddError::Gone);
        }
        if self.client.no_signals {
            return Err(AddError::Failed(EPERM.0));
        }
        let [parent, dir] = leaf.descriptors().map_err(|Errno(errno)| AddError::Failed(errno))?;
        let fds = [parent.as_raw_fd(), dir.as_raw_fd()];
        let request = Policy::default().request(proto::LEAF, id);
        self.client.answered_with(request, leaf.name().to_bytes_with_nul(), &fds)?;
        self.leaf = Some((id, Arc::clone(leaf)));
        Ok(())
    }

    /// The cgroup that the watcher has been given.
    pub(crate) fn leaf(&self) -> Option<&(u64, Arc<Leaf>)> {
        self.leaf.as_ref()
    }

    /// Gives the watcher B, before there is a process. One sendmsg(2).
    pub(crate) fn give_b(&mut self, id: u64, b: BorrowedFd<'_>) -> Result<(), AddError> {
        self.client.send(&Policy::default().request(proto::RESERVE, id), &[b.as_raw_fd()])?;
        self.entered = Some(id);
        Ok(())
    }

    /// Gives the watcher the process before its program can run, and waits for the answer. [`Self::confirm`] follows
    /// the publication.
    pub(crate) fn add_early(
        &mut self,
        id: u64,
        b: BorrowedFd<'_>,
        pidfd: BorrowedFd<'_>,
        policy: &Policy,
    ) -> Result<(), AddError> {
        let mut request = policy.request(proto::ADD, id);
        request.flags |= proto::EARLY;
        self.client.answered(request, &[b.as_raw_fd(), pidfd.as_raw_fd()])?;
        self.entered = Some(id);
        Ok(())
    }

    /// Whether the watcher has the process, and not B alone.
    pub(crate) fn is_early(&self, policy: &Policy) -> bool {
        self.entered.is_some() && !policy.is_silent()
    }

    /// Says that the start that was added early is published.
    pub(crate) fn confirm(mut self, id: u64) -> Result<(), AddError> {
        let mut request = Policy::default().request(proto::CONFIRM, id);
        request.flags |= self.held();
        let sent = self.client.send(&request, &[]);
        self.open = sent.is_err();
        sent
    }

    /// As [`Client::add_in`], with the policy of the reservation. Takes one sendmsg(2), and with signals the answer.
    pub(crate) fn add(
        mut self,
        id: u64,
        b: BorrowedFd<'_>,
        pidfd: BorrowedFd<'_>,
        policy: &Policy,
    ) -> Result<(), AddError> {
        let mut request = policy.request(proto::ADD, id);
        request.flags |= self.held();
        let fds = [b.as_raw_fd(), pidfd.as_raw_fd()];
        let sent = if policy.is_silent() {
            self.client.send(&request, &fds)
        } else {
            self.client.answered(request, &fds)
        };
        self.open = sent.is_err();
        sent
    }

    /// The creation has failed, and may be tried again. The watcher forgets it.
    pub(crate) fn withdraw(&mut self) {
        if let Some(id) = self.entered.take() {
            let _ = self.client.send(&Policy::default().request(proto::DROP, id), &[]);
        }
        if let Some((id, _)) = self.leaf.take() {
            let _ = self.client.send(&Policy::default().request(proto::UNLEAF, id), &[]);
        }
    }

    fn held(&self) -> u32 {
        if self.client.adopted.is_some() { proto::HELD } else { 0 }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.open {
            self.withdraw();
            self.client.credit.fetch_add(1, Ordering::Relaxed);
            self.client.release();
        }
    }
}
