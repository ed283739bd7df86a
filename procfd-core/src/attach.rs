// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Binding a fresh context to a process that already runs.

use std::os::fd::{AsRawFd, BorrowedFd};

use crate::contexts::{self, Opened, State};
use crate::error::{Error, Stage};
use crate::settings::ClosePolicy;
use crate::sys::{self, Errno};
use crate::{fuse, pair, procfd, signal, start, wait};

/// `PROC_ATTACH`: gives the process a procfd, with the context's close policy. Returns its pid.
pub(crate) fn attach(a: BorrowedFd<'_>, opened: &Opened, pidfd: BorrowedFd<'_>) -> Result<i32, Error> {
    if !opened.is_mine() {
        return Err(Error::config(libc::EPERM, "a context that another process opened"));
    }
    let mut state = opened.state();
    if state.started {
        return Err(Error::config(libc::EBUSY, "a context that has been started"));
    }
    let done = attempt(a, opened, &mut state, pidfd);
    state.error = done.as_ref().err().cloned();
    drop(state);
    contexts::see_to(opened);
    done
}

fn attempt(a: BorrowedFd<'_>, opened: &Opened, state: &mut State, fd: BorrowedFd<'_>) -> Result<i32, Error> {
    let failed = |e: Errno| Error::new(Stage::ATTACH, 0, e, format_args!("to descriptor {}", fd.as_raw_fd()));
    let target = procfd::resolve(fd).map_err(failed)?;
    let pidfd = target.pidfd().map_err(failed)?;
    let pid = wait::pid(pidfd).map_err(failed)?;
    if state.config.close().is_some_and(|p| p.then.is_some()) && !opened.is_watched() {
        return Err(failed(Errno(libc::EOPNOTSUPP)).hint("a second signal needs the watcher"));
    }
    let ours = sys::fd::dup_cloexec(pidfd).map_err(failed)?;
    if let Some(policy) = state.config.close() {
        arm(opened.live_b().map_err(failed)?, pidfd, pid, policy).map_err(failed)?;
    }
    let started = start::attach(a, opened, &state.config, ours).inspect_err(|_| {
        let _ = fuse::change(opened.b(), None, 0);
    })?;
    started.enter(state);
    // PROC_SET_INIT has no meaning for an existing process.
    state.config.change(|s| s.set_init(false))?;
    Ok(pid)
}

fn arm(b: BorrowedFd<'_>, pidfd: BorrowedFd<'_>, pid: i32, policy: ClosePolicy) -> sys::Result<()> {
    if procfd::is_namespace_init(pid) {
        // The kernel protects it from the signal of a fuse.
        return Err(Errno(libc::EOPNOTSUPP));
    }
    pair::shut(b)?;
    signal::own(pidfd, b, Some(policy))
}
