// SPDX-License-Identifier: MIT OR Apache-2.0

//! What can go wrong: it works all the same, or the caller is told; never a descriptor that stays
//! silent.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use super::super::{AddError, Client, Policy, proto, start};
use super::{SOON, Sleeper, alone, eventually, hung_up, pair, runs, start_and_reserve, watch};
use crate::sys::bare;

const SHORT: Duration = Duration::from_millis(50);

fn kill(pid: i32, signal: i32) {
    bare::kill(pid, signal).unwrap();
}

/// One number of a system call's result that must not be negative.
fn done(ret: impl Into<i64>) -> i64 {
    let ret = ret.into();
    assert!(ret >= 0, "{}", std::io::Error::last_os_error());
    ret
}

fn is_root() -> bool {
    bare::user_ids() == [0; 3]
}

#[test]
fn a_killed_watcher_is_replaced() {
    let client = Client::start().unwrap();
    let (a, b) = pair();
    let mut process = Sleeper::new();
    watch(&client, &b, &process, &Policy::default());
    kill(client.pid(), bare::SIGKILL);
    assert!(eventually(|| !client.is_alive()));
    assert_eq!(client.add(2, b.as_fd(), process.pidfd().as_fd(), &Policy::default()), Err(AddError::Gone));
    assert!(AddError::Gone.wants_another());
    let client = Client::start().unwrap();
    watch(&client, &b, &process, &Policy::default());
    assert!(!hung_up(&a, SHORT));
    process.kill();
    assert!(hung_up(&a, SOON));
}

#[test]
fn with_watcher_and_creator_dead_the_holders_are_told() {
    let client = Client::start().unwrap();
    let (a, b) = pair();
    let process = Sleeper::new();
    watch(&client, &b, &process, &Policy::default());
    kill(client.pid(), bare::SIGKILL);
    drop((client, b));
    assert!(hung_up(&a, SOON));
}

#[test]
fn other_signals_do_not_end_it() {
    let client = Client::start().unwrap();
    for signal in (1..=64).filter(|s| ![bare::SIGKILL, libc::SIGSTOP].contains(s)) {
        kill(client.pid(), signal);
    }
    assert_eq!(client.counts(), Ok((0, 0)));
}

#[test]
fn a_stopped_watcher_does_not_stop_its_creator() {
    // The pairs are more than a usual soft limit.
    let limit = bare::limit_descriptors(None).unwrap();
    bare::limit_descriptors(Some(&bare::RLimit64 { cur: limit.max, max: limit.max })).unwrap();
    let client = Client::start().unwrap();
    let process = Sleeper::new();
    let pairs: Vec<(OwnedFd, OwnedFd)> = (0..2000).map(|_| pair()).collect();
    kill(client.pid(), libc::SIGSTOP);
    let start = Instant::now();
    let pidfd = process.pidfd();
    let failed =
        pairs.iter().find_map(|(_, b)| client.add(1, b.as_fd(), pidfd.as_fd(), &Policy::default()).err());
    assert_eq!(failed, Some(AddError::Stuck));
    assert!(start.elapsed() < Duration::from_secs(4));
    // Once it goes on, what it was given is watched.
    kill(client.pid(), libc::SIGCONT);
    assert!(eventually(|| client.counts().is_ok_and(|(watched, _)| watched > 0)));
    drop(process);
    assert!(hung_up(&pairs[0].0, SOON));
}

/// Whether the process of a pidfd ends within a time.
fn ends(pidfd: &impl AsRawFd, time: Duration) -> bool {
    let mut fds = [bare::PollFd { fd: pidfd.as_raw_fd(), events: bare::POLLIN, revents: 0 }];
    bare::poll(&mut fds, Some(bare::Timespec::from_ns(time.as_nanos() as u64))) == Ok(1)
}

#[test]
fn one_whose_first_message_is_lost_ends() {
    // The creator lives, keeps the socket open, and says nothing.
    let silent = start::start().unwrap();
    assert!(ends(&silent.pidfd, 3 * SOON));
    drop(silent.control);
}

#[test]
fn one_whose_creator_is_gone_before_the_first_message_ends() {
    let alone = start::start().unwrap();
    drop(alone.control);
    assert!(ends(&alone.pidfd, SOON));
}

#[test]
fn the_descriptor_limit_is_an_error_of_the_call_that_meets_it() {
    alone!(the_descriptor_limit_is_an_error_of_the_call_that_meets_it);
    const CAP_SYS_RESOURCE: u32 = 24;
    if is_root() {
        // Else the watcher would raise the hard limit. Its execution gives root what the bounding set has.
        // SAFETY: plain prctl.
        assert_eq!(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, CAP_SYS_RESOURCE, 0, 0, 0) }, 0);
        bare::drop_capability(CAP_SYS_RESOURCE).unwrap();
    }
    let limit = |max| bare::limit_descriptors(Some(&bare::RLimit64 { cur: max, max }));
    limit(100).unwrap();
    let client = Client::start().unwrap();
    let process = Sleeper::new();
    let pidfd = process.pidfd();
    let mut all = Vec::new();
    let full = loop {
        let (a, b) = pair();
        match client.add(1, b.as_fd(), pidfd.as_fd(), &Policy::default()) {
            Ok(()) => all.push(a),
            Err(why) => break why,
        }
    };
    assert_eq!(full, AddError::Full(libc::EMFILE));
    assert_eq!(all.len(), 46);
    assert_eq!(client.counts(), Ok((46, 0)));
    // These have no holder any more, so there is room again.
    drop(all);
    let (a, b) = pair();
    client.add(1, b.as_fd(), pidfd.as_fd(), &Policy::default()).unwrap();
    assert_eq!(client.counts(), Ok((1, 0)));
    drop(process);
    assert!(hung_up(&a, SOON));
}

#[test]
fn no_descriptor_for_the_creator() {
    alone!(no_descriptor_for_the_creator);
    let mut open = Vec::new();
    bare::limit_descriptors(Some(&bare::RLimit64 { cur: 64, max: 64 })).unwrap();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        open.push(file);
    }
    for _ in 0..6 {
        // One more is free in each round, until there are enough.
        match Client::start() {
            Ok(_) => return,
            Err(why) => assert_eq!(why.errno, libc::EMFILE, "{}", why.step),
        }
        open.pop();
    }
    panic!("six free descriptors are enough");
}

#[test]
fn no_process_for_the_creator() {
    alone!(no_process_for_the_creator);
    if is_root() {
        // SAFETY: ids; the process is this test's own.
        done(unsafe { libc::setresuid(54321, 54321, 54321) });
    }
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure outlives the call.
    done(unsafe { libc::setrlimit(libc::RLIMIT_NPROC, &none) });
    let why = Client::start().unwrap_err();
    assert_eq!(why.errno, libc::EAGAIN, "{}", why.step);
    assert!(why.step.starts_with("clone"), "{}", why.step);
}

/// A seccomp filter that answers one system call of the number `nr` with `action`.
fn forbid(nr: libc::c_long, action: u32) {
    let step = |code: u32, jt, jf, k: u32| libc::sock_filter { code: code as u16, jt, jf, k };
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let mut filter = [
        step(load, 0, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, nr as u32),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, action),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: 4, filter: filter.as_mut_ptr() };
    // SAFETY: the filter outlives the call.
    unsafe {
        done(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
        done(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program));
    }
}

fn fails_with(nr: libc::c_long, action: u32, step: &str, errno: i32) {
    forbid(nr, action);
    let why = Client::start().unwrap_err();
    assert!(why.step.contains(step), "{why:?}");
    assert_eq!(why.errno, errno, "{why:?}");
    // Nothing is left.
    let mut status = 0;
    // SAFETY: plain wait.
    assert_eq!(unsafe { libc::waitpid(-1, &mut status, libc::__WALL) }, -1);
}

macro_rules! filtered {
    ($($name:ident: $nr:ident $action:expr, $step:literal, $errno:ident;)*) => {$(
        #[test]
        fn $name() {
            alone!($name);
            fails_with(libc::$nr, $action, $step, libc::$errno);
        }
    )*};
}
const REFUSE: u32 = libc::SECCOMP_RET_ERRNO | libc::EACCES as u32;
filtered! {
    memfd_refused: SYS_memfd_create REFUSE, "memfd", EACCES;
    exec_refused: SYS_execveat REFUSE, "execute", EACCES;
    memfd_deadly: SYS_memfd_create libc::SECCOMP_RET_KILL_PROCESS, "memfd", EPERM;
    exec_deadly: SYS_execveat libc::SECCOMP_RET_KILL_PROCESS, "keep the watcher alive", EPERM;
    clone_refused: SYS_clone REFUSE, "clone", EACCES;
    shutdown_refused: SYS_shutdown REFUSE, "shutdown", EACCES;
    shutdown_deadly: SYS_shutdown libc::SECCOMP_RET_KILL_PROCESS, "keep the watcher alive", EPERM;
    signals_refused: SYS_pidfd_send_signal REFUSE, "pidfd_send_signal", EACCES;
    epoll_refused: SYS_epoll_create1 REFUSE, "epoll", EACCES;
}

fn works() {
    let client = Client::start().unwrap();
    let (a, b) = pair();
    let mut process = Sleeper::new();
    watch(&client, &b, &process, &Policy::default());
    process.kill();
    assert!(hung_up(&a, SOON));
}

#[test]
fn without_close_range() {
    alone!(without_close_range);
    forbid(libc::SYS_close_range, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32);
    works();
}

#[test]
fn with_no_new_privs() {
    alone!(with_no_new_privs);
    // SAFETY: numbers.
    done(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) });
    works();
}

#[test]
fn with_child_signals_ignored() {
    alone!(with_child_signals_ignored);
    // SAFETY: no handler.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    let client = Client::start().unwrap();
    assert!(!client.is_adopted());
    assert_eq!(client.counts(), Ok((0, 0)));
}

/// Only as root: a user namespace needs a process with one thread, and a test has two.
fn unshare(flags: i32) -> bool {
    if !is_root() {
        println!("SKIP: needs root");
        return false;
    }
    // SAFETY: numbers.
    let unshared = unsafe { libc::unshare(flags) } == 0;
    if !unshared {
        println!("SKIP: no namespaces");
    }
    unshared
}

#[test]
fn an_unshared_pid_namespace_is_not_used_up() {
    alone!(an_unshared_pid_namespace_is_not_used_up);
    if !unshare(libc::CLONE_NEWPID) {
        return;
    }
    let why = Client::start().unwrap_err();
    assert_eq!(why.errno, libc::EOPNOTSUPP, "{}", why.step);
    // SAFETY: the child ends at once.
    let init = unsafe { libc::fork() };
    if init == 0 {
        bare::exit(if bare::getpid() == 1 { 0 } else { 1 });
    }
    assert!(init > 0);
    let mut status = 0;
    // SAFETY: plain wait.
    assert_eq!(unsafe { libc::waitpid(init, &mut status, 0) }, init);
    assert_eq!(status, 0);
}

/// Goes on as the init of a new pid namespace; the outer process takes over its verdict.
fn as_init(then: impl FnOnce()) {
    if unshare(libc::CLONE_NEWPID) {
        forked(then);
    }
}

fn forked(then: impl FnOnce()) {
    // SAFETY: the test harness has one other thread, which waits; what follows allocates at worst.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(then));
        bare::exit(i32::from(worked.is_err()));
    }
    let mut status = 0;
    // SAFETY: plain wait.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0, "the forked child");
}

#[test]
fn an_init_does_not_wait_for_it_for_ever() {
    alone!(an_init_does_not_wait_for_it_for_ever);
    as_init(|| {
        assert_eq!(bare::getpid(), 1);
        let (client, room) = start_and_reserve();
        assert!(client.is_adopted());
        // SAFETY: the child only waits.
        let child = unsafe { libc::fork() };
        if child == 0 {
            std::thread::sleep(SHORT);
            bare::exit(0);
        }
        // SAFETY: just made.
        let pidfd =
            unsafe { <OwnedFd as std::os::fd::FromRawFd>::from_raw_fd(bare::pidfd_open(child).unwrap()) };
        let (a, b) = pair();
        room.add(1, b.as_fd(), pidfd.as_fd(), &Policy::default()).unwrap();
        assert!(hung_up(&a, SOON));
        let mut waited = Vec::new();
        loop {
            let mut status = 0;
            // SAFETY: plain wait.
            match unsafe { libc::waitpid(-1, &mut status, 0) } {
                pid if pid < 0 => break,
                pid => waited.push(pid),
            }
        }
        assert_eq!(waited, [child, client.pid()]);
    });
}

#[test]
fn memfd_noexec() {
    alone!(memfd_noexec);
    if !is_root() {
        println!("SKIP: needs root");
        return;
    }
    as_init(|| {
        // The setting is the pid namespace's, Linux 6.3.
        if std::fs::write("/proc/sys/vm/memfd_noexec", "1").is_err() {
            println!("SKIP: no vm.memfd_noexec");
            return;
        }
        drop(Client::start().unwrap());
        std::fs::write("/proc/sys/vm/memfd_noexec", "2").unwrap();
        let why = Client::start().unwrap_err();
        assert!(why.step.contains("memfd_noexec"), "{why:?}");
        assert_eq!(why.errno, libc::EACCES);
    });
}

#[test]
fn in_a_root_without_proc() {
    alone!(in_a_root_without_proc);
    if !is_root() {
        println!("SKIP: needs root");
        return;
    }
    let mut process = Sleeper::new();
    let root = std::env::temp_dir().join(format!("procfd-root-{}", std::process::id()));
    std::fs::create_dir(&root).unwrap();
    std::os::unix::fs::chroot(&root).unwrap();
    std::env::set_current_dir("/").unwrap();
    let client = Client::start().unwrap();
    let (a, b) = pair();
    watch(&client, &b, &process, &Policy::default());
    process.kill();
    assert!(hung_up(&a, SOON));
}

#[test]
fn a_creator_that_gave_up_its_user_gets_nothing_back() {
    alone!(a_creator_that_gave_up_its_user_gets_nothing_back);
    if !is_root() {
        println!("SKIP: needs root");
        return;
    }
    let client = Client::start().unwrap();
    let mut victim = Sleeper::mortal(0);
    let pidfd = victim.pidfd();
    // SAFETY: ids; the process is this test's own.
    done(unsafe { libc::setresuid(54321, 54321, 54321) });
    let policy = Policy { first: 9, ..Policy::default() };
    let (a, b) = pair();
    assert_eq!(client.add(1, b.as_fd(), pidfd.as_fd(), &policy), Err(AddError::Gone));
    // And if it does not keep to the rules: the descriptor is hung up, and no signal sent.
    let request =
        proto::Request { magic: proto::MAGIC, op: proto::ADD, first: 9, ..proto::Request::default() };
    let control = client.descriptors().next().unwrap();
    bare::send(control.as_raw_fd(), &request.to_bytes(), &[b.as_raw_fd(), pidfd.as_raw_fd()]).unwrap();
    assert!(hung_up(&a, SOON));
    drop((a, b));
    assert_eq!(victim.signal_within(SHORT), None);
    assert_eq!(client.counts(), Ok((0, 1)));
    assert!(runs(victim.pid()));
    std::mem::forget(victim);
}

#[test]
fn a_creator_that_gave_up_cap_kill_does_not_get_it_back() {
    alone!(a_creator_that_gave_up_cap_kill_does_not_get_it_back);
    if !is_root() {
        println!("SKIP: needs root");
        return;
    }
    // Capabilities are a thread's: in a child the test's thread is the first one, which counts.
    forked(cap_kill_is_gone);
}

fn cap_kill_is_gone() {
    let client = Client::start().unwrap();
    let mut other = Sleeper::mortal(54321);
    bare::drop_capability(bare::CAP_KILL).unwrap();
    let policy = Policy { first: 15, ..Policy::default() };
    let (a, b) = pair();
    client.add(1, b.as_fd(), other.pidfd().as_fd(), &policy).unwrap();
    let mut own = Sleeper::new();
    let (a2, b2) = pair();
    client.add(2, b2.as_fd(), own.pidfd().as_fd(), &policy).unwrap();
    drop((a, a2));
    assert_eq!(own.signal_within(SOON), Some(15));
    assert_eq!(other.signal_within(SHORT), None);
    std::mem::forget(other);
}

#[test]
fn threads_add_together() {
    let client = Client::start().unwrap();
    let process = Sleeper::new();
    let pidfd = process.pidfd();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let (_a, b) = pair();
                    client.add(1, b.as_fd(), pidfd.as_fd(), &Policy::default()).unwrap();
                }
            });
        }
    });
    drop(process);
    assert!(eventually(|| client.counts() == Ok((0, 0))), "{:?}", client.counts());
}
