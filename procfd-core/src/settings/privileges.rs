// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! no_new_privs, the parent-death signal, the session keyring.

use std::ffi::{CString, OsStr};

use super::{Configured, Context, Facts, Families, Prepared, Set, Settings, c_string, check};
use crate::child::List;
use crate::error::{Error, Stage};

/// The restrictions of the process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Privileges {
    no_new_privs: bool,
    pdeathsig: i32,
    /// Empty for one without a name.
    keyring: Option<CString>,
}

impl Privileges {
    /// Whether the child looks who its parent is.
    pub(crate) fn checks_parent(&self) -> bool {
        self.pdeathsig != 0
    }

    pub(crate) fn is_no_new_privs(&self) -> bool {
        self.no_new_privs
    }
}

/// KEY_MAX_DESC_SIZE, with the NUL (security/keys/keyctl.c).
const KEY_DESCRIPTION_MAX: usize = 4096;

impl Settings {
    /// no_new_privs.
    pub fn set_no_new_privs(&mut self, on: bool) -> Set {
        self.make(Families::PRIVILEGES).privileges.no_new_privs = on;
        Ok(())
    }

    /// A session keyring of this name to join or make; a new one if the name is empty.
    pub fn set_keyring(&mut self, name: CString) -> Set {
        let len = name.as_bytes_with_nul().len();
        if len > KEY_DESCRIPTION_MAX {
            return Err(Error::config(
                libc::ENAMETOOLONG,
                format_args!(
                    "a keyring's name of {} bytes; there are {} at most",
                    len - 1,
                    KEY_DESCRIPTION_MAX - 1
                ),
            ));
        }
        self.make(Families::PRIVILEGES).privileges.keyring = Some(name);
        Ok(())
    }

    /// The parent-death signal; 0 for none.
    pub fn set_pdeathsig(&mut self, signal: i32) -> Set {
        self.make(Families::PRIVILEGES).privileges.pdeathsig = check::signal(signal, true)?;
        Ok(())
    }
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

pub(super) fn no_new_privs(s: &Settings, _: &Facts<'_>, list: &mut List) {
    if s.privileges.no_new_privs {
        list.step(Stage::NO_NEW_PRIVS, 0).prctl::<{ libc::PR_SET_NO_NEW_PRIVS }>(1);
    }
}

/// As the new user, whose the keyring is to be.
pub(super) fn session_keyring(s: &Settings, _: &Facts<'_>, list: &mut List) {
    match &s.privileges.keyring {
        None => {}
        Some(name) if name.is_empty() => {
            list.step(Stage::KEYRING, 0).new_session_keyring();
        }
        Some(name) => {
            list.step(Stage::KEYRING, 0).join_session_keyring(name);
        }
    }
}

pub(super) fn parent_death_signal(s: &Settings, _: &Facts<'_>, list: &mut List) {
    if s.privileges.pdeathsig != 0 {
        list.step(Stage::PDEATHSIG, 0).prctl::<{ libc::PR_SET_PDEATHSIG }>(s.privileges.pdeathsig as u64);
        // The creator may have ended before the child asked for the signal.
        list.check_parent();
    }
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, _: u32) -> Option<String> {
    match stage {
        Stage::PDEATHSIG => Some(s.privileges.pdeathsig.to_string()),
        Stage::KEYRING => s.privileges.keyring.as_ref().map(|name| format!("{name:?}")),
        _ => None,
    }
}

pub(super) fn hint(_: &Settings, stage: Stage, errno: i32) -> Option<&'static str> {
    match (stage, errno) {
        (Stage::KEYRING, libc::EDQUOT) => Some("the quota of the user in /proc/sys/kernel/keys"),
        (Stage::KEYRING, libc::ENOSYS) => Some("this kernel has no keyrings, or a filter refuses keyctl(2)"),
        _ => None,
    }
}
