// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The threads of a process.

use std::ffi::CString;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::convert::{Units, io_counters, sched};
use super::fields::*;
use super::records::*;
use super::retry::ask_leader;
use crate::proc::Proc;
use crate::proc::parse::{Comm, counters, stat::Stat, stat::stat, status::status};
use crate::sys::query::{self, CpuClock};
use crate::sys::{self, Errno, OwnFd, Result, vec};

records! {
    /// CPU times of a thread, of 10 ms grain.
    ThreadTimes {
        /// In user mode.
        user_ns: u64,
        /// In the kernel.
        system_ns: u64,
        /// As a virtual processor's guest; counted in `user_ns`.
        guest_ns: u64,
        /// Waiting for block I/O (0 unless the kernel accounts delays).
        block_io_ns: u64,
    }
    /// Page faults of a thread.
    ThreadFaults {
        /// Without I/O.
        minor: u64,
        /// With I/O.
        major: u64,
    }
    /// Signals of a thread: sets with signal n in bit n-1.
    ThreadSignals {
        /// Pending for the thread alone.
        pending: u64,
        /// Blocked.
        blocked: u64,
    }
}

/// One thread; what was not asked or cannot be had is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Thread {
    /// Its id in the caller's pid namespace.
    pub tid: u32,
    /// [`Fields::STATE`].
    pub state: Option<TaskState>,
    /// [`Fields::START`].
    pub start: Option<Start>,
    /// [`Fields::COMM`].
    pub comm: Option<Comm>,
    /// [`Fields::TIMES`].
    pub times: Option<ThreadTimes>,
    /// [`Fields::FAULTS`].
    pub faults: Option<ThreadFaults>,
    /// [`Fields::SCHED`].
    pub sched: Option<Sched>,
    /// [`Fields::CPU`]: exact.
    pub cpu_ns: Option<u64>,
    /// [`Fields::RUN_DELAY`].
    pub run_delay: Option<RunDelay>,
    /// [`Fields::SWITCHES`].
    pub switches: Option<Switches>,
    /// [`Fields::SIGNALS`].
    pub signals: Option<ThreadSignals>,
    /// [`Fields::IO`].
    pub io: Option<Io>,
    /// [`Fields::IOPRIO`].
    pub ioprio: Option<u32>,
}

impl Thread {
    /// The fields that were filled.
    pub fn fields(&self) -> Fields {
        let mut known = Fields::IDS;
        known.set(Fields::STATE, self.state.is_some());
        known.set(Fields::START, self.start.is_some());
        known.set(Fields::COMM, self.comm.is_some());
        known.set(Fields::TIMES, self.times.is_some());
        known.set(Fields::FAULTS, self.faults.is_some());
        known.set(Fields::SCHED, self.sched.is_some());
        known.set(Fields::CPU, self.cpu_ns.is_some());
        known.set(Fields::RUN_DELAY, self.run_delay.is_some());
        known.set(Fields::SWITCHES, self.switches.is_some());
        known.set(Fields::SIGNALS, self.signals.is_some());
        known.set(Fields::IO, self.io.is_some());
        known.set(Fields::IOPRIO, self.ioprio.is_some());
        known
    }
}

const OF_STAT: Fields = Fields::STATE
    .union(Fields::START)
    .union(Fields::COMM)
    .union(Fields::TIMES)
    .union(Fields::FAULTS)
    .union(Fields::SCHED);
const OF_STATUS: Fields = Fields::SWITCHES.union(Fields::SIGNALS);
const OF_SCHEDSTAT: Fields = Fields::CPU.union(Fields::RUN_DELAY);

/// All threads, by their ids in ascending order, the zombie of an ended leader included.
pub(crate) fn threads(pidfd: BorrowedFd<'_>, fields: Fields) -> Result<Vec<Thread>> {
    ask_leader(pidfd, |process| {
        let mut all = Vec::new();
        let mut failed = None;
        process.numbers_in(c"task", |tid| {
            match thread(process, tid, fields) {
                Ok(thread) => failed = vec::push(&mut all, thread).err(),
                // It has ended since.
                Err(Errno(libc::ENOENT | libc::ESRCH)) => {}
                Err(e) => failed = Some(e),
            }
            failed.is_none()
        })?;
        match failed {
            Some(e) => Err(e),
            None => Ok(all),
        }
    })
}

fn thread(process: &Proc<'_>, tid: u32, fields: Fields) -> Result<Thread> {
    let mut out = Thread { tid, ..Thread::default() };
    let of_files = OF_STAT.union(OF_STATUS).union(OF_SCHEDSTAT).union(Fields::IO);
    if !fields.intersects(of_files.union(Fields::IOPRIO)) {
        return Ok(out);
    }
    // The directory stands for the thread, not for its number: its files are one thread's.
    let path = CString::new(format!("task/{tid}")).map_err(|_| Errno(libc::EINVAL))?;
    let dir = process.open(&path, libc::O_PATH | libc::O_DIRECTORY)?;
    if fields.intersects(OF_STAT) {
        if let Some(read) = read(&dir, c"stat", &mut [0; 2048])?.and_then(stat) {
            of_stat(&mut out, &read, fields);
        }
    }
    if fields.intersects(OF_STATUS) {
        of_status(&mut out, &dir, fields)?;
    }
    if fields.intersects(OF_SCHEDSTAT) {
        of_schedstat(&mut out, &dir, fields)?;
    }
    if fields.contains(Fields::IO) {
        out.io = read(&dir, c"io", &mut [0; 512])?.and_then(|text| io_counters(&counters::io(text)));
    }
    if fields.contains(Fields::IOPRIO) {
        out.ioprio = query::io_priority(tid).ok();
        // It was still the thread's number.
        read(&dir, c"comm", &mut [0; 64])?;
    }
    Ok(out)
}

/// A file of a thread. `None`: not for the caller to read, or the kernel has none. ESRCH: it has ended.
fn read<'b>(dir: &OwnFd, file: &std::ffi::CStr, buf: &'b mut [u8]) -> Result<Option<&'b [u8]>> {
    match sys::fd::read_small(dir.as_raw_fd(), file, buf) {
        Ok(len) => Ok(buf.get(..len)),
        Err(e @ Errno(libc::ESRCH)) => Err(e),
        Err(Errno(libc::ENOENT)) => match sys::fd::open_at(dir.as_raw_fd(), c"stat", libc::O_PATH) {
            Ok(_) => Ok(None),
            Err(e) => Err(e),
        },
        Err(Errno(libc::EACCES | libc::EPERM)) => Ok(None),
        Err(e) => Err(e),
    }
}

fn of_stat(out: &mut Thread, stat: &Stat, fields: Fields) {
    let units = Units::new();
    if fields.contains(Fields::STATE) {
        out.state = Some(TaskState { code: stat.state, flags: stat.flags });
    }
    if fields.contains(Fields::START) {
        out.start = Some(units.start(stat.start));
    }
    if fields.contains(Fields::COMM) {
        out.comm = Some(stat.comm);
    }
    if fields.contains(Fields::TIMES) {
        out.times = Some(ThreadTimes {
            user_ns: units.ns(stat.utime),
            system_ns: units.ns(stat.stime),
            guest_ns: units.ns(stat.guest),
            block_io_ns: units.ns(stat.blkio_delay),
        });
    }
    if fields.contains(Fields::FAULTS) {
        out.faults = Some(ThreadFaults { minor: stat.minflt, major: stat.majflt });
    }
    if fields.contains(Fields::SCHED) {
        out.sched = sched(stat);
    }
}

fn of_status(out: &mut Thread, dir: &OwnFd, fields: Fields) -> Result<()> {
    // The groups are in it, of which there may be 65,536.
    let (mut text, mut room) = (Vec::new(), 4096);
    let read_text = loop {
        vec::lengthen(&mut text, room)?;
        match read(dir, c"status", &mut text)?.map(<[u8]>::len) {
            Some(len) if len == text.len() && len < 1 << 22 => room *= 4,
            Some(len) => break text.get(..len).unwrap_or_default(),
            None => return Ok(()),
        }
    };
    let status = status(read_text);
    if let (true, Some(voluntary), Some(involuntary)) =
        (fields.contains(Fields::SWITCHES), status.voluntary_switches, status.nonvoluntary_switches)
    {
        out.switches = Some(Switches { voluntary, involuntary });
    }
    if let (true, Some(pending), Some(blocked)) =
        (fields.contains(Fields::SIGNALS), status.sig_pnd, status.sig_blk)
    {
        out.signals = Some(ThreadSignals { pending, blocked });
    }
    Ok(())
}

fn of_schedstat(out: &mut Thread, dir: &OwnFd, fields: Fields) -> Result<()> {
    let known = read(dir, c"schedstat", &mut [0; 128])?.and_then(counters::schedstat);
    // A kernel that does not account this says so with zeroes; a thread that is seen has run.
    let Some(known) = known.filter(|known| known.run != 0) else {
        if fields.contains(Fields::CPU) {
            // For the caller's own threads only.
            out.cpu_ns = query::cpu_clock(out.tid, CpuClock::Sched, true).ok();
        }
        return Ok(());
    };
    if fields.contains(Fields::CPU) {
        out.cpu_ns = Some(known.run);
    }
    if fields.contains(Fields::RUN_DELAY) {
        out.run_delay = Some(RunDelay { delay_ns: known.delay, slices: known.slices });
    }
    Ok(())
}
