// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The commands of process_info.

use std::ffi::{c_char, c_int};

use procfd::ffi::{self, Given, Many};
use procfd::{Errno, Fields, Info, ProcessState};

use crate::Result;
use crate::abi::*;
use crate::args::{Data, Entries, descriptors};
use crate::copy_out::{fill, flat, unknown};
use crate::lists;

const INVALID: Errno = Errno(libc::EINVAL);

pub(crate) fn info(procfd: c_int, cmd: u32, arg: u64, data: Data) -> Result {
    match cmd {
        PROC_INFO => return fields(procfd, arg, data),
        PROC_SNAPSHOT => return snapshot(procfd, arg, data),
        PROC_CHANGES => return crate::changes::changes(procfd, arg, data),
        PROC_INFO_PLAN => return plan(procfd, arg, data),
        _ if lists::is_one(cmd) => return lists::answer(procfd, cmd, arg, data),
        _ => {}
    }
    if arg != 0 {
        ffi::state(procfd)?;
        return Err(INVALID);
    }
    match cmd {
        PROC_INFO_STATE => {
            data.none()?;
            Ok(match ffi::state(procfd)? {
                ProcessState::Running => PROC_STATE_RUNNING,
                ProcessState::Exited => PROC_STATE_EXITED,
                _ => PROC_STATE_CONFIGURING,
            } as c_int)
        }
        PROC_INFO_PID => {
            data.none()?;
            ffi::pid(procfd)
        }
        PROC_INFO_PIDFD => {
            data.none()?;
            ffi::pidfd(procfd)
        }
        PROC_INFO_ERROR => {
            data.writable::<procfd_error>()?;
            let (stage, index, errno, message) = ffi::last_error(procfd)?;
            data.write(&error(stage.as_raw(), index, errno, &message)).map(|()| 0)
        }
        _ => {
            ffi::state(procfd)?;
            Err(INVALID)
        }
    }
}

fn plan(procfd: c_int, arg: u64, data: Data) -> Result {
    let context = ffi::configuring(procfd)?;
    let json = match arg {
        0 => false,
        PROC_PLAN_JSON => true,
        _ => return Err(INVALID),
    };
    data.room()?;
    lists::string(data, context.plan(json)?.as_bytes())
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

fn fields(procfd: c_int, mask: u64, mut data: Data) -> Result {
    data.writable::<procfd_info>()?;
    let fields = Fields::from_bits(mask).ok_or(INVALID)?;
    let mut info = Info::default();
    ffi::info(procfd, fields, &mut info)?;
    match data.place() {
        Some(out) => fill(&info, fields, out),
        None => data.write(&flat(&info, fields, data.size()))?,
    }
    Ok(0)
}

fn snapshot(procfd: c_int, mask: u64, data: Data) -> Result {
    let fields = Fields::from_bits(mask).ok_or(INVALID)?;
    let mut asked: procfd_snapshot = data.read()?;
    data.writable::<procfd_snapshot>()?;
    if data.size() < size_of::<procfd_snapshot>() {
        return Err(INVALID);
    }
    let flags = asked.flags;
    let known = match asked.scope {
        PROC_SNAPSHOT_LIST => PROC_SNAPSHOT_DROP,
        PROC_SNAPSHOT_CGROUP => PROC_SNAPSHOT_KEEP | PROC_SNAPSHOT_DROP | PROC_SNAPSHOT_BELOW,
        _ => PROC_SNAPSHOT_KEEP | PROC_SNAPSHOT_DROP,
    };
    let of_a_descriptor = matches!(asked.scope, PROC_SNAPSHOT_TREE | PROC_SNAPSHOT_CGROUP);
    if flags & !known != 0 || (!of_a_descriptor && procfd != -1) {
        return Err(INVALID);
    }
    if asked.scope != PROC_SNAPSHOT_LIST && (!asked.fds.is_null() || asked.fd_count != 0) {
        return Err(INVALID);
    }
    let fds = descriptors(asked.fds, asked.fd_count)?;
    let many = match asked.scope {
        PROC_SNAPSHOT_ALL => Many::All,
        PROC_SNAPSHOT_LIST => Many::List(&fds),
        PROC_SNAPSHOT_TREE => Many::Tree(procfd),
        PROC_SNAPSHOT_CGROUP => Many::Cgroup { dir: procfd, below: flags & PROC_SNAPSHOT_BELOW != 0 },
        _ => return Err(INVALID),
    };
    let mut entries = Entries::new(asked.entries, asked.entry_size, asked.room)?;
    if flags & PROC_SNAPSHOT_DROP != 0 {
        ffi::drop_snapshot();
        if asked.room == 0 && asked.scope == PROC_SNAPSHOT_ALL {
            return Ok(0);
        }
    }
    let size = entries.size();
    // An entry has what identifies its process, too.
    let shown = fields | Fields::IDS | Fields::START | Fields::INODE | Fields::CGROUP_ID;
    let left = ffi::snapshot(&many, fields, flags & PROC_SNAPSHOT_KEEP != 0, &mut |given| match given {
        Given::Process(info) => match entries.place() {
            Some(out) => {
                fill(info, shown, out);
                true
            }
            None => entries.push(&flat(info, shown, size)),
        },
        Given::None(e) => entries.push(&unknown(e)),
        Given::Undo(many) => entries.take_back(many),
    })?;
    asked.total = (entries.used() + left) as u64;
    data.write(&asked)?;
    Ok(c_int::try_from(entries.used()).unwrap_or(c_int::MAX))
}
