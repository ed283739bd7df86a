// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! `Process`: a process behind its descriptors.

mod methods;
mod target;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use procfd::{Fields, ProcessState, WaitOptions};
use pyo3::exceptions::{PyResourceWarning, PyValueError};
use pyo3::prelude::*;

pub(crate) use self::target::{attach, open};
use crate::error;
use crate::status::ExitStatus;

/// A process by its procfd, or another descriptor that stands for one, and its pidfd.
#[pyclass(frozen, weakref, module = "procfd")]
pub(crate) struct Process {
    /// `None` once it is closed. Calls under way hold it open.
    inner: Mutex<Option<Arc<procfd::Process>>>,
    status: OnceLock<ExitStatus>,
    pid: OnceLock<u32>,
    /// The process that started it, which warns when it is dropped, and reaps.
    starter: Option<u32>,
    autoreap: bool,
    /// Closing it ends the process, if no other holder is left.
    policy: AtomicBool,
    /// The last question for the CPU time: when, and how much in nanoseconds.
    cpu: Mutex<Option<(Instant, u64)>>,
    warns: AtomicBool,
}

impl Process {
    pub(crate) fn started(process: procfd::Process, autoreap: bool, policy: bool) -> Self {
        let mut started = Self::opened(process);
        (started.starter, started.autoreap) = (Some(std::process::id()), autoreap);
        started.policy = policy.into();
        started
    }

    pub(crate) fn opened(process: procfd::Process) -> Self {
        let pid = process.started_pid().map_or_else(OnceLock::new, OnceLock::from);
        Self {
            inner: Mutex::new(Some(Arc::new(process))),
            status: OnceLock::new(),
            pid,
            starter: None,
            autoreap: false,
            policy: AtomicBool::new(false),
            cpu: Mutex::new(None),
            warns: AtomicBool::new(true),
        }
    }

    pub(crate) fn silence(&self) {
        self.warns.store(false, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<procfd::Process>>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it stands for, for the method with this name.
    pub(crate) fn get(&self, what: &str) -> PyResult<Arc<procfd::Process>> {
        self.lock().clone().ok_or_else(|| {
            let subject = error::subject(what, self.pid.get().copied());
            PyValueError::new_err(format!("{subject}: the descriptor is closed"))
        })
    }

    /// The CPU time of now, in nanoseconds.
    fn cpu_time(&self, py: Python<'_>) -> PyResult<(Instant, u64)> {
        let used = self.ask(py, "cpu_percent", |p| {
            let info = p.info(Fields::CPU | Fields::TIMES)?;
            let ticks = info.times.map(|times| times.user_ns.saturating_add(times.system_ns));
            info.cpu_ns.or(ticks).ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH))
        })?;
        Ok((Instant::now(), used))
    }

    /// The CPU use in percent: over these seconds, or since the last call.
    fn cpu_use(&self, py: Python<'_>, interval: Option<f64>) -> PyResult<f64> {
        if interval.is_some_and(|seconds| seconds < 0.0) {
            return Err(PyValueError::new_err("cpu_percent: a negative interval"));
        }
        let wait = interval.filter(|seconds| *seconds > 0.0);
        let last = match wait {
            Some(seconds) => {
                let before = self.cpu_time(py)?;
                py.import("time")?.call_method1("sleep", (seconds,))?;
                Some(before)
            }
            None => *self.cpu.lock().unwrap_or_else(PoisonError::into_inner),
        };
        let now = self.cpu_time(py)?;
        *self.cpu.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        let Some((when, used)) = last else { return Ok(0.0) };
        let passed = now.0.duration_since(when).as_secs_f64();
        let used = Duration::from_nanos(now.1.saturating_sub(used)).as_secs_f64();
        Ok(if passed > 0.0 { (used / passed * 1000.0).round() / 10.0 } else { 0.0 })
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
        let process = self.get("wait for")?;
        let end = timeout.and_then(|t| Instant::now().checked_add(t));
        loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let waited = py.detach(|| process.wait_interruptible(WaitOptions::empty(), left));
            match waited {
                Ok(status) => return Ok(Some(self.keep(status))),
                Err(e) if e.raw_os_error() == Some(libc::EINTR) => py.check_signals()?,
                Err(e) if e.raw_os_error() == Some(libc::ETIMEDOUT) => return Ok(None),
                // Another thread may have been told, where the kernel keeps it only once.
                Err(e) => {
                    return self.status.get().map(|s| Some(*s)).ok_or_else(|| self.refused("wait for", &e));
                }
            }
        }
    }

    fn poll_now(&self) -> PyResult<Option<ExitStatus>> {
        if let Some(status) = self.status.get() {
            return Ok(Some(*status));
        }
        let status = self.get("poll")?.try_wait().map_err(|e| self.refused("poll", &e))?;
        Ok(status.map(|status| self.keep(status)))
    }

    /// A call that may take its time.
    pub(crate) fn ask<T: Send>(
        &self,
        py: Python<'_>,
        what: &str,
        call: impl FnOnce(&procfd::Process) -> io::Result<T> + Send,
    ) -> PyResult<T> {
        error::check_memory()?;
        let process = self.get(what)?;
        py.detach(|| call(&process)).map_err(|e| self.refused(what, &e))
    }

    fn send(&self, what: &str, signal: i32) -> PyResult<()> {
        self.get(what)?.send_signal(signal).map_err(|e| self.refused(what, &e))
    }

    /// The exception of a method, which names itself and the process.
    fn refused(&self, what: &str, error: &io::Error) -> PyErr {
        let process = self.lock().clone();
        let pid = self.pid.get().copied();
        let pid = pid.or_else(|| process.as_ref().and_then(|process| process.pid().ok()));
        let ended = process.is_some_and(|process| matches!(process.state(), Ok(ProcessState::Exited)));
        error::of_process(what, pid, error, ended)
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
    // An interpreter that is ending takes no warning.
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
