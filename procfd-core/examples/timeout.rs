// SPDX-License-Identifier: MIT OR Apache-2.0

//! timeout(1): runs a command for at most so many seconds, and ends with its status; 124 when the
//! time was over, 125 when something else failed, 126 and 127 when it could not be executed.
//!
//! ```text
//! timeout SECONDS COMMAND [ARGUMENT]...
//! ```
//!
//! The command is in a process group of its own, all of which is killed when this program ends, however it ends.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use procfd::{Change, Command, Error, Scope};

fn run(limit: Duration, program: &OsString, arguments: &[OsString]) -> Result<u8, Error> {
    let mut child = Command::new(program)
        .args(arguments)
        .process_group(0)
        .signal_on_close(libc::SIGKILL, Scope::ProcessGroup)
        .spawn()?;
    let Some(status) = child.wait_timeout(limit)? else {
        let process = child.process();
        // Before Linux 6.9 there is no signal to a group by descriptor.
        if process.send_signal_to(libc::SIGTERM, Scope::ProcessGroup, None).is_err() {
            process.send_signal(libc::SIGTERM)?;
        }
        child.wait_timeout(Duration::from_secs(1))?;
        return Ok(124);
    };
    Ok(match status.change {
        Change::Exited(code) => code as u8,
        Change::Killed(signal) | Change::Dumped(signal) => 128 + signal as u8,
        _ => 125,
    })
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let seconds = arguments.first().and_then(|s| s.to_str()?.parse().ok());
    let limit = seconds.and_then(|s| Duration::try_from_secs_f64(s).ok());
    let (Some(limit), Some([program, command @ ..])) = (limit, arguments.get(1..)) else {
        eprintln!("usage: timeout SECONDS COMMAND [ARGUMENT]...");
        return ExitCode::from(125);
    };
    run(limit, program, command).map_or_else(
        |error| {
            eprintln!("timeout: {error}");
            ExitCode::from(match error.raw_os_error() {
                libc::ENOENT => 127,
                libc::EACCES | libc::ENOEXEC => 126,
                _ => 125,
            })
        },
        ExitCode::from,
    )
}
