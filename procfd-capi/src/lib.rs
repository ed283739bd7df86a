// SPDX-License-Identifier: MIT OR Apache-2.0

//! The C ABI of procfd: `libprocfd.so.1`, `libprocfd.a`, `procfd.h`.
//!
//! Thin: each call takes its arguments apart by the rules of `args` and hands them to the core.
//!
//! | room | holds |
//! |---|---|
//! | `abi` | the constants and structures of the header |
//! | `args` | how pointers, strings and structures are read and written |
//! | `config`, `manage`, `info` | the commands of each call |

pub mod abi;
mod args;
mod config;
mod info;
mod manage;

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use procfd::Errno;
use procfd::raw as procfd_raw;

use args::Data;

type Result = std::result::Result<c_int, Errno>;

/// -1 and errno, like the system calls these stand for. A panic must not unwind into C.
fn answer(call: impl FnOnce() -> Result) -> c_int {
    let done = catch_unwind(AssertUnwindSafe(call)).unwrap_or(Err(Errno(libc::ENOTRECOVERABLE)));
    match done {
        Ok(value) => value,
        Err(Errno(e)) => {
            // SAFETY: the calling thread's own errno.
            unsafe { *libc::__errno_location() = e };
            -1
        }
    }
}

/// Opens a process context and returns its procfd, close-on-exec. No process exists yet; closing
/// the descriptor is all it takes to drop it.
///
/// flags: PROCFD_NO_WATCH, PROCFD_AUTOREAP.
///
/// Errors: EINVAL (unknown flags), EMFILE, ENFILE, ENOMEM, ENOBUFS.
///
/// Thread-safe. Not for signal handlers, nor for a child of vfork.
#[unsafe(no_mangle)]
pub extern "C" fn process_open(flags: u64) -> c_int {
    answer(|| procfd_raw::open(flags))
}

/// Configures the context behind procfd, and with PROC_CREATE starts the process.
///
/// Structures go by pointer and size: a shorter one is zero-extended, a longer one with a non-zero
/// tail is E2BIG. Strings: size 0 means NUL-terminated, else size bytes.
///
/// Errors: EBADF (not open), EINVAL (not a procfd; unknown command, flag or reserved bit), EPERM
/// (opened by another process), EBUSY (started already), EFAULT (NULL where data is needed), E2BIG,
/// ENAMETOOLONG, ENOENT (an empty path); PROC_CREATE: the errno of the step that failed. Which
/// step, on what, and what to do, is told by process_info with PROC_INFO_ERROR.
///
/// Thread-safe. Not for signal handlers.
///
/// # Safety
///
/// `data` is NULL or valid for what the command reads.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn process_config(
    procfd: c_int,
    cmd: u32,
    arg: u64,
    data: *const c_void,
    size: usize,
) -> c_int {
    answer(|| {
        // SAFETY: the caller's contract says data is NULL or valid for what the command reads.
        let data = unsafe { Data::new(data.cast_mut(), size) };
        config::config(procfd, cmd, arg, data)
    })
}

/// Manages the process behind a procfd, a pidfd, or an open /proc/PID directory.
///
/// Errors: EBADF, EINVAL (stands for no process; unknown command, flag or reserved bit), ESRCH (no
/// process yet, or reaped), EPERM, EMFILE (no room for the pidfd that a procfd holds);
/// PROC_WAIT: EAGAIN (PROC_WAIT_NOHANG), ETIMEDOUT, EINTR (a signal handler ran), ENODATA (ended,
/// status not knowable), ECHILD (stops of another's child), EOPNOTSUPP (stops with a timeout where io_uring has no waitid, before 6.7);
/// PROC_GETFD: EBADF (it has no such descriptor), ENOSYS (before 5.6);
/// PROC_SIGNAL: EOPNOTSUPP (scopes, before 6.9); PROC_SET_CLOSE: EOPNOTSUPP (started without one).
///
/// Thread-safe. Not for signal handlers.
///
/// # Safety
///
/// `data` is NULL or valid for what the command reads and writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn process_manage(
    procfd: c_int,
    cmd: u32,
    arg: u64,
    data: *mut c_void,
    size: usize,
) -> c_int {
    answer(|| {
        // SAFETY: the caller's contract says data is NULL or valid for what the command needs.
        let data = unsafe { Data::new(data, size) };
        manage::manage(procfd, cmd, arg, data)
    })
}

/// Asks about the process behind a procfd, a pidfd, or an open /proc/PID directory.
///
/// Errors: EBADF, EINVAL (stands for no process; unknown command, field or reserved bit), ESRCH (no
/// process yet, or reaped and nothing of it left), EPERM (PROC_INFO_ERROR of another's context),
/// EREMOTE (PROC_INFO_PID: not in the caller's pid namespace), EFAULT, EMFILE.
///
/// Thread-safe. Not for signal handlers.
///
/// # Safety
///
/// `data` is NULL or valid for what the command writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn process_info(
    procfd: c_int,
    cmd: u32,
    arg: u64,
    data: *mut c_void,
    size: usize,
) -> c_int {
    answer(|| {
        // SAFETY: the caller's contract says data is NULL or valid for what the command writes.
        let data = unsafe { Data::new(data, size) };
        info::info(procfd, cmd, arg, data)
    })
}
