// SPDX-License-Identifier: MIT OR Apache-2.0

//! The system call instruction and the clones of the library, without the library.

#[path = "../../src/sys/bare/mod.rs"]
pub mod bare;
