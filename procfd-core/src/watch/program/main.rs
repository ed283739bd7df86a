// SPDX-License-Identifier: MIT OR Apache-2.0
#![no_std]
#![no_builtins]
#![deny(unsafe_op_in_unsafe_fn)]

//! The watcher program, and the built-in init of a pid namespace.
//!
//! A static executable without libc, built by the build script and carried in the library. Its
//! memory is its stack, one page of table for 128 pairs, and the few pages of its code.
//!
//! It is started with all signals blocked, without environment, with the control socket (or the
//! init's fuse) as its only descriptor, 0. Its argument 0 is for people; an init has further ones.

#[path = "init.rs"]
mod init;
#[path = "memory.rs"]
mod memory;
#[path = "../proto.rs"]
mod proto;
#[path = "requests.rs"]
mod requests;
#[path = "sys.rs"]
mod sys;
#[path = "table.rs"]
mod table;
#[path = "watch.rs"]
mod watch;

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

/// The kernel's first stack: argc, then the arguments.
unsafe extern "C" fn start(stack: *const usize) -> ! {
    // SAFETY: execve(2) puts argc there, and behind it as many pointers and a NULL.
    let (count, first) = unsafe { (*stack, stack.add(1).cast::<*const u8>()) };
    if count <= 1 {
        watch::run()
    }
    let mut numbers = [0u64; 4];
    for (i, number) in numbers.iter_mut().enumerate() {
        if i + 1 < count {
            // SAFETY: argument i + 1 exists and ends with a NUL.
            *number = unsafe { decimal(*first.add(i + 1)) };
        }
    }
    init::run(&numbers)
}

/// # Safety
///
/// `text` ends with a NUL.
unsafe fn decimal(mut text: *const u8) -> u64 {
    let mut value = 0u64;
    loop {
        // SAFETY: not past the NUL, at which the loop ends.
        let digit = unsafe { *text }.wrapping_sub(b'0');
        if digit > 9 {
            return value;
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        // SAFETY: the byte was not the NUL.
        text = unsafe { text.add(1) };
    }
}

/// Nothing here panics; the language asks for it.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    sys::exit(101)
}
