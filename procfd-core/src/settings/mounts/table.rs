// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The mounts and their places, as far as they are known before the start.
//!
//! mount(2) changes one mount and sets all its attributes at once; mount_setattr(2) needs to know neither. So for the
//! former the creator reads its own mounts, of which the child's namespace has copies, and follows the list.

use std::ffi::{CStr, OsStr};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::NewRoot;
use super::mount::{ATIME, MountAttributes};

/// linux/mount.h, 5.10.
const MS_NOSYMFOLLOW: u64 = 256;
const MS_ATIME: u64 = libc::MS_NOATIME | libc::MS_STRICTATIME | libc::MS_RELATIME;

/// A root that is made from nothing.
pub(super) const OF_TMPFS_ROOT: MountAttributes = MountAttributes::NOSUID.union(MountAttributes::NODEV);

/// The mounts, as far as they matter to mount(2).
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// Those of the creator, where sources are; none if a source is what earlier entries have left.
    pub(super) sources: Option<Vec<Known>>,
    /// Those beneath the new root.
    pub(super) now: Vec<Known>,
}

impl Table {
    pub(super) fn new(root: &NewRoot, creators: &[Known]) -> Self {
        let now = match root {
            NewRoot::Own => return Self { sources: None, now: creators.to_vec() },
            NewRoot::ReadOnly => creators.to_vec(),
            NewRoot::Tmpfs => vec![Known::directory(Vec::new(), OF_TMPFS_ROOT.bits())],
            NewRoot::Path(path) => at(creators, &below_root(path), true),
        };
        Self { sources: Some(creators.to_vec()), now }
    }

    pub(super) fn add(&mut self, known: Known) {
        add(&mut self.now, known);
    }
}

/// A path of the creator as it is in a table, with its symbolic links resolved.
pub(super) fn below_root(path: &CStr) -> Vec<u8> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let path = std::path::Path::new(std::ffi::OsStr::from_bytes(path.to_bytes()));
    let whole =
        std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf()).into_os_string().into_vec();
    whole.strip_prefix(b"/").map(<[u8]>::to_vec).unwrap_or(whole)
}

/// The attributes as flags of mount(2).
const FLAGS: [(MountAttributes, u64); 8] = [
    (MountAttributes::READ_ONLY, libc::MS_RDONLY),
    (MountAttributes::NOSUID, libc::MS_NOSUID),
    (MountAttributes::NODEV, libc::MS_NODEV),
    (MountAttributes::NOEXEC, libc::MS_NOEXEC),
    (MountAttributes::NOATIME, libc::MS_NOATIME),
    (MountAttributes::STRICTATIME, libc::MS_STRICTATIME),
    (MountAttributes::NODIRATIME, libc::MS_NODIRATIME),
    (MountAttributes::NOSYMFOLLOW, MS_NOSYMFOLLOW),
];

/// `MOUNT_ATTR_*` as `MS_*`.
pub(super) fn flags_of(attributes: u64) -> u64 {
    let set = FLAGS.iter().filter(|(attribute, _)| attributes & attribute.bits() != 0);
    set.fold(0, |flags, (_, flag)| flags | flag)
}

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// Below the root, without a slash at the beginning: empty for the root.
    pub(super) path: Vec<u8>,
    /// `MS_*`, with one for the access time.
    pub(super) flags: u64,
    pub(super) is_dir: bool,
}

impl Known {
    pub(super) fn directory(path: Vec<u8>, attributes: u64) -> Self {
        Self { path, flags: changed(libc::MS_RELATIME, attributes, 0), is_dir: true }
    }
}

/// Flags after a change by `MOUNT_ATTR_*`.
pub(super) fn changed(flags: u64, set: u64, clear: u64) -> u64 {
    let mut flags = flags;
    if (set | clear) & ATIME != 0 {
        flags = (flags & !MS_ATIME) | if set & ATIME == 0 { libc::MS_RELATIME } else { 0 };
    }
    (flags & !flags_of(clear & !ATIME)) | flags_of(set)
}

/// A line of /proc/self/mountinfo.
struct Line {
    id: u64,
    parent: u64,
    path: Vec<u8>,
    flags: u64,
}

fn line(text: &[u8]) -> Option<Line> {
    let mut fields = text.split(|&byte| byte == b' ');
    let mut number = || std::str::from_utf8(fields.next()?).ok()?.parse().ok();
    let (id, parent) = (number()?, number()?);
    let path = unescaped(fields.nth(2)?);
    Some(Line { id, parent, path: path.strip_prefix(b"/")?.to_vec(), flags: flags(fields.next()?) })
}

/// Whether the way from the root along the path of a mount ends at it: no other mount hides it.
fn is_seen(all: &[Line], root: u64, mount: &Line) -> bool {
    let mut now = root;
    let ends = mount.path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    for end in ends.chain(std::iter::once(mount.path.len())) {
        let part = mount.path.get(..end).unwrap_or_default();
        // One may be on top of another.
        while let Some(next) =
            all.iter().find(|line| line.parent == now && line.path == part && line.id != now)
        {
            if part.is_empty() {
                break;
            }
            now = next.id;
        }
    }
    now == mount.id
}

/// The mounts that the creator can reach. None are known without /proc.
pub(super) fn of_the_creator() -> Vec<Known> {
    let text = fs::read("/proc/self/mountinfo").unwrap_or_default();
    let all: Vec<Line> = text.split(|&byte| byte == b'\n').filter_map(line).collect();
    let Some(root) = all.iter().find(|line| line.path.is_empty()) else { return Vec::new() };
    let seen = all.iter().filter(|mount| is_seen(&all, root.id, mount));
    let known = |mount: &Line| {
        let path = [b"/", mount.path.as_slice()].concat();
        // One that it has no right to go to is none that the child could change, or use.
        let is_dir = fs::symlink_metadata(Path::new(OsStr::from_bytes(&path))).ok()?.is_dir();
        Some(Known { path: mount.path.clone(), flags: mount.flags, is_dir })
    };
    seen.filter_map(known).collect()
}

/// A new one hides the one at its place, and those beneath.
pub(super) fn add(all: &mut Vec<Known>, known: Known) {
    remove(all, &known.path);
    all.push(known);
}

/// The changes of one mount.
pub(super) fn put(all: &mut Vec<Known>, known: Known) {
    all.retain(|other| other.path != known.path);
    all.push(known);
}

/// A mount and those beneath it.
pub(super) fn remove(all: &mut Vec<Known>, path: &[u8]) {
    all.retain(|known| beneath(&known.path, path).is_none());
}

/// The mount that a path is in, and those beneath the path: their paths begin there.
pub(super) fn at(all: &[Known], path: &[u8], with_those_beneath: bool) -> Vec<Known> {
    let holds = |known: &&Known| beneath(path, &known.path).is_some();
    let own = all.iter().filter(holds).max_by_key(|known| known.path.len());
    let first = Known {
        path: Vec::new(),
        flags: own.map_or(libc::MS_RELATIME, |own| own.flags),
        is_dir: own.is_none_or(|own| own.is_dir || own.path.len() != path.len()),
    };
    let others = all.iter().filter_map(|known| {
        let rest = beneath(&known.path, path)?;
        (with_those_beneath && !rest.is_empty()).then(|| Known { path: rest.to_vec(), ..known.clone() })
    });
    std::iter::once(first).chain(others).collect()
}

/// A path in another; both below the root.
pub(super) fn joined(above: &[u8], path: &[u8]) -> Vec<u8> {
    match (above, path) {
        (above, []) => above.to_vec(),
        ([], path) => path.to_vec(),
        (above, path) => [above, b"/", path].concat(),
    }
}

/// The rest of a path below another one.
fn beneath<'a>(path: &'a [u8], above: &[u8]) -> Option<&'a [u8]> {
    if above.is_empty() {
        return Some(path);
    }
    match path.strip_prefix(above)? {
        [] => Some(&[]),
        [b'/', rest @ ..] => Some(rest),
        _ => None,
    }
}

/// The options of a line.
fn flags(options: &[u8]) -> u64 {
    let known = |option: &[u8]| match option {
        b"ro" => libc::MS_RDONLY,
        b"nosuid" => libc::MS_NOSUID,
        b"nodev" => libc::MS_NODEV,
        b"noexec" => libc::MS_NOEXEC,
        b"noatime" => libc::MS_NOATIME,
        b"relatime" => libc::MS_RELATIME,
        b"nodiratime" => libc::MS_NODIRATIME,
        b"nosymfollow" => MS_NOSYMFOLLOW,
        _ => 0,
    };
    let flags = options.split(|&byte| byte == b',').fold(0, |flags, option| flags | known(option));
    if flags & MS_ATIME == 0 { flags | libc::MS_STRICTATIME } else { flags }
}

/// Space, tab, newline and backslash are written in octal.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) => {
                bytes.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                after
            }
            _ => {
                bytes.push(*first);
                after
            }
        };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unescaped() {
        assert_eq!(unescaped(br"/a\040b\134c\9"), br"/a b\c\9");
    }

    #[test]
    fn a_mount_that_a_path_is_in() {
        let all: Vec<Known> = [b"".as_slice(), b"a", b"a/b", b"ab"]
            .iter()
            .zip(1..)
            .map(|(path, flags)| Known { path: path.to_vec(), flags, is_dir: true })
            .collect();
        let found = at(&all, b"a/x", true);
        assert_eq!((found.len(), found[0].flags), (1, 2));
        let found = at(&all, b"a", true);
        assert_eq!((found.len(), found[0].flags, found[1].path.as_slice()), (2, 2, b"b".as_slice()));
        assert_eq!(at(&all, b"", true).len(), 4);
        assert_eq!(at(&all, b"", false).len(), 1);
    }

    #[test]
    fn what_another_mount_hides() {
        let text = "22 27 0:1 / /p rw - a a rw\n27 1 0:2 / / rw - a a rw\n30 22 0:3 / /p/q ro - a a rw\n\
                    31 27 0:4 / /x\\040y rw - a a rw\n32 31 0:5 / /x\\040y rw - a a rw\n33 31 0:5 / /x\\040y/z rw - a a rw";
        let all: Vec<Line> = text.as_bytes().split(|&byte| byte == b'\n').filter_map(line).collect();
        let seen: Vec<u64> =
            all.iter().filter(|mount| is_seen(&all, 27, mount)).map(|mount| mount.id).collect();
        assert_eq!(seen, [22, 27, 30, 32]);
    }

    #[test]
    fn an_access_time_is_one_of_three() {
        let flags = flags(b"rw,nosuid,noatime,nodiratime");
        assert_eq!(flags, libc::MS_NOSUID | libc::MS_NOATIME | libc::MS_NODIRATIME);
        let strict = changed(flags, MountAttributes::STRICTATIME.bits(), 0);
        assert_eq!(strict & MS_ATIME, libc::MS_STRICTATIME);
        assert_eq!(changed(flags, 1, 0x70 | 2), libc::MS_RDONLY | libc::MS_RELATIME | libc::MS_NODIRATIME);
    }
}
