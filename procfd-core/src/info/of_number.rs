// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! One process by its number, out of files that name it themselves: without a pidfd.
//!
//! The kernel opens a file of /proc/PID for the process that has the number at that instant, and reads it for that
//! process alone. `stat` is opened first and read last. It can be read only while its process is unreaped. So the
//! process had the number all the time, and `statm`, which was opened in between, is of the same process.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};

use super::convert::{self, Units};
use super::fields::{Fields, Info};
use crate::forks::Private;
use crate::proc::parse::counters;
use crate::proc::{Path, Root};
use crate::sys::{self, Result};

/// The files that answer all that is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Stat,
    StatAndStatm,
    /// The pidfd is needed.
    Others,
}

impl Source {
    pub(super) fn of(fields: Fields) -> Self {
        const STAT: Fields = Fields::STAT.union(Fields::IDS);
        const BOTH: Fields = STAT.union(Fields::STATM);
        match fields {
            _ if STAT.contains(fields) => Self::Stat,
            _ if BOTH.contains(fields) => Self::StatAndStatm,
            _ => Self::Others,
        }
    }

    fn has_statm(self) -> bool {
        self == Self::StatAndStatm
    }
}

/// The held files of one process.
#[derive(Debug)]
pub(super) struct Files {
    stat: Private,
    statm: Option<Private>,
}

impl Files {
    /// Opens them for the process that has the number.
    pub(super) fn open(pid: u32, source: Source) -> Result<Self> {
        // The proof of /proc comes first: to open it anew takes the lock that `Private::new` holds.
        let root = Root::take()?;
        let open = |path: Path| Private::new(|| root.open(path.as_c_str(), libc::O_RDONLY));
        let stat = open(stat_of(pid))?;
        let statm = if source.has_statm() { Some(open(statm_of(pid))?) } else { None };
        Ok(Self { stat, statm })
    }

    pub(super) fn all(&self, check: impl Fn(&Private) -> bool) -> bool {
        check(&self.stat) && self.statm.as_ref().is_none_or(check)
    }

    /// Reads them again. ESRCH: their process has been reaped. EBADF: the program has closed one.
    pub(super) fn read(&self, out: &mut Info, fields: Fields, units: &Units) -> Result<bool> {
        let statm = self.statm.as_ref().map(|statm| sizes(statm.live()?)).transpose()?;
        answer(out, self.stat.live()?, statm, fields, units)
    }
}

/// The answer of the process that has this pid now. `false` if other files have a part of the answer; `out`
/// is then unchanged. ENOENT, ESRCH: no process has the pid.
pub(super) fn read(
    out: &mut Info,
    root: &Root,
    pid: u32,
    source: Source,
    fields: Fields,
    units: &Units,
) -> Result<bool> {
    read_with(out, root, pid, source, fields, units, || {})
}

/// The same, with what happens between the two opens.
#[inline(always)]
fn read_with(
    out: &mut Info,
    root: &Root,
    pid: u32,
    source: Source,
    fields: Fields,
    units: &Units,
    between: impl FnOnce(),
) -> Result<bool> {
    let open = |path: Path| root.open(path.as_c_str(), libc::O_RDONLY);
    let stat = open(stat_of(pid))?;
    between();
    let statm = if source.has_statm() { Some(sizes(open(statm_of(pid))?.as_fd())?) } else { None };
    answer(out, stat.as_fd(), statm, fields, units)
}

fn stat_of(pid: u32) -> Path {
    Path::new().number(pid).text(c"/stat")
}

fn statm_of(pid: u32) -> Path {
    Path::new().number(pid).text(c"/statm")
}

fn sizes(statm: BorrowedFd<'_>) -> Result<counters::Statm> {
    let mut buf = [MaybeUninit::uninit(); 256];
    let text = sys::fd::read_into(statm, &mut buf, 0)?;
    Ok(counters::statm(text).unwrap_or_default())
}

fn answer(
    out: &mut Info,
    stat: BorrowedFd<'_>,
    statm: Option<counters::Statm>,
    fields: Fields,
    units: &Units,
) -> Result<bool> {
    let mut buf = [MaybeUninit::uninit(); 2048];
    let text = sys::fd::read_into(stat, &mut buf, 0)?;
    Ok(convert::of_one_process(out, text, statm.as_ref(), fields, units))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Errno;
    use crate::{Context, Process};

    const FIELDS: Fields = Fields::IDS.union(Fields::START).union(Fields::MEMORY);

    fn sleeper(pids: &[u32]) -> std::io::Result<Process> {
        let mut context = Context::new()?;
        context.program("/bin/sleep")?.args(["sleep", "1000"])?.set_tid(pids)?;
        Ok(context.create()?)
    }

    #[test]
    fn files_of_two_processes_are_no_answer() {
        let units = Units::new();
        let first = sleeper(&[]).unwrap();
        let pid = first.pid().unwrap();
        let mut second = None;
        let mut out = Info::default();
        let root = Root::take().unwrap();
        let known = read_with(&mut out, &root, pid, Source::StatAndStatm, FIELDS, &units, || {
            first.kill().unwrap();
            first.wait().unwrap();
            second = sleeper(&[pid]).ok();
        });
        let Some(second) = second else {
            assert_ne!(known, Ok(true));
            return println!("SKIP: needs root");
        };
        assert_eq!(known, Err(Errno(libc::ESRCH)));
        assert_eq!(out, Info::default());
        assert_eq!(read(&mut out, &root, pid, Source::StatAndStatm, FIELDS, &units), Ok(true));
        assert_eq!(out.ids.map(|ids| ids.pid), Some(pid));
        assert!(out.memory.is_some_and(|memory| memory.resident > 0));
        second.kill().unwrap();
        second.wait().unwrap();
    }
}
