// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Why a program that is there is not executed: its interpreter is missing, it is a directory, or it is not executable.
//!
//! execve(2) answers ENOENT for a script whose `#!` line names no file, and for an ELF program whose dynamic linker
//! (`PT_INTERP`) is missing. After such an answer the creator reads the program's first bytes, as the kernel did.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use super::program::Program;
use super::{Namespaces, Prepared, Settings};
use crate::sys::{self, Errno, OwnFd};

/// The bytes of a program that the kernel reads to know its format (BINPRM_BUF_SIZE).
const HEAD: usize = 256;
/// How many interpreters stand behind each other, at most.
const DEPTH: usize = 5;
/// The longest path (PATH_MAX).
const PATH_MAX: usize = 4096;
const PT_INTERP: u64 = 3;

/// Whether a path of the child is the same file to the creator. In another root it is another file.
fn sees_its_files(s: &Settings) -> bool {
    !(s.filesystem.has_root() || s.mounts.any() || s.joins.has(Namespaces::MOUNT))
}

/// After EACCES: what the file itself has against an execution.
pub(super) fn refused(s: &Settings, p: &Prepared, index: u32) -> Option<String> {
    let path = p.candidates(s).get(index as usize).filter(|_| sees_its_files(s))?;
    let (mode, _) = sys::fd::mode_and_inode(find(s, path).ok()?.as_fd()).ok()?;
    match mode & libc::S_IFMT {
        libc::S_IFDIR => Some("it is a directory".to_owned()),
        libc::S_IFREG if mode & 0o111 == 0 => Some("the file is not executable: chmod +x".to_owned()),
        libc::S_IFREG => None,
        _ => Some("it is no regular file".to_owned()),
    }
}

/// After ENOENT: the interpreter that is missing, in words.
pub(super) fn missing(s: &Settings, p: &Prepared) -> Option<String> {
    if !sees_its_files(s) {
        return None;
    }
    if let Program::Fd(fd) = s.program.program {
        let missing = behind(s, open_again(sys::fd::borrow(fd).ok()?)?)?;
        return Some(format!("its interpreter {missing:?} does not exist"));
    }
    // The first that is there; execve(2) has refused all.
    let (path, program) = p.candidates(s).iter().find_map(|path| Some((path, open(s, path).ok()?)))?;
    let missing = behind(s, program)?;
    Some(match p.candidates(s).len() {
        1 => format!("its interpreter {missing:?} does not exist"),
        _ => format!("{path:?} is there, and its interpreter {missing:?} does not exist"),
    })
}

/// The interpreter that is missing behind a program.
fn behind(s: &Settings, mut program: OwnFd) -> Option<CString> {
    for _ in 0..DEPTH {
        let interpreter = interpreter(program.as_fd())?;
        program = match open(s, &interpreter) {
            Ok(next) => next,
            Err(Errno(libc::ENOENT)) => return Some(interpreter),
            Err(_) => return None,
        };
    }
    None
}

/// A file as the child sees it. EINVAL: one that only the child can find.
fn find(s: &Settings, path: &CStr) -> sys::Result<OwnFd> {
    if !path.to_bytes().starts_with(b"/") && s.descriptors.changes_directory() {
        return Err(Errno(libc::EINVAL));
    }
    // O_PATH does not wait for a FIFO, and does nothing to a device.
    sys::fd::open_at(libc::AT_FDCWD, path, libc::O_PATH)
}

/// A regular file as the child sees it. EINVAL: another kind of file, or one that only the child can find.
fn open(s: &Settings, path: &CStr) -> sys::Result<OwnFd> {
    open_again(find(s, path)?.as_fd()).ok_or(Errno(libc::EINVAL))
}

/// The same file for reading, if it is a regular one.
fn open_again(file: BorrowedFd<'_>) -> Option<OwnFd> {
    let (mode, _) = sys::fd::mode_and_inode(file).ok()?;
    if mode & libc::S_IFMT != libc::S_IFREG {
        return None;
    }
    let path = CString::new(format!("/proc/thread-self/fd/{}", file.as_raw_fd())).ok()?;
    sys::fd::open_at(libc::AT_FDCWD, &path, libc::O_RDONLY).ok()
}

/// The interpreter that the program names.
fn interpreter(program: BorrowedFd<'_>) -> Option<CString> {
    let head = read::<HEAD>(program, 0)?;
    match head.strip_prefix(b"#!") {
        Some(line) => of_script(line),
        None if head.starts_with(b"\x7fELF") => of_elf(program, &head),
        None => None,
    }
}

/// The first word behind the `#!`.
fn of_script(line: &[u8]) -> Option<CString> {
    let line = line.split(|&byte| byte == b'\n').next()?;
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | 0);
    let word = line.split(blank).find(|word| !word.is_empty())?;
    CString::new(word).ok()
}

/// The file that PT_INTERP names, of a program of this machine's byte order.
fn of_elf(program: BorrowedFd<'_>, head: &[u8]) -> Option<CString> {
    let wide = head.get(4) == Some(&2);
    // Of the header: the offset of the table, the size and number of its entries.
    let (table, size, count) = if wide { (32, 54, 56) } else { (28, 42, 44) };
    let word = if wide { 8 } else { 4 };
    let (table, size, count) = (number(head, table, word)?, number(head, size, 2)?, number(head, count, 2)?);
    for entry in 0..count {
        let entry = read::<56>(program, table.checked_add(entry.checked_mul(size)?)?)?;
        if number(&entry, 0, 4)? == PT_INTERP {
            // Of the entry: the offset of the path, and its size with the NUL.
            let (offset, length) = if wide { (8, 32) } else { (4, 16) };
            let path = read::<PATH_MAX>(program, number(&entry, offset, word)?)?;
            let path = path.get(..usize::try_from(number(&entry, length, word)?).ok()?)?;
            return CStr::from_bytes_until_nul(path).ok().map(CStr::to_owned);
        }
    }
    None
}

/// At most this many bytes at an offset.
fn read<const LENGTH: usize>(program: BorrowedFd<'_>, offset: u64) -> Option<Vec<u8>> {
    let mut bytes = [0; LENGTH];
    let length = sys::fd::read_at(program, &mut bytes, offset).ok()?;
    bytes.get(..length).map(<[u8]>::to_vec)
}

/// A number of `length` bytes, at most 8.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let from = bytes.get(at..at.checked_add(length)?)?;
    let mut word = [0; 8];
    let to = if cfg!(target_endian = "little") { word.get_mut(..length) } else { word.get_mut(8 - length..) };
    to?.copy_from_slice(from);
    Some(u64::from_ne_bytes(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_read_as_the_kernel_does() {
        for (line, interpreter) in [
            (&b"/bin/sh\n"[..], Some(c"/bin/sh")),
            (b" \t/bin/sh -e -x\nmore", Some(c"/bin/sh")),
            (b"/bin/sh\r\n", Some(c"/bin/sh\r")),
            (b"/bin/sh", Some(c"/bin/sh")),
            (b" \n/bin/sh", None),
            (b"", None),
        ] {
            assert_eq!(of_script(line).as_deref(), interpreter, "{line:?}");
        }
    }

    #[test]
    fn an_elf_program_names_its_linker() {
        let sh = sys::fd::open_at(libc::AT_FDCWD, c"/bin/sh", libc::O_RDONLY).unwrap();
        let linker = interpreter(sh.as_fd()).unwrap();
        assert!(linker.to_str().unwrap().contains("/ld-"), "{linker:?}");
    }
}
