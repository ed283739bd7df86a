// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! PROC_CHANGES.

use std::ffi::c_int;

use procfd::ffi;
use procfd::{Awaited, Errno, Events, WaitOptions};

use crate::abi::*;
use crate::args::{Data, Entries};
use crate::manage::change;
use crate::{Result, record};

const INVALID: Errno = Errno(libc::EINVAL);

pub(crate) fn changes(procfd: c_int, arg: u64, data: Data) -> Result {
    let asked: procfd_changes = data.read()?;
    let known = PROC_WAIT_NOHANG | PROC_WAIT_PEEK;
    if procfd != -1 || arg & !known != 0 || data.size() < size_of::<procfd_changes>() {
        return Err(INVALID);
    }
    let of = |errno: &Errno| {
        let (first, count) = (asked.entries.addr(), ("count", asked.count));
        record::set(&format!("PROC_CHANGES: {}", record::entries(first, asked.entry_size, count, *errno)));
    };
    let mut entries = Entries::new(asked.entries, asked.entry_size, asked.count).inspect_err(of)?;
    // Without a place for `changed` the call could say nothing.
    if asked.count != 0 && entries.size() < 16 {
        record::set(&format!("PROC_CHANGES: entry_size {} has no place for the answer", asked.entry_size));
        return Err(INVALID);
    }
    let given: Vec<procfd_change> = entries.read().inspect_err(of)?;
    let mut awaited = Vec::new();
    awaited.try_reserve_exact(given.len()).map_err(|_| Errno(libc::ENOMEM))?;
    for one in &given {
        let want = Events::from_bits(one.want).ok_or(INVALID).inspect_err(|_| {
            let (index, known) = (awaited.len(), Events::all().bits());
            record::set(&format!(
                "PROC_CHANGES: entry {index}: want {:#x} has bits beyond {known:#x}",
                one.want
            ));
        })?;
        awaited.push(ffi::awaited(one.fd, want));
    }
    let options = if arg & PROC_WAIT_PEEK != 0 { WaitOptions::PEEK } else { WaitOptions::empty() };
    let changed = ffi::changes(&mut awaited, options, arg & PROC_WAIT_NOHANG != 0, asked.timeout_ns)?;
    for (one, told) in given.iter().zip(&awaited) {
        entries.push(&answer(one, told));
    }
    Ok(c_int::try_from(changed).unwrap_or(c_int::MAX))
}

fn answer(one: &procfd_change, told: &Awaited<'_>) -> procfd_change {
    let (what, status) = told.change().map_or((0, 0), change);
    procfd_change {
        fd: one.fd,
        want: one.want,
        changed: told.changed().bits(),
        what,
        status,
        error: told.error().map_or(0, |e| e.0),
    }
}
