// SPDX-License-Identifier: MIT OR Apache-2.0

//! Processes that sleep, and end with the benchmark however that ends.

use std::io;
use std::os::fd::{AsRawFd, RawFd};

use procfd::{Context, Process};

use crate::program::Program;

/// One process group: its leader's close policy, which is the group's, is carried out by the kernel
/// when the benchmark's descriptor is gone.
pub struct Sleepers {
    leader: Process,
    pub pids: Vec<i32>,
}

impl Sleepers {
    pub fn start(many: usize) -> io::Result<Self> {
        let program = Program::pause();
        let mut context = Context::new()?;
        context.program(program.as_path())?.args(["sleeper"])?;
        context.process_group(0)?.kill_group_on_close(libc::SIGKILL)?;
        let leader = context.create()?;
        let group = i32::try_from(leader.pid()?).map_err(io::Error::other)?;
        let mut all = Self { leader, pids: vec![group] };
        for _ in 1..many {
            all.pids.push(spawn(&program, group)?);
        }
        Ok(all)
    }

    /// The first of them, by its procfd.
    pub fn one(&self) -> &Process {
        &self.leader
    }

    pub fn procfd(&self) -> RawFd {
        self.leader.as_raw_fd()
    }
}

fn spawn(program: &Program, group: i32) -> io::Result<i32> {
    let argv = [c"sleeper".as_ptr().cast_mut(), std::ptr::null_mut()];
    let none = [std::ptr::null_mut()];
    let mut pid = 0;
    // SAFETY: the attributes are made before they are used and taken apart after; the strings outlive
    // the call.
    let failed = unsafe {
        let mut how: libc::posix_spawnattr_t = std::mem::zeroed();
        libc::posix_spawnattr_init(&raw mut how);
        libc::posix_spawnattr_setflags(&raw mut how, libc::POSIX_SPAWN_SETPGROUP as i16);
        libc::posix_spawnattr_setpgroup(&raw mut how, group);
        let failed = libc::posix_spawn(
            &raw mut pid,
            program.path.as_ptr(),
            std::ptr::null(),
            &raw const how,
            argv.as_ptr(),
            none.as_ptr(),
        );
        libc::posix_spawnattr_destroy(&raw mut how);
        failed
    };
    if failed == 0 { Ok(pid) } else { Err(io::Error::from_raw_os_error(failed)) }
}

impl Drop for Sleepers {
    fn drop(&mut self) {
        // SAFETY: plain numbers: children of this process, which reaps them only here.
        unsafe {
            for &pid in &self.pids {
                libc::kill(pid, libc::SIGKILL);
            }
            for &pid in &self.pids {
                libc::waitpid(pid, std::ptr::null_mut(), 0);
            }
        }
    }
}
