// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Existing namespaces that the process joins: by a namespace descriptor, by a pidfd, by a path.
//!
//! The child joins them by setns(2). User namespaces come first, since the others may need their capabilities. Mount
//! namespaces come last, since paths lead elsewhere from then on. A pid namespace takes only later children, and a
//! time namespace only a process with memory of its own, so the child cannot join either.

use std::ffi::CString;
use std::os::fd::RawFd;

use super::{Facts, Namespaces, Prepared, Set, Settings, check, identity};
use crate::child::{List, Slot, When};
use crate::error::{Error, Stage};

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

    pub(crate) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether the child gets the capabilities of another user namespace, whose processes may reach it.
    pub(crate) fn has_user(&self) -> bool {
        self.0.iter().any(|join| join.kinds.contains(Namespaces::USER))
    }

    pub(super) fn kinds(&self) -> Namespaces {
        self.0.iter().fold(Namespaces::empty(), |all, join| all | join.kinds)
    }
}

fn names(kinds: Namespaces) -> String {
    let mut names = String::new();
    bitflags::parser::to_writer(&kinds, &mut names).map_or(String::new(), |()| names)
}

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
        let unable = Namespaces::PID | Namespaces::TIME;
        let kinds = match Namespaces::from_bits(flags) {
            Some(kinds) if !kinds.is_empty() => kinds,
            _ => {
                return Err(Error::config(
                    libc::EINVAL,
                    format_args!("namespaces {flags:#x} to join, which are not one or more CLONE_NEW*"),
                ));
            }
        };
        if kinds.intersects(unable) {
            return Err(Error::config(
                libc::EOPNOTSUPP,
                "a pid or time namespace to join: setns(2) takes only children to come there",
            ));
        }
        if self.joins.kinds().intersects(kinds) {
            return Err(Error::config(
                libc::EINVAL,
                format_args!("two namespaces of a kind to join: {}", names(self.joins.kinds() & kinds)),
            ));
        }
        self.joins.0.push(Join { kinds, at });
        Ok(())
    }
}

pub(super) fn conflicts(s: &Settings) -> Set {
    let both = s.joins.kinds().bits() & s.namespaces.flags;
    if both != 0 {
        return Err(Error::plan(
            libc::EINVAL,
            format_args!(
                "a namespace to join and a new one of the same kind ({}): leave one of them out",
                names(Namespaces::from_bits_retain(both))
            ),
        ));
    }
    Ok(())
}

pub(super) fn all(s: &Settings, _: &Facts<'_>, list: &mut List) {
    let joins = || s.joins.0.iter().zip(0..);
    if s.joins.has_user() {
        // A process with the capabilities of that namespace could trace the child into the creator's memory.
        // The creator restores what is found here: see `start::dumpable`.
        list.step(Stage::JOIN, 0).dumpable().into(Slot::DUMPABLE).or_not().when(When::SHARED_MEMORY);
        list.prctl::<{ libc::PR_SET_DUMPABLE }>(0).when(When::SHARED_MEMORY);
        identity::continue_if_stopped(list);
    }
    let place = |kinds: Namespaces| match kinds {
        kinds if kinds.contains(Namespaces::USER) => 0,
        kinds if kinds.contains(Namespaces::MOUNT) => 2,
        _ => 1,
    };
    for turn in 0..3 {
        for (join, index) in joins().filter(|(join, _)| place(join.kinds) == turn) {
            list.step(Stage::JOIN, index);
            let kinds = join.kinds.bits() as i32;
            match &join.at {
                At::Fd(fd) => {
                    list.setns(*fd, kinds);
                }
                At::Path(path) => {
                    list.open(path, libc::O_RDONLY | libc::O_CLOEXEC, 0).into(Slot::A);
                    list.setns_slot(Slot::A, kinds);
                    list.close_slot(Slot::A);
                }
            }
        }
    }
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, index: u32) -> Option<String> {
    if stage != Stage::JOIN {
        return None;
    }
    let join = s.joins.0.get(usize::try_from(index).ok()?)?;
    let kinds = names(join.kinds);
    Some(match &join.at {
        At::Fd(fd) => format!("{kinds} of descriptor {fd}"),
        At::Path(path) => format!("{kinds} of {:?}", path.to_string_lossy()),
    })
}

pub(super) fn hint(_: &Settings, stage: Stage, errno: i32) -> Option<&'static str> {
    match (stage, errno) {
        (Stage::JOIN, libc::EINVAL) => Some(
            "another kind of namespace, the process's own user namespace, or a pidfd on a kernel before 5.8",
        ),
        (Stage::JOIN, libc::EPERM) => {
            Some("needs CAP_SYS_ADMIN in the namespace's user namespace: join that one as well")
        }
        _ => None,
    }
}
