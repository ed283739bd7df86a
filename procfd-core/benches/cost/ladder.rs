// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a start is made of: the library's own system calls by their numbers, without the library. Each rung makes the
//! calls of the one before and some more. The last has them all, so that the difference to the library is its code.
//! The lists are those of tests/calls and tests/calls.rs.

use std::cell::Cell;
use std::io;
use std::os::fd::RawFd;

use crate::bare::{self, Exec, Stack};
use crate::harness::{Method, Rounds, group};
use crate::pair;
use crate::program::Program;
use crate::start::{self, C, CLOSE, LEAN_SPAWN, RAW, RUST};
use crate::sys::bare::arch;

bitflags::bitflags! {
    /// What a rung makes.
    #[derive(Clone, Copy, PartialEq, Eq)]
    struct Part: u32 {
        /// A table that nothing above 2 was copied to; the handlers are the default ones.
        const TABLE = 1;
        /// No handler runs in the child.
        const SIGNALS = 2;
        /// Whether the child has executed.
        const EXECUTED = 4;
        /// Each number is proved before it is used or closed.
        const PROOFS = 8;
        /// A and B.
        const PAIR = 0x10;
        /// The pidfd in A's queue.
        const SENT = 0x20;
        /// What makes the pair a procfd: marks, locks, a look at the earlier ones.
        const MARKS = 0x40;
        /// B, armed, in A's queue.
        const FUSE = 0x80;
    }
}

/// A system call whose failure would show at a later one.
fn call(number: libc::c_long, args: [usize; 6]) -> isize {
    // SAFETY: the callers pass plain numbers, and addresses of variables that outlive the call and are as large as
    // it says.
    unsafe { arch::raw(number as isize, args) }
}

fn address<T>(of: &T) -> usize {
    std::ptr::from_ref(of) as usize
}

fn set_mask(mask: u64) {
    call(libc::SYS_rt_sigprocmask, [libc::SIG_SETMASK as usize, address(&mask), 0, 8, 0, 0]);
}

fn get_option(fd: RawFd) {
    const SO_COOKIE: usize = 57;
    let (value, len) = (Cell::new(0u64), Cell::new(8u32));
    let level = libc::SOL_SOCKET as usize;
    call(libc::SYS_getsockopt, [fd as usize, level, SO_COOKIE, address(&value), address(&len), 0]);
}

fn set_option(fd: RawFd, name: usize, size: usize) {
    let value = 1u64;
    let level = libc::SOL_SOCKET as usize;
    call(libc::SYS_setsockopt, [fd as usize, level, name, address(&value), size, 0]);
}

fn stat(fd: RawFd) {
    // SAFETY: all zeroes is a stat.
    let stat = Cell::new(unsafe { std::mem::zeroed::<libc::stat>() });
    call(libc::SYS_fstat, [fd as usize, address(&stat), 0, 0, 0, 0]);
}

fn poll(fd: RawFd) {
    let fds = Cell::new(libc::pollfd { fd, events: 0, revents: 0 });
    let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    call(libc::SYS_ppoll, [address(&fds), 1, address(&now), 0, 8, 0]);
}

fn look(pidfd: RawFd) {
    // SAFETY: all zeroes is a siginfo_t.
    let info = Cell::new(unsafe { std::mem::zeroed::<libc::siginfo_t>() });
    let flags = (libc::WEXITED | libc::WNOHANG | libc::WNOWAIT) as usize;
    call(libc::SYS_waitid, [libc::P_PIDFD as usize, pidfd as usize, address(&info), flags, 0, 0]);
}

struct Start<'a> {
    exec: &'a Exec<'a>,
    parts: Part,
    b: RawFd,
}

/// The child.
///
/// # Safety
///
/// As for [`bare::execute`].
unsafe extern "C" fn child(start: *const Start<'_>) -> ! {
    // SAFETY: as in `bare::execute`.
    let start = unsafe { &*start };
    if start.parts.contains(Part::FUSE) {
        let pid = call(libc::SYS_getpid, [0; 6]) as i32;
        let owner = [1, pid];
        let b = start.b as usize;
        call(libc::SYS_fcntl, [b, 10, libc::SIGKILL as usize, 0, 0, 0]);
        call(libc::SYS_fcntl, [b, 15, address(&owner), 0, 0, 0]);
        call(libc::SYS_fcntl, [b, libc::F_SETFL as usize, libc::O_ASYNC as usize, 0, 0, 0]);
    }
    if start.parts.contains(Part::TABLE) {
        let last = u32::MAX as usize;
        call(libc::SYS_close_range, [3, last, libc::CLOSE_RANGE_UNSHARE as usize, 0, 0, 0]);
    }
    if start.parts.contains(Part::SIGNALS) {
        set_mask(0);
    }
    // SAFETY: the caller's contract is that of this function.
    unsafe { bare::execute(start.exec) }
}

/// What the last start has left for the next open to close: B and the pidfd.
type Left = Cell<Option<(RawFd, RawFd)>>;

fn climb(exec: &Exec<'_>, stack: &Stack, parts: Part, left: &Left) -> io::Result<()> {
    let has = |part| parts.contains(part);
    let proved = |fd| {
        if has(Part::PROOFS) {
            get_option(fd);
        }
    };
    let proved_pidfd = |fd| {
        if has(Part::PROOFS) {
            stat(fd);
        }
    };
    let blocked = |on| {
        if has(Part::SIGNALS) {
            set_mask(if on { !0 } else { 0 });
        }
    };
    let mut pair = None;
    if has(Part::PAIR) {
        blocked(true);
        if let Some((b, pidfd)) = left.take() {
            if has(Part::MARKS) {
                poll(b);
            }
            proved(b);
            bare::close(b);
            proved_pidfd(pidfd);
            bare::close(pidfd);
        }
        let (b, a) = pair::pair()?;
        if has(Part::MARKS) {
            set_option(a, 47, 8);
            set_option(a, 44, 4);
            call(libc::SYS_shutdown, [b as usize, libc::SHUT_RD as usize, 0, 0, 0, 0]);
        }
        if has(Part::PROOFS) {
            get_option(b);
            get_option(a);
        }
        blocked(false);
        // Two settings, and the start.
        for _ in 0..3 {
            proved(a);
        }
        pair = Some((a, b));
    }
    if let Some((_, b)) = pair {
        proved(b);
    }
    blocked(true);
    let flags = bare::VM_VFORK | bare::PIDFD;
    let own = libc::CLONE_FILES as u64 | bare::CLONE_CLEAR_SIGHAND;
    let flags = flags | if has(Part::TABLE) { own } else { 0 };
    let start = Start { exec, parts, b: pair.map_or(-1, |(_, b)| b) };
    // SAFETY: `child` is fit for shared memory, and CLONE_VFORK waits for it.
    let (_, pidfd) = unsafe { bare::clone3(flags, stack, child, &start) }?;
    if pair.is_none() {
        blocked(false);
    }
    if has(Part::EXECUTED) {
        look(pidfd);
    }
    proved_pidfd(pidfd);
    let Some((a, b)) = pair else {
        bare::wait_pidfd(pidfd)?;
        proved_pidfd(pidfd);
        bare::close(pidfd);
        return Ok(());
    };
    proved(b);
    if has(Part::FUSE) {
        pair::send_two(b, [pidfd, b])?;
    } else if has(Part::SENT) {
        pair::send(b, pidfd)?;
    }
    blocked(false);
    proved(a);
    proved_pidfd(pidfd);
    bare::wait_pidfd(pidfd)?;
    bare::close(a);
    left.set(Some((b, pidfd)));
    Ok(())
}

pub fn ladder(rounds: &Rounds) {
    let noop = Program::noop();
    let path = noop.path.as_c_str();
    let stack = &Stack::new();
    let exec = &Exec::new(path);
    let rung = |name, parts: Part| {
        let left = Left::default();
        Method::new(name, move || climb(exec, stack, parts, &left))
    };
    let unproved = Part::TABLE | Part::SIGNALS | Part::EXECUTED;
    let lean = unproved | Part::PROOFS;
    let sent = Part::TABLE | Part::PAIR | Part::SENT;
    group(
        "From raw to a lean start, by bare system calls",
        &[RAW],
        rounds.one_in(1),
        vec![
            Method::new(RAW, || start::raw_start(path, stack, 0)),
            rung("raw + a table of its own", Part::TABLE),
            rung("... + signals blocked", Part::TABLE | Part::SIGNALS),
            rung("... + seen to have executed", Part::TABLE | Part::SIGNALS | Part::EXECUTED),
            rung("... + proofs: all calls of Rust's", lean),
            Method::new(RUST, || start::by_rust(&noop)),
            Method::new(LEAN_SPAWN, || start::by_spawn(path)),
        ],
    );
    group(
        "From raw to a procfd, by bare system calls",
        &[RAW],
        rounds.one_in(1),
        vec![
            Method::new(RAW, || start::raw_start(path, stack, 0)),
            rung("raw + a table of its own", Part::TABLE),
            rung("... + A and B", Part::TABLE | Part::PAIR),
            rung("... + the pidfd sent", sent),
            rung("... + marks and the sweep", sent | Part::MARKS),
            rung("... + signals, seen to have executed", sent | Part::MARKS | Part::SIGNALS | Part::EXECUTED),
            rung("... + proofs: all calls of C's", sent | Part::MARKS | lean),
            Method::new(C, || start::by_c(path, [])),
            rung("pidfd and fuse sent", sent | Part::FUSE),
            rung("... + marks: all but proofs", sent | Part::FUSE | Part::MARKS | unproved),
            rung("... + proofs: all calls of kill on close", sent | Part::FUSE | Part::MARKS | lean),
            Method::new(CLOSE, || start::by_c(path, [start::Setting::KillOnClose])),
        ],
    );
}
