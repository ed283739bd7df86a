// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The context, to which each family adds its methods. The room `context` opens, copies and starts it.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::{OpenFlags, Opened, Settings};
use crate::error::Error;
use crate::forks;
use crate::held::Held;

/// What a configuration method returns: the context again, so that calls can be chained.
pub(crate) type Configured<'a> = Result<&'a mut Context, Error>;

/// A process to be: configured first, started by [`create`](Self::create).
///
/// It has no descriptor until it starts. [`procfd`](Self::procfd) gives it one, for holders that are to see the start.
/// So does a flag that asks for the watcher.
///
/// The order of the settings does not matter, except in the list of descriptor and directory actions, which
/// run in your order. Numbers in that list mean the child's table at that point; it starts as a copy of the
/// creator's.
///
/// The child gets 0, 1, 2 and the descriptors that the list maps; all others are closed in it.
///
/// Dropping it, and closing all duplicates of its procfd, leaves nothing behind.
pub struct Context {
    pub(crate) form: Form,
    pub(crate) flags: OpenFlags,
}

/// Where the settings of a context are.
pub(crate) enum Form {
    /// Without a descriptor. Of the process with this [`forks::generation`].
    Lean(Box<Settings>, u64),
    /// With a procfd, and its entry in [`contexts`](crate::contexts).
    Full(Held, Arc<Opened>),
    /// After a creation: nothing is set. It allocates at the next setting.
    Spent(u64),
}

impl Context {
    /// Reads the settings, wherever they are.
    pub(crate) fn with_settings<T>(&self, f: impl FnOnce(&Settings) -> T) -> T {
        match &self.form {
            Form::Lean(settings, _) => f(settings),
            Form::Full(_, opened) => f(&opened.state().config),
            Form::Spent(_) => f(&Settings::default()),
        }
    }

    /// Whether this process made it, and not one of which this process is a copy.
    pub(crate) fn is_mine(&self) -> bool {
        match &self.form {
            Form::Lean(_, forks) | Form::Spent(forks) => *forks == forks::generation(),
            Form::Full(_, opened) => opened.is_mine(),
        }
    }

    /// Changes a setting.
    pub(crate) fn set(&mut self, f: impl FnOnce(&mut Settings) -> Result<(), Error>) -> Configured<'_> {
        self.check_mine()?;
        match self.renewed() {
            Form::Lean(settings, _) => settings.change(f)?,
            Form::Full(_, opened) => opened.state().config.change(f)?,
            Form::Spent(_) => {}
        }
        Ok(self)
    }

    /// The form, which has settings.
    pub(crate) fn renewed(&mut self) -> &mut Form {
        if let Form::Spent(forks) = self.form {
            self.form = Form::Lean(Box::default(), forks);
        }
        &mut self.form
    }

    pub(crate) fn check_mine(&self) -> Result<(), Error> {
        match self.is_mine() {
            true => Ok(()),
            false => Err(Error::config(libc::EPERM, "a context that another process opened")),
        }
    }

    /// Changes a setting, and returns the descriptor that this made for the caller.
    pub(crate) fn hand_out(
        &mut self,
        make: impl FnOnce(&mut Settings) -> Result<OwnedFd, Error>,
    ) -> Result<OwnedFd, Error> {
        let mut ours = None;
        self.set(|s| {
            ours = Some(make(s)?);
            Ok(())
        })?;
        ours.ok_or_else(|| Error::config(libc::EIO, "a descriptor of the context"))
    }
}
