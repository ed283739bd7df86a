// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Pipes to and from descriptors of the child, and descriptors with given bytes.
//!
//! The pipe exists from the call on: the caller gets one end, and the context keeps the other until the start. The
//! file with the bytes exists from the start on: the child makes it, so each process has a file and an offset of
//! its own.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use super::check;
use super::descriptors::Action;
use super::ends::End;
use super::{Set, Settings};
use crate::Errno;
use crate::error::Error;
use crate::sys;

/// The most bytes for a descriptor.
pub const DATA_MAX: usize = 16 << 20;
/// Which way the bytes of a pipe go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PipeWay {
    /// The child reads.
    ToChild,
    /// The child writes.
    FromChild,
}

impl Settings {
    /// The size of the pipes that later calls make.
    pub fn set_pipe_size(&mut self, size: u64) -> Set {
        self.descriptors.pipes.size = i32::try_from(size)
            .map_err(|_| Error::config(libc::EINVAL, format_args!("a pipe of {size} bytes")))?;
        Ok(())
    }

    /// A pipe at a number; returns the other end.
    pub fn add_pipe(&mut self, target: RawFd, way: PipeWay) -> Result<OwnedFd, Error> {
        check::fd(target, "target")?;
        let size = self.descriptors.pipes.size;
        let failed = |e: Errno| Error::config(e.0, format_args!("a pipe for descriptor {target}"));
        let (reader, writer) = sys::fd::pipe().map_err(failed)?;
        if size != 0 {
            sys::fd::set_pipe_size(writer.as_fd(), size).map_err(|e| {
                Error::config(e.0, format_args!("a pipe of {size} bytes (see pipe-max-size)"))
            })?;
        }
        let (theirs, ours) = match way {
            PipeWay::ToChild => (reader, writer),
            PipeWay::FromChild => (writer, reader),
        };
        self.keep_end(theirs, &[target], failed)?;
        Ok(ours)
    }

    /// Keeps the child's end until the start, when it becomes these numbers. Returns its own.
    pub(super) fn keep_end(
        &mut self,
        end: OwnedFd,
        targets: &[RawFd],
        failed: impl Fn(Errno) -> Error,
    ) -> Result<RawFd, Error> {
        let end = self.out_of_the_way(end).map_err(&failed)?;
        let source = end.as_raw_fd();
        let end = End::new(end).map_err(failed)?;
        targets.iter().try_for_each(|&target| self.push(Action::End { source, target }))?;
        self.descriptors.pipes.ends.push(Arc::new(end));
        Ok(source)
    }

    /// Gives the descriptor a number that no action so far makes anything else of.
    pub(super) fn out_of_the_way(&self, fd: OwnedFd) -> sys::Result<OwnedFd> {
        let is_taken = |number| self.descriptors.actions().any(|action| action.makes(number));
        let mut fd = fd;
        while is_taken(fd.as_raw_fd()) {
            // Those in between stay open until the next one has its number.
            let least = fd.as_raw_fd().saturating_add(1);
            fd = sys::fd::dup_cloexec_above(fd.as_fd(), least)?;
        }
        Ok(fd)
    }

    /// A file with these bytes at a number, at its beginning.
    pub fn add_data(&mut self, target: RawFd, bytes: Arc<Vec<u8>>) -> Set {
        check::fd(target, "target")?;
        if bytes.len() > DATA_MAX {
            return Err(Error::config(
                libc::E2BIG,
                format_args!("data for descriptor {target}: above 16 MiB"),
            ));
        }
        self.push(Action::Data { target, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_has_no_number_that_the_list_makes() {
        let mut s = Settings::default();
        for target in 3..400 {
            s.add_null(target).unwrap();
        }
        let ours = s.add_pipe(5, PipeWay::ToChild).unwrap();
        let Some(&Action::End { source, target }) = s.descriptors.actions().last() else { panic!() };
        assert_eq!((target, source >= 400), (5, true));
        assert!(s.descriptors.pipes.has(source));
        assert!(!s.descriptors.pipes.has(ours.as_raw_fd()));
        s.descriptors.let_go();
        assert!(!s.descriptors.pipes.has(source));
    }

    #[test]
    fn a_size_is_of_later_pipes() {
        let mut s = Settings::default();
        s.set_pipe_size(4096).unwrap();
        let ours = s.add_pipe(1, PipeWay::FromChild).unwrap();
        let size = size_of_pipe(&ours);
        assert!((4096..65_536).contains(&size), "{size}");
        assert_eq!(s.set_pipe_size(1 << 31).unwrap_err().raw_os_error(), libc::EINVAL);
    }

    fn size_of_pipe(fd: &OwnedFd) -> i32 {
        sys::fd::pipe_size(fd.as_fd()).unwrap()
    }

    #[test]
    fn too_much_data_is_refused() {
        let mut s = Settings::default();
        let refused = s.add_data(0, vec![0; DATA_MAX + 1].into()).unwrap_err();
        assert_eq!(refused.raw_os_error(), libc::E2BIG);
        assert_eq!(s.add_data(-1, Arc::default()).unwrap_err().raw_os_error(), libc::EBADF);
    }
}
