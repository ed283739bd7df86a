// SPDX-License-Identifier: MIT OR Apache-2.0

//! unshare(1): runs a command in new namespaces, and ends with its status.
//!
//! ```text
//! unshare [-CTUimnpru]... [-H HOSTNAME] COMMAND [ARGUMENT]...
//! ```
//!
//! As unshare(1) has them: -C cgroup, -T time, -U user, -i IPC, -m mount, -n network, -p pid, -u UTS; -r is -U with
//! the caller as root. In a pid namespace the built-in init is pid 1 and the command pid 2.

use std::error::Error;
use std::process::ExitCode;

use procfd::{Change, Context, IdMap, Namespaces};

fn run() -> Result<u8, Box<dyn Error>> {
    let mut context = Context::new()?;
    let mut arguments = std::env::args_os().skip(1).peekable();
    while let Some(option) = arguments.next_if(|a| a.as_encoded_bytes().starts_with(b"-")) {
        for letter in option.to_str().unwrap_or_default().chars().skip(1) {
            match letter {
                'C' => context.namespaces(Namespaces::CGROUP)?,
                'T' => context.namespaces(Namespaces::TIME)?,
                'U' => context.namespaces(Namespaces::USER)?,
                'i' => context.namespaces(Namespaces::IPC)?,
                'm' => context.namespaces(Namespaces::MOUNT)?,
                'n' => context.namespaces(Namespaces::NET)?,
                'p' => context.namespaces(Namespaces::PID)?.built_in_init(true)?,
                'u' => context.namespaces(Namespaces::UTS)?,
                'r' => {
                    let root = |outside| [IdMap { inside: 0, outside, count: 1 }];
                    // SAFETY: these calls have no preconditions.
                    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
                    context.namespaces(Namespaces::USER)?.uid_map(&root(uid))?.gid_map(&root(gid))?
                }
                'H' => context.hostname(arguments.next().ok_or("-H needs a name")?)?,
                _ => return Err(format!("no option -{letter}").into()),
            };
        }
    }
    let program = arguments.peek().ok_or("no command")?.clone();
    context.program_in_path(program)?.args(arguments)?.kill_on_close(libc::SIGKILL)?;
    Ok(match context.create()?.wait()?.change {
        Change::Exited(code) => code as u8,
        Change::Killed(signal) | Change::Dumped(signal) => 128 + signal as u8,
        _ => 125,
    })
}

fn main() -> ExitCode {
    run().map(ExitCode::from).unwrap_or_else(|error| {
        eprintln!("unshare: {error}");
        ExitCode::from(125)
    })
}
