// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The offsets of the clocks in a new time namespace.

use super::{Configured, Context};

impl Context {
    /// What `CLOCK_MONOTONIC` is ahead in the new time namespace: seconds, which may be negative, and nanoseconds.
    ///
    /// # Errors
    ///
    /// `EINVAL`: more than 999,999,999 nanoseconds.
    ///
    /// # Kernel
    ///
    /// [time_namespaces(7)](https://man7.org/linux/man-pages/man7/time_namespaces.7.html); since 6.2.
    /// Before that the start fails with `ENOSYS`. Privilege: `CAP_SYS_ADMIN` and `CAP_SYS_TIME`, or a new user
    /// namespace.
    ///
    /// ```no_run
    /// use procfd::Namespaces;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/cat")?.args(["cat", "/proc/uptime"])?;
    /// context.namespaces(Namespaces::USER | Namespaces::TIME)?;
    /// context.monotonic_offset(86_400, 0)?.boottime_offset(86_400, 0)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_TIME_OFFSET")]
    pub fn monotonic_offset(&mut self, seconds: i64, nanoseconds: u32) -> Configured<'_> {
        self.set(|s| s.set_time_offset(libc::CLOCK_MONOTONIC, seconds, nanoseconds.into()))
    }

    /// What `CLOCK_BOOTTIME` is ahead in the new time namespace, /proc/uptime with it.
    ///
    /// # Errors
    ///
    /// As [`monotonic_offset`](Self::monotonic_offset).
    ///
    /// # Kernel
    ///
    /// As [`monotonic_offset`](Self::monotonic_offset).
    /// [time_namespaces(7)](https://man7.org/linux/man-pages/man7/time_namespaces.7.html). Privilege: as for
    /// [`monotonic_offset`](Self::monotonic_offset).
    ///
    /// ```
    /// use procfd::{Namespaces, Stage};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.namespaces(Namespaces::USER | Namespaces::TIME)?.boottime_offset(86_400, 0)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::TIME_OFFSETS));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_TIME_OFFSET")]
    pub fn boottime_offset(&mut self, seconds: i64, nanoseconds: u32) -> Configured<'_> {
        self.set(|s| s.set_time_offset(libc::CLOCK_BOOTTIME, seconds, nanoseconds.into()))
    }
}
