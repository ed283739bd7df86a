// SPDX-License-Identifier: MIT OR Apache-2.0

//! Memory for a child: the stack that it runs on, and a page that it shares with the creator.

use std::sync::Mutex;
use std::sync::atomic::AtomicU32;

use super::{Result, call};

/// A stack for the child, with a page below it that faults.
pub(crate) struct Stack {
    base: usize,
}

/// What the child needs is a few hundred bytes, and 4 KiB where it lists its descriptors.
pub(super) const STACK: usize = 64 * 1024;
const GUARD: usize = 64 * 1024;

/// The most stacks that are kept for reuse.
const STACKS_KEPT: usize = 16;
static STACKS: Mutex<Vec<Stack>> = Mutex::new(Vec::new());

impl Stack {
    /// A kept stack, or a new one. ENOMEM.
    pub(crate) fn get() -> Result<Self> {
        // try_lock: after a fork in another thread this lock may never open again.
        let kept = STACKS.try_lock().ok().and_then(|mut kept| kept.pop());
        if let Some(stack) = kept {
            return Ok(stack);
        }
        // SAFETY: without MAP_FIXED the kernel picks an unused range, so no live memory changes.
        let base = unsafe {
            call!(
                SYS_mmap,
                0,
                GUARD + STACK,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK | libc::MAP_NORESERVE,
                -1isize,
                0
            )
        }?;
        let stack = Self { base };
        // SAFETY: the range is the upper part of the mapping just made, which no reference points into.
        unsafe { call!(SYS_mprotect, base + GUARD, STACK, libc::PROT_READ | libc::PROT_WRITE) }
            .inspect_err(|_| stack.unmap())?;
        Ok(stack)
    }

    /// Its lowest usable address. Inlined: a child asks too, for a second child.
    #[inline(always)]
    pub(super) fn bottom(&self) -> u64 {
        (self.base + GUARD) as u64
    }

    /// Keeps it for the next spawn. Only when no child runs on it any more.
    pub(crate) fn put_back(self) {
        if let Ok(mut kept) = STACKS.try_lock() {
            if kept.len() < STACKS_KEPT {
                kept.push(self);
                return;
            }
        }
        self.unmap();
    }

    fn unmap(&self) {
        // SAFETY: the range is the mapping that `get` made. The caller of `put_back` owes that no child runs
        // on it, and no reference points into it.
        let _ = unsafe { call!(SYS_munmap, self.base, GUARD + STACK) };
    }
}

/// A page of zeros that a child with a memory of its own shares with the creator.
pub(crate) struct SharedPage {
    base: usize,
}

const PAGE: usize = 4096;

impl SharedPage {
    /// ENOMEM.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: without MAP_FIXED the kernel picks an unused range, so no live memory changes.
        let base = unsafe {
            call!(
                SYS_mmap,
                0,
                PAGE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1isize,
                0
            )
        }?;
        Ok(Self { base })
    }

    /// Its first words.
    pub(crate) fn words(&self) -> &[AtomicU32; 3] {
        // SAFETY: the mapping is readable and writable, aligned, zeroed, and lives as long as `self`. All
        // processes that have it change it by atomics alone.
        unsafe { &*(self.base as *const [AtomicU32; 3]) }
    }
}

impl Drop for SharedPage {
    fn drop(&mut self) {
        // SAFETY: the range is the mapping that `new` made; what `words` lent is borrowed of `self`.
        let _ = unsafe { call!(SYS_munmap, self.base, PAGE) };
    }
}
