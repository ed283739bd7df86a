// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What the CPU may do ahead on behalf of the process.

use super::{Configured, Context};
use crate::settings::{Speculation, SpeculationControl};

impl Context {
    /// Controls a feature of the CPU for the process and all that it starts; once for each feature. The creator keeps
    /// its own controls. A [`seccomp`](Self::seccomp) program may disable more, where the kernel is told to
    /// (`spec_store_bypass_disable=seccomp`).
    ///
    /// # Errors
    ///
    /// None here. [`create`](Self::create) fails with `ENODEV` if the kernel or the CPU does not know the feature, and
    /// with
    /// `ENXIO` if one setting holds for all processes. `EPERM`: the creator has it disabled by force, or the kernel does
    /// not let processes choose.
    ///
    /// # Kernel
    ///
    /// [PR_SET_SPECULATION_CTRL(2const)](https://man7.org/linux/man-pages/man2const/PR_SET_SPECULATION_CTRL.2const.html);
    /// since 5.15 for [`Speculation::L1dFlush`]. No privilege.
    ///
    /// ```
    /// use procfd::{Speculation, SpeculationControl};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/grep")?.args(["grep", "-q", "Bypass:\tthread force mitigated", "/proc/self/status"])?;
    /// context.speculation(Speculation::StoreBypass, SpeculationControl::ForceDisable)?;
    /// # let status = std::fs::read_to_string("/proc/self/status")?;
    /// # let _ = status.contains("Bypass:\tthread vulnerable") || std::process::exit(0);
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_SPECULATION")]
    pub fn speculation(&mut self, feature: Speculation, control: SpeculationControl) -> Configured<'_> {
        self.set(|s| s.set_speculation(feature.as_raw().into(), Some(control.as_raw())))
    }
}
