// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Cgroups that the library has made, each for one process (`PROC_SET_CGROUP_LEAF`).
//!
//! A leaf is removed once it has no process any more. The creator removes it when it next waits, opens a context or
//! starts a process. The watcher removes it too, also after the creator's end.

use std::collections::VecDeque;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use crate::forks::{self, Private};
use crate::sys::bare::cgroup;
use crate::sys::per_process::PerProcess;
use crate::sys::{self, Errno, OwnFd, PID_FS_MAGIC, PollFd, Result, vec};

/// How many leaves of ended processes one call tries to remove.
const LOOK: usize = 16;
/// Tries of a removal while a process that has ended is still in the cgroup (since Linux 6.19), and the pause
/// between two.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_micros(500);
/// How many later calls try again what has failed for a reason that may last.
const LATER: u32 = 8;
/// How many names are tried where the library chooses one.
const NAMES: u32 = 1_000;

/// A cgroup of the library's own making.
#[derive(Debug)]
pub(crate) struct Leaf {
    parent: Private,
    dir: Private,
    name: CString,
}

impl Leaf {
    /// Makes it below `parent`; without a name under one that is free.
    pub(crate) fn make(parent: OwnFd, name: Option<&CStr>) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let parent = Private::adopt(parent)?;
        let make = |name: &CStr| sys::dir::make_at(parent.live()?, name, 0o755);
        let name = match name {
            Some(name) => {
                make(name)?;
                name.to_owned()
            }
            None => {
                let mut tries = 0;
                loop {
                    let number = NEXT.fetch_add(1, Ordering::Relaxed);
                    let name = vec::c_string(format!("procfd-{}-{number}", sys::task::pid()).as_bytes())?;
                    match make(&name) {
                        Err(Errno(libc::EEXIST)) if tries < NAMES => tries = tries.saturating_add(1),
                        done => break done.map(|()| name)?,
                    }
                }
            }
        };
        match parent.live().and_then(|parent| open(parent, &name)).and_then(Private::adopt) {
            Ok(dir) => Ok(Self { parent, dir, name }),
            Err(e) => {
                let _ = parent.live().and_then(|parent| sys::dir::remove_at(parent, &name));
                Err(e)
            }
        }
    }

    /// Its directory.
    pub(crate) fn dir(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }

    /// The descriptors of its parent and of its directory. EBADF: the program has closed one of them.
    pub(crate) fn descriptors(&self) -> Result<[BorrowedFd<'_>; 2]> {
        Ok([self.parent.live()?, self.dir.live()?])
    }

    pub(crate) fn name(&self) -> &CStr {
        &self.name
    }

    /// Its parent, also where the program has closed the number: by the directory. EBADF: both are closed.
    fn way_to_parent(&self) -> Result<Way<'_>> {
        match self.parent.live() {
            Ok(parent) => Ok(Way::Kept(parent)),
            Err(_) => open(self.dir.live()?, c"..").map(Way::Opened),
        }
    }

    /// Its directory, also where the program has closed the number: by the parent, if that still has it. EBADF.
    fn way_to_dir(&self) -> Result<Way<'_>> {
        if let Ok(dir) = self.dir.live() {
            return Ok(Way::Kept(dir));
        }
        let dir = open(self.parent.live()?, &self.name)?;
        if self.dir.was(dir.as_fd()) { Ok(Way::Opened(dir)) } else { Err(Errno(libc::EBADF)) }
    }

    /// SIGKILL to all in it.
    pub(crate) fn kill(&self) -> Result<()> {
        cgroup::kill_all(self.dir.live()?.as_raw_fd())
    }

    /// Whether it, or a cgroup below it, has processes.
    pub(crate) fn is_populated(&self) -> Result<bool> {
        let events = sys::fd::made(cgroup::open_events(self.dir.live()?.as_raw_fd())?);
        cgroup::is_populated(events.as_raw_fd())
    }

    /// Whether all in it have ended, and are about to leave it.
    fn is_settling(dir: BorrowedFd<'_>) -> bool {
        let mut text = [0; 32];
        let mut starts_with = |name: &CStr, start: &[u8]| {
            let len = sys::fd::read_small(dir.as_raw_fd(), name, &mut text);
            len.is_ok_and(|len| {
                text.get(..len).is_some_and(|text| text.starts_with(start) && (len == 0) == start.is_empty())
            })
        };
        starts_with(c"cgroup.procs", b"") && starts_with(c"cgroup.stat", b"nr_descendants 0\n")
    }

    /// Removes it, if it has no cgroups and no processes. This takes no descriptor.
    fn remove_by_name(&self) -> Result<()> {
        let [parent, _] = self.descriptors()?;
        sys::dir::remove_at(parent, &self.name)
    }

    /// Removes it, with the cgroups below it. EBUSY: it has processes.
    pub(crate) fn remove(&self) -> Result<()> {
        let (parent, dir) = match (self.way_to_parent(), self.way_to_dir()) {
            (Err(Errno(libc::ENOENT)), _) | (_, Err(Errno(libc::ENOENT))) => return Ok(()),
            (parent, dir) => (parent?, dir?),
        };
        let (parent, dir) = (parent.as_fd(), dir.as_fd());
        let mut tries = 0;
        loop {
            match cgroup::remove(parent.as_raw_fd(), &self.name, dir.as_raw_fd()) {
                Err(Errno(libc::EBUSY)) if tries < TRIES && Self::is_settling(dir) => {
                    tries = tries.saturating_add(1);
                    sys::fd::sleep(PAUSE);
                }
                Err(Errno(libc::ENOENT)) => return Ok(()),
                done => return done,
            }
        }
    }
}

fn open(dir: BorrowedFd<'_>, name: &CStr) -> Result<OwnFd> {
    sys::fd::open_at(dir.as_raw_fd(), name, libc::O_PATH | libc::O_DIRECTORY)
}

/// A directory of a leaf, or another descriptor of it.
enum Way<'a> {
    Kept(BorrowedFd<'a>),
    Opened(OwnFd),
}

impl AsFd for Way<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Kept(fd) => *fd,
            Self::Opened(fd) => fd.as_fd(),
        }
    }
}

/// A leaf whose process has not started yet. It is removed if none does.
#[derive(Debug)]
pub(crate) struct NewLeaf(Option<Arc<Leaf>>);

impl NewLeaf {
    pub(crate) fn new(leaf: Leaf) -> Self {
        Self(Some(Arc::new(leaf)))
    }

    pub(crate) fn get(&self) -> Option<&Arc<Leaf>> {
        self.0.as_ref()
    }

    /// It has a process. The library removes it after that. EMFILE; ENOMEM.
    pub(crate) fn keep(&mut self, pidfd: BorrowedFd<'_>) -> Result<()> {
        let Some(leaf) = &self.0 else { return Ok(()) };
        let pidfd = Private::adopt(sys::fd::dup_cloexec(pidfd)?)?;
        leaves().enter(Entry::new(Arc::clone(leaf), Some(pidfd)))?;
        self.0 = None;
        Ok(())
    }
}

impl Drop for NewLeaf {
    fn drop(&mut self) {
        let Some(leaf) = self.0.take() else { return };
        let removed = match leaf.remove() {
            // The removal takes no descriptor where there are no cgroups below.
            Err(Errno(libc::EMFILE | libc::ENFILE)) => leaf.remove_by_name(),
            done => done,
        };
        if removed.is_err_and(is_worth_a_try) {
            let _ = leaves().enter(Entry::new(leaf, None));
        }
    }
}

/// Whether a later call may remove what this one could not.
fn is_worth_a_try(e: Errno) -> bool {
    // The program has closed its descriptors, or a fork has.
    e != Errno(libc::EBADF)
}

/// A leaf and the process that it was made for.
#[derive(Debug)]
struct Entry {
    leaf: Arc<Leaf>,
    /// `None`: the start has failed.
    pidfd: Option<Private>,
    /// How often its removal has failed.
    failed: AtomicU32,
}

#[derive(Default)]
struct Leaves {
    count: AtomicUsize,
    entries: Mutex<VecDeque<Arc<Entry>>>,
}

static LEAVES: PerProcess<Leaves> = PerProcess::new();

/// Set with the first leaf.
static HAS_ENTERED: AtomicBool = AtomicBool::new(false);

fn leaves() -> &'static Leaves {
    LEAVES.get(forks::generation())
}

impl Leaves {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, entry: Entry) -> Result<()> {
        HAS_ENTERED.store(true, Ordering::Relaxed);
        let entry = Arc::new(entry);
        let mut entries = self.lock();
        entries.try_reserve(1).map_err(|_| Errno(libc::ENOMEM))?;
        entries.push_back(entry);
        self.count.store(entries.len(), Ordering::Relaxed);
        Ok(())
    }

    fn all(&self) -> Result<Vec<Arc<Entry>>> {
        match self.count.load(Ordering::Relaxed) {
            0 => Ok(Vec::new()),
            // A signal handler may wait for a process while its thread holds the lock.
            _ => match self.entries.try_lock() {
                Ok(entries) => vec::collect(entries.iter().map(Arc::clone)),
                Err(TryLockError::Poisoned(entries)) => {
                    vec::collect(entries.get_ref().iter().map(Arc::clone))
                }
                Err(TryLockError::WouldBlock) => Err(Errno(libc::EAGAIN)),
            },
        }
    }

    fn forget(&self, gone: &Arc<Entry>) {
        let mut entries = self.lock();
        let at = entries.iter().position(|entry| Arc::ptr_eq(entry, gone));
        // Its descriptors are closed without the lock.
        let entry = at.and_then(|at| entries.remove(at));
        self.count.store(entries.len(), Ordering::Relaxed);
        drop(entries);
        drop(entry);
    }

    /// Puts one behind the others, which are tried first the next time.
    fn put_last(&self, tried: &Arc<Entry>) {
        let mut entries = self.lock();
        if let Some(at) = entries.iter().position(|entry| Arc::ptr_eq(entry, tried)) {
            let entry = entries.remove(at);
            entries.extend(entry);
        }
    }
}

impl Entry {
    fn new(leaf: Arc<Leaf>, pidfd: Option<Private>) -> Self {
        Self { leaf, pidfd, failed: AtomicU32::new(0) }
    }

    fn live(&self) -> Result<BorrowedFd<'_>> {
        self.pidfd.as_ref().ok_or(Errno(libc::EBADF))?.live()
    }

    fn number(&self) -> i32 {
        self.live().map_or(-1, |pidfd| pidfd.as_raw_fd())
    }

    /// Removes the leaf; whether it is to be tried again.
    fn is_to_stay(&self) -> bool {
        match self.leaf.remove() {
            Ok(()) => false,
            Err(Errno(libc::EBUSY)) if self.number() >= 0 => true,
            Err(Errno(libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::EINTR)) => true,
            Err(e) => is_worth_a_try(e) && self.failed.fetch_add(1, Ordering::Relaxed) < LATER,
        }
    }

    fn is_of(&self, pidfd: BorrowedFd<'_>) -> bool {
        let Ok(own) = self.live() else { return false };
        let inode = |fd: BorrowedFd<'_>| match sys::fs_is(fd, PID_FS_MAGIC) {
            true => sys::fd::mode_and_inode(fd).ok().map(|(_, inode)| inode),
            false => None,
        };
        sys::pidfd::is_same_file(pidfd, own) || inode(pidfd).is_some_and(|number| inode(own) == Some(number))
    }
}

/// Removes the leaves whose processes have ended. Without any it costs a look at a number.
pub(crate) fn tend() {
    if !HAS_ENTERED.load(Ordering::Relaxed) {
        return;
    }
    let leaves = leaves();
    let Ok(entries) = leaves.all() else { return };
    if entries.is_empty() {
        return;
    }
    let poll = |entry: &Arc<Entry>| PollFd { fd: entry.number(), events: libc::POLLIN, revents: 0 };
    let Ok(mut fds) = vec::collect(entries.iter().map(poll)) else { return };
    if sys::fd::poll_many(&mut fds, sys::fd::NOW).is_err() {
        sys::fd::poll_without_ppoll(&mut fds);
    }
    // A number that the program has closed tells nothing: such a leaf is removed if it is empty by one of the next calls.
    let over = entries.iter().zip(&fds).filter(|(_, fd)| fd.fd < 0 || fd.revents != 0).take(LOOK);
    for (entry, _) in over {
        match entry.is_to_stay() {
            true => leaves.put_last(entry),
            false => leaves.forget(entry),
        }
    }
}

/// The leaf that this process has made for the process of a pidfd.
pub(crate) fn of(pidfd: BorrowedFd<'_>) -> Option<Arc<Leaf>> {
    let leaves = leaves();
    if leaves.count.load(Ordering::Relaxed) == 0 {
        return None;
    }
    let entries = vec::collect(leaves.lock().iter().map(Arc::clone)).ok()?;
    entries.iter().find(|entry| entry.is_of(pidfd)).map(|entry| Arc::clone(&entry.leaf))
}
