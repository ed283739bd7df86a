// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! How the kernel schedules the process: policy, CPUs, core scheduling.

use super::{Configured, Context};
use crate::error::Error;
use crate::settings::{Scheduler, cpu_mask};

impl Context {
    /// The scheduling policy with its parameters. A nice value of 0 keeps the creator's; [`nice`](Self::nice)
    /// sets one, 0 too. `SCHED_FLAG_RESET_ON_FORK` (1) gives its children the ordinary policy again, without
    /// which a process with `SCHED_DEADLINE` cannot fork.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no such policy, or a value out of its range: the message has the range.
    ///
    /// # Kernel
    ///
    /// [sched_setattr(2)](https://man7.org/linux/man-pages/man2/sched_setattr.2.html), and
    /// [sched_setscheduler(2)](https://man7.org/linux/man-pages/man2/sched_setscheduler.2.html); since 5.3 for
    /// utilization clamps. Privilege: `CAP_SYS_NICE` or `RLIMIT_RTPRIO` for `SCHED_FIFO` and `SCHED_RR`,
    /// `CAP_SYS_NICE` for `SCHED_DEADLINE`.
    ///
    /// ```
    /// let mut batch = procfd::Scheduler::default();
    /// batch.policy = libc::SCHED_BATCH as u32;
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/grep")?.args(["grep", "-q", "^policy *: *3$", "/proc/self/sched"])?;
    /// context.scheduler(&batch)?;
    /// # let _ = std::path::Path::new("/proc/self/sched").exists() || std::process::exit(0);
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_SCHEDULER")]
    pub fn scheduler(&mut self, scheduler: &Scheduler) -> Configured<'_> {
        self.set(|s| s.set_scheduler(Some(*scheduler)))
    }

    /// The CPUs that the process may run on.
    ///
    /// # Errors
    ///
    /// `EINVAL`: none, or a number over 8,191.
    ///
    /// # Kernel
    ///
    /// [sched_setaffinity(2)](https://man7.org/linux/man-pages/man2/sched_setaffinity.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/grep")?.args(["grep", "-q", "Cpus_allowed_list:\t0$", "/proc/self/status"])?;
    /// context.affinity([0])?;
    /// # let first = std::fs::read_to_string("/proc/self/status")?.contains("Cpus_allowed_list:\t0");
    /// # let _ = first || std::process::exit(0);
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_AFFINITY")]
    pub fn affinity(&mut self, cpus: impl IntoIterator<Item = usize>) -> Configured<'_> {
        let mask = cpu_mask(cpus).map_err(|e| Error::config(e.0, "a CPU number over 8191"))?;
        self.set(|s| s.set_affinity(Some(mask)))
    }

    /// A core scheduling cookie of its own: only the process and its descendants run at once on the threads of a core.
    ///
    /// # Errors
    ///
    /// None here. [`create`](Self::create) fails with `ENODEV` where no CPU has several threads, with `EINVAL` where the
    /// kernel has no core scheduling.
    ///
    /// # Kernel
    ///
    /// `PR_SCHED_CORE` of [prctl(2)](https://man7.org/linux/man-pages/man2/prctl.2.html); since 5.14, with
    /// `CONFIG_SCHED_CORE`. No privilege.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.core_sched()?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::CORE_SCHED));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_CORE_SCHED")]
    pub fn core_sched(&mut self) -> Configured<'_> {
        self.set(|s| s.set_core_sched(true))
    }
}
