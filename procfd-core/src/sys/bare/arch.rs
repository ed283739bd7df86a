// SPDX-License-Identifier: MIT OR Apache-2.0

//! The system call instruction, and the two clones that give the child a stack of its own.
//!
//! They are raw, because the child of a `CLONE_VM` clone must touch no lock of a libc wrapper. Nor may it touch
//! `errno`, which is in the parent's thread storage.

use core::ffi::c_void;

use super::{CloneArgs, Errno, Result, numbers};

/// The function that a child runs. A type, so that it is called by its name and not through a register.
pub(crate) trait Entry {
    /// Never returns; the stack has no frame above it.
    ///
    /// # Safety
    ///
    /// `arg` is what the clone was given.
    unsafe extern "C" fn enter(arg: *const c_void) -> !;
}

#[cfg(not(target_pointer_width = "64"))]
compile_error!("procfd is 64-bit only");

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
compile_error!("procfd needs the system call and clone sequence of this architecture in sys/bare/arch.rs");

/// One system call, the kernel's answer as it is (negative errno included).
///
/// # Safety
///
/// The caller owes what the system call asks of its arguments: above all, that each one that the
/// kernel takes as an address is valid for what the kernel reads or writes there.
#[inline(always)]
pub(crate) unsafe fn raw(nr: isize, a: [usize; 6]) -> isize {
    let ret: isize;
    // SAFETY: the register convention of syscall(2): the kernel changes the result register and the
    // clobbers named here, and no stack. The caller owes the arguments.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        core::arch::asm!(
            "syscall",
            inlateout("rax") nr => ret,
            in("rdi") a[0], in("rsi") a[1], in("rdx") a[2], in("r10") a[3], in("r8") a[4], in("r9") a[5],
            lateout("rcx") _, lateout("r11") _, options(nostack)
        );
        #[cfg(target_arch = "aarch64")]
        core::arch::asm!(
            "svc 0",
            in("x8") nr, inlateout("x0") a[0] => ret,
            in("x1") a[1], in("x2") a[2], in("x3") a[3], in("x4") a[4], in("x5") a[5], options(nostack)
        );
        #[cfg(target_arch = "riscv64")]
        core::arch::asm!(
            "ecall",
            in("a7") nr, inlateout("a0") a[0] => ret,
            in("a1") a[1], in("a2") a[2], in("a3") a[3], in("a4") a[4], in("a5") a[5], options(nostack)
        );
    }
    ret
}

/// An instruction that no processor has. The kernel ends the process with SIGILL, also where the signal is blocked or
/// ignored, and also the init of a pid namespace.
#[inline(always)]
pub(crate) fn trap() -> ! {
    // SAFETY: the instruction touches no memory and no register, and no code runs after it.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        core::arch::asm!("ud2", options(noreturn, nomem, nostack));
        #[cfg(target_arch = "aarch64")]
        core::arch::asm!("udf #0", options(noreturn, nomem, nostack));
        #[cfg(target_arch = "riscv64")]
        core::arch::asm!("unimp", options(noreturn, nomem, nostack));
    }
}

/// `clone3` whose child runs `E` on the stack named in `args`.
///
/// # Safety
///
/// With `CLONE_VM`, `E` must be fit for an address space that it shares with the parent. `arg` and the stack must
/// live until the child has executed or ended.
#[inline(never)]
pub(crate) unsafe fn clone3<E: Entry>(args: &CloneArgs, arg: *const c_void) -> Result<i32> {
    // SAFETY: the caller owes what `clone3_inline` asks for: the same `E`, `arg` and stack.
    unsafe { clone3_inline::<E>(args, arg) }
}

/// The same for a child, all of whose code is in one section.
///
/// # Safety
///
/// As for [`clone3`].
#[inline(always)]
pub(crate) unsafe fn clone3_inline<E: Entry>(args: &CloneArgs, arg: *const c_void) -> Result<i32> {
    let ret: isize;
    // SAFETY: in the parent this is a plain system call. The child starts here with a fresh stack
    // pointer, touches no parent frame and leaves for `E` at once.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        core::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r12",
            "call {entry}",
            "ud2",
            "2:",
            inlateout("rax") numbers::SYS_clone3 as isize => ret,
            in("rdi") args as *const CloneArgs, in("rsi") size_of::<CloneArgs>(),
            in("r12") arg, entry = sym E::enter,
            lateout("rcx") _, lateout("r11") _,
        );
        #[cfg(target_arch = "aarch64")]
        core::arch::asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x30, xzr",
            "mov x0, x20",
            "bl {entry}",
            "brk 1",
            "2:",
            in("x8") numbers::SYS_clone3,
            inlateout("x0") args as *const CloneArgs => ret,
            in("x1") size_of::<CloneArgs>(),
            in("x20") arg, entry = sym E::enter,
        );
        #[cfg(target_arch = "riscv64")]
        core::arch::asm!(
            "ecall",
            "bnez a0, 2f",
            "mv a0, s2",
            "call {entry}",
            "unimp",
            "2:",
            in("a7") numbers::SYS_clone3,
            inlateout("a0") args as *const CloneArgs => ret,
            in("a1") size_of::<CloneArgs>(),
            in("s2") arg, entry = sym E::enter,
        );
    }
    Errno::check(ret).map(|v| v as i32)
}

/// The old `clone` with the flags, stack and pidfd of `args`; for filters that refuse `clone3`, and
/// for a child that clones another, into whose section it is inlined.
///
/// # Safety
///
/// As for [`clone3`].
#[inline(always)]
pub(crate) unsafe fn clone<E: Entry>(args: &CloneArgs, arg: *const c_void) -> Result<i32> {
    let ret: isize;
    let flags = args.flags | args.exit_signal;
    let top = args.stack + args.stack_size;
    // SAFETY: as in clone3 above: in the parent a system call, which reads nothing but registers and writes
    // the words that `args` names; the child leaves for `E` at once, on its own stack.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        core::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r12",
            "call {entry}",
            "ud2",
            "2:",
            inlateout("rax") numbers::SYS_clone as isize => ret,
            in("rdi") flags, in("rsi") top, in("rdx") args.pidfd,
            in("r10") args.child_tid, in("r8") 0,
            in("r12") arg, entry = sym E::enter,
            lateout("rcx") _, lateout("r11") _,
        );
        #[cfg(target_arch = "aarch64")]
        core::arch::asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x30, xzr",
            "mov x0, x20",
            "bl {entry}",
            "brk 1",
            "2:",
            in("x8") numbers::SYS_clone,
            inlateout("x0") flags => ret,
            in("x1") top, in("x2") args.pidfd, in("x3") 0, in("x4") args.child_tid,
            in("x20") arg, entry = sym E::enter,
        );
        #[cfg(target_arch = "riscv64")]
        core::arch::asm!(
            "ecall",
            "bnez a0, 2f",
            "mv a0, s2",
            "call {entry}",
            "unimp",
            "2:",
            in("a7") numbers::SYS_clone,
            inlateout("a0") flags => ret,
            in("a1") top, in("a2") args.pidfd, in("a3") 0, in("a4") args.child_tid,
            in("s2") arg, entry = sym E::enter,
        );
    }
    Errno::check(ret).map(|v| v as i32)
}
