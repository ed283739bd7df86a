// SPDX-License-Identifier: MIT OR Apache-2.0

//! The code of the child: it walks the list of prepared calls.
//!
//! It shares the creator's memory until it executes. So: raw system calls only, no allocation, no lock,
//! no libc, no panic, nothing with a destructor. Everything here is inlined into one function in a
//! section of its own, whose object code scripts/check-child.py reads.

use core::hint::black_box;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::os::fd::RawFd;

use super::list::{ADDRESS, Call, List, NO_SLOT, SLOTS, Slot, When, kind, soft};
use super::report::{Report, Words};
use crate::error::Stage;
use crate::sys::child as kernel;
use crate::sys::clone::{SharedChild, clone_second};
use crate::sys::cstr::CStrArrayRef;
use crate::sys::stack::Stack;
use crate::sys::{CLONE_FILES, CLOSE_RANGE_UNSHARE, Errno, Timespec, arch};

type Step<T = ()> = Result<T, Errno>;

/// How many descriptors of the library a child takes along besides those of the settings.
const OWN: usize = 4;

/// The values that are known at the clone only. They lie on the creator's stack while the child runs.
pub(crate) struct Moment<'a> {
    pub(crate) report: Report<'a>,
    list: &'a List,
    clear_handlers: AtomicBool,
    /// Whether the child has to go into its cgroup by itself.
    joins_cgroup: AtomicBool,
    when: When,
    slots: [AtomicUsize; SLOTS],
    /// Descriptors above 2 of the creator that the child starts from, ascending.
    sources: &'a [u32],
    /// The library's that it takes along; `u32::MAX` for none.
    own: [u32; OWN],
    /// The highest of both, at least 2: what is above is not copied.
    last: u32,
    /// In a copied table: the library's descriptors.
    private: &'a [u32],
    shared_table: bool,
    /// The pid of the creator as the child sees it; 0 when it cannot see it.
    parent: i32,
    init: Option<Init<'a>>,
    /// The first actions of an intermediate process.
    between: Option<&'a List>,
}

/// The parts of the built-in init of a new pid namespace.
pub(crate) struct Init<'a> {
    /// The program's image.
    pub(crate) image: RawFd,
    /// Its end of the fuse, which becomes its descriptor 0.
    pub(crate) fuse: RawFd,
    pub(crate) argv: CStrArrayRef<'a>,
    pub(crate) env: CStrArrayRef<'a>,
    /// For the second child.
    pub(crate) stack: &'a Stack,
}

impl<'a> Moment<'a> {
    /// For a child with its own copy of the table and of the memory; the methods say what differs.
    pub(crate) fn new(
        list: &'a List,
        sources: &'a [u32],
        report: &'a Words,
        mask: &'a u64,
        env: CStrArrayRef<'a>,
    ) -> Self {
        let moment = Self {
            report: Report::new(report),
            list,
            clear_handlers: AtomicBool::new(false),
            joins_cgroup: AtomicBool::new(false),
            when: When::COPIED,
            slots: [const { AtomicUsize::new(0) }; SLOTS],
            sources,
            own: [u32::MAX; OWN],
            last: sources.last().copied().unwrap_or(2),
            private: &[],
            shared_table: false,
            parent: 0,
            init: None,
            between: None,
        };
        moment.put(Slot::MASK, core::ptr::from_ref(mask) as usize);
        moment.put(Slot::ENV, env.as_ptr() as usize);
        moment.put(Slot::PROGRAM, usize::MAX);
        moment
    }

    /// The table is the creator's own, and has to be left.
    pub(crate) fn share_table(&mut self) {
        self.shared_table = true;
        self.when = When(self.when.0 & !When::COPIED.0);
    }

    /// The library's descriptors, which a copied table has as well.
    pub(crate) fn close_private(&mut self, private: &'a [u32]) {
        self.private = private;
    }

    /// The creator, which the child is to check for.
    pub(crate) fn expect_parent(&mut self, pid: i32) {
        self.parent = pid;
    }

    /// An intermediate process makes these calls, then it clones the child.
    pub(crate) fn begin_with(&mut self, between: &'a List) {
        self.between = Some(between);
    }

    /// One more thing holds of this clone.
    pub(crate) fn add(&mut self, when: When) {
        self.when = self.when.and(when);
    }

    /// A descriptor that a call takes from a slot.
    pub(crate) fn give(&mut self, slot: Slot, fd: RawFd) {
        self.put(slot, fd as usize);
    }

    /// The result of a call, in a slot.
    pub(crate) fn taken(&self, slot: Slot) -> usize {
        self.get(slot.0)
    }

    /// One more of the library's descriptors to take along, which the program does not get.
    pub(crate) fn take_along(&mut self, fd: RawFd) {
        self.last = self.last.max(fd as u32);
        if let Some(place) = self.own.iter_mut().find(|own| **own == u32::MAX) {
            *place = fd as u32;
        }
    }

    /// Whether the table has descriptors above 2 after the child has left it, besides what actions add.
    pub(crate) fn takes_above_standard(&self) -> bool {
        !self.shared_table || self.last > 2
    }

    /// The child becomes an init with this image and fuse, and a second one the program.
    pub(crate) fn become_init(&mut self, init: Init<'a>) {
        self.take_along(init.image);
        self.take_along(init.fuse);
        self.give(Slot::INIT_FUSE, init.fuse);
        self.init = Some(init);
    }

    #[inline(always)]
    fn put(&self, slot: Slot, value: usize) {
        if let Some(place) = self.slots.get(usize::from(slot.0)) {
            place.store(value, Ordering::Relaxed);
        }
    }

    #[inline(always)]
    fn get(&self, slot: u8) -> usize {
        self.slots.get(usize::from(slot & 15)).map_or(0, |place| place.load(Ordering::Relaxed))
    }

    #[inline(always)]
    fn program(&self) -> i32 {
        self.get(Slot::PROGRAM.0) as i32
    }

    #[inline(always)]
    fn at(&self, stage: Stage) {
        self.report.at(stage.as_raw(), 0);
    }
}

// SAFETY: `run` and all it calls are inlined. They make raw system calls, read the moment and the list,
// and store to the moment's atomics. scripts/check-child.py proves it from the object code.
unsafe impl SharedChild for Moment<'_> {
    #[inline(always)]
    fn run(&self) -> ! {
        match &self.init {
            None => self.run_second(),
            Some(init) => become_init(self, init),
        }
    }

    #[inline(always)]
    fn run_second(&self) -> ! {
        if let Err(errno) = set_up(self) {
            self.report.failed(errno);
        }
        kernel::exit(127)
    }

    #[inline(always)]
    fn run_between(&self) -> bool {
        let Some(list) = self.between else { return false };
        match walk(self, list) {
            Ok(()) => true,
            Err(errno) => {
                self.report.failed(errno);
                false
            }
        }
    }

    fn handlers_left(&self) {
        self.clear_handlers.store(true, Ordering::Relaxed);
    }

    fn cgroup_left(&self) {
        self.joins_cgroup.store(true, Ordering::Relaxed);
    }
}

/// Makes the calls in their order. A list that ends in execve returns only if that failed.
#[inline(always)]
pub(crate) fn set_up(moment: &Moment<'_>) -> Step {
    if moment.clear_handlers.load(Ordering::Relaxed) {
        kernel::clear_handlers();
    }
    walk(moment, moment.list)
}

#[inline(always)]
fn walk(moment: &Moment<'_>, list: &List) -> Step {
    let mut when = moment.when.0;
    if moment.joins_cgroup.load(Ordering::Relaxed) {
        when |= When::CGROUP.0;
    }
    if moment.get(Slot::JOINED_USER.0) == 0 {
        when |= When::USER_TO_JOIN.0;
    }
    let mut pass_over = 0u16;
    // Of the candidates for the program: the last failure, and the last that was not allowed.
    let mut missing = None;
    let mut refused = None;
    for call in list.calls() {
        if pass_over != 0 {
            pass_over = pass_over.wrapping_sub(1);
            continue;
        }
        if call.when & !when != 0 {
            continue;
        }
        moment.report.at(u32::from(call.stage), call.index);
        match carry_out(moment, call) {
            Ok(value) => {
                if call.into != NO_SLOT {
                    moment.put(Slot(call.into), value);
                }
                pass_over = call.skip;
            }
            Err(_) if is(call.soft, soft::IGNORED) => {}
            Err(e) if is(call.soft, soft::OR_ELSE) => {
                if !one_of(e, [libc::ENOSYS, libc::EOPNOTSUPP, libc::EINVAL, libc::EPERM]) {
                    return Err(e);
                }
            }
            Err(e) if is(call.soft, soft::EXISTS) => {
                if !one_of(e, [libc::EEXIST]) {
                    return Err(e);
                }
            }
            Err(e) if is(call.soft, soft::CANDIDATE) => {
                if one_of(e, [libc::EACCES]) {
                    refused = Some((u32::from(call.stage), call.index));
                } else if !one_of(e, NOT_HERE) {
                    return Err(e);
                }
                missing = Some(e);
            }
            Err(e) => return Err(e),
        }
    }
    if let Some((stage, index)) = refused {
        moment.report.at(stage, index);
        return Err(Errno(libc::EACCES));
    }
    missing.map_or(Ok(()), Err)
}

/// Compares so that the compiler cannot see through: a chain of plain comparisons would become a jump
/// table, an indirect jump, which the check of the object code refuses.
#[inline(always)]
fn is(value: u8, kind: u8) -> bool {
    black_box(value) == kind
}

/// The errnos after which execvpe(3) tries the next candidate.
const NOT_HERE: [i32; 5] = [libc::ENOENT, libc::ESTALE, libc::ENOTDIR, libc::ENODEV, libc::ETIMEDOUT];

/// Whether an errno is one of these; as [`is`].
#[inline(always)]
fn one_of<const N: usize>(e: Errno, all: [i32; N]) -> bool {
    let mut found = false;
    for one in all {
        found |= black_box(e.0) == one;
    }
    found
}

#[inline(always)]
fn carry_out(moment: &Moment<'_>, call: &Call) -> Step<usize> {
    if is(call.kind, kind::CALL) {
        let mut args = call.args;
        take(moment, &mut args, call.takes, call.from);
        take(moment, &mut args, call.takes >> 4, call.from >> 4);
        // SAFETY: `List` owes that each address among the arguments is of a slot or of its own memory, which
        // `moment` borrows. It owes that the kernel writes to slots alone. The creator owes that the
        // addresses it put into slots (`Moment::new`) are of what `moment` borrows.
        let make = || Errno::check(unsafe { arch::raw(call.nr as isize, args) });
        let done = make();
        let executes = call.nr == libc::SYS_execve as u16 || call.nr == libc::SYS_execveat as u16;
        return if executes { done.or_else(|e| while_written(e, make)) } else { done };
    }
    let fd = moment.get(call.from) as i32;
    let [first, second, third, ..] = call.args;
    if is(call.kind, kind::LOAD) {
        return Ok(first);
    }
    if is(call.kind, kind::ONE_OF_PAIR) {
        return Ok(one_of_pair(moment.get(call.from), first));
    }
    if is(call.kind, kind::CLOSE) {
        return close_but(first as u32, second as u32, moment.program()).map(|()| 0);
    }
    if is(call.kind, kind::PLACE) {
        let target = first as i32;
        if fd == target {
            return Ok(0);
        }
        kernel::dup2(fd, target)?;
        return kernel::close(fd);
    }
    if is(call.kind, kind::LEAVE_TABLE) {
        return leave_table(moment).map(|()| 0);
    }
    if is(call.kind, kind::ARM) {
        return arm(fd, first as i32, second != 0);
    }
    if is(call.kind, kind::ARM_AS) {
        return arm_as(fd, first as u32, second as i32, third != 0);
    }
    if is(call.kind, kind::SEND_FD) {
        return kernel::send_fd(first as i32, fd);
    }
    if is(call.kind, kind::HUNG_UP) {
        return if kernel::hung_up(fd) { Err(Errno(libc::ESRCH)) } else { Ok(0) };
    }
    if is(call.kind, kind::NOT_INIT) {
        // The creator has unshared its pid namespace: this is the init.
        return if kernel::getpid()? == 1 { Err(Errno(libc::EOPNOTSUPP)) } else { Ok(0) };
    }
    if is(call.kind, kind::WAIT_GO) {
        // Nothing to read: the creator has ended, or has failed and says so itself.
        return if kernel::read_two(fd)? == 1 { Ok(0) } else { Err(Errno(libc::ECANCELED)) };
    }
    if is(call.kind, kind::CHECK_PARENT) {
        let parent = kernel::getppid()? as i32;
        // 0: outside this pid namespace.
        let is_other = moment.parent != 0 && parent != 0 && parent != moment.parent;
        return if is_other { Err(Errno(libc::ESRCH)) } else { Ok(0) };
    }
    Err(Errno(libc::ENOSYS))
}

/// One of the two descriptors that lie in a slot as an array.
#[inline(always)]
fn one_of_pair(pair: usize, which: usize) -> usize {
    let first_is_low = cfg!(target_endian = "little");
    let low = (which == 0) == first_is_low;
    if low { pair & 0x7fff_ffff } else { pair.wrapping_shr(32) }
}

const _: () = assert!(size_of::<usize>() == 8, "a slot takes two descriptors");

/// The first pause before a program that is open for writing is tried again; each next one is twice as long.
const PAUSE_NS: i64 = 100_000;
/// The longest: all together are 6.3 ms.
const LAST_PAUSE_NS: i64 = 3_200_000;

/// Tries once more after ETXTBSY. The thread that wrote the program has closed it. A child that another thread starts
/// at the same time still holds a copy of the descriptor: until it executes, a fraction of a millisecond later.
#[inline(always)]
fn while_written(first: Errno, make: impl Fn() -> Step<usize>) -> Step<usize> {
    let mut done = Err(first);
    let mut nsec = PAUSE_NS;
    while nsec <= LAST_PAUSE_NS && done.is_err_and(|e| e.0 == libc::ETXTBSY) {
        let _ = kernel::sleep(&Timespec { sec: 0, nsec });
        nsec = nsec.wrapping_mul(2);
        done = make();
    }
    done
}

/// Fills in the argument that comes from a slot, if any.
#[inline(always)]
fn take(moment: &Moment<'_>, args: &mut [usize; 6], takes: u8, from: u8) {
    let Some(place) = args.get_mut(usize::from((takes & 7).wrapping_sub(1))) else { return };
    *place = if takes & ADDRESS == 0 {
        moment.get(from)
    } else {
        moment.slots.as_ptr().wrapping_add(usize::from(from & 15)) as usize
    };
}

#[inline(always)]
fn arm(fuse: i32, signal: i32, group: bool) -> Step<usize> {
    let owner = if group { kernel::getpgrp()? } else { kernel::getpid()? };
    kernel::arm(fuse, signal, group, owner as i32)
}

/// Arms the fuse once more, in the name of the user that the child is about to become.
///
/// The signal passes the check of a sender with the ids of the process that armed it, and capabilities
/// do not count: only the root of the initial user namespace reaches every user. So the child takes the
/// new id as its effective one for a moment, and has the signal sent in its own name.
#[inline(always)]
fn arm_as(fuse: i32, id: u32, signal: i32, group: bool) -> Step<usize> {
    let before = kernel::geteuid()? as u32;
    // Not allowed, or no such id: the step that sets the ids says so.
    if kernel::setresuid(u32::MAX, id, u32::MAX).is_err() {
        return Ok(0);
    }
    let armed = arm(fuse, signal, group);
    kernel::setresuid(u32::MAX, before, u32::MAX)?;
    armed
}

/// Leaves the shared table, taking only what the actions start from: the cost does not grow with what
/// the creator has open.
///
/// The child then has copies of the library's own descriptors, among them the fuses of all creations. An
/// action may keep the child from executing, and those must not wait for it.
#[inline(always)]
fn leave_table(moment: &Moment<'_>) -> Step {
    if !moment.shared_table {
        for &fd in moment.private {
            if !stays(moment, fd) {
                let _ = kernel::close(fd as i32);
            }
        }
        return Ok(());
    }
    leave(moment.last)?;
    let mut first = 3u32;
    let mut sources = moment.sources.iter();
    let mut source = sources.next();
    loop {
        while let Some(&passed) = source {
            if passed >= first {
                break;
            }
            source = sources.next();
        }
        // The lowest that stays.
        let mut kept = match source {
            Some(&fd) => fd,
            None => u32::MAX,
        };
        for &own in &moment.own {
            if own >= first && own < kept {
                kept = own;
            }
        }
        if kept > moment.last {
            return if first <= moment.last { close_range(first, moment.last) } else { Ok(()) };
        }
        if kept > first {
            close_range(first, kept.wrapping_sub(1))?;
        }
        first = kept.wrapping_add(1);
    }
}

#[inline(always)]
fn stays(moment: &Moment<'_>, fd: u32) -> bool {
    let mut stays = false;
    for &kept in moment.sources {
        stays |= kept == fd;
    }
    for &kept in &moment.own {
        stays |= kept == fd;
    }
    stays
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

/// The first process of a pid namespace with the built-in init: it clones the program as the second,
/// which walks the list. Then it leaves the shared table with the image and the fuse, and becomes the
/// init. If the program did not start, it ends, and with it all processes of the namespace.
#[inline(always)]
fn become_init(moment: &Moment<'_>, init: &Init<'_>) -> ! {
    moment.at(Stage::INIT);
    if moment.clear_handlers.load(Ordering::Relaxed) {
        kernel::clear_handlers();
    }
    if let Err(errno) = start_program(moment, init) {
        moment.report.failed(errno);
        kernel::exit(127);
    }
    if !moment.report.is_executing() {
        kernel::exit(127);
    }
    let errno = match to_init(init) {
        Ok(()) => Errno(libc::ENOENT),
        Err(errno) => errno,
    };
    moment.at(Stage::INIT);
    moment.report.failed(errno);
    kernel::exit(127)
}

/// Clones the second process, and waits until it has executed or ended.
#[inline(always)]
fn start_program(moment: &Moment<'_>, init: &Init<'_>) -> Step {
    // The kernel would throw away the status of a child whose parent ignores SIGCHLD.
    kernel::set_action(libc::SIGCHLD, false)?;
    // First out of the creator's table, which holds the fuse's other end: the second process, which
    // an action may keep from executing, is armed against the creator's end itself.
    leave_table(moment)?;
    clone_second(if moment.shared_table { CLONE_FILES } else { 0 }, init.stack, moment)?;
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
