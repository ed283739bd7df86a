// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel: every system call the crate makes, and all of its unsafe code.
//!
//! | room | holds |
//! |---|---|
//! | `arch` | the system call instruction, clone with a stack |
//! | `child` | what the child may call while it shares the parent's memory |
//! | `cstr` | strings and NULL-terminated string arrays for the kernel |
//! | `dir` | the numbers a directory lists |
//! | `fd` | descriptors: close, flags, poll, epoll, stat |
//! | `forked` | memory that a fork empties |
//! | `manage` | what is done to another process: limits, scheduling, namespaces, memory |
//! | `pidfd` | pidfds: open, signal, wait, ask |
//! | `query` | questions by number: CPU clocks, priorities, files |
//! | `sock` | socket pairs, and descriptors in flight |
//! | `task` | clone, stacks, signal masks, limits, dumpable |
//! | `uring` | a waitid with a timeout |
//! | `vec` | vectors without an abort |

mod abi;
pub(crate) mod arch;
pub(crate) mod child;
pub(crate) mod cstr;
pub(crate) mod dir;
pub(crate) mod fd;
pub(crate) mod forked;
pub(crate) mod manage;
pub(crate) mod pidfd;
pub(crate) mod query;
pub(crate) mod sock;
pub(crate) mod task;
pub(crate) mod uring;
pub(crate) mod vec;

pub(crate) use abi::*;

/// An error number of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub i32);

pub(crate) type Result<T> = core::result::Result<T, Errno>;

impl Errno {
    /// The kernel's answer as a result.
    #[inline(always)]
    pub(crate) fn check(ret: isize) -> Result<usize> {
        if (-4095..0).contains(&ret) { Err(Errno(ret.wrapping_neg() as i32)) } else { Ok(ret as usize) }
    }
}

impl core::fmt::Display for Errno {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // std says "text (os error N)"; the number stands elsewhere already.
        let text = std::io::Error::from_raw_os_error(self.0).to_string();
        f.write_str(text.split(" (os error").next().unwrap_or(&text))
    }
}

impl From<Errno> for std::io::Error {
    fn from(e: Errno) -> Self {
        Self::from_raw_os_error(e.0)
    }
}

/// Whether a descriptor is on a filesystem of this type.
pub(crate) fn fs_is(fd: std::os::fd::BorrowedFd<'_>, magic: i64) -> bool {
    fd::fs_magic(fd) == Ok(magic)
}

/// `call!(SYS_name, args...)`: the system call, checked. Needs an unsafe block around it.
macro_rules! call {
    ($nr:ident) => { call!(@ $nr, 0, 0, 0, 0, 0, 0) };
    ($nr:ident, $a:expr) => { call!(@ $nr, $a, 0, 0, 0, 0, 0) };
    ($nr:ident, $a:expr, $b:expr) => { call!(@ $nr, $a, $b, 0, 0, 0, 0) };
    ($nr:ident, $a:expr, $b:expr, $c:expr) => { call!(@ $nr, $a, $b, $c, 0, 0, 0) };
    ($nr:ident, $a:expr, $b:expr, $c:expr, $d:expr) => { call!(@ $nr, $a, $b, $c, $d, 0, 0) };
    ($nr:ident, $a:expr, $b:expr, $c:expr, $d:expr, $e:expr) => { call!(@ $nr, $a, $b, $c, $d, $e, 0) };
    ($nr:ident, $a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr) => {
        call!(@ $nr, $a, $b, $c, $d, $e, $f)
    };
    (@ $nr:ident, $a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr) => {
        $crate::sys::Errno::check($crate::sys::arch::raw(
            libc::$nr,
            [$a as usize, $b as usize, $c as usize, $d as usize, $e as usize, $f as usize],
        ))
    };
}
pub(crate) use call;
