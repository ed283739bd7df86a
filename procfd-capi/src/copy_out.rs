// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The core's information as the flat structure of the header.

use std::ffi::c_char;
use std::mem::offset_of;

use procfd::{Comm, Errno, Info, Limits};

use crate::abi::*;
use crate::args::zero;
use crate::manage::{change, usage};

/// Where a field ends.
macro_rules! end {
    ($field:ident) => {
        offset_of!(procfd_info, $field) + size_of_field(|info| &info.$field)
    };
}

const fn size_of_field<T>(_: fn(&procfd_info) -> &T) -> usize {
    size_of::<T>()
}

/// For each group, where its last field ends: a caller's structure that ends before does not have it.
const LAST: &[(u64, usize)] = &[
    (PROC_FIELD_IDS, end!(ppid)),
    (PROC_FIELD_CREDS, end!(fsgid)),
    (PROC_FIELD_CGROUP_ID, end!(cgroup_id)),
    (PROC_FIELD_EXIT, end!(exit_status)),
    (PROC_FIELD_INODE, end!(inode)),
    (PROC_FIELD_STATE, end!(task_flags)),
    (PROC_FIELD_START, end!(start_real_ns)),
    (PROC_FIELD_TIMES, end!(block_io_ns)),
    (PROC_FIELD_MEMORY, end!(mem_resident)),
    (PROC_FIELD_COMM, end!(comm)),
    (PROC_FIELD_CPU, end!(cpu_ns)),
    (PROC_FIELD_JOB, end!(tty)),
    (PROC_FIELD_THREADS, end!(threads)),
    (PROC_FIELD_FAULTS, end!(children_majflt)),
    (PROC_FIELD_SCHED, end!(processor)),
    (PROC_FIELD_TRACER, end!(tracer)),
    (PROC_FIELD_CPU_SPLIT, end!(cpu_system_ns)),
    (PROC_FIELD_MEMORY_PARTS, end!(mem_data)),
    (PROC_FIELD_MEMORY_DETAIL, end!(mem_swap)),
    (PROC_FIELD_SIGNALS, end!(sig_queue_limit)),
    (PROC_FIELD_CAPS, end!(cap_ambient)),
    (PROC_FIELD_SECURITY, end!(seccomp_filters)),
    (PROC_FIELD_UMASK, end!(umask)),
    (PROC_FIELD_NS_PID, end!(ns_depth)),
    (PROC_FIELD_DUMPABLE, end!(dumpable)),
    (PROC_FIELD_COREDUMP, end!(coredump_signal)),
    (PROC_FIELD_OOM, end!(oom_score)),
    (PROC_FIELD_LOGIN, end!(audit_session)),
    (PROC_FIELD_AUTOGROUP, end!(autogroup)),
    (PROC_FIELD_IO, end!(io_cancelled_write_bytes)),
    (PROC_FIELD_IOPRIO, end!(ioprio)),
    (PROC_FIELD_FDS, end!(fd_limit)),
    (PROC_FIELD_MOUNTS, end!(mounts)),
    (PROC_FIELD_CORE_SCHED, end!(core_sched_cookie)),
    (PROC_FIELD_NAMESPACES, end!(ns_uts_id)),
    (PROC_FIELD_MEMORY_SET, end!(mem_swap_pss)),
    (PROC_FIELD_SWITCHES, end!(nivcsw)),
    (PROC_FIELD_RUN_DELAY, end!(run_slices)),
    (PROC_FIELD_TIMER_SLACK, end!(timer_slack_ns)),
    (PROC_FIELD_COREDUMP_FILTER, end!(coredump_filter)),
    (PROC_FIELD_SECUREBITS, end!(securebits)),
    (PROC_FIELD_PERSONALITY, end!(personality)),
    (PROC_FIELD_USAGE, end!(usage)),
    (PROC_FIELD_LIMITS, end!(limits)),
];

/// The structure for a caller who has room for `size` bytes of it.
pub(crate) fn flat(info: &Info, size: usize) -> procfd_info {
    let mut out: procfd_info = zero();
    out.mask = info.fields().bits();
    if size < size_of::<procfd_info>() {
        for (bit, _) in LAST.iter().filter(|&&(_, end)| end > size) {
            out.mask &= !bit;
        }
    }
    if let Some(v) = &info.inode {
        out.inode = *v;
    }
    if let Some(v) = &info.cgroup_id {
        out.cgroup_id = *v;
    }
    if let Some(v) = &info.ids {
        out.pid = v.pid;
        out.tgid = v.tgid;
        out.ppid = v.ppid;
    }
    if let Some(v) = &info.creds {
        out.ruid = v.ruid;
        out.rgid = v.rgid;
        out.euid = v.euid;
        out.egid = v.egid;
        out.suid = v.suid;
        out.sgid = v.sgid;
        out.fsuid = v.fsuid;
        out.fsgid = v.fsgid;
    }
    if let Some(v) = info.exit {
        (out.exit_what, out.exit_status) = change(v);
    }
    if let Some(v) = &info.state {
        out.state = v.code.into();
        out.task_flags = v.flags;
    }
    if let Some(v) = &info.start {
        out.start_boot_ns = v.boot_ns;
        out.start_real_ns = v.real_ns;
    }
    if let Some(v) = &info.times {
        out.user_ns = v.user_ns;
        out.system_ns = v.system_ns;
        out.children_user_ns = v.children_user_ns;
        out.children_system_ns = v.children_system_ns;
    }
    if let Some(v) = &info.memory {
        out.mem_virtual = v.virt;
        out.mem_resident = v.resident;
    }
    if let Some(v) = &info.comm {
        out.comm = name(v);
    }
    if let Some(v) = &info.cpu_ns {
        out.cpu_ns = *v;
    }
    if let Some(v) = &info.job {
        out.pgid = v.pgid;
        out.sid = v.sid;
        out.tpgid = v.tpgid;
    }
    if let Some(v) = &info.threads {
        out.threads = *v;
    }
    if let Some(v) = &info.job {
        out.tty = v.tty;
    }
    if let Some(v) = &info.faults {
        out.minflt = v.minor;
        out.majflt = v.major;
        out.children_minflt = v.children_minor;
        out.children_majflt = v.children_major;
    }
    if let Some(v) = &info.sched {
        out.priority = v.priority;
        out.nice = v.nice;
        out.policy = v.policy;
        out.rt_priority = v.rt_priority;
        out.processor = v.processor;
    }
    if let Some(v) = &info.tracer {
        out.tracer = *v;
    }
    if let Some(v) = &info.times {
        out.guest_ns = v.guest_ns;
        out.children_guest_ns = v.children_guest_ns;
        out.block_io_ns = v.block_io_ns;
    }
    if let Some(v) = &info.cpu_split {
        out.cpu_user_ns = v.user_ns;
        out.cpu_system_ns = v.system_ns;
    }
    if let Some(v) = &info.memory_parts {
        out.mem_shared = v.shared;
        out.mem_text = v.text;
        out.mem_data = v.data;
    }
    if let Some(v) = &info.memory_detail {
        out.mem_peak_virtual = v.peak_virt;
        out.mem_peak_resident = v.peak_resident;
        out.mem_anon = v.anon;
        out.mem_file = v.file;
        out.mem_shmem = v.shmem;
        out.mem_locked = v.locked;
        out.mem_pinned = v.pinned;
        out.mem_private_data = v.data;
        out.mem_stack = v.stack;
        out.mem_exe = v.exe;
        out.mem_lib = v.lib;
        out.mem_page_tables = v.page_tables;
        out.mem_swap = v.swap;
    }
    if let Some(v) = &info.signals {
        out.sig_pending_thread = v.pending_thread;
        out.sig_pending_process = v.pending_process;
        out.sig_blocked = v.blocked;
        out.sig_ignored = v.ignored;
        out.sig_caught = v.caught;
        out.sig_queued = v.queued;
        out.sig_queue_limit = v.queue_limit;
    }
    if let Some(v) = &info.caps {
        out.cap_inheritable = v.inheritable;
        out.cap_permitted = v.permitted;
        out.cap_effective = v.effective;
        out.cap_bounding = v.bounding;
        out.cap_ambient = v.ambient;
    }
    if let Some(v) = &info.security {
        out.no_new_privs = v.no_new_privs.into();
        out.seccomp = v.seccomp;
        out.seccomp_filters = v.seccomp_filters.unwrap_or(u32::MAX);
    }
    if let Some(v) = &info.umask {
        out.umask = *v;
    }
    if let Some(v) = &info.ns_pid {
        out.ns_pid = v.pid;
        out.ns_depth = v.depth;
    }
    if let Some(v) = &info.dumpable {
        out.dumpable = *v;
    }
    if let Some(v) = &info.coredump {
        out.coredump = v.dumped.into();
        out.coredump_signal = v.signal.unwrap_or(0);
    }
    if let Some(v) = &info.oom {
        out.oom_score_adj = v.score_adj;
        out.oom_score = v.score;
    }
    if let Some(v) = &info.login {
        out.loginuid = v.uid;
        out.audit_session = v.session;
    }
    if let Some(v) = &info.autogroup {
        out.autogroup_nice = v.nice;
        out.autogroup = v.id;
    }
    if let Some(v) = &info.io {
        out.io_read_chars = v.read_chars;
        out.io_write_chars = v.write_chars;
        out.io_read_calls = v.read_calls;
        out.io_write_calls = v.write_calls;
        out.io_read_bytes = v.read_bytes;
        out.io_write_bytes = v.write_bytes;
        out.io_cancelled_write_bytes = v.cancelled_write_bytes;
    }
    if let Some(v) = &info.ioprio {
        out.ioprio = *v;
    }
    if let Some(v) = &info.fds {
        out.fd_count = v.count;
        out.fd_table = v.table;
    }
    if let Some(v) = &info.mounts {
        out.mounts = *v;
    }
    if let Some(v) = &info.fds {
        out.fd_limit = v.limit;
    }
    if let Some(v) = &info.core_sched {
        out.core_sched_cookie = *v;
    }
    if let Some(v) = &info.namespaces {
        out.ns_cgroup_id = v.cgroup;
        out.ns_ipc_id = v.ipc;
        out.ns_mnt_id = v.mnt;
        out.ns_net_id = v.net;
        out.ns_pid_id = v.pid;
        out.ns_pid_for_children_id = v.pid_for_children;
        out.ns_time_id = v.time;
        out.ns_time_for_children_id = v.time_for_children;
        out.ns_user_id = v.user;
        out.ns_uts_id = v.uts;
    }
    if let Some(v) = &info.memory_set {
        out.mem_pss = v.pss;
        out.mem_uss = v.uss;
        out.mem_swapped = v.swap;
        out.mem_swap_pss = v.swap_pss;
    }
    if let Some(v) = &info.switches {
        out.nvcsw = v.voluntary;
        out.nivcsw = v.involuntary;
    }
    if let Some(v) = &info.run_delay {
        out.run_delay_ns = v.delay_ns;
        out.run_slices = v.slices;
    }
    if let Some(v) = &info.timer_slack_ns {
        out.timer_slack_ns = *v;
    }
    if let Some(v) = &info.coredump_filter {
        out.coredump_filter = *v;
    }
    if let Some(v) = &info.securebits {
        out.securebits = *v;
    }
    if let Some(v) = &info.personality {
        out.personality = *v;
    }
    if let Some(v) = &info.usage {
        out.usage_known = v.known.bits();
        out.usage = usage(&v.usage);
    }
    if let Some(v) = &info.limits {
        out.limits = limits(v);
    }
    out
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
