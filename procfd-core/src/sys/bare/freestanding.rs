// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a program needs that has no libc: its start, and the functions that the compiler calls.

#[cfg(target_arch = "x86_64")]
core::arch::global_asm!(
    ".globl _start",
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "and rsp, -16",
    "call {start}",
    "ud2",
    start = sym start,
);
#[cfg(target_arch = "aarch64")]
core::arch::global_asm!(
    ".globl _start",
    "_start:",
    "mov x29, xzr",
    "mov x30, xzr",
    "mov x0, sp",
    "bl {start}",
    "brk 1",
    start = sym start,
);
// No global pointer is set up: the link is told not to relax to one.
#[cfg(target_arch = "riscv64")]
core::arch::global_asm!(
    ".globl _start",
    "_start:",
    "mv a0, sp",
    "andi sp, sp, -16",
    "call {start}",
    "unimp",
    start = sym start,
);

/// The arguments that are numbers, after argument 0.
pub(crate) const NUMBERS: usize = 8;

/// The kernel's first stack: argc, then the arguments. Calls `main` of the program with the number of its
/// arguments and with the first of them, in decimal.
unsafe extern "C" fn start(stack: *const usize) -> ! {
    // SAFETY: `_start` passes the stack pointer of the exec, at which execve(2) has put argc.
    let count = unsafe { *stack };
    // SAFETY: behind argc execve(2) has put as many pointers and a NULL.
    let first = unsafe { stack.add(1).cast::<*const u8>() };
    let mut numbers = [0u64; NUMBERS];
    for (i, number) in numbers.iter_mut().enumerate() {
        if i + 1 < count {
            // SAFETY: argument i + 1 exists, and execve(2) ends each argument with a NUL.
            *number = unsafe { decimal(*first.add(i + 1)) };
        }
    }
    crate::main(count, &numbers)
}

/// # Safety
///
/// `text` ends with a NUL.
unsafe fn decimal(mut text: *const u8) -> u64 {
    let mut value = 0u64;
    loop {
        // SAFETY: the caller owes a NUL, and the loop ends at it, so the byte is in the string.
        let digit = unsafe { *text }.wrapping_sub(b'0');
        if digit > 9 {
            return value;
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        // SAFETY: the byte was a digit, so the string goes on.
        text = unsafe { text.add(1) };
    }
}

// The crate is `no_builtins`: else the compiler would make these loops into calls of themselves.

/// # Safety
///
/// As memset(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, len: usize) -> *mut u8 {
    for i in 0..len {
        // SAFETY: the caller owes `len` writable bytes at `to`.
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
        // SAFETY: the caller owes `len` readable bytes at `from` and `len` writable ones at `to`, which do
        // not overlap.
        unsafe { to.add(i).write(from.add(i).read()) };
    }
    to
}

/// # Safety
///
/// As memcmp(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, len: usize) -> i32 {
    for i in 0..len {
        // SAFETY: the caller owes `len` readable bytes at both.
        let (a, b) = unsafe { (one.add(i).read(), other.add(i).read()) };
        if a != b {
            return i32::from(a) - i32::from(b);
        }
    }
    0
}
