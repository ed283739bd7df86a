// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Short lists: groups, processors, id maps. And its namespaces, as descriptors.

use std::ffi::CStr;
use std::os::fd::BorrowedFd;

use super::retry::{ask_for, ask_leader};
use super::text::whole;
use crate::proc::parse::{single_value, status::status};
use crate::settings::{IdMap, Namespaces};
use crate::sys::query;
use crate::sys::{self, Errno, OwnFd, Result, vec};

const NO_DATA: Errno = Errno(libc::ENODATA);

/// Its supplementary groups, in ascending order, as the caller's user namespace has them.
pub(crate) fn groups(pidfd: BorrowedFd<'_>) -> Result<Vec<u32>> {
    ask_leader(pidfd, |process| {
        let text = whole(process, c"status")?;
        let status = status(&text);
        let mut groups = Vec::new();
        for group in status.groups().ok_or(NO_DATA)? {
            vec::push(&mut groups, group.ok_or(NO_DATA)?)?;
        }
        Ok(groups)
    })
}

/// The processors its leading thread may run on: number n in bit n % 8 of byte n / 8.
pub(crate) fn affinity(pidfd: BorrowedFd<'_>) -> Result<Vec<u8>> {
    ask_leader(pidfd, |process| query::affinity(process.pid()))
}

/// The id map of its user namespace, `uid_map` or `gid_map`: outside is the caller's user namespace, or the
/// parent of the process's where that is the caller's own.
pub(crate) fn id_map(pidfd: BorrowedFd<'_>, file: &CStr) -> Result<Vec<IdMap>> {
    ask_leader(pidfd, |process| {
        let text = whole(process, file)?;
        single_value::id_map(&text)
            .map(|range| range.map(|r| IdMap { inside: r.inside, outside: r.outside, count: r.count }))
            .collect::<Option<_>>()
            .ok_or(NO_DATA)
    })
}

/// A descriptor of one of its namespaces. EINVAL: not one; EACCES: not for the caller.
pub(crate) fn namespace(pidfd: BorrowedFd<'_>, which: Namespaces) -> Result<OwnFd> {
    // pidfd.h: `_IO(0xFF, number)`.
    let (number, link) = match which {
        Namespaces::CGROUP => (1, c"ns/cgroup"),
        Namespaces::IPC => (2, c"ns/ipc"),
        Namespaces::MOUNT => (3, c"ns/mnt"),
        Namespaces::NET => (4, c"ns/net"),
        Namespaces::PID => (5, c"ns/pid"),
        Namespaces::TIME => (7, c"ns/time"),
        Namespaces::USER => (9, c"ns/user"),
        Namespaces::UTS => (10, c"ns/uts"),
        _ => return Err(Errno(libc::EINVAL)),
    };
    match sys::pidfd::namespace(pidfd, number) {
        Ok(fd) => return Ok(fd),
        Err(e @ Errno(libc::EMFILE | libc::ENFILE | libc::ENOMEM)) => return Err(e),
        // Before 6.11; of a leader that has ended; in another pid namespace; or refused, which the link
        // is as well.
        Err(_) => {}
    }
    ask_for(pidfd, |process| process.open(link, libc::O_RDONLY))
}
