// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! /proc/PID/maps (proc_pid_maps(5)).

use std::borrow::Cow;

use super::{digits, lines};

/// One mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Map<'a> {
    pub start: u64,
    pub end: u64,
    pub read: bool,
    pub write: bool,
    pub execute: bool,
    pub shared: bool,
    pub offset: u64,
    pub major: u32,
    pub minor: u32,
    pub inode: u64,
    /// As in the file; nothing for an anonymous mapping without a name.
    pub raw_path: &'a [u8],
}

impl<'a> Map<'a> {
    /// The path, or a word in its place (`[heap]`, `[anon:name]`). " (deleted)" follows if the file has lost its name.
    /// The kernel writes a newline as `\012` and leaves backslashes alone. A name with these four bytes therefore
    /// comes out with a newline too.
    pub(crate) fn path(&self) -> Cow<'a, [u8]> {
        unescaped(self.raw_path)
    }
}

/// The mappings, up to the first line that is none.
pub(crate) fn maps(text: &[u8]) -> impl Iterator<Item = Map<'_>> {
    lines(text).map_while(map)
}

fn map(line: &[u8]) -> Option<Map<'_>> {
    let (start, rest) = hex_until(line, b'-')?;
    let (end, rest) = hex_until(rest, b' ')?;
    let [r, w, x, s, b' ', rest @ ..] = rest else { return None };
    let (offset, rest) = hex_until(rest, b' ')?;
    let (major, rest) = hex_until(rest, b':')?;
    let (minor, rest) = hex_until(rest, b' ')?;
    let (inode, rest) = split(rest, b' ')?;
    let path = rest.iter().position(|&b| b != b' ').and_then(|at| rest.get(at..)).unwrap_or_default();
    let either = |is: u8, set: u8, clear: u8| (is == set || is == clear).then_some(is == set);
    Some(Map {
        start,
        end,
        read: either(*r, b'r', b'-')?,
        write: either(*w, b'w', b'-')?,
        execute: either(*x, b'x', b'-')?,
        shared: either(*s, b's', b'p')?,
        offset,
        major: major.try_into().ok()?,
        minor: minor.try_into().ok()?,
        inode: digits(inode, 10)?,
        raw_path: path,
    })
}

fn split(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|&b| b == at)?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

fn hex_until(text: &[u8], at: u8) -> Option<(u64, &[u8])> {
    let (word, rest) = split(text, at)?;
    Some((digits(word, 16)?, rest))
}

/// Undoes the one escape of paths in maps: `\012`.
fn unescaped(path: &[u8]) -> Cow<'_, [u8]> {
    const NEWLINE: &[u8] = b"\\012";
    if !path.windows(NEWLINE.len()).any(|w| w == NEWLINE) {
        return Cow::Borrowed(path);
    }
    let mut plain = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&first, behind)) = rest.split_first() {
        match rest.strip_prefix(NEWLINE) {
            Some(behind) => {
                plain.push(b'\n');
                rest = behind;
            }
            None => {
                plain.push(first);
                rest = behind;
            }
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proc::parse::mutate;

    const SAMPLE: &[u8] = b"5574eef51000-5574eef52000 r--p 00000000 fe:00 18504                      /root/.pyenv/bin/python3.11\n5574eef52000-5574eef53000 r-xp 00001000 fe:00 18504                      /tmp/a\\012b c (deleted)\n55752ec74000-55752ee4c000 rw-p 00000000 00:00 0                          [heap]\n7fb22155e000-7fb221691000 rw-p 00000000 00:00 0 \n7fb22155f000-7fb221692000 rw-s fffff000 00:01 4294967296                 /dev/zero\n7fb22165f000-7fb221693000 ---p 00000000 00:00 0                          [anon:a name]\nffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";

    #[test]
    fn sample() {
        let all: Vec<_> = maps(SAMPLE).collect();
        assert_eq!(all.len(), 7);
        let expected = Map {
            start: 0x5574eef52000,
            end: 0x5574eef53000,
            read: true,
            write: false,
            execute: true,
            shared: false,
            offset: 0x1000,
            major: 0xfe,
            minor: 0,
            inode: 18504,
            raw_path: b"/tmp/a\\012b c (deleted)",
        };
        assert_eq!(all[1], expected);
        assert_eq!(&*all[1].path(), b"/tmp/a\nb c (deleted)");
        assert_eq!((&*all[2].path(), &*all[3].path()), (&b"[heap]"[..], &b""[..]));
        assert_eq!((all[4].shared, all[4].offset, all[4].inode), (true, 0xfffff000, 1 << 32));
        assert_eq!((&*all[5].path(), all[5].read), (&b"[anon:a name]"[..], false));
        assert_eq!(all[6].end, 0xffffffffff601000);
        assert_eq!(maps(b"").count(), 0);
    }

    #[test]
    fn cut_short_anywhere() {
        let all: Vec<_> = maps(SAMPLE).collect();
        for text in mutate::cuts(SAMPLE) {
            let part: Vec<_> = maps(text).collect();
            assert!(all.starts_with(&part) && part.len() < all.len());
        }
    }

    #[test]
    fn mutations() {
        mutate::run(&[SAMPLE], 200_000, |text| {
            for map in maps(text) {
                assert!(map.path().len() <= map.raw_path.len());
                assert!(!map.raw_path.contains(&b'\n') && !map.raw_path.starts_with(b" "));
            }
        });
    }
}
