// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What can be done to a process that runs, by its descriptor.
//!
//! | room | holds |
//! |---|---|
//! | `proven` | numbers and /proc directories that are the process's |
//! | `threads` | something to every thread |
//! | `limits` | resource limits, scheduling, memory |
//! | `place` | namespaces and cgroup |
//! | `tree` | a signal to all descendants; stop and continue |
//! | `cgroup` | a signal to all in the cgroup |
//! | `methods` | all this as methods of `Process` |

mod cgroup;
mod limits;
mod methods;
mod place;
mod proven;
#[cfg(test)]
mod tests;
mod threads;
mod tree;

pub use limits::{Advice, Scheduler};
pub(crate) use limits::{
    advise, cpu_mask, rlimit, set_affinity, set_ioprio, set_nice, set_oom_score_adj, set_scheduler,
};
pub(crate) use place::{enter, move_to_cgroup};
pub use tree::{KillTree, TreeMethod};
pub(crate) use tree::{kill, kill_cgroup, stop_or_continue};
