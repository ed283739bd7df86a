// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The files that are counters alone: statm, io, schedstat, smaps_rollup.

use super::stat::Numbers;
use super::{key, kilobytes, lines, unsigned};

/// /proc/PID/statm, in pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Statm {
    pub size: u64,
    pub resident: u64,
    pub shared: u64,
    pub text: u64,
    pub data: u64,
}

pub(crate) fn statm(text: &[u8]) -> Option<Statm> {
    // lib and dt have been 0 since 2.6.
    let [size, resident, shared, text, _lib, data, _dt] = line(text)?;
    Some(Statm { size, resident, shared, text, data })
}

/// /proc/PID/io.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Io {
    pub rchar: Option<u64>,
    pub wchar: Option<u64>,
    pub syscr: Option<u64>,
    pub syscw: Option<u64>,
    pub read_bytes: Option<u64>,
    pub write_bytes: Option<u64>,
    pub cancelled_write_bytes: Option<u64>,
}

pub(crate) fn io(text: &[u8]) -> Io {
    let mut out = Io::default();
    for (name, value) in lines(text).filter_map(key) {
        match name {
            b"rchar" => out.rchar = unsigned(value),
            b"wchar" => out.wchar = unsigned(value),
            b"syscr" => out.syscr = unsigned(value),
            b"syscw" => out.syscw = unsigned(value),
            b"read_bytes" => out.read_bytes = unsigned(value),
            b"write_bytes" => out.write_bytes = unsigned(value),
            b"cancelled_write_bytes" => out.cancelled_write_bytes = unsigned(value),
            _ => {}
        }
    }
    out
}

/// /proc/PID/schedstat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Schedstat {
    /// Nanoseconds on a CPU.
    pub run: u64,
    /// Nanoseconds on a run queue.
    pub delay: u64,
    /// Times it got a CPU.
    pub slices: u64,
}

pub(crate) fn schedstat(text: &[u8]) -> Option<Schedstat> {
    let [run, delay, slices] = line(text)?;
    Some(Schedstat { run, delay, slices })
}

/// /proc/PID/smaps_rollup (4.14), in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Smaps {
    pub rss: Option<u64>,
    pub pss: Option<u64>,
    pub pss_dirty: Option<u64>,
    pub pss_anon: Option<u64>,
    pub pss_file: Option<u64>,
    pub pss_shmem: Option<u64>,
    pub shared_clean: Option<u64>,
    pub shared_dirty: Option<u64>,
    pub private_clean: Option<u64>,
    pub private_dirty: Option<u64>,
    pub private_hugetlb: Option<u64>,
    pub referenced: Option<u64>,
    pub anonymous: Option<u64>,
    pub anon_huge_pages: Option<u64>,
    pub swap: Option<u64>,
    pub swap_pss: Option<u64>,
    pub locked: Option<u64>,
}

impl Smaps {
    /// The memory that the end of the process would free: the unique set size.
    pub(crate) fn unique(&self) -> Option<u64> {
        self.private_clean?.checked_add(self.private_dirty?)?.checked_add(self.private_hugetlb.unwrap_or(0))
    }
}

pub(crate) fn smaps_rollup(text: &[u8]) -> Smaps {
    let mut out = Smaps::default();
    for (name, value) in lines(text).filter_map(key) {
        match name {
            b"Rss" => out.rss = kilobytes(value),
            b"Pss" => out.pss = kilobytes(value),
            b"Pss_Dirty" => out.pss_dirty = kilobytes(value),
            b"Pss_Anon" => out.pss_anon = kilobytes(value),
            b"Pss_File" => out.pss_file = kilobytes(value),
            b"Pss_Shmem" => out.pss_shmem = kilobytes(value),
            b"Shared_Clean" => out.shared_clean = kilobytes(value),
            b"Shared_Dirty" => out.shared_dirty = kilobytes(value),
            b"Private_Clean" => out.private_clean = kilobytes(value),
            b"Private_Dirty" => out.private_dirty = kilobytes(value),
            b"Private_Hugetlb" => out.private_hugetlb = kilobytes(value),
            b"Referenced" => out.referenced = kilobytes(value),
            b"Anonymous" => out.anonymous = kilobytes(value),
            b"AnonHugePages" => out.anon_huge_pages = kilobytes(value),
            b"Swap" => out.swap = kilobytes(value),
            b"SwapPss" => out.swap_pss = kilobytes(value),
            b"Locked" => out.locked = kilobytes(value),
            _ => {}
        }
    }
    out
}

/// One line of so many numbers; later kernels may have more.
fn line<const N: usize>(text: &[u8]) -> Option<[u64; N]> {
    let mut numbers = Numbers(text);
    let mut out = [0; N];
    for to in &mut out {
        *to = numbers.unsigned()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proc::parse::mutate;

    const STATM: &[u8] = b"4259 3566 1725 1 0 2097 0\n";
    const IO: &[u8] = b"rchar: 1746507\nwchar: 20449\nsyscr: 923\nsyscw: 531\nread_bytes: 323584\nwrite_bytes: 20480\ncancelled_write_bytes: 0\n";
    const SCHEDSTAT: &[u8] = b"59868235 991677 40\n";
    const SMAPS: &[u8] = b"5574eef51000-7fffba188000 ---p 00000000 00:00 0                          [rollup]\nRss:               14268 kB\nPss:                6078 kB\nPss_Dirty:          2717 kB\nPss_Anon:           2716 kB\nPss_File:           3361 kB\nPss_Shmem:             1 kB\nShared_Clean:       4420 kB\nShared_Dirty:       6232 kB\nPrivate_Clean:      2480 kB\nPrivate_Dirty:      1136 kB\nReferenced:        14267 kB\nAnonymous:          7368 kB\nKSM:                   0 kB\nLazyFree:              0 kB\nAnonHugePages:         2 kB\nShmemPmdMapped:        0 kB\nFilePmdMapped:         0 kB\nShared_Hugetlb:        0 kB\nPrivate_Hugetlb:       3 kB\nSwap:                  4 kB\nSwapPss:               5 kB\nLocked:                6 kB\n";

    #[test]
    fn samples() {
        let pages = Statm { size: 4259, resident: 3566, shared: 1725, text: 1, data: 2097 };
        assert_eq!(statm(STATM), Some(pages));
        assert_eq!(statm(b"0 0 0 0 0 0 0\n"), Some(Statm::default()));
        assert_eq!(statm(b""), None);
        let counts = io(IO);
        assert_eq!((counts.rchar, counts.wchar), (Some(1746507), Some(20449)));
        assert_eq!((counts.syscr, counts.syscw), (Some(923), Some(531)));
        assert_eq!((counts.read_bytes, counts.write_bytes), (Some(323584), Some(20480)));
        assert_eq!(counts.cancelled_write_bytes, Some(0));
        assert_eq!(schedstat(SCHEDSTAT), Some(Schedstat { run: 59868235, delay: 991677, slices: 40 }));
        let kb = |n: u64| Some(n << 10);
        let expected = Smaps {
            rss: kb(14268),
            pss: kb(6078),
            pss_dirty: kb(2717),
            pss_anon: kb(2716),
            pss_file: kb(3361),
            pss_shmem: kb(1),
            shared_clean: kb(4420),
            shared_dirty: kb(6232),
            private_clean: kb(2480),
            private_dirty: kb(1136),
            private_hugetlb: kb(3),
            referenced: kb(14267),
            anonymous: kb(7368),
            anon_huge_pages: kb(2),
            swap: kb(4),
            swap_pss: kb(5),
            locked: kb(6),
        };
        assert_eq!(smaps_rollup(SMAPS), expected);
        assert_eq!(expected.unique(), kb(2480 + 1136 + 3));
    }

    #[test]
    fn cut_short_anywhere() {
        assert!(mutate::cuts(STATM).all(|text| statm(text).is_none()));
        assert!(mutate::cuts(SCHEDSTAT).all(|text| schedstat(text).is_none()));
        let (whole, rollup) = (io(IO), smaps_rollup(SMAPS));
        for text in mutate::cuts(IO) {
            let part = io(text);
            assert!(part.rchar.is_none() || part.rchar == whole.rchar);
            assert!(part.write_bytes.is_none() || part.write_bytes == whole.write_bytes);
            assert_eq!(part.cancelled_write_bytes, None);
        }
        for text in mutate::cuts(SMAPS) {
            let part = smaps_rollup(text);
            assert!(part.pss.is_none() || part.pss == rollup.pss);
            assert!(part.unique().is_none() || part.private_dirty == rollup.private_dirty);
            assert_eq!(part.locked, None);
        }
    }

    #[test]
    fn mutations() {
        mutate::run(&[STATM, SCHEDSTAT], 200_000, |text| {
            let (pages, times) = (statm(text), schedstat(text));
            assert!(times.is_some() || pages.is_none());
        });
        mutate::run(&[IO, SMAPS], 200_000, |text| {
            let rollup = smaps_rollup(text);
            assert!(rollup.unique().is_none_or(|bytes| bytes >= rollup.private_dirty.unwrap()));
            assert!(rollup.rss.is_none_or(|bytes| bytes % 1024 == 0));
            io(text);
        });
    }
}
