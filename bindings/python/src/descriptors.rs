// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The keywords of directories and descriptors.

use std::collections::BTreeMap;
use std::os::fd::RawFd;

use procfd::{Context, Error};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyInt, PyMemoryView, PyTuple};

use crate::convert;
use crate::error;
use crate::named::Named;

/// `subprocess.DEVNULL`, `STDOUT` and `PIPE`.
const DEVNULL: i32 = -3;
const STDOUT: i32 = -2;
const PIPE: i32 = -1;

/// Where a descriptor of the child comes from.
enum Source<'py> {
    Null,
    /// A descriptor of the caller, and the object that owns it, if it is no bare number.
    Fd(RawFd, Option<Bound<'py, PyAny>>),
    /// Whatever the child's stdout is.
    Stdout,
    /// Bytes to read.
    Data(Vec<u8>),
}

/// Descriptors of the child by number: `stdin`, `stdout`, `stderr` and `fds`. All are mapped at the
/// same time, so that they may be exchanged for each other.
#[derive(Default)]
pub(crate) struct Map<'py>(BTreeMap<RawFd, Source<'py>>);

impl<'py> Map<'py> {
    /// One keyword; whether it is one of these.
    pub(crate) fn take(&mut self, name: &str, value: &Bound<'py, PyAny>) -> PyResult<bool> {
        match name {
            "stdin" => self.standard(0, value),
            "stdout" => self.standard(1, value),
            "stderr" => self.standard(2, value),
            "fds" => {
                for (target, source) in convert::items(value, name)? {
                    let target = convert::fd(&target)?;
                    let source = match source.is_none() || constant(&source) == Some(DEVNULL) {
                        true => Source::Null,
                        false => match bytes(&source)? {
                            Some(bytes) => Source::Data(bytes),
                            None => descriptor(source)?,
                        },
                    };
                    self.put(target, source)?;
                }
                Ok(())
            }
            _ => return Ok(false),
        }?;
        Ok(true)
    }

    fn standard(&mut self, target: RawFd, value: &Bound<'py, PyAny>) -> PyResult<()> {
        let source = match constant(value) {
            Some(DEVNULL) => Source::Null,
            Some(STDOUT) if target == 2 => Source::Stdout,
            Some(PIPE) => {
                return Err(PyValueError::new_err("PIPE is for Popen: a Context takes descriptors"));
            }
            _ => match bytes(value)? {
                Some(bytes) if target == 0 => Source::Data(bytes),
                Some(_) => return Err(PyTypeError::new_err("bytes are for stdin")),
                None => descriptor(value.clone())?,
            },
        };
        self.put(target, source)
    }

    fn put(&mut self, target: RawFd, source: Source<'py>) -> PyResult<()> {
        match self.0.insert(target, source) {
            None => Ok(()),
            Some(_) => Err(PyValueError::new_err(format!("descriptor {target} is given twice"))),
        }
    }

    /// Puts it at the end of the list of actions.
    pub(crate) fn set(self, context: &mut Context, named: &mut Named) -> PyResult<()> {
        let Some((last, _)) = self.0.last_key_value() else { return Ok(()) };
        let above = last.saturating_add(1);
        let stdout = match self.0.get(&1) {
            Some(Source::Null | Source::Data(_)) => None,
            Some(Source::Fd(number, _)) => Some(*number),
            _ => Some(1),
        };
        for (&target, source) in &self.0 {
            let number = match source {
                Source::Null | Source::Data(_) => None,
                Source::Fd(number, _) => Some(*number),
                Source::Stdout => stdout,
            };
            let done = match number {
                None => match source {
                    Source::Data(bytes) => context.data(target, bytes.as_slice()),
                    _ => context.null(target),
                },
                // Its number becomes something else on the way: a duplicate that is out of the way.
                Some(number) if number != target && self.replaces(number) => {
                    context.fd(convert::duplicate(number, above)?, target)
                }
                Some(number) => context.dup(number, target),
            };
            done.map_err(|e| error::of_config(&e))?;
            named.actions.push(None);
            if let Source::Fd(_, Some(owner)) = source {
                named.held.push(owner.clone().unbind());
            }
        }
        Ok(())
    }

    /// Whether the number is one of the child's that becomes another descriptor.
    fn replaces(&self, number: RawFd) -> bool {
        match self.0.get(&number) {
            None => false,
            Some(Source::Fd(same, _)) => *same != number,
            Some(_) => true,
        }
    }
}

fn constant(value: &Bound<'_, PyAny>) -> Option<i32> {
    if value.is_instance_of::<PyInt>() { value.extract().ok().filter(|n| *n < 0) } else { None }
}

/// The bytes of an object that has some.
fn bytes(value: &Bound<'_, PyAny>) -> PyResult<Option<Vec<u8>>> {
    let has_some = value.is_instance_of::<PyBytes>()
        || value.is_instance_of::<PyByteArray>()
        || value.is_instance_of::<PyMemoryView>();
    match has_some {
        true => value.py().get_type::<PyBytes>().call1((value,))?.extract().map(Some),
        false => Ok(None),
    }
}

fn descriptor<'py>(value: Bound<'py, PyAny>) -> PyResult<Source<'py>> {
    let number = convert::fd(&value)?;
    Ok(Source::Fd(number, (!value.is_instance_of::<PyInt>()).then_some(value)))
}

/// The directory, by path or descriptor.
pub(crate) fn cwd(context: &mut Context, named: &mut Named, cwd: &Bound<'_, PyAny>) -> PyResult<()> {
    let by_fd = !convert::is_string(cwd) && (cwd.is_instance_of::<PyInt>() || cwd.hasattr("fileno")?);
    let done = match by_fd {
        true => context.current_dir_fd(convert::duplicate(convert::fd(cwd)?, 0)?),
        false => context.current_dir(convert::os_string(cwd)?),
    };
    done.map_err(|e| error::of_step(cwd.py(), &e, Some(cwd.clone().unbind())))?;
    named.actions.push(Some(cwd.clone().unbind()));
    Ok(())
}

/// The list of actions: tuples of a name and its operands.
pub(crate) fn actions(context: &mut Context, named: &mut Named, list: &Bound<'_, PyAny>) -> PyResult<()> {
    for item in list.try_iter()? {
        let item = item?;
        let tuple = item.cast::<PyTuple>().map_err(|_| PyTypeError::new_err("an action must be a tuple"))?;
        let name: String = tuple.get_item(0)?.extract()?;
        let mut file = None;
        action(context, named, &name, tuple, &mut file)?.map_err(|e| {
            error::of_step(list.py(), &e, file.as_ref().map(|f: &Py<PyAny>| f.clone_ref(list.py())))
        })?;
        named.actions.push(file);
    }
    Ok(())
}

/// The names of actions.
const ACTIONS: &[&str] =
    &["dup", "open", "close", "close_range", "null", "inherit", "data", "chdir", "fchdir"];

fn action(
    context: &mut Context,
    named: &mut Named,
    name: &str,
    tuple: &Bound<'_, PyTuple>,
    file: &mut Option<Py<PyAny>>,
) -> PyResult<Result<(), Error>> {
    let operand = |at: usize| tuple.get_item(at);
    let mut fd = |at: usize| -> PyResult<RawFd> {
        let object = tuple.get_item(at)?;
        let number = convert::fd(&object)?;
        if !object.is_instance_of::<PyInt>() {
            named.held.push(object.unbind());
        }
        Ok(number)
    };
    let done = match (name, tuple.len()) {
        ("dup", 3) => context.dup(fd(1)?, fd(2)?),
        ("open", 4 | 5) => {
            let mode = if tuple.len() == 5 { operand(4)?.extract()? } else { 0o666 };
            let path = operand(2)?;
            *file = Some(path.clone().unbind());
            context.open_at(fd(1)?, convert::os_string(&path)?, operand(3)?.extract()?, mode)
        }
        ("close", 2) => context.close(fd(1)?),
        ("close_range", 3) => context.close_range(operand(1)?.extract()?, operand(2)?.extract()?),
        ("null", 2) => context.null(fd(1)?),
        ("inherit", 2) => {
            let number = fd(1)?;
            context.dup(number, number)
        }
        ("chdir", 2) => {
            let path = operand(1)?;
            *file = Some(path.clone().unbind());
            context.current_dir(convert::os_string(&path)?)
        }
        ("data", 3) => {
            let bytes = bytes(&operand(2)?)?.ok_or_else(|| PyTypeError::new_err("the data must be bytes"))?;
            context.data(fd(1)?, bytes)
        }
        ("fchdir", 2) => context.current_dir_fd(convert::duplicate(fd(1)?, 0)?),
        (known, _) if ACTIONS.contains(&known) => {
            return Err(PyTypeError::new_err(format!(
                "the action \"{name}\" with the wrong number of operands"
            )));
        }
        _ => {
            let text = format!("there is no action {name:?}");
            return Err(PyValueError::new_err(error::with_suggestion(&text, name, ACTIONS)));
        }
    };
    Ok(done.map(drop))
}
