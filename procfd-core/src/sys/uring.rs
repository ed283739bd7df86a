// SPDX-License-Identifier: MIT OR Apache-2.0

//! One `waitid` with a timeout, by io_uring (`IORING_OP_WAITID`, 6.7).
//!
//! A stop makes no descriptor readable and `waitid` takes no timeout; this is the one way the kernel
//! has to wait for it with one, short of signals, threads and polling.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

use super::fd::own;
use super::{Errno, Result, Timespec, call};

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
        // SAFETY: a new shared mapping of the ring.
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
    let mut params = Params::default();
    // SAFETY: the kernel fills the structure.
    let ring: OwnedFd =
        unsafe { call!(SYS_io_uring_setup, 1, &raw mut params) }.map(own).map_err(|e| match e.0 {
            libc::EMFILE | libc::ENFILE | libc::ENOMEM => e,
            _ => Errno(libc::EOPNOTSUPP),
        })?;
    if params.features & FEAT_SINGLE_MMAP == 0 || params.features & FEAT_EXT_ARG == 0 {
        return Err(Errno(libc::EOPNOTSUPP));
    }
    let sq_len = params.sq.array_or_flags as usize + 4 * params.sq_entries as usize;
    let cq_len = params.cq.dropped_or_cqes as usize + 16 * params.cq_entries as usize;
    let rings = Mapping::new(ring.as_fd(), sq_len.max(cq_len), OFF_SQ_RING)?;
    let entries = Mapping::new(ring.as_fd(), 64 * params.sq_entries as usize, OFF_SQES)?;
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();

    let entry = Entry {
        opcode: OP_WAITID,
        flags: 0,
        ioprio: 0,
        fd: pidfd.as_raw_fd(),
        info: info.as_mut_ptr() as u64,
        addr: 0,
        which: libc::P_PIDFD,
        op_flags: 0,
        user_data: 0,
        buf_index: 0,
        personality: 0,
        options: (options | libc::WNOWAIT | libc::__WALL) as u32,
        addr3: 0,
        pad: 0,
    };
    // SAFETY: the first entry of the mapping, which nobody else uses: nothing is submitted yet.
    unsafe { (entries.at as *mut Entry).write(entry) };
    // The index array's first word: entry 0.
    rings.counter(params.sq.array_or_flags).store(0, Ordering::Relaxed);
    rings.counter(params.sq.tail).store(1, Ordering::Release);

    let arg = GetEvents { sigmask: 0, sigmask_size: 0, min_wait_usec: 0, timeout: &raw const timeout as u64 };
    let flags = ENTER_GETEVENTS | ENTER_EXT_ARG;
    // Submitted first: a call that does both says only that it has submitted.
    // SAFETY: `arg`, what it points to and `info` live until the operation is cancelled below.
    let entered = unsafe {
        call!(SYS_io_uring_enter, ring.as_raw_fd(), 1, 0, 0, 0, 0).and_then(|_| {
            call!(SYS_io_uring_enter, ring.as_raw_fd(), 0, 1, flags, &raw const arg, size_of::<GetEvents>())
        })
    };
    let done = rings.counter(params.cq.tail).load(Ordering::Acquire)
        != rings.counter(params.cq.head).load(Ordering::Relaxed);
    let result = if done {
        // SAFETY: the first completion, whole since its tail was read: `user_data`, then `res`.
        unsafe { ((rings.at + params.cq.dropped_or_cqes as usize + 8) as *const i32).read() }
    } else {
        0
    };
    cancel(ring.as_fd());
    match (done, result, entered) {
        (true, 0.., _) => Ok(()),
        // An unknown operation.
        (true, r, _) if r == -libc::EINVAL => Err(Errno(libc::EOPNOTSUPP)),
        (true, r, _) => Err(Errno(r.wrapping_neg())),
        (false, _, Err(e)) => Err(e),
        (false, _, Ok(_)) => Err(Errno(libc::EINTR)),
    }
}

/// Ends what is pending and waits for that, so that nothing is written to memory that is gone:
/// closing the ring alone would do it later.
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
    // SAFETY: the structure outlives the call, of whose size the kernel knows (6.0).
    let _ = unsafe {
        call!(SYS_io_uring_register, ring.as_raw_fd(), REGISTER_SYNC_CANCEL, &raw const request, 1)
    };
}
