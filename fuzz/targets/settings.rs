// SPDX-License-Identifier: MIT OR Apache-2.0
//! A context and what a command of it is given. What a structure has as a pointer leads to memory, or is NULL.

use std::ffi::c_void;

use procfd_capi::abi::*;

/// Commands whose data have pointers.
const FOLLOWS: [u32; 4] = [PROC_SET_ARGV, PROC_SET_ENV, PROC_FD_OPEN, PROC_MOUNT];
/// Commands that start, bind or copy.
const STARTS: [u32; 3] = [PROC_CREATE, PROC_ATTACH, PROC_COPY];

/// The bytes in memory of exactly their size: a read beyond them is found. Words of a command with pointers are made
/// pointers, and the last is NULL.
pub fn data_of(command: u32, bytes: &[u8]) -> Vec<u64> {
    const TEXTS: [*const std::ffi::c_char; 4] =
        [c"/dev/null".as_ptr(), c"A=b".as_ptr(), c"".as_ptr(), std::ptr::null()];
    let words = bytes.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap_or_default()));
    if FOLLOWS.contains(&command) {
        return words.map(|word| TEXTS[word as usize % 4] as u64).chain([0]).collect();
    }
    words.chain([0]).collect()
}

/// A configuring context with a program, and one call by `call`. Then its plan.
pub fn with_context(command: u32, call: impl FnOnce(i32) -> i32) {
    if STARTS.contains(&command) || command == PROC_SET_NO_TSC {
        return;
    }
    let fd = procfd_capi::process_open(PROCFD_NO_WATCH);
    assert!(fd >= 0);
    let answer = call(fd);
    assert!(answer >= -1);
    let is_end = matches!(command, PROC_FD_PIPE | PROC_SET_PTY);
    let mut plan = [0u8; 4096];
    // SAFETY: `plan` has that size. The numbers are those of this function, or what it has just got.
    unsafe {
        procfd_capi::process_config(fd, PROC_SET_EXEC, 0, c"/bin/true".as_ptr().cast_mut().cast(), 0);
        procfd_capi::process_info(fd, PROC_INFO_PLAN, 0, plan.as_mut_ptr().cast::<c_void>(), plan.len());
        if is_end && answer > 2 {
            libc::close(answer);
        }
        libc::close(fd);
    }
}
