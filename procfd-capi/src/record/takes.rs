// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What arg and data of a command hold.

/// What a command takes.
pub(super) struct Takes {
    pub(super) cmd: u32,
    pub(super) name: &'static str,
    /// In words; "0" where arg has no meaning.
    pub(super) arg: &'static str,
    pub(super) data: Holds,
    /// NULL and size 0 is allowed too.
    pub(super) optional: bool,
}

/// What data points to.
pub(super) enum Holds {
    Nothing,
    String,
    Strings,
    /// The name of the structure, and its size here.
    Struct(&'static str, usize),
    /// Elements of a size.
    Array(&'static str, usize),
    /// A buffer for an answer of any length.
    Buffer,
}

macro_rules! takes {
    ($($cmd:ident $arg:literal $data:expr, $optional:literal;)*) => {
        &[$(Takes { cmd: $cmd, name: stringify!($cmd), arg: $arg, data: $data, optional: $optional }),*]
    };
}
pub(super) use takes;

macro_rules! holds {
    ($name:ident) => {
        Holds::Struct(stringify!($name), size_of::<$name>())
    };
}
pub(super) use holds;
