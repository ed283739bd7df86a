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
    object.try_iter()?.map(|item| os_string(&item?)).collect()
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
        .map_err(|_| PyTypeError::new_err(format!("{what} must be a mapping")))?;
    items.try_iter()?.map(|pair| pair?.extract()).collect()
}

/// The variables of an environment.
pub(crate) fn variables(object: &Bound<'_, PyAny>, what: &str) -> PyResult<Vec<(OsString, OsString)>> {
    let mut out = Vec::new();
    for (name, value) in items(object, what)? {
        out.push((variable_name(&name)?, os_string(&value)?));
    }
    Ok(out)
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
                object.get_type()
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

/// A list of numbers.
pub(crate) fn numbers(object: &Bound<'_, PyAny>) -> PyResult<Vec<u32>> {
    object.try_iter()?.map(|item| item?.extract()).collect()
}

/// A signal.
pub(crate) fn signal(object: &Bound<'_, PyAny>) -> PyResult<i32> {
    match object.extract::<i32>()? {
        number @ 1..=64 => Ok(number),
        number => Err(PyValueError::new_err(format!("signal number {number} out of range"))),
    }
}

/// A set of signals.
pub(crate) fn signals(object: &Bound<'_, PyAny>) -> PyResult<SignalSet> {
    object.try_iter()?.map(|item| signal(&item?)).collect::<PyResult<Vec<_>>>().map(SignalSet::from_iter)
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
