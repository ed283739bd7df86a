// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The objects of Python behind a configuration.

use std::borrow::Cow;
use std::os::fd::RawFd;

use procfd::{Context, Error, Stage};
use pyo3::prelude::*;

use crate::convert;
use crate::error;

/// The objects that the caller named files with, for the `filename` of an error; and those whose
/// descriptors the context refers to, which must not be closed before it.
#[derive(Default)]
pub(crate) struct Named {
    pub(crate) program: Option<Py<PyAny>>,
    /// The program is the first that is there of a list.
    pub(crate) candidates: bool,
    pub(crate) root: Option<Py<PyAny>>,
    /// By the position in the list of actions.
    pub(crate) actions: Vec<Option<Py<PyAny>>>,
    pub(crate) held: Vec<Py<PyAny>>,
    /// Your numbers of the descriptors that the context has duplicates of, by the step that uses them.
    numbers: Vec<(Stage, RawFd)>,
    /// The environment is not the creator's own.
    pub(crate) has_env: bool,
    /// There is a close policy.
    pub(crate) has_policy: bool,
}

impl Named {
    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Self {
        let clone = |object: &Option<Py<PyAny>>| object.as_ref().map(|o| o.clone_ref(py));
        Self {
            program: clone(&self.program),
            candidates: self.candidates,
            root: clone(&self.root),
            actions: self.actions.iter().map(clone).collect(),
            held: self.held.iter().map(|o| o.clone_ref(py)).collect(),
            numbers: self.numbers.clone(),
            has_env: self.has_env,
            has_policy: self.has_policy,
        }
    }

    /// The exception of a creation that failed.
    pub(crate) fn exception(&self, py: Python<'_>, error: &Error) -> PyErr {
        let at = error.index() as usize;
        let filename = match error.stage() {
            Stage::EXEC if self.candidates => {
                self.program.as_ref().and_then(|list| list.bind(py).get_item(at).ok()).map(Bound::unbind)
            }
            Stage::EXEC => self.program.as_ref().map(|o| o.clone_ref(py)),
            // A search that finds no place to look in.
            Stage::PLAN if matches!(error.raw_os_error(), libc::ENOENT | libc::ENAMETOOLONG) => {
                self.program.as_ref().map(|o| o.clone_ref(py))
            }
            Stage::ROOT => self.root.as_ref().map(|o| o.clone_ref(py)),
            Stage::CWD | Stage::FD => self.actions.get(at).and_then(Option::as_ref).map(|o| o.clone_ref(py)),
            _ => None,
        };
        error::of_step_in_words(py, error, &self.with_number(error), filename)
    }

    /// Keeps the number of a keyword whose descriptor the context duplicates.
    pub(crate) fn number_of(&mut self, keyword: &str, value: &Bound<'_, PyAny>) {
        let stage = match keyword {
            "ctty" => Stage::CTTY,
            "foreground" => Stage::FOREGROUND,
            "cgroup" => Stage::CGROUP,
            "program_fd" => Stage::EXEC,
            _ => return,
        };
        self.numbers.retain(|(of, _)| *of != stage);
        // A path has none.
        if let Ok(number) = convert::fd(value) {
            self.numbers.push((stage, number));
        }
    }

    /// The message of an error, with your number of the descriptor in place of the duplicate's.
    fn with_number<'e>(&self, error: &'e Error) -> Cow<'e, str> {
        const WORD: &str = "descriptor ";
        let message = error.message();
        let given = self.numbers.iter().find(|(stage, _)| *stage == error.stage());
        let (Some((_, number)), Some((before, after))) = (given, message.split_once(WORD)) else {
            return message.into();
        };
        let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        format!("{before}{WORD}{number}{rest}").into()
    }

    /// Every object of the interpreter that is held, for its collector.
    pub(crate) fn objects(&self) -> impl Iterator<Item = &Py<PyAny>> {
        let actions = self.actions.iter().flatten();
        self.program.iter().chain(&self.root).chain(actions).chain(&self.held)
    }

    pub(crate) fn has_program(&self) -> bool {
        self.program.is_some()
    }

    /// Fixes the creator's environment, while no other thread of the interpreter can change it.
    pub(crate) fn fix_environment(&self, context: &mut Context) -> PyResult<()> {
        if !self.has_env && self.has_program() {
            context.env_now().map_err(|e| error::of_config(&e))?;
        }
        Ok(())
    }
}
