// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Exceptions: the class of `OSError` that fits the errno, with the step that failed.

use std::io;

use procfd::{Error, Stage};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// `procfd._errors.make`.
static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

fn make(
    py: Python<'_>,
    errno: i32,
    message: Option<&str>,
    filename: Option<Py<PyAny>>,
    (stage, index): (Stage, u32),
) -> PyResult<PyErr> {
    let make = MAKE.get_or_try_init(py, || -> PyResult<_> {
        Ok(py.import("procfd._errors")?.getattr("make")?.unbind())
    })?;
    let kind = format!("{:?}", io::Error::from_raw_os_error(errno).kind());
    let exception = make.bind(py).call1((errno, message, filename, stage.as_raw(), index, kind))?;
    Ok(PyErr::from_value(exception))
}

/// Of a step, with the operand that the caller named.
pub(crate) fn of_step(py: Python<'_>, error: &Error, filename: Option<Py<PyAny>>) -> PyErr {
    let step = (error.stage(), error.index());
    make(py, error.raw_os_error(), Some(error.message()), filename, step).unwrap_or_else(|e| e)
}

/// Of a configuration.
pub(crate) fn of_config(error: &Error) -> PyErr {
    Python::attach(|py| of_step(py, error, None))
}

/// Of a number, with a sentence if there is one.
pub(crate) fn of_errno(errno: i32, message: Option<&str>) -> PyErr {
    Python::attach(|py| make(py, errno, message, None, (Stage::NONE, 0)).unwrap_or_else(|e| e))
}

/// Of a call of the system, or of the core where it keeps only the errno.
pub(crate) fn from_io(error: &io::Error) -> PyErr {
    of_errno(error.raw_os_error().unwrap_or(libc::EIO), None)
}

/// The same with the file that was named.
pub(crate) fn of_file(py: Python<'_>, error: &io::Error, filename: Py<PyAny>) -> PyErr {
    let errno = error.raw_os_error().unwrap_or(libc::EIO);
    make(py, errno, None, Some(filename), (Stage::NONE, 0)).unwrap_or_else(|e| e)
}
