// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The requests of the client.

use crate::proto::{self, Reply, Request};
use crate::state::{CONTROL, DATA_CREATOR, SPARE, Watcher, data_of, say};
use crate::sys::{
    self, EAGAIN, ECONNRESET, EEXIST, EINTR, EINVAL, EMFILE, EPERM, EPOLLIN, EPOLLONESHOT, Errno, Received,
};
use crate::table::{NEVER, Pair};

/// How many requests to take.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Take {
    /// One request. The epoll reports the next.
    One,
    /// All requests in the queue.
    All,
    /// All requests in the queue, and none after them: the creator has ended. Its forks may still hold the
    /// other end, but they make no requests.
    Last,
}

impl Watcher {
    /// Takes requests.
    pub(crate) fn requests(&mut self, which: Take) {
        while self.controlled {
            let mut bytes = [0; Request::SIZE + proto::NAME];
            match sys::receive(CONTROL, &mut bytes) {
                // The client ended before it read an answer. The kernel tells this once; requests may follow.
                Err(ECONNRESET | EINTR) => continue,
                Err(EAGAIN) if which != Take::Last => return,
                Ok(Received { len: 0, .. }) | Err(_) => self.lose_control(),
                Ok(got) => match split(&bytes, got.len) {
                    Some((request, [])) if request.op != proto::LEAF => self.request(&request, &got),
                    Some((request, name)) if request.op == proto::LEAF => self.leaf(&request, &got, name),
                    _ => self.refuse(&got, EINVAL),
                },
            }
            if which == Take::One {
                return;
            }
        }
    }

    fn leaf(&mut self, request: &Request, got: &Received, name: &[u8]) {
        let done = self.add_leaf(request, got, name);
        if done.is_err() {
            self.discard(got);
        }
        reply_to(request, done);
    }

    fn request(&mut self, request: &Request, got: &Received) {
        match request.op {
            proto::RESERVE => {
                self.promised = self.promised.saturating_sub(1);
                if let Err(errno) = self.reserve(request, got) {
                    // The ADD that follows tries again.
                    self.discard(got);
                    self.trouble = Some(errno);
                }
            }
            proto::ADD => {
                self.give_back(request);
                let done = self.add(request, got);
                match done {
                    Ok(()) => {}
                    Err(_) if request.flags & proto::ANSWER != 0 => {
                        self.promised = self.promised.saturating_add(1);
                        self.discard(got);
                    }
                    Err(errno) => self.refuse(got, errno),
                }
                reply_to(request, done);
            }
            proto::CONFIRM => {
                self.give_back(request);
                if let Some(slot) = self.find(request.id) {
                    self.confirm(slot);
                }
            }
            proto::DROP => {
                self.give_back(request);
                if let Some(slot) = self.find(request.id) {
                    self.forget(slot);
                }
                self.promised = self.promised.saturating_add(1);
            }
            proto::UNLEAF => self.drop_leaf(request.id),
            proto::CHANGE => {
                let done = self.change(request, got);
                reply_to(request, done);
            }
            proto::HOLD => self.holds = self.holds.saturating_add(1),
            proto::RELEASE => self.holds = self.holds.saturating_sub(1),
            proto::BEGIN => self.begin(request, got),
            proto::ASK => self.answer(),
            proto::COUNT => say(self.counts()),
            _ => {}
        }
    }

    fn begin(&mut self, request: &Request, got: &Received) {
        self.leave_when_idle = request.flags & proto::LEAVE_WHEN_IDLE != 0;
        self.creator = got.fds[0];
        self.creator_pid = got.sender.map_or(0, |(pid, _)| pid);
        if self.creator < 0 {
            // The creator could not open a pidfd of itself: the control socket alone tells that it has gone.
            return self.answer();
        }
        match sys::epoll_add(self.epoll, self.creator, EPOLLIN, DATA_CREATOR) {
            Ok(()) => self.answer(),
            Err(errno) => {
                say(Reply { errno: errno.0, step: proto::STEP_CREATOR, ..Reply::default() });
                sys::exit(1)
            }
        }
    }

    fn counts(&self) -> Reply {
        Reply { watched: self.table.live, refused: self.refused, ..Reply::default() }
    }

    fn answer(&mut self) {
        let mut reply = self.counts();
        match self.grant() {
            Ok(grant) => reply.grant = grant,
            Err(errno) => reply.errno = errno.0,
        }
        if self.no_signals {
            reply.flags = proto::NO_SIGNALS;
        }
        say(reply);
    }

    /// The number of pairs in the table, and of promised ones.
    pub(crate) fn taken(&self) -> u64 {
        u64::from(self.table.live).saturating_add(u64::from(self.promised))
    }

    /// The number of further pairs that the descriptor limit allows.
    fn room(&self) -> u64 {
        let free = self.descriptors.saturating_sub(SPARE).saturating_sub(self.leaves.descriptors());
        (free / 2).saturating_sub(self.taken())
    }

    /// Makes room for more pairs, and promises it.
    fn grant(&mut self) -> Result<u32, Errno> {
        if let Some(trouble) = self.trouble.take() {
            // The last promise was not kept. Say why once, and try again at the next request.
            return Err(trouble);
        }
        if self.table.live >= self.sweep_at || self.room() == 0 {
            self.sweep();
        }
        let taken = self.taken();
        let grant = self.room().min(u64::from(proto::GRANT));
        if grant == 0 {
            return Err(EMFILE);
        }
        let total = taken.saturating_add(grant);
        // The kernel gives out the lowest number first. Once the highest number has been in use, the kernel's table is
        // long enough for all of them.
        let highest = total.saturating_mul(2).saturating_add(SPARE - 1);
        let fd = sys::dup_above(self.epoll, highest as usize)?;
        let _ = sys::close(fd);
        self.table.make_room(total as u32)?;
        self.promised = self.promised.saturating_add(grant as u32);
        Ok(grant as u32)
    }

    fn give_back(&mut self, request: &Request) {
        if request.flags & proto::HELD != 0 {
            self.holds = self.holds.saturating_sub(1);
        }
    }

    fn insert(&mut self, pair: Pair) -> Result<u32, Errno> {
        let slot = self.table.insert(pair)?;
        self.recent.rotate_right(1);
        self.recent[0] = slot;
        Ok(slot)
    }

    /// Keeps B open before there is a process: a fuse fires only while B is open.
    fn reserve(&mut self, request: &Request, got: &Received) -> Result<(), Errno> {
        let b = got.fds[0];
        if b < 0 {
            return Err(EMFILE);
        }
        self.insert(Pair::new(request.id, b, b)).map(drop)
    }

    fn add(&mut self, request: &Request, got: &Received) -> Result<(), Errno> {
        let [b, pidfd] = got.fds;
        if b < 0 || pidfd < 0 {
            return Err(EMFILE);
        }
        if !silent(request) && !self.may_signal(got) {
            return Err(EPERM);
        }
        let slot = match self.find(request.id) {
            Some(slot) if self.table.pair(slot).is_some_and(|p| p.b >= 0 && !p.has_process()) => {
                // B again, under another number: the descriptors of one message are kept or closed together.
                if let Some(pair) = self.table.pair(slot) {
                    let old = core::mem::replace(&mut pair.b, b);
                    let watched = core::mem::take(&mut pair.b_watched);
                    self.let_go(old, watched);
                }
                slot
            }
            _ => {
                self.promised = self.promised.saturating_sub(1);
                self.insert(Pair::new(request.id, b, pidfd))?
            }
        };
        let early = request.flags & proto::EARLY != 0;
        if let Some(pair) = self.table.pair(slot) {
            pair.pidfd = pidfd;
            pair.early = early;
            set_policy(pair, request);
            if request.limit_first != 0 {
                pair.limit_at = sys::now().saturating_add(request.limit_ns).min(NEVER - 1);
                pair.limit_delay = request.limit_delay_ns;
                pair.limit_first = request.limit_first as u8;
                pair.limit_second = request.limit_second as u8;
                self.next = self.next.min(pair.limit_at);
            }
        }
        // EPOLLONESHOT, so that an ended process need not be removed from the epoll.
        let events = if early { 0 } else { EPOLLIN } | EPOLLONESHOT;
        let mut watched = sys::epoll_add(self.epoll, pidfd, events, data_of(slot).wrapping_add(1));
        if watched.is_ok() && !silent(request) {
            watched = self.watch_b(slot);
            if watched.is_err() {
                sys::epoll_remove(self.epoll, pidfd);
            }
        }
        match watched {
            Ok(()) => {
                if !early {
                    self.arm_leaf(request.id);
                }
                Ok(())
            }
            // The same file under the same number: the epoll has reported it, so it has ended.
            Err(EEXIST) if early => Ok(()),
            Err(EEXIST) => {
                self.ended(slot);
                Ok(())
            }
            Err(errno) => {
                self.table.remove(slot);
                Err(errno)
            }
        }
    }

    /// The start is published. The watcher reports the exit from now on.
    fn confirm(&mut self, slot: u32) {
        let Some(pair) = self.table.pair(slot) else { return };
        if core::mem::take(&mut pair.early) {
            let (pidfd, id) = (pair.pidfd, pair.id);
            let _ =
                sys::epoll_change(self.epoll, pidfd, EPOLLIN | EPOLLONESHOT, data_of(slot).wrapping_add(1));
            self.arm_leaf(id);
        }
    }

    /// Sets another policy. A process that has ended needs none.
    fn change(&mut self, request: &Request, got: &Received) -> Result<(), Errno> {
        let Some(slot) = self.find(request.id) else { return Ok(()) };
        if !silent(request) && !self.may_signal(got) {
            return Err(EPERM);
        }
        if self.table.pair(slot).is_some_and(|p| p.b < 0) {
            return Ok(());
        }
        if !silent(request) {
            self.watch_b(slot)?;
        }
        if let Some(pair) = self.table.pair(slot) {
            set_policy(pair, request);
        }
        Ok(())
    }

    fn discard(&self, got: &Received) {
        for fd in got.fds {
            if fd >= 0 {
                let _ = sys::close(fd);
            }
        }
    }

    /// Hangs up a pair that cannot be watched. A library call then finds the true state; without the hang-up a poll
    /// would wait in vain.
    fn refuse(&mut self, got: &Received, errno: Errno) {
        self.refused = self.refused.wrapping_add(1);
        self.trouble = Some(errno);
        if got.fds[0] >= 0 {
            let _ = sys::shutdown(got.fds[0]);
        }
        self.discard(got);
    }

    /// Whether the creator could send these signals itself.
    ///
    /// The watcher keeps the credentials that its creator had at the watcher's start. A creator that has given up
    /// privileges since must not get them back through the watcher. It must therefore have the same user, and the
    /// watcher drops CAP_KILL once the creator has.
    pub(crate) fn may_signal(&mut self, got: &Received) -> bool {
        let is_creator = got.sender.is_some_and(|(pid, uid)| pid == self.creator_pid && uid == self.uid);
        is_creator && !self.no_signals && self.keeps_no_more(got, sys::CAP_KILL)
    }

    /// Drops a capability that the creator has no more. False: it cannot.
    pub(crate) fn keeps_no_more(&mut self, got: &Received, capability: u32) -> bool {
        let Some((pid, _)) = got.sender else { return false };
        let bit = 1u64 << (capability & 63);
        let mine = sys::effective_capabilities(0).unwrap_or(bit);
        let theirs = sys::effective_capabilities(pid).unwrap_or(0);
        mine & bit == 0 || theirs & bit != 0 || sys::drop_capability(capability).is_ok()
    }

    /// Ends an idle watcher whose creator would wait for it with its children, unless a request is on its way. From
    /// here on the client's calls find the socket shut. Earlier requests are still in the queue.
    pub(crate) fn leave(&mut self) {
        let _ = sys::shutdown(CONTROL);
        self.requests(Take::Last);
    }

    fn lose_control(&mut self) {
        self.controlled = false;
        self.holds = 0;
        self.let_go(CONTROL, true);
        self.let_go(self.creator, true);
        self.creator = -1;
        // From here on the watcher ends as soon as no procfd is left.
        for slot in 0..self.table.len() {
            let _ = self.watch_b(slot);
            // A creation under way is over, since no other process can start its procfd.
            self.confirm(slot);
        }
        self.arm_leaves();
    }
}

/// A request, and what follows it.
fn split(bytes: &[u8], len: usize) -> Option<(Request, &[u8])> {
    let (request, rest) = bytes.get(..len)?.split_first_chunk()?;
    let request = Request::from_bytes(request).filter(|request| request.magic == proto::MAGIC)?;
    Some((request, rest))
}

/// Answers a request whose client waits.
fn reply_to(request: &Request, done: Result<(), Errno>) {
    if request.flags & proto::ANSWER != 0 {
        say(Reply { errno: done.err().map_or(0, |e| e.0), ..Reply::default() });
    }
}

/// Whether a request asks for no signals.
fn silent(request: &Request) -> bool {
    request.first == 0 && request.second == 0 && request.limit_first == 0
}

fn set_policy(pair: &mut Pair, request: &Request) {
    pair.first = request.first as u8;
    pair.second = request.second as u8;
    pair.when = request.delay_ns;
    pair.to_group = request.flags & proto::TO_GROUP != 0;
}
