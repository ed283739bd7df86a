// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! `open` and `attach`: a process that exists, by one of its names.

use std::os::fd::{AsFd, RawFd};
use std::os::unix::fs::FileTypeExt;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyInt;

use super::Process;
use crate::convert;
use crate::error;
use crate::settings;

/// The ways to name a process that exists, of which a call takes one.
struct Target<'a, 'py> {
    any: Option<&'a Bound<'py, PyAny>>,
    pid: Option<&'a Bound<'py, PyAny>>,
    fd: Option<&'a Bound<'py, PyAny>>,
    path: Option<&'a Bound<'py, PyAny>>,
}

impl<'a, 'py> Target<'a, 'py> {
    fn new(
        function: &str,
        [any, pid, fd, pidfd, path]: [Option<&'a Bound<'py, PyAny>>; 5],
    ) -> PyResult<Self> {
        if [any, pid, fd, pidfd, path].iter().flatten().count() != 1 {
            return Err(PyTypeError::new_err(format!(
                "{function}() takes one of: a target, pid, fd, pidfd, path"
            )));
        }
        let mut target = Self { any: None, pid, fd: fd.or(pidfd), path };
        if let Some(any) = any {
            if any.is_instance_of::<PyInt>() {
                target.pid = Some(any);
            } else if !convert::is_string(any) && any.hasattr("fileno")? {
                target.fd = Some(any);
            } else {
                target.path = Some(any);
            }
        }
        target.any = any;
        Ok(target)
    }

    fn open(&self, function: &str) -> PyResult<(procfd::Process, Option<u32>)> {
        if let Some(pid) = self.pid {
            let number: Option<u32> = pid.extract().ok().filter(|number| *number != 0);
            let Some(number) = number else {
                pid.extract::<i128>().or_else(|_| pid.cast::<PyInt>().map(|_| 0))?;
                return Err(PyValueError::new_err(format!(
                    "{function}: a pid is a positive number, not {pid}"
                )));
            };
            let opened = procfd::Process::open(number);
            let process = opened.map_err(|e| error::of_process(function, Some(number), &e, false))?;
            return Ok((process, Some(number)));
        }
        if let Some(fd) = self.fd {
            let number = convert::fd(fd)?;
            let own = convert::duplicate(number, 0)?;
            let process = procfd::Process::from_fd(own).map_err(|e| match e.raw_os_error() {
                Some(libc::EINVAL) => {
                    let text = format!("{function}: the descriptor stands for no process{}", kind_of(number));
                    error::of_errno(libc::EINVAL, Some(&text))
                }
                _ => error::from_io(&e),
            })?;
            return Ok((process, None));
        }
        let Some(path) = self.path else { return Err(PyTypeError::new_err("a process is needed")) };
        let process = convert::directory(convert::os_string(path)?).and_then(procfd::Process::from_fd);
        Ok((process.map_err(|e| error::of_file(path.py(), &e, path.clone().unbind()))?, None))
    }
}

/// What a descriptor is instead, for a message.
fn kind_of(fd: RawFd) -> &'static str {
    match std::fs::metadata(format!("/proc/self/fd/{fd}")).map(|found| found.file_type()) {
        Ok(kind) if kind.is_file() => ": a regular file",
        Ok(kind) if kind.is_dir() => ": a directory",
        Ok(kind) if kind.is_fifo() => ": a pipe",
        Ok(kind) if kind.is_socket() => ": a socket",
        Ok(kind) if kind.is_char_device() => ": a device",
        _ => "",
    }
}

/// An existing process. You name it by its pid or by the path of its directory in /proc. A descriptor
/// that stands for it, or an object with one, names it too. The descriptor is duplicated.
#[pyfunction]
#[pyo3(signature = (target=None, /, *, pid=None, fd=None, pidfd=None, path=None))]
pub(crate) fn open(
    target: Option<&Bound<'_, PyAny>>,
    pid: Option<&Bound<'_, PyAny>>,
    fd: Option<&Bound<'_, PyAny>>,
    pidfd: Option<&Bound<'_, PyAny>>,
    path: Option<&Bound<'_, PyAny>>,
) -> PyResult<Process> {
    let (process, pid) = Target::new("open", [target, pid, fd, pidfd, path])?.open("open")?;
    let opened = Process::opened(process);
    if let Some(pid) = pid {
        let _ = opened.pid.set(pid);
    }
    Ok(opened)
}

/// A procfd, with a close policy if one is given, for a process that runs already. The process is
/// named as in `open`.
#[pyfunction]
#[pyo3(signature = (target=None, /, *, pid=None, fd=None, pidfd=None, path=None,
                    kill_on_close=None, close_scope=None, close_then=None, watch=None))]
#[allow(clippy::too_many_arguments, reason = "keywords")]
pub(crate) fn attach(
    target: Option<&Bound<'_, PyAny>>,
    pid: Option<&Bound<'_, PyAny>>,
    fd: Option<&Bound<'_, PyAny>>,
    pidfd: Option<&Bound<'_, PyAny>>,
    path: Option<&Bound<'_, PyAny>>,
    kill_on_close: Option<&Bound<'_, PyAny>>,
    close_scope: Option<&Bound<'_, PyAny>>,
    close_then: Option<&Bound<'_, PyAny>>,
    watch: Option<bool>,
) -> PyResult<Process> {
    let target = Target::new("attach", [target, pid, fd, pidfd, path])?;
    let mut flags = procfd::OpenFlags::AUTOREAP;
    flags.set(procfd::OpenFlags::NO_WATCH, !watch.unwrap_or(false));
    let mut context = procfd::Context::with_flags(flags).map_err(|e| error::from_io(&e))?;
    let scope = close_scope.map(settings::scope).transpose()?;
    let then = close_then.map(settings::close_then).transpose()?;
    settings::close_policy(&mut context, kill_on_close, scope, then)?;
    let (process, _) = target.open("attach")?;
    context.attach(process.as_fd()).map(Process::opened).map_err(|e| error::of_config(&e))
}
