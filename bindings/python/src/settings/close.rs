// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The close policy and the time limit.

use std::time::Duration;

use procfd::{Context, Scope};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyTuple};

use crate::convert;
use crate::error;
use crate::names;

/// The close policy of the keywords `kill_on_close`, `close_scope` and `close_then`.
pub(crate) fn close_policy(
    context: &mut Context,
    kill: Option<&Bound<'_, PyAny>>,
    scope: Option<Scope>,
    then: Option<(i32, Duration)>,
) -> PyResult<()> {
    let Some(kill) = kill else {
        return match (scope, then) {
            (None, None) => Ok(()),
            _ => {
                Err(PyValueError::new_err("close_scope and close_then are given together with kill_on_close"))
            }
        };
    };
    let scope = scope.unwrap_or_default();
    let done = match (close_signal(kill)?, then, scope) {
        (None, None, _) => context.no_close_policy(),
        (None, Some(_), _) => {
            return Err(PyValueError::new_err("close_then is given together with kill_on_close"));
        }
        (Some(signal), Some((second, delay)), _) => context.end_on_close(signal, scope, second, delay),
        (Some(signal), None, Scope::Process) => context.kill_on_close(signal),
        (Some(signal), None, Scope::ProcessGroup) => context.kill_group_on_close(signal),
        _ => return Err(PyValueError::new_err("a close policy is for a process or its group")),
    };
    done.map(drop).map_err(|e| error::of_config(&e))
}

/// `True` is SIGKILL, `False` is none.
pub(crate) fn close_signal(kill: &Bound<'_, PyAny>) -> PyResult<Option<i32>> {
    match kill.cast::<PyBool>() {
        Ok(kill) => Ok(kill.is_true().then_some(libc::SIGKILL)),
        Err(_) if kill.is_none() => Ok(None),
        Err(_) => names::signal(kill).map(Some),
    }
}

/// A time, a signal, and a second signal with its delay.
type TimeLimit = (Duration, i32, Option<(i32, Duration)>);

/// From 1, 2 or 4 values.
pub(super) fn time_limit(value: &Bound<'_, PyAny>) -> PyResult<TimeLimit> {
    let seconds = |value: &Bound<'_, PyAny>| {
        convert::seconds(value)?.ok_or_else(|| PyValueError::new_err("time_limit: a time without an end"))
    };
    let parts: Vec<Bound<'_, PyAny>> = match value.cast::<PyTuple>() {
        Ok(tuple) => tuple.iter().collect(),
        Err(_) => vec![value.clone()],
    };
    match parts.as_slice() {
        [limit] => Ok((seconds(limit)?, libc::SIGKILL, None)),
        [limit, signal] => Ok((seconds(limit)?, names::signal(signal)?, None)),
        [limit, signal, second, delay] => {
            let then = (names::signal(second)?, seconds(delay)?);
            Ok((seconds(limit)?, names::signal(signal)?, Some(then)))
        }
        _ => Err(PyValueError::new_err("time_limit takes 1, 2 or 4 values")),
    }
}

pub(crate) fn close_then(value: &Bound<'_, PyAny>) -> PyResult<(i32, Duration)> {
    let (signal, delay): (Bound<'_, PyAny>, Bound<'_, PyAny>) = value.extract()?;
    let delay = convert::seconds(&delay)?
        .ok_or_else(|| PyValueError::new_err("close_then: a delay without an end"))?;
    Ok((names::signal(&signal)?, delay))
}

/// A scope by its name.
pub(crate) fn scope(value: &Bound<'_, PyAny>) -> PyResult<Scope> {
    let name: String = value.extract()?;
    match name.as_str() {
        "process" => Ok(Scope::Process),
        "group" => Ok(Scope::ProcessGroup),
        "thread" => Ok(Scope::Thread),
        _ => Err(PyValueError::new_err(format!("no scope {name:?}: \"process\", \"group\", \"thread\""))),
    }
}
