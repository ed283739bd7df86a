// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Paths, descriptors, signals and times out of Python objects.

use std::ffi::{OsStr, OsString};
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

use procfd::SignalSet;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyInt, PyString};

use crate::names;

/// A `str`, as os.fsencode does it, `bytes`, or a path object.
pub(crate) fn os_string(object: &Bound<'_, PyAny>) -> PyResult<OsString> {
    let string = if object.is_instance_of::<PyString>() {
        object.extract::<OsString>()?
    } else if let Ok(bytes) = object.cast::<PyBytes>() {
        OsString::from_vec(bytes.as_bytes().to_vec())
    } else {
        let path = object.py().import("os")?.call_method1("fspath", (object,))?;
        return os_string(&path);
    };
    no_nul(&string)?;
    Ok(string)
}

fn no_nul(string: &OsStr) -> PyResult<()> {
    match string.as_bytes().contains(&0) {
        true => Err(PyValueError::new_err("embedded null byte")),
        false => Ok(()),
    }
}

/// A list of strings, which one string is not.
pub(crate) fn os_strings(object: &Bound<'_, PyAny>, what: &str) -> PyResult<Vec<OsString>> {
    if is_string(object) {
        return Err(PyTypeError::new_err(format!("{what} must be a list of strings, not one string")));
    }
    let string = |(at, item): (usize, PyResult<Bound<'_, PyAny>>)| {
        let item = item?;
        os_string(&item).map_err(|e| at_index(&item, e, what, at))
    };
    object.try_iter()?.enumerate().map(string).collect()
}

/// The same complaint with the place of the item in front.
fn at_index(item: &Bound<'_, PyAny>, error: PyErr, what: &str, at: usize) -> PyErr {
    if !error.is_instance_of::<PyTypeError>(item.py()) {
        return error;
    }
    let message = error.value(item.py()).to_string();
    PyTypeError::new_err(format!("{what}[{at}]: {message}"))
}

pub(crate) fn is_string(object: &Bound<'_, PyAny>) -> bool {
    object.is_instance_of::<PyString>() || object.is_instance_of::<PyBytes>()
}

/// The pairs of a mapping.
pub(crate) fn items<'py>(
    object: &Bound<'py, PyAny>,
    what: &str,
) -> PyResult<Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)>> {
    let items = object
        .call_method0("items")
        .map_err(|_| PyTypeError::new_err(format!("{what} must be a mapping, not {}", type_name(object))))?;
    items.try_iter()?.map(|pair| pair?.extract()).collect()
}

/// Numbers, in their order.
pub(crate) fn numbers(object: &Bound<'_, PyAny>) -> PyResult<Vec<u32>> {
    object.try_iter()?.map(|number| number?.extract()).collect()
}

/// The name of an object's type, for a message.
pub(crate) fn type_name(object: &Bound<'_, PyAny>) -> String {
    object.get_type().name().map_or_else(|_| String::from("object"), |name| name.to_string())
}

/// The variables of an environment.
pub(crate) fn variables(object: &Bound<'_, PyAny>, what: &str) -> PyResult<Vec<(OsString, OsString)>> {
    let mut out = Vec::new();
    for (name, value) in items(object, what)? {
        let text = os_string(&value).map_err(|e| at_name(&name, e, what))?;
        out.push((variable_name(&name)?, text));
    }
    Ok(out)
}

/// The same complaint with the variable in front.
fn at_name(name: &Bound<'_, PyAny>, error: PyErr, what: &str) -> PyErr {
    match (error.is_instance_of::<PyTypeError>(name.py()), name.repr()) {
        (true, Ok(name)) => PyTypeError::new_err(format!("{what}[{name}]: {}", error.value(name.py()))),
        _ => error,
    }
}

/// The name of a variable.
pub(crate) fn variable_name(object: &Bound<'_, PyAny>) -> PyResult<OsString> {
    let name = os_string(object)?;
    if name.is_empty() || name.as_bytes().contains(&b'=') {
        return Err(PyValueError::new_err("illegal environment variable name"));
    }
    Ok(name)
}

/// The number of a descriptor: an `int`, or what has a `fileno()`.
pub(crate) fn fd(object: &Bound<'_, PyAny>) -> PyResult<RawFd> {
    let number: RawFd = if object.is_instance_of::<PyInt>() {
        object.extract()?
    } else {
        let method = object.getattr("fileno").map_err(|_| {
            PyTypeError::new_err(format!(
                "a descriptor or an object with fileno() is needed, not {}",
                type_name(object)
            ))
        })?;
        method.call0()?.extract()?
    };
    if number < 0 {
        return Err(PyValueError::new_err(format!("descriptor {number} is negative")));
    }
    Ok(number)
}

/// A duplicate, close-on-exec, with a number not below `from`.
pub(crate) fn duplicate(number: RawFd, from: RawFd) -> PyResult<OwnedFd> {
    crate::sys::duplicate(number, from).map_err(|e| crate::error::from_io(&e))
}

/// A switch.
pub(crate) fn switch(object: &Bound<'_, PyAny>, what: &str) -> PyResult<bool> {
    match object.cast::<PyBool>() {
        Ok(on) => Ok(on.is_true()),
        Err(_) => Err(PyTypeError::new_err(format!("{what} must be a bool"))),
    }
}

/// A set of signals.
pub(crate) fn signals(object: &Bound<'_, PyAny>) -> PyResult<SignalSet> {
    if is_string(object) {
        return Err(PyTypeError::new_err("a list of signals is needed, not one name"));
    }
    object
        .try_iter()?
        .map(|item| names::signal(&item?))
        .collect::<PyResult<Vec<_>>>()
        .map(SignalSet::from_iter)
}

/// A set of signals by their numbers alone, as the module `os` takes it.
pub(crate) fn signal_numbers(object: &Bound<'_, PyAny>) -> PyResult<SignalSet> {
    for item in object.try_iter()? {
        item?.extract::<i64>()?;
    }
    signals(object)
}

/// Seconds. What is negative is none, and what no clock reaches is `None`: no limit.
pub(crate) fn seconds(object: &Bound<'_, PyAny>) -> PyResult<Option<Duration>> {
    let seconds: f64 = object.extract()?;
    if seconds.is_nan() {
        return Err(PyValueError::new_err("a time that is not a number"));
    }
    Ok(Duration::try_from_secs_f64(seconds.max(0.0)).ok())
}

/// A path as an open directory.
pub(crate) fn directory(path: OsString) -> std::io::Result<OwnedFd> {
    use std::os::unix::fs::OpenOptionsExt;
    Ok(std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECTORY | libc::O_CLOEXEC)
        .open(PathBuf::from(path))?
        .into())
}
