// SPDX-License-Identifier: MIT OR Apache-2.0

//! The C ABI of procfd: `libprocfd.so.1`, `libprocfd.a`, `procfd.h`.
//!
//! Thin: each call takes its arguments apart by the rules of `args` and hands them to the core.
//!
//! | room | holds |
//! |---|---|
//! | `abi` | the constants and structures of the header |
//! | `args` | how pointers, strings and structures are read and written |
//! | `shapes` | what arg and data of a command hold |
//! | `config`, `manage`, `info` | the commands of each call |
//! | `changes` | PROC_CHANGES |
//! | `record` | what the last call of a thread did wrong, in words |
//! | `ioctl` | the same commands as ioctl requests |
//! | `reserve` | the allocator, which has something left when malloc has not |
//! | `spawn` | the calls that do several steps at once |
//! | `text` | how a process ended, in words |
//! | `calls` | the calls for Rust: the Python module has them too |
//!
//! C-variadic functions cannot be defined in stable Rust: `procfd_ioctl` is in `c/ioctl.c`, and
//! `c/preload.c` makes `libprocfd-ioctl.so`.

pub mod abi;
mod args;
#[doc(hidden)]
pub mod calls;
mod changes;
mod config;
mod copy_out;
mod info;
mod ioctl;
mod lists;
mod manage;
mod record;
mod reserve;
mod shapes;
mod spawn;
mod text;

use std::ffi::{c_char, c_int, c_ulong, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use procfd::Errno;
use procfd::ffi;

use abi::PROC_INFO_ERROR;
use args::Data;
use record::Call;

type Result = std::result::Result<c_int, Errno>;

/// -1 and errno, like the system calls these stand for. A panic must not unwind into C.
fn answer(call: impl FnOnce() -> Result) -> c_int {
    let call = || {
        reserve::check().inspect_err(|_| record::set("the program has no memory left"))?;
        call()
    };
    let done = catch_unwind(AssertUnwindSafe(call)).unwrap_or(Err(Errno(libc::ENOTRECOVERABLE)));
    match done {
        Ok(value) => value,
        Err(Errno(e)) => {
            if !record::is_set() {
                record::set("the library has a fault");
            }
            // SAFETY: libc returns the address of the calling thread's errno, which lives as long as the thread.
            unsafe { *libc::__errno_location() = e };
            -1
        }
    }
}

/// Opens a process context and returns its procfd, close-on-exec. No process exists yet. You drop the
/// context with close(2).
///
/// flags: PROCFD_NO_WATCH, PROCFD_AUTOREAP, PROCFD_PIDFD.
///
/// Errors:
/// - EINVAL: you gave unknown flags.
/// - EOPNOTSUPP: you gave PROCFD_PIDFD with PROCFD_AUTOREAP.
/// - EMFILE, ENFILE, ENOMEM, ENOBUFS: there is no room for the descriptors.
///
/// Thread-safe. Not for signal handlers, nor for a child of vfork.
#[unsafe(no_mangle)]
pub extern "C" fn process_open(flags: u64) -> c_int {
    record::clear();
    answer(|| {
        ffi::open(flags).inspect_err(|errno| {
            record::set(&match errno.0 {
                libc::EINVAL | libc::EOPNOTSUPP => {
                    format!("process_open(): {}", ffi::flags_refused(flags, *errno))
                }
                _ => format!("process_open(): {}", ffi::not_opened(*errno)),
            });
        })
    })
}

/// Configures the context behind procfd, and with PROC_CREATE starts the process.
///
/// Structures go by pointer and size: a shorter one is zero-extended, a longer one with a non-zero
/// tail is E2BIG. Strings: size 0 means NUL-terminated, else size bytes.
///
/// Errors:
/// - EBADF: the descriptor is not open.
/// - EINVAL: it is no procfd; or the command, a flag or a reserved bit is unknown.
/// - EPERM: another process opened the procfd.
/// - EBUSY: its process is started already; or a second seccomp program that notifies.
/// - EFAULT: data is NULL, and the command needs it.
/// - E2BIG, ENAMETOOLONG: data is too long. ENOENT: you gave an empty path. ENOMEM: there is no memory.
/// - PROC_CREATE: the errno of the step that failed. process_info with PROC_INFO_ERROR tells the step, its
///   operand, and what to do.
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
    record::clear();
    answer(|| {
        // SAFETY: the caller's contract says data is NULL or valid for what the command reads.
        let data = unsafe { Data::new(data.cast_mut(), size) };
        record::kept(config::config(procfd, cmd, arg, data), Call::Config, procfd, cmd, arg, data)
    })
}

/// Manages the process behind a procfd, a pidfd, or an open /proc/PID directory.
///
/// Errors:
/// - EBADF: the descriptor is not open.
/// - EINVAL: it refers to no process; or the command, a flag or a reserved bit is unknown.
/// - ESRCH: the process does not exist yet, or it is reaped.
/// - EPERM: you may not do this to the process.
/// - EMFILE: there is no room for the pidfd of the procfd. ENOMEM: there is no memory.
///
/// Of PROC_WAIT:
/// - EAGAIN: nothing has changed, with PROC_WAIT_NOHANG. ETIMEDOUT: your time limit is over.
/// - EINTR: a signal handler ran.
/// - ENODATA: the process has ended, and its status is no longer available.
/// - ECHILD: you asked for the stops of another process's child.
/// - EOPNOTSUPP: you asked for stops with a timeout, and io_uring has no waitid (before 6.7).
///
/// Of other commands:
/// - PROC_GETFD: EBADF: the process has no such descriptor. ENOSYS: before 5.6.
/// - PROC_SIGNAL: EOPNOTSUPP: a scope, before 6.9.
/// - PROC_SET_CLOSE: EOPNOTSUPP: the process was started without a policy.
/// - PROC_KILL_TREE: EINVAL: the init of your own pid namespace. EBUSY: your own cgroup. EACCES: a cgroup of
///   another user. EOPNOTSUPP: no /proc, or no cgroup.kill (before 5.14). EREMOTE: not in your pid namespace.
/// - PROC_RESUME: EALREADY: the process is not stopped.
///
/// The remaining commands are for a running process:
/// - ESRCH: the process has ended, reaped or not.
/// - EREMOTE: it is not in your pid namespace. EOPNOTSUPP: there is no /proc of it.
/// - EACCES: you gave a lower nice value or OOM score, a cgroup of another user, or memory that you may not
///   trace.
/// - EBUSY: there is no room for SCHED_DEADLINE, or the cgroup has controllers.
/// - EAGAIN: the process makes threads faster than the call can change them.
/// - ENOSYS: PROC_MADVISE before 5.10, PROC_MRELEASE before 5.15.
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
    record::clear();
    answer(|| {
        // SAFETY: the caller's contract says data is NULL or valid for what the command needs.
        let data = unsafe { Data::new(data, size) };
        record::kept(manage::manage(procfd, cmd, arg, data), Call::Manage, procfd, cmd, arg, data)
    })
}

/// Asks about the process behind a procfd, a pidfd, or an open /proc/PID directory.
///
/// Errors:
/// - EBADF: the descriptor is not open.
/// - EINVAL: it refers to no process; or the command, a field or a reserved bit is unknown.
/// - ESRCH: the process does not exist yet, or it is reaped and the kernel keeps no answer.
/// - EPERM: you asked PROC_INFO_ERROR of a context that another process opened.
/// - EREMOTE: PROC_INFO_PID: the process is not in your pid namespace.
/// - EFAULT: data is NULL. EMFILE: there is no free descriptor. ENOMEM: there is no memory.
/// - PROC_CHANGES: EAGAIN: nothing has changed, with PROC_WAIT_NOHANG. ETIMEDOUT: your time limit is over. EINTR:
///   a signal handler ran. EOPNOTSUPP: you asked for stops, before 6.7.
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
    // A question about an error does not take its words away.
    if cmd != PROC_INFO_ERROR {
        record::clear();
    }
    answer(|| {
        // SAFETY: the caller's contract says data is NULL or valid for what the command writes.
        let data = unsafe { Data::new(data, size) };
        let done = info::info(procfd, cmd, arg, data);
        if done.is_err() && cmd == PROC_INFO_ERROR {
            record::clear();
        }
        record::kept(done, Call::Info, procfd, cmd, arg, data)
    })
}

/// The calls above in the form of ioctl(2), one request for each command; see ioctl.md of the
/// documentation. libprocfd-ioctl.so, preloaded, makes ioctl() itself understand them.
///
/// - PROCFD_IOC_OPEN, on an open /proc directory: process_open(third argument).
/// - PROCFD_IOC_ARG + command: the call of the command with arg the third argument, an unsigned long,
///   and without data.
/// - PROCFD_IOC_DATA + command: the same with what the struct procfd_ioctl_arg says that the third argument
///   points to.
/// - PROC_FD_SIGNAL: PROC_SIGNAL with the third argument, an int.
///
/// PROC_SET_CLOSE, which two calls have, is the one of process_config until the process is started,
/// then the one of process_manage.
///
/// The call always reads the third argument: give 0 to a command without argument.
///
/// Errors: ENOTTY (another request; a request that does not apply to what fd refers to), EFAULT, and
/// those of the call. A number that is no command of its call is EINVAL.
///
/// Thread-safe. Not for signal handlers.
///
/// # Safety
///
/// `arg` is what the request takes; a pointer, and those in what it points to, are NULL or valid for what
/// the command reads and writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn procfd_ioctl_fixed(fd: c_int, request: c_ulong, arg: *mut c_void) -> c_int {
    record::clear();
    // As the kernel does, whose request has 32 bits: callers that keep it in an int extend its sign.
    answer(|| {
        ioctl::ioctl(fd, request as u32, arg).inspect_err(|errno| {
            if !record::is_set() {
                record::set(&match record::name(request as u32 & 0x3ff) {
                    Some(name) => format!("{name} as an ioctl request: {errno}"),
                    None => format!("ioctl request {:#x}: {errno}", request as u32),
                });
            }
        })
    })
}

/// Says in words why the last call of the calling thread failed: which command, which of arg, data and
/// size, and what it takes. Empty if the call succeeded. The text is valid until the thread's next call.
///
/// A PROC_INFO_ERROR that succeeds leaves it as it is. Never NULL; changes no errno.
///
/// Thread-safe: each thread has its own. Not for signal handlers.
#[unsafe(no_mangle)]
pub extern "C" fn procfd_error_message() -> *const c_char {
    record::pointer()
}

/// Starts a program, and returns its procfd, close-on-exec: `process_open`, the commands of `process_config` for
/// what the options say, and PROC_CREATE in one call.
///
/// argv is a NULL-terminated array of strings. The program is the first of them, or what the options say. If its
/// name has no slash, the call searches your PATH. options is NULL with a size of 0, or a structure with sizeof
/// (struct procfd_spawn).
///
/// A call that fails leaves no process and no descriptor, and writes nothing; `procfd_error_message` says why.
///
/// Errors: EFAULT (argv NULL, or pipes with a PROCFD_STDIO_PIPE), EINVAL (an unknown flag or stream; a size that
/// is not a multiple of 8; no program; not a signal), E2BIG, ENAMETOOLONG, EBADF (a stream that is not open),
/// EMFILE, ENFILE, ENOMEM, ENOBUFS, ENOENT and EACCES (the program or the directory); those of the step of
/// PROC_CREATE that failed.
///
/// Thread-safe. Not for signal handlers, nor for a child of vfork.
///
/// # Safety
///
/// `argv` is NULL or a NULL-terminated array of strings; `options` is NULL or valid for `size` bytes, and each
/// pointer in it is NULL or valid for what its field says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn procfd_spawn(
    argv: *const *const c_char,
    options: *const abi::procfd_spawn,
    size: usize,
) -> c_int {
    record::clear();
    answer(|| {
        // SAFETY: the caller's contract says argv is NULL or a NULL-terminated array of strings.
        let argv = unsafe { Data::new(argv.cast_mut().cast(), 0) };
        // SAFETY: the caller's contract says options is NULL or valid for size bytes, and what it points to too.
        let options = unsafe { Data::new(options.cast_mut().cast(), size) };
        spawn::spawn(argv, options)
    })
}

/// Opens a procfd, close-on-exec, of the running process with this pid: pidfd_open(2), `process_open` and
/// PROC_ATTACH in one call. The pid is one of your pid namespace.
///
/// flags: those of `process_open`.
///
/// Errors: EINVAL (not a pid, or a thread's; unknown flags), ESRCH (no such process), EMFILE, ENFILE, ENOMEM,
/// ENOBUFS; those of PROC_ATTACH.
///
/// Thread-safe. Not for signal handlers, nor for a child of vfork.
#[unsafe(no_mangle)]
pub extern "C" fn process_open_pid(pid: c_int, flags: u64) -> c_int {
    record::clear();
    answer(|| spawn::open_pid(pid, flags))
}

/// Writes how a process changed into text, as snprintf(3) does: at most size bytes with the NUL. Returns the
/// length of the whole text without its NUL.
///
/// The text is "exit code 3", "killed by SIGTERM", "killed by SIGSEGV, core dumped", "stopped by SIGTSTP" or
/// "continued". It is English in every locale.
///
/// Errors: EFAULT (wait is NULL; text is NULL and size is not 0), EINVAL (what of wait is none of PROC_EXITED to
/// PROC_CONTINUED: no call has filled it).
///
/// Thread-safe. Not for signal handlers.
///
/// # Safety
///
/// `wait` is NULL or valid; `text` is NULL or valid for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn procfd_status_text(
    wait: *const abi::procfd_wait,
    text: *mut c_char,
    size: usize,
) -> c_int {
    record::clear();
    answer(|| {
        // What the text tells is all that is read: the structure may be longer in the caller's version.
        let known = std::mem::offset_of!(abi::procfd_wait, mask);
        // SAFETY: the caller's contract says wait is NULL or valid, so that its first fields are.
        let wait = unsafe { Data::new(wait.cast_mut().cast(), known) };
        // SAFETY: the caller's contract says text is NULL or valid for size bytes.
        let text = unsafe { Data::new(text.cast(), size) };
        text::status(wait, text)
    })
}
