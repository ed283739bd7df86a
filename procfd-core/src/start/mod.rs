// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Starting a process: prepare, clone, publish. Whatever fails, nothing is left: no process, no zombie, no
//! descriptor, and the context can try again.
//!
//! | room | holds |
//! |---|---|
//! | `clone` | the clone of the child, and its report |
//! | `plan` | the steps of a start, without one |
//! | `publish` | what makes a process known to the holders of its procfd |
//! | `dumpable` | dumpable, kept across changes of credentials |
//! | `end` | the end of a child that did not become what it was started for |
//! | `fork` | a creation without a program |
//! | `lean` | a start whose descriptor is the pidfd |
//! | `idmap_helper` | id maps that the creator writes, itself or by newuidmap(1) |

mod clone;
mod dumpable;
mod end;
mod fork;
mod idmap_helper;
mod lean;
mod leaving;
mod plan;
mod publish;

use std::os::fd::{AsFd, BorrowedFd};

pub(crate) use lean::{create_lean, lean};
pub use plan::{Plan, PlanStep};
pub(crate) use publish::{attach, check_lean_policy};

use self::publish::{Publication, check_close, ends_by_its_pidfd, has_fuse, reserve};
use crate::contexts::{self, Opened, State};
use crate::error::{Error, Stage};
use crate::sys::task::SignalsBlocked;
use crate::sys::{self, Errno, OwnFd};
use crate::{fuse, pair};

/// Says of EMFILE which limit it is, and what a process takes of it.
pub(crate) fn out_of_descriptors(error: Error) -> Error {
    if error.raw_os_error() != libc::EMFILE || error.to_string().contains("RLIMIT_NOFILE") {
        return error;
    }
    error.hint(&descriptors_of_a_process())
}

/// The limit, and what a process takes of it.
pub(crate) fn descriptors_of_a_process() -> String {
    let limit = sys::task::rlimit(libc::RLIMIT_NOFILE as _).map_or(0, |limit| limit.cur);
    format!(
        "RLIMIT_NOFILE is {limit}; a process takes 1 descriptor, with a close policy 2, in the full form 3, with the \
         watcher up to 4, beside its pipes"
    )
}

/// The result of a fork, on each side.
pub(crate) enum Forked<T> {
    /// The child's pid, and its pidfd if the caller wants it.
    Parent(i32, T),
    Child,
}

/// `PROC_CREATE` on the context whose procfd is `a`: a program, or without one a fork.
pub(crate) fn create(a: BorrowedFd<'_>, opened: &Opened) -> Result<Forked<()>, Error> {
    with_record(opened, |state| match state.config.program.is_none() {
        true => run_fork(a, opened, state),
        false => run_program(a, opened, state).map(|(pid, ())| Forked::Parent(pid, ())),
    })
}

/// The same for a program, with its pidfd. A context without a watcher keeps none: forget it
/// ([`contexts::forget`]).
pub(crate) fn program(a: BorrowedFd<'_>, opened: &Opened) -> Result<(i32, OwnFd), Error> {
    with_record(opened, |state| match state.config.program.is_none() {
        true => Err(Error::plan(libc::EINVAL, "no program is set")),
        false if opened.is_watched() => run_program(a, opened, state),
        false => run_unkept(a, opened, state),
    })
}

/// The same for a fork.
pub(crate) fn fork(a: BorrowedFd<'_>, opened: &Opened) -> Result<Forked<OwnFd>, Error> {
    with_record(opened, |state| match state.config.program.is_none() {
        true => run_fork(a, opened, state),
        false => Err(Error::plan(libc::EINVAL, "a fork with a program set")),
    })
}

/// The failing step stays on record.
fn with_record<T>(opened: &Opened, start: impl FnOnce(&mut State) -> Result<T, Error>) -> Result<T, Error> {
    if !opened.is_mine() {
        return Err(Error::config(libc::EPERM, "a context that another process opened"));
    }
    let mut state = opened.state();
    if state.started {
        return Err(Error::config(libc::EBUSY, "a context that has been started"));
    }
    let done = start(&mut state).map_err(out_of_descriptors);
    state.error = done.as_ref().err().cloned();
    if done.is_err() && opened.has_b() && state.config.close().is_some() {
        // The owner may be a process group that exists.
        let _ = fuse::change(opened.b(), None, 0);
    }
    if done.is_err() && !opened.has_b() {
        // Nothing starts from it any more, and its last close is not seen.
        state.config.let_go();
    }
    drop(state);
    contexts::see_to(opened);
    done
}

/// The pidfd for the caller, or none: a caller that wants it gets the original, and the library a duplicate,
/// for which there has to be room before there is a process.
trait ForCaller: Sized {
    fn room(opened: &Opened, fuse: bool) -> Result<Self, Error>;

    /// Returns the caller's and the library's.
    fn share(self, pidfd: OwnFd) -> Result<(Self, OwnFd), (Error, OwnFd)>;

    /// Makes the caller's of the library's, or anew where the program has closed one of them under the start.
    fn copy(self, pidfd: BorrowedFd<'_>, pid: i32) -> Result<Self, Errno>;
}

impl ForCaller for () {
    fn room(_: &Opened, _: bool) -> Result<Self, Error> {
        Ok(())
    }

    fn share(self, pidfd: OwnFd) -> Result<(Self, OwnFd), (Error, OwnFd)> {
        Ok(((), pidfd))
    }

    fn copy(self, _: BorrowedFd<'_>, _: i32) -> Result<Self, Errno> {
        Ok(())
    }
}

impl ForCaller for OwnFd {
    fn room(opened: &Opened, fuse: bool) -> Result<Self, Error> {
        // Not a duplicate of a fuse: a creator that is killed releases its highest numbers first, and the fuse must
        // still be open when the procfd goes.
        let place = if fuse { sys::fd::placeholder() } else { sys::fd::dup_cloexec(opened.b()) };
        place.map_err(|e| Error::new(Stage::PUBLISH, 0, e, ""))
    }

    fn share(self, pidfd: OwnFd) -> Result<(Self, OwnFd), (Error, OwnFd)> {
        match sys::fd::replace(self, pidfd.as_fd()) {
            Ok(copy) => Ok((pidfd, copy)),
            Err(e) => Err((Error::new(Stage::PUBLISH, 0, e, ""), pidfd)),
        }
    }

    fn copy(self, pidfd: BorrowedFd<'_>, pid: i32) -> Result<Self, Errno> {
        match end::is_its(pidfd, pid) {
            true => sys::fd::replace(self, pidfd),
            false => sys::pidfd::open(pid).map(sys::fd::above_standard),
        }
    }
}

/// Everything that can be refused before there is a process.
fn ready<'a>(a: BorrowedFd<'a>, opened: &'a Opened, state: &State) -> Result<Publication<'a>, Error> {
    let config = &state.config;
    reserve(opened, has_fuse(config) || ends_by_its_pidfd(config, opened))?;
    if has_fuse(config) {
        pair::shut(opened.b()).map_err(|e| Error::new(Stage::FUSE, 0, e, ""))?;
    }
    Publication::prepare(a, opened, config)
}

/// The checks that come before a look at the settings.
fn first(opened: &Opened, state: &State) -> Result<(), Error> {
    if !opened.has_b() {
        return Err(Error::new(Stage::PUBLISH, 0, Errno(libc::EBADF), "")
            .hint("the program has closed the library's own descriptor of this context"));
    }
    check_close(&state.config, opened)
}

fn run_program<T: ForCaller>(
    a: BorrowedFd<'_>,
    opened: &Opened,
    state: &mut State,
) -> Result<(i32, T), Error> {
    first(opened, state)?;
    let prepared = state.config.prepare_to_start()?;
    let mut publication = ready(a, opened, state)?;
    let room = T::room(opened, has_fuse(&state.config))?;
    // Once for the clone and for the list of private descriptors. Not while a watcher is waited for.
    let _signals = if opened.is_watched() { None } else { SignalsBlocked::new().ok() };
    let (pid, pidfd) = clone::spawn(&state.config, &prepared, Some(&mut publication))?;
    let pidfd = publication.take_killer(pidfd, pid)?;
    let (theirs, ours) = room.share(pidfd).map_err(|(e, pidfd)| publication.undone(pidfd.as_fd(), pid, e))?;
    publication.publish(ours, pid)?.enter(state);
    Ok((pid, theirs))
}

/// The same where the caller has the only pidfd.
fn run_unkept(a: BorrowedFd<'_>, opened: &Opened, state: &mut State) -> Result<(i32, OwnFd), Error> {
    first(opened, state)?;
    let prepared = state.config.prepare_to_start()?;
    let mut publication = ready(a, opened, state)?;
    let (pid, pidfd) = clone::spawn(&state.config, &prepared, Some(&mut publication))?;
    let pidfd = publication.take_killer(pidfd, pid)?;
    let pidfd = publication.publish_unkept(pidfd, pid)?;
    state.has_started(pid);
    Ok((pid, pidfd))
}

fn run_fork<T: ForCaller>(a: BorrowedFd<'_>, opened: &Opened, state: &mut State) -> Result<Forked<T>, Error> {
    first(opened, state)?;
    let prepared = state.config.prepare_to_start()?;
    let publication = ready(a, opened, state)?;
    let room = T::room(opened, has_fuse(&state.config))?;
    match fork::create(publication, &state.config, &prepared)? {
        Forked::Child => Ok(Forked::Child),
        Forked::Parent(pid, started) => {
            let theirs = room.copy(started.pidfd.as_fd(), pid).map_err(|e| {
                end::end(started.pidfd.as_fd(), pid);
                Error::new(Stage::PUBLISH, 0, e, "")
            });
            started.enter(state);
            theirs.map(|theirs| Forked::Parent(pid, theirs))
        }
    }
}
