// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Ids, id maps and namespaces.

use super::{Config, Set, check_len};
use crate::error::Error;

bitflags::bitflags! {
    /// New namespaces for the process ([namespaces(7)](https://man7.org/linux/man-pages/man7/namespaces.7.html)).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Namespaces: u64 {
        /// Time, 5.6; the program enters it as it is executed (6.1).
        const TIME = 0x80;
        /// Mounts.
        const MOUNT = 0x2_0000;
        /// Cgroup root.
        const CGROUP = 0x200_0000;
        /// Host and domain name.
        const UTS = 0x400_0000;
        /// System V IPC and POSIX message queues.
        const IPC = 0x800_0000;
        /// User and group ids, capabilities.
        const USER = 0x1000_0000;
        /// Process ids; the process is its init.
        const PID = 0x2000_0000;
        /// Network.
        const NET = 0x4000_0000;
    }
}

/// Real, effective and saved id; `None` leaves one as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ids {
    /// Real id.
    pub real: Option<u32>,
    /// Effective id.
    pub effective: Option<u32>,
    /// Saved id.
    pub saved: Option<u32>,
}

impl Ids {
    /// The same id for all three.
    pub fn all(id: u32) -> Self {
        Self { real: Some(id), effective: Some(id), saved: Some(id) }
    }

    /// As setresuid(2) takes them: -1 for "as it is".
    pub(crate) fn raw(self) -> [u32; 3] {
        [self.real, self.effective, self.saved].map(|id| id.unwrap_or(u32::MAX))
    }
}

/// One line of an id map ([user_namespaces(7)](https://man7.org/linux/man-pages/man7/user_namespaces.7.html)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdMap {
    /// First id inside the namespace.
    pub inside: u32,
    /// First id in the caller's namespace.
    pub outside: u32,
    /// How many ids.
    pub count: u32,
}

/// What becomes of setgroups(2) in a new user namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Setgroups {
    /// Denied where the kernel asks for it: where the group id map is one line with the caller's own
    /// id, which the child writes without privilege.
    #[default]
    Auto,
    /// Stays allowed, or the creation fails.
    Allow,
    /// Denied.
    Deny,
}

#[allow(missing_docs, reason = "named as the C commands and the methods of Context")]
impl Config {
    /// Adds flags; none clears them.
    pub fn add_namespaces(&mut self, flags: u64) -> Set {
        let unknown = flags & !Namespaces::all().bits();
        if unknown != 0 {
            return Err(Error::config(
                libc::EINVAL,
                format_args!("flags {unknown:#x}, which are not CLONE_NEW*"),
            ));
        }
        self.namespaces = if flags == 0 { 0 } else { self.namespaces | flags };
        Ok(())
    }

    pub fn set_uid_map(&mut self, map: Vec<IdMap>) -> Set {
        self.uid_map = checked_map(map)?;
        Ok(())
    }

    pub fn set_gid_map(&mut self, map: Vec<IdMap>) -> Set {
        self.gid_map = checked_map(map)?;
        Ok(())
    }
}

fn checked_map(map: Vec<IdMap>) -> Result<Vec<IdMap>, Error> {
    check_len(map.len(), "lines of an id map")?;
    // user_namespaces(7): 340 lines since 4.15.
    if map.len() > 340 {
        return Err(Error::config(
            libc::E2BIG,
            format_args!("an id map of {} lines; the kernel takes 340", map.len()),
        ));
    }
    for (i, line) in map.iter().enumerate() {
        let end = |first: u32| first.checked_add(line.count).is_some();
        if line.count == 0 || !end(line.inside) || !end(line.outside) {
            return Err(Error::config(
                libc::EINVAL,
                format_args!("id map line {i}: {} {} {}", line.inside, line.outside, line.count),
            ));
        }
    }
    Ok(map)
}
