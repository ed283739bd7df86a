// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Pipes to and from descriptors of the child, and descriptors with given bytes.

use std::os::fd::{OwnedFd, RawFd};

use super::{Configured, Context};
use crate::error::Error;
use crate::settings::{PipeWay, Settings, WindowSize};

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
    /// [pipe(2)](https://man7.org/linux/man-pages/man2/pipe.2.html).
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
    /// [pipe(2)](https://man7.org/linux/man-pages/man2/pipe.2.html).
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
    /// [pty(7)](https://man7.org/linux/man-pages/man7/pty.7.html).
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

    pub(super) fn hand_out(
        &mut self,
        make: impl FnOnce(&mut Settings) -> Result<OwnedFd, Error>,
    ) -> Result<OwnedFd, Error> {
        let mut ours = None;
        self.set(|s| {
            ours = Some(make(s)?);
            Ok(())
        })?;
        ours.ok_or_else(|| Error::config(libc::EIO, "a descriptor of the context"))
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
