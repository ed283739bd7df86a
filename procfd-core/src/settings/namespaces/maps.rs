// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The id maps of a user namespace.

use std::fmt::Write;

use crate::error::Error;
use crate::settings::check;

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

/// Policy for setgroups(2) in a new user namespace.
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

/// How the maps are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Maps {
    None,
    ByChild,
    ByParent,
}

/// Whether a map is of one line with the caller's own id, which needs no privilege.
pub(crate) fn is_own(map: &[IdMap], id: u32) -> bool {
    matches!(map, [IdMap { outside, count: 1, .. }] if *outside == id)
}

/// A map as the kernel reads it.
pub(crate) fn map_text(map: &[IdMap]) -> String {
    map.iter().fold(String::new(), |mut out, line| {
        // Writing to a String does not fail.
        let _ = writeln!(out, "{} {} {}", line.inside, line.outside, line.count);
        out
    })
}

pub(super) fn checked_map(map: Vec<IdMap>) -> Result<Vec<IdMap>, Error> {
    check::len(map.len(), "lines of an id map")?;
    // user_namespaces(7): 340 lines since 4.15.
    if map.len() > 340 {
        return Err(Error::config(
            libc::E2BIG,
            format_args!("an id map of {} lines; the kernel takes 340", map.len()),
        ));
    }
    for (i, line) in map.iter().enumerate() {
        let end = |first: u32| first.checked_add(line.count).is_some();
        let wrong = match line.count {
            0 => "a count of 0",
            _ if !end(line.inside) || !end(line.outside) => "it goes beyond the last id",
            _ => continue,
        };
        return Err(Error::config(
            libc::EINVAL,
            format_args!("id map line {i} ({} {} {}): {wrong}", line.inside, line.outside, line.count),
        ));
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IdMap = IdMap { inside: 0, outside: 1000, count: 1 };
    const RANGE: IdMap = IdMap { inside: 1, outside: 100_000, count: 65_536 };

    #[test]
    fn own_is_one_line_of_one_id() {
        assert!(is_own(&[ONE], 1000));
        assert!(!is_own(&[ONE], 1001));
        assert!(!is_own(&[RANGE], 100_000));
        assert!(!is_own(&[ONE, RANGE], 1000));
        assert!(!is_own(&[], 0));
    }

    #[test]
    fn the_text_is_what_the_kernel_reads() {
        assert_eq!(map_text(&[ONE, RANGE]), "0 1000 1\n1 100000 65536\n");
    }
}
