// SPDX-License-Identifier: MIT OR Apache-2.0

//! The table of tests/e2e/cases through the Rust interface: one TAP test for each case.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test, but without the harness clippy cannot tell")]

use std::error::Error;
use std::fs;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::str::FromStr;
use std::time::Duration;

use procfd::{Context, IdMap, Namespaces, NumaFlags, NumaPolicy, Process, ProcessState, SignalSet};
use procfd::{Mount, Propagation, Scheduler, SeccompFlags, Setgroups, Speculation, SpeculationControl};

#[path = "e2e/keys.rs"]
mod keys;

type Done<T> = Result<T, Box<dyn Error>>;

/// How long a case may take.
const LIMIT: Duration = Duration::from_secs(20);

struct Case {
    name: String,
    lines: Vec<Vec<String>>,
}

impl Case {
    /// The lines that begin with this word, without it.
    fn of<'a>(&'a self, word: &'a str) -> impl Iterator<Item = &'a [String]> {
        self.lines.iter().filter(move |line| line[0] == word).map(|line| &line[1..])
    }
}

fn unescaped(word: &str) -> String {
    let mut out = String::new();
    let mut left = word.chars();
    while let Some(c) = left.next() {
        match (c, if c == '\\' { left.next() } else { None }) {
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('t')) => out.push('\t'),
            ('\\', Some('\\')) => out.push('\\'),
            ('\\', Some('e')) => {}
            ('\\', other) => panic!("no such escape: {other:?}"),
            (c, _) => out.push(c),
        }
    }
    out
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut words: Vec<String> = line.split('\t').map(unescaped).collect();
        match cases.last_mut() {
            _ if words[0] == "case" => cases.push(Case { name: words.remove(1), lines: Vec::new() }),
            Some(case) => case.lines.push(words),
            None => panic!("not in a case: {line}"),
        }
    }
    cases
}

fn word(words: &[String]) -> Done<&str> {
    Ok(words.first().ok_or("a word is missing")?)
}

fn number<T: FromStr<Err: Error + 'static>>(words: &[String]) -> Done<T> {
    Ok(word(words)?.parse()?)
}

fn numbers<T: FromStr<Err: Error + 'static>>(words: &[String]) -> Done<Vec<T>> {
    words.iter().map(|word| Ok(word.parse()?)).collect()
}

fn signals(words: &[String]) -> Done<SignalSet> {
    Ok(numbers(words)?.into_iter().collect())
}

fn own_id(id: u32) -> [IdMap; 1] {
    [IdMap { inside: 0, outside: id, count: 1 }]
}

fn set(c: &mut Context, words: &[String]) -> Done<()> {
    let (key, values) = words.split_first().ok_or("a setting without a name")?;
    if keys::set(c, key, values)? {
        return Ok(());
    }
    let at = |at: usize| -> Done<i32> { number(values.get(at..).unwrap_or_default()) };
    // SAFETY: no arguments, cannot fail.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    match key.as_str() {
        "program" => c.program(&values[0])?,
        "search" => c.program_in_path(&values[0])?,
        "args" => c.args(values)?,
        "env" => c.env_only(values.iter().map(|v| v.split_once('=').unwrap()))?,
        "env_set" => {
            let (name, value) = values[0].split_once('=').ok_or("no value")?;
            c.env(name, value)?
        }
        "env_unset" => c.env_remove(&values[0])?,
        "cwd" => c.current_dir(&values[0])?,
        "dup" => c.dup(at(0)?, at(1)?)?,
        "open" => c.open_at(at(0)?, &values[1], libc::O_RDONLY, 0)?,
        "null" => c.null(at(0)?)?,
        "data" => c.data(at(0)?, values[1].as_str())?,
        "close" => c.close(at(0)?)?,
        "close_range" => c.close_range(at(0)? as u32, at(1)? as u32)?,
        "time_limit" => c.time_limit(Duration::from_millis(word(values)?.parse()?))?,
        "limit" => c.rlimit(values[0].parse()?, values[1].parse()?, values[2].parse()?)?,
        "root" => c.root(&values[0])?,
        "user" => c.user(&values[0])?,
        "ioprio" => c.ioprio(at(0)? as u16, at(1)? as u16)?,
        "scheduler" => c.scheduler(&policy(at(0)? as u32))?,
        "affinity" => c.affinity([at(0)? as usize])?,
        "seccomp" => c.seccomp(&bytes(word(values)?)?, SeccompFlags::empty())?,
        "setgroups" => c.setgroups(if values[0] == "deny" { Setgroups::Deny } else { Setgroups::Allow })?,
        "sysctl" => c.sysctl(&values[0], &values[1])?,
        "bind" => c.mount(Mount::rbind(&values[0], &values[1]))?,
        "pivot_root" => c.pivot_root(&values[0])?,
        "mount_propagation" => c.mount_propagation(match values[0].as_str() {
            "shared" => Propagation::Shared,
            _ => Propagation::Private,
        })?,
        "numa" => c.numa(numa_policy(at(0)?), NumaFlags::empty(), [at(1)? as usize])?,
        "speculation" => c.speculation(speculation(at(0)?), speculation_control(at(1)?))?,
        "namespaces" => c.namespaces(values.iter().map(|name| namespace(name)).collect())?,
        "join_path" => c.join_path(namespace(word(values)?), &values[1])?,
        "uid_map_self" => c.uid_map(&own_id(uid))?,
        "gid_map_self" => c.gid_map(&own_id(gid))?,
        other => panic!("no such setting here: {other}"),
    };
    Ok(())
}

fn policy(number: u32) -> Scheduler {
    let mut scheduler = Scheduler::default();
    scheduler.policy = number;
    scheduler
}

/// Bytes in hexadecimal.
fn bytes(text: &str) -> Done<Vec<u8>> {
    (0..text.len()).step_by(2).map(|at| Ok(u8::from_str_radix(&text[at..at + 2], 16)?)).collect()
}

fn numa_policy(number: i32) -> NumaPolicy {
    match number {
        2 => NumaPolicy::Bind,
        3 => NumaPolicy::Interleave,
        other => panic!("no such policy here: {other}"),
    }
}

fn speculation(number: i32) -> Speculation {
    match number {
        0 => Speculation::StoreBypass,
        1 => Speculation::IndirectBranch,
        2 => Speculation::L1dFlush,
        other => panic!("no such feature here: {other}"),
    }
}

fn speculation_control(number: i32) -> SpeculationControl {
    match number {
        2 => SpeculationControl::Enable,
        4 => SpeculationControl::Disable,
        8 => SpeculationControl::ForceDisable,
        other => panic!("no such control here: {other}"),
    }
}

fn namespace(name: &str) -> Namespaces {
    match name {
        "user" => Namespaces::USER,
        "pid" => Namespaces::PID,
        "uts" => Namespaces::UTS,
        "mount" => Namespaces::MOUNT,
        "net" => Namespaces::NET,
        other => panic!("no such namespace here: {other}"),
    }
}

/// The creation fails as the case has it, and leaves the context as it was.
fn failing(context: &mut Context, wanted: &[String]) -> Done<()> {
    let Err(error) = context.create() else { return Err("it started".into()) };
    let errno = match wanted[1].as_str() {
        "ENOENT" => libc::ENOENT,
        "EACCES" => libc::EACCES,
        "EPERM" => libc::EPERM,
        "EINVAL" => libc::EINVAL,
        "EEXIST" => libc::EEXIST,
        other => panic!("no such errno here: {other}"),
    };
    let found = (error.stage().as_raw(), error.raw_os_error(), error.index());
    if found != (wanted[0].parse()?, errno, wanted[2].parse()?) {
        return Err(format!("{found:?}: {error}").into());
    }
    Ok(())
}

/// The process runs: what it writes, and how it ends.
fn watch(case: &Case, process: &Process, mut output: UnixStream) -> Done<()> {
    let mut text = Vec::new();
    let mut signal = case.of("signal").next();
    let mut part = [0; 4096];
    loop {
        let len = output.read(&mut part)?;
        text.extend_from_slice(&part[..len]);
        if len == 0 {
            break;
        }
        if let (true, Some(number)) = (text.contains(&b'\n'), &signal) {
            process.send_signal(number[0].parse()?)?;
            signal = None;
        }
    }
    let status = process.wait_timeout(LIMIT)?.ok_or("it has not ended")?;
    let wanted = case.of("output").next().map_or("", |words| words[0].as_str());
    if text != wanted.as_bytes() {
        return Err(format!("it wrote \"{}\", not \"{}\"", text.escape_ascii(), wanted.escape_debug()).into());
    }
    let exited: Option<i32> = case.of("exited").next().map(|words| words[0].parse()).transpose()?;
    let killed: Option<i32> = case.of("killed").next().map(|words| words[0].parse()).transpose()?;
    if (status.code(), status.signal()) != (exited, killed) || process.state()? != ProcessState::Exited {
        return Err(format!("it ended with {:?}", status.change).into());
    }
    Ok(())
}

fn run(case: &Case) -> Done<()> {
    let mut context = Context::new()?;
    // Not a pipe, for which std came later than the oldest compiler supported.
    let (output, end) = UnixStream::pair()?;
    context.fd(OwnedFd::from(end), 1)?;
    for words in case.of("set") {
        set(&mut context, words)?;
    }
    if let Some(wanted) = case.of("fails").next() {
        failing(&mut context, wanted)?;
        if case.of("then").next().is_none() {
            return Ok(());
        }
    }
    for words in case.of("then") {
        set(&mut context, words)?;
    }
    let process = context.create()?;
    watch(case, &process, output)
}

fn main() {
    let path = "tests/e2e/cases";
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/e2e/cases");
    let text = fs::read_to_string(path).or_else(|_| fs::read_to_string(beside)).unwrap();
    // What a child must not have: std opens nothing without close-on-exec.
    // SAFETY: a NUL-terminated path.
    assert!(unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDONLY) } >= 0);
    // SAFETY: no arguments, cannot fail.
    let root = unsafe { libc::geteuid() } == 0;
    let cases = cases(&text);
    let mut failed = false;
    println!("1..{}", cases.len());
    for (number, case) in (1..).zip(&cases) {
        let need = case.of("need").next().map(|words| words[0].as_str());
        if matches!((need, root), (Some("root"), false) | (Some("user"), true)) {
            println!(
                "ok {number} - {} # SKIP needs {}",
                case.name,
                if root { "a user other than root" } else { "root" }
            );
            continue;
        }
        let lacks = |words: &&[String]| match words {
            [not, path] if not == "!" => fs::exists(path).unwrap_or(true),
            [path, text] => !fs::read_to_string(path).is_ok_and(|all| all.contains(text.as_str())),
            _ => false,
        };
        if let Some(words) = case.of("need").find(lacks) {
            let path = words.iter().find(|word| word.starts_with('/')).unwrap();
            println!("ok {number} - {} # SKIP {path} is not so on this machine", case.name);
            continue;
        }
        match run(case) {
            Ok(()) => println!("ok {number} - {}", case.name),
            Err(why) => {
                failed = true;
                println!("# {why}\nnot ok {number} - {}", case.name);
            }
        }
    }
    std::process::exit(failed.into());
}
