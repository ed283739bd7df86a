// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Kill on last close, held by the kernel.
//!
//! The fuse is B, the peer of the procfd A. B carries `O_ASYNC`, an owner (the process or its group) and a
//! signal. The start message carries `[pidfd, B]`, so B lies in flight in A's own queue. When the last
//! descriptor of A goes away, for whatever reason, the kernel first wakes the owner of A's peer, which sends
//! the signal. Only then does it throw A's queue away, and B with it (unix_release_sock).
//!
//! B is shut for reading from the start: a send into it fails, so no write can fire it.
//!
//! A holder that looks at the queue duplicates the pidfd only. A duplicate of B, which [`change`] needs, does
//! no harm: the close of A fires the fuse, even if a holder keeps B open.
//!
//! Until the start is published, B is open in the creator alone. A dying process releases its highest
//! descriptor first, so [`pair::marked`](crate::pair::marked) gives B the lower number.

use std::os::fd::BorrowedFd;

use crate::settings::ClosePolicy;
use crate::sys::{self, Errno, F_OWNER_PGRP, F_OWNER_PID, FOwnerEx, O_ASYNC, Result};

/// Arms or changes the fuse for the process or group `id`. `None` disarms it.
///
/// On ESRCH (no such process) the fuse is disarmed. On any other error it stays as it was.
pub(crate) fn change(b: BorrowedFd<'_>, policy: Option<ClosePolicy>, id: i32) -> Result<()> {
    let Some(policy) = policy else {
        return sys::fd::set_flags(b, 0);
    };
    let before = Armed::read(b)?;
    arm(b, policy, id).inspect_err(|e| before.restore(b, *e))
}

fn arm(b: BorrowedFd<'_>, policy: ClosePolicy, id: i32) -> Result<()> {
    let kind = if policy.group { F_OWNER_PGRP } else { F_OWNER_PID };
    sys::fd::set_sig(b, policy.signal)?;
    sys::fd::set_owner(b, FOwnerEx { kind, pid: id })?;
    sys::fd::set_flags(b, O_ASYNC)
}

/// The setting of a fuse.
pub(crate) struct Armed {
    signal: i32,
    owner: FOwnerEx,
    flags: i32,
}

impl Armed {
    pub(crate) fn read(b: BorrowedFd<'_>) -> Result<Self> {
        Ok(Self { signal: sys::fd::sig(b)?, owner: sys::fd::owner(b)?, flags: sys::fd::flags(b)? & O_ASYNC })
    }

    /// Puts it back after an error. With ESRCH there is no process to signal: the fuse is disarmed.
    pub(crate) fn restore(&self, b: BorrowedFd<'_>, error: Errno) {
        let disarmed = error == Errno(libc::ESRCH) || self.flags == 0;
        let back = || {
            sys::fd::set_sig(b, self.signal)?;
            sys::fd::set_owner(b, FOwnerEx { kind: self.owner.kind, pid: self.owner.pid })?;
            sys::fd::set_flags(b, O_ASYNC)
        };
        if disarmed || back().is_err() {
            let _ = sys::fd::set_flags(b, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    fn policy(signal: i32, group: bool) -> ClosePolicy {
        ClosePolicy { signal, then: None, group }
    }

    /// The signal, the owner, and whether it is armed.
    fn state(b: BorrowedFd<'_>) -> (i32, i32, i32, bool) {
        let Armed { signal, owner, flags } = Armed::read(b).unwrap();
        (signal, owner.kind, owner.pid, flags != 0)
    }

    #[test]
    fn a_fuse_is_armed_changed_and_disarmed() {
        let (b, _a) = sys::sock::pair().unwrap();
        let (b, own) = (b.as_fd(), sys::task::pid());
        assert!(!state(b).3);
        change(b, Some(policy(libc::SIGURG, false)), own).unwrap();
        assert_eq!(state(b), (libc::SIGURG, F_OWNER_PID, own, true));
        let group = sys::task::group_of(own).unwrap();
        change(b, Some(policy(libc::SIGWINCH, true)), group).unwrap();
        assert_eq!(state(b), (libc::SIGWINCH, F_OWNER_PGRP, group, true));
        change(b, None, 0).unwrap();
        assert!(!state(b).3);
    }

    #[test]
    fn after_an_error_it_is_what_it_was_and_without_a_process_disarmed() {
        let (b, _a) = sys::sock::pair().unwrap();
        let (b, own) = (b.as_fd(), sys::task::pid());
        change(b, Some(policy(libc::SIGURG, false)), own).unwrap();
        let before = Armed::read(b).unwrap();
        let was = state(b);
        change(b, Some(policy(libc::SIGWINCH, true)), sys::task::group_of(own).unwrap()).unwrap();
        before.restore(b, Errno(libc::EMFILE));
        assert_eq!(state(b), was);
        // No process has this pid.
        let error = change(b, Some(policy(libc::SIGWINCH, false)), i32::MAX);
        assert_eq!(error, Err(Errno(libc::ESRCH)));
        assert!(!state(b).3);
    }
}
