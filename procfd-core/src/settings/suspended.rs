// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! A process that is started suspended: it has executed, and no instruction of the program has run.
//!
//! A stop before the execution holds the creator's memory, and no process can send one after it in time. So the
//! execution itself does. It closes both ends of a pipe that only the child has. When one end goes, the kernel sends
//! the signal that is armed on the other. The signal, SIGSTOP, meets the process on its way into the program. Nothing
//! here needs ptrace(2).

use super::{Facts, Set, Settings};
use crate::child::{At, List, Slot};
use crate::error::{Error, Stage};

impl Settings {
    /// Whether the program is suspended before its first instruction.
    pub fn set_suspended(&mut self, on: bool) -> Set {
        self.lifecycle.suspended = on;
        Ok(())
    }

    /// Whether it starts suspended.
    pub(crate) fn starts_suspended(&self) -> bool {
        self.lifecycle.suspended
    }
}

pub(super) fn conflicts(s: &Settings) -> Set {
    if !s.lifecycle.suspended {
        return Ok(());
    }
    if s.program.is_none() {
        return Err(Error::plan(libc::EINVAL, "a suspended start without a program"));
    }
    if s.is_init() {
        return Err(Error::plan(libc::EOPNOTSUPP, "a suspended start in a new pid namespace")
            .hint("the kernel protects its init from the stop: start a program that waits there"));
    }
    Ok(())
}

/// Below a lower limit of descriptors, and after all others are closed.
pub(super) fn pipe(s: &Settings, _: &Facts<'_>, list: &mut List) {
    if s.lifecycle.suspended {
        list.step(Stage::SUSPEND, 0).not_init();
        list.pipe(At(Slot::PAIR));
    }
}

/// In the name of the new user, whom the kernel asks for when it sends the signal. It closes the ends in either order,
/// so each is armed against the other.
pub(super) fn arm(s: &Settings, _: &Facts<'_>, list: &mut List) {
    if s.lifecycle.suspended {
        list.step(Stage::SUSPEND, 0);
        for end in 0..2 {
            list.one_of_pair(Slot::PAIR, end).into(Slot::A);
            list.arm(Slot::A, libc::SIGSTOP, false);
        }
    }
}
