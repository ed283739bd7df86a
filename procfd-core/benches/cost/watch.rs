// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the two programs that the library carries add: the watcher and the built-in init.

use std::fs;
use std::io;

use procfd::{Context, IdMap, Namespaces, OpenFlags, Process};

use crate::bare::Stack;
use crate::harness::{Medians, Method, Rounds, group};
use crate::program::Program;
use crate::start::{self, C, RAW};

const MANY: usize = 1000;

/// The watcher runs on the same core, so that its own work is in the figure.
pub fn watch(rounds: &Rounds) {
    const WATCHED: &str = "procfd, C calls, watched";
    let noop = Program::noop();
    let path = noop.path.as_c_str();
    let stack = &Stack::new();
    let medians = group(
        "The same start with the watcher",
        &[RAW],
        rounds.one_in(3),
        vec![
            Method::new(RAW, || start::raw_start(path, stack, 0)),
            Method::new(C, || start::by_c(path, [])),
            Method::new(WATCHED, || start::by_c_with(0, path, [])),
        ],
    );
    added(&medians, C, WATCHED, "the watcher adds", "at most 0.25");

    let many = if rounds.are_few() { 10 } else { MANY };
    println!("\nThe watcher's resident memory");
    for count in [1, many] {
        match watching(count) {
            Ok(kib) => println!("  {count} processes watched: {kib} KiB"),
            Err(e) => println!("  {count} processes watched: skipped: {e}"),
        }
    }
}

/// Its resident memory, in KiB, while it watches so many processes of this one.
fn watching(count: usize) -> io::Result<u64> {
    // In flight are four for each, and three on the way to the watcher.
    start::make_room(8 * count)?;
    let pause = Program::pause();
    let start = || -> io::Result<Process> {
        let mut context = Context::with_flags(OpenFlags::AUTOREAP)?;
        context.program(pause.as_path())?.kill_on_close(libc::SIGKILL)?;
        Ok(context.create()?)
    };
    let processes = (0..count).map(|_| start()).collect::<io::Result<Vec<Process>>>()?;
    let watcher = watcher()?;
    let resident = resident(watcher);
    for process in processes {
        process.kill()?;
        process.wait()?;
    }
    resident
}

/// The pid of this process's watcher.
fn watcher() -> io::Result<u32> {
    let name = format!("procfd-watch [for {} ", std::process::id());
    let is_it =
        |pid: &u32| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|c| c.starts_with(name.as_bytes()));
    let pids = fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.into_iter().find(is_it).ok_or_else(|| io::Error::other("no watcher"))
}

fn resident(pid: u32) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let kib =
        text.lines().find_map(|line| line.strip_prefix("Rss:")?.trim().strip_suffix(" kB")?.parse().ok());
    kib.ok_or_else(|| io::Error::other("no Rss in smaps_rollup"))
}

/// In the same new namespaces with and without it: what is left is its start, and what its own end and
/// the program's as its child take.
pub fn init(rounds: &Rounds) {
    const PLAIN: &str = "procfd, C calls, new pid namespace";
    const INIT: &str = "procfd, C calls, with the built-in init";
    const PLAIN_START: &str = "pid namespace, until PROC_CREATE returns";
    const INIT_START: &str = "built-in init, until PROC_CREATE returns";
    let noop = Program::noop();
    let path = noop.path.as_c_str();
    let stack = &Stack::new();
    // SAFETY: no arguments, cannot fail.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    let map = |outside| vec![IdMap { inside: 0, outside, count: 1 }];
    let settings = |init| {
        [
            start::Setting::Namespaces((Namespaces::USER | Namespaces::PID).bits()),
            start::Setting::UidMap(map(uid)),
            start::Setting::GidMap(map(gid)),
            start::Setting::Init(init),
        ]
    };
    let medians = group(
        "The same start in a new pid namespace, with the built-in init",
        &[RAW],
        rounds.one_in(6),
        vec![
            Method::new(RAW, || start::raw_start(path, stack, 0)),
            Method::new(PLAIN, || start::by_c(path, settings(false))),
            Method::new(INIT, || start::by_c(path, settings(true))),
            Method::timing_itself(PLAIN_START, || start::created_by_c(path, settings(false))),
            Method::timing_itself(INIT_START, || start::created_by_c(path, settings(true))),
        ],
    );
    added(&medians, PLAIN_START, INIT_START, "its start adds", "at most 0.50");
    added(&medians, PLAIN, INIT, "its life adds", "none");
}

/// What one method takes on top of another.
fn added(medians: &Medians, less: &str, more: &str, what: &str, aim: &str) {
    if let (Some(less), Some(more)) = (medians.ratio(less, RAW), medians.ratio(more, RAW)) {
        println!("  {what} {:.2} x {RAW} (aim: {aim})", more - less);
    }
}
