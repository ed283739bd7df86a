// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What a process has in bytes: paths, arguments, environment, texts of the kernel.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd};

use super::retry::{ask, ask_for, ask_leader};
use crate::proc::Proc;
use crate::proc::parse::{single_value, stat::stat};
use crate::sys::{self, Errno, OwnFd, Result, vec};

/// Longer links, arguments and environments than this there are none.
const LONGEST: usize = 1 << 28;
const NO_DATA: Errno = Errno(libc::ENODATA);

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// The path of the program.
    Exe,
    /// The current directory.
    Cwd,
    /// The root directory.
    Root,
    /// The arguments, each followed by a NUL.
    Argv,
    /// The environment at the start of the program, each followed by a NUL.
    Environ,
    /// The path of the cgroup v2 directory.
    Cgroup,
    /// The auxiliary vector: pairs of u64.
    Auxv,
    /// The kernel function the leading thread sleeps in.
    Wchan,
    /// The label of the security module.
    Label,
    /// The system call the leading thread is in.
    Syscall,
    /// The kernel's stack of the leading thread.
    Stack,
    /// /proc/PID/mountinfo.
    Mounts,
    /// The file that the descriptor with this number refers to.
    Fd(u32),
}

/// The bytes. ENODATA if the process has no such text; EBADF if the descriptor is not open.
pub(crate) fn text(pidfd: BorrowedFd<'_>, which: Text) -> Result<Vec<u8>> {
    match which {
        Text::Exe => ask_for(pidfd, |process| process.whole_link(c"exe")),
        Text::Cwd => ask_for(pidfd, |process| process.whole_link(c"cwd")),
        Text::Root => ask_for(pidfd, |process| process.whole_link(c"root")),
        Text::Argv => Ok(ask(pidfd, |process| of_memory(process, c"cmdline"))?.unwrap_or_default()),
        Text::Environ => Ok(ask(pidfd, |process| of_memory(process, c"environ"))?.unwrap_or_default()),
        Text::Auxv => ask_for(pidfd, vector),
        Text::Mounts => ask_for(pidfd, |process| whole(process, c"mountinfo")),
        Text::Fd(number) => {
            let name = CString::new(format!("fd/{number}")).map_err(|_| NO_DATA)?;
            ask(pidfd, |process| process.whole_link(&name))?.ok_or(Errno(libc::EBADF))
        }
        Text::Cgroup => cgroup(pidfd),
        Text::Wchan => ask_leader(pidfd, |process| {
            single_value::wchan(&whole(process, c"wchan")?).map(<[u8]>::to_vec).ok_or(NO_DATA)
        }),
        // EINVAL: no module has one.
        Text::Label => ask_leader(pidfd, |process| match whole(process, c"attr/current") {
            Ok(label) => Ok(trimmed(label)),
            Err(Errno(libc::EINVAL)) => Err(NO_DATA),
            Err(e) => Err(e),
        }),
        Text::Syscall => ask_leader(pidfd, |process| whole(process, c"syscall").map(trimmed)),
        Text::Stack => ask_leader(pidfd, |process| whole(process, c"stack")),
    }
    .and_then(|text| match text.is_empty() {
        true if !matches!(which, Text::Argv | Text::Environ) => Err(NO_DATA),
        _ => Ok(text),
    })
}

/// Arguments or environment, in one read, which sees one memory; a second could see that of the next
/// program. ENODATA: nothing, which is also what there is before the program starts.
fn of_memory(process: &Proc<'_>, file: &CStr) -> Result<Vec<u8>> {
    in_one_read(&process.open(file, libc::O_RDONLY)?)
}

fn in_one_read(file: &OwnFd) -> Result<Vec<u8>> {
    let mut buf = vec![0; 4096];
    loop {
        let len = read_at(file, &mut buf, 0)?;
        if len == 0 {
            return Err(NO_DATA);
        }
        if len < buf.len() {
            buf.truncate(len);
            return Ok(buf);
        }
        buf = larger(buf.len())?;
    }
}

/// The auxiliary vector, which whatever has a memory has. EAGAIN: not yet, or not any more.
fn vector(process: &Proc<'_>) -> Result<Vec<u8>> {
    let file = of_started(process, c"auxv")?;
    match in_one_read(&file).and_then(|raw| auxv(&raw)) {
        Err(NO_DATA) => Err(Errno(libc::EAGAIN)),
        done => done,
    }
}

/// A file of a memory whose program has started: until then the kernel is still filling it. If the file, which
/// is of the memory at its opening, shows something after this, that was the one looked at. EAGAIN: not yet.
fn of_started(process: &Proc<'_>, file: &CStr) -> Result<OwnFd> {
    let file = process.open(file, libc::O_RDONLY)?;
    let mut buf = [0; 2048];
    match stat(process.read_small(c"stat", &mut buf)?) {
        Some(stat) if stat.end_code != 0 => Ok(file),
        _ => Err(Errno(libc::EAGAIN)),
    }
}

/// A file that shows the memory in several reads, and nothing more once that is gone: so it must still
/// show something after the last. EAGAIN: the process has another memory by now, or none.
pub(super) fn of_one_memory(process: &Proc<'_>, file: &CStr) -> Result<Vec<u8>> {
    let file = of_started(process, file)?;
    let mut text = Vec::new();
    let mut buf = Vec::new();
    vec::lengthen(&mut buf, 1 << 16)?;
    loop {
        let len = read_at(&file, &mut buf, text.len() as u64)?;
        if len == 0 {
            break;
        }
        text.try_reserve(len).map_err(|_| Errno(libc::ENOMEM))?;
        text.extend_from_slice(buf.get(..len).unwrap_or_default());
    }
    match read_at(&file, &mut [0], 0)? {
        0 => Err(Errno(libc::EAGAIN)),
        _ => Ok(text),
    }
}

pub(super) fn whole(process: &Proc<'_>, file: &CStr) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    process.read(file, &mut text)?;
    Ok(text)
}

fn read_at(file: &OwnFd, buf: &mut [u8], at: u64) -> Result<usize> {
    sys::fd::read_at(file.as_fd(), buf, at)
}

fn larger(len: usize) -> Result<Vec<u8>> {
    if len >= LONGEST {
        return Err(Errno(libc::EOVERFLOW));
    }
    let mut buf = Vec::new();
    buf.try_reserve_exact(len * 4).map_err(|_| Errno(libc::ENOMEM))?;
    buf.resize(len * 4, 0);
    Ok(buf)
}

/// Without the newline or NUL behind it.
fn trimmed(mut text: Vec<u8>) -> Vec<u8> {
    let end = text.iter().rposition(|b| !matches!(b, b'\n' | 0)).map_or(0, |at| at + 1);
    text.truncate(end);
    text
}

/// Pairs of u64, of a 32-bit program too.
fn auxv(raw: &[u8]) -> Result<Vec<u8>> {
    // Its keys are small, so two words of 32 bits in one make themselves known.
    let of_32_bits = arrays::<8>(raw).next().is_some_and(|key| u64::from_ne_bytes(key) > u64::from(u32::MAX));
    let words: Vec<u64> = match of_32_bits {
        true => arrays(raw).map(|word| u64::from(u32::from_ne_bytes(word))).collect(),
        false => arrays(raw).map(u64::from_ne_bytes).collect(),
    };
    // Only the end of it: before a program's start is complete.
    if words.iter().all(|&word| word == 0) {
        return Err(NO_DATA);
    }
    Ok(words.into_iter().flat_map(u64::to_ne_bytes).collect())
}

fn arrays<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.chunks_exact(N).filter_map(|chunk| chunk.try_into().ok())
}

fn cgroup(pidfd: BorrowedFd<'_>) -> Result<Vec<u8>> {
    // Polled before: what has ended stays so.
    let live = sys::fd::poll(pidfd, libc::POLLIN, sys::fd::NOW)? == 0;
    ask_leader(pidfd, |process| {
        let text = whole(process, c"cgroup")?;
        single_value::cgroup(&text, live).map(|cgroup| cgroup.path.to_vec()).ok_or(NO_DATA)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_both_widths() {
        let wide: Vec<u8> = [6u64, 4096, 0, 0].into_iter().flat_map(u64::to_ne_bytes).collect();
        let narrow: Vec<u8> = [6u32, 4096, 0, 0].into_iter().flat_map(u32::to_ne_bytes).collect();
        assert_eq!(auxv(&wide).as_deref(), Ok(&*wide));
        assert_eq!(auxv(&narrow).as_deref(), Ok(&*wide));
        assert_eq!(auxv(&[0; 16]), Err(NO_DATA));
        assert_eq!(auxv(&[1, 2, 3]), Err(NO_DATA));
    }

    #[test]
    fn what_ends_a_label() {
        assert_eq!(trimmed(b"unconfined\n".to_vec()), b"unconfined");
        assert_eq!(trimmed(b"a:b:c\0".to_vec()), b"a:b:c");
        assert_eq!(trimmed(b"\n".to_vec()), b"");
    }
}
