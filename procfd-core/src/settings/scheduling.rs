// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! How the kernel schedules the process: policy, CPUs, core scheduling.

use super::scheduler::{Scheduler, sched_attr};
use super::{Configured, Context, Facts, Families, Prepared, Set, Settings, cpu_mask};
use crate::child::List;
use crate::error::{Error, Stage};

/// linux/sched.h; libc has them for some C libraries.
const SCHED_EXT: u32 = 7;
const SCHED_RESET_ON_FORK: i32 = 0x4000_0000;
/// linux/sched.h: SCHED_FLAG_*.
const RESET_ON_FORK: u64 = 0x01;
const KEEP_POLICY: u64 = 0x08;
const KEEP_PARAMS: u64 = 0x10;
const UTIL_CLAMP_MIN: u64 = 0x20;
const UTIL_CLAMP_MAX: u64 = 0x40;
const UTIL_CLAMP: u64 = UTIL_CLAMP_MIN | UTIL_CLAMP_MAX;
const ALL_FLAGS: u64 = 0x7f;
/// SCHED_CAPACITY_SCALE: the whole of a CPU.
const UTIL_MAX: u32 = 1024;

const OTHER: u32 = libc::SCHED_OTHER as u32;
const FIFO: u32 = libc::SCHED_FIFO as u32;
const RR: u32 = libc::SCHED_RR as u32;
const BATCH: u32 = libc::SCHED_BATCH as u32;
const IDLE: u32 = libc::SCHED_IDLE as u32;
const DEADLINE: u32 = libc::SCHED_DEADLINE as u32;

/// The policies, with their words in messages.
const POLICIES: [(u32, &str); 7] = [
    (OTHER, "SCHED_OTHER"),
    (FIFO, "SCHED_FIFO"),
    (RR, "SCHED_RR"),
    (BATCH, "SCHED_BATCH"),
    (IDLE, "SCHED_IDLE"),
    (DEADLINE, "SCHED_DEADLINE"),
    (SCHED_EXT, "SCHED_EXT"),
];

fn policy_name(policy: u32) -> Option<&'static str> {
    POLICIES.iter().find(|(known, _)| *known == policy).map(|(_, name)| *name)
}

/// How the process is scheduled.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scheduling {
    scheduler: Option<Scheduler>,
    /// The mask as the kernel takes it.
    cpus: Option<Vec<u8>>,
    has_cookie: bool,
}

impl Settings {
    /// The scheduling policy; none for the creator's.
    pub fn set_scheduler(&mut self, scheduler: Option<Scheduler>) -> Set {
        if let Some(scheduler) = &scheduler {
            check(scheduler)?;
        }
        self.make(Families::SCHEDULING).scheduling.scheduler = scheduler;
        Ok(())
    }

    /// The CPUs that it may run on, as a mask; none for the creator's.
    pub fn set_affinity(&mut self, mask: Option<Vec<u8>>) -> Set {
        if mask.as_ref().is_some_and(|mask| mask.iter().all(|byte| *byte == 0)) {
            return Err(Error::config(libc::EINVAL, "an affinity without a CPU"));
        }
        self.make(Families::SCHEDULING).scheduling.cpus = mask;
        Ok(())
    }

    /// A core scheduling cookie of its own.
    pub fn set_core_sched(&mut self, on: bool) -> Set {
        self.make(Families::SCHEDULING).scheduling.has_cookie = on;
        Ok(())
    }
}

impl Context {
    /// The scheduling policy with its parameters. A nice value of 0 keeps the creator's; [`nice`](Self::nice)
    /// sets one, 0 too. `SCHED_FLAG_RESET_ON_FORK` (1) gives its children the ordinary policy again, without
    /// which a process with `SCHED_DEADLINE` cannot fork.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no such policy, or a value out of its range: the message has the range.
    ///
    /// # Kernel
    ///
    /// [sched_setattr(2)](https://man7.org/linux/man-pages/man2/sched_setattr.2.html), and
    /// [sched_setscheduler(2)](https://man7.org/linux/man-pages/man2/sched_setscheduler.2.html); since 5.3 for
    /// utilization clamps. Privilege: `CAP_SYS_NICE` or `RLIMIT_RTPRIO` for `SCHED_FIFO` and `SCHED_RR`,
    /// `CAP_SYS_NICE` for `SCHED_DEADLINE`.
    ///
    /// ```
    /// let mut batch = procfd::Scheduler::default();
    /// batch.policy = libc::SCHED_BATCH as u32;
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/grep")?.args(["grep", "-q", "^policy *: *3$", "/proc/self/sched"])?;
    /// context.scheduler(&batch)?;
    /// # let _ = std::path::Path::new("/proc/self/sched").exists() || std::process::exit(0);
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_SCHEDULER")]
    pub fn scheduler(&mut self, scheduler: &Scheduler) -> Configured<'_> {
        self.set(|s| s.set_scheduler(Some(*scheduler)))
    }

    /// The CPUs that the process may run on.
    ///
    /// # Errors
    ///
    /// `EINVAL`: none, or a number over 8,191.
    ///
    /// # Kernel
    ///
    /// [sched_setaffinity(2)](https://man7.org/linux/man-pages/man2/sched_setaffinity.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/grep")?.args(["grep", "-q", "Cpus_allowed_list:\t0$", "/proc/self/status"])?;
    /// context.affinity([0])?;
    /// # let first = std::fs::read_to_string("/proc/self/status")?.contains("Cpus_allowed_list:\t0");
    /// # let _ = first || std::process::exit(0);
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_AFFINITY")]
    pub fn affinity(&mut self, cpus: impl IntoIterator<Item = usize>) -> Configured<'_> {
        let mask = cpu_mask(cpus).map_err(|e| Error::config(e.0, "a CPU number over 8191"))?;
        self.set(|s| s.set_affinity(Some(mask)))
    }

    /// A core scheduling cookie of its own: only the process and its descendants run at once on the threads of a core.
    ///
    /// # Errors
    ///
    /// None here. [`create`](Self::create) fails with `ENODEV` where no CPU has several threads, with `EINVAL` where the
    /// kernel has no core scheduling.
    ///
    /// # Kernel
    ///
    /// `PR_SCHED_CORE` of [prctl(2)](https://man7.org/linux/man-pages/man2/prctl.2.html); since 5.14, with
    /// `CONFIG_SCHED_CORE`. No privilege.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.core_sched()?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::CORE_SCHED));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_CORE_SCHED")]
    pub fn core_sched(&mut self) -> Configured<'_> {
        self.set(|s| s.set_core_sched(true))
    }
}

/// The values that the kernel refuses to every caller.
fn check(s: &Scheduler) -> Set {
    let err = |text: String| Err(Error::config(libc::EINVAL, text));
    let Some(name) = policy_name(s.policy) else {
        return err(format!("scheduling policy {}", s.policy));
    };
    if s.flags & !ALL_FLAGS != 0 {
        return err(format!("scheduler flags {:#x}; there are {ALL_FLAGS:#x}", s.flags));
    }
    let is_kept = s.flags & KEEP_PARAMS != 0;
    let real_time = s.policy == FIFO || s.policy == RR;
    if real_time && !is_kept && !(1..=99).contains(&s.priority) {
        return err(format!("{name} with priority {}; it takes 1 to 99", s.priority));
    }
    if !real_time && s.priority != 0 && s.flags & KEEP_POLICY == 0 {
        return err(format!("{name} with priority {}; it takes 0", s.priority));
    }
    if !(-20..=19).contains(&s.nice) {
        return err(format!("scheduler with nice value {}; there are -20 to 19", s.nice));
    }
    if s.policy == DEADLINE && !is_kept {
        // sched(7): a period of 0 is the deadline.
        let period = if s.period.is_zero() { s.deadline } else { s.period };
        if s.runtime.as_nanos() < 1024 || s.runtime > s.deadline || s.deadline > period {
            return err(format!(
                "SCHED_DEADLINE with runtime {:?}, deadline {:?}, period {:?}; it takes 1024 ns <= runtime <= \
                 deadline <= period",
                s.runtime, s.deadline, s.period
            ));
        }
    }
    for (flag, value) in [(UTIL_CLAMP_MIN, s.util_min), (UTIL_CLAMP_MAX, s.util_max)] {
        if s.flags & flag != 0 && value > UTIL_MAX && value != u32::MAX {
            return err(format!("utilization clamp {value}; there are 0 to {UTIL_MAX}"));
        }
    }
    if s.flags & UTIL_CLAMP == UTIL_CLAMP && s.util_max <= UTIL_MAX && (s.util_max < s.util_min) {
        return err(format!("utilization clamps {} to {}", s.util_min, s.util_max));
    }
    sched_attr(s).map(drop).map_err(|e| Error::config(e.0, "scheduler with a time over 2^64 ns"))
}

/// The CPUs come first: a SCHED_DEADLINE process may not choose them.
pub(super) fn cpus_and_policy(s: &Settings, _: &Facts<'_>, list: &mut List) {
    if let Some(mask) = &s.scheduling.cpus {
        list.step(Stage::AFFINITY, 0).sched_setaffinity(mask);
    }
    if let Some(scheduler) = &s.scheduling.scheduler {
        policy(scheduler, list.step(Stage::SCHEDULER, 0));
    }
    if s.scheduling.has_cookie {
        list.step(Stage::CORE_SCHED, 0).make_core_cookie();
    }
}

/// sched_setattr(2) would set the nice value too; the older calls keep the creator's.
fn policy(scheduler: &Scheduler, list: &mut List) {
    let Ok(mut attr) = sched_attr(scheduler) else { return };
    let of_older_calls = scheduler.policy != DEADLINE
        && scheduler.nice == 0
        && scheduler.runtime.is_zero()
        && scheduler.flags & KEEP_PARAMS == 0
        && scheduler.flags & !(RESET_ON_FORK | KEEP_POLICY | UTIL_CLAMP) == 0;
    if !of_older_calls {
        list.sched_setattr(&attr.to_bytes());
        return;
    }
    if scheduler.flags & KEEP_POLICY != 0 {
        list.sched_setparam(scheduler.priority);
    } else {
        let reset = if scheduler.flags & RESET_ON_FORK != 0 { SCHED_RESET_ON_FORK } else { 0 };
        list.sched_setscheduler(scheduler.policy as i32 | reset, scheduler.priority);
    }
    if scheduler.flags & UTIL_CLAMP != 0 {
        attr.flags = scheduler.flags & UTIL_CLAMP | KEEP_POLICY | KEEP_PARAMS;
        list.sched_setattr(&attr.to_bytes());
    }
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, _: u32) -> Option<String> {
    match stage {
        Stage::AFFINITY => s.scheduling.cpus.as_deref().map(|mask| format!("to CPUs {}", ranges(mask))),
        Stage::SCHEDULER => s.scheduling.scheduler.as_ref().map(shown),
        _ => None,
    }
}

fn shown(s: &Scheduler) -> String {
    let mut text = format!("to {}", policy_name(s.policy).unwrap_or_default());
    if s.priority != 0 {
        text += &format!(", priority {}", s.priority);
    }
    if s.policy == DEADLINE {
        text += &format!(", runtime {:?}, deadline {:?}, period {:?}", s.runtime, s.deadline, s.period);
    }
    if s.flags & UTIL_CLAMP != 0 {
        text += &format!(", utilization clamps {} to {}", s.util_min, s.util_max);
    }
    text
}

/// The CPUs or nodes of a mask, as the kernel's files have them: "0-3,8".
pub(super) fn ranges(mask: &[u8]) -> String {
    // The kernel's words are of the machine's own order, and so are their bytes.
    let mut words = mask.chunks(size_of::<usize>()).map(|bytes| {
        let mut word = [0; size_of::<usize>()];
        word.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        usize::from_ne_bytes(word)
    });
    let mut cpus = Vec::new();
    for at in (0..).step_by(usize::BITS as usize) {
        let Some(word) = words.next() else { break };
        cpus.extend((0..usize::BITS as usize).filter(|bit| word >> bit & 1 != 0).map(|bit| at + bit));
    }
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for cpu in cpus {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == cpu => *last = cpu,
            _ => parts.push((cpu, cpu)),
        }
    }
    let part = |&(first, last): &(usize, usize)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    parts.iter().map(part).collect::<Vec<_>>().join(",")
}

pub(super) fn hint(s: &Settings, stage: Stage, errno: i32) -> Option<&'static str> {
    let policy = s.scheduling.scheduler.as_ref().map(|scheduler| scheduler.policy);
    match (stage, errno) {
        (Stage::CORE_SCHED, libc::ENODEV) => Some("no CPU of this machine has several threads"),
        (Stage::CORE_SCHED, libc::EINVAL) => {
            Some("this kernel has no core scheduling (CONFIG_SCHED_CORE, 5.14)")
        }
        (Stage::AFFINITY, libc::EINVAL) => Some("none of these CPUs is online and in the cpuset"),
        (Stage::SCHEDULER, libc::EPERM) if policy == Some(DEADLINE) => Some(
            "SCHED_DEADLINE needs CAP_SYS_NICE, and an affinity of all CPUs: leave the affinity out, or use a cpuset",
        ),
        (Stage::SCHEDULER, libc::EPERM) => Some("CAP_SYS_NICE, or room in RLIMIT_RTPRIO or RLIMIT_NICE"),
        (Stage::SCHEDULER, libc::EOPNOTSUPP) => Some("this kernel has no utilization clamps"),
        (Stage::SCHEDULER, libc::EBUSY) => Some("the CPUs have no room for this reservation"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::scheduler::cpu_mask;
    use super::*;

    #[test]
    fn cpus_in_words() {
        let mask = cpu_mask([0, 1, 2, 5, 64, 65, 130]).unwrap();
        assert_eq!(ranges(&mask), "0-2,5,64-65,130");
    }

    #[test]
    fn ranges_of_parameters() {
        let ns = Duration::from_nanos;
        let with = |policy, priority| Scheduler { policy, priority, ..Scheduler::default() };
        assert!(check(&with(FIFO, 1)).is_ok() && check(&with(RR, 99)).is_ok());
        for bad in [with(FIFO, 0), with(FIFO, 100), with(OTHER, 1), with(4, 0), with(8, 0)] {
            assert!(check(&bad).is_err(), "{bad:?}");
        }
        let deadline = |runtime, deadline, period| Scheduler {
            policy: DEADLINE,
            runtime: ns(runtime),
            deadline: ns(deadline),
            period: ns(period),
            ..Scheduler::default()
        };
        assert!(check(&deadline(1024, 1024, 0)).is_ok() && check(&deadline(5000, 6000, 7000)).is_ok());
        for bad in [deadline(1023, 2000, 0), deadline(3000, 2000, 0), deadline(2000, 3000, 2500)] {
            assert!(check(&bad).is_err(), "{bad:?}");
        }
        let clamps =
            |util_min, util_max| Scheduler { flags: UTIL_CLAMP, util_min, util_max, ..Scheduler::default() };
        assert!(check(&clamps(0, 1024)).is_ok() && check(&clamps(u32::MAX, u32::MAX)).is_ok());
        assert!(check(&clamps(0, 1025)).is_err() && check(&clamps(600, 500)).is_err());
    }
}
