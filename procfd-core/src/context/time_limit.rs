// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! How long the process may run.

use std::time::Duration;

use super::{Configured, Context};

impl Context {
    /// Ends the process with SIGKILL so long after its start. The watcher holds the limit, or the built-in init: it
    /// ends the process though your process has ended, and though all its procfds are closed. A process in a cgroup of
    /// its own ([`cgroup_leaf`](Self::cgroup_leaf)) ends with the whole cgroup.
    ///
    /// The context must have the watcher ([`with_flags`](Self::with_flags) without
    /// [`OpenFlags::NO_WATCH`](crate::OpenFlags::NO_WATCH)) or the [`built_in_init`](Self::built_in_init). The time in
    /// which the machine is suspended does not count.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no time, or more than ten years. [`create`](Self::create) without watcher and init: `EOPNOTSUPP`.
    ///
    /// # Kernel
    ///
    /// [epoll_wait(2)](https://man7.org/linux/man-pages/man2/epoll_wait.2.html) of the watcher, whose signal needs no
    /// privilege.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let mut context = procfd::Context::with_flags(procfd::OpenFlags::empty())?;
    /// context.program("/bin/sleep")?.args(["sleep", "60"])?.time_limit(Duration::from_secs(2))?;
    /// assert_eq!(context.create()?.wait()?.signal(), Some(libc::SIGKILL));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_TIME_LIMIT")]
    pub fn time_limit(&mut self, limit: Duration) -> Configured<'_> {
        self.set(|s| s.set_time_limit(Some((limit, libc::SIGKILL, None))))
    }

    /// As [`time_limit`](Self::time_limit), with this signal, and a second signal after a delay if the process still
    /// runs: say SIGTERM, and SIGKILL after five seconds. A SIGCONT follows a signal other than SIGKILL, so that a
    /// stopped process gets it.
    ///
    /// # Errors
    ///
    /// As there, and `EINVAL`: no such signal.
    ///
    /// # Kernel
    ///
    /// [epoll_wait(2)](https://man7.org/linux/man-pages/man2/epoll_wait.2.html) of the watcher, whose signal needs no
    /// privilege.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let mut context = procfd::Context::with_flags(procfd::OpenFlags::empty())?;
    /// context.program("/bin/sleep")?.args(["sleep", "60"])?;
    /// let kill = (libc::SIGKILL, Duration::from_secs(5));
    /// context.time_limit_with(Duration::from_secs(2), libc::SIGTERM, Some(kill))?;
    /// assert_eq!(context.create()?.wait()?.signal(), Some(libc::SIGTERM));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn time_limit_with(
        &mut self,
        limit: Duration,
        signal: i32,
        then: Option<(i32, Duration)>,
    ) -> Configured<'_> {
        self.set(|s| s.set_time_limit(Some((limit, signal, then))))
    }
}
