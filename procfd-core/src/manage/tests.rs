// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The methods of `Process`, and what of their ways this kernel would not take by itself.

use std::os::fd::{AsFd, AsRawFd};

use super::{namespaces, pid_race};
use crate::proc;
use crate::sys::{self, Errno, PIDFD_INFO_CGROUPID};
use crate::{Context, Fields, Namespaces, Process, Scheduler, TreeMethod};

fn shell(script: &str) -> Process {
    let mut context = Context::new().unwrap();
    context.program("/bin/sh").unwrap().args(["sh", "-c", script]).unwrap().kill_on_close(9).unwrap();
    context.create().unwrap()
}

fn errno<T>(done: std::io::Result<T>) -> i32 {
    done.err().and_then(|e| e.raw_os_error()).unwrap_or(0)
}

/// Waits until a tree is as large as it is to be.
fn grown(process: &Process, size: usize) {
    while process.kill_tree(0).unwrap().signalled != size {
        std::thread::yield_now();
    }
}

#[test]
fn a_tree_is_counted_stopped_and_killed() {
    let process = shell("sleep 60 & sleep 60 & wait");
    grown(&process, 3);
    for signal in [libc::SIGSTOP, libc::SIGCONT, libc::SIGKILL] {
        let tree = process.kill_tree(signal).unwrap();
        assert_eq!((tree.how, tree.signalled, tree.refused), (TreeMethod::Walk, 3, 0));
    }
    assert_eq!(process.wait().unwrap().signal(), Some(libc::SIGKILL));
    assert_eq!(errno(process.kill_tree(libc::SIGKILL)), libc::ESRCH);
}

/// Another thread puts the pidfd of a bystander at the number of the root, at any step of the walk.
#[test]
fn a_number_that_is_taken_during_a_walk() {
    let bystander = shell("exec sleep 60");
    let state = || proc::stat(proc::Path::new().number(bystander.pid().unwrap())).unwrap().unwrap().state;
    let mut ended = 0;
    for taken_at in 0..24 {
        let process = shell("sleep 60 & wait");
        grown(&process, 2);
        let number = process.pidfd().try_clone_to_owned().unwrap();
        let asked = std::cell::Cell::new(0);
        let root = || {
            asked.set(asked.get() + 1);
            if asked.get() == taken_at {
                sys::bare::dup3(bystander.pidfd().as_raw_fd(), number.as_raw_fd(), libc::O_CLOEXEC as u32)?;
            }
            if asked.get() >= taken_at { Err(Errno(libc::EBADF)) } else { Ok(number.as_fd()) }
        };
        let done = super::kill(&root, false, libc::SIGKILL);
        assert_eq!(bystander.try_wait().unwrap(), None, "{taken_at}");
        assert!(matches!(state(), b'S' | b'R' | b'D'), "{taken_at}");
        match done {
            Ok(tree) => {
                assert_eq!(tree.signalled, 2);
                assert_eq!(process.wait().unwrap().signal(), Some(libc::SIGKILL));
                ended += i32::from(asked.get() >= taken_at);
            }
            Err(e) => assert_eq!(e, Errno(libc::EBADF)),
        }
    }
    assert!(ended > 0, "the walk opens the root again");
}

#[test]
fn a_process_that_has_ended_is_not_managed() {
    let process = shell("exit 0");
    process.wait_change(crate::WaitOptions::PEEK, None).unwrap();
    for _ in 0..2 {
        assert_eq!(errno(process.rlimit(0, None)), libc::ESRCH);
        assert_eq!(errno(process.set_nice(5)), libc::ESRCH);
        assert_eq!(errno(process.set_scheduler(&Scheduler::default())), libc::ESRCH);
        assert_eq!(errno(process.set_affinity([0])), libc::ESRCH);
        assert_eq!(errno(process.set_ioprio(2, 4)), libc::ESRCH);
        assert_eq!(errno(process.set_oom_score_adj(5)), libc::ESRCH);
        assert_eq!(errno(process.setns(Namespaces::UTS)), libc::ESRCH);
        assert_eq!(errno(process.madvise(&[], crate::Advice::Cold)), libc::ESRCH);
        assert_eq!(errno(process.mrelease()), libc::ESRCH);
        assert_eq!(errno(process.kill_cgroup()), libc::ESRCH);
        // Once more when it is reaped.
        process.wait().unwrap();
    }
    assert_eq!(errno(process.stop()), libc::ESRCH);
    assert_eq!(errno(process.cont()), libc::ESRCH);
}

#[test]
fn values_out_of_range() {
    let process = shell("exec sleep 60");
    assert_eq!(errno(process.set_nice(20)), libc::EINVAL);
    assert_eq!(errno(process.set_nice(-21)), libc::EINVAL);
    assert_eq!(errno(process.set_affinity([])), libc::EINVAL);
    assert_eq!(errno(process.set_affinity([1 << 20])), libc::EINVAL);
    assert_eq!(errno(process.set_ioprio(8, 0)), libc::EINVAL);
    assert_eq!(errno(process.set_ioprio(2, 1 << 13)), libc::EINVAL);
    assert_eq!(errno(process.set_oom_score_adj(1001)), libc::EINVAL);
    assert_eq!(errno(process.setns(Namespaces::empty())), libc::EINVAL);
    assert_eq!(errno(process.rlimit(0, Some((2, 1)))), libc::EINVAL);
    assert_eq!(errno(process.madvise(&[(0, 0); 1025], crate::Advice::Cold)), libc::EINVAL);
    assert_eq!(errno(process.kill_tree(65)), libc::EINVAL);
    assert_eq!(errno(process.move_to_cgroup(process.as_fd())), libc::EINVAL);
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn a_limit_and_back() {
    let process = shell("exec sleep 60");
    let (soft, hard) = process.rlimit(7, None).unwrap();
    assert_eq!(process.rlimit(7, Some((20, hard))).unwrap(), (soft, hard));
    assert_eq!(process.rlimit(7, Some((soft, hard))).unwrap(), (20, hard));
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn stopped_and_continued() {
    use crate::{Change, WaitOptions};
    let process = shell("exec sleep 60");
    process.stop().unwrap();
    let stopped = process.wait_change(WaitOptions::STOPPED, None).unwrap();
    assert_eq!(stopped.change, Change::Stopped(libc::SIGSTOP));
    process.cont().unwrap();
    assert_eq!(process.wait_change(WaitOptions::CONTINUED, None).unwrap().change, Change::Continued);
    process.kill().unwrap();
    process.wait().unwrap();
}

/// setns(2) before 5.8; for one thread of this process, which no other test uses afterwards.
#[test]
fn namespaces_by_their_files() {
    let mut context = Context::new().unwrap();
    context.program("/bin/sleep").unwrap().args(["sleep", "60"]).unwrap();
    context.namespaces(Namespaces::UTS | Namespaces::IPC).unwrap().kill_on_close(9).unwrap();
    let process = match context.create() {
        Err(e) if e.raw_os_error() == libc::EPERM => {
            println!("SKIP: needs root");
            return;
        }
        created => created.unwrap(),
    };
    let of = |who: &str, what: &str| std::fs::read_link(format!("/proc/{who}/ns/{what}")).unwrap();
    let pid = process.pid().unwrap().to_string();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            namespaces::enter_by_files(process.pidfd(), Namespaces::UTS | Namespaces::IPC).unwrap();
            assert_eq!(of("thread-self", "uts"), of(&pid, "uts"));
            assert_eq!(of("thread-self", "ipc"), of(&pid, "ipc"));
            assert_ne!(of("thread-self", "uts"), of("self", "uts"));
        });
    });
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn the_directory_is_the_processes() {
    let process = shell("exec sleep 60");
    let dir = pid_race::directory(process.pidfd()).unwrap();
    let mut buf = [0u8; 64];
    let len = sys::fd::read_small(dir.as_raw_fd(), c"stat", &mut buf).unwrap();
    assert!(buf[..len].starts_with(format!("{} (", process.pid().unwrap()).as_bytes()));
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(sys::fd::read_small(dir.as_raw_fd(), c"stat", &mut buf), Err(Errno(libc::ESRCH)));
    assert_eq!(pid_race::directory(process.pidfd()).err(), Some(Errno(libc::ESRCH)));
}

/// The path in /proc and the mounts lead to the directory that the kernel names by its number.
#[test]
fn the_cgroup_by_name_and_by_number() {
    let own = Process::open(std::process::id()).unwrap();
    let known = own.info(Fields::CGROUP_ID).unwrap();
    let number = match sys::pidfd::get_info(own.pidfd(), PIDFD_INFO_CGROUPID) {
        Ok(info) if info.mask & PIDFD_INFO_CGROUPID != 0 => info.cgroupid,
        _ => {
            println!("SKIP: no cgroup ids of pidfds (before 6.13)");
            return;
        }
    };
    assert!(known.fields().contains(Fields::CGROUP_ID));
    let dir = pid_race::directory(own.pidfd()).unwrap();
    match proc::path_of_cgroup(dir.as_fd()).and_then(|path| proc::open_cgroup(&path)) {
        Err(Errno(libc::EOPNOTSUPP)) => println!("SKIP: no cgroup v2 is mounted"),
        dir => assert_eq!(sys::fd::mode_and_inode(dir.unwrap().as_fd()).unwrap().1, number),
    }
}
