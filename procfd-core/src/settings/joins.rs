// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Existing namespaces that the process joins: by a namespace descriptor, by a pidfd, by a path.
//!
//! The child joins them by setns(2). User namespaces come first, since the others may need their capabilities. Mount
//! namespaces come last, since paths lead elsewhere from then on. A time namespace takes only a process with memory of
//! its own, so the child runs in a copy. A pid namespace takes only later children. An intermediate process joins it
//! and clones the child as the creator's own (CLONE_PARENT). Where it may not join the pid namespace, it joins the user
//! namespace first.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::path::Path;

use super::{
    Configured, Context, Facts, Families, Namespaces, Prepared, Set, Settings, c_string, check, identity,
};
use crate::child::{List, Slot, When};
use crate::error::{Error, Stage};
use crate::forks::Private;
use crate::sys::{self, Errno};

/// Where the namespace is.
#[derive(Clone, Debug)]
enum At {
    Fd(RawFd),
    Path(CString),
}

/// One setns(2).
#[derive(Clone, Debug)]
struct Join {
    kinds: Namespaces,
    at: At,
}

/// The namespaces to join, in the order in which they were given: the index of an error.
#[derive(Clone, Debug, Default)]
pub(crate) struct Joins(Vec<Join>);

impl Joins {
    /// The descriptors, with their index.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = (u32, RawFd)> {
        self.0.iter().zip(0..).filter_map(|(join, index)| match join.at {
            At::Fd(fd) => Some((index, fd)),
            At::Path(_) => None,
        })
    }

    /// Whether the child gets the capabilities of another user namespace, whose processes may reach it.
    pub(crate) fn has_user(&self) -> bool {
        self.0.iter().any(|join| join.kinds.contains(Namespaces::USER))
    }

    /// Whether the child joins a namespace of this kind.
    pub(super) fn has(&self, kind: Namespaces) -> bool {
        self.kinds().contains(kind)
    }

    fn kinds(&self) -> Namespaces {
        self.0.iter().fold(Namespaces::empty(), |all, join| all | join.kinds)
    }

    /// Whether the child needs a memory of its own: EUSERS otherwise.
    pub(crate) fn has_time(&self) -> bool {
        self.has(Namespaces::TIME)
    }

    pub(crate) fn has_pid(&self) -> bool {
        self.has(Namespaces::PID)
    }

    /// The one of a kind, with its index.
    fn of(&self, kind: Namespaces) -> Option<(u32, &Join)> {
        (0..).zip(&self.0).find(|(_, join)| join.kinds.contains(kind))
    }

    /// The actions of the intermediate process, if one is needed: it works in the creator's descriptor table,
    /// so the creator opens the paths. An error has its index.
    pub(crate) fn between(&self) -> Result<Option<Between>, (u32, Errno)> {
        if !self.has_pid() {
            return Ok(None);
        }
        let mut opened = Vec::new();
        let mut number = |kind| {
            let Some((index, join)) = self.of(kind) else { return Ok(None) };
            match &join.at {
                At::Fd(fd) => Ok(Some(*fd)),
                At::Path(path) => {
                    let open = || sys::fd::open_at(libc::AT_FDCWD, path, libc::O_RDONLY);
                    let file = Private::new(open).map_err(|e| (index, e))?;
                    let number = file.as_fd().as_raw_fd();
                    opened.push(file);
                    Ok(Some(number))
                }
            }
        };
        let (pid, user) = (number(Namespaces::PID)?, number(Namespaces::USER)?);
        Ok(Some(Between { list: self.between_list(pid, user), _opened: opened }))
    }

    /// The same for a plan, which opens nothing.
    pub(crate) fn between_outline(&self) -> Option<List> {
        let any = |kind| self.of(kind).map(|_| -1);
        self.has_pid().then(|| self.between_list(any(Namespaces::PID), any(Namespaces::USER)))
    }

    fn between_list(&self, pid: Option<RawFd>, user: Option<RawFd>) -> List {
        let mut list = List::default();
        let index = |kind| self.of(kind).map_or(0, |(index, _)| index);
        let set = |list: &mut List, fd: Option<RawFd>, kind: Namespaces| {
            list.setns(fd.unwrap_or(-1), kind.bits() as i32);
        };
        if user.is_none() {
            set(list.step(Stage::JOIN, index(Namespaces::PID)), pid, Namespaces::PID);
            return list;
        }
        // The creator may have the right, as root has. Or it has it in the user namespace that is to be joined.
        let first = list.step(Stage::JOIN, index(Namespaces::PID));
        first.setns(pid.unwrap_or(-1), Namespaces::PID.bits() as i32).or_else(USER_FIRST);
        list.step(Stage::JOIN, index(Namespaces::USER));
        identity::continue_if_stopped(&mut list);
        // The creator restores what is found here: see `start::dumpable`.
        list.dumpable().into(Slot::DUMPABLE).or_not();
        list.prctl::<{ libc::PR_SET_DUMPABLE }>(0);
        set(&mut list, user, Namespaces::USER);
        list.load(Slot::JOINED_USER, 1);
        set(list.step(Stage::JOIN, index(Namespaces::PID)), pid, Namespaces::PID);
        list
    }
}

/// The calls of an intermediate process, and the namespaces that the creator has opened for it.
#[derive(Debug)]
pub(crate) struct Between {
    pub(crate) list: List,
    _opened: Vec<Private>,
}

/// How many calls join the user namespace and then the pid namespace.
const USER_FIRST: u16 = 11;

impl Settings {
    /// The namespaces of these kinds, of a namespace descriptor or a pidfd.
    pub fn add_join_fd(&mut self, flags: u64, fd: RawFd) -> Set {
        check::fd(fd, "a namespace to join")?;
        self.add_join(flags, At::Fd(fd))
    }

    /// The namespace of this kind at a path.
    pub fn add_join_path(&mut self, flags: u64, path: CString) -> Set {
        if flags.count_ones() > 1 {
            return Err(Error::config(libc::EINVAL, "a path leads to one namespace; several need a pidfd"));
        }
        check::path(&path, "a namespace to join")?;
        self.add_join(flags, At::Path(path))
    }

    fn add_join(&mut self, flags: u64, at: At) -> Set {
        let kinds = match Namespaces::from_bits(flags) {
            Some(kinds) if !kinds.is_empty() => kinds,
            _ => {
                return Err(Error::config(
                    libc::EINVAL,
                    format_args!("namespaces {flags:#x} to join, which are not one or more CLONE_NEW*"),
                ));
            }
        };
        if self.joins.kinds().intersects(kinds) {
            return Err(Error::config(
                libc::EINVAL,
                format_args!(
                    "two namespaces of a kind to join: {}",
                    Namespaces::names_of((self.joins.kinds() & kinds).bits())
                ),
            ));
        }
        self.make(Families::JOINS).joins.0.push(Join { kinds, at });
        Ok(())
    }
}

impl Context {
    /// Joins existing namespaces: the one of a namespace descriptor, or several of the process of a pidfd.
    ///
    /// User namespaces come first and mount namespaces last. From a mount namespace on, paths begin at its root: the
    /// program's too. A process of a pid namespace is still your child. A time namespace takes the slow path, which
    /// copies your memory as fork(2) does.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no kinds, or one that is joined already.
    ///
    /// # Kernel
    ///
    /// [setns(2)](https://man7.org/linux/man-pages/man2/setns.2.html); since 5.8 by pidfd.
    /// Privilege: `CAP_SYS_ADMIN` in the user namespace of each, and in the child's own.
    ///
    /// ```no_run
    /// use procfd::Namespaces;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/ip")?.args(["ip", "address"])?;
    /// context.join_fd(Namespaces::NET, std::fs::File::open("/run/netns/blue")?)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_JOIN_FD")]
    pub fn join_fd(&mut self, kinds: Namespaces, fd: impl Into<OwnedFd>) -> Configured<'_> {
        let fd = fd.into();
        self.set(|s| {
            let number = s.hold(fd);
            s.add_join_fd(kinds.bits(), number)
        })
    }

    /// Joins the existing namespace of this kind at a path, such as `/proc/1/ns/net`, which the child opens.
    ///
    /// # Errors
    ///
    /// As [`join_fd`](Self::join_fd), and `EINVAL`: several kinds, or a NUL in the path.
    ///
    /// # Kernel
    ///
    /// [setns(2)](https://man7.org/linux/man-pages/man2/setns.2.html). Privilege: as [`join_fd`](Self::join_fd).
    ///
    /// ```
    /// use procfd::{Namespaces, Stage};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.join_path(Namespaces::UTS, "/proc/self/ns/uts")?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::JOIN));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_JOIN_PATH")]
    pub fn join_path(&mut self, kind: Namespaces, path: impl AsRef<Path>) -> Configured<'_> {
        let path = c_string(path.as_ref())?;
        self.set(|s| s.add_join_path(kind.bits(), path))
    }
}

pub(super) fn conflicts(s: &Settings) -> Set {
    let both = s.joins.kinds().bits() & s.namespaces.flags;
    if both != 0 {
        return Err(Error::plan(
            libc::EINVAL,
            format_args!(
                "a namespace to join and a new one of the same kind ({}): leave one of them out",
                Namespaces::names_of(both)
            ),
        ));
    }
    if s.joins.has_time() && s.built_in_init() {
        return Err(Error::plan(
            libc::EOPNOTSUPP,
            "a time namespace to join and the built-in init, which shares its memory with the program until the \
             execution: leave one of them out",
        ));
    }
    if s.joins.has_pid() && s.program.is_none() {
        return Err(Error::plan(
            libc::EOPNOTSUPP,
            "a pid namespace to join without a program: setns(2) is for the children that come after it",
        ));
    }
    Ok(())
}

pub(super) fn all(s: &Settings, _: &Facts<'_>, list: &mut List) {
    if let Some((index, _)) = s.joins.of(Namespaces::USER) {
        // A process with the capabilities of that namespace could trace the child into the creator's memory.
        identity::continue_if_stopped(list.step(Stage::JOIN, index));
        list.dumpable().into(Slot::DUMPABLE).or_not().when(When::SHARED_MEMORY.and(When::USER_TO_JOIN));
        list.prctl::<{ libc::PR_SET_DUMPABLE }>(0).when(When::SHARED_MEMORY);
    }
    // One after the other if an intermediate process may have joined the user namespace.
    let apart = if s.joins.has_pid() { Namespaces::USER } else { Namespaces::empty() };
    let others = Namespaces::all() - Namespaces::PID;
    let place = |kinds: Namespaces| match kinds {
        kinds if kinds.contains(Namespaces::USER) => 0,
        kinds if kinds.contains(Namespaces::MOUNT) => 2,
        _ => 1,
    };
    let mut calls = Vec::new();
    for (join, index) in s.joins.0.iter().zip(0..) {
        for kinds in [join.kinds & apart, (join.kinds & others) - apart] {
            if !kinds.is_empty() {
                calls.push((place(kinds), index, kinds, &join.at));
            }
        }
    }
    calls.sort_by_key(|(place, ..)| *place);
    for (_, index, kinds, at) in calls {
        list.step(Stage::JOIN, index);
        let bits = kinds.bits() as i32;
        let when = When::USER_TO_JOIN.only_if(kinds == Namespaces::USER);
        match at {
            At::Fd(fd) => {
                list.setns(*fd, bits).when(when);
            }
            At::Path(path) => {
                list.open(path, libc::O_RDONLY | libc::O_CLOEXEC, 0).into(Slot::A).when(when);
                list.setns_slot(Slot::A, bits).when(when);
                list.close_slot(Slot::A).when(when);
            }
        }
    }
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, index: u32) -> Option<String> {
    if stage != Stage::JOIN {
        return None;
    }
    let join = s.joins.0.get(usize::try_from(index).ok()?)?;
    let kinds = Namespaces::names_of(join.kinds.bits());
    Some(match &join.at {
        At::Fd(fd) => format!("{kinds} of descriptor {fd}"),
        At::Path(path) => format!("{kinds} of {:?}", path.to_string_lossy()),
    })
}

pub(super) fn hint(s: &Settings, stage: Stage, errno: i32) -> Option<&'static str> {
    match (stage, errno) {
        (Stage::JOIN, libc::EINVAL) => Some(
            "another kind of namespace, the process's own user namespace, or a pidfd on a kernel before 5.8",
        ),
        (Stage::OOM_SCORE_ADJ | Stage::COREDUMP_FILTER | Stage::TIME_OFFSETS, libc::EACCES)
            if s.joins.has_pid() && s.joins.has_user() =>
        {
            Some(
                "without privilege the child first joins the user namespace, and then may not write to its /proc",
            )
        }
        (Stage::JOIN, libc::EUSERS) => Some("other threads or processes share the memory"),
        (Stage::JOIN, libc::EPERM) => {
            Some("needs CAP_SYS_ADMIN in the namespace's user namespace: join that one as well")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_substitute_has_as_many_calls_as_it_says() {
        let mut settings = Settings::default();
        settings.add_join_fd((Namespaces::PID | Namespaces::USER).bits(), 3).unwrap();
        let mut list = settings.joins.between_outline().unwrap();
        list.umask(0);
        let steps = list.outline(When::USER_TO_JOIN.and(When::SHARED_MEMORY));
        let calls: Vec<String> = steps.into_iter().flat_map(|step| step.calls).collect();
        let [first, .., last, after] = calls.as_slice() else { panic!("{calls:?}") };
        assert_eq!([first, last, after], ["setns", "or setns", "umask"]);
    }
}
