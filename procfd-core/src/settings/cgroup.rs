// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The cgroup that the process starts in.

use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::check::{self};
use super::{Facts, Prepared, Set, Settings};
use crate::child::{List, Slot, When};
use crate::error::{Error, Stage};
use crate::proc;
use crate::sys::{self, Errno};

/// Where the process is to be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cgroup {
    place: Option<Place>,
}

#[derive(Clone, Debug)]
enum Place {
    Path(CString),
    Fd(RawFd),
}

/// The cgroup of one start.
pub(crate) struct Opened {
    dir: Dir,
    /// Its file cgroup.procs, for a child that the kernel does not start in it.
    pub(crate) procs: OwnedFd,
}

enum Dir {
    Own(OwnedFd),
    Callers(RawFd),
}

impl Opened {
    pub(crate) fn dir(&self) -> RawFd {
        match &self.dir {
            Dir::Own(dir) => dir.as_raw_fd(),
            Dir::Callers(dir) => *dir,
        }
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

    /// Opens it for a start.
    pub(crate) fn open(&self) -> Result<Option<Opened>, Error> {
        let Some(place) = &self.place else { return Ok(None) };
        let failed = |e: Errno| self.error(e);
        let dir = match place {
            Place::Path(path) => {
                let path = Path::new(OsStr::from_bytes(path.to_bytes()));
                Dir::Own(proc::open_cgroup_by_path(path).map_err(failed)?)
            }
            Place::Fd(fd) => Dir::Callers(*fd),
        };
        let number = match &dir {
            Dir::Own(dir) => dir.as_raw_fd(),
            Dir::Callers(fd) => *fd,
        };
        let procs = sys::fd::open_at(number, c"cgroup.procs", libc::O_WRONLY).map_err(|e| {
            // A directory of something else.
            failed(if e.0 == libc::ENOENT { Errno(libc::EINVAL) } else { e })
        })?;
        if !sys::fs_is(procs.as_fd(), sys::CGROUP2_SUPER_MAGIC) {
            return Err(failed(Errno(libc::EINVAL)));
        }
        Ok(Some(Opened { dir, procs }))
    }

    /// The error of the clone, where it is one of the cgroup.
    pub(crate) fn clone_error(&self, e: Errno) -> Option<Error> {
        let is_its = matches!(
            e.0,
            libc::EACCES | libc::EBADF | libc::EBUSY | libc::EOPNOTSUPP | libc::ENODEV | libc::ENOENT
        );
        (is_its && self.place.is_some()).then(|| self.error(e))
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
            None => String::new(),
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
        self.cgroup.place = Some(Place::Path(path));
        Ok(())
    }

    /// The cgroup by a descriptor of its directory.
    pub fn set_cgroup_fd(&mut self, fd: RawFd) -> Set {
        check::fd(fd, "the cgroup")?;
        self.cgroup.place = Some(Place::Fd(fd));
        Ok(())
    }
}

/// Where the kernel does not start the child in the cgroup, it goes there itself.
pub(super) fn join(s: &Settings, _: &Facts<'_>, list: &mut List) {
    if s.cgroup.place.is_some() {
        list.step(Stage::CGROUP, 0).write(Slot::CGROUP, b"0").when(When::CGROUP);
    }
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, _: u32) -> Option<String> {
    (stage == Stage::CGROUP).then(|| s.cgroup.shown())
}

pub(super) fn hint(_: &Settings, stage: Stage, errno: i32) -> Option<&'static str> {
    if stage == Stage::CGROUP { hint_of(errno) } else { None }
}
