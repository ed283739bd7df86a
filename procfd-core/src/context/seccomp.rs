// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Seccomp programs: which system calls the process may make.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::{Configured, Context};
use crate::error::Error;
use crate::settings::SeccompFlags;
use crate::sys;

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
    /// The program must not notify of what the child still calls, whatever the arguments are: sendmsg(2), which sends
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
    /// [`SeccompFlags::WAIT_KILLABLE_RECV`].
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
