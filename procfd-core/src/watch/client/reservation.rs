// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The room that the watcher has promised for one process, and what it is given for it.

use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{AddError, Client, Policy};
use crate::leaves::Leaf;
use crate::sys::bare::{self, EPERM, Errno};
use crate::watch::proto;

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
    pub(super) fn new(client: Arc<Client>) -> Self {
        Self { client, open: true, entered: None, leaf: None }
    }

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
