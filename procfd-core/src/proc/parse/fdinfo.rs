// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! /proc/PID/fdinfo/FD (proc_pid_fdinfo(5)).

use super::{digits, key, lines, signed, unsigned, words};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FdInfo {
    pub pos: Option<i64>,
    /// `O_*`, with `O_CLOEXEC` as the descriptor has it.
    pub flags: Option<u32>,
    pub mnt_id: Option<i32>,
    /// 5.14.
    pub ino: Option<u64>,
    /// Of a pidfd: the pid in the pid namespace of this /proc; -1 reaped, 0 out of sight.
    pub pid: Option<i32>,
    /// Of a pidfd: the pid in the process's own pid namespace.
    pub ns_pid: Option<i32>,
}

/// Reads the lines that the kernel has. The lines that all descriptors have come first. No line of one kind of
/// descriptor has the same name. If a name comes twice (an epoll's `pos`), the first counts.
pub(crate) fn fdinfo(text: &[u8]) -> FdInfo {
    let mut out = FdInfo::default();
    for (name, value) in lines(text).filter_map(key) {
        match name {
            b"pos" => out.pos = out.pos.or_else(|| signed(value)),
            b"flags" => {
                out.flags = out.flags.or_else(|| digits(value, 8).and_then(|flags| flags.try_into().ok()));
            }
            b"mnt_id" => out.mnt_id = out.mnt_id.or_else(|| signed(value)),
            b"ino" => out.ino = out.ino.or_else(|| unsigned(value)),
            b"Pid" => out.pid = out.pid.or_else(|| signed(value)),
            b"NSpid" => out.ns_pid = out.ns_pid.or_else(|| words(value).last().and_then(signed)),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proc::parse::mutate;

    const FILE: &[u8] = b"pos:\t17\nflags:\t0100000\nmnt_id:\t24\nino:\t3\n";
    const PIDFD: &[u8] = b"pos:\t0\nflags:\t02000002\nmnt_id:\t4\nino:\t38591\nPid:\t6134\nNSpid:\t6134\t2\n";
    const EPOLL: &[u8] = b"pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t2057\ntfd:       10 events:       19 data:                a  pos:0 ino:3 sdev:8\n";

    #[test]
    fn samples() {
        let file = FdInfo {
            pos: Some(17),
            flags: Some(0o100000),
            mnt_id: Some(24),
            ino: Some(3),
            ..FdInfo::default()
        };
        assert_eq!(fdinfo(FILE), file);
        let pidfd = fdinfo(PIDFD);
        assert_eq!((pidfd.pid, pidfd.ns_pid, pidfd.flags), (Some(6134), Some(2), Some(0o2000002)));
        assert_eq!((fdinfo(EPOLL).pos, fdinfo(EPOLL).ino), (Some(0), Some(2057)));
        assert_eq!(fdinfo(b"Pid:\t-1\nNSpid:\t-1\n").pid, Some(-1));
        assert_eq!(fdinfo(b"pos:\t9223372036854775808\nflags:\t9\n"), FdInfo::default());
    }

    #[test]
    fn cut_short_anywhere() {
        for sample in [FILE, PIDFD, EPOLL] {
            let whole = fdinfo(sample);
            for text in mutate::cuts(sample) {
                let part = fdinfo(text);
                assert!(part.pos.is_none() || part.pos == whole.pos);
                assert!(part.flags.is_none() || part.flags == whole.flags);
                assert!(part.ino.is_none() || part.ino == whole.ino);
                assert!(part.pid.is_none() || part.pid == whole.pid);
            }
        }
    }

    #[test]
    fn mutations() {
        mutate::run(&[FILE, PIDFD, EPOLL], 200_000, |text| {
            let info = fdinfo(text);
            let fields = [info.pos.is_some(), info.flags.is_some(), info.ino.is_some(), info.pid.is_some()];
            assert!(fields.into_iter().filter(|is| *is).count() <= lines(text).count());
        });
    }
}
