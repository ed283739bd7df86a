// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Resource limits, the nice value, the timer slack.

use super::{Configured, Context};

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
