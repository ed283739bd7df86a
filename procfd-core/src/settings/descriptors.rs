// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The list of directory and descriptor actions, carried out in the order given.

mod action;
mod table;

use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::path::Path;
use std::sync::Arc;

use super::check::{self, LIST_MAX};
use super::ends::Pipes;
use super::{Configured, Context, Facts, Prepared, Set, Settings, c_string};
use crate::child::List;
use crate::error::{Error, Stage};
use crate::sys::OwnFd;
use crate::sys::owned::Owned;
use crate::sys::vec::Shared;
use action::Shown;

pub(super) use action::Action;
pub(super) use table::{close_rest, leave_table, lost_end, move_program, named, sources};

/// The child's descriptors.
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

    /// Whether the child enters a directory that the creator has open.
    pub(super) fn enters_descriptor(&self) -> bool {
        self.actions().any(|action| matches!(action, Action::Fchdir(_)))
    }

    pub(super) fn action(&self, index: u32) -> Option<&Action> {
        self.actions.get(index as usize)
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
    pub(crate) fn hold(&mut self, fd: impl Into<OwnFd>) -> RawFd {
        let fd = fd.into();
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

impl Context {
    /// In the list: change directory.
    ///
    /// # Errors
    ///
    /// As [`program`](Self::program).
    ///
    /// # Kernel
    ///
    /// [chdir(2)](https://man7.org/linux/man-pages/man2/chdir.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "test $(pwd) = /usr"])?;
    /// context.current_dir("/usr")?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    /// [fchdir(2)](https://man7.org/linux/man-pages/man2/fchdir.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "test $(pwd) = /usr"])?;
    /// context.current_dir_fd(std::fs::File::open("/usr")?)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    /// [dup2(2)](https://man7.org/linux/man-pages/man2/dup2.2.html). No privilege.
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
    /// [dup2(2)](https://man7.org/linux/man-pages/man2/dup2.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "grep -q Linux"])?;
    /// context.fd(std::fs::File::open("/proc/version")?, 5)?.dup(5, 0)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    /// [open(2)](https://man7.org/linux/man-pages/man2/open.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "grep -q Linux"])?;
    /// context.open_at(0, "/proc/version", libc::O_RDONLY, 0)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    /// [null(4)](https://man7.org/linux/man-pages/man4/null.4.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "test $(wc -c) = 0"])?;
    /// context.null(0)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_FD_NULL")]
    pub fn null(&mut self, target: RawFd) -> Configured<'_> {
        self.set(|s| s.add_null(target))
    }

    /// In the list: close a descriptor, which need not be open.
    ///
    /// # Errors
    ///
    /// `EBADF`: a negative number; `E2BIG`.
    ///
    /// # Kernel
    ///
    /// [close(2)](https://man7.org/linux/man-pages/man2/close.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "! test -e /proc/self/fd/0"])?;
    /// context.close(0)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    /// [close_range(2)](https://man7.org/linux/man-pages/man2/close_range.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "! test -e /proc/self/fd/5"])?;
    /// context.null(5)?.null(6)?.close_range(5, 6)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    /// [execve(2)](https://man7.org/linux/man-pages/man2/execve.2.html). No privilege.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.inherit_all(true)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::EXEC));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_FD_INHERIT_ALL")]
    pub fn inherit_all(&mut self, on: bool) -> Configured<'_> {
        self.set(|s| s.set_inherit_all(on))
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
