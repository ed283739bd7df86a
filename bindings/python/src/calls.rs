// SPDX-License-Identifier: MIT OR Apache-2.0

//! The four calls by bare descriptors, with the argument rules of the C library: for
//! `procfd/_calls.py`, which lays out the data.

use std::ffi::{c_int, c_void};

use procfd::{Errno, ffi};
use procfd_capi::{abi, calls};
use pyo3::prelude::*;

use crate::error;
use crate::sys;

/// The data of a call. It may go to a detached thread: the object behind it is kept by the caller.
#[derive(Clone, Copy)]
struct Data {
    address: usize,
    size: usize,
}

impl Data {
    fn pointer(self) -> *mut c_void {
        std::ptr::with_exposed_provenance_mut(self.address)
    }
}

fn answer(done: Result<c_int, Errno>) -> PyResult<c_int> {
    done.map_err(|Errno(errno)| error::of_errno(errno, None))
}

#[pyfunction]
pub(crate) fn process_open(flags: u64) -> PyResult<c_int> {
    answer(calls::open(flags))
}

/// `address` is 0 or that of `size` bytes, or of a terminated string or array where `size` is 0, which
/// the caller keeps until this returns.
#[pyfunction]
#[pyo3(signature = (procfd, cmd, arg, address, size, /))]
pub(crate) fn process_config(
    py: Python<'_>,
    procfd: c_int,
    cmd: u32,
    arg: u64,
    address: usize,
    size: usize,
) -> PyResult<c_int> {
    let data = Data { address, size };
    // SAFETY: `_calls.py` keeps what is at the address, and gives it the size that it has.
    let call = || unsafe { calls::config(procfd, cmd, arg, data.pointer(), data.size) };
    // Other threads of the interpreter may change the environment, which a creation reads.
    let forks = cmd == abi::PROC_CREATE && ffi::configuring(procfd).is_ok_and(|context| context.forks());
    answer(match forks {
        true => sys::around_fork(py, call, |done| *done == Ok(0)),
        false => call(),
    })
}

/// The calls that never fork.
macro_rules! calls {
    ($($name:ident, $call:path;)*) => {$(
        /// As `process_config`.
        #[pyfunction]
        #[pyo3(signature = (procfd, cmd, arg, address, size, /))]
        pub(crate) fn $name(
            py: Python<'_>,
            procfd: c_int,
            cmd: u32,
            arg: u64,
            address: usize,
            size: usize,
        ) -> PyResult<c_int> {
            let data = Data { address, size };
            // SAFETY: `_calls.py` keeps what is at the address, and gives it the size that it has.
            answer(py.detach(|| unsafe { $call(procfd, cmd, arg, data.pointer(), data.size) }))
        }
    )*};
}

calls! {
    process_manage, calls::manage;
    process_info, calls::info;
}
