// SPDX-License-Identifier: MIT OR Apache-2.0

//! An array in a mapping of its own, which grows and shrinks by pages.

use super::Result;
use super::memory::{map, remap};

const PAGE: usize = 4096;

/// An array of `T` without an allocator. Entries below `used` hold values; the rest is room.
pub(crate) struct Pages<T: Copy> {
    at: *mut T,
    pages: usize,
    used: usize,
}

impl<T: Copy> Pages<T> {
    /// Entries in a page.
    const PER_PAGE: usize = {
        assert!(size_of::<T>() > 0 && PAGE % align_of::<T>() == 0);
        PAGE / size_of::<T>()
    };

    /// Room of one page. ENOMEM.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { at: map(PAGE)?.cast(), pages: 1, used: 0 })
    }

    /// The pages that so many entries need, at least one.
    pub(crate) const fn pages_for(entries: usize) -> usize {
        let pages = entries.div_ceil(Self::PER_PAGE);
        if pages > 0 { pages } else { 1 }
    }

    /// The pages there are.
    pub(crate) const fn pages(&self) -> usize {
        self.pages
    }

    /// The entries that hold a value.
    pub(crate) const fn len(&self) -> usize {
        self.used
    }

    /// Gives the array so many pages; entries behind them are dropped. ENOMEM.
    pub(crate) fn resize(&mut self, pages: usize) -> Result<()> {
        // SAFETY: `at` and `pages` are the mapping that `new` or the last `resize` made. References
        // into it borrow `self`, which this function has for itself.
        let at = unsafe { remap(self.at.cast(), self.pages * PAGE, pages * PAGE) }?;
        self.at = at.cast();
        self.pages = pages;
        let room = pages * Self::PER_PAGE;
        if self.used > room {
            self.used = room;
        }
        Ok(())
    }

    /// Writes an entry that holds a value, or the first that does not. False where there is no room.
    pub(crate) fn write(&mut self, index: usize, value: T) -> bool {
        if index > self.used || index >= self.pages * Self::PER_PAGE {
            return false;
        }
        // SAFETY: `index` is below the entries that the mapping has room for.
        unsafe { self.at.add(index).write(value) };
        if index == self.used {
            self.used += 1;
        }
        true
    }

    /// An entry that holds a value.
    pub(crate) fn get(&mut self, index: usize) -> Option<&mut T> {
        if index < self.used {
            // SAFETY: entries below `used` lie in the mapping and were written by `write`; the reference
            // borrows `self`.
            Some(unsafe { &mut *self.at.add(index) })
        } else {
            None
        }
    }

    /// Makes all entries room again.
    pub(crate) fn clear(&mut self) {
        self.used = 0;
    }
}
