// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The clone: what the child is given that only this start knows, and what its report says.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::dumpable::{self, DumpableKept};
use super::end::{
    await_executed, await_stopped, died, end, end_by_pid, give_up, held_too_long, is_still_its, reap,
};
use super::idmap_helper;
use super::leaving::{self, Left};
use super::publish::{Publication, autokill_flags, has_fuse, pidfd_is_lost};
use crate::child::{self, List, Moment, Slot, When};
use crate::error::{Error, Stage};
use crate::forks::{self, Private};
use crate::manage;
use crate::settings::{Cgroup, Families, Namespaces, Prepared, Rare, Settings};
use crate::sys::cstr::CStrArray;
use crate::sys::{self, CLONE_FILES, Errno, OwnFd, vec};
use crate::watch;

/// Starts a program without a procfd.
pub(super) fn start(config: &Settings) -> Result<(i32, OwnFd), Error> {
    let prepared = config.prepare_to_start()?;
    let (pid, pidfd) = spawn(config, &prepared, None)?;
    if !is_still_its(pidfd.as_fd(), pid) {
        end_by_pid(pid);
        let _ = pidfd.into_raw_fd();
        return Err(pidfd_is_lost());
    }
    Ok((pid, pidfd))
}

/// Set when neither close_range(2) nor unshare(2) could leave a shared table (old container profiles
/// refuse both): from then on tables are copied at the clone.
static TABLE_IS_COPIED: AtomicBool = AtomicBool::new(false);

/// Whether the child begins in the creator's descriptor table.
pub(super) fn shares_table(config: &Settings) -> bool {
    !config.descriptors.inherit_all && !TABLE_IS_COPIED.load(Ordering::Relaxed)
}

pub(super) fn spawn(
    config: &Settings,
    prepared: &Prepared,
    mut publication: Option<&mut Publication<'_>>,
) -> Result<(i32, OwnFd), Error> {
    let shared = shares_table(config);
    let more = config.rare().is_some()
        || config.built_in_init()
        || config.starts_suspended()
        || publication.as_ref().is_some_and(|p| p.is_early())
        || !shared;
    let spawned = match more {
        true => spawn_with::<true>(config, prepared, publication.as_deref_mut(), shared),
        false => spawn_with::<false>(config, prepared, publication.as_deref_mut(), shared),
    };
    match spawned {
        Err(e)
            if shared
                && e.stage() == Stage::FD_TABLE
                && matches!(e.raw_os_error(), libc::EPERM | libc::ENOSYS) =>
        {
            TABLE_IS_COPIED.store(true, Ordering::Relaxed);
            if let Some(publication) = &mut publication {
                publication.withdraw();
            }
            spawn_with::<true>(config, prepared, publication, false)
        }
        done => done,
    }
}

/// `MORE` says that there may be rare settings, a built-in init, a suspended start, a policy for the watcher, or a
/// copied table. Without it the compiler leaves out what sees to them: at each start of a program the processor has
/// to load again what it runs.
fn spawn_with<const MORE: bool>(
    config: &Settings,
    prepared: &Prepared,
    mut publication: Option<&mut Publication<'_>>,
    shared_table: bool,
) -> Result<(i32, OwnFd), Error> {
    // A new cgroup is removed wherever this returns an error.
    let of = |families| config.of(families).filter(|_| MORE);
    let mut cgroup = of(Families::CGROUP).map_or(Ok(None), |rare| rare.cgroup.open())?;
    if let (Some(publication), Some(leaf)) = (&mut publication, cgroup.as_ref().and_then(Cgroup::leaf)) {
        publication.give_leaf(leaf)?;
    }
    let stack = sys::stack::Stack::get().map_err(|e| Error::new(Stage::STACK, 0, e, ""))?;
    let pair = publication.as_ref().map(|p| (p.procfd(), p.b()));
    let early = MORE && publication.as_ref().is_some_and(|p| p.is_early());
    let init = match MORE && config.built_in_init() {
        true => Some(InitParts::new(config, pair).map_err(|e| Error::new(Stage::INIT, 0, e, ""))?),
        false => None,
    };
    let go = match MORE && (prepared.by_parent || early) {
        true => Some(Private::pair(sys::sock::pair).map_err(|e| Error::new(Stage::FD_TABLE, 0, e, ""))?),
        false => None,
    };
    let between = of(Families::JOINS).map_or(Ok(None), |rare| rare.joins.between());
    let between = between.map_err(|(index, e)| config.step_failed(prepared, Stage::JOIN, index, e))?;
    let second_stack = match &between {
        Some(_) => Some(sys::stack::Stack::get().map_err(|e| Error::new(Stage::STACK, 0, e, ""))?),
        None => None,
    };
    let private = match !MORE || shared_table {
        true => Vec::new(),
        false => private_numbers(config, pair).map_err(|e| Error::new(Stage::FD_TABLE, 0, e, ""))?,
    };
    let fuse = pair.map(|(_, b)| b).filter(|_| has_fuse(config));
    let parts = Parts {
        fuse,
        stack: &stack,
        between: between.as_ref().map(|between| &between.list).zip(second_stack.as_ref()),
        init: init.as_ref(),
        go: go.as_ref(),
        private: &private,
        cgroup: cgroup.as_ref(),
        shared_table,
    };
    let copies =
        parts.copies_memory(of(Families::MEMORY | Families::JOINS | Families::SECCOMP | Families::LABELS));
    let ((stage, index, errno), left, cloned) = clone::<MORE>(config, prepared, &parts, copies, publication)?;
    // The children have left the memory: they have executed, or ended.
    stack.put_back();
    if let Some(init) = init {
        init.stack.put_back();
    }
    if let Some(stack) = second_stack {
        stack.put_back();
    }
    let (pid, pidfd) = cloned?;
    if let Some(errno) = errno {
        return Err(give_up(pidfd, pid, |pidfd| {
            reap(pidfd, pid);
            config.step_failed(prepared, stage, index, errno)
        }));
    }
    let has_executed = || left == Left::Executed || leaving::has_executed(pidfd.as_fd(), pid, copies);
    if stage != Stage::EXEC || !has_executed() {
        return Err(give_up(pidfd, pid, |pidfd| {
            let error = died(pidfd, pid, stage);
            match config.time_limit() {
                Some(_) => error.hint("its time limit counts from the start on"),
                None => error,
            }
        }));
    }
    if MORE && config.starts_suspended() {
        await_stopped(pidfd.as_fd(), pid)?;
    }
    if of(Families::NAMESPACES).is_some_and(|rare| rare.namespaces.has(Namespaces::TIME)) {
        manage::await_time_namespace(pidfd.as_fd(), pid);
    }
    if MORE {
        keep_cgroup(&mut cgroup, pidfd.as_fd(), pid)?;
    }
    Ok((pid, pidfd))
}

/// The process runs: its own cgroup stays as long. If that fails, the process is ended.
pub(super) fn keep_cgroup(cgroup: &mut Option<Cgroup>, pidfd: BorrowedFd<'_>, pid: i32) -> Result<(), Error> {
    let Some(cgroup) = cgroup else { return Ok(()) };
    if !is_still_its(pidfd, pid) {
        end_by_pid(pid);
        return Err(pidfd_is_lost());
    }
    let kept = cgroup.keep(pidfd);
    kept.map_err(super::out_of_descriptors).inspect_err(|_| end(pidfd, pid))
}

/// What the child closes of a copied table: what is the library's own, and A unless the program inherits it.
fn private_numbers(
    config: &Settings,
    pair: Option<(BorrowedFd<'_>, BorrowedFd<'_>)>,
) -> sys::Result<Vec<u32>> {
    let mut numbers = forks::numbers()?;
    if let Some((a, _)) = pair.filter(|(a, _)| !config.descriptors.inherit_all || sys::fd::is_cloexec(*a)) {
        vec::push(&mut numbers, a.as_raw_fd() as u32)?;
    }
    Ok(numbers)
}

/// What a clone is made with.
struct Parts<'a> {
    fuse: Option<BorrowedFd<'a>>,
    stack: &'a sys::stack::Stack,
    /// What an intermediate process does, and its stack.
    between: Option<(&'a List, &'a sys::stack::Stack)>,
    init: Option<&'a InitParts>,
    /// The child's end and the parent's.
    go: Option<&'a (Private, Private)>,
    private: &'a [u32],
    cgroup: Option<&'a Cgroup>,
    shared_table: bool,
}

impl Parts<'_> {
    /// With CLONE_VFORK the creator sleeps.
    fn creator_sleeps(&self) -> bool {
        self.go.is_none() && self.between.is_none()
    }

    /// Whether the child runs in a copy of the creator's memory.
    fn copies_memory(&self, rare: Option<&Rare>) -> bool {
        rare.is_some_and(|rare| {
            rare.memory.needs_copy(self.creator_sleeps())
                || rare.joins.has_time()
                || rare.seccomp.needs_copy()
                || rare.labels.needs_copy()
        })
    }
}

/// What a plan with the built-in init borrows.
struct InitParts {
    image: Arc<Private>,
    fuse: RawFd,
    argv: CStrArray,
    env: CStrArray,
    stack: sys::stack::Stack,
}

impl InitParts {
    fn new(config: &Settings, pair: Option<(BorrowedFd<'_>, BorrowedFd<'_>)>) -> sys::Result<Self> {
        let close = config.close();
        let (second, delay) = close.and_then(|p| p.then).unwrap_or_default();
        // The program is the second process of the namespace; then the close policy, and the time limit.
        let limit = config.time_limit();
        let (limit_second, limit_delay) = limit.and_then(|limit| limit.then).unwrap_or_default();
        let ms = |time: Duration| time.as_nanos().div_ceil(1_000_000);
        let numbers = [
            2,
            close.map_or(0, |p| p.signal) as u128,
            second as u128,
            delay.as_millis(),
            limit.map_or(0, |limit| ms(limit.after)),
            limit.map_or(0, |limit| limit.signal) as u128,
            limit_second as u128,
            ms(limit_delay),
        ];
        let argv = std::iter::once("procfd-init".to_owned()).chain(numbers.map(|n| n.to_string()));
        Ok(Self {
            image: watch::init_image()?,
            fuse: pair.ok_or(Errno(libc::EBADF))?.1.as_raw_fd(),
            argv: CStrArray::new(argv.filter_map(|a| CString::new(a).ok()).collect())?,
            env: CStrArray::new(Vec::new())?,
            stack: sys::stack::Stack::get()?,
        })
    }

    fn lend(&self) -> child::Init<'_> {
        child::Init {
            image: self.image.as_fd().as_raw_fd(),
            fuse: self.fuse,
            argv: self.argv.as_ref(),
            env: self.env.as_ref(),
            stack: &self.stack,
        }
    }
}

type Cloned = Result<(i32, OwnFd), Error>;

type Report = (Stage, u32, Option<Errno>);

/// Clones the child and returns when it has left the shared memory; with its report, and what is known of its
/// execution.
fn clone<const MORE: bool>(
    config: &Settings,
    prepared: &Prepared,
    parts: &Parts<'_>,
    copies: bool,
    mut publication: Option<&mut Publication<'_>>,
) -> Result<(Report, Left, Cloned), Error> {
    // Also where the kernel clears the handlers: a signal that is pending makes clone3 begin again, and with a timer
    // whose handler takes longer than its period it would never end.
    let signals = sys::task::SignalsBlocked::new().map_err(|e| Error::new(Stage::SIGMASK, 0, e, ""))?;
    let mask = signals.before;
    let is_asleep = parts.creator_sleeps();
    let of = |families| config.of(families).filter(|_| MORE);
    let page = match copies {
        true => Some(sys::stack::SharedPage::new().map_err(|e| Error::new(Stage::STACK, 0, e, ""))?),
        false => None,
    };
    let words = child::Words::default();
    let report = page.as_ref().map_or(&words, |page| page.words());
    let mut moment =
        Moment::new(&prepared.list, &prepared.sources, report, &mask, prepared.environment(config));
    describe::<MORE>(&mut moment, config, parts);
    if let Some(cgroup) = parts.cgroup {
        moment.give(Slot::CGROUP, cgroup.procs.as_raw_fd());
    }
    // Without a procfd a close policy is the pidfd's own.
    let by_itself = publication.as_ref().map_or(config.close().is_some(), |p| p.ends_by_its_pidfd());
    let autokill = if by_itself { autokill_flags(config) } else { 0 };
    let namespaces = if MORE { config.cloned_namespaces() } else { 0 };
    let flags = namespaces | autokill | if parts.shared_table { CLONE_FILES } else { 0 };
    let changes_credentials = of(Families::IDENTITY | Families::JOINS)
        .is_some_and(|rare| rare.identity.changes() || rare.joins.has_user());
    let dumpable = changes_credentials.then(DumpableKept::new);
    let began = changes_credentials.then(sys::fd::monotonic_ns);

    let mut mapped = Ok(());
    let mut write_maps = |pid: i32, pidfd: BorrowedFd<'_>| {
        let Some((_, parent)) = parts.go else { return };
        if prepared.by_parent {
            mapped = idmap_helper::write_for(config, pid, mask, start);
        }
        if let (Ok(()), Some(publication)) = (&mapped, &mut publication) {
            mapped = publication.give_early(pidfd, pid);
        }
        let byte: &[u8] = if mapped.is_ok() { b"g" } else { b"no" };
        // Two bytes are no go: the child stops at once.
        if let Err(e) = parent.live().and_then(|parent| sys::sock::send(parent, byte, &[])) {
            mapped = Err(Error::new(Stage::UID_MAP, 0, e, ""));
            sys::task::kill_child(pid, libc::SIGKILL);
        }
    };
    let meanwhile: Option<sys::clone::Meanwhile<'_>> = match parts.go {
        Some(_) => Some(&mut write_maps),
        None => None,
    };
    let memory = if copies { sys::clone::Memory::Copied } else { sys::clone::Memory::Shared };
    let dir = parts.cgroup.map(Cgroup::dir);
    let through = parts.between.map(|(_, stack)| sys::clone::Through(stack));
    let how = sys::clone::Cloning {
        flags,
        memory,
        cgroup: dir,
        pids: of(Families::PIDS).map_or(&[], |rare| rare.pids.numbers()),
        through: through.as_ref(),
    };
    let cloned = sys::clone::clone_child(how, parts.stack, &moment, meanwhile);
    let cloned = cloned.map_err(|e| match moment.report.read() {
        // The intermediate process has failed at a step.
        (stage, index, Some(errno)) => config.step_failed(prepared, stage, index, errno),
        _ => clone_error(config, parts, e),
    });
    if let (true, false, Ok((pid, _))) = (copies, is_asleep, &cloned) {
        await_executed(*pid);
    }
    // A change of ids of the whole process waits for this thread's signals, and so comes after.
    let mut left = Left::Unknown;
    if let Some(dumpable) = dumpable {
        left = match &cloned {
            Ok((pid, pidfd)) if !copies => leaving::await_left(pidfd.as_fd(), *pid, parts.init.is_some()),
            _ => Left::Memory,
        };
        dumpable.done(moment.taken(Slot::DUMPABLE), left != Left::Unknown);
    }
    drop(signals);
    let cloned = match (cloned, mapped) {
        (Ok((pid, pidfd)), Err(e)) => Err(give_up(pidfd, pid, |pidfd| {
            reap(pidfd, pid);
            e
        })),
        (Ok((pid, pidfd)), Ok(())) => held_too_long(pidfd.as_fd(), pid, began).map(|()| (pid, pidfd)),
        (Err(e), _) => Err(e),
    };
    Ok((moment.report.read(), left, cloned))
}

/// Why the clone failed.
#[cold]
fn clone_error(config: &Settings, parts: &Parts<'_>, e: Errno) -> Error {
    if let Some(error) = config.cgroup.clone_error(e) {
        return error;
    }
    let error = Error::new(Stage::CLONE, 0, e, described(config));
    if let Some(hint) = config.pids.hint(e.0) {
        return error.hint(hint);
    }
    match e.0 {
        libc::ECHILD => error.hint("the process that joins the pid namespace was killed"),
        libc::ENOSYS if parts.between.is_some() => error.hint("to join a pid namespace takes clone3(2)"),
        libc::ENOMEM if parts.between.is_some() => {
            error.hint("or the init of the pid namespace has ended: it takes no new process")
        }
        libc::EMFILE => super::out_of_descriptors(error),
        libc::EAGAIN => error.hint("RLIMIT_NPROC, the pids limit of the cgroup, or kernel.pid_max"),
        libc::EPERM if config.cloned_namespaces() & Namespaces::USER.bits() != 0 => error
            .hint("no user namespace from a chroot, for ids without a map, or where the system forbids it"),
        libc::EPERM if config.cloned_namespaces() != 0 => {
            error.hint("new namespaces need CAP_SYS_ADMIN, or a new user namespace with them (CLONE_NEWUSER)")
        }
        libc::ENOSPC => error.hint("a limit in /proc/sys/user, or nested too deep"),
        _ => error,
    }
}

/// What holds of a start with these settings now, as far as it can be known before it.
pub(super) fn conditions(config: &Settings, prepared: &Prepared, shared_table: bool, watched: bool) -> When {
    let forks = config.program.is_none();
    let armed = has_fuse(config) && !config.built_in_init();
    let shared_table = shared_table && !forks;
    let arms_again = armed && !forks && becomes_another_user(config);
    // The watcher has the policies that the kernel cannot carry out before the program can run.
    let policy = config.close().is_some_and(|close| close.then.is_some() || config.is_init());
    let policy = policy || config.time_limit().is_some();
    let waits = prepared.by_parent || (watched && policy && !config.built_in_init());
    let takes_more = !shared_table || !prepared.sources.is_empty() || arms_again || waits;
    let closes = takes_more || config.built_in_init() || config.descriptors.takes_descriptors();
    let of = |holds: bool, when: When| when.only_if(holds);
    When::ALWAYS
        .and(When::USER_TO_JOIN)
        .and(of(!forks, When::SHARED_MEMORY))
        .and(of(!shared_table, When::COPIED))
        .and(of(armed && !forks, When::FUSE))
        .and(of(armed, When::HAS_FUSE))
        .and(of(arms_again, When::NEW_USER))
        .and(of(waits, When::GO))
        .and(of(closes && !forks, When::CLOSES))
        .and(config.resources.nofile_when().unwrap_or(When::ALWAYS))
}

/// What only this start knows.
fn describe<'a, const MORE: bool>(moment: &mut Moment<'a>, config: &Settings, parts: &Parts<'a>) {
    moment.add(When::SHARED_MEMORY);
    moment.give(Slot::DUMPABLE, dumpable::NOT_SEEN);
    if parts.shared_table {
        moment.share_table();
    }
    moment.close_private(parts.private);
    let of = |families| config.of(families).filter(|_| MORE);
    if let Some(rare) = of(Families::PRIVILEGES) {
        if rare.privileges.checks_parent() && !rare.namespaces.has(Namespaces::PID) {
            moment.expect_parent(sys::task::pid());
        }
    }
    if let Some(when) = of(Families::RESOURCES).and_then(|rare| rare.resources.nofile_when()) {
        moment.add(when);
    }
    if let Some(b) = parts.fuse {
        moment.give(Slot::FUSE, b.as_raw_fd());
        moment.add(When::FUSE.and(When::HAS_FUSE));
        let arms_again = becomes_another_user(config);
        if arms_again {
            moment.add(When::NEW_USER);
        }
        if arms_again || !parts.shared_table {
            // A copied table has A too, up to the exec. So B stays as long: a fuse fires only while B is open.
            moment.take_along(b.as_raw_fd());
        }
    }
    if let Some((list, _)) = parts.between {
        moment.begin_with(list);
    }
    if let Some(init) = parts.init {
        moment.become_init(init.lend());
    }
    if let Some((child, _)) = parts.go {
        moment.give(Slot::GO, child.as_fd().as_raw_fd());
        moment.add(When::GO);
        moment.take_along(child.as_fd().as_raw_fd());
    }
    // With nothing but 0, 1 and 2 taken there is nothing to close.
    if moment.takes_above_standard() || config.descriptors.takes_descriptors() {
        moment.add(When::CLOSES);
    }
}

/// Whether the child becomes a user that is out of the reach of a signal in the creator's name: all but the
/// root of the initial user namespace, whose id map is the identity, reach only themselves.
fn becomes_another_user(config: &Settings) -> bool {
    config.identity.new_user().is_some()
        && !(sys::task::in_initial_user_namespace() && sys::task::effective_ids().0 == 0)
}

/// The clone in words.
pub(super) fn described(config: &Settings) -> String {
    let namespaces = match config.cloned_namespaces() {
        0 => String::new(),
        flags => format!("in new namespaces {}", Namespaces::names_of(flags)),
    };
    let pids = config.pids.shown();
    let sep = if namespaces.is_empty() || pids.is_empty() { "" } else { " " };
    format!("{namespaces}{sep}{pids}")
}
