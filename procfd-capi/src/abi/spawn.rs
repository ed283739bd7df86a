// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What procfd_spawn takes.

use std::ffi::{c_char, c_int, c_void};

/// procfd_spawn.stdio: your own stream.
pub const PROCFD_STDIO_INHERIT: u32 = 0;
/// procfd_spawn.stdio: a new pipe, whose other end is in pipes.
pub const PROCFD_STDIO_PIPE: u32 = 1;
/// procfd_spawn.stdio: /dev/null.
pub const PROCFD_STDIO_NULL: u32 = 2;
/// procfd_spawn.stdio: your descriptor in fds.
pub const PROCFD_STDIO_FD: u32 = 3;
/// procfd_spawn.stdio, of standard error only: where standard output goes.
pub const PROCFD_STDIO_STDOUT: u32 = 4;
/// procfd_spawn.stdio, of standard input only: the bytes of input, as PROC_FD_DATA has them.
pub const PROCFD_STDIO_DATA: u32 = 5;

/// Options of procfd_spawn; all zero for none.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct procfd_spawn {
    /// Those of process_open: PROCFD_NO_WATCH, PROCFD_AUTOREAP, PROCFD_PIDFD.
    pub flags: u64,
    /// The program, if it is not the first argument. The call searches your PATH for a name without a slash.
    pub program: *const c_char,
    /// The whole environment, a NULL-terminated array of NAME=value; NULL for yours.
    pub env: *const *const c_char,
    /// The directory in which it starts; NULL for yours. A relative path of the program begins there.
    pub cwd: *const c_char,
    /// Out: three descriptors, your ends of the pipes, close-on-exec; -1 for a stream that is no pipe, and for an end
    /// that another thread has closed.
    /// May be NULL where none is.
    pub pipes: *mut c_int,
    /// The signal that the kernel sends to the process alone when the last procfd is closed, as PROC_SET_CLOSE; 0
    /// for none.
    pub close_signal: u32,
    /// Standard input, output and error: PROCFD_STDIO_*.
    pub stdio: [u32; 3],
    /// Your descriptors of the streams that are PROCFD_STDIO_FD; the others are ignored.
    pub fds: [i32; 3],
    /// Must be 0.
    pub reserved: u32,
    /// The bytes of a standard input that is PROCFD_STDIO_DATA; else NULL.
    pub input: *const c_void,
    /// The length of input.
    pub input_size: usize,
}
