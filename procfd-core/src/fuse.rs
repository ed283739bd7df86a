// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Kill on last close, held by the kernel.
//!
//! A socket pair, K1 and K2. K2 carries `O_ASYNC`, an owner (the process or its group) and a
//! signal. It lies in flight in K1's own receive queue, and K1 lies in flight in the procfd's. When
//! the last procfd goes away, for whatever reason, its queue is emptied, K1 is closed, K2 is hung
//! up, and the kernel sends the signal. Until it is published the creator alone holds K1, so the
//! creator's end fires it too.
//!
//! The start message carries `[pidfd, K2, K1]`. A look at it duplicates only the pidfd; K2, which
//! may be held by anybody without harm, is what [`change`] looks for; K1 is never duplicated, so no
//! holder can keep a fuse from firing, not even one that forks while it looks.

use std::os::fd::{AsFd, BorrowedFd};

use crate::forks::Private;
use crate::settings::ClosePolicy;
use crate::sys::{self, F_OWNER_PGRP, F_OWNER_PID, O_ASYNC, Result};

/// A fuse that is not armed yet.
#[derive(Debug)]
pub(crate) struct Fuse {
    pub k1: Private,
    pub k2: Private,
}

impl Fuse {
    pub(crate) fn new() -> Result<Self> {
        let (k1, k2) = Private::pair(sys::sock::pair)?;
        // Nothing that is written to K1 shall reach K2 and fire it.
        sys::sock::shutdown_read(k2.as_fd())?;
        sys::sock::send(k2.as_fd(), b"K", &[k2.as_fd()])?;
        Ok(Self { k1, k2 })
    }
}

/// Arms, changes or disarms (`None`) the fuse whose K2 is given, for the process or group `id`.
pub(crate) fn change(k2: BorrowedFd<'_>, policy: Option<ClosePolicy>, id: i32) -> Result<()> {
    let Some(policy) = policy else {
        return sys::fd::set_flags(k2, 0);
    };
    let kind = if policy.group { F_OWNER_PGRP } else { F_OWNER_PID };
    sys::fd::set_sig(k2, policy.signal)?;
    sys::fd::set_owner(k2, kind, id)?;
    sys::fd::set_flags(k2, O_ASYNC)
}
