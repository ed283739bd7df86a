// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! A procfd in one step: of a program that it starts, or of a process that runs.

use std::os::fd::{AsFd, IntoRawFd, RawFd};

use super::Result;
use super::configuring::{Form, flags_refused};
use crate::attach;
use crate::contexts;
use crate::error::Error;
use crate::settings::Settings;
use crate::start::{self, Forked};
use crate::sys::{self, Errno, OwnFd};

type Whole<T> = std::result::Result<T, Error>;

/// procfd_spawn: opens a context with these settings, and starts its program.
pub fn spawn(flags: u64, set: impl FnOnce(&mut Settings) -> Whole<()>) -> Whole<RawFd> {
    let form = known(flags)?;
    let mut settings = Settings::default();
    set(&mut settings)?;
    if settings.program.is_none() {
        return Err(Error::plan(libc::EINVAL, "no program is set"));
    }
    let Form::Full(flags) = form else {
        form.check(&settings)?;
        return start::lean(&settings).map(|(_, pidfd)| pidfd.into_raw_fd());
    };
    let (fd, opened) = contexts::open(flags, settings).map_err(no_context)?;
    let created = start::create(fd.as_fd(), &opened).inspect_err(|_| {
        // The context is not started again: its ends of pipes go now, and not with the next context.
        opened.state().config.let_go();
    });
    match created? {
        Forked::Parent(..) => Ok(fd.into_raw_fd()),
        // There is a program, so that nothing forks.
        Forked::Child => Err(Error::plan(libc::EINVAL, "no program is set")),
    }
}

/// process_open_pid: a procfd of the process with this pid.
pub fn open_pid(pid: i32, flags: u64) -> Whole<RawFd> {
    let form = known(flags)?;
    let process = sys::pidfd::open(pid).map_err(|e| {
        let what = match e.0 {
            libc::ESRCH => format!("there is no process {pid}"),
            libc::EINVAL if pid <= 0 => format!("{pid} is no pid"),
            _ => format!("open process {pid}: {e}"),
        };
        Error::foreign(e.0, what)
    })?;
    let Form::Full(flags) = form else { return Ok(process.into_raw_fd()) };
    let (fd, opened) = contexts::open(flags, Settings::default()).map_err(no_context)?;
    attach::attach(fd.as_fd(), &opened, process.as_fd())?;
    Ok(fd.into_raw_fd())
}

/// The same file, above the standard streams and close-on-exec. EBADF.
pub fn duplicate(fd: RawFd) -> Result<OwnFd> {
    sys::fd::dup_cloexec(sys::fd::borrow(fd)?)
}

fn known(flags: u64) -> Whole<Form> {
    Form::of(flags).map_err(|e| Error::foreign(e.0, flags_refused(flags, e)))
}

fn no_context(e: Errno) -> Error {
    start::out_of_descriptors(Error::foreign(e.0, format!("open a context: {e}")))
}
