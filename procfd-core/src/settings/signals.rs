// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The signal mask, and which signals are ignored or have their default action.

use super::{Configured, Context, Facts, Prepared, Set, Settings};
use crate::child::List;
use crate::error::{Error, Stage};

/// A set of signals: signal n is bit n-1, as in `/proc/PID/status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignalSet(pub u64);

impl FromIterator<i32> for SignalSet {
    fn from_iter<T: IntoIterator<Item = i32>>(signals: T) -> Self {
        Self(signals.into_iter().fold(0, |set, signal| match signal {
            1..=64 => set | 1 << (signal - 1),
            _ => set,
        }))
    }
}

/// How signals find the process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signals {
    mask: Option<u64>,
    default: u64,
    ignored: u64,
}

impl Signals {
    pub(super) fn has_actions(&self) -> bool {
        self.default | self.ignored != 0
    }
}

impl Settings {
    /// The signal mask.
    pub fn set_mask(&mut self, set: u64) -> Set {
        self.signals.mask = Some(set);
        Ok(())
    }

    /// Signals with their default action.
    pub fn set_default_signals(&mut self, set: u64) -> Set {
        self.signals.default = changeable(set);
        Ok(())
    }

    /// Signals that are ignored.
    pub fn set_ignored_signals(&mut self, set: u64) -> Set {
        self.signals.ignored = changeable(set);
        Ok(())
    }
}

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

/// Without SIGKILL and SIGSTOP, whose action is fixed: sigfillset(3) sets them, and posix_spawn(3) passes over
/// them too.
fn changeable(set: u64) -> u64 {
    set & !(1u64 << (libc::SIGKILL - 1) | 1u64 << (libc::SIGSTOP - 1))
}

pub(super) fn conflicts(s: &Settings) -> Set {
    if s.signals.default & s.signals.ignored != 0 {
        return Err(Error::plan(libc::EINVAL, "a signal that is both set to its default and ignored"));
    }
    Ok(())
}

pub(super) fn actions(s: &Settings, _: &Facts<'_>, list: &mut List) {
    for signal in 1..=64u32 {
        let is_in = |set: u64| set >> (signal - 1) & 1 != 0;
        if is_in(s.signals.default | s.signals.ignored) {
            list.step(Stage::SIGNALS, signal).set_action(signal as i32, is_in(s.signals.ignored));
        }
    }
}

/// Last but the execution: until then no handler of the creator may run in its memory.
pub(super) fn mask(s: &Settings, _: &Facts<'_>, list: &mut List) {
    list.step(Stage::SIGMASK, 0);
    match s.signals.mask {
        Some(mask) => list.set_mask(mask),
        None => list.restore_mask(),
    };
}

pub(super) fn operand(_: &Settings, _: &Prepared, stage: Stage, index: u32) -> Option<String> {
    (stage == Stage::SIGNALS).then(|| index.to_string())
}
