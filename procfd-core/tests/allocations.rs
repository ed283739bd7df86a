// SPDX-License-Identifier: MIT OR Apache-2.0

//! A start from a prepared context takes no memory: what the first start made is kept and shared.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use procfd::{Context, Ids, SignalSet};

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: all is the system's allocator; the count is a plain number of this thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise, handed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The allocations of one start from a copy.
fn start(template: &Context, with_procfd: bool) -> usize {
    let mut copy = template.try_clone().unwrap();
    if with_procfd {
        copy.procfd().unwrap();
    }
    let before = COUNT.get();
    let process = copy.create().unwrap();
    let count = COUNT.get() - before;
    assert!(process.wait().unwrap().is_success());
    count
}

#[test]
fn a_second_start_takes_no_memory() {
    let mut template = Context::new().unwrap();
    template.program_in_path("true").unwrap().args(["true", "a", "b"]).unwrap();
    template.env("NAME", "value").unwrap().null(0).unwrap().null(7).unwrap().dup(2, 9).unwrap();
    template.current_dir("/").unwrap().umask(0o22).unwrap().nice(3).unwrap();
    template.rlimit(7, 64, 64).unwrap().new_session().unwrap();
    template.ignored_signals(SignalSet(1)).unwrap().uid(Ids::default()).unwrap();
    // A start that changes ids may have to look into /proc, whose descriptor the library makes once and keeps.
    procfd::Process::open(std::process::id()).unwrap().open_fds().unwrap();
    let first = start(&template, false);
    assert!(first > 20, "the first prepares: {first}");
    for _ in 0..3 {
        assert_eq!(start(&template, false), 0);
    }
    template.kill_on_close(9).unwrap();
    assert!(start(&template, true) > 20, "after a change it is prepared anew");
    for _ in 0..3 {
        assert_eq!(start(&template, true), 0);
    }
    template.umask(0o27).unwrap();
    assert!(start(&template, false) > 20, "after a change it is prepared anew");
}
