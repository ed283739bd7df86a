// SPDX-License-Identifier: MIT OR Apache-2.0

//! clone3 and its children, without the library: what everything else is compared with.

use std::ffi::{CStr, c_char, c_void};
use std::io;
use std::os::fd::RawFd;

use crate::sys::bare::{CloneArgs, arch};

pub const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;
pub const VM_VFORK: u64 = (libc::CLONE_VM | libc::CLONE_VFORK) as u64;
pub const PIDFD: u64 = libc::CLONE_PIDFD as u64;

/// A stack for a child, kept for all of them.
pub struct Stack(*mut c_void);

const STACK: usize = 64 * 1024;

impl Stack {
    pub fn new() -> Self {
        // SAFETY: a new mapping.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                STACK,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK,
                -1,
                0,
            )
        };
        assert_ne!(base, libc::MAP_FAILED, "mmap: {}", io::Error::last_os_error());
        Self(base)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the mapping of `new`, on which no child runs any more.
        unsafe { libc::munmap(self.0, STACK) };
    }
}

/// clone3(2) of a child that runs `entry(arg)`; its pid, and its pidfd with CLONE_PIDFD (else -1).
///
/// # Safety
///
/// With CLONE_VM `entry` shares the memory: it may only make system calls, and `arg` must live until
/// it has executed or ended, which CLONE_VFORK waits for.
#[inline(never)]
pub unsafe fn clone3<T>(
    flags: u64,
    stack: &Stack,
    entry: unsafe extern "C" fn(*const T) -> !,
    arg: &T,
) -> io::Result<(i32, RawFd)> {
    let mut pidfd: RawFd = -1;
    let args = CloneArgs {
        flags,
        pidfd: &raw mut pidfd as u64,
        exit_signal: libc::SIGCHLD as u64,
        stack: stack.0 as u64,
        stack_size: STACK as u64,
        ..CloneArgs::default()
    };
    let start: *mut Start<T> = stack.0.cast();
    // SAFETY: the lower end of the mapping, which is aligned to a page and has room; no child runs on it
    // yet, and the child, whose stack begins at the upper end, never comes down to it.
    unsafe { start.write(Start { entry, arg }) };
    let start: *const c_void = start.cast();
    // SAFETY: the caller owes an entry and an `arg` that are fit for shared memory. It also owes a stack with
    // `start` in it that no other child uses until this one has executed or ended. `args` and `pidfd` are on
    // this frame, and only the kernel uses them, during the call.
    match unsafe { arch::clone3::<Start<T>>(&args, start) } {
        Err(e) => Err(io::Error::from_raw_os_error(e.0)),
        Ok(pid) => Ok((pid, pidfd)),
    }
}

/// Where a child begins.
struct Start<T> {
    entry: unsafe extern "C" fn(*const T) -> !,
    arg: *const T,
}

impl<T> arch::Entry for Start<T> {
    unsafe extern "C" fn enter(arg: *const c_void) -> ! {
        // SAFETY: `clone3` passes the `Start` that it has written into the child's stack.
        let start = unsafe { &*arg.cast::<Self>() };
        // SAFETY: the caller of `clone3` owes that `entry` may run here with `arg`.
        unsafe { (start.entry)(start.arg) }
    }
}

/// What to execute.
pub struct Exec<'a> {
    pub path: &'a CStr,
    pub argv: [*const c_char; 2],
}

impl<'a> Exec<'a> {
    pub fn new(path: &'a CStr) -> Self {
        Self { path, argv: [path.as_ptr(), std::ptr::null()] }
    }
}

unsafe extern "C" {
    pub static environ: *const *const c_char;
}

macro_rules! sys {
    ($nr:ident $(, $arg:expr)*) => { libc::syscall(libc::$nr $(, $arg)*) };
}

/// The child of `raw`: execve and nothing else.
///
/// # Safety
///
/// For [`clone3`] alone. libc's `syscall` stores errno in the caller's thread, which sleeps.
pub unsafe extern "C" fn execute(exec: *const Exec<'_>) -> ! {
    // SAFETY: the caller's `arg`, alive while it sleeps.
    unsafe {
        sys!(SYS_execve, (*exec).path.as_ptr(), (*exec).argv.as_ptr(), environ);
        sys!(SYS_exit_group, 127);
        std::hint::unreachable_unchecked()
    }
}

/// The settings of the start with credentials, directory, limits and no_new_privs.
pub struct Settings<'a> {
    pub exec: Exec<'a>,
    pub cwd: &'a CStr,
    pub groups: &'a [u32],
    pub gid: u32,
    pub uid: u32,
    pub limits: &'a [(u32, u64, u64)],
}

/// A child that sets all of [`Settings`], and leaves the shared table as the library does.
///
/// # Safety
///
/// As for [`execute`].
pub unsafe extern "C" fn set_and_execute(settings: *const Settings<'_>) -> ! {
    // SAFETY: as in `execute`; the calls read what the settings point to.
    unsafe {
        let s = &*settings;
        let mut failed = 0;
        for (resource, soft, hard) in s.limits {
            let limit = [*soft, *hard];
            failed |= sys!(SYS_prlimit64, 0, *resource, limit.as_ptr(), 0);
        }
        failed |= sys!(SYS_close_range, 3, u32::MAX, libc::CLOSE_RANGE_UNSHARE);
        failed |= sys!(SYS_chdir, s.cwd.as_ptr());
        failed |= sys!(SYS_setgroups, s.groups.len(), s.groups.as_ptr());
        failed |= sys!(SYS_setresgid, s.gid, s.gid, s.gid);
        failed |= sys!(SYS_setresuid, s.uid, s.uid, s.uid);
        failed |= sys!(SYS_prctl, libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if failed == 0 {
            execute(&raw const s.exec);
        }
        sys!(SYS_exit_group, 126);
        std::hint::unreachable_unchecked()
    }
}

/// A child that leaves the shared descriptor table without copying what is open above 2.
///
/// # Safety
///
/// As for [`execute`].
pub unsafe extern "C" fn leave_table_and_execute(exec: *const Exec<'_>) -> ! {
    // SAFETY: as in `execute`.
    unsafe {
        sys!(SYS_close_range, 3, u32::MAX, libc::CLOSE_RANGE_UNSHARE);
        execute(exec)
    }
}

/// What the child of new namespaces writes.
pub struct Maps<'a> {
    pub exec: Exec<'a>,
    pub uid_map: &'a [u8],
    pub gid_map: &'a [u8],
}

/// A child that writes its own single-line id maps.
///
/// # Safety
///
/// As for [`execute`].
pub unsafe extern "C" fn map_and_execute(maps: *const Maps<'_>) -> ! {
    // SAFETY: as in `execute`.
    unsafe {
        map(maps);
        execute(&raw const (*maps).exec)
    }
}

/// Writes the maps of the calling process.
///
/// # Safety
///
/// As for [`execute`].
#[inline(always)]
pub unsafe fn map(maps: *const Maps<'_>) {
    // SAFETY: as in `execute`.
    unsafe {
        let m = &*maps;
        // user_namespaces(7): a group map by one who is not privileged outside needs "deny" first.
        for (file, text) in [
            (c"/proc/self/setgroups", &b"deny"[..]),
            (c"/proc/self/uid_map", m.uid_map),
            (c"/proc/self/gid_map", m.gid_map),
        ] {
            let flags = libc::O_WRONLY | libc::O_CLOEXEC;
            let fd = sys!(SYS_openat, libc::AT_FDCWD, file.as_ptr(), flags);
            if sys!(SYS_write, fd, text.as_ptr(), text.len()) != text.len() as i64 {
                sys!(SYS_exit_group, 126);
            }
            sys!(SYS_close, fd);
        }
    }
}

/// When a child of [`clone3`] without CLONE_VFORK ended, on its own word.
pub struct Stamp {
    pub sleep: libc::timespec,
    pub at: std::cell::UnsafeCell<libc::timespec>,
}

/// A child that sleeps, writes down the time, and ends.
///
/// # Safety
///
/// As for [`execute`]; and nobody looks at the stamp before it has ended.
pub unsafe extern "C" fn sleep_and_stamp(stamp: *const Stamp) -> ! {
    // SAFETY: as in `execute`. clock_gettime is the vdso's and stores nothing else.
    unsafe {
        sys!(SYS_nanosleep, &raw const (*stamp).sleep, 0);
        libc::clock_gettime(libc::CLOCK_MONOTONIC, (*stamp).at.get());
        sys!(SYS_exit, 0);
        std::hint::unreachable_unchecked()
    }
}

/// The errno of a call that returned -1.
pub fn check(ret: libc::c_long) -> io::Result<libc::c_long> {
    if ret == -1 { Err(io::Error::last_os_error()) } else { Ok(ret) }
}

/// waitid(P_PIDFD): must have exited with 0.
pub fn wait_pidfd(pidfd: RawFd) -> io::Result<()> {
    // SAFETY: the kernel fills `info`, for which all zeroes is a value; a SIGCHLD has a status.
    let status = unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        check(libc::waitid(libc::P_PIDFD, pidfd as u32, &raw mut info, libc::WEXITED).into())?;
        info.si_status()
    };
    must_be_zero(status)
}

/// waitpid: must have exited with 0.
pub fn wait_pid(pid: i32) -> io::Result<()> {
    let mut status = 0;
    // SAFETY: `status` outlives the call.
    check(unsafe { libc::waitpid(pid, &raw mut status, 0) }.into())?;
    must_be_zero(status)
}

pub fn must_be_zero(status: i32) -> io::Result<()> {
    match status {
        0 => Ok(()),
        _ => Err(io::Error::other(format!("the child ended with status {status}"))),
    }
}

pub fn close(fd: RawFd) {
    // SAFETY: the callers own it.
    unsafe { libc::close(fd) };
}
