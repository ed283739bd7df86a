// SPDX-License-Identifier: MIT OR Apache-2.0

//! The allocator of the C library and of the Python module: malloc(3), and where that fails, a reserve.
//!
//! Rust's collections abort the program where an allocation fails. What a caller or the kernel decides the size of
//! is asked for by `try_reserve`, and is ENOMEM. Everything else is small, and comes from the reserve when malloc has
//! nothing left: so a call that has begun ends. A call that finds the reserve half used and malloc still without
//! memory is ENOMEM before it has done anything ([`check`]).
//!
//! The reserve takes no memory until it is used. It has no lock: a signal handler, another thread and a forked child
//! may use it. The child of PROC_CREATE allocates nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use procfd::Errno;

/// Bytes of a grain.
const GRAIN: usize = 64;
/// Grains of the reserve: 512 KiB.
const GRAINS: usize = 8192;
/// The longest allocation from the reserve, in grains: 256 KiB.
const LONGEST: usize = GRAINS / 2;

#[global_allocator]
static MEMORY: Memory = Memory;

static RESERVE: Reserve<GRAINS> = Reserve::new();

/// ENOMEM where neither malloc nor the reserve has enough for a call.
pub(crate) fn check() -> Result<(), Errno> {
    if RESERVE.used() <= GRAINS / 2 {
        return Ok(());
    }
    // Contexts that the caller has closed give back what they have.
    procfd::ffi::sweep();
    if RESERVE.used() <= GRAINS / 2 {
        return Ok(());
    }
    let mut probe = Vec::<u8>::new();
    // More than the reserve gives at once: malloc's own.
    probe.try_reserve_exact(LONGEST * GRAIN + 1).map_err(|_| Errno(libc::ENOMEM))
}

/// malloc, then the reserve.
struct Memory;

// SAFETY: each pointer comes from `System` or from the reserve, and goes back to where it came from, which its address
// tells. A block of the reserve belongs to its holder alone until it is given back. It has the length that was asked for
// and the alignment of a grain, or there is none.
unsafe impl GlobalAlloc for Memory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is that of System, too.
        let at = unsafe { System.alloc(layout) };
        if at.is_null() { RESERVE.take(layout) } else { at }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract is that of System, too.
        let mut at = unsafe { System.alloc_zeroed(layout) };
        if at.is_null() {
            at = RESERVE.take(layout);
            if !at.is_null() {
                // SAFETY: a block of at least this size, which is ours alone.
                unsafe { at.write_bytes(0, layout.size()) };
            }
        }
        at
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        match RESERVE.index_of(at) {
            Some(first) => RESERVE.give_back(first, layout.size()),
            // SAFETY: not of the reserve, so System gave it, with this layout by the caller's contract.
            None => unsafe { System.dealloc(at, layout) },
        }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let ours = RESERVE.index_of(at);
        if let (Some(first), true) = (ours, size <= layout.size()) {
            RESERVE.shorten(first, layout.size(), size);
            return at;
        }
        let is_ours = ours.is_some();
        if !is_ours {
            // SAFETY: not of the reserve, so System gave it; the rest is the caller's contract.
            let new = unsafe { System.realloc(at, layout, size) };
            if !new.is_null() {
                return new;
            }
        }
        // SAFETY: the caller's contract says that size is not 0, and fits an isize with this alignment.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: the caller's contract says that size is not 0.
        let new = if is_ours { unsafe { self.alloc(wanted) } } else { RESERVE.take(wanted) };
        if !new.is_null() {
            // SAFETY: both are as long as that, and one is new. The old one is given up by the caller.
            unsafe {
                std::ptr::copy_nonoverlapping(at, new, layout.size().min(size));
                self.dealloc(at, layout);
            }
        }
        new
    }
}

/// Grains, and which of them are taken.
struct Reserve<const N: usize> {
    taken: [AtomicU8; N],
    used: AtomicUsize,
    grains: UnsafeCell<[Grain; N]>,
}

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Grain(#[allow(dead_code, reason = "read and written by address")] [u8; GRAIN]);

// SAFETY: a grain is written only by the holder of a block that it is of, and `taken` gives each to one block alone.
unsafe impl<const N: usize> Sync for Reserve<N> {}

impl<const N: usize> Reserve<N> {
    const fn new() -> Self {
        Self {
            taken: [const { AtomicU8::new(0) }; N],
            used: AtomicUsize::new(0),
            grains: UnsafeCell::new([Grain([0; GRAIN]); N]),
        }
    }

    /// How many grains are taken.
    fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn start(&self) -> *mut u8 {
        self.grains.get().cast()
    }

    /// The first grain of a block; `None` for a pointer that is not of the reserve.
    fn index_of(&self, at: *mut u8) -> Option<usize> {
        let offset = (at as usize).wrapping_sub(self.start() as usize);
        (offset < N * GRAIN).then_some(offset / GRAIN)
    }

    /// A block, or NULL.
    #[cold]
    fn take(&self, layout: Layout) -> *mut u8 {
        let count = grains(layout.size());
        if count > LONGEST || layout.align() > GRAIN {
            return std::ptr::null_mut();
        }
        // What another thread takes and gives back while it looks may hide a place.
        match (0..4).find_map(|_| self.find(count)) {
            Some(first) => {
                self.used.fetch_add(count, Ordering::Relaxed);
                // SAFETY: inside the array: `first` and the `count` grains behind it are in `taken`, too.
                unsafe { self.start().add(first * GRAIN) }
            }
            None => std::ptr::null_mut(),
        }
    }

    /// Takes so many grains in a row.
    fn find(&self, count: usize) -> Option<usize> {
        let mut first = 0;
        loop {
            let run = self.taken.get(first..)?.get(..count)?;
            let Some(other) = run.iter().position(|grain| grain.swap(1, Ordering::Acquire) != 0) else {
                return Some(first);
            };
            run.iter().take(other).for_each(|grain| grain.store(0, Ordering::Release));
            first += other + 1;
        }
    }

    fn give_back(&self, first: usize, size: usize) {
        self.free(first, grains(size));
    }

    /// Gives back what a block of the first size has more than one of the second.
    fn shorten(&self, first: usize, from: usize, to: usize) {
        self.free(first + grains(to), grains(from) - grains(to));
    }

    fn free(&self, first: usize, count: usize) {
        self.taken.iter().skip(first).take(count).for_each(|grain| grain.store(0, Ordering::Release));
        self.used.fetch_sub(count, Ordering::Relaxed);
    }
}

fn grains(size: usize) -> usize {
    size.div_ceil(GRAIN).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(size: usize) -> Layout {
        Layout::from_size_align(size, 8).unwrap()
    }

    #[test]
    fn blocks_do_not_overlap_and_come_back() {
        static RESERVE: Reserve<64> = Reserve::new();
        let threads: Vec<_> = (1..5usize)
            .map(|n| {
                std::thread::spawn(move || {
                    for round in 0..5000 {
                        let size = 1 + (round * 7 + n * 31) % 500;
                        let at = RESERVE.take(layout(size));
                        if at.is_null() {
                            continue;
                        }
                        // SAFETY: a block of this size, which is this thread's alone.
                        let block = unsafe {
                            at.write_bytes(n as u8, size);
                            std::thread::yield_now();
                            std::slice::from_raw_parts(at, size)
                        };
                        assert!(block.iter().all(|&byte| byte == n as u8));
                        RESERVE.give_back(RESERVE.index_of(at).unwrap(), size);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(RESERVE.used(), 0);
        assert!(!RESERVE.take(layout(64 * 64)).is_null());
        assert!(RESERVE.take(layout(1)).is_null());
    }

    #[test]
    fn what_it_does_not_give() {
        static RESERVE: Reserve<8192> = Reserve::new();
        assert!(RESERVE.take(layout(LONGEST * GRAIN + 1)).is_null());
        assert!(RESERVE.take(Layout::from_size_align(8, 4096).unwrap()).is_null());
        assert_eq!(RESERVE.index_of(std::ptr::null_mut()), None);
        let first = RESERVE.take(layout(0));
        let second = RESERVE.take(layout(65));
        assert_eq!((second as usize) - (first as usize), GRAIN);
        assert_eq!(RESERVE.index_of(second), Some(1));
        assert_eq!(RESERVE.used(), 3);
        RESERVE.shorten(1, 65, 64);
        assert_eq!(RESERVE.used(), 2);
        assert_eq!(RESERVE.index_of(RESERVE.take(layout(1))), Some(2));
    }
}
