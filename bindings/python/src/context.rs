// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! `Context`: a configuration that becomes a process.

use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use procfd::{Error, OpenFlags, WindowSize, ffi};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::error;
use crate::named::Named;
use crate::process::Process;
use crate::settings;
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
///
#[doc = include_str!("settings/help.txt")]
#[pyclass(frozen, weakref, module = "procfd")]
pub(crate) struct Context {
    // Never held while the interpreter is detached from.
    state: Mutex<State>,
}

/// Opens a context with the keywords `watch` and `autoreap`, which it takes out of the others.
pub(crate) fn open(settings: Option<&Bound<'_, PyDict>>) -> PyResult<(procfd::Context, bool)> {
    error::check_memory()?;
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

pub(crate) fn with_args<'py>(
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

    /// A pipe from which the child reads at this number. Returns the writing end, which is yours to close.
    fn pipe_to(&self, py: Python<'_>, target: RawFd) -> PyResult<RawFd> {
        self.hand_out(py, 1, |context| context.pipe_to(target))
    }

    /// A pipe to which the child writes at this number. Returns the reading end, which is yours to close.
    fn pipe_from(&self, py: Python<'_>, target: RawFd) -> PyResult<RawFd> {
        self.hand_out(py, 1, |context| context.pipe_from(target))
    }

    /// A pseudo-terminal of this size as 0, 1, 2 and controlling terminal of a new session. Returns the master, which
    /// is yours to close.
    #[pyo3(signature = (rows=0, columns=0))]
    fn pty(&self, py: Python<'_>, rows: u16, columns: u16) -> PyResult<RawFd> {
        self.hand_out(py, 3, |context| context.pty(WindowSize { rows, columns, ..WindowSize::default() }))
    }

    /// A seccomp program that notifies. Returns a socket, which is yours to close: the descriptor for the
    /// notifications comes there in the start (socket.recv_fds).
    fn seccomp_notify(&self, py: Python<'_>, program: &[u8]) -> PyResult<RawFd> {
        let socket = |context: &mut procfd::Context| {
            context.seccomp_notify(program, procfd::SeccompFlags::empty()).map(OwnedFd::from)
        };
        self.hand_out(py, 0, socket)
    }

    /// Another context with the same configuration.
    fn copy(&self, py: Python<'_>) -> PyResult<Self> {
        let state = self.lock();
        let context = state.phase.configuring()?;
        let context = context.try_clone().map_err(|e| error::from_io(&e))?;
        let (named, autoreap) = (state.named.clone_ref(py), state.autoreap);
        Ok(Self { state: Mutex::new(State { phase: Phase::Configuring(context), named, autoreap }) })
    }

    /// What create() would do now, step by step, without starting anything: dicts with stage, index, what and calls.
    fn explain<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let state = self.lock();
        let plan = match state.phase.configuring()?.plan() {
            Ok(plan) => plan,
            Err(e) => return Err(state.named.exception(py, &e)),
        };
        let steps = PyList::empty(py);
        for step in plan.steps() {
            let entry = PyDict::new(py);
            entry.set_item("stage", step.stage.as_raw())?;
            entry.set_item("index", step.index)?;
            entry.set_item("what", &step.what)?;
            entry.set_item("calls", &step.calls)?;
            steps.append(entry)?;
        }
        Ok(steps)
    }

    /// The procfd, which is opened now if it has none: it is readable from the start on.
    fn fileno(&self) -> PyResult<RawFd> {
        let mut state = self.lock();
        state.phase.configuring()?;
        match &mut state.phase {
            Phase::Configuring(context) => {
                context.procfd().map(|fd| fd.as_raw_fd()).map_err(|e| error::from_io(&e))
            }
            _ => Err(PyValueError::new_err("the context is not configuring")),
        }
    }

    /// Closes the procfd. After `create()` it belongs to the `Process`.
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
            Phase::Configuring(_) => "<procfd.Context configuring>".to_owned(),
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
            Self::Created => Err(PyValueError::new_err(
                "the context has started its process: copy() it before create() to start another",
            )),
            Self::Closed => Err(PyValueError::new_err("the context is closed")),
        }
    }
}

impl Context {
    /// Makes something of which the caller gets a descriptor, with so many entries of the list of actions.
    fn hand_out(
        &self,
        py: Python<'_>,
        actions: usize,
        make: impl FnOnce(&mut procfd::Context) -> Result<OwnedFd, Error>,
    ) -> PyResult<RawFd> {
        let (mut context, mut named) = self.take(py)?;
        let made = make(&mut context);
        if made.is_ok() {
            named.actions.extend((0..actions).map(|_| None));
        }
        self.put(Phase::Configuring(context), named);
        made.map(IntoRawFd::into_raw_fd).map_err(|e| error::of_config(&e))
    }

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
pub(crate) fn create(
    py: Python<'_>,
    mut context: procfd::Context,
    named: &Named,
) -> Result<Option<procfd::Process>, (procfd::Context, PyErr)> {
    if let Err(e) = named.fix_environment(&mut context) {
        return Err((context, e));
    }
    let done = match named.has_program() {
        true => py.detach(|| context.create()).map(Some),
        false => sys::around_fork(py, || ffi::fork(&mut context), |forked| matches!(forked, Ok(None))),
    };
    done.map_err(|error| {
        let exception = named.exception(py, &error);
        (context, exception)
    })
}
