// SPDX-License-Identifier: MIT OR Apache-2.0

//! System calls on plain numbers, with neither std nor libc.
//!
//! The library compiles these files as part of `sys`; the build script compiles them into the watcher
//! program, which has no libc at all. Nothing here touches `errno`, takes a lock or allocates, so a
//! child that shares its parent's memory may call everything here. Descriptors are plain numbers;
//! the caller owns them or borrows them.
//!
//! | room | holds |
//! |---|---|
//! | `abi` | kernel constants and structures |
//! | `arch` | the system call instruction, clone with a stack |
//! | `cgroup` | the end of a cgroup |
//! | `errno` | error numbers |
//! | `fd` | descriptors: close, dup, read, write, poll, epoll |
//! | `freestanding` | the start of the program without libc |
//! | `memory` | mappings |
//! | `nr` | system call numbers, for the program without libc |
//! | `pages` | an array that grows by pages |
//! | `process` | ids, signals, waiting, limits, capabilities, exec |
//! | `sock` | Unix sockets, and descriptors in flight |

#![allow(
    dead_code,
    unused_imports,
    reason = "the library, the watcher program and the benches use a part each"
)]

mod abi;
pub(crate) mod arch;
pub(crate) mod cgroup;
mod errno;
mod fd;
#[cfg(procfd_program)]
mod freestanding;
mod memory;
#[cfg(any(procfd_program, test))]
mod nr;
#[cfg(procfd_program)]
mod pages;
mod process;
mod sock;

pub(crate) use abi::*;
pub use errno::Errno;
pub(crate) use errno::*;
pub(crate) use fd::*;
#[cfg(procfd_program)]
pub(crate) use freestanding::NUMBERS;
pub(crate) use memory::*;
#[cfg(procfd_program)]
pub(crate) use pages::Pages;
pub(crate) use process::*;
pub(crate) use sock::*;

/// The numbers that `call!` takes: of libc where there is one.
pub(crate) mod numbers {
    #[cfg(not(procfd_program))]
    pub(crate) use libc::*;

    #[cfg(procfd_program)]
    pub(crate) use super::nr::*;
}

/// `call!(SYS_name, args...)`: the system call, checked. Needs an unsafe block around it, whose
/// comment says for each pointer among the arguments why the kernel may read or write there.
macro_rules! call {
    ($nr:ident) => { $crate::sys::bare::call!(@ $nr, 0, 0, 0, 0, 0, 0) };
    ($nr:ident, $a:expr) => { $crate::sys::bare::call!(@ $nr, $a, 0, 0, 0, 0, 0) };
    ($nr:ident, $a:expr, $b:expr) => { $crate::sys::bare::call!(@ $nr, $a, $b, 0, 0, 0, 0) };
    ($nr:ident, $a:expr, $b:expr, $c:expr) => { $crate::sys::bare::call!(@ $nr, $a, $b, $c, 0, 0, 0) };
    ($nr:ident, $a:expr, $b:expr, $c:expr, $d:expr) => {
        $crate::sys::bare::call!(@ $nr, $a, $b, $c, $d, 0, 0)
    };
    ($nr:ident, $a:expr, $b:expr, $c:expr, $d:expr, $e:expr) => {
        $crate::sys::bare::call!(@ $nr, $a, $b, $c, $d, $e, 0)
    };
    ($nr:ident, $a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr) => {
        $crate::sys::bare::call!(@ $nr, $a, $b, $c, $d, $e, $f)
    };
    (@ $nr:ident, $a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr) => {
        $crate::sys::bare::Errno::check($crate::sys::bare::arch::raw(
            $crate::sys::bare::numbers::$nr as isize,
            [$a as usize, $b as usize, $c as usize, $d as usize, $e as usize, $f as usize],
        ))
    };
}
pub(crate) use call;
