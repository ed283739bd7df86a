// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! A context: a descriptor that has no process yet, and what the process will be like.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, RawFd};
use std::sync::{Arc, MutexGuard};

use crate::attach;
use crate::contexts::{self, OpenFlags, Opened, State};
use crate::error::Error;
use crate::held::Held;
use crate::process::Process;
use crate::procfd::{self, Published};
use crate::settings::Settings;
use crate::start::{self, Forked, Plan};
use crate::sys::Errno;

/// What a configuration method returns: the context again, so that calls can be chained.
pub(crate) type Configured<'a> = Result<&'a mut Context, Error>;

/// A descriptor without a process: configured first, started by [`create`](Self::create).
///
/// The order in which things are set does not matter, save for the list of descriptor and directory
/// actions, which run in the order given. Numbers in that list mean the child's table at that
/// point; it starts as a copy of the creator's.
///
/// The child gets 0, 1, 2 and the descriptors that the list maps; all others are closed in it.
///
/// Dropping it, or closing all its duplicates, leaves nothing behind.
pub struct Context {
    fd: Held,
    opened: Arc<Opened>,
}

impl Context {
    /// A new context, without a watcher ([`OpenFlags::NO_WATCH`]) and with its child reaped by the
    /// library ([`OpenFlags::AUTOREAP`]).
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE`, `ENOMEM`, `ENOBUFS`.
    #[doc(alias = "process_open")]
    pub fn new() -> io::Result<Self> {
        Self::with_flags(OpenFlags::NO_WATCH | OpenFlags::AUTOREAP)
    }

    /// A new context with these flags.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_flags(flags: OpenFlags) -> io::Result<Self> {
        Self::open(flags, Settings::default())
    }

    fn open(flags: OpenFlags, settings: Settings) -> io::Result<Self> {
        let (fd, opened) = contexts::open_held(flags, settings)?;
        Ok(Self { fd, opened })
    }

    /// Another context with the same configuration.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    #[doc(alias = "PROC_COPY")]
    pub fn try_clone(&self) -> io::Result<Self> {
        let settings = self.state().config.clone();
        Self::open(self.opened.flags, settings)
    }

    /// What [`create`](Self::create) would do now, step by step; nothing is started. `PATH`, the environment, limits
    /// and ids are those of now.
    ///
    /// # Errors
    ///
    /// Those that `create` finds before it starts anything: settings that contradict each other
    /// ([`Stage::PLAN`](crate::Stage::PLAN)), descriptors that are not open.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?.current_dir("/tmp")?.no_new_privs()?;
    /// let plan = context.plan()?;
    /// assert!(plan.steps().iter().any(|step| step.calls == ["chdir"]));
    /// assert!(plan.to_string().contains("execute \"/bin/true\": execve"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_INFO_PLAN")]
    pub fn plan(&self) -> Result<Plan, Error> {
        Plan::new(&self.state().config, self.opened.is_watched())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.opened.state()
    }

    /// Changes a setting.
    pub(crate) fn set(&mut self, f: impl FnOnce(&mut Settings) -> Result<(), Error>) -> Configured<'_> {
        if !self.opened.is_mine() {
            return Err(Error::config(libc::EPERM, "a context that another process opened"));
        }
        self.state().config.change(f)?;
        Ok(self)
    }

    /// Another context with the same configuration, and these flags.
    pub(crate) fn copy_with(&self, flags: OpenFlags) -> io::Result<Self> {
        let settings = self.state().config.clone();
        Self::open(flags, settings)
    }

    /// Whether the process gets a new user, and keeps its groups.
    pub(crate) fn keeps_groups(&self) -> bool {
        self.state().config.identity.keeps_groups()
    }

    /// Starts the process: it has executed its program when this returns.
    ///
    /// # Errors
    ///
    /// The error names the step ([`Stage`](crate::Stage)), and nothing is left of the attempt. The
    /// context comes back with it ([`CreateError::into_context`]) for another try.
    ///
    /// # Kernel
    ///
    /// 5.4; the cost is flat in the creator's memory, and from 5.9 in its open descriptors.
    #[doc(alias = "PROC_CREATE")]
    pub fn create(self) -> Result<Process, CreateError> {
        let init = self.state().config.built_in_init();
        match start::program(self.fd.as_fd(), &self.opened) {
            Ok((pid, pidfd)) => Ok(Process::from_parts(self.fd, pidfd, init).started_as(pid)),
            Err(error) => Err(CreateError { error, context: self }),
        }
    }

    /// A creation with no program set: see [`fork`](Self::fork).
    pub(crate) fn fork_here(self) -> Result<Option<Process>, CreateError> {
        match start::fork(self.fd.as_fd(), &self.opened) {
            Ok(Forked::Parent(pid, pidfd)) => {
                Ok(Some(Process::from_parts(self.fd, pidfd, false).started_as(pid)))
            }
            Ok(Forked::Child) => {
                // Closed already, and the number is free for others.
                let _ = self.fd.into_fd().into_raw_fd();
                Ok(None)
            }
            Err(error) => Err(CreateError { error, context: self }),
        }
    }

    /// Binds to a process that already runs, by any descriptor that stands for one; a close policy
    /// that was set applies.
    ///
    /// # Errors
    ///
    /// `EINVAL`: the descriptor stands for no process; `ESRCH`: it has ended; `EPERM`: a close
    /// policy, and the caller may not signal it; `EOPNOTSUPP`: a close policy for the init of a pid
    /// namespace.
    #[doc(alias = "PROC_ATTACH")]
    pub fn attach(self, process: BorrowedFd<'_>) -> Result<Process, CreateError> {
        let pidfd = attach::attach(self.fd.as_fd(), &self.opened, process).and_then(|_| {
            match procfd::look::<1>(self.fd.as_fd()) {
                Ok(Published::Started { fds: [Some(pidfd)], .. }) => Ok(pidfd),
                Ok(_) => Err(Error::config(libc::EMFILE, "attached")),
                Err(Errno(e)) => Err(Error::config(e, "attached")),
            }
        });
        match pidfd {
            Ok(pidfd) => Ok(Process::from_parts(self.fd, pidfd, false)),
            Err(error) => Err(CreateError { error, context: self }),
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context(descriptor {}, {:?})", self.fd.as_raw_fd(), self.opened.flags)
    }
}

impl AsFd for Context {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Context {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// A creation that failed: why, and the context for another try.
pub struct CreateError {
    error: Error,
    context: Context,
}

impl CreateError {
    /// Why.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// The context, still configuring.
    pub fn into_context(self) -> Context {
        self.context
    }
}

impl fmt::Debug for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for CreateError {}

impl From<CreateError> for Error {
    fn from(e: CreateError) -> Self {
        e.error
    }
}

impl From<CreateError> for io::Error {
    fn from(e: CreateError) -> Self {
        e.error.into()
    }
}
