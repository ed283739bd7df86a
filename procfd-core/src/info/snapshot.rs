// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The same questions about many processes at once.
//!
//! Each entry is about one process. Where `stat` and `statm` answer all that was asked, they are read by the number, and
//! name the process themselves (`of_number`). Otherwise a pidfd is opened first, and what is read by the number counts
//! if the process is unreaped after. Either way the entry carries what tells the process from a later one with its
//! number.

mod kept;
mod processes;

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::AtomicU32;

use kept::{ByNumber, Held, Kept};
pub use processes::Processes;

use super::convert::Units;
use super::fields::{Fields, Info};
use super::of_number::{self, Files, Source};
use super::sources;
use crate::forks::{self, Private};
use crate::proc::{self, Root};
use crate::sys::{self, Errno, Result, vec};

/// Reads the chosen fields of many processes in one call, as often as you ask.
///
/// With [`keep`](Self::keep) it keeps the files open that it reads, which makes the next call faster. They
/// are one descriptor for each process, or two if you ask for its memory. It keeps no more once half of the
/// soft RLIMIT_NOFILE is in use.
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
    units: Units,
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
            units: Units::new(),
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
        if Source::of(fields) != Source::of(self.fields) {
            self.kept.clear();
        }
        self.fields = fields;
    }

    pub(crate) fn asked(&self) -> Fields {
        self.fields
    }

    /// All processes that /proc shows, by ascending pid. A process that ends meanwhile may be missing or
    /// incomplete; one that starts meanwhile may be missing.
    ///
    /// # Errors
    ///
    /// `ENOENT`: no /proc; `EREMOTE`: it belongs to another pid namespace; `EMFILE`, `ENFILE`, `ENOMEM`.
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
        // Another process may have got a pid of the list before the question.
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
        self.units = Units::new();
        let limit = sys::task::rlimit(libc::RLIMIT_NOFILE as _).map_or(0, |limit| limit.cur);
        self.room = if self.keep { usize::try_from(limit / 2).unwrap_or(usize::MAX) } else { 0 };
        // The limit may have been lowered.
        let room = self.room;
        self.kept.retain(|_, kept| kept.held.is_below(room));
        Processes { snapshot: self, pids, taken: 0, cgroups: None }
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
    fn keep_one(&mut self, pid: u32, held: Held) {
        if held.is_below(self.room) && vec::room_in_map(&mut self.kept).is_ok() {
            self.kept.insert(pid, Kept { held, round: self.round });
        } else {
            self.room = 0;
        }
    }

    /// Reads by the kept descriptors, which answer about their own process or fail. `out` is empty before,
    /// and after `false`.
    fn again(&mut self, out: &mut Info, pid: u32) -> bool {
        let (round, fields) = (self.round, self.fields);
        let Some(kept) = self.kept.get_mut(&pid) else { return false };
        let known = match &kept.held {
            Held::Files(files) => Ok(files.read(out, fields, &self.units).unwrap_or(false)),
            Held::Pidfd(pidfd) => match pidfd.live() {
                Ok(pidfd) => of_pidfd(out, pidfd, pid, fields),
                // The program has closed it.
                Err(_) => Ok(false),
            },
        };
        match known {
            Ok(true) => {
                kept.round = round;
                return true;
            }
            Ok(false) => drop(self.kept.remove(&pid)),
            Err(_) => self.let_go(),
        }
        false
    }

    /// Reads a process without kept descriptors. `out` is empty before. `false`: the process is gone.
    fn first(&mut self, out: &mut Info, pid: u32, root: Option<&Root>) -> bool {
        let (fields, source) = (self.fields, Source::of(self.fields));
        if source == Source::Others {
            return self.first_by_pidfd(out, pid, fields, true);
        }
        let mut known = Err(Errno(libc::EMFILE));
        if self.room != 0 {
            known = self.first_to_keep(out, pid, source);
            if matches!(known, Err(Errno(libc::EMFILE | libc::ENFILE))) {
                self.let_go();
            }
        }
        if matches!(known, Err(Errno(libc::EMFILE | libc::ENFILE))) {
            let mut read = |root: &Root| of_number::read(out, root, pid, source, fields, &self.units);
            known = match root {
                Some(root) => read(root),
                None => Root::take().and_then(|root| read(&root)),
            };
        }
        match known {
            Ok(true) => true,
            // The leading thread has ended before others, or is about to.
            Ok(false) => self.first_by_pidfd(out, pid, fields, false),
            Err(Errno(libc::ENOENT | libc::ESRCH)) => false,
            Err(e) if proc::is_shortage(e) => {
                self.lost(e);
                false
            }
            // This /proc does not show it: nor when it has started.
            Err(_) => self.first_by_pidfd(out, pid, fields | own_inode(), false),
        }
    }

    fn first_to_keep(&mut self, out: &mut Info, pid: u32, source: Source) -> Result<bool> {
        let files = Files::open(pid, source)?;
        let known = files.read(out, self.fields, &self.units)?;
        if known {
            self.keep_one(pid, Held::Files(files));
        }
        Ok(known)
    }

    fn first_by_pidfd(&mut self, out: &mut Info, pid: u32, fields: Fields, keep: bool) -> bool {
        let Ok(number) = i32::try_from(pid) else { return false };
        let mut ask = || {
            let fd = Private::new(|| sys::pidfd::open(number))?;
            of_pidfd(out, fd.as_fd(), pid, fields).map(|known| (fd, known))
        };
        let mut asked = ask();
        if asked.as_ref().is_err_and(|&e| proc::is_shortage(e)) && !self.kept.is_empty() {
            self.let_go();
            asked = ask();
        }
        match asked {
            Ok((fd, true)) => {
                if keep && self.room != 0 {
                    self.keep_one(pid, Held::Pidfd(fd));
                }
                true
            }
            Ok((_, false)) => false,
            Err(e) => {
                self.lost(e);
                false
            }
        }
    }

    /// Notes the errno of a process that could not be read, if the caller lacked a resource.
    fn lost(&mut self, e: Errno) {
        if proc::is_shortage(e) {
            self.short = Some(e);
        }
    }

    /// Closes the kept descriptors: the program needs them.
    fn let_go(&mut self) {
        self.kept.clear();
        self.room = 0;
    }
}

/// A reaped process is no entry, though the kernel may still have its exit status. `out` is empty after `false`.
/// Fails only if descriptors or memory run out.
fn of_pidfd(out: &mut Info, pidfd: BorrowedFd<'_>, pid: u32, fields: Fields) -> Result<bool> {
    let known = sources::fill(out, pidfd, &AtomicU32::new(pid), fields);
    let is_known = known.is_ok() && out.ids.is_some();
    if !is_known {
        out.empty();
    }
    match known {
        Err(e) if proc::is_shortage(e) => Err(e),
        _ => Ok(is_known),
    }
}

/// With what tells a process from a later one of its number.
fn identified(fields: Fields) -> Fields {
    let fields = fields | Fields::IDS;
    let identity = if Source::of(fields) == Source::Others { own_inode() } else { Fields::START };
    fields | if identity.is_empty() { Fields::START } else { identity }
}

/// Before 6.9 all pidfds have the same inode.
fn own_inode() -> Fields {
    if sys::pidfd::has_own_inode() { Fields::INODE } else { Fields::empty() }
}
