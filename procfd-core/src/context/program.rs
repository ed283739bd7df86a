// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The program and its arguments.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::Path;

use super::{Configured, Context};
use crate::settings::{Program, c_string, c_strings};

impl Context {
    /// The program, by its path.
    ///
    /// # Errors
    ///
    /// `ENOENT`: an empty path; `ENAMETOOLONG`; `EINVAL`: a NUL in it.
    ///
    /// # Kernel
    ///
    /// [execve(2)](https://man7.org/linux/man-pages/man2/execve.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "exit 3"])?;
    /// assert_eq!(context.create()?.wait()?.code(), Some(3));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_EXEC")]
    pub fn program(&mut self, path: impl AsRef<Path>) -> Configured<'_> {
        let path = c_string(path.as_ref())?;
        self.set(|s| s.set_program(Program::Path(path)))
    }

    /// The program, searched in the creator's `PATH` if there is no slash in it, as execvpe(3) does. For a file
    /// of unknown format it tries no shell.
    ///
    /// # Errors
    ///
    /// As [`program`](Self::program).
    ///
    /// # Kernel
    ///
    /// As [`program`](Self::program).
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program_in_path("true")?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_EXEC_PATH")]
    pub fn program_in_path(&mut self, name: impl AsRef<OsStr>) -> Configured<'_> {
        let name = c_string(name.as_ref())?;
        self.set(|s| s.set_program(Program::Search(name)))
    }

    /// The program, as the first of these paths that is there, by the rule of execvpe(3): a caller's own
    /// search. Without [`args`](Self::args), `argv[0]` is the first of them.
    ///
    /// # Errors
    ///
    /// As [`program`](Self::program); `ENOENT`: no path; `E2BIG`: more than 65,536.
    ///
    /// # Kernel
    ///
    /// As [`program`](Self::program).
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program_first_of(["/nonexistent/sh", "/bin/sh"])?.args(["sh", "-c", "exit 3"])?;
    /// assert_eq!(context.create()?.wait()?.code(), Some(3));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn program_first_of<P: AsRef<Path>>(&mut self, paths: impl IntoIterator<Item = P>) -> Configured<'_> {
        let paths = c_strings(paths.into_iter().map(|p| p.as_ref().as_os_str().to_owned()))?;
        self.set(|s| s.set_program(Program::OneOf(paths)))
    }

    /// The program, by a descriptor of it, which the context keeps. [`args`](Self::args) must be
    /// set. A script needs its descriptor inherited too, for its interpreter.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [execveat(2)](https://man7.org/linux/man-pages/man2/execveat.2.html). No privilege.
    ///
    /// ```
    /// let program = std::fs::File::open("/bin/true")?;
    /// let mut context = procfd::Context::new()?;
    /// context.program_fd(program)?.args(["true"])?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_EXEC_FD")]
    pub fn program_fd(&mut self, fd: impl Into<OwnedFd>) -> Configured<'_> {
        let fd = fd.into();
        self.set(|s| {
            let number = s.hold(fd);
            s.set_program_fd(number)
        })
    }

    /// The arguments, `argv[0]` among them. Default: the program as it was named.
    ///
    /// # Errors
    ///
    /// `EINVAL`: a NUL in one; `E2BIG`: more than execve(2) takes.
    ///
    /// # Kernel
    ///
    /// [execve(2)](https://man7.org/linux/man-pages/man2/execve.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "test $A = 1"])?;
    /// context.env("A", "1")?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_ARGV")]
    pub fn args<S: AsRef<OsStr>>(&mut self, args: impl IntoIterator<Item = S>) -> Configured<'_> {
        let args = c_strings(args)?;
        self.set(|s| s.set_argv(args))
    }
}
