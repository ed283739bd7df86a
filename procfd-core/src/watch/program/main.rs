// SPDX-License-Identifier: MIT OR Apache-2.0
#![no_std]
#![no_builtins]
#![deny(unsafe_op_in_unsafe_fn)]

//! The watcher program, and the built-in init of a pid namespace.
//!
//! A static executable without libc, built by the build script and carried in the library. Its
//! memory is its stack, one page of table for 73 pairs, and the few pages of its code.
//!
//! It is started with all signals blocked, without environment, with the control socket (or the
//! init's fuse) as its only descriptor, 0. Its argument 0 is for people; an init has further ones.

#[path = "cgroups.rs"]
mod cgroups;
#[path = "init.rs"]
mod init;
#[path = "leaves.rs"]
mod leaves;
#[path = "../proto.rs"]
mod proto;
#[path = "requests.rs"]
mod requests;
#[path = "state.rs"]
mod state;
#[path = "sys.rs"]
mod sys;
#[path = "table.rs"]
mod table;
#[path = "watch.rs"]
mod watch;

/// With numbers as arguments the init, else the watcher.
pub(crate) fn main(count: usize, numbers: &[u64; sys::NUMBERS]) -> ! {
    if count <= 1 { watch::run() } else { init::run(numbers) }
}

/// Nothing here panics; the language asks for it.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    sys::exit(101)
}

/// The `core` of some targets names it in its unwind tables, which the linker removes after it has
/// looked the name up.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() -> ! {
    sys::exit(101)
}
