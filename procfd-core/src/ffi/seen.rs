// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What a descriptor of a number was last, so that a call can begin there.
//!
//! A program asks the same numbers again and again. What the number was is a guess, which each call proves anew: the
//! program may have closed it and opened another file. The cheapest proof is the call itself.
//!
//! | the number was | call | proof |
//! |---|---|---|
//! | a pidfd | PROC_WAIT, PROC_INFO_PID, PROC_INFO by the ioctl | the kernel's call takes pidfds alone |
//! | a pidfd | PROC_SIGNAL | the kernel's call takes pidfds, and directories of /proc that are of the caller's namespace |
//! | a pidfd | any other | fstatfs(2): pidfs |
//! | a procfd that was received | as in the first two lines | the header of the message, then the kernel's call |
//! | a procfd that was received | any other | the header of the message, then waitid(2) |
//! | a directory of /proc | any | its inode, which /proc has for the pid |
//! | all others | | [`target::resolve`] |

use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use crate::contexts;
use crate::sys::{self, Errno, PID_FS_MAGIC, Result};
use crate::target::{self, Target};

struct Seen {
    kind: AtomicU8,
    number: AtomicU32,
}

const OTHER: u8 = 0;
const PIDFD: u8 = 1;
/// A procfd with a process that this process did not start, or does not keep.
const RECEIVED: u8 = 2;
/// A directory of /proc.
const DIRECTORY: u8 = 3;

static SEEN: [Seen; 64] = [const { Seen { kind: AtomicU8::new(OTHER), number: AtomicU32::new(0) } }; 64];

fn seen(fd: BorrowedFd<'_>) -> &'static Seen {
    let [first, ..] = &SEEN;
    SEEN.get(fd.as_raw_fd() as usize % SEEN.len()).unwrap_or(first)
}

/// The pid that was last found behind a descriptor of such a number.
pub(super) fn number(fd: BorrowedFd<'_>) -> &'static AtomicU32 {
    &seen(fd).number
}

/// The process behind a descriptor, proved. Where the last one of such a number was a pidfd or a received procfd, it is
/// first asked whether it is one.
pub(super) fn resolve(given: BorrowedFd<'static>) -> Result<Target<'static>> {
    match seen(given).kind.load(Ordering::Relaxed) {
        PIDFD if sys::fs_is(given, PID_FS_MAGIC) => return Ok(Target::Given(given)),
        RECEIVED => {
            if let Some(target) = target::received(given) {
                if target.pidfd().and_then(sys::pidfd::is_pidfd) == Ok(true) {
                    return Ok(target);
                }
            }
        }
        DIRECTORY => {
            if let Some(target) = target::directory(given, number(given)) {
                return Ok(target);
            }
        }
        _ => {}
    }
    resolve_by(given, target::cookie(given))
}

fn resolve_by(given: BorrowedFd<'static>, cookie: Option<u64>) -> Result<Target<'static>> {
    let target = target::resolve_by(given, cookie, number(given))?;
    let kind = match target {
        Target::Given(_) => PIDFD,
        Target::Own(_) | Target::Init(_) => RECEIVED,
        Target::OfDir(_) => DIRECTORY,
        Target::Configuring | Target::Kept(_) => OTHER,
    };
    seen(given).kind.store(kind, Ordering::Relaxed);
    Ok(target)
}

/// The same, unproved unless it is a directory: the number is taken for what the last one of such a number was. The
/// caller's first call on the pidfd is the proof. `None`: resolve it.
pub(super) fn unproved(given: BorrowedFd<'static>) -> Option<Target<'static>> {
    match seen(given).kind.load(Ordering::Relaxed) {
        PIDFD => Some(Target::Given(given)),
        RECEIVED => target::received(given),
        DIRECTORY => target::directory(given, number(given)),
        _ => None,
    }
}

/// The result of `call` on the process behind a descriptor. The first system call that `call` makes on the pidfd does
/// nothing and fails if the file is no pidfd. So `call` itself is the proof where the number was a pidfd or a received
/// procfd before. If it fails, the number is looked at and `call` made again. The errors of a wait that goes on are
/// results: the kernel has looked for a change of the process.
pub(super) fn proved_by_call<T>(
    fd: RawFd,
    call: impl Fn(BorrowedFd<'static>, &Target<'static>) -> Result<T>,
) -> Result<T> {
    proved_by_call_or(fd, |_| None, call)
}

/// The same, where the cookie of a procfd of this process may be all that has to be asked.
pub(super) fn proved_by_call_or<T>(
    fd: RawFd,
    known: impl FnOnce(Option<u64>) -> Option<T>,
    call: impl Fn(BorrowedFd<'static>, &Target<'static>) -> Result<T>,
) -> Result<T> {
    contexts::tend_watcher();
    let given = sys::fd::borrow(fd)?;
    if let Some(target) = unproved(given) {
        match call(given, &target) {
            Err(Errno(e)) if !matches!(e, libc::EAGAIN | libc::ETIMEDOUT | libc::EINTR) => {}
            done => return done,
        }
    }
    let cookie = target::cookie(given);
    match known(cookie) {
        Some(known) => Ok(known),
        None => call(given, &resolve_by(given, cookie)?),
    }
}
