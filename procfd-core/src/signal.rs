// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Signals to a process by its pidfd, and its close policy.

use std::os::fd::{AsFd, BorrowedFd};

use crate::fuse::Armed;
use crate::pair::{self, Kind};
use crate::procfd::{self, Published};
use crate::settings::{ClosePolicy, SIGNAL_MAX, Scope};
use crate::sys::{self, Errno, PIDFD_SIGNAL_PROCESS_GROUP, PIDFD_SIGNAL_THREAD, Result};
use crate::{contexts, fuse, wait};

/// Sends a signal; 0 only checks. EINVAL: no such signal. ESRCH: the process is reaped. EPERM: you may not signal it.
/// EOPNOTSUPP: a scope other than the process, on a kernel before 6.9.
pub(crate) fn send(pidfd: BorrowedFd<'_>, signal: i32, scope: Scope, value: Option<u64>) -> Result<()> {
    if !(0..=SIGNAL_MAX).contains(&signal) {
        return Err(Errno(libc::EINVAL));
    }
    let flags = match scope {
        Scope::Process => 0,
        Scope::Thread => PIDFD_SIGNAL_THREAD,
        Scope::ProcessGroup => PIDFD_SIGNAL_PROCESS_GROUP,
    };
    match sys::pidfd::send_signal(pidfd, signal, value, flags) {
        // The signal is valid. An older kernel does not know the flag, and checks it before the process and the
        // permission.
        Err(Errno(libc::EINVAL)) if flags != 0 => {
            sys::pidfd::send_signal(pidfd, 0, None, 0)?;
            Err(Errno(libc::EOPNOTSUPP))
        }
        done => done,
    }
}

/// Changes the close policy of the process whose procfd is `a`. On an error the policy stays as it was, except
/// that ESRCH disarms it.
///
/// EOPNOTSUPP: the process was started without a policy, or a second signal without a watcher or by another
/// than the opener; EPERM: you may not signal it; ESRCH: there is no process (any more); EMFILE: no room for the
/// two descriptors that this opens for a moment.
pub(crate) fn change_close(a: BorrowedFd<'_>, policy: Option<ClosePolicy>) -> Result<()> {
    match pair::kind(a)? {
        Kind::Procfd => {}
        Kind::Placeholder => return Err(Errno(libc::ESRCH)),
        Kind::Other => return Err(Errno(libc::EINVAL)),
    }
    let (pidfd, b) = match procfd::look::<2>(a)? {
        Published::Not => return Err(Errno(libc::ESRCH)),
        // The built-in init keeps the policy it was started with.
        Published::Started { init: true, .. } => return Err(Errno(libc::EOPNOTSUPP)),
        Published::Started { fds: [Some(pidfd), b], .. } => (pidfd, b),
        Published::Started { fds: [None, _], .. } => return Err(Errno(libc::EMFILE)),
    };
    if policy.is_some() {
        sys::pidfd::send_signal(pidfd.as_fd(), 0, None, 0)?;
    }
    let Some(b) = b else {
        return if contexts::change_policy(a, policy)? { Ok(()) } else { Err(Errno(libc::EOPNOTSUPP)) };
    };
    let before = Armed::read(b.as_fd())?;
    own(pidfd.as_fd(), b.as_fd(), policy)?;
    // The watcher belongs to the opener, and so does the second signal.
    contexts::change_policy(a, policy).map(drop).inspect_err(|e| before.restore(b.as_fd(), *e))
}

/// Arms B for the process, by its pid. The process is not reaped afterwards, so the pid was its own.
pub(crate) fn own(pidfd: BorrowedFd<'_>, b: BorrowedFd<'_>, policy: Option<ClosePolicy>) -> Result<()> {
    let alive = || sys::pidfd::send_signal(pidfd, 0, None, 0);
    let before = Armed::read(b)?;
    alive()?;
    let id = match policy {
        None => 0,
        Some(ClosePolicy { group: false, .. }) => wait::pid(pidfd)?,
        Some(ClosePolicy { group: true, .. }) => sys::task::group_of(wait::pid(pidfd)?)?,
    };
    fuse::change(b, policy, id)?;
    alive().inspect_err(|e| before.restore(b, *e))
}
