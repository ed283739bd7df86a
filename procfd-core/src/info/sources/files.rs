// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The fields that a single file of /proc or a single system call answers.

use std::ffi::CStr;

use super::super::absent::Notes;
use super::super::fields::*;
use super::super::records::*;
use crate::proc::Proc;
use crate::proc::parse::{counters, limits, single_value, stat, status};
use crate::status as ended;
use crate::sys::query::{self, CpuClock};
use crate::sys::{self, Errno};

pub(super) fn clocks(out: &mut Info, pid: u32, fields: Fields, notes: &Notes) {
    if fields.contains(Fields::CPU) {
        out.cpu_ns = notes.call(Fields::CPU, query::cpu_clock(pid, CpuClock::Sched, false));
    }
    if fields.contains(Fields::CPU_SPLIT) {
        let user = notes.call(Fields::CPU_SPLIT, query::cpu_clock(pid, CpuClock::Virt, false));
        let both = notes.call(Fields::CPU_SPLIT, query::cpu_clock(pid, CpuClock::Prof, false));
        if let (Some(user_ns), Some(both)) = (user, both) {
            out.cpu_split = Some(CpuSplit { user_ns, system_ns: both.saturating_sub(user_ns) });
        }
    }
}

/// The switches of the leader stand in its status; those of other threads in theirs.
pub(super) fn sum_switches(process: &Proc<'_>, status: &status::Status<'_>) -> Option<Switches> {
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

pub(super) fn run_delay(process: &Proc<'_>) -> Option<RunDelay> {
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

pub(super) fn own_usage() -> Option<KnownUsage> {
    let usage = ended::usage(&query::own_usage().ok()?);
    Some(KnownUsage { known: UsageFields::all().difference(UsageFields::WITH_CHILDREN), usage })
}

// Not inlined: it has a large buffer, and the thread may have a small stack (procfd(7)).
#[inline(never)]
pub(super) fn limits_and_fds(
    out: &mut Info,
    process: &Proc<'_>,
    fields: Fields,
    status: Option<&status::Status<'_>>,
) {
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
pub(super) fn small<T>(process: &Proc<'_>, file: &CStr, parse: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
    process.read_small(file, &mut [0; 256]).ok().and_then(parse)
}

pub(super) fn small_files(out: &mut Info, process: &Proc<'_>, fields: Fields) {
    if fields.contains(Fields::OOM) {
        let score = small(process, c"oom_score", single_value::number);
        let score_adj = small(process, c"oom_score_adj", single_value::signed_number);
        if let (Some(score), Some(score_adj)) = (score, score_adj) {
            out.oom = Some(Oom { score, score_adj });
        }
    }
    if fields.contains(Fields::LOGIN) {
        if let Some(uid) = small(process, c"loginuid", single_value::audit_id) {
            let session = small(process, c"sessionid", single_value::audit_id).unwrap_or(u32::MAX);
            out.login = Some(Login { uid, session });
        }
    }
    if fields.contains(Fields::AUTOGROUP) {
        out.autogroup = small(process, c"autogroup", single_value::autogroup)
            .map(|group| Autogroup { id: group.id, nice: group.nice });
    }
    if fields.contains(Fields::COREDUMP_FILTER) {
        out.coredump_filter = small(process, c"coredump_filter", single_value::hexadecimal);
    }
    if fields.contains(Fields::TIMER_SLACK) {
        out.timer_slack_ns = small(process, c"timerslack_ns", single_value::number);
    }
}

pub(super) fn by_calls(out: &mut Info, pid: u32, fields: Fields, notes: &Notes) {
    if fields.contains(Fields::IOPRIO) {
        out.ioprio = notes.call(Fields::IOPRIO, query::io_priority(pid));
    }
    if fields.contains(Fields::CORE_SCHED) {
        out.core_sched = notes.call(Fields::CORE_SCHED, query::core_sched_cookie(pid));
    }
    if fields.contains(Fields::SECUREBITS) && pid as i32 == sys::task::pid() {
        out.securebits = notes.call(Fields::SECUREBITS, query::securebits());
    }
}

pub(super) fn namespaces(process: &Proc<'_>) -> Option<NamespaceIds> {
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
            Ok(text) => *id = single_value::namespace(text)?,
            // Not of this kernel; or not entered yet. There is always a mount namespace, of which a
            // process that ends lets go together with the others.
            Err(Errno(libc::ENOENT)) if link != c"ns/mnt" => {}
            Err(_) => return None,
        }
    }
    Some(ids)
}

/// A process that has ended has left all but its pid and its user namespace.
pub(super) fn namespaces_of_an_ended(process: &mut Proc<'_>) -> Option<NamespaceIds> {
    // A missing link can have other reasons: no /proc, or another thread becoming the leader.
    let (leader, living) = process.stat()?;
    if !stat::has_ended(leader.state) || leader.threads > 1 || living.is_some() {
        return None;
    }
    let id = |link: &CStr| process.link(link, &mut [0; 64]).ok().and_then(single_value::namespace);
    Some(NamespaceIds { user: id(c"ns/user")?, pid: id(c"ns/pid")?, ..NamespaceIds::default() })
}
