// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! How the process ends, and what hears of it: close policy, built-in init, exit signal.

use std::time::Duration;

use super::namespaces::Namespaces;
use super::{Configured, Context, Facts, Set, Settings, check};
use crate::child::{List, Slot, When};
use crate::error::{Error, Stage};

/// The target of a signal or close policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// The process.
    #[default]
    Process,
    /// The thread the pidfd stands for: the leader, unless it was opened with `PIDFD_THREAD`.
    Thread,
    /// The process group.
    ProcessGroup,
}

/// A close policy: signal, scope, and the second signal with its delay.
pub type Close = (i32, Scope, Option<(i32, Duration)>);

/// The action of the kernel when the last procfd is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClosePolicy {
    pub signal: i32,
    pub group: bool,
    /// A second signal, and when it follows: the watcher's part.
    pub then: Option<(i32, Duration)>,
}

impl ClosePolicy {
    /// A signal to the process or its group. EINVAL: no such signal, or a thread's scope.
    pub(crate) fn new(signal: i32, scope: Scope, then: Option<(i32, Duration)>) -> Result<Self, Error> {
        check::signal(signal, false)?;
        if let Some((second, _)) = then {
            check::signal(second, false)?;
        }
        let group = match scope {
            Scope::Process => false,
            Scope::ProcessGroup => true,
            Scope::Thread => return Err(Error::config(libc::EINVAL, "a close policy for one thread")),
        };
        Ok(Self { signal, group, then })
    }

    /// Whether a pidfd can carry it out by itself: `CLONE_PIDFD_AUTOKILL`, 7.1.
    pub(crate) fn is_of_the_kernel(self) -> bool {
        self.signal == libc::SIGKILL && !self.group && self.then.is_none()
    }
}

/// How the process ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lifecycle {
    close: Option<ClosePolicy>,
    built_in_init: bool,
    exit_signal: Option<i32>,
    pub(super) time_limit: Option<super::time_limit::Limit>,
    pub(super) suspended: bool,
}

impl Lifecycle {
    /// Whether nothing of it was set.
    pub(super) fn is_plain(&self) -> bool {
        let Self { close: None, built_in_init: false, exit_signal: None, time_limit: None, suspended: false } =
            self
        else {
            return false;
        };
        true
    }
}

impl Settings {
    /// A signal for the last close, its scope, and a second signal after a delay; or none.
    pub fn set_close(&mut self, policy: Option<Close>) -> Set {
        let policy = policy.map(|(signal, scope, then)| ClosePolicy::new(signal, scope, then));
        self.lifecycle.close = policy.transpose()?;
        Ok(())
    }

    /// Whether a new pid namespace gets the built-in init.
    pub fn set_init(&mut self, on: bool) -> Set {
        self.lifecycle.built_in_init = on;
        Ok(())
    }

    /// The signal to the creator; 0 for none.
    pub fn set_exit_signal(&mut self, signal: i32) -> Set {
        self.lifecycle.exit_signal = Some(check::signal(signal, true)?);
        Ok(())
    }

    /// Puts back what was set.
    pub(crate) fn restore_close(&mut self, policy: Option<ClosePolicy>) {
        self.lifecycle.close = policy;
    }

    /// The close policy.
    pub(crate) fn close(&self) -> Option<ClosePolicy> {
        self.lifecycle.close
    }

    /// Whether the new pid namespace gets the library's own init, and the program is pid 2.
    pub(crate) fn built_in_init(&self) -> bool {
        self.lifecycle.built_in_init
    }

    /// Whether a part of the procfd stays in use after the start: as a fuse, for what the built-in init says, or
    /// for the watcher.
    pub(crate) fn needs_procfd(&self) -> bool {
        self.lifecycle.close.is_some() || self.lifecycle.built_in_init || self.lifecycle.time_limit.is_some()
    }

    /// Whether the process will be the init of a pid namespace, which a fuse cannot reach.
    pub(crate) fn is_init(&self) -> bool {
        self.rare().is_some_and(|rare| rare.namespaces.has(Namespaces::PID))
    }

    /// The exit signal of a fork.
    pub(crate) fn exit_signal(&self) -> i32 {
        self.lifecycle.exit_signal.unwrap_or(libc::SIGCHLD)
    }
}

impl Context {
    /// Gives a new pid namespace the library's own small init: the program runs as pid 2, the init
    /// forwards signals to it, reaps orphans, and ends as it ended. A close policy then holds without
    /// the watcher: when the last procfd is gone the init ends, and with it the whole namespace.
    ///
    /// # Errors
    ///
    /// None here; the creation needs [`Namespaces::PID`](crate::Namespaces::PID).
    ///
    /// # Kernel
    ///
    /// [pid_namespaces(7)](https://man7.org/linux/man-pages/man7/pid_namespaces.7.html). No privilege.
    ///
    /// ```
    /// use procfd::{Namespaces, Stage};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?.namespaces(Namespaces::USER | Namespaces::PID)?.built_in_init(true)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::INIT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_INIT")]
    pub fn built_in_init(&mut self, on: bool) -> Configured<'_> {
        self.set(|s| s.set_init(on))
    }

    /// Suspends the process before the program's first instruction. The process has executed: its pid,
    /// `/proc/<pid>/exe` and memory are the program's. It is stopped (`T`) until
    /// [`Process::resume`](crate::Process::resume) or a SIGCONT from another process. No wait reports this stop.
    ///
    /// # Errors
    ///
    /// None here; the creation needs a program (`EINVAL`), outside a new pid namespace (`EOPNOTSUPP`).
    ///
    /// # Kernel
    ///
    /// [signal(7)](https://man7.org/linux/man-pages/man7/signal.7.html). Your process gets SIGCHLD, as of each child
    /// that stops, unless it asked for `SA_NOCLDSTOP`. No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?.start_suspended(true)?;
    /// let process = context.create()?;
    /// // A profiler attaches here, or the process is moved into a cgroup.
    /// process.resume()?;
    /// assert!(process.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_START_SUSPENDED")]
    pub fn start_suspended(&mut self, on: bool) -> Configured<'_> {
        self.set(|s| s.set_suspended(on))
    }

    /// The kernel sends this signal to the process when its last procfd, in any process, is gone.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no such signal.
    ///
    /// # Kernel
    ///
    /// `F_SETSIG` and `F_SETOWN_EX` of [fcntl(2)](https://man7.org/linux/man-pages/man2/fcntl.2.html); procfd_close(3)
    /// has the details. No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sleep")?.args(["sleep", "60"])?.kill_on_close(libc::SIGKILL)?;
    /// // The kernel ends the process here.
    /// drop(context.create()?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_CLOSE")]
    pub fn kill_on_close(&mut self, signal: i32) -> Configured<'_> {
        self.set(|s| s.set_close(Some((signal, Scope::Process, None))))
    }

    /// As [`kill_on_close`](Self::kill_on_close), for the process group, which must be its own or
    /// one to join.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no such signal.
    ///
    /// # Kernel
    ///
    /// `F_SETSIG` of [fcntl(2)](https://man7.org/linux/man-pages/man2/fcntl.2.html), as
    /// [`kill_on_close`](Self::kill_on_close). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sleep")?.args(["sleep", "60"])?.process_group(0)?;
    /// context.kill_group_on_close(libc::SIGKILL)?;
    /// let process = context.create()?;
    /// // The kernel ends the whole group.
    /// drop(process);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn kill_group_on_close(&mut self, signal: i32) -> Configured<'_> {
        self.set(|s| s.set_close(Some((signal, Scope::ProcessGroup, None))))
    }

    /// As [`kill_on_close`](Self::kill_on_close) and [`kill_group_on_close`](Self::kill_group_on_close), with a second
    /// signal after `delay`, if the process still runs by then: say SIGTERM, and SIGKILL after five seconds. The
    /// second is the watcher's, so the context must have one ([`with_flags`](Self::with_flags) without
    /// [`OpenFlags::NO_WATCH`](crate::OpenFlags::NO_WATCH)); the first is the kernel's.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no such signal.
    ///
    /// # Kernel
    ///
    /// `F_SETSIG` of [fcntl(2)](https://man7.org/linux/man-pages/man2/fcntl.2.html), as
    /// [`kill_on_close`](Self::kill_on_close). No privilege.
    ///
    /// ```
    /// use procfd::Scope;
    /// use std::time::Duration;
    ///
    /// let mut context = procfd::Context::with_flags(procfd::OpenFlags::AUTOREAP)?;
    /// context.program("/bin/sleep")?.args(["sleep", "60"])?;
    /// context.end_on_close(libc::SIGTERM, Scope::Process, libc::SIGKILL, Duration::from_secs(5))?;
    /// let process = context.create()?;
    /// // SIGTERM now, and SIGKILL in five seconds.
    /// drop(process);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn end_on_close(
        &mut self,
        signal: i32,
        scope: Scope,
        second: i32,
        delay: Duration,
    ) -> Configured<'_> {
        self.set(|s| s.set_close(Some((signal, scope, Some((second, delay))))))
    }

    /// Takes a close policy back.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// `F_SETSIG` of [fcntl(2)](https://man7.org/linux/man-pages/man2/fcntl.2.html), as
    /// [`kill_on_close`](Self::kill_on_close). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?.kill_on_close(libc::SIGKILL)?;
    /// let mut other = context.try_clone()?;
    /// other.no_close_policy()?;
    /// assert!(other.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn no_close_policy(&mut self) -> Configured<'_> {
        self.set(|s| s.set_close(None))
    }
}

pub(super) fn conflicts(s: &Settings) -> Set {
    let err = |text: &str| Err(Error::plan(libc::EINVAL, text));
    if s.lifecycle.built_in_init {
        if !s.is_init() {
            return err("a built-in init without a new pid namespace (CLONE_NEWPID)");
        }
        if s.program.is_none() {
            return err("a built-in init without a program");
        }
    }
    if s.lifecycle.close.is_some_and(|policy| policy.group) && !s.session.is_apart() {
        return err("a close policy for the process group, which is the creator's own: \
                    set a session or a process group");
    }
    if s.exit_signal() != libc::SIGCHLD && !s.program.is_none() {
        return Err(Error::plan(libc::EOPNOTSUPP, "an exit signal for a program")
            .hint("execve resets it to SIGCHLD; only a fork keeps another"));
    }
    Ok(())
}

/// First of all, so that no later instant is without it: until the start is published the creator alone
/// holds the other end; and before credentials change, since the signal is sent in their name.
pub(super) fn arm(s: &Settings, _: &Facts<'_>, list: &mut List) {
    list.step(Stage::ARM, 0);
    if s.lifecycle.built_in_init {
        list.arm(Slot::INIT_FUSE, libc::SIGKILL, false);
        list.check_fuse(Slot::INIT_FUSE);
    } else if let Some(policy) = s.lifecycle.close {
        list.not_init().when(When::HAS_FUSE);
        list.arm(Slot::FUSE, policy.signal, false).when(When::FUSE);
    }
}

/// Once the process is in its group; and in the creator's table, where the other end cannot be closed yet.
pub(super) fn arm_group(s: &Settings, _: &Facts<'_>, list: &mut List) {
    let Some(policy) = s.lifecycle.close.filter(|_| !s.lifecycle.built_in_init) else { return };
    list.step(Stage::ARM, 0);
    if policy.group {
        list.arm(Slot::FUSE, policy.signal, true).when(When::FUSE);
    }
    // Fired before it was armed: only in a copied table can the creator's end have closed.
    list.check_fuse(Slot::FUSE).when(When::FUSE.and(When::COPIED));
}

/// Once the child is in its namespaces.
pub(super) fn arm_as_new_user(s: &Settings, _: &Facts<'_>, list: &mut List) {
    let Some(policy) = s.lifecycle.close.filter(|_| !s.lifecycle.built_in_init) else { return };
    if let Some(id) = s.identity.new_user() {
        list.step(Stage::ARM, 1).arm_as(id, policy.signal, policy.group).when(When::FUSE.and(When::NEW_USER));
    }
}
