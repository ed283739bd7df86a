// SPDX-License-Identifier: MIT OR Apache-2.0

//! How a process finds out that it is a copy, without a fork handler.

use core::ptr::{NonNull, null_mut};
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use super::{Result, call};

static WORD: AtomicPtr<AtomicU64> = AtomicPtr::new(null_mut());
/// Where there is no such memory.
static ORDINARY: AtomicU64 = AtomicU64::new(0);

/// A word that the kernel sets to 0 in the child of any fork (MADV_WIPEONFORK, 4.14). This includes a clone(2) that
/// runs no hook of libc. On an older kernel the word is copied like all memory.
pub(crate) fn word() -> &'static AtomicU64 {
    let known = WORD.load(Ordering::Acquire);
    if known.is_null() {
        return first();
    }
    // SAFETY: WORD is not null, so it is a page that `first` has put there and that stays mapped for good.
    unsafe { &*known }
}

#[cold]
fn first() -> &'static AtomicU64 {
    let Ok(page) = page() else { return &ORDINARY };
    match WORD.compare_exchange(null_mut(), page.as_ptr(), Ordering::AcqRel, Ordering::Acquire) {
        // SAFETY: `page` has made the mapping; it is only shared through WORD, and stays mapped for good.
        Ok(_) => unsafe { page.as_ref() },
        Err(other) => {
            unmap(page);
            // SAFETY: `other` is not null: the page that another thread has put into WORD, mapped for good.
            unsafe { &*other }
        }
    }
}

const SIZE: usize = 4096;

fn page() -> Result<NonNull<AtomicU64>> {
    // SAFETY: without MAP_FIXED the kernel picks an unused range, so no live memory changes.
    let at = unsafe {
        call!(
            SYS_mmap,
            0,
            SIZE,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1isize,
            0
        )
    }?;
    let page = NonNull::new(at as *mut AtomicU64).ok_or(super::Errno(libc::ENOMEM))?;
    // SAFETY: the range is the mapping made above; MADV_WIPEONFORK changes its contents only in a copy.
    match unsafe { call!(SYS_madvise, at, SIZE, libc::MADV_WIPEONFORK) } {
        Ok(_) => Ok(page),
        Err(e) => {
            unmap(page);
            Err(e)
        }
    }
}

fn unmap(page: NonNull<AtomicU64>) {
    // SAFETY: the caller owes a mapping of `page` that it has not put into WORD, so no reference exists.
    let _ = unsafe { call!(SYS_munmap, page.as_ptr(), SIZE) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_the_same() {
        word().store(5, Ordering::Relaxed);
        assert_eq!(word().load(Ordering::Relaxed), 5);
        word().store(0, Ordering::Relaxed);
    }
}
