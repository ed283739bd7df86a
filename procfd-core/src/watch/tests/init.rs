// SPDX-License-Identifier: MIT OR Apache-2.0

//! The built-in init, started as the spawn engine is to start it, but with plain forks.

use std::ffi::{CString, c_char};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use super::super::{init_image, proto};
use super::{SOON, eventually, pair, runs};
use crate::sys::bare;

/// An init with its program; killed when the test ends.
struct Init {
    pid: i32,
    pidfd: OwnedFd,
}

/// The first and the second signal of the close policy, and the delay.
type Close = (i32, i32, u64);
const KILL: Close = (bare::SIGKILL, 0, 0);

impl Init {
    /// `None`: not allowed here.
    fn new(script: &str, fuse: Option<&OwnedFd>, (first, second, delay_ms): Close) -> Option<Self> {
        let image = init_image().unwrap();
        let text = |s: &str| CString::new(s).unwrap();
        let numbers = [first.to_string(), second.to_string(), delay_ms.to_string()];
        let mut words = vec![text("procfd-init [for a test]"), text("2")];
        words.extend(numbers.iter().map(|n| text(n)));
        let program = [text("/bin/sh"), text("-c"), text(script)];
        let array = |words: &[CString]| -> Vec<*const c_char> {
            words.iter().map(|w| w.as_ptr()).chain([std::ptr::null()]).collect()
        };
        let (init_argv, argv, envp) = (array(&words), array(&program), array(&[text("PATH=/bin:/usr/bin")]));
        let fuse = fuse.map_or(-1, AsRawFd::as_raw_fd);
        let user = if bare::user_ids() == [0; 3] { 0 } else { libc::CLONE_NEWUSER };
        let fork = |flags: i32| {
            // SAFETY: a fork; the child makes system calls only.
            unsafe { libc::syscall(libc::SYS_clone, flags | libc::SIGCHLD, 0, 0, 0, 0) as i32 }
        };
        let pid = fork(libc::CLONE_NEWPID | user);
        if pid < 0 {
            println!("SKIP: no pid namespaces");
            return None;
        }
        if pid == 0 {
            let _ = bare::set_mask(!0);
            bare::default_action(bare::SIGCHLD);
            if fork(0) == 0 {
                let _ = bare::set_mask(0);
                // SAFETY: both arrays end with NULL.
                unsafe { libc::execve(argv[0], argv.as_ptr(), envp.as_ptr()) };
                bare::exit(127);
            }
            // Its only other descriptor is the image, which the exec closes.
            let kept = if fuse < 0 { bare::close(0) } else { bare::dup3(fuse, 0, 0) };
            if kept.is_err() || bare::dup3(image.as_fd().as_raw_fd(), 1000, 0o2_000_000).is_err() {
                bare::exit(126);
            }
            let _ = bare::close_range(1, 999, 0);
            // SAFETY: both arrays end with NULL.
            unsafe { bare::execute_fd(1000, init_argv.as_ptr().cast(), envp.as_ptr().add(1).cast()) };
            bare::exit(126);
        }
        // SAFETY: just made.
        let pidfd = unsafe { OwnedFd::from_raw_fd(bare::pidfd_open(pid).unwrap()) };
        Some(Self { pid, pidfd })
    }

    fn is_ready(&self) -> bool {
        std::fs::read_to_string(format!("/proc/{}/comm", self.pid)).is_ok_and(|comm| comm == "procfd-init\n")
    }

    fn children(&self) -> Vec<i32> {
        let children = format!("/proc/{0}/task/{0}/children", self.pid);
        std::fs::read_to_string(children)
            .unwrap()
            .split_whitespace()
            .map(|pid| pid.parse().unwrap())
            .collect()
    }

    fn child(&self) -> i32 {
        self.children()[0]
    }

    /// The script has come to this action for SIGTERM: `SigCgt` or `SigIgn`. And init forwards it.
    fn expects_sigterm(&self, action: &str) -> bool {
        let program = || std::fs::read_to_string(format!("/proc/{}/status", self.child())).ok();
        let expects = |status: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(action))?;
            let mask = u64::from_str_radix(line.trim_start_matches([':', '\t']), 16).ok()?;
            Some(mask >> (libc::SIGTERM - 1) & 1 == 1)
        };
        self.is_ready() && program().as_deref().and_then(expects) == Some(true)
    }

    fn signal(&self, signal: i32) {
        bare::pidfd_signal(self.pidfd.as_raw_fd(), signal, 0).unwrap();
    }

    /// CLD_EXITED and so on, and the status.
    fn end(&self) -> (i32, i32) {
        let ended = bare::wait(bare::P_PIDFD, self.pidfd.as_raw_fd(), bare::WEXITED).unwrap();
        (ended.code, ended.status)
    }
}

impl Drop for Init {
    fn drop(&mut self) {
        let _ = bare::pidfd_signal(self.pidfd.as_raw_fd(), bare::SIGKILL, 0);
        let _ = bare::wait(bare::P_PIDFD, self.pidfd.as_raw_fd(), bare::WEXITED);
    }
}

#[test]
fn the_exit_code_is_mirrored() {
    let Some(init) = Init::new("exit 7", None, KILL) else { return };
    assert_eq!(init.end(), (libc::CLD_EXITED, 7));
}

#[test]
fn a_deadly_signal_is_mirrored_and_recorded() {
    let (k1, k2) = pair();
    let Some(init) = Init::new("kill -TERM $$", Some(&k2), KILL) else { return };
    assert_eq!(init.end(), (libc::CLD_EXITED, 128 + libc::SIGTERM));
    let mut bytes = [0; proto::Ended::SIZE];
    assert_eq!(bare::receive(k1.as_raw_fd(), &mut bytes).unwrap().len, bytes.len());
    let ended = proto::Ended::from_bytes(&bytes).unwrap();
    assert_eq!(ended.magic, proto::MAGIC);
    assert_eq!((ended.code, ended.status), (libc::CLD_KILLED, libc::SIGTERM));
}

#[test]
fn signals_are_forwarded() {
    let script = "trap 'exit 42' USR1; trap '' TERM; while :; do sleep .01; done";
    let Some(init) = Init::new(script, None, KILL) else { return };
    assert!(eventually(|| init.expects_sigterm("SigIgn")));
    init.signal(libc::SIGTERM);
    init.signal(libc::SIGUSR1);
    assert_eq!(init.end(), (libc::CLD_EXITED, 42));
}

#[test]
fn orphans_are_reaped() {
    let script = "for i in 1 2 3 4 5; do (sleep 0 & sleep 0 &); done; exec sleep 1000";
    let Some(init) = Init::new(script, None, KILL) else { return };
    let comm = |pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    assert!(eventually(|| init.is_ready() && comm(init.child()) == "sleep\n"));
    assert!(eventually(|| init.children().len() == 1));
}

#[test]
fn the_fuse_ends_the_namespace() {
    let (k1, k2) = pair();
    let Some(init) = Init::new("trap '' TERM; sleep 1000; sleep 1000", Some(&k2), KILL) else { return };
    drop(k2);
    assert!(eventually(|| init.is_ready()));
    let program = init.child();
    assert!(runs(program));
    drop(k1);
    assert_eq!(init.end(), (libc::CLD_EXITED, 128 + bare::SIGKILL));
    assert!(!runs(program));
}

#[test]
fn the_fuse_may_ask_politely_first() {
    let (k1, k2) = pair();
    let script = "trap 'exit 5' TERM; while :; do sleep .01; done";
    let Some(init) = Init::new(script, Some(&k2), (libc::SIGTERM, bare::SIGKILL, 60_000)) else { return };
    drop(k2);
    assert!(eventually(|| init.expects_sigterm("SigCgt")));
    drop(k1);
    assert_eq!(init.end(), (libc::CLD_EXITED, 5));
}

#[test]
fn who_does_not_listen_is_ended_after_the_delay() {
    let (k1, k2) = pair();
    let script = "trap '' TERM; while :; do sleep .01; done";
    let Some(init) = Init::new(script, Some(&k2), (libc::SIGTERM, bare::SIGKILL, 200)) else { return };
    drop(k2);
    assert!(eventually(|| init.expects_sigterm("SigIgn")));
    let start = Instant::now();
    drop(k1);
    assert_eq!(init.end(), (libc::CLD_EXITED, 128 + bare::SIGKILL));
    assert!((Duration::from_millis(200)..SOON).contains(&start.elapsed()));
}
