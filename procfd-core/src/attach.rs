// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Binding a fresh context to a process that already runs.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use crate::contexts::{self, OpenFlags, Opened, State};
use crate::error::{Error, Stage};
use crate::held::Held;
use crate::placeholder::{self, Lean};
use crate::procfd::{self, Published};
use crate::settings::{ClosePolicy, Scope, Settings};
use crate::sys::{self, Errno, OwnFd};
use crate::{fuse, pair, proc, signal, start, target, wait};

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

fn failed(fd: BorrowedFd<'_>, errno: Errno) -> Error {
    let error = Error::new(Stage::ATTACH, 0, errno, format_args!("to descriptor {}", fd.as_raw_fd()));
    match errno.0 {
        libc::ESRCH => error.hint("its process has ended, or is not started yet"),
        libc::EINVAL => error.hint("it takes a pidfd, a procfd or a directory /proc/PID"),
        _ => error,
    }
}

/// The same on a placeholder, which becomes a pidfd of the process.
pub(crate) fn attach_lean(context: &Lean, fd: BorrowedFd<'_>) -> Result<i32, Error> {
    let failed = |e: Errno| failed(fd, e);
    let pid = context.start(|state| {
        if state.config.close().is_some() {
            return Err(failed(Errno(libc::EOPNOTSUPP))
                .hint("a close policy for a process that runs needs a procfd: no PROCFD_PIDFD"));
        }
        let target = target::resolve(fd).map_err(failed)?;
        let pidfd = target.pidfd().map_err(failed)?;
        let pid = wait::pid(pidfd).map_err(failed)?;
        context.become_pidfd(Stage::ATTACH, pidfd)?;
        Ok(pid)
    })?;
    placeholder::forget(context);
    Ok(pid)
}

/// The same for an object, which gets a pidfd of its own.
pub(crate) fn attach_object(a: &Held, opened: &Opened, process: BorrowedFd<'_>) -> Result<OwnFd, Error> {
    attach(a.as_fd(), opened, process)?;
    match procfd::look::<1>(a.as_fd()) {
        Ok(Published::Started { fds: [Some(pidfd)], .. }) => Ok(pidfd),
        Ok(_) => Err(Error::config(libc::EMFILE, "attached")),
        Err(Errno(e)) => Err(Error::config(e, "attached")),
    }
}

/// A new procfd of a process that has none.
pub(crate) fn procfd(pidfd: BorrowedFd<'_>) -> Result<OwnFd, Error> {
    let (a, opened) = contexts::open_held(OpenFlags::NO_WATCH, Settings::default())
        .map_err(|e| start::out_of_descriptors(Error::new(Stage::PUBLISH, 0, e, "")))?;
    attach(a.as_fd(), &opened, pidfd)?;
    contexts::forget(&opened);
    Ok(a.into_fd())
}

fn attempt(a: BorrowedFd<'_>, opened: &Opened, state: &mut State, fd: BorrowedFd<'_>) -> Result<i32, Error> {
    let failed = |e: Errno| failed(fd, e);
    let target = target::resolve(fd).map_err(failed)?;
    let pidfd = target.pidfd().map_err(failed)?;
    let pid = wait::pid(pidfd).map_err(failed)?;
    if state.config.close().is_some_and(|p| p.then.is_some()) && !opened.is_watched() {
        return Err(failed(Errno(libc::EOPNOTSUPP)).hint("a second signal needs the watcher"));
    }
    if state.config.time_limit().is_some() {
        state.config.check_time_limit(opened.is_watched())?;
        signal::send(pidfd, 0, Scope::Process, None).map_err(failed)?;
    }
    let ours = sys::fd::dup_cloexec(pidfd).map_err(failed)?;
    if let Some(policy) = state.config.close() {
        if proc::is_namespace_init(pid).map_err(failed)? {
            return Err(failed(Errno(libc::EOPNOTSUPP))
                .hint("the init of a pid namespace is protected from the signal of a close policy"));
        }
        arm(opened.live_b().map_err(failed)?, pidfd, policy).map_err(failed)?;
    }
    let started = start::attach(a, opened, &state.config, ours, pid).inspect_err(|_| {
        if opened.has_b() {
            let _ = fuse::change(opened.b(), None, 0);
        }
    })?;
    started.enter(state);
    // PROC_SET_INIT has no meaning for an existing process.
    state.config.change(|s| s.set_init(false))?;
    Ok(pid)
}

fn arm(b: BorrowedFd<'_>, pidfd: BorrowedFd<'_>, policy: ClosePolicy) -> sys::Result<()> {
    pair::shut(b)?;
    signal::own(pidfd, b, Some(policy))
}
