// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Why a call failed: its descriptor, its command, its arguments, or the process.

use std::ffi::c_int;

use procfd::ffi;
use procfd::{Errno, ProcessState};

use super::commands;
use super::takes::{Holds, Takes};
use crate::abi::*;
use crate::args::Data;
use crate::manage;

/// The call that failed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Config,
    Manage,
    Info,
}

impl Call {
    fn name(self) -> &'static str {
        match self {
            Self::Config => "process_config()",
            Self::Manage => "process_manage()",
            Self::Info => "process_info()",
        }
    }

    /// The call that a command belongs to, by its number.
    fn of(cmd: u32) -> Option<Self> {
        match cmd >> 8 {
            1 => Some(Self::Config),
            2 => Some(Self::Manage),
            3 => Some(Self::Info),
            _ => None,
        }
    }
}

/// A sentence about a call that failed with an errno.
pub(crate) fn explain(call: Call, procfd: c_int, cmd: u32, arg: u64, data: Data, errno: Errno) -> String {
    let takes = commands::find(cmd);
    let name = takes.map_or_else(|| format!("command {cmd:#x}"), |takes| takes.name.to_owned());
    // Answers rather than mistakes: no look at the descriptor.
    match errno.0 {
        libc::EAGAIN if matches!(cmd, PROC_WAIT | PROC_CHANGES) => {
            return format!("{name}: nothing has changed yet");
        }
        libc::ETIMEDOUT => return format!("{name}: nothing has changed within timeout_ns"),
        libc::EINTR => return format!("{name}: a signal handler has run"),
        libc::EALREADY => return format!("{name}: the process is not suspended"),
        _ => {}
    }
    if let Some(text) = descriptor(call, procfd, cmd, errno) {
        return format!("{name}: {text}");
    }
    let Some(takes) = takes else {
        return format!("{name}: {} has no such command", call.name());
    };
    let shared = call == Call::Manage && manage::SHARED.contains(&cmd);
    if let Some(right) = Call::of(cmd).filter(|right| *right != call && !shared) {
        return format!("{name} is a command of {}, not of {}", right.name(), call.name());
    }
    if let Some(text) = argument(takes, arg, data, errno) {
        return text;
    }
    if let Some(text) = proc_is_missing(call, errno) {
        return format!("{name}: {text}: {errno}");
    }
    if let Some(text) = of_the_process(cmd, procfd, errno) {
        return format!("{name}: {text}");
    }
    match (errno.0, ffi::state(procfd)) {
        (libc::ESRCH, Ok(ProcessState::Configuring)) => format!("{name}: the process is not started yet"),
        (libc::ESRCH, _) => format!("{name}: the process has ended"),
        (libc::EINVAL, _) => format!("{name}: {}", whole(takes, arg, data)),
        (libc::EPERM | libc::EACCES, _) => format!("{name}: you may not do this to the process: {errno}"),
        _ => format!("{name}: {errno}"),
    }
}

/// What is wrong with the arguments of a command of process_config, whose descriptor is right.
pub(crate) fn arguments(cmd: u32, arg: u64, data: Data, errno: Errno) -> String {
    match (commands::find(cmd), Call::of(cmd)) {
        (Some(takes), Some(Call::Config)) => argument(takes, arg, data, errno)
            .unwrap_or_else(|| format!("{}: {}", takes.name, whole(takes, arg, data))),
        (Some(takes), Some(right)) => {
            format!("{} is a command of {}, not of {}", takes.name, right.name(), Call::Config.name())
        }
        _ => format!("command {cmd:#x}: {} has no such command", Call::Config.name()),
    }
}

fn descriptor(call: Call, procfd: c_int, cmd: u32, errno: Errno) -> Option<String> {
    if procfd == -1 && matches!(cmd, PROC_SNAPSHOT | PROC_CHANGES) {
        return None;
    }
    let found = match call {
        Call::Config => ffi::configuring(procfd).map(drop),
        _ => ffi::state(procfd).map(drop),
    };
    if found != Err(errno) {
        return None;
    }
    Some(match (errno.0, call) {
        (libc::EBADF, _) => format!("descriptor {procfd} is not open"),
        (libc::EINVAL, Call::Config) => format!("descriptor {procfd} is no procfd"),
        (libc::EINVAL, _) => {
            format!("descriptor {procfd} is no procfd, pidfd or /proc/PID directory")
        }
        (libc::EPERM, Call::Config) if ffi::is_placeholder(procfd) => format!(
            "descriptor {procfd} is a copy of a placeholder (PROCFD_PIDFD): only the number that process_open() \
             returned is the context, in the process that called it"
        ),
        (libc::EPERM, Call::Config) => {
            format!("another process has opened procfd {procfd}, and only that one may configure it")
        }
        (libc::EBUSY, Call::Config) => {
            format!("the process of procfd {procfd} is started already: configure before PROC_CREATE")
        }
        _ => return None,
    })
}

/// The argument that is wrong, and what the command takes in its place.
fn argument(takes: &Takes, arg: u64, data: Data, errno: Errno) -> Option<String> {
    let name = takes.name;
    let size = data.size();
    if !matches!(errno.0, libc::EINVAL | libc::EFAULT | libc::E2BIG | libc::ENAMETOOLONG | libc::EBADF) {
        return None;
    }
    let given = !data.is_null() || size != 0;
    match takes.data {
        Holds::Nothing if given => return Some(format!("{name} takes no data: data NULL and size 0")),
        Holds::Strings if size != 0 && !data.is_null() => {
            return Some(format!("{name} takes size 0, not {size}: the array ends with NULL"));
        }
        _ => {}
    }
    if takes.arg == "0" && arg != 0 {
        return Some(format!("{name} takes arg 0, not {arg}"));
    }
    let what = holds(takes);
    match (errno.0, &takes.data) {
        (libc::EFAULT, _) if data.is_null() => Some(format!("{name} takes {what}, and data is NULL")),
        (libc::EFAULT, _) => Some(format!("{name} takes {what}: data, or a pointer in it, is no address")),
        (libc::E2BIG, Holds::Struct(of, known)) if size > *known => Some(format!(
            "{name}: size {size} is beyond the {known} bytes of struct {of} in this version, and the rest is not 0"
        )),
        (libc::E2BIG, Holds::Strings) => Some(format!(
            "{name}: one of the strings is too long (131,071 bytes at most), or there are too many of them"
        )),
        (libc::E2BIG, _) => Some(format!("{name}: size {size} is more than it takes")),
        (libc::ENAMETOOLONG, _) => {
            Some(format!("{name}: the string is too long: it has more than 131,071 bytes"))
        }
        (libc::EINVAL, Holds::Struct(of, known)) if given && size < 8 => {
            Some(format!("{name} takes size sizeof(struct {of}), {known}, not {size}"))
        }
        (libc::EINVAL, Holds::Array(of, element)) if size % element != 0 => {
            Some(format!("{name} takes an array of {of}: size {size} is not a multiple of {element}"))
        }
        (libc::EINVAL, Holds::String) if size != 0 => Some(format!(
            "{name}: the {size} bytes of data have a NUL before their end; size 0 takes a string up to its NUL"
        )),
        (libc::EINVAL | libc::EBADF, Holds::Nothing) if takes.arg != "0" => {
            Some(format!("{name} takes in arg {}, not {}", takes.arg, number(arg)))
        }
        _ => None,
    }
}

/// What an errno means that is about the process and not about the arguments.
fn of_the_process(cmd: u32, procfd: c_int, errno: Errno) -> Option<String> {
    Some(match (errno.0, cmd) {
        (libc::EINVAL, PROC_SET_CLOSE) if ffi::configuring(procfd).map(drop) == Err(errno) => {
            format!("descriptor {procfd} is no procfd: pidfds and /proc/PID directories hold no close policy")
        }
        (libc::ECHILD, PROC_WAIT) => {
            "the kernel reports stops and continuations to the parent only, and the process is not your child"
                .into()
        }
        (libc::ENODATA, PROC_WAIT) => "the process has ended, and its status is no longer available".into(),
        (libc::EREMOTE, _) => {
            "the process is outside your pid namespace, or /proc belongs to another one".into()
        }
        _ => return None,
    })
}

/// Without a /proc the caller cannot know what the errno means.
fn proc_is_missing(call: Call, errno: Errno) -> Option<&'static str> {
    let may_be = call != Call::Config && matches!(errno.0, libc::EOPNOTSUPP | libc::ENOENT);
    (may_be && !std::path::Path::new("/proc/self/stat").exists())
        .then_some("it needs /proc, which is not mounted")
}

/// Why an array of entries is refused: `count` is the name of the field that says how many there are.
pub(crate) fn entries(first: usize, size: u64, (count, room): (&str, u64), errno: Errno) -> String {
    match errno.0 {
        libc::EFAULT => format!("entries is no address, and {count} is {room}"),
        libc::EINVAL if size < 8 || size % 8 != 0 => {
            format!("entry_size {size} is not that of an entry: it is 8 at least, and a multiple of 8")
        }
        libc::EINVAL => format!("entries {first:#x} is not aligned to 8 bytes"),
        libc::E2BIG => {
            format!("entry_size {size} or {count} {room} is too large, or an entry has a tail that is not 0")
        }
        _ => errno.to_string(),
    }
}

/// All that a command takes, where no single argument can be told to be wrong.
fn whole(takes: &Takes, arg: u64, data: Data) -> String {
    format!(
        "it takes arg {} and {}; a value in them (arg {}, size {}) is not one it knows",
        takes.arg,
        holds(takes),
        number(arg),
        data.size()
    )
}

fn holds(takes: &Takes) -> String {
    let what = match takes.data {
        Holds::Nothing => "no data".to_owned(),
        Holds::String => "data a string".to_owned(),
        Holds::Strings => "data a NULL-terminated array of strings".to_owned(),
        Holds::Struct(of, size) => format!("data a struct {of} (size {size})"),
        Holds::Array(of, _) => format!("data an array of {of}"),
        Holds::Buffer => "data a buffer of size bytes".to_owned(),
    };
    if takes.optional { format!("{what}, or NULL with size 0") } else { what }
}

/// A number as the caller wrote it: small negative ones as such, flags in hexadecimal.
fn number(arg: u64) -> String {
    match arg as i64 {
        n @ -65_536..=0xffff => n.to_string(),
        _ => format!("{arg:#x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::data_at;

    #[test]
    fn the_wrong_argument_is_named() {
        let pointer = [0u64; 4].as_mut_ptr().cast();
        let said = |cmd, arg, size, errno| arguments(cmd, arg, data_at(pointer, size), Errno(errno));
        assert_eq!(
            said(PROC_SET_ARGV, 0, 16, libc::EINVAL),
            "PROC_SET_ARGV takes size 0, not 16: the array ends with NULL"
        );
        assert_eq!(
            said(PROC_SET_RLIMIT, 7, 0, libc::EINVAL),
            "PROC_SET_RLIMIT takes size sizeof(struct procfd_rlimit), 16, not 0"
        );
        assert_eq!(said(PROC_FD_DUP, 3, 8, libc::EINVAL), "PROC_FD_DUP takes arg 0, not 3");
        assert_eq!(
            said(PROC_SIGNAL, 15, 0, libc::EINVAL),
            "PROC_SIGNAL is a command of process_manage(), not of process_config()"
        );
        assert_eq!(said(0x9999, 0, 0, libc::EINVAL), "command 0x9999: process_config() has no such command");
        assert_eq!(said(PROC_CREATE, 0, 8, libc::EINVAL), "PROC_CREATE takes no data: data NULL and size 0");
    }
}
