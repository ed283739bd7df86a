// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The keywords of a configuration. `None` leaves a setting as it is.

mod landlock;
mod machine;
mod mounts;
mod plain;

use std::ffi::OsString;
use std::time::Duration;

use procfd::{Context, Error, IdMap, Ids, LandlockLog, Namespaces, Scope, Setgroups};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyInt, PyList, PyString, PyTuple};

use crate::convert;
use crate::descriptors;
use crate::error;
use crate::named::Named;
use crate::names;

/// The keywords that belong together, and are set when all are known.
#[derive(Default)]
struct Together<'py> {
    program: Option<Bound<'py, PyAny>>,
    search: bool,
    cwd: Option<Bound<'py, PyAny>>,
    user: Option<Bound<'py, PyAny>>,
    login_env: bool,
    /// The user's own groups are not to be looked up: the caller names some, or the ids are those of
    /// another user namespace.
    groups_given: bool,
    actions: Option<Bound<'py, PyAny>>,
    map: descriptors::Map<'py>,
    kill: Option<Bound<'py, PyAny>>,
    scope: Option<Scope>,
    then: Option<(i32, Duration)>,
}

/// Sets what the keywords say. What comes before a wrong one stays set.
pub(crate) fn apply<'py>(
    context: &mut Context,
    named: &mut Named,
    program: Option<&Bound<'py, PyAny>>,
    settings: &Bound<'py, PyDict>,
) -> PyResult<()> {
    let mut together = Together { program: program.cloned(), ..Together::default() };
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
        let done = plain::set(context, &name, &value)?
            || alone(context, named, &name, &value)?
            || together.take(&name, &value)?;
        debug_assert!(done, "a keyword of the table without an arm: {name}");
    }
    together.set(context, named)
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

impl<'py> Together<'py> {
    fn take(&mut self, name: &str, value: &Bound<'py, PyAny>) -> PyResult<bool> {
        match name {
            "search" => self.search = value.is_truthy()?,
            "program" | "program_fd" if self.program.is_some() => {
                return Err(PyTypeError::new_err("the program is given twice"));
            }
            "program" => self.program = Some(value.clone()),
            "program_fd" => self.program = Some(convert::fd(value)?.into_pyobject(value.py())?.into_any()),
            "cwd" => self.cwd = Some(value.clone()),
            "user" => self.user = Some(value.clone()),
            "login_env" => self.login_env = value.is_truthy()?,
            "actions" => self.actions = Some(value.clone()),
            "kill_on_close" => self.kill = Some(value.clone()),
            "close_scope" => self.scope = Some(scope(value)?),
            "close_then" => self.then = Some(close_then(value)?),
            _ => return self.map.take(name, value),
        }
        Ok(true)
    }

    fn set(self, context: &mut Context, named: &mut Named) -> PyResult<()> {
        match &self.program {
            Some(program) => self::program(context, named, program, self.search)?,
            None if self.search => {
                return Err(PyValueError::new_err("search is given together with the program"));
            }
            None => {}
        }
        // Descriptors of the caller come first: what follows in the list may replace them.
        if let Some(cwd) = &self.cwd {
            descriptors::cwd(context, named, cwd)?;
        }
        self.map.set(context, named)?;
        if let Some(actions) = &self.actions {
            descriptors::actions(context, named, actions)?;
        }
        match &self.user {
            Some(user) => become_user(context, user, self.groups_given, self.login_env)?,
            None if self.login_env => {
                return Err(PyValueError::new_err("login_env is given together with user"));
            }
            None => {}
        }
        close_policy(context, self.kill.as_ref(), self.scope, self.then)?;
        if let Some(kill) = &self.kill {
            named.has_policy = close_signal(kill)?.is_some();
        }
        Ok(())
    }
}

/// What `user` stands for: the ids, and unless the caller names groups, those of the user.
fn become_user(
    context: &mut Context,
    user: &Bound<'_, PyAny>,
    groups_given: bool,
    login_env: bool,
) -> PyResult<()> {
    type Account = (u32, Option<u32>, Option<Vec<u32>>, Vec<(OsString, OsString)>);
    let module = user.py().import("procfd._accounts")?;
    let (uid, gid, groups, variables): Account =
        module.call_method1("account", (user, groups_given, login_env))?.extract()?;
    let all = |id: u32| Ids { real: Some(id), effective: Some(id), saved: Some(id) };
    let failed = |e: Error| error::of_config(&e);
    context.uid(all(uid)).map_err(failed)?;
    if let Some(gid) = gid {
        context.gid(all(gid)).map_err(failed)?;
    }
    if let Some(groups) = groups {
        context.groups(&groups).map_err(failed)?;
    }
    for (name, value) in variables {
        context.env(name, value).map_err(failed)?;
    }
    Ok(())
}

fn program(
    context: &mut Context,
    named: &mut Named,
    program: &Bound<'_, PyAny>,
    search: bool,
) -> PyResult<()> {
    let mut kept = program.clone();
    let list = program.is_instance_of::<PyList>() || program.is_instance_of::<PyTuple>();
    let done = if list {
        if search {
            return Err(PyValueError::new_err("search is for a name, not for a list of paths"));
        }
        kept = program.py().get_type::<PyTuple>().call1((program,))?;
        context.program_first_of(convert::os_strings(program, "program")?)
    } else if program.is_instance_of::<PyInt>() {
        context.program_fd(convert::duplicate(program.extract()?, 0)?)
    } else {
        let path: OsString = convert::os_string(program)?;
        if search { context.program_in_path(path) } else { context.program(path) }
    };
    named.candidates = list;
    done.map_err(|e| error::of_step(program.py(), &e, Some(kept.clone().unbind())))?;
    named.program = Some(kept.unbind());
    Ok(())
}

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
fn time_limit(value: &Bound<'_, PyAny>) -> PyResult<TimeLimit> {
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

/// One id for all three, or real, effective and saved; `None` or -1 leaves one as it is. `by_name`
/// reads a name or a number.
fn ids(value: &Bound<'_, PyAny>, by_name: impl Fn(&Bound<'_, PyAny>) -> PyResult<u32>) -> PyResult<Ids> {
    let id = |value: &Bound<'_, PyAny>| -> PyResult<Option<u32>> {
        if value.is_none() || value.eq(-1)? { Ok(None) } else { by_name(value).map(Some) }
    };
    if !value.is_instance_of::<PyTuple>() && !value.is_instance_of::<PyList>() {
        let id = id(value)?;
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
    let (soft, hard): (Bound<'_, PyAny>, Bound<'_, PyAny>) = value.extract()?;
    Ok((limit(&soft)?, limit(&hard)?))
}

/// A policy by its name, "fifo:PRIORITY", its number, or a mapping with its parameters.
fn scheduler(value: &Bound<'_, PyAny>) -> PyResult<procfd::Scheduler> {
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
fn offset_of(value: &Bound<'_, PyAny>) -> PyResult<(i64, u32)> {
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

fn id_map(value: &Bound<'_, PyAny>) -> PyResult<Vec<IdMap>> {
    let line = |line: PyResult<Bound<'_, PyAny>>| {
        let (inside, outside, count) = line?.extract()?;
        Ok(IdMap { inside, outside, count })
    };
    value.try_iter()?.map(line).collect()
}

fn setgroups(value: &Bound<'_, PyAny>) -> PyResult<Setgroups> {
    let name: String = value.extract()?;
    match name.as_str() {
        "auto" => Ok(Setgroups::Auto),
        "allow" => Ok(Setgroups::Allow),
        "deny" => Ok(Setgroups::Deny),
        _ => Err(PyValueError::new_err(format!("setgroups={name:?}: \"auto\", \"allow\" or \"deny\""))),
    }
}
