// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Resource limits, the nice value, the timer slack.

use super::{Configured, Context, Facts, Families, Prepared, Set, Settings};
use crate::child::{List, When};
use crate::error::{Error, Stage};
use crate::sys::RLimit64;

/// The resource that limits descriptor numbers.
#[allow(clippy::unnecessary_cast, reason = "a signed constant on musl")]
pub(crate) const NOFILE: u32 = libc::RLIMIT_NOFILE as u32;

/// The resources that the process may use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resources {
    limits: Vec<(u32, RLimit64)>,
    nice: Option<i32>,
    timer_slack: Option<u64>,
}

impl Resources {
    fn limit(&self, resource: u32) -> Option<&RLimit64> {
        self.limits.iter().find(|(r, _)| *r == resource).map(|(_, limit)| limit)
    }

    /// When RLIMIT_NOFILE is set, if it is: a lower one would hinder the descriptor actions.
    pub(crate) fn nofile_when(&self) -> Option<When> {
        let new = self.limit(NOFILE)?;
        let now = crate::sys::task::rlimit(NOFILE).map_or(0, |limit| limit.cur);
        Some(if new.cur < now { When::NOFILE_FALLS } else { When::NOFILE_RISES })
    }
}

impl Settings {
    /// A resource limit.
    pub fn set_rlimit(&mut self, resource: u32, soft: u64, hard: u64) -> Set {
        // 16 resources since 2.6.25 (getrlimit(2)).
        if resource >= 16 {
            return Err(Error::config(libc::EINVAL, format_args!("resource {resource} is not an RLIMIT_*")));
        }
        if soft > hard {
            return Err(Error::config(
                libc::EINVAL,
                format_args!("{}: soft limit {soft} above the hard limit {hard}", name(resource)),
            ));
        }
        let limit = RLimit64 { cur: soft, max: hard };
        match self.make(Families::RESOURCES).resources.limits.iter_mut().find(|(r, _)| *r == resource) {
            Some((_, l)) => *l = limit,
            None => self.make(Families::RESOURCES).resources.limits.push((resource, limit)),
        }
        Ok(())
    }

    /// The nice value.
    pub fn set_nice(&mut self, nice: i64) -> Set {
        match i32::try_from(nice) {
            Ok(n @ -20..=19) => {
                self.make(Families::RESOURCES).resources.nice = Some(n);
                Ok(())
            }
            _ => Err(Error::config(libc::EINVAL, format_args!("nice value {nice} is not in -20 to 19"))),
        }
    }

    /// The timer slack in nanoseconds; 0 for the creator's.
    pub fn set_timer_slack(&mut self, ns: u64) -> Set {
        self.make(Families::RESOURCES).resources.timer_slack = (ns != 0).then_some(ns);
        Ok(())
    }
}

impl Context {
    /// A resource limit (`RLIMIT_*`), in its own unit; `u64::MAX` is none.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no such resource, or the soft above the hard limit.
    ///
    /// # Kernel
    ///
    /// [setrlimit(2)](https://man7.org/linux/man-pages/man2/setrlimit.2.html).
    /// Privilege: `CAP_SYS_RESOURCE` to raise a hard limit.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "test $(ulimit -c) = 0"])?;
    /// context.rlimit(libc::RLIMIT_CORE as u32, 0, 0)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_RLIMIT")]
    pub fn rlimit(&mut self, resource: u32, soft: u64, hard: u64) -> Configured<'_> {
        self.set(|s| s.set_rlimit(resource, soft, hard))
    }

    /// The nice value, -20 to 19.
    ///
    /// # Errors
    ///
    /// `EINVAL`: outside that.
    ///
    /// # Kernel
    ///
    /// [setpriority(2)](https://man7.org/linux/man-pages/man2/setpriority.2.html).
    /// Privilege: `CAP_SYS_NICE` or `RLIMIT_NICE` for a lower value.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "test $(nice) = 19"])?;
    /// context.nice(19)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_NICE")]
    pub fn nice(&mut self, nice: i32) -> Configured<'_> {
        self.set(|s| s.set_nice(nice.into()))
    }

    /// The timer slack in nanoseconds: how late the kernel may run a timer of the process. 0 takes the
    /// setting back.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [PR_SET_TIMERSLACK(2const)](https://man7.org/linux/man-pages/man2const/PR_SET_TIMERSLACK.2const.html).
    /// No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/grep")?.args(["grep", "-qx", "70000", "/proc/self/timerslack_ns"])?;
    /// context.timer_slack(70_000)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_TIMERSLACK")]
    pub fn timer_slack(&mut self, ns: u64) -> Configured<'_> {
        self.set(|s| s.set_timer_slack(ns))
    }
}

/// How the kernel schedules it.
pub(super) fn scheduling(s: &Settings, _: &Facts<'_>, list: &mut List) {
    if let Some(nice) = s.resources.nice {
        list.step(Stage::NICE, 0).setpriority(nice);
    }
    if let Some(ns) = s.resources.timer_slack {
        list.step(Stage::TIMERSLACK, 0).prctl::<{ libc::PR_SET_TIMERSLACK }>(ns);
    }
}

pub(super) fn limits(s: &Settings, _: &Facts<'_>, list: &mut List) {
    for (resource, limit) in &s.resources.limits {
        let when = When::NOFILE_RISES.only_if(*resource == NOFILE);
        list.step(Stage::RLIMIT, *resource).setrlimit(*resource, [limit.cur, limit.max]).when(when);
    }
}

/// A lower RLIMIT_NOFILE, after the descriptor actions.
pub(super) fn descriptor_limit(s: &Settings, _: &Facts<'_>, list: &mut List) {
    if let Some(limit) = s.resources.limit(NOFILE) {
        let last = [limit.cur, limit.max];
        list.step(Stage::RLIMIT, NOFILE).setrlimit(NOFILE, last).when(When::NOFILE_FALLS);
    }
}

/// A resource by its constant in asm-generic; a later one by its number.
fn name(resource: u32) -> String {
    const NAMES: [&str; 16] = [
        "CPU",
        "FSIZE",
        "DATA",
        "STACK",
        "CORE",
        "RSS",
        "NPROC",
        "NOFILE",
        "MEMLOCK",
        "AS",
        "LOCKS",
        "SIGPENDING",
        "MSGQUEUE",
        "NICE",
        "RTPRIO",
        "RTTIME",
    ];
    match NAMES.get(resource as usize) {
        Some(name) => format!("RLIMIT_{name}"),
        None => format!("resource {resource}"),
    }
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, index: u32) -> Option<String> {
    let shown = |value: u64| if value == u64::MAX { "unlimited".into() } else { value.to_string() };
    match stage {
        Stage::NICE => s.resources.nice.map(|nice| nice.to_string()),
        Stage::TIMERSLACK => s.resources.timer_slack.map(|ns| format!("{ns} ns")),
        Stage::RLIMIT => Some(match s.resources.limit(index) {
            Some(l) => format!("{} to {} (soft), {} (hard)", name(index), shown(l.cur), shown(l.max)),
            None => name(index),
        }),
        _ => None,
    }
}
