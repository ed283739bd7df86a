// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! `posix_spawn` and `posix_spawnp`, with the signature and the meaning of those in `os`: an ordinary
//! child, which inherits every descriptor that is not close-on-exec.

use std::os::fd::RawFd;

use procfd::{Context, Ids, OpenFlags, Scheduler};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use crate::convert;
use crate::error;
use crate::sys;

/// `os.POSIX_SPAWN_OPEN` and so on.
const OPEN: i64 = 0;
const CLOSE: i64 = 1;
const DUP2: i64 = 2;
const CLOSEFROM: i64 = 3;

/// The keywords of both.
struct Attributes<'a, 'py> {
    file_actions: Option<&'a Bound<'py, PyAny>>,
    setpgroup: Option<i32>,
    resetids: bool,
    setsid: bool,
    setsigmask: Option<&'a Bound<'py, PyAny>>,
    setsigdef: Option<&'a Bound<'py, PyAny>>,
    scheduler: Option<&'a Bound<'py, PyAny>>,
}

/// The functions of `os` with their signature.
macro_rules! functions {
    ($($(#[doc = $doc:literal])* $name:ident, $search:literal;)*) => {$(
        $(#[doc = $doc])*
        #[pyfunction]
        #[pyo3(signature = (path, argv, env, /, *, file_actions=None, setpgroup=None, resetids=false, setsid=false,
                            setsigmask=None, setsigdef=None, scheduler=None))]
        #[allow(clippy::too_many_arguments, reason = "the signature of os.posix_spawn")]
        pub(crate) fn $name<'py>(
            path: &Bound<'py, PyAny>,
            argv: &Bound<'py, PyAny>,
            env: &Bound<'py, PyAny>,
            file_actions: Option<&Bound<'py, PyAny>>,
            setpgroup: Option<i32>,
            resetids: bool,
            setsid: bool,
            setsigmask: Option<&Bound<'py, PyAny>>,
            setsigdef: Option<&Bound<'py, PyAny>>,
            scheduler: Option<&Bound<'py, PyAny>>,
        ) -> PyResult<i32> {
            let attributes =
                Attributes { file_actions, setpgroup, resetids, setsid, setsigmask, setsigdef, scheduler };
            spawn(path, argv, env, &attributes, $search)
        }
    )*};
}

functions! {
    /// Starts the program of a path, and returns its pid.
    posix_spawn, false;
    /// As `posix_spawn`, with the program searched in the caller's PATH.
    posix_spawnp, true;
}

fn spawn<'py>(
    path: &Bound<'py, PyAny>,
    argv: &Bound<'py, PyAny>,
    env: &Bound<'py, PyAny>,
    attributes: &Attributes<'_, 'py>,
    search: bool,
) -> PyResult<i32> {
    let py = path.py();
    // Not autoreaped: the caller waits for the pid.
    let mut context = Context::with_flags(OpenFlags::NO_WATCH).map_err(|e| error::from_io(&e))?;
    let refused = |e: procfd::Error| error::of_step(py, &e, Some(path.clone().unbind()));
    let program = convert::os_string(path)?;
    if search { context.program_in_path(program) } else { context.program(program) }.map_err(refused)?;
    if !argv.is_instance_of::<PyList>() && !argv.is_instance_of::<PyTuple>() {
        return Err(PyTypeError::new_err("argv must be a tuple or list"));
    }
    let args = convert::os_strings(argv, "argv")?;
    if args.first().is_none_or(|first| first.is_empty()) {
        return Err(PyValueError::new_err("argv must have a first element that is not empty"));
    }
    context.args(args).map_err(refused)?;
    if env.is_none() {
        context.env_only(std::env::vars_os()).map_err(refused)?;
    } else {
        context.env_only(convert::variables(env, "env")?).map_err(refused)?;
    }
    context.inherit_all(true).map_err(refused)?;
    attributes.set(&mut context, path)?;
    let created = py.detach(|| context.create());
    // Its descriptors are closed here: what is left is the child.
    let process = created.map_err(refused)?;
    Ok(process.started_pid().and_then(|pid| i32::try_from(pid).ok()).unwrap_or_default())
}

impl Attributes<'_, '_> {
    fn set(&self, context: &mut Context, path: &Bound<'_, PyAny>) -> PyResult<()> {
        let refused = |e: procfd::Error| error::of_step(path.py(), &e, Some(path.clone().unbind()));
        if let Some(scheduler) = self.scheduler.filter(|scheduler| !scheduler.is_none()) {
            context.scheduler(&self::scheduler(scheduler)?).map_err(refused)?;
        }
        if let Some(actions) = self.file_actions.filter(|actions| !actions.is_none()) {
            file_actions(context, actions, path)?;
        }
        if let Some(group) = self.setpgroup {
            context.process_group(group).map_err(refused)?;
        }
        if self.resetids {
            // The effective ids become the real ones.
            let (uid, gid) = sys::real_ids();
            context.uid(Ids { effective: Some(uid), ..Ids::default() }).map_err(refused)?;
            context.gid(Ids { effective: Some(gid), ..Ids::default() }).map_err(refused)?;
        }
        if self.setsid {
            context.new_session().map_err(refused)?;
        }
        if let Some(mask) = self.setsigmask {
            context.signal_mask(convert::signal_numbers(mask)?).map_err(refused)?;
        }
        if let Some(defaults) = self.setsigdef {
            context.default_signals(convert::signal_numbers(defaults)?).map_err(refused)?;
        }
        Ok(())
    }
}

/// A policy, or None for the caller's, and an `os.sched_param`.
fn scheduler(value: &Bound<'_, PyAny>) -> PyResult<Scheduler> {
    let wrong = || PyTypeError::new_err("scheduler must be a tuple or None");
    let pair = value.cast::<PyTuple>().map_err(|_| wrong())?;
    if pair.len() != 2 {
        return Err(PyTypeError::new_err(
            "scheduler must be a tuple of a policy or None and an os.sched_param",
        ));
    }
    let mut scheduler = Scheduler::default();
    let policy = pair.get_item(0)?;
    if policy.is_none() {
        scheduler.flags = SCHED_FLAG_KEEP_POLICY;
    } else {
        let policy: u32 = policy.extract()?;
        if policy & SCHED_RESET_ON_FORK != 0 {
            scheduler.flags = SCHED_FLAG_RESET_ON_FORK;
        }
        scheduler.policy = policy & !SCHED_RESET_ON_FORK;
    }
    let parameters = pair.get_item(1)?;
    let kind = value.py().import("os")?.getattr("sched_param")?;
    if !parameters.is_instance(&kind)? {
        return Err(PyTypeError::new_err("must have a sched_param object"));
    }
    scheduler.priority = parameters.getattr("sched_priority")?.extract()?;
    Ok(scheduler)
}

/// linux/sched.h.
const SCHED_RESET_ON_FORK: u32 = 0x4000_0000;
const SCHED_FLAG_RESET_ON_FORK: u64 = 0x01;
const SCHED_FLAG_KEEP_POLICY: u64 = 0x08;

fn file_actions(context: &mut Context, actions: &Bound<'_, PyAny>, path: &Bound<'_, PyAny>) -> PyResult<()> {
    let refused = |e: procfd::Error| error::of_step(path.py(), &e, Some(path.clone().unbind()));
    let wrong = |what: &str| PyTypeError::new_err(what.to_owned());
    // What is opened close-on-exec is open for the actions alone.
    let mut closed_at_exec: Vec<RawFd> = Vec::new();
    for action in actions.try_iter().map_err(|_| wrong("file_actions must be a sequence of tuples"))? {
        let action = action?;
        let action = action
            .cast::<PyTuple>()
            .map_err(|_| wrong("Each file_actions element must be a non-empty tuple"))?;
        if action.is_empty() {
            return Err(wrong("Each file_actions element must be a non-empty tuple"));
        }
        let operands = action.len();
        let tag: i64 = action.get_item(0)?.extract()?;
        let number = |at: usize| -> PyResult<RawFd> { action.get_item(at)?.extract() };
        match (tag, operands) {
            (OPEN, 5) => {
                let (fd, flags) = (number(1)?, number(3)?);
                let file = action.get_item(2)?;
                let mode: u32 = action.get_item(4)?.extract()?;
                let name = convert::os_string(&file)?;
                closed_at_exec.retain(|closed| *closed != fd);
                if flags & libc::O_CLOEXEC != 0 {
                    closed_at_exec.push(fd);
                }
                context.open_at(fd, name, flags & !libc::O_CLOEXEC, mode & 0o7777).map_err(refused)?;
            }
            (CLOSE, 2) => drop(context.close(number(1)?).map_err(refused)?),
            (DUP2, 3) => {
                let (fd, target) = (number(1)?, number(2)?);
                closed_at_exec.retain(|closed| *closed != target);
                context.dup(fd, target).map_err(refused)?;
            }
            (CLOSEFROM, 2) => {
                let first: u32 = action.get_item(1)?.extract()?;
                context.close_range(first, u32::MAX).map_err(refused)?;
            }
            (OPEN, _) => return Err(wrong("An open file_action tuple must have 5 elements")),
            (CLOSE, _) => return Err(wrong("A close file_action tuple must have 2 elements")),
            (DUP2, _) => return Err(wrong("A dup2 file_action tuple must have 3 elements")),
            (CLOSEFROM, _) => return Err(wrong("A closefrom file_action tuple must have 2 elements")),
            _ => return Err(wrong("Unknown file_actions identifier")),
        }
    }
    for fd in closed_at_exec {
        context.close(fd).map_err(refused)?;
    }
    Ok(())
}
