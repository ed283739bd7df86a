// SPDX-License-Identifier: MIT OR Apache-2.0
//! The parsers of /proc: the first byte says which file the rest is. What they give is used, so that none of it is
//! left out of the build.
#![no_main]
#![allow(dead_code, missing_docs, unreachable_pub)]

#[path = "../../procfd-core/src/proc/parse/mod.rs"]
mod parse;

use std::hint::black_box;

use parse::{counters, fdinfo, limits, maps, mountinfo, single_value, stat, status};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((&which, text)) = input.split_first() else { return };
    match which % 18 {
        0 => {
            black_box(stat::stat(text));
        }
        1 => {
            let status = status::status(text);
            if let Some(groups) = status.groups() {
                black_box(groups.count());
            }
            black_box(status);
        }
        2 => {
            black_box(counters::statm(text));
        }
        3 => {
            black_box(counters::io(text));
        }
        4 => {
            black_box(counters::schedstat(text));
        }
        5 => {
            black_box(counters::smaps_rollup(text).unique());
        }
        6 => {
            black_box(fdinfo::fdinfo(text));
        }
        7 => {
            black_box(limits::limits(text));
        }
        8 => {
            for map in maps::maps(text) {
                // The path is a part of the text, but for the escapes.
                assert!(map.path().len() <= text.len());
            }
        }
        9 => {
            black_box(mountinfo::count(text));
            black_box(mountinfo::cgroup2(text));
        }
        10 => {
            black_box(single_value::cgroup(text, true).map(|of| of.path.len()));
        }
        11 => {
            black_box(single_value::autogroup(text));
        }
        12 => {
            // A number that is cut short by a byte is never another number.
            let whole = single_value::number::<u64>(text);
            if let (Some(_), Some(cut)) = (whole, text.len().checked_sub(1)) {
                let cut = single_value::number::<u64>(&text[..cut]);
                assert!(cut.is_none() || cut == whole);
            }
        }
        13 => {
            black_box(single_value::signed_number::<i32>(text));
            black_box(single_value::hexadecimal::<u64>(text));
        }
        14 => {
            black_box(single_value::audit_id(text));
        }
        15 => {
            black_box(single_value::wchan(text));
        }
        16 => {
            black_box(single_value::id_map(text).count());
        }
        _ => {
            black_box(single_value::namespace(text));
        }
    }
});
