// SPDX-License-Identifier: MIT OR Apache-2.0

//! The fork form of a context: a creation without a program.

use crate::error::Error;
use crate::process::Process;
use crate::settings::Context;

impl Context {
    /// Starts the process without a program: it goes on here, as after fork(2). Returns the process in the
    /// creator, and `None` in the child, where every setting is in force.
    ///
    /// # Safety
    ///
    /// The child has one thread, and its memory is a copy from the middle of what the creator's other threads
    /// did. If the creator has other threads, call in the child only what is safe in a signal handler
    /// (signal-safety(7)): no allocation, no lock, no panic. This holds until you execute a program or call `_exit`.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create); `EINVAL` at [`Stage::PLAN`](crate::Stage::PLAN): a program is set.
    ///
    /// # Kernel
    ///
    /// [fork(2)](https://man7.org/linux/man-pages/man2/fork.2.html). The memory is copied, so the cost grows
    /// with it.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.kill_on_close(libc::SIGKILL)?;
    /// // SAFETY: the child calls only `_exit`.
    /// match unsafe { context.fork() }? {
    ///     None => unsafe { libc::_exit(7) },
    ///     Some(process) => assert_eq!(process.wait()?.code(), Some(7)),
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub unsafe fn fork(&mut self) -> Result<Option<Process>, Error> {
        self.fork_here()
    }
}
