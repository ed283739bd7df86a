// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Fills what was asked, each file read at most once, and nothing that was not asked.
//!
//! An answer by pid counts only if the pidfd says afterwards that the process has not been reaped. An ioctl
//! that has to be made anyway is made last, and says that as well.

mod files;

use std::ffi::CStr;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU32, Ordering};

use self::files::{
    by_calls, clocks, limits_and_fds, namespaces, namespaces_of_an_ended, own_usage, run_delay, small,
    small_files, sum_switches,
};
use super::absent::{self, Known, Notes};
use super::convert::{
    Units, fill_ids, ids_of_status, io_counters, memory_set, of_living_stat, of_stat, of_statm, of_status,
    usage_of,
};
use super::fields::*;
use super::records::*;
use crate::proc::parse::{counters, mountinfo, single_value, status};
use crate::proc::{Proc, Root, is_shortage};
use crate::status::Status;
use crate::sys::{
    self, Errno, PID_FS_MAGIC, PIDFD_COREDUMP_ROOT, PIDFD_COREDUMP_SKIP, PIDFD_COREDUMP_USER,
    PIDFD_COREDUMPED, PIDFD_INFO_CGROUPID, PIDFD_INFO_CREDS, PIDFD_INFO_PID, PidfdInfoCore, Result,
};
use crate::wait::{self, Limit, Options};

/// Fills the fields asked for, as far as they are known. `last` is the number that was found the last
/// time, 0 for none: a guess, which the ioctl confirms. ESRCH: reaped, and nothing of it is left; EMFILE,
/// ENFILE, ENOMEM: what is missing says nothing of the process.
///
/// Returns whether PIDFD_GET_INFO has answered. Only a pidfd does, so this proves what the descriptor is. `out` is
/// empty before; after an error it holds nothing of use. It is filled in place: a copy of an [`Info`] costs as much as
/// a cheap question.
pub(crate) fn fill(out: &mut Info, pidfd: BorrowedFd<'_>, last: &AtomicU32, fields: Fields) -> Result<bool> {
    let notes = Notes::default();
    let proved = known(out, pidfd, last, fields, &notes)?;
    match notes.short.get() {
        0 => Ok(proved),
        errno => Err(Errno(errno)),
    }
}

/// Whether this mask is answered with the help of PIDFD_GET_INFO.
pub(crate) fn asks_the_ioctl(fields: Fields) -> bool {
    fields.intersects(Fields::IOCTL) || !fields.difference(Fields::PIDFD).is_empty()
}

fn known(
    out: &mut Info,
    pidfd: BorrowedFd<'_>,
    last: &AtomicU32,
    fields: Fields,
    notes: &Notes,
) -> Result<bool> {
    let mut number = Err(Errno(libc::ENODATA));
    let by_number = fields.difference(Fields::PIDFD);
    let note = |file: &CStr, e| notes.file(file, e);
    let (mut reaped, mut done, mut proved) = (false, false, false);
    let guess = last.load(Ordering::Relaxed);
    if guess != 0 && !by_number.is_empty() {
        // Unreaped after all was read, and the number its own: then it was from when the pidfd was
        // there, which is before.
        read(out, Proc::new(pidfd, guess).noting(&note), by_number, notes);
        match ioctl(out, pidfd, fields, &mut proved) {
            Ok(pid) => {
                number = Ok(pid);
                done = pid == guess;
            }
            Err(Errno(libc::ESRCH)) => (done, reaped) = (true, true),
            Err(_) => {}
        }
        if !done || reaped {
            out.clear(by_number);
        }
    }
    if !done && asks_the_ioctl(fields) {
        number = ioctl(out, pidfd, fields, &mut proved);
        match number {
            Ok(pid) => {
                last.store(pid, Ordering::Relaxed);
                if !by_number.is_empty() {
                    let process = Proc::new(pidfd, pid).noting(&note);
                    read(out, process, by_number, notes);
                    reaped = process.check() == Err(Errno(libc::ESRCH));
                }
            }
            Err(Errno(libc::ESRCH)) => reaped = true,
            Err(e) if is_shortage(e) => return Err(e),
            // Out of this pid namespace's sight, or no way to know: absent.
            Err(_) => {}
        }
        if reaped {
            out.clear(by_number);
        }
    }
    by_pidfd(out, pidfd, fields)?;
    if reaped && out.filled(fields).is_empty() {
        return Err(Errno(libc::ESRCH));
    }
    absent::explain(out, pidfd, fields, notes, &Known { number, reaped });
    Ok(proved)
}

/// The fields that the descriptor itself answers, even if the process has been reaped.
fn by_pidfd(out: &mut Info, pidfd: BorrowedFd<'_>, fields: Fields) -> Result<()> {
    if fields.intersects(Fields::EXIT | Fields::USAGE) {
        if let Ok(Status { change, usage }) = wait::wait(pidfd, Options::PEEK, Limit::NoHang) {
            if fields.contains(Fields::EXIT) {
                out.exit = Some(change);
            }
            if let (true, Some(usage)) = (fields.contains(Fields::USAGE), usage) {
                out.usage = Some(KnownUsage { known: UsageFields::all(), usage });
            }
        }
    }
    if fields.contains(Fields::INODE) && sys::fs_is(pidfd, PID_FS_MAGIC) {
        out.inode = Some(sys::fd::mode_and_inode(pidfd)?.1);
    }
    if fields.intersects(Fields::DUMPABLE | Fields::COREDUMP) {
        let info = sys::pidfd::core_info(pidfd).unwrap_or_default();
        if fields.contains(Fields::DUMPABLE) {
            out.dumpable = dumpable(info.coredump_mask);
        }
        if fields.contains(Fields::COREDUMP) {
            out.coredump = core_dump(pidfd, &info);
        }
    }
    Ok(())
}

fn dumpable(mask: u32) -> Option<u32> {
    match mask {
        _ if mask & PIDFD_COREDUMP_USER != 0 => Some(1),
        _ if mask & PIDFD_COREDUMP_ROOT != 0 => Some(2),
        _ if mask & PIDFD_COREDUMP_SKIP != 0 => Some(0),
        // It has no memory any more, or never had.
        _ => None,
    }
}

fn core_dump(pidfd: BorrowedFd<'_>, info: &PidfdInfoCore) -> Option<CoreDump> {
    let mask = info.coredump_mask;
    if mask & PIDFD_COREDUMPED != 0 {
        let signal = i32::try_from(info.coredump_signal).ok().filter(|&signal| signal != 0);
        return Some(CoreDump { dumped: true, signal });
    }
    // From 7.2 on a zombie says that it is dumpable, as a process that runs does.
    if dumpable(mask).is_some() && sys::fd::poll(pidfd, libc::POLLIN, sys::fd::NOW) == Ok(0) {
        return Some(CoreDump { dumped: false, signal: None });
    }
    // It has ended. Before 6.19 the ioctl knows of dumps into a socket alone; the exit knows of all.
    wait::wait(pidfd, Options::PEEK, Limit::NoHang).ok().map(|status| CoreDump::of(status.change))
}

/// Ids, credentials and cgroup: by the ioctl, or what /proc has of them. Returns the number. `answered`: by the ioctl.
fn ioctl(out: &mut Info, pidfd: BorrowedFd<'_>, fields: Fields, answered: &mut bool) -> Result<u32> {
    match sys::pidfd::get_info(pidfd, PIDFD_INFO_PID | PIDFD_INFO_CREDS | PIDFD_INFO_CGROUPID) {
        Ok(info) if info.mask & PIDFD_INFO_PID != 0 => {
            fill_ids(out, fields, &info);
            *answered = true;
            Ok(info.pid)
        }
        Ok(_) => Err(Errno(libc::ENODATA)),
        Err(e @ Errno(libc::ESRCH | libc::EREMOTE)) => Err(e),
        Err(_) => {
            let pid = wait::pid(pidfd)? as u32;
            if fields.intersects(Fields::IDS | Fields::CREDS) {
                let process = Proc::new(pidfd, pid);
                let mut text = Vec::new();
                process.read(c"status", &mut text)?;
                ids_of_status(out, fields, &status::status(&text));
                process.check().inspect_err(|_| out.clear(Fields::IDS | Fields::CREDS))?;
            }
            Ok(pid)
        }
    }
}

/// One proof of /proc for the small files of one answer. `None`: no file is asked for, or there is no /proc, which each
/// file notes for itself.
fn proved_root(fields: Fields) -> Option<Root> {
    const WITHOUT: Fields = Fields::CPU
        .union(Fields::CPU_SPLIT)
        .union(Fields::IOPRIO)
        .union(Fields::CORE_SCHED)
        .union(Fields::SECUREBITS)
        .union(Fields::NAMESPACES);
    if WITHOUT.contains(fields) { None } else { Root::take().ok() }
}

/// All that is asked by the number.
fn read(out: &mut Info, process: Proc<'_>, fields: Fields, notes: &Notes) {
    const CLOCKS: Fields = Fields::CPU.union(Fields::CPU_SPLIT);
    clocks(out, process.pid(), fields, notes);
    if CLOCKS.contains(fields) {
        return;
    }
    let root = proved_root(fields);
    let mut process = process.below(root.as_ref());
    if fields.contains(Fields::USAGE) && process.pid() as i32 == sys::task::pid() {
        out.usage = own_usage();
    }
    let sum_usage = fields.contains(Fields::USAGE) && out.usage.is_none();
    let mut stat = None;
    if fields.intersects(Fields::STAT) || sum_usage {
        if let Some((read, living)) = process.stat() {
            of_stat(out, &read, fields, &Units::new());
            if let Some(living) = living {
                of_living_stat(out, &living, fields);
            }
            stat = Some(read);
        }
    }
    let io = match fields.contains(Fields::IO) || sum_usage {
        true => process.whole().read_small(c"io", &mut [0; 512]).ok().map(counters::io),
        false => None,
    };
    if let (true, Some(read)) = (fields.contains(Fields::IO), &io) {
        out.io = io_counters(read);
    }
    let mut text = Vec::new();
    let mut known = None;
    if fields.intersects(Fields::STATUS | Fields::SWITCHES | Fields::FDS) || sum_usage {
        known = process.status(&mut text);
        if let Some(read) = &known {
            of_status(out, read, fields);
        }
    }
    let mut switches = None;
    if fields.contains(Fields::SWITCHES) || sum_usage {
        switches = known.as_ref().and_then(|status| sum_switches(&process, status));
        if fields.contains(Fields::SWITCHES) {
            out.switches = switches;
        }
    }
    if sum_usage {
        out.usage = usage_of(stat.as_ref(), known.as_ref(), io.as_ref(), switches);
    }
    if fields.contains(Fields::RUN_DELAY) {
        out.run_delay = run_delay(&process);
    }
    // A walk over the threads takes its time.
    let walked = sum_usage || fields.intersects(Fields::SWITCHES | Fields::RUN_DELAY);
    let again = if walked { proved_root(fields) } else { None };
    if walked {
        process = process.below(again.as_ref());
    }
    if fields.intersects(Fields::LIMITS | Fields::FDS) {
        limits_and_fds(out, &process, fields, known.as_ref());
    }
    small_files(out, &process.whole(), fields);
    by_calls(out, process.pid(), fields, notes);
    of_a_living_thread(out, &process, fields);
    let missing = fields & Fields::OF_A_LIVING_THREAD & !out.fields();
    // The files read before have told whether the leader has ended; but the thread in its place may end.
    if !missing.is_empty() && (process.is_turned() || (stat.is_none() && known.is_none())) {
        let was_turned = process.is_turned();
        if process.stat().is_some_and(|(_, living)| living.is_some() || was_turned) {
            of_a_living_thread(out, &process, missing);
        }
    }
    if fields.contains(Fields::NAMESPACES) && out.namespaces.is_none() {
        out.namespaces = namespaces_of_an_ended(&mut process);
    }
}

/// What goes with the memory and the namespaces of a thread that ends, or is root's alone from then on.
// Not inlined: it has a large buffer, and the thread may have a small stack (procfd(7)).
#[inline(never)]
fn of_a_living_thread(out: &mut Info, process: &Proc<'_>, fields: Fields) {
    if fields.contains(Fields::PERSONALITY) {
        out.personality = small(process, c"personality", single_value::hexadecimal);
    }
    if fields.intersects(Fields::STATM) {
        if let Ok(text) = process.read_small(c"statm", &mut [0; 256]) {
            of_statm(out, text, fields);
        }
    }
    if fields.contains(Fields::NAMESPACES) {
        out.namespaces = namespaces(process);
    }
    if fields.contains(Fields::MOUNTS) {
        let mut text = Vec::new();
        if process.read(c"mountinfo", &mut text).is_ok() {
            out.mounts = Some(u32::try_from(mountinfo::count(&text)).unwrap_or(u32::MAX));
        }
    }
    if fields.contains(Fields::MEMORY_SET) {
        out.memory_set = process.read_small(c"smaps_rollup", &mut [0; 4096]).ok().and_then(memory_set);
    }
}
