// SPDX-License-Identifier: MIT OR Apache-2.0

//! A cgroup (v2) as the watcher and the library end it: kill all in it, remove it.

use core::ffi::CStr;

use super::{
    EAGAIN, EBUSY, ENODEV, ENOENT, ENOTEMPTY, Result, SIGKILL, Timespec, call, close, pidfd_open,
    pidfd_signal, poll, read, write,
};

const O_WRONLY: u32 = 1;
const O_DIRECTORY: u32 = if cfg!(target_arch = "aarch64") { 0o40_000 } else { 0o200_000 };
const O_CLOEXEC: u32 = 0o2_000_000;
const AT_REMOVEDIR: u32 = 0x200;
/// How deep a cgroup that a program has divided is removed.
const DEPTH: u32 = 16;
/// How often the processes of a cgroup are killed before 5.14, while there are some.
const ROUNDS: u32 = 100;
/// How often the lock of a cgroup is tried: at first at once, then each millisecond. The removal of a cgroup with
/// controllers takes long.
const LOCK_TRIES: u32 = 600;
const LOCK_TRIES_AT_ONCE: u32 = 100;

fn open_at(dir: i32, name: &CStr, flags: u32) -> Result<i32> {
    // SAFETY: the kernel reads `name` up to its NUL, which CStr guarantees.
    unsafe { call!(SYS_openat, dir, name.as_ptr(), flags | O_CLOEXEC, 0) }.map(|fd| fd as i32)
}

fn remove_directory(dir: i32, name: &CStr) -> Result<()> {
    // SAFETY: the kernel reads `name` up to its NUL, which CStr guarantees.
    unsafe { call!(SYS_unlinkat, dir, name.as_ptr(), AT_REMOVEDIR) }.map(drop)
}

/// Writes a file of a cgroup.
fn set(dir: i32, name: &CStr, value: &[u8]) -> Result<()> {
    let file = open_at(dir, name, O_WRONLY)?;
    let done = write(file, value);
    let _ = close(file);
    done.map(drop)
}

/// Opens the file that tells whether a cgroup has processes. A change is EPOLLPRI, once for each reading.
pub(crate) fn open_events(dir: i32) -> Result<i32> {
    open_at(dir, c"cgroup.events", 0)
}

/// Whether the cgroup, or one below it, has processes; from its `cgroup.events`.
pub(crate) fn is_populated(events: i32) -> Result<bool> {
    let mut text = [0u8; 64];
    // SAFETY: the kernel writes at most the length that is given, which is that of `text`.
    let len = unsafe { call!(SYS_pread64, events, text.as_mut_ptr(), text.len(), 0) }?;
    Ok(!text.get(..len).unwrap_or(&text).starts_with(b"populated 0"))
}

/// SIGKILL to all processes of a cgroup and of those below it (`cgroup.kill`, 5.14). Before, to those of the
/// cgroup itself, which is frozen meanwhile so that none of them forks.
pub(crate) fn kill_all(dir: i32) -> Result<()> {
    match set(dir, c"cgroup.kill", b"1") {
        Err(ENOENT) => {}
        done => return done,
    }
    let _ = set(dir, c"cgroup.freeze", b"1");
    // One that is not frozen yet may fork: the next round has its child. A process that is ending is found again.
    let mut done = Ok(());
    for _ in 0..ROUNDS {
        match kill_members(dir) {
            Ok(0) => break,
            Ok(_) => {}
            Err(errno) => done = Err(errno),
        }
    }
    let _ = set(dir, c"cgroup.freeze", b"0");
    done
}

/// SIGKILL to each process of a cgroup; how many got it. A pid may be recycled, so a process counts that is in the
/// cgroup after its pidfd is open.
fn kill_members(dir: i32) -> Result<u32> {
    let mut killed = 0u32;
    each_member(dir, |pid| {
        let Ok(pidfd) = pidfd_open(pid) else { return };
        let mut still = false;
        let listed = each_member(dir, |other| still |= other == pid);
        if listed.is_ok() && still && pidfd_signal(pidfd, SIGKILL, 0).is_ok() {
            killed = killed.saturating_add(1);
        }
        let _ = close(pidfd);
    })?;
    Ok(killed)
}

/// The pids of a cgroup, as the caller's pid namespace has them.
fn each_member(dir: i32, mut each: impl FnMut(i32)) -> Result<()> {
    let file = open_at(dir, c"cgroup.procs", 0)?;
    let mut text = [0u8; 512];
    let mut pid = 0i32;
    let done = loop {
        let len = match read(file, &mut text) {
            Ok(0) => break Ok(()),
            Ok(len) => len,
            Err(errno) => break Err(errno),
        };
        for &byte in text.iter().take(len) {
            if byte.is_ascii_digit() {
                pid = pid.wrapping_mul(10).wrapping_add(i32::from(byte.wrapping_sub(b'0')));
            } else {
                each(core::mem::take(&mut pid));
            }
        }
    };
    let _ = close(file);
    done
}

/// Removes a cgroup without processes, with those that its program has made below it; one that is removed already is
/// fine. EBUSY: it has processes.
///
/// The creator and its watcher both do this, and by then another cgroup may have the name. So who removes it has locked
/// it: the other of the two then does not free the name between the check and the removal.
pub(crate) fn remove(parent: i32, name: &CStr, dir: i32) -> Result<()> {
    let locked = match open_at(dir, c".", O_DIRECTORY) {
        Err(ENOENT | ENODEV) => return Ok(()),
        opened => opened?,
    };
    let done = match lock(locked) || has_name(parent, name, dir) {
        true => remove_locked(parent, name, dir),
        false => Ok(()),
    };
    let _ = close(locked);
    done
}

/// Whether it has the lock. Another program may hold the lock for ever, so this does not wait long.
fn lock(dir: i32) -> bool {
    const LOCK_EX: u32 = 2;
    const LOCK_NB: u32 = 4;
    for tries in 0..LOCK_TRIES {
        // SAFETY: both arguments are numbers, not addresses.
        if unsafe { call!(SYS_flock, dir, LOCK_EX | LOCK_NB) } != Err(EAGAIN) {
            return true;
        }
        if tries < LOCK_TRIES_AT_ONCE {
            // SAFETY: it has no arguments.
            let _ = unsafe { call!(SYS_sched_yield) };
        } else {
            let _ = poll(&mut [], Some(Timespec::from_ns(1_000_000)));
        }
    }
    false
}

/// Whether the name is still that of the cgroup, as far as a filter lets the question pass.
fn has_name(parent: i32, name: &CStr, dir: i32) -> bool {
    match (inode(parent, name), inode(dir, c"")) {
        (Ok(named), Ok(own)) => named == own,
        (Err(ENOENT | ENODEV), _) => false,
        _ => true,
    }
}

/// The inode number: statx(2) of a name in a directory, or with an empty name of what the descriptor is of.
fn inode(dir: i32, name: &CStr) -> Result<u64> {
    const AT_EMPTY_PATH: u32 = 0x1000;
    const STATX_INO: u32 = 0x100;
    /// Where `struct statx`, of 32 words, has the number.
    const INO: usize = 4;
    let mut stat = [0u64; 32];
    // SAFETY: the kernel reads `name` up to its NUL, which CStr guarantees, and writes the 256 bytes of `stat`.
    unsafe { call!(SYS_statx, dir, name.as_ptr(), AT_EMPTY_PATH, STATX_INO, stat.as_mut_ptr()) }?;
    stat.get(INO).copied().ok_or(ENODEV)
}

fn remove_locked(parent: i32, name: &CStr, dir: i32) -> Result<()> {
    let events = match open_events(dir) {
        Err(ENOENT | ENODEV) => return Ok(()),
        opened => opened?,
    };
    let populated = is_populated(events);
    let _ = close(events);
    match populated {
        Ok(false) => {}
        Ok(true) => return Err(EBUSY),
        Err(ENODEV) => return Ok(()),
        Err(errno) => return Err(errno),
    }
    match remove_directory(parent, name) {
        Err(EBUSY | ENOTEMPTY) => {}
        done => return done,
    }
    remove_below(dir, DEPTH)?;
    remove_directory(parent, name)
}

/// Removes all cgroups below one.
fn remove_below(dir: i32, depth: u32) -> Result<()> {
    let Some(depth) = depth.checked_sub(1) else { return Err(EBUSY) };
    let list = open_at(dir, c".", O_DIRECTORY)?;
    let mut entries = Entries([0; 1024]);
    let done = loop {
        // SAFETY: the kernel writes at most the length that is given, which is that of `entries`.
        match unsafe { call!(SYS_getdents64, list, entries.0.as_mut_ptr(), entries.0.len()) } {
            Ok(0) => break Ok(()),
            Ok(len) => each_directory(entries.0.get(..len).unwrap_or_default(), |name| {
                if let Ok(below) = open_at(dir, name, O_DIRECTORY) {
                    let _ = remove_below(below, depth);
                    let _ = close(below);
                }
                let _ = remove_directory(dir, name);
            }),
            Err(errno) => break Err(errno),
        }
    };
    let _ = close(list);
    done
}

/// What getdents64(2) fills: `struct linux_dirent64`, one behind the other.
#[repr(C, align(8))]
struct Entries([u8; 1024]);

/// The names of the directories, without `.` and `..`.
fn each_directory(mut entries: &[u8], mut each: impl FnMut(&CStr)) {
    const LEN_AT: usize = 16;
    const TYPE_AT: usize = 18;
    const NAME_AT: usize = 19;
    const DT_DIR: u8 = 4;
    while let Some(&[low, high, kind]) = entries.get(LEN_AT..TYPE_AT + 1) {
        let len = usize::from(u16::from_ne_bytes([low, high]));
        let (Some(name), Some(rest)) = (entries.get(NAME_AT..len), entries.get(len..)) else { return };
        entries = rest;
        match CStr::from_bytes_until_nul(name) {
            Ok(name) if kind == DT_DIR && name != c"." && name != c".." => each(name),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_a_name_is() {
        let open = |path: &CStr| open_at(-100, path, O_DIRECTORY).unwrap();
        let (root, proc, sys) = (open(c"/"), open(c"/proc"), open(c"/sys"));
        assert!(has_name(root, c"proc", proc) && !has_name(root, c"no such", proc));
        assert_eq!(inode(sys, c""), inode(root, c"sys"));
        assert_ne!(inode(proc, c"self"), inode(proc, c""));
        for fd in [root, proc, sys] {
            close(fd).unwrap();
        }
    }

    #[test]
    fn the_directories_of_a_listing() {
        let entry = |kind: u8, name: &[u8]| {
            let mut bytes = vec![0; 16];
            bytes.extend(24u16.to_ne_bytes());
            bytes.push(kind);
            bytes.extend(name);
            bytes.resize(24, 0);
            bytes
        };
        let all = [entry(4, b"."), entry(8, b"a"), entry(4, b".."), entry(4, b"b"), entry(4, b"cc")].concat();
        let mut names = Vec::new();
        each_directory(&all, |name| names.push(name.to_owned()));
        assert_eq!(names, [c"b".to_owned(), c"cc".to_owned()]);
        // One that is cut ends the walk.
        each_directory(&all[..20], |_| panic!("no whole entry"));
    }
}
