// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! How the process ends, and what hears of it: close policy, built-in init, exit signal.

use std::time::Duration;

use super::{Configured, Context};
use crate::settings::Scope;

impl Context {
    /// Gives a new pid namespace the library's own small init: the program runs as pid 2, the init
    /// forwards signals to it, reaps orphans, and ends as it ended. A close policy then holds without
    /// the watcher: when the last procfd is gone the init ends, and with it the whole namespace.
    ///
    /// # Errors
    ///
    /// None here; the creation needs [`Namespaces::PID`](crate::Namespaces::PID).
    ///
    /// # Kernel
    ///
    /// [pid_namespaces(7)](https://man7.org/linux/man-pages/man7/pid_namespaces.7.html). No privilege.
    ///
    /// ```
    /// use procfd::{Namespaces, Stage};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?.namespaces(Namespaces::USER | Namespaces::PID)?.built_in_init(true)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::INIT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_INIT")]
    pub fn built_in_init(&mut self, on: bool) -> Configured<'_> {
        self.set(|s| s.set_init(on))
    }

    /// Suspends the process before the program's first instruction. The process has executed: its pid,
    /// `/proc/<pid>/exe` and memory are the program's. It is stopped (`T`) until
    /// [`Process::resume`](crate::Process::resume) or a SIGCONT from another process. No wait reports this stop.
    ///
    /// # Errors
    ///
    /// None here; the creation needs a program (`EINVAL`), outside a new pid namespace (`EOPNOTSUPP`).
    ///
    /// # Kernel
    ///
    /// [signal(7)](https://man7.org/linux/man-pages/man7/signal.7.html). Your process gets SIGCHLD, as of each child
    /// that stops, unless it asked for `SA_NOCLDSTOP`. No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?.start_suspended(true)?;
    /// let process = context.create()?;
    /// // A profiler attaches here, or the process is moved into a cgroup.
    /// process.resume()?;
    /// assert!(process.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_START_SUSPENDED")]
    pub fn start_suspended(&mut self, on: bool) -> Configured<'_> {
        self.set(|s| s.set_suspended(on))
    }

    /// The kernel sends this signal to the process when its last procfd, in any process, is gone.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no such signal.
    ///
    /// # Kernel
    ///
    /// [procfd_close(3)](https://man7.org/linux/man-pages/man3/procfd_close.3.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sleep")?.args(["sleep", "60"])?.kill_on_close(libc::SIGKILL)?;
    /// // The kernel ends the process here.
    /// drop(context.create()?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_CLOSE")]
    pub fn kill_on_close(&mut self, signal: i32) -> Configured<'_> {
        self.set(|s| s.set_close(Some((signal, Scope::Process, None))))
    }

    /// As [`kill_on_close`](Self::kill_on_close), for the process group, which must be its own or
    /// one to join.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no such signal.
    ///
    /// # Kernel
    ///
    /// As [`kill_on_close`](Self::kill_on_close).
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sleep")?.args(["sleep", "60"])?.process_group(0)?;
    /// context.kill_group_on_close(libc::SIGKILL)?;
    /// let process = context.create()?;
    /// // The kernel ends the whole group.
    /// drop(process);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn kill_group_on_close(&mut self, signal: i32) -> Configured<'_> {
        self.set(|s| s.set_close(Some((signal, Scope::ProcessGroup, None))))
    }

    /// As [`kill_on_close`](Self::kill_on_close) and [`kill_group_on_close`](Self::kill_group_on_close), with a second
    /// signal after `delay`, if the process still runs by then: say SIGTERM, and SIGKILL after five seconds. The
    /// second is the watcher's, so the context must have one ([`with_flags`](Self::with_flags) without
    /// [`OpenFlags::NO_WATCH`](crate::OpenFlags::NO_WATCH)); the first is the kernel's.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no such signal.
    ///
    /// # Kernel
    ///
    /// As [`kill_on_close`](Self::kill_on_close).
    ///
    /// ```
    /// use procfd::Scope;
    /// use std::time::Duration;
    ///
    /// let mut context = procfd::Context::with_flags(procfd::OpenFlags::AUTOREAP)?;
    /// context.program("/bin/sleep")?.args(["sleep", "60"])?;
    /// context.end_on_close(libc::SIGTERM, Scope::Process, libc::SIGKILL, Duration::from_secs(5))?;
    /// let process = context.create()?;
    /// // SIGTERM now, and SIGKILL in five seconds.
    /// drop(process);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn end_on_close(
        &mut self,
        signal: i32,
        scope: Scope,
        second: i32,
        delay: Duration,
    ) -> Configured<'_> {
        self.set(|s| s.set_close(Some((signal, scope, Some((second, delay))))))
    }

    /// Takes a close policy back.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// As [`kill_on_close`](Self::kill_on_close).
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?.kill_on_close(libc::SIGKILL)?;
    /// let mut other = context.try_clone()?;
    /// other.no_close_policy()?;
    /// assert!(other.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn no_close_policy(&mut self) -> Configured<'_> {
        self.set(|s| s.set_close(None))
    }
}
