// SPDX-License-Identifier: MIT OR Apache-2.0

//! What each setting costs alone: the whole start, wait and close of the no-op program with it, beside one without.

use std::io;
use std::time::Duration;

use procfd::{
    CapSet, Context, Error, IdMap, Ids, Landlock, LandlockFs, Mount, Namespaces, NumaFlags, NumaPolicy,
    OpenFlags, Propagation, Scheduler, SeccompFlags, SecureBits, SignalSet, Speculation, SpeculationControl,
    WindowSize,
};

use crate::bare;
use crate::harness::{Method, Rounds, group};
use crate::program::Program;

const PLAIN: &str = "without";
/// Its master stays open for the start.
const PTY: &str = "PROC_SET_PTY";
const NOBODY: u32 = 65_534;

/// Sets it.
type Set = fn(&mut Context) -> Result<(), Error>;

/// The settings that a plain program runs with; those of a namespace with the namespace.
const EACH: &[(&str, Set)] = &[
    ("PROC_SET_ENV_VAR", |c| c.env("A", "1").map(drop)),
    ("PROC_SET_OWN_PATH", |c| c.own_path().map(drop)),
    ("PROC_SET_CWD", |c| c.current_dir("/").map(drop)),
    ("PROC_SET_ROOT", |c| c.root("/").map(drop)),
    ("PROC_FD_DUP", |c| c.dup(2, 5).map(drop)),
    ("PROC_FD_CLOSE", |c| c.close(0).map(drop)),
    ("PROC_FD_CLOSE_RANGE", |c| c.close_range(0, 1).map(drop)),
    ("PROC_FD_NULL", |c| c.null(0).map(drop)),
    ("PROC_FD_INHERIT_ALL", |c| c.inherit_all(true).map(drop)),
    ("PROC_FD_PIPE", |c| c.pipe_to(0).map(drop)),
    ("PROC_FD_DATA", |c| c.data(0, *b"some bytes").map(drop)),
    ("PROC_SET_SIGMASK", |c| c.signal_mask(SignalSet::from_iter([libc::SIGHUP])).map(drop)),
    ("PROC_SET_SIGDEFAULT", |c| c.default_signals(SignalSet::from_iter([libc::SIGPIPE])).map(drop)),
    ("PROC_SET_SIGIGNORE", |c| c.ignored_signals(SignalSet::from_iter([libc::SIGHUP])).map(drop)),
    ("PROC_SET_PDEATHSIG", |c| c.parent_death_signal(libc::SIGTERM).map(drop)),
    ("PROC_SET_SESSION", |c| c.new_session().map(drop)),
    ("PROC_SET_PGROUP", |c| c.process_group(0).map(drop)),
    (PTY, |_| Ok(())),
    ("PROC_SET_UID", |c| c.uid(Ids::all(NOBODY)).map(drop)),
    ("PROC_SET_GID", |c| c.gid(Ids::all(NOBODY)).map(drop)),
    ("PROC_SET_GROUPS", |c| c.groups(&[NOBODY]).map(drop)),
    ("PROC_SET_USER", |c| c.user("nobody").map(drop)),
    ("PROC_SET_UMASK", |c| c.umask(0o27).map(drop)),
    ("PROC_SET_RLIMIT", |c| c.rlimit(libc::RLIMIT_CORE, 0, 0).map(drop)),
    ("PROC_SET_NICE", |c| c.nice(0).map(drop)),
    ("PROC_SET_TIMERSLACK", |c| c.timer_slack(100_000).map(drop)),
    ("PROC_SET_PERSONALITY", |c| c.personality(0x40000).map(drop)),
    ("PROC_SET_NO_TSC", |c| c.no_tsc().map(drop)),
    ("PROC_SET_SUBREAPER", |c| c.subreaper().map(drop)),
    ("PROC_SET_IOPRIO", |c| c.ioprio(2, 6).map(drop)),
    ("PROC_SET_MCE_KILL", |c| c.mce_kill(1).map(drop)),
    ("PROC_SET_SPECULATION", |c| {
        c.speculation(Speculation::IndirectBranch, SpeculationControl::Disable).map(drop)
    }),
    ("PROC_SET_NO_NEW_PRIVS", |c| c.no_new_privs().map(drop)),
    ("PROC_SET_CAP_BOUNDING", |c| c.cap_bounding(CapSet::from_bits(0)).map(drop)),
    ("PROC_SET_CAP_INHERITABLE", |c| c.cap_inheritable(CapSet::from_bits(0)).map(drop)),
    ("PROC_SET_SECUREBITS", |c| c.securebits(SecureBits::NOROOT).map(drop)),
    ("PROC_SET_SECCOMP", |c| c.seccomp(&ALLOW, SeccompFlags::empty()).map(drop)),
    ("PROC_SET_KEYRING", |c| c.session_keyring("").map(drop)),
    ("PROC_SET_LANDLOCK", |c| {
        c.landlock(Landlock::new().fs(LandlockFs::WRITE))?;
        c.landlock_path("/tmp", LandlockFs::WRITE).map(drop)
    }),
    ("PROC_SET_SCHEDULER", |c| c.scheduler(&Scheduler::default()).map(drop)),
    ("PROC_SET_AFFINITY", |c| c.affinity(own_cpus()).map(drop)),
    ("PROC_SET_NUMA", |c| c.numa(NumaPolicy::Local, NumaFlags::empty(), []).map(drop)),
    ("PROC_SET_OOM_SCORE_ADJ", |c| c.oom_score_adj(500).map(drop)),
    ("PROC_SET_COREDUMP_FILTER", |c| c.coredump_filter(0x33).map(drop)),
    ("PROC_SET_THP_DISABLE", |c| c.thp_disable().map(drop)),
    ("PROC_SET_MEMORY_MERGE", |c| c.memory_merge().map(drop)),
    ("PROC_SET_MDWE", |c| c.mdwe().map(drop)),
    ("PROC_SET_CORE_SCHED", |c| c.core_sched().map(drop)),
    ("PROC_SET_CGROUP_LEAF", |c| c.cgroup_leaf().map(drop)),
    ("PROC_START_SUSPENDED, resumed", |c| c.start_suspended(true).map(drop)),
    ("PROC_SET_CLOSE, with a watcher", |c| c.kill_on_close(libc::SIGKILL).map(drop)),
    ("PROC_SET_TIME_LIMIT, with a watcher", |c| c.time_limit(Duration::from_secs(100)).map(drop)),
    ("PROC_SET_UID_MAP, GID_MAP, CLONE_NEWUSER", |c| mapped(c)),
    ("CLONE_NEWUTS", |c| c.namespaces(Namespaces::UTS).map(drop)),
    ("PROC_SET_HOSTNAME, CLONE_NEWUTS", |c| c.namespaces(Namespaces::UTS)?.hostname("box").map(drop)),
    ("CLONE_NEWIPC", |c| c.namespaces(Namespaces::IPC).map(drop)),
    ("PROC_SET_SYSCTL, CLONE_NEWIPC", |c| {
        c.namespaces(Namespaces::IPC)?.sysctl("kernel.sem", "1 2 3 4").map(drop)
    }),
    ("CLONE_NEWNET", |c| c.namespaces(Namespaces::NET).map(drop)),
    ("CLONE_NEWCGROUP", |c| c.namespaces(Namespaces::CGROUP).map(drop)),
    ("CLONE_NEWPID", |c| c.namespaces(Namespaces::PID).map(drop)),
    ("PROC_SET_INIT, CLONE_NEWPID", |c| c.namespaces(Namespaces::PID)?.built_in_init(true).map(drop)),
    ("CLONE_NEWTIME", |c| c.namespaces(Namespaces::TIME).map(drop)),
    ("PROC_SET_TIME_OFFSET, CLONE_NEWTIME", |c| {
        c.namespaces(Namespaces::TIME)?.boottime_offset(100, 0).map(drop)
    }),
    ("PROC_JOIN_PATH, one's own UTS", |c| c.join_path(Namespaces::UTS, "/proc/self/ns/uts").map(drop)),
    ("CLONE_NEWNS", |c| c.namespaces(Namespaces::MOUNT).map(drop)),
    ("PROC_SET_MOUNT_PROPAGATION, CLONE_NEWNS", |c| {
        c.namespaces(Namespaces::MOUNT)?.mount_propagation(Propagation::Slave).map(drop)
    }),
    ("PROC_MOUNT of a tmpfs, CLONE_NEWNS", |c| {
        c.namespaces(Namespaces::MOUNT)?.mount(Mount::tmpfs("/mnt")).map(drop)
    }),
    ("PROC_SET_PRIVATE_DEV, CLONE_NEWNS", |c| c.namespaces(Namespaces::MOUNT)?.private_dev(true).map(drop)),
    ("PROC_SET_READONLY_ROOT, CLONE_NEWNS", |c| {
        c.namespaces(Namespaces::MOUNT)?.readonly_root(true).map(drop)
    }),
];

/// BPF_RET | BPF_K, SECCOMP_RET_ALLOW.
const ALLOW: [u8; 8] = [6, 0, 0, 0, 0, 0, 0xff, 0x7f];

/// Those of this process, so that the child stays where it is.
fn own_cpus() -> Vec<usize> {
    let mut cpus = 0u64;
    // SAFETY: the kernel fills up to eight bytes.
    let _ = unsafe { libc::syscall(libc::SYS_sched_getaffinity, 0, 8, &raw mut cpus) };
    (0..64).filter(|n| cpus & (1 << n) != 0).collect()
}

fn mapped(context: &mut Context) -> Result<(), Error> {
    // SAFETY: no arguments, cannot fail.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    let map = |outside| [IdMap { inside: 0, outside, count: 1 }];
    context.namespaces(Namespaces::USER)?.uid_map(&map(uid))?.gid_map(&map(gid)).map(drop)
}

fn start(program: &Program, name: &str, set: Set) -> io::Result<()> {
    let mut context = match name.contains("watcher") {
        true => Context::with_flags(OpenFlags::empty())?,
        false => Context::new()?,
    };
    context.program(program.as_path())?;
    set(&mut context)?;
    let _master = if name == PTY { Some(context.pty(WindowSize::default())?) } else { None };
    let process = context.create()?;
    if name.contains("resumed") {
        process.resume()?;
    }
    bare::must_be_zero(process.wait()?.code().unwrap_or(-1))
}

pub fn each(rounds: &Rounds) {
    let noop = &Program::noop();
    let plain: (&str, Set) = (PLAIN, |_| Ok(()));
    let watched: (&str, Set) = ("without, with a watcher", |_| Ok(()));
    let methods = [plain, watched].into_iter().chain(EACH.iter().copied());
    let methods = methods.map(|(name, set)| Method::new(name, move || start(noop, name, set)));
    group("A start with one setting", &[PLAIN], rounds.one_in(10), methods.collect());
}
