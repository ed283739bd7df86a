// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The offsets of the clocks in a new time namespace (time_namespaces(7)).
//!
//! They are written before a process is in the namespace. A child that shares the creator's memory is not, up to its
//! execution. One with a memory of its own would be from the clone on. So with offsets the child makes the namespace
//! itself, by unshare(2), and the execution enters it.

use std::fmt::Write;

use super::{Configured, Context, Facts, Families, Namespaces, Prepared, Set, Settings};
use crate::child::List;
use crate::error::{Error, Stage};
use crate::sys;

/// Seconds and nanoseconds of CLOCK_MONOTONIC and CLOCK_BOOTTIME.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clocks {
    monotonic: Option<(i64, i64)>,
    boottime: Option<(i64, i64)>,
}

impl Clocks {
    pub(super) fn any(&self) -> bool {
        self.monotonic.is_some() || self.boottime.is_some()
    }

    /// With numbers for the clocks, which every kernel with time namespaces reads.
    fn text(&self) -> String {
        let mut text = String::new();
        for (clock, offset) in
            [(libc::CLOCK_MONOTONIC, self.monotonic), (libc::CLOCK_BOOTTIME, self.boottime)]
        {
            if let Some((seconds, nanoseconds)) = offset {
                // Writing to a String does not fail.
                let _ = writeln!(text, "{clock} {seconds} {nanoseconds}");
            }
        }
        text
    }
}

impl Settings {
    /// The offset of one of the two clocks.
    pub fn set_time_offset(&mut self, clock: i32, seconds: i64, nanoseconds: i64) -> Set {
        if !(0..1_000_000_000).contains(&nanoseconds) {
            return Err(Error::config(
                libc::EINVAL,
                format_args!(
                    "{nanoseconds} nanoseconds; there are 0 to 999999999, also with negative seconds"
                ),
            ));
        }
        let offset = match clock {
            libc::CLOCK_MONOTONIC => &mut self.make(Families::CLOCKS).clocks.monotonic,
            libc::CLOCK_BOOTTIME => &mut self.make(Families::CLOCKS).clocks.boottime,
            _ => {
                return Err(Error::config(
                    libc::EINVAL,
                    format_args!("clock {clock}; CLOCK_MONOTONIC (1) and CLOCK_BOOTTIME (7) have offsets"),
                ));
            }
        };
        *offset = Some((seconds, nanoseconds));
        Ok(())
    }
}

impl Context {
    /// How far `CLOCK_MONOTONIC` is ahead in the new time namespace: seconds, which may be negative, and
    /// nanoseconds.
    ///
    /// # Errors
    ///
    /// `EINVAL`: more than 999,999,999 nanoseconds.
    ///
    /// # Kernel
    ///
    /// [time_namespaces(7)](https://man7.org/linux/man-pages/man7/time_namespaces.7.html); since 6.2.
    /// Before that the start fails with `ENOSYS`. Privilege: `CAP_SYS_ADMIN` and `CAP_SYS_TIME`, or a new user
    /// namespace.
    ///
    /// ```no_run
    /// use procfd::Namespaces;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/cat")?.args(["cat", "/proc/uptime"])?;
    /// context.namespaces(Namespaces::USER | Namespaces::TIME)?;
    /// context.monotonic_offset(86_400, 0)?.boottime_offset(86_400, 0)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_TIME_OFFSET")]
    pub fn monotonic_offset(&mut self, seconds: i64, nanoseconds: u32) -> Configured<'_> {
        self.set(|s| s.set_time_offset(libc::CLOCK_MONOTONIC, seconds, nanoseconds.into()))
    }

    /// How far `CLOCK_BOOTTIME` and /proc/uptime are ahead in the new time namespace.
    ///
    /// # Errors
    ///
    /// As [`monotonic_offset`](Self::monotonic_offset).
    ///
    /// # Kernel
    ///
    /// As [`monotonic_offset`](Self::monotonic_offset).
    /// [time_namespaces(7)](https://man7.org/linux/man-pages/man7/time_namespaces.7.html). Privilege: as for
    /// [`monotonic_offset`](Self::monotonic_offset).
    ///
    /// ```
    /// use procfd::{Namespaces, Stage};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.namespaces(Namespaces::USER | Namespaces::TIME)?.boottime_offset(86_400, 0)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::TIME_OFFSETS));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_TIME_OFFSET")]
    pub fn boottime_offset(&mut self, seconds: i64, nanoseconds: u32) -> Configured<'_> {
        self.set(|s| s.set_time_offset(libc::CLOCK_BOOTTIME, seconds, nanoseconds.into()))
    }
}

pub(super) fn conflicts(s: &Settings) -> Set {
    if s.clocks.any() && !s.namespaces.has(Namespaces::TIME) {
        return Err(Error::plan(libc::EINVAL, "time offsets without a new time namespace (CLONE_NEWTIME)"));
    }
    if s.clocks.any() && s.program.is_none() {
        return Err(Error::plan(libc::EINVAL, "time offsets without a program: the execution enters them"));
    }
    // The namespace would hold for the children of the program alone.
    if s.clocks.any() && sys::task::kernel_is_before(6, 2) {
        return Err(Error::plan(
            libc::ENOSYS,
            "time offsets before Linux 6.2, where the execution of a program does not enter their namespace",
        ));
    }
    Ok(())
}

pub(super) fn offsets(s: &Settings, _: &Facts<'_>, list: &mut List) {
    if s.clocks.any() {
        list.step(Stage::TIME_OFFSETS, 0).unshare(Namespaces::TIME.bits() as i32);
        list.write_file(c"/proc/self/timens_offsets", s.clocks.text().as_bytes());
    }
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, _: u32) -> Option<String> {
    (stage == Stage::TIME_OFFSETS).then(|| s.clocks.text().trim_end().replace('\n', ", "))
}

pub(super) fn hint(_: &Settings, stage: Stage, errno: i32) -> Option<&'static str> {
    match (stage, errno) {
        (Stage::TIME_OFFSETS, libc::ERANGE) => Some("no clock may begin below 0, or run for over 146 years"),
        (Stage::TIME_OFFSETS, libc::EPERM) => Some("needs CAP_SYS_ADMIN and CAP_SYS_TIME, or CLONE_NEWUSER"),
        (Stage::TIME_OFFSETS, libc::EINVAL) => Some("no time namespaces in this kernel"),
        _ => None,
    }
}
