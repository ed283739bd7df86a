// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The commands of process_info whose answers have no fixed length.

use std::ffi::{OsStr, c_char, c_int};
use std::os::unix::ffi::OsStrExt;

use procfd::ffi::{self, Text};
use procfd::{Errno, FdKind, Fields, IdMap, Mapping, OpenFd, ProcessRef, Thread};

use crate::Result;
use crate::abi::*;
use crate::args::{Data, Plain, zero};

const INVALID: Errno = Errno(libc::EINVAL);

/// Whether a command is one of these.
pub(crate) fn is_one(cmd: u32) -> bool {
    matches!(cmd, PROC_INFO_EXE..=PROC_INFO_FD_PATH | PROC_INFO_THREADS..=PROC_INFO_NSFD)
}

pub(crate) fn answer(procfd: c_int, cmd: u32, arg: u64, data: Data) -> Result {
    let text = match cmd {
        PROC_INFO_EXE => Text::Exe,
        PROC_INFO_CWD => Text::Cwd,
        PROC_INFO_ROOT => Text::Root,
        PROC_INFO_ARGV => Text::Argv,
        PROC_INFO_ENVIRON => Text::Environ,
        PROC_INFO_CGROUP => Text::Cgroup,
        PROC_INFO_AUXV => Text::Auxv,
        PROC_INFO_WCHAN => Text::Wchan,
        PROC_INFO_LABEL => Text::Label,
        PROC_INFO_SYSCALL => Text::Syscall,
        PROC_INFO_STACK => Text::Stack,
        PROC_INFO_MOUNTS => Text::Mounts,
        PROC_INFO_FD_PATH => {
            data.room()?;
            let number = i32::try_from(arg).map_err(|_| Errno(libc::EBADF))?;
            return string(data, &ffi::text(procfd, Text::Fd(number as u32))?);
        }
        PROC_INFO_THREADS => {
            data.room()?;
            let fields = Fields::from_bits(arg).ok_or(INVALID)?;
            return list(data, &ffi::threads(procfd, fields)?, thread);
        }
        PROC_INFO_NSFD => {
            data.none()?;
            return ffi::namespace(procfd, arg);
        }
        _ => return without_arg(procfd, cmd, arg, data),
    };
    no_arg(procfd, arg)?;
    data.room()?;
    string(data, &ffi::text(procfd, text)?)
}

fn without_arg(procfd: c_int, cmd: u32, arg: u64, data: Data) -> Result {
    no_arg(procfd, arg)?;
    data.room()?;
    match cmd {
        PROC_INFO_MAPS => records(data, ffi::maps(procfd)?.iter().map(|m| (map(m), m.path.as_os_str()))),
        PROC_INFO_CHILDREN => list(data, &ffi::children(procfd)?, reference),
        PROC_INFO_DESCENDANTS => list(data, &ffi::descendants(procfd)?, reference),
        PROC_INFO_GROUPS => list(data, &ffi::groups(procfd)?, |group| *group),
        PROC_INFO_AFFINITY => list(data, &ffi::affinity(procfd)?, |byte| *byte),
        PROC_INFO_UID_MAP => list(data, &ffi::uid_map(procfd)?, idmap),
        PROC_INFO_GID_MAP => list(data, &ffi::gid_map(procfd)?, idmap),
        PROC_INFO_FDS => records(data, ffi::open_fds(procfd)?.iter().map(|f| (fd(f), f.path.as_os_str()))),
        _ => Err(INVALID),
    }
}

fn no_arg(procfd: c_int, arg: u64) -> std::result::Result<(), Errno> {
    if arg != 0 {
        ffi::state(procfd)?;
        return Err(INVALID);
    }
    Ok(())
}

/// A text, as snprintf(3) has it.
/// A text, cut to the room, and a NUL if that fits.
pub(crate) fn string(data: Data, text: &[u8]) -> Result {
    data.fill(0, text);
    data.fill(text.len(), &[0]);
    count(text.len())
}

fn list<T, P: Plain>(data: Data, all: &[T], element: impl Fn(&T) -> P) -> Result {
    let room = data.size() / size_of::<P>();
    for (n, one) in all.iter().take(room).enumerate() {
        data.fill(n * size_of::<P>(), element(one).bytes());
    }
    count(all.len())
}

/// Records one behind the other, each whole or not at all, and a size of 0 where the next would begin.
fn records<'a, R: Record>(data: Data, all: impl Iterator<Item = (R, &'a OsStr)>) -> Result {
    let (mut len, mut filled) = (0usize, 0usize);
    for (mut fixed, path) in all {
        let path = path.as_bytes();
        let end = size_of::<R>() + path.len();
        // A NUL at least, and the next record where it may begin.
        let size = (end + 1).next_multiple_of(8);
        if filled == len && len.saturating_add(size) <= data.size() {
            fixed.set_len(size as u32, size_of::<R>() as u32, path.len() as u32);
            data.fill(filled, fixed.bytes());
            data.fill(filled + size_of::<R>(), path);
            data.fill(filled + end, [0; 8].get(..size - end).unwrap_or_default());
            filled += size;
        }
        len = len.saturating_add(size);
    }
    if data.size() - filled >= 8 {
        data.fill(filled, &[0; 8]);
    }
    count(len)
}

fn count(n: usize) -> Result {
    c_int::try_from(n).map_err(|_| Errno(libc::EOVERFLOW))
}

/// The fixed part of a record, which knows its length.
trait Record: Plain {
    fn set_len(&mut self, size: u32, path_offset: u32, path_len: u32);
}

impl Record for procfd_map {
    fn set_len(&mut self, size: u32, path_offset: u32, path_len: u32) {
        (self.size, self.path_offset, self.path_len) = (size, path_offset, path_len);
    }
}

impl Record for procfd_fd {
    fn set_len(&mut self, size: u32, path_offset: u32, path_len: u32) {
        (self.size, self.path_offset, self.path_len) = (size, path_offset, path_len);
    }
}

fn map(map: &Mapping) -> procfd_map {
    procfd_map {
        flags: map.flags.bits(),
        start: map.start,
        end: map.end,
        offset: map.offset,
        inode: map.inode,
        device: map.device,
        ..procfd_map::default()
    }
}

fn fd(fd: &OpenFd) -> procfd_fd {
    procfd_fd {
        fd: fd.fd,
        kind: match fd.kind {
            FdKind::File => PROC_FD_KIND_FILE,
            FdKind::Directory => PROC_FD_KIND_DIR,
            FdKind::Pipe => PROC_FD_KIND_PIPE,
            FdKind::Socket => PROC_FD_KIND_SOCKET,
            FdKind::Character => PROC_FD_KIND_CHAR,
            FdKind::Block => PROC_FD_KIND_BLOCK,
            FdKind::Link => PROC_FD_KIND_LINK,
            FdKind::Anonymous => PROC_FD_KIND_ANON,
            _ => PROC_FD_KIND_UNKNOWN,
        },
        flags: fd.flags,
        position: fd.position,
        inode: fd.inode,
        device: fd.device,
        rdev: fd.rdev,
        ..procfd_fd::default()
    }
}

fn reference(of: &ProcessRef) -> procfd_ref {
    procfd_ref { pid: of.pid, ppid: of.ppid, start_boot_ns: of.start_boot_ns, inode: of.inode.unwrap_or(0) }
}

fn idmap(map: &IdMap) -> procfd_idmap {
    procfd_idmap { inside: map.inside, outside: map.outside, count: map.count, reserved: 0 }
}

fn thread(thread: &Thread) -> procfd_thread {
    let mut out = procfd_thread { mask: thread.fields().bits(), tid: thread.tid, ..zero() };
    if let Some(state) = thread.state {
        (out.state, out.kernel_flags) = (state.code.into(), state.flags);
    }
    if let Some(start) = thread.start {
        out.start_boot_ns = start.boot_ns;
    }
    if let Some(comm) = thread.comm {
        out.comm = comm.padded().map(|byte| byte as c_char);
    }
    if let Some(times) = thread.times {
        (out.user_ns, out.system_ns) = (times.user_ns, times.system_ns);
        (out.guest_ns, out.block_io_ns) = (times.guest_ns, times.block_io_ns);
    }
    if let Some(faults) = thread.faults {
        (out.minflt, out.majflt) = (faults.minor, faults.major);
    }
    if let Some(sched) = thread.sched {
        (out.priority, out.nice) = (sched.priority, sched.nice);
        (out.policy, out.rt_priority, out.processor) = (sched.policy, sched.rt_priority, sched.processor);
    }
    if let Some(cpu_ns) = thread.cpu_ns {
        out.cpu_ns = cpu_ns;
    }
    if let Some(delay) = thread.run_delay {
        (out.run_delay_ns, out.slices) = (delay.delay_ns, delay.slices);
    }
    if let Some(switches) = thread.switches {
        (out.nvcsw, out.nivcsw) = (switches.voluntary, switches.involuntary);
    }
    if let Some(signals) = thread.signals {
        (out.sig_pending, out.sig_blocked) = (signals.pending, signals.blocked);
    }
    if let Some(io) = thread.io {
        (out.rchar, out.wchar, out.syscr, out.syscw) =
            (io.read_chars, io.write_chars, io.read_calls, io.write_calls);
        (out.read_bytes, out.write_bytes) = (io.read_bytes, io.write_bytes);
        out.cancelled_write_bytes = io.cancelled_write_bytes;
    }
    if let Some(ioprio) = thread.ioprio {
        out.ioprio = ioprio;
    }
    out
}
