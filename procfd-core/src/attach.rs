// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Binding a fresh context to a process that already runs.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use crate::config::ClosePolicy;
use crate::error::{Error, Stage};
use crate::fuse::Fuse;
use crate::private::Private;
use crate::registry::{OpenFlags, Opened, State};
use crate::sys::{self, Errno};
use crate::{procfd, signal, wait};

/// `PROC_ATTACH`: gives the process a procfd, with the context's close policy. Returns its pid.
pub(crate) fn attach(opened: &Opened, pidfd: BorrowedFd<'_>) -> Result<i32, Error> {
    if !opened.is_mine() {
        return Err(Error::config(libc::EPERM, "a context that another process opened"));
    }
    let mut state = opened.state();
    if state.started {
        return Err(Error::config(libc::EBUSY, "a context that has been started"));
    }
    let done = attempt(opened, &mut state, pidfd);
    state.error = done.as_ref().err().cloned();
    done
}

fn attempt(opened: &Opened, state: &mut State, fd: BorrowedFd<'_>) -> Result<i32, Error> {
    let failed = |e: Errno| Error::new(Stage::ATTACH, 0, e, format_args!("to descriptor {}", fd.as_raw_fd()));
    let target = procfd::resolve(fd).map_err(failed)?;
    let pidfd = target.pidfd().map_err(failed)?;
    let pid = wait::pid(pidfd).map_err(failed)?;
    let fuse = match state.config.close {
        Some(policy) => Some(armed(pidfd, pid, policy).map_err(failed)?),
        None => None,
    };
    // Not a child of ours, perhaps: then reaping it does nothing.
    let reap = match state.config.close.is_some() || opened.flags.contains(OpenFlags::AUTOREAP) {
        true => Some(Private::new(|| sys::fd::dup_cloexec(pidfd)).map_err(failed)?),
        false => None,
    };
    procfd::publish(opened.b(), pidfd, fuse.as_ref()).map_err(failed)?;
    state.reap = reap;
    state.started = true;
    Ok(pid)
}

fn armed(pidfd: BorrowedFd<'_>, pid: i32, policy: ClosePolicy) -> sys::Result<Fuse> {
    if procfd::is_namespace_init(pid) {
        // The kernel protects it from the signal of a fuse.
        return Err(Errno(libc::EOPNOTSUPP));
    }
    let fuse = Fuse::new()?;
    signal::own(pidfd, fuse.k2.as_fd(), Some(policy))?;
    Ok(fuse)
}
