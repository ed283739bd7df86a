// SPDX-License-Identifier: MIT OR Apache-2.0

//! The functions that the compiler calls for arrays, since there is no libc to have them.
//!
//! The crate is `no_builtins`: else these loops would be compiled into calls of themselves.

/// # Safety
///
/// As memset(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, len: usize) -> *mut u8 {
    for i in 0..len {
        // SAFETY: the caller owes `len` bytes.
        unsafe { to.add(i).write(byte as u8) };
    }
    to
}

/// # Safety
///
/// As memcpy(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, len: usize) -> *mut u8 {
    for i in 0..len {
        // SAFETY: the caller owes `len` bytes at both, apart from each other.
        unsafe { to.add(i).write(from.add(i).read()) };
    }
    to
}
