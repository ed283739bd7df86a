// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Contexts by their numbers: process_open, and what process_config does with one.

use std::os::fd::{BorrowedFd, IntoRawFd, RawFd};

use std::sync::Arc;

use super::Result;
use crate::attach;
use crate::contexts::{self, OpenFlags, Opened};
use crate::error::{Error, Stage};
use crate::pair::{self, Kind};
use crate::placeholder::{self, Lean};
use crate::settings::{ClosePolicy, Settings};
use crate::start::{self, Forked, Plan};
use crate::sys::{self, Errno, OwnFd, vec};

/// PROCFD_PIDFD.
pub const PIDFD: u64 = 4;

/// How a context is opened.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// With a placeholder that becomes the pidfd.
    Lean,
    Full(OpenFlags),
}

impl Form {
    /// EINVAL: unknown flags. EOPNOTSUPP: flags that do not go together.
    pub(super) fn of(flags: u64) -> Result<Self> {
        let rest = OpenFlags::from_bits(flags & !PIDFD).ok_or(Errno(libc::EINVAL))?;
        match flags & PIDFD {
            0 => Ok(Self::Full(rest)),
            // Nothing tells the library that a pidfd is closed.
            _ if rest.contains(OpenFlags::AUTOREAP) => Err(Errno(libc::EOPNOTSUPP)),
            _ => Ok(Self::Lean),
        }
    }

    /// Refuses what only a procfd can carry out.
    pub(super) fn check(self, settings: &Settings) -> std::result::Result<(), Error> {
        if matches!(self, Self::Full(_)) {
            return Ok(());
        }
        if settings.built_in_init() {
            return Err(Error::config(libc::EOPNOTSUPP, "the built-in init, with PROCFD_PIDFD")
                .hint("it needs a procfd: open the context without PROCFD_PIDFD"));
        }
        if settings.time_limit().is_some() {
            return Err(Error::config(libc::EOPNOTSUPP, "a time limit, with PROCFD_PIDFD")
                .hint("it needs the watcher: open the context without PROCFD_PIDFD"));
        }
        settings.close().map_or(Ok(()), start::check_lean_policy)
    }

    pub(super) fn open(self, settings: Settings) -> Result<OwnFd> {
        match self {
            Self::Lean => {
                contexts::sweep();
                placeholder::open(settings)
            }
            Self::Full(flags) => contexts::open(flags, settings).map(|(fd, _)| fd),
        }
    }
}

/// Why flags were refused, in words.
pub fn flags_refused(flags: u64, errno: Errno) -> String {
    match errno.0 {
        libc::EOPNOTSUPP => {
            "PROCFD_AUTOREAP does not go with PROCFD_PIDFD: nothing tells the library that a \
                             pidfd is closed"
                .to_owned()
        }
        _ => format!("flags takes PROCFD_NO_WATCH, PROCFD_AUTOREAP and PROCFD_PIDFD, not {flags:#x}"),
    }
}

/// Why a context could not be opened, in words.
#[must_use]
pub fn not_opened(errno: Errno) -> String {
    match errno.0 {
        libc::EMFILE => format!("{errno} ({})", start::descriptors_of_a_process()),
        _ => errno.to_string(),
    }
}

/// process_open.
pub fn open(flags: u64) -> Result<RawFd> {
    Form::of(flags)?.open(Settings::default()).map(IntoRawFd::into_raw_fd)
}

/// Forgets contexts whose procfd is gone, as each `open` does for some.
pub fn sweep() {
    contexts::sweep();
}

/// A context that this process opened and may configure.
pub struct Configuring {
    fd: RawFd,
    context: Context,
}

enum Context {
    Lean(Arc<Lean>),
    Full(Arc<Opened>),
}

/// The result of PROC_CREATE.
pub enum Pid {
    /// The child's pid.
    Parent(i32),
    /// In the child of a fork.
    Child,
}

/// A context before its start.
struct Held<'a> {
    config: &'a mut Settings,
    started: bool,
    error: &'a mut Option<Error>,
}

impl Context {
    /// EBADF, EINVAL, EPERM (another process's).
    fn find(fd: RawFd) -> Result<Self> {
        let fd = sys::fd::borrow(fd)?;
        match placeholder::find(fd) {
            Some(context) => Ok(Self::Lean(context)),
            None => {
                contexts::tend_watcher_by_the_tick();
                contexts::find(fd).map(Self::Full)
            }
        }
    }

    fn with<T>(&self, f: impl FnOnce(Held<'_>) -> T) -> T {
        match self {
            Self::Lean(context) => {
                let mut state = context.state();
                let state = &mut *state;
                f(Held { config: &mut state.config, started: state.started, error: &mut state.error })
            }
            Self::Full(context) => {
                let mut state = context.state();
                let state = &mut *state;
                f(Held { config: &mut state.config, started: state.started, error: &mut state.error })
            }
        }
    }

    fn form(&self) -> Form {
        match self {
            Self::Lean(_) => Form::Lean,
            Self::Full(opened) => Form::Full(opened.flags),
        }
    }

    /// Refuses, and takes back, what only a procfd can carry out: the init was not set before, the policy is given.
    fn check(&self, config: &mut Settings, before: Option<ClosePolicy>) -> std::result::Result<(), Error> {
        let refused = self.form().check(config);
        if refused.is_err() {
            config.change(|s| s.set_init(false))?;
            config.restore_close(before);
        }
        refused
    }
}

/// Finds the context of a procfd. EBADF, EINVAL, EPERM (another process's), EBUSY (started).
pub fn configuring(fd: RawFd) -> Result<Configuring> {
    let context = Context::find(fd)?;
    if context.with(|held| held.started) {
        return Err(Errno(libc::EBUSY));
    }
    Ok(Configuring { fd, context })
}

/// Whether a descriptor is a placeholder (PROCFD_PIDFD), or a copy of one.
pub fn is_placeholder(fd: RawFd) -> bool {
    sys::fd::borrow(fd).is_ok_and(|fd| pair::kind(fd) == Ok(Kind::Placeholder))
}

impl Configuring {
    /// Changes the settings by one of their methods. What fails stays on record.
    pub fn change(
        &self,
        set: impl FnOnce(&mut Settings) -> std::result::Result<(), Error>,
    ) -> std::result::Result<(), Error> {
        self.context.with(|held| {
            if held.started {
                return Err(Error::foreign(libc::EBUSY, "the process is started already".to_owned()));
            }
            let before = held.config.close();
            let changed = held.config.change(set).and_then(|()| self.context.check(held.config, before));
            changed.inspect_err(|e| *held.error = Some(e.clone()))
        })
    }

    /// Puts an argument's error on record, which was found before it became a setting.
    pub fn refuse(&self, errno: i32, message: String) {
        self.context.with(|held| *held.error = Some(Error::argument(errno, message)));
    }

    /// Whether PROC_CREATE would fork.
    pub fn forks(&self) -> bool {
        self.context.with(|held| held.config.program.is_none())
    }

    /// PROC_CREATE.
    pub fn create(&self) -> std::result::Result<Pid, Error> {
        let created = match &self.context {
            Context::Lean(context) => start::create_lean(context)?,
            Context::Full(opened) => start::create(self.procfd()?, opened)?,
        };
        match created {
            Forked::Parent(pid, ()) => Ok(Pid::Parent(pid)),
            Forked::Child => Ok(Pid::Child),
        }
    }

    fn procfd(&self) -> std::result::Result<BorrowedFd<'_>, Error> {
        sys::fd::borrow(self.fd).map_err(|e| Error::foreign(e.0, format!("descriptor {}: {e}", self.fd)))
    }

    /// PROC_ATTACH.
    pub fn attach(&self, pidfd: RawFd) -> std::result::Result<i32, Error> {
        let process = sys::fd::borrow(pidfd)
            .map_err(|e| Error::foreign(e.0, format!("the pidfd, descriptor {pidfd}: {e}")))?;
        match &self.context {
            Context::Lean(context) => attach::attach_lean(context, process),
            Context::Full(opened) => attach::attach(self.procfd()?, opened, process),
        }
    }

    /// PROC_INFO_PLAN: in lines, or as JSON.
    pub fn plan(&self, json: bool) -> Result<String> {
        let plan = |config: &Settings| match self.context.form() {
            Form::Lean => Plan::lean(config),
            Form::Full(flags) => Plan::new(config, !flags.contains(OpenFlags::NO_WATCH)),
        };
        self.context.with(|held| match plan(held.config) {
            Ok(plan) if json => vec::text(plan.json()),
            Ok(plan) => vec::text(plan),
            Err(e) => {
                let errno = Errno(e.raw_os_error());
                *held.error = Some(e);
                Err(errno)
            }
        })
    }

    /// PROC_COPY.
    pub fn copy(&self) -> Result<RawFd> {
        let config = self.context.with(|held| held.config.clone());
        self.context.form().open(config).map(IntoRawFd::into_raw_fd)
    }
}

/// PROC_INFO_ERROR: stage, index, errno and message; `Stage::NONE` when nothing failed. For the
/// opener: EPERM for others.
pub fn last_error(fd: RawFd) -> Result<(Stage, u32, i32, String)> {
    Ok(Context::find(fd)?.with(|held| match held.error {
        Some(e) => (e.stage(), e.index(), e.raw_os_error(), e.message().to_owned()),
        None => (Stage::NONE, 0, 0, String::new()),
    }))
}
