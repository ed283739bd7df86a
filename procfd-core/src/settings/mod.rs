// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What a context can hold before it is started: plain data, checked as it comes in.
//!
//! | room | holds |
//! |---|---|
//! | `actions` | the list of directory and descriptor actions |
//! | `env` | the environment and its edits |
//! | `ids` | ids, id maps, namespaces |

mod actions;
mod env;
mod ids;

use std::ffi::CString;
use std::os::fd::{OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

pub(crate) use actions::{Action, describe};
pub(crate) use env::Env;
pub use ids::{IdMap, Ids, Namespaces, Setgroups};

use crate::error::Error;
use crate::sys::RLimit64;
use crate::sys::cstr::CStrArray;

/// Longest path, with its NUL (limits.h).
pub(crate) const PATH_MAX: usize = 4096;
/// Longest single argument or environment string, with its NUL (execve(2), MAX_ARG_STRLEN on 4 KiB pages).
pub(crate) const ARG_STRLEN_MAX: usize = 131_072;
/// Arguments and environment together (execve(2): 3/4 of 8 MiB at most).
pub(crate) const ARG_TOTAL_MAX: usize = 6 << 20;
/// Entries of a list: actions, id map lines, groups (setgroups(2): NGROUPS_MAX).
pub(crate) const LIST_MAX: usize = 65_536;
/// Signals are numbered 1 to this.
pub(crate) const SIGNAL_MAX: i32 = 64;

/// The program.
#[derive(Clone, Debug, Default)]
pub enum Program {
    /// None: a fork.
    #[default]
    None,
    /// By its path.
    Path(CString),
    /// By the caller's PATH unless there is a slash in it.
    Search(CString),
    /// The first of these that is there, by the rule of execvpe(3).
    OneOf(Vec<CString>),
    /// By an open descriptor of it.
    Fd(RawFd),
}

/// Whom a signal or close policy is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// The process.
    #[default]
    Process,
    /// The thread the pidfd stands for: the leader, unless it was opened with `PIDFD_THREAD`.
    Thread,
    /// The process group.
    ProcessGroup,
}

/// What the kernel does when the last procfd is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClosePolicy {
    pub signal: i32,
    pub group: bool,
    /// A second signal, and when it follows: the watcher's part.
    pub then: Option<(i32, Duration)>,
}

impl ClosePolicy {
    /// A signal to the process or its group. EINVAL: no such signal, or a thread's scope.
    pub(crate) fn new(signal: i32, scope: Scope, then: Option<(i32, Duration)>) -> Result<Self, Error> {
        check_signal(signal, false)?;
        if let Some((second, _)) = then {
            check_signal(second, false)?;
        }
        let group = match scope {
            Scope::Process => false,
            Scope::ProcessGroup => true,
            Scope::Thread => return Err(Error::config(libc::EINVAL, "a close policy for one thread")),
        };
        Ok(Self { signal, group, then })
    }
}

/// A close policy: signal, scope, and the second signal with its delay.
pub type Close = (i32, Scope, Option<(i32, Duration)>);

/// The whole configuration of a context.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub(crate) program: Program,
    pub(crate) argv: Option<CStrArray>,
    pub(crate) env: Env,
    pub(crate) actions: Vec<Action>,
    pub(crate) inherit_all: bool,
    pub(crate) root: Option<CString>,
    pub(crate) mask: Option<u64>,
    pub(crate) default_signals: u64,
    pub(crate) ignored_signals: u64,
    pub(crate) session: bool,
    pub(crate) group: Option<i32>,
    pub(crate) ctty: Option<RawFd>,
    pub(crate) foreground: Option<RawFd>,
    pub(crate) uid: Option<Ids>,
    pub(crate) gid: Option<Ids>,
    pub(crate) groups: Option<Vec<u32>>,
    pub(crate) umask: Option<u32>,
    pub(crate) rlimits: Vec<(u32, RLimit64)>,
    pub(crate) nice: Option<i32>,
    pub(crate) no_new_privs: bool,
    pub(crate) pdeathsig: i32,
    pub(crate) exit_signal: Option<i32>,
    pub(crate) namespaces: u64,
    pub(crate) uid_map: Vec<IdMap>,
    pub(crate) gid_map: Vec<IdMap>,
    pub(crate) setgroups: Setgroups,
    pub(crate) hostname: Option<Vec<u8>>,
    pub(crate) close: Option<ClosePolicy>,
    /// The new pid namespace gets the library's own init, and the program is pid 2.
    pub(crate) built_in_init: bool,
    /// Descriptors that the Rust interface was given to keep until the start.
    pub(crate) held: Vec<Arc<OwnedFd>>,
}

type Set = Result<(), Error>;

#[allow(missing_docs, reason = "named as the C commands and the methods of Context")]
impl Config {
    pub fn set_program(&mut self, program: Program) -> Set {
        if let Program::Path(p) | Program::Search(p) = &program {
            check_path(p, "the program")?;
        }
        if let Program::OneOf(paths) = &program {
            check_len(paths.len(), "paths of the program")?;
            if paths.is_empty() {
                return Err(Error::config(libc::ENOENT, "the program: no path"));
            }
            paths.iter().try_for_each(|path| check_path(path, "the program"))?;
        }
        if let Program::Fd(fd) = program {
            check_fd(fd, "the program")?;
        }
        self.program = program;
        Ok(())
    }

    pub fn set_program_fd(&mut self, fd: RawFd) -> Set {
        self.set_program(Program::Fd(fd))
    }

    pub fn set_argv(&mut self, argv: Vec<CString>) -> Set {
        if argv.is_empty() {
            return Err(Error::config(libc::EINVAL, "an argument list without argv[0]"));
        }
        self.argv = Some(checked_list(argv, "argument")?);
        Ok(())
    }

    pub fn set_root(&mut self, path: CString) -> Set {
        check_path(&path, "the root directory")?;
        self.root = Some(path);
        Ok(())
    }

    pub fn set_default_signals(&mut self, set: u64) -> Set {
        self.default_signals = changeable(set)?;
        Ok(())
    }

    pub fn set_ignored_signals(&mut self, set: u64) -> Set {
        self.ignored_signals = changeable(set)?;
        Ok(())
    }

    pub fn set_group(&mut self, group: i32) -> Set {
        if group < 0 {
            return Err(Error::config(libc::EINVAL, format_args!("process group {group}")));
        }
        self.group = Some(group);
        Ok(())
    }

    pub fn set_ctty(&mut self, fd: RawFd) -> Set {
        check_fd(fd, "the controlling terminal")?;
        self.ctty = Some(fd);
        Ok(())
    }

    pub fn set_foreground(&mut self, fd: RawFd) -> Set {
        check_fd(fd, "the terminal")?;
        self.foreground = Some(fd);
        Ok(())
    }

    pub fn set_groups(&mut self, groups: Vec<u32>) -> Set {
        check_len(groups.len(), "supplementary groups")?;
        self.groups = Some(groups);
        Ok(())
    }

    pub fn set_umask(&mut self, mask: u32) -> Set {
        if mask > 0o777 {
            return Err(Error::config(libc::EINVAL, format_args!("umask {mask:#o}")));
        }
        self.umask = Some(mask);
        Ok(())
    }

    pub fn set_rlimit(&mut self, resource: u32, soft: u64, hard: u64) -> Set {
        // 16 resources since 2.6.25 (getrlimit(2)).
        if resource >= 16 {
            return Err(Error::config(libc::EINVAL, format_args!("resource {resource}")));
        }
        if soft > hard {
            return Err(Error::config(
                libc::EINVAL,
                format_args!("resource {resource}: soft limit {soft} above the hard limit {hard}"),
            ));
        }
        let limit = RLimit64 { cur: soft, max: hard };
        match self.rlimits.iter_mut().find(|(r, _)| *r == resource) {
            Some((_, l)) => *l = limit,
            None => self.rlimits.push((resource, limit)),
        }
        Ok(())
    }

    pub fn set_nice(&mut self, nice: i64) -> Set {
        match i32::try_from(nice) {
            Ok(n @ -20..=19) => {
                self.nice = Some(n);
                Ok(())
            }
            _ => Err(Error::config(libc::EINVAL, format_args!("nice value {nice}"))),
        }
    }

    pub fn set_pdeathsig(&mut self, signal: i32) -> Set {
        self.pdeathsig = check_signal(signal, true)?;
        Ok(())
    }

    pub fn set_exit_signal(&mut self, signal: i32) -> Set {
        self.exit_signal = Some(check_signal(signal, true)?);
        Ok(())
    }

    pub fn set_hostname(&mut self, name: Vec<u8>) -> Set {
        // sethostname(2): __NEW_UTS_LEN.
        if name.len() > 64 {
            return Err(Error::config(libc::ENAMETOOLONG, "a host name over 64 bytes"));
        }
        if name.contains(&0) {
            return Err(Error::config(libc::EINVAL, "a host name with a NUL in it"));
        }
        self.hostname = Some(name);
        Ok(())
    }

    pub fn set_close(&mut self, policy: Option<Close>) -> Set {
        self.close = policy.map(|(signal, scope, then)| ClosePolicy::new(signal, scope, then)).transpose()?;
        Ok(())
    }

    pub fn set_inherit_all(&mut self, on: bool) -> Set {
        self.inherit_all = on;
        Ok(())
    }

    pub fn set_mask(&mut self, set: u64) -> Set {
        self.mask = Some(set);
        Ok(())
    }

    pub fn set_session(&mut self, on: bool) -> Set {
        self.session = on;
        Ok(())
    }

    pub fn set_uid(&mut self, ids: Ids) -> Set {
        self.uid = Some(ids);
        Ok(())
    }

    pub fn set_gid(&mut self, ids: Ids) -> Set {
        self.gid = Some(ids);
        Ok(())
    }

    pub fn set_no_new_privs(&mut self, on: bool) -> Set {
        self.no_new_privs = on;
        Ok(())
    }

    pub fn set_setgroups(&mut self, policy: Setgroups) -> Set {
        self.setgroups = policy;
        Ok(())
    }

    pub fn set_init(&mut self, on: bool) -> Set {
        self.built_in_init = on;
        Ok(())
    }

    /// Whether the process will be the init of a pid namespace, which a fuse cannot reach.
    pub(crate) fn is_init(&self) -> bool {
        self.namespaces & Namespaces::PID.bits() != 0
    }
}

/// A signal number, or 0 where `none` allows it.
pub(crate) fn check_signal(signal: i32, none: bool) -> Result<i32, Error> {
    if (1..=SIGNAL_MAX).contains(&signal) || (none && signal == 0) {
        Ok(signal)
    } else {
        Err(Error::config(libc::EINVAL, format_args!("signal {signal}")))
    }
}

fn changeable(set: u64) -> Result<u64, Error> {
    let fixed = 1u64 << (libc::SIGKILL - 1) | 1u64 << (libc::SIGSTOP - 1);
    if set & fixed != 0 {
        return Err(Error::config(
            libc::EINVAL,
            "a signal set with SIGKILL or SIGSTOP, whose action is fixed",
        ));
    }
    Ok(set)
}

fn check_fd(fd: RawFd, what: &str) -> Set {
    if fd < 0 {
        return Err(Error::config(libc::EBADF, format_args!("{what}: descriptor {fd}")));
    }
    Ok(())
}

fn check_path(path: &CString, what: &str) -> Set {
    if path.is_empty() {
        return Err(Error::config(libc::ENOENT, format_args!("{what}: an empty path")));
    }
    if path.as_bytes_with_nul().len() > PATH_MAX {
        return Err(Error::config(
            libc::ENAMETOOLONG,
            format_args!("{what}: a path of {} bytes", path.as_bytes().len()),
        ));
    }
    Ok(())
}

fn check_len(len: usize, what: &str) -> Set {
    if len > LIST_MAX {
        return Err(Error::config(libc::E2BIG, format_args!("{len} {what}")));
    }
    Ok(())
}

/// The limits of execve(2), told early.
fn checked_list(strings: Vec<CString>, what: &str) -> Result<CStrArray, Error> {
    let mut total = 0usize;
    for (i, s) in strings.iter().enumerate() {
        let len = s.as_bytes_with_nul().len();
        if len > ARG_STRLEN_MAX {
            return Err(Error::config(libc::E2BIG, format_args!("{what} {i} of {len} bytes")));
        }
        total = total.saturating_add(len).saturating_add(size_of::<usize>());
    }
    if total > ARG_TOTAL_MAX {
        return Err(Error::config(libc::E2BIG, format_args!("{what}s of {total} bytes")));
    }
    CStrArray::try_new(strings).map_err(|e| Error::config(e.0, what))
}
