// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! `Ends`: the pipes of one program, opened, fed, drained and closed without Python in between.
//!
//! The interpreter runs a signal handler between two calls, and the handler may raise: that of Ctrl-C does. A
//! descriptor that a Python list holds is then lost. What is opened here has an owner when the call returns.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict};

use crate::convert;
use crate::error;
use crate::sys;

/// Of the first read of a pipe, and of those after a full one.
const FIRST: usize = 4096;
const LATER: usize = 65536;

/// The reading end of a pipe, and what came from it.
struct Reader {
    name: String,
    end: OwnedFd,
    data: Vec<u8>,
    size: usize,
    at_end: bool,
}

/// The writing end of a pipe, and what goes into it.
struct Writer {
    end: File,
    data: PyBackedBytes,
    written: usize,
}

#[derive(Default)]
struct State {
    of_child: Vec<OwnedFd>,
    readers: Vec<Reader>,
    writer: Option<Writer>,
}

/// The descriptors that a run opens for the streams of its program. They close with it.
#[pyclass(frozen, module = "procfd")]
#[derive(Default)]
pub(crate) struct Ends(Mutex<State>);

impl Ends {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an end that the program gets.
    fn of_child(&self, end: OwnedFd) -> RawFd {
        let number = end.as_raw_fd();
        self.lock().of_child.push(end);
        number
    }
}

#[pymethods]
impl Ends {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// A pipe whose output is kept under this name: the end for the program.
    fn output(&self, name: String) -> PyResult<RawFd> {
        let (end, writer) = sys::pipe().map_err(|e| error::from_io(&e))?;
        self.lock().readers.push(Reader { name, end, data: Vec::new(), size: FIRST, at_end: false });
        Ok(self.of_child(writer))
    }

    /// A pipe that holds this input: the end for the program.
    fn input(&self, data: PyBackedBytes) -> PyResult<RawFd> {
        let (reader, end) = sys::pipe().map_err(|e| error::from_io(&e))?;
        sys::set_nonblocking(&end).map_err(|e| error::from_io(&e))?;
        self.lock().writer = Some(Writer { end: File::from(end), data, written: 0 });
        Ok(self.of_child(reader))
    }

    /// /dev/null, for the program.
    fn null(&self, py: Python<'_>) -> PyResult<RawFd> {
        let path = "/dev/null";
        let file = OpenOptions::new().read(true).write(true).open(path);
        let file = file.map_err(|e| match path.into_pyobject(py) {
            Ok(path) => error::of_file(py, &e, path.into_any().unbind()),
            Err(never) => match never {},
        })?;
        Ok(self.of_child(OwnedFd::from(file)))
    }

    /// Closes the ends that the program has got by now.
    fn started(&self) {
        let ends = std::mem::take(&mut self.lock().of_child);
        drop(ends);
    }

    /// Writes the input and reads the output until its end, at most `timeout` seconds. Returns whether the time
    /// was enough, and the bytes by the names.
    fn exchange<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(bool, Bound<'py, PyDict>)> {
        let timeout = timeout.map(convert::seconds).transpose()?.flatten();
        let until = timeout.and_then(|t| Instant::now().checked_add(t));
        // Not with the lock held: a fork by another thread would copy it so.
        let State { mut readers, mut writer, .. } = std::mem::take(&mut *self.lock());
        let complete = loop {
            match py.detach(|| turns(&mut readers, &mut writer, until)) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {
                    if let Err(raised) = py.check_signals() {
                        break Err(raised);
                    }
                }
                done => break done.map_err(|e| error::from_io(&e)),
            }
        };
        let read = complete.and_then(|complete| {
            let read = PyDict::new(py);
            for reader in &readers {
                read.set_item(&reader.name, bytes(py, &reader.data)?)?;
            }
            Ok((complete, read))
        });
        // Open until the program has ended: it need not meet a broken pipe because of an interrupt.
        readers.iter_mut().for_each(|reader| reader.data = Vec::new());
        let mut state = self.lock();
        (state.readers, state.writer) = (readers, writer);
        read
    }

    /// Closes all that is open.
    fn close(&self) {
        let state = std::mem::take(&mut *self.lock());
        drop(state);
    }
}

/// The same as an object of Python; a MemoryError where there is no room for it.
fn bytes<'py>(py: Python<'py>, data: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    PyBytes::new_with(py, data.len(), |room| {
        room.copy_from_slice(data);
        Ok(())
    })
}

/// Polls, writes and reads until all are at their ends, or the time is over: then `false`.
fn turns(readers: &mut [Reader], writer: &mut Option<Writer>, until: Option<Instant>) -> io::Result<bool> {
    loop {
        // The program sees the end of its input.
        writer.take_if(|writer| writer.written == writer.data.len());
        let mut open: Vec<&mut Reader> = readers.iter_mut().filter(|reader| !reader.at_end).collect();
        if open.is_empty() && writer.is_none() {
            return Ok(true);
        }
        // One pipe alone is read without a question, which would tell nothing else.
        if until.is_some() || open.len() > 1 || writer.is_some() {
            let ask = |fd, events| libc::pollfd { fd, events, revents: 0 };
            let mut asked: Vec<libc::pollfd> =
                open.iter().map(|reader| ask(reader.end.as_raw_fd(), libc::POLLIN)).collect();
            asked.extend(writer.iter().map(|writer| ask(writer.end.as_raw_fd(), libc::POLLOUT)));
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            // A time that is over comes to an end, though a writer keeps the pipe full.
            if left == Some(Duration::ZERO) || !sys::poll(&mut asked, left)? {
                return Ok(false);
            }
            let mut ready = asked.iter().map(|asked| asked.revents != 0);
            open.retain(|_| ready.next().unwrap_or(false));
            if ready.next().unwrap_or(false) {
                write(writer)?;
            }
        }
        for reader in open {
            let done = sys::read(reader.end.as_raw_fd(), &mut reader.data, reader.size)?;
            reader.at_end = done == 0;
            if done == reader.size {
                reader.size = LATER;
            }
        }
    }
}

/// Writes what the pipe takes. A program that does not read its input is no error.
fn write(writer: &mut Option<Writer>) -> io::Result<()> {
    let Some(given) = writer else { return Ok(()) };
    let left = given.data.get(given.written..).unwrap_or_default();
    match given.end.write(left) {
        Ok(done) => given.written += done,
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => *writer = None,
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
        Err(e) => return Err(e),
    }
    Ok(())
}
