// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! A signal to a process and all its descendants.
//!
//! The walk. A process that is to be found must not fork on meanwhile, and must not die, for its children
//! would become another's. So each one is stopped (SIGSTOP) as it is found, and the list of all processes is
//! read again until every one found has been seen stopped before a reading, and that reading has nothing
//! new: then nothing can come to the tree any more, and it is signalled, leaves first, so that no parent
//! goes before its children. A stop takes effect at the end of a fork under way (since 4.19 none begins
//! after it); that is why it has to be seen.
//!
//! A child is taken for one by its pidfd: the kernel names the parent of what the pidfd stands for, and
//! the parent, by its own pidfd, is not reaped. Each is signalled by pidfd as well.
//!
//! What is not of the tree any more when it is found cannot be found: processes whose parent ended before,
//! and who have been given to another (a double fork), unless that other is of the tree itself
//! (PR_SET_CHILD_SUBREAPER, the init of a pid namespace). A pid namespace or a cgroup holds them all.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use super::{cgroup, pid_race};
use crate::proc::parse::{stat::Stat, status::NsIds};
use crate::proc::{self, Path};
use crate::settings::{SIGNAL_MAX, Scope};
use crate::sys::{self, Errno, PID_FS_MAGIC, PIDFD_INFO_PID, Result, Timespec, vec};
use crate::{signal, wait};

/// How often the list is read while processes found are not seen stopped, and how long the pause is. One
/// that is not stopped by then, for somebody continues it, is signalled as it is.
const PATIENCE: u32 = 5_000;
const PAUSE: Timespec = Timespec { sec: 0, nsec: 2_000_000 };
/// The same for those in uninterruptible sleep, as the parent of a vfork is that waits for a stopped child.
const PATIENCE_ASLEEP: u32 = 50;
/// How often the list is read while there is something new: processes that may not be stopped may fork
/// without end.
const GROWTH: u32 = 1_000;

/// How a tree was signalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TreeMethod {
    /// Each process by its pidfd.
    Walk,
    /// The init of a pid namespace was killed, and the kernel kills the rest.
    Init,
    /// The kernel kills the cgroup.
    Cgroup,
}

/// What came of a signal to a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KillTree {
    /// How it was done.
    pub how: TreeMethod,
    /// To how many processes the signal was sent: those of the walk; 1, the init; 0 where the kernel kills a
    /// cgroup.
    pub signalled: usize,
    /// How many the caller may not signal.
    pub refused: usize,
}

/// Signals a process and its descendants; 0 counts them. EINVAL: no such signal, a pidfd of a thread, or
/// the init of the caller's own pid namespace; EPERM: the process itself may not be signalled.
///
/// `built_in`: it is a built-in init, which passes on what it gets and is itself only sent SIGKILL.
pub(crate) fn kill(root: BorrowedFd<'_>, built_in: bool, signal: i32) -> Result<KillTree> {
    if !(0..=SIGNAL_MAX).contains(&signal) || sys::pidfd::is_thread(root) {
        return Err(Errno(libc::EINVAL));
    }
    if signal == libc::SIGKILL && is_init(root)? {
        signal::send(root, signal, Scope::Process, None)?;
        return Ok(KillTree { how: TreeMethod::Init, signalled: 1, refused: 0 });
    }
    walk(root, signal, built_in)
}

/// The cgroup of a process, and those below: SIGKILL by the kernel.
pub(crate) fn kill_cgroup(pidfd: BorrowedFd<'_>) -> Result<KillTree> {
    cgroup::kill(pidfd)?;
    Ok(KillTree { how: TreeMethod::Cgroup, signalled: 0, refused: 0 })
}

/// SIGSTOP or SIGCONT to a process; where it is a built-in init, to all others of its namespace, by walk. The
/// init has to run on: it carries the close policy out, and reaps. EPERM: for one of them at least.
pub(crate) fn stop_or_continue(root: BorrowedFd<'_>, built_in: bool, signal: i32) -> Result<()> {
    if !built_in || pid_race::has_ended(root)? {
        return signal::send(root, signal, Scope::Process, None);
    }
    match walk(root, signal, true)? {
        KillTree { refused: 0, .. } => Ok(()),
        _ => Err(Errno(libc::EPERM)),
    }
}

fn walk(root: BorrowedFd<'_>, signal: i32, without_root: bool) -> Result<KillTree> {
    let mut tree = Tree::new(root, without_root)?;
    let done = tree.signal(signal);
    if done.is_err() {
        tree.thaw();
    }
    done
}

/// Whether it is the init of a pid namespace below the caller's. EINVAL: of the caller's own.
fn is_init(root: BorrowedFd<'_>) -> Result<bool> {
    let dir = pid_race::directory(root)?;
    match proc::ns_pid(dir.as_raw_fd(), c"status") {
        Some(NsIds { innermost: 1, depth: 1, .. }) => Err(Errno(libc::EINVAL)),
        ids => Ok(ids.is_some_and(|ids| ids.innermost == 1)),
    }
}

struct Member {
    pid: i32,
    /// `None` for the root, and for all where there is no room for descriptors.
    pidfd: Option<OwnedFd>,
    identity: u64,
    refused: bool,
    /// By others, before: it is left stopped.
    was_stopped: bool,
    /// It has been seen stopped, or is not to be.
    settled: bool,
    /// It gets the signal; a built-in init, and what has ended, does not.
    counts: bool,
}

struct Tree<'a> {
    root: BorrowedFd<'a>,
    own: i32,
    /// Parents before their children.
    members: Vec<Member>,
    by_pid: BTreeMap<i32, usize>,
    /// Whether descriptors are kept, or opened again for each use.
    keeps: bool,
    /// No descriptor is kept with this number or a higher one.
    room: i32,
    freezes: bool,
}

/// getrlimit(2); of another type in each libc.
const RLIMIT_NOFILE: u32 = 7;
/// Descriptors in use at once beside those that are kept.
const IN_USE: u64 = 8;

/// A member's pidfd.
enum Held<'a> {
    Kept(BorrowedFd<'a>),
    Opened(OwnedFd),
}

impl AsFd for Held<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Kept(fd) => *fd,
            Self::Opened(fd) => fd.as_fd(),
        }
    }
}

impl<'a> Tree<'a> {
    fn new(root: BorrowedFd<'a>, without_root: bool) -> Result<Self> {
        let pid = pid_race::number(root)?;
        if pid == 1 {
            return Err(Errno(libc::EINVAL));
        }
        signal::send(root, 0, Scope::Process, None)?;
        pid_race::own_proc()?;
        let member = Member {
            pid,
            pidfd: None,
            identity: 0,
            refused: false,
            was_stopped: false,
            settled: without_root,
            counts: !without_root,
        };
        Ok(Self {
            root,
            own: sys::task::pid(),
            members: vec![member],
            by_pid: BTreeMap::from([(pid, 0)]),
            keeps: true,
            room: sys::task::rlimit(RLIMIT_NOFILE)
                .ok()
                .and_then(|limit| i32::try_from(limit.cur.saturating_sub(IN_USE)).ok())
                .unwrap_or(i32::MAX),
            freezes: false,
        })
    }

    fn signal(&mut self, signal: i32) -> Result<KillTree> {
        // To continue what is stopped it need not be stopped; and 0 is no signal.
        self.freezes = !matches!(signal, 0 | libc::SIGCONT);
        if self.freezes {
            self.freeze()?;
        } else {
            for _ in 0..GROWTH {
                if !self.grow()? {
                    break;
                }
            }
        }
        let mut out = KillTree { how: TreeMethod::Walk, signalled: 0, refused: 0 };
        // SIGCONT would take a pending stop signal back: it goes before those.
        let stops = matches!(signal, libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU);
        if stops {
            self.thaw();
        }
        // The caller itself comes last: it has to do this.
        let others = (0..self.members.len()).rev().filter(|&i| self.pid_at(i) != self.own);
        let own = self.by_pid.get(&self.own).copied();
        let order: Vec<_> = others.chain(own).collect();
        for i in order {
            self.send(i, signal, &mut out)?;
        }
        if !stops && !matches!(signal, libc::SIGKILL | libc::SIGSTOP) {
            self.thaw();
        }
        match (out.signalled, out.refused) {
            (0, 1..) => Err(Errno(libc::EPERM)),
            (0, 0) if self.members.first().is_some_and(|root| root.counts) => Err(Errno(libc::ESRCH)),
            _ => Ok(out),
        }
    }

    fn pid_at(&self, i: usize) -> i32 {
        self.members.get(i).map_or(0, |member| member.pid)
    }

    fn send(&self, i: usize, signal: i32, out: &mut KillTree) -> Result<()> {
        let Some(member) = self.members.get(i).filter(|member| member.counts) else { return Ok(()) };
        if member.refused {
            out.refused = out.refused.saturating_add(1);
            return Ok(());
        }
        let Some(pidfd) = self.pidfd(i)? else { return Ok(()) };
        // Stopped as it is, by SIGSTOP.
        let done = match signal {
            libc::SIGSTOP if self.freezes && member.pid != self.own => Ok(()),
            _ => signal::send(pidfd.as_fd(), signal, Scope::Process, None),
        };
        match done {
            Ok(()) => out.signalled = out.signalled.saturating_add(1),
            Err(Errno(libc::EPERM)) => out.refused = out.refused.saturating_add(1),
            Err(Errno(libc::ESRCH)) => {}
            Err(e) => return Err(e),
        }
        Ok(())
    }

    /// Continues what this has stopped, leaves first: a parent that waits for stops sees none.
    fn thaw(&self) {
        if !self.freezes {
            return;
        }
        for (i, member) in self.members.iter().enumerate().rev() {
            if member.refused || member.was_stopped || !member.counts || member.pid == self.own {
                continue;
            }
            if let Ok(Some(pidfd)) = self.pidfd(i) {
                let _ = signal::send(pidfd.as_fd(), libc::SIGCONT, Scope::Process, None);
            }
        }
    }

    /// Stops all there is, until nothing new comes to it.
    fn freeze(&mut self) -> Result<()> {
        self.stop(0)?;
        let (mut waits, mut growth) = (0, 0);
        loop {
            let settled = self.settle(waits >= PATIENCE_ASLEEP)?;
            if self.grow()? {
                growth += 1;
                if growth >= GROWTH {
                    return Ok(());
                }
            } else if settled || waits >= PATIENCE {
                return Ok(());
            } else {
                waits += 1;
                let _ = sys::fd::poll_many(&mut [], Some(PAUSE));
            }
        }
    }

    /// One reading of all processes; whether there was a new one among them.
    fn grow(&mut self) -> Result<bool> {
        let before = self.members.len();
        let list = proc::open(c".", libc::O_RDONLY | libc::O_DIRECTORY)?;
        sys::dir::each_number(list.as_fd(), |pid| match stat(of_process(pid))? {
            Some(stat) if self.by_pid.contains_key(&(stat.ppid as i32)) => self.admit(pid, stat),
            _ => Ok(()),
        })?;
        Ok(self.members.len() > before)
    }

    /// Takes a process in, if it is a child of a member, and stops it.
    fn admit(&mut self, pid: i32, stat: Stat) -> Result<()> {
        if self.by_pid.contains_key(&pid) {
            return Ok(());
        }
        vec::room(&mut self.members, 1)?;
        let Some(pidfd) = self.open(pid)? else { return Ok(()) };
        // A process that has ended has no children.
        if pid_race::has_ended(pidfd.as_fd())? {
            return Ok(());
        }
        let parent = self.parent(pidfd.as_fd(), pid)?.and_then(|pid| self.by_pid.get(&pid).copied());
        let Some(parent) = parent else { return Ok(()) };
        // The member of that number has it still, or it is not the parent.
        match self.pidfd(parent)? {
            Some(fd) if wait::pid(fd.as_fd()).is_ok() => {}
            _ => return Ok(()),
        }
        let Some(identity) = self.identity(pidfd.as_fd(), pid)? else { return Ok(()) };
        // Descriptors are given out lowest first: the few that this needs itself are to be left.
        if self.keeps && pidfd.as_raw_fd() >= self.room {
            self.let_go();
        }
        let member = Member {
            pid,
            pidfd: self.keeps.then_some(pidfd),
            identity,
            refused: false,
            was_stopped: stat.state == b'T',
            settled: false,
            counts: true,
        };
        self.by_pid.insert(pid, self.members.len());
        self.members.push(member);
        self.stop(self.members.len().saturating_sub(1))
    }

    /// SIGSTOP, where it is to be.
    fn stop(&mut self, i: usize) -> Result<()> {
        let own = self.pid_at(i) == self.own;
        let root_state = if i == 0 { stat(of_process(self.pid_at(0)))?.map(|stat| stat.state) } else { None };
        let sent = match self.pidfd(i)? {
            Some(_) if own || !self.freezes => Ok(()),
            Some(_) if !self.members.get(i).is_some_and(|m| m.counts) => Ok(()),
            Some(pidfd) => signal::send(pidfd.as_fd(), libc::SIGSTOP, Scope::Process, None),
            None => Err(Errno(libc::ESRCH)),
        };
        let Some(member) = self.members.get_mut(i) else { return Ok(()) };
        member.was_stopped |= root_state == Some(b'T');
        match sent {
            Ok(()) => member.settled |= own || !self.freezes,
            Err(Errno(libc::EPERM)) => (member.refused, member.settled) = (true, true),
            Err(Errno(libc::ESRCH)) => (member.counts, member.settled) = (i == 0 && member.counts, true),
            Err(e) => return Err(e),
        }
        Ok(())
    }

    /// Whether all members have been seen stopped. `asleep`: uninterruptible sleep is as good.
    fn settle(&mut self, asleep: bool) -> Result<bool> {
        let mut all = true;
        for i in 0..self.members.len() {
            if self.members.get(i).is_some_and(|member| member.settled) {
                continue;
            }
            let settled = is_stopped(self.pid_at(i), asleep)?;
            if let Some(member) = self.members.get_mut(i) {
                member.settled = settled;
            }
            all &= settled;
        }
        Ok(all)
    }

    /// A pidfd by pid. `None`: no process has this pid, or a thread has it. Keeps none if the table is full.
    fn open(&mut self, pid: i32) -> Result<Option<OwnedFd>> {
        match sys::pidfd::open(pid) {
            Err(Errno(libc::EMFILE | libc::ENFILE)) if self.keeps => {
                self.let_go();
                self.open(pid)
            }
            Err(Errno(libc::EINVAL)) => Ok(None),
            opened => unless_gone(opened),
        }
    }

    fn let_go(&mut self) {
        self.keeps = false;
        self.members.iter_mut().for_each(|member| member.pidfd = None);
    }

    /// The pidfd of a member, kept or opened again; `None`: it is reaped, and another has its number.
    fn pidfd(&self, i: usize) -> Result<Option<Held<'_>>> {
        let Some(member) = self.members.get(i) else { return Ok(None) };
        if i == 0 {
            return Ok(Some(Held::Kept(self.root)));
        }
        if let Some(pidfd) = &member.pidfd {
            return Ok(Some(Held::Kept(pidfd.as_fd())));
        }
        let opened = match sys::pidfd::open(member.pid) {
            Err(Errno(libc::EINVAL)) => None,
            opened => unless_gone(opened)?,
        };
        let Some(pidfd) = opened else { return Ok(None) };
        let same = self.identity(pidfd.as_fd(), member.pid)? == Some(member.identity);
        Ok(same.then_some(Held::Opened(pidfd)))
    }

    /// What tells a process from all others: the inode of its pidfd (6.9), or when it was started, which two
    /// processes of one number cannot have in common unless all numbers were used in the clock tick.
    fn identity(&self, pidfd: BorrowedFd<'_>, pid: i32) -> Result<Option<u64>> {
        if sys::fs_is(pidfd, PID_FS_MAGIC) {
            return sys::fd::mode_and_inode(pidfd).map(|(_, inode)| Some(inode));
        }
        let stat = stat(of_process(pid))?;
        Ok(stat.filter(|_| wait::pid(pidfd).is_ok()).map(|stat| stat.start))
    }

    /// The number of the parent of what a pidfd stands for: by the pidfd (6.13), or from /proc if it is
    /// not reaped even after.
    fn parent(&self, pidfd: BorrowedFd<'_>, pid: i32) -> Result<Option<i32>> {
        if let Ok(info) = sys::pidfd::get_info(pidfd, PIDFD_INFO_PID) {
            return Ok(i32::try_from(info.ppid).ok());
        }
        let stat = stat(of_process(pid))?;
        Ok(stat.filter(|_| wait::pid(pidfd).is_ok()).map(|stat| stat.ppid as i32))
    }
}

/// `None` for what is not there any more.
fn unless_gone<T>(done: Result<T>) -> Result<Option<T>> {
    match done {
        Err(Errno(libc::ENOENT | libc::ESRCH)) => Ok(None),
        done => done.map(Some),
    }
}

/// Its place in /proc.
fn of_process(pid: i32) -> Path {
    Path::new().number(pid as u32)
}

fn stat(dir: Path) -> Result<Option<Stat>> {
    unless_gone(proc::stat(dir)).map(Option::flatten)
}

/// Whether no thread of a process can run on: stopped, or ended. `asleep`: uninterruptible sleep is as good.
fn is_stopped(pid: i32, asleep: bool) -> Result<bool> {
    let tasks = of_process(pid).text(c"/task");
    let Some(list) = unless_gone(proc::open(tasks.as_c_str(), libc::O_RDONLY | libc::O_DIRECTORY))? else {
        return Ok(true);
    };
    let mut stopped = true;
    let read = sys::dir::each_number(list.as_fd(), |tid| {
        stopped &= match stat(tasks.text(c"/").number(tid as u32))? {
            Some(Stat { state: b'T' | b't' | b'Z' | b'X', .. }) | None => true,
            Some(Stat { state: b'D', .. }) => asleep,
            Some(_) => false,
        };
        Ok(())
    });
    unless_gone(read)?;
    Ok(stopped)
}
