// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What failed: the step, which of several, its errno, and a sentence for a person.

use std::fmt;
use std::io;

pub use crate::sys::Errno;

/// A step of configuration or creation. The numbers are stable.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stage(u32);

macro_rules! stages {
    ($($(#[$doc:meta])* $name:ident = $number:literal $text:literal;)*) => {
        impl Stage {
            $($(#[$doc])* pub const $name: Self = Self($number);)*

            /// What the step does, in the words of an error message.
            pub fn name(self) -> &'static str {
                match self.0 {
                    $($number => $text,)*
                    _ => "unknown step",
                }
            }
        }
    };
}

stages! {
    /// Nothing failed.
    NONE = 0 "nothing";
    /// An argument of a configuration call.
    CONFIG = 1 "configure";
    /// Settings that do not go together, found before anything was started.
    PLAN = 2 "check the configuration";
    /// The child's stack.
    STACK = 3 "allocate the child's stack";
    /// The descriptors of the close policy.
    FUSE = 4 "prepare the close policy";
    /// clone3(2).
    CLONE = 5 "clone the child";
    /// Handing the start to the procfd.
    PUBLISH = 6 "publish the start";
    /// The child ended before it ran the program.
    CHILD_DIED = 7 "keep the child alive until it runs the program";
    /// The watcher.
    WATCHER = 8 "start the watcher";
    /// Binding to an existing process.
    ATTACH = 9 "attach";
    /// newuidmap(1) or newgidmap(1).
    IDMAP_HELPER = 10 "map ids by helper";
    /// In the child: signal actions; the index is the signal.
    SIGNALS = 32 "set the action of a signal";
    /// In the child: setpriority(2).
    NICE = 33 "set the nice value";
    /// In the child: setrlimit(2); the index is the resource.
    RLIMIT = 34 "set a resource limit";
    /// In the child: setsid(2).
    SESSION = 35 "start a session";
    /// In the child: setpgid(2).
    PGROUP = 36 "set the process group";
    /// In the child: TIOCSCTTY.
    CTTY = 37 "set the controlling terminal";
    /// In the child: TIOCSPGRP.
    FOREGROUND = 38 "set the foreground process group";
    /// In the child: arming the close policy.
    ARM = 39 "arm the close policy";
    /// In the child: leaving the shared descriptor table.
    FD_TABLE = 40 "leave the shared descriptor table";
    /// The setgroups policy of the user namespace.
    SETGROUPS = 41 "set the setgroups policy of the user namespace";
    /// The user id map.
    UID_MAP = 42 "write the user id map";
    /// The group id map.
    GID_MAP = 43 "write the group id map";
    /// In the child: sethostname(2).
    HOSTNAME = 44 "set the host name";
    /// In the child: chroot(2).
    ROOT = 45 "change root";
    /// In the child: chdir(2) or fchdir(2); the index is the action's position.
    CWD = 46 "change directory";
    /// In the child: a descriptor action; the index is its position.
    FD = 47 "carry out a descriptor action";
    /// In the child: umask(2).
    UMASK = 48 "set the umask";
    /// In the child: setgroups(2).
    GROUPS = 49 "set the supplementary groups";
    /// In the child: setresgid(2).
    GID = 50 "set the group ids";
    /// In the child: setresuid(2).
    UID = 51 "set the user ids";
    /// In the child: PR_SET_NO_NEW_PRIVS.
    NO_NEW_PRIVS = 52 "set no_new_privs";
    /// In the child: PR_SET_PDEATHSIG.
    PDEATHSIG = 53 "set the parent-death signal";
    /// In the child: rt_sigprocmask(2).
    SIGMASK = 54 "set the signal mask";
    /// In the child: execve(2); the index is the PATH entry.
    EXEC = 55 "execute";
    /// The built-in init of a new pid namespace.
    INIT = 56 "start the built-in init";
}

impl Stage {
    pub(crate) fn from_raw(number: u32) -> Self {
        Self(number)
    }

    /// The stable number.
    pub fn as_raw(self) -> u32 {
        self.0
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stage({}: {})", self.0, self.name())
    }
}

/// Why a configuration or a creation failed.
#[derive(Clone, Debug)]
pub struct Error {
    stage: Stage,
    index: u32,
    errno: Errno,
    message: String,
}

impl Error {
    /// `what` names the operand, or is empty; a hint stands for itself.
    pub(crate) fn new(stage: Stage, index: u32, errno: Errno, what: impl fmt::Display) -> Self {
        let what = what.to_string();
        let sep = if what.is_empty() { "" } else { " " };
        Self { stage, index, errno, message: format!("{}{sep}{what}: {errno}", stage.name()) }
    }

    /// As [`Error::new`], with a sentence of what to do.
    pub(crate) fn hint(mut self, hint: &str) -> Self {
        self.message.push_str(" (");
        self.message.push_str(hint);
        self.message.push(')');
        self
    }

    pub(crate) fn config(errno: i32, what: impl fmt::Display) -> Self {
        Self::new(Stage::CONFIG, 0, Errno(errno), what)
    }

    pub(crate) fn plan(errno: i32, what: impl fmt::Display) -> Self {
        Self::new(Stage::PLAN, 0, Errno(errno), what)
    }

    /// The step that failed.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Which of several: an action's position, a resource, a signal, a PATH entry.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The errno of the step.
    pub fn raw_os_error(&self) -> i32 {
        self.errno.0
    }

    /// The errno as std classifies it.
    pub fn kind(&self) -> io::ErrorKind {
        io::Error::from(self.errno).kind()
    }

    /// The sentence that [`Display`](fmt::Display) shows.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    /// Keeps the errno ([`io::Error::raw_os_error`]), not the message.
    fn from(e: Error) -> Self {
        e.errno.into()
    }
}
