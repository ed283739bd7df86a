// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Conversions from and to the types of std.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use crate::error::Error;
use crate::process::Process;
use crate::status::{Change, Status};

impl Status {
    /// Exit code 0, as [`ExitStatus::success`].
    pub fn success(&self) -> bool {
        self.is_success()
    }
}

impl From<Change> for ExitStatus {
    fn from(change: Change) -> Self {
        Self::from_raw(match change {
            Change::Exited(code) => (code & 0xff) << 8,
            Change::Killed(signal) => signal,
            Change::Dumped(signal) => signal | 0x80,
            Change::Stopped(signal) => signal << 8 | 0x7f,
            Change::Continued => 0xffff,
        })
    }
}

impl From<Status> for ExitStatus {
    /// Without the usage.
    fn from(status: Status) -> Self {
        status.change.into()
    }
}

impl fmt::Display for Status {
    /// In the words of [`ExitStatus`]: `exit status: 3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ExitStatus::from(*self).fmt(f)
    }
}

impl From<Process> for OwnedFd {
    /// [`Process::into_fd`].
    fn from(process: Process) -> Self {
        process.into_fd()
    }
}

impl From<io::Error> for Error {
    /// An error of the process's own, at [`Stage::NONE`](crate::Stage::NONE). One that has no errno gets `EIO`.
    fn from(e: io::Error) -> Self {
        Self::foreign(e.raw_os_error().unwrap_or(libc::EIO), e.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_is_std_s() {
        let status = |change| ExitStatus::from(Status { change, usage: None });
        assert_eq!(status(Change::Exited(3)).code(), Some(3));
        assert_eq!(status(Change::Killed(15)).signal(), Some(15));
        assert!(!status(Change::Killed(15)).core_dumped());
        assert!(status(Change::Dumped(6)).core_dumped());
        assert_eq!(status(Change::Dumped(6)).signal(), Some(6));
        assert_eq!(status(Change::Stopped(19)).stopped_signal(), Some(19));
        assert!(status(Change::Continued).continued());
        assert_eq!(Status { change: Change::Exited(3), usage: None }.to_string(), "exit status: 3");
    }

    #[test]
    fn an_io_error_keeps_its_errno() {
        let e = Error::from(io::Error::from_raw_os_error(libc::EMFILE));
        assert_eq!((e.raw_os_error(), e.stage()), (libc::EMFILE, crate::Stage::NONE));
        assert_eq!(Error::from(io::Error::other("odd")).to_string(), "odd");
    }
}
