// SPDX-License-Identifier: MIT OR Apache-2.0

//! Single calls, beside the system calls that do their work.

use std::io;
use std::os::fd::{AsRawFd, RawFd};

use procfd::{Context, Fields, Info, OpenFlags, Process, Scope, ffi};

use crate::bare;
use crate::harness::{Aim, Method, Rounds, group};
use crate::pair;
use crate::program::Program;

/// PIDFD_GET_INFO with the 64 bytes of 6.13, and what to ask: pid, credentials, cgroup.
const PIDFD_GET_INFO: libc::c_ulong = 0xc040_ff0b;
const ASK: u64 = 0x7;

fn open_close() -> io::Result<()> {
    bare::close(ffi::open(OpenFlags::NO_WATCH.bits())?);
    Ok(())
}

fn socketpair() -> io::Result<()> {
    let (a, b) = pair::pair()?;
    bare::close(a);
    bare::close(b);
    Ok(())
}

fn peek(fd: RawFd) -> io::Result<()> {
    bare::close(pair::look(fd)?);
    Ok(())
}

fn poll(fd: RawFd) -> io::Result<()> {
    let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: one structure, which outlives the call.
    bare::check(unsafe { libc::poll(&raw mut poll, 1, 0) }.into()).map(drop)
}

fn signal(fd: RawFd) -> io::Result<()> {
    // SAFETY: plain numbers and no siginfo.
    bare::check(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, 0, 0, 0) }).map(drop)
}

fn get_info(fd: RawFd) -> io::Result<()> {
    let mut info = [0u64; 8];
    info[0] = ASK;
    // SAFETY: the request carries the size of 64 bytes.
    bare::check(unsafe { libc::ioctl(fd, PIDFD_GET_INFO as _, info.as_mut_ptr()) }.into()).map(drop)
}

/// What proves a socket: its number, which is never used again.
fn cookie(fd: RawFd) -> io::Result<()> {
    let (mut value, mut len) = (0u64, 8 as libc::socklen_t);
    let (to, len) = (&raw mut value, &raw mut len);
    // SAFETY: the kernel writes at most the 8 bytes that `len` says, the size of `value`, and `len`.
    let done = unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_COOKIE, to.cast(), len) };
    bare::check(done.into()).map(drop)
}

/// What proves a pidfd: its inode.
fn inode(fd: RawFd) -> io::Result<()> {
    let mut stat = std::mem::MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: the kernel writes one structure, which outlives the call.
    bare::check(unsafe { libc::fstat(fd, stat.as_mut_ptr()) }.into()).map(drop)
}

pub fn parts(rounds: &Rounds) {
    let rounds = rounds.one_in(10);
    group(
        "A context that is never started",
        &["socketpair + 2 close"],
        rounds,
        vec![
            Method::hundred("socketpair + 2 close", socketpair),
            Method::hundred("process_open + close", open_close),
        ],
    );

    let pause = Program::pause();
    let process = pausing(&pause).expect("a process that waits");
    let opened = opened(&pause).expect("a context whose process waits");
    let (fd, pidfd) = (process.as_raw_fd(), process.pidfd().as_raw_fd());
    let fields = Fields::IDS | Fields::CREDS | Fields::CGROUP_ID;
    group(
        "Who is it: the pidfd out of a procfd, and the state",
        &["recvmsg(MSG_PEEK) + close"],
        rounds,
        vec![
            Method::hundred("recvmsg(MSG_PEEK) + close", || peek(fd)),
            Method::hundred("PROC_INFO_PIDFD + close", || {
                bare::close(ffi::pidfd(fd)?);
                Ok(())
            }),
            Method::hundred("poll(pidfd)", || poll(pidfd)),
            Method::hundred("PROC_INFO_STATE, by the opener", || {
                ffi::state(opened).map(drop).map_err(Into::into)
            }),
            Method::hundred("PROC_INFO_STATE, by another holder", || {
                ffi::state(fd).map(drop).map_err(Into::into)
            }),
            Method::hundred("PROC_INFO_STATE on a pidfd", || ffi::state(pidfd).map(drop).map_err(Into::into)),
            Method::hundred("Process::state", || process.state().map(drop)),
        ],
    );
    group(
        "Proofs of a number",
        &["recvmsg(MSG_PEEK) + close"],
        rounds,
        vec![
            Method::hundred("recvmsg(MSG_PEEK) + close", || peek(fd)),
            Method::hundred("getsockopt(SO_COOKIE)", || cookie(fd)),
            Method::hundred("fstat(pidfd)", || inode(pidfd)),
        ],
    );
    group(
        "Signal 0",
        &["pidfd_send_signal"],
        rounds,
        vec![
            Method::hundred("pidfd_send_signal", || signal(pidfd)),
            Method::hundred("PROC_SIGNAL, by the opener", || {
                ffi::send_signal(opened, 0, Scope::Process, None).map_err(Into::into)
            }),
            Method::hundred("PROC_SIGNAL, by another holder", || {
                ffi::send_signal(fd, 0, Scope::Process, None).map_err(Into::into)
            }),
            Method::hundred("PROC_SIGNAL on a pidfd", || {
                ffi::send_signal(pidfd, 0, Scope::Process, None).map_err(Into::into)
            }),
            Method::hundred("Process::send_signal", || process.send_signal(0))
                .aim(Aim::AtMost(1.10, "pidfd_send_signal")),
        ],
    );
    group(
        "Ids, credentials and cgroup",
        &["ioctl(PIDFD_GET_INFO)"],
        rounds,
        vec![
            Method::hundred("ioctl(PIDFD_GET_INFO)", || get_info(pidfd)),
            Method::hundred("PROC_INFO, by the opener", || {
                ffi::info(opened, fields, &mut Info::default()).map_err(Into::into)
            }),
            Method::hundred("PROC_INFO, by another holder", || {
                ffi::info(fd, fields, &mut Info::default()).map_err(Into::into)
            }),
            Method::hundred("PROC_INFO on a pidfd", || {
                ffi::info(pidfd, fields, &mut Info::default()).map_err(Into::into)
            }),
            Method::hundred("Process::info", || process.info(fields).map(drop))
                .aim(Aim::AtMost(1.10, "ioctl(PIDFD_GET_INFO)")),
        ],
    );
    let _ = ffi::send_signal(opened, libc::SIGKILL, Scope::Process, None);
    let _ = ffi::wait(opened, procfd::WaitOptions::empty(), false, 0);
    bare::close(opened);
    let _ = process.kill();
    let _ = process.wait();
}

/// A procfd whose context this process keeps. The object's context is forgotten, so its procfd is asked as one that
/// was received.
fn opened(program: &Program) -> io::Result<RawFd> {
    let fd = ffi::open(OpenFlags::NO_WATCH.bits())?;
    crate::start::create_on(fd, program.path.as_c_str(), [])?;
    Ok(fd)
}

fn pausing(program: &Program) -> io::Result<Process> {
    let mut context = Context::new()?;
    context.program(program.as_path())?.kill_on_close(libc::SIGKILL)?;
    Ok(context.create()?)
}
