// SPDX-License-Identifier: MIT OR Apache-2.0

//! A creator that is killed inside `create` takes the process with it: the kernel releases its highest
//! descriptor numbers first, so each number of the fuse has to be below that of the procfd.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::ffi::CString;
use std::fs::OpenOptions;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

use procfd::Context;

/// The mark of a procfd: SO_MAX_PACING_RATE, which means nothing for such sockets.
const SO_MARK: i32 = 47;

fn option(fd: RawFd, level: i32, name: i32) -> Option<u64> {
    let (mut value, mut size) = (0u64, 8u32);
    // SAFETY: the kernel writes at most eight bytes to the word and their number beside it.
    let done = unsafe { libc::getsockopt(fd, level, name, (&raw mut value).cast(), &raw mut size) };
    (done == 0).then_some(value)
}

/// The numbers of sockets of this process: procfds, and others.
fn sockets() -> (Vec<RawFd>, Vec<RawFd>) {
    let entries = std::fs::read_dir("/proc/self/fd").unwrap();
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let sockets = numbers.filter(|fd| option(*fd, libc::SOL_SOCKET, libc::SO_TYPE).is_some());
    sockets.partition(|fd| {
        option(*fd, libc::SOL_SOCKET, SO_MARK).is_some_and(|mark| mark >> 16 == 0x7072_6f63_6664)
    })
}

#[test]
fn the_fuse_is_below_the_procfd_while_the_child_is_set_up() {
    let dir = std::env::temp_dir().join(format!("procfd-order-{}", std::process::id()));
    std::fs::create_dir(&dir).unwrap();
    let fifo = dir.join("fifo");
    let path = CString::new(fifo.as_os_str().as_bytes()).unwrap();
    // SAFETY: the path ends with a NUL.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
    let creator = {
        let fifo = fifo.clone();
        std::thread::spawn(move || {
            let mut context = Context::new().unwrap();
            context.program("/bin/true").unwrap().kill_on_close(9).unwrap();
            // The child waits here until the fifo has a writer.
            context.open_at(5, &fifo, libc::O_RDONLY, 0).unwrap();
            context.create().unwrap().wait().unwrap()
        })
    };
    let end = Instant::now() + Duration::from_secs(60);
    let (procfds, others) = loop {
        let (procfds, others) = sockets();
        // The creator sleeps in the clone once the child has the pidfd's number taken.
        let pidfd = std::fs::read_dir("/proc/self/fd").unwrap().any(|entry| {
            entry.is_ok_and(|e| {
                std::fs::read_link(e.path())
                    .is_ok_and(|to| to.as_os_str().as_bytes().starts_with(b"anon_inode:[pidfd"))
                    || std::fs::read_link(e.path())
                        .is_ok_and(|to| to.as_os_str().as_bytes().starts_with(b"pidfd:"))
            })
        });
        if !procfds.is_empty() && !others.is_empty() && pidfd {
            break (procfds, others);
        }
        assert!(Instant::now() < end, "no start was seen: {procfds:?} {others:?}");
    };
    let writer = OpenOptions::new().write(true).open(&fifo).unwrap();
    assert!(creator.join().unwrap().success());
    drop(writer);
    std::fs::remove_dir_all(&dir).unwrap();
    let (lowest, highest) = (procfds.iter().min(), others.iter().max());
    assert!(highest < lowest, "the fuse at {others:?}, the procfd at {procfds:?}");
}
