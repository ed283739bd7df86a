// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The keywords that belong together: the program, the user, descriptors, the close policy.

use std::ffi::OsString;
use std::time::Duration;

use procfd::{Context, Error, Ids, Scope};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyList, PyTuple};

use super::close::{close_policy, close_signal, close_then, scope};
use crate::convert;
use crate::descriptors;
use crate::error;
use crate::named::Named;
use crate::names;
use crate::sys;

/// The keywords that belong together, and are set when all are known.
#[derive(Default)]
pub(super) struct Together<'py> {
    program: Option<Bound<'py, PyAny>>,
    search: bool,
    cwd: Option<Bound<'py, PyAny>>,
    user: Option<Bound<'py, PyAny>>,
    login_env: bool,
    /// The user's own groups are not to be looked up: the caller names some, or the ids are those of
    /// another user namespace.
    pub(super) groups_given: bool,
    actions: Option<Bound<'py, PyAny>>,
    map: descriptors::Map<'py>,
    kill: Option<Bound<'py, PyAny>>,
    scope: Option<Scope>,
    then: Option<(i32, Duration)>,
}

impl<'py> Together<'py> {
    pub(super) fn new(program: Option<&Bound<'py, PyAny>>) -> Self {
        Self { program: program.cloned(), ..Self::default() }
    }

    pub(super) fn take(&mut self, name: &str, value: &Bound<'py, PyAny>) -> PyResult<bool> {
        match name {
            "search" => self.search = value.is_truthy()?,
            "program" | "program_fd" if self.program.is_some() => {
                return Err(PyTypeError::new_err("the program is given twice"));
            }
            "program" => self.program = Some(value.clone()),
            "program_fd" => self.program = Some(convert::fd(value)?.into_pyobject(value.py())?.into_any()),
            "cwd" => self.cwd = Some(value.clone()),
            "user" => self.user = Some(value.clone()),
            "login_env" => self.login_env = value.is_truthy()?,
            "actions" => self.actions = Some(value.clone()),
            "kill_on_close" => {
                close_signal(value)?;
                self.kill = Some(value.clone());
            }
            "close_scope" => self.scope = Some(scope(value)?),
            "close_then" => self.then = Some(close_then(value)?),
            _ => return self.map.take(name, value),
        }
        Ok(true)
    }

    pub(super) fn set(self, context: &mut Context, named: &mut Named) -> PyResult<()> {
        match &self.program {
            Some(program) => self::program(context, named, program, self.search)?,
            None if self.search => {
                return Err(PyValueError::new_err("search is given together with the program"));
            }
            None => {}
        }
        // Descriptors of the caller come first: what follows in the list may replace them.
        if let Some(cwd) = &self.cwd {
            descriptors::cwd(context, named, cwd).map_err(|e| super::about("cwd", cwd, e))?;
        }
        self.map.set(context, named)?;
        if let Some(actions) = &self.actions {
            descriptors::actions(context, named, actions).map_err(|e| super::about("actions", actions, e))?;
        }
        match &self.user {
            Some(user) => become_user(context, user, self.groups_given, self.login_env)?,
            None if self.login_env => {
                return Err(PyValueError::new_err("login_env is given together with user"));
            }
            None => {}
        }
        close_policy(context, self.kill.as_ref(), self.scope, self.then)?;
        if let Some(kill) = &self.kill {
            named.has_policy = close_signal(kill)?.is_some();
        }
        Ok(())
    }
}

/// What `user` stands for: the ids, and unless the caller names groups, those of the user.
fn become_user(
    context: &mut Context,
    user: &Bound<'_, PyAny>,
    groups_given: bool,
    login_env: bool,
) -> PyResult<()> {
    type Account = (u32, Option<u32>, Option<Vec<u32>>, Vec<(OsString, OsString)>);
    // -1 would leave the ids as they are.
    let number = if convert::is_string(user) { None } else { Some(names::id(user, "user")?) };
    if !login_env && !groups_given && sys::effective_uid() == 0 {
        let name: Option<OsString> = match number {
            Some(uid) => Some(uid.to_string().into()),
            // The core takes digits for a number, and here they are a name.
            None => convert::os_string(user)
                .ok()
                .filter(|name| !name.as_encoded_bytes().iter().all(u8::is_ascii_digit)),
        };
        // What has no account, or is no user at all, has its answer from the module.
        if name.is_some_and(|name| user.py().detach(|| context.user(name).is_ok())) {
            return Ok(());
        }
    }
    let module = user.py().import("procfd._accounts")?;
    let (uid, gid, groups, variables): Account =
        module.call_method1("account", (user, groups_given, login_env))?.extract()?;
    let all = |id: u32| Ids { real: Some(id), effective: Some(id), saved: Some(id) };
    let failed = |e: Error| error::of_config(&e);
    context.uid(all(uid)).map_err(failed)?;
    if let Some(gid) = gid {
        context.gid(all(gid)).map_err(failed)?;
    }
    if let Some(groups) = groups {
        context.groups(&groups).map_err(failed)?;
    }
    for (name, value) in variables {
        context.env(name, value).map_err(failed)?;
    }
    Ok(())
}

fn program(
    context: &mut Context,
    named: &mut Named,
    program: &Bound<'_, PyAny>,
    search: bool,
) -> PyResult<()> {
    let mut kept = program.clone();
    let list = program.is_instance_of::<PyList>() || program.is_instance_of::<PyTuple>();
    let done = if list {
        if search {
            return Err(PyValueError::new_err("search is for a name, not for a list of paths"));
        }
        kept = program.py().get_type::<PyTuple>().call1((program,))?;
        context.program_first_of(convert::os_strings(program, "program")?)
    } else if program.is_instance_of::<PyInt>() {
        named.number_of("program_fd", program);
        context.program_fd(convert::duplicate(program.extract()?, 0)?)
    } else {
        let path: OsString = convert::os_string(program)?;
        if search { context.program_in_path(path) } else { context.program(path) }
    };
    named.candidates = list;
    done.map_err(|e| error::of_step(program.py(), &e, Some(kept.clone().unbind())))?;
    named.program = Some(kept.unbind());
    Ok(())
}
