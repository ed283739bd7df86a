// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The signal mask, and which signals are ignored or have their default action.

use super::{Facts, Prepared, Set, Settings};
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
