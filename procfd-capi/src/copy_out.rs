// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The core's information as the flat structure of the header.

use std::ffi::c_char;
use std::mem::offset_of;

use procfd::{Comm, Errno, Fields, Info, Limits, Missing};

use crate::abi::*;
use crate::args::zero;
use crate::manage::{change, usage};

/// `BIT group(v) { field: value, ... }`: the fields of `procfd_info` that hold a group of `Info`.
macro_rules! groups {
    ($($bit:ident $group:ident($v:ident) { $($field:ident: $value:expr,)* })*) => {
        /// For each group, where its last field ends: a smaller structure does not have the group.
        const ENDS: &[(u64, usize)] = &[$(($bit, last(&[$(end!($field)),*]))),*];

        /// Copies a group, if it is there. A call of its own: inlined into the loop, it would load all groups first.
        #[inline(never)]
        fn copy_group(info: &Info, bit: u64, out: &mut procfd_info) {
            match bit {
                $($bit => if let Some($v) = &info.$group {
                    out.mask |= $bit;
                    $(out.$field = $value;)*
                })*
                _ => {}
            }
        }
    };
}

/// Where a field ends.
macro_rules! end {
    ($field:ident) => {
        offset_of!(procfd_info, $field) + size_of_field(|info| &info.$field)
    };
}

const fn size_of_field<T>(_: fn(&procfd_info) -> &T) -> usize {
    size_of::<T>()
}

const fn last(ends: &[usize]) -> usize {
    match ends {
        [] => 0,
        [end, others @ ..] => {
            let other = last(others);
            if *end > other { *end } else { other }
        }
    }
}

groups! {
    PROC_FIELD_IDS ids(v) {
        pid: v.pid,
        tgid: v.tgid,
        ppid: v.ppid,
    }
    PROC_FIELD_CREDS creds(v) {
        ruid: v.ruid,
        rgid: v.rgid,
        euid: v.euid,
        egid: v.egid,
        suid: v.suid,
        sgid: v.sgid,
        fsuid: v.fsuid,
        fsgid: v.fsgid,
    }
    PROC_FIELD_CGROUP_ID cgroup_id(v) { cgroup_id: *v, }
    PROC_FIELD_EXIT exit(v) {
        exit_what: change(*v).0,
        exit_status: change(*v).1,
    }
    PROC_FIELD_INODE inode(v) { inode: *v, }
    PROC_FIELD_STATE state(v) {
        state: v.code.into(),
        task_flags: v.flags,
    }
    PROC_FIELD_START start(v) {
        start_boot_ns: v.boot_ns,
        start_real_ns: v.real_ns,
    }
    PROC_FIELD_TIMES times(v) {
        user_ns: v.user_ns,
        system_ns: v.system_ns,
        children_user_ns: v.children_user_ns,
        children_system_ns: v.children_system_ns,
        guest_ns: v.guest_ns,
        children_guest_ns: v.children_guest_ns,
        block_io_ns: v.block_io_ns,
    }
    PROC_FIELD_MEMORY memory(v) {
        mem_virtual: v.virt,
        mem_resident: v.resident,
    }
    PROC_FIELD_COMM comm(v) { comm: name(v), }
    PROC_FIELD_CPU cpu_ns(v) { cpu_ns: *v, }
    PROC_FIELD_JOB job(v) {
        pgid: v.pgid,
        sid: v.sid,
        tpgid: v.tpgid,
        tty: v.tty,
    }
    PROC_FIELD_THREADS threads(v) { threads: *v, }
    PROC_FIELD_FAULTS faults(v) {
        minflt: v.minor,
        majflt: v.major,
        children_minflt: v.children_minor,
        children_majflt: v.children_major,
    }
    PROC_FIELD_SCHED sched(v) {
        priority: v.priority,
        nice: v.nice,
        policy: v.policy,
        rt_priority: v.rt_priority,
        processor: v.processor,
    }
    PROC_FIELD_TRACER tracer(v) { tracer: *v, }
    PROC_FIELD_CPU_SPLIT cpu_split(v) {
        cpu_user_ns: v.user_ns,
        cpu_system_ns: v.system_ns,
    }
    PROC_FIELD_MEMORY_PARTS memory_parts(v) {
        mem_shared: v.shared,
        mem_text: v.text,
        mem_data: v.data,
    }
    PROC_FIELD_MEMORY_DETAIL memory_detail(v) {
        mem_peak_virtual: v.peak_virt,
        mem_peak_resident: v.peak_resident,
        mem_anon: v.anon,
        mem_file: v.file,
        mem_shmem: v.shmem,
        mem_locked: v.locked,
        mem_pinned: v.pinned,
        mem_private_data: v.data,
        mem_stack: v.stack,
        mem_exe: v.exe,
        mem_lib: v.lib,
        mem_page_tables: v.page_tables,
        mem_swap: v.swap,
    }
    PROC_FIELD_SIGNALS signals(v) {
        sig_pending_thread: v.pending_thread,
        sig_pending_process: v.pending_process,
        sig_blocked: v.blocked,
        sig_ignored: v.ignored,
        sig_caught: v.caught,
        sig_queued: v.queued,
        sig_queue_limit: v.queue_limit,
    }
    PROC_FIELD_CAPS caps(v) {
        cap_inheritable: v.inheritable,
        cap_permitted: v.permitted,
        cap_effective: v.effective,
        cap_bounding: v.bounding,
        cap_ambient: v.ambient,
    }
    PROC_FIELD_SECURITY security(v) {
        no_new_privs: v.no_new_privs.into(),
        seccomp: v.seccomp,
        seccomp_filters: v.seccomp_filters.unwrap_or(u32::MAX),
    }
    PROC_FIELD_UMASK umask(v) { umask: *v, }
    PROC_FIELD_NS_PID ns_pid(v) {
        ns_pid: v.pid,
        ns_depth: v.depth,
    }
    PROC_FIELD_DUMPABLE dumpable(v) { dumpable: *v, }
    PROC_FIELD_COREDUMP coredump(v) {
        coredump: v.dumped.into(),
        coredump_signal: v.signal.unwrap_or(0),
    }
    PROC_FIELD_OOM oom(v) {
        oom_score_adj: v.score_adj,
        oom_score: v.score,
    }
    PROC_FIELD_LOGIN login(v) {
        loginuid: v.uid,
        audit_session: v.session,
    }
    PROC_FIELD_AUTOGROUP autogroup(v) {
        autogroup_nice: v.nice,
        autogroup: v.id,
    }
    PROC_FIELD_IO io(v) {
        io_read_chars: v.read_chars,
        io_write_chars: v.write_chars,
        io_read_calls: v.read_calls,
        io_write_calls: v.write_calls,
        io_read_bytes: v.read_bytes,
        io_write_bytes: v.write_bytes,
        io_cancelled_write_bytes: v.cancelled_write_bytes,
    }
    PROC_FIELD_IOPRIO ioprio(v) { ioprio: *v, }
    PROC_FIELD_FDS fds(v) {
        fd_count: v.count,
        fd_table: v.table,
        fd_limit: v.limit,
    }
    PROC_FIELD_MOUNTS mounts(v) { mounts: *v, }
    PROC_FIELD_CORE_SCHED core_sched(v) { core_sched_cookie: *v, }
    PROC_FIELD_NAMESPACES namespaces(v) {
        ns_cgroup_id: v.cgroup,
        ns_ipc_id: v.ipc,
        ns_mnt_id: v.mnt,
        ns_net_id: v.net,
        ns_pid_id: v.pid,
        ns_pid_for_children_id: v.pid_for_children,
        ns_time_id: v.time,
        ns_time_for_children_id: v.time_for_children,
        ns_user_id: v.user,
        ns_uts_id: v.uts,
    }
    PROC_FIELD_MEMORY_SET memory_set(v) {
        mem_pss: v.pss,
        mem_uss: v.uss,
        mem_swapped: v.swap,
        mem_swap_pss: v.swap_pss,
    }
    PROC_FIELD_SWITCHES switches(v) {
        nvcsw: v.voluntary,
        nivcsw: v.involuntary,
    }
    PROC_FIELD_RUN_DELAY run_delay(v) {
        run_delay_ns: v.delay_ns,
        run_slices: v.slices,
    }
    PROC_FIELD_TIMER_SLACK timer_slack_ns(v) { timer_slack_ns: *v, }
    PROC_FIELD_COREDUMP_FILTER coredump_filter(v) { coredump_filter: *v, }
    PROC_FIELD_SECUREBITS securebits(v) { securebits: *v, }
    PROC_FIELD_PERSONALITY personality(v) { personality: *v, }
    PROC_FIELD_USAGE usage(v) {
        usage_known: v.known.bits(),
        usage: usage(&v.usage),
    }
    PROC_FIELD_LIMITS limits(v) { limits: limits(v), }
}

/// The structure for a caller who has room for `size` bytes of it, with those of the groups that are there.
pub(crate) fn flat(info: &Info, asked: Fields, size: usize) -> procfd_info {
    let mut out: procfd_info = zero();
    fill(info, asked, &mut out);
    if size < size_of::<procfd_info>() {
        for (bit, _) in ENDS.iter().filter(|&&(_, end)| end > size) {
            out.mask &= !bit;
        }
    }
    out
}

/// Fills a structure of zeroes. Costs as many looks as groups are asked for.
pub(crate) fn fill(info: &Info, asked: Fields, out: &mut procfd_info) {
    let mut left = asked.bits();
    while left != 0 {
        let bit = left & left.wrapping_neg();
        left ^= bit;
        copy_group(info, bit, out);
    }
    let absent = |why| info.absent_then(why).bits() & !out.mask;
    let (denied, unsupported) = (absent(Missing::Denied), absent(Missing::Unsupported));
    let (gone, nothing) = (absent(Missing::Gone), absent(Missing::Nothing));
    (out.denied, out.unsupported, out.gone, out.nothing) = (denied, unsupported, gone, nothing);
}

/// An entry of which nothing is known.
pub(crate) fn unknown(why: Errno) -> procfd_info {
    procfd_info { error: why.0, ..zero() }
}

fn name(comm: &Comm) -> [c_char; 64] {
    comm.padded().map(|byte| byte as c_char)
}

fn limits(limits: &Limits) -> [procfd_rlimit; 16] {
    limits.0.map(|(soft, hard)| procfd_rlimit { soft, hard })
}
