// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The commands of process_info.

use std::ffi::{c_char, c_int};

use procfd::raw;
use procfd::{Errno, Fields, ProcessState};

use crate::Result;
use crate::abi::*;
use crate::args::Data;
use crate::manage::change;

const INVALID: Errno = Errno(libc::EINVAL);

pub(crate) fn info(procfd: c_int, cmd: u32, arg: u64, data: Data) -> Result {
    if cmd == PROC_INFO {
        return fields(procfd, arg, data);
    }
    if arg != 0 {
        raw::state(procfd)?;
        return Err(INVALID);
    }
    match cmd {
        PROC_INFO_STATE => {
            data.none()?;
            Ok(match raw::state(procfd)? {
                ProcessState::Running => PROC_STATE_RUNNING,
                ProcessState::Exited => PROC_STATE_EXITED,
                _ => PROC_STATE_CONFIGURING,
            } as c_int)
        }
        PROC_INFO_PID => {
            data.none()?;
            raw::pid(procfd)
        }
        PROC_INFO_PIDFD => {
            data.none()?;
            raw::pidfd(procfd)
        }
        PROC_INFO_ERROR => {
            data.writable::<procfd_error>()?;
            let (stage, index, errno, message) = raw::last_error(procfd)?;
            data.write(&error(stage.as_raw(), index, errno, &message)).map(|()| 0)
        }
        _ => {
            raw::state(procfd)?;
            Err(INVALID)
        }
    }
}

fn error(stage: u32, index: u32, errno: c_int, message: &str) -> procfd_error {
    let mut out = procfd_error {
        stage,
        index,
        saved_errno: errno,
        reserved: 0,
        message: [0; PROCFD_ERROR_MESSAGE_MAX],
    };
    // One less, for the NUL; cut between characters, so that it stays UTF-8.
    let mut end = message.len().min(PROCFD_ERROR_MESSAGE_MAX - 1);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    for (to, from) in out.message.iter_mut().zip(message.bytes().take(end)) {
        *to = from as c_char;
    }
    out
}

fn fields(procfd: c_int, mask: u64, data: Data) -> Result {
    data.writable::<procfd_info>()?;
    let fields = Fields::from_bits(mask).ok_or(INVALID)?;
    let info = raw::info(procfd, fields)?;
    let (exit_what, exit_status) = info.exit.map_or((0, 0), change);
    data.write(&procfd_info {
        mask: info.mask.bits(),
        inode: info.inode,
        cgroup_id: info.cgroup_id,
        pid: info.pid,
        tgid: info.tgid,
        ppid: info.ppid,
        ruid: info.ruid,
        rgid: info.rgid,
        euid: info.euid,
        egid: info.egid,
        suid: info.suid,
        sgid: info.sgid,
        fsuid: info.fsuid,
        fsgid: info.fsgid,
        exit_what,
        exit_status,
        reserved: 0,
    })
    .map(|()| 0)
}
