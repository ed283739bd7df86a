// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What /proc says of one process, and of no other.
//!
//! A pidfd pins the process, not its pid. The library still opens files by the pid, because this is cheapest.
//! Before an answer counts, [`Proc::check`] asks the pidfd whether the process is still unreaped. If it is, the
//! pid was not recycled in between.
//!
//! The numbers of a /proc are those of the pid namespace it was mounted for. One descriptor of a
//! /proc that was found to be of the caller's own namespace is kept for the life of the process.

use std::cell::Cell;
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex};

use super::parse;
use super::parse::stat::Stat;
use super::parse::status::{Status, status};
use crate::forks::{self, Private};
use crate::procfd;
use crate::sys::per_process::PerProcess;
use crate::sys::{self, Errno, PROC_SUPER_MAGIC, Result};

/// The kept descriptor of /proc.
static ROOT: PerProcess<Mutex<Option<Arc<Private>>>> = PerProcess::new();

/// How often something is read that was found in between: a task that is released, as its leader and the
/// thread that executes a program trade places, is told with 0 threads, and is the process no more.
const TRIES: usize = 4;

/// /proc, of the caller's own pid namespace. EREMOTE: there is another one's; ENOENT and so on: none.
///
/// It is kept. Where the program has closed its number, and where the lock is contended, it is opened anew: no call
/// waits here, so that a signal handler may ask.
fn root() -> Result<Arc<Private>> {
    let kept = ROOT.get(forks::generation());
    let known = kept.try_lock().ok().and_then(|kept| kept.clone());
    if let Some(root) = known.filter(|root| root.live().is_ok()) {
        return Ok(root);
    }
    let opened = Private::new(|| {
        let fd = sys::fd::open_at(libc::AT_FDCWD, c"/proc", libc::O_PATH | libc::O_DIRECTORY)?;
        match sys::fs_is(fd.as_fd(), PROC_SUPER_MAGIC) {
            true => Ok(fd),
            false => Err(Errno(libc::ENOENT)),
        }
    })?;
    if !procfd::is_proc_of_own_pid_namespace(opened.as_fd()) {
        return Err(Errno(libc::EREMOTE));
    }
    let opened = Arc::new(opened);
    if let Ok(mut kept) = kept.try_lock() {
        *kept = Some(Arc::clone(&opened));
    }
    Ok(opened)
}

/// Whether there is a /proc that can be asked. EREMOTE: another pid namespace's; ENOENT and so on: none.
pub(crate) fn is_there() -> Result<()> {
    root().map(drop)
}

/// All numbers that /proc lists: the processes, in ascending order.
pub(crate) fn processes(each: impl FnMut(u32) -> bool) -> Result<()> {
    let dir = open(c".", libc::O_RDONLY | libc::O_DIRECTORY)?;
    sys::dir::numbers_in(dir.as_fd(), each)
}

/// Opens a path below /proc.
pub(crate) fn open(path: &CStr, flags: i32) -> Result<OwnedFd> {
    let dir = root()?;
    sys::fd::open_at(dir.as_fd().as_raw_fd(), path, flags)
}

/// The same as one of the library's own descriptors. The root comes first: to make it takes the lock of the list.
pub(crate) fn open_private(path: &CStr, flags: i32) -> Result<Private> {
    let dir = root()?;
    Private::new(|| sys::fd::open_at(dir.as_fd().as_raw_fd(), path, flags))
}

/// A path below /proc, made without an allocation.
#[derive(Clone, Copy)]
pub(crate) struct Path {
    bytes: [u8; 96],
    len: usize,
}

impl Path {
    pub(crate) fn new() -> Self {
        Self { bytes: [0; 96], len: 0 }
    }

    fn push(mut self, byte: u8) -> Self {
        // The last byte stays the NUL.
        if self.len + 1 < self.bytes.len() {
            if let Some(to) = self.bytes.get_mut(self.len) {
                *to = byte;
                self.len += 1;
            }
        }
        self
    }

    pub(crate) fn number(self, number: u32) -> Self {
        let mut digits = [0u8; 10];
        let mut left = number;
        let mut count = 0;
        for digit in &mut digits {
            *digit = b'0' + (left % 10) as u8;
            left /= 10;
            count += 1;
            if left == 0 {
                break;
            }
        }
        digits.iter().take(count).rev().fold(self, |path, &digit| path.push(digit))
    }

    pub(crate) fn text(self, text: &CStr) -> Self {
        text.to_bytes().iter().fold(self, |path, &byte| path.push(byte))
    }

    pub(crate) fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or_default()
    }
}

/// One process in /proc.
#[derive(Clone, Copy)]
pub(crate) struct Proc<'a> {
    pidfd: BorrowedFd<'a>,
    pid: u32,
    /// A thread that lives, for what the kernel asks of the leader alone, which has ended.
    living: Option<u32>,
    /// Notes that a read failed because descriptors or memory ran out.
    short: Option<&'a Cell<i32>>,
}

/// The caller's own want, which says nothing of the process.
pub(crate) fn is_shortage(e: Errno) -> bool {
    matches!(e, Errno(libc::EMFILE | libc::ENFILE | libc::ENOMEM))
}

impl<'a> Proc<'a> {
    /// The process of a pidfd, whose number in the caller's pid namespace is `pid`.
    pub(crate) fn new(pidfd: BorrowedFd<'a>, pid: u32) -> Self {
        Self { pidfd, pid, living: None, short: None }
    }

    /// The same, with a place for the errno of what the caller is short of.
    pub(crate) fn noting(self, short: &'a Cell<i32>) -> Self {
        Self { short: Some(short), ..self }
    }

    fn note(&self, e: Errno) {
        if let Some(short) = self.short.filter(|_| is_shortage(e)) {
            short.set(e.0);
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// For what the process has as a whole, and tells also when its leader has ended. A thread's own
    /// directory has that of the thread alone, or not at all.
    pub(crate) fn whole(&self) -> Self {
        Self { living: None, ..*self }
    }

    /// ESRCH if it has been reaped: then what was read since may be another's.
    pub(crate) fn check(&self) -> Result<()> {
        match sys::pidfd::send_signal(self.pidfd, 0, None, 0) {
            Ok(()) | Err(Errno(libc::EPERM)) => Ok(()),
            // A filter refuses the call: the poll says it too (6.15, and it is no proof before).
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

    /// The file of a living thread where the leader has ended, else of the process.
    fn living_path(&self, file: &CStr) -> Path {
        match self.living {
            None => self.path(file),
            Some(tid) => self.thread_path(tid, file),
        }
    }

    fn thread_path(&self, tid: u32, file: &CStr) -> Path {
        self.path(c"task/").number(tid).text(c"/").text(file)
    }

    /// Opens one of its files. ENOENT is ESRCH if the process has gone.
    pub(crate) fn open(&self, file: &CStr, flags: i32) -> Result<OwnedFd> {
        open(self.living_path(file).as_c_str(), flags).map_err(|e| self.why(e))
    }

    /// A missing file, or a missing process?
    fn why(&self, e: Errno) -> Errno {
        self.note(e);
        match e {
            Errno(libc::ENOENT | libc::ESRCH) => self.check().err().unwrap_or(Errno(libc::ENOENT)),
            e => e,
        }
    }

    /// Reads a file of bounded size into a buffer; what does not fit is cut off.
    pub(crate) fn read_small<'b>(&self, file: &CStr, buf: &'b mut [u8]) -> Result<&'b [u8]> {
        read_small(self.living_path(file), buf).map_err(|e| self.why(e))
    }

    /// Reads a file whole.
    pub(crate) fn read(&self, file: &CStr, out: &mut Vec<u8>) -> Result<()> {
        read(self.living_path(file), out).map_err(|e| self.why(e))
    }

    /// Reads a file of one of its threads.
    pub(crate) fn read_of_thread(&self, tid: u32, file: &CStr, out: &mut Vec<u8>) -> Result<()> {
        read(self.thread_path(tid, file), out).inspect_err(|&e| self.note(e))
    }

    /// What a link says, cut at the buffer's end.
    pub(crate) fn link<'b>(&self, file: &CStr, buf: &'b mut [u8]) -> Result<&'b [u8]> {
        let path = self.living_path(file);
        let len = sys::fd::readlink_at(root()?.as_fd(), path.as_c_str(), buf).map_err(|e| self.why(e))?;
        Ok(buf.get(..len).unwrap_or_default())
    }

    /// What a link says, whole.
    pub(crate) fn whole_link(&self, file: &CStr) -> Result<Vec<u8>> {
        link(self.living_path(file).as_c_str()).map_err(|e| self.why(e))
    }

    /// The size that stat(2) has of a file.
    pub(crate) fn size(&self, file: &CStr) -> Result<u64> {
        sys::query::size_at(root()?.as_fd(), self.living_path(file).as_c_str()).map_err(|e| self.why(e))
    }

    /// The numbered entries of one of its directories: threads, descriptors.
    pub(crate) fn numbers_in(&self, dir: &CStr, each: impl FnMut(u32) -> bool) -> Result<()> {
        let path = if dir == c"task" { self.path(dir) } else { self.living_path(dir) };
        let dir = open(path.as_c_str(), libc::O_RDONLY | libc::O_DIRECTORY).map_err(|e| self.why(e))?;
        sys::dir::numbers_in(dir.as_fd(), each)
    }

    /// Whether another thread is asked in the leader's place.
    pub(crate) fn is_turned(&self) -> bool {
        self.living.is_some()
    }

    /// Asks the leader again.
    pub(crate) fn turn_back(&mut self) {
        self.living = None;
    }

    /// The process's `stat`; and where its leader has ended before others, that of a living thread, which
    /// is asked from now on.
    pub(crate) fn stat(&mut self) -> Option<(Stat, Option<Stat>)> {
        self.turn_back();
        let mut last = None;
        for _ in 0..TRIES {
            let mut buf = [0; 2048];
            let read = self.read_small(c"stat", &mut buf).ok().and_then(parse::stat::stat)?;
            if read.threads == 0 {
                continue;
            }
            if read.state != b'Z' || read.threads == 1 {
                return Some((read, None));
            }
            if let Some(living) = self.turn_to_living_thread().as_deref().and_then(parse::stat::stat) {
                return Some((read, Some(living)));
            }
            last = Some((read, None));
        }
        last
    }

    /// The `status`, of a living thread where the leader has ended.
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
            ended = read.state == Some(b'Z') && read.threads != Some(0);
            match read.threads {
                _ if read.state != Some(b'Z') && read.threads != Some(0) => return Some(status(text)),
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

    /// For a process whose leader has ended: asks a thread that lives from now on. Its `stat`; `None`
    /// if no thread lives.
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

/// What a link below /proc says, whole.
pub(crate) fn link(path: &CStr) -> Result<Vec<u8>> {
    let mut buf = vec![0; 4096];
    loop {
        let len = sys::fd::readlink_at(root()?.as_fd(), path, &mut buf)?;
        if len < buf.len() {
            buf.truncate(len);
            return Ok(buf);
        }
        if len >= 1 << 20 {
            return Err(Errno(libc::ENAMETOOLONG));
        }
        buf = vec![0; len * 4];
    }
}

/// Whether a `stat` is of a thread that has not ended.
fn is_alive(stat: &[u8]) -> bool {
    let state = stat.iter().rposition(|&b| b == b')').and_then(|at| stat.get(at + 2));
    state.is_some_and(|state| !matches!(state, b'Z' | b'X'))
}

/// The `stat` in the directory of a process or thread; `None`: it says nothing of use.
pub(crate) fn stat(dir: Path) -> Result<Option<Stat>> {
    read_small(dir.text(c"/stat"), &mut [0; 2048]).map(parse::stat::stat)
}

/// Reads a file below /proc into a buffer; what does not fit is cut off.
pub(crate) fn read_small(path: Path, buf: &mut [u8]) -> Result<&[u8]> {
    let file = open(path.as_c_str(), libc::O_RDONLY)?;
    let len = sys::fd::read_once(file.as_fd(), buf)?;
    Ok(buf.get(..len).unwrap_or_default())
}

fn read(path: Path, out: &mut Vec<u8>) -> Result<()> {
    out.clear();
    let file = open(path.as_c_str(), libc::O_RDONLY)?;
    sys::fd::read_all(file.as_fd(), out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let path = Path::new().number(4_294_967_295).text(c"/task/").number(0).text(c"/stat");
        assert_eq!(path.as_c_str(), c"4294967295/task/0/stat");
    }

    #[test]
    fn the_caller_in_proc() {
        let own = sys::pidfd::open(sys::task::pid()).unwrap();
        let process = Proc::new(own.as_fd(), std::process::id());
        let mut text = Vec::new();
        process.read(c"status", &mut text).unwrap();
        assert!(text.starts_with(b"Name:"));
        let mut short = [0; 64];
        assert!(
            process
                .read_small(c"stat", &mut short)
                .unwrap()
                .starts_with(std::process::id().to_string().as_bytes())
        );
        let mut seen = false;
        process
            .numbers_in(c"task", |tid| {
                seen |= tid == std::process::id();
                true
            })
            .unwrap();
        assert!(seen);
        assert_eq!(process.check(), Ok(()));
        let mut own_found = false;
        processes(|pid| {
            own_found |= pid == std::process::id();
            true
        })
        .unwrap();
        assert!(own_found);
    }

    #[test]
    fn a_kept_descriptor_that_was_closed_by_its_number() {
        let number = root().unwrap().as_fd().as_raw_fd();
        let null = std::fs::File::open("/dev/null").unwrap();
        sys::fd::replace_raw(number, null.as_fd()).unwrap();
        let mut own_found = false;
        processes(|pid| {
            own_found |= pid == std::process::id();
            true
        })
        .unwrap();
        assert!(own_found);
        sys::fd::close_raw(number);
    }
}
