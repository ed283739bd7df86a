// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! How a process ended, and what it used.

use std::time::Duration;

use procfd::{Change, Status};
use pyo3::prelude::*;

/// What a process and the children it waited for used, as getrusage(2) has it.
#[pyclass(frozen, eq, module = "procfd")]
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Usage(pub procfd::Usage);

#[pymethods]
impl Usage {
    /// User CPU time in seconds.
    #[getter]
    fn user(&self) -> f64 {
        self.0.user.as_secs_f64()
    }

    /// System CPU time in seconds.
    #[getter]
    fn system(&self) -> f64 {
        self.0.system.as_secs_f64()
    }

    /// Largest resident set in bytes.
    #[getter]
    fn max_rss(&self) -> u64 {
        self.0.max_rss
    }

    /// Page faults without I/O.
    #[getter]
    fn minor_faults(&self) -> u64 {
        self.0.minor_faults
    }

    /// Page faults with I/O.
    #[getter]
    fn major_faults(&self) -> u64 {
        self.0.major_faults
    }

    /// Blocks of 512 bytes read.
    #[getter]
    fn blocks_in(&self) -> u64 {
        self.0.blocks_in
    }

    /// Blocks of 512 bytes written.
    #[getter]
    fn blocks_out(&self) -> u64 {
        self.0.blocks_out
    }

    /// Voluntary context switches.
    #[getter]
    fn voluntary_switches(&self) -> u64 {
        self.0.voluntary_switches
    }

    /// Involuntary context switches.
    #[getter]
    fn involuntary_switches(&self) -> u64 {
        self.0.involuntary_switches
    }

    /// For pickles: the same from the numbers of `__reduce__`.
    #[staticmethod]
    fn _restore(times: (Duration, Duration), memory: [u64; 3], blocks: [u64; 2], switches: [u64; 2]) -> Self {
        let mut usage = procfd::Usage::default();
        (usage.user, usage.system) = times;
        [usage.max_rss, usage.minor_faults, usage.major_faults] = memory;
        [usage.blocks_in, usage.blocks_out] = blocks;
        [usage.voluntary_switches, usage.involuntary_switches] = switches;
        Self(usage)
    }

    #[allow(clippy::type_complexity, reason = "what _restore takes")]
    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyAny>, ((Duration, Duration), [u64; 3], [u64; 2], [u64; 2]))> {
        let usage = slf.get().0;
        let state = (
            (usage.user, usage.system),
            [usage.max_rss, usage.minor_faults, usage.major_faults],
            [usage.blocks_in, usage.blocks_out],
            [usage.voluntary_switches, usage.involuntary_switches],
        );
        Ok((slf.get_type().getattr("_restore")?, state))
    }

    fn __repr__(&self) -> String {
        format!("Usage(user={}, system={}, max_rss={})", self.user(), self.system(), self.max_rss())
    }
}

/// How a process ended.
#[pyclass(frozen, eq, module = "procfd")]
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct ExitStatus {
    change: Change,
    usage: Option<procfd::Usage>,
}

impl From<Status> for ExitStatus {
    fn from(status: Status) -> Self {
        Self { change: status.change, usage: status.usage }
    }
}

impl From<Change> for ExitStatus {
    fn from(change: Change) -> Self {
        Self { change, usage: None }
    }
}

#[pymethods]
impl ExitStatus {
    /// As subprocess has it: the exit code, or the negative number of the signal.
    #[getter]
    fn returncode(&self) -> i32 {
        match self.change {
            Change::Exited(code) => code,
            Change::Killed(signal) | Change::Dumped(signal) => signal.wrapping_neg(),
            // No end: none of these is made into an ExitStatus.
            _ => 0,
        }
    }

    /// The exit code if it ended by itself.
    #[getter]
    fn code(&self) -> Option<i32> {
        match self.change {
            Change::Exited(code) => Some(code),
            _ => None,
        }
    }

    /// The signal that ended it.
    #[getter]
    fn signal(&self) -> Option<i32> {
        match self.change {
            Change::Killed(signal) | Change::Dumped(signal) => Some(signal),
            _ => None,
        }
    }

    /// Whether it dumped core.
    #[getter]
    fn dumped(&self) -> bool {
        matches!(self.change, Change::Dumped(_))
    }

    /// What it used; known to its parent, at the first wait.
    #[getter]
    fn usage(&self) -> Option<Usage> {
        self.usage.map(Usage)
    }

    /// For pickles: the same from what `__reduce__` gives.
    #[staticmethod]
    fn _restore(returncode: i32, dumped: bool, usage: Option<PyRef<'_, Usage>>) -> Self {
        let change = match (returncode, dumped) {
            (0.., _) => Change::Exited(returncode),
            (_, true) => Change::Dumped(returncode.wrapping_neg()),
            (_, false) => Change::Killed(returncode.wrapping_neg()),
        };
        Self { change, usage: usage.map(|usage| usage.0) }
    }

    #[allow(clippy::type_complexity, reason = "what _restore takes")]
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (i32, bool, Option<Usage>))> {
        let status = slf.get();
        let state = (status.returncode(), status.dumped(), status.usage());
        Ok((slf.get_type().getattr("_restore")?, state))
    }

    fn __repr__(&self) -> String {
        match self.change {
            Change::Dumped(signal) => format!("ExitStatus(signal={signal}, dumped=True)"),
            Change::Killed(signal) => format!("ExitStatus(signal={signal})"),
            _ => format!("ExitStatus(code={})", self.returncode()),
        }
    }
}
