// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! no_new_privs and the parent-death signal.

use super::check;
use super::{Facts, Prepared, Set, Settings};
use crate::child::List;
use crate::context::{Configured, Context};
use crate::error::Stage;

/// What the process may not do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Privileges {
    no_new_privs: bool,
    pdeathsig: i32,
}

impl Settings {
    /// no_new_privs.
    pub fn set_no_new_privs(&mut self, on: bool) -> Set {
        self.privileges.no_new_privs = on;
        Ok(())
    }

    /// The parent-death signal; 0 for none.
    pub fn set_pdeathsig(&mut self, signal: i32) -> Set {
        self.privileges.pdeathsig = check::signal(signal, true)?;
        Ok(())
    }
}

pub(super) fn no_new_privs(s: &Settings, _: &Facts<'_>, list: &mut List) {
    if s.privileges.no_new_privs {
        list.step(Stage::NO_NEW_PRIVS, 0).no_new_privs();
    }
}

pub(super) fn parent_death_signal(s: &Settings, _: &Facts<'_>, list: &mut List) {
    if s.privileges.pdeathsig != 0 {
        list.step(Stage::PDEATHSIG, 0).set_pdeathsig(s.privileges.pdeathsig);
        // The creator may have ended before the child asked for the signal.
        list.check_parent();
    }
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, _: u32) -> Option<String> {
    (stage == Stage::PDEATHSIG).then(|| s.privileges.pdeathsig.to_string())
}

impl Context {
    /// no_new_privs (prctl(2)).
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [PR_SET_NO_NEW_PRIVS(2const)](https://man7.org/linux/man-pages/man2const/PR_SET_NO_NEW_PRIVS.2const.html).
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/grep")?.args(["grep", "-q", "NoNewPrivs:.1", "/proc/self/status"])?;
    /// context.no_new_privs()?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_NO_NEW_PRIVS")]
    pub fn no_new_privs(&mut self) -> Configured<'_> {
        self.set(|s| s.set_no_new_privs(true))
    }

    /// The signal the child gets when the creating *thread* ends, and which a set-user-id program
    /// clears (prctl(2)). [`kill_on_close`](Self::kill_on_close) has neither trap.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no such signal.
    ///
    /// # Kernel
    ///
    /// [PR_SET_PDEATHSIG(2const)](https://man7.org/linux/man-pages/man2const/PR_SET_PDEATHSIG.2const.html).
    #[doc(alias = "PROC_SET_PDEATHSIG")]
    pub fn parent_death_signal(&mut self, signal: i32) -> Configured<'_> {
        self.set(|s| s.set_pdeathsig(signal))
    }
}
