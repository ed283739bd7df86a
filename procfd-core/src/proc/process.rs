// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The files of one process.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd};

use super::parse::stat::{self, Stat};
use super::parse::status::{Status, status};
use super::{Path, Root};
use crate::sys::{self, Errno, OwnFd, Result};

/// The number of attempts to read a process in transition. When a thread that executes a program takes the place of
/// its leader, the old leader shows 0 threads, and no longer stands for the process.
const TRIES: usize = 4;

/// Is told of a file that was not read, and why.
type Note<'a> = &'a dyn Fn(&CStr, Errno);

/// One process in /proc.
#[derive(Clone, Copy)]
pub(crate) struct Proc<'a> {
    pidfd: BorrowedFd<'a>,
    pid: u32,
    /// A living thread, for the files that the kernel answers from the leader alone, once the leader has ended.
    living: Option<u32>,
    /// Is told of each file that was not read, and why.
    note: Option<Note<'a>>,
    /// The /proc that the caller has proved for this answer; otherwise each file takes it.
    root: Option<&'a Root>,
}

impl<'a> Proc<'a> {
    /// The process of a pidfd, whose pid in the caller's pid namespace is `pid`.
    pub(crate) fn new(pidfd: BorrowedFd<'a>, pid: u32) -> Self {
        Self { pidfd, pid, living: None, note: None, root: None }
    }

    /// The same; `note` is told of each file that was not read, and why.
    pub(crate) fn noting(self, note: Note<'a>) -> Self {
        Self { note: Some(note), ..self }
    }

    /// The same; a proof of /proc serves all small files that are read from now on.
    pub(crate) fn below(self, root: Option<&'a Root>) -> Self {
        Self { root, ..self }
    }

    fn with_root<T>(&self, work: impl FnOnce(&Root) -> Result<T>) -> Result<T> {
        match self.root {
            Some(root) => work(root),
            None => work(&Root::take()?),
        }
    }

    fn note(&self, file: &CStr, e: Errno) {
        if let Some(note) = self.note {
            note(file, e);
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// For files about the whole process, which the kernel answers after the leader has ended too. A thread's own
    /// directory has them for the thread alone, or not at all.
    pub(crate) fn whole(&self) -> Self {
        Self { living: None, ..*self }
    }

    /// ESRCH if the process has been reaped: what was read since then may belong to another process.
    pub(crate) fn check(&self) -> Result<()> {
        match sys::pidfd::send_signal(self.pidfd, 0, None, 0) {
            Ok(()) | Err(Errno(libc::EPERM)) => Ok(()),
            // A filter refuses the call. The poll says it too since 6.15, and is no proof before.
            Err(Errno(libc::ENOSYS)) => match sys::fd::poll(self.pidfd, 0, sys::fd::NOW)? {
                events if events & libc::POLLHUP != 0 => Err(Errno(libc::ESRCH)),
                _ => Ok(()),
            },
            Err(e) => Err(e),
        }
    }

    /// N/file.
    fn path(&self, file: &CStr) -> Path {
        Path::new().number(self.pid).text(c"/").text(file)
    }

    /// The file of a living thread if the leader has ended, otherwise of the process.
    fn living_path(&self, file: &CStr) -> Path {
        match self.living {
            None => self.path(file),
            Some(tid) => self.thread_path(tid, file),
        }
    }

    fn thread_path(&self, tid: u32, file: &CStr) -> Path {
        self.path(c"task/").number(tid).text(c"/").text(file)
    }

    /// Opens one of its files. ENOENT becomes ESRCH if the process has gone.
    pub(crate) fn open(&self, file: &CStr, flags: i32) -> Result<OwnFd> {
        let path = self.living_path(file);
        Root::take().and_then(|root| root.open(path.as_c_str(), flags)).map_err(|e| self.why(file, e))
    }

    /// Tells a missing file from a missing process.
    fn why(&self, file: &CStr, e: Errno) -> Errno {
        self.note(file, e);
        match e {
            Errno(libc::ENOENT | libc::ESRCH) => self.check().err().unwrap_or(Errno(libc::ENOENT)),
            e => e,
        }
    }

    /// Reads a file of bounded size into a buffer, and drops what does not fit.
    pub(crate) fn read_small<'b>(&self, file: &CStr, buf: &'b mut [u8]) -> Result<&'b [u8]> {
        let path = self.living_path(file);
        self.with_root(|root| root.read_small(&path, buf)).map_err(|e| self.why(file, e))
    }

    /// Reads a whole file.
    pub(crate) fn read(&self, file: &CStr, out: &mut Vec<u8>) -> Result<()> {
        let path = self.living_path(file);
        self.with_root(|root| root.read(&path, out)).map_err(|e| self.why(file, e))
    }

    /// Reads a file of one of its threads.
    pub(crate) fn read_of_thread(&self, tid: u32, file: &CStr, out: &mut Vec<u8>) -> Result<()> {
        let path = self.thread_path(tid, file);
        Root::take().and_then(|root| root.read(&path, out)).inspect_err(|&e| self.note(file, e))
    }

    /// The target of a link, cut at the buffer's end.
    pub(crate) fn link<'b>(&self, file: &CStr, buf: &'b mut [u8]) -> Result<&'b [u8]> {
        let path = self.living_path(file);
        let len = Root::take()?.link(path.as_c_str(), buf).map_err(|e| self.why(file, e))?;
        Ok(buf.get(..len).unwrap_or_default())
    }

    /// The whole target of a link.
    pub(crate) fn whole_link(&self, file: &CStr) -> Result<Vec<u8>> {
        let path = self.living_path(file);
        Root::take().and_then(|root| root.whole_link(path.as_c_str())).map_err(|e| self.why(file, e))
    }

    /// The size of a file, from stat(2).
    pub(crate) fn size(&self, file: &CStr) -> Result<u64> {
        let path = self.living_path(file);
        Root::take()?.size(path.as_c_str()).map_err(|e| self.why(file, e))
    }

    /// The numbered entries of one of its directories: threads, descriptors.
    pub(crate) fn numbers_in(&self, dir: &CStr, each: impl FnMut(u32) -> bool) -> Result<()> {
        let path = if dir == c"task" { self.path(dir) } else { self.living_path(dir) };
        let opened =
            Root::take().and_then(|root| root.open(path.as_c_str(), libc::O_RDONLY | libc::O_DIRECTORY));
        sys::dir::few_numbers_in(opened.map_err(|e| self.why(dir, e))?.as_fd(), each)
    }

    /// Whether another thread answers in the leader's place.
    pub(crate) fn is_turned(&self) -> bool {
        self.living.is_some()
    }

    /// Asks the leader again.
    pub(crate) fn turn_back(&mut self) {
        self.living = None;
    }

    /// The process's `stat`. If the leader has ended before other threads, also that of a living thread, which
    /// answers from then on.
    pub(crate) fn stat(&mut self) -> Option<(Stat, Option<Stat>)> {
        self.turn_back();
        let mut last = None;
        for _ in 0..TRIES {
            let mut buf = [0; 2048];
            let read = self.read_small(c"stat", &mut buf).ok().and_then(stat::stat)?;
            if read.threads == 0 {
                continue;
            }
            if !stat::has_ended(read.state) || read.threads == 1 {
                return Some((read, None));
            }
            if let Some(living) = self.turn_to_living_thread().as_deref().and_then(stat::stat) {
                return Some((read, Some(living)));
            }
            last = Some((read, None));
        }
        last
    }

    /// The `status`, of a living thread if the leader has ended.
    pub(crate) fn status<'t>(&mut self, text: &'t mut Vec<u8>) -> Option<Status<'t>> {
        let mut ended = false;
        for _ in 0..TRIES {
            if self.read(c"status", text).is_err() {
                if !self.is_turned() {
                    return None;
                }
                self.turn_back();
                continue;
            }
            let read = status(text);
            ended = read.state.is_some_and(stat::has_ended) && read.threads != Some(0);
            match read.threads {
                _ if !ended && read.threads != Some(0) => return Some(status(text)),
                Some(1) => break,
                Some(0) => self.turn_back(),
                _ if self.is_turned() => self.turn_back(),
                _ => {
                    self.turn_to_living_thread();
                }
            }
        }
        ended.then(|| status(text))
    }

    /// For a process whose leader has ended: a living thread answers from then on. Returns its `stat`, or `None` if
    /// no thread lives.
    pub(crate) fn turn_to_living_thread(&mut self) -> Option<Vec<u8>> {
        let mut stat = Vec::new();
        let mut found = None;
        let asked = *self;
        let _ = self.numbers_in(c"task", |tid| {
            let read = tid != asked.pid && asked.read_of_thread(tid, c"stat", &mut stat).is_ok();
            if read && is_alive(&stat) {
                found = Some(tid);
            }
            found.is_none()
        });
        self.living = found;
        found.map(|_| stat)
    }
}

/// Whether a `stat` is of a thread that has not ended.
fn is_alive(stat: &[u8]) -> bool {
    let state = stat.iter().rposition(|&b| b == b')').and_then(|at| stat.get(at + 2));
    state.is_some_and(|&state| !stat::has_ended(state))
}
