// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The cgroup that the process starts in.

use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use super::leaf::{self, Wanted};
use super::{Configured, Context, Facts, Families, Prepared, Set, Settings, c_string, check};
use crate::child::{List, Slot, When};
use crate::error::{Error, Stage};
use crate::leaves::{Leaf, NewLeaf};
use crate::proc;
use crate::sys::{self, Errno, OwnFd};

/// Where the process is to be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cgroup {
    place: Option<Place>,
    /// A new one below the place, or below the creator's own.
    pub(super) leaf: Option<Wanted>,
}

#[derive(Clone, Debug)]
enum Place {
    Path(CString),
    Fd(RawFd),
}

/// The cgroup of one start.
pub(crate) struct Opened {
    dir: Dir,
    /// The new cgroup. It is removed with this, unless it is kept.
    leaf: Option<NewLeaf>,
    /// Its file cgroup.procs, for a child that the kernel does not start in it.
    pub(crate) procs: OwnFd,
}

enum Dir {
    Own(OwnFd),
    Callers(RawFd),
    /// For the leaf.
    Leaf(RawFd),
}

impl Dir {
    fn number(&self) -> RawFd {
        match self {
            Self::Own(dir) => dir.as_raw_fd(),
            Self::Callers(dir) | Self::Leaf(dir) => *dir,
        }
    }
}

impl Opened {
    pub(crate) fn dir(&self) -> RawFd {
        self.dir.number()
    }

    /// The new cgroup of this start.
    pub(crate) fn leaf(&self) -> Option<&Arc<Leaf>> {
        self.leaf.as_ref()?.get()
    }

    /// The process runs: its cgroup stays.
    pub(crate) fn keep(&mut self, pidfd: BorrowedFd<'_>) -> Result<(), Error> {
        let kept = self.leaf.as_mut().map_or(Ok(()), |leaf| leaf.keep(pidfd));
        kept.map_err(|e| Error::new(Stage::CGROUP_LEAF, 0, e, ""))
    }
}

impl Cgroup {
    /// The caller's descriptor of it.
    pub(super) fn descriptor(&self) -> Option<RawFd> {
        match self.place {
            Some(Place::Fd(fd)) => Some(fd),
            _ => None,
        }
    }

    /// Whether the process is to be in another cgroup than its creator.
    fn is_set(&self) -> bool {
        self.place.is_some() || self.leaf.is_some()
    }

    /// Whether the process gets a cgroup of its own.
    pub(crate) fn has_leaf(&self) -> bool {
        self.leaf.is_some()
    }

    /// How many limits its own cgroup has.
    pub(crate) fn limits(&self) -> u32 {
        self.leaf.as_ref().map_or(0, Wanted::limits)
    }

    /// Opens it for a start, or makes it.
    pub(crate) fn open(&self) -> Result<Option<Opened>, Error> {
        let (dir, leaf) = match (&self.leaf, &self.place) {
            (None, None) => return Ok(None),
            (None, Some(place)) => (self.open_place(place)?, None),
            (Some(wanted), place) => {
                let leaf = self.make_leaf(wanted, place.as_ref())?;
                (Dir::Leaf(leaf.get().map_or(-1, |leaf| leaf.dir().as_raw_fd())), Some(leaf))
            }
        };
        let procs = self.open_procs(dir.number())?;
        Ok(Some(Opened { dir, leaf, procs }))
    }

    fn open_place(&self, place: &Place) -> Result<Dir, Error> {
        Ok(match place {
            Place::Path(path) => {
                let path = Path::new(OsStr::from_bytes(path.to_bytes()));
                Dir::Own(proc::open_cgroup_by_path(path).map_err(|e| self.error(e))?)
            }
            Place::Fd(fd) => Dir::Callers(*fd),
        })
    }

    fn open_procs(&self, dir: RawFd) -> Result<OwnFd, Error> {
        let procs = sys::fd::open_at(dir, c"cgroup.procs", libc::O_WRONLY).map_err(|e| {
            // A directory of something else.
            self.error(if e.0 == libc::ENOENT { Errno(libc::EINVAL) } else { e })
        })?;
        match sys::fs_is(procs.as_fd(), sys::CGROUP2_SUPER_MAGIC) {
            true => Ok(procs),
            false => Err(self.error(Errno(libc::EINVAL))),
        }
    }

    /// Makes the new cgroup below the place. Without a place, below the creator's own cgroup; or beside it, where
    /// the limits need controllers, which exclude the processes that it has. A cgroup above may give it none, as a
    /// service manager does not to the one that a service has made for its own processes.
    fn make_leaf(&self, wanted: &Wanted, place: Option<&Place>) -> Result<NewLeaf, Error> {
        let parent = match place {
            Some(place) => {
                let dir = match self.open_place(place)? {
                    Dir::Own(dir) => dir,
                    Dir::Callers(fd) | Dir::Leaf(fd) => {
                        let again = sys::fd::open_at(fd, c".", libc::O_PATH | libc::O_DIRECTORY);
                        again.map_err(|e| self.error(e))?
                    }
                };
                if !sys::fs_is(dir.as_fd(), sys::CGROUP2_SUPER_MAGIC) {
                    return Err(self.error(Errno(libc::EINVAL)));
                }
                dir
            }
            None => proc::open_cgroup_by_path(Path::new("")).map_err(|e| self.error(e))?,
        };
        let above = if place.is_none() { leaf::above(parent.as_fd()) } else { None };
        match (wanted.make(parent), above) {
            (Err(first), Some(above)) if matches!(first.raw_os_error(), libc::EBUSY | libc::EOPNOTSUPP) => {
                wanted.make(above).map_err(|_| first)
            }
            (done, _) => done,
        }
    }

    /// The error of the clone, where it is one of the cgroup.
    pub(crate) fn clone_error(&self, e: Errno) -> Option<Error> {
        let is_its = matches!(
            e.0,
            libc::EACCES | libc::EBADF | libc::EBUSY | libc::EOPNOTSUPP | libc::ENODEV | libc::ENOENT
        );
        (is_its && self.is_set()).then(|| self.error(e))
    }

    fn error(&self, e: Errno) -> Error {
        let error = Error::new(Stage::CGROUP, 0, e, self.shown());
        match hint_of(e.0) {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }

    fn shown(&self) -> String {
        match &self.place {
            Some(Place::Path(path)) => format!("{path:?}"),
            Some(Place::Fd(fd)) => format!("of descriptor {fd}"),
            None => self.leaf.as_ref().map_or_else(String::new, |_| "of its own".into()),
        }
    }
}

fn hint_of(errno: i32) -> Option<&'static str> {
    match errno {
        libc::EACCES => Some("it, and the next cgroup above both, must be yours to write (cgroup.procs)"),
        libc::EBUSY => Some("its cgroup.subtree_control is not empty: use a cgroup below it"),
        libc::EINVAL => Some("a directory of a cgroup v2 hierarchy is needed"),
        libc::EOPNOTSUPP => Some("no cgroup v2 is mounted, or the cgroup is of type \"domain invalid\""),
        _ => None,
    }
}

impl Settings {
    /// The cgroup by its path.
    pub fn set_cgroup(&mut self, path: CString) -> Set {
        check::path(&path, "the cgroup")?;
        self.make(Families::CGROUP).cgroup.place = Some(Place::Path(path));
        Ok(())
    }

    /// The cgroup by a descriptor of its directory.
    pub fn set_cgroup_fd(&mut self, fd: RawFd) -> Set {
        check::fd(fd, "the cgroup")?;
        self.make(Families::CGROUP).cgroup.place = Some(Place::Fd(fd));
        Ok(())
    }
}

impl Context {
    /// The cgroup (v2) that the process starts in: a path as in `/proc/PID/cgroup`, a relative one below the
    /// creator's own cgroup, or the path of its directory in the file system.
    ///
    /// # Errors
    ///
    /// As [`program`](Self::program). [`create`](Self::create) opens it.
    ///
    /// # Kernel
    ///
    /// [cgroups(7)](https://man7.org/linux/man-pages/man7/cgroups.7.html). Since 5.7 the kernel starts the process
    /// there (`CLONE_INTO_CGROUP`). Before, it moves there before its first other step; a fork and, with the
    /// built-in init, the program do so too. Privilege: both cgroups must be delegated to the caller.
    ///
    /// ```no_run
    /// let mut context = procfd::Context::new()?;
    /// context.program("/usr/bin/make")?.cgroup("/sys/fs/cgroup/builds")?;
    /// let process = context.create()?;
    /// # drop(process);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_CGROUP")]
    pub fn cgroup(&mut self, path: impl AsRef<Path>) -> Configured<'_> {
        let path = c_string(path.as_ref())?;
        self.set(|s| s.set_cgroup(path))
    }

    /// The same by a descriptor of its directory, which the context keeps.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [cgroups(7)](https://man7.org/linux/man-pages/man7/cgroups.7.html), as [`cgroup`](Self::cgroup).
    /// Privilege: the cgroup must be delegated to you.
    ///
    /// ```no_run
    /// let builds = std::fs::File::open("/sys/fs/cgroup/builds")?;
    /// let mut context = procfd::Context::new()?;
    /// context.program("/usr/bin/make")?.cgroup_fd(builds)?;
    /// let process = context.create()?;
    /// # drop(process);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_CGROUP_FD")]
    pub fn cgroup_fd(&mut self, fd: impl Into<OwnedFd>) -> Configured<'_> {
        let fd = fd.into();
        self.set(|s| {
            let number = s.hold(fd);
            s.set_cgroup_fd(number)
        })
    }
}

/// Where the kernel does not start the child in the cgroup, it goes there itself.
pub(super) fn join(s: &Settings, _: &Facts<'_>, list: &mut List) {
    if s.cgroup.is_set() {
        list.step(Stage::CGROUP, 0).write(Slot::CGROUP, b"0").when(When::CGROUP);
    }
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, index: u32) -> Option<String> {
    match stage {
        Stage::CGROUP => Some(s.cgroup.shown()),
        _ => s.cgroup.leaf.as_ref()?.shown(stage, index),
    }
}

pub(super) fn hint(_: &Settings, stage: Stage, errno: i32) -> Option<&'static str> {
    if stage == Stage::CGROUP { hint_of(errno) } else { None }
}
