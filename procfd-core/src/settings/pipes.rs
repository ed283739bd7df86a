// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Pipes to and from descriptors of the child, and descriptors with given bytes.
//!
//! The pipe exists from the call on: the caller gets one end, and the context keeps the other until the start. The
//! file with the bytes exists from the start on: the child makes it, so each process has a file and an offset of
//! its own.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use super::descriptors::Action;
use super::ends::End;
use super::{Configured, Context, Set, Settings, WindowSize, check};
use crate::Errno;
use crate::error::Error;
use crate::sys::{self, OwnFd};

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
        self.descriptors.pipes.size = i32::try_from(size).map_err(|_| {
            Error::config(
                libc::EINVAL,
                format_args!("a pipe of {size} bytes; there are {} at most", i32::MAX),
            )
        })?;
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
        Ok(ours.into())
    }

    /// Keeps the child's end until the start, when it becomes these numbers. Returns its own.
    pub(super) fn keep_end(
        &mut self,
        end: OwnFd,
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

    /// Whether an action makes or closes this number by its name.
    pub(crate) fn makes(&self, number: RawFd) -> bool {
        self.descriptors.actions().any(|action| action.makes(number))
    }

    /// Gives the descriptor a number that no action so far makes anything else of.
    pub(crate) fn out_of_the_way(&self, fd: OwnFd) -> sys::Result<OwnFd> {
        let mut fd = fd;
        while self.makes(fd.as_raw_fd()) {
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

impl Context {
    /// In the list: a pipe from which the child reads at `target`. Returns the writing end, close-on-exec.
    /// The context keeps the other end until the process has started, and then closes it.
    ///
    /// # Errors
    ///
    /// `EBADF`: a negative target; `E2BIG`; those of pipe(2) and, with [`pipe_size`](Self::pipe_size), of
    /// `F_SETPIPE_SZ`.
    ///
    /// # Kernel
    ///
    /// [pipe(2)](https://man7.org/linux/man-pages/man2/pipe.2.html). No privilege.
    ///
    /// ```
    /// use std::io::Write;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "read word && test $word = hello"])?;
    /// let mut input = std::fs::File::from(context.pipe_to(0)?);
    /// let process = context.create()?;
    /// input.write_all(b"hello\n")?;
    /// assert!(process.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_FD_PIPE")]
    pub fn pipe_to(&mut self, target: RawFd) -> Result<OwnedFd, Error> {
        self.pipe(target, PipeWay::ToChild)
    }

    /// In the list: a pipe to which the child writes at `target`. Returns the reading end, close-on-exec.
    /// The context keeps the other end until the process has started, and then closes it.
    ///
    /// # Errors
    ///
    /// As [`pipe_to`](Self::pipe_to).
    ///
    /// # Kernel
    ///
    /// [pipe(2)](https://man7.org/linux/man-pages/man2/pipe.2.html). No privilege.
    ///
    /// ```
    /// use std::io::Read;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/cat")?.args(["cat"])?.data(0, "hello\n")?;
    /// let mut output = std::fs::File::from(context.pipe_from(1)?);
    /// let process = context.create()?;
    /// let mut text = String::new();
    /// output.read_to_string(&mut text)?;
    /// assert_eq!(text, "hello\n");
    /// assert!(process.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_FD_PIPE")]
    pub fn pipe_from(&mut self, target: RawFd) -> Result<OwnedFd, Error> {
        self.pipe(target, PipeWay::FromChild)
    }

    /// A pseudo-terminal of this size as 0, 1 and 2, and as the controlling terminal of a new session. Returns the
    /// master, close-on-exec: what you write there is typed, and what you read there is shown. When no process has the
    /// terminal any more, a read of the master fails with `EIO`.
    ///
    /// In the list these are three entries. The context keeps the other end until the process has started.
    ///
    /// # Errors
    ///
    /// `E2BIG`: a list of 65,536 actions; `ENOENT`: no `/dev/ptmx`; `ENOSPC`: `/proc/sys/kernel/pty/max`; `EMFILE`.
    ///
    /// # Kernel
    ///
    /// [pty(7)](https://man7.org/linux/man-pages/man7/pty.7.html). No privilege.
    ///
    /// ```
    /// use procfd::WindowSize;
    /// use std::io::Read;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/stty")?.args(["stty", "size"])?;
    /// let master = context.pty(WindowSize { rows: 24, columns: 80, ..WindowSize::default() })?;
    /// let process = context.create()?;
    /// let mut text = Vec::new();
    /// // The end is EIO.
    /// let _ = std::fs::File::from(master).read_to_end(&mut text);
    /// assert_eq!(text, b"24 80\r\n");
    /// assert!(process.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_PTY")]
    pub fn pty(&mut self, size: WindowSize) -> Result<OwnedFd, Error> {
        self.hand_out(|s| s.add_pty(size))
    }

    fn pipe(&mut self, target: RawFd, way: PipeWay) -> Result<OwnedFd, Error> {
        self.hand_out(|s| s.add_pipe(target, way))
    }

    /// In the list: a file with these bytes at `target`, read from its beginning. It is a sealed memfd, which each
    /// process has for itself.
    ///
    /// # Errors
    ///
    /// `EBADF`: a negative target; `E2BIG`: more than 16 MiB, or 65,536 actions.
    ///
    /// # Kernel
    ///
    /// [memfd_create(2)](https://man7.org/linux/man-pages/man2/memfd_create.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "grep -q hello"])?;
    /// context.data(0, "hello\n")?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_FD_DATA")]
    pub fn data(&mut self, target: RawFd, bytes: impl Into<Vec<u8>>) -> Configured<'_> {
        let bytes = std::sync::Arc::new(bytes.into());
        self.set(|s| s.add_data(target, bytes))
    }

    /// The size of the pipes that later calls make, in bytes; 0 is the kernel's default.
    ///
    /// # Errors
    ///
    /// `EINVAL`: 2 GiB or more.
    ///
    /// # Kernel
    ///
    /// [F_SETPIPE_SZ](https://man7.org/linux/man-pages/man2/F_GETPIPE_SZ.2const.html). Privilege: `CAP_SYS_RESOURCE`
    /// above /proc/sys/fs/pipe-max-size, described in [pipe(7)](https://man7.org/linux/man-pages/man7/pipe.7.html).
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?.pipe_size(65_536)?;
    /// let output = context.pipe_from(1)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # drop(output);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_FD_PIPE_SIZE")]
    pub fn pipe_size(&mut self, bytes: u64) -> Configured<'_> {
        self.set(|s| s.set_pipe_size(bytes))
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
