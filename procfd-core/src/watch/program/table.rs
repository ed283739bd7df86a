// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The watched pairs: an array that grows by pages, and shrinks to one when it is empty.

use crate::sys::{EMFILE, Pages, Result};

/// One watched process.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Pair {
    /// The client's id of the process. In a free entry, the number of the next free one.
    pub(crate) id: u64,
    /// In nanoseconds: the delay of the second signal while a procfd is open, then its time.
    pub(crate) when: u64,
    /// When `limit_first` is due; [`NEVER`] without a limit.
    pub(crate) limit_at: u64,
    /// From there to `limit_second`.
    pub(crate) limit_delay: u64,
    /// -1 when the last procfd has been closed.
    pub(crate) b: i32,
    /// -1 in a free entry; the number of `b` before the process is known.
    pub(crate) pidfd: i32,
    pub(crate) first: u8,
    pub(crate) second: u8,
    pub(crate) to_group: bool,
    /// The second signal is due at `when`.
    pub(crate) pending: bool,
    /// B is in the epoll.
    pub(crate) b_watched: bool,
    /// The start is not published yet: no holder may get the exit.
    pub(crate) early: bool,
    /// The process has ended; the close of the last procfd is for the rest of its cgroup.
    pub(crate) ended: bool,
    pub(crate) limit_first: u8,
    pub(crate) limit_second: u8,
}

const NONE: u64 = u64::MAX;
/// No time limit.
pub(crate) const NEVER: u64 = u64::MAX;

const _: () = assert!(size_of::<Pair>() == 56);

pub(crate) struct Table {
    /// The number of entries used since the table was last empty.
    pairs: Pages<Pair>,
    free: u64,
    /// Entries that were freed since the last `recycle`.
    freed: u64,
    pub(crate) live: u32,
}

impl Table {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { pairs: Pages::new()?, free: NONE, freed: NONE, live: 0 })
    }

    /// Makes room for `count` pairs altogether. ENOMEM
    pub(crate) fn make_room(&mut self, count: u32) -> Result<()> {
        let pages = Pages::<Pair>::pages_for(count as usize);
        if pages > self.pairs.pages() {
            // By half as much again, so that growing to n pairs copies few page tables.
            self.pairs.resize(if pages > 4 { pages + pages / 2 } else { pages })?;
        }
        Ok(())
    }

    /// Enters a pair, and returns its entry.
    pub(crate) fn insert(&mut self, pair: Pair) -> Result<u32> {
        let reused = self.free != NONE;
        let slot = if reused { self.free as u32 } else { self.len() };
        let next = self.pairs.get(slot as usize).map_or(NONE, |p| p.id);
        if !self.pairs.write(slot as usize, pair) {
            return Err(EMFILE);
        }
        if reused {
            self.free = next;
        }
        self.live = self.live.wrapping_add(1);
        Ok(slot)
    }

    /// The pair of an entry, if there is one.
    pub(crate) fn pair(&mut self, slot: u32) -> Option<&mut Pair> {
        self.pairs.get(slot as usize).filter(|p| p.pidfd >= 0)
    }

    /// Frees an entry. The table does not use it again before the next `recycle`, so that another event of the same
    /// batch finds no pair.
    pub(crate) fn remove(&mut self, slot: u32) {
        let freed = self.freed;
        if let Some(pair) = self.pair(slot) {
            pair.b = -1;
            pair.pidfd = -1;
            pair.pending = false;
            pair.limit_at = NEVER;
            pair.id = freed;
            self.freed = u64::from(slot);
            self.live = self.live.wrapping_sub(1);
        }
    }

    /// Makes freed entries usable again, between two batches of events. If no pair is left, gives back the memory,
    /// except for `promised` pairs.
    pub(crate) fn recycle(&mut self, promised: u32) {
        if self.live == 0 {
            self.pairs.clear();
            self.free = NONE;
            self.freed = NONE;
            let needed = Pages::<Pair>::pages_for(promised as usize);
            if self.pairs.pages() > needed {
                let _ = self.pairs.resize(needed);
            }
        }
        while self.freed != NONE {
            let (slot, free) = (self.freed, self.free);
            let Some(entry) = self.pairs.get(slot as usize) else { return };
            let next = core::mem::replace(&mut entry.id, free);
            self.free = slot;
            self.freed = next;
        }
    }

    /// The number of entries to go through with `pair`.
    pub(crate) fn len(&self) -> u32 {
        self.pairs.len() as u32
    }
}

impl Pair {
    pub(crate) fn new(id: u64, b: i32, pidfd: i32) -> Self {
        Self {
            id,
            when: 0,
            b,
            pidfd,
            first: 0,
            second: 0,
            to_group: false,
            pending: false,
            b_watched: false,
            early: false,
            ended: false,
            limit_at: NEVER,
            limit_delay: 0,
            limit_first: 0,
            limit_second: 0,
        }
    }

    /// Whether a signal is to come once the last procfd is closed.
    pub(crate) fn is_due(&self) -> bool {
        self.pending || self.limit_at != NEVER
    }

    /// Whether the process is known.
    pub(crate) fn has_process(&self) -> bool {
        self.pidfd != self.b
    }
}
