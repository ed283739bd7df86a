// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What managing a process answers, and what its keywords are made into.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::time::Duration;

use procfd::{IdMap, ProcessRef, Scheduler, TreeMethod};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert;
use crate::error;

/// What came of a signal to a tree.
#[pyclass(frozen, eq, module = "procfd._native")]
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct KillTree(pub procfd::KillTree);

#[pymethods]
impl KillTree {
    /// "walk": each process by its pidfd; "init": the init of a pid namespace, and the kernel ends the
    /// rest; "cgroup": the kernel kills the cgroup.
    #[getter]
    fn how(&self) -> &'static str {
        match self.0.how {
            TreeMethod::Init => "init",
            TreeMethod::Cgroup => "cgroup",
            _ => "walk",
        }
    }

    /// To how many processes the signal was sent; 0 where the kernel kills a cgroup.
    #[getter]
    fn signalled(&self) -> usize {
        self.0.signalled
    }

    /// How many the caller may not signal.
    #[getter]
    fn refused(&self) -> usize {
        self.0.refused
    }

    fn __repr__(&self) -> String {
        format!("KillTree(how='{}', signalled={}, refused={})", self.how(), self.0.signalled, self.0.refused)
    }
}

/// A process by its number, with what tells it from others that have had the number or will.
#[pyclass(frozen, eq, name = "ProcessRef", module = "procfd._native")]
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Reference(ProcessRef);

#[pymethods]
impl Reference {
    /// Its id.
    #[getter]
    fn pid(&self) -> u32 {
        self.0.pid
    }

    /// Its parent's.
    #[getter]
    fn ppid(&self) -> u32 {
        self.0.ppid
    }

    /// When it started, since boot, of 10 ms grain.
    #[getter]
    fn start_boot_ns(&self) -> u64 {
        self.0.start_boot_ns
    }

    /// The pidfs inode, which no other process has until reboot.
    #[getter]
    fn inode(&self) -> Option<u64> {
        self.0.inode
    }

    fn __repr__(&self) -> String {
        format!("ProcessRef(pid={}, ppid={})", self.0.pid, self.0.ppid)
    }
}

pub(crate) fn references(of: Vec<ProcessRef>) -> Vec<Reference> {
    of.into_iter().map(Reference).collect()
}

/// Lines as the keywords `uid_map` and `gid_map` take them.
pub(crate) fn lines(map: Vec<IdMap>) -> Vec<(u32, u32, u32)> {
    map.into_iter().map(|line| (line.inside, line.outside, line.count)).collect()
}

/// Variables by name. What has none is passed over.
pub(crate) fn variables(environ: Vec<OsString>) -> Vec<(OsString, OsString)> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let pair = |variable: OsString| {
        let at = variable.as_bytes().iter().position(|&byte| byte == b'=')?;
        let (name, value) = variable.as_bytes().split_at_checked(at)?;
        Some((OsString::from_vec(name.to_vec()), OsString::from_vec(value.get(1..)?.to_vec())))
    };
    environ.into_iter().filter_map(pair).collect()
}

/// A directory, by its path or descriptor.
pub(crate) fn directory(value: &Bound<'_, PyAny>) -> PyResult<OwnedFd> {
    if convert::is_string(value) || value.hasattr("__fspath__")? {
        let path = convert::os_string(value)?;
        return convert::directory(path).map_err(|e| error::of_file(value.py(), &e, value.clone().unbind()));
    }
    convert::duplicate(convert::fd(value)?, 0)
}

/// Parameters by their names; those of time are seconds.
pub(crate) fn scheduler(policy: u32, parameters: Option<&Bound<'_, PyDict>>) -> PyResult<Scheduler> {
    let mut scheduler = Scheduler::default();
    scheduler.policy = policy;
    let Some(parameters) = parameters else { return Ok(scheduler) };
    let time = |value: &Bound<'_, PyAny>| -> PyResult<Duration> {
        convert::seconds(value)?.ok_or_else(|| PyValueError::new_err("a time without an end"))
    };
    for (name, value) in parameters.iter() {
        let name: String = name.extract()?;
        match name.as_str() {
            "flags" => scheduler.flags = value.extract()?,
            "nice" => scheduler.nice = value.extract()?,
            "priority" => scheduler.priority = value.extract()?,
            "runtime" => scheduler.runtime = time(&value)?,
            "deadline" => scheduler.deadline = time(&value)?,
            "period" => scheduler.period = time(&value)?,
            "util_min" => scheduler.util_min = value.extract()?,
            "util_max" => scheduler.util_max = value.extract()?,
            _ => {
                let text = format!("unexpected keyword argument '{name}'");
                return Err(PyTypeError::new_err(text));
            }
        }
    }
    Ok(scheduler)
}
