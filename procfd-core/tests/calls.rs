// SPDX-License-Identifier: MIT OR Apache-2.0

//! The system calls of one start, as strace sees them: a call more or less is a failure. The forms of C are in
//! tests/calls.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::process::{Command, Stdio};

use procfd::Context;

/// A call of each line, with its reason. The stages are apart by an empty line.
const LEAN: &str = "
rt_sigprocmask    no handler runs in the child
clone3
fstat         where there are threads: the identity of the pidfd
rt_sigprocmask
setpgid       the exec has happened: the group is never changed
ioctl         where there are threads: the pidfd is still that of the child
fstat         the identity of the pidfd, for the proof at its close

waitid

fstat         the number is still the pidfd
close";

/// With kill on close, and so with a procfd.
const CLOSE: &str = "
rt_sigprocmask    once for all of the open
socketpair    B and A
getsockopt    the cookie of B, for its proofs
getsockopt    the cookie of A, by which a fork knows it
getsockopt    where there are threads: it is still what it was
setsockopt    the mark of a procfd
getsockopt    where there are threads: it is still what it was
setsockopt    no holder attaches a filter to A
getsockopt    where there are threads: it is still what it was
shutdown      no holder sends into B
rt_sigprocmask
getsockopt    B is still B, which the child arms
rt_sigprocmask    no handler runs in the child
clone3
fstat         where there are threads: the identity of the pidfd
rt_sigprocmask
setpgid       the exec has happened: the group is never changed
getsockopt    B is still B, to be sent on
sendmsg       the start message with the fuse
ioctl         where there are threads: the pidfd is still that of the child
rt_sigprocmask    once for what the context lets go of
fstat         the identity of the pidfd, for the proof at its close
getsockopt    B is still B, to be closed
close
rt_sigprocmask

waitid

rt_sigprocmask    no fork between the close of A and its place on the list
getsockopt    the number is still A
close
rt_sigprocmask
fstat         the number is still the pidfd
close         the pidfd";

const FORM: &str = "PROCFD_TEST_CALLS";

/// A getppid(2) is in front of each stage.
fn stage() {
    // SAFETY: no arguments, cannot fail.
    unsafe { libc::getppid() };
}

/// The program that strace runs: three starts.
#[test]
#[ignore = "only under strace"]
fn starts() {
    let kill_on_close = std::env::var(FORM).unwrap() == "close";
    for _ in 0..3 {
        let mut context = Context::new().unwrap();
        context.program("/bin/true").unwrap().args(["true"]).unwrap();
        if kill_on_close {
            context.kill_on_close(libc::SIGKILL).unwrap();
        }
        stage();
        let process = context.create().unwrap();
        stage();
        assert_eq!(process.wait().unwrap().code(), Some(0));
        stage();
        drop(process);
    }
    stage();
}

/// The names of the third start's calls, by stages. The allocator's brk(2) is not of the start.
fn third_start(trace: &str) -> Vec<Vec<String>> {
    let names = trace.lines().filter_map(|line| line.split_once('(')).map(|(name, _)| name);
    // With debug assertions std looks at a descriptor before it closes it.
    let is_of_start =
        |name: &&str| *name != "brk" && !name.contains(' ') && !(cfg!(debug_assertions) && *name == "fcntl");
    let names: Vec<&str> = names.filter(is_of_start).collect();
    let mut stages = names.split(|name| *name == "getppid").skip(7);
    let taken = stages.by_ref().take(3);
    taken.map(|stage| stage.iter().map(ToString::to_string).collect()).collect()
}

fn check(form: &str, list: &str) {
    let strace = Command::new("strace").arg("-V").stdout(Stdio::null()).status();
    if !strace.is_ok_and(|status| status.success()) {
        return println!("SKIP: no strace");
    }
    if !has_pidfs() {
        return println!("SKIP: pidfds have no inode of their own before 6.9");
    }
    let folder = std::env::temp_dir().join(format!("procfd-calls-{form}-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let output = Command::new("strace")
        .args(["-qq", "-ff", "-e", "signal=none", "-o"])
        .arg(folder.join("trace"))
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "starts", "--ignored", "--test-threads=1"])
        .env(FORM, form)
        // An arena of a thread grows by mprotect(2).
        .env("MALLOC_ARENA_MAX", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let trace = traces(&folder).into_iter().find(|trace| trace.matches("getppid(").count() >= 10);
    std::fs::remove_dir_all(&folder).unwrap();
    let expected: Vec<Vec<String>> = list
        .split("\n\n")
        .map(|stage| stage.trim().lines().filter_map(|line| line.split(' ').next()))
        .map(|names| names.map(ToOwned::to_owned).collect())
        .collect();
    assert_eq!(third_start(&trace.unwrap()), expected, "{form}");
}

/// The trace of each thread and process.
fn traces(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    files
        .map(|file| String::from_utf8_lossy(&std::fs::read(file.unwrap().path()).unwrap()).into_owned())
        .collect()
}

fn has_pidfs() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(['.', '-']).filter_map(|part| part.trim().parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(6), Some(9))
}

#[test]
fn a_lean_start() {
    check("lean", LEAN);
}

#[test]
fn a_start_with_kill_on_close() {
    check("close", CLOSE);
}
