// SPDX-License-Identifier: MIT OR Apache-2.0

//! What questions about processes cost: beside the bare system calls, a loop in C, libproc2 and psutil,
//! of the same processes in the same run.
//!
//! `cargo bench -p procfd-core --bench info [-- [--rounds N] [--csv FILE] [GROUP]...]`. Prints tables, never
//! a pass or a fail. Rows are skipped for what is not there: a C compiler, libproc2-dev, psutil in
//! `PROCFD_PSUTIL_PYTHON` or python3, libprocfd.so in build/.
//!
//! | room | holds |
//! |---|---|
//! | `../common/harness` | rounds, medians, tables |
//! | `../common/program` | the programs that are started |
//! | `sleepers` | the processes that are asked about |
//! | `peers`, `peers/` | the C code and psutil |

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark may stop at anything odd")]

#[allow(dead_code, reason = "shared with another benchmark")]
#[path = "../common/harness.rs"]
mod harness;
mod peers;
#[allow(dead_code, reason = "shared with another benchmark")]
#[path = "../common/program.rs"]
mod program;
mod sleepers;

use std::cell::RefCell;
use std::hint::black_box;
use std::io;
use std::os::fd::{AsRawFd, RawFd};

use procfd::{Fields, Process, Snapshot};

use harness::{Aim, Group, Method, Rounds, group};
use peers::{Library, Psutil};
use sleepers::Sleepers;

const GROUPS: [Group; 3] = [("ids", ids_and_cpu), ("set", set), ("snapshot", snapshot)];

fn main() {
    harness::main(&GROUPS);
}

/// What ps shows: ids, state, times, memory, name.
const SET: Fields =
    Fields::IDS.union(Fields::STATE).union(Fields::TIMES).union(Fields::MEMORY).union(Fields::COMM);

/// It reads `stat` alone, whose resident memory is not exact.
const LOOP: &str = "C loop, stat";
/// It reads what the library reads.
const BOTH: &str = "C loop, stat and statm";
const PROC2: &str = "libproc2";
const PSUTIL: &str = "psutil";
/// The library's system calls, made by C.
const ALONE: &str = "C, the calls alone";
/// Opened by the library that is asked, and by another, whose message has to be looked at each time.
const OWN: &str = "process_info, procfd";
const RECEIVED: &str = "process_info, received procfd";
const DIRECTORY: &str = "process_info, /proc/PID";

/// What the kernel calls a process in /proc.
fn directory(pid: i32) -> std::fs::File {
    std::fs::File::open(format!("/proc/{pid}")).expect("a directory of /proc")
}

fn close(fd: RawFd) {
    // SAFETY: a number of this process's own, or -1.
    unsafe { libc::close(fd) };
}

/// libprocfd.so as it is built, through its header.
fn calls() -> Library {
    let root = peers::root();
    let (include, build) = (root.join("include"), root.join("build"));
    let (include, build) = (include.display().to_string(), build.display().to_string());
    Library::compile(
        "calls",
        &[&format!("-I{include}"), &format!("-L{build}"), "-lprocfd", &format!("-Wl,-rpath,{build}")],
    )
}

fn ask(psutil: &RefCell<io::Result<Psutil>>, what: &str) -> io::Result<u64> {
    match &mut *psutil.borrow_mut() {
        Ok(psutil) => psutil.ask(what),
        Err(e) => Err(io::Error::other(e.to_string())),
    }
}

fn psutil() -> RefCell<io::Result<Psutil>> {
    let psutil = Psutil::start();
    if let Ok(psutil) = &psutil {
        println!("\npsutil {}", psutil.version);
    }
    RefCell::new(psutil)
}

fn complete(got: Fields, wanted: Fields) -> io::Result<()> {
    if got.contains(wanted) { Ok(()) } else { Err(io::Error::other("not all fields came")) }
}

fn ids_and_cpu(rounds: &Rounds) {
    const BARE: &str = "ioctl + clock_gettime";
    let wanted = Fields::IDS | Fields::CPU;
    let sleepers = Sleepers::start(1).expect("a process");
    let (pid, procfd) = (sleepers.pids[0], sleepers.procfd());
    let pidfd = sleepers.one().pidfd().as_raw_fd();
    let given = Process::open(pid as u32).expect("it runs");
    let library = calls();
    let (bare, by_c) = (library.two(c"bare_ids_cpu"), library.one(c"calls_ids_cpu"));
    let (of_opener, of_receiver) = (library.two(c"floor_opener"), library.one(c"floor_received"));
    let attached = library.one(c"calls_attach")(pidfd).unwrap_or(-1);
    let dir = directory(pid);
    group(
        "Ids and CPU time of one process",
        &[BARE],
        rounds.one_in(3),
        vec![
            Method::hundred(BARE, || bare(pidfd, pid).map(drop)),
            Method::hundred("Process::info", || complete(sleepers.one().info(wanted)?.fields(), wanted))
                .aim(Aim::AtMost(1.5, BARE)),
            Method::hundred("Process::info, of a stranger's", || {
                complete(given.info(wanted)?.fields(), wanted)
            })
            .aim(Aim::AtMost(1.5, BARE)),
            Method::hundred("process_info, pidfd", || by_c(pidfd).map(drop)).aim(Aim::AtMost(1.5, BARE)),
            Method::hundred("the calls of an opener alone", || of_opener(attached, pidfd).map(drop)),
            Method::hundred(OWN, || by_c(attached).map(drop)).aim(Aim::AtMost(1.3, BARE)),
            Method::hundred("the calls of a receiver alone", || of_receiver(procfd).map(drop)),
            Method::hundred(RECEIVED, || by_c(procfd).map(drop)).aim(Aim::AtMost(2.5, BARE)),
            Method::hundred(DIRECTORY, || by_c(dir.as_raw_fd()).map(drop)),
        ],
    );
    close(attached);
}

fn set(rounds: &Rounds) {
    let sleepers = Sleepers::start(1).expect("a process");
    let (pid, procfd) = (sleepers.pids[0], sleepers.procfd());
    let pidfd = sleepers.one().pidfd().as_raw_fd();
    let c = Library::compile("loop", &[]);
    let (proc2, library) = (Library::compile("proc2", &["-lproc2"]), calls());
    let (loop_one, loop_both) = (c.one(c"loop_one"), c.one(c"loop_one_both"));
    let (floor, bare) = (c.one(c"floor_one"), library.one(c"bare_ids"));
    let (proc2_one, by_c) = (proc2.one(c"proc2_one"), library.one(c"calls_set"));
    let psutil = psutil();
    let attached = library.one(c"calls_attach")(pidfd).unwrap_or(-1);
    let dir = directory(pid);
    group(
        "Ids, state, times, memory and name of one process",
        &[LOOP, BOTH],
        rounds.one_in(10),
        vec![
            Method::hundred(LOOP, || loop_one(pid).map(drop)),
            Method::hundred(BOTH, || loop_both(pid).map(drop)),
            Method::hundred(ALONE, || floor(pid).and_then(|_| bare(pidfd)).map(drop)),
            Method::hundred(PROC2, || proc2_one(pid).map(drop)),
            Method::timing_itself(PSUTIL, || ask(&psutil, &pid.to_string())),
            Method::timing_itself("psutil, a new Process", || ask(&psutil, &format!("new {pid}"))),
            Method::hundred("Process::info", || complete(sleepers.one().info(SET)?.fields(), SET))
                .aim(Aim::AtMost(1.3, BOTH))
                .aim(Aim::Faster(3.0, PROC2))
                .aim(Aim::Faster(10.0, PSUTIL)),
            Method::hundred("process_info, pidfd", || by_c(pidfd).map(drop))
                .aim(Aim::AtMost(1.3, BOTH))
                .aim(Aim::Faster(3.0, PROC2))
                .aim(Aim::Faster(10.0, PSUTIL)),
            Method::hundred(OWN, || by_c(attached).map(drop)),
            Method::hundred(RECEIVED, || by_c(procfd).map(drop)),
            Method::hundred(DIRECTORY, || by_c(dir.as_raw_fd()).map(drop)),
        ],
    );
    close(attached);
}

/// Room for a held descriptor of each, which is half of what a snapshot takes at most.
fn raise_descriptors(need: u64) -> io::Result<()> {
    // SAFETY: the structure outlives both calls.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) != 0 {
            return Err(io::Error::last_os_error());
        }
        limit.rlim_cur = limit.rlim_cur.max(need.min(limit.rlim_max));
        if libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) != 0 {
            return Err(io::Error::last_os_error());
        }
        if limit.rlim_cur < need { Err(io::Error::other("RLIMIT_NOFILE is too low")) } else { Ok(()) }
    }
}

/// A look at all processes, of which there are at least so many.
fn counted(seen: usize, least: usize) -> io::Result<()> {
    if seen >= least { Ok(()) } else { Err(io::Error::other(format!("{seen} of {least} processes"))) }
}

fn snapshot(rounds: &Rounds) {
    let many = if rounds.are_few() { 50 } else { 2000 };
    raise_descriptors(9 * many as u64 + 2000).expect("descriptors");
    let sleepers = Sleepers::start(many).expect("processes");
    let c = Library::compile("loop", &[]);
    let (proc2, library) = (Library::compile("proc2", &["-lproc2"]), calls());
    let (loop_all, loop_both) = (c.none(c"loop_all"), c.none(c"loop_all_both"));
    let (held, held_both) = (c.none(c"loop_held"), c.none(c"loop_held_both"));
    let (floor, floor_held) = (c.none(c"floor_all"), c.none(c"floor_held"));
    let _ = held_both();
    let let_go = c.none(c"loop_let_go");
    let (proc2_all, psutil) = (proc2.none(c"proc2_all"), psutil());
    let (all, kept, drop_kept) =
        (library.none(c"calls_all"), library.none(c"calls_kept"), library.none(c"calls_drop"));
    let enough = |seen: i32| counted(seen as usize, sleepers.pids.len());
    let read = |snapshot: &mut Snapshot| {
        let mut seen = 0;
        for info in snapshot.all()? {
            complete(info.fields(), SET - Fields::MEMORY)?;
            black_box(&info);
            seen += 1;
        }
        counted(seen, sleepers.pids.len())
    };
    let mut keeping = Snapshot::new(SET).keep(true);
    group(
        &format!("The same of {many} processes"),
        &[LOOP, BOTH],
        rounds.one_in(30),
        vec![
            Method::new(LOOP, || loop_all().and_then(enough)),
            Method::new(BOTH, || loop_both().and_then(enough)),
            Method::new(ALONE, || floor().and_then(enough)),
            Method::new("C, the calls alone, held files", || floor_held().and_then(enough)),
            Method::new("C loop, held stat", || held().and_then(enough)),
            Method::new("C loop, held stat and statm", || held_both().and_then(enough)),
            Method::new(PROC2, || proc2_all().and_then(enough)),
            Method::timing_itself(PSUTIL, || ask(&psutil, "all")).cold(),
            Method::new("Snapshot", || read(&mut Snapshot::new(SET)))
                .aim(Aim::AtMost(1.1, BOTH))
                .aim(Aim::Faster(2.0, PROC2)),
            Method::new("Snapshot, held descriptors", || read(&mut keeping)).aim(Aim::AtMost(0.5, BOTH)),
            Method::new("PROC_SNAPSHOT", || all().and_then(enough))
                .aim(Aim::AtMost(1.1, BOTH))
                .aim(Aim::Faster(2.0, PROC2)),
            Method::new("PROC_SNAPSHOT_KEEP", || kept().and_then(enough)).aim(Aim::AtMost(0.5, BOTH)),
        ],
    );
    let _ = (let_go(), drop_kept());
}
