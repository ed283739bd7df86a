// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! `Process`: a process behind its descriptors.

use std::os::fd::{AsFd, AsRawFd, IntoRawFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use procfd::{ProcessState, WaitOptions};
use pyo3::exceptions::{PyResourceWarning, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyInt;

use crate::convert;
use crate::error;
use crate::info::{self, Info};
use crate::settings;
use crate::status::ExitStatus;

/// A process by its procfd, or another descriptor that stands for one, and its pidfd.
#[pyclass(frozen, module = "procfd")]
pub(crate) struct Process {
    /// `None` once it is closed. Calls under way hold it open.
    inner: Mutex<Option<Arc<procfd::Process>>>,
    status: OnceLock<ExitStatus>,
    pid: OnceLock<u32>,
    /// The process that started it, which warns when it is dropped, and reaps.
    starter: Option<u32>,
    autoreap: bool,
    /// Closing it ends the process, if nobody else holds it.
    policy: AtomicBool,
    warns: AtomicBool,
}

impl Process {
    pub(crate) fn started(process: procfd::Process, autoreap: bool, policy: bool) -> Self {
        let mut started = Self::opened(process);
        (started.starter, started.autoreap) = (Some(std::process::id()), autoreap);
        started.policy = policy.into();
        started
    }

    fn opened(process: procfd::Process) -> Self {
        let pid = process.started_pid().map_or_else(OnceLock::new, OnceLock::from);
        Self {
            inner: Mutex::new(Some(Arc::new(process))),
            status: OnceLock::new(),
            pid,
            starter: None,
            autoreap: false,
            policy: AtomicBool::new(false),
            warns: AtomicBool::new(true),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<procfd::Process>>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self) -> PyResult<Arc<procfd::Process>> {
        self.lock().clone().ok_or_else(|| PyValueError::new_err("the process's descriptor is closed"))
    }

    fn is_ours(&self) -> bool {
        self.starter == Some(std::process::id())
    }

    fn keep(&self, status: procfd::Status) -> ExitStatus {
        *self.status.get_or_init(|| status.into())
    }

    /// Waits; `Ok(None)` when the time is over.
    fn wait_for(&self, py: Python<'_>, timeout: Option<Duration>) -> PyResult<Option<ExitStatus>> {
        if let Some(status) = self.status.get() {
            return Ok(Some(*status));
        }
        let process = self.get()?;
        let end = timeout.and_then(|t| Instant::now().checked_add(t));
        loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let waited = py.detach(|| process.wait_interruptible(WaitOptions::empty(), left));
            match waited {
                Ok(status) => return Ok(Some(self.keep(status))),
                Err(e) if e.raw_os_error() == Some(libc::EINTR) => py.check_signals()?,
                Err(e) if e.raw_os_error() == Some(libc::ETIMEDOUT) => return Ok(None),
                // Another thread may have been told, where the kernel keeps it only once.
                Err(e) => return self.status.get().map(|s| Some(*s)).ok_or_else(|| error::from_io(&e)),
            }
        }
    }

    fn poll_now(&self) -> PyResult<Option<ExitStatus>> {
        if let Some(status) = self.status.get() {
            return Ok(Some(*status));
        }
        let status = self.get()?.try_wait().map_err(|e| error::from_io(&e))?;
        Ok(status.map(|status| self.keep(status)))
    }

    fn send(&self, signal: i32) -> PyResult<()> {
        self.get()?.send_signal(signal).map_err(|e| error::from_io(&e))
    }
}

#[pymethods]
impl Process {
    /// The procfd, which polls readable from the start on; see `pidfd` for the end.
    fn fileno(&self) -> PyResult<RawFd> {
        Ok(self.get()?.as_raw_fd())
    }

    /// The pidfd, which polls readable when the process has ended. It belongs to this object.
    #[getter]
    fn pidfd(&self) -> PyResult<RawFd> {
        Ok(self.get()?.pidfd().as_raw_fd())
    }

    /// The process id in the caller's pid namespace; that of a process which is gone may be another's.
    #[getter]
    fn pid(&self) -> PyResult<u32> {
        if let Some(pid) = self.pid.get() {
            return Ok(*pid);
        }
        let pid = self.get()?.pid().map_err(|e| error::from_io(&e))?;
        Ok(*self.pid.get_or_init(|| pid))
    }

    /// "running" or "exited".
    #[getter]
    fn state(&self) -> PyResult<&'static str> {
        if self.status.get().is_some() {
            return Ok("exited");
        }
        match self.get()?.state().map_err(|e| error::from_io(&e))? {
            ProcessState::Exited => Ok("exited"),
            _ => Ok("running"),
        }
    }

    /// How it ended, once a wait or a poll has learnt it; else `None`.
    #[getter]
    fn status(&self) -> Option<ExitStatus> {
        self.status.get().copied()
    }

    /// Whether there is a `ResourceWarning` when it is dropped while it runs.
    #[getter]
    fn warns(&self) -> bool {
        self.warns.load(Ordering::Relaxed)
    }

    #[setter]
    fn set_warns(&self, on: bool) {
        self.warns.store(on, Ordering::Relaxed);
    }

    /// Waits until it has ended, at most `timeout` seconds: then `TimeoutError`.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<ExitStatus> {
        let timeout = timeout.map(convert::seconds).transpose()?.flatten();
        let over = "wait for the process: the time is over";
        self.wait_for(py, timeout)?.ok_or_else(|| error::of_errno(libc::ETIMEDOUT, Some(over)))
    }

    /// How it ended, or `None` while it runs.
    fn poll(&self) -> PyResult<Option<ExitStatus>> {
        self.poll_now()
    }

    /// Sends a signal to the process, its group ("group") or its leading thread ("thread"); with a
    /// value as `sigqueue` does.
    #[pyo3(signature = (signal, *, scope=None, value=None))]
    fn send_signal(
        &self,
        signal: &Bound<'_, PyAny>,
        scope: Option<&Bound<'_, PyAny>>,
        value: Option<u64>,
    ) -> PyResult<()> {
        let signal = match signal.extract::<i32>()? {
            0 => 0,
            _ => convert::signal(signal)?,
        };
        let scope = scope.map(settings::scope).transpose()?.unwrap_or_default();
        self.get()?.send_signal_to(signal, scope, value).map_err(|e| error::from_io(&e))
    }

    /// SIGTERM.
    fn terminate(&self) -> PyResult<()> {
        self.send(libc::SIGTERM)
    }

    /// SIGKILL.
    fn kill(&self) -> PyResult<()> {
        self.send(libc::SIGKILL)
    }

    /// SIGSTOP.
    fn stop(&self) -> PyResult<()> {
        self.send(libc::SIGSTOP)
    }

    /// SIGCONT.
    fn cont(&self) -> PyResult<()> {
        self.send(libc::SIGCONT)
    }

    /// The fields asked for, as far as they are known.
    #[pyo3(signature = (*fields))]
    fn info(&self, py: Python<'_>, fields: &Bound<'_, PyAny>) -> PyResult<Info> {
        let fields = info::fields(fields)?;
        let process = self.get()?;
        py.detach(|| process.info(fields)).map(Info).map_err(|e| error::from_io(&e))
    }

    /// A duplicate of one of its descriptors, which the caller closes.
    fn getfd(&self, number: RawFd) -> PyResult<RawFd> {
        Ok(self.get()?.get_fd(number).map_err(|e| error::from_io(&e))?.into_raw_fd())
    }

    /// Changes what happens when its last procfd is closed: a signal, `True` for SIGKILL, `False` for
    /// nothing.
    #[pyo3(signature = (kill_on_close, *, close_scope=None))]
    fn change_close(
        &self,
        kill_on_close: &Bound<'_, PyAny>,
        close_scope: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let scope = close_scope.map(settings::scope).transpose()?.unwrap_or_default();
        let policy = settings::close_signal(kill_on_close)?.map(|signal| (signal, scope));
        self.get()?.change_close(policy).map_err(|e| error::from_io(&e))?;
        self.policy.store(policy.is_some(), Ordering::Relaxed);
        Ok(())
    }

    /// Closes the descriptors. Again does nothing.
    fn close(&self) {
        let closed = self.lock().take();
        drop(closed);
    }

    /// Whether it is closed.
    #[getter]
    fn closed(&self) -> bool {
        self.lock().is_none()
    }

    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    /// Closes; but waits first for a process that this one has started, unless it has a close policy:
    /// then the closing ends it.
    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) -> PyResult<()> {
        let waits = self.is_ours() && !self.policy.load(Ordering::Relaxed) && !self.closed();
        let done = if waits { self.wait_for(py, None).map(drop) } else { Ok(()) };
        self.close();
        done
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a procfd.Process cannot be pickled: it is a descriptor. Send that with socket.send_fds or \
             multiprocessing.reduction.send_handle, and give what arrives to procfd.open(fd=...)",
        ))
    }

    fn __repr__(&self) -> String {
        let pid = self.pid.get().map_or_else(String::new, |pid| format!(" pid={pid}"));
        match (&*self.lock(), self.status.get()) {
            (None, _) => format!("<procfd.Process{pid} closed>"),
            (Some(_), Some(_)) => format!("<procfd.Process{pid} exited>"),
            (Some(process), None) => format!("<procfd.Process{pid} fd={}>", process.as_raw_fd()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let inner = self.inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(process) = inner.take() else { return };
        if self.status.get().is_some() || self.starter != Some(std::process::id()) {
            return;
        }
        if !matches!(process.state(), Ok(ProcessState::Running)) {
            if self.autoreap {
                // Ended and not asked after: this leaves no zombie until the library's next sweep.
                let _ = process.try_wait();
            }
            return;
        }
        if self.warns.load(Ordering::Relaxed) {
            let pid = self.pid.get().copied().unwrap_or_default();
            warn(&format!("process {pid} is still running"));
        }
    }
}

/// A `ResourceWarning` from where no exception can go: one that is made of it is printed.
fn warn(text: &str) {
    // Without an interpreter (it is ending) nobody is there to be warned.
    Python::try_attach(|py| {
        let Ok(text) = std::ffi::CString::new(text) else { return };
        let pending = PyErr::take(py);
        if let Err(e) = PyErr::warn(py, &py.get_type::<PyResourceWarning>(), &text, 1) {
            e.write_unraisable(py, None);
        }
        if let Some(pending) = pending {
            pending.restore(py);
        }
    });
}

/// A running process: by its pid, by a descriptor that stands for it (which is duplicated), by an
/// object that has one, or by the path of its directory in /proc.
#[pyfunction]
#[pyo3(signature = (target=None, /, *, pid=None, fd=None, pidfd=None, path=None))]
pub(crate) fn open(
    py: Python<'_>,
    target: Option<&Bound<'_, PyAny>>,
    pid: Option<&Bound<'_, PyAny>>,
    fd: Option<&Bound<'_, PyAny>>,
    pidfd: Option<&Bound<'_, PyAny>>,
    path: Option<&Bound<'_, PyAny>>,
) -> PyResult<Process> {
    if [target, pid, fd, pidfd, path].iter().flatten().count() != 1 {
        return Err(PyTypeError::new_err("open takes one of: a target, pid, fd, pidfd, path"));
    }
    let by_pid = |pid: &Bound<'_, PyAny>| {
        let pid: u32 = pid.extract()?;
        let process = procfd::Process::open(pid).map_err(|e| error::from_io(&e))?;
        let opened = Process::opened(process);
        let _ = opened.pid.set(pid);
        Ok(opened)
    };
    let by_fd = |fd: &Bound<'_, PyAny>| {
        let own = convert::duplicate(convert::fd(fd)?, 0)?;
        procfd::Process::from_fd(own).map(Process::opened).map_err(|e| error::from_io(&e))
    };
    let by_path = |path: &Bound<'_, PyAny>| {
        let name = convert::os_string(path)?;
        convert::directory(name)
            .and_then(procfd::Process::from_fd)
            .map(Process::opened)
            .map_err(|e| error::of_file(py, &e, path.clone().unbind()))
    };
    match (target, pid, fd.or(pidfd), path) {
        (Some(target), ..) if target.is_instance_of::<PyInt>() => by_pid(target),
        (Some(target), ..) if !convert::is_string(target) && target.hasattr("fileno")? => by_fd(target),
        (Some(target), ..) => by_path(target),
        (_, Some(pid), ..) => by_pid(pid),
        (_, _, Some(fd), _) => by_fd(fd),
        (_, _, _, Some(path)) => by_path(path),
        _ => Err(PyTypeError::new_err("open takes a target")),
    }
}

/// A procfd, with a close policy if one is given, for a process that runs already.
#[pyfunction]
#[pyo3(signature = (process, /, *, kill_on_close=None, close_scope=None, close_then=None, watch=false))]
pub(crate) fn attach(
    process: &Bound<'_, PyAny>,
    kill_on_close: Option<&Bound<'_, PyAny>>,
    close_scope: Option<&Bound<'_, PyAny>>,
    close_then: Option<&Bound<'_, PyAny>>,
    watch: bool,
) -> PyResult<Process> {
    let mut flags = procfd::OpenFlags::AUTOREAP;
    flags.set(procfd::OpenFlags::NO_WATCH, !watch);
    let mut context = procfd::Context::with_flags(flags).map_err(|e| error::from_io(&e))?;
    let scope = close_scope.map(settings::scope).transpose()?;
    let then = close_then.map(settings::close_then).transpose()?;
    settings::close_policy(&mut context, kill_on_close, scope, then)?;
    let own = convert::duplicate(convert::fd(process)?, 0)?;
    context.attach(own.as_fd()).map(Process::opened).map_err(|e| error::of_config(e.error()))
}
