// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Stands in for parse/ until that is here.
#![allow(missing_docs, dead_code)]
use super::Comm;
#[derive(Clone, Debug)]
pub(crate) struct Stat {
    pub pid: u32,
    pub comm: Comm,
    pub state: u8,
    pub ppid: u32,
    pub pgrp: u32,
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
    pub threads: u32,
    pub start: u64,
    pub vsize: u64,
    pub rss: u64,
    pub processor: u32,
    pub rt_priority: u32,
    pub policy: u32,
    pub blkio_delay: u64,
    pub guest: u64,
    pub cguest: u64,
    pub exit_code: Option<i32>,
}
pub(crate) fn stat(_: &[u8]) -> Option<Stat> {
    None
}
#[derive(Default)]
pub(crate) struct NsIds {
    pub innermost: u32,
    pub depth: u32,
}
#[derive(Default)]
pub(crate) struct Status {
    pub pid: Option<u32>,
    pub tgid: Option<u32>,
    pub ppid: Option<u32>,
    pub uids: Option<[u32; 4]>,
    pub gids: Option<[u32; 4]>,
    pub state: Option<u8>,
    pub tracer_pid: Option<u32>,
    pub umask: Option<u32>,
    pub fd_size: Option<u32>,
    pub ns_pid: Option<NsIds>,
    pub threads: Option<u32>,
    pub vm_peak: Option<u64>,
    pub vm_hwm: Option<u64>,
    pub rss_anon: Option<u64>,
    pub rss_file: Option<u64>,
    pub rss_shmem: Option<u64>,
    pub vm_lck: Option<u64>,
    pub vm_pin: Option<u64>,
    pub vm_data: Option<u64>,
    pub vm_stk: Option<u64>,
    pub vm_exe: Option<u64>,
    pub vm_lib: Option<u64>,
    pub vm_pte: Option<u64>,
    pub vm_swap: Option<u64>,
    pub sig_pnd: Option<u64>,
    pub shd_pnd: Option<u64>,
    pub sig_blk: Option<u64>,
    pub sig_ign: Option<u64>,
    pub sig_cgt: Option<u64>,
    pub sig_queued: Option<u64>,
    pub sig_limit: Option<u64>,
    pub cap_inh: Option<u64>,
    pub cap_prm: Option<u64>,
    pub cap_eff: Option<u64>,
    pub cap_bnd: Option<u64>,
    pub cap_amb: Option<u64>,
    pub no_new_privs: Option<u32>,
    pub seccomp: Option<u32>,
    pub seccomp_filters: Option<u32>,
    pub voluntary_switches: Option<u64>,
    pub nonvoluntary_switches: Option<u64>,
}
pub(crate) fn status(_: &[u8]) -> Status {
    Status::default()
}
pub(crate) struct Io {
    pub rchar: u64,
    pub wchar: u64,
    pub syscr: u64,
    pub syscw: u64,
    pub read_bytes: u64,
    pub write_bytes: u64,
    pub cancelled_write_bytes: u64,
}
pub(crate) fn io(_: &[u8]) -> Option<Io> {
    None
}
pub(crate) struct Statm {
    pub size: u64,
    pub shared: u64,
    pub text: u64,
    pub data: u64,
}
pub(crate) fn statm(_: &[u8]) -> Option<Statm> {
    None
}
pub(crate) struct Schedstat {
    pub delay_ns: u64,
    pub slices: u64,
}
pub(crate) fn schedstat(_: &[u8]) -> Option<Schedstat> {
    None
}
pub(crate) fn limits(_: &[u8]) -> [Option<(u64, u64)>; 16] {
    [None; 16]
}
pub(crate) fn oom_score(_: &[u8]) -> Option<u32> {
    None
}
pub(crate) fn oom_score_adj(_: &[u8]) -> Option<i32> {
    None
}
pub(crate) fn login_id(_: &[u8]) -> Option<u32> {
    None
}
pub(crate) struct Autogroup {
    pub id: u64,
    pub nice: i32,
}
pub(crate) fn autogroup(_: &[u8]) -> Option<Autogroup> {
    None
}
pub(crate) fn coredump_filter(_: &[u8]) -> Option<u32> {
    None
}
pub(crate) fn timerslack_ns(_: &[u8]) -> Option<u64> {
    None
}
pub(crate) fn personality(_: &[u8]) -> Option<u32> {
    None
}
pub(crate) fn namespace(_: &[u8]) -> Option<u64> {
    None
}
pub(crate) fn mount_count(_: &[u8]) -> u32 {
    0
}
#[derive(Default)]
pub(crate) struct Smaps {
    pub pss: Option<u64>,
    pub private_clean: Option<u64>,
    pub private_dirty: Option<u64>,
    pub swap: Option<u64>,
    pub swap_pss: Option<u64>,
}
pub(crate) fn smaps_rollup(_: &[u8]) -> Smaps {
    Smaps::default()
}
