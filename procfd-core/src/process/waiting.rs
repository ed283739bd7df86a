// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Waiting for a process.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use super::Process;
use crate::contexts;
use crate::kept::Keeper;
use crate::status::Status;
use crate::sys::{self, Errno};
use crate::wait::{self, Limit, Options};

impl Process {
    /// Waits until it ends. Works for any holder, and again after another process has reaped it.
    ///
    /// It reaps a child of yours, even one that you opened by its pid. [`wait_change`](Self::wait_change) with
    /// [`WaitOptions::PEEK`](crate::WaitOptions::PEEK) leaves the child to `std::process::Child::wait`.
    ///
    /// # Errors
    ///
    /// `ENODATA`: it has ended, this object has not waited for it before, and the kernel does not tell its
    /// status. It is another parent's zombie that the caller may not trace, or another process has reaped it
    /// before 6.15.
    ///
    /// # Kernel
    ///
    /// 5.4 for the parent, 6.15 for all others.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "exit 7"])?;
    /// let status = context.create()?.wait()?;
    /// assert_eq!(status.code(), Some(7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_WAIT")]
    pub fn wait(&self) -> io::Result<Status> {
        self.wait_for(Options::empty(), Limit::None).map_err(io::Error::from)
    }

    /// Waits at most this long; `None` if it has not ended by then.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # let mut context = procfd::Context::new()?;
    /// # context.program("/bin/sleep")?.args(["sleep", "60"])?.kill_on_close(libc::SIGKILL)?;
    /// let process = context.create()?;
    /// assert!(process.wait_timeout(Duration::from_millis(10))?.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_timeout(&self, timeout: Duration) -> io::Result<Option<Status>> {
        none_if(libc::ETIMEDOUT, self.wait_for(Options::empty(), Limit::after(timeout)))
    }

    /// The status if it has ended.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    ///
    /// ```
    /// # let mut context = procfd::Context::new()?;
    /// # context.program("/bin/sleep")?.args(["sleep", "60"])?.kill_on_close(libc::SIGKILL)?;
    /// let process = context.create()?;
    /// assert!(process.try_wait()?.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_wait(&self) -> io::Result<Option<Status>> {
        none_if(libc::EAGAIN, self.wait_for(Options::empty(), Limit::NoHang))
    }

    /// Waits for a change of the kinds in `options`; without a timeout it waits without limit.
    ///
    /// # Errors
    ///
    /// `ETIMEDOUT`; `ECHILD`: stops of a process that is not the caller's child; `EOPNOTSUPP`: stops together
    /// with a timeout, and io_uring has no waitid (before 6.7); and as [`wait`](Self::wait).
    pub fn wait_change(&self, options: Options, timeout: Option<Duration>) -> io::Result<Status> {
        let limit = timeout.map_or(Limit::None, Limit::after);
        self.wait_for(options, limit).map_err(io::Error::from)
    }

    /// As [`wait_change`](Self::wait_change), but it ends when a signal handler has run. An interpreter needs
    /// this, because its own handlers run later.
    ///
    /// # Errors
    ///
    /// `EINTR`: a handler ran; and as [`wait_change`](Self::wait_change).
    pub fn wait_interruptible(&self, options: Options, timeout: Option<Duration>) -> io::Result<Status> {
        contexts::tend_watcher();
        Ok(self.wait_once(options, timeout.map_or(Limit::None, Limit::after))?)
    }

    fn wait_for(&self, options: Options, limit: Limit) -> sys::Result<Status> {
        contexts::tend_watcher();
        loop {
            match self.wait_once(options, limit) {
                Err(Errno(libc::EINTR)) => {}
                done => return done,
            }
        }
    }

    /// Its own record is valid even if the procfd's context belongs to another process, or is deleted.
    pub(super) fn keeper(&self) -> Keeper<'_> {
        let fd = self.fd.as_ref().filter(|_| self.has_context);
        fd.map_or_else(Keeper::default, |fd| Keeper::of(fd.as_fd())).and(&self.ended)
    }

    fn wait_once(&self, options: Options, limit: Limit) -> sys::Result<Status> {
        let mut status = wait::wait_keeping(self.pidfd.as_fd(), options, limit, &self.keeper())?;
        if let Some(fd) = self.fd.as_ref().filter(|_| self.init) {
            status.change = wait::of_program(fd.as_fd(), status.change);
        }
        if status.change.is_end() && !options.contains(Options::PEEK) {
            // Reaped: nothing is left to do for the reaper.
            self.pidfd.keep_from_all();
        }
        Ok(status)
    }
}

fn none_if(errno: i32, done: sys::Result<Status>) -> io::Result<Option<Status>> {
    match done {
        Ok(status) => Ok(Some(status)),
        Err(Errno(e)) if e == errno => Ok(None),
        Err(e) => Err(e.into()),
    }
}
