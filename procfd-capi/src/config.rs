// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The commands of process_config.

use std::ffi::c_int;
use std::time::Duration;

use procfd::ffi::{self, Configuring, Pid, Setting};
use procfd::{Errno, IdMap, Ids, Scope, Setgroups};

use crate::Result;
use crate::abi::*;
use crate::args::{Data, string_at};

const INVALID: Errno = Errno(libc::EINVAL);
/// Elements of a group or map list; the core and the kernel have closer limits.
const LIST_MAX: usize = 65_537;

pub(crate) fn config(procfd: c_int, cmd: u32, arg: u64, data: Data) -> Result {
    let context = ffi::configuring(procfd)?;
    match cmd {
        PROC_CREATE => {
            plain(arg, data).map_err(|e| refused(&context, cmd, e))?;
            match context.create()? {
                Pid::Parent(pid) => Ok(pid),
                Pid::Child => Ok(0),
            }
        }
        PROC_ATTACH => {
            let pidfd = bare_fd(arg, data).map_err(|e| refused(&context, cmd, e))?;
            context.attach(pidfd)
        }
        PROC_COPY => {
            plain(arg, data).map_err(|e| refused(&context, cmd, e))?;
            context.copy()
        }
        _ => {
            let setting = setting(cmd, arg, data).map_err(|e| refused(&context, cmd, e))?;
            context.set(setting).map(|()| 0)
        }
    }
}

fn refused(context: &Configuring, cmd: u32, errno: Errno) -> Errno {
    let what = match errno.0 {
        libc::EFAULT => format!("command {cmd:#x}: a NULL pointer"),
        libc::E2BIG => format!("command {cmd:#x}: data too long, or of a newer version"),
        _ => format!("command {cmd:#x}: unknown, or not with this arg, data and size"),
    };
    context.refuse(errno.0, &what)
}

fn setting(cmd: u32, arg: u64, data: Data) -> std::result::Result<Setting, Errno> {
    Ok(match cmd {
        PROC_SET_FLAG => {
            data.none()?;
            Setting::Namespaces(arg)
        }
        PROC_SET_CLOSE => Setting::Close(close_policy(arg, data)?),
        PROC_SET_EXEC => Setting::Exec {
            path: data.string()?,
            search: match arg {
                0 => false,
                PROC_EXEC_PATH => true,
                _ => return Err(INVALID),
            },
        },
        PROC_SET_EXEC_FD => Setting::ExecFd(bare_fd(arg, data)?),
        PROC_SET_ARGV => Setting::Argv(zero(arg, data)?.strings()?),
        PROC_SET_ENV => Setting::Env(zero(arg, data)?.strings()?),
        PROC_SET_ENV_VAR => Setting::EnvVar(zero(arg, data)?.string()?),
        PROC_UNSET_ENV_VAR => Setting::UnsetEnvVar(zero(arg, data)?.string()?),
        PROC_SET_CWD => Setting::Cwd(zero(arg, data)?.string()?),
        PROC_SET_CWD_FD => Setting::CwdFd(bare_fd(arg, data)?),
        PROC_SET_ROOT => Setting::Root(zero(arg, data)?.string()?),
        PROC_FD_DUP => {
            let dup: procfd_dup = zero(arg, data)?.read()?;
            Setting::Dup { source: dup.source, target: dup.target }
        }
        PROC_FD_OPEN => {
            let open: procfd_open = data.whole_pointer()?.read()?;
            Setting::Open {
                target: fd(arg)?,
                path: string_at(open.path)?,
                flags: i32::try_from(open.flags).map_err(|_| INVALID)?,
                mode: u32::try_from(open.mode).map_err(|_| INVALID)?,
            }
        }
        PROC_FD_CLOSE => Setting::CloseFd(bare_fd(arg, data)?),
        PROC_FD_CLOSE_RANGE => {
            let range: procfd_range = zero(arg, data)?.read()?;
            Setting::CloseRange { first: range.first, last: range.last }
        }
        PROC_FD_NULL => Setting::Null(bare_fd(arg, data)?),
        PROC_FD_INHERIT => {
            let fd = bare_fd(arg, data)?;
            Setting::Dup { source: fd, target: fd }
        }
        PROC_FD_INHERIT_ALL => Setting::InheritAll(switch(arg, data)?),
        PROC_SET_SIGMASK => Setting::SigMask(data.signal_set(arg)?),
        PROC_SET_SIGDEFAULT => Setting::SigDefault(data.signal_set(arg)?),
        PROC_SET_SIGIGNORE => Setting::SigIgnore(data.signal_set(arg)?),
        PROC_SET_SESSION => Setting::Session(switch(arg, data)?),
        PROC_SET_PGROUP => Setting::Group(number(arg, data)?),
        PROC_SET_CTTY => Setting::Ctty(bare_fd(arg, data)?),
        PROC_SET_FOREGROUND => Setting::Foreground(bare_fd(arg, data)?),
        PROC_SET_UID => Setting::Uid(ids(arg, data)?),
        PROC_SET_GID => Setting::Gid(ids(arg, data)?),
        PROC_SET_GROUPS => Setting::Groups(zero(arg, data)?.list(LIST_MAX)?),
        PROC_SET_UMASK => Setting::Umask(number(arg, data)? as u32),
        PROC_SET_RLIMIT => {
            let limit: procfd_rlimit = data.read()?;
            Setting::RLimit {
                resource: u32::try_from(arg).map_err(|_| INVALID)?,
                soft: limit.soft,
                hard: limit.hard,
            }
        }
        PROC_SET_NICE => {
            data.none()?;
            Setting::Nice(crate::args::signed(arg))
        }
        PROC_SET_NO_NEW_PRIVS => Setting::NoNewPrivs(switch(arg, data)?),
        PROC_SET_PDEATHSIG => Setting::PdeathSig(number(arg, data)?),
        PROC_SET_EXIT_SIGNAL => Setting::ExitSignal(number(arg, data)?),
        PROC_SET_UID_MAP => Setting::UidMap(id_map(arg, data)?),
        PROC_SET_GID_MAP => Setting::GidMap(id_map(arg, data)?),
        PROC_SET_SETGROUPS => {
            data.none()?;
            Setting::Setgroups(match arg {
                PROC_SETGROUPS_AUTO => Setgroups::Auto,
                PROC_SETGROUPS_ALLOW => Setgroups::Allow,
                PROC_SETGROUPS_DENY => Setgroups::Deny,
                _ => return Err(INVALID),
            })
        }
        PROC_SET_HOSTNAME => Setting::Hostname(zero(arg, data)?.string()?.into_bytes()),
        PROC_SET_INIT => Setting::Init(switch(arg, data)?),
        _ => return Err(INVALID),
    })
}

/// PROC_SET_CLOSE, of process_config and of process_manage.
pub(crate) fn close_policy(arg: u64, data: Data) -> std::result::Result<Option<ffi::Close>, Errno> {
    let close: procfd_close = data.read_or_default()?;
    let scope = match close.scope {
        PROC_SCOPE_PROCESS => Scope::Process,
        PROC_SCOPE_PGROUP => Scope::ProcessGroup,
        _ => return Err(INVALID),
    };
    let signal = i32::try_from(arg).map_err(|_| INVALID)?;
    let then = match (close.second_signal, close.delay_ns) {
        (0, 0) => None,
        (0, _) => return Err(INVALID),
        (second, ns) => Some((i32::try_from(second).map_err(|_| INVALID)?, Duration::from_nanos(ns))),
    };
    match (signal, then) {
        (0, Some(_)) => Err(INVALID),
        (0, None) => Ok(None),
        _ => Ok(Some((signal, scope, then))),
    }
}

/// A command without argument or data.
fn plain(arg: u64, data: Data) -> std::result::Result<(), Errno> {
    zero(arg, data)?.none()
}

/// A command whose argument is 0.
fn zero(arg: u64, data: Data) -> std::result::Result<Data, Errno> {
    if arg == 0 { Ok(data) } else { Err(INVALID) }
}

/// A command whose argument is 0 or 1.
fn switch(arg: u64, data: Data) -> std::result::Result<bool, Errno> {
    data.none()?;
    match arg {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(INVALID),
    }
}

fn number(arg: u64, data: Data) -> std::result::Result<i32, Errno> {
    data.none()?;
    i32::try_from(arg).map_err(|_| INVALID)
}

/// A descriptor in an argument: what is no int, or negative as one, cannot be open.
fn fd(arg: u64) -> std::result::Result<c_int, Errno> {
    i32::try_from(arg).map_err(|_| Errno(libc::EBADF))
}

fn bare_fd(arg: u64, data: Data) -> std::result::Result<c_int, Errno> {
    data.none()?;
    fd(arg)
}

fn ids(arg: u64, data: Data) -> std::result::Result<Ids, Errno> {
    if data.is_null() {
        data.none()?;
        let id = u32::try_from(arg).map_err(|_| INVALID)?;
        // (uid_t)-1 is no id: setresuid(2) would take it for "as it is".
        return if id == u32::MAX { Err(INVALID) } else { Ok(Ids::all(id)) };
    }
    let ids: procfd_ids = zero(arg, data)?.read()?;
    if ids.reserved != 0 {
        return Err(INVALID);
    }
    let id = |id: u32| (id != u32::MAX).then_some(id);
    Ok(Ids { real: id(ids.real), effective: id(ids.effective), saved: id(ids.saved) })
}

fn id_map(arg: u64, data: Data) -> std::result::Result<Vec<IdMap>, Errno> {
    let lines: Vec<procfd_idmap> = zero(arg, data)?.list(LIST_MAX)?;
    if lines.iter().any(|l| l.reserved != 0) {
        return Err(INVALID);
    }
    let mut map = Vec::new();
    map.try_reserve_exact(lines.len()).map_err(|_| Errno(libc::ENOMEM))?;
    map.extend(lines.iter().map(|l| IdMap { inside: l.inside, outside: l.outside, count: l.count }));
    Ok(map)
}
