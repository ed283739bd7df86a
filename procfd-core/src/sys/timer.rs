// SPDX-License-Identifier: MIT OR Apache-2.0

//! A timer that never expires: a descriptor with a number in it.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use super::fd::own;
use super::{OwnFd, Result, Timespec, call};

/// `struct itimerspec`.
#[repr(C)]
#[derive(Default)]
struct Setting {
    interval: Timespec,
    value: Timespec,
}

const NS: u64 = 1_000_000_000;

/// timerfd_create(2), close-on-exec; never readable. The number is its interval, in
/// nanoseconds, below 2^63. The timer is not armed.
pub(crate) fn with_number(number: u64) -> Result<OwnFd> {
    let interval = Timespec { sec: (number / NS) as i64, nsec: (number % NS) as i64 };
    let setting = Setting { interval, ..Setting::default() };
    // SAFETY: both arguments are numbers, not addresses.
    let fd = unsafe { call!(SYS_timerfd_create, libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC) }.map(own)?;
    // SAFETY: the kernel reads one `struct itimerspec`, whose 64-bit form is `setting` on this frame.
    unsafe { call!(SYS_timerfd_settime, fd.as_fd().as_raw_fd(), 0, &raw const setting, 0) }?;
    Ok(fd)
}

/// The number. EINVAL: another file.
pub(crate) fn number(fd: BorrowedFd<'_>) -> Result<u64> {
    let mut setting = Setting::default();
    // SAFETY: the kernel writes one `struct itimerspec`, whose 64-bit form is `setting` on this frame.
    unsafe { call!(SYS_timerfd_gettime, fd.as_raw_fd(), &raw mut setting) }?;
    Ok((setting.interval.sec as u64).saturating_mul(NS).saturating_add(setting.interval.nsec as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_kept_and_nothing_is_ready() {
        for number in [1, 0x7066 << 48, (1 << 63) - 1_000_000_000] {
            let fd = with_number(number).unwrap();
            assert_eq!(super::number(fd.as_fd()), Ok(number));
            assert_eq!(super::super::fd::poll(fd.as_fd(), libc::POLLIN, super::super::fd::NOW), Ok(0));
        }
        let null: OwnFd = std::fs::File::open("/dev/null").unwrap().into();
        assert_eq!(number(null.as_fd()), Err(super::super::Errno(libc::EINVAL)));
    }
}
