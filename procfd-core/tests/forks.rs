// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a forked copy of the program does with the objects of its parent.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use procfd::{Context, Fields, Process, ProcessState};

fn sleeper(policy: bool) -> Process {
    let mut context = Context::new().unwrap();
    context.program("/bin/sleep").unwrap().args(["sleep", "60"]).unwrap();
    // Should it stay, it does not keep the pipe of the test's output open.
    context.null(1).unwrap().null(2).unwrap();
    if policy {
        context.kill_on_close(libc::SIGKILL).unwrap();
    }
    context.create().unwrap()
}

/// A copy of this process that runs `body`, tells whether that was true, and then lives until its `Copy` is dropped.
struct Copy(Process);

impl Copy {
    fn new(body: impl FnOnce() -> bool) -> Self {
        let (mut read, write) = std::os::unix::net::UnixStream::pair().unwrap();
        // SAFETY: the child goes on in this function alone, with what glibc makes usable after a fork.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).unwrap_or(false);
            let _ = std::io::Write::write(&mut &write, if told { b"1" } else { b"0" });
            std::thread::sleep(Duration::from_secs(60));
            // SAFETY: it ends the process and returns nowhere.
            unsafe { libc::_exit(1) };
        }
        drop(write);
        let copy = Self(Process::open(pid as u32).unwrap());
        let mut told = [0];
        std::io::Read::read_exact(&mut read, &mut told).unwrap();
        assert_eq!(told, *b"1", "what the copy found");
        copy
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// A pidfd of its own, to see the process after its object has gone.
fn watch(process: &Process) -> Process {
    Process::from_fd(process.pidfd().try_clone_to_owned().unwrap()).unwrap()
}

fn ends_when_dropped(process: Process) {
    let watched = watch(&process);
    drop(process);
    let status = watched.wait_timeout(Duration::from_secs(20)).unwrap().expect("the last procfd is closed");
    assert_eq!(status.signal(), Some(libc::SIGKILL));
}

#[test]
fn a_copy_does_not_keep_the_process() {
    let process = sleeper(true);
    let _copy = Copy::new(|| true);
    ends_when_dropped(process);
}

#[test]
fn a_copy_does_not_keep_a_process_that_starts_later() {
    let mut context = Context::new().unwrap();
    context.program("/bin/sleep").unwrap().args(["sleep", "60"]).unwrap();
    context.null(1).unwrap().null(2).unwrap();
    context.kill_on_close(libc::SIGKILL).unwrap();
    let _copy = Copy::new(|| true);
    ends_when_dropped(context.create().unwrap());
}

#[test]
fn a_copy_does_not_keep_what_was_received() {
    let process = Process::from_fd(sleeper(true).into_fd()).unwrap();
    let _copy = Copy::new(|| true);
    ends_when_dropped(process);
}

#[test]
fn a_fork_by_a_context_is_such_a_copy() {
    let process = sleeper(true);
    // SAFETY: the child calls only `pause` and `_exit`.
    let copy = match unsafe { Context::new().unwrap().fork() }.unwrap() {
        Some(copy) => copy,
        // SAFETY: neither call touches memory; the second ends the process.
        None => unsafe {
            libc::pause();
            libc::_exit(1)
        },
    };
    ends_when_dropped(process);
    copy.kill().unwrap();
    copy.wait().unwrap();
}

#[test]
fn the_object_of_a_copy_works_on() {
    let process = sleeper(true);
    let pid = process.pid().unwrap();
    let copy = Copy::new(|| {
        let info = process.info(Fields::IDS).unwrap();
        process.state().unwrap() == ProcessState::Running
            && info.ids.is_some_and(|ids| ids.pid == pid)
            && process.try_wait().unwrap().is_none()
            && process.send_signal(0).is_ok()
            && process.change_close(None).is_err()
    });
    assert_eq!(process.try_wait().unwrap(), None);
    drop(copy);
    ends_when_dropped(process);
}

#[test]
fn a_copy_may_drop_the_object() {
    let process = sleeper(true);
    let mut slot = Some(process);
    {
        let held = &mut slot;
        let _copy = Copy::new(move || {
            let number = held.as_ref().map(|process| process.as_fd().as_raw_fd()).unwrap();
            *held = None;
            // SAFETY: F_GETFD takes no third argument.
            unsafe { libc::fcntl(number, libc::F_GETFD) == -1 }
        });
    }
    let process = slot.unwrap();
    assert_eq!(process.try_wait().unwrap(), None);
    ends_when_dropped(process);
}

#[test]
fn a_context_of_a_copy_is_refused() {
    let mut context = Context::new().unwrap();
    context.program("/bin/true").unwrap();
    let mut slot = Some(context);
    let held = &mut slot;
    let _copy = Copy::new(move || {
        let mut context = held.take().unwrap();
        context.create().is_err_and(|e| e.raw_os_error() == libc::EPERM)
    });
    assert!(slot.unwrap().create().unwrap().wait().unwrap().is_success());
}

#[test]
fn a_duplicate_is_kept_by_the_copy() {
    let process = sleeper(true);
    let duplicate: OwnedFd = process.as_fd().try_clone_to_owned().unwrap();
    let watched = watch(&process);
    let copy = Copy::new(|| true);
    drop((duplicate, process));
    assert_eq!(watched.wait_timeout(Duration::from_millis(300)).unwrap(), None);
    drop(copy);
    assert!(watched.wait_timeout(Duration::from_secs(20)).unwrap().is_some());
}

#[test]
fn a_number_that_is_the_programs_own_by_now_stays() {
    let process = sleeper(false);
    let number = process.as_fd().as_raw_fd();
    let file: OwnedFd = std::fs::File::open("/proc/version").unwrap().into();
    let kept = process.as_fd().try_clone_to_owned().unwrap();
    // SAFETY: the number is open; the object's procfd is put back before the object is used again.
    assert_eq!(unsafe { libc::dup2(file.as_raw_fd(), number) }, number);
    let copy = Copy::new(|| {
        let link = std::fs::read_link(format!("/proc/self/fd/{number}")).unwrap();
        link.to_str() == Some("/proc/version") || link.to_str().is_some_and(|link| link.ends_with("/version"))
    });
    // SAFETY: as above.
    assert_eq!(unsafe { libc::dup2(kept.as_raw_fd(), number) }, number);
    drop(copy);
    process.kill().unwrap();
    process.wait().unwrap();
}
