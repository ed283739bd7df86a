// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! How a process ended, was stopped or went on, in words: procfd_status_text.

use std::borrow::Cow;
use std::ffi::c_int;

use procfd::Errno;

use crate::Result;
use crate::abi::*;
use crate::args::Data;
use crate::record;

/// Writes the text as far as it fits; its whole length.
pub(crate) fn status(wait: Data, to: Data) -> Result {
    let wait: procfd_wait = wait.read().map_err(|e| refused(e, "wait is no address"))?;
    to.room().map_err(|e| refused(e, "text is no address"))?;
    let text = words(wait.what, wait.status).ok_or_else(|| {
        let why = format!("what is {}, which is none of PROC_EXITED to PROC_CONTINUED", wait.what);
        refused(Errno(libc::EINVAL), &why)
    })?;
    if let Some(room) = to.size().checked_sub(1) {
        let part = text.as_bytes().get(..room).unwrap_or(text.as_bytes());
        to.fill(0, part);
        to.fill(part.len(), b"\0");
    }
    Ok(c_int::try_from(text.len()).unwrap_or(c_int::MAX))
}

fn refused(errno: Errno, why: &str) -> Errno {
    record::set(&format!("procfd_status_text(): {why}"));
    errno
}

fn words(what: u32, status: i32) -> Option<String> {
    Some(match what {
        PROC_EXITED => format!("exit code {status}"),
        PROC_KILLED => format!("killed by {}", signal(status)),
        PROC_DUMPED => format!("killed by {}, core dumped", signal(status)),
        // A ptrace stop: see PROC_STOPPED.
        PROC_STOPPED if status > 0xff => {
            format!("stopped by {}, ptrace event {}", signal(status & 0xff), status >> 8)
        }
        PROC_STOPPED => format!("stopped by {}", signal(status)),
        PROC_CONTINUED => "continued".to_owned(),
        _ => return None,
    })
}

/// Its name, which is the same number on no two architectures; "signal 40" for one without.
fn signal(number: i32) -> Cow<'static, str> {
    macro_rules! names {
        ($($name:ident)*) => {
            match number {
                $(libc::$name => Cow::Borrowed(stringify!($name)),)*
                _ => Cow::Owned(format!("signal {number}")),
            }
        };
    }
    names! {
        SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE
        SIGALRM SIGTERM SIGSTKFLT SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ
        SIGVTALRM SIGPROF SIGWINCH SIGIO SIGPWR SIGSYS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_has_its_words() {
        let said = |what, status| words(what, status).unwrap_or_default();
        assert_eq!(said(PROC_EXITED, 3), "exit code 3");
        assert_eq!(said(PROC_KILLED, libc::SIGTERM), "killed by SIGTERM");
        assert_eq!(said(PROC_KILLED, 40), "killed by signal 40");
        assert_eq!(said(PROC_DUMPED, libc::SIGSEGV), "killed by SIGSEGV, core dumped");
        assert_eq!(said(PROC_STOPPED, libc::SIGTSTP), "stopped by SIGTSTP");
        assert_eq!(said(PROC_STOPPED, 0x8005), "stopped by SIGTRAP, ptrace event 128");
        assert_eq!(said(PROC_CONTINUED, 0), "continued");
        assert_eq!(words(0, 0), None);
    }
}
