// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The list of directory and descriptor actions, carried out in the order given.

use std::os::fd::{OwnedFd, RawFd};
use std::path::Path;

use super::{Configured, Context};
use crate::settings::c_string;

impl Context {
    /// In the list: change directory.
    ///
    /// # Errors
    ///
    /// As [`program`](Self::program).
    ///
    /// # Kernel
    ///
    /// [chdir(2)](https://man7.org/linux/man-pages/man2/chdir.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "test $(pwd) = /usr"])?;
    /// context.current_dir("/usr")?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_CWD")]
    pub fn current_dir(&mut self, path: impl AsRef<Path>) -> Configured<'_> {
        let path = c_string(path.as_ref())?;
        self.set(|s| s.add_chdir(path))
    }

    /// In the list: change to the directory of a descriptor, which the context keeps.
    ///
    /// # Errors
    ///
    /// `E2BIG`: a list of 65,536 actions.
    ///
    /// # Kernel
    ///
    /// [fchdir(2)](https://man7.org/linux/man-pages/man2/fchdir.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "test $(pwd) = /usr"])?;
    /// context.current_dir_fd(std::fs::File::open("/usr")?)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_CWD_FD")]
    pub fn current_dir_fd(&mut self, fd: impl Into<OwnedFd>) -> Configured<'_> {
        let fd = fd.into();
        self.set(|s| {
            let number = s.hold(fd);
            s.add_fchdir(number)
        })
    }

    /// In the list: the child gets this descriptor as `target`. The context keeps it until the process has
    /// started, and then closes it.
    ///
    /// # Errors
    ///
    /// `EBADF`: a negative target; `E2BIG`.
    ///
    /// # Kernel
    ///
    /// [dup2(2)](https://man7.org/linux/man-pages/man2/dup2.2.html). No privilege.
    ///
    /// ```
    /// use std::io::Read;
    ///
    /// let (mut ours, theirs) = std::io::pipe()?;
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/echo")?.args(["echo", "hello"])?.fd(theirs, 1)?;
    /// let process = context.create()?;
    /// let mut text = String::new();
    /// ours.read_to_string(&mut text)?;
    /// assert_eq!(text, "hello\n");
    /// assert!(process.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_FD_DUP")]
    pub fn fd(&mut self, fd: impl Into<OwnedFd>, target: RawFd) -> Configured<'_> {
        let fd = fd.into();
        self.set(|s| {
            let number = s.hold(fd);
            s.add_dup(number, target)
        })
    }

    /// In the list: dup2 by numbers of the child's table; equal ones clear close-on-exec
    /// (`PROC_FD_INHERIT`).
    ///
    /// # Errors
    ///
    /// `EBADF`: a negative number; `E2BIG`.
    ///
    /// # Kernel
    ///
    /// [dup2(2)](https://man7.org/linux/man-pages/man2/dup2.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "grep -q Linux"])?;
    /// context.fd(std::fs::File::open("/proc/version")?, 5)?.dup(5, 0)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_FD_INHERIT")]
    pub fn dup(&mut self, source: RawFd, target: RawFd) -> Configured<'_> {
        self.set(|s| s.add_dup(source, target))
    }

    /// In the list: open a file at `target`, with the flags and mode of open(2).
    ///
    /// # Errors
    ///
    /// As [`program`](Self::program); `EBADF`; `EINVAL`: a mode over 0o7777. `O_CLOEXEC` has no effect.
    ///
    /// # Kernel
    ///
    /// [open(2)](https://man7.org/linux/man-pages/man2/open.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "grep -q Linux"])?;
    /// context.open_at(0, "/proc/version", libc::O_RDONLY, 0)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_FD_OPEN")]
    pub fn open_at(
        &mut self,
        target: RawFd,
        path: impl AsRef<Path>,
        flags: i32,
        mode: u32,
    ) -> Configured<'_> {
        let path = c_string(path.as_ref())?;
        self.set(|s| s.add_open(target, path, flags, mode))
    }

    /// In the list: `/dev/null` at `target`.
    ///
    /// # Errors
    ///
    /// `EBADF`, `E2BIG`.
    ///
    /// # Kernel
    ///
    /// [null(4)](https://man7.org/linux/man-pages/man4/null.4.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "test $(wc -c) = 0"])?;
    /// context.null(0)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_FD_NULL")]
    pub fn null(&mut self, target: RawFd) -> Configured<'_> {
        self.set(|s| s.add_null(target))
    }

    /// In the list: close a descriptor; that it is not open is no error.
    ///
    /// # Errors
    ///
    /// `EBADF`: a negative number; `E2BIG`.
    ///
    /// # Kernel
    ///
    /// [close(2)](https://man7.org/linux/man-pages/man2/close.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "! test -e /proc/self/fd/0"])?;
    /// context.close(0)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_FD_CLOSE")]
    pub fn close(&mut self, fd: RawFd) -> Configured<'_> {
        self.set(|s| s.add_close(fd))
    }

    /// In the list: close `first` to `last`.
    ///
    /// # Errors
    ///
    /// `EINVAL`: an empty range; `E2BIG`.
    ///
    /// # Kernel
    ///
    /// [close_range(2)](https://man7.org/linux/man-pages/man2/close_range.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "! test -e /proc/self/fd/5"])?;
    /// context.null(5)?.null(6)?.close_range(5, 6)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_FD_CLOSE_RANGE")]
    pub fn close_range(&mut self, first: u32, last: u32) -> Configured<'_> {
        self.set(|s| s.add_close_range(first, last))
    }

    /// Whether all descriptors that are not close-on-exec are inherited, as POSIX has it.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [execve(2)](https://man7.org/linux/man-pages/man2/execve.2.html). No privilege.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.inherit_all(true)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::EXEC));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_FD_INHERIT_ALL")]
    pub fn inherit_all(&mut self, on: bool) -> Configured<'_> {
        self.set(|s| s.set_inherit_all(on))
    }
}
