// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Checks of one value, and conversions, which families share.

use std::ffi::{CString, OsStr};
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;

use super::Set;
use crate::error::Error;
use crate::sys::cstr::CStrArray;
use crate::sys::vec;

/// Longest path, with its NUL (limits.h).
pub(crate) const PATH_MAX: usize = 4096;
/// Longest single argument or environment string, with its NUL (execve(2), MAX_ARG_STRLEN on 4 KiB pages).
const ARG_STRLEN_MAX: usize = 131_072;
/// Arguments and environment together (execve(2): 3/4 of 8 MiB at most).
const ARG_TOTAL_MAX: usize = 6 << 20;
/// Entries of a list: actions, id map lines, groups (setgroups(2): NGROUPS_MAX).
pub(super) const LIST_MAX: usize = 65_536;
/// Signals are numbered 1 to this.
pub(crate) const SIGNAL_MAX: i32 = 64;

/// A signal number, or 0 where `none` allows it.
pub(super) fn signal(signal: i32, none: bool) -> Result<i32, Error> {
    if (1..=SIGNAL_MAX).contains(&signal) || (none && signal == 0) {
        Ok(signal)
    } else {
        Err(Error::config(
            libc::EINVAL,
            format_args!("signal {signal} is not in {} to {SIGNAL_MAX}", i32::from(!none)),
        ))
    }
}

pub(super) fn fd(fd: RawFd, what: &str) -> Set {
    if fd < 0 {
        return Err(Error::config(libc::EBADF, format_args!("{what}: descriptor {fd}")));
    }
    Ok(())
}

pub(super) fn path(path: &CString, what: &str) -> Set {
    if path.is_empty() {
        return Err(Error::config(libc::ENOENT, format_args!("{what}: an empty path")));
    }
    if path.as_bytes_with_nul().len() > PATH_MAX {
        return Err(Error::config(
            libc::ENAMETOOLONG,
            format_args!(
                "{what}: a path of {} bytes; there are {} at most",
                path.as_bytes().len(),
                PATH_MAX - 1
            ),
        ));
    }
    Ok(())
}

pub(super) fn len(len: usize, what: &str) -> Set {
    if len > LIST_MAX {
        return Err(Error::config(libc::E2BIG, format_args!("{len} {what}; there are {LIST_MAX} at most")));
    }
    Ok(())
}

/// The limit of execve(2) for one string, told early.
pub(super) fn string(string: &CString, what: impl std::fmt::Display) -> Set {
    let len = string.as_bytes_with_nul().len();
    if len > ARG_STRLEN_MAX {
        return Err(Error::config(
            libc::E2BIG,
            format_args!("{what} of {len} bytes; execve(2) takes {ARG_STRLEN_MAX} with its NUL"),
        ));
    }
    Ok(())
}

/// The limits of execve(2), told early.
pub(super) fn strings(strings: Vec<CString>, what: &str) -> Result<CStrArray, Error> {
    let mut total = 0usize;
    for (i, s) in strings.iter().enumerate() {
        string(s, format_args!("{what} {i}"))?;
        let len = s.as_bytes_with_nul().len();
        total = total.saturating_add(len).saturating_add(size_of::<usize>());
    }
    if total > ARG_TOTAL_MAX {
        return Err(Error::config(
            libc::E2BIG,
            format_args!("{what}s of {total} bytes; execve(2) takes {ARG_TOTAL_MAX}"),
        ));
    }
    CStrArray::new(strings).map_err(|e| Error::config(e.0, what))
}

/// A string of a method as the kernel takes it.
pub(crate) fn c_string(s: impl AsRef<OsStr>) -> Result<CString, Error> {
    let s = s.as_ref();
    vec::c_string(s.as_bytes()).map_err(|e| match e.0 {
        libc::EINVAL => Error::config(libc::EINVAL, format_args!("the string {s:?} has a NUL in it")),
        errno => Error::config(errno, "a string"),
    })
}

pub(crate) fn c_strings<S: AsRef<OsStr>>(list: impl IntoIterator<Item = S>) -> Result<Vec<CString>, Error> {
    let mut strings = Vec::new();
    for string in list {
        vec::push(&mut strings, c_string(string)?).map_err(|e| Error::config(e.0, "a list of strings"))?;
    }
    Ok(strings)
}
