// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Names where numbers are: users, groups, signals and resource limits.

use procfd::{CapSet, SecureBits};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyString};

use crate::error;

/// `RLIMIT_*` by number, as getrlimit(2) has them.
const RESOURCES: [&str; 16] = [
    "cpu",
    "fsize",
    "data",
    "stack",
    "core",
    "rss",
    "nproc",
    "nofile",
    "memlock",
    "as",
    "locks",
    "sigpending",
    "msgqueue",
    "nice",
    "rtprio",
    "rttime",
];

/// The text of a name; `None` for what is a number.
fn text(object: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    if let Ok(name) = object.cast::<PyString>() {
        return Ok(Some(name.to_cow()?.into_owned()));
    }
    match object.cast::<PyBytes>() {
        Ok(name) => Ok(Some(String::from_utf8_lossy(name.as_bytes()).into_owned())),
        Err(_) => Ok(None),
    }
}

/// The number of an id: 0 to 4294967294.
pub(crate) fn id(object: &Bound<'_, PyAny>, what: &str) -> PyResult<u32> {
    if !object.is_instance_of::<PyInt>() {
        let of = object.get_type().name()?.to_string();
        return Err(PyTypeError::new_err(format!("a {what} is a name or a number, not {of}")));
    }
    match object.extract::<u32>() {
        Ok(u32::MAX) => Err(PyValueError::new_err("4294967295 is no id")),
        Ok(id) => Ok(id),
        Err(_) => {
            Err(pyo3::exceptions::PyOverflowError::new_err(format!("{what} id {object} is out of range")))
        }
    }
}

/// Looks a name up in a module of the standard library, which knows the machine's name services.
fn look_up(object: &Bound<'_, PyAny>, name: &str, of: (&str, &str, &str, &str)) -> PyResult<u32> {
    let (what, module, function, attribute) = of;
    let entry = object.py().import(module)?.call_method1(function, (name,)).map_err(|e| {
        match e.is_instance_of::<pyo3::exceptions::PyKeyError>(object.py()) {
            true => PyValueError::new_err(format!("there is no {what} {name:?}")),
            false => e,
        }
    })?;
    entry.getattr(attribute)?.extract()
}

/// A user, by name or id.
pub(crate) fn uid(object: &Bound<'_, PyAny>) -> PyResult<u32> {
    match text(object)? {
        Some(name) => look_up(object, &name, ("user", "pwd", "getpwnam", "pw_uid")),
        None => id(object, "user"),
    }
}

/// A group, by name or id.
pub(crate) fn gid(object: &Bound<'_, PyAny>) -> PyResult<u32> {
    match text(object)? {
        Some(name) => look_up(object, &name, ("group", "grp", "getgrnam", "gr_gid")),
        None => id(object, "group"),
    }
}

/// Groups, by names or ids.
pub(crate) fn gids(object: &Bound<'_, PyAny>) -> PyResult<Vec<u32>> {
    if text(object)?.is_some() {
        return Err(PyTypeError::new_err("groups must be a list of groups, not one name"));
    }
    object.try_iter()?.map(|item| gid(&item?)).collect()
}

/// A signal: its number, or its name with or without "SIG", as kill(1) takes it.
pub(crate) fn signal(object: &Bound<'_, PyAny>) -> PyResult<i32> {
    let Some(name) = text(object)? else {
        if !object.is_instance_of::<PyInt>() {
            let of = object.get_type().name()?.to_string();
            return Err(PyTypeError::new_err(format!("a signal is a name or a number, not {of}")));
        }
        return match object.extract::<i32>() {
            Ok(number @ 1..=64) => Ok(number),
            _ => Err(PyValueError::new_err(format!("signal {object} is out of range: 1 to 64"))),
        };
    };
    let unknown = || no_signal(object.py(), &name);
    let upper = name.to_uppercase();
    let short = upper.strip_prefix("SIG").unwrap_or(&upper);
    let (base, offset) = match short.find(['+', '-']).filter(|_| short.starts_with("RTM")) {
        Some(at) => short.split_at(at),
        None => (short, "+0"),
    };
    let offset: i32 = offset.parse().map_err(|_| unknown())?;
    let module = object.py().import("signal")?;
    let number: i32 = module.getattr(format!("SIG{base}")).map_err(|_| unknown())?.extract()?;
    match number.checked_add(offset) {
        // SIG_DFL and SIG_IGN end up here as well.
        Some(number @ 1..=64) => Ok(number),
        _ => Err(unknown()),
    }
}

/// The complaint about the name of a signal.
fn no_signal(py: Python<'_>, name: &str) -> PyErr {
    let known = || -> PyResult<Vec<String>> {
        let members = py.import("signal")?.getattr("Signals")?.getattr("__members__")?;
        let names: Vec<String> = members.try_iter()?.map(|name| name?.extract()).collect::<PyResult<_>>()?;
        let short = name.to_uppercase().starts_with("SIG");
        Ok(names
            .iter()
            .map(|known| if short { known } else { known.trim_start_matches("SIG") }.to_owned())
            .collect())
    };
    let known = known().unwrap_or_default();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let text = format!("there is no signal {name:?}");
    PyValueError::new_err(error::with_suggestion(&text, &name.to_uppercase(), &known))
}

/// Capabilities: a list of names and numbers, or one string of them with commas, "all", "none".
pub(crate) fn capabilities(object: &Bound<'_, PyAny>) -> PyResult<CapSet> {
    let named = |name: &str| name.parse::<CapSet>().map_err(|e| PyValueError::new_err(e.to_string()));
    if let Some(names) = text(object)? {
        return named(&names);
    }
    object.try_iter()?.try_fold(CapSet::NONE, |set, item| {
        let item = item?;
        let one = match text(&item)? {
            Some(name) => named(&name)?,
            None => match item.extract::<u32>()? {
                number @ 0..64 => CapSet::from_iter([number]),
                number => return Err(PyValueError::new_err(format!("there is no capability {number}"))),
            },
        };
        Ok(set | one)
    })
}

/// Securebits: their number, or names as prctl(2) has them, with or without "SECBIT_".
pub(crate) fn secure_bits(object: &Bound<'_, PyAny>) -> PyResult<SecureBits> {
    if object.is_instance_of::<PyInt>() {
        return Ok(SecureBits::from_bits_retain(object.extract()?));
    }
    if text(object)?.is_some() {
        return Err(PyTypeError::new_err("securebits must be a number or a list of names, not one name"));
    }
    object.try_iter()?.try_fold(SecureBits::empty(), |bits, item| {
        let name: String = item?.extract()?;
        let upper = name.to_uppercase().replace('-', "_");
        let bit = SecureBits::from_name(upper.strip_prefix("SECBIT_").unwrap_or(&upper));
        let unknown = || PyValueError::new_err(format!("there is no securebit {name:?}"));
        Ok(bits | bit.ok_or_else(unknown)?)
    })
}

/// A resource: its number, or its name with or without "RLIMIT_", as prlimit(1) and ulimit(1p) spell it.
pub(crate) fn resource(object: &Bound<'_, PyAny>) -> PyResult<u32> {
    let Some(name) = text(object)? else { return object.extract() };
    let lower = name.to_lowercase();
    let short = lower.strip_prefix("rlimit_").unwrap_or(&lower);
    let at = RESOURCES.iter().position(|known| *known == short);
    at.and_then(|at| u32::try_from(at).ok()).ok_or_else(|| {
        PyValueError::new_err(format!("there is no resource limit {name:?}: {}", RESOURCES.join(", ")))
    })
}
