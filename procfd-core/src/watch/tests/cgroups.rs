// SPDX-License-Identifier: MIT OR Apache-2.0

//! Cgroups that were made for one process each.

use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;
use std::sync::Arc;

use super::super::{Client, Policy};
use super::{SOON, Sleeper, eventually, hung_up, pair, runs};
use crate::leaves::Leaf;
use crate::sys::bare;

/// A cgroup with one process in it.
struct Cgroup {
    leaf: Arc<Leaf>,
    path: PathBuf,
    process: Sleeper,
}

impl Cgroup {
    /// `None`, and the test is skipped: this user has no cgroup v2 that can be divided.
    fn new() -> Option<Self> {
        let made = Self::try_new();
        if made.is_none() {
            println!("SKIP: no cgroup v2 that this user may divide");
        }
        made
    }

    fn try_new() -> Option<Self> {
        let text = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let line = text.lines().find(|line| line.contains(" - cgroup2 "))?;
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
        let parent = PathBuf::from(line.split(' ').nth(4)?).join(own);
        let leaf = Leaf::make(fs::File::open(&parent).ok()?.into(), None).ok()?;
        let path = parent.join(leaf.name().to_str().ok()?);
        let process = Sleeper::new();
        fs::write(path.join("cgroup.procs"), process.pid().to_string()).ok()?;
        Some(Self { leaf: Arc::new(leaf), path, process })
    }

    /// A watcher that has the cgroup alone, and no client any more.
    fn lost_by_its_client(&self) -> Arc<Client> {
        let client = Client::start().unwrap();
        let mut room = client.reserve(&Policy::default()).unwrap();
        room.give_leaf(1, &self.leaf).unwrap();
        lose(&client);
        assert!(runs(client.pid()));
        client
    }

    fn says(&self, line: &str) -> bool {
        fs::read_to_string(self.path.join("cgroup.events")).is_ok_and(|text| text.lines().any(|l| l == line))
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        self.process.kill();
        let _ = self.process.0.wait();
        eventually(|| fs::remove_dir(&self.path).is_ok() || !self.path.exists());
    }
}

/// Ends the client for the watcher, as its death would: what it has begun is not taken back. Waits until the watcher
/// has seen it.
fn lose(client: &Client) {
    let control = client.descriptors().next().unwrap().as_raw_fd();
    bare::shutdown(control).unwrap();
    let number = format!("/proc/{}/fd/0", client.pid());
    assert!(eventually(|| fs::read_link(&number).is_err()));
}

#[test]
fn it_is_removed_when_the_process_has_ended() {
    let Some(mut cgroup) = Cgroup::new() else { return };
    let client = Client::start().unwrap();
    let (a, b) = pair();
    let pidfd = cgroup.process.pidfd();
    client.add_in(1, b.as_fd(), pidfd.as_fd(), &Policy::default(), Some(&cgroup.leaf)).unwrap();
    cgroup.process.kill();
    assert!(hung_up(&a, SOON));
    assert!(eventually(|| !cgroup.path.exists()));
}

#[test]
fn it_is_removed_though_its_process_never_came() {
    let Some(mut cgroup) = Cgroup::new() else { return };
    let client = cgroup.lost_by_its_client();
    cgroup.process.kill();
    assert!(eventually(|| !cgroup.path.exists() && !runs(client.pid())));
}

/// The kernel drops an event that comes within 10 ms of another one if the cgroup goes meanwhile.
#[test]
fn a_watcher_ends_though_it_missed_the_event() {
    let Some(mut cgroup) = Cgroup::new() else { return };
    let client = cgroup.lost_by_its_client();
    // An event that changes nothing, the end of the process, and the removal that a successor does.
    fs::write(cgroup.path.join("cgroup.freeze"), "1").unwrap();
    assert!(eventually(|| cgroup.says("frozen 1")));
    cgroup.process.kill();
    cgroup.process.0.wait().unwrap();
    while cgroup.path.exists() {
        let _ = fs::remove_dir(&cgroup.path);
    }
    assert!(eventually(|| !runs(client.pid())));
}
