// SPDX-License-Identifier: MIT OR Apache-2.0

//! Pidfds: open, signal, wait, ask.

use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::bare;
use super::fd::{made, own};
use super::{
    Errno, OwnFd, PIDFD_GET_INFO, PIDFD_INFO_COREDUMP, PIDFD_THREAD, PidfdInfo, PidfdInfoCore, Result, call,
};

/// The report of waitid(2).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waited {
    /// CLD_*.
    pub code: i32,
    /// Exit code or signal.
    pub status: i32,
    /// The usage that came with it.
    pub usage: libc::rusage,
}

/// pidfd_open(2), 5.3.
pub(crate) fn open(pid: i32) -> Result<OwnFd> {
    bare::pidfd_open(pid).map(made)
}

/// Whether pidfd_open(2) may be called: old container profiles refuse it. Asks for a pid that no process has.
pub(crate) fn can_open() -> bool {
    bare::pidfd_open(-1) == Err(Errno(libc::EINVAL))
}

/// Whether two descriptors of this process are of one open file: the same number, or kcmp(2) says so.
pub(crate) fn is_same_file(a: BorrowedFd<'_>, b: BorrowedFd<'_>) -> bool {
    const KCMP_FILE: i32 = 0;
    let own = super::task::pid();
    // SAFETY: all arguments are numbers, not addresses.
    let compared = || unsafe { call!(SYS_kcmp, own, own, KCMP_FILE, a.as_raw_fd(), b.as_raw_fd()) };
    a.as_raw_fd() == b.as_raw_fd() || compared() == Ok(0)
}

/// pidfd_getfd(2), 5.6.
pub(crate) fn get_fd(pidfd: BorrowedFd<'_>, target: i32) -> Result<OwnFd> {
    // SAFETY: the three arguments are numbers, not addresses.
    unsafe { call!(SYS_pidfd_getfd, pidfd.as_raw_fd(), target, 0) }.map(own)
}

/// pidfd_send_signal(2), 5.1; scopes since 6.9. `value` goes along as si_value.
pub(crate) fn send_signal(pidfd: BorrowedFd<'_>, signal: i32, value: Option<u64>, flags: u32) -> Result<()> {
    let info = value.map(|v| queued(signal, v));
    let info = info.as_ref().map_or(core::ptr::null(), |i| &raw const *i);
    // SAFETY: `info` is NULL, or points to a siginfo_t on this frame, which the kernel reads.
    unsafe { call!(SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, info, flags) }.map(drop)
}

/// The siginfo of sigqueue(3).
fn queued(signal: i32, value: u64) -> libc::siginfo_t {
    /// `siginfo_t` of a 64-bit kernel, as far as SI_QUEUE uses it.
    #[repr(C)]
    struct Queue {
        signo: i32,
        errno: i32,
        code: i32,
        pad: i32,
        pid: i32,
        uid: u32,
        value: u64,
    }
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: Queue is a prefix of siginfo_t in size and no stricter in alignment, so the write stays
    // within `info`; all zeroes is a value of the rest; getpid and getuid take no argument.
    unsafe {
        info.as_mut_ptr().cast::<Queue>().write(Queue {
            signo: signal,
            errno: 0,
            code: libc::SI_QUEUE,
            pad: 0,
            pid: libc::getpid(),
            uid: libc::getuid(),
            value,
        });
        info.assume_init()
    }
}

/// waitid(P_PIDFD), 5.4, with `__WALL` added. `None`: nothing to report (WNOHANG).
pub(crate) fn wait(pidfd: BorrowedFd<'_>, options: i32) -> Result<Option<Waited>> {
    wait_id(pidfd, options | libc::__WALL)
}

fn wait_id(pidfd: BorrowedFd<'_>, options: i32) -> Result<Option<Waited>> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the kernel writes one siginfo_t and one rusage, whose forms are libc's, into the two
    // structures on this frame; all zeroes is a value of both, so all of them is initialised.
    let (info, usage) = unsafe {
        call!(SYS_waitid, libc::P_PIDFD, pidfd.as_raw_fd(), info.as_mut_ptr(), options, usage.as_mut_ptr())?;
        (info.assume_init(), usage.assume_init())
    };
    if info.si_signo == 0 {
        return Ok(None);
    }
    Ok(Some(Waited {
        code: info.si_code,
        // SAFETY: waitid fills a siginfo of SIGCHLD, whose variant of the union has si_status.
        status: unsafe { info.si_status() },
        usage,
    }))
}

/// Whether the descriptor is a pidfd. waitid takes nothing else for P_PIDFD, and asks no permission.
pub(crate) fn is_pidfd(fd: BorrowedFd<'_>) -> Result<bool> {
    match wait(fd, libc::WEXITED | libc::WNOHANG | libc::WNOWAIT) {
        Ok(_) | Err(Errno(libc::ECHILD)) => Ok(true),
        // EBADF: another kind of descriptor; EINVAL: a kernel before 5.4.
        Err(Errno(libc::EBADF | libc::EINVAL)) => Ok(false),
        Err(e) => Err(e),
    }
}

/// Whether pidfds are files of pidfs, each process's with an inode of its own (6.9).
pub(crate) fn has_own_inode() -> bool {
    use std::os::fd::AsFd;
    static KNOWN: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *KNOWN.get_or_init(|| {
        open(super::task::pid()).is_ok_and(|own| super::fs_is(own.as_fd(), super::PID_FS_MAGIC))
    })
}

/// Whether a pidfd stands for one thread (`PIDFD_THREAD`, 6.9).
pub(crate) fn is_thread(pidfd: BorrowedFd<'_>) -> bool {
    // SAFETY: F_GETFL takes no third argument.
    let flags = unsafe { call!(SYS_fcntl, pidfd.as_raw_fd(), libc::F_GETFL, 0) };
    flags.is_ok_and(|flags| flags & PIDFD_THREAD != 0)
}

/// PIDFD_GET_INFO, 6.13. ESRCH: reaped, and EXIT was not asked or is not known to the kernel.
/// EREMOTE: not visible from the caller's pid namespace. ENOTTY: an older kernel.
pub(crate) fn get_info(pidfd: BorrowedFd<'_>, mask: u64) -> Result<PidfdInfo> {
    again_while_it_lives(pidfd, || {
        let mut info = PidfdInfo { mask, ..PidfdInfo::default() };
        // SAFETY: the request carries the size of `info`, 64 bytes; the kernel reads and writes no more.
        unsafe { call!(SYS_ioctl, pidfd.as_raw_fd(), PIDFD_GET_INFO, &raw mut info) }?;
        Ok(info)
    })
}

/// PIDFD_GET_INFO with what 6.16 added. ENODATA: the kernel does not answer that.
pub(crate) fn core_info(pidfd: BorrowedFd<'_>) -> Result<PidfdInfoCore> {
    /// `_IOWR(0xFF, 11, 72 bytes)`.
    const REQUEST: usize = 0xc048_ff0b;
    let info = again_while_it_lives(pidfd, || {
        let mut info = PidfdInfoCore {
            base: PidfdInfo { mask: PIDFD_INFO_COREDUMP, ..PidfdInfo::default() },
            ..PidfdInfoCore::default()
        };
        // SAFETY: the request carries the size of `info`, 72 bytes; the kernel reads and writes no more.
        unsafe { call!(SYS_ioctl, pidfd.as_raw_fd(), REQUEST, &raw mut info) }?;
        Ok(info)
    })?;
    if info.base.mask & PIDFD_INFO_COREDUMP == 0 { Err(Errno(libc::ENODATA)) } else { Ok(info) }
}

/// Asks the ioctl, which says ESRCH too if another thread takes the leader's place during the call. A signal does not:
/// the kernel looks for the new leader itself.
fn again_while_it_lives<T>(pidfd: BorrowedFd<'_>, ask: impl Fn() -> Result<T>) -> Result<T> {
    /// Each time takes another execution, by another thread than the leader.
    const TRIES: usize = 16;
    for _ in 0..TRIES {
        match ask() {
            Err(Errno(libc::ESRCH)) if lives(pidfd) => {}
            done => return done,
        }
    }
    Err(Errno(libc::ESRCH))
}

/// Whether the process is not reaped, as far as a signal may tell.
fn lives(pidfd: BorrowedFd<'_>) -> bool {
    matches!(send_signal(pidfd, 0, None, 0), Ok(()) | Err(Errno(libc::EPERM)))
}

/// A namespace of a process: PIDFD_GET_*_NAMESPACE, 6.11. ENOTTY, EINVAL: an older kernel.
pub(crate) fn namespace(pidfd: BorrowedFd<'_>, number: usize) -> Result<OwnFd> {
    // SAFETY: the requests of namespaces, 0xff00 and a number, take no argument; the kernel wants 0.
    unsafe { call!(SYS_ioctl, pidfd.as_raw_fd(), 0xff00 | number, 0) }.map(own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::os::fd::AsFd;
    use std::process::Command;

    /// Asks until so many answers were ESRCH; returns the answer, and how often it asked.
    fn asked(pidfd: BorrowedFd<'_>, refusals: u32) -> (Result<()>, u32) {
        let times = Cell::new(0);
        let answer = again_while_it_lives(pidfd, || {
            times.set(times.get() + 1);
            if times.get() > refusals { Ok(()) } else { Err(Errno(libc::ESRCH)) }
        });
        (answer, times.get())
    }

    #[test]
    fn a_living_process_is_asked_again() {
        let own = open(std::process::id() as i32).unwrap();
        assert_eq!(asked(own.as_fd(), 0), (Ok(()), 1));
        assert_eq!(asked(own.as_fd(), 3), (Ok(()), 4));
        let (answer, times) = asked(own.as_fd(), u32::MAX);
        assert_eq!(answer, Err(Errno(libc::ESRCH)));
        assert!(times < 100);
    }

    #[test]
    fn a_reaped_process_is_asked_once() {
        let mut child = Command::new("true").spawn().unwrap();
        let pidfd = open(child.id() as i32).unwrap();
        child.wait().unwrap();
        assert_eq!(asked(pidfd.as_fd(), u32::MAX), (Err(Errno(libc::ESRCH)), 1));
    }
}
