// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Why a field is absent.
//!
//! A refused or missing file is noted with the fields that it answers. Once all was read, each field that is absent
//! nevertheless gets one reason.

use std::cell::Cell;
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

use super::fields::{Absent, Fields, Info, Missing};
use crate::proc;
use crate::sys::{self, Errno};

/// The refusals during the read of a process.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// The resource that the caller lacked, as an errno; 0 if none.
    pub(super) short: Cell<i32>,
    denied: Cell<Fields>,
    /// A file that is not there: the kernel does not have it, or /proc does not show the process.
    no_file: Cell<Fields>,
    unsupported: Cell<Fields>,
}

fn add(to: &Cell<Fields>, fields: Fields) {
    to.set(to.get() | fields);
}

impl Notes {
    /// A file of the process that was not read.
    pub(super) fn file(&self, file: &CStr, e: Errno) {
        match e.0 {
            libc::EMFILE | libc::ENFILE | libc::ENOMEM => self.short.set(e.0),
            libc::EACCES | libc::EPERM => add(&self.denied, fields_of(file)),
            libc::ENOENT => add(&self.no_file, fields_of(file)),
            _ => {}
        }
    }

    /// The result of a system call for this field; `None` where it fails.
    pub(super) fn call<T>(&self, field: Fields, done: sys::Result<T>) -> Option<T> {
        match done {
            Ok(value) => return Some(value),
            Err(Errno(libc::EACCES | libc::EPERM)) => add(&self.denied, field),
            Err(Errno(libc::ESRCH)) => {}
            Err(_) => add(&self.unsupported, field),
        }
        None
    }
}

/// The fields that a file of /proc answers.
fn fields_of(file: &CStr) -> Fields {
    let of_files = Fields::USAGE;
    match file.to_bytes() {
        b"stat" => Fields::STAT | of_files,
        b"status" => Fields::STATUS | Fields::IDS | Fields::CREDS | Fields::SWITCHES | Fields::FDS | of_files,
        b"io" => Fields::IO | of_files,
        b"limits" => Fields::LIMITS | Fields::FDS,
        b"fd" => Fields::FDS,
        b"task" => Fields::SWITCHES | Fields::RUN_DELAY,
        b"schedstat" => Fields::RUN_DELAY,
        b"statm" => Fields::STATM,
        b"smaps_rollup" => Fields::MEMORY_SET,
        b"mountinfo" => Fields::MOUNTS,
        b"personality" => Fields::PERSONALITY,
        b"oom_score" | b"oom_score_adj" => Fields::OOM,
        b"loginuid" => Fields::LOGIN,
        b"autogroup" => Fields::AUTOGROUP,
        b"coredump_filter" => Fields::COREDUMP_FILTER,
        b"timerslack_ns" => Fields::TIMER_SLACK,
        name if name.starts_with(b"ns/") => Fields::NAMESPACES,
        _ => Fields::empty(),
    }
}

/// The facts about the process besides the notes.
pub(super) struct Known {
    /// Its number, or why there is none.
    pub(super) number: sys::Result<u32>,
    pub(super) reaped: bool,
}

/// Gives each field that is absent its reason.
pub(super) fn explain(out: &mut Info, pidfd: BorrowedFd<'_>, fields: Fields, notes: &Notes, known: &Known) {
    let absent = fields.difference(out.filled(fields));
    if absent.is_empty() {
        return;
    }
    let ended = known.reaped || sys::fd::poll(pidfd, libc::POLLIN, sys::fd::NOW).is_ok_and(|now| now != 0);
    let mut reasons = Absent::default();
    for field in absent.iter() {
        reasons.add(field, why(field, pidfd, notes, known, ended));
    }
    out.set_absent(reasons);
}

fn why(field: Fields, pidfd: BorrowedFd<'_>, notes: &Notes, known: &Known, ended: bool) -> Missing {
    let has = |of: &Cell<Fields>| of.get().contains(field);
    if field == Fields::EXIT && !ended {
        return Missing::Nothing;
    }
    // The kernel tells the parent, and others once the process is reaped.
    if (field == Fields::EXIT || field == Fields::COREDUMP) && ended && !known.reaped {
        return Missing::Denied;
    }
    if field == Fields::SECUREBITS && known.number != Ok(sys::task::pid() as u32) || field == Fields::INODE {
        return Missing::Unsupported;
    }
    if ended {
        return Missing::Gone;
    }
    if field == Fields::DUMPABLE || field == Fields::COREDUMP {
        return if sys::pidfd::core_info(pidfd).is_ok() { Missing::Nothing } else { Missing::Unsupported };
    }
    let Ok(number) = known.number else {
        // It lives, and is outside of what the caller sees; or nothing tells its number.
        let is_refusal = matches!(known.number, Err(Errno(libc::EREMOTE | libc::ENOENT | libc::EACCES)));
        return if is_refusal && proc::is_there().is_ok() { Missing::Denied } else { Missing::Unsupported };
    };
    if has(&notes.denied) {
        return Missing::Denied;
    }
    if field == Fields::CGROUP_ID || has(&notes.unsupported) {
        return Missing::Unsupported;
    }
    if has(&notes.no_file) {
        let hidden = proc::stat(proc::Path::new().number(number)).is_err() && proc::is_there().is_ok();
        return if hidden { Missing::Denied } else { Missing::Unsupported };
    }
    Missing::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_by_file_and_call() {
        let notes = Notes::default();
        notes.file(c"io", Errno(libc::EACCES));
        notes.file(c"autogroup", Errno(libc::ENOENT));
        notes.file(c"stat", Errno(libc::ESRCH));
        assert_eq!(notes.denied.get(), Fields::IO | Fields::USAGE);
        assert_eq!(notes.no_file.get(), Fields::AUTOGROUP);
        assert_eq!(notes.call(Fields::CORE_SCHED, Err::<(), _>(Errno(libc::EINVAL))), None);
        assert_eq!(notes.call(Fields::IOPRIO, Ok(1)), Some(1));
        assert_eq!(notes.unsupported.get(), Fields::CORE_SCHED);
        assert_eq!(notes.short.get(), 0);
        notes.file(c"fd", Errno(libc::EMFILE));
        assert_eq!(notes.short.get(), libc::EMFILE);
    }
}
