// SPDX-License-Identifier: MIT OR Apache-2.0

//! The program closes the library's own descriptor numbers and uses them for its own sockets: nothing arrives there,
//! nothing is closed, and starts go on. One test, since the numbers belong to the whole process.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::BTreeSet;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use procfd::{Context, OpenFlags, Process};

fn open_numbers() -> BTreeSet<RawFd> {
    let listed = std::fs::read_dir("/proc/self/fd").unwrap();
    let numbers: Vec<RawFd> =
        listed.map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap()).collect();
    // SAFETY: F_GETFD takes no third argument.
    numbers.into_iter().filter(|&fd| unsafe { libc::fcntl(fd, libc::F_GETFD) } >= 0).collect()
}

fn sleeper() -> Process {
    let mut context = Context::with_flags(OpenFlags::AUTOREAP).unwrap();
    context.program("/bin/sleep").unwrap().args(["sleep", "60"]).unwrap();
    context.null(1).unwrap().null(2).unwrap().kill_on_close(libc::SIGKILL).unwrap();
    context.create().unwrap()
}

fn ends_when_dropped(process: Process) {
    let watched = Process::from_fd(process.pidfd().try_clone_to_owned().unwrap()).unwrap();
    drop(process);
    let status = watched.wait_timeout(Duration::from_secs(20)).unwrap().expect("it ends with its procfd");
    assert_eq!(status.signal(), Some(libc::SIGKILL));
}

/// The program's own socket under a number of the library's.
struct Taken {
    number: RawFd,
    own: UnixStream,
    peer: UnixStream,
}

impl Taken {
    fn new(number: RawFd) -> Self {
        let (own, peer) = UnixStream::pair().unwrap();
        own.set_nonblocking(true).unwrap();
        peer.set_nonblocking(true).unwrap();
        // SAFETY: what the library had there is closed by that, which is what this test is about.
        assert_eq!(unsafe { libc::dup2(own.as_raw_fd(), number) }, number);
        Self { number, own, peer }
    }

    fn is_untouched(&self) {
        let link = |fd: RawFd| std::fs::read_link(format!("/proc/self/fd/{fd}")).unwrap();
        assert_eq!(link(self.number), link(self.own.as_raw_fd()), "the number is the program's");
        let mut byte = [0];
        for end in [&self.own, &self.peer] {
            let got = std::io::Read::read(&mut &*end, &mut byte);
            assert_eq!(got.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
        }
    }

    fn give_back(self) {
        self.is_untouched();
        // SAFETY: the number is this test's, as was just seen.
        unsafe { libc::close(self.number) };
    }
}

/// The library's own numbers while a process with a policy and a watcher runs.
fn private_numbers(before: &BTreeSet<RawFd>, process: &Process) -> Vec<RawFd> {
    let objects = [process.as_fd().as_raw_fd(), process.pidfd().as_raw_fd()];
    open_numbers().difference(before).copied().filter(|fd| !objects.contains(fd)).collect()
}

/// Closes those of the library's numbers that `chosen` picks; returns how many there were.
fn close_and_go_on(harness: &BTreeSet<RawFd>, chosen: impl Fn(usize) -> bool) -> usize {
    ends_when_dropped(sleeper());
    let process = sleeper();
    let numbers = private_numbers(harness, &process);
    let picked = numbers.iter().enumerate().filter(|(at, _)| chosen(*at));
    let taken: Vec<Taken> = picked.map(|(_, fd)| Taken::new(*fd)).collect();
    let next = sleeper();
    assert_eq!(next.try_wait().unwrap(), None);
    taken.iter().for_each(Taken::is_untouched);
    ends_when_dropped(next);
    ends_when_dropped(process);
    ends_when_dropped(sleeper());
    taken.into_iter().for_each(Taken::give_back);
    numbers.len()
}

#[test]
fn private_numbers_that_the_program_takes() {
    let harness = open_numbers();
    let all = close_and_go_on(&harness, |_| true);
    assert!(all >= 3, "B, the pidfd, and the watcher's: {all}");
    for at in 0..all {
        close_and_go_on(&harness, |other| other == at);
    }
}
