// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The commands of the other calls as ioctl requests.
//!
//! A request is `_IOC(direction, 0xd0 + family, number, size)`: the sixteen low bits are 0xd000 + the
//! command, whatever the command, so that a new one needs nothing here.

use std::ffi::{c_int, c_void};

use procfd::Errno;
use procfd::ffi;

use crate::Result;
use crate::abi::*;
use crate::args::{Data, data_at};
use crate::{config, info, manage};

const INVALID: Errno = Errno(libc::EINVAL);
const NOT_FOR_THIS: Errno = Errno(libc::ENOTTY);
const NOT_OPEN: Errno = Errno(libc::EBADF);
/// The bits of a request that all of ours have in common: the type, less its family.
const OURS: u32 = 0xfc00;
/// `_IOC_NONE` and `_IOC_WRITE` of asm-generic.
const NONE: u32 = 0;
const WRITE: u32 = 1;
/// Of the first version: a longer one is of a later.
const STRUCT: usize = size_of::<procfd_ioctl_arg>();

pub(crate) fn ioctl(fd: c_int, request: u32, argument: *mut c_void) -> Result {
    if request == PROC_FD_SIGNAL {
        // An int: the upper half of its register has no meaning.
        let signal = argument.addr() as u32;
        return call(fd, PROC_SIGNAL, u64::from(signal), no_data());
    }
    let (direction, size) = (request >> 30, (request >> 16 & 0x3fff) as usize);
    let (family, command) = (request >> 8 & 3, request & 0x3ff);
    match (request & OURS, direction, size) {
        (PROCFD_IOC_ARG, NONE, 0) if family > 0 => call(fd, command, argument.addr() as u64, no_data()),
        (PROCFD_IOC_ARG, WRITE, STRUCT..) if family > 0 => {
            match data_at(argument, size).read::<procfd_ioctl_arg>() {
                Ok(of) => call(fd, command, of.arg, data_at(of.data, of.size)),
                Err(e) => Err(refused(fd, command, e)),
            }
        }
        // An open /proc stands for what process_open asks, as nothing else is there yet.
        _ if ffi::is_proc(fd)? && request == PROCFD_IOC_OPEN => ffi::open(argument.addr() as u64),
        _ => Err(NOT_FOR_THIS),
    }
}

fn no_data() -> Data {
    data_at(std::ptr::null_mut(), 0)
}

fn call(fd: c_int, command: u32, arg: u64, data: Data) -> Result {
    match of_family(fd, command, arg, data) {
        // Questions that are about no one process take -1 for a descriptor, of which there is no ioctl.
        Err(INVALID) if command >> 8 == 3 && ffi::is_proc(fd) == Ok(true) => {
            of_family(-1, command, arg, data).map_err(|e| if e == NOT_OPEN { NOT_FOR_THIS } else { e })
        }
        done => done.map_err(|e| refused(fd, command, e)),
    }
}

fn of_family(fd: c_int, command: u32, arg: u64, data: Data) -> Result {
    match command >> 8 {
        1 if is_managed(fd, command) => manage::manage(fd, command, arg, data),
        1 => config::config(fd, command, arg, data),
        2 => manage::manage(fd, command, arg, data),
        _ => info::info(fd, command, arg, data),
    }
}

/// Whether a command of two calls means that of `process_manage`: where a process is there.
fn is_managed(fd: c_int, command: u32) -> bool {
    manage::SHARED.contains(&command)
        && matches!(ffi::state(fd), Ok(state) if state != procfd::ProcessState::Configuring)
}

/// ENOTTY, as for any device, if the descriptor is nothing that the command is for; else why the
/// command failed. Only here is the descriptor looked at twice: where the arguments were refused, which
/// some commands look at first, or the descriptor was.
fn refused(fd: c_int, command: u32, errno: Errno) -> Errno {
    if !matches!(errno.0, libc::EINVAL | libc::EFAULT | libc::E2BIG | libc::ENAMETOOLONG | libc::EBADF) {
        return errno;
    }
    let kind = match command >> 8 {
        1 if !manage::SHARED.contains(&command) => ffi::configuring(fd).map(|_| ()),
        _ => ffi::state(fd).map(|_| ()),
    };
    match kind {
        Err(INVALID) => NOT_FOR_THIS,
        Err(NOT_OPEN) => NOT_OPEN,
        _ => errno,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_of_their_formula() {
        let iow =
            |kind: u32, number: u32, size: usize| WRITE << 30 | (size as u32) << 16 | kind << 8 | number;
        assert_eq!(PROC_FD_SIGNAL, iow(u32::from(b'p'), 1, 4));
        assert_eq!(PROCFD_IOC_DATA + PROC_WAIT, iow(0xd2, 1, size_of::<procfd_ioctl_arg>()));
        assert_eq!(PROCFD_IOC_ARG + PROC_INFO_PID, 0xd3 << 8 | 2);
    }

    #[test]
    fn requests_of_others_are_not_for_us() {
        let null = std::ptr::null_mut();
        for request in
            [0, 0x5401, 0x7001, 0xff0b, 0xd000, 0xd002, 0xd400, 0xcfff, 0x8000_d301, 0x4017_d301, !0]
        {
            assert_eq!(ioctl(0, request, null), Err(NOT_FOR_THIS), "{request:#x}");
            assert_eq!(ioctl(-1, request, null), Err(Errno(libc::EBADF)), "{request:#x}");
        }
    }
}
