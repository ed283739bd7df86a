// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Attributes of the task: execution domain, time-stamp counter, subreaper, I/O priority, memory failures.

use super::{Facts, Families, Prepared, Set, Settings};
use crate::child::List;
use crate::error::{Error, Stage};

/// What the kernel keeps with the task itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Task {
    personality: Option<u32>,
    no_tsc: bool,
    subreaper: bool,
    ioprio: Option<u16>,
    mce_kill: Option<u32>,
}

/// linux/ioprio.h: the class is above these bits.
pub(crate) const IOPRIO_CLASS_SHIFT: u16 = 13;
/// IOPRIO_CLASS_IDLE, the last one.
const IOPRIO_CLASS_MAX: u16 = 3;

impl Settings {
    /// The execution domain.
    pub fn set_personality(&mut self, persona: u32) -> Set {
        if persona == u32::MAX {
            // personality(2): the question for the present one.
            return Err(Error::config(libc::EINVAL, "personality 0xffffffff, which is no personality"));
        }
        self.make(Families::TASK).task.personality = Some(persona);
        Ok(())
    }

    /// The time-stamp counter is out of reach.
    pub fn set_no_tsc(&mut self, on: bool) -> Set {
        self.make(Families::TASK).task.no_tsc = on;
        Ok(())
    }

    /// Orphaned descendants become its children.
    pub fn set_subreaper(&mut self, on: bool) -> Set {
        self.make(Families::TASK).task.subreaper = on;
        Ok(())
    }

    /// The I/O priority: the class above 13 bits of data.
    pub fn set_ioprio(&mut self, ioprio: u16) -> Set {
        let class = ioprio >> IOPRIO_CLASS_SHIFT;
        if class > IOPRIO_CLASS_MAX {
            return Err(Error::config(
                libc::EINVAL,
                format_args!("I/O priority {ioprio}: class {class}; there are 0 to {IOPRIO_CLASS_MAX}"),
            ));
        }
        self.make(Families::TASK).task.ioprio = Some(ioprio);
        Ok(())
    }

    /// When a memory failure kills it: PR_MCE_KILL_LATE, _EARLY or _DEFAULT.
    pub fn set_mce_kill(&mut self, policy: u32) -> Set {
        if policy > libc::PR_MCE_KILL_DEFAULT as u32 {
            return Err(Error::config(libc::EINVAL, format_args!("policy {policy} is not a PR_MCE_KILL_*")));
        }
        self.make(Families::TASK).task.mce_kill = Some(policy);
        Ok(())
    }
}

pub(super) fn attributes(s: &Settings, _: &Facts<'_>, list: &mut List) {
    if let Some(ioprio) = s.task.ioprio {
        list.step(Stage::IOPRIO, 0).set_ioprio(ioprio.into());
    }
    if let Some(persona) = s.task.personality {
        list.step(Stage::PERSONALITY, 0).personality(persona);
    }
    if s.task.subreaper {
        list.step(Stage::SUBREAPER, 0).prctl::<{ libc::PR_SET_CHILD_SUBREAPER }>(1);
    }
    if s.task.no_tsc {
        list.step(Stage::TSC, 0).prctl::<{ libc::PR_SET_TSC }>(libc::PR_TSC_SIGSEGV as u64);
    }
    if let Some(policy) = s.task.mce_kill {
        list.step(Stage::MCE_KILL, 0).set_mce_kill(policy);
    }
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, _: u32) -> Option<String> {
    match stage {
        Stage::IOPRIO => s.task.ioprio.map(|ioprio| {
            let class = ioprio >> IOPRIO_CLASS_SHIFT;
            format!("class {class}, level {}", ioprio & ((1 << IOPRIO_CLASS_SHIFT) - 1))
        }),
        Stage::MCE_KILL => s.task.mce_kill.map(|policy| policy.to_string()),
        Stage::PERSONALITY => s.task.personality.map(|persona| format!("{persona:#x}")),
        _ => None,
    }
}

pub(super) fn hint(_: &Settings, stage: Stage, errno: i32) -> Option<&'static str> {
    match (stage, errno) {
        (Stage::TSC, libc::EINVAL) => Some("only x86 has this switch"),
        (Stage::IOPRIO, libc::EPERM) => Some("the real-time class needs CAP_SYS_NICE or CAP_SYS_ADMIN"),
        _ => None,
    }
}
