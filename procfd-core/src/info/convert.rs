// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Fields out of what a file or the ioctl says: values alone, nothing is read here but clocks and units.

use std::sync::OnceLock;

use super::fields::*;
use super::records::*;
use crate::proc::parse::{counters, stat, status};
use crate::status::Usage;
use crate::sys::query;
use crate::sys::{PIDFD_INFO_CGROUPID, PIDFD_INFO_CREDS, PidfdInfo};

pub(super) fn fill_ids(out: &mut Info, fields: Fields, info: &PidfdInfo) {
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
pub(super) fn ids_of_status(out: &mut Info, fields: Fields, status: &status::Status<'_>) {
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

/// Nanoseconds and bytes for the kernel's ticks and pages, and the time of the boot.
#[derive(Debug)]
pub(super) struct Units {
    tick_ns: u64,
    page: u64,
    /// In nanoseconds since 1970; asked for once.
    boot: OnceLock<u64>,
}

impl Units {
    pub(super) fn new() -> Self {
        let (ticks, page) = query::units();
        Self { tick_ns: 1_000_000_000 / ticks, page, boot: OnceLock::new() }
    }

    pub(super) fn ns(&self, ticks: u64) -> u64 {
        ticks.saturating_mul(self.tick_ns)
    }

    pub(super) fn bytes(&self, pages: u64) -> u64 {
        pages.saturating_mul(self.page)
    }

    /// When something started, by both clocks.
    pub(super) fn start(&self, ticks: u64) -> Start {
        let boot = self.boot.get_or_init(|| {
            let since_boot = query::clock_ns(libc::CLOCK_BOOTTIME);
            query::clock_ns(libc::CLOCK_REALTIME).saturating_sub(since_boot).max(0) as u64
        });
        let boot_ns = self.ns(ticks);
        Start { boot_ns, real_ns: boot.saturating_add(boot_ns) }
    }
}

/// The fields of one `stat`.
pub(super) fn of_stat(out: &mut Info, stat: &stat::Stat, fields: Fields, units: &Units) {
    if fields.contains(Fields::STATE) {
        out.state = Some(TaskState { code: stat.state, flags: stat.flags });
    }
    if fields.contains(Fields::JOB) {
        out.job =
            Some(Job { pgid: stat.pgrp, sid: stat.session, tpgid: stat.tpgid, tty: device(stat.tty_nr) });
    }
    if fields.contains(Fields::START) {
        out.start = Some(units.start(stat.start));
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
        out.sched = sched(stat);
    }
    if fields.contains(Fields::THREADS) {
        out.threads = Some(stat.threads);
    }
}

pub(super) fn sched(stat: &stat::Stat) -> Option<Sched> {
    Some(Sched {
        priority: i32::try_from(stat.priority).ok()?,
        nice: stat.nice,
        policy: stat.policy,
        rt_priority: stat.rt_priority,
        processor: stat.processor,
    })
}

/// The fields that a leader which has ended no longer shows.
pub(super) fn of_living_stat(out: &mut Info, stat: &stat::Stat, fields: Fields) {
    if fields.contains(Fields::STATE) {
        out.state = Some(TaskState { code: stat.state, flags: stat.flags });
    }
}

/// The kernel's encoding of a device number in `stat`, as makedev(3) has it.
fn device(encoded: u32) -> u64 {
    let (major, minor) = ((encoded >> 8) & 0xfff, (encoded & 0xff) | ((encoded >> 12) & 0xfff00));
    libc::makedev(major, minor)
}

/// The fields of one `statm`. Its sizes are exact; those of `stat` lag behind by some pages for each
/// processor.
pub(super) fn of_statm(out: &mut Info, text: &[u8], fields: Fields) {
    if let Some(statm) = counters::statm(text) {
        of_sizes(out, &statm, fields, &Units::new());
    }
}

fn of_sizes(out: &mut Info, statm: &counters::Statm, fields: Fields, units: &Units) {
    // Without an address space the kernel writes 0.
    if statm.size == 0 {
        return;
    }
    if fields.contains(Fields::MEMORY) {
        out.memory = Some(Memory { virt: units.bytes(statm.size), resident: units.bytes(statm.resident) });
    }
    if fields.contains(Fields::MEMORY_PARTS) {
        out.memory_parts = Some(MemoryParts {
            shared: units.bytes(statm.shared),
            text: units.bytes(statm.text),
            data: units.bytes(statm.data),
        });
    }
}

/// The fields of one `status`.
pub(super) fn of_status(out: &mut Info, status: &status::Status<'_>, fields: Fields) {
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

pub(super) fn io_counters(read: &counters::Io) -> Option<Io> {
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

/// A usage put together of what the files have of it.
pub(super) fn usage_of(
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

pub(super) fn memory_set(text: &[u8]) -> Option<MemorySet> {
    let sums = counters::smaps_rollup(text);
    Some(MemorySet { pss: sums.pss?, uss: sums.unique()?, swap: sums.swap?, swap_pss: sums.swap_pss? })
}

/// What one `stat` answers by itself, and one `statm` that was read just before it, of whichever process they are.
/// `false`: other files have a part of the answer, and `out` is as it was.
pub(super) fn of_one_process(
    out: &mut Info,
    text: &[u8],
    statm: Option<&counters::Statm>,
    fields: Fields,
    units: &Units,
) -> bool {
    let Some(stat) = stat::stat(text) else { return false };
    // It is being released, and its group, its threads and what they used are gone already.
    if stat.threads == 0 {
        return false;
    }
    let ended = stat::has_ended(stat.state);
    // The threads that live have the state of the process, and its memory.
    if ended && stat.threads > 1 && (statm.is_some() || fields.contains(Fields::STATE)) {
        return false;
    }
    // It had no memory when `statm` was read, and has one now: another thread has taken the leader's place.
    if stat.vsize != 0 && statm.is_some_and(|statm| statm.size == 0) {
        return false;
    }
    of_stat(out, &stat, fields, units);
    if let Some(statm) = statm {
        of_sizes(out, statm, fields, units);
    }
    if fields.contains(Fields::IDS) {
        out.ids = Some(ProcessIds { pid: stat.pid, tgid: stat.pid, ppid: stat.ppid });
    }
    let absent = fields.difference(out.filled(fields));
    if !absent.is_empty() {
        out.set_absent(Absent::all(absent, if ended { Missing::Gone } else { Missing::Nothing }));
    }
    true
}
