// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The list of directory and descriptor actions, carried out in the order given.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::fmt;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::Path;
use std::sync::Arc;

use super::check::{self, LIST_MAX, c_string};
use super::program::{self, Program};
use super::{Facts, Prepared, Set, Settings};
use crate::child::{List, Slot, When};
use crate::context::{Configured, Context};
use crate::error::{Error, Stage};

/// One action. Numbers mean the child's table at this point of the list, which starts as a copy of
/// the creator's.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Chdir(CString),
    Fchdir(RawFd),
    Dup { source: RawFd, target: RawFd },
    Open { target: RawFd, path: CString, flags: i32, mode: u32 },
    Close(RawFd),
    CloseRange { first: u32, last: u32 },
}

/// What becomes of the descriptors.
#[derive(Clone, Debug, Default)]
pub(crate) struct Descriptors {
    actions: Vec<Action>,
    pub(crate) inherit_all: bool,
    /// Descriptors that the Rust interface was given to keep until the start.
    held: Vec<Arc<OwnedFd>>,
}

impl Descriptors {
    pub(super) fn actions(&self) -> &[Action] {
        &self.actions
    }

    pub(crate) fn has_actions(&self) -> bool {
        !self.actions.is_empty()
    }

    /// After the start the process has its own: a pipe whose end stayed open here would never end.
    pub(crate) fn let_go(&mut self) {
        self.held.clear();
    }
}

impl Action {
    /// The number at which there is a descriptor afterwards.
    pub(super) fn target(&self) -> Option<RawFd> {
        match *self {
            Self::Dup { target, .. } | Self::Open { target, .. } => Some(target),
            _ => None,
        }
    }

    /// The descriptor that it starts from.
    fn source(&self) -> Option<RawFd> {
        match *self {
            Self::Dup { source, .. } => Some(source),
            Self::Fchdir(fd) => Some(fd),
            _ => None,
        }
    }

    /// Whether it overwrites or closes a number.
    pub(super) fn changes(&self, fd: RawFd) -> bool {
        match *self {
            Self::Dup { source, target } => source != target && target == fd,
            Self::Open { target, .. } => target == fd,
            Self::Close(closed) => closed == fd,
            Self::CloseRange { first, last } => (first..=last).contains(&(fd as u32)),
            Self::Chdir(_) | Self::Fchdir(_) => false,
        }
    }

    fn stage(&self) -> Stage {
        match self {
            Self::Chdir(_) | Self::Fchdir(_) => Stage::CWD,
            _ => Stage::FD,
        }
    }
}

impl Settings {
    fn push(&mut self, action: Action) -> Set {
        if self.descriptors.actions.len() >= LIST_MAX {
            return Err(Error::config(libc::E2BIG, "the list of descriptor actions"));
        }
        self.descriptors.actions.push(action);
        Ok(())
    }

    /// Keeps a descriptor until the start or the end of the context, and returns its number.
    pub(crate) fn hold(&mut self, fd: OwnedFd) -> RawFd {
        let number = fd.as_raw_fd();
        self.descriptors.held.push(Arc::new(fd));
        number
    }

    /// The actions that `f` adds come before those that are there.
    pub(crate) fn before_actions(&mut self, f: impl FnOnce(&mut Self) -> Set) -> Set {
        let later = std::mem::take(&mut self.descriptors.actions);
        let done = f(self);
        self.descriptors.actions.extend(later);
        done
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

/// The descriptors above 2 that the child takes from the creator's table, ascending.
pub(super) fn sources(s: &Settings) -> Vec<u32> {
    let program = match s.program.program {
        Program::Fd(fd) => Some(fd),
        _ => None,
    };
    let in_list = s.descriptors.actions.iter().filter_map(Action::source);
    // The built-in init leaves the creator's table before the program's process looks for its terminal.
    let terminals = [s.session.ctty, s.session.foreground].into_iter().flatten();
    let terminals = terminals.filter(|_| s.built_in_init());
    let user_namespaces = s.mounts.user_namespaces().map(|(_, fd)| fd);
    let joins = s.joins.descriptors().map(|(_, fd)| fd);
    let all: BTreeSet<u32> = in_list
        .chain(program)
        .chain(terminals)
        .chain(user_namespaces)
        .chain(joins)
        .map(|fd| fd as u32)
        .collect();
    all.into_iter().filter(|fd| *fd > 2).collect()
}

/// The caller's descriptors that the settings name. What an earlier action has made or closed is for the
/// child to know.
pub(super) fn named(s: &Settings) -> Vec<(Stage, u32, RawFd)> {
    let mut named = Vec::new();
    if let Program::Fd(fd) = s.program.program {
        named.push((Stage::EXEC, 0, fd));
    }
    named.extend(s.cgroup.descriptor().map(|fd| (Stage::CGROUP, 0, fd)));
    named.extend(s.session.ctty.map(|fd| (Stage::CTTY, 0, fd)));
    named.extend(s.session.foreground.map(|fd| (Stage::FOREGROUND, 0, fd)));
    named.extend(s.joins.descriptors().map(|(index, fd)| (Stage::JOIN, index, fd)));
    named.extend(s.mounts.user_namespaces().map(|(index, fd)| (Stage::MOUNT, index, fd)));
    let mut changed = BTreeSet::new();
    let mut closed: Vec<(u32, u32)> = Vec::new();
    for (action, index) in s.descriptors.actions.iter().zip(0..) {
        if let Some(fd) = action.source() {
            let is_callers = !changed.contains(&fd)
                && !closed.iter().any(|&(first, last)| (first..=last).contains(&(fd as u32)));
            if is_callers {
                named.push((action.stage(), index, fd));
            }
        }
        match *action {
            Action::Dup { target, .. } | Action::Open { target, .. } | Action::Close(target) => {
                changed.insert(target);
            }
            Action::CloseRange { first, last } => closed.push((first, last)),
            Action::Chdir(_) | Action::Fchdir(_) => {}
        }
    }
    named
}

/// The descriptors above 2 that are mapped when the list is done, ascending.
fn kept(actions: &[Action]) -> Vec<u32> {
    let mut keep = BTreeSet::new();
    for action in actions {
        match *action {
            Action::Dup { target, .. } | Action::Open { target, .. } => {
                keep.insert(target as u32);
            }
            Action::Close(fd) => {
                keep.remove(&(fd as u32));
            }
            Action::CloseRange { first, last } => keep.retain(|fd| *fd < first || *fd > last),
            Action::Chdir(_) | Action::Fchdir(_) => {}
        }
    }
    keep.split_off(&3).into_iter().collect()
}

pub(super) fn leave_table(_: &Settings, _: &Facts<'_>, list: &mut List) {
    list.step(Stage::FD_TABLE, 0).leave_table();
}

pub(super) fn actions(s: &Settings, _: &Facts<'_>, list: &mut List) {
    for (action, index) in s.descriptors.actions.iter().zip(0..) {
        list.step(action.stage(), index);
        match action {
            Action::Dup { source, target } if source == target => {
                list.set_cloexec(*source, false);
            }
            Action::Dup { source, target } => {
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
                list.close_range(*first, *last);
            }
            Action::Chdir(path) => {
                list.chdir(path);
            }
            Action::Fchdir(fd) => {
                list.fchdir(*fd);
            }
        }
    }
}

/// Closes what nobody asked for. With nothing but 0, 1 and 2 taken there is nothing to close.
pub(super) fn close_rest(s: &Settings, _: &Facts<'_>, list: &mut List) {
    if s.descriptors.inherit_all {
        return;
    }
    let kept = kept(&s.descriptors.actions);
    list.step(Stage::FD_TABLE, 0);
    program::close_on_exec(s, list, &kept);
    let mut first = 3u32;
    for &fd in kept.iter().chain([&u32::MAX]) {
        if first < fd {
            list.close_range(first, fd.wrapping_sub(1)).when(When::CLOSES);
        }
        first = fd.wrapping_add(1);
    }
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, index: u32) -> Option<String> {
    let action = s.descriptors.actions.get(index as usize)?;
    match stage {
        Stage::CWD => Some(format!("to {}", Shown(action))),
        Stage::FD => Some(format!("{index}: {}", Shown(action))),
        _ => None,
    }
}

/// An action as an error names it.
struct Shown<'a>(&'a Action);

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
            Action::Close(fd) => write!(f, "cannot close descriptor {fd}"),
            Action::CloseRange { first, last } => write!(f, "cannot close descriptors {first} to {last}"),
        }
    }
}

impl Context {
    /// In the list: change directory.
    ///
    /// # Errors
    ///
    /// As [`program`](Self::program).
    ///
    /// # Kernel
    ///
    /// [chdir(2)](https://man7.org/linux/man-pages/man2/chdir.2.html).
    #[doc(alias = "PROC_SET_CWD")]
    pub fn current_dir(&mut self, path: impl AsRef<Path>) -> Configured<'_> {
        let path = c_string(path.as_ref())?;
        self.set(|s| s.add_chdir(path))
    }

    /// In the list: change to the directory of a descriptor, which the context keeps.
    ///
    /// # Errors
    ///
    /// `E2BIG`: a list of 65,536 actions.
    ///
    /// # Kernel
    ///
    /// [fchdir(2)](https://man7.org/linux/man-pages/man2/fchdir.2.html).
    #[doc(alias = "PROC_SET_CWD_FD")]
    pub fn current_dir_fd(&mut self, fd: impl Into<OwnedFd>) -> Configured<'_> {
        let fd = fd.into();
        self.set(|s| {
            let number = s.hold(fd);
            s.add_fchdir(number)
        })
    }

    /// In the list: the child gets this descriptor as `target`. The context keeps it until the process has
    /// started, and then closes it.
    ///
    /// # Errors
    ///
    /// `EBADF`: a negative target; `E2BIG`.
    ///
    /// # Kernel
    ///
    /// [dup2(2)](https://man7.org/linux/man-pages/man2/dup2.2.html).
    ///
    /// ```
    /// use std::io::Read;
    ///
    /// let (mut ours, theirs) = std::io::pipe()?;
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/echo")?.args(["echo", "hello"])?.fd(theirs, 1)?;
    /// let process = context.create()?;
    /// let mut text = String::new();
    /// ours.read_to_string(&mut text)?;
    /// assert_eq!(text, "hello\n");
    /// assert!(process.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_FD_DUP")]
    pub fn fd(&mut self, fd: impl Into<OwnedFd>, target: RawFd) -> Configured<'_> {
        let fd = fd.into();
        self.set(|s| {
            let number = s.hold(fd);
            s.add_dup(number, target)
        })
    }

    /// In the list: dup2 by numbers of the child's table; equal ones clear close-on-exec
    /// (`PROC_FD_INHERIT`).
    ///
    /// # Errors
    ///
    /// `EBADF`: a negative number; `E2BIG`.
    ///
    /// # Kernel
    ///
    /// [dup2(2)](https://man7.org/linux/man-pages/man2/dup2.2.html).
    #[doc(alias = "PROC_FD_INHERIT")]
    pub fn dup(&mut self, source: RawFd, target: RawFd) -> Configured<'_> {
        self.set(|s| s.add_dup(source, target))
    }

    /// In the list: open a file at `target`, with the flags and mode of open(2).
    ///
    /// # Errors
    ///
    /// As [`program`](Self::program); `EBADF`; `EINVAL`: a mode over 0o7777. `O_CLOEXEC` has no effect.
    ///
    /// # Kernel
    ///
    /// [open(2)](https://man7.org/linux/man-pages/man2/open.2.html).
    #[doc(alias = "PROC_FD_OPEN")]
    pub fn open_at(
        &mut self,
        target: RawFd,
        path: impl AsRef<Path>,
        flags: i32,
        mode: u32,
    ) -> Configured<'_> {
        let path = c_string(path.as_ref())?;
        self.set(|s| s.add_open(target, path, flags, mode))
    }

    /// In the list: `/dev/null` at `target`.
    ///
    /// # Errors
    ///
    /// `EBADF`, `E2BIG`.
    ///
    /// # Kernel
    ///
    /// [null(4)](https://man7.org/linux/man-pages/man4/null.4.html).
    #[doc(alias = "PROC_FD_NULL")]
    pub fn null(&mut self, target: RawFd) -> Configured<'_> {
        self.set(|s| s.add_null(target))
    }

    /// In the list: close a descriptor; that it is not open is no error.
    ///
    /// # Errors
    ///
    /// `EBADF`: a negative number; `E2BIG`.
    ///
    /// # Kernel
    ///
    /// [close(2)](https://man7.org/linux/man-pages/man2/close.2.html).
    #[doc(alias = "PROC_FD_CLOSE")]
    pub fn close(&mut self, fd: RawFd) -> Configured<'_> {
        self.set(|s| s.add_close(fd))
    }

    /// In the list: close `first` to `last`.
    ///
    /// # Errors
    ///
    /// `EINVAL`: an empty range; `E2BIG`.
    ///
    /// # Kernel
    ///
    /// [close_range(2)](https://man7.org/linux/man-pages/man2/close_range.2.html).
    #[doc(alias = "PROC_FD_CLOSE_RANGE")]
    pub fn close_range(&mut self, first: u32, last: u32) -> Configured<'_> {
        self.set(|s| s.add_close_range(first, last))
    }

    /// Whether all descriptors that are not close-on-exec are inherited, as POSIX has it.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [execve(2)](https://man7.org/linux/man-pages/man2/execve.2.html).
    #[doc(alias = "PROC_FD_INHERIT_ALL")]
    pub fn inherit_all(&mut self, on: bool) -> Configured<'_> {
        self.set(|s| s.set_inherit_all(on))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_is_mapped_and_not_closed_again() {
        let mut s = Settings::default();
        s.add_dup(9, 5).unwrap();
        s.add_dup(0, 1).unwrap();
        s.add_null(7).unwrap();
        s.add_null(8).unwrap();
        s.add_close(7).unwrap();
        s.add_close_range(8, 20).unwrap();
        s.add_null(20).unwrap();
        assert_eq!(kept(&s.descriptors.actions), [5, 20]);
        assert_eq!(sources(&s), [9]);
    }

    #[test]
    fn names_what_no_action_has_made() {
        let mut s = Settings::default();
        s.add_dup(9, 5).unwrap();
        s.add_dup(5, 6).unwrap();
        s.add_close_range(10, 20).unwrap();
        s.add_dup(11, 1).unwrap();
        s.add_fchdir(21).unwrap();
        assert_eq!(named(&s), [(Stage::FD, 0, 9), (Stage::CWD, 4, 21)]);
    }
}
