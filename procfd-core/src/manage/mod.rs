// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The commands for a running process, by its descriptor.
//!
//! | room | holds |
//! |---|---|
//! | `pid_race` | numbers and /proc directories that are the process's |
//! | `threads` | something to every thread |
//! | `resources` | resource limits, scheduling, memory |
//! | `namespaces` | namespaces and cgroup |
//! | `tree` | a signal to all descendants; stop and continue |
//! | `cgroup` | a signal to all in the cgroup |

mod cgroup;
mod namespaces;
mod pid_race;
mod resources;
#[cfg(test)]
mod tests;
mod threads;
mod tree;

pub(crate) use namespaces::{await_time_namespace, enter, move_to_cgroup};
pub use resources::Advice;
pub(crate) use resources::{
    advise, rlimit, set_affinity, set_ioprio, set_nice, set_oom_score_adj, set_scheduler,
};
pub use tree::{KillTree, TreeMethod};
pub(crate) use tree::{is_in_stop, kill, kill_cgroup, resume, stop_or_continue};
