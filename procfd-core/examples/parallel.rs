// SPDX-License-Identifier: MIT OR Apache-2.0

//! Runs each line of its input as a shell command, so many at once, and says how each ended. One
//! poll over pidfds tells of the ends: no SIGCHLD, no thread, no wait for all children.
//!
//! ```text
//! parallel [JOBS] < COMMANDS
//! ```
//!
//! All commands, each with its process group, are killed when this program ends before them. Exits
//! with 1 if one failed.

use std::io::{self, BufRead};
use std::os::fd::AsRawFd;
use std::process::ExitCode;

use procfd::{Child, Command, Error, Scope, Stdio};

struct Job {
    child: Child,
    command: String,
}

fn start(command: String) -> Result<Job, Error> {
    let child = Command::new("sh")
        .args(["-c", &command])
        .stdin(Stdio::null()) // which has the list of commands
        .process_group(0)
        .signal_on_close(libc::SIGKILL, Scope::ProcessGroup)
        .spawn()?;
    Ok(Job { child, command })
}

/// Takes out and returns the jobs that have ended; waits until there is one.
fn ended(jobs: &mut Vec<Job>) -> io::Result<Vec<Job>> {
    let mut polled: Vec<libc::pollfd> = jobs
        .iter()
        .map(|job| libc::pollfd {
            fd: job.child.process().pidfd().as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        })
        .collect();
    // SAFETY: the pointer and length are those of the vector.
    if unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, -1) } < 0 {
        let error = io::Error::last_os_error();
        return if error.kind() == io::ErrorKind::Interrupted { Ok(Vec::new()) } else { Err(error) };
    }
    let (ended, running) = jobs.drain(..).zip(polled).partition::<Vec<_>, _>(|(_, p)| p.revents != 0);
    jobs.extend(running.into_iter().map(|(job, _)| job));
    Ok(ended.into_iter().map(|(job, _)| job).collect())
}

fn run(most: usize) -> Result<bool, Error> {
    let mut commands = io::stdin().lock().lines();
    let mut jobs = Vec::new();
    let mut all_well = true;
    loop {
        while jobs.len() < most {
            let Some(command) = commands.next().transpose()? else { break };
            match start(command.clone()) {
                Ok(job) => jobs.push(job),
                Err(error) => {
                    println!("not started: {command}: {error}");
                    all_well = false;
                }
            }
        }
        if jobs.is_empty() {
            return Ok(all_well);
        }
        for mut job in ended(&mut jobs)? {
            let status = job.child.wait()?;
            let cpu = status.usage.map_or(0, |u| (u.user + u.system).as_millis());
            println!("{:?} ({cpu} ms of CPU time): {}", status.change, job.command);
            all_well &= status.success();
        }
    }
}

fn main() -> ExitCode {
    let most = match std::env::args().nth(1) {
        Some(number) => number.parse().unwrap_or(0),
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    if most == 0 {
        eprintln!("usage: parallel [JOBS] < COMMANDS");
        return ExitCode::from(2);
    }
    match run(most) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("parallel: {error}");
            ExitCode::from(2)
        }
    }
}
