// SPDX-License-Identifier: MIT OR Apache-2.0
#![allow(clippy::unwrap_used, reason = "tests")]

//! A socket of the program under the number of the control socket: another thread may put it there between the proof
//! of the number and the call that takes the answer.

use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;

use super::{AddError, Client};
use crate::forks::Private;
use crate::sys::bare::{self, EPROTO};
use crate::sys::sock;
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
    let (mut read, write) = std::io::pipe().unwrap();
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
