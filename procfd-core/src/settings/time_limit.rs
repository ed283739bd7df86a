// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! How long the process may run. The watcher holds the limit, or the built-in init: it ends the process though the
//! creator has ended.

use std::time::Duration;

use super::{Configured, Context, Set, Settings, check};
use crate::error::Error;
use crate::sys;

/// A time limit: from the start, the signal at its end, and a second signal after a delay.
pub type TimeLimit = (Duration, i32, Option<(i32, Duration)>);

/// The longest limit and delay: ten years.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 86_400);

/// The time limit of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub(crate) after: Duration,
    pub(crate) signal: i32,
    pub(crate) then: Option<(i32, Duration)>,
}

impl Limit {
    /// The time of CLOCK_MONOTONIC, in nanoseconds, for a process that starts now.
    pub(crate) fn end(&self) -> u64 {
        let ns = u64::try_from(self.after.as_nanos()).unwrap_or(u64::MAX);
        sys::fd::monotonic_ns().saturating_add(ns)
    }
}

impl Settings {
    /// A limit for the time that the process runs; or none.
    pub fn set_time_limit(&mut self, limit: Option<TimeLimit>) -> Set {
        let Some((after, signal, then)) = limit else {
            self.lifecycle.time_limit = None;
            return Ok(());
        };
        check::signal(signal, false)?;
        if let Some((second, _)) = then {
            check::signal(second, false)?;
        }
        let longest = then.map_or(after, |(_, delay)| after.max(delay));
        if after.is_zero() || longest > LONGEST {
            return Err(Error::config(
                libc::EINVAL,
                format_args!("a time limit of {longest:?}, not more than 0 and up to ten years"),
            ));
        }
        self.lifecycle.time_limit = Some(Limit { after, signal, then });
        Ok(())
    }

    /// The time limit.
    pub(crate) fn time_limit(&self) -> Option<Limit> {
        self.lifecycle.time_limit
    }

    /// Refuses a limit that nothing would hold.
    pub(crate) fn check_time_limit(&self, watched: bool) -> Set {
        let by_init = self.built_in_init() && self.is_init();
        if self.time_limit().is_none() || watched || by_init {
            return Ok(());
        }
        Err(Error::plan(libc::EOPNOTSUPP, "a time limit without the watcher").hint(
            "open the context without PROCFD_NO_WATCH and PROCFD_PIDFD (Python: watch=True), or use the built-in init",
        ))
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_limit() {
        let mut settings = Settings::default();
        let mut set = |after, signal, then| settings.set_time_limit(Some((after, signal, then))).is_ok();
        let second = Duration::from_secs(1);
        assert!(set(second, 9, None) && set(second, 15, Some((9, Duration::ZERO))));
        assert!(!set(Duration::ZERO, 9, None) && !set(Duration::MAX, 9, None) && !set(second, 0, None));
        assert!(!set(second, 65, None) && !set(second, 15, Some((0, second))));
        assert!(!set(second, 15, Some((9, Duration::MAX))));
        assert!(settings.check_time_limit(true).is_ok() && settings.check_time_limit(false).is_err());
    }
}
