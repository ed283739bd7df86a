// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! `Snapshot`: the same questions about many processes at once.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::error;
use crate::info::{self, Info};
use crate::manage;
use crate::process::Process;

/// Takes the chosen fields of many processes in one go, as often as you ask. With `keep` it keeps open the
/// files it reads, which makes the next time faster.
#[pyclass(frozen, weakref, module = "procfd")]
pub(crate) struct Snapshot(Mutex<Option<procfd::Snapshot>>);

impl Snapshot {
    /// Takes it out for the time of the call: a lock that is held without the interpreter's would stay
    /// so in the child of a fork.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        take: impl FnOnce(&mut procfd::Snapshot) -> io::Result<T> + Send,
    ) -> PyResult<T> {
        let mut snapshot = self
            .lock()
            .take()
            .ok_or_else(|| PyRuntimeError::new_err("another thread is using this snapshot"))?;
        let taken = py.detach(|| take(&mut snapshot));
        *self.lock() = Some(snapshot);
        taken.map_err(|e| error::from_io(&e))
    }

    fn lock(&self) -> MutexGuard<'_, Option<procfd::Snapshot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Snapshot {
    #[new]
    #[pyo3(signature = (*fields, keep=false))]
    fn new(fields: &Bound<'_, PyTuple>, keep: bool) -> PyResult<Self> {
        let fields = info::fields(fields)?;
        Ok(Self(Mutex::new(Some(procfd::Snapshot::new(fields).keep(keep)))))
    }

    /// All processes that /proc shows, by ascending pid.
    fn all(&self, py: Python<'_>) -> PyResult<Vec<Info>> {
        self.with(py, |s| Ok(s.all()?.map(Info).collect()))
    }

    /// A process and its descendants, parents before children.
    fn tree(&self, py: Python<'_>, root: &Process) -> PyResult<Vec<Info>> {
        let root = root.get("Snapshot")?;
        self.with(py, |s| Ok(s.tree(&root)?.map(Info).collect()))
    }

    /// The processes of a cgroup, by its cgroup v2 directory; with `below`, of those beneath it too.
    #[pyo3(signature = (directory, below=false))]
    fn cgroup(&self, py: Python<'_>, directory: &Bound<'_, PyAny>, below: bool) -> PyResult<Vec<Info>> {
        let dir = manage::directory(directory)?;
        self.with(py, |s| Ok(s.cgroup(dir, below)?.map(Info).collect()))
    }

    /// These processes, in this order; `None` for one of which nothing is known any more.
    fn list(&self, py: Python<'_>, processes: &Bound<'_, PyAny>) -> PyResult<Vec<Option<Info>>> {
        let mut given: Vec<Arc<procfd::Process>> = Vec::new();
        for process in processes.try_iter()? {
            given.push(process?.cast::<Process>()?.get().get("Snapshot")?);
        }
        self.with(py, |s| Ok(s.list(given.iter().map(Arc::as_ref)).map(|i| i.map(Info)).collect()))
    }
}
