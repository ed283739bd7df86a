// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The files with one value, or lines of one kind.

use super::{digits, lines, signed, unsigned, words};

/// The cgroup v2 path of a process, from the root of the reader's cgroup namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cgroup<'a> {
    /// Begins with a slash, or with `/..` outside the namespace. Any bytes but newlines, which the
    /// kernel refuses in a cgroup's name.
    pub path: &'a [u8],
    /// The directory has been removed, which only leaves it to processes that have ended.
    pub deleted: bool,
}

/// /proc/PID/cgroup. A removed cgroup and one whose name ends in " (deleted)" read the same; the
/// first can hold no live process, so `live` tells them apart.
pub(crate) fn cgroup(text: &[u8], live: bool) -> Option<Cgroup<'_>> {
    let path = lines(text).find_map(|line| line.strip_prefix(b"0::"))?;
    Some(match path.strip_suffix(b" (deleted)") {
        Some(path) if !live => Cgroup { path, deleted: true },
        _ => Cgroup { path, deleted: false },
    })
}

/// /proc/PID/autogroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Autogroup {
    pub id: u64,
    pub nice: i32,
}

/// `None` also where the process is in no autogroup.
pub(crate) fn autogroup(text: &[u8]) -> Option<Autogroup> {
    let mut words = words(lines(text).next()?.strip_prefix(b"/autogroup-")?);
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some(id), Some(b"nice"), Some(nice), None) => {
            Some(Autogroup { id: unsigned(id)?, nice: signed(nice)? })
        }
        _ => None,
    }
}

/// A file that is one decimal number: oom_score, timerslack_ns.
pub(crate) fn number<T: TryFrom<u64>>(text: &[u8]) -> Option<T> {
    unsigned(lines(text).next()?)
}

/// A file that is one decimal number with a sign: oom_score_adj.
pub(crate) fn signed_number<T: TryFrom<i64>>(text: &[u8]) -> Option<T> {
    signed(lines(text).next()?)
}

/// A file that is one hexadecimal number: coredump_filter, personality.
pub(crate) fn hexadecimal<T: TryFrom<u64>>(text: &[u8]) -> Option<T> {
    digits(lines(text).next()?, 16).and_then(|value| value.try_into().ok())
}

/// loginuid and sessionid; `None` where it was never set. Nothing ends this number but the file's
/// end, which the reader must have seen.
pub(crate) fn audit_id(whole: &[u8]) -> Option<u32> {
    unsigned(whole).filter(|&id| id != u32::MAX)
}

/// wchan: the kernel function a thread sleeps in; `None` for a thread that runs, or where the reader may
/// not know. Nothing ends it but the file's end.
pub(crate) fn wchan(whole: &[u8]) -> Option<&[u8]> {
    match whole {
        b"" | b"0" => None,
        name => Some(name),
    }
}

/// One line of uid_map or gid_map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IdRange {
    pub inside: u32,
    pub outside: u32,
    pub count: u32,
}

/// uid_map and gid_map; `None` for a line that is none.
pub(crate) fn id_map(text: &[u8]) -> impl Iterator<Item = Option<IdRange>> {
    lines(text).map(|line| {
        let mut words = words(line).map(unsigned);
        let range = IdRange { inside: words.next()??, outside: words.next()??, count: words.next()?? };
        words.next().is_none().then_some(range)
    })
}

/// The inode in a link of /proc/PID/ns: `mnt:[4026531832]`.
pub(crate) fn namespace(link: &[u8]) -> Option<u64> {
    let open = link.iter().position(|&b| b == b'[')?;
    let (name, number) = (link.get(..open)?, link.get(open + 1..)?);
    if !name.ends_with(b":") {
        return None;
    }
    unsigned(number.strip_suffix(b"]")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proc::parse::mutate;

    const CGROUP: &[u8] = b"9:name=systemd:/\n4:memory:/0::/x\n1:cpu:/\n0::/a:b/c d (deleted)\n";
    const UID_MAP: &[u8] = b"         0       1000          1\n         1     100000      65536\n";

    #[test]
    fn cgroups() {
        let path = |text, live| cgroup(text, live).map(|c| (c.path, c.deleted));
        assert_eq!(path(b"0::/\n", true), Some((&b"/"[..], false)));
        assert_eq!(path(CGROUP, false), Some((&b"/a:b/c d"[..], true)));
        assert_eq!(path(CGROUP, true), Some((&b"/a:b/c d (deleted)"[..], false)));
        assert_eq!(path(b"0::/../../x\n", true), Some((&b"/../../x"[..], false)));
        assert_eq!(path(b"1:cpu:/\n", true), None);
        assert!(mutate::cuts(CGROUP).all(|text| cgroup(text, true).is_none()));
    }

    #[test]
    fn single_values() {
        assert_eq!(autogroup(b"/autogroup-24 nice -3\n"), Some(Autogroup { id: 24, nice: -3 }));
        assert!(mutate::cuts(b"/autogroup-24 nice -3\n").all(|text| autogroup(text).is_none()));
        assert_eq!(autogroup(b"/autogroup-24 nice 3000000000\n"), None);
        assert_eq!((number(b"666\n"), number::<u32>(b"666")), (Some(666u32), None));
        assert_eq!((signed_number(b"-1000\n"), signed_number::<i32>(b"-10")), (Some(-1000), None));
        assert_eq!(signed_number::<i16>(b"32768\n"), None);
        assert_eq!((hexadecimal(b"00000033\n"), hexadecimal::<u32>(b"0000")), (Some(0x33u32), None));
        assert_eq!(hexadecimal::<u32>(b"100000000\n"), None);
        assert_eq!((audit_id(b"1000"), audit_id(b"4294967295"), audit_id(b"")), (Some(1000), None, None));
        assert_eq!((wchan(b"0"), wchan(b""), wchan(b"pipe_read")), (None, None, Some(&b"pipe_read"[..])));
        assert_eq!(namespace(b"mnt:[4026531832]"), Some(4026531832));
        assert_eq!(namespace(b"pid_for_children:[4026531836]"), Some(4026531836));
        assert!(mutate::cuts(b"mnt:[4026531832]").all(|text| namespace(text).is_none()));
        assert_eq!(namespace(b"/tmp/x[1]"), None);
    }

    #[test]
    fn lists() {
        let map: Vec<_> = id_map(UID_MAP).collect();
        let second = IdRange { inside: 1, outside: 100000, count: 65536 };
        assert_eq!(map, [Some(IdRange { inside: 0, outside: 1000, count: 1 }), Some(second)]);
        assert_eq!(id_map(b"0 0 4294967296\n0 0\n0 0 1 1\n").collect::<Vec<_>>(), [None; 3]);
        for text in mutate::cuts(UID_MAP) {
            assert!(map.starts_with(&id_map(text).collect::<Vec<_>>()));
        }
    }

    #[test]
    fn mutations() {
        mutate::run(&[CGROUP, UID_MAP, b"/autogroup-24 nice -3\n", b"mnt:[40265]"], 200_000, |text| {
            assert!(cgroup(text, true).is_none_or(|cgroup| !cgroup.path.contains(&b'\n')));
            assert!(id_map(text).count() <= text.len());
            assert!(namespace(text).is_none_or(|_| text.ends_with(b"]")));
            autogroup(text);
            hexadecimal::<u32>(text);
            signed_number::<i32>(text);
        });
    }
}
