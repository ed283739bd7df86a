// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! no_new_privs, the parent-death signal, the session keyring.

use std::ffi::CString;

use super::Families;
use super::check;
use super::{Facts, Prepared, Set, Settings};
use crate::child::List;
use crate::error::{Error, Stage};

/// What the process may not do.
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
                format_args!("a keyring's name of {} bytes", len - 1),
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
