// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Attributes of the task: execution domain, time-stamp counter, subreaper, I/O priority, memory failures.

use super::{Configured, Context, Facts, Families, Prepared, Set, Settings};
use crate::child::List;
use crate::error::{Error, Stage};

/// The attributes that the kernel keeps in the task itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Task {
    personality: Option<u32>,
    no_tsc: bool,
    subreaper: bool,
    ioprio: Option<u16>,
    mce_kill: Option<u32>,
}

/// linux/ioprio.h: the class is above these bits.
pub(crate) const IOPRIO_CLASS_SHIFT: u16 = 13;
/// IOPRIO_CLASS_IDLE, the last one.
const IOPRIO_CLASS_MAX: u16 = 3;

impl Settings {
    /// The execution domain.
    pub fn set_personality(&mut self, persona: u32) -> Set {
        if persona == u32::MAX {
            // personality(2): the question for the present one.
            return Err(Error::config(libc::EINVAL, "personality 0xffffffff, which is no personality"));
        }
        self.make(Families::TASK).task.personality = Some(persona);
        Ok(())
    }

    /// The time-stamp counter is out of reach.
    pub fn set_no_tsc(&mut self, on: bool) -> Set {
        self.make(Families::TASK).task.no_tsc = on;
        Ok(())
    }

    /// Orphaned descendants become its children.
    pub fn set_subreaper(&mut self, on: bool) -> Set {
        self.make(Families::TASK).task.subreaper = on;
        Ok(())
    }

    /// The I/O priority: the class above 13 bits of data.
    pub fn set_ioprio(&mut self, ioprio: u16) -> Set {
        let class = ioprio >> IOPRIO_CLASS_SHIFT;
        if class > IOPRIO_CLASS_MAX {
            return Err(Error::config(
                libc::EINVAL,
                format_args!("I/O priority {ioprio}: class {class}; there are 0 to {IOPRIO_CLASS_MAX}"),
            ));
        }
        self.make(Families::TASK).task.ioprio = Some(ioprio);
        Ok(())
    }

    /// When a memory failure kills it: PR_MCE_KILL_LATE, _EARLY or _DEFAULT.
    pub fn set_mce_kill(&mut self, policy: u32) -> Set {
        if policy > libc::PR_MCE_KILL_DEFAULT as u32 {
            return Err(Error::config(libc::EINVAL, format_args!("policy {policy} is not a PR_MCE_KILL_*")));
        }
        self.make(Families::TASK).task.mce_kill = Some(policy);
        Ok(())
    }
}

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
    /// `EINVAL`: no such class or level.
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
        self.set(|s| match level >> IOPRIO_CLASS_SHIFT {
            0 => s.set_ioprio(class.saturating_mul(1 << IOPRIO_CLASS_SHIFT) | level),
            _ => {
                Err(Error::config(libc::EINVAL, format_args!("I/O priority level {level}; there are 0 to 7")))
            }
        })
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

pub(super) fn attributes(s: &Settings, _: &Facts<'_>, list: &mut List) {
    if let Some(ioprio) = s.task.ioprio {
        list.step(Stage::IOPRIO, 0).set_ioprio(ioprio.into());
    }
    if let Some(persona) = s.task.personality {
        list.step(Stage::PERSONALITY, 0).personality(persona);
    }
    if s.task.subreaper {
        list.step(Stage::SUBREAPER, 0).prctl::<{ libc::PR_SET_CHILD_SUBREAPER }>(1);
    }
    if s.task.no_tsc {
        list.step(Stage::TSC, 0).prctl::<{ libc::PR_SET_TSC }>(libc::PR_TSC_SIGSEGV as u64);
    }
    if let Some(policy) = s.task.mce_kill {
        list.step(Stage::MCE_KILL, 0).set_mce_kill(policy);
    }
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, _: u32) -> Option<String> {
    match stage {
        Stage::IOPRIO => s.task.ioprio.map(|ioprio| {
            let class = ioprio >> IOPRIO_CLASS_SHIFT;
            format!("class {class}, level {}", ioprio & ((1 << IOPRIO_CLASS_SHIFT) - 1))
        }),
        Stage::MCE_KILL => s.task.mce_kill.map(|policy| policy.to_string()),
        Stage::PERSONALITY => s.task.personality.map(|persona| format!("{persona:#x}")),
        _ => None,
    }
}

pub(super) fn hint(_: &Settings, stage: Stage, errno: i32) -> Option<&'static str> {
    match (stage, errno) {
        (Stage::TSC, libc::EINVAL) => Some("only x86 has this switch"),
        (Stage::IOPRIO, libc::EPERM) => Some("the real-time class needs CAP_SYS_NICE or CAP_SYS_ADMIN"),
        _ => None,
    }
}
