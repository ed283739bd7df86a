// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The kernel's treatment of the process's memory.

use super::{Configured, Context, Facts, Families, Prepared, Set, Settings};
use crate::child::{List, PR_SET_MEMORY_MERGE};
use crate::error::{Error, Stage};

/// The settings of the memory as a whole.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    oom_score_adj: Option<i32>,
    coredump_filter: Option<u32>,
    thp_disable: bool,
    memory_merge: bool,
    mdwe: bool,
}

/// prctl.h: no page becomes executable that was not.
const PR_MDWE_REFUSE_EXEC_GAIN: u64 = 1;

impl Memory {
    /// Whether the child needs memory of its own. The kernel gives an oom_score_adj to all processes with the
    /// same memory, but for a child of vfork(2), whose creator sleeps (`is_asleep`). A property of the memory
    /// would change for the creator too, even while it sleeps.
    pub(crate) fn needs_copy(&self, is_asleep: bool) -> bool {
        (self.oom_score_adj.is_some() && !is_asleep) || self.is_of_memory_itself()
    }

    fn is_of_memory_itself(&self) -> bool {
        self.coredump_filter.is_some() || self.thp_disable || self.memory_merge || self.mdwe
    }
}

impl Settings {
    /// How likely the kernel is to kill it if memory runs out.
    pub fn set_oom_score_adj(&mut self, value: i64) -> Set {
        match i32::try_from(value) {
            Ok(value @ -1000..=1000) => {
                self.make(Families::MEMORY).memory.oom_score_adj = Some(value);
                Ok(())
            }
            _ => Err(Error::config(
                libc::EINVAL,
                format_args!("oom_score_adj {value}; there are -1000 to 1000"),
            )),
        }
    }

    /// Which mappings a core dump has.
    pub fn set_coredump_filter(&mut self, filter: u32) -> Set {
        if filter & !COREDUMP_MAX != 0 {
            return Err(Error::config(
                libc::EINVAL,
                format_args!("core dump filter {filter:#x}; there are 0 to {COREDUMP_MAX:#x}"),
            ));
        }
        self.make(Families::MEMORY).memory.coredump_filter = Some(filter);
        Ok(())
    }

    /// No transparent huge pages.
    pub fn set_thp_disable(&mut self, on: bool) -> Set {
        self.make(Families::MEMORY).memory.thp_disable = on;
        Ok(())
    }

    /// Equal pages are merged.
    pub fn set_memory_merge(&mut self, on: bool) -> Set {
        self.make(Families::MEMORY).memory.memory_merge = on;
        Ok(())
    }

    /// No memory that is writable, or was, is executable.
    pub fn set_mdwe(&mut self, on: bool) -> Set {
        self.make(Families::MEMORY).memory.mdwe = on;
        Ok(())
    }
}

impl Context {
    /// How likely the kernel is to kill the process if memory runs out: -1000 (never) to 1000.
    ///
    /// # Errors
    ///
    /// `EINVAL`: outside that.
    ///
    /// # Kernel
    ///
    /// [proc_pid_oom_score_adj(5)](https://man7.org/linux/man-pages/man5/proc_pid_oom_score_adj.5.html).
    /// Privilege: `CAP_SYS_RESOURCE` for a lower value.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/grep")?.args(["grep", "-qx", "999", "/proc/self/oom_score_adj"])?;
    /// context.oom_score_adj(999)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_OOM_SCORE_ADJ")]
    pub fn oom_score_adj(&mut self, value: i32) -> Configured<'_> {
        self.set(|s| s.set_oom_score_adj(value.into()))
    }

    /// Which mappings a core dump of the process has: the bits of core(5), up to 0x1ff. The child runs in a copy of
    /// your memory, at the cost of fork(2): the value is of the memory, and yours stays as it is.
    ///
    /// # Errors
    ///
    /// `EINVAL`: another bit.
    ///
    /// # Kernel
    ///
    /// [core(5)](https://man7.org/linux/man-pages/man5/core.5.html), `/proc/self/coredump_filter`. No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/grep")?.args(["grep", "-qx", "00000011", "/proc/self/coredump_filter"])?;
    /// context.coredump_filter(0x11)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_COREDUMP_FILTER")]
    pub fn coredump_filter(&mut self, filter: u32) -> Configured<'_> {
        self.set(|s| s.set_coredump_filter(filter))
    }

    /// The process has no transparent huge pages. The child runs in a copy of your memory, at the cost of fork(2).
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [PR_SET_THP_DISABLE(2const)](https://man7.org/linux/man-pages/man2const/PR_SET_THP_DISABLE.2const.html).
    /// No privilege.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.thp_disable()?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::THP_DISABLE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_THP_DISABLE")]
    pub fn thp_disable(&mut self) -> Configured<'_> {
        self.set(|s| s.set_thp_disable(true))
    }

    /// The kernel may merge equal pages of the process (KSM). The child runs in a copy of your memory, at the cost of
    /// fork(2).
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// `PR_SET_MEMORY_MERGE` of [prctl(2)](https://man7.org/linux/man-pages/man2/prctl.2.html); since 6.4, with KSM. No
    /// privilege.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.memory_merge()?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::MEMORY_MERGE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_MEMORY_MERGE")]
    pub fn memory_merge(&mut self) -> Configured<'_> {
        self.set(|s| s.set_memory_merge(true))
    }

    /// Memory of the process that is writable, or was not executable before, never becomes executable. The process
    /// cannot take it back, and its children inherit it. The child runs in a copy of your memory, at the cost of
    /// fork(2).
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [PR_SET_MDWE(2const)](https://man7.org/linux/man-pages/man2const/PR_SET_MDWE.2const.html); since 6.3.
    /// No privilege.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.mdwe()?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::MDWE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_MDWE")]
    pub fn mdwe(&mut self) -> Configured<'_> {
        self.set(|s| s.set_mdwe(true))
    }
}

/// core(5): bits 0 to 8. The kernel drops others without a word.
const COREDUMP_MAX: u32 = 0x1ff;

/// After the oom_score_adj, in the child's own copy of the memory; the new program's memory inherits it.
pub(super) fn of_memory_itself(s: &Settings, _: &Facts<'_>, list: &mut List) {
    if let Some(filter) = s.memory.coredump_filter {
        let text = format!("{filter:#x}");
        list.step(Stage::COREDUMP_FILTER, 0).write_file(c"/proc/self/coredump_filter", text.as_bytes());
    }
    if s.memory.thp_disable {
        list.step(Stage::THP_DISABLE, 0).prctl::<{ libc::PR_SET_THP_DISABLE }>(1);
    }
    if s.memory.memory_merge {
        list.step(Stage::MEMORY_MERGE, 0).prctl::<{ PR_SET_MEMORY_MERGE }>(1);
    }
    if s.memory.mdwe {
        list.step(Stage::MDWE, 0).prctl::<{ libc::PR_SET_MDWE }>(PR_MDWE_REFUSE_EXEC_GAIN);
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
        Stage::COREDUMP_FILTER => s.memory.coredump_filter.map(|filter| format!("to {filter:#x}")),
        _ => None,
    }
}

pub(super) fn hint(_: &Settings, stage: Stage, errno: i32) -> Option<&'static str> {
    match (stage, errno) {
        (Stage::OOM_SCORE_ADJ, libc::EACCES) => {
            Some("a lower value needs CAP_SYS_RESOURCE in the initial user namespace")
        }
        (Stage::MEMORY_MERGE, libc::EINVAL) => Some("this kernel has no KSM, or is older than 6.4"),
        (Stage::MDWE, libc::EINVAL) => Some("a kernel older than 6.3"),
        (Stage::OOM_SCORE_ADJ | Stage::COREDUMP_FILTER, libc::ENOENT) => {
            Some("no /proc that shows the process is mounted")
        }
        _ => None,
    }
}
