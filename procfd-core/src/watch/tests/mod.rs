// SPDX-License-Identifier: MIT OR Apache-2.0
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

//! The watcher, alone with its client.

mod behaviour;
mod cgroups;
mod faults;
mod init;
mod measure;

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{AddError, Client, Policy, Reservation};
use crate::sys::bare;

const SOON: Duration = Duration::from_secs(10);

/// A and B of a procfd.
fn pair() -> (OwnedFd, OwnedFd) {
    let (a, b) = bare::socket_pair().unwrap();
    // SAFETY: just made.
    unsafe { (OwnedFd::from_raw_fd(a), OwnedFd::from_raw_fd(b)) }
}

/// A process that ends by signal only, and is killed when the test ends.
struct Sleeper(Child);

impl Sleeper {
    fn new() -> Self {
        Self(sleep("1000").spawn().unwrap())
    }

    /// One that the test may lose the right to kill: it ends with this process, which has the other end of its input.
    fn mortal(uid: u32) -> Self {
        use std::os::unix::process::CommandExt;
        let mut cat = Command::new("cat");
        cat.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(cat.uid(uid).spawn().unwrap())
    }

    fn pid(&self) -> i32 {
        self.0.id() as i32
    }

    fn pidfd(&self) -> OwnedFd {
        // SAFETY: just made.
        unsafe { OwnedFd::from_raw_fd(bare::pidfd_open(self.pid()).unwrap()) }
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
    }

    /// The signal that ended it, within a time.
    fn signal_within(&mut self, time: Duration) -> Option<i32> {
        use std::os::unix::process::ExitStatusExt;
        let end = Instant::now() + time;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.signal();
            }
            if Instant::now() > end {
                return None;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn sleep(seconds: &str) -> Command {
    let mut command = Command::new("sleep");
    // Not the pipes that a test's parent reads.
    command.arg(seconds).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A watcher and room in it. One that leaves before the reservation is reaped, and another takes its place.
fn start_and_reserve() -> (Arc<Client>, Reservation) {
    loop {
        let client = Client::start().unwrap();
        match client.reserve(&Policy::default()) {
            Ok(held) => return (client, held),
            Err(error) => assert_eq!(error, AddError::Gone),
        }
        assert!(eventually(|| {
            client.reap();
            bare::kill(client.pid(), 0).is_err()
        }));
    }
}

/// Whether A reports EPOLLHUP within a time.
fn hung_up(a: &OwnedFd, time: Duration) -> bool {
    let mut fds = [bare::PollFd { fd: a.as_raw_fd(), events: 0, revents: 0 }];
    let left = bare::Timespec::from_ns(time.as_nanos() as u64);
    bare::poll(&mut fds, Some(left)).unwrap() == 1 && fds[0].revents & bare::POLLHUP != 0
}

fn watch(client: &std::sync::Arc<Client>, b: &OwnedFd, process: &Sleeper, policy: &Policy) {
    client.add(1, b.as_fd(), process.pidfd().as_fd(), policy).unwrap();
}

fn eventually(mut done: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + SOON;
    while Instant::now() < end {
        if done() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    false
}

/// Whether a process runs; a zombie does not.
fn runs(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with(['Z', 'X'])))
}

/// Runs the test in a process of its own, for what it does to the whole process: true there.
fn in_its_own_process(test: &str) -> bool {
    const MARK: &str = "PROCFD_TEST_ALONE";
    if std::env::var(MARK).is_ok_and(|name| name == test) {
        return true;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--include-ignored", "--test-threads=1"])
        .env(MARK, test)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{test}, in a process of its own: {}\n{text}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    if let Some((_, why)) = text.split_once("SKIP: ") {
        println!("SKIP: {}", why.lines().next().unwrap());
    }
    false
}

/// `alone!(name)`: goes on in a process of its own.
macro_rules! alone {
    ($name:ident) => {
        let path = concat!(module_path!(), "::", stringify!($name));
        let test = path.split_once("::").map_or(path, |(_, rest)| rest);
        if !$crate::watch::tests::in_its_own_process(test) {
            return;
        }
    };
}
use alone;
