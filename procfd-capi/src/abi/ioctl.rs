// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The ioctl form.

use std::ffi::c_void;

/// procfd_ioctl: added to a command, its request whose third argument is the command's arg, without
/// data. `_IO(0xd0 + (command >> 8), command & 0xff)`.
pub const PROCFD_IOC_ARG: u32 = 0xd000;
/// procfd_ioctl: added to a command, its request whose third argument points to a struct procfd_ioctl_arg.
/// `_IOW(0xd0 + (command >> 8), command & 0xff, struct procfd_ioctl_arg)`.
pub const PROCFD_IOC_DATA: u32 = 0x4018_d000;
/// procfd_ioctl, on an open /proc directory: process_open, with the flags as the third argument.
/// `_IO(0xd0, 1)`.
pub const PROCFD_IOC_OPEN: u32 = 0xd001;
/// procfd_ioctl: send the signal in the third argument, an int, as PROC_SIGNAL does. The request of
/// the first proposal: `_IOW('p', 1, __s32)`.
pub const PROC_FD_SIGNAL: u32 = 0x4004_7001;

/// The third argument of a PROCFD_IOC_DATA request: what the call of the command takes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct procfd_ioctl_arg {
    /// The command's arg.
    pub arg: u64,
    /// The command's data, or NULL.
    pub data: *mut c_void,
    /// The size of the data, or 0.
    pub size: usize,
}
