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
}
