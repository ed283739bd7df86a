// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! From nothing to a watcher with a socket: everything of the start that may use std.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd};

use super::image;
use crate::sys::OwnFd;
use crate::sys::bare::{self, ECHILD, EINTR, ENOENT, EOPNOTSUPP, Errno};
use crate::sys::fd::{made, read_small};
use crate::sys::orphan::{self, Image, Socket, Step};

/// Why the watcher could not be started. `step` is for a message: it starts with a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StartError {
    pub(crate) step: &'static str,
    pub(crate) errno: i32,
}

/// A watcher that runs and has not been spoken to.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) control: OwnFd,
    pub(super) pid: i32,
    pub(super) pidfd: OwnFd,
}

/// Starts one.
pub(super) fn start() -> Result<Started, StartError> {
    check_pid_namespace()?;
    let title = title();
    let at = |step| move |errno: Errno| StartError { step, errno: errno.0 };
    let (control, theirs) = bare::socket_pair().map_err(at("make the watcher's socket"))?;
    let (control, theirs) = (made(control), made(theirs));
    let met = if theirs.as_raw_fd() >= FEW { meet(&title) } else { None };
    if let Some(met) = met {
        return Ok(met);
    }
    // From the first message on the kernel attests who sent it. unix(7)
    bare::pass_credentials(theirs.as_raw_fd()).map_err(at("make the watcher's socket"))?;
    let (pid, pidfd) = launch(Socket::Inherited(theirs.as_fd()), &title)?;
    Ok(Started { control, pid, pidfd })
}

/// Starts the program with `socket` as its descriptor 0 and `title` as its only argument.
fn launch(socket: Socket<'_>, title: &CStr) -> Result<(i32, OwnFd), StartError> {
    let image = Image { name: image::NAME, bytes: image::PROGRAM, title };
    orphan::launch(socket, image).map_err(|(step, errno)| StartError { step: words(step), errno: errno.0 })
}

/// The step for a message: it starts with a verb.
fn words(step: Step) -> &'static str {
    match step {
        Step::Stack => "allocate the watcher's first stack",
        Step::Signals => "block signals",
        Step::CloneIntermediate => "clone the watcher's parent",
        Step::CloneOrphan => "clone the watcher",
        Step::Table => "leave the shared descriptor table",
        Step::Socket => "give the watcher its socket",
        Step::CreateImage => "create a memfd for the watcher (see vm.memfd_noexec)",
        Step::WriteImage => "write the watcher's image (see RLIMIT_FSIZE)",
        Step::SealImage => "seal the watcher's image",
        Step::Execute => "execute the watcher (a memfd: see vm.memfd_noexec, or a security policy)",
    }
}

/// Descriptors below this are copied for the watcher's table and closed again, in a few µs. Above,
/// the creator has so many that it is cheaper to meet the watcher at an address.
const FEW: i32 = 256;

/// The same by an address, with an empty descriptor table from the start. `None` where there are
/// no abstract addresses (a policy), or another process keeps connecting to it.
fn meet(title: &CStr) -> Option<Started> {
    let listener = made(bare::socket(true).ok()?);
    let address = bare::listen(listener.as_raw_fd()).ok()?;
    let (pid, pidfd) = launch(Socket::Connected(&address), title).ok()?;
    while let Ok(fd) = bare::accept(listener.as_raw_fd()) {
        let control = made(fd);
        // Anybody in the network namespace could have connected.
        if bare::peer_pid(fd) == Ok(pid) {
            return Some(Started { control, pid, pidfd });
        }
    }
    end(&pidfd);
    None
}

/// Ends a watcher that did not come up, and takes its status if it is ours to take.
pub(super) fn end(pidfd: &OwnFd) {
    let _ = bare::pidfd_signal(pidfd.as_raw_fd(), bare::SIGKILL, 0);
    let options = bare::WEXITED | bare::WALL;
    while bare::wait(bare::P_PIDFD, pidfd.as_raw_fd(), options).err() == Some(EINTR) {}
}

/// Whether the orphan came to the caller. Only the kernel knows: it looks for subreapers across
/// threads and up to the init of the namespace.
pub(super) fn is_child(pidfd: &OwnFd) -> bool {
    let options = bare::WEXITED | bare::WNOHANG | bare::WNOWAIT | bare::WALL;
    !matches!(bare::wait(bare::P_PIDFD, pidfd.as_raw_fd(), options), Err(ECHILD))
}

/// A thread that has unshared its pid namespace, or joined another, puts its *children* there. The
/// first of them is the namespace's init, and with it the namespace ends: that must not be the
/// watcher's short-lived parent. pid_namespaces(7); /proc/thread-self/ns since Linux 4.12.
fn check_pid_namespace() -> Result<(), StartError> {
    let own = std::fs::read_link("/proc/thread-self/ns/pid");
    let childrens = std::fs::read_link("/proc/thread-self/ns/pid_for_children");
    let differs = match (&own, &childrens) {
        (Ok(own), Ok(childrens)) => own != childrens,
        // It has no process yet.
        (Ok(_), Err(e)) => e.raw_os_error() == Some(ENOENT.0),
        // Without /proc it cannot be told.
        (Err(_), _) => false,
    };
    if differs {
        let step = "start the watcher outside the pid namespace of the caller's children (start it before unshare or setns)";
        return Err(StartError { step, errno: EOPNOTSUPP.0 });
    }
    Ok(())
}

/// The name in `ps`: what it is, and for whom.
fn title() -> CString {
    let mut comm = [0; 64];
    let len = read_small(libc::AT_FDCWD, c"/proc/self/comm", &mut comm).unwrap_or(0);
    let comm: String = String::from_utf8_lossy(comm.get(..len).unwrap_or_default())
        .trim_end()
        .chars()
        .filter(|c| !c.is_control())
        .collect();
    CString::new(format!("procfd-watch [for {} {comm}]", bare::getpid())).unwrap_or_default()
}
