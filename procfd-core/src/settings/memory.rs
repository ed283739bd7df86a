// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What the kernel does with the memory of the process.

use super::{Facts, Prepared, Set, Settings};
use crate::child::List;
use crate::error::{Error, Stage};

/// What concerns the memory as a whole.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    oom_score_adj: Option<i32>,
}

impl Memory {
    /// Whether the child needs memory of its own. The kernel gives an oom_score_adj to all processes with the same
    /// memory, but for a child of vfork(2), whose creator sleeps (`is_asleep`).
    pub(crate) fn needs_copy(&self, is_asleep: bool) -> bool {
        self.oom_score_adj.is_some() && !is_asleep
    }
}

impl Settings {
    /// How likely the kernel is to kill it if memory runs out.
    pub fn set_oom_score_adj(&mut self, value: i64) -> Set {
        match i32::try_from(value) {
            Ok(value @ -1000..=1000) => {
                self.memory.oom_score_adj = Some(value);
                Ok(())
            }
            _ => Err(Error::config(
                libc::EINVAL,
                format_args!("oom_score_adj {value}; there are -1000 to 1000"),
            )),
        }
    }
}

/// By a file, so not in the creator's descriptor table.
pub(super) fn oom_score(s: &Settings, _: &Facts<'_>, list: &mut List) {
    if let Some(value) = s.memory.oom_score_adj {
        let text = value.to_string();
        list.step(Stage::OOM_SCORE_ADJ, 0).write_file(c"/proc/self/oom_score_adj", text.as_bytes());
    }
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, _: u32) -> Option<String> {
    match stage {
        Stage::OOM_SCORE_ADJ => s.memory.oom_score_adj.map(|value| format!("to {value}")),
        _ => None,
    }
}

pub(super) fn hint(_: &Settings, stage: Stage, errno: i32) -> Option<&'static str> {
    match (stage, errno) {
        (Stage::OOM_SCORE_ADJ, libc::EACCES) => {
            Some("a lower value needs CAP_SYS_RESOURCE in the initial user namespace")
        }
        (Stage::OOM_SCORE_ADJ, libc::ENOENT) => Some("no /proc that shows the process is mounted"),
        _ => None,
    }
}
