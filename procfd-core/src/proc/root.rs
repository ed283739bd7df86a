// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The kept descriptor of /proc, and its proof.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::{Arc, Mutex};

use super::{Path, is_proc_of_own_pid_namespace};
use crate::forks::{self, Private};
use crate::sys::per_process::PerProcess;
use crate::sys::{self, Errno, OwnFd, PROC_SUPER_MAGIC, Result, vec};

static KEPT: PerProcess<Mutex<Option<Arc<Private>>>> = PerProcess::new();

/// The /proc of the caller's own pid namespace, proved when it was taken.
///
/// Take it in the call that uses it: the proof is an fstat(2) of a number that the program may close. It serves the
/// files of one process that are read one after the other. Whatever waits, or reads a file for each thread, takes it
/// again.
pub(crate) struct Root(Arc<Private>);

impl Root {
    /// EREMOTE: /proc belongs to another pid namespace. ENOENT and others: there is none.
    ///
    /// The descriptor is kept. Where the program has closed its number, and where the lock is contended, it is opened
    /// anew: no call waits here, so that a signal handler may ask.
    pub(crate) fn take() -> Result<Self> {
        let kept = KEPT.get(forks::generation());
        let known = kept.try_lock().ok().and_then(|kept| kept.clone());
        if let Some(root) = known.filter(|root| root.live().is_ok()) {
            return Ok(Self(root));
        }
        let opened = Private::new(|| {
            let fd = sys::fd::open_at(libc::AT_FDCWD, c"/proc", libc::O_PATH | libc::O_DIRECTORY)?;
            match sys::fs_is(fd.as_fd(), PROC_SUPER_MAGIC) {
                true => Ok(fd),
                false => Err(Errno(libc::ENOENT)),
            }
        })?;
        if !is_proc_of_own_pid_namespace(opened.as_fd())? {
            return Err(Errno(libc::EREMOTE));
        }
        let opened = Arc::new(opened);
        if let Ok(mut kept) = kept.try_lock() {
            *kept = Some(Arc::clone(&opened));
        }
        Ok(Self(opened))
    }

    /// Proves it again, for what was opened since. `false`: the program has closed its number, and perhaps another file
    /// had it meanwhile. Also if the library has opened /proc anew since then, which may have got the same number.
    pub(crate) fn is_proved_again(&self) -> bool {
        let kept = KEPT.get(forks::generation()).try_lock();
        let is_kept = kept.is_ok_and(|kept| kept.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, &self.0)));
        is_kept && self.0.live().is_ok()
    }

    #[cfg(test)]
    pub(crate) fn number(&self) -> i32 {
        self.0.as_fd().as_raw_fd()
    }

    /// Opens a path below it.
    pub(crate) fn open(&self, path: &CStr, flags: i32) -> Result<OwnFd> {
        sys::fd::open_at(self.0.as_fd().as_raw_fd(), path, flags)
    }

    /// Reads a file into a buffer, and drops what does not fit.
    pub(crate) fn read_small<'b>(&self, path: &Path, buf: &'b mut [u8]) -> Result<&'b [u8]> {
        let file = self.open(path.as_c_str(), libc::O_RDONLY)?;
        let len = sys::fd::read_once(file.as_fd(), buf)?;
        Ok(buf.get(..len).unwrap_or_default())
    }

    /// Reads a whole file.
    pub(crate) fn read(&self, path: &Path, out: &mut Vec<u8>) -> Result<()> {
        out.clear();
        let file = self.open(path.as_c_str(), libc::O_RDONLY)?;
        sys::fd::read_all(file.as_fd(), out)
    }

    /// The target of a link, cut at the buffer's end. Returns its length.
    pub(crate) fn link(&self, path: &CStr, buf: &mut [u8]) -> Result<usize> {
        sys::fd::readlink_at(self.0.as_fd(), path, buf)
    }

    /// The whole target of a link.
    pub(crate) fn whole_link(&self, path: &CStr) -> Result<Vec<u8>> {
        let (mut buf, mut room) = (Vec::new(), 4096);
        loop {
            vec::lengthen(&mut buf, room)?;
            let len = self.link(path, &mut buf)?;
            if len < buf.len() {
                buf.truncate(len);
                return Ok(buf);
            }
            if len >= 1 << 20 {
                return Err(Errno(libc::ENAMETOOLONG));
            }
            room *= 4;
        }
    }

    /// The size of a file, from stat(2).
    pub(crate) fn size(&self, path: &CStr) -> Result<u64> {
        sys::query::size_at(self.0.as_fd(), path)
    }

    /// Whether a file, by its device, is on this file system: no other mount of a procfs for another pid namespace is.
    pub(crate) fn has_device(&self, device: u64) -> bool {
        self.0.device() == Some(device)
    }

    /// stat(2) of a file below it.
    pub(crate) fn stat(&self, path: &CStr) -> Result<libc::stat> {
        sys::query::stat_at(self.0.as_fd(), path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_descriptor_that_was_closed_by_its_number() {
        let number = Root::take().unwrap().number();
        let null = std::fs::File::open("/dev/null").unwrap();
        sys::fd::replace_raw(number, null.as_fd()).unwrap();
        let mut own_found = false;
        super::super::processes(|pid| {
            own_found |= pid == std::process::id();
            true
        })
        .unwrap();
        assert!(own_found);
        sys::fd::close_raw(number);
    }
}
