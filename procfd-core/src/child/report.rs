// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The record that the child keeps of its steps, where the creator can read it.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::Stage;
use crate::sys::{self, Errno};

/// The step the child is at, and the errno if it failed there. The child writes it before each step, so
/// that one that is killed tells where.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    stage: &'a AtomicU32,
    index: &'a AtomicU32,
    errno: &'a AtomicU32,
}

/// The memory of a report: the creator's own, or a page that it shares with a child of another memory.
pub(crate) type Words = [AtomicU32; 3];

impl<'a> Report<'a> {
    pub(super) fn new([stage, index, errno]: &'a Words) -> Self {
        Self { stage, index, errno }
    }

    #[inline(always)]
    pub(super) fn at(&self, stage: u32, index: u32) {
        self.stage.store(stage, Ordering::Relaxed);
        self.index.store(index, Ordering::Relaxed);
    }

    #[inline(always)]
    pub(crate) fn failed(&self, errno: Errno) {
        self.errno.store(sys::child::errno(errno), Ordering::Release);
    }

    /// Whether the program is being executed, or has been.
    #[inline(always)]
    pub(super) fn is_executing(&self) -> bool {
        self.stage.load(Ordering::Relaxed) == Stage::EXEC.as_raw() && self.errno.load(Ordering::Acquire) == 0
    }

    pub(crate) fn read(&self) -> (Stage, u32, Option<Errno>) {
        let errno = self.errno.load(Ordering::Acquire) as i32;
        let stage = Stage::from_raw(self.stage.load(Ordering::Relaxed));
        let index = self.index.load(Ordering::Relaxed);
        (stage, index, (errno != 0).then_some(Errno(errno)))
    }

    /// For the fork, whose child has memory of its own.
    pub(crate) fn to_bytes(&self) -> [u8; 12] {
        let mut out = [0; 12];
        for (to, from) in out.chunks_exact_mut(4).zip([self.stage, self.index, self.errno]) {
            to.copy_from_slice(&from.load(Ordering::Relaxed).to_ne_bytes());
        }
        out
    }

    pub(crate) fn set_from_bytes(&self, bytes: [u8; 12]) {
        for (from, to) in bytes.chunks_exact(4).zip([self.stage, self.index, self.errno]) {
            let mut word = [0; 4];
            word.copy_from_slice(from);
            to.store(u32::from_ne_bytes(word), Ordering::Relaxed);
        }
    }
}
