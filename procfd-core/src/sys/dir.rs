// SPDX-License-Identifier: MIT OR Apache-2.0

//! Directories: made, removed; the numbers among the names in one: processes, threads and descriptors in /proc; the
//! directories in one.

use core::ffi::CStr;
use core::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::{Result, call};

/// `struct linux_dirent64`: inode and offset, then length, type, and the name.
const LEN_AT: usize = 16;
const TYPE_AT: usize = 18;
const NAME_AT: usize = 19;

/// mkdirat(2).
pub(crate) fn make_at(dir: BorrowedFd<'_>, name: &CStr, mode: u32) -> Result<()> {
    // SAFETY: the kernel reads `name` up to its NUL, which CStr guarantees.
    unsafe { call!(SYS_mkdirat, dir.as_raw_fd(), name.as_ptr(), mode) }.map(drop)
}

/// unlinkat(2) of an empty directory.
pub(crate) fn remove_at(dir: BorrowedFd<'_>, name: &CStr) -> Result<()> {
    // SAFETY: the kernel reads `name` up to its NUL, which CStr guarantees.
    unsafe { call!(SYS_unlinkat, dir.as_raw_fd(), name.as_ptr(), libc::AT_REMOVEDIR) }.map(drop)
}

/// The numbers in the directory's order, in few reads. `each` ends the walk by returning false.
pub(crate) fn numbers_in(dir: BorrowedFd<'_>, each: impl FnMut(u32) -> bool) -> Result<()> {
    numbers_of::<2048>(dir, each)
}

/// The same with a quarter of the stack, for a directory that has few: the threads and descriptors of one process.
#[inline(never)]
pub(crate) fn few_numbers_in(dir: BorrowedFd<'_>, each: impl FnMut(u32) -> bool) -> Result<()> {
    numbers_of::<512>(dir, each)
}

/// The directories in a directory, without it and its parent, where the file system tells the type (cgroups do).
pub(crate) fn directories_in(dir: BorrowedFd<'_>, mut each: impl FnMut(&CStr)) -> Result<()> {
    walk::<512>(dir, |filled| {
        entries(filled)
            .filter(|&(kind, _)| kind == libc::DT_DIR)
            .filter_map(|(_, name)| CStr::from_bytes_until_nul(name).ok())
            .filter(|&name| name != c"." && name != c"..")
            .for_each(&mut each);
        true
    })
}

/// The same in small reads: what is created behind the numbers already told is told too.
pub(crate) fn each_number(dir: BorrowedFd<'_>, mut f: impl FnMut(i32) -> Result<()>) -> Result<()> {
    let mut done = Ok(());
    numbers_of::<128>(dir, |number| {
        done = f(number as i32);
        done.is_ok()
    })?;
    done
}

fn numbers_of<const WORDS: usize>(dir: BorrowedFd<'_>, mut each: impl FnMut(u32) -> bool) -> Result<()> {
    walk::<WORDS>(dir, |filled| numbers(filled).all(&mut each))
}

/// Reads so many 64-bit words at a time, as the entries are aligned to those. `each` ends the walk by returning false.
fn walk<const WORDS: usize>(dir: BorrowedFd<'_>, mut each: impl FnMut(&[u8]) -> bool) -> Result<()> {
    let mut entries = [MaybeUninit::<u64>::uninit(); WORDS];
    loop {
        // SAFETY: the kernel writes at most the size that is given, which is that of `entries`.
        let len =
            unsafe { call!(SYS_getdents64, dir.as_raw_fd(), entries.as_mut_ptr(), size_of_val(&entries)) }?;
        if len == 0 {
            return Ok(());
        }
        // SAFETY: the kernel has filled the first `len` bytes of `entries`, which live on this frame.
        let filled = unsafe { core::slice::from_raw_parts(entries.as_ptr().cast::<u8>(), len) };
        if !each(filled) {
            return Ok(());
        }
    }
}

/// The types and the names in what getdents64(2) has filled.
fn entries(mut entries: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let len = entries.get(LEN_AT..LEN_AT + 2)?;
        let len = usize::from(u16::from_ne_bytes([*len.first()?, *len.get(1)?]));
        let entry = (*entries.get(TYPE_AT)?, entries.get(NAME_AT..len)?);
        entries = entries.get(len..)?;
        Some(entry)
    })
}

/// The numbers among the names.
fn numbers(filled: &[u8]) -> impl Iterator<Item = u32> + '_ {
    entries(filled).filter_map(|(_, name)| number(name))
}

/// The number that a name is, up to its NUL.
fn number(name: &[u8]) -> Option<u32> {
    name.iter().take_while(|&&b| b != 0).try_fold(None, |n: Option<u32>, b| match b {
        b'0'..=b'9' => n.unwrap_or(0).checked_mul(10)?.checked_add(u32::from(b - b'0')).map(Some),
        _ => None,
    })?
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
