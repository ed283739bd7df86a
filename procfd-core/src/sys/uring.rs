// SPDX-License-Identifier: MIT OR Apache-2.0

//! `waitid` with a timeout, and of many at once, by io_uring (`IORING_OP_WAITID`, 6.7).
//!
//! A stop makes no descriptor readable and `waitid` takes no timeout; this is the one way the kernel
//! has to wait for it with one, short of signals, threads and polling.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use std::sync::atomic::{AtomicU32, Ordering};

use super::fd::own;
use super::{Errno, OwnFd, Result, Timespec, call};

const OP_WAITID: u8 = 50;
const OFF_SQ_RING: usize = 0;
const OFF_SQES: usize = 0x1000_0000;
const ENTER_GETEVENTS: u32 = 1;
const ENTER_EXT_ARG: u32 = 8;
const FEAT_SINGLE_MMAP: u32 = 1;
const FEAT_EXT_ARG: u32 = 1 << 8;

/// `struct io_uring_params` (linux/io_uring.h).
#[repr(C)]
#[derive(Default)]
struct Params {
    sq_entries: u32,
    cq_entries: u32,
    flags: u32,
    sq_thread_cpu: u32,
    sq_thread_idle: u32,
    features: u32,
    wq_fd: u32,
    resv: [u32; 3],
    sq: Offsets,
    cq: Offsets,
}

/// `struct io_sqring_offsets` and `io_cqring_offsets`; the seventh is the array of the one and the
/// flags of the other, `cqes` of the other is the sixth.
#[repr(C)]
#[derive(Default)]
struct Offsets {
    head: u32,
    tail: u32,
    ring_mask: u32,
    ring_entries: u32,
    flags_or_overflow: u32,
    dropped_or_cqes: u32,
    array_or_flags: u32,
    resv: u32,
    user_addr: u64,
}

/// `struct io_uring_sqe`, as far as a waitid uses it.
#[repr(C)]
#[derive(Default)]
struct Entry {
    opcode: u8,
    flags: u8,
    ioprio: u16,
    fd: i32,
    info: u64,
    addr: u64,
    which: u32,
    op_flags: u32,
    user_data: u64,
    buf_index: u16,
    personality: u16,
    options: u32,
    addr3: u64,
    pad: u64,
}

const _: () = {
    assert!(size_of::<Params>() == 120);
    assert!(size_of::<Entry>() == 64);
};

/// `struct io_uring_getevents_arg`.
#[repr(C)]
struct GetEvents {
    sigmask: u64,
    sigmask_size: u32,
    min_wait_usec: u32,
    timeout: u64,
}

struct Mapping {
    at: usize,
    len: usize,
}

impl Mapping {
    fn new(fd: BorrowedFd<'_>, len: usize, offset: usize) -> Result<Self> {
        // SAFETY: without MAP_FIXED the kernel picks an unused range, so no live memory changes.
        let at = unsafe {
            call!(
                SYS_mmap,
                0,
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_POPULATE,
                fd.as_raw_fd(),
                offset
            )
        }?;
        Ok(Self { at, len })
    }

    /// A counter of the ring.
    fn counter(&self, offset: u32) -> &AtomicU32 {
        // SAFETY: the kernel gave the offset, of an aligned word inside the mapping, which lives as
        // long as the reference and which both sides access atomically.
        unsafe { &*((self.at + offset as usize) as *const AtomicU32) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping made in `new`; references to it borrow it.
        let _ = unsafe { call!(SYS_munmap, self.at, self.len) };
    }
}

/// Waits until `waitid(P_PIDFD, pidfd, options)` has something to report, which it leaves there.
/// ETIME: nothing within `timeout`; EINTR; EOPNOTSUPP: this kernel or policy has no such operation.
pub(crate) fn wait(pidfd: BorrowedFd<'_>, options: i32, timeout: Timespec) -> Result<()> {
    let mut ring = Waitids::new(1)?;
    ring.submit(&[(pidfd, options)])?;
    let arg = GetEvents { sigmask: 0, sigmask_size: 0, min_wait_usec: 0, timeout: &raw const timeout as u64 };
    let flags = ENTER_GETEVENTS | ENTER_EXT_ARG;
    // SAFETY: the kernel reads `arg` and the timeout that it points to, both on this frame; no mask.
    let entered = unsafe {
        call!(SYS_io_uring_enter, ring.fd.as_raw_fd(), 0, 1, flags, &raw const arg, size_of::<GetEvents>())
    };
    match (ring.take(), entered) {
        (Some(0..), _) => Ok(()),
        // An unknown operation.
        (Some(r), _) if r == -libc::EINVAL => Err(Errno(libc::EOPNOTSUPP)),
        (Some(r), _) => Err(Errno(r.wrapping_neg())),
        (None, Err(e)) => Err(e),
        (None, Ok(_)) => Err(Errno(libc::EINTR)),
    }
}

/// `waitid` of many at once, on a ring that becomes readable when one of them has something to
/// report. Nothing is taken: another call has to ask what it is.
pub(crate) struct Waitids {
    fd: OwnFd,
    rings: Mapping,
    entries: Mapping,
    params: Params,
}

/// Entries of one submission; more of them go one after another.
const BATCH: usize = 256;

impl Waitids {
    /// A ring for so many. EOPNOTSUPP: this kernel or policy has none.
    pub(crate) fn new(many: usize) -> Result<Self> {
        let mut params = Params::default();
        // SAFETY: the kernel reads and writes one `struct io_uring_params`: `params` on this frame.
        let fd: OwnFd =
            unsafe { call!(SYS_io_uring_setup, many.clamp(1, BATCH).next_power_of_two(), &raw mut params) }
                .map(own)
                .map_err(|e| match e.0 {
                    libc::EMFILE | libc::ENFILE | libc::ENOMEM => e,
                    _ => Errno(libc::EOPNOTSUPP),
                })?;
        // With EXT_ARG (5.11) completions beyond the ring are kept, too (NODROP, 5.5).
        if params.features & FEAT_SINGLE_MMAP == 0 || params.features & FEAT_EXT_ARG == 0 {
            return Err(Errno(libc::EOPNOTSUPP));
        }
        let sq_len = params.sq.array_or_flags as usize + 4 * params.sq_entries as usize;
        let cq_len = params.cq.dropped_or_cqes as usize + 16 * params.cq_entries as usize;
        let rings = Mapping::new(fd.as_fd(), sq_len.max(cq_len), OFF_SQ_RING)?;
        let entries = Mapping::new(fd.as_fd(), 64 * params.sq_entries as usize, OFF_SQES)?;
        Ok(Self { fd, rings, entries, params })
    }

    /// Starts to wait for all of them, each with its options of waitid(2).
    pub(crate) fn submit(&mut self, pidfds: &[(BorrowedFd<'_>, i32)]) -> Result<()> {
        let room = (self.params.sq_entries as usize).min(BATCH);
        for batch in pidfds.chunks(room) {
            for (i, (pidfd, options)) in batch.iter().enumerate() {
                let entry = Entry {
                    opcode: OP_WAITID,
                    fd: pidfd.as_raw_fd(),
                    which: libc::P_PIDFD,
                    options: (*options | libc::WNOWAIT | libc::__WALL) as u32,
                    ..Entry::default()
                };
                // SAFETY: inside the mapping, which has room for `room`, and the kernel has taken
                // all that was submitted before.
                unsafe { (self.entries.at as *mut Entry).add(i).write(entry) };
            }
            self.hand_over(batch.len() as u32)?;
        }
        Ok(())
    }

    /// Submits the first entries of the array, whose place in the ring the tail decides.
    fn hand_over(&self, many: u32) -> Result<()> {
        let tail = self.rings.counter(self.params.sq.tail);
        let mask = self.rings.counter(self.params.sq.ring_mask).load(Ordering::Relaxed);
        let from = tail.load(Ordering::Relaxed);
        // The array is a ring too: entry i has to stand where the tail is.
        for i in 0..many {
            let at = from.wrapping_add(i) & mask;
            self.rings.counter(self.params.sq.array_or_flags + 4 * at).store(i, Ordering::Relaxed);
        }
        tail.store(from.wrapping_add(many), Ordering::Release);
        let mut left = many;
        while left > 0 {
            // SAFETY: the arguments are numbers, and NULL. The entries that the kernel takes from the ring are
            // whole, and a waitid without a siginfo points to nothing.
            match unsafe { call!(SYS_io_uring_enter, self.fd.as_raw_fd(), left, 0, 0, 0, 0) } {
                Ok(0) => return Err(Errno(libc::EAGAIN)),
                Ok(taken) => left = left.saturating_sub(taken as u32),
                Err(Errno(libc::EINTR)) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// The result of the next completion, if there is one.
    pub(crate) fn take(&mut self) -> Option<i32> {
        let head = self.rings.counter(self.params.cq.head);
        let at = head.load(Ordering::Relaxed);
        if self.rings.counter(self.params.cq.tail).load(Ordering::Acquire) == at {
            return None;
        }
        let mask = self.rings.counter(self.params.cq.ring_mask).load(Ordering::Relaxed);
        let cqe = self.params.cq.dropped_or_cqes as usize + 16 * (at & mask) as usize;
        // SAFETY: inside the mapping, and whole since the tail was read: `user_data`, then `res`.
        let result = unsafe { ((self.rings.at + cqe + 8) as *const i32).read() };
        head.store(at.wrapping_add(1), Ordering::Release);
        Some(result)
    }
}

impl AsFd for Waitids {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Waitids {
    fn drop(&mut self) {
        cancel(self.fd.as_fd());
    }
}

/// Ends what is pending and waits for that: closing the ring alone would do it some time later.
fn cancel(ring: BorrowedFd<'_>) {
    /// `struct io_uring_sync_cancel_reg`; any request.
    #[repr(C)]
    struct SyncCancel {
        addr: u64,
        fd: i32,
        flags: u32,
        timeout: Timespec,
        opcode: u8,
        pad: [u8; 7],
        pad2: [u64; 3],
    }
    const REGISTER_SYNC_CANCEL: u32 = 24;
    const CANCEL_ALL_ANY: u32 = 1 | 4;
    let request = SyncCancel {
        addr: 0,
        fd: -1,
        flags: CANCEL_ALL_ANY,
        timeout: Timespec { sec: -1, nsec: -1 },
        opcode: 0,
        pad: [0; 7],
        pad2: [0; 3],
    };
    // SAFETY: the kernel (6.0) reads one `struct io_uring_sync_cancel_reg`: `request` on this frame.
    let _ = unsafe {
        call!(SYS_io_uring_register, ring.as_raw_fd(), REGISTER_SYNC_CANCEL, &raw const request, 1)
    };
}
