// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The commands of process_config.
//!
//! `plain` has them by number; what is here is no setting, or has a reader of its own.

mod mounts;
mod plain;

use std::ffi::c_int;
use std::os::fd::{IntoRawFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use procfd::ffi::{self, Configuring, Pid, PipeWay, Program, Settings, WindowSize};
use procfd::{Errno, Error, Landlock, LandlockFs, LandlockNet, LandlockScopes, Setgroups};

use crate::Result;
use crate::abi::*;
use crate::args::{Data, string_at};
use crate::record;
use crate::shapes::{self, INVALID, Read};

use self::mounts::{mount, set_mount_propagation};

/// A command, on its way to the context.
#[derive(Clone, Copy)]
struct Command<'a> {
    context: &'a Configuring,
    cmd: u32,
    arg: u64,
    data: Data,
}

pub(crate) fn config(procfd: c_int, cmd: u32, arg: u64, data: Data) -> Result {
    let context = ffi::configuring(procfd)?;
    plain::run(Command { context: &context, cmd, arg, data })
}

impl Command<'_> {
    /// Reads the value by its shape, and gives it to the settings.
    fn set<T>(
        self,
        read: impl FnOnce(u64, Data) -> Read<T>,
        set: impl FnOnce(&mut Settings, T) -> std::result::Result<(), Error>,
    ) -> Result {
        let value = self.read(read)?;
        self.context
            .change(|settings| set(settings, value))
            .map(|()| 0)
            .map_err(|error| record::failed(self.cmd, &error))
    }

    /// What arg and data hold; that they do not fit the command goes on record.
    fn read<T>(self, read: impl FnOnce(u64, Data) -> Read<T>) -> Read<T> {
        read(self.arg, self.data).map_err(|errno| self.refused(errno))
    }

    fn refused(self, errno: Errno) -> Errno {
        let message = record::arguments(self.cmd, self.arg, self.data, errno);
        record::set(&message);
        self.context.refuse(errno.0, message);
        errno
    }
}

fn create(command: Command<'_>) -> Result {
    command.read(shapes::nothing)?;
    match command.context.create().map_err(|error| record::failed(command.cmd, &error))? {
        Pid::Parent(pid) => Ok(pid),
        Pid::Child => Ok(0),
    }
}

fn attach(command: Command<'_>) -> Result {
    let pidfd = command.read(shapes::fd)?;
    command.context.attach(pidfd).map_err(|error| record::failed(command.cmd, &error))
}

fn copy(command: Command<'_>) -> Result {
    command.read(shapes::nothing)?;
    command.context.copy()
}

fn set_close(command: Command<'_>) -> Result {
    command.set(shapes::close_policy, Settings::set_close)
}

fn set_exec(command: Command<'_>) -> Result {
    let program = |arg, data: Data| {
        let path = data.string()?;
        match arg {
            0 => Ok(Program::Path(path)),
            PROC_EXEC_PATH => Ok(Program::Search(path)),
            _ => Err(INVALID),
        }
    };
    command.set(program, Settings::set_program)
}

fn fd_dup(command: Command<'_>) -> Result {
    let dup = |arg, data| shapes::zero(arg, data)?.read::<procfd_dup>();
    command.set(dup, |settings, dup| settings.add_dup(dup.source, dup.target))
}

fn fd_open(command: Command<'_>) -> Result {
    let open = |arg, data: Data| {
        let open: procfd_open = data.whole_pointer()?.read()?;
        Ok((
            shapes::target(arg)?,
            string_at(open.path)?,
            i32::try_from(open.flags).map_err(|_| INVALID)?,
            u32::try_from(open.mode).map_err(|_| INVALID)?,
        ))
    };
    command.set(open, |settings, (target, path, flags, mode)| settings.add_open(target, path, flags, mode))
}

fn fd_close_range(command: Command<'_>) -> Result {
    let range = |arg, data| shapes::zero(arg, data)?.read::<procfd_range>();
    command.set(range, |settings, range| settings.add_close_range(range.first, range.last))
}

fn fd_inherit(command: Command<'_>) -> Result {
    command.set(shapes::fd, |settings, fd| settings.add_dup(fd, fd))
}

fn fd_pipe(command: Command<'_>) -> Result {
    let pipe = |arg: u64, data: Data| {
        data.none()?;
        let number = arg & u64::from(u32::MAX);
        let way = match arg ^ number {
            PROC_PIPE_TO_CHILD => PipeWay::ToChild,
            PROC_PIPE_FROM_CHILD => PipeWay::FromChild,
            _ => return Err(INVALID),
        };
        Ok((shapes::target(number)?, way))
    };
    let (target, way) = command.read(pipe)?;
    hand_out(command, |settings| settings.add_pipe(target, way))
}

fn set_cgroup_leaf(command: Command<'_>) -> Result {
    let leaf = |arg, data: Data| match arg {
        0 => data.none().map(|()| None),
        1 if data.none().is_ok() => Ok(Some(None)),
        1 => data.string().map(|name| Some(Some(name))),
        _ => Err(INVALID),
    };
    command.set(leaf, Settings::set_cgroup_leaf)
}

fn set_time_limit(command: Command<'_>) -> Result {
    let limit = |ns: u64, data: Data| {
        let limit: procfd_time_limit = data.read_or_default()?;
        let signal = |number: u32| i32::try_from(number).map_err(|_| INVALID);
        let first = if limit.signal == 0 { libc::SIGKILL } else { signal(limit.signal)? };
        let then = match (limit.second_signal, limit.delay_ns) {
            (0, 0) => None,
            (0, _) => return Err(INVALID),
            (second, delay) => Some((signal(second)?, Duration::from_nanos(delay))),
        };
        match ns {
            0 => data.none().map(|()| None),
            _ => Ok(Some((Duration::from_nanos(ns), first, then))),
        }
    };
    command.set(limit, Settings::set_time_limit)
}

fn set_pty(command: Command<'_>) -> Result {
    let size = |arg, data: Data| {
        if arg != 0 {
            return Err(INVALID);
        }
        match data.list::<u16>(4)?.as_slice() {
            [] => Ok(WindowSize::default()),
            &[rows, columns, width, height] => Ok(WindowSize { rows, columns, width, height }),
            _ => Err(INVALID),
        }
    };
    let size = command.read(size)?;
    hand_out(command, |settings| settings.add_pty(size))
}

/// A command that returns a descriptor of the caller's.
fn hand_out(
    command: Command<'_>,
    make: impl FnOnce(&mut Settings) -> std::result::Result<OwnedFd, Error>,
) -> Result {
    let mut ours = None;
    let made = command.context.change(|settings| {
        ours = Some(make(settings)?);
        Ok(())
    });
    made.map_err(|error| record::failed(command.cmd, &error))?;
    ours.map(IntoRawFd::into_raw_fd).ok_or(INVALID)
}

fn fd_data(command: Command<'_>) -> Result {
    let data = |arg, data: Data| Ok((shapes::target(arg)?, data.list::<u8>(ffi::DATA_MAX)?));
    command.set(data, |settings, (target, bytes)| settings.add_data(target, Arc::new(bytes)))
}

fn set_rlimit(command: Command<'_>) -> Result {
    let limit = |arg, data: Data| {
        let limit: procfd_rlimit = data.read()?;
        Ok((u32::try_from(arg).map_err(|_| INVALID)?, limit.soft, limit.hard))
    };
    command.set(limit, |settings, (resource, soft, hard)| settings.set_rlimit(resource, soft, hard))
}

fn set_seccomp(command: Command<'_>) -> Result {
    // A word more than the kernel takes: the core says which length is wrong.
    let program = |arg, data: Data| Ok((data.list::<u32>(2 * 4096 + 2)?, arg));
    let (words, flags) = command.read(program)?;
    if flags & ffi::NEW_LISTENER != 0 {
        return hand_out(command, |settings| settings.add_seccomp_notify(words, flags));
    }
    command.set(|_, _| Ok((words, flags)), |settings, (words, flags)| settings.add_seccomp(words, flags))
}

fn set_landlock(command: Command<'_>) -> Result {
    let ruleset = |arg, data: Data| {
        let given: procfd_landlock = data.read()?;
        let ruleset = Landlock::new()
            .fs(LandlockFs::from_bits_retain(given.fs))
            .net(LandlockNet::from_bits_retain(given.net))
            .scopes(LandlockScopes::from_bits_retain(given.scoped));
        match arg {
            0 => Ok(ruleset),
            PROC_LANDLOCK_STRICT => Ok(ruleset.strict()),
            _ => Err(INVALID),
        }
    };
    command.set(shapes::optional(ruleset), Settings::set_landlock)
}

fn landlock_path(command: Command<'_>) -> Result {
    let rule = |accesses, data: Data| Ok((LandlockFs::from_bits_retain(accesses), data.string()?));
    command.set(rule, |settings, (accesses, path)| settings.add_landlock_path(accesses, path))
}

fn landlock_port(command: Command<'_>) -> Result {
    let rule = |accesses, data: Data| Ok((LandlockNet::from_bits_retain(accesses), data.read::<u32>()?));
    command.set(rule, |settings, (accesses, port)| settings.add_landlock_port(accesses, port))
}

fn landlock_fd(command: Command<'_>) -> Result {
    let ruleset = |flags, data: Data| Ok((flags, data.read::<c_int>()?));
    command.set(ruleset, |settings, (flags, fd)| settings.copy_landlock_fd(fd, flags))
}

fn set_setgroups(command: Command<'_>) -> Result {
    let policy = |arg, data| match shapes::flags(arg, data)? {
        PROC_SETGROUPS_AUTO => Ok(Setgroups::Auto),
        PROC_SETGROUPS_ALLOW => Ok(Setgroups::Allow),
        PROC_SETGROUPS_DENY => Ok(Setgroups::Deny),
        _ => Err(INVALID),
    };
    command.set(policy, Settings::set_setgroups)
}

fn join_fd(command: Command<'_>) -> Result {
    let join = |flags, data: Data| Ok((flags, data.read::<c_int>()?));
    command.set(join, |settings, (flags, fd)| settings.add_join_fd(flags, fd))
}

fn join_path(command: Command<'_>) -> Result {
    let join = |flags, data: Data| Ok((flags, data.string()?));
    command.set(join, |settings, (flags, path)| settings.add_join_path(flags, path))
}

fn set_time_offset(command: Command<'_>) -> Result {
    // Seconds and nanoseconds, 64 bits each.
    let offset = |clock, data: Data| match data.list::<u64>(2)?.as_slice() {
        &[seconds, nanoseconds] => {
            Ok((i32::try_from(clock).map_err(|_| INVALID)?, seconds as i64, nanoseconds as i64))
        }
        _ => Err(INVALID),
    };
    command.set(offset, |settings, (clock, seconds, nanoseconds)| {
        settings.set_time_offset(clock, seconds, nanoseconds)
    })
}

fn set_scheduler(command: Command<'_>) -> Result {
    command.set(shapes::optional(shapes::scheduler), Settings::set_scheduler)
}

fn set_numa(command: Command<'_>) -> Result {
    // 1,024 nodes are the most that a kernel has.
    let mask = |mode, data: Data| Ok((mode, data.list::<u8>(128)?));
    command.set(mask, |settings, (mode, nodes)| settings.set_numa(mode, nodes))
}

fn set_speculation(command: Command<'_>) -> Result {
    let control = |feature, data: Data| match data.list::<u32>(1)?.as_slice() {
        [] => Ok((feature, None)),
        &[control, ..] => Ok((feature, Some(control))),
    };
    command.set(control, |settings, (feature, control)| settings.set_speculation(feature, control))
}

fn set_affinity(command: Command<'_>) -> Result {
    // 8,192 CPUs are the most that a kernel has.
    let mask = |arg, data| shapes::zero(arg, data)?.list::<u8>(1024);
    command.set(shapes::optional(mask), Settings::set_affinity)
}
