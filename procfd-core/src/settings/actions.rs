// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The list of directory and descriptor actions, carried out in the order given.

use std::ffi::CString;
use std::fmt;
use std::os::fd::RawFd;

use super::{Config, LIST_MAX, Set, check_fd, check_path};
use crate::error::Error;

/// One action. Numbers mean the child's table at this point of the list, which starts as a copy of
/// the creator's.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Chdir(CString),
    Fchdir(RawFd),
    Dup { source: RawFd, target: RawFd },
    Open { target: RawFd, path: CString, flags: i32, mode: u32 },
    Close(RawFd),
    CloseRange { first: u32, last: u32 },
}

impl Action {
    /// Whether it changes the directory, and no descriptor.
    #[inline(always)]
    pub(crate) fn is_directory(&self) -> bool {
        matches!(self, Self::Chdir(_) | Self::Fchdir(_))
    }
}

#[allow(missing_docs, reason = "named as the C commands and the methods of Context")]
impl Config {
    fn push(&mut self, action: Action) -> Set {
        if self.actions.len() >= LIST_MAX {
            return Err(Error::config(libc::E2BIG, "the list of descriptor actions"));
        }
        self.actions.push(action);
        Ok(())
    }

    pub fn add_chdir(&mut self, path: CString) -> Set {
        check_path(&path, "the directory")?;
        self.push(Action::Chdir(path))
    }

    pub fn add_fchdir(&mut self, fd: RawFd) -> Set {
        check_fd(fd, "the directory")?;
        self.push(Action::Fchdir(fd))
    }

    pub fn add_dup(&mut self, source: RawFd, target: RawFd) -> Set {
        check_fd(source, "source")?;
        check_fd(target, "target")?;
        self.push(Action::Dup { source, target })
    }

    pub fn add_open(&mut self, target: RawFd, path: CString, flags: i32, mode: u32) -> Set {
        check_fd(target, "target")?;
        check_path(&path, "the file")?;
        if flags & libc::O_CLOEXEC != 0 {
            return Err(Error::config(libc::EINVAL, "O_CLOEXEC: the program would not get the descriptor"));
        }
        if mode > 0o7777 {
            return Err(Error::config(libc::EINVAL, format_args!("file mode {mode:#o}")));
        }
        self.push(Action::Open { target, path, flags, mode })
    }

    pub fn add_close(&mut self, fd: RawFd) -> Set {
        check_fd(fd, "descriptor to close")?;
        self.push(Action::Close(fd))
    }

    pub fn add_close_range(&mut self, first: u32, last: u32) -> Set {
        if first > last {
            return Err(Error::config(libc::EINVAL, format_args!("close range {first} to {last}")));
        }
        self.push(Action::CloseRange { first, last })
    }

    pub fn add_null(&mut self, target: RawFd) -> Set {
        self.add_open(target, c"/dev/null".to_owned(), libc::O_RDWR, 0)
    }
}

/// An action as an error names it.
pub(crate) fn describe(action: &Action) -> impl fmt::Display + '_ {
    struct Shown<'a>(&'a Action);
    impl fmt::Display for Shown<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self.0 {
                Action::Chdir(path) => write!(f, "{path:?}"),
                Action::Fchdir(fd) => write!(f, "descriptor {fd}"),
                Action::Dup { source, target } if source == target => {
                    write!(f, "inherit descriptor {source}")
                }
                Action::Dup { source, target } => write!(f, "dup descriptor {source} to {target}"),
                Action::Open { target, path, flags, mode } => {
                    write!(f, "open {path:?} at descriptor {target} (flags {flags:#o}, mode {mode:#o})")
                }
                Action::Close(fd) => write!(f, "close descriptor {fd}"),
                Action::CloseRange { first, last } => write!(f, "close descriptors {first} to {last}"),
            }
        }
    }
    Shown(action)
}
