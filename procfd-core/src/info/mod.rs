// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Questions about a process: the caller names fields, pays for those, and learns which came.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use crate::procfd::Target;
use crate::sys::{
    self, Errno, PID_FS_MAGIC, PIDFD_INFO_CGROUPID, PIDFD_INFO_CREDS, PIDFD_INFO_PID, PidfdInfo, Result,
};
use crate::wait::{self, Change, Limit, Options};

bitflags::bitflags! {
    /// Fields of [`Info`], with what each costs.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Fields: u64 {
        /// Process id, thread group id, parent's id: one ioctl (6.13), before that /proc.
        const IDS = 0x1;
        /// The eight user and group ids: the same ioctl, before 6.13 /proc.
        const CREDS = 0x2;
        /// The inode of the cgroup v2 directory: the same ioctl (6.13).
        const CGROUP_ID = 0x4;
        /// How it ended: the same ioctl (6.15) once it is reaped; before that a waitid.
        const EXIT = 0x8;
        /// The pidfs inode, which no other process has until reboot (6.9): one fstat.
        const INODE = 0x10;
    }
}

/// What is known of a process. Only the fields in `mask` mean anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// The fields that were filled.
    pub mask: Fields,
    /// [`Fields::INODE`].
    pub inode: u64,
    /// [`Fields::CGROUP_ID`].
    pub cgroup_id: u64,
    /// [`Fields::IDS`]: the id of the thread the descriptor stands for, the leader's for a process.
    pub pid: u32,
    /// [`Fields::IDS`]: the process id.
    pub tgid: u32,
    /// [`Fields::IDS`]: the parent's id, 0 if it is outside the caller's pid namespace.
    pub ppid: u32,
    /// [`Fields::CREDS`].
    pub ruid: u32,
    /// [`Fields::CREDS`].
    pub rgid: u32,
    /// [`Fields::CREDS`].
    pub euid: u32,
    /// [`Fields::CREDS`].
    pub egid: u32,
    /// [`Fields::CREDS`].
    pub suid: u32,
    /// [`Fields::CREDS`].
    pub sgid: u32,
    /// [`Fields::CREDS`].
    pub fsuid: u32,
    /// [`Fields::CREDS`].
    pub fsgid: u32,
    /// [`Fields::EXIT`].
    pub exit: Option<Change>,
}

/// Where a context is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProcessState {
    /// No process yet.
    Configuring,
    /// It runs.
    Running,
    /// It has ended, reaped or not.
    Exited,
}

/// The state of what a descriptor stands for.
pub(crate) fn state(target: &Target<'_>) -> Result<ProcessState> {
    let Ok(pidfd) = target.pidfd() else {
        return Ok(ProcessState::Configuring);
    };
    Ok(match sys::fd::poll(pidfd, libc::POLLIN, sys::fd::NOW)? {
        0 => ProcessState::Running,
        _ => ProcessState::Exited,
    })
}

/// Fills the fields asked for, as far as they are known. ESRCH: reaped, and nothing of it is left.
pub(crate) fn info(pidfd: BorrowedFd<'_>, fields: Fields) -> Result<Info> {
    let mut out = Info::default();
    let mut gone = false;
    let from_kernel = Fields::IDS | Fields::CREDS | Fields::CGROUP_ID;
    if fields.intersects(from_kernel) {
        match ids(pidfd) {
            Ok((known, info)) => fill(&mut out, known & fields, &info),
            Err(Errno(libc::ESRCH)) => gone = true,
            // Out of this pid namespace's sight, or no way to know: absent.
            Err(_) => {}
        }
    }
    let exit = match fields.contains(Fields::EXIT) {
        true => wait::wait(pidfd, Options::PEEK, Limit::NoHang).ok(),
        false => None,
    };
    if let Some(status) = exit {
        out.exit = Some(status.change);
        out.mask |= Fields::EXIT;
    }
    if fields.contains(Fields::INODE) && sys::fs_is(pidfd, PID_FS_MAGIC) {
        let (_, inode) = sys::fd::mode_and_inode(pidfd)?;
        out.inode = inode;
        out.mask |= Fields::INODE;
    }
    if gone && out.mask.is_empty() {
        return Err(Errno(libc::ESRCH));
    }
    Ok(out)
}

fn fill(out: &mut Info, known: Fields, info: &PidfdInfo) {
    out.mask |= known;
    if known.contains(Fields::IDS) {
        (out.pid, out.tgid, out.ppid) = (info.pid, info.tgid, info.ppid);
    }
    if known.contains(Fields::CREDS) {
        (out.ruid, out.euid, out.suid, out.fsuid) = (info.ruid, info.euid, info.suid, info.fsuid);
        (out.rgid, out.egid, out.sgid, out.fsgid) = (info.rgid, info.egid, info.sgid, info.fsgid);
    }
    if known.contains(Fields::CGROUP_ID) {
        out.cgroup_id = info.cgroupid;
    }
}

/// Ids, credentials and cgroup: by the ioctl, or what /proc has of them.
fn ids(pidfd: BorrowedFd<'_>) -> Result<(Fields, PidfdInfo)> {
    match sys::pidfd::get_info(pidfd, PIDFD_INFO_PID | PIDFD_INFO_CREDS | PIDFD_INFO_CGROUPID) {
        Ok(info) => {
            let mut known = Fields::empty();
            known.set(Fields::IDS, info.mask & PIDFD_INFO_PID != 0);
            known.set(Fields::CREDS, info.mask & PIDFD_INFO_CREDS != 0);
            known.set(Fields::CGROUP_ID, info.mask & PIDFD_INFO_CGROUPID != 0);
            Ok((known, info))
        }
        Err(e @ Errno(libc::ESRCH | libc::EREMOTE)) => Err(e),
        Err(_) => ids_from_proc(pidfd),
    }
}

/// Before 6.13: /proc/PID/status, of this process if it is not reaped even after.
fn ids_from_proc(pidfd: BorrowedFd<'_>) -> Result<(Fields, PidfdInfo)> {
    let pid = wait::pid(pidfd)?;
    let path = std::ffi::CString::new(format!("/proc/{pid}")).map_err(|_| Errno(libc::EINVAL))?;
    let dir = sys::fd::open_at(libc::AT_FDCWD, &path, libc::O_PATH | libc::O_DIRECTORY)?;
    if !crate::procfd::is_of_own_pid_namespace(dir.as_raw_fd()) {
        return Err(Errno(libc::EREMOTE));
    }
    let mut buf = [0u8; 4096];
    let len = sys::fd::read_small(dir.as_fd().as_raw_fd(), c"status", &mut buf)?;
    let info = status_ids(buf.get(..len).unwrap_or_default()).ok_or(Errno(libc::ENODATA))?;
    match sys::pidfd::send_signal(pidfd, 0, None, 0) {
        Err(e @ Errno(libc::ESRCH)) => Err(e),
        _ => Ok((Fields::IDS | Fields::CREDS, info)),
    }
}

/// The ids in a /proc/PID/status (proc_pid_status(5)).
fn status_ids(status: &[u8]) -> Option<PidfdInfo> {
    let numbers = |name: &[u8]| -> Option<[u32; 4]> {
        let line = status.split(|&b| b == b'\n').find_map(|l| l.strip_prefix(name))?;
        let mut out = [0; 4];
        let words = line.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty());
        for (to, word) in out.iter_mut().zip(words) {
            *to = std::str::from_utf8(word).ok()?.parse().ok()?;
        }
        Some(out)
    };
    let [ruid, euid, suid, fsuid] = numbers(b"Uid:")?;
    let [rgid, egid, sgid, fsgid] = numbers(b"Gid:")?;
    let [tgid, ..] = numbers(b"Tgid:")?;
    let [pid, ..] = numbers(b"Pid:")?;
    let [ppid, ..] = numbers(b"PPid:")?;
    Some(PidfdInfo {
        pid,
        tgid,
        ppid,
        ruid,
        rgid,
        euid,
        egid,
        suid,
        sgid,
        fsuid,
        fsgid,
        ..PidfdInfo::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_status() {
        let text = b"Name:\tx\nTgid:\t7\nNgid:\t0\nPid:\t7\nPPid:\t1\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n";
        let info = status_ids(text).unwrap();
        assert_eq!((info.pid, info.ppid, info.euid, info.fsgid), (7, 1, 2, 8));
        assert!(status_ids(b"Name:\tx\n").is_none());
        assert!(status_ids(b"").is_none());
    }

    #[test]
    fn the_ioctl_and_proc_agree() {
        let own = sys::pidfd::open(sys::task::pid()).unwrap();
        let (_, by_proc) = ids_from_proc(own.as_fd()).unwrap();
        let (known, any) = ids(own.as_fd()).unwrap();
        assert!(known.contains(Fields::IDS | Fields::CREDS));
        assert_eq!(
            (any.pid, any.tgid, any.ppid, any.ruid, any.fsgid),
            (by_proc.pid, by_proc.tgid, by_proc.ppid, by_proc.ruid, by_proc.fsgid)
        );
    }
}
