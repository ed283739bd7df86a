// SPDX-License-Identifier: MIT OR Apache-2.0

//! A start against what the parent has: memory, and open descriptors. For `scripts/plot`, which takes the
//! number out of the title.

use crate::bare::{self, Stack};
use crate::harness::{Method, Rounds, group};
use crate::program::Program;
use crate::start::{self, C, CLOSE, FORK, POSIX_SPAWN, RAW};

const MIB: usize = 1 << 20;

/// Up to 8 GiB, as far as half of what is available reaches.
pub fn memory(rounds: &Rounds) {
    for mib in [0, 64, 256, 1024, 2048, 4096, 8192] {
        let title = format!("Starts from a parent with {mib} MiB of touched memory");
        if mib > 0 && rounds.are_few() {
            return println!("\n{title}\n  skipped: too few rounds");
        }
        if start::available() < 2 * (mib * MIB) as u64 {
            return println!("\n{title}\n  skipped: less than twice that is available");
        }
        let held = (mib > 0).then(|| start::touched(mib * MIB)).transpose();
        match held {
            Ok(held) => {
                starts(&title, rounds.one_in(10));
                drop(held);
            }
            Err(e) => return println!("\n{title}\n  skipped: {e}"),
        }
    }
}

/// Up to 16,000 descriptors, as far as the hard limit reaches.
pub fn descriptors(rounds: &Rounds) {
    for many in [0, 250, 1000, 2000, 4000, 8000, 16_000] {
        let title = format!("Starts from a parent with {many} open descriptors");
        match start::open_many(many) {
            Ok(held) => {
                starts(&title, rounds.one_in(10));
                drop(held);
            }
            Err(e) => return println!("\n{title}\n  skipped: {e}"),
        }
    }
}

fn starts(title: &str, rounds: usize) {
    let noop = Program::noop();
    let path = noop.path.as_c_str();
    let stack = &Stack::new();
    group(
        title,
        &[RAW],
        rounds,
        vec![
            Method::new(RAW, || start::raw_start(path, stack, 0)),
            Method::new(POSIX_SPAWN, || start::posix_spawn(path).and_then(bare::wait_pid)),
            Method::new(C, || start::by_c(path, [])),
            Method::new(CLOSE, || start::by_c(path, [start::Setting::KillOnClose])),
        ],
    );
    // Cold, and on its own: of 8 GiB one takes a quarter of a second.
    group(title, &[], rounds.min(5), vec![Method::new(FORK, || start::fork(path)).cold()]);
}
