// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! A start whose descriptor is the pidfd: of an object, which needs none before, and of a placeholder.

use std::os::fd::{AsFd, IntoRawFd};

use super::end::{end, end_by_pid, is_still_its};
use super::publish::{check_lean, pidfd_is_lost};
use super::{Forked, clone, out_of_descriptors};
use crate::contexts::{self, OpenFlags};
use crate::error::{Error, Stage};
use crate::placeholder::{self, Lean};
use crate::settings::Settings;
use crate::sys::OwnFd;

/// A program without a procfd, and its pidfd: raw system calls, and nothing that outlives the start.
pub(crate) fn lean(config: &Settings) -> Result<(i32, OwnFd), Error> {
    if config.program.is_none() {
        return Err(Error::plan(libc::EINVAL, "no program is set"));
    }
    check_lean(config)?;
    clone::start(config)
}

/// `PROC_CREATE` on a placeholder, which becomes the pidfd.
pub(crate) fn create_lean(context: &Lean) -> Result<Forked<()>, Error> {
    let created = context.start(|state| match state.config.program.is_none() {
        true => run_fork(context, &state.config),
        false => lean(&state.config).and_then(|(pid, pidfd)| become_pidfd(context, pid, &pidfd)),
    })?;
    if matches!(created, Forked::Parent(..)) {
        placeholder::forget(context);
    }
    Ok(created)
}

fn become_pidfd(context: &Lean, pid: i32, pidfd: &OwnFd) -> Result<Forked<()>, Error> {
    let pidfd = pidfd.as_fd();
    context.become_pidfd(Stage::PUBLISH, pidfd).inspect_err(|_| end(pidfd, pid))?;
    Ok(Forked::Parent(pid, ()))
}

/// A fork publishes its start before its child goes on, so it has a procfd for that time.
fn run_fork(context: &Lean, config: &Settings) -> Result<Forked<()>, Error> {
    check_lean(config)?;
    let (a, opened) = contexts::open(OpenFlags::NO_WATCH, config.clone())
        .map_err(|e| out_of_descriptors(Error::new(Stage::PUBLISH, 0, e, "")))?;
    let forked = super::fork(a.as_fd(), &opened);
    if !matches!(forked, Ok(Forked::Child)) {
        contexts::forget(&opened);
    }
    match forked? {
        Forked::Child => {
            // Closed already, and the number is free for others.
            let _ = a.into_raw_fd();
            context.close_in_child();
            Ok(Forked::Child)
        }
        Forked::Parent(pid, pidfd) if is_still_its(pidfd.as_fd(), pid) => become_pidfd(context, pid, &pidfd),
        Forked::Parent(pid, _) => {
            end_by_pid(pid);
            Err(pidfd_is_lost())
        }
    }
}
