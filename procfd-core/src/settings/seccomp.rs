// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Seccomp programs: which system calls the process may make.
//!
//! The kernel takes one from a process with no_new_privs, or with CAP_SYS_ADMIN in its user namespace. The
//! programs come last, so that each has to allow only what follows it: the later ones' seccomp(2),
//! rt_sigprocmask(2), the execution, and exit_group(2) for a failure. One that refuses even that ends the child by a
//! signal: SIGSYS, or SIGILL.
//!
//! One of them may notify a supervisor. The kernel gives the descriptor for that to the child, which sends it through a
//! socket of the creator. A notification of what the child still does would wait for a supervisor that waits for the
//! start: such a program is refused.

mod reach;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use super::ends::End;
use super::{Configured, Context, Facts, Families, Prepared, Set, Settings, check};
use crate::child::{List, Slot, SockFprog};
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
        /// For a program that notifies: once the supervisor has a notification, only SIGKILL ends its wait; 5.19.
        const WAIT_KILLABLE_RECV = 1 << 5;
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
pub(crate) struct Seccomp {
    programs: Shared<Program>,
    /// Which of them notifies, and the socket for its descriptor.
    notifies: Option<(u32, Arc<End>)>,
}

/// SECCOMP_FILTER_FLAG_NEW_LISTENER.
pub const NEW_LISTENER: u64 = 1 << 3;

impl Seccomp {
    pub(super) fn socket(&self) -> Option<&Arc<End>> {
        self.notifies.as_ref().map(|(_, end)| end)
    }

    pub(super) fn socket_mut(&mut self) -> Option<&mut Arc<End>> {
        self.notifies.as_mut().map(|(_, end)| end)
    }

    /// Which program notifies.
    pub(super) fn notifying(&self) -> u32 {
        self.notifies.as_ref().map_or(0, |(index, _)| *index)
    }

    pub(super) fn let_go(&mut self) {
        self.notifies = None;
    }
}

impl Settings {
    /// Adds a seccomp program; an empty one without flags drops those added before.
    pub fn add_seccomp(&mut self, words: Vec<u32>, flags: u64) -> Set {
        if words.is_empty() && flags == 0 {
            self.make(Families::SECCOMP).seccomp = Seccomp::default();
            return Ok(());
        }
        if flags & SeccompFlags::WAIT_KILLABLE_RECV.bits() != 0 {
            let text = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV without SECCOMP_FILTER_FLAG_NEW_LISTENER";
            return Err(Error::config(libc::EINVAL, text));
        }
        self.push_program(words, flags)
    }

    /// Adds a program that notifies. Returns the socket on which its descriptor comes.
    pub fn add_seccomp_notify(&mut self, words: Vec<u32>, flags: u64) -> Result<OwnedFd, Error> {
        let failed = |e: crate::Errno| Error::config(e.0, "a socket for the descriptor of a seccomp program");
        if flags & SeccompFlags::TSYNC.bits() != 0 {
            return Err(Error::config(libc::EINVAL, "a seccomp program with TSYNC and NEW_LISTENER")
                .hint("leave TSYNC out: the process has one thread as it is started"));
        }
        if let Some((index, _)) = &self.seccomp.notifies {
            return Err(Error::config(
                libc::EBUSY,
                format_args!("a second seccomp program that notifies, after number {index}"),
            ));
        }
        let index = u32::try_from(self.seccomp.programs.len()).unwrap_or(u32::MAX);
        let (ours, theirs) = sys::sock::pair().map_err(failed)?;
        let end = self.keep_late(theirs, failed)?;
        self.push_program(words, flags & !NEW_LISTENER)?;
        self.make(Families::SECCOMP).seccomp.notifies = Some((index, end));
        Ok(ours.into())
    }

    fn push_program(&mut self, words: Vec<u32>, flags: u64) -> Set {
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
        check::len(self.seccomp.programs.len(), "seccomp programs")?;
        let pushed = self.make(Families::SECCOMP).seccomp.programs.push(Program { words, flags });
        pushed.map_err(|e| Error::config(e.0, "the seccomp programs"))
    }

    /// Whether the child needs CAP_SYS_ADMIN for them.
    pub(super) fn seccomp_needs_rights(&self) -> bool {
        !self.seccomp.programs.is_empty() && !self.privileges.is_no_new_privs()
    }
}

impl Context {
    /// Adds a seccomp program: the bytes of `struct sock_filter []`, which libseccomp's
    /// seccomp_export_bpf(3) writes. With several the kernel runs all, and the strictest answer holds.
    ///
    /// The programs start last, so each has to allow what the child does after it: seccomp(2) for a later
    /// one, rt_sigprocmask(2), execve(2) or execveat(2), and exit_group(2) for a failure. If one refuses both the
    /// execution and exit_group(2), the child of the failed start ends by SIGILL. Without no_new_privs a change of the
    /// user or of capabilities adds capset(2).
    ///
    /// # Errors
    ///
    /// `EINVAL`: no whole instructions, or over 4,096; unknown flags. The creation fails with `EPERM` without
    /// [`no_new_privs`](Self::no_new_privs) or `CAP_SYS_ADMIN`.
    ///
    /// # Kernel
    ///
    /// [seccomp(2)](https://man7.org/linux/man-pages/man2/seccomp.2.html).
    /// Privilege: [`no_new_privs`](Self::no_new_privs) or `CAP_SYS_ADMIN`.
    ///
    /// ```
    /// use procfd::SeccompFlags;
    ///
    /// // BPF_RET, SECCOMP_RET_ALLOW.
    /// let mut allow = [0; 8];
    /// allow[..2].copy_from_slice(&6u16.to_ne_bytes());
    /// allow[4..].copy_from_slice(&0x7fff_0000u32.to_ne_bytes());
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/grep")?.args(["grep", "-q", "Seccomp:.2", "/proc/self/status"])?;
    /// context.no_new_privs()?.seccomp(&allow, SeccompFlags::empty())?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_SECCOMP")]
    pub fn seccomp(&mut self, program: &[u8], flags: SeccompFlags) -> Configured<'_> {
        let words = words(program)?;
        self.set(|s| s.add_seccomp(words, flags.bits()))
    }

    /// Adds a seccomp program that notifies a supervisor (`SECCOMP_RET_USER_NOTIF`); one at most. The returned
    /// [`SeccompListener`] receives its descriptor in the start: in your thread after the start, or in another thread
    /// or process meanwhile.
    ///
    /// The program must not notify of what the child still calls, with any arguments: sendmsg(2), which sends
    /// the descriptor; what [`seccomp`](Self::seccomp) lists; nanosleep(2). The start would wait for itself.
    ///
    /// # Errors
    ///
    /// As [`seccomp`](Self::seccomp). `EBUSY`: a second one. `EMFILE`. The creation fails with `EDEADLK` for a program
    /// that may notify of a call of the child, and with `EINVAL` without a program to execute.
    ///
    /// # Kernel
    ///
    /// [seccomp_unotify(2)](https://man7.org/linux/man-pages/man2/seccomp_unotify.2.html), since 5.0; since 5.19 with
    /// [`SeccompFlags::WAIT_KILLABLE_RECV`]. Privilege: [`no_new_privs`](Self::no_new_privs) or `CAP_SYS_ADMIN`.
    ///
    /// ```
    /// use procfd::SeccompFlags;
    ///
    /// // Loads the number; for 2000, which is no call, BPF_RET SECCOMP_RET_USER_NOTIF; else SECCOMP_RET_ALLOW.
    /// let program = [(0x20, 0, 0, 0), (0x15, 0, 1, 2000), (0x06, 0, 0, 0x7fc0_0000), (0x06, 0, 0, 0x7fff_0000)];
    /// let bytes: Vec<u8> = program.iter().flat_map(|&(code, jump_true, jump_false, k): &(u16, u8, u8, u32)| {
    ///     [code.to_ne_bytes().as_slice(), &[jump_true, jump_false], &k.to_ne_bytes()].concat()
    /// }).collect();
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?.no_new_privs()?;
    /// let listener = context.seccomp_notify(&bytes, SeccompFlags::empty())?;
    /// let process = context.create()?;
    /// // For the requests of seccomp_unotify(2).
    /// let notifications = listener.receive()?;
    /// # drop(notifications);
    /// assert!(process.wait()?.is_success());
    /// // There was one start.
    /// assert_eq!(listener.receive().unwrap_err().raw_os_error(), libc::EPIPE);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "SECCOMP_FILTER_FLAG_NEW_LISTENER")]
    pub fn seccomp_notify(&mut self, program: &[u8], flags: SeccompFlags) -> Result<SeccompListener, Error> {
        let words = words(program)?;
        self.hand_out(|s| s.add_seccomp_notify(words, flags.bits())).map(SeccompListener)
    }
}

/// Where the descriptor of a seccomp program comes, one for each start of a context and its copies.
#[derive(Debug)]
pub struct SeccompListener(OwnedFd);

impl SeccompListener {
    /// Waits for the next descriptor, for the requests of seccomp_unotify(2). One that comes from a start that has
    /// failed reports `POLLHUP`.
    ///
    /// # Errors
    ///
    /// `EPIPE`: the context is closed, or its process has started and the descriptor is taken. `EMFILE`. `EINTR`.
    ///
    /// # Kernel
    ///
    /// [recvmsg(2)](https://man7.org/linux/man-pages/man2/recvmsg.2.html).
    pub fn receive(&self) -> Result<OwnedFd, Error> {
        sys::sock::receive_fd(self.0.as_fd())
            .map(OwnedFd::from)
            .map_err(|e| Error::config(e.0, "the descriptor of a seccomp program"))
    }
}

impl AsFd for SeccompListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<SeccompListener> for OwnedFd {
    fn from(listener: SeccompListener) -> Self {
        listener.0
    }
}

/// The program as the core takes it.
fn words(program: &[u8]) -> Result<Vec<u32>, Error> {
    let words =
        program.chunks_exact(4).filter_map(|word| word.try_into().ok()).map(u32::from_ne_bytes).collect();
    if program.is_empty() || program.len() % 8 != 0 {
        return Err(Error::config(
            libc::EINVAL,
            format_args!("a seccomp program of {} bytes: an instruction has 8", program.len()),
        ));
    }
    Ok(words)
}

impl Seccomp {
    /// Whether the child needs memory of its own. A program can end the child by a signal
    /// that may dump core. Before 5.16 the kernel then ended all processes that share its memory.
    pub(crate) fn needs_copy(&self) -> bool {
        !self.programs.is_empty() && sys::task::kernel_is_before(5, 16)
    }
}

pub(super) fn conflicts(s: &Settings) -> Set {
    if s.seccomp.notifies.is_some() && s.program.is_none() {
        return Err(Error::plan(
            libc::EINVAL,
            "a seccomp program that notifies, without a program to execute",
        )
        .hint("the child of a fork can call seccomp(2) itself"));
    }
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
    for (program, index) in s.seccomp.programs.iter().zip(0..) {
        let (flags, words) = (program.flags.bits(), SockFprog(&program.words));
        list.step(Stage::SECCOMP, index);
        match &s.seccomp.notifies {
            Some((notifies, end)) if *notifies == index => {
                list.set_filter(flags | NEW_LISTENER, words).into(Slot::A);
                list.send_fd(end.number(), Slot::A);
            }
            _ => drop(list.set_filter(flags, words)),
        }
    }
}

/// What the child calls after its list, or between: it ends, or waits for a program that is open for writing.
const BESIDES: [i64; 3] = [libc::SYS_exit_group, libc::SYS_exit, libc::SYS_nanosleep];

/// Refuses a program that may notify of what the child still has to do: the supervisor has the descriptor only when the
/// start has returned.
pub(super) fn waits_for_itself(s: &Settings, list: &List) -> Set {
    let Some((index, _)) = s.seccomp.notifies else { return Ok(()) };
    let Some(program) = s.seccomp.programs.get(index as usize) else { return Ok(()) };
    let later = list.numbers_after(Stage::SECCOMP, index).map(i64::from);
    for number in later.chain(BESIDES) {
        if reach::may_notify(&program.words, number as u32) {
            let name = List::name(number as u16);
            return Err(Error::plan(
                libc::EDEADLK,
                format_args!("seccomp program {index}, which may notify of {name}(2)"),
            )
            .hint(
                "the child still calls it, and the start would wait for itself: let the program allow it",
            ));
        }
    }
    Ok(())
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, index: u32) -> Option<String> {
    let program = s.seccomp.programs.get(index as usize).filter(|_| stage == Stage::SECCOMP)?;
    Some(format!("{index} of {} instructions", program.words.len() / 2))
}

pub(super) fn hint(s: &Settings, stage: Stage, errno: i32) -> Option<&'static str> {
    match (stage, errno) {
        (Stage::SECCOMP, libc::EPIPE) => Some("the socket on which its descriptor comes is closed"),
        (Stage::SECCOMP, libc::EBUSY) if s.seccomp.notifies.is_some() => {
            Some("a seccomp program of the creator notifies already, and a process has one such program")
        }
        (Stage::SECCOMP, libc::EAGAIN) if s.seccomp.notifies.is_some() => {
            Some("the socket is full: take the descriptors of earlier starts")
        }
        (Stage::SECCOMP, libc::EBADF) => Some("the program has closed the context's end of the socket"),
        (Stage::SECCOMP, libc::EINVAL) => {
            Some("no valid BPF program, or a flag that this kernel does not have")
        }
        (Stage::SECCOMP, libc::EACCES) => Some("it needs no_new_privs or CAP_SYS_ADMIN"),
        _ => None,
    }
}
