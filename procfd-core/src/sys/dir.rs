// SPDX-License-Identifier: MIT OR Apache-2.0

//! The numbers among the names of a directory: processes and threads in /proc.

use std::os::fd::{AsRawFd, BorrowedFd};

use super::{Result, call};

/// `struct linux_dirent64`: inode and offset, then length, type, and the name.
const LEN_AT: usize = 16;
const NAME_AT: usize = 19;

/// Calls `f` with each number that the directory's open descriptor lists from where it stands, in its
/// order. /proc is read little by little: what is created behind the numbers already told is told too.
pub(crate) fn each_number<E: From<super::Errno>>(
    dir: BorrowedFd<'_>,
    mut f: impl FnMut(i32) -> core::result::Result<(), E>,
) -> core::result::Result<(), E> {
    let mut buf = [0u8; 1024];
    loop {
        let len = read(dir, &mut buf)?;
        if len == 0 {
            return Ok(());
        }
        for number in numbers(buf.get(..len).unwrap_or_default()) {
            f(number)?;
        }
    }
}

/// getdents64(2).
fn read(dir: BorrowedFd<'_>, buf: &mut [u8]) -> Result<usize> {
    // SAFETY: the kernel writes at most `buf.len()` bytes.
    unsafe { call!(SYS_getdents64, dir.as_raw_fd(), buf.as_mut_ptr(), buf.len()) }
}

/// The numbers in what getdents64 has filled.
fn numbers(mut entries: &[u8]) -> impl Iterator<Item = i32> + '_ {
    std::iter::from_fn(move || {
        loop {
            let len = entries.get(LEN_AT..LEN_AT + 2)?;
            let len = usize::from(u16::from_ne_bytes([*len.first()?, *len.get(1)?]));
            let name = entries.get(NAME_AT..len)?.split(|&b| b == 0).next()?;
            entries = entries.get(len..)?;
            if let Some(number) = std::str::from_utf8(name).ok().and_then(|text| text.parse().ok()) {
                return Some(number);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, to: &mut Vec<u8>) {
        let len = (NAME_AT + name.len() + 8) / 8 * 8;
        let start = to.len();
        to.resize(start + len, 0);
        to[start + LEN_AT..start + LEN_AT + 2].copy_from_slice(&(len as u16).to_ne_bytes());
        to[start + NAME_AT..start + NAME_AT + name.len()].copy_from_slice(name.as_bytes());
    }

    #[test]
    fn only_numbers() {
        let mut buf = Vec::new();
        for name in [".", "..", "1", "self", "4194304", "12a", "99999999999", "7"] {
            entry(name, &mut buf);
        }
        assert_eq!(numbers(&buf).collect::<Vec<_>>(), [1, 4_194_304, 7]);
        assert_eq!(numbers(&buf[..buf.len() - 1]).collect::<Vec<_>>(), [1, 4_194_304]);
        assert_eq!(numbers(&[]).count(), 0);
        assert_eq!(numbers(&[0; 64]).count(), 0);
    }
}
