// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Cgroups that were made for one process each: removed when they are empty, killed with SIGKILL of a policy.
//!
//! A cgroup stays after its process as long as others run in it. Its `cgroup.events` is in the epoll.

use core::ffi::CStr;

use crate::leaves::{DATA_LEAF, DESCRIPTORS, Leaf};
use crate::proto::{self, Request};
use crate::state::{SPARE, Watcher};
use crate::sys::{self, EINVAL, EMFILE, EPERM, EPOLLPRI, Errno, Received, cgroup};

impl Watcher {
    /// Takes a cgroup, whose name follows the request.
    pub(crate) fn add_leaf(&mut self, request: &Request, got: &Received, name: &[u8]) -> Result<(), Errno> {
        let [parent, dir] = got.fds;
        if parent < 0 || dir < 0 {
            return Err(EMFILE);
        }
        let Some(taken) =
            name.get(..proto::NAME.min(name.len())).filter(|n| CStr::from_bytes_with_nul(n).is_ok())
        else {
            return Err(EINVAL);
        };
        // What it may remove and kill is the creator's, which may have given up privileges.
        if !self.may_signal(got) || !self.keeps_no_more(got, sys::CAP_DAC_OVERRIDE) {
            return Err(EPERM);
        }
        let used = self.taken().saturating_mul(2).saturating_add(self.leaves.descriptors());
        if used.saturating_add(DESCRIPTORS).saturating_add(SPARE) > self.descriptors {
            return Err(EMFILE);
        }
        let events = cgroup::open_events(dir)?;
        let mut leaf = Leaf { id: request.id, parent, dir, events, armed: false, name: [0; proto::NAME] };
        for (to, &byte) in leaf.name.iter_mut().zip(taken) {
            *to = byte;
        }
        let entered = self.leaves.insert(leaf).and_then(|index| {
            sys::epoll_add(self.epoll, events, EPOLLPRI, DATA_LEAF | index as u64).inspect_err(|_| {
                if let Some(leaf) = self.leaves.get(index) {
                    leaf.dir = -1;
                    self.leaves.live = self.leaves.live.wrapping_sub(1);
                }
            })
        });
        if entered.is_err() {
            let _ = sys::close(events);
        }
        entered
    }

    /// Whether a pair has a cgroup.
    pub(crate) fn has_leaf(&mut self, id: u64) -> bool {
        self.leaves.find(id).is_some()
    }

    /// The creation has failed, and the client removes the cgroup.
    pub(crate) fn drop_leaf(&mut self, id: u64) {
        if let Some(index) = self.leaves.find(id) {
            self.let_leaf_go(index);
        }
    }

    /// Removes the cgroup of a pair when it is empty, from now on.
    pub(crate) fn arm_leaf(&mut self, id: u64) {
        if let Some(index) = self.leaves.find(id) {
            if let Some(leaf) = self.leaves.get(index) {
                leaf.armed = true;
            }
            self.remove_leaf(index);
        }
    }

    /// The same for all: the creator has ended.
    pub(crate) fn arm_leaves(&mut self) {
        for index in 0..self.leaves.len() {
            if let Some(leaf) = self.leaves.get(index) {
                leaf.armed = true;
                self.remove_leaf(index);
            }
        }
    }

    /// The cgroup has become empty, or has processes again.
    pub(crate) fn leaf_event(&mut self, index: usize) {
        let Some(&mut leaf) = self.leaves.get(index) else { return };
        // The file reports the next change once it is read.
        if !cgroup::is_populated(leaf.events).unwrap_or(false) && leaf.armed {
            self.remove_leaf(index);
        }
    }

    /// Whether there is a cgroup of which no event need come. The client went before its process was known here, so a
    /// successor removes it. The kernel drops the event of a file that goes within 10 ms of an earlier event.
    pub(crate) fn has_lone_leaf(&mut self) -> bool {
        !self.controlled
            && (0..self.leaves.len()).any(|index| {
                let id = self.leaves.get(index).map(|leaf| leaf.id);
                let slot = id.and_then(|id| self.find(id));
                let process = slot.and_then(|slot| self.table.pair(slot).map(|pair| pair.has_process()));
                id.is_some() && process != Some(true)
            })
    }

    /// Removes the cgroups that are empty, or gone.
    pub(crate) fn look_at_leaves(&mut self) {
        for index in 0..self.leaves.len() {
            self.leaf_event(index);
        }
    }

    /// SIGKILL to all in the cgroup of a pair.
    pub(crate) fn kill_leaf(&mut self, id: u64) {
        if let Some(index) = self.leaves.find(id) {
            if let Some(leaf) = self.leaves.get(index) {
                let _ = cgroup::kill_all(leaf.dir);
            }
        }
    }

    /// Removes a cgroup, unless it has processes.
    fn remove_leaf(&mut self, index: usize) {
        // It may become empty behind the first try.
        for _ in 0..2 {
            let Some(&mut leaf) = self.leaves.get(index) else { return };
            let Ok(name) = CStr::from_bytes_until_nul(&leaf.name) else { return };
            if cgroup::remove(leaf.parent, name, leaf.dir).is_ok() {
                break;
            }
            if cgroup::is_populated(leaf.events).unwrap_or(false) {
                return;
            }
        }
        // Removed; or it cannot be, and no event would say that it can.
        self.let_leaf_go(index);
    }

    fn let_leaf_go(&mut self, index: usize) {
        let Some(leaf) = self.leaves.get(index) else { return };
        let gone = *leaf;
        leaf.dir = -1;
        self.leaves.live = self.leaves.live.wrapping_sub(1);
        self.let_go(gone.events, true);
        self.let_go(gone.dir, false);
        self.let_go(gone.parent, false);
        if let Some(slot) = self.find(gone.id) {
            if self.table.pair(slot).is_some_and(|pair| pair.ended) {
                self.forget(slot);
            }
        }
    }
}
