// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The state changes of a process (end, stop, continuation) and its resource usage.

use std::time::Duration;

/// An event of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// It ended by itself, with this exit code.
    Exited(i32),
    /// This signal ended it.
    Killed(i32),
    /// This signal ended it, and it dumped core.
    Dumped(i32),
    /// This signal stopped it. A tracer of its own child also gets ptrace stops, whose event is above the
    /// lower 8 bits, as in waitid(2).
    Stopped(i32),
    /// It was continued.
    Continued,
}

impl Change {
    /// From the `si_code` and `si_status` of a SIGCHLD.
    pub(crate) fn of_child(code: i32, status: i32) -> Option<Self> {
        Some(match code {
            libc::CLD_EXITED => Self::Exited(status),
            libc::CLD_KILLED => Self::Killed(status),
            libc::CLD_DUMPED => Self::Dumped(status),
            libc::CLD_STOPPED | libc::CLD_TRAPPED => Self::Stopped(status),
            libc::CLD_CONTINUED => Self::Continued,
            _ => return None,
        })
    }

    /// Whether the process has ended, and not only stopped or continued.
    pub(crate) fn is_end(self) -> bool {
        matches!(self, Self::Exited(_) | Self::Killed(_) | Self::Dumped(_))
    }
}

/// Resource usage, as in getrusage(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// User CPU time.
    pub user: Duration,
    /// System CPU time.
    pub system: Duration,
    /// Largest resident set, in bytes.
    pub max_rss: u64,
    /// Page faults without I/O.
    pub minor_faults: u64,
    /// Page faults with I/O.
    pub major_faults: u64,
    /// Blocks of 512 bytes read.
    pub blocks_in: u64,
    /// Blocks of 512 bytes written.
    pub blocks_out: u64,
    /// Voluntary context switches.
    pub voluntary_switches: u64,
    /// Involuntary context switches.
    pub involuntary_switches: u64,
}

/// The answer to a wait.
///
/// ```
/// use procfd::Change;
///
/// # let mut context = procfd::Context::new()?;
/// # context.program("/bin/sh")?.args(["sh", "-c", "exit 7"])?;
/// let status = context.create()?.wait()?;
/// assert_eq!(status.change, Change::Exited(7));
/// assert_eq!((status.is_success(), status.code(), status.signal()), (false, Some(7), None));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The event.
    pub change: Change,
    /// The usage of the process and of the children it waited for. The kernel reports it to the parent, once.
    /// A procfd that the parent opened keeps it.
    pub usage: Option<Usage>,
}

impl Status {
    /// Exit code 0.
    pub fn is_success(&self) -> bool {
        self.change == Change::Exited(0)
    }

    /// The exit code, if it ended by itself.
    pub fn code(&self) -> Option<i32> {
        match self.change {
            Change::Exited(code) => Some(code),
            _ => None,
        }
    }

    /// The signal that ended it.
    pub fn signal(&self) -> Option<i32> {
        match self.change {
            Change::Killed(signal) | Change::Dumped(signal) => Some(signal),
            _ => None,
        }
    }

    pub(crate) fn known(change: Change) -> Self {
        Self { change, usage: None }
    }
}

pub(crate) fn usage(r: &libc::rusage) -> Usage {
    let time = |t: libc::timeval| {
        Duration::from_secs(t.tv_sec.max(0) as u64)
            .saturating_add(Duration::from_micros(t.tv_usec.max(0) as u64))
    };
    let count = |n: libc::c_long| n.max(0) as u64;
    Usage {
        user: time(r.ru_utime),
        system: time(r.ru_stime),
        // getrusage(2): in KiB.
        max_rss: count(r.ru_maxrss).saturating_mul(1024),
        minor_faults: count(r.ru_minflt),
        major_faults: count(r.ru_majflt),
        blocks_in: count(r.ru_inblock),
        blocks_out: count(r.ru_oublock),
        voluntary_switches: count(r.ru_nvcsw),
        involuntary_switches: count(r.ru_nivcsw),
    }
}

/// A wait status as wait(2) encodes it.
pub(crate) fn decode(code: i32) -> Change {
    if libc::WIFEXITED(code) {
        Change::Exited(libc::WEXITSTATUS(code))
    } else if libc::WCOREDUMP(code) {
        Change::Dumped(libc::WTERMSIG(code))
    } else {
        Change::Killed(libc::WTERMSIG(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        assert_eq!(decode(0x300), Change::Exited(3));
        assert_eq!(decode(9), Change::Killed(9));
        assert_eq!(decode(0x8b), Change::Dumped(11));
    }
}
