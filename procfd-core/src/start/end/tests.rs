// SPDX-License-Identifier: MIT OR Apache-2.0

use std::os::fd::AsRawFd;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::*;

/// A number that no other test gets: they take the lowest.
const FAR: i32 = 900;

fn sleeper() -> Child {
    Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().unwrap()
}

fn pid_of(child: &Child) -> i32 {
    i32::try_from(child.id()).unwrap()
}

fn ended(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_number_that_is_free_or_no_pidfd_is_not_the_childs() {
    let child = sleeper();
    let pid = pid_of(&child);
    let pidfd = sys::pidfd::open(pid).unwrap();
    assert!(is_its(pidfd.as_fd(), pid));
    let far = sys::fd::dup_cloexec_above(pidfd.as_fd(), FAR).unwrap();
    let free = sys::fd::borrow(far.into_raw_fd()).unwrap();
    assert!(is_its(free, pid));
    sys::fd::close_raw(free.as_raw_fd());
    assert!(!is_its(free, pid), "EBADF");
    let file = std::fs::File::open("/dev/null").unwrap();
    assert!(!is_its(file.as_fd(), pid));
    ended(child);
}

#[test]
fn a_pidfd_of_a_reaped_process_is_the_childs_if_that_is_reaped() {
    let (child, stranger) = (sleeper(), sleeper());
    let (pid, other) = (pid_of(&child), pid_of(&stranger));
    let pidfd = sys::pidfd::open(other).unwrap();
    assert!(!is_its(pidfd.as_fd(), pid), "another that runs");
    ended(stranger);
    assert!(!is_its(pidfd.as_fd(), pid), "ESRCH of another, while the child is not reaped");
    assert!(is_its(pidfd.as_fd(), other));
    ended(child);
}

#[test]
fn what_gives_a_start_up_leaves_the_pidfd_of_another_process_open() {
    let child = sleeper();
    let pid = pid_of(&child);
    let failed = |_: BorrowedFd<'_>| Error::plan(libc::EIO, "a test");
    let far = |of: i32| {
        let pidfd = sys::pidfd::open(of).unwrap();
        sys::fd::dup_cloexec_above(pidfd.as_fd(), FAR).unwrap()
    };
    let its = far(pid);
    let number = its.as_raw_fd();
    assert_eq!(give_up(its, pid, failed).raw_os_error(), libc::EIO);
    assert!(sys::fd::borrow(number).is_ok_and(|fd| !is_its(fd, pid)), "it is closed");
    // What another thread has put there before the start asked what it is.
    let strangers = far(sys::task::pid());
    let number = strangers.as_raw_fd();
    give_up(strangers, pid, failed);
    assert!(sys::fd::borrow(number).is_ok_and(|fd| is_its(fd, sys::task::pid())), "it is open");
    sys::fd::close_raw(number);
    ended(child);
}

#[test]
fn a_child_that_has_not_executed_is_waited_for() {
    let Ok(sys::fork::Forked::Parent(pid, _)) = sys::fork::fork_with(0, 0, &[]) else {
        sys::fd::sleep(Duration::from_millis(50));
        sys::child::exit(0)
    };
    assert!(never_executed(pid));
    await_executed(pid);
    assert_eq!(sys::task::child_has_ended(pid), Ok(true));
    sys::task::reap_child(pid);
}
