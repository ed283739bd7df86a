// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! A context: a descriptor that has no process yet, and what the process will be like.

use std::ffi::{CString, OsStr};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use crate::attach;
use crate::contexts::{self, OpenFlags, Opened, State};
use crate::error::Error;
use crate::process::Process;
use crate::procfd::{self, Published};
use crate::settings::{ClosePolicy, Config, IdMap, Ids, Namespaces, Program, Scope, Setgroups};
use crate::start::{self, Created};
use crate::sys::Errno;

/// What a configuration method returns: the context again, so that calls can be chained.
type Configured<'a> = Result<&'a mut Context, Error>;

/// A set of signals: signal n is bit n-1, as in `/proc/PID/status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignalSet(pub u64);

impl FromIterator<i32> for SignalSet {
    fn from_iter<T: IntoIterator<Item = i32>>(signals: T) -> Self {
        Self(signals.into_iter().fold(0, |set, signal| match signal {
            1..=64 => set | 1 << (signal - 1),
            _ => set,
        }))
    }
}

/// A descriptor without a process: configured first, started by [`create`](Self::create).
///
/// The order in which things are set does not matter, save for the list of descriptor and directory
/// actions, which run in the order given. Numbers in that list mean the child's table at that
/// point; it starts as a copy of the creator's.
///
/// The child gets 0, 1, 2 and the descriptors that the list maps; all others are closed in it.
///
/// Dropping it, or closing all its duplicates, leaves nothing behind.
#[derive(Debug)]
pub struct Context {
    fd: OwnedFd,
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
        Self::open(flags, Config::default())
    }

    fn open(flags: OpenFlags, config: Config) -> io::Result<Self> {
        let (fd, opened) = contexts::open(flags, config)?;
        Ok(Self { fd, opened })
    }

    /// Another context with the same configuration.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    #[doc(alias = "PROC_COPY")]
    pub fn try_clone(&self) -> io::Result<Self> {
        let config = self.state().config.clone();
        Self::open(self.opened.flags, config)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.opened.state()
    }

    fn set(&mut self, f: impl FnOnce(&mut Config) -> Result<(), Error>) -> Configured<'_> {
        if !self.opened.is_mine() {
            return Err(Error::config(libc::EPERM, "a context that another process opened"));
        }
        f(&mut self.state().config)?;
        Ok(self)
    }

    /// The program, by its path.
    ///
    /// # Errors
    ///
    /// `ENOENT`: an empty path; `ENAMETOOLONG`; `EINVAL`: a NUL in it.
    #[doc(alias = "PROC_SET_EXEC")]
    pub fn program(&mut self, path: impl AsRef<Path>) -> Configured<'_> {
        let path = c_string(path.as_ref().as_os_str())?;
        self.set(|c| c.set_program(Program::Path(path)))
    }

    /// The program, searched in the creator's `PATH` if there is no slash in it, as execvpe(3) does,
    /// except that no shell is tried for a file of unknown format.
    ///
    /// # Errors
    ///
    /// As [`program`](Self::program).
    #[doc(alias = "PROC_EXEC_PATH")]
    pub fn program_in_path(&mut self, name: impl AsRef<OsStr>) -> Configured<'_> {
        let name = c_string(name.as_ref())?;
        self.set(|c| c.set_program(Program::Search(name)))
    }

    /// The program, as the first of these paths that is there, by the rule of execvpe(3): a caller's own
    /// search. Without [`args`](Self::args), `argv[0]` is the first of them.
    ///
    /// # Errors
    ///
    /// As [`program`](Self::program); `ENOENT`: no path; `E2BIG`: more than 65,536.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program_first_of(["/nonexistent/sh", "/bin/sh"])?.args(["sh", "-c", "exit 3"])?;
    /// assert_eq!(context.create()?.wait()?.code(), Some(3));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn program_first_of<P: AsRef<Path>>(&mut self, paths: impl IntoIterator<Item = P>) -> Configured<'_> {
        let paths = c_strings(paths.into_iter().map(|p| p.as_ref().as_os_str().to_owned()))?;
        self.set(|c| c.set_program(Program::OneOf(paths)))
    }

    /// The program, by a descriptor of it, which the context keeps. [`args`](Self::args) must be
    /// set. A script needs its descriptor inherited too, for its interpreter.
    ///
    /// # Errors
    ///
    /// None here.
    #[doc(alias = "PROC_SET_EXEC_FD")]
    pub fn program_fd(&mut self, fd: impl Into<OwnedFd>) -> Configured<'_> {
        let fd = fd.into();
        self.set(|c| {
            let number = c.hold(fd);
            c.set_program(Program::Fd(number))
        })
    }

    /// The arguments, `argv[0]` among them. Default: the program as it was named.
    ///
    /// # Errors
    ///
    /// `EINVAL`: none, or a NUL in one; `E2BIG`: more than execve(2) takes.
    #[doc(alias = "PROC_SET_ARGV")]
    pub fn args<S: AsRef<OsStr>>(&mut self, args: impl IntoIterator<Item = S>) -> Configured<'_> {
        let args = c_strings(args)?;
        self.set(|c| c.set_argv(args))
    }

    /// The whole environment, as pairs. Default: the creator's at the time of the creation.
    ///
    /// # Errors
    ///
    /// `EINVAL`: a NUL, or a name that is empty or has a `=`; `E2BIG`.
    #[doc(alias = "PROC_SET_ENV")]
    pub fn env_only<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        &mut self,
        vars: impl IntoIterator<Item = (K, V)>,
    ) -> Configured<'_> {
        let vars = vars
            .into_iter()
            .map(|(name, value)| assignment(name.as_ref(), value.as_ref()))
            .collect::<Result<_, _>>()?;
        self.set(|c| c.set_env(vars))
    }

    /// The creator's environment as it is now, and not as another thread may have changed it by the time of
    /// the creation. One that was given before stays.
    ///
    /// # Errors
    ///
    /// None here.
    pub fn env_now(&mut self) -> Configured<'_> {
        self.set(|c| {
            c.fix_env();
            Ok(())
        })
    }

    /// One variable on top of the environment.
    ///
    /// # Errors
    ///
    /// As [`env_only`](Self::env_only).
    #[doc(alias = "PROC_SET_ENV_VAR")]
    pub fn env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Configured<'_> {
        let var = assignment(name.as_ref(), value.as_ref())?;
        self.set(|c| c.set_env_var(var))
    }

    /// Removes one variable from the environment.
    ///
    /// # Errors
    ///
    /// As [`env_only`](Self::env_only).
    #[doc(alias = "PROC_UNSET_ENV_VAR")]
    pub fn env_remove(&mut self, name: impl AsRef<OsStr>) -> Configured<'_> {
        let name = c_string(name.as_ref())?;
        self.set(|c| c.unset_env_var(name))
    }

    /// In the list: change directory.
    ///
    /// # Errors
    ///
    /// As [`program`](Self::program).
    #[doc(alias = "PROC_SET_CWD")]
    pub fn current_dir(&mut self, path: impl AsRef<Path>) -> Configured<'_> {
        let path = c_string(path.as_ref().as_os_str())?;
        self.set(|c| c.add_chdir(path))
    }

    /// In the list: change to the directory of a descriptor, which the context keeps.
    ///
    /// # Errors
    ///
    /// `E2BIG`: a list of 65,536 actions.
    #[doc(alias = "PROC_SET_CWD_FD")]
    pub fn current_dir_fd(&mut self, fd: impl Into<OwnedFd>) -> Configured<'_> {
        let fd = fd.into();
        self.set(|c| {
            let number = c.hold(fd);
            c.add_fchdir(number)
        })
    }

    /// In the list: the child gets this descriptor as `target`. The context keeps it until the process has
    /// started, and then closes it.
    ///
    /// # Errors
    ///
    /// `EBADF`: a negative target; `E2BIG`.
    #[doc(alias = "PROC_FD_DUP")]
    pub fn fd(&mut self, fd: impl Into<OwnedFd>, target: RawFd) -> Configured<'_> {
        let fd = fd.into();
        self.set(|c| {
            let number = c.hold(fd);
            c.add_dup(number, target)
        })
    }

    /// In the list: dup2 by numbers of the child's table; equal ones clear close-on-exec
    /// (`PROC_FD_INHERIT`).
    ///
    /// # Errors
    ///
    /// `EBADF`: a negative number; `E2BIG`.
    #[doc(alias = "PROC_FD_INHERIT")]
    pub fn dup(&mut self, source: RawFd, target: RawFd) -> Configured<'_> {
        self.set(|c| c.add_dup(source, target))
    }

    /// In the list: open a file at `target`, with the flags and mode of open(2).
    ///
    /// # Errors
    ///
    /// As [`program`](Self::program); `EBADF`; `EINVAL`: `O_CLOEXEC`, or a mode over 0o7777.
    #[doc(alias = "PROC_FD_OPEN")]
    pub fn open_at(
        &mut self,
        target: RawFd,
        path: impl AsRef<Path>,
        flags: i32,
        mode: u32,
    ) -> Configured<'_> {
        let path = c_string(path.as_ref().as_os_str())?;
        self.set(|c| c.add_open(target, path, flags, mode))
    }

    /// In the list: `/dev/null` at `target`.
    ///
    /// # Errors
    ///
    /// `EBADF`, `E2BIG`.
    #[doc(alias = "PROC_FD_NULL")]
    pub fn null(&mut self, target: RawFd) -> Configured<'_> {
        self.set(|c| c.add_null(target))
    }

    /// In the list: close a descriptor; that it is not open is no error.
    ///
    /// # Errors
    ///
    /// `EBADF`: a negative number; `E2BIG`.
    #[doc(alias = "PROC_FD_CLOSE")]
    pub fn close(&mut self, fd: RawFd) -> Configured<'_> {
        self.set(|c| c.add_close(fd))
    }

    /// In the list: close `first` to `last`.
    ///
    /// # Errors
    ///
    /// `EINVAL`: an empty range; `E2BIG`.
    #[doc(alias = "PROC_FD_CLOSE_RANGE")]
    pub fn close_range(&mut self, first: u32, last: u32) -> Configured<'_> {
        self.set(|c| c.add_close_range(first, last))
    }

    /// Whether all descriptors that are not close-on-exec are inherited, as POSIX has it.
    ///
    /// # Errors
    ///
    /// None here.
    #[doc(alias = "PROC_FD_INHERIT_ALL")]
    pub fn inherit_all(&mut self, on: bool) -> Configured<'_> {
        self.set(|c| {
            c.inherit_all = on;
            Ok(())
        })
    }

    /// chroot(2), and then the new root as the directory.
    ///
    /// # Errors
    ///
    /// As [`program`](Self::program).
    #[doc(alias = "PROC_SET_ROOT")]
    pub fn root(&mut self, path: impl AsRef<Path>) -> Configured<'_> {
        let path = c_string(path.as_ref().as_os_str())?;
        self.set(|c| c.set_root(path))
    }

    /// The signal mask. Default: the calling thread's.
    ///
    /// # Errors
    ///
    /// None here.
    #[doc(alias = "PROC_SET_SIGMASK")]
    pub fn signal_mask(&mut self, set: SignalSet) -> Configured<'_> {
        self.set(|c| {
            c.mask = Some(set.0);
            Ok(())
        })
    }

    /// Signals with their default action. (Handlers are always reset; ignored signals stay ignored.)
    ///
    /// # Errors
    ///
    /// `EINVAL`: `SIGKILL` or `SIGSTOP`.
    #[doc(alias = "PROC_SET_SIGDEFAULT")]
    pub fn default_signals(&mut self, set: SignalSet) -> Configured<'_> {
        self.set(|c| c.set_default_signals(set.0))
    }

    /// Signals that are ignored.
    ///
    /// # Errors
    ///
    /// `EINVAL`: `SIGKILL` or `SIGSTOP`.
    #[doc(alias = "PROC_SET_SIGIGNORE")]
    pub fn ignored_signals(&mut self, set: SignalSet) -> Configured<'_> {
        self.set(|c| c.set_ignored_signals(set.0))
    }

    /// A new session (setsid(2)).
    ///
    /// # Errors
    ///
    /// None here.
    #[doc(alias = "PROC_SET_SESSION")]
    pub fn new_session(&mut self) -> Configured<'_> {
        self.set(|c| {
            c.session = true;
            Ok(())
        })
    }

    /// The process group to join; 0 starts a new one.
    ///
    /// # Errors
    ///
    /// `EINVAL`: negative.
    #[doc(alias = "PROC_SET_PGROUP")]
    pub fn process_group(&mut self, group: i32) -> Configured<'_> {
        self.set(|c| c.set_group(group))
    }

    /// The controlling terminal, which the context keeps; needs a new session.
    ///
    /// # Errors
    ///
    /// None here.
    #[doc(alias = "PROC_SET_CTTY")]
    pub fn controlling_terminal(&mut self, fd: impl Into<OwnedFd>) -> Configured<'_> {
        let fd = fd.into();
        self.set(|c| {
            let number = c.hold(fd);
            c.set_ctty(number)
        })
    }

    /// The terminal, which the context keeps, whose foreground group the child's becomes.
    ///
    /// # Errors
    ///
    /// None here.
    #[doc(alias = "PROC_SET_FOREGROUND")]
    pub fn foreground(&mut self, fd: impl Into<OwnedFd>) -> Configured<'_> {
        let fd = fd.into();
        self.set(|c| {
            let number = c.hold(fd);
            c.set_foreground(number)
        })
    }

    /// User ids. Supplementary groups stay as they are unless [`groups`](Self::groups) says otherwise.
    ///
    /// # Errors
    ///
    /// None here.
    #[doc(alias = "PROC_SET_UID")]
    pub fn uid(&mut self, ids: Ids) -> Configured<'_> {
        self.set(|c| {
            c.uid = Some(ids);
            Ok(())
        })
    }

    /// Group ids.
    ///
    /// # Errors
    ///
    /// None here.
    #[doc(alias = "PROC_SET_GID")]
    pub fn gid(&mut self, ids: Ids) -> Configured<'_> {
        self.set(|c| {
            c.gid = Some(ids);
            Ok(())
        })
    }

    /// Supplementary groups; an empty list drops them all.
    ///
    /// # Errors
    ///
    /// `E2BIG`: more than 65,536.
    #[doc(alias = "PROC_SET_GROUPS")]
    pub fn groups(&mut self, groups: &[u32]) -> Configured<'_> {
        self.set(|c| c.set_groups(groups.to_vec()))
    }

    /// The file mode creation mask.
    ///
    /// # Errors
    ///
    /// `EINVAL`: over 0o777.
    #[doc(alias = "PROC_SET_UMASK")]
    pub fn umask(&mut self, mask: u32) -> Configured<'_> {
        self.set(|c| c.set_umask(mask))
    }

    /// A resource limit (`RLIMIT_*`), in its own unit; `u64::MAX` is none.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no such resource, or the soft above the hard limit.
    #[doc(alias = "PROC_SET_RLIMIT")]
    pub fn rlimit(&mut self, resource: u32, soft: u64, hard: u64) -> Configured<'_> {
        self.set(|c| c.set_rlimit(resource, soft, hard))
    }

    /// The nice value, -20 to 19.
    ///
    /// # Errors
    ///
    /// `EINVAL`: outside that.
    #[doc(alias = "PROC_SET_NICE")]
    pub fn nice(&mut self, nice: i32) -> Configured<'_> {
        self.set(|c| c.set_nice(nice.into()))
    }

    /// no_new_privs (prctl(2)).
    ///
    /// # Errors
    ///
    /// None here.
    #[doc(alias = "PROC_SET_NO_NEW_PRIVS")]
    pub fn no_new_privs(&mut self) -> Configured<'_> {
        self.set(|c| {
            c.no_new_privs = true;
            Ok(())
        })
    }

    /// The signal the child gets when the creating *thread* ends, and which a set-user-id program
    /// clears (prctl(2)). [`kill_on_close`](Self::kill_on_close) has neither trap.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no such signal.
    #[doc(alias = "PROC_SET_PDEATHSIG")]
    pub fn parent_death_signal(&mut self, signal: i32) -> Configured<'_> {
        self.set(|c| c.set_pdeathsig(signal))
    }

    /// New namespaces, added to those set before.
    ///
    /// # Errors
    ///
    /// `EINVAL`: unknown bits.
    #[doc(alias = "PROC_SET_FLAG")]
    pub fn namespaces(&mut self, namespaces: Namespaces) -> Configured<'_> {
        self.set(|c| c.add_namespaces(namespaces.bits()))
    }

    /// Gives a new pid namespace the library's own small init: the program runs as pid 2, the init
    /// forwards signals to it, reaps orphans, and ends as it ended. A close policy then holds without
    /// the watcher: when the last procfd is gone the init ends, and with it the whole namespace.
    ///
    /// # Errors
    ///
    /// None here; the creation needs [`Namespaces::PID`].
    #[doc(alias = "PROC_SET_INIT")]
    pub fn built_in_init(&mut self, on: bool) -> Configured<'_> {
        self.set(|c| {
            c.built_in_init = on;
            Ok(())
        })
    }

    /// The user id map of a new user namespace.
    ///
    /// # Errors
    ///
    /// `EINVAL`: an empty or overflowing line; `E2BIG`: over 340 lines.
    #[doc(alias = "PROC_SET_UID_MAP")]
    pub fn uid_map(&mut self, map: &[IdMap]) -> Configured<'_> {
        self.set(|c| c.set_uid_map(map.to_vec()))
    }

    /// The group id map of a new user namespace.
    ///
    /// # Errors
    ///
    /// As [`uid_map`](Self::uid_map).
    #[doc(alias = "PROC_SET_GID_MAP")]
    pub fn gid_map(&mut self, map: &[IdMap]) -> Configured<'_> {
        self.set(|c| c.set_gid_map(map.to_vec()))
    }

    /// What becomes of setgroups(2) in a new user namespace.
    ///
    /// # Errors
    ///
    /// None here.
    #[doc(alias = "PROC_SET_SETGROUPS")]
    pub fn setgroups(&mut self, policy: Setgroups) -> Configured<'_> {
        self.set(|c| {
            c.setgroups = policy;
            Ok(())
        })
    }

    /// The host name in a new UTS namespace.
    ///
    /// # Errors
    ///
    /// `ENAMETOOLONG`: over 64 bytes; `EINVAL`: a NUL in it.
    #[doc(alias = "PROC_SET_HOSTNAME")]
    pub fn hostname(&mut self, name: impl AsRef<OsStr>) -> Configured<'_> {
        self.set(|c| c.set_hostname(name.as_ref().as_bytes().to_vec()))
    }

    /// The kernel sends this signal to the process when its last procfd, in any process, is gone.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no such signal.
    #[doc(alias = "PROC_SET_CLOSE")]
    pub fn kill_on_close(&mut self, signal: i32) -> Configured<'_> {
        self.set_close(signal, Scope::Process, None)
    }

    /// As [`kill_on_close`](Self::kill_on_close), for the process group, which must be its own or
    /// one to join.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no such signal.
    pub fn kill_group_on_close(&mut self, signal: i32) -> Configured<'_> {
        self.set_close(signal, Scope::ProcessGroup, None)
    }

    /// As [`kill_on_close`](Self::kill_on_close) and [`kill_group_on_close`](Self::kill_group_on_close),
    /// with a second signal after `delay`, if the process still runs by then: say SIGTERM, and
    /// SIGKILL after five seconds. The second is the watcher's, so the context must have one
    /// ([`with_flags`](Self::with_flags) without [`OpenFlags::NO_WATCH`]); the first is the kernel's.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no such signal.
    pub fn end_on_close(
        &mut self,
        signal: i32,
        scope: Scope,
        second: i32,
        delay: Duration,
    ) -> Configured<'_> {
        self.set_close(signal, scope, Some((second, delay)))
    }

    /// Takes a close policy back.
    ///
    /// # Errors
    ///
    /// None here.
    pub fn no_close_policy(&mut self) -> Configured<'_> {
        self.set(|c| {
            c.close = None;
            Ok(())
        })
    }

    fn set_close(&mut self, signal: i32, scope: Scope, then: Option<(i32, Duration)>) -> Configured<'_> {
        let policy = ClosePolicy::new(signal, scope, then)?;
        self.set(|c| {
            c.close = Some(policy);
            Ok(())
        })
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
        if matches!(self.state().config.program, Program::None) {
            let error = Error::plan(libc::EINVAL, "no program is set");
            return Err(CreateError { error, context: self });
        }
        let init = self.state().config.built_in_init;
        let created = start::create(self.fd.as_fd(), &self.opened, true);
        match created {
            Ok(Created::Parent { pid, pidfd: Some(pidfd) }) => {
                Ok(Process::from_parts(self.fd, pidfd, init).started_as(pid))
            }
            // The pidfd was asked for, and only a fork returns in the child: a program is set.
            Ok(Created::Parent { pidfd: None, .. } | Created::Child) => std::process::abort(),
            Err(error) => Err(CreateError { error, context: self }),
        }
    }

    /// A creation with no program set: see [`raw::fork`](crate::ffi::fork).
    pub(crate) fn fork(self) -> Result<Option<Process>, CreateError> {
        if !matches!(self.state().config.program, Program::None) {
            let error = Error::plan(libc::EINVAL, "a fork with a program set");
            return Err(CreateError { error, context: self });
        }
        match start::create(self.fd.as_fd(), &self.opened, true) {
            Ok(Created::Parent { pid, pidfd: Some(pidfd) }) => {
                Ok(Some(Process::from_parts(self.fd, pidfd, false).started_as(pid)))
            }
            // It was asked for.
            Ok(Created::Parent { pidfd: None, .. }) => std::process::abort(),
            Ok(Created::Child) => {
                // Closed already, and the number is free for others.
                let _ = self.fd.into_raw_fd();
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

impl Config {
    /// Keeps a descriptor until the context is gone, and returns its number.
    fn hold(&mut self, fd: OwnedFd) -> RawFd {
        let number = fd.as_raw_fd();
        self.held.push(Arc::new(fd));
        number
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

fn c_string(s: &OsStr) -> Result<CString, Error> {
    CString::new(s.as_bytes()).map_err(|_| Error::config(libc::EINVAL, "a string with a NUL in it"))
}

fn c_strings<S: AsRef<OsStr>>(list: impl IntoIterator<Item = S>) -> Result<Vec<CString>, Error> {
    list.into_iter().map(|s| c_string(s.as_ref())).collect()
}

fn assignment(name: &OsStr, value: &OsStr) -> Result<CString, Error> {
    if name.is_empty() || name.as_bytes().contains(&b'=') {
        return Err(Error::config(libc::EINVAL, "environment variable: not a name"));
    }
    let mut both = name.to_owned();
    both.push("=");
    both.push(value);
    c_string(&both)
}
