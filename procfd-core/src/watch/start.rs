// SPDX-License-Identifier: MIT OR Apache-2.0

//! From nothing to a watcher with a socket: everything of the start that may use std.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use super::client::StartError;
use super::kernel::{self, ECHILD, EINTR, ENOENT, EOPNOTSUPP};
use super::launch::{self, Socket};

/// A watcher that runs and has not been spoken to.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) control: OwnedFd,
    pub(super) pid: i32,
    pub(super) pidfd: OwnedFd,
}

/// Starts one.
pub(super) fn start() -> Result<Started, StartError> {
    check_pid_namespace()?;
    let title = title();
    let at = |step| move |errno| StartError { step, errno };
    let (control, theirs) = kernel::socket_pair().map_err(at("make the watcher's socket"))?;
    let (control, theirs) = (own(control), own(theirs));
    let met = if theirs.as_raw_fd() >= FEW { meet(&title) } else { None };
    if let Some(met) = met {
        return Ok(met);
    }
    // From the first message on the kernel attests who sent it. unix(7)
    kernel::pass_credentials(theirs.as_raw_fd()).map_err(at("make the watcher's socket"))?;
    let (pid, pidfd) = launch::launch(Socket::Inherited(theirs.as_fd()), &title)?;
    Ok(Started { control, pid, pidfd })
}

/// Descriptors below this are copied for the watcher's table and closed again, in a few µs. Above,
/// the creator has so many that it is cheaper to meet the watcher at an address.
const FEW: i32 = 256;

/// The same by an address, with an empty descriptor table from the start. `None` where there are
/// no abstract addresses (a policy), or somebody else keeps connecting to it.
fn meet(title: &CStr) -> Option<Started> {
    let listener = own(kernel::socket(true).ok()?);
    let address = kernel::listen(listener.as_raw_fd()).ok()?;
    let (pid, pidfd) = launch::launch(Socket::Connected(&address), title).ok()?;
    while let Ok(fd) = kernel::accept(listener.as_raw_fd()) {
        let control = own(fd);
        // Anybody in the network namespace could have connected.
        if kernel::peer_pid(fd) == Ok(pid) {
            return Some(Started { control, pid, pidfd });
        }
    }
    end(&pidfd);
    None
}

/// Ends a watcher that did not come up, and takes its status if it is ours to take.
pub(super) fn end(pidfd: &OwnedFd) {
    let _ = kernel::pidfd_signal(pidfd.as_raw_fd(), kernel::SIGKILL, 0);
    let options = kernel::WEXITED | kernel::WALL;
    while kernel::wait(kernel::P_PIDFD, pidfd.as_raw_fd(), options).err() == Some(EINTR) {}
}

/// Whether the orphan came to the caller. Only the kernel knows: it looks for subreapers across
/// threads and up to the init of the namespace.
pub(super) fn is_child(pidfd: &OwnedFd) -> bool {
    let options = kernel::WEXITED | kernel::WNOHANG | kernel::WNOWAIT | kernel::WALL;
    !matches!(kernel::wait(kernel::P_PIDFD, pidfd.as_raw_fd(), options), Err(ECHILD))
}

/// A descriptor that a call just made for the caller.
pub(super) fn own(fd: i32) -> OwnedFd {
    // SAFETY: only called with such.
    unsafe { OwnedFd::from_raw_fd(fd) }
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
        (Ok(_), Err(e)) => e.raw_os_error() == Some(ENOENT),
        // Without /proc it cannot be told.
        (Err(_), _) => false,
    };
    if differs {
        let step = "start the watcher outside the pid namespace of the caller's children (start it before unshare or setns)";
        return Err(StartError { step, errno: EOPNOTSUPP });
    }
    Ok(())
}

/// What `ps` shows: what it is, and for whom.
fn title() -> CString {
    let comm = std::fs::read("/proc/self/comm").unwrap_or_default();
    let comm: String =
        String::from_utf8_lossy(&comm).trim_end().chars().filter(|c| !c.is_control()).collect();
    CString::new(format!("procfd-watch [for {} {comm}]", kernel::getpid())).unwrap_or_default()
}
