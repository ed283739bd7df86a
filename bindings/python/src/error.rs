// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Exceptions: the class of `OSError` that fits the errno, with the step that failed.

use std::borrow::Cow;
use std::io;

use procfd::{Errno, Error, Stage};
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

/// MemoryError where neither malloc nor the reserve has enough for a call.
pub(crate) fn check_memory() -> PyResult<()> {
    procfd_capi::calls::check_memory().map_err(|e| of_errno(e.0, None))
}

/// What the core says in the words of the C interface, and what a Python program has for it.
const WORDS: &[(&str, &str)] = &[
    (
        "open the context without PROCFD_NO_WATCH and PROCFD_PIDFD (Python: watch=True), or use the built-in init",
        "give watch=True, or init=True",
    ),
    ("open the context without PROCFD_NO_WATCH, or use the built-in init", "give watch=True, or init=True"),
    ("open the context without PROCFD_NO_WATCH", "give watch=True"),
    ("a context opened with PROCFD_NO_WATCH does without it", "watch=False does without it"),
    ("SIGKILL works with PROCFD_AUTOREAP and", "SIGKILL works with autoreap=True and"),
    ("set no_new_privs (PROC_SET_NO_NEW_PRIVS)", "give no_new_privs=True"),
    ("say what it restricts (PROC_SET_LANDLOCK)", "give landlock=, which says what it restricts"),
    ("without PROC_LANDLOCK_STRICT", "without \"strict\""),
    ("descriptor (PROC_SET_EXEC_FD)", "descriptor (program_fd)"),
    (
        "a program by descriptor without arguments: set argv",
        "a program by descriptor without arguments: give args",
    ),
];

fn in_python(message: &str) -> Cow<'_, str> {
    let replace = |message: Cow<'_, str>, (words, ours): &(&str, &str)| match message.contains(words) {
        true => message.replace(words, ours).into(),
        false => message.into_owned().into(),
    };
    WORDS.iter().fold(message.into(), replace)
}

/// A complaint about a name, with the one that was probably meant.
pub(crate) fn with_suggestion(text: &str, name: &str, known: &[&str]) -> String {
    let suggest = |py: Python<'_>| -> PyResult<String> {
        py.import("procfd._errors")?.call_method1("suggest", (text, name, known))?.extract()
    };
    Python::attach(suggest).unwrap_or_else(|_| text.to_owned())
}

/// Of a call about a process: what was refused, and by which process. A zombie has `ended`.
pub(crate) fn of_process(what: &str, pid: Option<u32>, error: &io::Error, ended: bool) -> PyErr {
    let errno = error.raw_os_error().unwrap_or(libc::EIO);
    let why = match (what, errno) {
        ("wait for" | "poll", libc::ENODATA) => {
            "the process has ended, and its status is no longer available".into()
        }
        (_, libc::ENODATA) if ended => "the process has ended".into(),
        ("exe", libc::ENODATA) => "a kernel thread has no program".into(),
        ("move_to_cgroup", libc::EINVAL) => "the directory is no cgroup of version 2".into(),
        _ => Errno(errno).to_string(),
    };
    of_errno(errno, Some(&format!("{}: {why}", subject(what, pid))))
}

/// What was asked, and of which process.
pub(crate) fn subject(what: &str, pid: Option<u32>) -> String {
    pid.map_or_else(|| what.to_owned(), |pid| format!("{what} pid {pid}"))
}

/// Of a step, with the operand that the caller named.
pub(crate) fn of_step(py: Python<'_>, error: &Error, filename: Option<Py<PyAny>>) -> PyErr {
    of_step_in_words(py, error, error.message(), filename)
}

/// The same with another message.
pub(crate) fn of_step_in_words(
    py: Python<'_>,
    error: &Error,
    message: &str,
    filename: Option<Py<PyAny>>,
) -> PyErr {
    let step = (error.stage(), error.index());
    let message = in_python(message);
    make(py, error.raw_os_error(), Some(&message), filename, step).unwrap_or_else(|e| e)
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
