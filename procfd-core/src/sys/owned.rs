// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Descriptors that an object of the caller's owns for long.
//!
//! A program closes numbers that are not its own (closefrom(3), a double close), and the kernel gives them to other
//! files. An `OwnFd` closes such a file, and a debug build aborts where the number is free. So an object closes its
//! number only after a proof: the number is still the file that the object got.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use std::sync::atomic::{AtomicBool, Ordering};

use super::OwnFd;
use super::fd::{self, Number};
use super::identity::Identity;

/// A descriptor with its proof. Dropping it leaves it open.
#[derive(Debug)]
pub(crate) struct Proved {
    number: Number,
    /// `None`: a filter of system calls refuses the question. The number is then closed unproved.
    file: Option<Identity>,
}

impl Proved {
    pub(crate) fn new(fd: OwnFd) -> Self {
        let file = Identity::of(fd.as_fd()).ok();
        Self { number: Number::keep(fd), file }
    }

    /// A socket, whose cookie the caller knows.
    pub(crate) fn socket(fd: OwnFd, cookie: u64) -> Self {
        Self { number: Number::keep(fd), file: Some(Identity::of_cookie(cookie)) }
    }

    /// The cookie of a socket.
    pub(crate) fn cookie(&self) -> Option<u64> {
        self.file.and_then(Identity::cookie)
    }

    /// Whether it is still the file that it was, or what a fork put in its place.
    fn is_there(&self, now: Option<Identity>) -> bool {
        now.or(self.file).is_none_or(|file| file.is(self.as_fd()))
    }

    /// Closes it, if it is still the file that it was, or what a fork put in its place. Nothing may use it afterwards.
    pub(crate) fn close_as(&self, now: Option<Identity>) {
        if self.is_there(now) {
            self.number.close();
        }
    }
}

impl AsFd for Proved {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.number.as_fd()
    }
}

/// A descriptor that is closed, or handed on, when this is dropped.
#[derive(Debug)]
pub(crate) struct Owned {
    fd: Proved,
    /// Who gets it at the end; `None`: it is closed.
    to: Option<fn(OwnFd)>,
    closes: AtomicBool,
}

impl Owned {
    pub(crate) fn new(fd: OwnFd, to: Option<fn(OwnFd)>) -> Self {
        Self { fd: Proved::new(fd), to, closes: AtomicBool::new(false) }
    }

    /// Another than before gets it.
    pub(crate) fn hand_to(&mut self, to: Option<fn(OwnFd)>) {
        self.to = to;
    }

    /// Nothing is left to do with it: the end closes it.
    pub(crate) fn keep_from_all(&self) {
        self.closes.store(true, Ordering::Relaxed);
    }

    /// The descriptor, whatever it is by now: the caller owns it.
    pub(crate) fn into_fd(self) -> OwnFd {
        let fd = fd::taken(self.as_fd().as_raw_fd());
        std::mem::forget(self);
        fd
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        match self.to {
            Some(to) if !self.closes.load(Ordering::Relaxed) && self.fd.is_there(None) => {
                to(fd::taken(self.as_fd().as_raw_fd()));
            }
            Some(_) | None => self.fd.close_as(None),
        }
    }
}

impl AsFd for Owned {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{pidfd, task};
    use super::*;

    fn own_pidfd() -> OwnFd {
        pidfd::open(task::pid()).unwrap()
    }

    #[test]
    fn a_number_that_became_another_file_is_neither_closed_nor_handed_on() {
        let unreachable: fn(OwnFd) = |_| unreachable!("the number is another file");
        for owned in [Owned::new(own_pidfd(), None), Owned::new(own_pidfd(), Some(unreachable))] {
            let number = owned.as_fd().as_raw_fd();
            let null: OwnFd = std::fs::File::open("/dev/null").unwrap().into();
            fd::replace_raw(number, null.as_fd()).unwrap();
            drop(owned);
            assert!(fd::is_open(number));
            fd::close_raw(number);
        }
    }

    #[test]
    fn what_a_fork_has_put_there_is_closed_and_nothing_else() {
        for is_told in [true, false] {
            let proved = Proved::new(own_pidfd());
            let number = proved.as_fd().as_raw_fd();
            // No other test has this file.
            let (reader, _writer) = fd::pipe().unwrap();
            fd::replace_raw(number, reader.as_fd()).unwrap();
            let now = Identity::of(reader.as_fd()).unwrap();
            proved.close_as(is_told.then_some(now));
            assert_eq!(now.is(proved.as_fd()), !is_told);
            if !is_told {
                fd::close_raw(number);
            }
        }
    }

    #[test]
    fn a_socket_keeps_its_cookie() {
        let (one, other) = super::super::sock::pair().unwrap();
        let cookie = super::super::sock::cookie(one.as_fd()).unwrap();
        let proved = Proved::socket(one, cookie);
        assert_eq!(proved.cookie(), Some(cookie));
        proved.close_as(None);
        let proved = Proved::new(own_pidfd());
        assert_eq!(proved.cookie(), None);
        proved.close_as(None);
        drop(other);
    }

    #[test]
    fn the_next_owner_gets_what_is_not_kept_from_all() {
        static GIVEN: AtomicBool = AtomicBool::new(false);
        for kept in [true, false] {
            let owned = Owned::new(own_pidfd(), Some(|_| GIVEN.store(true, Ordering::Relaxed)));
            if kept {
                owned.keep_from_all();
            }
            drop(owned);
            assert_eq!(GIVEN.load(Ordering::Relaxed), !kept);
        }
    }
}
