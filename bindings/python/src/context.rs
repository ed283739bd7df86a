// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! `Context`: a configuration that becomes a process; and `spawn`, which is one call for all.

use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use procfd::{CreateError, OpenFlags, ffi};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error;
use crate::process::Process;
use crate::settings::{self, Named};
use crate::sys;

/// What a context is at.
enum Phase {
    Configuring(procfd::Context),
    /// In `create()`, perhaps of another thread.
    Creating,
    Created,
    Closed,
}

struct State {
    phase: Phase,
    named: Named,
    autoreap: bool,
}

/// A descriptor without a process: configured first, started by `create()`.
#[pyclass(frozen, module = "procfd")]
pub(crate) struct Context {
    // Never held while the interpreter is detached from.
    state: Mutex<State>,
}

/// Opens a context with the keywords `watch` and `autoreap`, which it takes out of the others.
fn open(settings: Option<&Bound<'_, PyDict>>) -> PyResult<(procfd::Context, bool)> {
    let take = |name: &str, default: bool| -> PyResult<bool> {
        let Some(settings) = settings else { return Ok(default) };
        match settings.get_item(name)? {
            Some(value) => {
                settings.del_item(name)?;
                if value.is_none() { Ok(default) } else { value.is_truthy() }
            }
            None => Ok(default),
        }
    };
    let mut flags = OpenFlags::empty();
    let autoreap = take("autoreap", true)?;
    flags.set(OpenFlags::NO_WATCH, !take("watch", false)?);
    flags.set(OpenFlags::AUTOREAP, autoreap);
    Ok((procfd::Context::with_flags(flags).map_err(|e| error::from_io(&e))?, autoreap))
}

fn with_args<'py>(
    py: Python<'py>,
    args: Option<Bound<'py, PyAny>>,
    settings: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let settings = settings.map_or_else(|| PyDict::new(py), Bound::clone);
    if let Some(args) = args {
        settings.set_item("args", args)?;
    }
    Ok(settings)
}

#[pymethods]
impl Context {
    #[new]
    #[pyo3(signature = (program=None, args=None, **settings))]
    fn new<'py>(
        py: Python<'py>,
        program: Option<Bound<'py, PyAny>>,
        args: Option<Bound<'py, PyAny>>,
        settings: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Self> {
        let settings = with_args(py, args, settings)?;
        let (mut context, autoreap) = open(Some(&settings))?;
        let mut named = Named::default();
        settings::apply(&mut context, &mut named, program.as_ref(), &settings)?;
        Ok(Self { state: Mutex::new(State { phase: Phase::Configuring(context), named, autoreap }) })
    }

    /// More settings, as the constructor has them.
    #[pyo3(signature = (program=None, args=None, **settings))]
    fn configure<'py>(
        &self,
        py: Python<'py>,
        program: Option<Bound<'py, PyAny>>,
        args: Option<Bound<'py, PyAny>>,
        settings: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<()> {
        let settings = with_args(py, args, settings)?;
        for fixed in ["watch", "autoreap"] {
            if settings.contains(fixed)? {
                return Err(PyTypeError::new_err(format!("{fixed} is given when the context is made")));
            }
        }
        // The settings' own methods (fileno, items) may come back here: not with the lock held.
        let (mut context, mut named) = self.take(py)?;
        let done = settings::apply(&mut context, &mut named, program.as_ref(), &settings);
        self.put(Phase::Configuring(context), named);
        done
    }

    /// Starts the process: it has executed its program when this returns. With no program it forks,
    /// and returns `None` in the child.
    fn create(&self, py: Python<'_>) -> PyResult<Option<Process>> {
        let (context, named) = self.take(py)?;
        let autoreap = self.lock().autoreap;
        let policy = named.has_policy;
        match create(py, context, &named) {
            Ok(started) => {
                self.put(Phase::Created, Named::default());
                Ok(started.map(|process| Process::started(process, autoreap, policy)))
            }
            Err((context, exception)) => {
                self.put(Phase::Configuring(context), named);
                Err(exception)
            }
        }
    }

    /// Another context with the same configuration.
    fn copy(&self, py: Python<'_>) -> PyResult<Self> {
        let state = self.lock();
        let context = state.phase.configuring()?;
        let context = context.try_clone().map_err(|e| error::from_io(&e))?;
        let (named, autoreap) = (state.named.clone_ref(py), state.autoreap);
        Ok(Self { state: Mutex::new(State { phase: Phase::Configuring(context), named, autoreap }) })
    }

    /// The procfd.
    fn fileno(&self) -> PyResult<RawFd> {
        Ok(self.lock().phase.configuring()?.as_raw_fd())
    }

    /// Closes the procfd. That of a process that was created is the `Process`'s own.
    fn close(&self) {
        let mut state = self.lock();
        let old = match state.phase {
            Phase::Configuring(_) => std::mem::replace(&mut state.phase, Phase::Closed),
            _ => return,
        };
        let named = std::mem::take(&mut state.named);
        // Objects may do anything when they are released.
        drop(state);
        drop((old, named));
    }

    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, PyAny>) {
        self.close();
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // Held by somebody: not garbage.
        let Ok(state) = self.state.try_lock() else { return Ok(()) };
        state.named.objects().try_for_each(|object| visit.call(object))
    }

    fn __clear__(&self) {
        self.close();
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a procfd.Context cannot be pickled: only the process that opened it may configure it",
        ))
    }

    fn __repr__(&self) -> String {
        match &self.lock().phase {
            Phase::Configuring(context) => format!("<procfd.Context fd={}>", context.as_raw_fd()),
            Phase::Creating => "<procfd.Context creating>".to_owned(),
            Phase::Created => "<procfd.Context created>".to_owned(),
            Phase::Closed => "<procfd.Context closed>".to_owned(),
        }
    }
}

impl Phase {
    fn configuring(&self) -> PyResult<&procfd::Context> {
        match self {
            Self::Configuring(context) => Ok(context),
            Self::Creating => Err(PyValueError::new_err("the context is in use by another thread")),
            Self::Created => Err(PyValueError::new_err("the context has created its process")),
            Self::Closed => Err(PyValueError::new_err("the context is closed")),
        }
    }
}

impl Context {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the configuration out, for work that may let other threads run.
    fn take(&self, _: Python<'_>) -> PyResult<(procfd::Context, Named)> {
        let mut state = self.lock();
        state.phase.configuring()?;
        match std::mem::replace(&mut state.phase, Phase::Creating) {
            Phase::Configuring(context) => Ok((context, std::mem::take(&mut state.named))),
            _ => Err(PyValueError::new_err("the context is not configuring")),
        }
    }

    fn put(&self, phase: Phase, named: Named) {
        let mut state = self.lock();
        state.phase = phase;
        let old = std::mem::replace(&mut state.named, named);
        drop(state);
        drop(old);
    }
}

/// The creation; what fails comes back, for another try.
fn create(
    py: Python<'_>,
    mut context: procfd::Context,
    named: &Named,
) -> Result<Option<procfd::Process>, (procfd::Context, PyErr)> {
    if let Err(e) = named.fix_environment(&mut context) {
        return Err((context, e));
    }
    let failed = |e: CreateError| {
        let exception = named.exception(py, e.error());
        (e.into_context(), exception)
    };
    if named.has_program() {
        return py.detach(|| context.create()).map(Some).map_err(failed);
    }
    sys::around_fork(py, || ffi::fork(context), |forked| matches!(forked, Ok(None))).map_err(failed)
}

/// Starts a program: `Context(...).create()` in one call, for those who start many.
#[pyfunction]
#[pyo3(signature = (program, args=None, settings=None, **more))]
pub(crate) fn spawn<'py>(
    py: Python<'py>,
    program: &Bound<'py, PyAny>,
    args: Option<Bound<'py, PyAny>>,
    settings: Option<&Bound<'py, PyDict>>,
    more: Option<&Bound<'py, PyDict>>,
) -> PyResult<Process> {
    if program.is_none() {
        return Err(PyTypeError::new_err("spawn needs a program"));
    }
    let all = match (settings, more) {
        (None, more) => with_args(py, args, more)?,
        (Some(settings), more) => {
            let all = settings.copy()?;
            if let Some(more) = more {
                all.update(more.as_mapping())?;
            }
            with_args(py, args, Some(&all))?
        }
    };
    let (mut context, autoreap) = open(Some(&all))?;
    let mut named = Named::default();
    settings::apply(&mut context, &mut named, Some(program), &all)?;
    match create(py, context, &named) {
        Ok(Some(process)) => Ok(Process::started(process, autoreap, named.has_policy)),
        Ok(None) => Err(PyTypeError::new_err("spawn needs a program")),
        Err((_, exception)) => Err(exception),
    }
}
