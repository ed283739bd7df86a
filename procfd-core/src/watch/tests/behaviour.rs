// SPDX-License-Identifier: MIT OR Apache-2.0

//! What it is for.

use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::super::{AddError, Client, Policy};
use super::{SOON, Sleeper, alone, eventually, hung_up, pair, runs, start_and_reserve, watch};
use crate::sys::bare;

const SHORT: Duration = Duration::from_millis(50);

#[test]
fn the_end_of_the_process_hangs_up() {
    let client = Client::start().unwrap();
    let (a, b) = pair();
    let mut process = Sleeper::new();
    watch(&client, &b, &process, &Policy::default());
    assert!(!hung_up(&a, SHORT));
    assert_eq!(client.counts().unwrap(), (1, 0));
    process.kill();
    assert!(hung_up(&a, SOON));
    assert_eq!(client.counts().unwrap(), (0, 0));
}

#[test]
fn a_process_that_has_ended_before_it_is_added() {
    let client = Client::start().unwrap();
    let (a, b) = pair();
    let mut process = Sleeper::new();
    let pidfd = process.pidfd();
    process.kill();
    process.0.wait().unwrap();
    client.add(1, b.as_fd(), pidfd.as_fd(), &Policy::default()).unwrap();
    assert!(hung_up(&a, SOON));
}

#[test]
fn a_client_that_goes_leaves_the_watcher_to_its_processes() {
    let client = Client::start().unwrap();
    let watcher = client.pid();
    let (a, b) = pair();
    let (unheard, b2) = pair();
    let mut process = Sleeper::new();
    let other = Sleeper::new();
    watch(&client, &b, &process, &Policy::default());
    watch(&client, &b2, &other, &Policy::default());
    drop((client, b, b2));
    std::thread::sleep(SHORT);
    assert!(runs(watcher));
    process.kill();
    assert!(hung_up(&a, SOON));
    assert!(runs(watcher));
    // The other process runs on, but no procfd is left.
    drop(unheard);
    assert!(eventually(|| !runs(watcher)));
}

#[test]
fn an_idle_watcher_ends_with_its_client() {
    let client = Client::start().unwrap();
    let watcher = client.pid();
    std::thread::sleep(SHORT);
    assert!(runs(watcher) && client.is_alive());
    drop(client);
    assert!(eventually(|| !runs(watcher)));
}

#[test]
fn many_at_once() {
    let client = Client::start().unwrap();
    let mut all: Vec<_> = (0..300).map(|_| (pair(), Sleeper::new())).collect();
    for ((_, b), process) in &all {
        watch(&client, b, process, &Policy::default());
    }
    assert_eq!(client.counts().unwrap(), (300, 0));
    for (_, process) in &mut all {
        process.kill();
    }
    for ((a, _), _) in &all {
        assert!(hung_up(a, SOON));
    }
    assert_eq!(client.counts().unwrap(), (0, 0));
}

#[test]
fn the_first_signal_is_sent_when_the_last_procfd_is_closed() {
    let client = Client::start().unwrap();
    let (a, b) = pair();
    let a2 = a.try_clone().unwrap();
    let mut process = Sleeper::new();
    watch(&client, &b, &process, &Policy { first: 15, ..Policy::default() });
    drop(a);
    assert_eq!(process.signal_within(SHORT), None);
    drop(a2);
    assert_eq!(process.signal_within(SOON), Some(15));
}

#[test]
fn the_second_signal_is_sent_after_its_delay() {
    let client = Client::start().unwrap();
    let (delay, longer) = (Duration::from_millis(150), Duration::from_millis(250));
    let (a, b) = pair();
    let (a2, b2) = pair();
    let (mut process, mut process2) = (Sleeper::new(), Sleeper::new());
    watch(&client, &b, &process, &Policy { second: 9, delay, ..Policy::default() });
    watch(&client, &b2, &process2, &Policy { second: 15, delay: longer, ..Policy::default() });
    let start = Instant::now();
    drop((a, a2));
    assert_eq!(process.signal_within(SOON), Some(9));
    assert!(start.elapsed() >= delay);
    assert_eq!(process2.signal_within(SOON), Some(15));
    assert!(start.elapsed() >= longer);
    assert!(eventually(|| client.counts().unwrap() == (0, 0)));
}

#[test]
fn a_watcher_without_client_still_sends_the_second_signal() {
    let client = Client::start().unwrap();
    let watcher = client.pid();
    let (a, b) = pair();
    let mut process = Sleeper::new();
    watch(&client, &b, &process, &Policy { second: 9, delay: SHORT, ..Policy::default() });
    drop((client, a, b));
    assert_eq!(process.signal_within(SOON), Some(9));
    assert!(eventually(|| !runs(watcher)));
}

#[test]
fn a_policy_can_be_changed_and_taken_away() {
    let client = Client::start().unwrap();
    let (a, b) = pair();
    let (a2, b2) = pair();
    let (mut process, mut process2) = (Sleeper::new(), Sleeper::new());
    client.add(7, b.as_fd(), process.pidfd().as_fd(), &Policy { first: 9, ..Policy::default() }).unwrap();
    client.add(8, b2.as_fd(), process2.pidfd().as_fd(), &Policy::default()).unwrap();
    client.change(7, &Policy::default()).unwrap();
    client.change(8, &Policy { first: 10, ..Policy::default() }).unwrap();
    drop((a, a2));
    assert_eq!(process2.signal_within(SOON), Some(10));
    assert_eq!(process.signal_within(SHORT), None);
}

#[test]
fn a_policy_for_the_process_group() {
    let client = Client::start().unwrap();
    let (a, b) = pair();
    let mut shell = Command::new("sh");
    shell.args(["-c", "sleep 1000 & echo $!; wait"]).process_group(0).stdout(Stdio::piped());
    let mut leader = Sleeper(shell.spawn().unwrap());
    let mut line = [0u8; 32];
    let len = leader.0.stdout.as_mut().unwrap().read(&mut line).unwrap();
    let member: i32 = String::from_utf8_lossy(&line[..len]).trim().parse().unwrap();
    let policy = Policy { first: 15, group: true, ..Policy::default() };
    watch(&client, &b, &leader, &policy);
    drop(a);
    assert_eq!(leader.signal_within(SOON), Some(15));
    assert!(eventually(|| !runs(member)));
}

#[test]
fn what_the_watcher_is() {
    alone!(what_the_watcher_is);
    // Things that it must not have.
    let _kept = std::fs::File::open("/dev/null").unwrap().into_raw();
    std::env::set_current_dir("/tmp").unwrap();
    let client = Client::start().unwrap();
    let (_a, b) = pair();
    let process = Sleeper::new();
    watch(&client, &b, &process, &Policy::default());
    client.counts().unwrap();
    let about = |file: &str| std::fs::read(format!("/proc/{}/{file}", client.pid())).unwrap();
    let link = |file: &str| std::fs::read_link(format!("/proc/{}/{file}", client.pid())).unwrap();

    let title = String::from_utf8(about("cmdline")).unwrap();
    assert!(title.starts_with(&format!("procfd-watch [for {} ", std::process::id())), "{title}");
    assert_eq!(about("comm"), b"procfd-watch\n");
    assert!(about("environ").is_empty());
    assert_eq!(link("cwd").to_str(), Some("/"));
    let stat = String::from_utf8(about("stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    assert_ne!(fields[1], std::process::id().to_string(), "its parent");
    assert_eq!(fields[3], client.pid().to_string(), "its session");
    assert_eq!(fields[4], "0", "its terminal");
    let status = String::from_utf8(about("status")).unwrap();
    assert!(status.contains("SigBlk:\tfffffffffffbfeff"), "all but SIGKILL and SIGSTOP\n{status}");
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", client.pid())).unwrap().count();
    // Control, epoll, creator; B and pidfd.
    assert_eq!(descriptors, 5);
    let rss = String::from_utf8(about("smaps_rollup")).unwrap();
    let rss: u32 = rss
        .lines()
        .find(|l| l.starts_with("Rss:"))
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    assert!(rss <= 100 || rss as usize > 4 * 64, "resident: {rss} KiB");
}

trait IntoRaw {
    fn into_raw(self) -> i32;
}

impl IntoRaw for std::fs::File {
    /// Inheritable.
    fn into_raw(self) -> i32 {
        // SAFETY: duplicates a descriptor.
        unsafe { libc::dup(self.as_raw_fd()) }
    }
}

#[test]
fn the_creator_does_not_see_it() {
    alone!(the_creator_does_not_see_it);
    use std::sync::atomic::{AtomicU32, Ordering};
    static SIGNALS: AtomicU32 = AtomicU32::new(0);
    extern "C" fn on_child(_: i32) {
        SIGNALS.fetch_add(1, Ordering::Relaxed);
    }
    // SAFETY: the handler only counts.
    unsafe { libc::signal(libc::SIGCHLD, on_child as *const () as usize) };
    let client = Client::start().unwrap();
    assert!(!client.is_adopted());
    let mut status = 0;
    // SAFETY: plain wait.
    let waited = unsafe { libc::waitpid(-1, &mut status, libc::__WALL) };
    assert_eq!((waited, std::io::Error::last_os_error().raw_os_error()), (-1, Some(libc::ECHILD)));
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let children = std::fs::read_to_string(task.unwrap().path().join("children"));
        assert!(children.is_err() || children.is_ok_and(|c| c.is_empty()));
    }
    let watcher = client.pid();
    // SAFETY: the watcher is ours.
    unsafe { libc::kill(watcher, libc::SIGKILL) };
    assert!(eventually(|| !runs(watcher)));
    assert_eq!(SIGNALS.load(Ordering::Relaxed), 0);
}

#[test]
fn a_subreaper_does_not_wait_for_it_for_ever() {
    alone!(a_subreaper_does_not_wait_for_it_for_ever);
    // SAFETY: numbers.
    unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
    let mut processes: Vec<_> = (0..3).map(|_| (pair(), Sleeper::new())).collect();
    let (client, held) = start_and_reserve();
    assert!(client.is_adopted());
    for ((_, b), process) in &processes {
        watch(&client, b, process, &Policy::default());
    }
    drop(held);
    // Much longer than it lingers: it has work.
    std::thread::sleep(Duration::from_millis(100));
    assert!(client.is_alive());
    for (_, process) in &mut processes {
        process.kill();
    }
    let mut waited = Vec::new();
    loop {
        let mut status = 0;
        // SAFETY: plain wait.
        let pid = unsafe { libc::waitpid(-1, &mut status, 0) };
        if pid < 0 {
            break;
        }
        waited.push(pid);
    }
    // The children first, the watcher last.
    assert_eq!(waited.len(), 4);
    assert_eq!(waited.last(), Some(&client.pid()));

    let process = Sleeper::new();
    let ((_a, b), pidfd) = (pair(), process.pidfd());
    assert_eq!(client.add(1, b.as_fd(), pidfd.as_fd(), &Policy::default()), Err(AddError::Gone));
    let (client, held) = start_and_reserve();
    std::thread::sleep(Duration::from_millis(100));
    held.add(1, b.as_fd(), pidfd.as_fd(), &Policy::default()).unwrap();
    assert_eq!(client.counts(), Ok((1, 0)));
    drop(process);
    // What was reserved for nothing does not keep it.
    drop(client.reserve(&Policy::default()));
    assert!(eventually(|| !client.is_alive()));
    assert!(eventually(|| {
        client.reap();
        !std::path::Path::new(&format!("/proc/{}", client.pid())).exists()
    }));
}

/// The other side of the next test: starts a watcher and a process, hands A out, and goes.
fn hand_out(then: &str) {
    let client = Client::start().unwrap();
    let (a, b) = pair();
    let process = Sleeper::new();
    watch(&client, &b, &process, &Policy::default());
    // SAFETY: the test that started this left it there.
    let out = unsafe { OwnedFd::from_raw_fd(3) };
    let text = format!("{} {}", process.pid(), client.pid());
    bare::send(out.as_raw_fd(), text.as_bytes(), &[a.as_raw_fd()]).unwrap();
    drop((out, a));
    match then {
        "die" => std::process::abort(),
        _ => panic!("{}", Command::new("sleep").arg("1000").exec()),
    }
}

fn outlives(then: &str, test: &str) {
    let (ours, theirs) = pair();
    let theirs = theirs.as_raw_fd();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env("PROCFD_TEST_HANDS_OUT", then).stdout(Stdio::null());
    // SAFETY: one system call.
    unsafe {
        command.pre_exec(move || match libc::dup2(theirs, 3) {
            3 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        })
    };
    let mut creator = Sleeper(command.stderr(Stdio::null()).spawn().unwrap());
    let mut text = [0u8; 64];
    let mut got = None;
    assert!(eventually(|| {
        got = bare::receive(ours.as_raw_fd(), &mut text).ok();
        got.is_some()
    }));
    let got = got.unwrap();
    // SAFETY: received for us.
    let a = unsafe { OwnedFd::from_raw_fd(got.fds[0]) };
    let text = String::from_utf8_lossy(&text[..got.len]);
    let (process, watcher) = text.split_once(' ').unwrap();
    let (process, watcher): (i32, i32) = (process.parse().unwrap(), watcher.parse().unwrap());
    if then == "die" {
        creator.0.wait().unwrap();
    } else {
        // Not there for a moment, when another thread than the first executes.
        let exe = || std::fs::read_link(format!("/proc/{}/exe", creator.0.id()));
        let own = std::env::current_exe().unwrap();
        assert!(eventually(|| exe().is_ok_and(|exe| exe != own)));
    }
    assert!(!hung_up(&a, SHORT));
    assert!(runs(watcher));
    bare::kill(process, bare::SIGKILL).unwrap();
    assert!(hung_up(&a, SOON));
    assert!(eventually(|| !runs(watcher)));
}

macro_rules! outlives {
    ($name:ident, $then:literal) => {
        #[test]
        fn $name() {
            let path = concat!(module_path!(), "::", stringify!($name));
            match std::env::var("PROCFD_TEST_HANDS_OUT") {
                Ok(then) => hand_out(&then),
                Err(_) => outlives($then, path.split_once("::").map_or(path, |(_, rest)| rest)),
            }
        }
    };
}
outlives!(it_outlives_its_creator, "die");
outlives!(it_outlives_an_exec_of_its_creator, "exec");

#[test]
fn with_many_descriptors_open() {
    alone!(with_many_descriptors_open);
    let open: Vec<_> = (0..600).map(|_| std::fs::File::open("/dev/null").unwrap().into_raw()).collect();
    let client = Client::start().unwrap();
    let (a, b) = pair();
    let mut process = Sleeper::new();
    watch(&client, &b, &process, &Policy { first: 9, ..Policy::default() });
    client.counts().unwrap();
    assert_eq!(std::fs::read_dir(format!("/proc/{}/fd", client.pid())).unwrap().count(), 5);
    process.kill();
    assert!(hung_up(&a, SOON));
    assert_eq!(open.len(), 600);
}

#[test]
fn without_standard_descriptors() {
    alone!(without_standard_descriptors);
    let kept: Vec<_> = (0..3).map(|fd| bare::dup_above(fd, 100).unwrap()).collect();
    for fd in 0..3 {
        bare::close(fd).unwrap();
    }
    let client = Client::start();
    let process = client.as_ref().map(|_| (pair(), Command::new("sleep").arg("1000").spawn()));
    let hung = match (&client, process) {
        (Ok(client), Ok(((a, b), Ok(child)))) => {
            let mut process = Sleeper(child);
            let added = client.add(1, b.as_fd(), process.pidfd().as_fd(), &Policy::default());
            process.kill();
            added.is_ok() && hung_up(&a, SOON)
        }
        _ => false,
    };
    drop(client);
    for (fd, kept) in (0..3).zip(kept) {
        bare::dup3(kept, fd, 0).unwrap();
    }
    assert!(hung);
}
