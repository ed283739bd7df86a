// SPDX-License-Identifier: MIT OR Apache-2.0

//! `Command` and `Child`, as users of std know them.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::ExitStatus;
use std::time::Duration;

use procfd::{Command, Context, Process, Stage, Stdio};

fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

fn text(command: &mut Command) -> String {
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[test]
fn one_chain() {
    assert!(Command::new("true").spawn().unwrap().wait().unwrap().success());
    assert_eq!(text(Command::new("echo").arg("a").args(["b", "c"])), "a b c\n");
    assert_eq!(text(Command::new("/bin/sh").arg0("shell").args(["-c", "echo $0"])), "shell\n");
}

#[test]
fn environment() {
    let all = text(Command::new("/usr/bin/env").env("GONE", "1").env_clear().envs([("A", "1"), ("B", "2")]));
    assert_eq!(all, "A=1\nB=2\n");
    assert_eq!(text(sh("echo $A-$B").env("A", "1").env("B", "2").env_remove("B")), "1-\n");
}

#[test]
fn streams() {
    // More than a pipe takes, in both.
    let output = sh("head -c 300000 /dev/zero >&2; head -c 200000 /dev/zero").output().unwrap();
    assert_eq!((output.stdout.len(), output.stderr.len()), (200_000, 300_000));
    assert_eq!(text(&mut sh("cat; echo end")), "end\n");
    assert_eq!(text(sh("cat").stdin(File::open("/dev/null").unwrap())), "");
    let output = sh("echo x; echo y >&2").stdout(Stdio::null()).output().unwrap();
    assert_eq!((output.stdout, output.stderr), (vec![], b"y\n".to_vec()));

    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"through").unwrap();
    let mut through = String::new();
    child.stdout.take().unwrap().read_to_string(&mut through).unwrap();
    assert_eq!(through, "through");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_pipe_between_two() {
    let mut first = sh("printf '3\\n1\\n2\\n'").stdout(Stdio::piped()).spawn().unwrap();
    assert_eq!(text(Command::new("sort").stdin(first.stdout.take().unwrap())), "1\n2\n3\n");
    assert!(first.wait().unwrap().success());
}

#[test]
fn actions_see_the_streams() {
    // As 2>&1 behind a redirection.
    let output = sh("echo out; echo err >&2").dup(1, 2).output().unwrap();
    assert_eq!(output.stdout, b"out\nerr\n");
}

#[test]
fn reusable() {
    let mut command = sh("echo $N; cat");
    let file = tempfile();
    command.stdin(file);
    for n in 0..3 {
        assert_eq!(text(command.env("N", n.to_string())), format!("{n}\n"));
    }
}

fn tempfile() -> OwnedFd {
    File::open("/dev/null").unwrap().into()
}

#[test]
fn the_first_error_is_kept() {
    let mut command = Command::new("true");
    command.umask(0o1000).nice(99).arg("x");
    for _ in 0..2 {
        let e = command.spawn().unwrap_err();
        assert_eq!((e.stage(), e.raw_os_error()), (Stage::CONFIG, libc::EINVAL));
        assert!(e.to_string().contains("umask"), "{e}");
    }
    let e = Command::new("a\0b").status().unwrap_err();
    assert_eq!(e.raw_os_error(), libc::EINVAL);
    let e = Command::new("/no/such/program").status().unwrap_err();
    assert_eq!((e.stage(), e.kind()), (Stage::EXEC, std::io::ErrorKind::NotFound));
}

#[test]
fn a_missing_interpreter_is_named() {
    let folder = std::env::temp_dir().join(format!("procfd-missing.{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let make = |name: &str, content: &[u8]| {
        let path = folder.join(name);
        let mut file = File::options().create_new(true).write(true).mode(0o755).open(&path).unwrap();
        file.write_all(content).unwrap();
        path
    };
    let script = make("script", b"#! /no/such/interpreter -x\n");
    let behind = make("behind", format!("#!{}\n", script.display()).as_bytes());
    let elf = std::fs::read("/bin/sh").unwrap();
    let at = elf.windows(4).position(|bytes| bytes == b"/ld-").unwrap();
    let mut elf = elf.clone();
    elf[at..at + 4].copy_from_slice(b"/no-");
    let program = make("program", &elf);
    let message = |command: &mut Command| command.status().unwrap_err().to_string();
    let words = "its interpreter \"/no/such/interpreter\" does not exist";
    for path in [&script, &behind] {
        assert!(message(&mut Command::new(path)).contains(words));
    }
    assert!(message(&mut Command::new(&program)).contains("/no-"));
    // A relative path is one of the child's directory.
    let mut relative = Command::new("./script");
    assert!(!message(relative.current_dir(&folder)).contains("interpreter"));
    assert!(!message(&mut Command::new(folder.join("absent"))).contains("interpreter"));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn one_error_type() {
    fn mixed() -> Result<(), procfd::Error> {
        let context = Context::new()?;
        drop(context.try_clone()?);
        std::fs::read("/no/such/file")?;
        Ok(())
    }
    assert_eq!(mixed().unwrap_err().raw_os_error(), libc::ENOENT);
    fn as_io() -> std::io::Result<()> {
        Command::new("/no/such/program").status()?;
        Ok(())
    }
    assert_eq!(as_io().unwrap_err().kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn waits() {
    let mut child = sh("read line; exit 3").stdin(Stdio::piped()).kill_on_close().spawn().unwrap();
    let input = child.stdin.take();
    assert_eq!(child.try_wait().unwrap(), None);
    assert_eq!(child.wait_timeout(Duration::from_millis(20)).unwrap(), None);
    drop(input);
    let status = child.wait().unwrap();
    assert_eq!(ExitStatus::from(status).code(), Some(3));
    assert_eq!(child.try_wait().unwrap().map(|s| s.change), Some(status.change));
    let mut child = Command::new("sleep").arg("60").spawn().unwrap();
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().to_string(), "signal: 9 (SIGKILL)");
}

#[test]
fn drops() {
    for (close, drop_kills) in [(true, false), (false, true), (false, false)] {
        let mut command = Command::new("sleep");
        command.arg("60").kill_on_drop(drop_kills);
        if close {
            command.kill_on_close();
        }
        let child = command.spawn().unwrap();
        let process = Process::open(child.id()).unwrap();
        drop(child);
        let ends = close || drop_kills;
        let limit = Duration::from_millis(if ends { 20_000 } else { 100 });
        assert_eq!(process.wait_timeout(limit).unwrap().is_some(), ends);
        if !ends {
            process.kill().unwrap();
        }
    }
    let process: Process = Command::new("sleep").arg("60").kill_on_drop(true).spawn().unwrap().into();
    assert_eq!(process.wait_timeout(Duration::from_millis(50)).unwrap(), None);
    process.kill().unwrap();
    assert_eq!(process.wait().unwrap().signal(), Some(9));
    drop(OwnedFd::from(process));
}

#[test]
fn a_second_signal_brings_a_watcher() {
    let script = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
    let mut child = sh(script)
        .stdout(Stdio::piped())
        .end_on_close(libc::SIGTERM, procfd::Scope::Process, libc::SIGKILL, Duration::from_millis(50))
        .spawn()
        .unwrap();
    child.stdout.take().unwrap().read_exact(&mut [0; 6]).unwrap();
    let process = Process::open(child.id()).unwrap();
    drop(child);
    assert_eq!(process.wait_timeout(Duration::from_secs(20)).unwrap().unwrap().signal(), Some(libc::SIGKILL));
}

#[test]
fn a_new_user_has_no_groups_of_root() {
    // SAFETY: no arguments, cannot fail.
    if unsafe { libc::geteuid() } != 0 {
        println!("SKIP: needs root");
        return;
    }
    // SAFETY: a list of one.
    assert_eq!(unsafe { libc::setgroups(1, [0].as_ptr()) }, 0);
    let groups = |command: &mut Command| text(command.uid(65534).gid(65534));
    assert_eq!(groups(&mut sh("id -u; id -G")), "65534\n65534\n");
    assert_eq!(groups(sh("id -u; id -G").groups(&[7])), "65534\n65534 7\n");
}

#[test]
fn a_fork() {
    let mut context = Context::new().unwrap();
    context.umask(0o31).unwrap();
    // SAFETY: the child calls only umask and _exit.
    match unsafe { context.fork() }.unwrap() {
        // SAFETY: no pointers.
        None => unsafe { libc::_exit(libc::umask(0) as i32) },
        Some(process) => assert_eq!(process.wait().unwrap().code(), Some(0o31)),
    }
    let mut context = Context::new().unwrap();
    context.program("/bin/true").unwrap();
    // SAFETY: it fails.
    let failed = unsafe { context.fork() }.unwrap_err();
    assert_eq!(failed.stage(), Stage::PLAN);
}

#[test]
fn short_for_people() {
    assert_eq!(format!("{:?}", sh("exit 3")), r#""sh" "-c" "exit 3""#);
    let context = format!("{:?}", Context::new().unwrap());
    assert!(context.len() < 80, "{context}");
}

#[test]
fn an_info_shows_what_is_known() {
    let own = procfd::Process::open(std::process::id()).unwrap();
    let info = format!("{:?}", own.info(procfd::Fields::IDS | procfd::Fields::EXIT).unwrap());
    assert!(info.starts_with("Info { ids: ProcessIds { pid: "), "{info}");
    assert!(info.contains("absent: ") && !info.contains("None"), "{info}");
    assert!(!format!("{:?}", own.info(procfd::Fields::IDS).unwrap()).contains("absent"));
}

#[test]
fn a_program_by_descriptor() {
    let program = std::fs::File::open("/bin/sh").unwrap();
    let mut command = Command::new("no such program");
    command.configure(|context| context.program_fd(program).map(drop)).args(["-c", "echo $0", "name"]);
    assert_eq!(text(&mut command), "name\n");
    command.configure(|context| context.program_first_of(["/nonexistent/sh", "/bin/sh"]).map(drop));
    assert_eq!(text(&mut command), "name\n");
}

#[test]
fn a_level_changes_no_class() {
    let error = Command::new("true").ioprio(2, 1 << 13).spawn().unwrap_err();
    assert_eq!((error.stage(), error.raw_os_error()), (Stage::CONFIG, libc::EINVAL));
}

#[test]
fn a_chain_of_a_context_ends_in_create() {
    let run = || -> Result<i32, Box<dyn std::error::Error>> {
        let process =
            Context::new()?.program_in_path("sh")?.args(["sh", "-c", "exit 7"])?.umask(0o77)?.create()?;
        Ok(process.wait()?.code().unwrap_or(-1))
    };
    assert_eq!(run().unwrap(), 7);
    // A start that fails leaves the configuration, one that succeeds a new context.
    let directory = tempfile_name();
    let mut context = Context::new().unwrap();
    context.program("/bin/true").unwrap().current_dir(&directory).unwrap();
    let error = context.create().unwrap_err();
    assert_eq!((error.stage(), error.raw_os_error()), (Stage::CWD, libc::ENOENT));
    std::fs::create_dir(&directory).unwrap();
    assert!(context.create().unwrap().wait().unwrap().is_success());
    std::fs::remove_dir(&directory).unwrap();
    assert!(context.plan().unwrap().steps().iter().all(|step| step.calls != ["chdir"]), "it is new");
    assert!(context.program("/bin/true").unwrap().create().unwrap().wait().unwrap().is_success());
}

fn tempfile_name() -> std::path::PathBuf {
    std::env::temp_dir().join(format!("procfd-chain-{}", std::process::id()))
}

/// A shell whose child holds the pipe, with the end to read from: it ends when all have.
fn tree(command: &mut Command) -> (procfd::Child, std::process::ChildStdout) {
    command.args(["-c", "sleep 60 & echo; wait"]).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    output.read_exact(&mut [0]).unwrap();
    (child, output)
}

#[test]
fn a_tree_is_killed_whole() {
    for on_drop in [false, true] {
        let (mut child, mut output) =
            tree(Command::new("sh").kill_tree(true).kill_on_drop(on_drop).kill_on_close());
        if on_drop {
            drop(child);
        } else {
            child.kill().unwrap();
            assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
            // As std's: it has ended, and that is no error.
            child.kill().unwrap();
        }
        assert_eq!(output.read(&mut [0]).unwrap(), 0);
    }
}

#[test]
fn kill_tree_alone_kills_nothing_on_drop() {
    let (child, _output) = tree(Command::new("sh").kill_tree(true));
    let process = procfd::Process::open(child.id()).unwrap();
    drop(child);
    assert_eq!(process.wait_timeout(Duration::from_millis(50)).unwrap(), None);
    process.kill_tree(libc::SIGKILL).unwrap();
}

#[test]
fn a_command_tells_what_it_has() {
    let mut command = Command::new("/bin/echo");
    command.args(["a", "b"]).arg0("other").current_dir("/tmp");
    assert_eq!(command.get_program(), "/bin/echo");
    assert_eq!(command.get_args().collect::<Vec<_>>(), ["a", "b"]);
    let plan = command.plan().unwrap();
    assert!(plan.steps().iter().any(|step| step.calls == ["chdir"]));
    assert_eq!(command.umask(0o2000).plan().unwrap_err().raw_os_error(), libc::EINVAL);
}

/// Each method of std's and tokio's has its name here, or stands in the table of `Command`.
#[test]
fn each_name_of_std_and_tokio_has_its_place() {
    let ours: String = [
        "command.rs",
        "command/asynchronous.rs",
        "command/child.rs",
        "command/stdio.rs",
        "command/forward.rs",
    ]
    .iter()
    .map(|file| std::fs::read_to_string(format!("{}/src/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap())
    .collect();
    let table: Vec<&str> = ours.lines().filter(|line| line.starts_with("/// |")).collect();
    let has = |name: &str| {
        ours.contains(&format!("fn {name}("))
            || ours.contains(&format!("fn {name}<"))
            || ours.lines().any(|line| line.starts_with(&format!("    {name}(")))
            || table.iter().any(|row| row.contains(&format!("`{name}`")))
    };
    const NAMES: &str = "new arg args env envs env_remove env_clear current_dir stdin stdout stderr spawn output status \
        get_program get_args get_envs get_current_dir uid gid groups pre_exec before_exec exec arg0 process_group chroot \
        setsid create_pidfd kill_on_drop get_kill_on_drop as_std as_std_mut into_std spawn_with id kill start_kill wait \
        try_wait wait_with_output send_signal piped inherit null from_std into_owned_fd";
    let missing: Vec<&str> = NAMES.split_whitespace().filter(|name| !has(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(!has("no_such"));
}
