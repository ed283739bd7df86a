// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Values that are more than a number or a string.

use procfd::{IdMap, Ids, Namespaces, Setgroups};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyList, PyString, PyTuple};

use crate::error;

/// One id for all three, or real, effective and saved, of which `None` or -1 leaves one as it is. `by_name`
/// reads a name or a number.
pub(super) fn ids(
    value: &Bound<'_, PyAny>,
    by_name: impl Fn(&Bound<'_, PyAny>) -> PyResult<u32>,
) -> PyResult<Ids> {
    let id = |value: &Bound<'_, PyAny>| -> PyResult<Option<u32>> {
        if value.is_none() || value.eq(-1)? { Ok(None) } else { by_name(value).map(Some) }
    };
    if !value.is_instance_of::<PyTuple>() && !value.is_instance_of::<PyList>() {
        let id = Some(by_name(value)?);
        return Ok(Ids { real: id, effective: id, saved: id });
    }
    let (real, effective, saved): (Bound<'_, PyAny>, Bound<'_, PyAny>, Bound<'_, PyAny>) = value.extract()?;
    Ok(Ids { real: id(&real)?, effective: id(&effective)?, saved: id(&saved)? })
}

/// Soft and hard limit, or one number for both; -1 (RLIM_INFINITY) is none.
pub(crate) fn limits(value: &Bound<'_, PyAny>) -> PyResult<(u64, u64)> {
    let limit = |value: &Bound<'_, PyAny>| -> PyResult<u64> {
        if value.eq(-1)? { Ok(u64::MAX) } else { value.extract() }
    };
    if value.is_instance_of::<PyInt>() {
        let both = limit(value)?;
        return Ok((both, both));
    }
    let pair: PyResult<(Bound<'_, PyAny>, Bound<'_, PyAny>)> = value.extract();
    let Ok((soft, hard)) = pair else {
        if let (true, Ok(items)) = (value.is_instance_of::<PyTuple>(), value.len()) {
            return Err(PyValueError::new_err(format!(
                "a limit is a tuple (soft, hard), not one of {items}"
            )));
        }
        let kind = value.get_type().name()?;
        return Err(PyTypeError::new_err(format!("a limit is an int or a tuple (soft, hard), not {kind}")));
    };
    Ok((limit(&soft)?, limit(&hard)?))
}

/// A policy by its name, "fifo:PRIORITY", its number, or a mapping with its parameters.
pub(super) fn scheduler(value: &Bound<'_, PyAny>) -> PyResult<procfd::Scheduler> {
    let wrong = |text: String| PyValueError::new_err(text);
    if let Ok(settings) = value.cast::<PyDict>() {
        let parameters = settings.copy()?;
        let policy = parameters
            .get_item("policy")?
            .ok_or_else(|| wrong("scheduler: a mapping with the key \"policy\" is needed".into()))?;
        parameters.del_item("policy")?;
        return crate::manage::scheduler(self::policy(&policy)?, Some(&parameters));
    }
    let Ok(text) = value.cast::<PyString>() else {
        return crate::manage::scheduler(policy(value)?, None);
    };
    let text = text.to_cow()?;
    let Some((name, priority)) = text.split_once(':') else {
        return crate::manage::scheduler(policy(value)?, None);
    };
    let mut scheduler = crate::manage::scheduler(policy(PyString::new(value.py(), name).as_any())?, None)?;
    scheduler.priority =
        priority.parse().map_err(|_| wrong(format!("scheduler: {priority:?} is no priority")))?;
    Ok(scheduler)
}

const POLICIES: &[(&str, i32)] = &[
    ("other", libc::SCHED_OTHER),
    ("batch", libc::SCHED_BATCH),
    ("idle", libc::SCHED_IDLE),
    ("fifo", libc::SCHED_FIFO),
    ("rr", libc::SCHED_RR),
    ("deadline", libc::SCHED_DEADLINE),
];

fn policy(value: &Bound<'_, PyAny>) -> PyResult<u32> {
    let Ok(name) = value.cast::<PyString>() else { return value.extract() };
    let name = name.to_cow()?;
    let short = name.strip_prefix("SCHED_").unwrap_or(&name).to_lowercase();
    POLICIES.iter().find_map(|(known, policy)| (*known == short).then_some(*policy as u32)).ok_or_else(|| {
        let known: Vec<&str> = POLICIES.iter().map(|(known, _)| *known).collect();
        let text = format!("there is no scheduling policy {name:?}");
        PyValueError::new_err(error::with_suggestion(&text, &name, &known))
    })
}

/// A number of seconds, which may be negative, as whole seconds below it and nanoseconds.
pub(super) fn offset_of(value: &Bound<'_, PyAny>) -> PyResult<(i64, u32)> {
    if value.is_instance_of::<PyInt>() {
        return Ok((value.extract()?, 0));
    }
    let seconds: f64 = value.extract()?;
    let whole = seconds.floor();
    if !(-1e15..1e15).contains(&whole) {
        return Err(PyValueError::new_err(format!("time_offsets: {seconds} seconds")));
    }
    Ok((whole as i64, ((seconds - whole) * 1e9).min(999_999_999.0) as u32))
}

const NAMESPACES: &[(&str, Namespaces)] = &[
    ("user", Namespaces::USER),
    ("pid", Namespaces::PID),
    ("mount", Namespaces::MOUNT),
    ("net", Namespaces::NET),
    ("ipc", Namespaces::IPC),
    ("uts", Namespaces::UTS),
    ("cgroup", Namespaces::CGROUP),
    ("time", Namespaces::TIME),
];

/// CLONE_NEW* flags, or names.
pub(crate) fn namespaces(value: &Bound<'_, PyAny>) -> PyResult<Namespaces> {
    if value.is_instance_of::<PyInt>() {
        return Ok(Namespaces::from_bits_retain(value.extract()?));
    }
    let named = |name: &str| {
        NAMESPACES.iter().find_map(|(known, flag)| (*known == name).then_some(*flag)).ok_or_else(|| {
            let known: Vec<&str> = NAMESPACES.iter().map(|(known, _)| *known).collect();
            let text = format!("there is no namespace {name:?}");
            PyValueError::new_err(error::with_suggestion(&text, name, &known))
        })
    };
    if let Ok(name) = value.cast::<PyString>() {
        return named(&name.to_cow()?);
    }
    let mut all = Namespaces::empty();
    for name in value.try_iter()? {
        all |= named(&name?.extract::<String>()?)?;
    }
    Ok(all)
}

pub(super) fn id_map(value: &Bound<'_, PyAny>) -> PyResult<Vec<IdMap>> {
    let line = |line: PyResult<Bound<'_, PyAny>>| {
        let (inside, outside, count) = line?.extract()?;
        Ok(IdMap { inside, outside, count })
    };
    value.try_iter()?.map(line).collect()
}

pub(super) fn setgroups(value: &Bound<'_, PyAny>) -> PyResult<Setgroups> {
    let name: String = value.extract()?;
    match name.as_str() {
        "auto" => Ok(Setgroups::Auto),
        "allow" => Ok(Setgroups::Allow),
        "deny" => Ok(Setgroups::Deny),
        _ => Err(PyValueError::new_err(format!("setgroups={name:?}: \"auto\", \"allow\" or \"deny\""))),
    }
}
