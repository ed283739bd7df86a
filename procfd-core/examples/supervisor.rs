// SPDX-License-Identifier: MIT OR Apache-2.0

//! Keeps services running. Each is a shell command; one that fails is started again, after 0.1 s and
//! then twice as long each time, up to 5 s; one that exits with 0 is done. SIGTERM and SIGINT stop
//! them all.
//!
//! ```text
//! supervisor [-t SECONDS] COMMAND...
//! ```
//!
//! To stop is SIGTERM to the service's process group, and SIGKILL after the SECONDS (5). That is its
//! close policy, so it is the same whether the supervisor lets go of it or is killed.

use std::error::Error;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use procfd::{Change, Context, OpenFlags, Process, Scope, SignalSet};

const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(5);

enum State {
    /// To be started then.
    Due(Instant),
    Running(Process),
    /// Its procfd is closed; this one, of a pidfd, only watches it end.
    Stopping(Process),
    Done,
}

struct Service {
    command: String,
    delay: Duration,
    state: State,
}

impl Service {
    fn create(&self, grace: Duration) -> Result<Process, Box<dyn Error>> {
        // With the watcher, whose part the second signal is.
        let mut context = Context::with_flags(OpenFlags::AUTOREAP)?;
        context
            .program_in_path("sh")?
            .args(["sh", "-c", &self.command])?
            .null(0)?
            .process_group(0)? // not the group that a terminal signals
            .signal_mask(SignalSet(0))?
            .end_on_close(libc::SIGTERM, Scope::ProcessGroup, libc::SIGKILL, grace)?;
        Ok(context.create()?)
    }

    fn start(&mut self, grace: Duration) {
        match self.create(grace) {
            Ok(process) => {
                println!("started: {}: pid {}", self.command, process.started_pid().unwrap_or(0));
                self.state = State::Running(process);
            }
            Err(error) => {
                println!("not started: {}: {error}", self.command);
                self.try_again();
            }
        }
    }

    fn try_again(&mut self) {
        self.state = State::Due(Instant::now() + self.delay);
        self.delay = (self.delay * 2).min(LONGEST_DELAY);
    }

    /// Closes the procfd: the kernel sends the first signal now, the watcher the second.
    fn stop(&mut self) -> io::Result<()> {
        self.state = match std::mem::replace(&mut self.state, State::Done) {
            State::Running(process) => {
                State::Stopping(Process::from_fd(process.pidfd().try_clone_to_owned()?)?)
            }
            State::Due(_) => State::Done,
            other => other,
        };
        Ok(())
    }

    fn pidfd(&self) -> Option<RawFd> {
        match &self.state {
            State::Running(process) | State::Stopping(process) => Some(process.pidfd().as_raw_fd()),
            _ => None,
        }
    }

    /// Its pidfd is readable. What is left of its group ends with the procfd.
    fn ended(&mut self) -> io::Result<()> {
        let (process, stopping) = match std::mem::replace(&mut self.state, State::Done) {
            State::Running(process) => (process, false),
            State::Stopping(process) => (process, true),
            other => {
                self.state = other;
                return Ok(());
            }
        };
        let status = process.wait()?;
        let how = match status.change {
            Change::Exited(code) => format!("exit code {code}"),
            Change::Killed(signal) | Change::Dumped(signal) => format!("signal {signal}"),
            other => format!("{other:?}"),
        };
        println!("{}: {}: {how}", if stopping { "stopped" } else { "ended" }, self.command);
        if !stopping && !status.is_success() {
            self.try_again();
        }
        Ok(())
    }
}

/// SIGTERM and SIGINT as a descriptor.
fn signals() -> io::Result<OwnedFd> {
    // SAFETY: the set outlives the calls; a descriptor that the call returns has no other owner.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGTERM);
        libc::sigaddset(&raw mut set, libc::SIGINT);
        libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        match libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC) {
            -1 => Err(io::Error::last_os_error()),
            fd => Ok(OwnedFd::from_raw_fd(fd)),
        }
    }
}

/// The positions of the descriptors that are readable; none when the time is over.
fn readable(fds: &[RawFd], limit: Option<Duration>) -> io::Result<Vec<usize>> {
    let mut polled: Vec<libc::pollfd> =
        fds.iter().map(|&fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 }).collect();
    // Up, so that what is due is due.
    let ms = limit.map_or(-1, |d| i32::try_from(d.as_millis() + 1).unwrap_or(i32::MAX));
    // SAFETY: the pointer and length are those of the vector.
    if unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, ms) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok((0..polled.len()).filter(|&i| polled[i].revents != 0).collect())
}

fn run(grace: Duration, commands: Vec<String>) -> Result<(), Box<dyn Error>> {
    let signals = signals()?;
    let mut services: Vec<Service> = commands
        .into_iter()
        .map(|command| Service { command, delay: FIRST_DELAY, state: State::Due(Instant::now()) })
        .collect();
    let mut stopping = false;
    loop {
        let now = Instant::now();
        for service in &mut services {
            if matches!(service.state, State::Due(then) if then <= now) {
                service.start(grace);
            }
        }
        let soonest = services
            .iter()
            .filter_map(|s| if let State::Due(then) = s.state { Some(then) } else { None })
            .min();
        let running: Vec<usize> = (0..services.len()).filter(|&i| services[i].pidfd().is_some()).collect();
        if running.is_empty() && soonest.is_none() {
            return Ok(());
        }
        let mut fds: Vec<RawFd> = running.iter().filter_map(|&i| services[i].pidfd()).collect();
        // Once is enough.
        fds.push(if stopping { -1 } else { signals.as_raw_fd() });
        for at in readable(&fds, soonest.map(|then| then.saturating_duration_since(Instant::now())))? {
            if let Some(&i) = running.get(at) {
                services[i].ended()?;
            } else {
                stopping = true;
            }
        }
        if stopping {
            for service in &mut services {
                service.stop()?;
            }
        }
    }
}

fn main() -> ExitCode {
    let mut commands: Vec<String> = std::env::args().skip(1).collect();
    let mut grace = Some(Duration::from_secs(5));
    if commands.first().is_some_and(|a| a == "-t") && commands.len() > 1 {
        grace = commands[1].parse().ok().and_then(|s| Duration::try_from_secs_f64(s).ok());
        commands.drain(..2);
    }
    let (Some(grace), false) = (grace, commands.is_empty()) else {
        eprintln!("usage: supervisor [-t SECONDS] COMMAND...");
        return ExitCode::from(2);
    };
    match run(grace, commands) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("supervisor: {error}");
            ExitCode::FAILURE
        }
    }
}
