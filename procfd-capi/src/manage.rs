// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The commands of process_manage.

use std::ffi::c_int;
use std::time::Duration;

use procfd::ffi;
use procfd::{Change, Errno, Scope, Status, TreeMethod, Usage, WaitOptions};

use crate::Result;
use crate::abi::*;
use crate::args::{Data, RemoteRange, signed};

const INVALID: Errno = Errno(libc::EINVAL);
/// Bytes of a CPU mask: more than any kernel has CPUs for.
const MASK_MAX: usize = 4096;
/// process_madvise(2): UIO_MAXIOV.
const RANGES_MAX: u64 = 1024;

/// Commands numbered in the family of process_config that are commands of this call too.
pub(crate) const SHARED: &[u32] = &[PROC_SET_CLOSE];

pub(crate) fn manage(procfd: c_int, cmd: u32, arg: u64, data: Data) -> Result {
    match cmd {
        PROC_SIGNAL => signal(procfd, arg, data),
        PROC_WAIT => wait(procfd, arg, data),
        PROC_GETFD => {
            data.none()?;
            ffi::get_fd(procfd, i32::try_from(arg).map_err(|_| Errno(libc::EBADF))?)
        }
        PROC_KILL_TREE => kill_tree(procfd, arg, data),
        PROC_STOP | PROC_CONT => {
            nothing(arg, data)?;
            let signal = if cmd == PROC_STOP { libc::SIGSTOP } else { libc::SIGCONT };
            ffi::stop_or_continue(procfd, signal).map(|()| 0)
        }
        PROC_RESUME => {
            nothing(arg, data)?;
            ffi::resume(procfd).map(|()| 0)
        }
        PROC_SETNS => {
            data.none()?;
            ffi::setns(procfd, arg).map(|()| 0)
        }
        PROC_RLIMIT => rlimit(procfd, arg, data),
        PROC_PRIORITY => {
            data.none()?;
            ffi::set_nice(procfd, signed(arg)).map(|()| 0)
        }
        PROC_SCHEDULER => scheduler(procfd, arg, data),
        PROC_AFFINITY => {
            zero(arg)?;
            ffi::set_affinity(procfd, &data.list::<u8>(MASK_MAX)?).map(|()| 0)
        }
        PROC_IOPRIO => {
            data.none()?;
            ffi::set_ioprio(procfd, u16::try_from(arg).map_err(|_| INVALID)?).map(|()| 0)
        }
        PROC_OOM_SCORE_ADJ => {
            data.none()?;
            ffi::set_oom_score_adj(procfd, signed(arg)).map(|()| 0)
        }
        PROC_CGROUP => {
            data.none()?;
            let cgroup = i32::try_from(arg).map_err(|_| Errno(libc::EBADF))?;
            ffi::move_to_cgroup(procfd, cgroup).map(|()| 0)
        }
        PROC_MADVISE => madvise(procfd, arg, data),
        PROC_MRELEASE => {
            nothing(arg, data)?;
            ffi::mrelease(procfd).map(|()| 0)
        }
        PROC_SET_CLOSE => ffi::change_close(procfd, crate::shapes::close_policy(arg, data)?).map(|()| 0),
        _ => {
            // A bad descriptor is told before a bad command.
            ffi::state(procfd)?;
            Err(INVALID)
        }
    }
}

/// No argument.
fn zero(arg: u64) -> std::result::Result<(), Errno> {
    if arg == 0 { Ok(()) } else { Err(INVALID) }
}

/// Neither argument nor data.
fn nothing(arg: u64, data: Data) -> std::result::Result<(), Errno> {
    zero(arg)?;
    data.none()
}

fn kill_tree(procfd: c_int, arg: u64, data: Data) -> Result {
    let asked: procfd_kill_tree = data.read_or_default()?;
    if !data.is_null() {
        data.writable::<procfd_kill_tree>()?;
    }
    let signal = i32::try_from(arg).map_err(|_| INVALID)?;
    let done = match asked.flags {
        0 => ffi::kill_tree(procfd, signal),
        PROC_TREE_CGROUP if signal == libc::SIGKILL => ffi::kill_cgroup(procfd),
        _ => Err(INVALID),
    }?;
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    if !data.is_null() {
        data.write(&procfd_kill_tree {
            flags: asked.flags,
            how: match done.how {
                TreeMethod::Init => PROC_TREE_BY_INIT,
                TreeMethod::Cgroup => PROC_TREE_BY_CGROUP,
                _ => PROC_TREE_BY_WALK,
            },
            signalled: count(done.signalled),
            refused: count(done.refused),
        })?;
    }
    Ok(c_int::try_from(done.signalled).unwrap_or(c_int::MAX))
}

fn rlimit(procfd: c_int, arg: u64, data: Data) -> Result {
    let asked: procfd_prlimit = data.read()?;
    data.writable::<procfd_prlimit>()?;
    let new = match asked.flags {
        0 => None,
        PROC_RLIMIT_SET => Some((asked.soft, asked.hard)),
        _ => return Err(INVALID),
    };
    let resource = u32::try_from(arg).map_err(|_| INVALID)?;
    let (old_soft, old_hard) = ffi::rlimit(procfd, resource, new)?;
    data.write(&procfd_prlimit { old_soft, old_hard, ..asked }).map(|()| 0)
}

fn scheduler(procfd: c_int, arg: u64, data: Data) -> Result {
    let scheduler = crate::shapes::scheduler(arg, data)?;
    ffi::set_scheduler(procfd, &scheduler).map(|()| 0)
}

fn madvise(procfd: c_int, arg: u64, data: Data) -> Result {
    let asked: procfd_madvise = data.read()?;
    if arg != 0 || asked.reserved != 0 || asked.count > RANGES_MAX {
        return Err(INVALID);
    }
    let ranges: Vec<_> = data
        .at(asked.iov, asked.count as usize * size_of::<RemoteRange>())
        .list::<RemoteRange>(RANGES_MAX as usize)?
        .iter()
        .map(|range| (range.address, range.len))
        .collect();
    let advised = ffi::madvise(procfd, &ranges, asked.advice)?;
    // The kernel goes for no more at a time than an int can say (MAX_RW_COUNT).
    Ok(c_int::try_from(advised).unwrap_or(c_int::MAX))
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
    ffi::send_signal(procfd, signal, scope, value).map(|()| 0)
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
    let status = ffi::wait(procfd, options, arg & PROC_WAIT_NOHANG != 0, asked.timeout_ns)?;
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
