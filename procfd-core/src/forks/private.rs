// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! A descriptor of the library's own.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::atomic::Ordering;

use super::{GENERATION, List, Own, Procfd, clear, enter, lock};
use crate::sys::fd::Number;
use crate::sys::identity::{self, Identity};
use crate::sys::{self, OwnFd, Result};

/// A descriptor on the list.
///
/// Borrow it ([`AsFd`]) only in the call that made it; later, [`live`](Self::live).
#[derive(Debug)]
pub(crate) struct Private {
    number: Number,
    file: Identity,
    serial: u64,
    generation: u64,
}

impl Private {
    /// Above the standard streams: a program whose streams are closed puts others in their places.
    fn listed(list: &mut List, fd: OwnFd) -> Result<Self> {
        let fd = sys::fd::above_standard(fd);
        let file = Identity::of(fd.as_fd())?;
        // What it is now is what was made.
        fd.live()?;
        Self::listed_as(list, fd, file)
    }

    /// The same for a socket.
    fn socket(list: &mut List, fd: OwnFd) -> Result<Self> {
        let fd = sys::fd::above_standard(fd);
        let file =
            fd.cookie().map_or_else(|| Identity::of_socket(fd.as_fd()), |c| Ok(Identity::of_cookie(c)))?;
        Self::listed_as(list, fd, file)
    }

    fn listed_as(list: &mut List, fd: OwnFd, file: Identity) -> Result<Self> {
        list.made = list.made.wrapping_add(1);
        let serial = list.made;
        enter(&mut list.own, fd.as_raw_fd(), Own { file, serial })?;
        Ok(Self { number: Number::keep(fd), file, serial, generation: GENERATION.load(Ordering::Relaxed) })
    }

    /// A descriptor that `make` makes, under the lock of the list: `make` takes no private descriptor and drops none.
    pub(crate) fn new(make: impl FnOnce() -> Result<OwnFd>) -> Result<Self> {
        let mut held = lock();
        Self::listed(&mut held.list, make()?)
    }

    /// Lists an existing descriptor, which an earlier fork may have copied.
    pub(crate) fn adopt(fd: OwnFd) -> Result<Self> {
        Self::listed(&mut lock().list, fd)
    }

    /// Two sockets that `make` makes.
    pub(crate) fn pair(make: impl FnOnce() -> Result<(OwnFd, OwnFd)>) -> Result<(Self, Self)> {
        let mut held = lock();
        let (a, b) = make()?;
        let a = Self::socket(&mut held.list, a)?;
        let b = Self::socket(&mut held.list, b);
        // `a` takes the lock when it is dropped.
        drop(held);
        Ok((a, b?))
    }

    /// Two sockets that `make` makes, of which only the second is private.
    pub(crate) fn second(make: impl FnOnce() -> Result<(OwnFd, OwnFd)>) -> Result<(OwnFd, Self)> {
        let mut held = lock();
        let (a, b) = make()?;
        Ok((a, Self::socket(&mut held.list, b)?))
    }

    /// The same, if an object holds the first: it is on the list too, under its cookie.
    pub(crate) fn second_of_held(
        make: impl FnOnce() -> Result<(OwnFd, OwnFd)>,
    ) -> Result<((OwnFd, u64), Self)> {
        let mut locked = lock();
        let (a, b) = make()?;
        let cookie = a.cookie().map_or_else(|| sys::sock::cookie(a.as_fd()), Ok)?;
        let b = Self::socket(&mut locked.list, b);
        let entered = enter(&mut locked.list.held, a.as_raw_fd(), Procfd { cookie, pidfd: None, now: None });
        // It takes the lock when it is dropped.
        drop(locked);
        let b = b?;
        entered?;
        Ok(((a, cookie), b))
    }

    /// The descriptor, proved to be the file that was made. EBADF: the program or a fork hook has closed it.
    pub(crate) fn live(&self) -> Result<BorrowedFd<'_>> {
        if self.is_parents() {
            return Err(sys::Errno(libc::EBADF));
        }
        identity::proved(self.file, self.number.as_fd())
    }

    /// The device of its file system. `None`: a socket, or a pidfd before 6.9.
    pub(crate) fn device(&self) -> Option<u64> {
        self.file.device()
    }

    /// Whether another descriptor is of the same file.
    pub(crate) fn was(&self, other: BorrowedFd<'_>) -> bool {
        self.file.is(other)
    }

    /// Gives up the number without closing it, because it now refers to a file of the program.
    pub(crate) fn abandon(self) {
        let mut held = lock();
        if !self.is_parents() {
            clear(&mut held.list.own, self.as_fd().as_raw_fd(), |own| own.serial == self.serial);
        }
        drop(held);
        std::mem::forget(self);
    }

    /// Whether it was made before a fork, of which this is the child.
    pub(crate) fn is_parents(&self) -> bool {
        self.generation != GENERATION.load(Ordering::Relaxed)
    }
}

impl AsFd for Private {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.number.as_fd()
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let mut held = lock();
        // The fork hook has closed a parent's, and the kernel may have given the number to another file.
        if self.is_parents() {
            return;
        }
        let number = self.number.as_fd().as_raw_fd();
        // Another private file may have got the number of one that the program closed: even the same file again.
        let mut has_it = false;
        clear(&mut held.list.own, number, |own| {
            has_it = own.serial == self.serial;
            has_it
        });
        if has_it && self.file.is(self.number.as_fd()) {
            self.number.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{is_listed, numbers};
    use super::*;

    fn made() -> Private {
        Private::new(|| sys::sock::pair().map(|(a, _)| a)).unwrap()
    }

    #[test]
    fn a_number_that_became_another_file_is_neither_used_nor_closed() {
        let private = made();
        let number = private.as_fd().as_raw_fd();
        assert!(is_listed(number) && private.live().is_ok());
        let null: OwnFd = std::fs::File::open("/dev/null").unwrap().into();
        sys::fd::replace_raw(number, null.as_fd()).unwrap();
        assert!(!is_listed(number) && private.live().is_err());
        assert!(!numbers().unwrap().contains(&(number as u32)));
        drop(private);
        assert!(sys::fd::is_open(number), "the program's own");
        sys::fd::close_raw(number);
    }

    #[test]
    fn the_same_file_opened_again_at_the_same_number_stays() {
        let open = || Private::new(|| sys::fd::open_at(libc::AT_FDCWD, c"/proc", libc::O_PATH)).unwrap();
        let first = open();
        let number = first.as_fd().as_raw_fd();
        // Other threads of the tests may take the number.
        sys::fd::close_raw(number);
        let second = open();
        if second.as_fd().as_raw_fd() == number {
            drop(first);
            assert!(second.live().is_ok() && is_listed(number));
        }
    }

    #[test]
    fn what_is_abandoned_stays_open_and_is_not_listed() {
        let private = made();
        let number = private.as_fd().as_raw_fd();
        private.abandon();
        assert!(!is_listed(number) && sys::fd::is_open(number));
        sys::fd::close_raw(number);
    }

    #[test]
    fn the_list_forgets_what_is_closed() {
        let private = made();
        let number = private.as_fd().as_raw_fd();
        drop(private);
        assert!(!is_listed(number));
    }
}
