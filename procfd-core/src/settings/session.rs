// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Session, process group, terminal.

use std::os::fd::{OwnedFd, RawFd};

use super::{Configured, Context, Facts, Families, Prepared, Set, Settings, check};
use crate::child::{At, List, Slot};
use crate::error::{Error, Stage};

/// Where the process belongs in job control.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    session: bool,
    group: Option<i32>,
    pub(super) ctty: Option<RawFd>,
    pub(super) foreground: Option<RawFd>,
}

impl Session {
    /// Whether the process leaves the creator's group.
    pub(super) fn is_apart(&self) -> bool {
        self.session || self.group.is_some()
    }
}

impl Settings {
    /// A new session.
    pub fn set_session(&mut self, on: bool) -> Set {
        self.make(Families::SESSION).session.session = on;
        Ok(())
    }

    /// The process group to join; 0 for a new one.
    pub fn set_group(&mut self, group: i32) -> Set {
        if group < 0 {
            return Err(Error::config(libc::EINVAL, format_args!("process group {group}")));
        }
        self.make(Families::SESSION).session.group = Some(group);
        Ok(())
    }

    /// The controlling terminal.
    pub fn set_ctty(&mut self, fd: RawFd) -> Set {
        check::fd(fd, "the controlling terminal")?;
        self.make(Families::SESSION).session.ctty = Some(fd);
        Ok(())
    }

    /// The terminal whose foreground group the child's becomes.
    pub fn set_foreground(&mut self, fd: RawFd) -> Set {
        check::fd(fd, "the terminal")?;
        self.make(Families::SESSION).session.foreground = Some(fd);
        Ok(())
    }
}

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

pub(super) fn conflicts(s: &Settings) -> Set {
    let Session { session, group, ctty, .. } = &s.session;
    let err = |text: &str| Err(Error::plan(libc::EINVAL, text));
    if *session && group.is_some_and(|g| g != 0) {
        return err("a new session and another process group: a session leader leads its own");
    }
    if ctty.is_some() && !session {
        return err("a controlling terminal without a new session");
    }
    Ok(())
}

/// All in the creator's table, where the terminals are.
pub(super) fn all(s: &Settings, _: &Facts<'_>, list: &mut List) {
    let Session { session, group, ctty, foreground } = s.session;
    if session {
        list.step(Stage::SESSION, 0).setsid();
    } else if let Some(group) = group {
        list.step(Stage::PGROUP, 0).setpgid(group);
    }
    if let Some(fd) = ctty {
        list.step(Stage::CTTY, 0).set_controlling_terminal(fd);
    }
    if let Some(fd) = foreground {
        list.step(Stage::FOREGROUND, 0).getpgrp().into(Slot::GROUP);
        list.tcsetpgrp(fd, At(Slot::GROUP));
    }
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, _: u32) -> Option<String> {
    match stage {
        Stage::PGROUP => Some(match s.session.group {
            Some(0) | None => "(a new one)".into(),
            Some(group) => group.to_string(),
        }),
        Stage::CTTY => s.session.ctty.map(|fd| format!("to descriptor {fd}")),
        Stage::FOREGROUND => s.session.foreground.map(|fd| format!("of descriptor {fd}")),
        _ => None,
    }
}
