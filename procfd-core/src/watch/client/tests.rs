// SPDX-License-Identifier: MIT OR Apache-2.0
#![allow(clippy::unwrap_used, reason = "tests")]

//! A socket of the program under the number of the control socket: another thread may put it there between the proof
//! of the number and the call that takes the answer.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{AddError, Client, Policy};
use crate::forks::Private;
use crate::sys::bare::{self, EPROTO};
use crate::sys::{self, sock};
use crate::watch::proto::{self, Reply};

/// A client whose control socket is another one, and the peer of that.
fn taken() -> (Client, OwnedFd) {
    let (control, peer) = sock::pair().unwrap();
    let client = Client {
        control: Private::adopt(control).unwrap(),
        adopted: None,
        pid: 0,
        creator: bare::getpid(),
        uids: bare::user_ids(),
        no_signals: false,
        credit: AtomicU32::new(0),
        asking: Mutex::new(()),
    };
    (client, peer.into())
}

/// What the client takes these bytes for. No descriptor that comes with them is left: all ends of a pipe for writing
/// are closed.
fn leaves_none(client: &Client, peer: &OwnedFd, bytes: &[u8]) -> Result<u32, AddError> {
    let (read, write) = sys::fd::pipe().unwrap();
    let mut read = File::from(OwnedFd::from(read));
    bare::send(peer.as_raw_fd(), bytes, &[write.as_raw_fd(); 2]).unwrap();
    drop(write);
    let reply = client.take_reply();
    let mut fds = [bare::PollFd { fd: read.as_raw_fd(), events: 0, revents: 0 }];
    assert_eq!(bare::poll(&mut fds, Some(bare::Timespec::default())), Ok(1), "a descriptor is open");
    assert_eq!(read.read(&mut [0]).unwrap(), 0);
    reply.map(|reply| reply.grant)
}

#[test]
fn the_descriptors_of_what_is_no_answer_are_closed() {
    let (client, peer) = taken();
    assert_eq!(leaves_none(&client, &peer, b"of the program").unwrap_err(), AddError::Failed(EPROTO.0));
    // Without a byte.
    assert_eq!(leaves_none(&client, &peer, b"").unwrap_err(), AddError::Gone);
    assert_eq!(leaves_none(&client, &peer, &[7; Reply::SIZE]).unwrap_err(), AddError::Failed(EPROTO.0));
}

#[test]
fn the_descriptors_of_what_looks_like_an_answer_are_closed() {
    let (client, peer) = taken();
    let reply = Reply { magic: proto::MAGIC, grant: 3, ..Reply::default() };
    assert_eq!(leaves_none(&client, &peer, &reply.to_bytes()).unwrap(), 3);
}

/// What was given under numbers that another thread has taken meanwhile.
#[test]
fn what_is_forgotten_is_watched_no_more() {
    let client = Client::start().unwrap();
    let (a, b) = sock::pair().unwrap();
    let mut process = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    let pidfd = sys::pidfd::open(process.id() as i32).unwrap();
    let credit = || client.credit.load(Ordering::Relaxed);
    let before = credit();
    client.add(1, b.as_fd(), pidfd.as_fd(), &Policy { first: 9, ..Policy::default() }).unwrap();
    assert_eq!((credit(), client.counts().unwrap()), (before - 1, (1, 0)));
    client.forget(1);
    assert_eq!((credit(), client.counts().unwrap()), (before, (0, 0)));
    // The last close is none of its business.
    drop((a, b));
    assert_eq!(client.counts().unwrap(), (0, 0));
    assert!(process.try_wait().unwrap().is_none());
    process.kill().unwrap();
    process.wait().unwrap();
}
