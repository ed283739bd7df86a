// SPDX-License-Identifier: MIT OR Apache-2.0

//! Hands a process to another program, which then is what keeps it alive, and learns how it ends.
//!
//! ```text
//! handover keep SOCKET                            waits for a process, and ends with its status
//! handover run SOCKET COMMAND [ARGUMENT]...       starts the command, hands it over, and ends
//! ```
//!
//! The keeper has the descriptor before there is a process. Once it is started and "run" is gone, the
//! last procfd is the keeper's: if the keeper ends, the kernel kills the process.

use std::error::Error;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::ExitCode;

use procfd::{Change, Context, OpenFlags, Process};

/// Room for one descriptor, aligned as a `cmsghdr`.
type Control = [u64; 4];

/// Calls `with` with a message of one byte and room for one descriptor.
fn with_message<T>(with: impl FnOnce(&mut libc::msghdr) -> T) -> T {
    let (mut byte, mut control): (u8, Control) = (0, [0; 4]);
    let mut bytes = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    // SAFETY: all zeroes is a msghdr.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut bytes;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    // SAFETY: only a computation.
    message.msg_controllen = unsafe { libc::CMSG_SPACE(size_of::<i32>() as u32) } as _;
    with(&mut message)
}

fn send(socket: &UnixStream, fd: BorrowedFd<'_>) -> io::Result<()> {
    let sent = with_message(|message| {
        // SAFETY: there is room for one header with one descriptor; the message outlives the call.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(size_of::<i32>() as u32) as _;
            libc::CMSG_DATA(header).cast::<i32>().write_unaligned(fd.as_raw_fd());
            libc::sendmsg(socket.as_raw_fd(), message, 0)
        }
    });
    if sent == 1 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn receive(socket: &UnixStream) -> io::Result<OwnedFd> {
    with_message(|message| {
        // SAFETY: the message outlives the call; a header that is there holds one descriptor, now ours.
        unsafe {
            if libc::recvmsg(socket.as_raw_fd(), message, libc::MSG_CMSG_CLOEXEC) != 1 {
                return Err(io::Error::last_os_error());
            }
            let header = libc::CMSG_FIRSTHDR(message);
            if header.is_null() || (*header).cmsg_type != libc::SCM_RIGHTS {
                return Err(io::ErrorKind::InvalidData.into());
            }
            Ok(OwnedFd::from_raw_fd(libc::CMSG_DATA(header).cast::<i32>().read_unaligned()))
        }
    })
}

/// Sleeps until one of the events, or a hang-up.
fn poll(fd: BorrowedFd<'_>, events: i16) -> io::Result<()> {
    let mut event = libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 };
    // SAFETY: one structure, which outlives the call.
    if unsafe { libc::poll(&raw mut event, 1, -1) } == 1 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn keep(path: &OsString) -> Result<u8, Box<dyn Error>> {
    let procfd = receive(&UnixListener::bind(path)?.accept()?.0)?;
    // The start; or the hang-up, if the other side is gone without one.
    poll(procfd.as_fd(), libc::POLLIN)?;
    let process = Process::from_fd(procfd).map_err(|_| "it was never started")?;
    println!("started");
    // The hang-up is reported unasked.
    poll(process.as_fd(), 0)?;
    let (text, code) = match process.wait()?.change {
        Change::Exited(code) => (format!("exit code {code}"), code),
        Change::Killed(signal) | Change::Dumped(signal) => (format!("signal {signal}"), 128 + signal),
        other => return Err(format!("{other:?}").into()),
    };
    println!("{text}");
    Ok(code as u8)
}

fn run(path: &OsString, program: &OsString, command: &[OsString]) -> Result<u8, Box<dyn Error>> {
    // With the exit event, for the keeper.
    let mut context = Context::with_flags(OpenFlags::empty())?;
    context.program_in_path(program)?.args(command)?.kill_on_close(libc::SIGKILL)?;
    send(&UnixStream::connect(path)?, context.procfd()?)?;
    context.create()?;
    Ok(0)
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let done = match &arguments[..] {
        [verb, path] if verb == "keep" => keep(path),
        [verb, path, command @ ..] if verb == "run" && !command.is_empty() => run(path, &command[0], command),
        _ => Err("usage: handover keep SOCKET, handover run SOCKET COMMAND [ARGUMENT]...".into()),
    };
    done.map_or_else(
        |error| {
            eprintln!("handover: {error}");
            ExitCode::from(125)
        },
        ExitCode::from,
    )
}
