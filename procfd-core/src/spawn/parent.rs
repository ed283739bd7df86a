// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The creation as the parent sees it: plan, clone, report, publish. Whatever fails, nothing is
//! left: no process, no zombie, no descriptor, and the context can try again.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use super::plan::{Lowered, Plan};
use super::{fork, idmap, report};
use crate::config::{Config, Program};
use crate::error::{Error, Stage};
use crate::fuse::Fuse;
use crate::private::Private;
use crate::procfd;
use crate::registry::{DumpableKept, OpenFlags, Opened, State};
use crate::sys::{self, CLONE_FILES, Errno};

/// How long a child whose credentials have changed may take to execute. Processes of its new user
/// may stop it, and the creator sleeps until it executes: then it is killed, and the creator told.
pub(super) const HELD_SECONDS: i64 = 10;

/// A process that was started.
pub(crate) enum Created {
    Parent { pid: i32, pidfd: OwnedFd },
    /// In the child of a fork.
    Child,
}

/// `PROC_CREATE` on the context whose procfd is `a`. The failing step stays on record.
pub(crate) fn create(a: BorrowedFd<'_>, opened: &Opened) -> Result<Created, Error> {
    if !opened.is_mine() {
        return Err(Error::config(libc::EPERM, "a context that another process opened"));
    }
    let mut state = opened.state();
    if state.started {
        return Err(Error::config(libc::EBUSY, "a context that has been started"));
    }
    let done = attempt(a, opened, &mut state);
    state.error = done.as_ref().err().cloned();
    done
}

fn attempt(a: BorrowedFd<'_>, opened: &Opened, state: &mut State) -> Result<Created, Error> {
    let config = &state.config;
    let lowered = Lowered::new(config)?;
    let fuse = match config.close {
        Some(_) => Some(Fuse::new().map_err(|e| in_flight(Stage::FUSE, e))?),
        None => None,
    };
    reserve(a, opened, fuse.is_some())?;
    if matches!(config.program, Program::None) {
        return fork::create(a, opened, state, &lowered, fuse);
    }
    let (pid, pidfd) = spawn(config, &lowered, fuse.as_ref())?;
    let published = keep_for_reaping(opened, state, pidfd.as_fd()).and_then(|reap| {
        procfd::publish(opened.b(), pidfd.as_fd(), fuse.as_ref())?;
        Ok(reap)
    });
    match published {
        Ok(reap) => {
            state.reap = reap;
            state.started = true;
            Ok(Created::Parent { pid, pidfd })
        }
        Err(e) => {
            if sys::pidfd::send_signal(pidfd.as_fd(), libc::SIGKILL, None, 0).is_ok() {
                reap(pidfd.as_fd());
            }
            Err(in_flight(Stage::PUBLISH, e))
        }
    }
}

/// For a child that is to be reaped when its procfd is gone: a pidfd of the library's own.
pub(super) fn keep_for_reaping(
    opened: &Opened,
    state: &State,
    pidfd: BorrowedFd<'_>,
) -> sys::Result<Option<Private>> {
    if state.config.close.is_none() && !opened.flags.contains(OpenFlags::AUTOREAP) {
        return Ok(None);
    }
    Private::new(|| sys::fd::dup_cloexec(pidfd)).map(Some)
}

/// Sees, before anything is started, whether the start can be published.
fn reserve(a: BorrowedFd<'_>, opened: &Opened, fuse: bool) -> Result<(), Error> {
    const CAP_SYS_ADMIN: u32 = 21;
    const CAP_SYS_RESOURCE: u32 = 24;
    if sys::task::effective_capabilities() & (1 << CAP_SYS_ADMIN | 1 << CAP_SYS_RESOURCE) != 0 {
        return Ok(());
    }
    procfd::try_in_flight(a, opened.b(), fuse).map_err(|e| in_flight(Stage::PUBLISH, e))
}

pub(super) fn in_flight(stage: Stage, errno: Errno) -> Error {
    match errno.0 {
        libc::ETOOMANYREFS => Error::new(stage, 0, errno, "").hint(
            "the user's limit of descriptors in flight, which is the soft RLIMIT_NOFILE: \
             a started procfd holds 1, with a close policy 4; raise the soft limit",
        ),
        libc::EPIPE | libc::ECONNRESET => {
            Error::new(stage, 0, Errno(libc::EBADF), "").hint("the procfd was closed meanwhile")
        }
        _ => Error::new(stage, 0, errno, ""),
    }
}

/// Starts a program without a context: the library's own helpers.
pub(super) fn start(config: &Config) -> Result<(i32, OwnedFd), Error> {
    spawn(config, &Lowered::new(config)?, None)
}

fn spawn(config: &Config, lowered: &Lowered, fuse: Option<&Fuse>) -> Result<(i32, OwnedFd), Error> {
    let stack = sys::task::Stack::get().map_err(|e| Error::new(Stage::STACK, 0, e, ""))?;
    let (plan, cloned) = clone(config, lowered, fuse, &stack)?;
    // The child has left the memory: it has executed, or ended.
    stack.put_back();
    let (pid, pidfd) = cloned?;
    let (stage, index, errno) = plan.report.read();
    if let Some(errno) = errno {
        reap(pidfd.as_fd());
        return Err(report::error(config, &lowered.candidates, stage, index, errno));
    }
    if stage != Stage::EXEC {
        return Err(died(pidfd.as_fd(), stage));
    }
    Ok((pid, pidfd))
}

type Cloned = Result<(i32, OwnedFd), Error>;

/// Clones the child and returns when it has left the shared memory; with the plan, in which its
/// report stands.
fn clone<'a>(
    config: &'a Config,
    lowered: &'a Lowered,
    fuse: Option<&Fuse>,
    stack: &sys::task::Stack,
) -> Result<(Plan<'a>, Cloned), Error> {
    let clone_error = |e| {
        let error = Error::new(Stage::CLONE, 0, e, namespaces(config));
        match e.0 {
            libc::EAGAIN => error.hint("RLIMIT_NPROC, the pids limit of the cgroup, or kernel.pid_max"),
            libc::EPERM if config.namespaces != 0 => error
                .hint("new namespaces need CAP_SYS_ADMIN, or a new user namespace with them (CLONE_NEWUSER)"),
            libc::ENOSPC => error.hint("a limit in /proc/sys/user, or nested too deep"),
            _ => error,
        }
    };
    let go = match lowered.needs_parent() {
        true => Some(Private::pair(sys::sock::pair).map_err(|e| Error::new(Stage::FD_TABLE, 0, e, ""))?),
        false => None,
    };
    let signals = sys::task::SignalsBlocked::new().map_err(|e| Error::new(Stage::SIGMASK, 0, e, ""))?;
    let mut plan = lowered.plan(config, fuse.map(|f| f.k2.as_fd().as_raw_fd()), signals.before);
    plan.take_go(go.as_ref().map(|(child, parent)| (child.as_fd().as_raw_fd(), parent.as_fd().as_raw_fd())));
    let flags = config.namespaces | if plan.shared_table { CLONE_FILES } else { 0 };
    let _dumpable = plan.changes_credentials().then(DumpableKept::new);
    let began = plan.changes_credentials().then(sys::fd::monotonic_ns);

    let mut mapped = Ok(());
    let mut write_maps = |pid: i32| {
        let Some((_, parent)) = &go else { return };
        mapped = idmap::write_for(config, pid);
        let byte: &[u8] = if mapped.is_ok() { b"g" } else { b"no" };
        // Two bytes are no go: the child stops at once.
        let _ = sys::sock::send(parent.as_fd(), byte, &[]);
    };
    let meanwhile: Option<sys::task::Meanwhile<'_>> = match &go {
        Some(_) => Some(&mut write_maps),
        None => None,
    };
    let cloned = sys::task::clone_vm(flags, stack, &plan, meanwhile).map_err(clone_error);
    drop(signals);
    let cloned = match (cloned, mapped) {
        (Ok((_, pidfd)), Err(e)) => {
            reap(pidfd.as_fd());
            Err(e)
        }
        (Ok((pid, pidfd)), Ok(())) => held_too_long(pidfd.as_fd(), began).map(|()| (pid, pidfd)),
        (Err(e), _) => Err(e),
    };
    Ok((plan, cloned))
}

/// The child ended itself because somebody kept it stopped.
fn held_too_long(pidfd: BorrowedFd<'_>, began: Option<u64>) -> Result<(), Error> {
    let Some(began) = began else { return Ok(()) };
    let limit = (HELD_SECONDS as u64).saturating_mul(1_000_000_000);
    if sys::fd::monotonic_ns().saturating_sub(began) < limit {
        return Ok(());
    }
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    match sys::pidfd::wait(pidfd, options) {
        Ok(Some(w)) if w.code == libc::CLD_KILLED && w.status == libc::SIGKILL => {
            reap(pidfd);
            Err(Error::new(
                Stage::CHILD_DIED,
                0,
                Errno(libc::ETIMEDOUT),
                format_args!("within {HELD_SECONDS} s of its change of credentials"),
            )
            .hint("a process of the new user may have kept it stopped"))
        }
        _ => Ok(()),
    }
}

/// The child ended without a word.
pub(super) fn died(pidfd: BorrowedFd<'_>, stage: Stage) -> Error {
    let how = match reap(pidfd) {
        Some(w) if w.code == libc::CLD_EXITED => format!("it exited with {}", w.status),
        Some(w) => format!("signal {} ended it", w.status),
        None => "somebody else reaped it".into(),
    };
    Error::new(
        Stage::CHILD_DIED,
        stage.as_raw(),
        Errno(libc::ECHILD),
        format_args!("({how} at the step: {})", stage.name()),
    )
}

pub(super) fn reap(pidfd: BorrowedFd<'_>) -> Option<sys::pidfd::Waited> {
    loop {
        match sys::pidfd::wait(pidfd, libc::WEXITED) {
            Err(Errno(libc::EINTR)) => {}
            done => return done.ok().flatten(),
        }
    }
}

fn namespaces(config: &Config) -> String {
    if config.namespaces == 0 {
        return String::new();
    }
    let mut names = String::new();
    bitflags::parser::to_writer(&crate::config::Namespaces::from_bits_retain(config.namespaces), &mut names)
        .map_or(String::new(), |()| format!("in new namespaces {names}"))
}
