// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The creation as the parent sees it: plan, clone, report, publish. Whatever fails, nothing is
//! left: no process, no zombie, no descriptor, and the context can try again.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::dumpable::DumpableKept;
use super::plan::{From, Init, Lowered, Plan};
use super::{fork, idmap, report};
use crate::contexts::{self, Opened, State};
use crate::error::{Error, Stage};
use crate::forks::{self, Private};
use crate::manage;
use crate::settings::{Config, Namespaces, Program};
use crate::sys::cstr::CStrArray;
use crate::sys::{self, CLONE_FILES, Errno};
use crate::watch::{Policy, Reservation, StartError};
use crate::{fuse, procfd};

/// How long a child whose credentials have changed may take to execute. Processes of its new user
/// may stop it, and the creator sleeps until it executes: then it is killed, and the creator told.
pub(super) const HELD_SECONDS: i64 = 10;

/// A process that was started.
pub(crate) enum Created {
    /// With its pidfd, if the caller wants it.
    Parent { pid: i32, pidfd: Option<OwnedFd> },
    /// In the child of a fork.
    Child,
}

/// `PROC_CREATE` on the context whose procfd is `a`. The failing step stays on record.
pub(crate) fn create(a: BorrowedFd<'_>, opened: &Opened, want_pidfd: bool) -> Result<Created, Error> {
    if !opened.is_mine() {
        return Err(Error::config(libc::EPERM, "a context that another process opened"));
    }
    let mut state = opened.state();
    if state.started {
        return Err(Error::config(libc::EBUSY, "a context that has been started"));
    }
    let done = attempt(a, opened, &mut state, want_pidfd);
    state.error = done.as_ref().err().cloned();
    if done.is_err() && opened.has_b() && state.config.close.is_some() {
        // The owner may be a process group that exists.
        let _ = fuse::change(opened.b(), None, 0);
    }
    drop(state);
    contexts::see_to(opened);
    done
}

/// Whether the kernel carries the close policy out. For the init of a pid namespace the watcher does, or the
/// built-in init itself, which keeps B open for that.
fn has_fuse(config: &Config) -> bool {
    config.close.is_some() && !config.is_init()
}

fn attempt(
    a: BorrowedFd<'_>,
    opened: &Opened,
    state: &mut State,
    want_pidfd: bool,
) -> Result<Created, Error> {
    let config = &state.config;
    if !opened.has_b() {
        return Err(Error::new(Stage::PUBLISH, 0, Errno(libc::EBADF), "")
            .hint("the program has closed the library's own descriptor of this context"));
    }
    check_close(config, opened)?;
    let lowered = Lowered::new(config)?;
    reserve(opened, has_fuse(config))?;
    if has_fuse(config) {
        procfd::shut(opened.b()).map_err(|e| Error::new(Stage::FUSE, 0, e, ""))?;
    }
    let mut publication = Publication::prepare(a, opened, config)?;
    // Whoever wants the pidfd gets the original, and the library a duplicate, for which there has to be
    // room before there is a process.
    let place = match want_pidfd {
        true => Some(sys::fd::dup_cloexec(opened.b()).map_err(|e| Error::new(Stage::PUBLISH, 0, e, ""))?),
        false => None,
    };
    if matches!(config.program, Program::None) {
        let (pid, started) = match fork::create(publication, config, &lowered)? {
            fork::Forked::Child => return Ok(Created::Child),
            fork::Forked::Parent(pid, started) => (pid, started),
        };
        if let Some(place) = &place {
            // Of two open descriptors it does not fail.
            let _ = sys::fd::replace(place, started.pidfd.as_fd());
        }
        started.enter(state);
        return Ok(Created::Parent { pid, pidfd: place });
    }
    let (pid, pidfd) = spawn(config, &lowered, Some(&mut publication))?;
    let pidfd = sys::fd::above_standard(pidfd);
    let (theirs, ours) = match place {
        Some(place) => match sys::fd::replace(&place, pidfd.as_fd()) {
            Ok(()) => (Some(pidfd), place),
            Err(e) => {
                return Err(publication.undone(pidfd.as_fd(), pid, Error::new(Stage::PUBLISH, 0, e, "")));
            }
        },
        None => (None, pidfd),
    };
    publication.publish(ours, pid)?.enter(state);
    Ok(Created::Parent { pid, pidfd: theirs })
}

/// Publishes a process that was running already. It is not ended when that fails.
pub(crate) fn attach(
    a: BorrowedFd<'_>,
    opened: &Opened,
    config: &Config,
    pidfd: OwnedFd,
) -> Result<Started, Error> {
    let mut publication = Publication::prepare(a, opened, config)?;
    publication.fuse = config.close.is_some();
    publication.spare = true;
    publication.init = false;
    publication.publish(pidfd, 0)
}

/// The parts of a close policy that are the watcher's.
fn check_close(config: &Config, opened: &Opened) -> Result<(), Error> {
    let Some(policy) = config.close else { return Ok(()) };
    let refuse = |what: &str, hint: &str| Err(Error::plan(libc::EOPNOTSUPP, what).hint(hint));
    if opened.is_watched() || (config.built_in_init && config.is_init()) {
        return Ok(());
    }
    if config.is_init() {
        return refuse(
            "a close policy for the init of a new pid namespace, without the watcher",
            "the kernel protects such an init from the signal of a fuse; open the context without PROCFD_NO_WATCH, or use the built-in init",
        );
    }
    if policy.then.is_some() {
        return refuse(
            "a second signal after a delay, without the watcher",
            "open the context without PROCFD_NO_WATCH",
        );
    }
    Ok(())
}

/// What makes a process known to the holders of its procfd: the message with its fuse, and the watcher.
pub(super) struct Publication<'a> {
    a: BorrowedFd<'a>,
    opened: &'a Opened,
    pub fuse: bool,
    policy: Policy,
    room: Option<Reservation>,
    /// The process was there before.
    spare: bool,
    init: bool,
}

/// What the context is to remember of a start.
pub(crate) struct Started {
    pidfd: Arc<Private>,
    /// 0 for a process that was running already.
    pid: i32,
    watched: Option<Policy>,
}

impl Started {
    pub(crate) fn enter(self, state: &mut State) {
        state.pidfd = Some(self.pidfd);
        state.pid = self.pid;
        state.watched = self.watched;
        state.started = true;
        // The process has its own: a pipe whose end stayed open here would never end.
        state.config.held.clear();
    }
}

impl<'a> Publication<'a> {
    /// Everything that can be refused, before there is a process.
    pub(super) fn prepare(a: BorrowedFd<'a>, opened: &'a Opened, config: &Config) -> Result<Self, Error> {
        let policy = contexts::policy(config, config.close);
        let mut room = match opened.is_watched() {
            true => Some(contexts::reserve_watch(&policy).map_err(watch_error)?),
            false => None,
        };
        if let Some(reserved) = room.take_if(|_| has_fuse(config) && policy.is_silent()) {
            room = Some(contexts::watch_b_early(reserved, opened, &policy).map_err(watch_error)?);
        }
        Ok(Self { a, opened, fuse: has_fuse(config), policy, room, spare: false, init: config.built_in_init })
    }

    /// Publishes the process of `pidfd`. If that fails it is ended, and nothing has happened.
    pub(super) fn publish(mut self, pidfd: OwnedFd, pid: i32) -> Result<Started, Error> {
        let pidfd = match Private::adopt(pidfd) {
            Ok(pidfd) => pidfd,
            Err(e) => return Err(Error::new(Stage::PUBLISH, 0, e, "")),
        };
        let sent = self.opened.live_b().and_then(|b| procfd::publish(b, pidfd.as_fd(), self.fuse, self.init));
        if let Err(e) = sent {
            FLIGHT_WAS_FULL.store(e.0 == libc::ETOOMANYREFS, Ordering::Relaxed);
            return Err(self.undone(pidfd.as_fd(), pid, in_flight(Stage::PUBLISH, e)));
        }
        let mut watched = None;
        if let Some(room) = self.room.take() {
            if let Err(e) = contexts::watch(room, self.opened, pidfd.as_fd(), &self.policy) {
                return Err(self.undone(pidfd.as_fd(), pid, watch_error(e)));
            }
            watched = Some(self.policy);
        }
        Ok(Started { pidfd: Arc::new(pidfd), pid, watched })
    }

    /// Whether the watcher is to have the process before its program can run.
    fn is_early(&self) -> bool {
        self.room.is_some() && !self.policy.is_silent()
    }

    /// Gives the watcher the process, whose child waits.
    fn give_early(&mut self, pidfd: BorrowedFd<'_>) -> Result<(), Error> {
        let Some(room) = self.room.as_mut().filter(|_| !self.policy.is_silent()) else { return Ok(()) };
        contexts::watch_early(room, self.opened, pidfd, &self.policy).map_err(watch_error)
    }

    /// The child has failed, and another may be tried.
    fn withdraw(&mut self) {
        if let Some(room) = &mut self.room {
            room.withdraw();
        }
    }

    /// The peer of the procfd, which is the fuse.
    pub(super) fn b(&self) -> BorrowedFd<'a> {
        self.opened.b()
    }

    /// The procfd.
    pub(super) fn procfd(&self) -> BorrowedFd<'a> {
        self.a
    }

    /// Ends a process that could not be published, and takes back what was.
    pub(super) fn undone(&self, pidfd: BorrowedFd<'_>, pid: i32, error: Error) -> Error {
        if !self.spare {
            end(pidfd, pid);
        }
        procfd::retract(self.a);
        error
    }
}

pub(crate) fn watch_error(e: StartError) -> Error {
    let error = Error::new(Stage::WATCHER, 0, Errno(e.errno), format_args!("({})", e.step));
    if e.errno == libc::ETOOMANYREFS {
        return error.hint(IN_FLIGHT);
    }
    error.hint("a context opened with PROCFD_NO_WATCH does without it")
}

/// Set by a start that the limit of descriptors in flight refused: until one fits, the next starts ask first.
static FLIGHT_WAS_FULL: AtomicBool = AtomicBool::new(false);

/// What a started procfd has in flight at most, with the message to the watcher.
const FDS_IN_FLIGHT: usize = 4;

/// Sees, before anything is started, whether the start can be published: where this process alone has so many
/// procfds that they come near the limit, or the last start met it. Else the publication says so.
fn reserve(opened: &Opened, fuse: bool) -> Result<(), Error> {
    let mine = contexts::count().saturating_mul(FDS_IN_FLIGHT);
    let near = || {
        let limit = sys::task::rlimit(libc::RLIMIT_NOFILE as _).map_or(0, |limit| limit.cur);
        mine as u64 >= limit / 4
    };
    if !FLIGHT_WAS_FULL.load(Ordering::Relaxed) && (mine < 64 || !near()) {
        return Ok(());
    }
    const CAP_SYS_ADMIN: u32 = 21;
    const CAP_SYS_RESOURCE: u32 = 24;
    // The kernel asks for them in the initial namespace.
    let free = sys::task::effective_capabilities() & (1 << CAP_SYS_ADMIN | 1 << CAP_SYS_RESOURCE) != 0;
    if free && sys::task::in_initial_user_namespace() {
        return Ok(());
    }
    procfd::try_in_flight(opened.b(), fuse, opened.is_watched())
        .inspect(|()| FLIGHT_WAS_FULL.store(false, Ordering::Relaxed))
        .map_err(|e| in_flight(Stage::PUBLISH, e))
}

const IN_FLIGHT: &str = "the user's limit of descriptors in flight, which is the soft RLIMIT_NOFILE: \
                         a started procfd holds 1, with a close policy 2; raise the soft limit";

pub(super) fn in_flight(stage: Stage, errno: Errno) -> Error {
    match errno.0 {
        libc::ETOOMANYREFS => Error::new(stage, 0, errno, "").hint(IN_FLIGHT),
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

/// Set when neither close_range(2) nor unshare(2) could leave a shared table (old container profiles
/// refuse both): from then on tables are copied at the clone.
static TABLE_IS_COPIED: AtomicBool = AtomicBool::new(false);

fn spawn(
    config: &Config,
    lowered: &Lowered,
    mut publication: Option<&mut Publication<'_>>,
) -> Result<(i32, OwnedFd), Error> {
    let shared = !config.inherit_all && !TABLE_IS_COPIED.load(Ordering::Relaxed);
    match spawn_with(config, lowered, publication.as_deref_mut(), shared) {
        Err(e)
            if shared
                && e.stage() == Stage::FD_TABLE
                && matches!(e.raw_os_error(), libc::EPERM | libc::ENOSYS) =>
        {
            TABLE_IS_COPIED.store(true, Ordering::Relaxed);
            if let Some(publication) = &mut publication {
                publication.withdraw();
            }
            spawn_with(config, lowered, publication, false)
        }
        done => done,
    }
}

fn spawn_with(
    config: &Config,
    lowered: &Lowered,
    publication: Option<&mut Publication<'_>>,
    shared_table: bool,
) -> Result<(i32, OwnedFd), Error> {
    let stack = sys::task::Stack::get().map_err(|e| Error::new(Stage::STACK, 0, e, ""))?;
    let pair = publication.as_ref().map(|p| (p.a, p.b()));
    let early = publication.as_ref().is_some_and(|p| p.is_early());
    let init = match config.built_in_init {
        true => Some(InitParts::new(config, pair).map_err(|e| Error::new(Stage::INIT, 0, e, ""))?),
        false => None,
    };
    let go = match lowered.needs_parent() || early {
        true => Some(Private::pair(sys::sock::pair).map_err(|e| Error::new(Stage::FD_TABLE, 0, e, ""))?),
        false => None,
    };
    let private = if shared_table { Vec::new() } else { private_numbers(config, pair) };
    let fuse = pair.map(|(_, b)| b).filter(|_| has_fuse(config));
    let parts =
        Parts { fuse, stack: &stack, init: init.as_ref(), go: go.as_ref(), private: &private, shared_table };
    let (plan, cloned) = clone(config, lowered, &parts, publication)?;
    let (stage, index, errno) = plan.report.read();
    drop(plan);
    // The children have left the memory: they have executed, or ended.
    stack.put_back();
    if let Some(init) = init {
        init.stack.put_back();
    }
    let (pid, pidfd) = cloned?;
    if let Some(errno) = errno {
        reap(pidfd.as_fd(), pid);
        return Err(report::error(config, &lowered.candidates, stage, index, errno));
    }
    if stage != Stage::EXEC || never_executed(pidfd.as_fd()) {
        return Err(died(pidfd.as_fd(), pid, stage));
    }
    if config.namespaces & Namespaces::TIME.bits() != 0 {
        manage::await_time_namespace(pidfd.as_fd(), pid);
    }
    Ok((pid, pidfd))
}

/// What the child closes of a copied table: what is the library's own, and A unless the program inherits it.
fn private_numbers(config: &Config, pair: Option<(BorrowedFd<'_>, BorrowedFd<'_>)>) -> Vec<u32> {
    let mut numbers = forks::numbers();
    if let Some((a, _)) = pair.filter(|(a, _)| !config.inherit_all || sys::fd::is_cloexec(*a)) {
        numbers.push(a.as_raw_fd() as u32);
    }
    numbers
}

/// Whether a child has ended and still has the exit signal that only execve replaces: it was killed on
/// its way into the program.
fn never_executed(pidfd: BorrowedFd<'_>) -> bool {
    let look = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    sys::pidfd::wait_plain(pidfd, look) == Err(Errno(libc::ECHILD))
        && matches!(sys::pidfd::wait(pidfd, look), Ok(Some(_)))
}

/// What a clone is made with.
struct Parts<'a> {
    fuse: Option<BorrowedFd<'a>>,
    stack: &'a sys::task::Stack,
    init: Option<&'a InitParts>,
    /// The child's end and the parent's.
    go: Option<&'a (Private, Private)>,
    private: &'a [u32],
    shared_table: bool,
}

/// What a plan with the built-in init borrows.
struct InitParts {
    image: Arc<Private>,
    fuse: RawFd,
    argv: CStrArray,
    env: CStrArray,
    stack: sys::task::Stack,
}

impl InitParts {
    fn new(config: &Config, pair: Option<(BorrowedFd<'_>, BorrowedFd<'_>)>) -> sys::Result<Self> {
        let close = config.close;
        let (second, delay) = close.and_then(|p| p.then).unwrap_or_default();
        // The program is the second process of the namespace; then the close policy.
        let numbers = [2, close.map_or(0, |p| p.signal) as u128, second as u128, delay.as_millis()];
        let argv = std::iter::once("procfd-init".to_owned()).chain(numbers.map(|n| n.to_string()));
        Ok(Self {
            image: crate::watch::init_image()?,
            fuse: pair.ok_or(Errno(libc::EBADF))?.1.as_raw_fd(),
            argv: CStrArray::new(argv.filter_map(|a| CString::new(a).ok()).collect()),
            env: CStrArray::new(Vec::new()),
            stack: sys::task::Stack::get()?,
        })
    }

    fn lend(&self) -> Init<'_> {
        Init {
            image: self.image.as_fd().as_raw_fd(),
            fuse: self.fuse,
            argv: self.argv.as_ref(),
            env: self.env.as_ref(),
            stack: &self.stack,
        }
    }
}

type Cloned = Result<(i32, OwnedFd), Error>;

/// Clones the child and returns when it has left the shared memory; with the plan, in which its
/// report stands.
fn clone<'a>(
    config: &'a Config,
    lowered: &'a Lowered,
    parts: &Parts<'a>,
    mut publication: Option<&mut Publication<'_>>,
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
    let signals = sys::task::SignalsBlocked::new().map_err(|e| Error::new(Stage::SIGMASK, 0, e, ""))?;
    let mask = signals.before;
    let mut plan = lowered.plan(
        config,
        &From {
            fuse: parts.fuse.map(|b| b.as_raw_fd()),
            mask,
            private: parts.private,
            shared_table: parts.shared_table,
        },
    );
    plan.take_init(parts.init.map(InitParts::lend));
    plan.take_go(parts.go.map(|(child, _)| child.as_fd().as_raw_fd()));
    let flags = config.namespaces | if plan.shared_table { CLONE_FILES } else { 0 };
    let dumpable = plan.changes_credentials().then(DumpableKept::new);
    let began = plan.changes_credentials().then(sys::fd::monotonic_ns);

    let mut mapped = Ok(());
    let mut write_maps = |pid: i32, pidfd: BorrowedFd<'_>| {
        let Some((_, parent)) = parts.go else { return };
        if lowered.needs_parent() {
            mapped = idmap::write_for(config, pid, mask);
        }
        if let (Ok(()), Some(publication)) = (&mapped, &mut publication) {
            mapped = publication.give_early(pidfd);
        }
        let byte: &[u8] = if mapped.is_ok() { b"g" } else { b"no" };
        // Two bytes are no go: the child stops at once.
        if let Err(e) = sys::sock::send(parent.as_fd(), byte, &[]) {
            mapped = Err(Error::new(Stage::UID_MAP, 0, e, ""));
            sys::task::kill_child(pid, libc::SIGKILL);
        }
    };
    let meanwhile: Option<sys::task::Meanwhile<'_>> = match parts.go {
        Some(_) => Some(&mut write_maps),
        None => None,
    };
    let cloned = sys::task::clone_vm(flags, parts.stack, &plan, meanwhile).map_err(clone_error);
    // A change of ids of the whole process waits for this thread's signals, and so comes after.
    drop(dumpable);
    drop(signals);
    let cloned = match (cloned, mapped) {
        (Ok((pid, pidfd)), Err(e)) => {
            reap(pidfd.as_fd(), pid);
            Err(e)
        }
        (Ok((pid, pidfd)), Ok(())) => held_too_long(pidfd.as_fd(), pid, began).map(|()| (pid, pidfd)),
        (Err(e), _) => Err(e),
    };
    Ok((plan, cloned))
}

/// The child ended itself because somebody kept it stopped.
fn held_too_long(pidfd: BorrowedFd<'_>, pid: i32, began: Option<u64>) -> Result<(), Error> {
    let Some(began) = began else { return Ok(()) };
    let limit = (HELD_SECONDS as u64).saturating_mul(1_000_000_000);
    if sys::fd::monotonic_ns().saturating_sub(began) < limit {
        return Ok(());
    }
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    match sys::pidfd::wait(pidfd, options) {
        Ok(Some(w)) if w.code == libc::CLD_KILLED && w.status == libc::SIGKILL => {
            reap(pidfd, pid);
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
pub(super) fn died(pidfd: BorrowedFd<'_>, pid: i32, stage: Stage) -> Error {
    let how = match reap(pidfd, pid) {
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

/// Takes the status of our own child, which is ending. By its pid where a program has closed the pidfd
/// under us: it is not reaped yet, so the number is its.
pub(super) fn reap(pidfd: BorrowedFd<'_>, pid: i32) -> Option<sys::pidfd::Waited> {
    loop {
        match sys::pidfd::wait(pidfd, libc::WEXITED) {
            Err(Errno(libc::EINTR)) => {}
            Err(Errno(libc::EBADF | libc::EINVAL)) => {
                sys::task::reap_child(pid);
                return None;
            }
            done => return done.ok().flatten(),
        }
    }
}

/// Ends our own child and takes its status.
fn end(pidfd: BorrowedFd<'_>, pid: i32) {
    match sys::pidfd::send_signal(pidfd, libc::SIGKILL, None, 0) {
        Ok(()) | Err(Errno(libc::ESRCH)) => {}
        Err(Errno(libc::EPERM)) => return,
        Err(_) => sys::task::kill_child(pid, libc::SIGKILL),
    }
    reap(pidfd, pid);
}

fn namespaces(config: &Config) -> String {
    if config.namespaces == 0 {
        return String::new();
    }
    let mut names = String::new();
    bitflags::parser::to_writer(&crate::settings::Namespaces::from_bits_retain(config.namespaces), &mut names)
        .map_or(String::new(), |()| format!("in new namespaces {names}"))
}
