// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Chosen pids (clone3(2), set_tid), in the pid namespace of the process and those around it.

use super::{Configured, Context, Families, Namespaces, Set, Settings};
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

    /// The facts about a clone that failed with them.
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

impl Context {
    /// The pid of the process: first the one in its own pid namespace, then those in the namespaces around it, up to
    /// 32. An empty list lets the kernel choose.
    ///
    /// # Errors
    ///
    /// `E2BIG`: more than 32; `EINVAL`: a number that is no pid.
    ///
    /// # Kernel
    ///
    /// [clone3(2)](https://man7.org/linux/man-pages/man2/clone3.2.html), `set_tid`; since 5.5.
    /// Privilege: `CAP_CHECKPOINT_RESTORE` (5.9) or `CAP_SYS_ADMIN` in the user namespace of each pid namespace.
    ///
    /// ```no_run
    /// use procfd::Namespaces;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?.namespaces(Namespaces::PID)?.set_tid(&[1, 12_345])?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_TID")]
    pub fn set_tid(&mut self, pids: &[u32]) -> Configured<'_> {
        self.set(|s| s.set_tid(pids.to_vec()))
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
