// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Error numbers.

/// An error number of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub i32);

pub(crate) type Result<T> = core::result::Result<T, Errno>;

impl Errno {
    /// The kernel's answer as a result.
    #[inline(always)]
    pub(crate) fn check(ret: isize) -> Result<usize> {
        if (-4095..0).contains(&ret) { Err(Errno(ret.wrapping_neg() as i32)) } else { Ok(ret as usize) }
    }
}

macro_rules! errnos {
    ($($name:ident = $value:literal;)*) => {
        $(pub(crate) const $name: Errno = Errno($value);)*

        #[test]
        fn the_numbers_are_those_of_libc() {
            $(assert_eq!($name, Errno(libc::$name), stringify!($name));)*
        }
    };
}

errnos! {
    EPERM = 1;
    ENOENT = 2;
    EINTR = 4;
    EBADF = 9;
    ECHILD = 10;
    EAGAIN = 11;
    ENOMEM = 12;
    EACCES = 13;
    EBUSY = 16;
    EEXIST = 17;
    ENODEV = 19;
    EINVAL = 22;
    EMFILE = 24;
    EPIPE = 32;
    ENOSYS = 38;
    ENOTEMPTY = 39;
    EPROTO = 71;
    EOPNOTSUPP = 95;
    ECONNRESET = 104;
    ENOBUFS = 105;
    ENOTCONN = 107;
    ETIMEDOUT = 110;
}
