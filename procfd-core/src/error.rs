// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What failed: the step, which of several, its errno, and a sentence for a person.

use std::fmt;
use std::io;

pub use crate::sys::Errno;

/// A step of configuration or creation. The numbers are stable.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stage(u32);

macro_rules! stages {
    ($($(#[$doc:meta])* $name:ident = $number:literal $text:literal;)*) => {
        impl Stage {
            $($(#[$doc])* pub const $name: Self = Self($number);)*

            /// A description of the step, as in an error message.
            pub fn name(self) -> &'static str {
                match self.0 {
                    $($number => $text,)*
                    _ => "unknown step",
                }
            }
        }
    };
}

mod stages;

impl Stage {
    pub(crate) fn from_raw(number: u32) -> Self {
        Self(number)
    }

    /// The stable number.
    pub const fn as_raw(self) -> u32 {
        self.0
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stage({}: {})", self.0, self.name())
    }
}

/// Why a configuration or a creation failed.
#[derive(Clone, Debug)]
pub struct Error {
    stage: Stage,
    index: u32,
    errno: Errno,
    message: String,
}

impl Error {
    /// `what` names the operand, or is empty; a hint stands for itself.
    #[cold]
    pub(crate) fn new(stage: Stage, index: u32, errno: Errno, what: impl fmt::Display) -> Self {
        let what = what.to_string();
        let message = match (stage, errno.0) {
            // The operand says it all.
            (Stage::CONFIG, _) if !what.is_empty() => format!("{what}: {errno}"),
            (Stage::FD, _) if !what.is_empty() => format!("descriptor action {what}: {errno}"),
            (Stage::PLAN, libc::EINVAL) => format!("the configuration contradicts itself: {what}: {errno}"),
            (Stage::PLAN, _) if !what.is_empty() => format!("{}: {what}: {errno}", stage.name()),
            _ if what.is_empty() => format!("{}: {errno}", stage.name()),
            _ => format!("{} {what}: {errno}", stage.name()),
        };
        Self { stage, index, errno, message }
    }

    /// As [`Error::new`], with a sentence of what to do.
    #[cold]
    pub(crate) fn hint(mut self, hint: &str) -> Self {
        self.message.push_str(" (");
        self.message.push_str(hint);
        self.message.push(')');
        self
    }

    #[cold]
    pub(crate) fn config(errno: i32, what: impl fmt::Display) -> Self {
        Self::new(Stage::CONFIG, 0, Errno(errno), what)
    }

    #[cold]
    pub(crate) fn plan(errno: i32, what: impl fmt::Display) -> Self {
        Self::new(Stage::PLAN, 0, Errno(errno), what)
    }

    /// An argument of process_config that is wrong, in its own words.
    #[cold]
    pub(crate) fn argument(errno: i32, message: String) -> Self {
        Self { stage: Stage::CONFIG, index: 0, errno: Errno(errno), message }
    }

    /// An error that is not of a step, in its own words.
    #[cold]
    pub(crate) fn foreign(errno: i32, message: String) -> Self {
        Self { stage: Stage::NONE, index: 0, errno: Errno(errno), message }
    }

    /// The step that failed.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Which of several: an action's position, a resource, a signal, a PATH entry.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The errno of the step.
    pub fn raw_os_error(&self) -> i32 {
        self.errno.0
    }

    /// The errno as std classifies it.
    pub fn kind(&self) -> io::ErrorKind {
        io::Error::from(self.errno).kind()
    }

    /// The sentence that [`Display`](fmt::Display) shows.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    /// Keeps the errno ([`io::Error::raw_os_error`]), not the message.
    fn from(e: Error) -> Self {
        e.errno.into()
    }
}
