// SPDX-License-Identifier: MIT OR Apache-2.0

//! The part of the library's `sys` that needs neither std nor libc.

#[path = "../../sys/bare/mod.rs"]
pub(crate) mod bare;

pub(crate) use bare::*;
