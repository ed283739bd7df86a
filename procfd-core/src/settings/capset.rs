// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Sets of capabilities, by number and by name.

use std::fmt;
use std::str::FromStr;

/// The names of capabilities(7), by number; CAP_CHECKPOINT_RESTORE came last, in 5.9.
const NAMES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// A set of capabilities ([capabilities(7)](https://man7.org/linux/man-pages/man7/capabilities.7.html)).
///
/// ```
/// use procfd::CapSet;
///
/// let set: CapSet = "net_raw,CAP_NET_BIND_SERVICE".parse()?;
/// assert_eq!(set.bits(), 1 << 13 | 1 << 10);
/// assert_eq!(set.to_string(), "net_bind_service,net_raw");
/// assert!((CapSet::ALL - set).contains(0));
/// # Ok::<(), procfd::UnknownCapability>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CapSet(u64);

impl CapSet {
    /// No capability.
    pub const NONE: Self = Self(0);
    /// Every capability that the running kernel has.
    pub const ALL: Self = Self(u64::MAX);

    /// Capability n in bit n.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Capability n in bit n.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether a capability is in the set.
    pub const fn contains(self, number: u32) -> bool {
        number < 64 && self.0 >> number & 1 != 0
    }

    /// The numbers of the capabilities, ascending.
    pub fn iter(self) -> impl Iterator<Item = u32> {
        (0..64).filter(move |&number| self.contains(number))
    }

    pub(super) const fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }
}

impl std::ops::BitOr for CapSet {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl std::ops::BitAnd for CapSet {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl std::ops::Sub for CapSet {
    type Output = Self;

    /// The capabilities that are only in the first set.
    fn sub(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl FromIterator<u32> for CapSet {
    /// Numbers over 63 are no capabilities and are left out.
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        Self(numbers.into_iter().filter(|n| *n < 64).fold(0, |set, n| set | 1 << n))
    }
}

/// No capability has this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCapability(String);

impl fmt::Display for UnknownCapability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no capability {:?}", self.0)
    }
}

impl std::error::Error for UnknownCapability {}

impl FromStr for CapSet {
    type Err = UnknownCapability;

    /// Names with or without `CAP_`, or numbers, with commas between; `all`, and `none` or nothing.
    fn from_str(text: &str) -> Result<Self, UnknownCapability> {
        let lower = text.to_ascii_lowercase();
        match lower.as_str() {
            "all" => return Ok(Self::ALL),
            "" | "none" => return Ok(Self::NONE),
            _ => {}
        }
        lower.split(',').try_fold(Self::NONE, |set, name| {
            let short = name.strip_prefix("cap_").unwrap_or(name);
            let number = NAMES.iter().position(|known| *known == short).or_else(|| name.parse().ok());
            match number.filter(|number| *number < 64) {
                Some(number) => Ok(set | Self(1 << number)),
                None => Err(UnknownCapability(name.to_owned())),
            }
        })
    }
}

impl fmt::Display for CapSet {
    /// The form that [`FromStr`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ALL => return f.write_str("all"),
            Self::NONE => return f.write_str("none"),
            _ => {}
        }
        for (place, number) in self.iter().enumerate() {
            if place > 0 {
                f.write_str(",")?;
            }
            match NAMES.get(number as usize) {
                Some(name) => f.write_str(name)?,
                None => write!(f, "{number}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for number in 0..64 {
            let one = CapSet::from_bits(1 << number);
            assert_eq!(one.to_string().parse(), Ok(one));
        }
        assert_eq!("all".parse(), Ok(CapSet::ALL));
        assert_eq!("".parse(), Ok(CapSet::NONE));
        assert_eq!("63,CAP_CHOWN".parse(), Ok(CapSet::from_bits(1 << 63 | 1)));
        for wrong in ["64", "chown,", "chmod", "cap_"] {
            assert!(wrong.parse::<CapSet>().is_err(), "{wrong}");
        }
    }
}
