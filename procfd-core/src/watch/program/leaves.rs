// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The table of cgroups that were made for one process each.

use crate::proto;
use crate::sys::{Errno, Pages};

/// Descriptors of one cgroup.
pub(crate) const DESCRIPTORS: u64 = 3;
/// In the epoll data of a cgroup; the rest is its entry.
pub(crate) const DATA_LEAF: u64 = 1 << 63;

#[derive(Clone, Copy)]
pub(crate) struct Leaf {
    /// Of its pair.
    pub(crate) id: u64,
    pub(crate) parent: i32,
    /// -1 in a free entry.
    pub(crate) dir: i32,
    pub(crate) events: i32,
    /// Its process has started, or never will: it is removed when it is empty.
    pub(crate) armed: bool,
    pub(crate) name: [u8; proto::NAME],
}

/// The cgroups. Without any they take no memory.
pub(crate) struct Leaves {
    all: Option<Pages<Leaf>>,
    pub(crate) live: u32,
}

impl Leaves {
    pub(crate) const fn new() -> Self {
        Self { all: None, live: 0 }
    }

    /// The descriptors in use.
    pub(crate) fn descriptors(&self) -> u64 {
        u64::from(self.live).saturating_mul(DESCRIPTORS)
    }

    pub(crate) fn len(&self) -> usize {
        self.all.as_ref().map_or(0, Pages::len)
    }

    pub(crate) fn get(&mut self, index: usize) -> Option<&mut Leaf> {
        self.all.as_mut()?.get(index).filter(|leaf| leaf.dir >= 0)
    }

    pub(crate) fn find(&mut self, id: u64) -> Option<usize> {
        if self.live == 0 {
            return None;
        }
        (0..self.len()).find(|&index| self.get(index).is_some_and(|leaf| leaf.id == id))
    }

    /// Enters one, and returns its entry. ENOMEM.
    pub(crate) fn insert(&mut self, leaf: Leaf) -> Result<usize, Errno> {
        let all = match &mut self.all {
            Some(all) => all,
            none => none.insert(Pages::new()?),
        };
        let len = all.len();
        let free = (0..len).find(|&index| all.get(index).is_some_and(|leaf| leaf.dir < 0));
        let index = free.unwrap_or(len);
        if !all.write(index, leaf) {
            let pages = all.pages();
            all.resize(pages.saturating_mul(2))?;
            all.write(index, leaf);
        }
        self.live = self.live.wrapping_add(1);
        Ok(index)
    }
}
