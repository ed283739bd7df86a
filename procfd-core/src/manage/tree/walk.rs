// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The walk over a process and its descendants, which signals each by its pidfd.
//!
//! The walk must find every member. A member that forks adds a process that the walk has not seen. A member that
//! dies loses its children to another parent. The walk therefore stops (SIGSTOP) each member when it finds it.
//! It reads the list of all processes again until two things hold: it has seen every member stopped before a
//! reading, and that reading has no new member. The tree cannot grow then. The walk signals it leaves first, so
//! that no parent ends before its children. A stop takes effect only at the end of a fork under way. The walk
//! therefore waits until it sees the stop. Since Linux 4.19 no fork begins after it.
//!
//! The walk proves each child by its pidfd: the kernel names the parent of the process behind the pidfd, and
//! the parent's own pidfd says that the parent is not reaped. The walk also signals by pidfd.
//!
//! The walk does not reach a process whose parent ended before (a double fork), since the kernel gave it another
//! parent. It does reach it if the new parent is a member (PR_SET_CHILD_SUBREAPER, the init of a pid namespace).
//! A pid namespace or a cgroup holds them all.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use super::{KillTree, Root, TreeMethod};
use crate::manage::pid_race;
use crate::proc::parse::stat::Stat;
use crate::proc::{self, Path};
use crate::settings::Scope;
use crate::sys::{self, Errno, OwnFd, PID_FS_MAGIC, PIDFD_INFO_PID, Result, Timespec, vec};
use crate::{signal, wait};

/// How often the walk reads the list while it has not seen every member stopped, and the pause between two readings.
/// Another process may continue a member; the walk then signals the running member.
const PATIENCE: u32 = 5_000;
const PAUSE: Timespec = Timespec { sec: 0, nsec: 2_000_000 };
/// The same for members in uninterruptible sleep, such as the parent of a vfork that waits for a stopped child.
const PATIENCE_ASLEEP: u32 = 50;
/// How often the walk reads the list while it finds new members. Members that the caller may not stop can fork
/// without end.
const GROWTH: u32 = 1_000;

/// Signals the members of the tree. `without_root`: all but the root.
pub(super) fn walk(root: Root<'_>, signal: i32, without_root: bool) -> Result<KillTree> {
    let mut tree = Tree::new(root, without_root)?;
    let done = tree.signal(signal);
    if done.is_err() {
        tree.thaw();
    }
    done
}

struct Member {
    pid: i32,
    /// `None` for the root, and for every member once the descriptor table is full.
    pidfd: Option<OwnFd>,
    identity: u64,
    refused: bool,
    /// Another process stopped it before the walk, which leaves it stopped.
    was_stopped: bool,
    /// The walk has seen it stopped, or does not stop it.
    settled: bool,
    /// It gets the signal. A built-in init and an ended process do not.
    counts: bool,
}

struct Tree<'a> {
    root: Root<'a>,
    own: i32,
    /// Parents before their children.
    members: Vec<Member>,
    by_pid: BTreeMap<i32, usize>,
    /// Whether the walk keeps descriptors, or opens them again for each use.
    keeps: bool,
    /// The walk keeps no descriptor with this number or a higher one.
    room: i32,
    freezes: bool,
}

/// The resource of getrlimit(2), whose type differs between C libraries.
const RLIMIT_NOFILE: u32 = 7;
/// The number of descriptors in use at once beside the kept ones.
const IN_USE: u64 = 8;

/// A member's pidfd.
enum Held<'a> {
    Kept(BorrowedFd<'a>),
    Opened(OwnFd),
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
    fn new(root: Root<'a>, without_root: bool) -> Result<Self> {
        let pid = pid_race::number(root()?)?;
        if pid == 1 {
            return Err(Errno(libc::EINVAL));
        }
        signal::send(root()?, 0, Scope::Process, None)?;
        pid_race::own_proc()?;
        let member = Member {
            pid,
            pidfd: None,
            identity: identity(root()?, pid)?.unwrap_or(0),
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
        // SIGCONT needs no stop before it, and 0 sends nothing.
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
        // SIGCONT discards a pending stop signal, so the walk sends it first.
        let stops = matches!(signal, libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU);
        if stops {
            self.thaw();
        }
        // The caller itself comes last, since it runs the walk.
        let others = (0..self.members.len()).rev().filter(|&i| self.pid_at(i) != self.own);
        let own = self.by_pid.get(&self.own).copied();
        let order = vec::collect(others.chain(own))?;
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
        // SIGSTOP of the walk has stopped it already.
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

    /// Continues the members that the walk stopped, leaves first, so that a parent that waits for stops sees none.
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

    /// Stops all members, until a reading finds no new one.
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

    /// Reads all processes once; returns whether there was a new member among them.
    fn grow(&mut self) -> Result<bool> {
        let before = self.members.len();
        let list = proc::open(c".", libc::O_RDONLY | libc::O_DIRECTORY)?;
        sys::dir::each_number(list.as_fd(), |pid| match stat(of_process(pid))? {
            Some(stat) if self.by_pid.contains_key(&(stat.ppid as i32)) => self.admit(pid, stat),
            _ => Ok(()),
        })?;
        Ok(self.members.len() > before)
    }

    /// Adds a process if it is a child of a member, and stops it.
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
        // The member still has that pid; otherwise it is not the parent.
        match self.pidfd(parent)? {
            Some(fd) if wait::pid(fd.as_fd()).is_ok() => {}
            _ => return Ok(()),
        }
        let Some(identity) = identity(pidfd.as_fd(), pid)? else { return Ok(()) };
        // The kernel gives out the lowest number first, so the walk leaves the few that it needs itself.
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

    /// Sends SIGSTOP to a member, unless it is one that the walk does not stop.
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

    /// Whether the walk has seen all members stopped. `asleep`: uninterruptible sleep counts as stopped.
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
    fn open(&mut self, pid: i32) -> Result<Option<OwnFd>> {
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

    /// The pidfd of a member: kept, or opened again, also if another thread has taken its number. `None`: the member is
    /// reaped, and its pid is recycled.
    fn pidfd(&self, i: usize) -> Result<Option<Held<'_>>> {
        let Some(member) = self.members.get(i) else { return Ok(None) };
        let kept = if i == 0 { Some((self.root)()) } else { member.pidfd.as_ref().map(OwnFd::live) };
        if let Some(Ok(pidfd)) = kept {
            return Ok(Some(Held::Kept(pidfd)));
        }
        let opened = match sys::pidfd::open(member.pid) {
            Err(Errno(libc::EINVAL)) => None,
            opened => unless_gone(opened)?,
        };
        let Some(pidfd) = opened else { return Ok(None) };
        let same = identity(pidfd.as_fd(), member.pid)? == Some(member.identity);
        Ok(same.then_some(Held::Opened(pidfd)))
    }

    /// The parent's pid of the process behind a pidfd: from the pidfd (6.13), or from /proc if the process is not
    /// reaped after the reading.
    fn parent(&self, pidfd: BorrowedFd<'_>, pid: i32) -> Result<Option<i32>> {
        if let Ok(info) = sys::pidfd::get_info(pidfd, PIDFD_INFO_PID) {
            return Ok(i32::try_from(info.ppid).ok());
        }
        let stat = stat(of_process(pid))?;
        Ok(stat.filter(|_| wait::pid(pidfd).is_ok()).map(|stat| stat.ppid as i32))
    }
}

/// The identity of a process: the inode of its pidfd (6.9), or else its start time. Two processes with one pid
/// share a start time only if the kernel gave out all pids within one clock tick.
fn identity(pidfd: BorrowedFd<'_>, pid: i32) -> Result<Option<u64>> {
    if sys::fs_is(pidfd, PID_FS_MAGIC) {
        return sys::fd::mode_and_inode(pidfd).map(|(_, inode)| Some(inode));
    }
    let stat = stat(of_process(pid))?;
    Ok(stat.filter(|_| wait::pid(pidfd).is_ok()).map(|stat| stat.start))
}

/// `None` for ESRCH: the process no longer exists.
fn unless_gone<T>(done: Result<T>) -> Result<Option<T>> {
    match done {
        Err(Errno(libc::ENOENT | libc::ESRCH)) => Ok(None),
        done => done.map(Some),
    }
}

/// The directory of a process in /proc.
pub(super) fn of_process(pid: i32) -> Path {
    Path::new().number(pid as u32)
}

pub(super) fn stat(dir: Path) -> Result<Option<Stat>> {
    unless_gone(proc::stat(dir)).map(Option::flatten)
}

/// Whether every thread of a process is stopped or has ended. `asleep`: uninterruptible sleep counts as stopped.
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
