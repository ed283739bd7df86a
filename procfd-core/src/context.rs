// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! A context opens, is copied, and becomes a process. Its settings are in [`settings`](crate::settings).

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd};
use std::sync::Arc;

use crate::attach;
use crate::contexts::{self, OpenFlags, Opened};
use crate::error::{Error, Stage};
use crate::forks;
use crate::held::Held;
use crate::process::Process;
use crate::settings::{Context, Form, Settings};
use crate::start::{self, Forked, Plan};
use crate::sys::Errno;
use crate::sys::task::SignalsBlocked;

impl Context {
    /// A new context, without a watcher ([`OpenFlags::NO_WATCH`]) and with its child reaped by the
    /// library ([`OpenFlags::AUTOREAP`]).
    ///
    /// # Errors
    ///
    /// None: it has no descriptor yet.
    #[doc(alias = "process_open")]
    pub fn new() -> io::Result<Self> {
        Self::with_flags(OpenFlags::NO_WATCH | OpenFlags::AUTOREAP)
    }

    /// A new context with these flags.
    ///
    /// # Errors
    ///
    /// With a watcher: as [`procfd`](Self::procfd).
    pub fn with_flags(flags: OpenFlags) -> io::Result<Self> {
        Self::open(flags, Settings::default())
    }

    fn open(flags: OpenFlags, settings: Settings) -> io::Result<Self> {
        let form = match flags.contains(OpenFlags::NO_WATCH) {
            true => {
                contexts::sweep();
                Form::Lean(Box::new(settings), forks::generation())
            }
            false => {
                let (fd, opened) = contexts::open_held(flags, settings)?;
                Form::Full(fd, opened)
            }
        };
        Ok(Self { form, flags })
    }

    /// Another context with the same configuration.
    ///
    /// # Errors
    ///
    /// As [`with_flags`](Self::with_flags).
    ///
    /// # Kernel
    ///
    /// All kernels: the library copies the settings, and shares the descriptors that they hold (see
    /// [dup(2)](https://man7.org/linux/man-pages/man2/dup.2.html)). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// for _ in 0..2 {
    ///     assert!(context.try_clone()?.create()?.wait()?.is_success());
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_COPY")]
    pub fn try_clone(&self) -> io::Result<Self> {
        self.copy_with(self.flags)
    }

    /// Lists the steps that [`create`](Self::create) would take now, and starts nothing. `PATH`, the
    /// environment, limits and ids are those of now.
    ///
    /// # Errors
    ///
    /// Those that `create` returns before a start: settings that contradict each other
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
        self.with_settings(|settings| Plan::new(settings, !self.flags.contains(OpenFlags::NO_WATCH)))
    }

    /// Another context with the same configuration, and these flags.
    pub(crate) fn copy_with(&self, flags: OpenFlags) -> io::Result<Self> {
        Self::open(flags, self.with_settings(Settings::clone))
    }

    /// Its procfd, which this opens if it has none. You can pass it on or poll it before the start. It
    /// becomes readable when the process has started.
    ///
    /// A context has no `AsFd`, because `as_fd` cannot fail and opening a descriptor can. [`Context::new`]
    /// opens none.
    ///
    /// ```
    /// use procfd::{Context, Process};
    ///
    /// let mut context = Context::new()?;
    /// context.program_in_path("sh")?.args(["sh", "-c", "exit 7"])?;
    /// // A copy for another holder, here or by SCM_RIGHTS elsewhere.
    /// let copy = context.procfd()?.try_clone_to_owned()?;
    /// let process = context.create()?;
    /// assert_eq!(Process::from_fd(copy)?.pid()?, process.pid()?);
    /// assert_eq!(process.wait()?.code(), Some(7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE`, `ENOMEM`, `ENOBUFS`; `EPERM`: a forked child's copy of a context.
    #[doc(alias = "as_fd")]
    pub fn procfd(&mut self) -> io::Result<BorrowedFd<'_>> {
        let flags = self.flags;
        if let Form::Lean(settings, forks) = self.renewed() {
            if *forks != forks::generation() {
                return Err(Errno(libc::EPERM).into());
            }
            let (fd, opened) = contexts::open_held(flags, Settings::clone(settings))?;
            self.form = Form::Full(fd, opened);
        }
        match &self.form {
            Form::Full(fd, _) => Ok(fd.as_fd()),
            Form::Lean(..) | Form::Spent(_) => Err(Errno(libc::EBADF).into()),
        }
    }

    /// The full form, which leaves the context behind as [`Context::new`] makes it.
    fn full(&mut self) -> Result<(Held, Arc<Opened>), Error> {
        self.check_mine()?;
        let Self { form, flags } = self.taken();
        let (settings, forks) = match form {
            Form::Full(fd, opened) => return Ok((fd, opened)),
            Form::Lean(settings, forks) => (settings, forks),
            Form::Spent(forks) => (Box::default(), forks),
        };
        match contexts::open_held(flags, Settings::default()) {
            Ok((fd, opened)) => {
                opened.state().config = *settings;
                Ok((fd, opened))
            }
            Err(e) => {
                *self = Self { form: Form::Lean(settings, forks), flags };
                Err(start::out_of_descriptors(Error::new(Stage::PUBLISH, 0, e, "")))
            }
        }
    }

    /// The context, which a new one replaces.
    fn taken(&mut self) -> Self {
        let flags = OpenFlags::NO_WATCH | OpenFlags::AUTOREAP;
        std::mem::replace(self, Self { form: Form::Spent(forks::generation()), flags })
    }

    /// Starts the process: it has executed its program when this returns.
    ///
    /// The context is then as [`Context::new`] makes it. For several processes of one configuration,
    /// [`try_clone`](Self::try_clone) it.
    ///
    /// # Errors
    ///
    /// The error names the step ([`Stage`](crate::Stage)). No process, zombie or descriptor is left. The
    /// context keeps its configuration and its procfd, so you can try again.
    ///
    /// # Kernel
    ///
    /// [clone(2)](https://man7.org/linux/man-pages/man2/clone.2.html), 5.4; the cost is flat in the creator's memory, and
    /// from 5.9 in its open descriptors. Privilege: what the settings need.
    ///
    /// ```
    /// let process = procfd::Context::new()?.program_in_path("true")?.args(["true"])?.create()?;
    /// assert!(process.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_CREATE")]
    pub fn create(&mut self) -> Result<Process, Error> {
        self.check_mine()?;
        match self.renewed() {
            Form::Lean(settings, _) if !settings.needs_procfd() => {
                let (pid, pidfd) = start::lean(settings)?;
                let flags = self.taken().flags;
                Ok(Process::lean(pidfd, flags.contains(OpenFlags::AUTOREAP)).started_as(pid))
            }
            _ => self.create_full(),
        }
    }

    fn create_full(&mut self) -> Result<Process, Error> {
        let flags = self.flags;
        let (fd, opened) = self.full()?;
        let init = opened.state().config.built_in_init();
        match start::program(fd.as_fd(), &opened) {
            Ok((pid, pidfd)) => {
                // Once for the steps that each block the signals. Without it they do so one by one.
                let _signals = SignalsBlocked::new();
                let process = Process::from_parts(fd, pidfd, init).started_as(pid);
                // The object has all that the context would keep.
                let reap = contexts::forget(&opened);
                drop(opened);
                Ok(match reap {
                    Some(reap) => process.reaped_by_us(reap),
                    None => process,
                })
            }
            Err(error) => {
                *self = Self { form: Form::Full(fd, opened), flags };
                Err(error)
            }
        }
    }

    /// A creation with no program set: see [`fork`](Self::fork).
    pub(crate) fn fork_here(&mut self) -> Result<Option<Process>, Error> {
        let keeps_none = matches!(&self.form, Form::Lean(settings, _) if !settings.needs_procfd());
        let flags = self.flags;
        let (fd, opened) = self.full()?;
        match start::fork(fd.as_fd(), &opened) {
            Ok(Forked::Parent(pid, pidfd)) => Ok(Some(match contexts::forget(&opened) {
                Some(reap) if keeps_none => Process::lean(pidfd, reap).started_as(pid),
                Some(reap) => Process::from_parts(fd, pidfd, false).started_as(pid).reaped_by_us(reap),
                None => Process::from_parts(fd, pidfd, false).started_as(pid),
            })),
            Ok(Forked::Child) => {
                // Closed already, and the number is free for others.
                let _ = fd.into_fd().into_raw_fd();
                Ok(None)
            }
            Err(error) => {
                *self = Self { form: Form::Full(fd, opened), flags };
                Err(error)
            }
        }
    }

    /// Binds to a running process, by any descriptor that refers to one. The close policy of the context
    /// applies.
    ///
    /// # Errors
    ///
    /// `EINVAL`: the descriptor refers to no process; `ESRCH`: it has ended; `EPERM`: a close policy, and you
    /// may not signal it; `EOPNOTSUPP`: a close policy for the init of a pid namespace.
    ///
    /// # Kernel
    ///
    /// [pidfd_open(2)](https://man7.org/linux/man-pages/man2/pidfd_open.2.html). Privilege: with a close policy, that of
    /// [kill(2)](https://man7.org/linux/man-pages/man2/kill.2.html).
    ///
    /// ```
    /// use std::os::fd::AsFd;
    ///
    /// let child = std::process::Command::new("/bin/sleep").arg("60").spawn()?;
    /// let running = procfd::Process::open(child.id())?;
    /// let mut context = procfd::Context::new()?;
    /// context.kill_on_close(libc::SIGKILL)?;
    /// // If this object is dropped, the kernel ends the process.
    /// let process = context.attach(running.as_fd())?;
    /// process.send_signal(libc::SIGTERM)?;
    /// assert_eq!(process.wait()?.signal(), Some(libc::SIGTERM));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_ATTACH")]
    pub fn attach(&mut self, process: BorrowedFd<'_>) -> Result<Process, Error> {
        let flags = self.flags;
        let (fd, opened) = self.full()?;
        match attach::attach_object(&fd, &opened, process) {
            Ok(pidfd) => {
                let reap = contexts::forget(&opened).unwrap_or(false);
                Ok(Process::from_parts(fd, pidfd, false).reaped_by_us(reap))
            }
            Err(error) => {
                *self = Self { form: Form::Full(fd, opened), flags };
                Err(error)
            }
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.form {
            Form::Lean(..) | Form::Spent(_) => write!(f, "Context({:?})", self.flags),
            Form::Full(fd, _) => write!(f, "Context(descriptor {}, {:?})", fd.as_raw_fd(), self.flags),
        }
    }
}
