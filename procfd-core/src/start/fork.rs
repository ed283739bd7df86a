// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! A creation without a program: a fork, whose child goes on in the caller's code.
//!
//! The child carries out the same steps, reports over a socket, and waits to be released: so the
//! start is published, and the close policy armed, before it runs a line of the caller's.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use super::clone::keep_cgroup;
use super::end::{died, end_by_pid, kill, reap};
use super::publish::{Publication, Started};
use super::{Forked, clone, dumpable, idmap_helper};
use crate::child::{self, Moment, Report, Slot, When};
use crate::error::{Error, Stage};
use crate::forks::{self, Private};
use crate::fuse;
use crate::settings::{Cgroup, Namespaces, Prepared, Settings};
use crate::sys::fork::Forked as Sides;
use crate::sys::{self, Errno, OwnFd};

pub(super) fn create(
    mut publication: Publication<'_>,
    config: &Settings,
    prepared: &Prepared,
) -> Result<Forked<Started>, Error> {
    // The parent's end is not to be found in other forks, or the child would not see it close.
    let (theirs, ours) =
        Private::second(sys::sock::pair).map_err(|e| Error::new(Stage::FD_TABLE, 0, e, ""))?;
    // The child needs its end after its list of actions.
    let theirs = config.out_of_the_way(theirs).map_err(|e| Error::new(Stage::FD_TABLE, 0, e, ""))?;
    let mut cgroup = config.cgroup.open()?;
    if let Some(leaf) = cgroup.as_ref().and_then(Cgroup::leaf) {
        publication.give_leaf(leaf)?;
    }
    let signals = sys::task::SignalsBlocked::new().map_err(|e| Error::new(Stage::SIGMASK, 0, e, ""))?;
    let mask = signals.before;
    let report = child::Words::default();
    let mut moment =
        Moment::new(&prepared.list, &prepared.sources, &report, &mask, prepared.environment(config));
    // What closes ranges leaves this one out.
    moment.give(Slot::PROGRAM, theirs.as_raw_fd());
    // A fork has its own table, keeps all of it, and is armed by its parent.
    if publication.fuse {
        moment.add(When::HAS_FUSE);
    }
    if config.privileges.checks_parent() && !config.namespaces.has(Namespaces::PID) {
        moment.expect_parent(sys::task::pid());
    }
    if prepared.by_parent {
        moment.give(Slot::GO, theirs.as_raw_fd());
        moment.add(When::GO);
    }
    if let Some(cgroup) = &cgroup {
        moment.give(Slot::CGROUP, cgroup.procs.as_raw_fd());
        moment.add(When::CGROUP);
    }
    if let Some(when) = config.resources.nofile_when() {
        moment.add(when);
    }
    let failed = |e: Errno| {
        let error = Error::new(Stage::CLONE, 0, e, "");
        match config.pids.hint(e.0) {
            Some(hint) => error.hint(hint),
            None => super::out_of_descriptors(error),
        }
    };
    match fork(config).map_err(failed)? {
        Sides::Child => {
            // From here the private descriptors are closed: `theirs` is what is left of the pair.
            let ready = child::set_up(&moment);
            if let Err(errno) = ready {
                moment.report.failed(errno);
            }
            let told =
                theirs.live().and_then(|theirs| sys::sock::send(theirs, &moment.report.to_bytes(), &[]));
            if ready.is_err() || told.is_err() || !released(&theirs) {
                sys::child::exit(127);
            }
            let procfd = publication.procfd().as_raw_fd();
            if !config.makes(procfd) {
                sys::fd::close_raw(procfd);
            }
            // What the mask is now is what was asked for.
            signals.leave();
            // The parent's, all of it.
            std::mem::forget(publication);
            std::mem::forget(cgroup);
            Ok(Forked::Child)
        }
        Sides::Parent(pid, pidfd) => {
            drop(signals);
            drop(theirs);
            follow((pid, pidfd), &ours, &moment.report, prepared, config, (publication, &mut cgroup), mask)
                .map(|started| Forked::Parent(pid, started))
        }
    }
}

/// The fork of libc, if the settings allow it and its child's pidfd can be had; else a raw clone.
fn fork(config: &Settings) -> sys::Result<Sides> {
    let signal = config.exit_signal();
    let pids = config.pids.numbers();
    let namespaces = config.cloned_namespaces();
    let plain = namespaces == 0 && pids.is_empty() && signal == libc::SIGCHLD;
    if plain && sys::pidfd::can_open() {
        return sys::fork::fork();
    }
    forks::before();
    let forked = sys::fork::fork_with(namespaces, signal as u64, pids);
    if let Ok(Sides::Child) = forked {
        forks::after_in_child();
        dumpable::restore_in_fork_child();
    } else {
        forks::after();
    }
    forked
}

/// The parent's side. The child waits for it, so its pid is its own all the while.
fn follow(
    (pid, pidfd): (i32, Option<OwnFd>),
    ours: &Private,
    report: &Report<'_>,
    prepared: &Prepared,
    config: &Settings,
    (publication, cgroup): (Publication<'_>, &mut Option<Cgroup>),
    mask: u64,
) -> Result<Started, Error> {
    let pidfd = pidfd.map_or_else(|| sys::pidfd::open(pid), Ok).map_err(|e| {
        end_by_pid(pid);
        super::out_of_descriptors(Error::new(Stage::CLONE, 0, e, ""))
    })?;
    let mut mapped = Ok(());
    if prepared.by_parent {
        mapped = idmap_helper::write_for(config, pid, mask, clone::start);
        // Two bytes are no go: the child stops at once, and says so.
        let word: &[u8] = if mapped.is_ok() { b"g" } else { b"no" };
        match ours.live().and_then(|ours| sys::sock::send(ours, word, &[])) {
            // It has failed before it came to wait: its report says where.
            Ok(()) | Err(Errno(libc::EPIPE)) => {}
            Err(e) => {
                return Err(publication.undone(pidfd.as_fd(), pid, Error::new(Stage::UID_MAP, 0, e, "")));
            }
        }
    }
    let mut bytes = [0; 12];
    match ours.live().and_then(|ours| read_report(ours, &mut bytes)) {
        Ok(12) => report.set_from_bytes(bytes),
        _ => {
            // It may wait for what will not come.
            let _ = kill(pidfd.as_fd(), pid);
            return Err(died(pidfd.as_fd(), pid, Stage::CLONE));
        }
    }
    if let (stage, index, Some(errno)) = report.read() {
        reap(pidfd.as_fd(), pid);
        return Err(match mapped {
            Err(e) if errno.0 == libc::ECANCELED => e,
            _ => config.step_failed(prepared, stage, index, errno),
        });
    }
    if let (true, Some(policy)) = (publication.fuse, config.close()) {
        let id = if policy.group { sys::task::group_of(pid) } else { Ok(pid) };
        let b = publication.live_b();
        id.and_then(|id| fuse::change(b?, Some(policy), id))
            .map_err(|e| publication.undone(pidfd.as_fd(), pid, Error::new(Stage::ARM, 0, e, "")))?;
    }
    keep_cgroup(cgroup, pidfd.as_fd(), pid)?;
    let started = publication.publish(pidfd, pid)?;
    let _ = ours.live().and_then(|ours| sys::sock::send(ours, b"g", &[]));
    Ok(started)
}

/// Waits for the parent's word; its end is a no.
fn released(socket: &OwnFd) -> bool {
    let mut byte = [0; 2];
    matches!(socket.live().and_then(|socket| read_all(socket, &mut byte)), Ok(1))
}

/// The child's report. Of a child that left the creator's word unread, ECONNRESET comes before it, once.
fn read_report(socket: BorrowedFd<'_>, buf: &mut [u8]) -> sys::Result<usize> {
    match read_all(socket, buf) {
        Err(Errno(libc::ECONNRESET)) => read_all(socket, buf),
        done => done,
    }
}

fn read_all(socket: BorrowedFd<'_>, buf: &mut [u8]) -> sys::Result<usize> {
    loop {
        match sys::fd::read(socket, buf) {
            Err(Errno(libc::EINTR)) => {}
            done => return done,
        }
    }
}
