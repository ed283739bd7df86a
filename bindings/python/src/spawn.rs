// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! `spawn`: a context, its settings and the start in one call.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyList};

use crate::context::{create, open, with_args};
use crate::convert;
use crate::named::Named;
use crate::process::Process;
use crate::settings;

/// Starts a program: `Context(...).create()` in one call.
///
/// `command` is the argument vector, as `subprocess.run` takes it. Its first string is the program,
/// searched in PATH unless there is a slash in it. `program` names another program. `candidates` is a list
/// of paths, of which the first that exists is executed. `search` says whether to search at all. A program
/// alone, with or without `args`, works too: `spawn("sleep", ["sleep", "60"])`.
///
#[doc = include_str!("settings/help.txt")]
#[pyfunction]
#[pyo3(signature = (command, args=None, settings=None, **more))]
pub(crate) fn spawn<'py>(
    command: &Bound<'py, PyAny>,
    args: Option<Bound<'py, PyAny>>,
    settings: Option<&Bound<'py, PyDict>>,
    more: Option<&Bound<'py, PyDict>>,
) -> PyResult<Process> {
    let py = command.py();
    let all = match (settings, more) {
        (None, Some(more)) => more.clone(),
        (None, None) => PyDict::new(py),
        (Some(settings), more) => {
            let all = settings.copy()?;
            if let Some(more) = more {
                all.update(more.as_mapping())?;
            }
            all
        }
    };
    let (program, args) = Command::new(command, args, &all)?.split(&all)?;
    launch(program.as_ref(), args, &all)
}

/// `spawn` for Popen, which knows the paths to try: `candidates` is a list of them. The process gives no warning of
/// its own when it is dropped.
#[pyfunction]
pub(crate) fn start<'py>(
    candidates: &Bound<'py, PyAny>,
    args: Bound<'py, PyAny>,
    settings: &Bound<'py, PyDict>,
) -> PyResult<Process> {
    launch(Some(candidates), Some(args), settings).inspect(Process::silence)
}

fn launch<'py>(
    program: Option<&Bound<'py, PyAny>>,
    args: Option<Bound<'py, PyAny>>,
    settings: &Bound<'py, PyDict>,
) -> PyResult<Process> {
    let py = settings.py();
    let settings = with_args(py, args, Some(settings))?;
    let (mut context, autoreap) = open(Some(&settings))?;
    let mut named = Named::default();
    settings::apply(&mut context, &mut named, program, &settings)?;
    match create(py, context, &named) {
        Ok(Some(process)) => Ok(Process::started(process, autoreap, named.has_policy)),
        Ok(None) => Err(PyTypeError::new_err("spawn() needs a program")),
        Err((_, exception)) => Err(exception),
    }
}

type ProgramAndArgs<'py> = (Option<Bound<'py, PyAny>>, Option<Bound<'py, PyAny>>);

/// The first two arguments of `spawn` and the keywords that belong to them.
struct Command<'py> {
    /// `None`: the first of the arguments.
    program: Option<Bound<'py, PyAny>>,
    candidates: Option<Bound<'py, PyAny>>,
    args: Option<Bound<'py, PyAny>>,
}

impl<'py> Command<'py> {
    fn new(
        command: &Bound<'py, PyAny>,
        args: Option<Bound<'py, PyAny>>,
        settings: &Bound<'py, PyDict>,
    ) -> PyResult<Self> {
        let twice = |what: &str| Err(PyTypeError::new_err(format!("spawn(): {what} given twice")));
        let mut program = take(settings, "program")?;
        let candidates = take(settings, "candidates")?;
        let given = take(settings, "args")?;
        let args = match (args.filter(|args| !args.is_none()), given) {
            (Some(_), Some(_)) => return twice("the arguments are"),
            (args, given) => args.or(given),
        };
        let alone = command.is_instance_of::<PyInt>()
            || convert::is_string(command)
            || command.hasattr("__fspath__")?
            || command.hasattr("fileno")?;
        let args = if alone {
            if program.replace(command.clone()).is_some() || candidates.is_some() {
                return twice("the program is");
            }
            args
        } else if command.is_none() {
            return Err(PyTypeError::new_err(
                "spawn() needs a command: a list of the program and its arguments",
            ));
        } else if args.is_some() {
            return twice("the list is the argument vector: the arguments are");
        } else {
            Some(PyList::new(command.py(), command.try_iter()?.collect::<PyResult<Vec<_>>>()?)?.into_any())
        };
        if program.is_some() && candidates.is_some() {
            return twice("the program is");
        }
        Ok(Self { program, candidates, args })
    }

    /// The program and its arguments, with `search` where that is to be done.
    fn split(self, settings: &Bound<'py, PyDict>) -> PyResult<ProgramAndArgs<'py>> {
        let py = settings.py();
        let by_descriptor = settings.get_item("program_fd")?.is_some_and(|fd| !fd.is_none());
        let search = take(settings, "search")?;
        if let Some(candidates) = self.candidates {
            let list = PyList::new(py, candidates.try_iter()?.collect::<PyResult<Vec<_>>>()?)?;
            return Ok((Some(list.into_any()), self.args));
        }
        let program = match (self.program, &self.args) {
            (Some(program), _) => program,
            (None, _) if by_descriptor => return Ok((None, self.args)),
            (None, Some(args)) => args
                .get_item(0)
                .map_err(|_| PyValueError::new_err("spawn(): an empty list names no program"))?,
            (None, None) => return Err(PyTypeError::new_err("spawn() needs a program")),
        };
        if program.is_instance_of::<PyInt>() {
            return Ok((Some(program), self.args));
        }
        if program.hasattr("fileno")? {
            return Ok((Some(convert::fd(&program)?.into_pyobject(py)?.into_any()), self.args));
        }
        let search = match search {
            Some(search) => search.is_truthy()?,
            None => !convert::os_string(&program)?.as_encoded_bytes().contains(&b'/'),
        };
        if search {
            settings.set_item("search", true)?;
        }
        Ok((Some(program), self.args))
    }
}

/// Takes a keyword out. `None` is as if it were not given.
fn take<'py>(settings: &Bound<'py, PyDict>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    let value = settings.get_item(name)?;
    if value.is_some() {
        settings.del_item(name)?;
    }
    Ok(value.filter(|value| !value.is_none()))
}
