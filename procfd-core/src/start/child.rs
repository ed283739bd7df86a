// SPDX-License-Identifier: MIT OR Apache-2.0

//! The child: the steps in their fixed order.
//!
//! It shares the parent's memory until it executes. So: raw system calls only, no allocation, no
//! lock, no libc, no panic, nothing with a destructor. Everything here is inlined into one
//! function in a section of its own, whose object code scripts/check-child.py reads.
//!
//! The order is documented in docs/configuration.md; what a caller set never depends on the order
//! in which it was said, save for the list of descriptor and directory actions.

use std::sync::atomic::Ordering;

use super::plan::{Init, Plan};
use crate::error::Stage;
use crate::settings::Action;
use crate::sys::child as kernel;
use crate::sys::task::{SharedChild, clone_second};
use crate::sys::{CLONE_FILES, CLOSE_RANGE_UNSHARE, Errno};

type Step<T = ()> = Result<T, Errno>;

// SAFETY: `run` and all it calls are inlined, and consist of `sys::child` calls, reads of the plan
// and stores to the report's atomics; the object code is checked for that.
unsafe impl SharedChild for Plan<'_> {
    #[inline(always)]
    fn run(&self) -> ! {
        match &self.init {
            None => self.run_second(),
            Some(init) => become_init(self, init),
        }
    }

    #[inline(always)]
    fn run_second(&self) -> ! {
        if let Err(errno) = set_up(self, true).and_then(|program| execute(self, program)) {
            self.report.failed(errno);
        }
        kernel::exit(127)
    }

    fn handlers_left(&self) {
        self.clear_handlers.store(true, Ordering::Relaxed);
    }
}

/// The first process of a pid namespace with the built-in init: the program is cloned as the second,
/// and carries out the plan; then this one leaves the shared table with the image and the fuse, and
/// becomes the init. If the program did not start, it ends, and with it all there is.
#[inline(always)]
fn become_init(plan: &Plan<'_>, init: &Init<'_>) -> ! {
    plan.report.at(Stage::INIT, 0);
    if plan.clear_handlers.load(Ordering::Relaxed) {
        kernel::clear_handlers();
    }
    if let Err(errno) = start_program(plan, init) {
        plan.report.failed(errno);
        kernel::exit(127);
    }
    if !plan.report.is_executing() {
        kernel::exit(127);
    }
    let errno = match to_init(init) {
        Ok(()) => Errno(libc::ENOENT),
        Err(errno) => errno,
    };
    plan.report.at(Stage::INIT, 0);
    plan.report.failed(errno);
    kernel::exit(127)
}

/// Clones the second process, which carries out the plan, and waits until it has executed or ended.
#[inline(always)]
fn start_program(plan: &Plan<'_>, init: &Init<'_>) -> Step {
    // The kernel would throw away the status of a child whose parent ignores SIGCHLD.
    kernel::set_action(libc::SIGCHLD, false)?;
    // First out of the creator's table, which holds A: the second process, which an action may keep from
    // executing, is armed against the close of A itself.
    leave_table(plan)?;
    clone_second(if plan.shared_table { CLONE_FILES } else { 0 }, init.stack, plan)?;
    // From now on the init looks at the fuse.
    kernel::disarm(init.fuse).map(drop)
}

/// With the fuse as descriptor 0, and no other, executes the image.
#[inline(always)]
fn to_init(init: &Init<'_>) -> Step {
    let last = if init.image > init.fuse { init.image } else { init.fuse } as u32;
    leave(last)?;
    let image = kernel::dup_above(init.image, 3)? as i32;
    if init.fuse == 0 {
        kernel::set_cloexec(0, false)?;
    } else {
        kernel::dup2(init.fuse, 0)?;
    }
    close_but(1, u32::MAX.wrapping_sub(1), image)?;
    kernel::execve_fd(image, init.argv, init.env).map(drop)
}

/// Every step up to the program, whose descriptor it returns (-1: none). With `vm`, the memory is
/// the parent's.
#[inline(always)]
pub(super) fn set_up(plan: &Plan<'_>, vm: bool) -> Step<i32> {
    let at = |stage, index| plan.report.at(stage, index);

    if plan.clear_handlers.load(Ordering::Relaxed) {
        kernel::clear_handlers();
    }
    // First of all, so that no later instant is without it, and before credentials change, since the
    // signal is sent in their name.
    if plan.has_fuse && kernel::getpid()? == 1 {
        // The creator has unshared its pid namespace: this is the init, which no fuse ends.
        at(Stage::ARM, 0);
        return Err(Errno(libc::EOPNOTSUPP));
    }
    if let Some(init) = &plan.init {
        at(Stage::ARM, 0);
        kernel::arm(init.fuse, libc::SIGKILL, false, kernel::getpid()? as i32)?;
        if kernel::hung_up(init.fuse) {
            return Err(Errno(libc::ESRCH));
        }
    }
    if let Some((b, signal, _)) = plan.fuse {
        at(Stage::ARM, 0);
        kernel::arm(b, signal, false, kernel::getpid()? as i32)?;
    }
    signal_actions(plan)?;
    if let Some(nice) = plan.nice {
        at(Stage::NICE, 0);
        kernel::setpriority(nice)?;
    }
    for (resource, limit) in plan.limits_before {
        at(Stage::RLIMIT, *resource);
        kernel::setrlimit(*resource, limit)?;
    }
    session(plan)?;

    at(Stage::FD_TABLE, 0);
    leave_table(plan)?;
    user_namespace(plan)?;
    arm_for_new_user(plan)?;

    if let Some(name) = plan.hostname {
        at(Stage::HOSTNAME, 0);
        kernel::sethostname(name)?;
    }
    if let Some(root) = plan.root {
        at(Stage::ROOT, 0);
        kernel::chroot(root)?;
        kernel::chdir(c"/")?;
    }
    let program = descriptors(plan)?;
    if let Some(limit) = &plan.nofile_after {
        at(Stage::RLIMIT, super::plan::NOFILE);
        kernel::setrlimit(super::plan::NOFILE, limit)?;
    }
    if let Some(mask) = plan.umask {
        at(Stage::UMASK, 0);
        kernel::umask(mask)?;
    }
    credentials(plan, vm)?;
    if plan.no_new_privs {
        at(Stage::NO_NEW_PRIVS, 0);
        kernel::no_new_privs()?;
    }
    if plan.pdeathsig != 0 {
        // After the credentials, whose change clears it.
        at(Stage::PDEATHSIG, 0);
        kernel::set_pdeathsig(plan.pdeathsig)?;
        let parent = kernel::getppid()? as i32;
        // 0: outside this pid namespace.
        if plan.parent != 0 && parent != 0 && parent != plan.parent {
            // The creator ended before the signal was asked for.
            return Err(Errno(libc::ESRCH));
        }
    }
    at(Stage::SIGMASK, 0);
    kernel::set_mask(&plan.mask)?;
    Ok(program)
}

#[inline(always)]
fn signal_actions(plan: &Plan<'_>) -> Step {
    let mut left = plan.default_signals | plan.ignored_signals;
    while left != 0 {
        let bit = left.trailing_zeros();
        plan.report.at(Stage::SIGNALS, bit.wrapping_add(1));
        let ignore = plan.ignored_signals & (1u64 << bit) != 0;
        kernel::set_action(bit.wrapping_add(1) as i32, ignore)?;
        left &= left.wrapping_sub(1);
    }
    Ok(())
}

/// Session, process group, terminal; and the fuse, if it is for the group. All in the shared table, where
/// the terminals are and which keeps A and B open.
#[inline(always)]
fn session(plan: &Plan<'_>) -> Step {
    let at = |stage| plan.report.at(stage, 0);
    if plan.session {
        at(Stage::SESSION);
        kernel::setsid()?;
    } else if let Some(group) = plan.group {
        at(Stage::PGROUP);
        kernel::setpgid(group)?;
    }
    if let Some(fd) = plan.ctty {
        at(Stage::CTTY);
        kernel::ioctl(fd, libc::TIOCSCTTY as usize, 0)?;
    }
    if let Some(fd) = plan.foreground {
        at(Stage::FOREGROUND);
        let group = kernel::getpgrp()? as i32;
        kernel::tcsetpgrp(fd, &group)?;
    }
    if let Some((b, signal, true)) = plan.fuse {
        at(Stage::ARM);
        kernel::arm(b, signal, true, kernel::getpgrp()? as i32)?;
    }
    match plan.fuse {
        // A was closed before B was armed: in a copied table, whose copy of A is closed already.
        Some((b, _, _)) if !plan.shared_table && kernel::hung_up(b) => return Err(Errno(libc::ESRCH)),
        _ => {}
    }
    Ok(())
}

/// Arms the fuse once more, in the name of the user that the child is about to become.
///
/// The signal passes the check of a sender with the ids of whoever armed it, and capabilities do not
/// count: only the root of the initial user namespace reaches every user. So the child takes the new
/// id as its effective one for a moment, and has the signal sent in its own name.
#[inline(always)]
fn arm_for_new_user(plan: &Plan<'_>) -> Step {
    let (Some((b, signal, group)), Some(id)) = (plan.fuse, plan.arm_as) else { return Ok(()) };
    plan.report.at(Stage::ARM, 1);
    let before = kernel::geteuid()? as u32;
    // Not allowed, or no such id: the step that sets the ids says so.
    if kernel::setresuid(u32::MAX, id, u32::MAX).is_err() {
        return Ok(());
    }
    let owner = if group { kernel::getpgrp()? } else { kernel::getpid()? } as i32;
    let armed = kernel::arm(b, signal, group, owner);
    kernel::setresuid(u32::MAX, before, u32::MAX)?;
    armed.map(drop)
}

/// Leaves the shared table, taking only what the actions start from: the cost does not grow with
/// what the creator has open.
#[inline(always)]
fn leave_table(plan: &Plan<'_>) -> Step {
    if plan.shared_table {
        leave(plan.last)?;
    }
    // What is now a copy of the library's own must not wait for this child, which an action may keep from
    // executing.
    if plan.shared_table {
        let mut first = 3u32;
        for &fd in &plan.stays {
            if fd > first {
                close_range(first, fd.wrapping_sub(1))?;
            }
            first = fd.wrapping_add(1);
        }
        return if first <= plan.last { close_range(first, plan.last) } else { Ok(()) };
    }
    for &fd in plan.private {
        let mut stays = false;
        for &kept in &plan.stays {
            stays |= kept == fd;
        }
        if !stays {
            let _ = kernel::close(fd as i32);
        }
    }
    Ok(())
}

/// A table of its own, with nothing above `last`.
#[inline(always)]
fn leave(last: u32) -> Step {
    match kernel::close_range(last.wrapping_add(1), u32::MAX, CLOSE_RANGE_UNSHARE) {
        Ok(_) => Ok(()),
        // Before 5.9, or a filter: the whole table is copied and then emptied.
        Err(Errno(libc::ENOSYS | libc::EPERM)) => {
            kernel::unshare(libc::CLONE_FILES)?;
            kernel::procfd_child_close_listed(last.wrapping_add(1), u32::MAX);
            Ok(())
        }
        Err(e) => Err(e),
    }
}

/// The id maps: the child's own way, or the wait for the parent to have written them.
#[inline(always)]
fn user_namespace(plan: &Plan<'_>) -> Step {
    let at = |stage| plan.report.at(stage, 0);
    if let Some(go) = plan.go {
        at(Stage::UID_MAP);
        // Nothing to read: the creator has ended, or has failed and says so itself.
        if kernel::read_two(go)? != 1 {
            return Err(Errno(libc::ECANCELED));
        }
        return Ok(());
    }
    let own = match plan.maps {
        super::idmap::Maps::ByChild(own) => own,
        _ => return Ok(()),
    };
    if own.deny_setgroups {
        at(Stage::SETGROUPS);
        kernel::write_file(c"/proc/self/setgroups", b"deny")?;
    }
    if let Some(map) = &own.uid {
        at(Stage::UID_MAP);
        kernel::write_file(c"/proc/self/uid_map", map)?;
    }
    if let Some(map) = &own.gid {
        at(Stage::GID_MAP);
        kernel::write_file(c"/proc/self/gid_map", map)?;
    }
    Ok(())
}

/// The list of actions, and then the descriptors that nobody asked for.
#[inline(always)]
fn descriptors(plan: &Plan<'_>) -> Step<i32> {
    let mut program = -1;
    if let Some((fd, place)) = plan.exec_fd {
        program = fd;
        if place != 0 {
            plan.report.at(Stage::EXEC, 0);
            program = kernel::dup_above(fd, place)? as i32;
        }
    }
    let mut index = 0u32;
    for action in plan.actions {
        plan.report.at(if action.is_directory() { Stage::CWD } else { Stage::FD }, index);
        act(action, program)?;
        index = index.wrapping_add(1);
    }
    plan.report.at(Stage::FD_TABLE, 0);
    if let Some(keep) = plan.keep {
        let mut first = 3u32;
        for &fd in keep {
            close_gap(first, fd, program)?;
            first = fd.wrapping_add(1);
        }
        close_gap(first, u32::MAX, program)?;
    }
    Ok(program)
}

/// One action. A chain of tests that the compiler cannot see through, not a match: that would
/// become a jump table, an indirect jump, which the check of the object code refuses.
#[inline(always)]
fn act(action: &Action, program: i32) -> Step {
    let opaque = core::hint::black_box::<&Action>;
    if let Action::Dup { source, target } = opaque(action) {
        return if source == target {
            kernel::set_cloexec(*source, false).map(drop)
        } else {
            kernel::dup2(*source, *target).map(drop)
        };
    }
    if let Action::Open { target, path, flags, mode } = opaque(action) {
        // As POSIX has it: closed first, also when the open fails.
        let _ = kernel::close(*target);
        let fd = kernel::open(path, *flags, *mode)? as i32;
        if fd != *target {
            kernel::dup2(fd, *target)?;
            kernel::close(fd)?;
        }
        return Ok(());
    }
    if let Action::Close(fd) = opaque(action) {
        let _ = kernel::close(*fd);
        return Ok(());
    }
    if let Action::CloseRange { first, last } = opaque(action) {
        return close_but(*first, *last, program);
    }
    if let Action::Chdir(path) = opaque(action) {
        return kernel::chdir(path).map(drop);
    }
    if let Action::Fchdir(fd) = opaque(action) {
        return kernel::fchdir(*fd).map(drop);
    }
    Ok(())
}

/// Closes what was not mapped, from `first` up to but not including `end`. The program's
/// descriptor stays until it is executed: not the caller's to have, so it is close-on-exec.
#[inline(always)]
fn close_gap(first: u32, end: u32, program: i32) -> Step {
    if first >= end {
        return Ok(());
    }
    if program >= 0 && first <= program as u32 && (program as u32) < end {
        kernel::set_cloexec(program, true)?;
    }
    close_but(first, end.wrapping_sub(1), program)
}

/// Closes `first` to `last`, save for the program's descriptor.
#[inline(always)]
fn close_but(first: u32, last: u32, program: i32) -> Step {
    if program < 0 || (program as u32) < first || program as u32 > last {
        return close_range(first, last);
    }
    if first < program as u32 {
        close_range(first, (program as u32).wrapping_sub(1))?;
    }
    if (program as u32) < last {
        close_range((program as u32).wrapping_add(1), last)?;
    }
    Ok(())
}

#[inline(always)]
fn close_range(first: u32, last: u32) -> Step {
    match kernel::close_range(first, last, 0) {
        Ok(_) => Ok(()),
        Err(Errno(libc::ENOSYS | libc::EPERM)) => {
            kernel::procfd_child_close_listed(first, last);
            Ok(())
        }
        Err(e) => Err(e),
    }
}

/// Groups, group ids, user ids. From here on processes of the new user may stop the child, and a
/// stopped child would hold the creator: two timers of its own, which execve deletes, continue it
/// every second and end it after [`HELD_SECONDS`](super::parent::HELD_SECONDS).
#[inline(always)]
fn credentials(plan: &Plan<'_>, vm: bool) -> Step {
    if vm && plan.changes_credentials() {
        let _ = kernel::timer(libc::SIGCONT, 1, 1);
        let _ = kernel::timer(libc::SIGKILL, super::parent::HELD_SECONDS, 0);
    }
    if let Some(groups) = plan.groups {
        plan.report.at(Stage::GROUPS, 0);
        kernel::setgroups(groups)?;
    }
    if let Some([real, effective, saved]) = plan.gid {
        plan.report.at(Stage::GID, 0);
        kernel::setresgid(real, effective, saved)?;
    }
    if let Some([real, effective, saved]) = plan.uid {
        plan.report.at(Stage::UID, 0);
        kernel::setresuid(real, effective, saved)?;
    }
    Ok(())
}

/// execve, by the rule of execvpe(3) where there are several candidates: go on after "not here",
/// remember "not allowed", stop at anything else.
#[inline(always)]
fn execute(plan: &Plan<'_>, program: i32) -> Step {
    if program >= 0 {
        plan.report.at(Stage::EXEC, 0);
        return kernel::execve_fd(program, plan.argv, plan.env).map(drop);
    }
    let mut index = 0u32;
    let mut refused = None;
    let mut last = Errno(libc::ENOENT);
    for path in plan.candidates {
        plan.report.at(Stage::EXEC, index);
        match kernel::execve(path, plan.argv, plan.env) {
            Ok(_) => {}
            Err(e @ Errno(libc::EACCES)) => {
                last = e;
                refused = Some(index);
            }
            Err(e @ Errno(libc::ENOENT | libc::ESTALE | libc::ENOTDIR | libc::ENODEV | libc::ETIMEDOUT)) => {
                last = e;
            }
            Err(e) => return Err(e),
        }
        index = index.wrapping_add(1);
    }
    if let Some(index) = refused {
        plan.report.at(Stage::EXEC, index);
        return Err(Errno(libc::EACCES));
    }
    Err(last)
}
