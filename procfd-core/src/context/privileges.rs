// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! no_new_privs, the parent-death signal, the session keyring.

use std::ffi::OsStr;

use super::{Configured, Context};
use crate::settings::c_string;

impl Context {
    /// no_new_privs (prctl(2)).
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [PR_SET_NO_NEW_PRIVS(2const)](https://man7.org/linux/man-pages/man2const/PR_SET_NO_NEW_PRIVS.2const.html). No
    /// privilege.
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

    /// A session keyring: the one of this name that the process may search, or else a new one; always a new
    /// one if the name is empty.
    ///
    /// # Errors
    ///
    /// `ENAMETOOLONG`: over 4,095 bytes; `EINVAL`: a NUL in it.
    ///
    /// # Kernel
    ///
    /// [keyctl_join_session_keyring(3)](https://man7.org/linux/man-pages/man3/keyctl_join_session_keyring.3.html). No
    /// privilege.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.session_keyring("job")?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::KEYRING));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_KEYRING")]
    pub fn session_keyring(&mut self, name: impl AsRef<OsStr>) -> Configured<'_> {
        let name = c_string(name)?;
        self.set(|s| s.set_keyring(name))
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
    /// [PR_SET_PDEATHSIG(2const)](https://man7.org/linux/man-pages/man2const/PR_SET_PDEATHSIG.2const.html). No
    /// privilege.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.parent_death_signal(libc::SIGTERM)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::PDEATHSIG));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_PDEATHSIG")]
    pub fn parent_death_signal(&mut self, signal: i32) -> Configured<'_> {
        self.set(|s| s.set_pdeathsig(signal))
    }
}
