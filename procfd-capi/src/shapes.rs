// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What arg and data of a command hold, by the shapes of procfd-core/src/settings.tsv.

use std::ffi::{CString, c_int};
use std::time::Duration;

use procfd::ffi::Close;
use procfd::{Errno, IdMap, Ids, Scheduler, Scope};

use crate::abi::*;
use crate::args::{self, Data, Plain};

pub(crate) const INVALID: Errno = Errno(libc::EINVAL);
/// Elements of a group or map list; the core and the kernel have closer limits.
const LIST_MAX: usize = 65_537;

/// What was read, or why the arguments are not of the shape.
pub(crate) type Read<T> = std::result::Result<T, Errno>;

/// Neither argument nor data.
pub(crate) fn nothing(arg: u64, data: Data) -> Read<()> {
    zero(arg, data)?.none()
}

/// Data, with an argument of 0.
pub(crate) fn zero(arg: u64, data: Data) -> Read<Data> {
    if arg == 0 { Ok(data) } else { Err(INVALID) }
}

/// An argument of 0 or 1.
pub(crate) fn switch(arg: u64, data: Data) -> Read<bool> {
    match flags(arg, data)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(INVALID),
    }
}

/// An argument that is not negative.
pub(crate) fn number<T: TryFrom<u64>>(arg: u64, data: Data) -> Read<T> {
    flags(arg, data)?.try_into().map_err(|_| INVALID)
}

/// An argument that may be negative.
pub(crate) fn signed(arg: u64, data: Data) -> Read<i64> {
    flags(arg, data).map(args::signed)
}

/// All 64 bits of the argument.
pub(crate) fn flags(arg: u64, data: Data) -> Read<u64> {
    data.none()?;
    Ok(arg)
}

/// A set of capabilities.
pub(crate) fn caps(arg: u64, data: Data) -> Read<u64> {
    flags(arg, data)
}

/// A descriptor: what is no int, or negative as one, cannot be open.
pub(crate) fn fd(arg: u64, data: Data) -> Read<c_int> {
    data.none()?;
    target(arg)
}

/// A descriptor in the argument of a command with data.
pub(crate) fn target(arg: u64) -> Read<c_int> {
    i32::try_from(arg).map_err(|_| Errno(libc::EBADF))
}

/// A string.
pub(crate) fn string(arg: u64, data: Data) -> Read<CString> {
    zero(arg, data)?.string()
}

/// The bytes of a string.
pub(crate) fn bytes(arg: u64, data: Data) -> Read<Vec<u8>> {
    string(arg, data).map(CString::into_bytes)
}

/// A NULL-terminated array of strings.
pub(crate) fn strings(arg: u64, data: Data) -> Read<Vec<CString>> {
    zero(arg, data)?.strings()
}

/// An array.
pub(crate) fn list<T: Plain>(arg: u64, data: Data) -> Read<Vec<T>> {
    zero(arg, data)?.list(LIST_MAX)
}

/// A signal set, in the argument or as a sigset_t.
pub(crate) fn signals(arg: u64, data: Data) -> Read<u64> {
    data.signal_set(arg)
}

/// One id for all three, or a structure of them.
pub(crate) fn ids(arg: u64, data: Data) -> Read<Ids> {
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

/// The lines of an id map.
pub(crate) fn id_map(arg: u64, data: Data) -> Read<Vec<IdMap>> {
    let lines: Vec<procfd_idmap> = list(arg, data)?;
    if lines.iter().any(|l| l.reserved != 0) {
        return Err(INVALID);
    }
    let mut map = Vec::new();
    map.try_reserve_exact(lines.len()).map_err(|_| Errno(libc::ENOMEM))?;
    map.extend(lines.iter().map(|l| IdMap { inside: l.inside, outside: l.outside, count: l.count }));
    Ok(map)
}

/// PROC_SCHEDULER and PROC_SET_SCHEDULER.
pub(crate) fn scheduler(arg: u64, data: Data) -> Read<Scheduler> {
    let asked: procfd_sched = zero(arg, data)?.read()?;
    if asked.reserved != 0 {
        return Err(INVALID);
    }
    let mut scheduler = Scheduler::default();
    scheduler.policy = asked.policy;
    scheduler.flags = asked.flags;
    scheduler.nice = asked.nice;
    scheduler.priority = asked.priority;
    scheduler.runtime = Duration::from_nanos(asked.runtime_ns);
    scheduler.deadline = Duration::from_nanos(asked.deadline_ns);
    scheduler.period = Duration::from_nanos(asked.period_ns);
    scheduler.util_min = asked.util_min;
    scheduler.util_max = asked.util_max;
    Ok(scheduler)
}

/// What there is data for.
pub(crate) fn optional<T>(
    read: impl FnOnce(u64, Data) -> Read<T>,
) -> impl FnOnce(u64, Data) -> Read<Option<T>> {
    |arg, data| match arg == 0 && data.none().is_ok() {
        true => Ok(None),
        false => read(arg, data).map(Some),
    }
}

/// PROC_SET_CLOSE, of process_config and of process_manage.
pub(crate) fn close_policy(arg: u64, data: Data) -> Read<Option<Close>> {
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
