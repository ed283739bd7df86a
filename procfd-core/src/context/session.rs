// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Session, process group, terminal.

use std::os::fd::OwnedFd;

use super::{Configured, Context};

impl Context {
    /// A new session (setsid(2)).
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [setsid(2)](https://man7.org/linux/man-pages/man2/setsid.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?.new_session()?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_SESSION")]
    pub fn new_session(&mut self) -> Configured<'_> {
        self.set(|s| s.set_session(true))
    }

    /// The process group to join; 0 starts a new one.
    ///
    /// # Errors
    ///
    /// `EINVAL`: negative.
    ///
    /// # Kernel
    ///
    /// [setpgid(2)](https://man7.org/linux/man-pages/man2/setpgid.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "read _ _ _ _ group _ < /proc/$$/stat; test $group = $$"])?;
    /// context.process_group(0)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_PGROUP")]
    pub fn process_group(&mut self, group: i32) -> Configured<'_> {
        self.set(|s| s.set_group(group))
    }

    /// The controlling terminal, which the context keeps; needs a new session.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [TIOCSCTTY(2const)](https://man7.org/linux/man-pages/man2const/TIOCSCTTY.2const.html). No privilege.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.new_session()?.controlling_terminal(std::fs::File::open("/dev/null")?)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::CTTY));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_CTTY")]
    pub fn controlling_terminal(&mut self, fd: impl Into<OwnedFd>) -> Configured<'_> {
        let fd = fd.into();
        self.set(|s| {
            let number = s.hold(fd);
            s.set_ctty(number)
        })
    }

    /// The terminal, which the context keeps, whose foreground group the child's becomes.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [tcsetpgrp(3)](https://man7.org/linux/man-pages/man3/tcsetpgrp.3.html). No privilege.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.process_group(0)?.foreground(std::fs::File::open("/dev/null")?)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::FOREGROUND));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_FOREGROUND")]
    pub fn foreground(&mut self, fd: impl Into<OwnedFd>) -> Configured<'_> {
        let fd = fd.into();
        self.set(|s| {
            let number = s.hold(fd);
            s.set_foreground(number)
        })
    }
}
