// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The record that the child keeps of its steps, where the parent can read it.

use std::fmt::Write;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{Error, Stage};
use crate::settings::{Config, Program, describe};
use crate::sys::{self, Errno};

/// The step the child is at, and the errno if it failed there. Written before each step, so that
/// a child that is killed tells where.
#[derive(Debug, Default)]
pub(super) struct Report {
    stage: AtomicU32,
    index: AtomicU32,
    errno: AtomicU32,
}

impl Report {
    #[inline(always)]
    pub(super) fn at(&self, stage: Stage, index: u32) {
        self.stage.store(stage.as_raw(), Ordering::Relaxed);
        self.index.store(index, Ordering::Relaxed);
    }

    #[inline(always)]
    pub(super) fn failed(&self, errno: Errno) {
        self.errno.store(sys::child::errno(errno), Ordering::Release);
    }

    /// Whether the program is being executed, or has been.
    #[inline(always)]
    pub(super) fn is_executing(&self) -> bool {
        self.stage.load(Ordering::Relaxed) == Stage::EXEC.as_raw() && self.errno.load(Ordering::Acquire) == 0
    }

    pub(super) fn read(&self) -> (Stage, u32, Option<Errno>) {
        let errno = self.errno.load(Ordering::Acquire) as i32;
        let stage = Stage::from_raw(self.stage.load(Ordering::Relaxed));
        let index = self.index.load(Ordering::Relaxed);
        (stage, index, (errno != 0).then_some(Errno(errno)))
    }

    /// For the fork, whose child has memory of its own.
    pub(super) fn to_bytes(&self) -> [u8; 12] {
        let mut out = [0; 12];
        for (to, from) in out.chunks_exact_mut(4).zip([&self.stage, &self.index, &self.errno]) {
            to.copy_from_slice(&from.load(Ordering::Relaxed).to_ne_bytes());
        }
        out
    }

    pub(super) fn set_from_bytes(&self, bytes: [u8; 12]) {
        for (from, to) in bytes.chunks_exact(4).zip([&self.stage, &self.index, &self.errno]) {
            let mut word = [0; 4];
            word.copy_from_slice(from);
            to.store(u32::from_ne_bytes(word), Ordering::Relaxed);
        }
    }
}

/// The error of a step of the child, with the operand in its words.
pub(super) fn error(
    config: &Config,
    candidates: &[std::ffi::CString],
    stage: Stage,
    index: u32,
    errno: Errno,
) -> Error {
    Error::new(stage, index, errno, operand(config, candidates, stage, index)).with_hint(config, stage, errno)
}

fn operand(config: &Config, candidates: &[std::ffi::CString], stage: Stage, index: u32) -> String {
    let at = index as usize;
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = match stage {
        Stage::SIGNALS => write!(out, "{index}"),
        Stage::NICE => write!(out, "{}", config.nice.unwrap_or(0)),
        Stage::RLIMIT => match config.rlimits.iter().find(|(r, _)| *r == index) {
            Some((_, l)) => write!(out, "{index} to {} (soft), {} (hard)", limit(l.cur), limit(l.max)),
            None => write!(out, "{index}"),
        },
        Stage::PGROUP => match config.group {
            Some(0) | None => write!(out, "(a new one)"),
            Some(g) => write!(out, "{g}"),
        },
        Stage::CTTY => write!(out, "to descriptor {}", config.ctty.unwrap_or(-1)),
        Stage::FOREGROUND => write!(out, "of descriptor {}", config.foreground.unwrap_or(-1)),
        Stage::HOSTNAME => {
            write!(out, "{:?}", String::from_utf8_lossy(config.hostname.as_deref().unwrap_or_default()))
        }
        Stage::ROOT => config.root.as_ref().map_or(Ok(()), |r| write!(out, "to {r:?}")),
        Stage::CWD => match config.actions.get(at) {
            Some(action) => write!(out, "to {}", describe(action)),
            None => Ok(()),
        },
        Stage::FD => match config.actions.get(at) {
            Some(action) => write!(out, "{index}: {}", describe(action)),
            None => Ok(()),
        },
        Stage::UMASK => write!(out, "{:#o}", config.umask.unwrap_or(0)),
        Stage::GROUPS => write!(out, "{:?}", config.groups.as_deref().unwrap_or_default()),
        Stage::UID => write!(out, "{}", ids(config.uid)),
        Stage::GID => write!(out, "{}", ids(config.gid)),
        Stage::PDEATHSIG => write!(out, "{}", config.pdeathsig),
        Stage::EXEC => match (&config.program, candidates.get(at)) {
            (Program::Search(name), Some(path)) if name != path => {
                write!(out, "{name:?} (searched in PATH, at {path:?})")
            }
            (_, Some(path)) => write!(out, "{path:?}"),
            (Program::Fd(fd), None) => write!(out, "descriptor {fd}"),
            _ => Ok(()),
        },
        _ => Ok(()),
    };
    out
}

fn limit(value: u64) -> String {
    if value == u64::MAX { "unlimited".into() } else { value.to_string() }
}

fn ids(ids: Option<crate::settings::Ids>) -> String {
    let show = |id: Option<u32>| id.map_or("as it is".into(), |id| id.to_string());
    ids.map_or(String::new(), |i| {
        format!("real {}, effective {}, saved {}", show(i.real), show(i.effective), show(i.saved))
    })
}

impl Error {
    /// What to do, where the errno and the step leave no doubt about it.
    fn with_hint(self, config: &Config, stage: Stage, errno: Errno) -> Self {
        let unmapped = config.namespaces & crate::settings::Namespaces::USER.bits() != 0
            && config.uid_map.is_empty()
            && config.gid_map.is_empty();
        match (stage, errno.0) {
            (Stage::UID | Stage::GID | Stage::GROUPS, libc::EINVAL | libc::EPERM) if unmapped => {
                self.hint("the new user namespace has no id map")
            }
            (Stage::EXEC, libc::ENOENT) if matches!(config.program, Program::Fd(_)) => {
                self.hint("a script needs its descriptor inherited, so that its interpreter can open it")
            }
            (Stage::EXEC, libc::ENOEXEC) => self.hint("no known format and no #! line; no shell is tried"),
            _ => self,
        }
    }
}
