// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The standard streams of a child, and our ends of its pipes.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;

use crate::error::Error;
use crate::settings::{Context, PipeWay};
use crate::sys;

/// A standard stream of a child. Anything that turns into an [`OwnedFd`] turns into it: a file, a socket, an
/// end of a pipe, the stream of another [`Child`](crate::Child).
#[derive(Clone, Debug)]
pub struct Stdio(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Inherit,
    Null,
    Piped,
    Data(Arc<Vec<u8>>),
    Fd(Arc<OwnedFd>),
}

impl Stdio {
    /// Your own stream.
    pub fn inherit() -> Self {
        Self(Kind::Inherit)
    }

    /// `/dev/null`.
    pub fn null() -> Self {
        Self(Kind::Null)
    }

    /// A new pipe, whose other end is in the [`Child`](crate::Child).
    pub fn piped() -> Self {
        Self(Kind::Piped)
    }

    /// These bytes, to be read from the beginning: a sealed file in memory, which each child has for itself.
    ///
    /// ```
    /// use procfd::{Command, Stdio};
    ///
    /// let output = Command::new("sort").stdin(Stdio::data("b\na\n")).output()?;
    /// assert_eq!(output.stdout, b"a\nb\n");
    /// # Ok::<(), procfd::Error>(())
    /// ```
    pub fn data(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Kind::Data(Arc::new(bytes.into())))
    }
}

impl<T: Into<OwnedFd>> From<T> for Stdio {
    /// The command keeps the descriptor, for the next child too: drop the command before you wait for the end
    /// of a pipe that you gave it.
    fn from(fd: T) -> Self {
        Self(Kind::Fd(Arc::new(fd.into())))
    }
}

/// The three streams, as far as they are set.
#[derive(Default)]
pub(super) struct Streams {
    pub(super) input: Option<Stdio>,
    pub(super) output: Option<Stdio>,
    pub(super) error: Option<Stdio>,
}

/// Our ends of the pipes.
#[derive(Default)]
pub(super) struct Ours {
    pub(super) input: Option<OwnedFd>,
    pub(super) output: Option<OwnedFd>,
    pub(super) error: Option<OwnedFd>,
}

impl Streams {
    /// Puts the streams first in the context's list, so that its other actions find them in place.
    pub(super) fn give(&self, context: &mut Context, default: &Stdio) -> Result<Ours, Error> {
        let null = Stdio::null();
        let input = if matches!(default.0, Kind::Piped) { &null } else { default };
        let mut ours = Ours::default();
        let three = [
            (0, self.input.as_ref().unwrap_or(input), &mut ours.input),
            (1, self.output.as_ref().unwrap_or(default), &mut ours.output),
            (2, self.error.as_ref().unwrap_or(default), &mut ours.error),
        ];
        context.set(|settings| {
            settings.before_actions(|settings| {
                for (target, stream, our) in three {
                    let theirs = match &stream.0 {
                        Kind::Inherit => continue,
                        Kind::Null => {
                            settings.add_null(target)?;
                            continue;
                        }
                        Kind::Piped => {
                            let way = if target == 0 { PipeWay::ToChild } else { PipeWay::FromChild };
                            *our = Some(settings.add_pipe(target, way)?);
                            continue;
                        }
                        Kind::Data(bytes) => {
                            settings.add_data(target, Arc::clone(bytes))?;
                            continue;
                        }
                        Kind::Fd(fd) => {
                            sys::fd::dup_cloexec(fd.as_fd()).map_err(|e| Error::config(e.0, "a stream"))?
                        }
                    };
                    let number = theirs.as_raw_fd();
                    settings.hold(theirs);
                    settings.add_dup(number, target)?;
                }
                Ok(())
            })
        })?;
        Ok(ours)
    }
}
