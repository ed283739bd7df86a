// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The same questions about many processes at once.
//!
//! Each entry is about one process. Where one `stat` answers all that was asked, that file is read by
//! the number and names the process itself; otherwise a pidfd is opened first, and what is read by the
//! number counts if the process is unreaped after. Either way the entry carries what tells the process
//! from a later one with its number.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::atomic::AtomicU32;

use super::convert;
use super::fields::{Fields, Info};
use super::sources;
use crate::forks::{self, Private};
use crate::proc;
use crate::sys::{self, Errno, Result, vec};

/// Takes the chosen fields of many processes in one go, again and again.
///
/// With [`keep`](Self::keep) it holds on to the files it reads, which makes the next time twice as
/// fast: one descriptor for each process, as long as less than half of what the soft RLIMIT_NOFILE allows
/// is in use.
///
/// ```
/// use procfd::{Fields, Snapshot};
///
/// let mut snapshot = Snapshot::new(Fields::IDS | Fields::COMM);
/// let own = std::process::id();
/// let found = snapshot.all()?.any(|p| p.ids.is_some_and(|ids| ids.pid == own));
/// assert!(found);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Snapshot {
    fields: Fields,
    keep: bool,
    kept: HashMap<u32, Kept, ByNumber>,
    round: u64,
    /// A descriptor is kept if its number is below this: 0 to keep no more.
    room: usize,
    /// Why one of the last snapshot is missing, though it may be there.
    short: Option<Errno>,
    /// Which fork of the process the kept descriptors are of.
    forks: u64,
}

/// Pids are the kernel's choice, so that nothing has to be guarded against in a table of them.
type ByNumber = BuildHasherDefault<Number>;

#[derive(Default)]
struct Number(u64);

impl Hasher for Number {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u32(u32::from(byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        // Spread over all bits, the high ones too, which the table reads first (2^64 / golden ratio).
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// What is held of one process: the file that answers all, or its pidfd.
#[derive(Debug)]
struct Kept {
    fd: Private,
    round: u64,
}

impl Snapshot {
    /// For these fields. [`Fields::IDS`] are always among them, and [`Fields::START`] or
    /// [`Fields::INODE`], whichever is cheaper, as the process's identity.
    pub fn new(fields: Fields) -> Self {
        Self {
            fields: identified(fields),
            keep: false,
            kept: HashMap::default(),
            round: 0,
            room: 0,
            short: None,
            forks: forks::generation(),
        }
    }

    /// Whether descriptors are held from one time to the next.
    pub fn keep(mut self, on: bool) -> Self {
        self.set_keep(on);
        self
    }

    pub(crate) fn set_keep(&mut self, on: bool) {
        self.keep = on;
        if !on {
            self.kept.clear();
        }
    }

    /// Asks for other fields from now on.
    pub(crate) fn set_fields(&mut self, fields: Fields) {
        let fields = identified(fields);
        if is_stat_only(fields) != is_stat_only(self.fields) {
            self.kept.clear();
        }
        self.fields = fields;
    }

    pub(crate) fn asked(&self) -> Fields {
        self.fields
    }

    /// All processes that /proc shows, by ascending pid. One that ends meanwhile may be missing, or be
    /// there with what was known of it; one that starts meanwhile may be missing.
    ///
    /// # Errors
    ///
    /// `ENOENT`: no /proc; `EREMOTE`: it is another pid namespace's; `EMFILE`, `ENFILE`, `ENOMEM`.
    pub fn all(&mut self) -> io::Result<Processes<'_>> {
        Ok(self.all_of()?)
    }

    pub(crate) fn all_of(&mut self) -> Result<Processes<'_>> {
        let pids = self.making_way(|| {
            let (mut pids, mut failed) = (Vec::new(), None);
            proc::processes(|pid| {
                failed = vec::push(&mut pids, pid).err();
                failed.is_none()
            })?;
            failed.map_or(Ok(pids), Err)
        })?;
        Ok(self.of(pids))
    }

    /// The process of a pidfd and its descendants, parents before children.
    pub(crate) fn tree_of(&mut self, root: BorrowedFd<'_>) -> Result<Processes<'_>> {
        let members = self.making_way(|| super::descendants::with_descendants(root))?;
        let pids = vec::collect(members.iter().map(|member| member.pid))?;
        Ok(self.of(pids))
    }

    /// The processes of a cgroup, by a descriptor of its cgroup v2 directory; with `below`, of those
    /// beneath it too.
    ///
    /// # Errors
    ///
    /// `ENOENT`: not a cgroup directory; `EOPNOTSUPP`: a threaded cgroup; and as [`all`](Self::all).
    pub fn cgroup(&mut self, dir: impl AsFd, below: bool) -> io::Result<Processes<'_>> {
        Ok(self.cgroup_of(dir.as_fd(), below)?)
    }

    pub(crate) fn cgroup_of(&mut self, dir: BorrowedFd<'_>, below: bool) -> Result<Processes<'_>> {
        let members = self.making_way(|| super::cgroup::members(dir, below))?;
        // A number in the list may be another process's by the time it is asked.
        self.set_fields(self.fields | Fields::CGROUP_ID);
        let mut processes = self.of(members.pids);
        processes.cgroups = Some(members.ids);
        Ok(processes)
    }

    /// One process of a list, by its pidfd: see [`sources::fill`].
    pub(crate) fn one(&self, out: &mut Info, pidfd: BorrowedFd<'_>) -> Result<()> {
        sources::fill(out, pidfd, &AtomicU32::new(0), self.fields).map(drop)
    }

    fn of(&mut self, pids: Vec<u32>) -> Processes<'_> {
        if self.forks != forks::generation() {
            self.kept.clear();
            self.forks = forks::generation();
        }
        self.round = self.round.wrapping_add(1);
        self.short = None;
        let limit = sys::task::rlimit(libc::RLIMIT_NOFILE as _).map_or(0, |limit| limit.cur);
        self.room = if self.keep { usize::try_from(limit / 2).unwrap_or(usize::MAX) } else { 0 };
        // The limit may have been lowered.
        let room = self.room;
        self.kept.retain(|_, kept| is_below(&kept.fd, room));
        Processes { snapshot: self, pids: pids.into_iter(), cgroups: None }
    }

    /// Tries again without what is kept, if there is no descriptor left.
    fn making_way<T>(&mut self, mut work: impl FnMut() -> Result<T>) -> Result<T> {
        match work() {
            Err(Errno(libc::EMFILE | libc::ENFILE)) if !self.kept.is_empty() => {
                self.kept.clear();
                work()
            }
            done => done,
        }
    }

    /// The lowest free number is given first: one that is not below `room` says that half the table is in
    /// use, and the other half is the program's.
    fn keep_one(&mut self, pid: u32, fd: Private) {
        if is_below(&fd, self.room) && vec::room_in_map(&mut self.kept).is_ok() {
            self.kept.insert(pid, Kept { fd, round: self.round });
        } else {
            self.room = 0;
        }
    }

    /// By what is kept, which answers for its own process or not at all.
    fn again(&mut self, pid: u32) -> Option<Info> {
        let (round, fields) = (self.round, self.fields);
        let kept = self.kept.get_mut(&pid)?;
        let known = match kept.fd.live() {
            // The program has closed it.
            Err(_) => Ok(None),
            Ok(fd) if is_stat_only(fields) => Ok(of_stat_file(fd, fields)),
            Ok(fd) => of_pidfd(fd, pid, fields),
        };
        match known {
            Ok(Some(info)) => {
                kept.round = round;
                Some(info)
            }
            Ok(None) => {
                self.kept.remove(&pid);
                None
            }
            Err(_) => {
                self.let_go();
                None
            }
        }
    }

    /// One that is not kept. `None`: it has gone.
    fn first(&mut self, pid: u32) -> Option<Info> {
        if !is_stat_only(self.fields) {
            return self.first_by_pidfd(pid, true);
        }
        let path = proc::Path::new().number(pid).text(c"/stat");
        if self.room != 0 {
            match proc::open_private(path.as_c_str(), libc::O_RDONLY) {
                Ok(fd) => {
                    let known = of_stat_file(fd.as_fd(), self.fields);
                    if known.is_some() {
                        self.keep_one(pid, fd);
                    }
                    return known.or_else(|| self.first_by_pidfd(pid, false));
                }
                Err(Errno(libc::EMFILE | libc::ENFILE)) => self.let_go(),
                Err(_) => return None,
            }
        }
        let mut buf = [0; 2048];
        let text = proc::read_small(path, &mut buf).inspect_err(|&e| self.lost(e)).ok()?;
        // Not answered by `stat` alone where the leading thread has ended before others.
        convert::of_one_stat(text, self.fields).or_else(|| self.first_by_pidfd(pid, false))
    }

    fn first_by_pidfd(&mut self, pid: u32, keep: bool) -> Option<Info> {
        let number = i32::try_from(pid).ok()?;
        let fields = self.fields;
        let ask = || {
            let fd = Private::new(|| sys::pidfd::open(number))?;
            of_pidfd(fd.as_fd(), pid, fields).map(|known| (fd, known))
        };
        let (fd, known) = match ask() {
            Err(e) if proc::is_shortage(e) && !self.kept.is_empty() => {
                self.let_go();
                ask()
            }
            done => done,
        }
        .inspect_err(|&e| self.lost(e))
        .ok()?;
        let known = known?;
        if keep && self.room != 0 {
            self.keep_one(pid, fd);
        }
        Some(known)
    }

    /// Notes why one is not read, if that says nothing of the process.
    fn lost(&mut self, e: Errno) {
        if proc::is_shortage(e) {
            self.short = Some(e);
        }
    }

    /// The program needs them more.
    fn let_go(&mut self) {
        self.kept.clear();
        self.room = 0;
    }
}

fn is_below(fd: &Private, room: usize) -> bool {
    usize::try_from(fd.as_fd().as_raw_fd()).is_ok_and(|number| number < room)
}

/// An open `stat`, which answers ESRCH once its process has gone.
fn of_stat_file(file: BorrowedFd<'_>, fields: Fields) -> Option<Info> {
    let mut buf = [0; 2048];
    let len = sys::fd::read_at(file, &mut buf, 0).ok()?;
    convert::of_one_stat(buf.get(..len)?, fields)
}

/// A reaped process is no entry, though the kernel may still have its exit status.
/// Fails only if descriptors or memory run out.
fn of_pidfd(pidfd: BorrowedFd<'_>, pid: u32, fields: Fields) -> Result<Option<Info>> {
    match sources::info(pidfd, &AtomicU32::new(pid), fields) {
        Err(e) if proc::is_shortage(e) => Err(e),
        known => Ok(known.ok().filter(|info| info.ids.is_some())),
    }
}

/// With what tells a process from a later one of its number.
fn identified(fields: Fields) -> Fields {
    let fields = fields | Fields::IDS;
    let identity = if is_stat_only(fields) { Fields::START } else { Fields::INODE };
    // Before 6.9 all pidfds have the same inode.
    let known = identity == Fields::START || sys::pidfd::has_own_inode();
    fields | if known { identity } else { Fields::START }
}

fn is_stat_only(fields: Fields) -> bool {
    Fields::STAT.union(Fields::IDS).contains(fields)
}

/// The processes of a snapshot; the iterator reads each when you ask for it. If descriptors or memory run out,
/// a process is missing.
#[derive(Debug)]
pub struct Processes<'a> {
    snapshot: &'a mut Snapshot,
    pids: std::vec::IntoIter<u32>,
    /// The cgroups that an entry has to be in.
    cgroups: Option<HashSet<u64>>,
}

impl Processes<'_> {
    /// How many there may be still.
    pub(crate) fn left(&self) -> usize {
        self.pids.len()
    }

    /// Whether one is missing because descriptors or memory ran out.
    pub(crate) fn short(&self) -> Option<Errno> {
        self.snapshot.short
    }

    fn belongs(&self, info: &Info) -> bool {
        match (&self.cgroups, info.cgroup_id) {
            (Some(cgroups), Some(id)) => cgroups.contains(&id),
            _ => true,
        }
    }
}

impl Iterator for Processes<'_> {
    type Item = Info;

    fn next(&mut self) -> Option<Info> {
        while let Some(pid) = self.pids.next() {
            let found = self.snapshot.again(pid).or_else(|| self.snapshot.first(pid));
            if let Some(info) = found.filter(|info| self.belongs(info)) {
                return Some(info);
            }
        }
        let round = self.snapshot.round;
        self.snapshot.kept.retain(|_, kept| kept.round == round);
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.pids.len()))
    }
}
