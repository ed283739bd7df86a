// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a procfd is made of, around a real start: each rung has one bare system call more than the one
//! before. The last is what procfd would cost if its own code cost nothing.

use std::ffi::CStr;
use std::io;
use std::os::fd::RawFd;

use crate::bare::{self, Exec, Stack};
use crate::harness::{Method, Rounds, group};
use crate::pair;
use crate::program::Program;
use crate::start::{self, C, RAW};

/// How far up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rung {
    Pair,
    Send,
    Look,
    Epoll,
    Table,
}

fn climb(path: &CStr, stack: &Stack, epoll: RawFd, to: Rung) -> io::Result<()> {
    let (a, b) = pair::pair()?;
    if to >= Rung::Epoll {
        pair::epoll_add(epoll, b)?;
    }
    let flags = bare::VM_VFORK | bare::PIDFD;
    let exec = Exec::new(path);
    // SAFETY: both are fit for shared memory, and CLONE_VFORK waits for them.
    let (_, pidfd) = unsafe {
        match to >= Rung::Table {
            true => {
                bare::clone3(flags | libc::CLONE_FILES as u64, stack, bare::leave_table_and_execute, &exec)
            }
            false => bare::clone3(flags, stack, bare::execute, &exec),
        }
    }?;
    if to >= Rung::Send {
        pair::send(b, pidfd)?;
    }
    if to >= Rung::Look {
        start::finish(pair::look(a)?)?;
    } else {
        bare::wait_pidfd(pidfd)?;
    }
    bare::close(a);
    let b = if to >= Rung::Epoll { pair::epoll_take(epoll)? } else { b };
    bare::close(b);
    bare::close(pidfd);
    Ok(())
}

pub fn ladder(rounds: &Rounds) {
    let noop = Program::noop();
    let path = noop.path.as_c_str();
    let stack = &Stack::new();
    // SAFETY: a plain number.
    let epoll = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
    let rung = |name, to| Method::new(name, move || climb(path, stack, epoll, to));
    group(
        "From raw to procfd, one bare system call after the other",
        &[RAW],
        rounds.one_in(1),
        vec![
            Method::new(RAW, || start::raw_start(path, stack, 0)),
            rung("raw + a socket pair", Rung::Pair),
            rung("... + its pidfd sent", Rung::Send),
            rung("... + looked at for the wait", Rung::Look),
            rung("... + epoll for its close", Rung::Epoll),
            rung("... + a descriptor table of its own", Rung::Table),
            Method::new(C, || start::by_c(path, [])),
        ],
    );
    bare::close(epoll);
}
