// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! /proc/PID/limits (proc_pid_limits(5)).

use super::{lines, unsigned, words};

/// Soft and hard limits by RLIMIT_* number, in the units of getrlimit(2); `u64::MAX` for no limit.
pub(crate) type Limits = [Option<(u64, u64)>; 16];

/// The numbers of the generic and the x86, arm and riscv ABIs, in the kernel's words.
const NAMES: [&[u8]; 16] = [
    b"Max cpu time ",
    b"Max file size ",
    b"Max data size ",
    b"Max stack size ",
    b"Max core file size ",
    b"Max resident set ",
    b"Max processes ",
    b"Max open files ",
    b"Max locked memory ",
    b"Max address space ",
    b"Max file locks ",
    b"Max pending signals ",
    b"Max msgqueue size ",
    b"Max nice priority ",
    b"Max realtime priority ",
    b"Max realtime timeout ",
];

pub(crate) fn limits(text: &[u8]) -> Limits {
    let mut out = Limits::default();
    // The kernel writes the lines in the order of the names: the search goes on behind the last match.
    let mut names = NAMES.iter().enumerate().cycle();
    for line in lines(text) {
        let found = names.by_ref().take(NAMES.len()).find(|(_, name)| line.starts_with(name));
        let Some((n, name)) = found else { continue };
        if let (Some(limit), Some(values)) = (out.get_mut(n), line.get(name.len()..)) {
            *limit = pair(values);
        }
    }
    out
}

fn pair(values: &[u8]) -> Option<(u64, u64)> {
    let mut words = words(values).map(|word| match word {
        b"unlimited" => Some(u64::MAX),
        number => unsigned(number),
    });
    Some((words.next()??, words.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proc::parse::mutate;

    const SAMPLE: &[u8] = b"Limit                     Soft Limit           Hard Limit           Units     \nMax cpu time              1                    unlimited            seconds   \nMax file size             unlimited            2                    bytes     \nMax data size             unlimited            unlimited            bytes     \nMax stack size            8388608              unlimited            bytes     \nMax core file size        0                    unlimited            bytes     \nMax resident set          3                    3                    bytes     \nMax processes             96364                96365                processes \nMax open files            1024                 4096                 files     \nMax locked memory         8388607              8388608              bytes     \nMax address space         4                    5                    bytes     \nMax file locks            6                    7                    locks     \nMax pending signals       96363                96366                signals   \nMax msgqueue size         819200               819201               bytes     \nMax nice priority         8                    9                    \nMax realtime priority     10                   11                   \nMax realtime timeout      12                   unlimited            us        \n";

    #[test]
    fn each_by_its_number() {
        const NONE: u64 = u64::MAX;
        let all = limits(SAMPLE).map(Option::unwrap);
        assert_eq!(all[..4], [(1, NONE), (NONE, 2), (NONE, NONE), (8388608, NONE)]);
        assert_eq!(all[4..8], [(0, NONE), (3, 3), (96364, 96365), (1024, 4096)]);
        assert_eq!(all[8..12], [(8388607, 8388608), (4, 5), (6, 7), (96363, 96366)]);
        assert_eq!(all[12..], [(819200, 819201), (8, 9), (10, 11), (12, NONE)]);
        for (n, is) in [
            (libc::RLIMIT_CPU, 0),
            (libc::RLIMIT_RSS, 5),
            (libc::RLIMIT_NPROC, 6),
            (libc::RLIMIT_NOFILE, 7),
            (libc::RLIMIT_AS, 9),
            (libc::RLIMIT_RTTIME, 15),
        ] {
            assert_eq!(n as usize, is);
        }
    }

    #[test]
    fn cut_short_anywhere() {
        let whole = limits(SAMPLE);
        for text in mutate::cuts(SAMPLE) {
            assert!(limits(text).iter().zip(whole).all(|(part, whole)| part.is_none() || *part == whole));
            assert_eq!(limits(text)[15], None);
        }
    }

    #[test]
    fn mutations() {
        mutate::run(&[SAMPLE], 200_000, |text| {
            assert!(limits(text).iter().flatten().count() <= lines(text).count());
        });
    }
}
