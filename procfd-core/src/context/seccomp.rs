// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Seccomp programs: which system calls the process may make.

use super::{Configured, Context};
use crate::error::Error;
use crate::settings::SeccompFlags;

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
        let words =
            program.chunks_exact(4).filter_map(|word| word.try_into().ok()).map(u32::from_ne_bytes).collect();
        if program.is_empty() || program.len() % 8 != 0 {
            return Err(Error::config(
                libc::EINVAL,
                format_args!("a seccomp program of {} bytes: an instruction has 8", program.len()),
            ));
        }
        self.set(|s| s.add_seccomp(words, flags.bits()))
    }
}
