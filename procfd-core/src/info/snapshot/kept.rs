// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The descriptors that a snapshot keeps from one time to the next, by the pid of their process.

use std::hash::{BuildHasherDefault, Hasher};
use std::os::fd::{AsFd, AsRawFd};

use crate::forks::Private;
use crate::info::of_number::Files;

/// The kernel chooses the pids, so a table of them needs no protection against chosen keys.
pub(super) type ByNumber = BuildHasherDefault<Number>;

#[derive(Default)]
pub(super) struct Number(u64);

impl Hasher for Number {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u32(u32::from(byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        // Spread over all bits, the high ones too, which the table reads first (2^64 / golden ratio).
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// The descriptors that a snapshot keeps for one process.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) held: Held,
    pub(super) round: u64,
}

#[derive(Debug)]
pub(super) enum Held {
    Pidfd(Private),
    /// The files that answer all.
    Files(Files),
}

impl Held {
    /// Whether its numbers are below this.
    pub(super) fn is_below(&self, room: usize) -> bool {
        match self {
            Self::Pidfd(pidfd) => is_below(pidfd, room),
            Self::Files(files) => files.all(|file| is_below(file, room)),
        }
    }
}

fn is_below(fd: &Private, room: usize) -> bool {
    usize::try_from(fd.as_fd().as_raw_fd()).is_ok_and(|number| number < room)
}
