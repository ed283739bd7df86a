// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! A child that a command started, with our ends of its pipes.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::time::Duration;

use super::stdio::Ours;
use crate::error::Error;
use crate::manage;
use crate::process::Process;
use crate::settings::Scope;
use crate::signal;
use crate::status::Status;
use crate::sys::{self, Errno, OwnFd, PollFd};

/// A process that a [`Command`](crate::Command) started. [`process`](Self::process) has all that a
/// [`Process`] can do.
///
/// Dropping it closes its descriptors. This ends the process only if you have asked for it
/// ([`kill_on_close`](crate::Command::kill_on_close), [`kill_on_drop`](crate::Command::kill_on_drop)). The
/// library reaps it in any case.
#[derive(Debug)]
pub struct Child {
    /// Our end of standard input, if it is a pipe. [`wait`](Self::wait) closes it.
    pub stdin: Option<ChildStdin>,
    /// Our end of standard output, if it is a pipe.
    pub stdout: Option<ChildStdout>,
    /// Our end of standard error, if it is a pipe.
    pub stderr: Option<ChildStderr>,
    // Dropped before the process: closing that may end it by its close policy, and the tree would lose its root.
    guard: Guard,
    process: Process,
}

/// How a child ended, and what it wrote into its pipes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    /// How it ended, and what it used.
    pub status: Status,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

/// How a child is killed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kill {
    pub(super) on_drop: bool,
    /// With all its descendants.
    pub(super) tree: bool,
}

/// Kills the process when it is dropped.
#[derive(Debug)]
struct Guard {
    pidfd: Option<OwnFd>,
    tree: bool,
    built_in: bool,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(pidfd) = &self.pidfd else { return };
        // ESRCH: it has ended. A tree that cannot be walked (no /proc) loses its root at least.
        if !self.tree || manage::kill(&|| Ok(pidfd.as_fd()), self.built_in, libc::SIGKILL).is_err() {
            let _ = signal::send(pidfd.as_fd(), libc::SIGKILL, Scope::Process, None);
        }
    }
}

impl Child {
    pub(super) fn new(process: Process, ours: Ours, kill: Kill) -> Result<Self, Error> {
        let pidfd = if kill.on_drop { Some(sys::fd::dup_cloexec(process.pidfd())) } else { None };
        let pidfd = pidfd.transpose().map_err(|e| {
            // Nothing is left of a start that fails.
            let _ = process.kill();
            Error::config(e.0, "kill on drop")
        })?;
        Ok(Self {
            stdin: ours.input.map(ChildStdin::from),
            stdout: ours.output.map(ChildStdout::from),
            stderr: ours.error.map(ChildStderr::from),
            guard: Guard { pidfd, tree: kill.tree, built_in: process.is_built_in_init() },
            process,
        })
    }

    /// It is not killed when this is dropped.
    #[cfg(feature = "tokio")]
    pub(super) fn disarm(&mut self) {
        self.guard.pidfd = None;
    }

    /// The pid it was started with. Once it is reaped the number may be another's.
    pub fn id(&self) -> u32 {
        self.process.started_pid().unwrap_or(0)
    }

    /// The process: signals, questions, limits.
    ///
    /// ```
    /// use procfd::{Command, Fields};
    ///
    /// let mut child = Command::new("sleep").arg("60").kill_on_close().spawn()?;
    /// assert_eq!(child.process().info(Fields::IDS)?.ids.map(|ids| ids.pid), Some(child.id()));
    /// child.process().send_signal(libc::SIGTERM)?;
    /// assert_eq!(child.wait()?.signal(), Some(libc::SIGTERM));
    /// # Ok::<(), procfd::Error>(())
    /// ```
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The process alone. Our ends of its pipes are closed; it is not killed when this is dropped.
    pub fn into_process(mut self) -> Process {
        self.guard.pidfd = None;
        self.process
    }

    /// `SIGKILL`, as std's: one that has ended is no error. With
    /// [`Command::kill_tree`](crate::Command::kill_tree) its descendants get the signal too.
    ///
    /// # Errors
    ///
    /// `EPERM`: you may not signal it; with `kill_tree` also those of [`Process::kill_tree`].
    pub fn kill(&mut self) -> Result<(), Error> {
        let killed = if self.guard.tree {
            self.process.kill_tree(libc::SIGKILL).map(drop)
        } else {
            self.process.kill()
        };
        match killed {
            Err(e) if e.raw_os_error() != Some(libc::ESRCH) => Err(e.into()),
            _ => Ok(()),
        }
    }

    /// Closes our end of its standard input, and waits until it ends.
    ///
    /// # Errors
    ///
    /// As [`Process::wait`].
    pub fn wait(&mut self) -> Result<Status, Error> {
        self.stdin = None;
        Ok(self.process.wait()?)
    }

    /// Waits at most this long; `None` if it has not ended by then.
    ///
    /// # Errors
    ///
    /// As [`Process::wait`].
    pub fn wait_timeout(&mut self, timeout: Duration) -> Result<Option<Status>, Error> {
        self.stdin = None;
        Ok(self.process.wait_timeout(timeout)?)
    }

    /// The status if it has ended.
    ///
    /// # Errors
    ///
    /// As [`Process::wait`].
    pub fn try_wait(&mut self) -> Result<Option<Status>, Error> {
        Ok(self.process.try_wait()?)
    }

    /// Closes our end of its standard input, reads both other pipes to their ends, and waits. A process that
    /// has inherited a pipe keeps it open.
    ///
    /// # Errors
    ///
    /// As [`Process::wait`]; those of read(2) and poll(2).
    pub fn wait_with_output(mut self) -> Result<Output, Error> {
        self.stdin = None;
        let mut pipes = [
            (self.stdout.take().map(OwnedFd::from), Vec::new()),
            (self.stderr.take().map(OwnedFd::from), Vec::new()),
        ];
        read_both(&mut pipes).map_err(|e| Error::config(e.0, "read from a pipe"))?;
        let [(_, stdout), (_, stderr)] = pipes;
        Ok(Output { status: self.wait()?, stdout, stderr })
    }
}

/// Reads both pipes until each is at its end, and closes it.
fn read_both(pipes: &mut [(Option<OwnedFd>, Vec<u8>); 2]) -> sys::Result<()> {
    let mut part = vec![0; 65_536];
    while pipes.iter().any(|(pipe, _)| pipe.is_some()) {
        // ppoll(2) passes over a negative number.
        let number = |at: &(Option<OwnedFd>, _)| at.0.as_ref().map_or(-1, |fd| fd.as_raw_fd());
        let [out, err] = &*pipes;
        let mut ready = [number(out), number(err)].map(|fd| PollFd { fd, events: libc::POLLIN, revents: 0 });
        match sys::fd::poll_many(&mut ready, None) {
            Err(Errno(libc::EINTR)) => continue,
            done => done?,
        }
        for (ready, (pipe, text)) in ready.iter().zip(pipes.iter_mut()) {
            let (Some(fd), true) = (&*pipe, ready.revents != 0) else { continue };
            match sys::fd::read(fd.as_fd(), &mut part) {
                Ok(0) => *pipe = None,
                Ok(len) => text.extend_from_slice(part.get(..len).unwrap_or_default()),
                Err(Errno(libc::EINTR)) => {}
                Err(e) => return Err(e),
            }
        }
    }
    Ok(())
}

impl AsFd for Child {
    /// The procfd.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.process.as_fd()
    }
}

impl AsRawFd for Child {
    fn as_raw_fd(&self) -> RawFd {
        self.process.as_raw_fd()
    }
}

impl From<Child> for Process {
    fn from(child: Child) -> Self {
        child.into_process()
    }
}
