// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! A command that chains, as those of std and tokio do, with all settings of a context.

#[cfg(feature = "tokio")]
pub mod asynchronous;
mod child;
mod convert;
mod forward;
mod stdio;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;
use std::time::Duration;

pub use child::{Child, Output};
pub use stdio::Stdio;

use crate::contexts::OpenFlags;
use crate::error::Error;
use crate::settings::{Context, Ids, Scope};
use child::Kill;
use stdio::{Ours, Streams};

/// A program to start, and how: `std::process::Command` with every setting of [`Context`].
///
/// Calls chain, and the command keeps the first error: [`spawn`](Self::spawn), [`output`](Self::output) and
/// [`status`](Self::status) return the first. A command can be started again and again; each child gets what
/// the command has at that time.
///
/// It differs from std's in these points:
///
/// - descriptors above 2 that you do not name ([`fd`](Self::fd), [`dup`](Self::dup)) are closed in the child;
/// - the library reaps a child that you do not wait for, so dropping a [`Child`] leaves no zombie;
/// - [`kill_on_close`](Self::kill_on_close) ends the child with your process, however yours ends;
/// - an error names the step that failed ([`Error::stage`]).
///
/// As std's does, [`uid`](Self::uid) given by root drops the supplementary groups, unless you give
/// [`groups`](Self::groups).
///
/// Methods of std and tokio that have another name here:
///
/// | there | here |
/// |---|---|
/// | tokio's `spawn`, `status`, `output` | `spawn_async`, `status_async`, `output_async` (feature `tokio`) |
/// | `get_envs`, `get_current_dir`, `get_kill_on_drop` | none; [`plan`](Self::plan) shows each step of a start |
/// | `pre_exec`, `before_exec` | a setting; for your own code in the child [`Context::fork`] |
/// | `exec` | std's: it replaces your process, and starts none |
/// | `chroot`, `setsid`, `create_pidfd` | [`root`](Self::root), [`new_session`](Self::new_session), [`Process::pidfd`](crate::Process::pidfd) |
/// | `as_std`, `as_std_mut`, `into_std`, `spawn_with` | none; [`configure`](Self::configure) has what no method sets |
/// | `Child::id` of tokio, an `Option` | [`Child::id`], the pid it was started with |
/// | `send_signal` of a child | [`Process::send_signal`](crate::Process::send_signal) of [`Child::process`] |
/// | `Stdio::from_raw_fd`, `from_std`, `into_owned_fd` | an [`OwnedFd`](std::os::fd::OwnedFd) turns into a [`Stdio`] |
/// | `Stdio::from(io::stdout())` | [`dup(1, 2)`](Self::dup), or `io::stdout().as_fd().try_clone_to_owned()?` |
///
/// ```
/// use procfd::{Command, Stdio};
/// use std::io::Write;
///
/// let mut child = Command::new("sort")
///     .arg("-n")
///     .env("LC_ALL", "C")
///     .current_dir("/")
///     .stdin(Stdio::piped())
///     .stdout(Stdio::piped())
///     .kill_on_close()
///     .spawn()?;
/// child.stdin.take().unwrap().write_all(b"10\n9\n")?;
/// let output = child.wait_with_output()?;
/// assert!(output.status.success());
/// assert_eq!(output.stdout, b"9\n10\n");
/// # Ok::<(), procfd::Error>(())
/// ```
pub struct Command {
    program: OsString,
    name: Option<OsString>,
    args: Vec<OsString>,
    streams: Streams,
    flags: OpenFlags,
    kill: Kill,
    /// All other settings; or the first error.
    context: Result<Context, Error>,
}

impl Command {
    /// The program: a path, or a name without a slash, which is searched in your `PATH`.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let flags = OpenFlags::NO_WATCH | OpenFlags::AUTOREAP;
        Self {
            program: program.as_ref().to_owned(),
            name: None,
            args: Vec::new(),
            streams: Streams::default(),
            flags,
            kill: Kill { on_drop: false, tree: false },
            context: Context::with_flags(flags).map_err(Error::from),
        }
    }

    /// Changes the context by its own methods, if the command has none for a setting. The command keeps the
    /// error. If the context sets a program ([`Context::program_fd`], [`Context::program_first_of`]), that
    /// replaces the program of [`new`](Self::new), whose name stays `argv[0]`.
    ///
    /// ```
    /// use procfd::Command;
    ///
    /// let status = Command::new("true").configure(|context| context.nice(19).map(drop)).status()?;
    /// assert!(status.success());
    /// # Ok::<(), procfd::Error>(())
    /// ```
    pub fn configure(&mut self, change: impl FnOnce(&mut Context) -> Result<(), Error>) -> &mut Self {
        if let Ok(context) = &mut self.context {
            if let Err(error) = change(context) {
                self.context = Err(error);
            }
        }
        self
    }

    /// One more argument.
    pub fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// More arguments.
    pub fn args<S: AsRef<OsStr>>(&mut self, args: impl IntoIterator<Item = S>) -> &mut Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// `argv[0]`. Default: the program as you named it.
    pub fn arg0(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        self.name = Some(name.as_ref().to_owned());
        self
    }

    /// Several variables on top of the environment.
    pub fn envs<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        &mut self,
        vars: impl IntoIterator<Item = (K, V)>,
    ) -> &mut Self {
        for (name, value) in vars {
            self.env(name, value);
        }
        self
    }

    /// An empty environment, to which later calls add.
    pub fn env_clear(&mut self) -> &mut Self {
        self.configure(|c| c.set(|s| s.clear_env()).map(drop))
    }

    /// The directory it starts in. A relative program path is looked up from there.
    pub fn current_dir(&mut self, path: impl AsRef<Path>) -> &mut Self {
        self.configure(|c| c.current_dir(path).map(drop))
    }

    /// Standard input. Default: yours; nothing for [`output`](Self::output).
    pub fn stdin(&mut self, stream: impl Into<Stdio>) -> &mut Self {
        self.streams.input = Some(stream.into());
        self
    }

    /// Standard output. Default: yours; a pipe for [`output`](Self::output).
    pub fn stdout(&mut self, stream: impl Into<Stdio>) -> &mut Self {
        self.streams.output = Some(stream.into());
        self
    }

    /// Standard error. Default: yours; a pipe for [`output`](Self::output).
    pub fn stderr(&mut self, stream: impl Into<Stdio>) -> &mut Self {
        self.streams.error = Some(stream.into());
        self
    }

    /// The user: a number, or [`Ids`]. Given by root it drops the supplementary groups too, unless you give
    /// [`groups`](Self::groups).
    ///
    /// # Kernel
    ///
    /// setresuid(2). Privilege: `CAP_SETUID`, but for your own ids.
    pub fn uid(&mut self, ids: impl Into<Ids>) -> &mut Self {
        self.configure(|c| c.uid(ids.into()).map(drop))
    }

    /// The group: a number, or [`Ids`].
    ///
    /// # Kernel
    ///
    /// setresgid(2). Privilege: `CAP_SETGID`, but for your own ids.
    pub fn gid(&mut self, ids: impl Into<Ids>) -> &mut Self {
        self.configure(|c| c.gid(ids.into()).map(drop))
    }

    /// The kernel kills the child (`SIGKILL`) when the last of its descriptors is closed: at the latest when
    /// your process ends, however it ends. Forked copies of your process do not hold it.
    /// The children of the child live on: [`signal_on_close`](Self::signal_on_close) takes another signal, and a
    /// process group.
    pub fn kill_on_close(&mut self) -> &mut Self {
        self.signal_on_close(libc::SIGKILL, Scope::Process)
    }

    /// As [`kill_on_close`](Self::kill_on_close), with this signal, to the process or its group.
    pub fn signal_on_close(&mut self, signal: i32, scope: Scope) -> &mut Self {
        self.configure(|c| match scope {
            Scope::ProcessGroup => c.kill_group_on_close(signal).map(drop),
            _ => c.kill_on_close(signal).map(drop),
        })
    }

    /// As [`signal_on_close`](Self::signal_on_close), and `second` after `delay` if the process still runs: say
    /// SIGTERM, and SIGKILL five seconds later. The child gets a watcher, which sends the second signal.
    pub fn end_on_close(&mut self, signal: i32, scope: Scope, second: i32, delay: Duration) -> &mut Self {
        self.flags.remove(OpenFlags::NO_WATCH);
        self.configure(|c| c.end_on_close(signal, scope, second, delay).map(drop))
    }

    /// Whether dropping the [`Child`] kills a process that still runs.
    /// [`kill_on_close`](Self::kill_on_close) holds when your process is killed, too.
    pub fn kill_on_drop(&mut self, on: bool) -> &mut Self {
        self.kill.on_drop = on;
        self
    }

    /// Whether [`Child::kill`], and the kill of [`kill_on_drop`](Self::kill_on_drop), reach all descendants of the
    /// process ([`Process::kill_tree`](crate::Process::kill_tree)). With it, a future of `output_async` that you
    /// drop leaves none of them. It does not set `kill_on_drop`.
    ///
    /// Dropping takes as long as the walk: it reads `/proc`, and waits until each process it found is stopped.
    ///
    /// ```
    /// use procfd::{Command, Stdio};
    /// use std::io::Read;
    ///
    /// let mut command = Command::new("sh");
    /// command.args(["-c", "sleep 60 & echo; wait"]).stdout(Stdio::piped());
    /// let mut child = command.kill_on_drop(true).kill_tree(true).spawn()?;
    /// let mut output = child.stdout.take().unwrap();
    /// output.read_exact(&mut [0])?;
    /// drop(child);
    /// // sleep has ended too: it held the pipe.
    /// assert_eq!(output.read(&mut [0])?, 0);
    /// # Ok::<(), procfd::Error>(())
    /// ```
    #[doc(alias = "PROC_KILL_TREE")]
    pub fn kill_tree(&mut self, on: bool) -> &mut Self {
        self.kill.tree = on;
        self
    }

    /// The program, as you named it.
    pub fn get_program(&self) -> &OsStr {
        &self.program
    }

    /// The arguments without `argv[0]`.
    pub fn get_args(&self) -> impl ExactSizeIterator<Item = &OsStr> {
        self.args.iter().map(OsString::as_os_str)
    }

    /// Lists the steps that [`spawn`](Self::spawn) would take now, and starts nothing.
    ///
    /// # Errors
    ///
    /// The first error of the calls before; those of [`Context::plan`].
    ///
    /// ```
    /// let plan = procfd::Command::new("/bin/true").current_dir("/tmp").plan()?;
    /// assert!(plan.steps().iter().any(|step| step.calls == ["chdir"]));
    /// # Ok::<(), procfd::Error>(())
    /// ```
    pub fn plan(&self) -> Result<crate::Plan, Error> {
        self.ready(&Stdio::inherit())?.0.plan()
    }

    /// The flags of the procfd. Default: [`OpenFlags::NO_WATCH`] and [`OpenFlags::AUTOREAP`].
    pub fn open_flags(&mut self, flags: OpenFlags) -> &mut Self {
        self.flags = flags;
        self
    }

    /// A separate context for one child.
    fn ready(&self, default: &Stdio) -> Result<(Context, Ours), Error> {
        let model = self.context.as_ref().map_err(Clone::clone)?;
        let mut context = model.copy_with(self.flags)?;
        let name = self.name.as_ref().unwrap_or(&self.program);
        if !model.has_program() {
            context.program_in_path(&self.program)?;
        }
        context.args(std::iter::once(name).chain(&self.args))?;
        if model.keeps_groups() && crate::sys::task::effective_ids().0 == 0 {
            context.groups(&[])?;
        }
        let ours = self.streams.give(&mut context, default)?;
        Ok((context, ours))
    }

    fn start(&self, default: &Stdio) -> Result<Child, Error> {
        let (mut context, ours) = self.ready(default)?;
        Child::new(context.create()?, ours, self.kill)
    }

    /// Starts a child. Streams that you do not set are yours.
    ///
    /// # Errors
    ///
    /// The first error of the calls before, or the step that failed ([`Context::create`]). Nothing is left of
    /// the attempt.
    ///
    /// # Kernel
    ///
    /// 5.4; the cost is flat in your memory, and from 5.9 in your open descriptors.
    pub fn spawn(&mut self) -> Result<Child, Error> {
        self.start(&Stdio::inherit())
    }

    /// Starts a child, and waits for its end. Streams that you do not set are yours.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    pub fn status(&mut self) -> Result<crate::Status, Error> {
        self.spawn()?.wait()
    }

    /// Starts a child, and collects its output until it ends. Standard input is empty unless you set it.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    ///
    /// ```
    /// let output = procfd::Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]).output()?;
    /// assert_eq!((output.stdout, output.stderr), (b"out\n".to_vec(), b"err\n".to_vec()));
    /// assert_eq!(output.status.code(), Some(3));
    /// # Ok::<(), procfd::Error>(())
    /// ```
    pub fn output(&mut self) -> Result<Output, Error> {
        self.start(&Stdio::piped())?.wait_with_output()
    }
}

impl fmt::Debug for Command {
    /// The program and its arguments.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.program)?;
        self.args.iter().try_for_each(|arg| write!(f, " {arg:?}"))
    }
}
