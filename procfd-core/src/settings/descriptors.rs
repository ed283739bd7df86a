// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The list of directory and descriptor actions, carried out in the order given.

mod action;
mod table;

use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use super::check::{self, LIST_MAX};
use super::ends::Pipes;
use super::{Facts, Prepared, Set, Settings};
use crate::child::List;
use crate::error::{Error, Stage};
use crate::sys::owned::Owned;
use crate::sys::vec::Shared;
use action::Shown;

pub(super) use action::Action;
pub(super) use table::{close_rest, leave_table, lost_end, named, sources};

/// What becomes of the descriptors.
#[derive(Clone, Debug, Default)]
pub(crate) struct Descriptors {
    actions: Shared<Action>,
    pub(crate) inherit_all: bool,
    /// Descriptors that the Rust interface was given to keep until the start.
    held: Vec<Arc<Owned>>,
    pub(super) pipes: Pipes,
}

impl Descriptors {
    pub(super) fn actions(&self) -> impl Iterator<Item = &Action> {
        self.actions.iter()
    }

    pub(crate) fn has_actions(&self) -> bool {
        !self.actions.is_empty()
    }

    /// Whether the list takes descriptors. A change to a directory by its path leaves none open.
    pub(crate) fn takes_descriptors(&self) -> bool {
        self.actions().any(|action| !matches!(action, Action::Chdir(_)))
    }

    /// Whether the child works in another directory than the creator.
    pub(super) fn changes_directory(&self) -> bool {
        self.actions().any(|action| matches!(action, Action::Chdir(_) | Action::Fchdir(_)))
    }

    /// After the start the process has its own: a pipe whose end stayed open here would never end.
    pub(crate) fn let_go(&mut self) {
        self.held.clear();
        self.pipes.let_go();
    }
}

impl Settings {
    pub(super) fn push(&mut self, action: Action) -> Set {
        if self.descriptors.actions.len() >= LIST_MAX {
            return Err(Error::config(libc::E2BIG, "the list of descriptor actions"));
        }
        let taken: Vec<RawFd> = self.late_numbers().filter(|number| action.makes(*number)).collect();
        let pushed = self.descriptors.actions.push(action);
        pushed.map_err(|e| Error::config(e.0, "the list of descriptor actions"))?;
        if taken.is_empty() { Ok(()) } else { self.make_way(&taken) }
    }

    /// Keeps a descriptor until the start or the end of the context, and returns its number.
    pub(crate) fn hold(&mut self, fd: OwnedFd) -> RawFd {
        let number = fd.as_raw_fd();
        self.descriptors.held.push(Arc::new(Owned::new(fd, None)));
        number
    }

    /// The actions that `f` adds come before those that are there.
    pub(crate) fn before_actions(&mut self, f: impl FnOnce(&mut Self) -> Set) -> Set {
        let later = std::mem::take(&mut self.descriptors.actions);
        let done = f(self);
        let extended = self.descriptors.actions.extend(later);
        done.and(extended.map_err(|e| Error::config(e.0, "the list of descriptor actions")))
    }

    /// chdir.
    pub fn add_chdir(&mut self, path: CString) -> Set {
        check::path(&path, "the directory")?;
        self.push(Action::Chdir(path))
    }

    /// fchdir.
    pub fn add_fchdir(&mut self, fd: RawFd) -> Set {
        check::fd(fd, "the directory")?;
        self.push(Action::Fchdir(fd))
    }

    /// dup2; equal numbers clear close-on-exec.
    pub fn add_dup(&mut self, source: RawFd, target: RawFd) -> Set {
        check::fd(source, "source")?;
        check::fd(target, "target")?;
        self.push(Action::Dup { source, target })
    }

    /// open at a number.
    pub fn add_open(&mut self, target: RawFd, path: CString, flags: i32, mode: u32) -> Set {
        check::fd(target, "target")?;
        check::path(&path, "the file")?;
        if mode > 0o7777 {
            return Err(Error::config(libc::EINVAL, format_args!("file mode {mode:#o}")));
        }
        // The action is there to give the program this descriptor.
        let flags = flags & !libc::O_CLOEXEC;
        self.push(Action::Open { target, path, flags, mode })
    }

    /// close.
    pub fn add_close(&mut self, fd: RawFd) -> Set {
        check::fd(fd, "descriptor to close")?;
        self.push(Action::Close(fd))
    }

    /// close_range.
    pub fn add_close_range(&mut self, first: u32, last: u32) -> Set {
        if first > last {
            return Err(Error::config(libc::EINVAL, format_args!("close range {first} to {last}")));
        }
        self.push(Action::CloseRange { first, last })
    }

    /// /dev/null at a number.
    pub fn add_null(&mut self, target: RawFd) -> Set {
        self.add_open(target, c"/dev/null".to_owned(), libc::O_RDWR, 0)
    }

    /// Whether all that is not close-on-exec is inherited.
    pub fn set_inherit_all(&mut self, on: bool) -> Set {
        self.descriptors.inherit_all = on;
        Ok(())
    }
}

pub(super) fn actions(s: &Settings, _: &Facts<'_>, list: &mut List) {
    let late: Vec<u32> = s.late_numbers().map(|number| number as u32).collect();
    action::lower(&s.descriptors.actions, &late, list);
}

pub(super) fn hint(_: &Settings, stage: Stage, errno: i32) -> Option<&'static str> {
    (stage == Stage::FD && errno == libc::EBADF)
        .then_some("the source is not open, or a number is not below RLIMIT_NOFILE")
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, index: u32) -> Option<String> {
    let action = s.descriptors.actions.get(index as usize)?;
    match stage {
        Stage::CWD => Some(format!("to {}", Shown(action))),
        Stage::FD => Some(format!("{index}: {}", Shown(action))),
        _ => None,
    }
}
