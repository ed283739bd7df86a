// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What the kernel does with the memory of the process.

use super::{Configured, Context};

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
