// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! `drain`: what several pipes give until their ends, without a Python object in between.

use std::io;
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::convert;
use crate::error;
use crate::sys;

/// Of the first read of a pipe, and of those after a full one.
const FIRST: usize = 4096;
const LATER: usize = 65536;

type Collected<'py> = (bool, Vec<Bound<'py, PyBytes>>);

struct Pipe {
    fd: RawFd,
    data: Vec<u8>,
    size: usize,
    at_end: bool,
}

/// Reads these descriptors to their ends, at most `timeout` seconds: whether the time was enough, and the
/// bytes of each.
#[pyfunction]
pub(crate) fn drain<'py>(
    py: Python<'py>,
    fds: Vec<RawFd>,
    timeout: Option<&Bound<'py, PyAny>>,
) -> PyResult<Collected<'py>> {
    let timeout = timeout.map(convert::seconds).transpose()?.flatten();
    let end = timeout.and_then(|t| Instant::now().checked_add(t));
    let pipe = |fd| Pipe { fd, data: Vec::new(), size: FIRST, at_end: false };
    let mut pipes: Vec<Pipe> = fds.into_iter().map(pipe).collect();
    let complete = loop {
        match py.detach(|| turns(&mut pipes, end)) {
            Ok(complete) => break complete,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => py.check_signals()?,
            Err(e) => return Err(error::from_io(&e)),
        }
    };
    Ok((complete, pipes.iter().map(|pipe| PyBytes::new(py, &pipe.data)).collect()))
}

/// Polls and reads until all are at their ends, or the time is over: then `false`.
fn turns(pipes: &mut [Pipe], end: Option<Instant>) -> io::Result<bool> {
    loop {
        let mut open: Vec<&mut Pipe> = pipes.iter_mut().filter(|pipe| !pipe.at_end).collect();
        if open.is_empty() {
            return Ok(true);
        }
        // One pipe alone is read without a question, which would tell nothing else.
        if end.is_some() || open.len() > 1 {
            let mut asked: Vec<libc::pollfd> =
                open.iter().map(|p| libc::pollfd { fd: p.fd, events: libc::POLLIN, revents: 0 }).collect();
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            // A time that is over comes to an end, though a writer keeps the pipe full.
            if left == Some(Duration::ZERO) || !sys::poll(&mut asked, left)? {
                return Ok(false);
            }
            let ready: Vec<bool> = asked.iter().map(|p| p.revents != 0).collect();
            let mut ready = ready.into_iter();
            open.retain(|_| ready.next().unwrap_or(false));
        }
        for pipe in open {
            let done = sys::read(pipe.fd, &mut pipe.data, pipe.size)?;
            pipe.at_end = done == 0;
            if done == pipe.size {
                pipe.size = LATER;
            }
        }
    }
}
