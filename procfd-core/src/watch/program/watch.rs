// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The watcher: shuts B down when its process ends, and so wakes every holder of the procfd.
//!
//! The creator pays for each step here, so there are few: one message, one entry in the epoll, one shutdown. B of a
//! pair with a close policy is in the epoll too. For other pairs the watcher looks only now and then whether a
//! procfd is still open. Once the creator has gone, their B is in the epoll too.

use crate::leaves::{DATA_LEAF, Leaves};
use crate::proto::{self, Reply};
use crate::requests::Take;
use crate::state::{CONTROL, DATA_CONTROL, DATA_CREATOR, DATA_PAIRS, Watcher, say};
use crate::sys::{
    self, EBADF, EINTR, EINVAL, EPOLLIN, EpollEvent, Errno, POLLIN, PollFd, SIGCONT, SIGKILL, Timespec,
};
use crate::table::{NEVER, Table};

/// The time limit for the creator's first message.
const BEGIN_WITHIN_NS: u64 = 10_000_000_000;
/// How long a cgroup of which no event need come is left alone.
const LOOK_MS: u32 = 2000;
const EVENTS: usize = 64;
/// The fewest pairs for which the watcher looks for pairs without a holder.
const SWEEP_FROM: u32 = 1024;

pub(crate) fn run() -> ! {
    match Watcher::set_up() {
        Ok(mut watcher) => watcher.serve(),
        Err((step, errno)) => {
            say(Reply { errno: errno.0, step, ..Reply::default() });
            sys::exit(1)
        }
    }
}

impl Watcher {
    fn set_up() -> Result<Self, (u32, Errno)> {
        sys::set_name(c"procfd-watch");
        // A session of its own: no terminal, and no part in the creator's process group.
        let _ = sys::setsid();
        let _ = sys::chdir(c"/");
        let _ = sys::set_mask(!0);
        // A message that wakes the watcher does not preempt its sender.
        sys::be_batch();
        let at = |step| move |errno| (step, errno);
        // A silent creator has ended, or its descriptors were closed during the start of the watcher.
        let mut first = [PollFd { fd: CONTROL, events: POLLIN, revents: 0 }];
        if sys::poll(&mut first, Some(Timespec::from_ns(BEGIN_WITHIN_NS))) == Ok(0) {
            sys::exit(3);
        }
        let descriptors = raise_limit().map_err(at(proto::STEP_DESCRIPTORS))?;
        let epoll = sys::epoll_create().map_err(at(proto::STEP_EPOLL))?;
        sys::epoll_add(epoll, CONTROL, EPOLLIN, DATA_CONTROL).map_err(at(proto::STEP_EPOLL))?;
        let table = Table::new().map_err(at(proto::STEP_MEMORY))?;
        // Finds out now, and not when a process ends, what an inherited seccomp filter forbids.
        allowed(sys::shutdown(-1), EBADF).map_err(at(proto::STEP_SHUTDOWN))?;
        allowed(sys::pidfd_signal(-1, 0, 0), EBADF).map_err(at(proto::STEP_SIGNAL))?;
        allowed(sys::close(-1), EBADF).map_err(at(proto::STEP_CLOSE))?;
        allowed(sys::probe_remap(), EINVAL).map_err(at(proto::STEP_MEMORY))?;
        let [real, effective, saved] = sys::user_ids();
        Ok(Self {
            epoll,
            controlled: true,
            creator: -1,
            creator_pid: 0,
            table,
            leaves: Leaves::new(),
            recent: [0; 4],
            promised: 0,
            holds: 0,
            leave_when_idle: false,
            refused: 0,
            trouble: None,
            descriptors,
            sweep_at: SWEEP_FROM,
            next: u64::MAX,
            uid: real,
            no_signals: real != effective || real != saved,
        })
    }

    fn serve(&mut self) -> ! {
        let mut events = [EpollEvent::default(); EVENTS];
        loop {
            self.table.recycle(self.promised);
            let idle = self.table.live == 0 && self.leaves.live == 0;
            if idle && !self.controlled {
                sys::exit(0);
            }
            let linger = idle && self.leave_when_idle && self.holds == 0;
            let looks = self.has_lone_leaf();
            let timeout = match (linger, looks) {
                (true, _) => proto::LINGER_MS as i32,
                (_, true) => LOOK_MS.min(self.until_next() as u32) as i32,
                _ => self.until_next(),
            };
            let count = match sys::epoll_wait(self.epoll, &mut events, timeout) {
                Ok(count) => count,
                Err(EINTR) => continue,
                Err(_) => sys::exit(2),
            };
            for event in events.iter().take(count) {
                let data = event.data;
                match data {
                    _ if data & DATA_LEAF != 0 => self.leaf_event((data ^ DATA_LEAF) as usize),
                    DATA_CONTROL => self.requests(Take::One),
                    DATA_CREATOR => self.requests(Take::Last),
                    _ => self.pair_event(data.wrapping_sub(DATA_PAIRS)),
                }
            }
            if looks {
                self.look_at_leaves();
            }
            if linger && count == 0 {
                self.leave();
            }
            if self.next != u64::MAX {
                self.signals_in_time();
            }
        }
    }

    /// Milliseconds until the next signal that a time brings, -1 when none is pending.
    fn until_next(&self) -> i32 {
        if self.next == u64::MAX {
            return -1;
        }
        let ms = self.next.saturating_sub(sys::now()).div_ceil(1_000_000);
        if ms > i32::MAX as u64 { i32::MAX } else { ms as i32 }
    }

    fn pair_event(&mut self, which: u64) {
        let slot = (which / 2) as u32;
        if which % 2 == 0 {
            self.released(slot);
        } else {
            self.ended(slot);
        }
    }

    /// The process has ended.
    pub(crate) fn ended(&mut self, slot: u32) {
        let Some(&mut pair) = self.table.pair(slot) else { return };
        if pair.early {
            // CONFIRM or DROP decides about it.
            return;
        }
        // Before the hang-up: a holder that is told finds an empty cgroup removed.
        self.arm_leaf(pair.id);
        let rest = self.has_leaf(pair.id) && (pair.first != 0 || pair.second != 0 || pair.limit_at != NEVER);
        if pair.b >= 0 {
            let _ = sys::shutdown(pair.b);
        } else if pair.pending && pair.to_group {
            // The rest of its group still gets the second signal.
            return;
        }
        if rest {
            // So does the rest of its cgroup, and the first one.
            if let Some(pair) = self.table.pair(slot) {
                pair.ended = true;
            }
            return;
        }
        // The pidfd is in the epoll for one event only, so the epoll has dropped it.
        self.let_go(pair.b, pair.b_watched);
        let _ = sys::close(pair.pidfd);
        self.table.remove(slot);
    }

    /// The last procfd has been closed.
    fn released(&mut self, slot: u32) {
        if self.table.pair(slot).is_some_and(|p| p.first != 0 || p.second != 0) {
            // A change of the policy from before the close is in the queue by now.
            self.requests(Take::All);
        }
        let Some(pair) = self.table.pair(slot) else { return };
        if pair.b < 0 || !sys::is_gone(pair.b) {
            return;
        }
        let (first, second) = (pair.first, pair.second);
        self.signal(slot, first);
        let Some(pair) = self.table.pair(slot) else { return };
        if second != 0 {
            pair.pending = true;
            pair.when = sys::now().saturating_add(pair.when);
            self.next = self.next.min(pair.when);
        }
        if !pair.is_due() {
            self.forget(slot);
            return;
        }
        let (b, b_watched) = (pair.b, pair.b_watched);
        pair.b = -1;
        self.let_go(b, b_watched);
    }

    fn signals_in_time(&mut self) {
        let now = sys::now();
        if now < self.next {
            return;
        }
        let mut next = u64::MAX;
        for slot in 0..self.table.len() {
            let Some(pair) = self.table.pair(slot) else { continue };
            if pair.pending && pair.when <= now {
                pair.pending = false;
                let second = pair.second;
                self.signal(slot, second);
            }
            self.time_is_over(slot, now);
            let Some(pair) = self.table.pair(slot) else { continue };
            if pair.pending {
                next = next.min(pair.when);
            }
            next = next.min(pair.limit_at);
            if pair.b < 0 && !pair.is_due() {
                self.forget(slot);
            }
        }
        self.next = next;
    }

    /// The signals of a time limit. A stopped process gets them too.
    fn time_is_over(&mut self, slot: u32, now: u64) {
        let Some(pair) = self.table.pair(slot) else { return };
        if pair.limit_at > now {
            return;
        }
        let signal = core::mem::replace(&mut pair.limit_first, pair.limit_second);
        pair.limit_second = 0;
        pair.limit_at = match pair.limit_first {
            0 => NEVER,
            _ => now.saturating_add(pair.limit_delay).min(NEVER - 1),
        };
        self.signal_in(slot, signal, 0);
        if i32::from(signal) != SIGKILL {
            self.signal_in(slot, SIGCONT as u8, 0);
        }
    }

    /// Sends a signal of a policy.
    fn signal(&mut self, slot: u32, signal: u8) {
        const PROCESS_GROUP: u32 = 4;
        let to_group = self.table.pair(slot).is_some_and(|pair| pair.to_group);
        self.signal_in(slot, signal, if to_group { PROCESS_GROUP } else { 0 });
    }

    /// SIGKILL reaches the whole cgroup that was made for the process.
    fn signal_in(&mut self, slot: u32, signal: u8, flags: u32) {
        let Some(&mut pair) = self.table.pair(slot) else { return };
        if signal == 0 {
            return;
        }
        if sys::pidfd_signal(pair.pidfd, i32::from(signal), flags) == Err(EINVAL) && flags != 0 {
            // Before Linux 6.9 there is no scope. The process itself gets the signal.
            let _ = sys::pidfd_signal(pair.pidfd, i32::from(signal), 0);
        }
        if i32::from(signal) == SIGKILL {
            self.kill_leaf(pair.id);
        }
    }

    /// Forgets the pairs without a holder that are not in the epoll.
    pub(crate) fn sweep(&mut self) {
        let mut fds = [PollFd { fd: -1, events: 0, revents: 0 }; 16];
        let mut from = 0;
        while from < self.table.len() {
            for (fd, slot) in fds.iter_mut().zip(from..) {
                fd.fd = self.table.pair(slot).map_or(-1, |p| p.b);
            }
            if sys::poll(&mut fds, Some(Timespec::default())).is_err() {
                return;
            }
            for (fd, slot) in fds.iter().zip(from..) {
                if fd.revents != 0 {
                    self.released(slot);
                }
            }
            from = from.saturating_add(fds.len() as u32);
        }
        self.sweep_at = self.table.live.saturating_mul(2).max(SWEEP_FROM);
    }
}

/// Checks that a call that must fail has failed in the expected way.
fn allowed(done: Result<(), Errno>, expected: Errno) -> Result<(), Errno> {
    match done {
        Err(errno) if errno != expected => Err(errno),
        _ => Ok(()),
    }
}

/// Raises the descriptor limit to the hard limit, and with CAP_SYS_RESOURCE to the kernel's default of `fs.nr_open`.
fn raise_limit() -> Result<u64, Errno> {
    const HIGHEST: u64 = 1 << 20;
    let old = sys::limit_descriptors(None)?;
    let mut best = sys::RLimit64 { cur: old.max.max(HIGHEST), max: old.max.max(HIGHEST) };
    if sys::limit_descriptors(Some(&best)).is_err() {
        best = sys::RLimit64 { cur: old.max, max: old.max };
        if sys::limit_descriptors(Some(&best)).is_err() {
            best = old;
        }
    }
    Ok(best.cur)
}
