// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What a context keeps for descriptors of the child: ends of pipes, until the start, and bytes, of which the child
//! makes a file.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use std::sync::Arc;

use crate::child::{List, Slot};
use crate::sys::{self, OwnFd, fd::Number};

/// The file's name for memfd_create(2).
const NAME: &std::ffi::CStr = c"procfd-data";
const MFD_ALLOW_SEALING: u32 = 2;
/// Since Linux 6.3; it allows sealing too.
const MFD_NOEXEC_SEAL: u32 = 8;
/// Seal, shrink, grow, write.
const SEALS: u32 = 0xf;

/// The pipes of a context.
#[derive(Clone, Debug, Default)]
pub(super) struct Pipes {
    /// Of the next pipe, in bytes; 0: the kernel's default.
    pub(super) size: i32,
    /// The child's ends, until the start.
    pub(super) ends: Vec<Arc<End>>,
}

/// The child's end of a pipe or terminal, or another descriptor for the child. A program may close its number, and the
/// kernel give it away.
#[derive(Debug)]
pub(super) struct End {
    number: Number,
    was: (u64, u64, i32),
}

impl End {
    pub(super) fn new(fd: OwnFd) -> sys::Result<Self> {
        let was = identity(&fd)?;
        // What it is now is what was made.
        fd.live()?;
        Ok(Self { number: Number::keep(fd), was })
    }

    pub(super) fn number(&self) -> RawFd {
        self.number.as_fd().as_raw_fd()
    }

    pub(super) fn is_there(&self) -> bool {
        identity(&self.number).is_ok_and(|is| is == self.was)
    }
}

impl AsFd for End {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.number.as_fd()
    }
}

impl Drop for End {
    fn drop(&mut self) {
        if self.is_there() {
            self.number.close();
        }
    }
}

/// The file, and which of the two ends. The file is asked last: it tells more.
fn identity(fd: &impl AsFd) -> sys::Result<(u64, u64, i32)> {
    let flags = sys::fd::flags(fd.as_fd())?;
    let (device, inode) = sys::fd::device_and_inode(fd.as_fd())?;
    Ok((device, inode, flags & libc::O_ACCMODE))
}

impl Pipes {
    /// After the start the process has its own: a pipe whose end stayed open here would never end.
    pub(super) fn let_go(&mut self) {
        self.ends.clear();
    }

    /// Whether the number is still the child's end of a pipe.
    pub(super) fn has(&self, number: RawFd) -> bool {
        self.ends.iter().any(|end| end.number() == number && end.is_there())
    }
}

/// Makes the file in the child. Its table is its own here, so no close-on-exec is needed.
pub(super) fn data(list: &mut List, target: RawFd, bytes: &[u8]) {
    list.close(target).or_not();
    list.memfd_create(NAME, MFD_NOEXEC_SEAL).into(Slot::A).or_else(1);
    list.memfd_create(NAME, MFD_ALLOW_SEALING).into(Slot::A);
    if !bytes.is_empty() {
        // With its memory there, the write is whole. It does not move the offset.
        list.allocate(Slot::A, bytes.len());
        list.write_at_start(Slot::A, bytes);
    }
    list.add_seals(Slot::A, SEALS);
    list.place(Slot::A, target);
}
