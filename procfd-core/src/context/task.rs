// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Attributes of the task: execution domain, time-stamp counter, subreaper, I/O priority.

use super::{Configured, Context};
use crate::settings::IOPRIO_CLASS_SHIFT;

impl Context {
    /// The execution domain, such as `ADDR_NO_RANDOMIZE` (0x40000) for a memory layout without randomness.
    ///
    /// # Errors
    ///
    /// `EINVAL`: 0xffffffff.
    ///
    /// # Kernel
    ///
    /// [personality(2)](https://man7.org/linux/man-pages/man2/personality.2.html). A set-user-ID program clears some of
    /// the flags. No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/grep")?.args(["grep", "-q", "00040000", "/proc/self/personality"])?;
    /// context.personality(0x40000)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_PERSONALITY")]
    pub fn personality(&mut self, persona: u32) -> Configured<'_> {
        self.set(|s| s.set_personality(persona))
    }

    /// The process may not read the time-stamp counter: the instruction is `SIGSEGV`. The vDSO and the dynamic
    /// linker of glibc read it, so this is for static programs that make their system calls for the time.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [PR_SET_TSC(2const)](https://man7.org/linux/man-pages/man2const/PR_SET_TSC.2const.html); x86 only. No privilege.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.no_tsc()?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::TSC));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_NO_TSC")]
    pub fn no_tsc(&mut self) -> Configured<'_> {
        self.set(|s| s.set_no_tsc(true))
    }

    /// The process is a subreaper: its orphaned descendants become its children.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [PR_SET_CHILD_SUBREAPER(2const)](https://man7.org/linux/man-pages/man2const/PR_SET_CHILD_SUBREAPER.2const.html).
    /// No privilege.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.subreaper()?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::SUBREAPER));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_SUBREAPER")]
    pub fn subreaper(&mut self) -> Configured<'_> {
        self.set(|s| s.set_subreaper(true))
    }

    /// The I/O priority: class 0 none, 1 real-time, 2 best effort, 3 idle, and the level within it, 0 to 7.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no such class.
    ///
    /// # Kernel
    ///
    /// [ioprio_set(2)](https://man7.org/linux/man-pages/man2/ioprio_set.2.html).
    /// Privilege: `CAP_SYS_NICE` or `CAP_SYS_ADMIN` for the real-time class.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.ioprio(3, 0)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::IOPRIO));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_IOPRIO")]
    pub fn ioprio(&mut self, class: u16, level: u16) -> Configured<'_> {
        self.set(|s| s.set_ioprio(class.saturating_mul(1 << IOPRIO_CLASS_SHIFT) | level))
    }

    /// When the process gets `SIGBUS` for a memory failure (`PR_MCE_KILL_*` of linux/prctl.h). 1 is early: as soon as
    /// the kernel finds the failure in a page that the process maps. 0 is late: when the process uses the page. 2 is
    /// the system's default.
    ///
    /// # Errors
    ///
    /// `EINVAL`: another number.
    ///
    /// # Kernel
    ///
    /// [PR_MCE_KILL(2const)](https://man7.org/linux/man-pages/man2const/PR_MCE_KILL.2const.html).
    /// No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?.mce_kill(libc::PR_MCE_KILL_EARLY as u32)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_MCE_KILL")]
    pub fn mce_kill(&mut self, policy: u32) -> Configured<'_> {
        self.set(|s| s.set_mce_kill(policy))
    }
}
