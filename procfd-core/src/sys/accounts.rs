// SPDX-License-Identifier: MIT OR Apache-2.0

//! Users and their groups, as the C library's databases have them (passwd, nsswitch.conf).

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;

use super::{Errno, Result};

/// The longest entry and the most groups that are read: what the databases give has no limit of its own.
const ENTRY_MAX: usize = 1 << 20;
const GROUPS_MAX: usize = 65_536;

/// A user's ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// A user by name (getpwnam_r(3)); its name and ids.
pub(crate) fn by_name(name: &CStr) -> Result<Option<(CString, Ids)>> {
    entry(|passwd, buf, len, found| {
        // SAFETY: `name` is a string, and `entry` owes the rest.
        unsafe { libc::getpwnam_r(name.as_ptr(), passwd, buf, len, found) }
    })
}

/// A user by its id (getpwuid_r(3)).
pub(crate) fn by_id(uid: u32) -> Result<Option<(CString, Ids)>> {
    entry(|passwd, buf, len, found| {
        // SAFETY: `entry` owes it.
        unsafe { libc::getpwuid_r(uid, passwd, buf, len, found) }
    })
}

/// `read` gets the address of a structure, of `len` bytes for its strings, and of the result.
fn entry(
    read: impl Fn(*mut libc::passwd, *mut libc::c_char, usize, *mut *mut libc::passwd) -> libc::c_int,
) -> Result<Option<(CString, Ids)>> {
    let mut buf: Vec<libc::c_char> = vec![0; 1024];
    loop {
        let mut passwd = MaybeUninit::<libc::passwd>::uninit();
        let mut found = std::ptr::null_mut();
        match read(passwd.as_mut_ptr(), buf.as_mut_ptr(), buf.len(), &raw mut found) {
            libc::ERANGE if buf.len() < ENTRY_MAX => buf.resize(buf.len().saturating_mul(2), 0),
            libc::EINTR => {}
            // The errnos of the C libraries for an unknown user.
            0 | libc::ENOENT | libc::ESRCH if found.is_null() => return Ok(None),
            0 => {
                // SAFETY: the call has filled in what `found` points to, `passwd`. Its strings are in `buf`.
                let (name, ids) = unsafe {
                    let passwd = &*found;
                    (CStr::from_ptr(passwd.pw_name), Ids { uid: passwd.pw_uid, gid: passwd.pw_gid })
                };
                return Ok(Some((name.to_owned(), ids)));
            }
            errno => return Err(Errno(errno)),
        }
    }
}

/// The groups of a user, with `gid` among them (getgrouplist(3)).
pub(crate) fn groups(name: &CStr, gid: u32) -> Result<Vec<u32>> {
    let mut groups: Vec<u32> = vec![0; 64];
    loop {
        let mut count = groups.len() as libc::c_int;
        // SAFETY: `name` is a string, and `groups` has room for `count` ids.
        let got = unsafe { libc::getgrouplist(name.as_ptr(), gid, groups.as_mut_ptr(), &raw mut count) };
        if got >= 0 {
            groups.truncate(usize::try_from(count).unwrap_or_default());
            return Ok(groups);
        }
        if groups.len() >= GROUPS_MAX {
            return Err(Errno(libc::E2BIG));
        }
        // glibc says how many there are, musl too.
        let wanted = usize::try_from(count).unwrap_or_default().max(groups.len().saturating_mul(2));
        groups.resize(wanted.min(GROUPS_MAX), 0);
    }
}
