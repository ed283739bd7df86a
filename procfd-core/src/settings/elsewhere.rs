// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Why a path leads to nothing: in the child it begins elsewhere than in the creator.
//!
//! A mount namespace to join, a new root and chroot(2) move the beginning. Only the child can look there: the creator
//! may have no right to, and the files may change until the execution.

use super::descriptors::Action;
use super::program::Program;
use super::{Namespaces, Prepared, Settings};
use crate::error::Stage;

/// After ENOENT or ENOTDIR: where the path begins, and what to do.
pub(super) fn hint(s: &Settings, p: &Prepared, stage: Stage, index: u32, errno: i32) -> Option<String> {
    if !matches!(errno, libc::ENOENT | libc::ENOTDIR) || begins_at_descriptor(s, p, stage, index) {
        return None;
    }
    let is_new_root = s.mounts.has_other_root();
    let place = match (s.filesystem.has_root() && stage != Stage::ROOT, s.joins.has(Namespaces::MOUNT)) {
        (true, true) => "the root directory that the child sets in the mount namespace that it joins",
        (true, false) => "the root directory that the child sets",
        (false, true) => "the root of the mount namespace that the child joins",
        (false, false) if is_new_root => "the new root",
        (false, false) => return None,
    };
    let (path, advice) = match stage {
        Stage::EXEC if matches!(s.program.program, Program::Fd(_)) => (
            "that of its interpreter begins",
            "put the interpreter there, or give a static program; for a script inherit the descriptor too",
        ),
        Stage::EXEC if is_new_root => {
            ("the path and that of its interpreter begin", "mount there what the program needs")
        }
        Stage::EXEC => (
            "the path and that of its interpreter begin",
            "give a path there, or a static program of yours by its descriptor (PROC_SET_EXEC_FD)",
        ),
        Stage::CWD => ("the path begins", "give a path there, or a descriptor (PROC_SET_CWD_FD)"),
        Stage::FD => ("the path begins", "give a path there, or a descriptor (PROC_FD_DUP)"),
        Stage::LANDLOCK_RULE => ("the path begins", "give a path there, or a ruleset (PROC_LANDLOCK_FD)"),
        Stage::ROOT => ("the path begins", "give a path there"),
        _ => return None,
    };
    Some(format!("{path} at {place}: {advice}"))
}

/// Whether the path is a relative one, and begins at a directory that the creator gave by its descriptor.
fn begins_at_descriptor(s: &Settings, p: &Prepared, stage: Stage, index: u32) -> bool {
    let path = match (stage, s.descriptors.action(index)) {
        (Stage::EXEC, _) => p.candidates(s).get(index as usize),
        (Stage::CWD, Some(Action::Chdir(path))) | (Stage::FD, Some(Action::Open { path, .. })) => Some(path),
        _ => None,
    };
    path.is_some_and(|path| !path.to_bytes().starts_with(b"/")) && s.descriptors.enters_descriptor()
}
