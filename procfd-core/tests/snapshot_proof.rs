// SPDX-License-Identifier: MIT OR Apache-2.0

//! While a snapshot is taken, the program puts another directory at the number that the library has /proc at: what was
//! read there is taken back. One test, since the numbers belong to the whole process.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs;
use std::os::fd::{AsRawFd, RawFd};
use std::path::Path;

use procfd::ffi::{self, Given, Many};
use procfd::{Fields, Info};

fn number_of_proc() -> RawFd {
    let open = fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
    let is_proc = |path: &std::path::PathBuf| fs::read_link(path).is_ok_and(|to| to == Path::new("/proc"));
    let found = open.into_iter().find(is_proc).expect("the library keeps /proc");
    found.file_name().unwrap().to_str().unwrap().parse().unwrap()
}

/// A directory that looks like /proc, where all processes have one name.
fn forged(dir: &Path) {
    for entry in fs::read_dir("/proc").unwrap() {
        let name = entry.unwrap().file_name();
        let Ok(pid) = name.to_str().unwrap().parse::<u32>() else { continue };
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        let (head, tail) = (stat.find('(').unwrap(), stat.rfind(')').unwrap());
        fs::create_dir_all(dir.join(&name)).unwrap();
        let text = format!("{}(forged{}", &stat[..head], &stat[tail..]);
        fs::write(dir.join(&name).join("stat"), text).unwrap();
    }
}

#[test]
fn what_was_read_in_another_directory_is_taken_back() {
    let fields = Fields::IDS | Fields::COMM;
    let mut own = Info::default();
    // The first use keeps /proc.
    ffi::snapshot(&Many::All, fields, false, &mut |_| true).unwrap();
    let dir = std::env::temp_dir().join(format!("procfd-snapshot-proof-{}", std::process::id()));
    forged(&dir);
    let other = fs::File::open(&dir).unwrap();
    for at in [0, 1, 5, 15, 16, 17] {
        let number = number_of_proc();
        let (mut names, mut calls, mut undone) = (Vec::new(), 0, 0);
        let left = ffi::snapshot(&Many::All, fields, false, &mut |given| {
            match given {
                Given::Process(info) => {
                    names.push((info.ids.unwrap().pid, info.comm.unwrap().to_string()));
                    if info.ids.unwrap().pid == std::process::id() {
                        own = info.clone();
                    }
                }
                Given::None(e) => panic!("{e:?}"),
                Given::Undo(many) => {
                    undone += many;
                    names.truncate(names.len() - many);
                }
            }
            if calls == at {
                // SAFETY: what the library had there is closed by that, which is what this test is about.
                assert_eq!(unsafe { libc::dup2(other.as_raw_fd(), number) }, number);
            }
            calls += 1;
            true
        })
        .unwrap();
        assert_eq!(left, 0);
        assert!(names.len() > at && undone > 0, "{} names, {undone} taken back", names.len());
        assert!(names.iter().all(|(_, name)| name != "forged"), "{at}: {names:?}");
        assert!(names.windows(2).all(|two| two[0].0 < two[1].0), "each once: {names:?}");
        assert_eq!(own.ids.unwrap().pid, std::process::id());
        // SAFETY: the number is this test's now.
        unsafe { libc::close(number) };
    }
    fs::remove_dir_all(&dir).unwrap();
}
