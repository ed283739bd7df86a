// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The calls that do several steps at once: procfd_spawn and process_open_pid.

use std::ffi::{CString, c_int};
use std::os::fd::{AsRawFd, IntoRawFd};
use std::sync::Arc;

use procfd::ffi::{self, OwnFd, PipeWay, Program, Settings};
use procfd::{Errno, Error, Scope};

use crate::Result;
use crate::abi::*;
use crate::args::{self, Data};
use crate::record;

const SPAWN: &str = "procfd_spawn()";
const NAMES: [&str; 3] = ["standard input", "standard output", "standard error"];
/// The bytes of `pipes`.
const PIPES: usize = 3 * size_of::<c_int>();

type Read<T> = std::result::Result<T, Errno>;

pub(crate) fn open_pid(pid: c_int, flags: u64) -> Result {
    ffi::open_pid(pid, flags).map_err(|error| failed("process_open_pid()", &error))
}

pub(crate) fn spawn(argv: Data, options: Data) -> Result {
    let asked = read(options)?;
    let argv =
        argv.strings().map_err(|errno| argument(errno, "argv", "a NULL-terminated array of strings"))?;
    let program = text(options, asked.program.cast(), "program")?.or_else(|| argv.first().cloned());
    let program = program.ok_or_else(|| refused(libc::EINVAL, "argv has no string, and program is NULL"))?;
    let cwd = text(options, asked.cwd.cast(), "cwd")?;
    let env = match asked.env.is_null() {
        true => None,
        false => Some(
            options
                .at(asked.env.cast(), 0)
                .strings()
                .map_err(|errno| argument(errno, "env", "a NULL-terminated array of strings"))?,
        ),
    };
    let close = match asked.close_signal {
        0 => None,
        signal => Some(
            i32::try_from(signal)
                .map_err(|_| refused(libc::EINVAL, &format!("close_signal {signal} is not a signal")))?,
        ),
    };
    let pipes = options.at(asked.pipes.cast(), PIPES);
    if !pipes.is_null() {
        // A place that cannot take the pipes must not cost a process.
        pipes.room().map_err(|e| refused(e.0, "pipes is no address"))?;
    }
    let mut streams = Streams::new(options, &asked)?;
    let procfd = ffi::spawn(asked.flags, |settings| {
        streams.give(settings)?;
        settings.set_program(Program::Search(program))?;
        settings.set_argv(argv)?;
        env.map_or(Ok(()), |env| settings.set_env(env))?;
        cwd.map_or(Ok(()), |cwd| settings.add_chdir(cwd))?;
        settings.set_close(close.map(|signal| (signal, Scope::Process, None)))
    })
    .map_err(|error| failed(SPAWN, &error))?;
    streams.hand_over(pipes);
    Ok(procfd)
}

/// The options, none of whose pointers is half of one.
fn read(options: Data) -> Read<procfd_spawn> {
    if options.is_null() && options.size() == 0 {
        return Ok(args::zero());
    }
    let known = size_of::<procfd_spawn>();
    let size = options.size();
    if size % 8 != 0 {
        let text = format!("size is sizeof(struct procfd_spawn), {known}, not {size}");
        return Err(refused(libc::EINVAL, &text));
    }
    let asked: procfd_spawn = options.read().map_err(|errno| match errno.0 {
        libc::EFAULT => refused(libc::EFAULT, "options is no address; NULL takes size 0"),
        libc::EINVAL => refused(libc::EINVAL, &format!("size is {known}, not {size}")),
        _ => refused(
            errno.0,
            &format!("size {size} is beyond the {known} bytes of this version, and the rest is not 0"),
        ),
    })?;
    match asked.reserved {
        0 => Ok(asked),
        _ => Err(refused(libc::EINVAL, "reserved is not 0")),
    }
}

/// A string of the options; `None` for NULL.
fn text(options: Data, at: *const std::ffi::c_void, name: &str) -> Read<Option<CString>> {
    match at.is_null() {
        true => Ok(None),
        false => options.at(at, 0).string().map(Some).map_err(|errno| argument(errno, name, "a string")),
    }
}

/// The bytes of standard input. What is too long the core refuses.
fn input(options: Data, asked: &procfd_spawn) -> Read<Arc<Vec<u8>>> {
    let bytes = options.at(asked.input, asked.input_size).list::<u8>(ffi::DATA_MAX);
    bytes.map(Arc::new).map_err(|errno| match errno.0 {
        libc::EFAULT => refused(errno.0, "input is no address"),
        _ => refused(errno.0, &format!("input has {} bytes, above {}", asked.input_size, ffi::DATA_MAX)),
    })
}

/// The three standard streams of the child.
struct Streams {
    /// The source of each stream.
    theirs: [Theirs; 3],
    /// The other ends of the pipes.
    ours: [Option<OwnFd>; 3],
}

enum Theirs {
    Inherit,
    Null,
    Pipe,
    Data(Arc<Vec<u8>>),
    /// Above the standard streams, so that no stream is in another's way.
    Fd(OwnFd),
    Stdout,
}

impl Streams {
    fn new(options: Data, asked: &procfd_spawn) -> Read<Self> {
        let mut theirs = [const { Theirs::Inherit }; 3];
        for (i, name) in NAMES.into_iter().enumerate() {
            let failed = |e: Errno| refused(e.0, &format!("{name}: {e}"));
            theirs[i] = match asked.stdio[i] {
                PROCFD_STDIO_INHERIT => Theirs::Inherit,
                PROCFD_STDIO_NULL => Theirs::Null,
                PROCFD_STDIO_STDOUT if i == 2 => Theirs::Stdout,
                PROCFD_STDIO_FD => Theirs::Fd(ffi::duplicate(asked.fds[i]).map_err(|e| match e.0 {
                    libc::EBADF => refused(e.0, &format!("{name}: descriptor {} is not open", asked.fds[i])),
                    _ => failed(e),
                })?),
                PROCFD_STDIO_PIPE if asked.pipes.is_null() => {
                    return Err(refused(libc::EFAULT, &format!("{name} is a pipe, and pipes is NULL")));
                }
                PROCFD_STDIO_PIPE => Theirs::Pipe,
                PROCFD_STDIO_DATA if i == 0 => Theirs::Data(input(options, asked)?),
                other => {
                    return Err(refused(
                        libc::EINVAL,
                        &format!("{name} is one of PROCFD_STDIO_*, not {other}"),
                    ));
                }
            };
        }
        let has_input = matches!(theirs[0], Theirs::Data(_));
        if !has_input && (!asked.input.is_null() || asked.input_size != 0) {
            return Err(refused(libc::EINVAL, "input is for a standard input that is PROCFD_STDIO_DATA"));
        }
        Ok(Self { theirs, ours: [const { None }; 3] })
    }

    fn give(&mut self, settings: &mut Settings) -> std::result::Result<(), Error> {
        for ((stream, ours), target) in self.theirs.iter().zip(&mut self.ours).zip(0..) {
            match stream {
                Theirs::Pipe => {
                    let way = if target == 0 { PipeWay::ToChild } else { PipeWay::FromChild };
                    *ours = Some(settings.add_pipe(target, way)?.into());
                }
                Theirs::Data(bytes) => settings.add_data(target, Arc::clone(bytes))?,
                Theirs::Inherit => {}
                Theirs::Null => settings.add_null(target)?,
                Theirs::Fd(fd) => settings.add_dup(fd.as_raw_fd(), target)?,
                Theirs::Stdout => settings.add_dup(1, target)?,
            }
        }
        Ok(())
    }

    /// Our ends go to the caller, if there is a place for them. Another thread may have closed the number of one, and
    /// then it is another file's.
    fn hand_over(self, pipes: Data) {
        if pipes.is_null() {
            return;
        }
        let numbers =
            self.ours.map(|end| end.filter(|end| end.live().is_ok()).map_or(-1, IntoRawFd::into_raw_fd));
        for (i, number) in numbers.into_iter().enumerate() {
            pipes.fill(i * size_of::<c_int>(), &number.to_ne_bytes());
        }
    }
}

fn failed(call: &str, error: &Error) -> Errno {
    record::set(&format!("{call}: {error}"));
    Errno(error.raw_os_error())
}

fn refused(errno: i32, why: &str) -> Errno {
    record::set(&format!("{SPAWN}: {why}"));
    Errno(errno)
}

fn argument(errno: Errno, name: &str, what: &str) -> Errno {
    match errno.0 {
        libc::EFAULT => refused(errno.0, &format!("{name} is {what}: it, or a pointer in it, is no address")),
        _ => refused(errno.0, &format!("{name}: {errno}")),
    }
}
