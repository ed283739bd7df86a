// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Waiting until any of many processes starts, stops, continues or ends.
//!
//! Starts and ends are states. poll(2) waits for them: a procfd becomes readable at the start, a pidfd at the
//! end. Stops and continuations are events that the kernel reports only to the parent, by waitid(2). io_uring
//! waits for those, on a ring that poll(2) takes too.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use crate::contexts;
use crate::status::Change;
use crate::sys::uring::Waitids;
use crate::sys::{self, Errno, Result, vec};
use crate::target::{self, Target};
use crate::wait::{self, Limit, Options};

bitflags::bitflags! {
    /// The events that a process can have.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Events: u32 {
        /// It has started. A state: each call reports it at once if the process runs or has ended.
        const START = 1;
        /// It was stopped. Only its parent gets this, once.
        const STOP = 2;
        /// It was continued. Only its parent gets this, once.
        const CONTINUE = 4;
        /// It has ended. A state: each call reports it, and does not reap the process.
        const EXIT = 8;
    }
}

const STOPS: Events = Events::STOP.union(Events::CONTINUE);

/// A process to wait for with others, and what has happened to it.
#[derive(Clone, Debug)]
pub struct Awaited<'fd> {
    fd: Option<BorrowedFd<'fd>>,
    want: Events,
    changed: Events,
    change: Option<Change>,
    error: Option<Errno>,
}

impl<'fd> Awaited<'fd> {
    /// The process of a procfd (also one without a process yet), a pidfd or a /proc/PID directory. Without
    /// events it is ignored.
    pub fn new(fd: &'fd impl AsFd, want: Events) -> Self {
        Self::borrowed(Some(fd.as_fd()), want)
    }

    pub(crate) fn borrowed(fd: Option<BorrowedFd<'fd>>, want: Events) -> Self {
        Self { fd, want, changed: Events::empty(), change: None, error: None }
    }

    /// Waits for other events from now on. After a start, wait for the events that are left.
    pub fn set_events(&mut self, want: Events) {
        self.want = want;
    }

    /// The wanted events that have happened. If you want stops or continuations, the end is always reported,
    /// because none follow it.
    pub fn changed(&self) -> Events {
        self.changed
    }

    /// How it ended, stopped or continued, if that is known.
    pub fn change(&self) -> Option<Change> {
        self.change
    }

    /// Why the call cannot wait for this process, or why the status of an ended process is unknown:
    ///
    /// `EBADF`, `EINVAL`: it refers to no process; `ESRCH`: its opener has ended without starting it, or it
    /// is a directory whose process is reaped; `ECHILD`: stops of a process that is not the caller's child;
    /// `EMFILE`: no room for its pidfd; `EAGAIN`: not known until it is reaped; `ENODATA`: not known.
    pub fn error(&self) -> Option<Errno> {
        self.error
    }

    fn forget(&mut self) {
        (self.changed, self.change, self.error) = (Events::empty(), None, None);
    }

    pub(crate) fn has_news(&self) -> bool {
        !self.changed.is_empty() || self.error.is_some()
    }
}

/// Waits until any of the processes has a wanted event, at most for `timeout`; `None` is no limit. Returns
/// the number of processes with events; 0 if the time is over. Each entry has its events. If the call cannot
/// wait for a process, it returns at once, and that entry has the error.
///
/// The call reaps no process: the parent still has to wait for its children. It takes the reports of stops
/// and continuations, as waitid(2) does, so each is reported once.
///
/// ```
/// use procfd::{Awaited, Change, Context, Events, wait_any};
///
/// let mut sleeper = Context::new()?;
/// sleeper.program_in_path("sleep")?.args(["sleep", "60"])?.kill_on_close(9)?;
/// let mut quick = Context::new()?;
/// quick.program_in_path("true")?;
/// let (sleeper, quick) = (sleeper.create()?, quick.create()?);
///
/// let mut all = [Awaited::new(&sleeper, Events::EXIT), Awaited::new(&quick, Events::EXIT)];
/// assert_eq!(wait_any(&mut all, None)?, 1);
/// assert_eq!(all[0].changed(), Events::empty());
/// assert_eq!(all[1].change(), Some(Change::Exited(0)));
/// # quick.wait()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// `EOPNOTSUPP`: you want stops or continuations, and io_uring has no waitid or is not permitted; `EINVAL`:
/// more processes than `RLIMIT_NOFILE` has descriptors (poll(2)); `ENOMEM`; `EMFILE`: no room for the ring.
///
/// # Kernel
///
/// 5.4; stops and continuations 6.7; the status of another process's child 6.15.
#[doc(alias = "PROC_CHANGES")]
pub fn wait_any(processes: &mut [Awaited<'_>], timeout: Option<Duration>) -> io::Result<usize> {
    contexts::tend_watcher();
    let limit = timeout.map_or(Limit::None, Limit::after);
    loop {
        match wait(processes, Options::empty(), limit) {
            Err(Errno(libc::EINTR)) => {}
            Err(Errno(libc::ETIMEDOUT)) => return Ok(0),
            done => return Ok(done?),
        }
    }
}

/// Waits. Only the option `PEEK` counts. EAGAIN, ETIMEDOUT: nothing yet; EINTR.
pub(crate) fn wait(awaited: &mut [Awaited<'_>], options: Options, limit: Limit) -> Result<usize> {
    let mut slots: Vec<Slot<'_>> = vec::collect(awaited.iter().map(|_| Slot::New))?;
    // Before anything is looked at: a stop that has been taken has to be told.
    let mut fds: Vec<sys::PollFd> = Vec::new();
    vec::room(&mut fds, slots.len().saturating_add(1))?;
    let mut interrupted = None;
    loop {
        for (slot, one) in slots.iter_mut().zip(awaited.iter_mut()) {
            slot.look(one, options);
        }
        let news = awaited.iter().any(Awaited::has_news);
        let left = match interrupted {
            _ if news => Ok(sys::fd::NOW),
            Some(e) => Err(e),
            None => limit.left(),
        };
        let stops = if news || left.is_err() { None } else { stops(&slots, awaited)? };
        fds.clear();
        fds.extend(slots.iter().filter_map(Slot::polled));
        fds.extend(stops.iter().map(|ring| pollfd(ring.as_fd())));
        // An event that has happened counts even if no time is left.
        let polled = sys::fd::poll_many(&mut fds, left.unwrap_or(sys::fd::NOW));
        let polls = slots.iter_mut().zip(awaited.iter_mut()).filter(|(slot, _)| slot.polled().is_some());
        for ((slot, one), poll) in polls.zip(&fds).filter(|(_, poll)| poll.revents != 0) {
            slot.ready(one, poll.revents);
        }
        match awaited.iter().filter(|one| one.has_news()).count() {
            0 => {}
            news => return Ok(news),
        }
        left?;
        match polled {
            Err(e @ Errno(libc::EINTR)) => interrupted = Some(e),
            Err(e) => return Err(e),
            Ok(()) => {}
        }
        if stops.is_some_and(|mut ring| ring.take() == Some(-libc::EINVAL)) {
            return Err(Errno(libc::EOPNOTSUPP));
        }
    }
}

/// The state of an entry.
enum Slot<'fd> {
    /// Not looked at yet.
    New,
    /// It has nothing to wait for.
    Over,
    /// A procfd without a process.
    Configuring(BorrowedFd<'fd>),
    /// A process that had not ended.
    Running(Target<'fd>),
}

impl<'fd> Slot<'fd> {
    /// The events that have happened already, except an end.
    fn look(&mut self, one: &mut Awaited<'fd>, options: Options) {
        if matches!(self, Self::Running(target) if target.still().is_err()) {
            // Another thread has taken the number of its pidfd.
            *self = Self::New;
        }
        if let Self::New | Self::Configuring(_) = self {
            one.forget();
            *self = match one.fd {
                Some(fd) if !one.want.is_empty() => Self::of(fd, one),
                _ => Self::Over,
            };
        }
        let Self::Running(target) = self else { return };
        one.changed |= one.want & Events::START;
        let Ok(pidfd) = target.pidfd() else { return };
        match stop(pidfd, one.want, options) {
            Ok(None) => {}
            Ok(Some(change)) => {
                one.changed |= if change == Change::Continued { Events::CONTINUE } else { Events::STOP };
                one.change = Some(change);
            }
            // Nor of a child that has ended, and that is told in a moment.
            Err(_) if has_ended(pidfd) => {}
            Err(e) => {
                one.error = Some(e);
                *self = Self::Over;
            }
        }
    }

    fn of(fd: BorrowedFd<'fd>, one: &mut Awaited<'fd>) -> Self {
        match target::resolve(fd) {
            Ok(Target::Configuring) => Self::Configuring(fd),
            Ok(target) if one.want == Events::START => {
                drop(target);
                one.changed = Events::START;
                Self::Over
            }
            Ok(target) => Self::Running(target),
            Err(e) => {
                if e == Errno(libc::ESRCH) {
                    // A directory whose process is gone.
                    one.changed = one.want & (Events::START | Events::EXIT);
                }
                one.error = Some(e);
                Self::Over
            }
        }
    }

    /// The descriptor and events to poll for it.
    fn polled(&self) -> Option<sys::PollFd> {
        match self {
            Self::New | Self::Over => None,
            Self::Configuring(a) => Some(pollfd(*a)),
            Self::Running(target) => target.pidfd().ok().map(pollfd),
        }
    }

    /// Its descriptor has these events.
    fn ready(&mut self, one: &mut Awaited<'fd>, events: i16) {
        match self {
            Self::Configuring(_) if events & libc::POLLNVAL != 0 => one.error = Some(Errno(libc::EBADF)),
            // Hung up by a watcher, it has been started; else its opener has gone.
            Self::Configuring(a) if events & libc::POLLHUP != 0 => {
                if let Ok(Target::Configuring) = target::resolve(*a) {
                    one.error = Some(Errno(libc::ESRCH));
                }
            }
            Self::Running(target) => {
                one.changed |= Events::EXIT;
                let Some(fd) = one.fd else { return };
                let known = target.still().is_ok();
                let found = if known { Ok(None) } else { target::resolve(fd).map(Some) };
                let waited = found.and_then(|found| {
                    wait::wait_for(fd, found.as_ref().unwrap_or(target), Options::PEEK, Limit::NoHang)
                });
                match waited {
                    Ok(status) => one.change = Some(status.change),
                    Err(e) => one.error = Some(e),
                }
            }
            _ => {}
        }
    }
}

fn pollfd(fd: BorrowedFd<'_>) -> sys::PollFd {
    sys::PollFd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 }
}

fn has_ended(pidfd: BorrowedFd<'_>) -> bool {
    sys::fd::poll(pidfd, libc::POLLIN, sys::fd::NOW).is_ok_and(|events| events != 0)
}

/// As waitid(2) has them.
fn flags(want: Events) -> i32 {
    let stopped = if want.contains(Events::STOP) { libc::WSTOPPED } else { 0 };
    stopped | if want.contains(Events::CONTINUE) { libc::WCONTINUED } else { 0 }
}

/// The stop or continuation there is to be told of, which takes it unless it is a peek.
fn stop(pidfd: BorrowedFd<'_>, want: Events, options: Options) -> Result<Option<Change>> {
    if !want.intersects(STOPS) {
        return Ok(None);
    }
    let keep = if options.contains(Options::PEEK) { libc::WNOWAIT } else { 0 };
    let waited = sys::pidfd::wait(pidfd, flags(want) | libc::WNOHANG | keep)?;
    Ok(waited.and_then(|waited| Change::of_child(waited.code, waited.status)))
}

/// A ring that waits for the wanted stops and continuations, if any.
fn stops(slots: &[Slot<'_>], awaited: &[Awaited<'_>]) -> Result<Option<Waitids>> {
    let mut all: Vec<(BorrowedFd<'_>, i32)> = Vec::new();
    for (slot, one) in slots.iter().zip(awaited) {
        match slot {
            Slot::Running(target) if one.want.intersects(STOPS) => {
                vec::push(&mut all, (target.pidfd()?, flags(one.want)))?;
            }
            _ => {}
        }
    }
    if all.is_empty() {
        return Ok(None);
    }
    let mut ring = Waitids::new(all.len())?;
    ring.submit(&all)?;
    Ok(Some(ring))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, Process};

    fn sleeper() -> Process {
        let mut context = Context::new().unwrap();
        context.program_in_path("sleep").unwrap().args(["sleep", "60"]).unwrap();
        context.kill_on_close(libc::SIGKILL).unwrap();
        context.create().unwrap()
    }

    #[test]
    fn a_time_that_is_over_is_nobody() {
        let process = sleeper();
        let mut all = [Awaited::new(&process, Events::EXIT)];
        assert_eq!(wait_any(&mut all, Some(Duration::from_millis(2))).unwrap(), 0);
        assert_eq!(wait_any(&mut all, Some(Duration::ZERO)).unwrap(), 0);
        assert_eq!(wait_any(&mut [], Some(Duration::ZERO)).unwrap(), 0);
        process.kill().unwrap();
        assert_eq!(wait_any(&mut all, None).unwrap(), 1);
        assert_eq!(all[0].change(), Some(Change::Killed(libc::SIGKILL)));
        process.wait().unwrap();
    }

    #[test]
    fn a_stop_is_told_once() {
        let (first, second) = (sleeper(), sleeper());
        let mut all = [
            Awaited::new(&first, Events::STOP | Events::CONTINUE | Events::EXIT),
            Awaited::new(&second, Events::EXIT),
        ];
        first.send_signal(libc::SIGSTOP).unwrap();
        match wait_any(&mut all, None) {
            Err(e) if e.raw_os_error() == Some(libc::EOPNOTSUPP) => {
                println!("SKIP: no waitid of io_uring");
            }
            done => {
                assert_eq!(done.unwrap(), 1);
                assert_eq!(all[0].changed(), Events::STOP);
                assert_eq!(all[0].change(), Some(Change::Stopped(libc::SIGSTOP)));
                assert_eq!(wait_any(&mut all, Some(Duration::ZERO)).unwrap(), 0);
                assert_eq!(all[0].changed(), Events::empty());
            }
        }
        for process in [first, second] {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    #[test]
    fn a_start_is_a_state() {
        let mut context = Context::new().unwrap();
        let process = sleeper();
        let context = context.procfd().unwrap();
        let mut all = [Awaited::new(&context, Events::START), Awaited::new(&process, Events::START)];
        for _ in 0..2 {
            assert_eq!(wait_any(&mut all, None).unwrap(), 1);
            assert_eq!(all[1].changed(), Events::START);
        }
        all[1].set_events(Events::empty());
        assert_eq!(wait_any(&mut all, Some(Duration::ZERO)).unwrap(), 0);
        process.kill().unwrap();
        process.wait().unwrap();
    }

    #[test]
    fn what_is_no_process_is_told_as_an_error() {
        let file = std::fs::File::open("/dev/null").unwrap();
        let mut all = [Awaited::new(&file, Events::EXIT)];
        assert_eq!(wait_any(&mut all, None).unwrap(), 1);
        assert_eq!(all[0].error(), Some(Errno(libc::EINVAL)));
    }
}
