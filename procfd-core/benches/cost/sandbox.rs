// SPDX-License-Identifier: MIT OR Apache-2.0

//! Starts with much to set: many settings at once, and a small sandbox, beside the same bare system calls and beside
//! bwrap and minijail0.

use std::ffi::{CStr, CString};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use procfd::{Context, IdMap, Ids, Namespaces, Scheduler, SignalSet};

use crate::bare::{self, Exec, Maps, Stack};
use crate::harness::{Aim, Method, Rounds, group};
use crate::program::Program;
use crate::start;

macro_rules! sys {
    ($nr:ident $(, $arg:expr)*) => { libc::syscall(libc::$nr $(, $arg)*) };
}

const NOBODY: u32 = 65_534;
const RAW: &str = start::RAW;
const RAW_MANY: &str = "raw, the same 21 settings";
const RAW_SPACES: &str = "raw, user pid mount, maps";
const RAW_SANDBOX: &str = "raw, ... ro root, private /dev";
const BWRAP: &str = "bwrap, the same";
const MINIJAIL: &str = "minijail0, no user namespace";
const SPACES: Namespaces = Namespaces::USER.union(Namespaces::PID).union(Namespaces::MOUNT);
/// As it is, and so is the policy: others would have the child wait for other programs.
const NICE: i32 = 0;
const SLACK: u64 = 100_000;
const NO_RANDOMIZE: u32 = 0x40000;
const LIMITS: [(u32, u64, u64); 2] = [(libc::RLIMIT_CORE, 0, 0), (libc::RLIMIT_NOFILE, 1024, 4096)];

/// What the child of [`set_many`] is given.
struct Many<'a> {
    exec: Exec<'a>,
    cpus: u64,
}

/// The core that this process is pinned to: the child's place does not change what is measured.
fn own_cpus() -> u64 {
    let mut cpus = 0u64;
    // SAFETY: the kernel fills up to eight bytes.
    let _ = unsafe { sys!(SYS_sched_getaffinity, 0, 8, &raw mut cpus) };
    cpus
}

/// A child with the settings of [`many`].
///
/// # Safety
///
/// As for [`bare::execute`].
unsafe extern "C" fn set_many(given: *const Many<'_>) -> ! {
    // SAFETY: as in `bare::execute`; what the calls read outlives them.
    unsafe {
        let action = |handler: usize| [handler, 0, 0, 0];
        let none = 0u64;
        let priority = [0u32];
        let mut failed = sys!(SYS_rt_sigaction, libc::SIGPIPE, action(libc::SIG_DFL).as_ptr(), 0, 8);
        failed |= sys!(SYS_rt_sigaction, libc::SIGHUP, action(libc::SIG_IGN).as_ptr(), 0, 8);
        failed |= sys!(SYS_setpriority, libc::PRIO_PROCESS, 0, NICE);
        failed |= sys!(SYS_prctl, libc::PR_SET_TIMERSLACK, SLACK, 0, 0, 0);
        failed |= sys!(SYS_sched_setaffinity, 0, 8, &raw const (*given).cpus);
        failed |= sys!(SYS_sched_setscheduler, 0, libc::SCHED_OTHER, priority.as_ptr());
        failed |= sys!(SYS_ioprio_set, 1, 0, (2 << 13) | 6);
        failed |= sys!(SYS_personality, NO_RANDOMIZE).min(0);
        failed |= sys!(SYS_prctl, libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        for (resource, soft, hard) in &LIMITS {
            failed |= sys!(SYS_prlimit64, 0, *resource, [*soft, *hard].as_ptr(), 0);
        }
        failed |= sys!(SYS_setsid).min(0);
        failed |= sys!(SYS_close_range, 3, u32::MAX, libc::CLOSE_RANGE_UNSHARE);
        failed |= sys!(SYS_chdir, c"/".as_ptr());
        failed |= sys!(SYS_umask, 0o27).min(0);
        failed |= sys!(SYS_setgroups, 1, [NOBODY].as_ptr());
        failed |= sys!(SYS_setresgid, NOBODY, NOBODY, NOBODY);
        failed |= sys!(SYS_setresuid, NOBODY, NOBODY, NOBODY);
        failed |= sys!(SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, 0).min(0);
        failed |= sys!(SYS_prctl, libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        failed |= sys!(SYS_prctl, libc::PR_SET_PDEATHSIG, libc::SIGTERM, 0, 0, 0);
        failed |= sys!(SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const none, 0, 8);
        if failed == 0 {
            bare::execute(&raw const (*given).exec);
        }
        sys!(SYS_exit_group, 126);
        std::hint::unreachable_unchecked()
    }
}

fn raw_many(path: &CStr, stack: &Stack) -> io::Result<()> {
    let flags = bare::VM_VFORK | bare::PIDFD | libc::CLONE_FILES as u64 | bare::CLONE_CLEAR_SIGHAND;
    // SAFETY: `set_many` is fit for shared memory, and CLONE_VFORK waits for it.
    let (_, pidfd) =
        unsafe { bare::clone3(flags, stack, set_many, &Many { exec: Exec::new(path), cpus: own_cpus() }) }?;
    start::finish(pidfd)
}

fn many(program: &Program, ids: bool) -> io::Result<()> {
    let cpus = own_cpus();
    let mut context = Context::new()?;
    context.program(program.as_path())?.default_signals(SignalSet::from_iter([libc::SIGPIPE]))?;
    context
        .ignored_signals(SignalSet::from_iter([libc::SIGHUP]))?
        .nice(NICE)?
        .timer_slack(SLACK)?
        .affinity((0..64).filter(|n| cpus & (1 << n) != 0))?;
    context.scheduler(&Scheduler::default())?.ioprio(2, 6)?.personality(NO_RANDOMIZE)?.subreaper()?;
    for (resource, soft, hard) in LIMITS {
        context.rlimit(resource, soft, hard)?;
    }
    context.new_session()?.current_dir("/")?.umask(0o27)?;
    context.session_keyring("")?.no_new_privs()?;
    context.parent_death_signal(libc::SIGTERM)?.signal_mask(SignalSet::default())?;
    if ids {
        context.groups(&[NOBODY])?.gid(Ids::all(NOBODY))?.uid(Ids::all(NOBODY))?;
    }
    run(context)
}

fn run(mut context: Context) -> io::Result<()> {
    bare::must_be_zero(context.create()?.wait()?.code().unwrap_or(-1))
}

/// The id maps of a child that is root inside.
struct Lines {
    uid: Vec<u8>,
    gid: Vec<u8>,
}

fn lines() -> Lines {
    // SAFETY: no arguments, cannot fail.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    let line = |id: u32| format!("0 {id} 1\n").into_bytes();
    Lines { uid: line(uid), gid: line(gid) }
}

fn raw_in_spaces(path: &CStr, stack: &Stack, lines: &Lines, sandbox: bool) -> io::Result<()> {
    let maps = Maps { exec: Exec::new(path), uid_map: &lines.uid, gid_map: &lines.gid };
    let flags = bare::VM_VFORK | bare::PIDFD | SPACES.bits();
    let entry = if sandbox { map_mount_and_execute } else { bare::map_and_execute };
    // SAFETY: as in `raw_many`.
    let (_, pidfd) = unsafe { bare::clone3(flags, stack, entry, &maps) }?;
    start::finish(pidfd)
}

/// A child that writes its id maps, makes all mounts read-only, and a /dev of its own.
///
/// # Safety
///
/// As for [`bare::execute`].
unsafe extern "C" fn map_mount_and_execute(maps: *const Maps<'_>) -> ! {
    const RECURSIVE: i32 = 0x8000;
    const CLONE: i32 = 1 | libc::O_CLOEXEC;
    const EMPTY: *const libc::c_char = c"".as_ptr();
    let none = std::ptr::null::<u8>();
    // SAFETY: as in `bare::execute`.
    unsafe {
        bare::map(maps);
        let mut failed = sys!(SYS_mount, none, c"/".as_ptr(), none, libc::MS_REC | libc::MS_PRIVATE, none);
        let mask = sys!(SYS_umask, 0);
        let root = sys!(SYS_open_tree, libc::AT_FDCWD, c"/".as_ptr(), CLONE | RECURSIVE);
        let read_only = [1u64, 0, 0, 0];
        failed |=
            sys!(SYS_mount_setattr, root, EMPTY, libc::AT_EMPTY_PATH | RECURSIVE, read_only.as_ptr(), 32);
        failed |= sys!(SYS_move_mount, root, EMPTY, libc::AT_FDCWD, c"/".as_ptr(), 4);
        let nodes = sys!(SYS_openat, libc::AT_FDCWD, c"/dev".as_ptr(), libc::O_PATH | libc::O_CLOEXEC);
        let fs = sys!(SYS_fsopen, c"tmpfs".as_ptr(), 1);
        failed |= sys!(SYS_fsconfig, fs, 1, c"mode".as_ptr(), c"755".as_ptr(), 0);
        failed |= sys!(SYS_fsconfig, fs, 6, none, none, 0);
        let dev = sys!(SYS_fsmount, fs, 1, 2);
        sys!(SYS_close, fs);
        let target = sys!(SYS_openat, root, c"dev".as_ptr(), libc::O_PATH | libc::O_CLOEXEC);
        failed |= sys!(SYS_move_mount, dev, EMPTY, target, EMPTY, 0x44);
        sys!(SYS_close, target);
        for name in [c"null", c"zero", c"full", c"random", c"urandom", c"tty"] {
            let node = sys!(SYS_open_tree, nodes, name.as_ptr(), CLONE);
            failed |= sys!(SYS_mknodat, dev, name.as_ptr(), libc::S_IFREG | 0o666, 0);
            failed |= sys!(SYS_move_mount, node, EMPTY, dev, name.as_ptr(), 4);
            sys!(SYS_close, node);
        }
        sys!(SYS_close, nodes);
        for (text, name) in [
            (c"/proc/self/fd", c"fd"),
            (c"/proc/self/fd/0", c"stdin"),
            (c"/proc/self/fd/1", c"stdout"),
            (c"/proc/self/fd/2", c"stderr"),
            (c"/proc/kcore", c"core"),
            (c"pts/ptmx", c"ptmx"),
        ] {
            failed |= sys!(SYS_symlinkat, text.as_ptr(), dev, name.as_ptr());
        }
        failed |= sys!(SYS_mkdirat, dev, c"shm".as_ptr(), 0o1777);
        failed |= sys!(SYS_mkdirat, dev, c"pts".as_ptr(), 0o755);
        let fs = sys!(SYS_fsopen, c"devpts".as_ptr(), 1);
        failed |= sys!(SYS_fsconfig, fs, 1, c"ptmxmode".as_ptr(), c"0666".as_ptr(), 0);
        failed |= sys!(SYS_fsconfig, fs, 1, c"mode".as_ptr(), c"0620".as_ptr(), 0);
        failed |= sys!(SYS_fsconfig, fs, 6, none, none, 0);
        let pts = sys!(SYS_fsmount, fs, 1, 2 | 8);
        sys!(SYS_close, fs);
        failed |= sys!(SYS_move_mount, pts, EMPTY, dev, c"pts".as_ptr(), 4);
        sys!(SYS_close, pts);
        sys!(SYS_close, dev);
        failed |= sys!(SYS_fchdir, root);
        failed |= sys!(SYS_pivot_root, c".".as_ptr(), c".".as_ptr());
        failed |= sys!(SYS_umount2, c".".as_ptr(), libc::MNT_DETACH);
        sys!(SYS_close, root);
        failed |= sys!(SYS_chdir, c"/".as_ptr());
        sys!(SYS_umask, mask);
        if failed == 0 {
            bare::execute(&raw const (*maps).exec);
        }
        sys!(SYS_exit_group, 126);
        std::hint::unreachable_unchecked()
    }
}

fn in_spaces(program: &Program, sandbox: bool) -> io::Result<()> {
    // SAFETY: no arguments, cannot fail.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    let map = |outside| [IdMap { inside: 0, outside, count: 1 }];
    let mut context = Context::new()?;
    context.program(program.as_path())?.namespaces(SPACES)?.uid_map(&map(uid))?.gid_map(&map(gid))?;
    if sandbox {
        context.readonly_root(true)?.private_dev(true)?;
    }
    run(context)
}

/// What minijail0 does.
fn without_user(program: &Program) -> io::Result<()> {
    start::needs_root()?;
    let mut context = Context::new()?;
    context.program(program.as_path())?.namespaces(Namespaces::PID | Namespaces::MOUNT)?;
    context.readonly_root(true)?.private_dev(true)?;
    run(context)
}

fn bwrap(path: &CStr) -> io::Result<()> {
    let path = path.to_string_lossy();
    let arguments = "--unshare-user --unshare-pid --uid 0 --gid 0 --ro-bind / / --dev /dev";
    let mut command = Command::new("bwrap");
    command.args(arguments.split(' ')).arg(&*path).stderr(Stdio::null());
    bare::must_be_zero(command.status()?.code().unwrap_or(-1))
}

/// Pid and mount namespaces, a read-only root and a /dev of its own. It has no user namespace: with one, minijail0 of 2026
/// can neither bind the root nor make a /dev. And it has no /proc.
fn minijail(path: &CStr, root: &Path) -> io::Result<()> {
    start::needs_root()?;
    let mut command = Command::new("minijail0");
    command.args(["-T", "static", "-I", "-p", "-v", "-d", "-b", "/", "-P"]).arg(root);
    command.arg("--").arg(&*path.to_string_lossy()).stderr(Stdio::null());
    bare::must_be_zero(command.status()?.code().unwrap_or(-1))
}

pub fn many_settings(rounds: &Rounds) {
    let noop = Program::noop();
    let path: CString = noop.path.clone();
    let stack = &Stack::new();
    group(
        "The same with 21 settings of different kinds",
        &[RAW, RAW_MANY],
        rounds.one_in(3),
        vec![
            Method::new(RAW, || start::raw_start(&path, stack, 0)),
            Method::new(RAW_MANY, || start::needs_root().and_then(|()| raw_many(&path, stack))),
            Method::new("procfd, Rust, the same settings", || {
                start::needs_root().and_then(|()| many(&noop, true))
            })
            .aim(Aim::AtMost(1.60, RAW)),
            Method::new("... without the ids and groups", || many(&noop, false)),
        ],
    );
}

pub fn sandbox(rounds: &Rounds) {
    let noop = Program::noop();
    let path: CString = noop.path.clone();
    let stack = &Stack::new();
    let lines = &lines();
    let root = std::env::temp_dir().join(format!("procfd-bench-{}", std::process::id()));
    // Without it, the one method that uses it is left out.
    let _ = std::fs::create_dir(&root);
    group(
        "The same in a sandbox: user, pid and mount namespaces; a read-only root and a private /dev",
        &[RAW_SPACES, RAW_SANDBOX, BWRAP, MINIJAIL],
        rounds.one_in(12),
        vec![
            Method::new(RAW_SPACES, || raw_in_spaces(&path, stack, lines, false)),
            Method::new("procfd, Rust, user pid mount, maps", || in_spaces(&noop, false))
                .aim(Aim::AtMost(1.10, RAW_SPACES)),
            Method::new(RAW_SANDBOX, || raw_in_spaces(&path, stack, lines, true)),
            Method::new("procfd, Rust, the sandbox", || in_spaces(&noop, true))
                .aim(Aim::AtMost(1.20, RAW_SANDBOX))
                .aim(Aim::Faster(4.0, BWRAP)),
            Method::new(BWRAP, || bwrap(&path)),
            Method::new("procfd, Rust, the sandbox, no user namespace", || without_user(&noop))
                .aim(Aim::Faster(4.0, MINIJAIL)),
            Method::new(MINIJAIL, || minijail(&path, &root)),
        ],
    );
    let _ = std::fs::remove_dir(&root);
}
