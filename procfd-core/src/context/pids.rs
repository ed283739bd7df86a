// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Chosen pids.

use super::{Configured, Context};

impl Context {
    /// The pid of the process: first the one in its own pid namespace, then those in the namespaces around it, up to
    /// 32. An empty list lets the kernel choose.
    ///
    /// # Errors
    ///
    /// `E2BIG`: more than 32; `EINVAL`: a number that is no pid.
    ///
    /// # Kernel
    ///
    /// [clone3(2)](https://man7.org/linux/man-pages/man2/clone3.2.html), `set_tid`; since 5.5.
    /// Privilege: `CAP_CHECKPOINT_RESTORE` (5.9) or `CAP_SYS_ADMIN` in the user namespace of each pid namespace.
    ///
    /// ```no_run
    /// use procfd::Namespaces;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?.namespaces(Namespaces::PID)?.set_tid(&[1, 12_345])?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_TID")]
    pub fn set_tid(&mut self, pids: &[u32]) -> Configured<'_> {
        self.set(|s| s.set_tid(pids.to_vec()))
    }
}
