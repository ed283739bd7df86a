// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Seccomp programs: which system calls the process may make.
//!
//! The kernel takes one from a process with no_new_privs, or with CAP_SYS_ADMIN in its user namespace. The
//! programs come last, so that each has to allow only what follows it: the later ones' seccomp(2),
//! rt_sigprocmask(2), the execution, and exit_group(2) for a failure. One that refuses even that ends the child by a
//! signal: SIGSYS, or SIGILL.

use super::check;
use super::{Facts, Prepared, Set, Settings};
use crate::child::{List, SockFprog};
use crate::error::{Error, Stage};
use crate::sys;
use crate::sys::vec::Shared;

/// BPF_MAXINSNS (linux/bpf_common.h).
const INSTRUCTIONS_MAX: usize = 4096;
const CAP_SYS_ADMIN: u32 = 21;

bitflags::bitflags! {
    /// Flags of a seccomp program ([seccomp(2)](https://man7.org/linux/man-pages/man2/seccomp.2.html)).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct SeccompFlags: u64 {
        /// For all threads. The process has one as it is started, so it changes nothing.
        const TSYNC = 1;
        /// The kernel logs all actions but allow.
        const LOG = 1 << 1;
        /// No mitigation of Speculative Store Bypass; 4.17.
        const SPEC_ALLOW = 1 << 2;
    }
}

/// One program: `struct sock_filter []` as pairs of words.
#[derive(Clone, Debug)]
struct Program {
    words: Vec<u32>,
    flags: SeccompFlags,
}

/// The programs in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seccomp(Shared<Program>);

impl Settings {
    /// Adds a seccomp program; an empty one without flags drops those added before.
    pub fn add_seccomp(&mut self, words: Vec<u32>, flags: u64) -> Set {
        if words.is_empty() && flags == 0 {
            self.seccomp.0.clear();
            return Ok(());
        }
        let Some(flags) = SeccompFlags::from_bits(flags) else {
            let unknown = flags & !SeccompFlags::all().bits();
            return Err(Error::config(libc::EINVAL, format_args!("flags {unknown:#x} of a seccomp program")));
        };
        let count = words.len() / 2;
        if words.len() % 2 != 0 || count == 0 || count > INSTRUCTIONS_MAX {
            return Err(Error::config(
                libc::EINVAL,
                format_args!(
                    "a seccomp program of {} bytes: it is 1 to {INSTRUCTIONS_MAX} instructions of 8 bytes",
                    words.len() * 4
                ),
            ));
        }
        check::len(self.seccomp.0.len(), "seccomp programs")?;
        let pushed = self.seccomp.0.push(Program { words, flags });
        pushed.map_err(|e| Error::config(e.0, "the seccomp programs"))
    }

    /// Whether the child needs CAP_SYS_ADMIN for them.
    pub(super) fn seccomp_needs_rights(&self) -> bool {
        !self.seccomp.0.is_empty() && !self.privileges.is_no_new_privs()
    }
}

impl Seccomp {
    /// Whether the child needs memory of its own. Before 5.16 the kernel ended all processes that share the memory of one
    /// that may dump core, and a program can end the child by such a signal.
    pub(crate) fn needs_copy(&self) -> bool {
        !self.0.is_empty() && sys::task::kernel_is_before(5, 16)
    }
}

pub(super) fn conflicts(s: &Settings) -> Set {
    if !s.seccomp_needs_rights() || sys::task::no_new_privs() {
        return Ok(());
    }
    if !s.creator_has(CAP_SYS_ADMIN) {
        return Err(Error::plan(libc::EPERM, "a seccomp program without CAP_SYS_ADMIN")
            .hint("set no_new_privs (PROC_SET_NO_NEW_PRIVS)"));
    }
    Ok(())
}

/// Last, before the mask.
pub(super) fn seccomp(s: &Settings, _: &Facts<'_>, list: &mut List) {
    for (program, index) in s.seccomp.0.iter().zip(0..) {
        list.step(Stage::SECCOMP, index).set_filter(program.flags.bits(), SockFprog(&program.words));
    }
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, index: u32) -> Option<String> {
    let program = s.seccomp.0.get(index as usize).filter(|_| stage == Stage::SECCOMP)?;
    Some(format!("{index} of {} instructions", program.words.len() / 2))
}

pub(super) fn hint(_: &Settings, stage: Stage, errno: i32) -> Option<&'static str> {
    match (stage, errno) {
        (Stage::SECCOMP, libc::EINVAL) => {
            Some("no valid BPF program, or a flag that this kernel does not have")
        }
        (Stage::SECCOMP, libc::EACCES) => Some("it needs no_new_privs or CAP_SYS_ADMIN"),
        _ => None,
    }
}
