// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The four calls by bare descriptor numbers, for the C interface and the Python module. Not for
//! other users: it may change with every release.

mod configuring;
mod lists;
mod seen;
mod spawn;

use std::cell::RefCell;
use std::os::fd::{BorrowedFd, IntoRawFd, RawFd};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::contexts;
use crate::info::{Fields, Info, ProcessState, Snapshot};
use crate::manage::{Advice, KillTree};
pub use crate::settings::{Close, DATA_MAX, MountKind, NEW_LISTENER, PipeWay, Program, Settings, WindowSize};
use crate::settings::{ClosePolicy, Scheduler};
use crate::status::Status;
pub use crate::sys::OwnFd;
use crate::sys::{self, Errno};
use crate::target::Target;
use crate::wait::{self, Limit, Options};
use crate::wait_any::{self, Awaited, Events};
use crate::{Context, Error, Namespaces, Process, Scope};
use crate::{info, manage, proc, signal, target};

pub use configuring::*;
pub use lists::*;
use seen::proved_by_call;
pub use spawn::*;

type Result<T> = std::result::Result<T, Errno>;

/// Whether a descriptor is an open /proc: the root of a procfs. EBADF.
pub fn is_proc(fd: RawFd) -> Result<bool> {
    proc::is_proc_root(sys::fd::borrow(fd)?)
}

/// PROC_CREATE of a context that is not a bare descriptor and has no program: a fork. `None` in the
/// child. As for fork(2), a child of several threads may do little before it executes something: the
/// caller sees to that, as an interpreter does whose lock is held.
pub fn fork(context: &mut Context) -> std::result::Result<Option<Process>, Error> {
    context.fork_here()
}

fn target(fd: RawFd) -> Result<Target<'static>> {
    contexts::tend_watcher();
    seen::resolve(sys::fd::borrow(fd)?)
}

/// PROC_SIGNAL.
pub fn send_signal(fd: RawFd, sig: i32, scope: Scope, value: Option<u64>) -> Result<()> {
    proved_by_call(fd, |_, target| signal::send(target.pidfd()?, sig, scope, value))
}

/// PROC_SET_CLOSE on a process that runs.
pub fn change_close(fd: RawFd, policy: Option<Close>) -> Result<()> {
    let policy = policy
        .map(|(signal, scope, then)| ClosePolicy::new(signal, scope, then))
        .transpose()
        .map_err(|e| Errno(e.raw_os_error()))?;
    signal::change_close(sys::fd::borrow(fd)?, policy)
}

/// PROC_WAIT.
pub fn wait(fd: RawFd, options: Options, nohang: bool, timeout_ns: u64) -> Result<Status> {
    let limit = limit(nohang, timeout_ns);
    seen::proved_by_call_or(fd, wait::again, |given, target| wait::wait_for(given, target, options, limit))
}

fn limit(nohang: bool, timeout_ns: u64) -> Limit {
    match (nohang, timeout_ns) {
        (true, _) => Limit::NoHang,
        (false, 0) => Limit::None,
        (false, ns) => Limit::after(Duration::from_nanos(ns)),
    }
}

/// PROC_CHANGES: one of the entries, negative descriptors passed over.
pub fn awaited(fd: RawFd, want: Events) -> Awaited<'static> {
    Awaited::borrowed(sys::fd::borrow(fd).ok(), want)
}

/// PROC_CHANGES.
pub fn changes(of: &mut [Awaited<'_>], options: Options, nohang: bool, timeout_ns: u64) -> Result<usize> {
    contexts::tend_watcher();
    wait_any::wait(of, options, limit(nohang, timeout_ns))
}

/// PROC_KILL_TREE.
pub fn kill_tree(fd: RawFd, sig: i32) -> Result<KillTree> {
    let target = target(fd)?;
    manage::kill(&|| target.still(), target.is_init(), sig)
}

/// PROC_KILL_TREE with PROC_TREE_CGROUP.
pub fn kill_cgroup(fd: RawFd) -> Result<KillTree> {
    manage::kill_cgroup(target(fd)?.pidfd()?)
}

/// PROC_STOP, PROC_CONT: with SIGSTOP or SIGCONT.
pub fn stop_or_continue(fd: RawFd, sig: i32) -> Result<()> {
    let target = target(fd)?;
    manage::stop_or_continue(&|| target.still(), target.is_init(), sig)
}

/// PROC_RESUME.
pub fn resume(fd: RawFd) -> Result<()> {
    let target = target(fd)?;
    manage::resume(&|| target.still())
}

/// PROC_SETNS.
pub fn setns(fd: RawFd, flags: u64) -> Result<()> {
    let target = target(fd)?;
    manage::enter(target.pidfd()?, Namespaces::from_bits(flags).ok_or(Errno(libc::EINVAL))?)
}

/// PROC_RLIMIT.
pub fn rlimit(fd: RawFd, resource: u32, new: Option<(u64, u64)>) -> Result<(u64, u64)> {
    manage::rlimit(target(fd)?.pidfd()?, resource, new)
}

/// PROC_PRIORITY.
pub fn set_nice(fd: RawFd, nice: i64) -> Result<()> {
    manage::set_nice(target(fd)?.pidfd()?, nice)
}

/// PROC_SCHEDULER.
pub fn set_scheduler(fd: RawFd, scheduler: &Scheduler) -> Result<()> {
    manage::set_scheduler(target(fd)?.pidfd()?, scheduler)
}

/// PROC_AFFINITY.
pub fn set_affinity(fd: RawFd, mask: &[u8]) -> Result<()> {
    manage::set_affinity(target(fd)?.pidfd()?, mask)
}

/// PROC_IOPRIO.
pub fn set_ioprio(fd: RawFd, ioprio: u16) -> Result<()> {
    manage::set_ioprio(target(fd)?.pidfd()?, ioprio)
}

/// PROC_OOM_SCORE_ADJ.
pub fn set_oom_score_adj(fd: RawFd, value: i64) -> Result<()> {
    manage::set_oom_score_adj(target(fd)?.pidfd()?, value)
}

/// PROC_CGROUP.
pub fn move_to_cgroup(fd: RawFd, cgroup: RawFd) -> Result<()> {
    manage::move_to_cgroup(target(fd)?.pidfd()?, sys::fd::borrow(cgroup)?)
}

/// PROC_MADVISE: EINVAL for advice that is not one of [`Advice`].
pub fn madvise(fd: RawFd, ranges: &[(u64, u64)], advice: u32) -> Result<usize> {
    let target = target(fd)?;
    let advice = Advice::from_raw(advice).ok_or(Errno(libc::EINVAL))?;
    manage::advise(target.pidfd()?, ranges, advice)
}

/// PROC_MRELEASE.
pub fn mrelease(fd: RawFd) -> Result<()> {
    sys::manage::release_memory(target(fd)?.pidfd()?)
}

/// PROC_GETFD.
pub fn get_fd(fd: RawFd, number: i32) -> Result<RawFd> {
    sys::pidfd::get_fd(target(fd)?.pidfd()?, number).map(IntoRawFd::into_raw_fd)
}

/// PROC_INFO. `out` is empty before; after an error it holds nothing of use.
pub fn info(fd: RawFd, fields: Fields, out: &mut Info) -> Result<()> {
    contexts::tend_watcher_by_the_tick();
    let given = sys::fd::borrow(fd)?;
    let number = seen::number(given);
    // PIDFD_GET_INFO is asked anyway, and only a pidfd answers it.
    let unproved = match info::asks_the_ioctl(fields) && IOCTL_ANSWERS.load(Ordering::Relaxed) {
        true => seen::unproved(given),
        false => None,
    };
    if let Some(target) = unproved {
        if target.pidfd().and_then(|pidfd| info::fill(out, pidfd, number, fields)) == Ok(true) {
            return add_kept(out, Ok(()), given, &target, fields);
        }
        *out = Info::default();
    }
    let target = seen::resolve(given)?;
    let known = info::fill(out, target.pidfd()?, number, fields);
    if known == Ok(true) {
        IOCTL_ANSWERS.store(true, Ordering::Relaxed);
    }
    add_kept(out, known.map(drop), given, &target, fields)
}

fn add_kept(
    out: &mut Info,
    known: Result<()>,
    given: BorrowedFd<'_>,
    target: &Target<'_>,
    fields: Fields,
) -> Result<()> {
    info::add_kept(out, known, || target.keeper(given), target.is_init().then_some(given), fields)
}

/// Whether PIDFD_GET_INFO (6.13) has answered once. Where it does not, it proves nothing.
static IOCTL_ANSWERS: AtomicBool = AtomicBool::new(false);

/// Whom a snapshot is of.
#[allow(missing_docs, reason = "named as the C scopes")]
pub enum Many<'a> {
    All,
    List(&'a [RawFd]),
    Tree(RawFd),
    Cgroup { dir: RawFd, below: bool },
}

/// The state that the C interface keeps from one snapshot to the next.
static KEPT: Mutex<Option<Snapshot>> = Mutex::new(None);

/// The answer of [`snapshot`].
#[allow(missing_docs, reason = "named for what they are")]
pub enum Given<'a> {
    Process(&'a Info),
    /// An entry of a list that stands for no process.
    None(Errno),
    /// So many of the last were not proved: they are taken back, and come again.
    Undo(usize),
}

/// PROC_SNAPSHOT: hands each process to `each`, until that returns false. Returns how many more there
/// may be then.
pub fn snapshot(
    many: &Many<'_>,
    fields: Fields,
    keep: bool,
    each: &mut dyn FnMut(Given<'_>) -> bool,
) -> Result<usize> {
    // Needed there in any case: that it is asked now and not asked then would undo what is kept.
    let fields = match many {
        Many::Cgroup { .. } => fields | Fields::CGROUP_ID,
        _ => fields,
    };
    // Where another thread has it, or had it when this process was forked, nothing is kept.
    let mut kept = if keep { KEPT.try_lock().ok() } else { None };
    let mut own = Snapshot::new(fields).keep(false);
    let snapshot = match kept.as_mut() {
        None => &mut own,
        Some(kept) => {
            let snapshot = kept.get_or_insert_with(|| Snapshot::new(fields).keep(true));
            snapshot.set_fields(fields);
            snapshot
        }
    };
    let processes = match *many {
        Many::List(fds) => {
            let left = fds.iter().position(|&fd| {
                let known = target(fd).and_then(|target| {
                    let given = sys::fd::borrow(fd)?;
                    let mut info = Info::default();
                    let known = snapshot.one(&mut info, target.pidfd()?);
                    add_kept(&mut info, known, given, &target, fields)?;
                    Ok(info)
                });
                !each(known.as_ref().map_or_else(|&e| Given::None(e), Given::Process))
            });
            return Ok(left.map_or(0, |at| fds.len() - at));
        }
        Many::All => snapshot.all_of()?,
        Many::Tree(root) => snapshot.tree_of(target(root)?.pidfd()?)?,
        Many::Cgroup { dir, below } => snapshot.cgroup_of(sys::fd::borrow(dir)?, below)?,
    };
    let each = RefCell::new(each);
    processes.hand_out(&mut |info| (*each.borrow_mut())(Given::Process(info)), &mut |many| {
        (*each.borrow_mut())(Given::Undo(many));
    })
}

/// Lets go of what the C interface keeps.
pub fn drop_snapshot() {
    if let Ok(mut kept) = KEPT.try_lock() {
        *kept = None;
    }
}

/// PROC_INFO_STATE.
pub fn state(fd: RawFd) -> Result<ProcessState> {
    info::state(&target(fd)?)
}

/// PROC_INFO_PID.
pub fn pid(fd: RawFd) -> Result<i32> {
    proved_by_call(fd, |_, target| wait::pid(target.pidfd()?))
}

/// PROC_INFO_PIDFD.
pub fn pidfd(fd: RawFd) -> Result<RawFd> {
    match target(fd)? {
        Target::Own(pidfd) | Target::OfDir(pidfd) | Target::Init(pidfd) => Ok(pidfd.into_raw_fd()),
        given => sys::fd::dup_cloexec(given.pidfd()?).map(IntoRawFd::into_raw_fd),
    }
}
