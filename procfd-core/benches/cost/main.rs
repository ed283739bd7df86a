// SPDX-License-Identifier: MIT OR Apache-2.0

//! What procfd costs, as ratios to the bare system calls in the same run.
//!
//! `cargo bench -p procfd-core --bench cost [-- [--rounds N] [--csv FILE] [GROUP]...]`. Prints tables, never a
//! pass or a fail: docs/performance.md says how to read them. Without `--bench` (cargo test) every
//! method runs a few times only.
//!
//! | room | holds |
//! |---|---|
//! | `../common/harness` | rounds, medians, tables |
//! | `../common/program` | the programs that are started |
//! | `bare` | clone3 and its children, without the library |
//! | `sys` | the system call instruction and the clones, which the library compiles too |
//! | `pair` | a socket pair with a pidfd in its queue, without the library |
//! | `start` | starts: small, namespaces, large parent, many descriptors |
//! | `sandbox` | starts with many settings, and in a sandbox beside bwrap and minijail0 |
//! | `each` | starts with one setting each |
//! | `ladder` | the system calls of a start without the library, some more on each rung |
//! | `watch` | what the watcher and the built-in init add, and the watcher's memory |
//! | `sweep` | starts against memory and descriptors, for plots |
//! | `wake` | from a child's end to the waiter's return |
//! | `parts` | single calls |

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark may stop at anything odd")]

mod bare;
mod each;
#[path = "../common/harness.rs"]
mod harness;
mod ladder;
mod pair;
mod parts;
#[path = "../common/program.rs"]
mod program;
mod sandbox;
mod start;
mod sweep;
mod sys;
mod wake;
mod watch;

use harness::Group;

/// In the order in which they run: the large parent and the many descriptors come last.
const GROUPS: [Group; 14] = [
    ("start", start::small),
    ("ladder", ladder::ladder),
    ("watch", watch::watch),
    ("init", watch::init),
    ("namespaces", start::namespaces),
    ("settings", sandbox::many_settings),
    ("each", each::each),
    ("sandbox", sandbox::sandbox),
    ("wake", wake::wake),
    ("parts", parts::parts),
    ("descriptors", start::many_descriptors),
    ("memory", start::large_parent),
    ("by-descriptors", sweep::descriptors),
    ("by-memory", sweep::memory),
];

fn main() {
    harness::main(&GROUPS);
}
