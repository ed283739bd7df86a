// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The signal mask, and which signals are ignored or have their default action.

use super::{Configured, Context};
use crate::settings::SignalSet;

impl Context {
    /// The signal mask. Default: the calling thread's.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [sigprocmask(2)](https://man7.org/linux/man-pages/man2/sigprocmask.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/grep")?.args(["grep", "-q", "SigBlk:.0*200$", "/proc/self/status"])?;
    /// context.signal_mask(procfd::SignalSet::from_iter([libc::SIGUSR1]))?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_SIGMASK")]
    pub fn signal_mask(&mut self, set: SignalSet) -> Configured<'_> {
        self.set(|s| s.set_mask(set.0))
    }

    /// Signals with their default action. (Handlers are always reset; ignored signals stay ignored.)
    ///
    /// # Errors
    ///
    /// None here. `SIGKILL` and `SIGSTOP` are passed over: their action is fixed.
    ///
    /// # Kernel
    ///
    /// [sigaction(2)](https://man7.org/linux/man-pages/man2/sigaction.2.html). No privilege.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.default_signals(procfd::SignalSet::from_iter([libc::SIGPIPE]))?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::SIGNALS));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_SIGDEFAULT")]
    pub fn default_signals(&mut self, set: SignalSet) -> Configured<'_> {
        self.set(|s| s.set_default_signals(set.0))
    }

    /// Signals that are ignored.
    ///
    /// # Errors
    ///
    /// None here. `SIGKILL` and `SIGSTOP` are passed over: their action is fixed.
    ///
    /// # Kernel
    ///
    /// [sigaction(2)](https://man7.org/linux/man-pages/man2/sigaction.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "kill -TERM $$; exit 5"])?;
    /// context.ignored_signals([libc::SIGTERM].into_iter().collect())?;
    /// assert_eq!(context.create()?.wait()?.code(), Some(5));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_SIGIGNORE")]
    pub fn ignored_signals(&mut self, set: SignalSet) -> Configured<'_> {
        self.set(|s| s.set_ignored_signals(set.0))
    }
}
