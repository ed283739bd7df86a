// SPDX-License-Identifier: MIT OR Apache-2.0

//! Starts: from nothing to a program that has ended and whose descriptors are closed again.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Instant;

use procfd::ffi::{self, Settings};
use procfd::{Context, IdMap, Ids, Namespaces, OpenFlags, Scope, WaitOptions};

use crate::bare::{self, Exec, Stack};
use crate::harness::{Aim, Medians, Method, Rounds, group};
use crate::program::Program;

pub const RAW: &str = "raw";
pub const POSIX_SPAWN: &str = "posix_spawn";
pub const C: &str = "procfd, C calls";
const LEAN: &str = "procfd, C calls, PROCFD_PIDFD";
pub const LEAN_SPAWN: &str = "procfd_spawn, PROCFD_PIDFD";
pub const RUST: &str = "procfd, Rust";
pub const CLOSE: &str = "procfd, C calls, kill on close";
const SETTINGS: &str = "procfd, C calls, ids cwd rlimits nnp";

/// The user and group of `nobody`.
const NOBODY: u32 = 65_534;
const LIMITS: [(u32, u64, u64); 2] = [(libc::RLIMIT_CORE, 0, 0), (libc::RLIMIT_NOFILE, 1024, 4096)];

fn is_root() -> bool {
    // SAFETY: no arguments, cannot fail.
    unsafe { libc::geteuid() == 0 }
}

/// clone3(VM|VFORK|PIDFD), execve, waitid(P_PIDFD), close.
pub fn raw_start(path: &CStr, stack: &Stack, flags: u64) -> io::Result<()> {
    // SAFETY: `execute` is fit for shared memory, and CLONE_VFORK waits for it.
    let (_, pidfd) = unsafe {
        bare::clone3(bare::VM_VFORK | bare::PIDFD | flags, stack, bare::execute, &Exec::new(path))
    }?;
    finish(pidfd)
}

pub fn finish(pidfd: RawFd) -> io::Result<()> {
    let done = bare::wait_pidfd(pidfd);
    bare::close(pidfd);
    done
}

/// raw, with a table of its own that nothing above 2 was copied to.
fn raw_own_table(path: &CStr, stack: &Stack) -> io::Result<()> {
    let flags = bare::VM_VFORK | bare::PIDFD | libc::CLONE_FILES as u64;
    // SAFETY: as in `raw_start`.
    let (_, pidfd) = unsafe { bare::clone3(flags, stack, bare::leave_table_and_execute, &Exec::new(path)) }?;
    finish(pidfd)
}

/// raw, with the same settings as [`SETTINGS`].
fn raw_settings(path: &CStr, stack: &Stack) -> io::Result<()> {
    let settings = bare::Settings {
        exec: Exec::new(path),
        cwd: c"/",
        groups: &[NOBODY],
        gid: NOBODY,
        uid: NOBODY,
        limits: &LIMITS,
    };
    let flags = bare::VM_VFORK | bare::PIDFD | libc::CLONE_FILES as u64 | bare::CLONE_CLEAR_SIGHAND;
    // SAFETY: as in `raw_start`.
    let (_, pidfd) = unsafe { bare::clone3(flags, stack, bare::set_and_execute, &settings) }?;
    finish(pidfd)
}

/// What vfork(2) does, on a stack of its own: Rust cannot call a function that returns twice.
fn vfork(path: &CStr, stack: &Stack) -> io::Result<()> {
    // SAFETY: as in `raw_start`.
    let (pid, _) = unsafe { bare::clone3(bare::VM_VFORK, stack, bare::execute, &Exec::new(path)) }?;
    bare::wait_pid(pid)
}

pub fn fork(path: &CStr) -> io::Result<()> {
    let exec = Exec::new(path);
    // SAFETY: the child executes or exits, and this program has one thread.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: in the child, as in `bare::clone3`.
        0 => unsafe { bare::execute(&raw const exec) },
        pid => bare::wait_pid(pid),
    }
}

pub fn posix_spawn(path: &CStr) -> io::Result<i32> {
    let exec = Exec::new(path);
    let mut pid = 0;
    // SAFETY: strings and arrays end with NUL and NULL, and outlive the call.
    let error = unsafe {
        libc::posix_spawn(
            &raw mut pid,
            path.as_ptr(),
            std::ptr::null(),
            std::ptr::null(),
            exec.argv.as_ptr().cast(),
            bare::environ.cast(),
        )
    };
    if error == 0 { Ok(pid) } else { Err(io::Error::from_raw_os_error(error)) }
}

fn posix_spawn_pidfd(path: &CStr) -> io::Result<()> {
    let pid = posix_spawn(path)?;
    // SAFETY: plain numbers.
    finish(bare::check(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })? as RawFd)
}

fn command(mut command: Command) -> io::Result<()> {
    bare::must_be_zero(command.status()?.code().unwrap_or(-1))
}

/// open, configure, create, wait, close: call by call as the C functions do it.
pub fn by_c(path: &CStr, more: impl IntoIterator<Item = Setting>) -> io::Result<()> {
    by_c_with(OpenFlags::NO_WATCH.bits(), path, more)
}

/// The same of a context opened with these flags.
pub fn by_c_with(flags: u64, path: &CStr, more: impl IntoIterator<Item = Setting>) -> io::Result<()> {
    let fd = ffi::open(flags)?;
    let done = by_c_on(fd, path, more);
    bare::close(fd);
    done
}

fn by_c_on(fd: RawFd, path: &CStr, more: impl IntoIterator<Item = Setting>) -> io::Result<()> {
    create_on(fd, path, more)?;
    let status = ffi::wait(fd, WaitOptions::empty(), false, 0)?;
    bare::must_be_zero(status.code().unwrap_or(-1))
}

/// procfd_spawn, with the flag that makes it return the pidfd; then as [`by_c`].
pub fn by_spawn(path: &CStr) -> io::Result<()> {
    let fd = ffi::spawn(ffi::PIDFD, |s| {
        s.set_program(ffi::Program::Path(path.to_owned()))?;
        s.set_argv(vec![path.to_owned()])
    })?;
    let done = ffi::wait(fd, WaitOptions::empty(), false, 0);
    bare::close(fd);
    bare::must_be_zero(done?.code().unwrap_or(-1))
}

/// How many nanoseconds of the same are over when the process has been created.
pub fn created_by_c(path: &CStr, more: impl IntoIterator<Item = Setting>) -> io::Result<u64> {
    let before = Instant::now();
    let fd = ffi::open(OpenFlags::NO_WATCH.bits())?;
    let created = create_on(fd, path, more);
    let took = before.elapsed();
    let done = created.and_then(|()| Ok(ffi::wait(fd, WaitOptions::empty(), false, 0)?));
    bare::close(fd);
    bare::must_be_zero(done?.code().unwrap_or(-1))?;
    Ok(took.as_nanos() as u64)
}

/// A setting, as a command of the C interface gives it.
pub enum Setting {
    KillOnClose,
    Cwd(CString),
    Groups(Vec<u32>),
    Gid(Ids),
    Uid(Ids),
    RLimit { resource: u32, soft: u64, hard: u64 },
    NoNewPrivs,
    Namespaces(u64),
    UidMap(Vec<IdMap>),
    GidMap(Vec<IdMap>),
    Init(bool),
}

impl Setting {
    fn give(self, settings: &mut Settings) -> Result<(), procfd::Error> {
        match self {
            Self::KillOnClose => settings.set_close(Some((libc::SIGKILL, Scope::Process, None))),
            Self::Cwd(path) => settings.add_chdir(path),
            Self::Groups(groups) => settings.set_groups(groups),
            Self::Gid(ids) => settings.set_gid(ids),
            Self::Uid(ids) => settings.set_uid(ids),
            Self::RLimit { resource, soft, hard } => settings.set_rlimit(resource, soft, hard),
            Self::NoNewPrivs => settings.set_no_new_privs(true),
            Self::Namespaces(flags) => settings.add_namespaces(flags),
            Self::UidMap(map) => settings.set_uid_map(map),
            Self::GidMap(map) => settings.set_gid_map(map),
            Self::Init(on) => settings.set_init(on),
        }
    }
}

pub fn create_on(fd: RawFd, path: &CStr, more: impl IntoIterator<Item = Setting>) -> io::Result<()> {
    ffi::configuring(fd)?.change(|s| s.set_program(ffi::Program::Path(path.to_owned())))?;
    ffi::configuring(fd)?.change(|s| s.set_argv(vec![path.to_owned()]))?;
    for setting in more {
        ffi::configuring(fd)?.change(|s| setting.give(s))?;
    }
    ffi::configuring(fd)?.create()?;
    Ok(())
}

fn settings() -> Vec<Setting> {
    let limits = LIMITS.map(|(resource, soft, hard)| Setting::RLimit { resource, soft, hard });
    let mut all = Vec::from(limits);
    all.extend([
        Setting::Cwd(c"/".into()),
        Setting::Groups(vec![NOBODY]),
        Setting::Gid(Ids::all(NOBODY)),
        Setting::Uid(Ids::all(NOBODY)),
        Setting::NoNewPrivs,
    ]);
    all
}

pub fn by_rust(program: &Program) -> io::Result<()> {
    let mut context = Context::new()?;
    context.program(program.as_path())?.args([program.as_path()])?;
    let status = context.create()?.wait()?;
    bare::must_be_zero(status.code().unwrap_or(-1))
}

/// A prepared context, copied and started.
fn by_copy(template: RawFd) -> io::Result<()> {
    let fd = ffi::configuring(template)?.copy()?;
    let done = ffi::configuring(fd)
        .and_then(|c| c.create().map_err(|e| procfd::Errno(e.raw_os_error())))
        .and_then(|_| ffi::wait(fd, WaitOptions::empty(), false, 0));
    bare::close(fd);
    bare::must_be_zero(done?.code().unwrap_or(-1))
}

pub fn needs_root() -> io::Result<()> {
    if is_root() { Ok(()) } else { Err(io::Error::other("needs root")) }
}

pub fn small(rounds: &Rounds) {
    let noop = Program::noop();
    let path = noop.path.as_c_str();
    let stack = &Stack::new();
    let template = ffi::open(OpenFlags::NO_WATCH.bits()).expect("a context");
    let context = ffi::configuring(template).expect("its context");
    context.change(|s| s.set_program(ffi::Program::Path(path.into()))).expect("a program");
    context.change(|s| s.set_argv(vec![path.into()])).expect("its arguments");
    group(
        "Start, wait for and close a static no-op program",
        &[RAW, POSIX_SPAWN],
        rounds.one_in(1),
        vec![
            Method::new(RAW, || raw_start(path, stack, 0)),
            Method::new("raw + own descriptor table", || raw_own_table(path, stack)),
            Method::new("raw + ids cwd rlimits nnp", || {
                needs_root().and_then(|()| raw_settings(path, stack))
            }),
            Method::new("vfork + execve + waitpid", || vfork(path, stack)),
            Method::new(POSIX_SPAWN, || posix_spawn(path).and_then(bare::wait_pid)),
            Method::new("posix_spawn + pidfd_open", || posix_spawn_pidfd(path)),
            Method::new("fork + execve + waitpid", || fork(path)),
            Method::new("std Command", || command(Command::new(noop.as_path()))),
            Method::new("std Command, uid", || {
                // SAFETY: no arguments, cannot fail.
                let uid = if is_root() { NOBODY } else { unsafe { libc::getuid() } };
                let mut with_uid = Command::new(noop.as_path());
                with_uid.uid(uid);
                command(with_uid)
            }),
            Method::new(C, || by_c(path, [])).aim(Aim::AtMost(1.20, RAW)).aim(Aim::AtMost(1.00, POSIX_SPAWN)),
            Method::new(LEAN, || by_c_with(ffi::PIDFD, path, []))
                .aim(Aim::AtMost(1.08, RAW))
                .aim(Aim::AtMost(0.80, POSIX_SPAWN)),
            Method::new(LEAN_SPAWN, || by_spawn(path)).aim(Aim::AtMost(1.08, RAW)),
            Method::new(RUST, || by_rust(&noop))
                .aim(Aim::AtMost(1.05, RAW))
                .aim(Aim::AtMost(0.80, POSIX_SPAWN)),
            Method::new("procfd, C calls, PROC_COPY", || by_copy(template)),
            Method::new(CLOSE, || by_c(path, [Setting::KillOnClose])).aim(Aim::AtMost(1.30, RAW)),
            Method::new(SETTINGS, || needs_root().and_then(|()| by_c(path, settings())))
                .aim(Aim::AtMost(1.30, RAW)),
        ],
    );
    bare::close(template);
}

pub fn namespaces(rounds: &Rounds) {
    const SAME: &str = "raw, same namespaces";
    let noop = Program::noop();
    let path = noop.path.as_c_str();
    let stack = &Stack::new();
    let all = Namespaces::USER | Namespaces::PID | Namespaces::MOUNT;
    // SAFETY: no arguments, cannot fail.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    let line = |id: u32| format!("0 {id} 1\n").into_bytes();
    let (uid_map, gid_map) = (line(uid), line(gid));
    let map = |outside| vec![IdMap { inside: 0, outside, count: 1 }];
    group(
        "The same in new user, pid and mount namespaces, with single-line id maps",
        &[RAW, SAME],
        rounds.one_in(6),
        vec![
            Method::new(RAW, || raw_start(path, stack, 0)),
            Method::new(SAME, || {
                let maps = bare::Maps { exec: Exec::new(path), uid_map: &uid_map, gid_map: &gid_map };
                let flags = bare::VM_VFORK | bare::PIDFD | all.bits();
                // SAFETY: as in `raw_start`.
                let (_, pidfd) = unsafe { bare::clone3(flags, stack, bare::map_and_execute, &maps) }?;
                finish(pidfd)
            }),
            Method::new("procfd, C calls", || {
                by_c(
                    path,
                    [Setting::Namespaces(all.bits()), Setting::UidMap(map(uid)), Setting::GidMap(map(gid))],
                )
            })
            .aim(Aim::AtMost(1.20, SAME)),
        ],
    );
}

pub fn many_descriptors(rounds: &Rounds) {
    const MANY: usize = 10_000;
    let title = format!("The same with {MANY} open descriptors");
    let held = match open_many(MANY) {
        Ok(held) => held,
        Err(e) => return println!("\n{title}\n  skipped: {e}"),
    };
    let noop = Program::noop();
    let path = noop.path.as_c_str();
    let stack = &Stack::new();
    group(
        &title,
        &[RAW, POSIX_SPAWN],
        rounds.one_in(10),
        vec![
            Method::new(RAW, || raw_start(path, stack, 0)),
            Method::new("raw + own descriptor table", || raw_own_table(path, stack)),
            Method::new(POSIX_SPAWN, || posix_spawn(path).and_then(bare::wait_pid)),
            Method::new("posix_spawn + pidfd_open", || posix_spawn_pidfd(path)),
            Method::new("std Command", || command(Command::new(noop.as_path()))),
            Method::new(C, || by_c(path, [])).aim(Aim::Faster(10.0, POSIX_SPAWN)),
            Method::new(LEAN, || by_c_with(ffi::PIDFD, path, [])).aim(Aim::Faster(10.0, POSIX_SPAWN)),
            Method::new(RUST, || by_rust(&noop)).aim(Aim::Faster(10.0, POSIX_SPAWN)),
            Method::new(CLOSE, || by_c(path, [Setting::KillOnClose])).aim(Aim::Faster(10.0, POSIX_SPAWN)),
        ],
    );
    drop(held);
}

/// Descriptors as a careful program has them: close-on-exec.
pub fn open_many(many: usize) -> io::Result<Vec<std::fs::File>> {
    make_room(many)?;
    let null = std::fs::File::open("/dev/null")?;
    (0..many).map(|_| null.try_clone()).collect()
}

/// Raises the limit for so many descriptors.
pub fn make_room(many: usize) -> io::Result<()> {
    let need = many as u64 + 200;
    // SAFETY: the structure outlives both calls.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        bare::check(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit).into())?;
        limit.rlim_cur = limit.rlim_cur.max(need);
        limit.rlim_max = limit.rlim_max.max(need);
        bare::check(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit).into())?;
    }
    Ok(())
}

/// The same methods in a small and a large parent: the ratios must be the same.
pub fn large_parent(rounds: &Rounds) {
    const GIB: usize = 1 << 30;
    const LARGE: usize = 8 * GIB;
    let title = "The same from a parent with 8 GiB of touched memory";
    if rounds.are_few() {
        return println!("\n{title}\n  skipped: too few rounds");
    }
    if available() < LARGE as u64 + 2 * GIB as u64 {
        return println!("\n{title}\n  skipped: less than 10 GiB of memory is available");
    }
    let few = rounds.one_in(10);
    let small = starts_by_memory("The same from a small parent, for comparison", few, 20);
    let memory = match touched(LARGE) {
        Ok(memory) => memory,
        Err(e) => return println!("\n{title}\n  skipped: {e}"),
    };
    let large = starts_by_memory(title, few, 3);
    drop(memory);
    println!("  x raw, small and large parent (aim: the same, within noise):");
    for name in [POSIX_SPAWN, C, CLOSE, FORK] {
        if let (Some(a), Some(b)) = (small.ratio(name, RAW), large.ratio(name, RAW)) {
            println!("    {name}: {a:.2} and {b:.2}");
        }
    }
}

pub const FORK: &str = "fork + execve + waitpid";

/// fork on its own rounds: at 8 GiB one takes a third of a second.
fn starts_by_memory(title: &str, rounds: usize, fork_rounds: usize) -> Medians {
    let noop = Program::noop();
    let path = noop.path.as_c_str();
    let stack = &Stack::new();
    let starts = group(
        title,
        &[RAW, POSIX_SPAWN],
        rounds,
        vec![
            Method::new(RAW, || raw_start(path, stack, 0)),
            Method::new(POSIX_SPAWN, || posix_spawn(path).and_then(bare::wait_pid)),
            Method::new(C, || by_c(path, [])),
            Method::new(CLOSE, || by_c(path, [Setting::KillOnClose])),
        ],
    );
    let fork =
        group("  and fork", &[], fork_rounds.min(rounds), vec![Method::new(FORK, || fork(path)).cold()]);
    starts.with(fork)
}

pub fn available() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

pub struct Memory(*mut libc::c_void, usize);

/// Small pages, each written to.
pub fn touched(size: usize) -> io::Result<Memory> {
    // SAFETY: a new mapping, and writes inside it.
    unsafe {
        let base = libc::mmap(
            std::ptr::null_mut(),
            size,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        );
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let memory = Memory(base, size);
        libc::madvise(base, size, libc::MADV_NOHUGEPAGE);
        for at in (0..size).step_by(4096) {
            base.cast::<u8>().add(at).write_volatile(1);
        }
        Ok(memory)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the mapping of `touched`.
        unsafe { libc::munmap(self.0, self.1) };
    }
}
