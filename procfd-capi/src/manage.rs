// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The commands of process_manage.

use std::ffi::c_int;
use std::time::Duration;

use procfd::raw;
use procfd::{Change, Errno, Scope, Status, Usage, WaitOptions};

use crate::Result;
use crate::abi::*;
use crate::args::Data;

const INVALID: Errno = Errno(libc::EINVAL);

/// Commands numbered in the family of process_config that are commands of this call too.
pub(crate) const SHARED: &[u32] = &[PROC_SET_CLOSE];

pub(crate) fn manage(procfd: c_int, cmd: u32, arg: u64, data: Data) -> Result {
    match cmd {
        PROC_SIGNAL => signal(procfd, arg, data),
        PROC_WAIT => wait(procfd, arg, data),
        PROC_GETFD => {
            data.none()?;
            raw::get_fd(procfd, i32::try_from(arg).map_err(|_| Errno(libc::EBADF))?)
        }
        PROC_SET_CLOSE => raw::change_close(procfd, crate::config::close_policy(arg, data)?).map(|()| 0),
        _ => {
            // A bad descriptor is told before a bad command.
            raw::state(procfd)?;
            Err(INVALID)
        }
    }
}

fn signal(procfd: c_int, arg: u64, data: Data) -> Result {
    let how: procfd_signal = data.read_or_default()?;
    let scope = match how.scope {
        PROC_SCOPE_PROCESS => Scope::Process,
        PROC_SCOPE_THREAD => Scope::Thread,
        PROC_SCOPE_PGROUP => Scope::ProcessGroup,
        _ => return Err(INVALID),
    };
    let value = match how.flags {
        0 if how.value == 0 => None,
        PROC_SIGNAL_VALUE => Some(how.value),
        _ => return Err(INVALID),
    };
    let signal = i32::try_from(arg).map_err(|_| INVALID)?;
    raw::send_signal(procfd, signal, scope, value).map(|()| 0)
}

fn wait(procfd: c_int, arg: u64, data: Data) -> Result {
    let mut options = WaitOptions::empty();
    let known = [
        (PROC_WAIT_PEEK, WaitOptions::PEEK),
        (PROC_WAIT_STOPPED, WaitOptions::STOPPED),
        (PROC_WAIT_CONTINUED, WaitOptions::CONTINUED),
    ];
    let mut left = arg & !PROC_WAIT_NOHANG;
    for (bit, option) in known {
        options.set(option, left & bit != 0);
        left &= !bit;
    }
    if left != 0 {
        return Err(INVALID);
    }
    let asked: procfd_wait = data.read_or_default()?;
    if !data.is_null() {
        // A place that cannot take the answer must not cost it.
        data.writable::<procfd_wait>()?;
    }
    let status = raw::wait(procfd, options, arg & PROC_WAIT_NOHANG != 0, asked.timeout_ns)?;
    if !data.is_null() {
        data.write(&answer(asked.timeout_ns, &status))?;
    }
    Ok(0)
}

fn answer(timeout_ns: u64, status: &Status) -> procfd_wait {
    let (what, code) = change(status.change);
    procfd_wait {
        timeout_ns,
        what,
        status: code,
        mask: if status.usage.is_some() { PROC_WAIT_HAS_USAGE } else { 0 },
        usage: status.usage.as_ref().map(usage).unwrap_or_default(),
    }
}

/// PROC_EXITED and so on, with the code or signal.
pub(crate) fn change(change: Change) -> (u32, i32) {
    match change {
        Change::Exited(code) => (PROC_EXITED, code),
        Change::Killed(signal) => (PROC_KILLED, signal),
        Change::Dumped(signal) => (PROC_DUMPED, signal),
        Change::Stopped(signal) => (PROC_STOPPED, signal),
        Change::Continued => (PROC_CONTINUED, 0),
        // The core's enum may grow; until this knows the new one, it is no known change.
        _ => (0, 0),
    }
}

pub(crate) fn usage(u: &Usage) -> procfd_rusage {
    let ns = |d: Duration| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX);
    procfd_rusage {
        utime_ns: ns(u.user),
        stime_ns: ns(u.system),
        maxrss: u.max_rss,
        minflt: u.minor_faults,
        majflt: u.major_faults,
        inblock: u.blocks_in,
        oublock: u.blocks_out,
        nvcsw: u.voluntary_switches,
        nivcsw: u.involuntary_switches,
    }
}
