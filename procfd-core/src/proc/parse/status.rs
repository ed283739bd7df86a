// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! /proc/PID/status (proc_pid_status(5)), in one pass.

use super::{Comm, digits, key, kilobytes, lines, unsigned, words};

/// A process in the pid namespaces it is in, from that of this /proc inwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NsIds {
    /// In the namespace of this /proc.
    pub outermost: u32,
    /// In its own namespace.
    pub innermost: u32,
    /// How many namespaces that is, 1 where both are the same.
    pub depth: u32,
}

/// The contents of the file. `None` if the line is missing, incomplete or out of range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status<'a> {
    pub name: Option<Comm>,
    pub umask: Option<u32>,
    pub state: Option<u8>,
    pub tgid: Option<u32>,
    pub pid: Option<u32>,
    pub ppid: Option<u32>,
    pub tracer_pid: Option<u32>,
    /// Real, effective, saved, file system.
    pub uids: Option<[u32; 4]>,
    /// Real, effective, saved, file system.
    pub gids: Option<[u32; 4]>,
    pub fd_size: Option<u64>,
    groups: Option<&'a [u8]>,
    pub ns_tgid: Option<NsIds>,
    pub ns_pid: Option<NsIds>,
    pub kthread: Option<bool>,
    /// Bytes, as the others of memory.
    pub vm_peak: Option<u64>,
    pub vm_size: Option<u64>,
    pub vm_lck: Option<u64>,
    pub vm_pin: Option<u64>,
    pub vm_hwm: Option<u64>,
    pub vm_rss: Option<u64>,
    pub rss_anon: Option<u64>,
    pub rss_file: Option<u64>,
    pub rss_shmem: Option<u64>,
    pub vm_data: Option<u64>,
    pub vm_stk: Option<u64>,
    pub vm_exe: Option<u64>,
    pub vm_lib: Option<u64>,
    pub vm_pte: Option<u64>,
    pub vm_swap: Option<u64>,
    pub hugetlb_pages: Option<u64>,
    pub core_dumping: Option<bool>,
    pub thp_enabled: Option<bool>,
    pub threads: Option<u32>,
    pub sig_queued: Option<u64>,
    pub sig_limit: Option<u64>,
    pub sig_pnd: Option<u64>,
    pub shd_pnd: Option<u64>,
    pub sig_blk: Option<u64>,
    pub sig_ign: Option<u64>,
    pub sig_cgt: Option<u64>,
    pub cap_inh: Option<u64>,
    pub cap_prm: Option<u64>,
    pub cap_eff: Option<u64>,
    pub cap_bnd: Option<u64>,
    pub cap_amb: Option<u64>,
    pub no_new_privs: Option<bool>,
    pub seccomp: Option<u32>,
    pub seccomp_filters: Option<u32>,
    pub voluntary_switches: Option<u64>,
    pub nonvoluntary_switches: Option<u64>,
}

impl<'a> Status<'a> {
    /// The supplementary groups. `None`: the line was not there; an item of `None` is no number.
    pub(crate) fn groups(&self) -> Option<impl Iterator<Item = Option<u32>> + use<'a>> {
        self.groups.map(|line| words(line).map(unsigned))
    }
}

/// Reads the lines of a status file that the kernel has.
pub(crate) fn status(text: &[u8]) -> Status<'_> {
    let mut out = Status::default();
    for line in lines(text) {
        if let Some((name, value)) = key(line) {
            set(&mut out, name, value, line);
        }
    }
    out
}

fn set<'a>(out: &mut Status<'a>, name: &[u8], value: &'a [u8], line: &[u8]) {
    match name {
        // With the spaces around it; no other line is the process's own choice.
        b"Name" => out.name = line.get(6..).and_then(unescaped),
        b"Umask" => out.umask = digits(value, 8).and_then(|mask| mask.try_into().ok()),
        b"State" => out.state = value.first().copied(),
        b"Tgid" => out.tgid = unsigned(value),
        b"Pid" => out.pid = unsigned(value),
        b"PPid" => out.ppid = unsigned(value),
        b"TracerPid" => out.tracer_pid = unsigned(value),
        b"Uid" => out.uids = four(value),
        b"Gid" => out.gids = four(value),
        b"FDSize" => out.fd_size = unsigned(value),
        b"Groups" => out.groups = Some(value),
        b"NStgid" => out.ns_tgid = nested(value),
        b"NSpid" => out.ns_pid = nested(value),
        b"Kthread" => out.kthread = flag(value),
        b"VmPeak" => out.vm_peak = kilobytes(value),
        b"VmSize" => out.vm_size = kilobytes(value),
        b"VmLck" => out.vm_lck = kilobytes(value),
        b"VmPin" => out.vm_pin = kilobytes(value),
        b"VmHWM" => out.vm_hwm = kilobytes(value),
        b"VmRSS" => out.vm_rss = kilobytes(value),
        b"RssAnon" => out.rss_anon = kilobytes(value),
        b"RssFile" => out.rss_file = kilobytes(value),
        b"RssShmem" => out.rss_shmem = kilobytes(value),
        b"VmData" => out.vm_data = kilobytes(value),
        b"VmStk" => out.vm_stk = kilobytes(value),
        b"VmExe" => out.vm_exe = kilobytes(value),
        b"VmLib" => out.vm_lib = kilobytes(value),
        b"VmPTE" => out.vm_pte = kilobytes(value),
        b"VmSwap" => out.vm_swap = kilobytes(value),
        b"HugetlbPages" => out.hugetlb_pages = kilobytes(value),
        b"CoreDumping" => out.core_dumping = flag(value),
        b"THP_enabled" => out.thp_enabled = flag(value),
        b"Threads" => out.threads = unsigned(value),
        b"SigQ" => (out.sig_queued, out.sig_limit) = queue(value).unzip(),
        b"SigPnd" => out.sig_pnd = digits(value, 16),
        b"ShdPnd" => out.shd_pnd = digits(value, 16),
        b"SigBlk" => out.sig_blk = digits(value, 16),
        b"SigIgn" => out.sig_ign = digits(value, 16),
        b"SigCgt" => out.sig_cgt = digits(value, 16),
        b"CapInh" => out.cap_inh = digits(value, 16),
        b"CapPrm" => out.cap_prm = digits(value, 16),
        b"CapEff" => out.cap_eff = digits(value, 16),
        b"CapBnd" => out.cap_bnd = digits(value, 16),
        b"CapAmb" => out.cap_amb = digits(value, 16),
        b"NoNewPrivs" => out.no_new_privs = flag(value),
        b"Seccomp" => out.seccomp = unsigned(value),
        b"Seccomp_filters" => out.seccomp_filters = unsigned(value),
        b"voluntary_ctxt_switches" => out.voluntary_switches = unsigned(value),
        b"nonvoluntary_ctxt_switches" => out.nonvoluntary_switches = unsigned(value),
        _ => {}
    }
}

/// The name with the kernel's two escapes undone: `\n` and `\\`.
fn unescaped(name: &[u8]) -> Option<Comm> {
    let mut plain = [0; 64];
    let mut room = plain.iter_mut();
    let mut bytes = name.iter().copied();
    let mut len = 0;
    while let Some(b) = bytes.next() {
        *room.next()? = match b {
            b'\\' => match bytes.next()? {
                b'n' => b'\n',
                b'\\' => b'\\',
                _ => return None,
            },
            b => b,
        };
        len += 1;
    }
    Comm::new(plain.get(..len)?)
}

fn four(value: &[u8]) -> Option<[u32; 4]> {
    let mut words = words(value);
    let mut out = [0; 4];
    for to in &mut out {
        *to = unsigned(words.next()?)?;
    }
    words.next().is_none().then_some(out)
}

fn nested(value: &[u8]) -> Option<NsIds> {
    let mut ids: Option<NsIds> = None;
    for word in words(value) {
        let innermost = unsigned(word)?;
        let outermost = ids.map_or(innermost, |ids| ids.outermost);
        ids = Some(NsIds { outermost, innermost, depth: ids.map_or(1, |ids| ids.depth + 1) });
    }
    ids
}

fn flag(value: &[u8]) -> Option<bool> {
    match value {
        b"0" => Some(false),
        b"1" => Some(true),
        _ => None,
    }
}

fn queue(value: &[u8]) -> Option<(u64, u64)> {
    let slash = value.iter().position(|&b| b == b'/')?;
    Some((unsigned(value.get(..slash)?)?, unsigned(value.get(slash + 1..)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proc::parse::mutate;

    const TAIL: &str = "Speculation_Store_Bypass:\tvulnerable\nSpeculationIndirectBranch:\talways enabled\nCpus_allowed:\t3\nCpus_allowed_list:\t0-1\nMems_allowed:\t00000000,00000001\nMems_allowed_list:\t0\nvoluntary_ctxt_switches:\t34\nnonvoluntary_ctxt_switches:\t5\n";
    const LIVE: &str = "Name:\tUid:\\t0\\\\\\n(x) Z\nUmask:\t0027\nState:\tS (sleeping)\nTgid:\t6135\nNgid:\t0\nPid:\t6136\nPPid:\t6093\nTracerPid:\t9\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nFDSize:\t256\nGroups:\t4 24 1000 \nNStgid:\t6135\t12\t1\nNSpid:\t6136\t13\t2\nNSpgid:\t6089\t1\t1\nNSsid:\t12392\t0\t0\nKthread:\t0\nVmPeak:\t   17036 kB\nVmSize:\t   17035 kB\nVmLck:\t       1 kB\nVmPin:\t       2 kB\nVmHWM:\t   11009 kB\nVmRSS:\t   11008 kB\nRssAnon:\t    7348 kB\nRssFile:\t    3660 kB\nRssShmem:\t       3 kB\nVmData:\t    8256 kB\nVmStk:\t     132 kB\nVmExe:\t       4 kB\nVmLib:\t    4760 kB\nVmPTE:\t      72 kB\nVmSwap:\t       5 kB\nHugetlbPages:\t       6 kB\nCoreDumping:\t0\nTHP_enabled:\t1\nuntag_mask:\t0xffffffffffffffff\nThreads:\t2\nSigQ:\t3/96365\nSigPnd:\t0000000000000001\nShdPnd:\t0000000000000002\nSigBlk:\t8000000000000000\nSigIgn:\t0000000001001000\nSigCgt:\t0000000100000002\nCapInh:\t0000000000000003\nCapPrm:\t000001fffeffffff\nCapEff:\t000001fffeffff00\nCapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000004\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t7\n";
    const ZOMBIE: &str = "Name:\tpython3\nState:\tZ (zombie)\nTgid:\t6136\nNgid:\t0\nPid:\t6136\nPPid:\t6093\nTracerPid:\t0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t0\nGroups:\t \nNStgid:\t6136\nNSpid:\t6136\nNSpgid:\t6089\nNSsid:\t12392\nKthread:\t0\nThreads:\t1\nSigQ:\t0/96365\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000000\nSigBlk:\t0000000000000000\nSigIgn:\t0000000001001000\nSigCgt:\t0000000000000002\nCapInh:\t0000000000000000\nCapPrm:\t000001fffeffffff\nCapEff:\t000001fffeffffff\nCapBnd:\t000001fffeffffff\nCapAmb:\t0000000000000000\nNoNewPrivs:\t0\nSeccomp:\t0\nSeccomp_filters:\t0\n";
    const KERNEL: &str = "Name:\tkthreadd\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t2\nNgid:\t0\nPid:\t2\nPPid:\t0\nTracerPid:\t0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t64\nGroups:\t \nNStgid:\t2\nNSpid:\t2\nNSpgid:\t0\nNSsid:\t0\nKthread:\t1\nThreads:\t1\nSigQ:\t0/96365\nSigIgn:\tffffffffffffffff\n";

    fn live() -> Vec<u8> {
        // The kernel leaves a tab as it is.
        [LIVE.replacen("\\t", "\t", 1), TAIL.to_owned()].concat().into_bytes()
    }

    #[test]
    fn every_line_has_its_field() {
        let text = live();
        let expected = Status {
            name: Comm::new(b"Uid:\t0\\\n(x) Z"),
            umask: Some(0o27),
            state: Some(b'S'),
            tgid: Some(6135),
            pid: Some(6136),
            ppid: Some(6093),
            tracer_pid: Some(9),
            uids: Some([1, 2, 3, 4]),
            gids: Some([5, 6, 7, 8]),
            fd_size: Some(256),
            groups: Some(b"4 24 1000"),
            ns_tgid: Some(NsIds { outermost: 6135, innermost: 1, depth: 3 }),
            ns_pid: Some(NsIds { outermost: 6136, innermost: 2, depth: 3 }),
            kthread: Some(false),
            vm_peak: Some(17036 << 10),
            vm_size: Some(17035 << 10),
            vm_lck: Some(1 << 10),
            vm_pin: Some(2 << 10),
            vm_hwm: Some(11009 << 10),
            vm_rss: Some(11008 << 10),
            rss_anon: Some(7348 << 10),
            rss_file: Some(3660 << 10),
            rss_shmem: Some(3 << 10),
            vm_data: Some(8256 << 10),
            vm_stk: Some(132 << 10),
            vm_exe: Some(4 << 10),
            vm_lib: Some(4760 << 10),
            vm_pte: Some(72 << 10),
            vm_swap: Some(5 << 10),
            hugetlb_pages: Some(6 << 10),
            core_dumping: Some(false),
            thp_enabled: Some(true),
            threads: Some(2),
            sig_queued: Some(3),
            sig_limit: Some(96365),
            sig_pnd: Some(1),
            shd_pnd: Some(2),
            sig_blk: Some(1 << 63),
            sig_ign: Some(0x1001000),
            sig_cgt: Some(0x1_0000_0002),
            cap_inh: Some(3),
            cap_prm: Some(0x1ff_feff_ffff),
            cap_eff: Some(0x1ff_feff_ff00),
            cap_bnd: Some(0x1ff_ffff_ffff),
            cap_amb: Some(4),
            no_new_privs: Some(true),
            seccomp: Some(2),
            seccomp_filters: Some(7),
            voluntary_switches: Some(34),
            nonvoluntary_switches: Some(5),
        };
        assert_eq!(status(&text), expected);
        assert_eq!(status(&text).groups().unwrap().collect::<Vec<_>>(), [Some(4), Some(24), Some(1000)]);
    }

    #[test]
    fn the_dead_and_the_kernels_have_less() {
        let zombie = status(ZOMBIE.as_bytes());
        assert_eq!((zombie.state, zombie.umask, zombie.vm_size), (Some(b'Z'), None, None));
        assert_eq!((zombie.groups().map(Iterator::count), zombie.threads), (Some(0), Some(1)));
        let kernel = status(KERNEL.as_bytes());
        assert_eq!((kernel.kthread, kernel.vm_rss, kernel.sig_ign), (Some(true), None, Some(u64::MAX)));
        assert_eq!(status(b""), Status::default());
    }

    #[test]
    fn names_as_they_are() {
        let name = |text: &[u8]| status(text).name;
        assert_eq!(name(b"Name:\t a b \n"), Comm::new(b" a b "));
        assert_eq!(name(b"Name:\t\n"), Comm::new(b""));
        assert_eq!(name(b"Name:\t\\\\n\n"), Comm::new(b"\\n"));
        assert_eq!(name(b"Name:\t\xff\n"), Comm::new(b"\xff"));
        assert_eq!(name(b"Name:\t\\\n"), None);
        assert_eq!(name(b"Name:\tx"), None);
    }

    #[test]
    fn out_of_range_is_absent() {
        let text = b"Pid:\t4294967296\nVmRSS:\t18446744073709551615 kB\nUid:\t0\t0\t0\nSigQ:\t1/\nGroups:\t4294967295 4294967296 \nKthread:\t2\n";
        let status = status(text);
        assert_eq!((status.pid, status.vm_rss, status.uids, status.kthread), (None, None, None, None));
        assert_eq!((status.sig_queued, status.sig_limit), (None, None));
        assert_eq!(status.groups().unwrap().collect::<Vec<_>>(), [Some(u32::MAX), None]);
    }

    /// Each line before the cut as in the whole file, each line behind it absent.
    #[test]
    fn cut_short_anywhere_it_is_the_lines_before() {
        for sample in [live(), ZOMBIE.into(), KERNEL.into()] {
            for text in mutate::cuts(&sample) {
                let ended = text.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
                assert_eq!(status(text), status(&text[..ended]));
                let whole = status(&sample);
                let part = status(text);
                assert!(part.pid.is_none() || part.pid == whole.pid);
                assert!(part.uids.is_none() || part.uids == whole.uids);
                assert!(part.vm_swap.is_none() || part.vm_swap == whole.vm_swap);
                assert!(part.sig_limit.is_none() || part.sig_limit == whole.sig_limit);
            }
        }
    }

    #[test]
    fn mutations() {
        let live = live();
        mutate::run(&[&live, ZOMBIE.as_bytes(), KERNEL.as_bytes()], 200_000, |text| {
            let status = status(text);
            assert!(status.groups().is_none_or(|groups| groups.count() <= text.len()));
            assert!(status.vm_rss.is_none_or(|bytes| bytes % 1024 == 0));
            assert!(status.ns_pid.is_none_or(|ids| ids.depth > 0));
        });
    }
}
