// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The speculative execution that the CPU may do for the process. There is a control for each known weakness
//! that the kernel lets a task control.

use super::{Configured, Context, Facts, Families, Prepared, Set, Settings};
use crate::child::List;
use crate::error::{Error, Stage};

/// A feature of the CPU that a task controls for itself
/// ([PR_SET_SPECULATION_CTRL(2const)](https://man7.org/linux/man-pages/man2const/PR_SET_SPECULATION_CTRL.2const.html)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Speculation {
    /// Loads ahead of older stores (Spectre variant 4).
    StoreBypass,
    /// Branches by what other code has trained (Spectre variant 2).
    IndirectBranch,
    /// The first-level data cache is flushed when the process leaves the CPU. The feature is the flush, so
    /// [`SpeculationControl::Enable`] is the mitigation; 5.15.
    L1dFlush,
}

/// linux/prctl.h: PR_SPEC_*, in the order of their numbers.
const FEATURES: [(Speculation, &str); 3] = [
    (Speculation::StoreBypass, "store bypass"),
    (Speculation::IndirectBranch, "indirect branches"),
    (Speculation::L1dFlush, "the L1D flush"),
];

impl Speculation {
    /// Its number in linux/prctl.h.
    #[must_use]
    pub const fn as_raw(self) -> u32 {
        self as u32
    }
}

/// The control of a [`Speculation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpeculationControl {
    /// The CPU may do it.
    Enable,
    /// The CPU may not do it.
    Disable,
    /// The CPU may not do it, and the process cannot enable it again.
    ForceDisable,
}

/// linux/prctl.h.
const CONTROLS: [(SpeculationControl, u32, &str); 3] = [
    (SpeculationControl::Enable, 1 << 1, "enabled"),
    (SpeculationControl::Disable, 1 << 2, "disabled"),
    (SpeculationControl::ForceDisable, 1 << 3, "disabled by force"),
];
const PR_SPEC_DISABLE_NOEXEC: u32 = 1 << 4;

impl SpeculationControl {
    /// Its number in linux/prctl.h.
    #[must_use]
    pub const fn as_raw(self) -> u32 {
        match self {
            Self::Enable => 1 << 1,
            Self::Disable => 1 << 2,
            Self::ForceDisable => 1 << 3,
        }
    }
}

/// The control of each feature, by the feature's number.
#[derive(Clone, Debug, Default)]
pub(crate) struct SpeculationControls([Option<SpeculationControl>; FEATURES.len()]);

impl Settings {
    /// The control of a feature, by their numbers; none for the creator's.
    pub fn set_speculation(&mut self, feature: u64, control: Option<u32>) -> Set {
        let Some(place) = usize::try_from(feature)
            .ok()
            .and_then(|at| self.make(Families::SPECULATION).speculation.0.get_mut(at))
        else {
            return Err(Error::config(
                libc::EINVAL,
                format_args!("speculation feature {feature}; there are 0 to 2"),
            ));
        };
        *place = match control {
            None => None,
            Some(PR_SPEC_DISABLE_NOEXEC) => {
                let text = "PR_SPEC_DISABLE_NOEXEC, which the execution of the program undoes";
                return Err(Error::config(libc::EINVAL, text).hint("give PR_SPEC_DISABLE"));
            }
            Some(number) => match CONTROLS.iter().find(|(_, known, _)| *known == number) {
                Some((control, ..)) => Some(*control),
                None => {
                    return Err(Error::config(
                        libc::EINVAL,
                        format_args!("speculation control {number:#x}; there are 2, 4 and 8"),
                    ));
                }
            },
        };
        Ok(())
    }
}

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

/// They are of the task alone. The execution keeps them, and so do new processes.
pub(super) fn controls(s: &Settings, _: &Facts<'_>, list: &mut List) {
    for (control, feature) in s.speculation.0.iter().zip(0..) {
        if let Some(control) = control {
            list.step(Stage::SPECULATION, feature).set_speculation(feature, control.as_raw());
        }
    }
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, index: u32) -> Option<String> {
    if stage != Stage::SPECULATION {
        return None;
    }
    let at = usize::try_from(index).ok()?;
    let control = s.speculation.0.get(at).copied().flatten()?;
    let (_, _, words) = CONTROLS.iter().find(|(known, ..)| *known == control)?;
    Some(format!("of {}: {words}", FEATURES.get(at)?.1))
}

pub(super) fn hint(_: &Settings, stage: Stage, errno: i32) -> Option<&'static str> {
    match (stage, errno) {
        (Stage::SPECULATION, libc::ENODEV) => Some("this kernel or CPU does not know the feature"),
        (Stage::SPECULATION, libc::ENXIO) => Some("the kernel has one setting of it for all processes"),
        (Stage::SPECULATION, libc::EPERM) => Some(
            "the creator has it disabled by force, or the kernel does not let processes choose (its parameters mitigations, l1d_flush)",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_kernels() {
        for (number, (feature, _)) in (0..).zip(FEATURES) {
            assert_eq!(feature.as_raw(), number);
        }
        for (control, number, _) in CONTROLS {
            assert_eq!(control.as_raw(), number);
        }
    }

    #[test]
    fn one_control_for_each_feature() {
        let mut s = Settings::default();
        for (feature, control) in [(0, Some(2)), (0, Some(4)), (1, Some(8)), (2, Some(2)), (2, None)] {
            s.set_speculation(feature, control).unwrap();
        }
        assert_eq!(
            s.speculation.0.map(|control| control.map(SpeculationControl::as_raw)),
            [Some(4), Some(8), None]
        );
        for (feature, control) in
            [(3, Some(2)), (1 << 32, Some(2)), (0, Some(0)), (0, Some(3)), (0, Some(16))]
        {
            assert!(s.set_speculation(feature, control).is_err(), "{feature} {control:?}");
        }
    }
}
