// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Id maps that the creator writes: itself, or by newuidmap(1) and newgidmap(1).
//!
//! A map of more than the caller's own id needs CAP_SETUID (CAP_SETGID) in the parent's namespace
//! (user_namespaces(7)). The set-user-id helpers newuidmap(1) and newgidmap(1) have it for ids in /etc/subuid and
//! subgid.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd};

use crate::error::{Error, Stage};
use crate::forks::Private;
use crate::proc;
use crate::settings::{IdMap, Program, Setgroups, Settings, is_own, map_text};
use crate::sys::{self, Errno, OwnFd};
use crate::wait::{self, Limit, Options};

/// Starts a helper: `clone::start`.
type Start = fn(&Settings) -> Result<(i32, OwnFd), Error>;

const CAP_SETGID: u32 = 6;
const CAP_SETUID: u32 = 7;

/// Writes the maps of the child `pid`, which waits for it; `mask` is the creator's signal mask. The child is our own
/// and not reaped, so the number is its.
pub(super) fn write_for(config: &Settings, pid: i32, mask: u64, start: Start) -> Result<(), Error> {
    let (uid, gid) = sys::task::effective_ids();
    let capabilities = sys::task::effective_capabilities();
    let can = |cap: u32| capabilities & (1 << cap) != 0;
    let own_gid = is_own(&config.namespaces.gid_map, gid) && !can(CAP_SETGID);
    if config.namespaces.setgroups == Setgroups::Deny
        || (own_gid && config.namespaces.setgroups == Setgroups::Auto)
    {
        put(pid, Stage::SETGROUPS, "setgroups", "deny")?;
    }
    if !config.namespaces.uid_map.is_empty() {
        if can(CAP_SETUID) || is_own(&config.namespaces.uid_map, uid) {
            put(pid, Stage::UID_MAP, "uid_map", &map_text(&config.namespaces.uid_map))?;
        } else {
            helper(c"newuidmap", pid, &config.namespaces.uid_map, mask, start)?;
        }
    }
    if !config.namespaces.gid_map.is_empty() {
        if can(CAP_SETGID) || own_gid {
            put(pid, Stage::GID_MAP, "gid_map", &map_text(&config.namespaces.gid_map))?;
        } else {
            helper(c"newgidmap", pid, &config.namespaces.gid_map, mask, start)?;
        }
    }
    Ok(())
}

fn put(pid: i32, stage: Stage, file: &str, value: &str) -> Result<(), Error> {
    let write = || {
        let path = CString::new(format!("{pid}/{file}")).map_err(|_| Errno(libc::EINVAL))?;
        // A /proc of another pid namespace has another process under this number: EREMOTE.
        let file = proc::open(&path, libc::O_WRONLY)?;
        file.write(value.as_bytes())
    };
    write().map_err(|e| Error::new(stage, 0, e, format_args!("({})", value.trim_end().replace('\n', "; "))))
}

/// Runs newuidmap(1) or newgidmap(1) by the caller's PATH.
fn helper(name: &std::ffi::CStr, pid: i32, map: &[IdMap], mask: u64, start: Start) -> Result<(), Error> {
    let shown = name.to_string_lossy();
    // The helper looks for the number in the same /proc.
    proc::is_there().map_err(|e| {
        Error::new(Stage::IDMAP_HELPER, 0, e, format_args!("{shown} needs the /proc of this pid namespace"))
    })?;
    let numbers = std::iter::once(pid.to_string())
        .chain(map.iter().flat_map(|l| [l.inside, l.outside, l.count].map(|n| n.to_string())));
    let argv = std::iter::once(name.to_owned()).chain(numbers.filter_map(|n| CString::new(n).ok()));
    let mut config = Settings::default();
    config.set_argv(argv.collect())?;
    config.set_program(Program::Search(name.to_owned()))?;
    config.add_null(0)?;
    // Not what is blocked here while the child waits.
    config.set_mask(mask)?;
    // Its messages belong into the error and not onto the caller's terminal.
    let (theirs, ours) =
        Private::second(sys::sock::pair).map_err(|e| Error::new(Stage::IDMAP_HELPER, 0, e, &shown))?;
    config.add_dup(theirs.as_raw_fd(), 2)?;
    let failed =
        |e: Errno, what: &str| Error::new(Stage::IDMAP_HELPER, 0, e, format_args!("{shown}: {what}"));
    let (_, pidfd) = start(&config).map_err(|e| {
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
fn said(theirs: OwnFd, ours: &Private) -> String {
    drop(theirs);
    let mut text = Vec::new();
    let mut part = [0; 256];
    while let Ok(len @ 1..) = ours.live().and_then(|ours| sys::fd::read(ours, &mut part)) {
        text.extend_from_slice(part.get(..len).unwrap_or_default());
        if text.len() > 512 {
            break;
        }
    }
    String::from_utf8_lossy(&text).trim().replace('\n', "; ")
}
