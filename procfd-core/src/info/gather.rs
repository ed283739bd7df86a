// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Fills what was asked, each file read at most once, and nothing that was not asked.
//!
//! What is read by the process's number counts only if the pidfd says afterwards that it has not been
//! reaped in between. An ioctl that has to be made anyway is made last, and says that as well.

use std::cell::Cell;
use std::ffi::CStr;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU32, Ordering};

use super::groups::*;
use super::parse::{counters, limits, mounts, one, stat, status};
use super::proc::Proc;
use crate::sys::query::{self, CpuClock};
use crate::sys::{
    self, Errno, PID_FS_MAGIC, PIDFD_COREDUMP_ROOT, PIDFD_COREDUMP_SKIP, PIDFD_COREDUMP_USER,
    PIDFD_COREDUMPED, PIDFD_INFO_CGROUPID, PIDFD_INFO_CREDS, PIDFD_INFO_PID, PidfdInfo, PidfdInfoCore,
    Result,
};
use crate::wait::{self, Change, Limit, Options, Status, Usage};

/// Fills the fields asked for, as far as they are known. `last` is the number that was found the last
/// time, 0 for none: a guess, which the ioctl confirms. ESRCH: reaped, and nothing of it is left; EMFILE,
/// ENFILE, ENOMEM: what is missing says nothing of the process.
pub(crate) fn info(pidfd: BorrowedFd<'_>, last: &AtomicU32, fields: Fields) -> Result<Info> {
    let short = Cell::new(0);
    let known = known(pidfd, last, fields, &short)?;
    match short.get() {
        0 => Ok(known),
        errno => Err(Errno(errno)),
    }
}

fn known(pidfd: BorrowedFd<'_>, last: &AtomicU32, fields: Fields, short: &Cell<i32>) -> Result<Info> {
    let mut out = Info::default();
    let by_number = fields.difference(Fields::PIDFD);
    let (mut reaped, mut done) = (false, false);
    let guess = last.load(Ordering::Relaxed);
    if guess != 0 && !by_number.is_empty() {
        // Unreaped after all was read, and the number its own: then it was from when the pidfd was
        // there, which is before.
        read(&mut out, Proc::new(pidfd, guess).noting(short), by_number);
        match ioctl(&mut out, pidfd, fields) {
            Ok(pid) => done = pid == guess,
            Err(Errno(libc::ESRCH)) => (done, reaped) = (true, true),
            Err(_) => {}
        }
        if !done || reaped {
            out.clear(by_number);
        }
    }
    if !done && (fields.intersects(Fields::IOCTL) || !by_number.is_empty()) {
        match ioctl(&mut out, pidfd, fields) {
            Ok(pid) => {
                last.store(pid, Ordering::Relaxed);
                if !by_number.is_empty() {
                    let process = Proc::new(pidfd, pid).noting(short);
                    read(&mut out, process, by_number);
                    reaped = process.check() == Err(Errno(libc::ESRCH));
                }
            }
            Err(Errno(libc::ESRCH)) => reaped = true,
            // Out of this pid namespace's sight, or no way to know: absent.
            Err(_) => {}
        }
        if reaped {
            out.clear(by_number);
        }
    }
    by_pidfd(&mut out, pidfd, fields)?;
    if reaped && out.fields().is_empty() {
        return Err(Errno(libc::ESRCH));
    }
    Ok(out)
}

/// What the descriptor answers itself, also of a process that has been reaped.
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
        let info = query::core_info(pidfd).unwrap_or_default();
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
    if dumpable(mask).is_some() {
        return Some(CoreDump { dumped: false, signal: None });
    }
    // It has ended. Before 6.19 the ioctl knows of dumps into a socket alone; the exit knows of all.
    match wait::wait(pidfd, Options::PEEK, Limit::NoHang).ok()?.change {
        Change::Dumped(signal) => Some(CoreDump { dumped: true, signal: Some(signal) }),
        _ => Some(CoreDump { dumped: false, signal: None }),
    }
}

/// Ids, credentials and cgroup: by the ioctl, or what /proc has of them. Returns the number.
fn ioctl(out: &mut Info, pidfd: BorrowedFd<'_>, fields: Fields) -> Result<u32> {
    match sys::pidfd::get_info(pidfd, PIDFD_INFO_PID | PIDFD_INFO_CREDS | PIDFD_INFO_CGROUPID) {
        Ok(info) if info.mask & PIDFD_INFO_PID != 0 => {
            fill_ids(out, fields, &info);
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

fn fill_ids(out: &mut Info, fields: Fields, info: &PidfdInfo) {
    if fields.contains(Fields::IDS) {
        out.ids = Some(ProcessIds { pid: info.pid, tgid: info.tgid, ppid: info.ppid });
    }
    if fields.contains(Fields::CREDS) && info.mask & PIDFD_INFO_CREDS != 0 {
        let &PidfdInfo { ruid, euid, suid, fsuid, rgid, egid, sgid, fsgid, .. } = info;
        out.creds = Some(Credentials { ruid, euid, suid, fsuid, rgid, egid, sgid, fsgid });
    }
    if fields.contains(Fields::CGROUP_ID) && info.mask & PIDFD_INFO_CGROUPID != 0 {
        out.cgroup_id = Some(info.cgroupid);
    }
}

/// Before 6.13.
fn ids_of_status(out: &mut Info, fields: Fields, status: &status::Status<'_>) {
    if let (true, Some(pid), Some(tgid), Some(ppid)) =
        (fields.contains(Fields::IDS), status.pid, status.tgid, status.ppid)
    {
        out.ids = Some(ProcessIds { pid, tgid, ppid });
    }
    if let (true, Some([ruid, euid, suid, fsuid]), Some([rgid, egid, sgid, fsgid])) =
        (fields.contains(Fields::CREDS), status.uids, status.gids)
    {
        out.creds = Some(Credentials { ruid, euid, suid, fsuid, rgid, egid, sgid, fsgid });
    }
}

/// All that is asked by the number.
fn read(out: &mut Info, mut process: Proc<'_>, fields: Fields) {
    clocks(out, process.pid(), fields);
    if fields.contains(Fields::USAGE) && process.pid() as i32 == sys::task::pid() {
        out.usage = own_usage();
    }
    let sum_usage = fields.contains(Fields::USAGE) && out.usage.is_none();
    let mut stat = None;
    if fields.intersects(Fields::STAT) || sum_usage {
        if let Some((read, living)) = process.stat() {
            of_stat(out, &read, fields);
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
    if fields.intersects(Fields::LIMITS | Fields::FDS) {
        limits_and_fds(out, &process, fields, known.as_ref());
    }
    small_files(out, &process.whole(), fields);
    by_calls(out, process.pid(), fields);
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
fn of_a_living_thread(out: &mut Info, process: &Proc<'_>, fields: Fields) {
    if fields.contains(Fields::PERSONALITY) {
        out.personality = small(process, c"personality", one::hexadecimal);
    }
    if fields.contains(Fields::MEMORY_PARTS) {
        out.memory_parts = process.read_small(c"statm", &mut [0; 256]).ok().and_then(parts);
    }
    if fields.contains(Fields::NAMESPACES) {
        out.namespaces = namespaces(process);
    }
    if fields.contains(Fields::MOUNTS) {
        let mut text = Vec::new();
        if process.read(c"mountinfo", &mut text).is_ok() {
            out.mounts = Some(u32::try_from(mounts(&text)).unwrap_or(u32::MAX));
        }
    }
    if fields.contains(Fields::MEMORY_SET) {
        out.memory_set = process.read_small(c"smaps_rollup", &mut [0; 4096]).ok().and_then(memory_set);
    }
}

fn clocks(out: &mut Info, pid: u32, fields: Fields) {
    if fields.contains(Fields::CPU) {
        out.cpu_ns = query::cpu_clock(pid, CpuClock::Sched, false).ok();
    }
    if fields.contains(Fields::CPU_SPLIT) {
        let user = query::cpu_clock(pid, CpuClock::Virt, false);
        let both = query::cpu_clock(pid, CpuClock::Prof, false);
        if let (Ok(user_ns), Ok(both)) = (user, both) {
            out.cpu_split = Some(CpuSplit { user_ns, system_ns: both.saturating_sub(user_ns) });
        }
    }
}

/// Nanoseconds and bytes for the kernel's ticks and pages.
pub(crate) struct Units {
    tick_ns: u64,
    page: u64,
}

impl Units {
    pub(crate) fn new() -> Self {
        let (ticks, page) = query::units();
        Self { tick_ns: 1_000_000_000 / ticks, page }
    }

    pub(crate) fn ns(&self, ticks: u64) -> u64 {
        ticks.saturating_mul(self.tick_ns)
    }

    pub(crate) fn bytes(&self, pages: u64) -> u64 {
        pages.saturating_mul(self.page)
    }
}

/// When something started, by both clocks.
pub(crate) fn start(boot_ns: u64) -> Start {
    let boot = query::clock_ns(libc::CLOCK_REALTIME)
        .saturating_sub(query::clock_ns(libc::CLOCK_BOOTTIME))
        .max(0) as u64;
    Start { boot_ns, real_ns: boot.saturating_add(boot_ns) }
}

/// What one `stat` answers.
pub(crate) fn of_stat(out: &mut Info, stat: &stat::Stat, fields: Fields) {
    let units = Units::new();
    if fields.contains(Fields::STATE) {
        out.state = Some(TaskState { code: stat.state, flags: stat.flags });
    }
    if fields.contains(Fields::JOB) {
        out.job =
            Some(Job { pgid: stat.pgrp, sid: stat.session, tpgid: stat.tpgid, tty: device(stat.tty_nr) });
    }
    if fields.contains(Fields::START) {
        out.start = Some(start(units.ns(stat.start)));
    }
    if fields.contains(Fields::COMM) {
        out.comm = Some(stat.comm);
    }
    if fields.contains(Fields::TIMES) {
        out.times = Some(Times {
            user_ns: units.ns(stat.utime),
            system_ns: units.ns(stat.stime),
            children_user_ns: units.ns(stat.cutime),
            children_system_ns: units.ns(stat.cstime),
            guest_ns: units.ns(stat.guest),
            children_guest_ns: units.ns(stat.cguest),
            block_io_ns: units.ns(stat.blkio_delay),
        });
    }
    if fields.contains(Fields::FAULTS) {
        out.faults = Some(Faults {
            minor: stat.minflt,
            major: stat.majflt,
            children_minor: stat.cminflt,
            children_major: stat.cmajflt,
        });
    }
    if fields.contains(Fields::SCHED) {
        out.sched = i32::try_from(stat.priority).ok().map(|priority| Sched {
            priority,
            nice: stat.nice,
            policy: stat.policy,
            rt_priority: stat.rt_priority,
            processor: stat.processor,
        });
    }
    if fields.contains(Fields::THREADS) {
        out.threads = Some(stat.threads);
    }
    memory(out, stat, fields, &units);
}

/// What the leader, which has ended, cannot say any more.
fn of_living_stat(out: &mut Info, stat: &stat::Stat, fields: Fields) {
    if fields.contains(Fields::STATE) {
        out.state = Some(TaskState { code: stat.state, flags: stat.flags });
    }
    memory(out, stat, fields, &Units::new());
}

fn memory(out: &mut Info, stat: &stat::Stat, fields: Fields, units: &Units) {
    // Without an address space the kernel writes 0.
    if fields.contains(Fields::MEMORY) && stat.vsize != 0 {
        out.memory = Some(Memory { virt: stat.vsize, resident: units.bytes(stat.rss) });
    }
}

/// The kernel's encoding of a device number in `stat`, as makedev(3) has it.
fn device(encoded: u32) -> u64 {
    let (major, minor) = ((encoded >> 8) & 0xfff, (encoded & 0xff) | ((encoded >> 12) & 0xfff00));
    libc::makedev(major, minor)
}

fn parts(text: &[u8]) -> Option<MemoryParts> {
    let statm = counters::statm(text)?;
    let units = Units::new();
    (statm.size != 0).then(|| MemoryParts {
        shared: units.bytes(statm.shared),
        text: units.bytes(statm.text),
        data: units.bytes(statm.data),
    })
}

/// What one `status` answers.
fn of_status(out: &mut Info, status: &status::Status<'_>, fields: Fields) {
    if fields.contains(Fields::MEMORY_DETAIL) {
        out.memory_detail = detail(status);
    }
    if fields.contains(Fields::SIGNALS) {
        out.signals = signals(status);
    }
    if fields.contains(Fields::CAPS) {
        out.caps = caps(status);
    }
    if let (true, Some(no_new_privs), Some(seccomp)) =
        (fields.contains(Fields::SECURITY), status.no_new_privs, status.seccomp)
    {
        out.security = Some(Security { no_new_privs, seccomp, seccomp_filters: status.seccomp_filters });
    }
    if fields.contains(Fields::TRACER) {
        out.tracer = status.tracer_pid;
    }
    if fields.contains(Fields::UMASK) {
        out.umask = status.umask;
    }
    // Of the process: the line NSpid may be a living thread's.
    if let (true, Some(ids)) = (fields.contains(Fields::NS_PID), &status.ns_tgid) {
        out.ns_pid = Some(NsPid { pid: ids.innermost, depth: ids.depth.saturating_sub(1) });
    }
}

fn detail(status: &status::Status<'_>) -> Option<MemoryDetail> {
    Some(MemoryDetail {
        peak_virt: status.vm_peak?,
        peak_resident: status.vm_hwm?,
        anon: status.rss_anon?,
        file: status.rss_file?,
        shmem: status.rss_shmem?,
        locked: status.vm_lck?,
        pinned: status.vm_pin?,
        data: status.vm_data?,
        stack: status.vm_stk?,
        exe: status.vm_exe?,
        lib: status.vm_lib?,
        page_tables: status.vm_pte?,
        swap: status.vm_swap?,
    })
}

pub(crate) fn io_counters(read: &counters::Io) -> Option<Io> {
    Some(Io {
        read_chars: read.rchar?,
        write_chars: read.wchar?,
        read_calls: read.syscr?,
        write_calls: read.syscw?,
        read_bytes: read.read_bytes?,
        write_bytes: read.write_bytes?,
        cancelled_write_bytes: read.cancelled_write_bytes?,
    })
}

fn signals(status: &status::Status<'_>) -> Option<Signals> {
    Some(Signals {
        pending_thread: status.sig_pnd?,
        pending_process: status.shd_pnd?,
        blocked: status.sig_blk?,
        ignored: status.sig_ign?,
        caught: status.sig_cgt?,
        queued: status.sig_queued?,
        queue_limit: status.sig_limit?,
    })
}

fn caps(status: &status::Status<'_>) -> Option<Caps> {
    Some(Caps {
        inheritable: status.cap_inh?,
        permitted: status.cap_prm?,
        effective: status.cap_eff?,
        bounding: status.cap_bnd?,
        ambient: status.cap_amb?,
    })
}

/// The switches of the leader stand in its status; those of other threads in theirs.
fn sum_switches(process: &Proc<'_>, status: &status::Status<'_>) -> Option<Switches> {
    let of = |s: &status::Status<'_>| Some((s.voluntary_switches?, s.nonvoluntary_switches?));
    if status.threads == Some(1) {
        let (voluntary, involuntary) = of(status)?;
        return Some(Switches { voluntary, involuntary });
    }
    let mut sum = Switches::default();
    let mut any = false;
    let mut text = Vec::new();
    process
        .numbers_in(c"task", |tid| {
            // A thread that has ended since counts no more.
            if process.read_of_thread(tid, c"status", &mut text).is_ok() {
                if let Some((voluntary, involuntary)) = of(&status::status(&text)) {
                    sum.voluntary = sum.voluntary.saturating_add(voluntary);
                    sum.involuntary = sum.involuntary.saturating_add(involuntary);
                    any = true;
                }
            }
            true
        })
        .ok()?;
    any.then_some(sum)
}

fn run_delay(process: &Proc<'_>) -> Option<RunDelay> {
    let mut sum = RunDelay::default();
    let mut any = false;
    let mut text = Vec::new();
    process
        .numbers_in(c"task", |tid| {
            if process.read_of_thread(tid, c"schedstat", &mut text).is_ok() {
                if let Some(read) = counters::schedstat(&text) {
                    sum.delay_ns = sum.delay_ns.saturating_add(read.delay);
                    sum.slices = sum.slices.saturating_add(read.slices);
                    any = true;
                }
            }
            true
        })
        .ok()?;
    any.then_some(sum)
}

fn own_usage() -> Option<KnownUsage> {
    let usage = wait::usage(&query::own_usage().ok()?);
    Some(KnownUsage { known: UsageFields::all().difference(UsageFields::WITH_CHILDREN), usage })
}

/// A usage put together of what the files have of it.
fn usage_of(
    stat: Option<&stat::Stat>,
    status: Option<&status::Status<'_>>,
    io: Option<&counters::Io>,
    switches: Option<Switches>,
) -> Option<KnownUsage> {
    let mut known = UsageFields::empty();
    let mut usage = Usage::default();
    if let Some(stat) = stat {
        let units = Units::new();
        known |= UsageFields::TIMES | UsageFields::FAULTS;
        usage.user = std::time::Duration::from_nanos(units.ns(stat.utime));
        usage.system = std::time::Duration::from_nanos(units.ns(stat.stime));
        usage.minor_faults = stat.minflt;
        usage.major_faults = stat.majflt;
    }
    if let Some(peak) = status.and_then(|status| status.vm_hwm) {
        known |= UsageFields::MAX_RSS;
        usage.max_rss = peak;
    }
    if let Some((read, written)) = io.and_then(|io| io.read_bytes.zip(io.write_bytes)) {
        known |= UsageFields::BLOCKS;
        usage.blocks_in = read / 512;
        usage.blocks_out = written / 512;
    }
    if let Some(switches) = switches {
        known |= UsageFields::SWITCHES;
        usage.voluntary_switches = switches.voluntary;
        usage.involuntary_switches = switches.involuntary;
    }
    (!known.is_empty()).then_some(KnownUsage { known, usage })
}

fn limits_and_fds(out: &mut Info, process: &Proc<'_>, fields: Fields, status: Option<&status::Status<'_>>) {
    let mut buf = [0; 4096];
    let Some(limits) = process.read_small(c"limits", &mut buf).ok().map(limits::limits) else { return };
    if fields.contains(Fields::LIMITS) {
        let mut all = Limits::default();
        let complete = all.0.iter_mut().zip(limits).all(|(to, limit)| {
            *to = limit.unwrap_or_default();
            limit.is_some()
        });
        out.limits = complete.then_some(all);
    }
    if fields.contains(Fields::FDS) {
        out.fds = (|| {
            let (limit, _) = (*limits.get(libc::RLIMIT_NOFILE as usize)?)?;
            Some(Fds {
                count: open_descriptors(process)?,
                table: u32::try_from(status?.fd_size?).ok()?,
                limit,
            })
        })();
    }
}

/// A stat of the directory says how many (6.2); before, and for none, it is read.
fn open_descriptors(process: &Proc<'_>) -> Option<u32> {
    // The count is everybody's to see, the descriptors are not: one rule for both kernels.
    let mut count = 0u32;
    match process.size(c"fd") {
        Ok(size @ 1..) => {
            return u32::try_from(size).ok().filter(|_| process.open(c"fd", libc::O_RDONLY).is_ok());
        }
        Ok(0) => {}
        Err(_) => return None,
    }
    process
        .numbers_in(c"fd", |_| {
            count = count.saturating_add(1);
            true
        })
        .ok()?;
    Some(count)
}

/// A number, or whatever else a small file holds.
fn small<T>(process: &Proc<'_>, file: &CStr, parse: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
    process.read_small(file, &mut [0; 256]).ok().and_then(parse)
}

fn small_files(out: &mut Info, process: &Proc<'_>, fields: Fields) {
    if fields.contains(Fields::OOM) {
        let score = small(process, c"oom_score", one::number);
        let score_adj = small(process, c"oom_score_adj", one::signed_number);
        if let (Some(score), Some(score_adj)) = (score, score_adj) {
            out.oom = Some(Oom { score, score_adj });
        }
    }
    if fields.contains(Fields::LOGIN) {
        if let Some(uid) = small(process, c"loginuid", one::audit_id) {
            let session = small(process, c"sessionid", one::audit_id).unwrap_or(u32::MAX);
            out.login = Some(Login { uid, session });
        }
    }
    if fields.contains(Fields::AUTOGROUP) {
        out.autogroup = small(process, c"autogroup", one::autogroup)
            .map(|group| Autogroup { id: group.id, nice: group.nice });
    }
    if fields.contains(Fields::COREDUMP_FILTER) {
        out.coredump_filter = small(process, c"coredump_filter", one::hexadecimal);
    }
    if fields.contains(Fields::TIMER_SLACK) {
        out.timer_slack_ns = small(process, c"timerslack_ns", one::number);
    }
}

fn by_calls(out: &mut Info, pid: u32, fields: Fields) {
    if fields.contains(Fields::IOPRIO) {
        out.ioprio = query::io_priority(pid).ok();
    }
    if fields.contains(Fields::CORE_SCHED) {
        out.core_sched = query::core_sched_cookie(pid).ok();
    }
    if fields.contains(Fields::SECUREBITS) && pid as i32 == sys::task::pid() {
        out.securebits = query::securebits().ok();
    }
}

fn namespaces(process: &Proc<'_>) -> Option<NamespaceIds> {
    let mut before = None;
    loop {
        let ids = namespaces_once(process)?;
        let complete =
            [ids.cgroup, ids.ipc, ids.mnt, ids.net, ids.pid, ids.user, ids.uts].iter().all(|&id| id != 0);
        // Twice the same: the kernel lacks that kind. Else its leader has ended in between, or another
        // thread has become it.
        if complete || before == Some(ids) {
            return Some(ids);
        }
        before = Some(ids);
    }
}

fn namespaces_once(process: &Proc<'_>) -> Option<NamespaceIds> {
    let mut ids = NamespaceIds::default();
    let kinds: [(&CStr, &mut u64); 10] = [
        (c"ns/user", &mut ids.user),
        (c"ns/cgroup", &mut ids.cgroup),
        (c"ns/ipc", &mut ids.ipc),
        (c"ns/net", &mut ids.net),
        (c"ns/pid", &mut ids.pid),
        (c"ns/pid_for_children", &mut ids.pid_for_children),
        (c"ns/time", &mut ids.time),
        (c"ns/time_for_children", &mut ids.time_for_children),
        (c"ns/uts", &mut ids.uts),
        (c"ns/mnt", &mut ids.mnt),
    ];
    for (link, id) in kinds {
        match process.link(link, &mut [0; 64]) {
            Ok(text) => *id = one::namespace(text)?,
            // Not of this kernel; or not entered yet. There is always a mount namespace, of which a
            // process that ends lets go together with the others.
            Err(Errno(libc::ENOENT)) if link != c"ns/mnt" => {}
            Err(_) => return None,
        }
    }
    Some(ids)
}

/// A process that has ended has left all but its pid and its user namespace.
fn namespaces_of_an_ended(process: &mut Proc<'_>) -> Option<NamespaceIds> {
    // That a link is missing may have other reasons: no /proc, or another thread becoming the leader.
    let (leader, living) = process.stat()?;
    if leader.state != b'Z' || leader.threads > 1 || living.is_some() {
        return None;
    }
    let id = |link: &CStr| process.link(link, &mut [0; 64]).ok().and_then(one::namespace);
    Some(NamespaceIds { user: id(c"ns/user")?, pid: id(c"ns/pid")?, ..NamespaceIds::default() })
}

fn memory_set(text: &[u8]) -> Option<MemorySet> {
    let sums = counters::smaps_rollup(text);
    Some(MemorySet { pss: sums.pss?, uss: sums.unique()?, swap: sums.swap?, swap_pss: sums.swap_pss? })
}

/// What one `stat` answers by itself, of whichever process it is.
pub(crate) fn of_one_stat(text: &[u8], fields: Fields) -> Option<Info> {
    let stat = stat::stat(text)?;
    // It is being released, and its group, its threads and what they used are gone already.
    if stat.threads == 0 {
        return None;
    }
    let asks_the_leader = fields.intersects(Fields::STATE | Fields::MEMORY);
    if stat.state == b'Z' && stat.threads > 1 && asks_the_leader {
        return None;
    }
    let mut out = Info::default();
    of_stat(&mut out, &stat, fields);
    if fields.contains(Fields::IDS) {
        out.ids = Some(ProcessIds { pid: stat.pid, tgid: stat.pid, ppid: stat.ppid });
    }
    Some(out)
}
