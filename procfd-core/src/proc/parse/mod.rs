// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The formats of /proc/PID (proc(5)), as functions from bytes to values: no files, and memory only where an
//! escape in a path is undone.
//!
//! A number counts only if what ends it is there, so that a file cut short gives fewer fields, never
//! other ones. A number that its field cannot hold leaves the field out.

pub(crate) mod counters;
pub(crate) mod fdinfo;
pub(crate) mod limits;
pub(crate) mod maps;
pub(crate) mod mountinfo;
pub(crate) mod single_value;
pub(crate) mod stat;
pub(crate) mod status;

#[cfg(test)]
mod mutate;

/// The name of a thread, any bytes but NUL: up to 15, or 63 for a kernel thread.
#[derive(Clone, Copy)]
pub struct Comm {
    bytes: [u8; 64],
    len: u8,
}

impl Comm {
    /// `None`: longer than the kernel's buffer, which ends in a NUL.
    pub(crate) fn new(name: &[u8]) -> Option<Self> {
        let mut bytes = [0; 64];
        bytes.get_mut(..63)?.get_mut(..name.len())?.copy_from_slice(name);
        Some(Self { bytes, len: name.len() as u8 })
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Its bytes with at least one zero behind them.
    pub fn padded(&self) -> &[u8; 64] {
        &self.bytes
    }
}

impl Default for Comm {
    fn default() -> Self {
        Self { bytes: [0; 64], len: 0 }
    }
}

impl PartialEq for Comm {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Comm {}

/// Bytes that are not printable ASCII are escaped.
impl std::fmt::Display for Comm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_bytes().escape_ascii().fmt(f)
    }
}

impl std::fmt::Debug for Comm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// The lines that are ended, without what ends them.
pub(crate) fn lines(mut text: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let end = text.iter().position(|&b| b == b'\n')?;
        let line = text.get(..end)?;
        text = text.get(end + 1..)?;
        Some(line)
    })
}

/// The words of an ended line.
fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|b| matches!(b, b' ' | b'\t')).filter(|word| !word.is_empty())
}

/// The digits of a number in this base, nothing else and not none. `None` above 64 bits.
fn digits(word: &[u8], base: u8) -> Option<u64> {
    if word.is_empty() {
        return None;
    }
    word.iter().try_fold(0u64, |value, &b| {
        let digit = match b {
            b'0'..=b'9' => b - b'0',
            b'a'..=b'f' => b - b'a' + 10,
            _ => return None,
        };
        if digit >= base {
            return None;
        }
        value.checked_mul(u64::from(base))?.checked_add(u64::from(digit))
    })
}

/// A decimal number that fits its type.
pub(crate) fn unsigned<T: TryFrom<u64>>(word: &[u8]) -> Option<T> {
    digits(word, 10).and_then(|value| T::try_from(value).ok())
}

/// A decimal number with or without a minus sign that fits its type.
fn signed<T: TryFrom<i64>>(word: &[u8]) -> Option<T> {
    let value = match word.strip_prefix(b"-") {
        Some(word) => 0i64.checked_sub_unsigned(digits(word, 10)?),
        None => digits(word, 10).and_then(|value| i64::try_from(value).ok()),
    };
    value.and_then(|value| T::try_from(value).ok())
}

/// A number of the kernel's kilobytes, in bytes.
fn kilobytes(value: &[u8]) -> Option<u64> {
    let mut words = words(value);
    let number: u64 = unsigned(words.next()?)?;
    match (words.next(), words.next()) {
        (Some(b"kB"), None) => number.checked_mul(1024),
        _ => None,
    }
}

/// Name and value of a line `name:value`.
fn key(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|&b| b == b':')?;
    Some((line.get(..colon)?, line.get(colon + 1..)?.trim_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_end_where_their_type_does() {
        assert_eq!(unsigned::<u64>(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(unsigned::<u64>(b"18446744073709551616"), None);
        assert_eq!(unsigned::<u32>(b"4294967296"), None);
        assert_eq!(unsigned::<u32>(b""), None);
        assert_eq!(unsigned::<u32>(b"+1"), None);
        assert_eq!(unsigned::<u32>(b"-1"), None);
        assert_eq!(unsigned::<u32>(b"a"), None);
        assert_eq!(signed::<i64>(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(signed::<i64>(b"-9223372036854775809"), None);
        assert_eq!(signed::<i64>(b"9223372036854775808"), None);
        assert_eq!(signed::<i32>(b"-1"), Some(-1));
        assert_eq!(signed::<i32>(b"-"), None);
        assert_eq!(signed::<i32>(b"--1"), None);
        assert_eq!(digits(b"ff", 16), Some(255));
        assert_eq!(digits(b"8", 8), None);
        assert_eq!(kilobytes(b"  3 kB"), Some(3072));
        assert_eq!(kilobytes(b"18014398509481984 kB"), None);
        assert_eq!(kilobytes(b"3"), None);
    }

    #[test]
    fn a_line_counts_once_it_is_ended() {
        assert_eq!(lines(b"a\nb\nc").collect::<Vec<_>>(), [b"a", b"b"]);
    }

    #[test]
    fn a_name_fills_its_buffer_and_no_more() {
        assert_eq!(Comm::new(&[b'x'; 63]).unwrap().as_bytes().len(), 63);
        assert!(Comm::new(&[b'x'; 64]).is_none());
        assert_eq!(&Comm::new(b"ab").unwrap().padded()[..3], b"ab\0");
    }
}
