// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! One action of the list: what it uses and changes, its calls, and its words in an error.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::fmt;
use std::os::fd::RawFd;
use std::sync::Arc;

use crate::child::{List, Slot};
use crate::error::Stage;
use crate::settings::ends;
use crate::sys::vec::Shared;

/// One action. Numbers mean the child's table at this point of the list, which starts as a copy of
/// the creator's.
#[derive(Clone, Debug)]
pub(in crate::settings) enum Action {
    Chdir(CString),
    Fchdir(RawFd),
    Dup {
        source: RawFd,
        target: RawFd,
    },
    Open {
        target: RawFd,
        path: CString,
        flags: i32,
        mode: u32,
    },
    Close(RawFd),
    CloseRange {
        first: u32,
        last: u32,
    },
    /// `source` is the child's end of a pipe or terminal, which the context keeps.
    End {
        source: RawFd,
        target: RawFd,
    },
    Data {
        target: RawFd,
        bytes: Arc<Vec<u8>>,
    },
}

impl Action {
    /// The number at which there is a descriptor afterwards.
    pub(in crate::settings) fn target(&self) -> Option<RawFd> {
        match *self {
            Self::Dup { target, .. }
            | Self::Open { target, .. }
            | Self::End { target, .. }
            | Self::Data { target, .. } => Some(target),
            _ => None,
        }
    }

    /// The descriptor that it starts from.
    pub(super) fn source(&self) -> Option<RawFd> {
        match *self {
            Self::Dup { source, .. } | Self::End { source, .. } => Some(source),
            Self::Fchdir(fd) => Some(fd),
            _ => None,
        }
    }

    /// Whether it overwrites or closes a number.
    pub(in crate::settings) fn changes(&self, fd: RawFd) -> bool {
        match *self {
            Self::Dup { source, target } | Self::End { source, target } => source != target && target == fd,
            Self::Open { target, .. } | Self::Data { target, .. } => target == fd,
            Self::Close(closed) => closed == fd,
            Self::CloseRange { first, last } => (first..=last).contains(&(fd as u32)),
            Self::Chdir(_) | Self::Fchdir(_) => false,
        }
    }

    /// Whether it names the number alone, to make or close it there. A range does not close the ends of later
    /// pipes.
    pub(in crate::settings) fn makes(&self, fd: RawFd) -> bool {
        !matches!(self, Self::CloseRange { .. }) && (self.target() == Some(fd) || self.changes(fd))
    }

    pub(super) fn stage(&self) -> Stage {
        match self {
            Self::Chdir(_) | Self::Fchdir(_) => Stage::CWD,
            _ => Stage::FD,
        }
    }
}

/// Adds the calls of all of them, in their order.
///
/// The numbers of `late` stay open.
pub(super) fn lower(actions: &Shared<Action>, late: &[u32], list: &mut List) {
    for (action, index) in actions.iter().zip(0u32..) {
        list.step(action.stage(), index);
        match action {
            Action::Dup { source, target } | Action::End { source, target } if source == target => {
                list.set_cloexec(*source, false);
            }
            Action::Dup { source, target } | Action::End { source, target } => {
                list.dup2(*source, *target);
            }
            Action::Open { target, path, flags, mode } => {
                // As POSIX has it: closed first, also when the open fails.
                list.close(*target).or_not();
                list.open(path, *flags, *mode).into(Slot::A);
                list.place(Slot::A, *target);
            }
            Action::Close(fd) => {
                list.close(*fd).or_not();
            }
            Action::CloseRange { first, last } => {
                let later = actions.iter().skip(index as usize);
                close_but_ends(list, later, late, *first, *last);
            }
            Action::Data { target, bytes } => ends::data(list, *target, bytes),
            Action::Chdir(path) => {
                list.chdir(path);
            }
            Action::Fchdir(fd) => {
                list.fchdir(*fd);
            }
        }
    }
}

/// Closes a range, save for the ends of pipes that come later in the list and what is for later still: the program has
/// not named those numbers.
fn close_but_ends<'a>(
    list: &mut List,
    later: impl Iterator<Item = &'a Action>,
    late: &[u32],
    first: u32,
    last: u32,
) {
    let ends: BTreeSet<u32> = later
        .filter_map(|action| match *action {
            Action::End { source, .. } => Some(source as u32),
            _ => None,
        })
        .chain(late.iter().copied())
        .filter(|end| (first..=last).contains(end))
        .collect();
    let mut from = first;
    for end in ends {
        if from < end {
            list.close_range(from, end.wrapping_sub(1));
        }
        from = end.saturating_add(1);
    }
    if from <= last {
        list.close_range(from, last);
    }
}

/// An action as an error names it.
pub(super) struct Shown<'a>(pub(super) &'a Action);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Action::Chdir(path) => write!(f, "{path:?}"),
            Action::Fchdir(fd) => write!(f, "descriptor {fd}"),
            Action::Dup { source, target } if source == target => {
                write!(f, "cannot inherit descriptor {source}")
            }
            Action::Dup { source, target } => write!(f, "cannot dup descriptor {source} to {target}"),
            Action::Open { target, path, flags, mode } => {
                write!(f, "cannot open {path:?} as descriptor {target} (flags {flags:#o}, mode {mode:#o})")
            }
            Action::End { target, .. } => {
                write!(f, "cannot give descriptor {target} its end of the pipe or terminal")
            }
            Action::Data { target, bytes } => {
                write!(f, "cannot make descriptor {target} of {} bytes", bytes.len())
            }
            Action::Close(fd) => write!(f, "cannot close descriptor {fd}"),
            Action::CloseRange { first, last } => write!(f, "cannot close descriptors {first} to {last}"),
        }
    }
}
