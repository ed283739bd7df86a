// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The built-in init of a pid namespace (`PROC_SET_INIT`).
//!
//! # Contract with the spawn engine
//!
//! The process X that the engine clones with `CLONE_NEWPID` is pid 1. Before it executes this
//! program it clones Y, pid 2, which carries out the plan and executes the caller's program:
//!
//! ```text
//! creator  clone3(NEWPID | VM | VFORK | PIDFD ...) ------ suspended ------------------> goes on
//! X, pid 1   SIGCHLD to default; clone(VM | VFORK | FILES) -- suspended --> execveat(init)
//! Y, pid 2     leaves the table, plan, execve(program)  ------------------> program runs
//! ```
//!
//! - Both share the creator's memory until they execute, so Y writes a failure to the usual report. X sees it
//!   there when it goes on, and ends; the creator reaps X. Y cannot stay behind: the end of pid 1 ends the
//!   namespace.
//! - SIGCHLD must not be ignored in X when Y is cloned: an ignored one would throw Y's status away.
//! - X leaves the shared table with nothing but the image and, as descriptor 0 without close-on-exec, B, the
//!   peer of the procfd A. X has B without a close policy too, to say how the program ended.
//! - All signals are blocked in X from before the clone; so none is lost on the way.
//! - The arguments: a name for people; the pid of Y in its namespace; the first signal of the close
//!   policy; the second; the delay in milliseconds; the time limit in milliseconds; its first signal; the
//!   second; the delay in milliseconds; all in decimal.
//!
//! # What it does
//!
//! The init forwards every signal but SIGCHLD to the program, with its queued value. It cannot forward SIGKILL and
//! SIGSTOP: SIGKILL ends the namespace, which has the same effect, and SIGSTOP stops only the init. It reaps orphans.
//! It ends with the program's exit code, or with 128 + n if signal n ended the program: no signal of its own
//! namespace can end a pid 1. The true status goes into A's queue as [`Ended`], behind the start message, where every
//! holder of A can look at it.
//!
//! When the last descriptor of A is closed, the first signal decides. Without one the init goes on. With SIGKILL it
//! ends at once, and the kernel ends the namespace. With another signal it signals the program, and ends when the
//! delay of the second signal is over or the program has ended. A holder's shutdown(2) of A changes nothing.

use crate::proto::{self, Ended};
use crate::sys::{
    self, ECHILD, EINTR, EPOLLET, EpollEvent, POLLIN, PollFd, SIGCHLD, SIGCONT, SIGKILL, Timespec,
};

const FUSE: i32 = 0;
const POLLNVAL: i16 = 0x20;
const SI_QUEUE: i32 = -1;
const CLD_EXITED: i32 = 1;

pub(crate) fn run(numbers: &[u64; sys::NUMBERS]) -> ! {
    let [pid, first, second, delay_ms, limit_ms, mut limit_first, mut limit_second, limit_delay_ms] =
        *numbers;
    let pid = pid as i32;
    sys::set_name(c"procfd-init");
    let _ = sys::set_mask(!0);
    sys::default_action(SIGCHLD);
    // The init leaves the program's process group, so that a terminal's signals reach the program once. It stays in
    // the session; otherwise the group would count as orphaned, and the terminal could not stop it.
    let _ = sys::setpgid(0, 0);
    let _ = sys::chdir(c"/");
    let Ok(signals) = sys::signalfd(!0) else { give_up(pid) };
    let fuse = Fuse::new();
    let mut fds = [PollFd { fd: signals, events: POLLIN, revents: 0 }, fuse.poll()];
    let mut end = None;
    let after = |ms: u64| sys::now().saturating_add(ms.saturating_mul(1_000_000));
    let mut limit = (limit_first != 0).then(|| after(limit_ms));
    // The program may have ended already.
    reap(pid);
    loop {
        let now = sys::now();
        if end.is_some_and(|at| at <= now) {
            sys::exit(128 + SIGKILL);
        }
        if limit.is_some_and(|at| at <= now) {
            // The end of the program is the end of this process, and so of the namespace.
            let _ = sys::kill(pid, limit_first as i32);
            if limit_first != SIGKILL as u64 {
                let _ = sys::kill(pid, SIGCONT);
            }
            limit_first = core::mem::take(&mut limit_second);
            limit = (limit_first != 0).then(|| after(limit_delay_ms));
        }
        let next = match (end, limit) {
            (Some(end), Some(limit)) => Some(if end < limit { end } else { limit }),
            (end, limit) => end.or(limit),
        };
        match sys::poll(&mut fds, next.map(|at: u64| Timespec::from_ns(at.saturating_sub(now)))) {
            Ok(_) => {}
            Err(EINTR) => continue,
            Err(_) => give_up(pid),
        }
        if fds[1].revents != 0 {
            let released = fuse.released(fds[1].revents);
            if released {
                if first == SIGKILL as u64 {
                    sys::exit(128 + SIGKILL);
                }
                // Without a close policy the last close has no effect.
                if first != 0 {
                    let _ = sys::kill(pid, first as i32);
                }
                if second != 0 {
                    end = Some(after(delay_ms));
                }
            }
            if released || fds[1].revents & POLLNVAL != 0 {
                fds[1].fd = -1;
            }
        }
        if fds[0].revents != 0 {
            forward(signals, pid);
        }
    }
}

/// Detects the close of the last descriptor of A.
struct Fuse {
    /// Reports each change of B once, so that a shutdown(2) of A does not keep this process awake.
    epoll: Option<i32>,
}

impl Fuse {
    fn new() -> Self {
        let Ok(epoll) = sys::epoll_create() else { return Self { epoll: None } };
        let watched = sys::epoll_add(epoll, FUSE, EPOLLET, 0);
        Self { epoll: watched.is_ok().then_some(epoll) }
    }

    fn poll(&self) -> PollFd {
        match self.epoll {
            Some(epoll) => PollFd { fd: epoll, events: POLLIN, revents: 0 },
            // No descriptor or epoll entry left (RLIMIT_NOFILE, fs.epoll.max_user_watches).
            None => PollFd { fd: FUSE, events: 0, revents: 0 },
        }
    }

    /// Whether A is closed. Without the epoll every hang-up counts.
    fn released(&self, revents: i16) -> bool {
        let Some(epoll) = self.epoll else { return revents & POLLNVAL == 0 };
        let mut event = [EpollEvent::default()];
        matches!(sys::epoll_wait(epoll, &mut event, 0), Ok(1)) && sys::is_gone(FUSE)
    }
}

fn forward(signals: i32, pid: i32) {
    loop {
        let info = match sys::next_signal(signals) {
            Ok(info) => info,
            Err(EINTR) => continue,
            Err(_) => return,
        };
        if info.signo == SIGCHLD as u32 {
            reap(pid);
        } else if info.code != SI_QUEUE || sys::requeue(pid, &info).is_err() {
            let _ = sys::kill(pid, info.signo as i32);
        }
    }
}

/// Without descriptors or memory (`ENFILE`, `ENOMEM`) the init sees neither signals nor the last close. It ends the
/// program, which it says before it ends.
fn give_up(pid: i32) -> ! {
    let _ = sys::kill(pid, SIGKILL);
    loop {
        match sys::wait(sys::P_ALL, 0, sys::WEXITED | sys::WALL) {
            Ok(child) if child.pid == pid => mirror(child.code, child.status),
            Ok(_) | Err(EINTR) => {}
            Err(_) => sys::exit(255),
        }
    }
}

/// Reaps every child that has ended. Ends with the program.
fn reap(pid: i32) {
    loop {
        match sys::wait(sys::P_ALL, 0, sys::WEXITED | sys::WNOHANG | sys::WALL) {
            Ok(child) if child.pid == 0 => return,
            Ok(child) if child.pid == pid => mirror(child.code, child.status),
            Ok(_) | Err(EINTR) => {}
            // Another process has taken the program's status, so there is nothing to wait for.
            Err(ECHILD) => sys::exit(255),
            Err(_) => return,
        }
    }
}

fn mirror(code: i32, status: i32) -> ! {
    let ended = Ended { magic: proto::MAGIC, code, status };
    let _ = sys::send(FUSE, &ended.to_bytes(), &[]);
    sys::exit(if code == CLD_EXITED { status } else { 128_i32.wrapping_add(status) })
}
