// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Descriptors of the library that the child needs after its list of actions: rulesets of Landlock, the socket for a
//! seccomp program's descriptor.
//!
//! The context keeps them until the start, close-on-exec, at numbers that no action makes anything else of. So a number
//! means the same in the creator and in the child, and what closes ranges leaves it out.

use std::os::fd::{AsFd, AsRawFd, RawFd};

use std::sync::Arc;

use super::ends::End;
use super::{Families, Set, Settings};
use crate::error::{Error, Stage};
use crate::sys::{self, Errno, OwnFd};

/// The numbers below are the program's.
const LEAST: RawFd = 3;

impl Settings {
    /// Those of all settings, with their step.
    pub(super) fn late(&self) -> impl Iterator<Item = (Stage, u32, &Arc<End>)> {
        self.of(Families::SECCOMP | Families::LANDLOCK).into_iter().flat_map(|rare| {
            let landlock =
                rare.landlock.descriptors().zip(0..).map(|(end, index)| (Stage::LANDLOCK_FD, index, end));
            landlock.chain(rare.seccomp.socket().map(|end| (Stage::SECCOMP, rare.seccomp.notifying(), end)))
        })
    }

    fn late_mut(&mut self) -> impl Iterator<Item = &mut Arc<End>> {
        let rare = self.rare.as_deref_mut().into_iter();
        rare.flat_map(|rare| rare.landlock.descriptors_mut().chain(rare.seccomp.socket_mut()))
    }

    /// Their numbers.
    pub(super) fn late_numbers(&self) -> impl Iterator<Item = RawFd> {
        self.late().map(|(.., end)| end.number())
    }

    /// The first that the context has no longer: the program has closed its number.
    pub(super) fn lost_late(&self) -> Option<(Stage, u32)> {
        self.late().find(|(.., end)| !end.is_there()).map(|(stage, index, _)| (stage, index))
    }

    /// Keeps a descriptor for later than the list.
    pub(super) fn keep_late(&self, fd: OwnFd, failed: impl Fn(Errno) -> Error) -> Result<Arc<End>, Error> {
        let moved =
            if fd.as_raw_fd() < LEAST { sys::fd::dup_cloexec_above(fd.as_fd(), LEAST) } else { Ok(fd) };
        let end = moved.and_then(|fd| self.out_of_the_way(fd)).and_then(End::new);
        end.map(Arc::new).map_err(failed)
    }

    /// Gives those at these numbers others, since the list takes the numbers. Copies of the context keep theirs.
    pub(super) fn make_way(&mut self, taken: &[RawFd]) -> Set {
        let failed = |e: Errno| Error::config(e.0, "another number for a descriptor of the context");
        let mut moved = Vec::new();
        for (.., end) in self.late() {
            moved.push(match taken.contains(&end.number()) {
                false => None,
                true => {
                    let copy = sys::fd::dup_cloexec_above(end.as_fd(), LEAST).map_err(failed)?;
                    Some(self.keep_late(copy, failed)?)
                }
            });
        }
        for (end, moved) in self.late_mut().zip(moved) {
            if let Some(moved) = moved {
                *end = moved;
            }
        }
        Ok(())
    }

    /// After the start the process has its own.
    pub(crate) fn let_go(&mut self) {
        self.descriptors.let_go();
        if let Some(rare) = &mut self.rare {
            rare.landlock.let_go();
            rare.seccomp.let_go();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(s: &Settings) -> Vec<RawFd> {
        s.late_numbers().collect()
    }

    #[test]
    fn an_action_takes_no_number_of_theirs() {
        let mut s = Settings::default();
        let file = || std::fs::File::open("/dev/null").unwrap();
        s.add_landlock_fd(file().into(), 0).unwrap();
        s.add_landlock_fd(file().into(), 1).unwrap();
        let before = numbers(&s);
        assert!(before.iter().all(|number| *number >= LEAST));
        let copy = s.clone();
        s.add_null(before[1]).unwrap();
        let after = numbers(&s);
        assert_eq!(after[0], before[0]);
        assert!(!after.contains(&before[1]));
        assert_eq!(numbers(&copy), before);
        assert!(s.lost_late().is_none() && copy.lost_late().is_none());
        // A close of a range skips them and moves none.
        s.add_close_range(3, u32::MAX).unwrap();
        assert_eq!(numbers(&s), after);
        s.let_go();
        assert_eq!(numbers(&s), []);
        assert!(copy.lost_late().is_none());
    }
}
