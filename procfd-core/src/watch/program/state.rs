// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The state of the watcher, and how it closes descriptors.

use crate::leaves::Leaves;
use crate::proto::{self, Reply};
use crate::sys::{self, EPOLLET, Errno};
use crate::table::Table;

/// The control socket.
pub(crate) const CONTROL: i32 = 0;
/// The epoll data of the control socket and of the creator; those of pairs follow.
pub(crate) const DATA_CONTROL: u64 = 0;
pub(crate) const DATA_CREATOR: u64 = 1;
pub(crate) const DATA_PAIRS: u64 = 2;

/// The number of descriptors besides the pairs: control, epoll, creator, and a few of a message.
pub(crate) const SPARE: u64 = 8;

pub(crate) struct Watcher {
    pub(crate) epoll: i32,
    /// Whether the control socket is open.
    pub(crate) controlled: bool,
    /// The creator's pidfd, and its pid as messages attest it; -1 and 0 before BEGIN.
    pub(crate) creator: i32,
    pub(crate) creator_pid: i32,
    pub(crate) table: Table,
    pub(crate) leaves: Leaves,
    /// The entries of the latest pairs.
    pub(crate) recent: [u32; 4],
    /// Pairs that are promised and have not come yet.
    pub(crate) promised: u32,
    pub(crate) holds: u32,
    pub(crate) leave_when_idle: bool,
    /// Pairs that came and could not be watched, and why the last of them.
    pub(crate) refused: u32,
    pub(crate) trouble: Option<Errno>,
    pub(crate) descriptors: u64,
    /// The number of pairs at which the watcher looks for pairs without a holder.
    pub(crate) sweep_at: u32,
    /// The earliest `when` of a pending pair or `limit_at`, or earlier.
    pub(crate) next: u64,
    pub(crate) uid: u32,
    pub(crate) no_signals: bool,
}

impl Watcher {
    pub(crate) fn forget(&mut self, slot: u32) {
        let Some(&mut pair) = self.table.pair(slot) else { return };
        self.let_go(pair.b, pair.b_watched);
        if pair.has_process() {
            self.let_go(pair.pidfd, true);
        }
        self.table.remove(slot);
    }

    /// Removes it from the epoll first: the file stays open elsewhere, so the close would not end the watch.
    pub(crate) fn let_go(&self, fd: i32, watched: bool) {
        if fd >= 0 {
            if watched {
                sys::epoll_remove(self.epoll, fd);
            }
            let _ = sys::close(fd);
        }
    }

    /// Has the epoll report the close of the last procfd, which is a hang-up. It reports each change once, since a
    /// holder's shutdown(2) is a lasting hang-up too.
    pub(crate) fn watch_b(&mut self, slot: u32) -> Result<(), Errno> {
        let epoll = self.epoll;
        match self.table.pair(slot) {
            Some(pair) if pair.b >= 0 && !pair.b_watched => {
                sys::epoll_add(epoll, pair.b, EPOLLET, data_of(slot))?;
                pair.b_watched = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The entry of a pair. Looks at the latest entries first.
    pub(crate) fn find(&mut self, id: u64) -> Option<u32> {
        let recent = self.recent;
        let all = recent.into_iter().chain((0..self.table.len()).rev());
        all.into_iter().find(|&slot| self.table.pair(slot).is_some_and(|p| p.id == id))
    }
}

/// The epoll data of B of a pair; that of its pidfd is one more.
pub(crate) fn data_of(slot: u32) -> u64 {
    u64::from(slot).wrapping_mul(2).wrapping_add(DATA_PAIRS)
}

/// Answers the client.
pub(crate) fn say(mut reply: Reply) {
    reply.magic = proto::MAGIC;
    // The client waits for at most one answer, so the queue has room for it. A client that has gone needs none.
    let _ = sys::send(CONTROL, &reply.to_bytes(), &[]);
}
