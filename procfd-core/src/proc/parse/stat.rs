// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! /proc/PID/stat and /proc/PID/task/TID/stat (proc_pid_stat(5)).
//!
//! The cheapest file that has the times and the memory, so it is what a snapshot reads: one pass.

use super::Comm;

/// The contents of the file. Times are in clock ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stat {
    pub pid: u32,
    pub comm: Comm,
    pub state: u8,
    /// 0: none in the pid namespace of this /proc.
    pub ppid: u32,
    /// 0: outside the pid namespace of this /proc, or of a task that is being released.
    pub pgrp: u32,
    /// As `pgrp`.
    pub session: u32,
    pub tty_nr: u32,
    pub tpgid: i32,
    pub flags: u32,
    pub minflt: u64,
    pub cminflt: u64,
    pub majflt: u64,
    pub cmajflt: u64,
    pub utime: u64,
    pub stime: u64,
    pub cutime: u64,
    pub cstime: u64,
    pub priority: i64,
    pub nice: i32,
    /// 0: the task was being released, and what belongs to the whole process is 0 with it.
    pub threads: u32,
    pub start: u64,
    /// Bytes.
    pub vsize: u64,
    /// Pages.
    pub rss: u64,
    /// Where the program's code ends. 0: no memory, or a program that is not started yet; 1: not for the
    /// reader to know.
    pub end_code: u64,
    pub processor: u32,
    pub rt_priority: u32,
    pub policy: u32,
    pub blkio_delay: u64,
    pub guest: u64,
    pub cguest: u64,
    /// As waitpid(2) has it. 0 also where the reader may not trace the process; `None` before 3.5.
    pub exit_code: Option<i32>,
}

/// Whether this is the state of a thread that has ended: a zombie; or dead, as a leader is for an instant while another
/// thread of its process takes its place.
pub(crate) fn has_ended(state: u8) -> bool {
    matches!(state, b'Z' | b'X')
}

/// `None`: not a whole stat file. It ends in a newline, and the fields up to `cguest` (2.6.24) are
/// there; a name that looks like the end of one is shorter than they are.
pub(crate) fn stat(text: &[u8]) -> Option<Stat> {
    let open = text.iter().take(16).position(|&b| b == b'(')?;
    let mut head = Numbers(text.get(..open)?);
    let pid = head.unsigned()?.try_into().ok()?;
    if !head.0.is_empty() || text.last() != Some(&b'\n') {
        return None;
    }
    // The name is at most the 63 bytes of the kernel's buffer, and there is no parenthesis behind it.
    let named = text.get(open + 1..)?;
    let close = last_parenthesis(named.get(..named.len().min(64))?)?;
    let comm = Comm::new(named.get(..close)?)?;
    let [b' ', state, b' ', rest @ ..] = named.get(close + 1..)? else { return None };
    let mut numbers = Numbers(rest);
    let mut read = [Number::default(); 27];
    let mut left = read.as_mut_slice();
    // Passed over: itrealvalue; rsslim and start_code; three addresses, the four 32-bit signal sets (status has all
    // 64), wchan, two that are always 0, and exit_signal.
    for (pass, take) in [(0, 17), (1, 3), (2, 1), (11, 6)] {
        numbers.skip(pass)?;
        let (now, later) = left.split_at_mut_checked(take)?;
        for to in now {
            *to = numbers.number()?;
        }
        left = later;
    }
    // In the order of the file.
    let [ppid, pgrp, session, tty_nr, tpgid, flags, minflt, cminflt, majflt, cmajflt, times @ ..] = read;
    let [utime, stime, cutime, cstime, priority, nice, threads, sizes @ ..] = times;
    let [start, vsize, rss, end_code, processor, rt_priority, policy, blkio_delay, guest, cguest] = sizes;
    // start_data to env_end, 3.3 and 3.5.
    let exit_code = numbers.skip(7).and_then(Numbers::number);
    Some(Stat {
        pid,
        comm,
        state: *state,
        ppid: ppid.id()?,
        pgrp: pgrp.id()?,
        session: session.id()?,
        tty_nr: i32::try_from(tty_nr.signed()?).ok()? as u32,
        tpgid: tpgid.signed()?.try_into().ok()?,
        flags: flags.unsigned()?.try_into().ok()?,
        minflt: minflt.unsigned()?,
        cminflt: cminflt.unsigned()?,
        majflt: majflt.unsigned()?,
        cmajflt: cmajflt.unsigned()?,
        utime: utime.unsigned()?,
        stime: stime.unsigned()?,
        cutime: cutime.count(),
        cstime: cstime.count(),
        priority: priority.signed()?,
        nice: nice.signed()?.try_into().ok()?,
        threads: threads.unsigned()?.try_into().ok()?,
        start: start.unsigned()?,
        vsize: vsize.unsigned()?,
        rss: rss.count(),
        end_code: end_code.unsigned()?,
        processor: processor.unsigned()?.try_into().ok()?,
        rt_priority: rt_priority.unsigned()?.try_into().ok()?,
        policy: policy.unsigned()?.try_into().ok()?,
        blkio_delay: blkio_delay.unsigned()?,
        guest: guest.unsigned()?,
        cguest: cguest.count(),
        exit_code: exit_code.and_then(|code| i32::try_from(code.signed()?).ok()),
    })
}

/// One number of a file.
#[derive(Clone, Copy, Default)]
struct Number {
    is_negative: bool,
    amount: u64,
}

impl Number {
    fn unsigned(self) -> Option<u64> {
        (!self.is_negative).then_some(self.amount)
    }

    fn signed(self) -> Option<i64> {
        if self.is_negative {
            0i64.checked_sub_unsigned(self.amount)
        } else {
            i64::try_from(self.amount).ok()
        }
    }

    /// A process, group or session; below 0 there is none to tell of.
    fn id(self) -> Option<u32> {
        if self.is_negative { Some(0) } else { u32::try_from(self.amount).ok() }
    }

    /// A sum that is printed signed, and whose parts are read at different instants.
    fn count(self) -> u64 {
        self.unsigned().unwrap_or(0)
    }
}

/// Numbers, each ended by a space or a newline.
pub(super) struct Numbers<'a>(pub(super) &'a [u8]);

impl Numbers<'_> {
    // In one place, and not where it is called: after a system call all of this is loaded again.
    #[inline(never)]
    pub(super) fn unsigned(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for (at, &b) in self.0.iter().enumerate() {
            let digit = b.wrapping_sub(b'0');
            if digit < 10 {
                value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
                continue;
            }
            if at == 0 || (b != b' ' && b != b'\n') {
                return None;
            }
            // Nineteen digits always fit.
            if at > 19 {
                value = super::unsigned(self.0.get(..at)?)?;
            }
            self.0 = self.0.get(at + 1..)?;
            return Some(value);
        }
        None
    }

    fn number(&mut self) -> Option<Number> {
        let (is_negative, rest) = match self.0.split_first() {
            Some((b'-', rest)) => (true, rest),
            _ => (false, self.0),
        };
        self.0 = rest;
        Some(Number { is_negative, amount: self.unsigned()? })
    }

    /// Passes so many numbers over, eight bytes at a time: half of the file are addresses.
    #[inline(never)]
    fn skip(&mut self, fields: usize) -> Option<&mut Self> {
        if fields == 0 {
            return Some(self);
        }
        let mut left = fields;
        while let Some((word, rest)) = self.0.split_first_chunk() {
            let spaces = spaces_in(u64::from_ne_bytes(*word));
            if spaces >= left {
                break;
            }
            left -= spaces;
            self.0 = rest;
        }
        let end = self.0.iter().position(|&b| {
            left -= usize::from(b == b' ');
            left == 0
        })?;
        self.0 = self.0.get(end + 1..)?;
        Some(self)
    }
}

/// The last closing parenthesis. A name is short, so eight bytes are looked at together.
fn last_parenthesis(text: &[u8]) -> Option<usize> {
    let mut end = text.len();
    while let Some((rest, word)) = text.get(..end)?.split_last_chunk() {
        if which(u64::from_ne_bytes(*word), b')') != 0 {
            break;
        }
        end = rest.len();
    }
    text.get(..end)?.iter().rposition(|&b| b == b')')
}

/// The lowest bit of each of eight bytes that is this one.
#[inline(always)]
fn which(word: u64, byte: u8) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let zero_where_it = word ^ u64::from_ne_bytes([byte; 8]);
    // The high bit of each byte that is not zero; no byte carries into the next.
    let others = ((zero_where_it & LOW) + LOW) | zero_where_it | LOW;
    !others >> 7
}

/// How many of eight bytes are spaces.
#[inline(always)]
fn spaces_in(word: u64) -> usize {
    // Their sum in the highest byte: without an instruction that counts bits, the shortest way.
    (which(word, b' ').wrapping_mul(0x0101_0101_0101_0101) >> 56) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proc::parse::mutate;

    const NEWLINE: &[u8] = b"6134 (a) S 1 2 3 4\n) S 6093 6089 12392 0 -1 4194368 258 0 0 0 0 0 0 0 20 0 1 0 160913 17444864 2749 18446744073709551615 93960713609216 93960713609557 140736315545408 0 0 0 0 16781312 2 1 0 0 17 0 0 0 0 0 0 93960713620912 93960713621528 93961784344576 140736315554029 140736315554077 140736315554077 140736315555791 0\n";
    const SPACES: &[u8] = b"6135 (Uid:\t0\\\n(x) Z) S 6093 6089 12392 0 -1 4194368 258 0 0 0 0 0 0 0 20 0 1 0 160913 17444864 2752 18446744073709551615 93960713609216 93960713609557 140736315545408 0 0 0 0 16781312 2 1 0 0 17 1 0 0 0 0 0 93960713620912 93960713621528 93961784344576 140736315554029 140736315554077 140736315554077 140736315555791 0\n";
    const BUSY: &[u8] = b"6093 (python3) R 6089 6088 12392 34816 6089 4194560 3240 6516 3 7 4 1 3 2 20 -5 1 0 160901 17444864 3534 18446744073709551615 93960713609216 93960713609557 140736315545408 0 0 0 0 16781312 2 0 0 0 17 1 4 2 9 11 12 93960713620912 93960713621528 93961784344576 140736315554029 140736315554077 140736315554077 140736315555791 0\n";
    const ZOMBIE: &[u8] = b"6136 (python3) Z 6093 6089 12392 0 -1 4227148 218 0 0 0 0 0 0 0 20 0 1 0 160913 0 0 18446744073709551615 0 0 0 0 0 0 0 16781312 2 1 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 768\n";
    const EXITED_LEADER: &[u8] = b"6137 (python3) Z 6093 6089 12392 0 -1 4227148 331 0 0 0 0 0 0 0 20 0 2 0 160943 0 0 18446744073709551615 0 0 0 0 0 0 0 16781312 2 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
    const ITS_THREAD: &[u8] = b"6138 (python3) S 6093 6089 12392 0 -1 4194368 19 0 0 0 0 0 0 0 20 0 2 0 160943 92962816 2808 18446744073709551615 93960713609216 93960713609557 140736315545408 0 0 0 0 16781312 2 1 0 0 -1 1 0 0 0 0 0 93960713620912 93960713621528 93961784344576 140736315554029 140736315554077 140736315554077 140736315555791 0\n";
    const KERNEL: &[u8] = b"4 (kworker/R-rcu_gp) I 2 0 0 0 -1 69238880 0 0 0 0 0 0 0 0 0 -20 1 0 25 0 0 18446744073709551615 0 0 0 0 0 0 0 2147483647 0 1 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
    const SAMPLES: [&[u8]; 7] = [NEWLINE, SPACES, BUSY, ZOMBIE, EXITED_LEADER, ITS_THREAD, KERNEL];

    #[test]
    fn every_field_has_its_place() {
        let expected = Stat {
            pid: 6093,
            comm: Comm::new(b"python3").unwrap(),
            state: b'R',
            ppid: 6089,
            pgrp: 6088,
            session: 12392,
            tty_nr: 34816,
            tpgid: 6089,
            flags: 4194560,
            minflt: 3240,
            cminflt: 6516,
            majflt: 3,
            cmajflt: 7,
            utime: 4,
            stime: 1,
            cutime: 3,
            cstime: 2,
            priority: 20,
            nice: -5,
            threads: 1,
            start: 160901,
            vsize: 17444864,
            rss: 3534,
            end_code: 93960713609557,
            processor: 1,
            rt_priority: 4,
            policy: 2,
            blkio_delay: 9,
            guest: 11,
            cguest: 12,
            exit_code: Some(0),
        };
        assert_eq!(stat(BUSY), Some(expected));
    }

    #[test]
    fn names_with_spaces_parentheses_and_newlines() {
        let newline = stat(NEWLINE).unwrap();
        assert_eq!((newline.comm.as_bytes(), newline.ppid), (&b"a) S 1 2 3 4\n"[..], 6093));
        let spaces = stat(SPACES).unwrap();
        assert_eq!((spaces.comm.as_bytes(), spaces.processor), (&b"Uid:\t0\\\n(x) Z"[..], 1));
        let empty = [b"1 (", &BUSY[b"6093 (python3".len()..]].concat();
        assert_eq!(stat(&empty).unwrap().comm.as_bytes(), b"");
        let long = [b"1 (", &[b')'; 63][..], &BUSY[b"6093 (python3".len()..]].concat();
        assert_eq!(stat(&long).unwrap().comm.as_bytes(), [b')'; 63]);
        let binary = [b"1 (\xff\x01) ", &BUSY[b"6093 (python3) ".len()..]].concat();
        assert_eq!(stat(&binary).unwrap().comm.as_bytes(), b"\xff\x01");
    }

    #[test]
    fn what_is_left_of_the_dead() {
        assert_eq!(b"RSDTtIZX".map(has_ended), [false, false, false, false, false, false, true, true]);
        assert_eq!(stat(ZOMBIE).map(|s| (s.state, s.exit_code)), Some((b'Z', Some(768))));
        assert_eq!(stat(EXITED_LEADER).map(|s| (s.state, s.threads, s.vsize)), Some((b'Z', 2, 0)));
        assert_eq!(stat(ITS_THREAD).map(|s| (s.pid, s.vsize)), Some((6138, 92962816)));
        assert_eq!(stat(KERNEL).map(|s| (s.state, s.pgrp, s.nice)), Some((b'I', 0, -20)));
    }

    #[test]
    fn cut_short_anywhere_it_is_none() {
        for sample in SAMPLES {
            assert!(stat(sample).is_some());
            for end in 0..sample.len() {
                assert_eq!(stat(&sample[..end]), None, "{}", sample[..end].escape_ascii());
            }
        }
    }

    #[test]
    fn a_released_task_has_no_group() {
        let text = "7 (x) X 0 -1 -1 0 -1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 -1 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
        assert_eq!(stat(text.as_bytes()).map(|s| (s.pgrp, s.session, s.threads)), Some((0, 0, 0)));
    }

    #[test]
    fn what_does_not_fit_is_not_wrapped() {
        let with = |from: &str, to: &str| {
            let text = std::str::from_utf8(BUSY).unwrap();
            assert_eq!(text.matches(from).count(), 1);
            stat(text.replace(from, to).as_bytes())
        };
        assert_eq!(with(" 6516 ", " 18446744073709551615 ").unwrap().cminflt, u64::MAX);
        assert_eq!(with(" 6516 ", " 18446744073709551616 "), None);
        assert_eq!(with(" 6516 ", " 99999999999999999999999999 "), None);
        assert_eq!(with(" 6516 ", " -1 "), None);
        assert_eq!(with(" 6088 ", " 4294967296 "), None);
        assert_eq!(with(" 3534 ", " -3 ").unwrap().rss, 0);
        assert_eq!(with(" 34816 ", " -2147483648 ").unwrap().tty_nr, 1 << 31);
    }

    #[test]
    fn fields_of_later_kernels_may_be_missing() {
        let text = b"1 (init) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 9 10 11 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 12 13 14\n";
        assert_eq!(stat(text).map(|s| (s.cguest, s.exit_code)), Some((14, None)));
    }

    #[test]
    fn the_last_parenthesis_at_any_place() {
        for len in 0..=64 {
            assert_eq!(last_parenthesis(&vec![b'('; len]), None);
            for at in 0..len {
                let mut text = vec![b'x'; len];
                text[at / 2] = b')';
                text[at] = b')';
                assert_eq!(last_parenthesis(&text), Some(at), "{len}");
            }
        }
    }

    #[test]
    fn spaces_are_counted_one_by_one() {
        for (bytes, count) in
            [(b"        ", 8), (b"12345678", 0), (b" \xa0 !\x1f a ", 4), (b"\0\x20\xff\x21\x40\x60\x00 ", 2)]
        {
            assert_eq!(spaces_in(u64::from_ne_bytes(*bytes)), count, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn mutations() {
        mutate::run(&SAMPLES, 200_000, |text| {
            let Some(stat) = stat(text) else { return };
            assert!(stat.comm.as_bytes().len() <= 63);
            let at = text.iter().position(|&b| b == b'(').unwrap() + 1;
            assert!(text[at..].starts_with(stat.comm.as_bytes()));
        });
    }
}
