// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The keywords of a configuration. `None` leaves a setting as it is.

mod close;
mod landlock;
mod machine;
mod mounts;
mod plain;
mod together;
mod values;

use procfd::{Context, LandlockLog};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyString, PyType};

use self::close::time_limit;
pub(crate) use self::close::{close_policy, close_signal, close_then, scope};
use self::together::Together;
use self::values::{id_map, ids, offset_of, scheduler, setgroups};
pub(crate) use self::values::{limits, namespaces};
use crate::convert;
use crate::error;
use crate::named::Named;
use crate::names;

/// Sets what the keywords say. What comes before a wrong one stays set.
pub(crate) fn apply<'py>(
    context: &mut Context,
    named: &mut Named,
    program: Option<&Bound<'py, PyAny>>,
    settings: &Bound<'py, PyDict>,
) -> PyResult<()> {
    let mut together = Together::new(program);
    together.groups_given = ["gid", "groups", "namespaces", "uid_map"].iter().try_fold(
        false,
        |given, name| -> PyResult<bool> {
            Ok(given || settings.get_item(name)?.is_some_and(|value| !value.is_none()))
        },
    )?;
    for (name, value) in settings.iter() {
        let name = name.cast::<PyString>()?.to_cow()?;
        // Parameters of the calls rather than settings.
        let parameter = matches!(name.as_ref(), "program" | "args");
        if !parameter && !plain::KEYWORDS.contains(&name.as_ref()) {
            return Err(unknown(&name));
        }
        if value.is_none() {
            continue;
        }
        let done = set(context, named, &mut together, &name, &value).map_err(|e| about(&name, &value, e))?;
        debug_assert!(done, "a keyword of the table without an arm: {name}");
    }
    together.set(context, named)
}

fn set<'py>(
    context: &mut Context,
    named: &mut Named,
    together: &mut Together<'py>,
    name: &str,
    value: &Bound<'py, PyAny>,
) -> PyResult<bool> {
    let done = plain::set(context, name, value)?
        || alone(context, named, name, value)?
        || together.take(name, value)?;
    named.number_of(name, value);
    Ok(done)
}

/// The words of the interpreter about a number that has no room.
const NO_ROOM: [&str; 4] =
    ["too large to convert", "too big to convert", "out of range integral", "negative int"];

/// The same complaint with the keyword in front. What a method of your own object raises stays as it is, and so do the
/// words for which subprocess has the same.
fn about(name: &str, value: &Bound<'_, PyAny>, error: PyErr) -> PyErr {
    let py = value.py();
    let kind = error.get_type(py);
    let is_of = |other: Bound<'_, PyType>| kind.is(&other);
    let shared = matches!(name, "args" | "env" | "cwd" | "program");
    let text = error.value(py).to_string();
    if error.traceback(py).is_some() || text.starts_with(name) {
        error
    } else if is_of(py.get_type::<PyOverflowError>()) {
        match NO_ROOM.iter().any(|words| text.contains(words)) {
            true => PyOverflowError::new_err(format!("{name}: {value} is out of range")),
            false => PyOverflowError::new_err(format!("{name}: {text}")),
        }
    } else if shared {
        error
    } else if is_of(py.get_type::<PyTypeError>()) {
        PyTypeError::new_err(format!("{name}: {text}"))
    } else if is_of(py.get_type::<PyValueError>()) {
        PyValueError::new_err(format!("{name}: {text}"))
    } else {
        error
    }
}

fn unknown(name: &str) -> PyErr {
    PyTypeError::new_err(error::with_suggestion(
        &format!("got an unexpected keyword argument '{name}'"),
        name,
        plain::KEYWORDS,
    ))
}

/// Sets one that goes by itself and whose value is not plain; whether it is one.
fn alone(context: &mut Context, named: &mut Named, name: &str, value: &Bound<'_, PyAny>) -> PyResult<bool> {
    let done = match name {
        "args" => context.args(convert::os_strings(value, name)?),
        "env" => {
            let env = convert::variables(value, name)?;
            named.has_env = true;
            context.env_only(env)
        }
        "env_set" => {
            for (name, value) in convert::variables(value, name)? {
                context.env(name, value).map_err(|e| error::of_config(&e))?;
            }
            return Ok(true);
        }
        "env_unset" => {
            if convert::is_string(value) {
                return Err(PyTypeError::new_err("env_unset must be a list of names, not one string"));
            }
            for name in value.try_iter()? {
                context.env_remove(convert::variable_name(&name?)?).map_err(|e| error::of_config(&e))?;
            }
            return Ok(true);
        }
        "root" => {
            let path = convert::os_string(value)?;
            named.root = Some(value.clone().unbind());
            context.root(path)
        }
        "limits" => {
            for (resource, limit) in convert::items(value, name)? {
                let (soft, hard) = limits(&limit)?;
                context.rlimit(names::resource(&resource)?, soft, hard).map_err(|e| error::of_config(&e))?;
            }
            return Ok(true);
        }
        "cgroup" => {
            if convert::is_string(value) || value.hasattr("__fspath__")? {
                context.cgroup(convert::os_string(value)?)
            } else {
                context.cgroup_fd(convert::duplicate(convert::fd(value)?, 0)?)
            }
        }
        "time_limit" => {
            let (limit, signal, then) = time_limit(value)?;
            context.time_limit_with(limit, signal, then)
        }
        "cgroup_leaf" => match value.extract::<bool>() {
            Ok(false) => return Ok(true),
            Ok(true) => context.cgroup_leaf(),
            Err(_) => context.cgroup_leaf_named(convert::os_string(value)?),
        },
        "cgroup_limits" => {
            for (file, value) in convert::items(value, name)? {
                let (file, value): (String, String) = (file.extract()?, value.str()?.extract()?);
                context.cgroup_limit(&file, value).map_err(|e| error::of_config(&e))?;
            }
            return Ok(true);
        }
        "scheduler" => context.scheduler(&scheduler(value)?),
        "affinity" => context.affinity(machine::cpus(value)?),
        "numa" => {
            machine::numa(context, value)?;
            return Ok(true);
        }
        "speculation" => {
            machine::speculation(context, value)?;
            return Ok(true);
        }
        "ioprio" => {
            let (class, level): (u16, u16) = value.extract()?;
            context.ioprio(class, level)
        }
        "join" => {
            for join in value.try_iter()? {
                let (kinds, at): (Bound<'_, PyAny>, Bound<'_, PyAny>) = join?.extract()?;
                let kinds = namespaces(&kinds)?;
                let done = match convert::is_string(&at) || at.hasattr("__fspath__")? {
                    true => context.join_path(kinds, convert::os_string(&at)?),
                    false => context.join_fd(kinds, convert::duplicate(convert::fd(&at)?, 0)?),
                };
                done.map_err(|e| error::of_config(&e))?;
            }
            return Ok(true);
        }
        "time_offsets" => {
            for (clock, offset) in convert::items(value, name)? {
                let (seconds, nanoseconds) = offset_of(&offset)?;
                let done = match clock.extract::<String>()?.as_str() {
                    "monotonic" => context.monotonic_offset(seconds, nanoseconds),
                    "boottime" => context.boottime_offset(seconds, nanoseconds),
                    other => {
                        let text = format!("time_offsets: no clock {other:?}: \"monotonic\" or \"boottime\"");
                        return Err(PyValueError::new_err(text));
                    }
                };
                done.map_err(|e| error::of_config(&e))?;
            }
            return Ok(true);
        }
        "sysctls" => {
            for (name, value) in convert::items(value, name)? {
                let value = if value.is_instance_of::<PyInt>() { value.str()?.into_any() } else { value };
                context
                    .sysctl(convert::os_string(&name)?, convert::os_string(&value)?)
                    .map_err(|e| error::of_config(&e))?;
            }
            return Ok(true);
        }
        "namespaces" => context.namespaces(namespaces(value)?),
        "uid_map" => context.uid_map(&id_map(value)?),
        "gid_map" => context.gid_map(&id_map(value)?),
        "seccomp" => {
            let flags = procfd::SeccompFlags::empty();
            if let Ok(program) = value.cast::<pyo3::types::PyBytes>() {
                context.seccomp(program.as_bytes(), flags)
            } else {
                for program in value.try_iter()? {
                    let program = program?.extract::<Vec<u8>>()?;
                    context.seccomp(&program, flags).map_err(|e| error::of_config(&e))?;
                }
                return Ok(true);
            }
        }
        "landlock" => {
            landlock::set(context, value)?;
            return Ok(true);
        }
        "landlock_fds" => {
            for ruleset in value.try_iter()? {
                let ruleset = convert::duplicate(convert::fd(&ruleset?)?, 0)?;
                context.landlock_fd(ruleset, LandlockLog::empty()).map_err(|e| error::of_config(&e))?;
            }
            return Ok(true);
        }
        "setgroups" => context.setgroups(setgroups(value)?),
        "pivot_root" => context.pivot_root(convert::os_string(value)?),
        "mount_propagation" => context.mount_propagation(mounts::propagation(value)?),
        "mounts" => {
            for entry in value.try_iter()? {
                let mount = mounts::read(&entry?, &mut named.held)?;
                context.mount(mount).map_err(|e| error::of_config(&e))?;
            }
            return Ok(true);
        }
        _ => return Ok(false),
    };
    done.map(|_| true).map_err(|e| error::of_config(&e))
}
