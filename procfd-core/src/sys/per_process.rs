// SPDX-License-Identifier: MIT OR Apache-2.0

//! State of one process, which its forked copies do not share: each begins with a fresh one.

use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

struct Of<T> {
    generation: u64,
    value: T,
}

/// A value for each generation of forks.
///
/// The copy leaves its parent's value where it is: another thread may have been changing it, and a lock in it
/// may never open again. So no fork hook takes a lock for it.
pub(crate) struct PerProcess<T>(AtomicPtr<Of<T>>);

impl<T: Default + Send + Sync + 'static> PerProcess<T> {
    pub(crate) const fn new() -> Self {
        Self(AtomicPtr::new(null_mut()))
    }

    /// The value of this process. `generation` differs between a process and its copies.
    pub(crate) fn get(&self, generation: u64) -> &'static T {
        let known = self.0.load(Ordering::Acquire);
        // SAFETY: only this function stores into the pointer, and only a box that it has leaked: what is not
        // null stays allocated, and nothing has a `&mut` to it.
        match unsafe { known.as_ref() } {
            Some(of) if of.generation == generation => &of.value,
            _ => self.replace(known, generation),
        }
    }

    #[cold]
    fn replace(&self, known: *mut Of<T>, generation: u64) -> &'static T {
        let new = Box::into_raw(Box::new(Of { generation, value: T::default() }));
        match self.0.compare_exchange(known, new, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: `new` is the box made above, which is leaked now that it is in the pointer.
            Ok(_) => unsafe { &(*new).value },
            Err(_) => {
                // SAFETY: `new` is the box made above, which nothing else has seen.
                drop(unsafe { Box::from_raw(new) });
                self.get(generation)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn each_generation_has_its_own() {
        static VALUE: PerProcess<Mutex<u32>> = PerProcess::new();
        *VALUE.get(1).lock().unwrap() = 7;
        assert_eq!(*VALUE.get(1).lock().unwrap(), 7);
        let held = VALUE.get(1).lock().unwrap();
        assert_eq!(*VALUE.get(2).lock().unwrap(), 0, "a lock that is held is not waited for");
        drop(held);
    }
}
