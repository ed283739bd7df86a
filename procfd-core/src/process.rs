// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! A process behind its descriptor.

mod lists;
mod manage;
mod snapshot;
mod text;
mod waiting;

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;

use crate::attach;
use crate::contexts;
use crate::held::Held;
use crate::info::{Fields, Info, ProcessState};
use crate::settings::{ClosePolicy, Scope};
use crate::signal;
use crate::status::Status;
use crate::sys::owned::Owned;
use crate::sys::{self, Errno, OwnFd};
use crate::target::{self, Target};
use crate::wait;

/// A handle on a process. It holds the pidfd. It also holds the procfd if the process has a close policy or a
/// watcher, or if you asked the context for a procfd.
///
/// Dropping it closes the descriptors. This ends the process only if it has a close policy and this was the
/// last procfd. The library reaps a child that a [`Context`](crate::Context) started: when you drop this, or
/// if it runs on, at the first [`Context::new`](crate::Context::new) after its end.
///
/// All methods may be called from several threads at once.
#[derive(Debug)]
pub struct Process {
    /// The descriptor that refers to it; `None`: the pidfd.
    fd: Option<Held>,
    /// A dropped object passes it to the reaper if the library has to reap the process.
    pidfd: Owned,
    /// It is a built-in init, whose status is the program's.
    init: bool,
    /// The procfd may have a context of this process, which keeps the status too.
    has_context: bool,
    /// The pid from its creation.
    started_as: Option<u32>,
    /// Its pid as it was last seen: see [`info::info`].
    number: AtomicU32,
    /// How it ended, once that was waited for.
    ended: Mutex<Option<Status>>,
}

impl Process {
    /// Whether it is a built-in init.
    pub(crate) fn is_built_in_init(&self) -> bool {
        self.init
    }

    pub(crate) fn from_parts(fd: Held, pidfd: OwnFd, init: bool) -> Self {
        fd.stands_for(pidfd.as_fd());
        Self { fd: Some(fd), init, ..Self::of(Owned::new(pidfd, None)) }
    }

    /// A child without a procfd.
    pub(crate) fn lean(pidfd: OwnFd, reap: bool) -> Self {
        Self::of(Owned::new(pidfd, reaper(reap)))
    }

    fn of(pidfd: Owned) -> Self {
        Self {
            fd: None,
            pidfd,
            init: false,
            has_context: true,
            started_as: None,
            number: AtomicU32::new(0),
            ended: Mutex::default(),
        }
    }

    /// The library has deleted its context, so the object reaps it.
    pub(crate) fn reaped_by_us(mut self, reap: bool) -> Self {
        self.pidfd.hand_to(reaper(reap));
        self.has_context = false;
        self
    }

    pub(crate) fn started_as(mut self, pid: i32) -> Self {
        self.started_as = u32::try_from(pid).ok();
        self.number = AtomicU32::new(self.started_as.unwrap_or(0));
        self
    }

    /// The process of a procfd that was inherited or received, of a pidfd, or of an open
    /// `/proc/PID` directory.
    ///
    /// # Errors
    ///
    /// `EINVAL`: the descriptor is none of these; `ESRCH`: the procfd has no process yet, or the directory's
    /// process is gone; `EMFILE`.
    ///
    /// # Kernel
    ///
    /// 5.4. A `/proc` of another pid namespace fails with `EINVAL`.
    ///
    /// ```
    /// let own = procfd::Process::from_fd(std::fs::File::open("/proc/self")?)?;
    /// assert_eq!(own.pid()?, std::process::id());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn from_fd(fd: impl Into<OwnedFd>) -> io::Result<Self> {
        let fd = OwnFd::from(fd.into());
        let (pidfd, init) = match target::resolve(fd.as_fd())? {
            Target::Own(pidfd) | Target::OfDir(pidfd) => (pidfd, false),
            Target::Init(pidfd) => (pidfd, true),
            Target::Kept(running) => (sys::fd::dup_cloexec(running.pidfd.get()?)?, running.init),
            Target::Given(_) => return Ok(Self::of(Owned::new(fd, None))),
            Target::Configuring => return Err(Errno(libc::ESRCH).into()),
        };
        Ok(Self::from_parts(Held::of(fd, pidfd.as_fd())?, pidfd, init))
    }

    /// The process with this pid: pidfd_open(2). Another process may have got the pid since you learnt it.
    /// The descriptor then refers to that process, and always to the same one.
    ///
    /// # Errors
    ///
    /// `ESRCH`: no such process; `EINVAL`: a thread's id; `EMFILE`.
    ///
    /// ```
    /// let own = procfd::Process::open(std::process::id())?;
    /// assert_eq!(own.pid()?, std::process::id());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(pid: u32) -> io::Result<Self> {
        let pid = i32::try_from(pid).map_err(|_| Errno(libc::ESRCH))?;
        Self::from_fd(sys::pidfd::open(pid)?)
    }

    /// The pid in the caller's pid namespace.
    ///
    /// # Errors
    ///
    /// `ESRCH`: it is reaped, and another process may get the pid; `EREMOTE`: it is not in this namespace.
    ///
    /// ```
    /// # let mut context = procfd::Context::new()?;
    /// # context.program("/bin/sleep")?.args(["sleep", "60"])?.kill_on_close(libc::SIGKILL)?;
    /// let process = context.create()?;
    /// println!("{}", process.pid()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_INFO_PID")]
    pub fn pid(&self) -> io::Result<u32> {
        Ok(wait::pid(self.pidfd.as_fd())? as u32)
    }

    /// The pid it had when a [`Context`](crate::Context) of this process started it, for messages and logs;
    /// `None` for others. Once it is reaped, another process may get the pid.
    pub fn started_pid(&self) -> Option<u32> {
        self.started_as
    }

    /// Running, or exited (reaped or not).
    ///
    /// # Errors
    ///
    /// None in practice: poll(2) of an open descriptor does not fail.
    ///
    /// ```
    /// # let mut context = procfd::Context::new()?;
    /// # context.program("/bin/sleep")?.args(["sleep", "60"])?.kill_on_close(libc::SIGKILL)?;
    /// let process = context.create()?;
    /// assert_eq!(process.state()?, procfd::ProcessState::Running);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_INFO_STATE")]
    pub fn state(&self) -> io::Result<ProcessState> {
        contexts::tend_watcher();
        Ok(crate::info::state(&Target::Given(self.pidfd.as_fd()))?)
    }

    /// Sends a signal (0 only checks).
    ///
    /// # Errors
    ///
    /// `EINVAL`: no such signal; `ESRCH`: it is reaped (a zombie can be signalled); `EPERM`.
    ///
    /// # Kernel
    ///
    /// 5.1.
    ///
    /// ```
    /// # let mut context = procfd::Context::new()?;
    /// # context.program("/bin/sleep")?.args(["sleep", "60"])?.kill_on_close(libc::SIGKILL)?;
    /// let process = context.create()?;
    /// process.send_signal(libc::SIGTERM)?;
    /// assert_eq!(process.wait()?.signal(), Some(libc::SIGTERM));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SIGNAL")]
    pub fn send_signal(&self, signal: i32) -> io::Result<()> {
        Ok(signal::send(self.pidfd.as_fd(), signal, Scope::Process, None)?)
    }

    /// Sends a signal to a scope, with a value (`si_value`) if one is given.
    ///
    /// # Errors
    ///
    /// As [`send_signal`](Self::send_signal); `EOPNOTSUPP`: a scope other than the process before 6.9.
    pub fn send_signal_to(&self, signal: i32, scope: Scope, value: Option<u64>) -> io::Result<()> {
        Ok(signal::send(self.pidfd.as_fd(), signal, scope, value)?)
    }

    /// SIGKILL.
    ///
    /// # Errors
    ///
    /// As [`send_signal`](Self::send_signal).
    ///
    /// ```
    /// # let mut context = procfd::Context::new()?;
    /// # context.program("/bin/sleep")?.args(["sleep", "60"])?.kill_on_close(libc::SIGKILL)?;
    /// let process = context.create()?;
    /// process.kill()?;
    /// assert_eq!(process.wait()?.signal(), Some(libc::SIGKILL));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn kill(&self) -> io::Result<()> {
        self.send_signal(libc::SIGKILL)
    }

    /// Changes the signal of a close policy, or disarms it (`None`).
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP`: it was started without one; `EPERM`: the caller may not signal it; `ESRCH`;
    /// `EINVAL`: not held by a procfd, no such signal, or a thread's scope.
    #[doc(alias = "PROC_SET_CLOSE")]
    pub fn change_close(&self, policy: Option<(i32, Scope)>) -> io::Result<()> {
        let policy = policy.map(|(signal, scope)| ClosePolicy::new(signal, scope, None)).transpose()?;
        if self.fd.is_none() && self.started_as.is_some() {
            // Started without one, and so without a procfd.
            return Err(Errno(libc::EOPNOTSUPP).into());
        }
        Ok(signal::change_close(self.as_fd(), policy)?)
    }

    /// A duplicate of one of its descriptors (pidfd_getfd(2)), close-on-exec.
    ///
    /// # Errors
    ///
    /// `EBADF`: it has no such descriptor; `EPERM`: the caller may not trace it; `ESRCH`; `EMFILE`;
    /// `ENOSYS` before 5.6.
    #[doc(alias = "PROC_GETFD")]
    pub fn get_fd(&self, number: RawFd) -> io::Result<OwnedFd> {
        Ok(sys::pidfd::get_fd(self.pidfd.as_fd(), number)?.into())
    }

    /// The fields that you ask for, as far as the kernel provides them.
    ///
    /// # Errors
    ///
    /// `ESRCH`: it is reaped, and the kernel has kept none of the fields.
    ///
    /// ```
    /// let own = procfd::Process::open(std::process::id())?;
    /// let info = own.info(procfd::Fields::IDS | procfd::Fields::CPU)?;
    /// assert_eq!(info.ids.map(|ids| ids.pid), Some(std::process::id()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_INFO")]
    pub fn info(&self, fields: Fields) -> io::Result<Info> {
        contexts::tend_watcher_by_the_tick();
        let mut out = Info::default();
        let known = crate::info::fill(&mut out, self.pidfd.as_fd(), &self.number, fields).map(drop);
        let init = self.fd.as_ref().filter(|_| self.init).map(AsFd::as_fd);
        crate::info::add_kept(&mut out, known, || self.keeper(), init, fields)?;
        Ok(out)
    }

    /// The pidfd, which becomes readable when the process ends.
    #[doc(alias = "PROC_INFO_PIDFD")]
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// A procfd of it, which every holder can poll, ask and pass on: its own, or a new one
    /// ([`Context::attach`](crate::Context::attach)).
    ///
    /// # Errors
    ///
    /// `ESRCH`: it is reaped; `EMFILE`, `ENFILE`; `ETOOMANYREFS`: the user's limit of descriptors in flight.
    #[doc(alias = "PROC_ATTACH")]
    pub fn procfd(&self) -> io::Result<OwnedFd> {
        if let Some(fd) = &self.fd {
            return Ok(sys::fd::dup_cloexec(fd.as_fd())?.into());
        }
        Ok(attach::procfd(self.pidfd.as_fd())?.into())
    }

    /// The descriptor alone, for you to pass on or store: the procfd, or without one the pidfd. You then have
    /// to reap a child yourself. Forked copies of this process hold the procfd from now on.
    pub fn into_fd(self) -> OwnedFd {
        let Self { fd, pidfd, .. } = self;
        let pidfd = pidfd.into_fd();
        fd.map_or(pidfd, Held::into_fd).into()
    }
}

/// The receiver of the pidfd of a dropped child.
fn reaper(reap: bool) -> Option<fn(OwnFd)> {
    if reap { Some(contexts::reap) } else { None }
}

impl AsFd for Process {
    /// The procfd, or without one the pidfd.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_ref().map_or(self.pidfd.as_fd(), AsFd::as_fd)
    }
}

impl AsRawFd for Process {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}
