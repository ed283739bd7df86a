// SPDX-License-Identifier: MIT OR Apache-2.0

//! What procfd costs, as ratios to the bare system calls in the same run.
//!
//! `cargo bench -p procfd-core --bench cost [-- [--rounds N] [GROUP]...]`. Prints tables, never a
//! pass or a fail: docs/performance.md says how to read them. Without `--bench` (cargo test) every
//! method runs a few times only.
//!
//! | room | holds |
//! |---|---|
//! | `harness` | rounds, medians, tables |
//! | `program` | the programs that are started |
//! | `bare` | clone3 and its children, without the library |
//! | `start` | starts: small, namespaces, large parent, many descriptors |
//! | `wake` | from a child's end to the waiter's return |
//! | `parts` | single calls |

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark may stop at anything odd")]

mod bare;
mod harness;
mod parts;
mod program;
mod start;
mod wake;

use harness::Rounds;

type Group = (&'static str, fn(&Rounds));

/// In the order in which they run: the large parent and the many descriptors come last.
const GROUPS: [Group; 6] = [
    ("start", start::small),
    ("namespaces", start::namespaces),
    ("wake", wake::wake),
    ("parts", parts::parts),
    ("descriptors", start::many_descriptors),
    ("memory", start::large_parent),
];

fn main() {
    let mut rounds = None;
    let mut bench = false;
    let mut wanted = Vec::new();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bench" => bench = true,
            "--rounds" => {
                let number = args.next().and_then(|n| n.parse().ok());
                rounds = Some(Rounds::of(number.expect("--rounds takes a number")));
            }
            name if GROUPS.iter().any(|(group, _)| *group == name) => wanted.push(arg),
            other => {
                let names = GROUPS.map(|(name, _)| name).join(", ");
                eprintln!("{other}: not a group ({names}) and not --rounds N");
                std::process::exit(2);
            }
        }
    }
    let rounds = rounds.unwrap_or_else(|| if bench { Rounds::full() } else { Rounds::few() });
    harness::describe_machine();
    for (name, run) in GROUPS {
        if wanted.is_empty() || wanted.iter().any(|w| w == name) {
            run(&rounds);
        }
    }
}
