// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The words for a step that failed.

use super::{Prepared, Settings};
use super::{
    capabilities, cgroup, clocks, descriptors, elsewhere, filesystem, identity, interpreter, joins, labels,
    landlock, memory, mounts, namespaces, numa, privileges, program, resources, scheduling, seccomp, session,
    signals, speculation, sysctls, task,
};
use crate::error::{Error, Stage};

/// The operand of a failed step.
type Words = fn(&Settings, &Prepared, Stage, u32) -> Option<String>;

/// The hint for an errno of a step.
type Hint = fn(&Settings, Stage, i32) -> Option<&'static str>;

const OPERANDS: &[Words] = &[
    program::operand,
    descriptors::operand,
    filesystem::operand,
    signals::operand,
    session::operand,
    identity::operand,
    resources::operand,
    cgroup::operand,
    scheduling::operand,
    numa::operand,
    memory::operand,
    task::operand,
    speculation::operand,
    capabilities::operand,
    privileges::operand,
    seccomp::operand,
    landlock::operand,
    labels::operand,
    namespaces::operand,
    joins::operand,
    clocks::operand,
    sysctls::operand,
    mounts::operand,
];

/// The hint, if the errno and the step leave no doubt about the cause.
const HINTS: &[Hint] = &[
    program::hint,
    descriptors::hint,
    identity::hint,
    capabilities::hint,
    seccomp::hint,
    landlock::hint,
    labels::hint,
    privileges::hint,
    task::hint,
    speculation::hint,
    joins::hint,
    clocks::hint,
    sysctls::hint,
    mounts::hint,
    cgroup::hint,
    scheduling::hint,
    numa::hint,
    memory::hint,
];

impl Settings {
    /// The operand of a step, in words.
    pub(crate) fn operand(&self, prepared: &Prepared, stage: Stage, index: u32) -> String {
        OPERANDS.iter().find_map(|words| words(self, prepared, stage, index)).unwrap_or_default()
    }

    /// The error of a step of the child, with the operand in its words.
    pub(crate) fn step_failed(
        &self,
        prepared: &Prepared,
        stage: Stage,
        index: u32,
        errno: crate::Errno,
    ) -> Error {
        let error = Error::new(stage, index, errno, self.operand(prepared, stage, index));
        let found = match (stage, errno.0) {
            (Stage::EXEC, libc::ENOENT) => interpreter::missing(self, prepared),
            (Stage::EXEC, libc::EACCES) => interpreter::refused(self, prepared, index),
            _ => None,
        };
        let found = found.or_else(|| elsewhere::hint(self, prepared, stage, index, errno.0));
        if let Some(found) = found {
            return error.hint(&found);
        }
        match HINTS.iter().find_map(|hint| hint(self, stage, errno.0)) {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}
