// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! /proc/PID/mountinfo (proc_pid_mountinfo(5)). Its names have no newlines of their own.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::lines;

/// How many mounts there are.
pub(crate) fn count(text: &[u8]) -> u64 {
    lines(text).count() as u64
}

/// Root and mount point of a line, if it is of a cgroup v2.
pub(crate) fn cgroup2(line: &[u8]) -> Option<(PathBuf, PathBuf)> {
    let mut fields = line.split(|&b| b == b' ');
    let (root, point) = (fields.nth(3)?, fields.next()?);
    let kind = fields.skip_while(|field| *field != b"-").nth(1)?;
    (kind == b"cgroup2").then(|| (unescaped(root), unescaped(point)))
}

/// Blanks and backslashes are written as `\` and three octal digits.
fn unescaped(field: &[u8]) -> PathBuf {
    let mut out = Vec::new();
    let mut rest = field;
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..3).filter(|d| first == b'\\' && d.iter().all(|b| (b'0'..b'8').contains(b)));
        match digits {
            Some(digits) => {
                out.push(digits.iter().fold(0u8, |n, d| n.wrapping_mul(8).wrapping_add(d - b'0')));
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                out.push(first);
                rest = after;
            }
        }
    }
    PathBuf::from(OsStr::from_bytes(&out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_lines() {
        assert_eq!(count(b"22 27 0:21 / /proc rw,relatime - proc proc rw\n23 27 0:22 / /s"), 1);
        assert_eq!(count(b""), 0);
    }

    #[test]
    fn of_cgroup2() {
        let line = br"41 31 0:38 /r\040s /sys/fs/c\134g rw shared:1 - cgroup2 cgroup2 rw";
        assert_eq!(cgroup2(line), Some((PathBuf::from("/r s"), PathBuf::from(r"/sys/fs/c\g"))));
        assert_eq!(cgroup2(b"32 31 0:29 / /cpu rw - cgroup cgroup rw,cpu"), None);
        assert_eq!(cgroup2(b"32 31"), None);
        assert_eq!(cgroup2(b""), None);
    }
}
