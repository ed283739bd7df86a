// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Chosen pids (clone3(2), set_tid), in the pid namespace of the process and those around it.

use super::{Families, Namespaces, Set, Settings};
use crate::error::Error;

/// The innermost first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pids(Vec<u32>);

/// Pid namespaces nest so deep (MAX_PID_NS_LEVEL).
const LEVELS: usize = 32;
/// No pid is as high (PID_MAX_LIMIT).
const LIMIT: u32 = 1 << 22;

impl Pids {
    /// As clone3(2) takes them.
    pub(crate) fn numbers(&self) -> &[u32] {
        &self.0
    }

    /// What is known of a clone that failed with them.
    pub(crate) fn hint(&self, errno: i32) -> Option<&'static str> {
        match errno {
            _ if self.0.is_empty() => None,
            libc::EEXIST => Some("a process or process group has the pid"),
            libc::EPERM => {
                Some("chosen pids need CAP_CHECKPOINT_RESTORE (5.9) or CAP_SYS_ADMIN over each pid namespace")
            }
            libc::EINVAL => Some("more chosen pids than pid namespaces, or one above kernel.pid_max"),
            libc::ENOSYS | libc::E2BIG => Some("chosen pids need clone3(2) of Linux 5.5"),
            _ => None,
        }
    }

    /// For the words of the step.
    pub(crate) fn shown(&self) -> String {
        if self.0.is_empty() { String::new() } else { format!("with the pids {:?}", self.0) }
    }
}

impl Settings {
    /// The pids, the innermost first; none lets the kernel choose.
    pub fn set_tid(&mut self, pids: Vec<u32>) -> Set {
        if pids.len() > LEVELS {
            return Err(Error::config(
                libc::E2BIG,
                format_args!("{} pids; pid namespaces nest {LEVELS} deep", pids.len()),
            ));
        }
        if let Some(wrong) = pids.iter().find(|&&pid| pid == 0 || pid >= LIMIT) {
            return Err(Error::config(libc::EINVAL, format_args!("pid {wrong}, which no process can have")));
        }
        self.make(Families::PIDS).pids = Pids(pids);
        Ok(())
    }
}

pub(super) fn conflicts(s: &Settings) -> Set {
    match s.pids.0.first() {
        Some(&first) if first != 1 && s.namespaces.has(Namespaces::PID) => Err(Error::plan(
            libc::EINVAL,
            format_args!("pid {first} in a new pid namespace (CLONE_NEWPID), whose first process has pid 1"),
        )),
        _ => Ok(()),
    }
}
