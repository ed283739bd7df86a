// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Id maps of a new user namespace: which way each is written, and the parent's ways.
//!
//! user_namespaces(7): a process in the namespace may write a map of one line with its own id; any
//! other needs CAP_SETUID (CAP_SETGID) in the parent's namespace, which the creator may have, and
//! the set-user-id helpers newuidmap(1) and newgidmap(1) have for ids in /etc/subuid and subgid.

use std::ffi::CString;
use std::fmt::Write;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use crate::error::{Error, Stage};
use crate::forks::Private;
use crate::info::proc;
use crate::settings::{Config, IdMap, Program, Setgroups};
use crate::sys::{self, Errno};
use crate::wait::{self, Limit, Options};

const CAP_SETGID: u32 = 6;
const CAP_SETUID: u32 = 7;

/// How the maps are written.
#[derive(Debug)]
pub(super) enum Maps {
    None,
    ByChild(Own),
    ByParent,
}

/// What the child writes into its own files in /proc.
#[derive(Debug)]
pub(super) struct Own {
    pub deny_setgroups: bool,
    pub uid: Option<Vec<u8>>,
    pub gid: Option<Vec<u8>>,
}

impl Maps {
    pub(super) fn by_parent(&self) -> bool {
        matches!(self, Self::ByParent)
    }
}

/// Chooses the way. Nothing is refused here: the kernel knows better.
pub(super) fn lower(config: &Config) -> Result<Maps, Error> {
    if config.uid_map.is_empty() && config.gid_map.is_empty() && config.setgroups == Setgroups::Auto {
        return Ok(Maps::None);
    }
    let (uid, gid) = sys::task::effective_ids();
    let gid_alone =
        config.gid_map.is_empty() || (is_own(&config.gid_map, gid) && config.setgroups != Setgroups::Allow);
    let uid_alone = config.uid_map.is_empty() || is_own(&config.uid_map, uid);
    if !uid_alone || !gid_alone {
        return Ok(Maps::ByParent);
    }
    let text = |map: &[IdMap]| (!map.is_empty()).then(|| text(map).into_bytes());
    Ok(Maps::ByChild(Own {
        deny_setgroups: config.setgroups == Setgroups::Deny || !config.gid_map.is_empty(),
        uid: text(&config.uid_map),
        gid: text(&config.gid_map),
    }))
}

/// A map of one line with the caller's own id, which needs no privilege.
fn is_own(map: &[IdMap], id: u32) -> bool {
    matches!(map, [IdMap { outside, count: 1, .. }] if *outside == id)
}

fn text(map: &[IdMap]) -> String {
    map.iter().fold(String::new(), |mut out, line| {
        // Writing to a String does not fail.
        let _ = writeln!(out, "{} {} {}", line.inside, line.outside, line.count);
        out
    })
}

/// Writes the maps of the child `pid`, which waits for it; `mask` is the creator's signal mask. It is our own and not reaped, so the
/// number is its.
pub(super) fn write_for(config: &Config, pid: i32, mask: u64) -> Result<(), Error> {
    let (uid, gid) = sys::task::effective_ids();
    let capabilities = sys::task::effective_capabilities();
    let can = |cap: u32| capabilities & (1 << cap) != 0;
    let own_gid = is_own(&config.gid_map, gid) && !can(CAP_SETGID);
    if config.setgroups == Setgroups::Deny || (own_gid && config.setgroups == Setgroups::Auto) {
        put(pid, Stage::SETGROUPS, "setgroups", "deny")?;
    }
    if !config.uid_map.is_empty() {
        if can(CAP_SETUID) || is_own(&config.uid_map, uid) {
            put(pid, Stage::UID_MAP, "uid_map", &text(&config.uid_map))?;
        } else {
            helper(c"newuidmap", pid, &config.uid_map, mask)?;
        }
    }
    if !config.gid_map.is_empty() {
        if can(CAP_SETGID) || own_gid {
            put(pid, Stage::GID_MAP, "gid_map", &text(&config.gid_map))?;
        } else {
            helper(c"newgidmap", pid, &config.gid_map, mask)?;
        }
    }
    Ok(())
}

fn put(pid: i32, stage: Stage, file: &str, value: &str) -> Result<(), Error> {
    let write = || {
        let path = CString::new(format!("{pid}/{file}")).map_err(|_| Errno(libc::EINVAL))?;
        // A /proc of another pid namespace has another process under this number: EREMOTE.
        let file = proc::open(&path, libc::O_WRONLY)?;
        sys::fd::write(file.as_fd(), value.as_bytes())
    };
    write()
        .map(drop)
        .map_err(|e| Error::new(stage, 0, e, format_args!("({})", value.trim_end().replace('\n', "; "))))
}

/// Runs newuidmap(1) or newgidmap(1) by the caller's PATH.
fn helper(name: &std::ffi::CStr, pid: i32, map: &[IdMap], mask: u64) -> Result<(), Error> {
    let shown = name.to_string_lossy();
    // The helper looks for the number in the same /proc.
    proc::is_there().map_err(|e| {
        Error::new(Stage::IDMAP_HELPER, 0, e, format_args!("{shown} needs the /proc of this pid namespace"))
    })?;
    let numbers = std::iter::once(pid.to_string())
        .chain(map.iter().flat_map(|l| [l.inside, l.outside, l.count].map(|n| n.to_string())));
    let argv = std::iter::once(name.to_owned()).chain(numbers.filter_map(|n| CString::new(n).ok()));
    let mut config = Config::default();
    config.set_argv(argv.collect())?;
    config.set_program(Program::Search(name.to_owned()))?;
    config.add_null(0)?;
    // Not what is blocked here while the child waits.
    config.mask = Some(mask);
    // What it says belongs into the error, not onto the caller's terminal.
    let (theirs, ours) =
        Private::second(sys::sock::pair).map_err(|e| Error::new(Stage::IDMAP_HELPER, 0, e, &shown))?;
    config.add_dup(theirs.as_raw_fd(), 2)?;
    let failed = |e: Errno, what: &str| Error::new(Stage::IDMAP_HELPER, 0, e, format_args!("{shown} {what}"));
    let (_, pidfd) = super::parent::start(&config).map_err(|e| {
        failed(Errno(e.raw_os_error()), "could not be run").hint(
            "an unprivileged id map of more than the caller's own id needs the set-user-id helpers; \
             Debian has them in the package uidmap",
        )
    })?;
    let ended = loop {
        match wait::wait(pidfd.as_fd(), Options::empty(), Limit::None) {
            Err(Errno(libc::EINTR)) => {}
            done => break done,
        }
    };
    match ended {
        Ok(status) if status.is_success() => Ok(()),
        Ok(_) => Err(failed(Errno(libc::EPERM), &format!("refused the map: {}", said(theirs, &ours)))
            .hint("are these subordinate ids of the caller, in /etc/subuid and /etc/subgid?")),
        Err(e) => Err(failed(e, "was lost")),
    }
}

/// The first lines of what a helper that has ended wrote, in one.
fn said(theirs: OwnedFd, ours: &Private) -> String {
    drop(theirs);
    let mut text = Vec::new();
    let mut part = [0; 256];
    while let Ok(len @ 1..) = sys::fd::read(ours.as_fd(), &mut part) {
        text.extend_from_slice(part.get(..len).unwrap_or_default());
        if text.len() > 512 {
            break;
        }
    }
    String::from_utf8_lossy(&text).trim().replace('\n', "; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IdMap = IdMap { inside: 0, outside: 1000, count: 1 };
    const RANGE: IdMap = IdMap { inside: 1, outside: 100_000, count: 65_536 };

    #[test]
    fn own_is_one_line_of_one_id() {
        assert!(is_own(&[ONE], 1000));
        assert!(!is_own(&[ONE], 1001));
        assert!(!is_own(&[RANGE], 100_000));
        assert!(!is_own(&[ONE, RANGE], 1000));
        assert!(!is_own(&[], 0));
    }

    #[test]
    fn the_text_is_what_the_kernel_reads() {
        assert_eq!(text(&[ONE, RANGE]), "0 1000 1\n1 100000 65536\n");
    }
}
