// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Answers about a process: one table of what can be asked.

use procfd::Fields;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyString};

use crate::status::ExitStatus;

/// The groups that can be asked for by name, and their attributes.
macro_rules! fields {
    ($($group:literal $flag:ident { $($(#[doc = $doc:literal])* $name:ident: $type:ty = $value:expr;)* })*) => {
        const GROUPS: &[(&str, Fields)] = &[$(($group, Fields::$flag),)*];
        const NAMES: &[(&str, Fields)] = &[$($((stringify!($name), Fields::$flag),)*)*];

        #[pymethods]
        impl Info {
            $($(
                $(#[doc = $doc])*
                #[getter]
                fn $name(&self) -> Option<$type> {
                    let value: fn(&procfd::Info) -> Option<$type> = $value;
                    self.0.mask.contains(Fields::$flag).then(|| value(&self.0)).flatten()
                }
            )*)*

            /// What is known, by name.
            fn _asdict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
                let dict = PyDict::new(py);
                $($(
                    if let Some(value) = self.$name() {
                        dict.set_item(stringify!($name), value)?;
                    }
                )*)*
                Ok(dict)
            }

            fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
                let known = self._asdict(py)?;
                let parts = known.iter().map(|(name, value)| Ok(format!("{name}={}", value.repr()?)));
                Ok(format!("Info({})", parts.collect::<PyResult<Vec<_>>>()?.join(", ")))
            }
        }
    };
}

/// What was asked about a process, as far as it is known: the rest is `None`.
#[pyclass(frozen, module = "procfd")]
pub(crate) struct Info(pub procfd::Info);

fields! {
    "ids" IDS {
        /// The process id.
        pid: u32 = |i| Some(i.tgid);
        /// The id of the thread that the descriptor stands for; the leader's is the process id.
        tid: u32 = |i| Some(i.pid);
        /// The parent's id, 0 if it is outside the caller's pid namespace.
        ppid: u32 = |i| Some(i.ppid);
    }
    "creds" CREDS {
        /// Real user id.
        ruid: u32 = |i| Some(i.ruid);
        /// Real group id.
        rgid: u32 = |i| Some(i.rgid);
        /// Effective user id.
        euid: u32 = |i| Some(i.euid);
        /// Effective group id.
        egid: u32 = |i| Some(i.egid);
        /// Saved user id.
        suid: u32 = |i| Some(i.suid);
        /// Saved group id.
        sgid: u32 = |i| Some(i.sgid);
        /// File system user id.
        fsuid: u32 = |i| Some(i.fsuid);
        /// File system group id.
        fsgid: u32 = |i| Some(i.fsgid);
    }
    "cgroup_id" CGROUP_ID {
        /// The inode of its cgroup v2 directory.
        cgroup_id: u64 = |i| Some(i.cgroup_id);
    }
    "exit" EXIT {
        /// How it ended.
        exit: ExitStatus = |i| i.exit.map(ExitStatus::from);
    }
    "inode" INODE {
        /// The pidfs inode, which no other process has until reboot.
        inode: u64 = |i| Some(i.inode);
    }
}

/// Fields by name: of a group, or of one attribute, which costs as much as its group.
pub(crate) fn fields(asked: &Bound<'_, PyAny>) -> PyResult<Fields> {
    if asked.is_instance_of::<PyInt>() {
        let bits: u64 = asked.extract()?;
        return Fields::from_bits(bits)
            .ok_or_else(|| PyValueError::new_err(format!("unknown fields in {bits:#x}")));
    }
    if let Ok(name) = asked.cast::<PyString>() {
        return named(&name.to_cow()?);
    }
    let mut fields = Fields::empty();
    for name in asked.try_iter()? {
        fields |= named(&name?.extract::<String>()?)?;
    }
    Ok(fields)
}

fn named(name: &str) -> PyResult<Fields> {
    GROUPS
        .iter()
        .chain(NAMES)
        .find_map(|(known, fields)| (*known == name).then_some(*fields))
        .ok_or_else(|| PyValueError::new_err(format!("no field {name:?}")))
}
