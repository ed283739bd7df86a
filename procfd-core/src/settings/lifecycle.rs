// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! How the process ends, and what hears of it: close policy, built-in init, exit signal.

use std::time::Duration;

use super::check;
use super::namespaces::Namespaces;
use super::{Facts, Set, Settings};
use crate::child::{List, Slot, When};
use crate::error::{Error, Stage};

/// What a signal or close policy is for.
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

/// What the kernel does when the last procfd is closed.
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
