// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The list of what the child does: prepared system calls, with all the memory they point to.
//!
//! A setting writes its calls with the methods of [`List`], one for each system call. A call names
//! its step ([`List::step`]), may put its result into a [`Slot`] and take arguments from slots: a
//! descriptor goes from open(2) to write(2) and close(2) this way. What only the clone knows is in slots
//! too, which the creator fills in ([`Moment`](super::Moment)).
//!
//! This file alone makes a [`Call`], which is what the walker's unsafe code relies on:
//!
//! - Each address among the arguments is of memory that the list owns on the heap and never changes,
//!   or of a slot.
//! - The kernel writes to slots alone: each call with a result in memory has a slot's address there.

use std::ffi::{CStr, CString};

use crate::error::Stage;
use crate::sys::cstr::CStrArray;
use crate::sys::{self, Errno, vec};

/// A place for a number, from one call to a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(pub(super) u8);

/// How many slots there are.
pub(super) const SLOTS: usize = 16;

impl Slot {
    /// The child's end of the fuse.
    pub(crate) const FUSE: Self = Self(0);
    /// The end on which the creator says "go".
    pub(crate) const GO: Self = Self(1);
    /// The address of the creator's signal mask.
    pub(crate) const MASK: Self = Self(2);
    /// The address of the environment.
    pub(crate) const ENV: Self = Self(3);
    /// The program's descriptor, -1 without one.
    pub(crate) const PROGRAM: Self = Self(4);
    /// The built-in init's end of the fuse.
    pub(crate) const INIT_FUSE: Self = Self(5);
    /// The file cgroup.procs of the cgroup that the child is to be in.
    pub(crate) const CGROUP: Self = Self(6);
    /// Only the two ends of the pipe of a suspended start, one descriptor in each half.
    pub(crate) const PAIR: Self = Self(7);
    /// Free for each setting; 0 until the first use in a start.
    pub(crate) const A: Self = Self(8);
    pub(crate) const B: Self = Self(9);
    pub(crate) const C: Self = Self(10);
    /// Only the root of the mounts.
    pub(crate) const ROOT: Self = Self(11);
    /// Only the umask while mounts are made.
    pub(crate) const UMASK: Self = Self(12);
    /// What the process was just before the credentials change: see `start::dumpable`.
    pub(crate) const DUMPABLE: Self = Self(13);
    /// Only the timers' number: they need a zero before the kernel writes its low half.
    pub(crate) const TIMER: Self = Self(14);
    /// Only the foreground group.
    pub(crate) const GROUP: Self = Self(15);
}

/// The address of a slot, for a call that reads or writes there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At(pub(crate) Slot);

/// When a call is made: if all of these hold of the clone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct When(pub(super) u16);

impl When {
    pub(crate) const ALWAYS: Self = Self(0);
    /// The child has a copy of the descriptor table, not the creator's own.
    pub(crate) const COPIED: Self = Self(1);
    /// The child shares the creator's memory: not a fork.
    pub(crate) const SHARED_MEMORY: Self = Self(1 << 1);
    /// A close policy, and the child arms it.
    pub(crate) const FUSE: Self = Self(1 << 2);
    /// There is a fuse, which the child or the creator arms.
    pub(crate) const HAS_FUSE: Self = Self(1 << 3);
    /// The fuse has to be armed in the name of the user that the child becomes.
    pub(crate) const NEW_USER: Self = Self(1 << 4);
    /// The table has descriptors that nobody asked for.
    pub(crate) const CLOSES: Self = Self(1 << 5);
    /// The new RLIMIT_NOFILE is no lower than the present one.
    pub(crate) const NOFILE_RISES: Self = Self(1 << 6);
    /// It is lower: it must not hinder the descriptor actions.
    pub(crate) const NOFILE_FALLS: Self = Self(1 << 7);
    /// The child waits for its creator, which has the id maps to write or the watcher to tell.
    pub(crate) const GO: Self = Self(1 << 8);

    /// The kernel has not started the child in its cgroup.
    pub(crate) const CGROUP: Self = Self(1 << 9);
    /// The creator has blocked the signals.
    pub(crate) const MASKED: Self = Self(1 << 10);

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether these include all of the others.
    pub(crate) fn has(self, all: Self) -> bool {
        all.0 & !self.0 == 0
    }

    /// These if `on`, else none.
    pub(crate) fn only_if(self, on: bool) -> Self {
        if on { self } else { Self::ALWAYS }
    }
}

/// What the walker does for an entry: one system call, or one of the few steps that are code.
pub(super) mod kind {
    pub(crate) const CALL: u8 = 0;
    /// EOPNOTSUPP for the init of a pid namespace.
    pub(crate) const NOT_INIT: u8 = 1;
    /// Arms the descriptor of `from`: signal, group.
    pub(crate) const ARM: u8 = 2;
    /// ESRCH if the peer of `from` is gone.
    pub(crate) const HUNG_UP: u8 = 3;
    pub(crate) const LEAVE_TABLE: u8 = 4;
    /// Waits for the creator's word.
    pub(crate) const WAIT_GO: u8 = 5;
    /// Arms the fuse in the name of a user: id, signal, group.
    pub(crate) const ARM_AS: u8 = 6;
    /// Closes first to last, but the program.
    pub(crate) const CLOSE: u8 = 7;
    /// Moves the descriptor of `from` to a number.
    pub(crate) const PLACE: u8 = 8;
    /// ESRCH if the parent is not the creator.
    pub(crate) const CHECK_PARENT: u8 = 9;
    /// Puts a number into a slot.
    pub(crate) const LOAD: u8 = 10;
    /// One of two descriptors in `from`: which, 0 or 1.
    pub(crate) const ONE_OF_PAIR: u8 = 11;
}

/// What a call's failure means.
pub(super) mod soft {
    /// The start fails.
    pub(crate) const HARD: u8 = 0;
    /// Nothing.
    pub(crate) const IGNORED: u8 = 1;
    /// Where the kernel lacks it, its substitute follows.
    pub(crate) const OR_ELSE: u8 = 2;
    /// Nothing, if it is there already.
    pub(crate) const EXISTS: u8 = 4;
    /// execvpe(3): the next candidate follows after "not here" and "not allowed".
    pub(crate) const CANDIDATE: u8 = 3;
}

/// openat2(2).
const RESOLVE_IN_ROOT: u64 = 0x10;
/// move_mount(2).
const MOVE_MOUNT_F_EMPTY_PATH: u32 = 4;
const MOVE_MOUNT_T_EMPTY_PATH: u32 = 0x40;

/// No slot.
pub(super) const NO_SLOT: u8 = u8::MAX;
/// In half of `takes`: the argument is the slot's address.
pub(super) const ADDRESS: u8 = 8;

/// One prepared call.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Call {
    pub nr: u16,
    pub stage: u8,
    pub kind: u8,
    /// Which arguments come from slots, 1 to 6 in each half, 0: none.
    pub takes: u8,
    /// The slots of those two, in the same halves.
    pub from: u8,
    /// The slot of the result.
    pub into: u8,
    pub soft: u8,
    pub index: u32,
    pub when: u16,
    /// With [`soft::OR_ELSE`]: the length of the substitute, passed over after success.
    pub skip: u16,
    pub args: [usize; 6],
}

const _: () = assert!(size_of::<Call>() == 64);

/// An argument as it comes to its place.
pub(crate) enum Arg {
    Number(usize),
    Slot(Slot),
    Address(Slot),
}

/// What a call takes: a number, a slot, or memory that the list copies.
pub(crate) trait Operand {
    fn arg(self, list: &mut List) -> Arg;
}

macro_rules! numbers {
    ($($ty:ty)*) => {
        $(impl Operand for $ty {
            fn arg(self, _: &mut List) -> Arg {
                // A negative number is extended, as C does.
                Arg::Number(self as usize)
            }
        })*
    };
}

numbers! { i32 u32 i64 u64 usize }

impl Operand for Slot {
    fn arg(self, _: &mut List) -> Arg {
        Arg::Slot(self)
    }
}

impl Operand for At {
    fn arg(self, _: &mut List) -> Arg {
        Arg::Address(self.0)
    }
}

impl Operand for &CStr {
    fn arg(self, list: &mut List) -> Arg {
        Arg::Number(list.own(self.to_bytes_with_nul()))
    }
}

impl Operand for &[u8] {
    fn arg(self, list: &mut List) -> Arg {
        Arg::Number(list.own(self))
    }
}

impl Operand for &[u32] {
    fn arg(self, list: &mut List) -> Arg {
        let words = self.chunks(2).map(|pair| {
            let [a, b, c, d] = pair.first().copied().unwrap_or_default().to_ne_bytes();
            let [e, f, g, h] = pair.get(1).copied().unwrap_or_default().to_ne_bytes();
            u64::from_ne_bytes([a, b, c, d, e, f, g, h])
        });
        Arg::Number(list.own_words(words))
    }
}

impl Operand for &[u64] {
    fn arg(self, list: &mut List) -> Arg {
        Arg::Number(list.own_words(self.iter().copied()))
    }
}

/// An argument that is a list of strings.
pub(crate) struct Strings(CStrArray);

impl Operand for Strings {
    fn arg(self, list: &mut List) -> Arg {
        let address = self.0.as_ref().as_ptr() as usize;
        // Its pointers are on the heap: moving it does not move them.
        list.arrays.push(self.0);
        Arg::Number(address)
    }
}

/// An argument that is a `struct sock_fprog`, made from the words of its instructions.
pub(crate) struct SockFprog<'a>(pub(crate) &'a [u32]);

impl Operand for SockFprog<'_> {
    fn arg(self, list: &mut List) -> Arg {
        let Arg::Number(filter) = self.0.arg(list) else { return Arg::Number(0) };
        // The length in the first two bytes; the address on the next boundary of eight.
        let [a, b] = ((self.0.len() / 2) as u16).to_ne_bytes();
        let length = u64::from_ne_bytes([a, b, 0, 0, 0, 0, 0, 0]);
        [length, filter as u64].as_slice().arg(list)
    }
}

/// The prepared calls in the child's order.
#[derive(Debug, Default)]
pub(crate) struct List {
    calls: Vec<Call>,
    /// What calls point to. Only ever added to, and never changed: it stays where it is.
    words: Vec<Vec<u64>>,
    arrays: Vec<CStrArray>,
    /// There was no memory for a call or for what it points to.
    incomplete: bool,
    stage: u8,
    index: u32,
}

/// The call that was just written.
pub(crate) struct Last<'a>(Option<&'a mut Call>);

impl Last<'_> {
    /// Its result goes into a slot.
    pub(crate) fn into(mut self, slot: Slot) -> Self {
        self.change(|call| call.into = slot.0);
        self
    }

    /// Only then is it made.
    pub(crate) fn when(mut self, when: When) -> Self {
        self.change(|call| call.when |= when.0);
        self
    }

    /// Its failure means nothing.
    pub(crate) fn or_not(mut self) -> Self {
        self.change(|call| call.soft = soft::IGNORED);
        self
    }

    /// That it exists already means nothing.
    pub(crate) fn or_exists(mut self) -> Self {
        self.change(|call| call.soft = soft::EXISTS);
        self
    }

    /// Where the kernel or a filter does not know it (ENOSYS, EOPNOTSUPP, EINVAL, EPERM), the next `calls`
    /// calls are made in its place; after success they are not.
    pub(crate) fn or_else(mut self, calls: u16) -> Self {
        self.change(|call| {
            call.soft = soft::OR_ELSE;
            call.skip = calls;
        });
        self
    }

    fn change(&mut self, f: impl FnOnce(&mut Call)) {
        if let Some(call) = &mut self.0 {
            f(call);
        }
    }
}

macro_rules! calls {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $ty:ty),*) = $nr:ident($($pass:expr),*);)*) => {
        /// The numbers of these system calls and their names.
        const CALLS: &[(u16, &'static str)] = &[$((libc::$nr as u16, stringify!($nr))),*];

        $(
            $(#[$doc])*
            pub(crate) fn $name(&mut self, $($arg: $ty),*) -> Last<'_> {
                let args = [$(Operand::arg($pass, self)),*];
                self.push(libc::$nr as u16, kind::CALL, args)
            }
        )*
    };
}

/// The system calls. An argument that is a reference is copied into the list.
impl List {
    calls! {
        /// setsid(2).
        fn setsid() = SYS_setsid();
        /// setpgid(2) of the caller.
        fn setpgid(group: i32) = SYS_setpgid(0, group);
        /// getpgid(2) of the caller.
        fn getpgrp() = SYS_getpgid(0);
        /// ioctl(TIOCSCTTY).
        fn set_controlling_terminal(fd: i32) = SYS_ioctl(fd, libc::TIOCSCTTY as usize, 0);
        /// ioctl(TIOCSPGRP): the group is in a slot.
        fn tcsetpgrp(fd: i32, group: At) = SYS_ioctl(fd, libc::TIOCSPGRP as usize, group);
        /// setpriority(PRIO_PROCESS) of the caller.
        fn setpriority(nice: i32) = SYS_setpriority(libc::PRIO_PROCESS, 0, nice);
        /// sched_setscheduler(2) of the caller.
        fn sched_setscheduler(policy: i32, priority: u32) = SYS_sched_setscheduler(0, policy, [priority].as_slice());
        /// sched_setparam(2) of the caller.
        fn sched_setparam(priority: u32) = SYS_sched_setparam(0, [priority].as_slice());
        /// sched_setattr(2) of the caller: the bytes of a `struct sched_attr`.
        fn sched_setattr(attr: &[u8]) = SYS_sched_setattr(0, attr, 0);
        /// sched_setaffinity(2) of the caller.
        fn sched_setaffinity(mask: &[u8]) = SYS_sched_setaffinity(0, mask.len(), mask);
        /// setrlimit(2): soft, hard.
        fn setrlimit(resource: u32, limit: [u64; 2]) = SYS_prlimit64(0, resource, limit.as_slice(), 0);
        /// umask(2).
        fn umask(mask: u32) = SYS_umask(mask);
        /// sethostname(2).
        fn sethostname(name: &[u8]) = SYS_sethostname(name, name.len());
        /// setdomainname(2).
        fn setdomainname(name: &[u8]) = SYS_setdomainname(name, name.len());
        /// setns(2) of a number.
        fn setns(fd: i32, kinds: i32) = SYS_setns(fd, kinds);
        /// setns(2) of what a slot holds.
        fn setns_slot(fd: Slot, kinds: i32) = SYS_setns(fd, kinds);
        /// prctl(PR_SET_DUMPABLE) to 0.
        fn set_undumpable() = SYS_prctl(libc::PR_SET_DUMPABLE, 0);
        /// chroot(2).
        fn chroot(path: &CStr) = SYS_chroot(path);
        /// chdir(2).
        fn chdir(path: &CStr) = SYS_chdir(path);
        /// fchdir(2).
        fn fchdir(fd: i32) = SYS_fchdir(fd);
        /// openat(AT_FDCWD).
        fn open(path: &CStr, flags: i32, mode: u32) = SYS_openat(libc::AT_FDCWD, path, flags, mode);
        /// write(2).
        fn write(fd: Slot, bytes: &[u8]) = SYS_write(fd, bytes, bytes.len());
        /// memfd_create(2).
        fn memfd_create(name: &CStr, flags: u32) = SYS_memfd_create(name, flags);
        /// fallocate(2) from the beginning.
        fn allocate(fd: Slot, len: usize) = SYS_fallocate(fd, 0, 0, len);
        /// pwrite(2) at the beginning.
        fn write_at_start(fd: Slot, bytes: &[u8]) = SYS_pwrite64(fd, bytes, bytes.len(), 0);
        /// fcntl(F_ADD_SEALS).
        fn add_seals(fd: Slot, seals: u32) = SYS_fcntl(fd, libc::F_ADD_SEALS, seals);
        /// pipe2(2), close-on-exec.
        fn pipe(pair: At) = SYS_pipe2(pair, libc::O_CLOEXEC);
        /// close(2) of a number.
        fn close(fd: i32) = SYS_close(fd);
        /// close(2) of what a slot holds.
        fn close_slot(fd: Slot) = SYS_close(fd);
        /// dup3(2) without flags; the numbers differ.
        fn dup2(from: i32, to: i32) = SYS_dup3(from, to, 0);
        /// fcntl(F_DUPFD_CLOEXEC) at or above `least`.
        fn dup_above(fd: i32, least: i32) = SYS_fcntl(fd, libc::F_DUPFD_CLOEXEC, least);
        /// fcntl(F_SETFD).
        fn set_cloexec(fd: i32, on: bool) = SYS_fcntl(fd, libc::F_SETFD, if on { libc::FD_CLOEXEC } else { 0 });
        /// setgroups(2), of this thread alone.
        fn setgroups(groups: &[u32]) = SYS_setgroups(groups.len(), groups);
        /// setresgid(2), of this thread alone.
        fn setresgid(ids: [u32; 3]) = SYS_setresgid(ids[0], ids[1], ids[2]);
        /// setresuid(2), of this thread alone.
        fn setresuid(ids: [u32; 3]) = SYS_setresuid(ids[0], ids[1], ids[2]);
        /// prctl(PR_GET_DUMPABLE).
        fn dumpable() = SYS_prctl(libc::PR_GET_DUMPABLE);
        /// prctl(PR_SET_NO_NEW_PRIVS).
        fn no_new_privs() = SYS_prctl(libc::PR_SET_NO_NEW_PRIVS, 1);
        /// keyctl(KEYCTL_JOIN_SESSION_KEYRING): a new one without a name.
        fn new_session_keyring() = SYS_keyctl(libc::KEYCTL_JOIN_SESSION_KEYRING, 0);
        /// keyctl(KEYCTL_JOIN_SESSION_KEYRING).
        fn join_session_keyring(name: &CStr) = SYS_keyctl(libc::KEYCTL_JOIN_SESSION_KEYRING, name);
        /// seccomp(SECCOMP_SET_MODE_FILTER).
        fn set_filter(flags: u64, program: SockFprog) = SYS_seccomp(libc::SECCOMP_SET_MODE_FILTER, flags, program);
        /// prctl(PR_SET_KEEPCAPS).
        fn keep_caps(on: bool) = SYS_prctl(libc::PR_SET_KEEPCAPS, u32::from(on));
        /// capset(2): effective, permitted, inheritable. Of this version the kernel writes no header.
        fn capset(sets: [u64; 3]) = SYS_capset([CAPABILITY_VERSION_3, 0].as_slice(), halves(sets).as_slice());
        /// prctl(PR_CAPBSET_DROP).
        fn drop_bounding(capability: u32) = SYS_prctl(libc::PR_CAPBSET_DROP, capability);
        /// prctl(PR_CAP_AMBIENT_CLEAR_ALL).
        fn clear_ambient() = SYS_prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL);
        /// prctl(PR_CAP_AMBIENT_RAISE).
        fn raise_ambient(capability: u32) = SYS_prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, capability);
        /// prctl(PR_SET_SECUREBITS).
        fn set_securebits(bits: u32) = SYS_prctl(libc::PR_SET_SECUREBITS, bits);
        /// prctl(PR_SET_PDEATHSIG).
        fn set_pdeathsig(signal: i32) = SYS_prctl(libc::PR_SET_PDEATHSIG, signal);
        /// personality(2).
        fn personality(persona: u32) = SYS_personality(persona);
        /// prctl(PR_SET_TSC) to SIGSEGV.
        fn no_tsc() = SYS_prctl(libc::PR_SET_TSC, libc::PR_TSC_SIGSEGV);
        /// prctl(PR_SET_CHILD_SUBREAPER).
        fn set_subreaper() = SYS_prctl(libc::PR_SET_CHILD_SUBREAPER, 1);
        /// ioprio_set(IOPRIO_WHO_PROCESS) of the caller.
        fn set_ioprio(ioprio: i32) = SYS_ioprio_set(1, 0, ioprio);
        /// prctl(PR_SET_TIMERSLACK), in nanoseconds.
        fn set_timer_slack(ns: u64) = SYS_prctl(libc::PR_SET_TIMERSLACK, ns);
        /// open_tree(2) of a path as the child sees it.
        fn open_tree(path: &CStr, flags: u32) = SYS_open_tree(libc::AT_FDCWD, path, flags);
        /// open_tree(2) beneath a directory.
        fn open_tree_at(dir: Slot, path: &CStr, flags: u32) = SYS_open_tree(dir, path, flags);
        /// openat2(RESOLVE_IN_ROOT): the descriptor is the root of the path and of its symbolic links. 5.6.
        fn open_in_root(root: Slot, path: &CStr, flags: i32) = SYS_openat2(root, path, [flags as u64, 0, RESOLVE_IN_ROOT].as_slice(), 24);
        /// openat(2).
        fn open_at(dir: Slot, path: &CStr, flags: i32, mode: u32) = SYS_openat(dir, path, flags, mode);
        /// move_mount(2) of what a slot holds to what another holds.
        fn move_mount(from: Slot, to: Slot) = SYS_move_mount(from, c"", to, c"", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
        /// move_mount(2) to a name in a directory, which is not followed.
        fn move_mount_to(from: Slot, dir: Slot, name: &CStr) = SYS_move_mount(from, c"", dir, name, MOVE_MOUNT_F_EMPTY_PATH);
        /// move_mount(2) on top of the root directory.
        fn move_mount_over_root(from: Slot) = SYS_move_mount(from, c"", libc::AT_FDCWD, c"/", MOVE_MOUNT_F_EMPTY_PATH);
        /// mount_setattr(2), 5.12: `struct mount_attr`.
        fn mount_setattr(fd: Slot, flags: i32, attr: [u64; 4]) = SYS_mount_setattr(fd, c"", libc::AT_EMPTY_PATH | flags, attr.as_slice(), 32);
        /// fsopen(2).
        fn fsopen(kind: &CStr) = SYS_fsopen(kind, 1);
        /// fspick(2) of what a slot holds.
        fn fspick(fd: Slot) = SYS_fspick(fd, c"", 1 | 8);
        /// fsconfig(FSCONFIG_SET_FLAG).
        fn fsconfig_flag(fs: Slot, key: &CStr) = SYS_fsconfig(fs, 0, key, 0, 0);
        /// fsconfig(FSCONFIG_SET_STRING).
        fn fsconfig_string(fs: Slot, key: &CStr, value: &CStr) = SYS_fsconfig(fs, 1, key, value, 0);
        /// fsconfig(FSCONFIG_CMD_CREATE).
        fn fsconfig_create(fs: Slot) = SYS_fsconfig(fs, 6, 0, 0, 0);
        /// fsconfig(FSCONFIG_CMD_RECONFIGURE).
        fn fsconfig_reconfigure(fs: Slot) = SYS_fsconfig(fs, 7, 0, 0, 0);
        /// fsmount(2).
        fn fsmount(fs: Slot, attributes: u64) = SYS_fsmount(fs, 1, attributes);
        /// mount(2): the propagation of a mount.
        fn set_propagation(path: &CStr, flags: u64) = SYS_mount(0, path, 0, flags, 0);
        /// pivot_root(2) to the working directory, with the old root on top of it.
        fn pivot_root_here() = SYS_pivot_root(c".", c".");
        /// umount2(MNT_DETACH) of a path, without following its last part.
        fn umount(path: &CStr) = SYS_umount2(path, libc::MNT_DETACH | libc::UMOUNT_NOFOLLOW);
        /// fchdir(2) to what a slot holds.
        fn fchdir_slot(dir: Slot) = SYS_fchdir(dir);
        /// mkdirat(2).
        fn mkdir_at(dir: Slot, name: &CStr, mode: u32) = SYS_mkdirat(dir, name, mode);
        /// mknodat(2) of an empty file.
        fn make_file_at(dir: Slot, name: &CStr, mode: u32) = SYS_mknodat(dir, name, libc::S_IFREG | mode, 0);
        /// symlinkat(2).
        fn symlink_at(text: &CStr, dir: Slot, name: &CStr) = SYS_symlinkat(text, dir, name);
        /// umask(2) of what a slot holds.
        fn umask_slot(mask: Slot) = SYS_umask(mask);
        /// rt_sigprocmask(SIG_SETMASK).
        fn set_mask(mask: u64) = SYS_rt_sigprocmask(libc::SIG_SETMASK, [mask].as_slice(), 0, 8);
        /// rt_sigprocmask(SIG_SETMASK) to what the slot holds the address of: the creator's mask.
        fn restore_mask() = SYS_rt_sigprocmask(libc::SIG_SETMASK, Slot::MASK, 0, 8);
        /// timer_create(CLOCK_MONOTONIC): sends `signal` to the caller.
        fn timer_create(signal: i32, timer: At) = SYS_timer_create(libc::CLOCK_MONOTONIC, sigevent(signal).as_slice(), timer);
        /// timer_settime(2), in seconds.
        fn timer_settime(timer: Slot, first: u64, every: u64) = SYS_timer_settime(timer, 0, [every, 0, first, 0].as_slice(), 0);
    }

    /// rt_sigaction(2): SIG_DFL or SIG_IGN.
    pub(crate) fn set_action(&mut self, signal: i32, ignore: bool) -> Last<'_> {
        let handler = if ignore { libc::SIG_IGN } else { libc::SIG_DFL } as u64;
        // Handler, flags, on x86-64 the restorer, and the mask: at least this long everywhere.
        let args = [
            Operand::arg(signal, self),
            Operand::arg([handler, 0, 0, 0].as_slice(), self),
            Arg::Number(0),
            Arg::Number(8),
        ];
        self.push(libc::SYS_rt_sigaction as u16, kind::CALL, args)
    }

    /// execve(2) of each path until one is there, by the rule of execvpe(3): goes on after "not here",
    /// remembers "not allowed", stops at anything else.
    pub(crate) fn execve(&mut self, stage: Stage, paths: &[CString], argv: CStrArray) {
        let Arg::Number(argv) = Strings(argv).arg(self) else { return };
        for (path, index) in paths.iter().zip(0..) {
            let args = [
                Operand::arg(path.as_c_str(), self.step(stage, index)),
                Arg::Number(argv),
                Arg::Slot(Slot::ENV),
            ];
            let mut last = self.push(libc::SYS_execve as u16, kind::CALL, args);
            last.change(|call| call.soft = soft::CANDIDATE);
        }
    }

    /// execveat(AT_EMPTY_PATH) of the program's descriptor.
    pub(crate) fn execve_fd(&mut self, argv: CStrArray) -> Last<'_> {
        let args = [
            Arg::Slot(Slot::PROGRAM),
            Operand::arg(c"", self),
            Strings(argv).arg(self),
            Arg::Slot(Slot::ENV),
            Arg::Number(libc::AT_EMPTY_PATH as usize),
        ];
        self.push(libc::SYS_execveat as u16, kind::CALL, args)
    }

    /// Opens a file, writes all at once, closes it: how files of /proc and cgroup files are set.
    pub(crate) fn write_file(&mut self, path: &CStr, bytes: &[u8]) {
        self.open(path, libc::O_WRONLY | libc::O_CLOEXEC, 0).into(Slot::A);
        self.write(Slot::A, bytes);
        self.close_slot(Slot::A);
    }
}

/// The steps that are code.
impl List {
    /// Refuses to go on as the init of a pid namespace, which no fuse ends.
    pub(crate) fn not_init(&mut self) -> Last<'_> {
        self.push(0, kind::NOT_INIT, [])
    }

    /// Arms a fuse, for the process or its group.
    pub(crate) fn arm(&mut self, fuse: Slot, signal: i32, group: bool) -> Last<'_> {
        self.with_slot(kind::ARM, fuse, [signal as usize, group.into()])
    }

    /// Refuses to go on when the other end of a fuse is closed.
    pub(crate) fn check_fuse(&mut self, fuse: Slot) -> Last<'_> {
        self.with_slot(kind::HUNG_UP, fuse, [])
    }

    /// Leaves the creator's descriptor table, or cleans up the copy of it.
    pub(crate) fn leave_table(&mut self) -> Last<'_> {
        self.push(0, kind::LEAVE_TABLE, [])
    }

    /// Waits for the creator to have written the id maps.
    pub(crate) fn wait_go(&mut self) -> Last<'_> {
        self.with_slot(kind::WAIT_GO, Slot::GO, [])
    }

    /// Arms the fuse in the name of the user that the child is about to become.
    pub(crate) fn arm_as(&mut self, id: u32, signal: i32, group: bool) -> Last<'_> {
        self.with_slot(kind::ARM_AS, Slot::FUSE, [id as usize, signal as usize, group.into()])
    }

    /// Closes `first` to `last` without the program's descriptor, also where the kernel has no
    /// close_range(2).
    pub(crate) fn close_range(&mut self, first: u32, last: u32) -> Last<'_> {
        self.push(0, kind::CLOSE, [first, last].map(|n| Arg::Number(n as usize)))
    }

    /// Moves what a slot holds to this number.
    pub(crate) fn place(&mut self, fd: Slot, target: i32) -> Last<'_> {
        self.with_slot(kind::PLACE, fd, [target as usize])
    }

    /// One of the two descriptors that pipe2(2) has put into a slot.
    pub(crate) fn one_of_pair(&mut self, pair: Slot, which: usize) -> Last<'_> {
        self.with_slot(kind::ONE_OF_PAIR, pair, [which])
    }

    /// Refuses to go on when the creator has ended.
    pub(crate) fn check_parent(&mut self) -> Last<'_> {
        self.push(0, kind::CHECK_PARENT, [])
    }

    /// Puts a number into a slot.
    pub(crate) fn load(&mut self, slot: Slot, number: impl Into<i64>) -> Last<'_> {
        self.push(0, kind::LOAD, [Arg::Number(number.into() as usize)]).into(slot)
    }
}

impl List {
    /// The step of the calls that follow, as an error names it.
    pub(crate) fn step(&mut self, stage: Stage, index: u32) -> &mut Self {
        // Stages are numbered from 1 to 127.
        self.stage = stage.as_raw() as u8;
        self.index = index;
        self
    }

    /// The name of a system call.
    pub(super) fn name(nr: u16) -> &'static str {
        let others: &[(u16, &'static str)] = &[
            (libc::SYS_rt_sigaction as u16, "rt_sigaction"),
            (libc::SYS_execve as u16, "execve"),
            (libc::SYS_execveat as u16, "execveat"),
        ];
        let known = Self::CALLS.iter().chain(others).find(|(known, _)| *known == nr);
        known.map_or("a system call", |(_, name)| name.strip_prefix("SYS_").unwrap_or(name))
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(super) fn calls(&self) -> &[Call] {
        &self.calls
    }

    fn with_slot<const N: usize>(&mut self, kind: u8, slot: Slot, numbers: [usize; N]) -> Last<'_> {
        let mut last = self.push(0, kind, numbers.map(Arg::Number));
        last.change(|call| call.from = slot.0);
        last
    }

    fn push<const N: usize>(&mut self, nr: u16, kind: u8, args: [Arg; N]) -> Last<'_> {
        const { assert!(N <= 6) }
        let mut call = Call {
            nr,
            stage: self.stage,
            kind,
            takes: 0,
            from: 0,
            into: NO_SLOT,
            soft: soft::HARD,
            index: self.index,
            when: 0,
            skip: 0,
            args: [0; 6],
        };
        for ((to, arg), number) in call.args.iter_mut().zip(args).zip(1u8..) {
            let (slot, address) = match arg {
                Arg::Number(value) => {
                    *to = value;
                    continue;
                }
                Arg::Slot(slot) => (slot, 0),
                Arg::Address(slot) => (slot, ADDRESS),
            };
            // Two at most: the first is in the lower half.
            let half = if call.takes == 0 { 0 } else { 4 };
            debug_assert!(half == 0 || call.takes >> 4 == 0, "a call takes from two slots at most");
            call.takes |= (number | address) << half;
            call.from |= slot.0 << half;
        }
        if vec::push(&mut self.calls, call).is_err() {
            self.incomplete = true;
            return Last(None);
        }
        Last(self.calls.last_mut())
    }

    /// Copies bytes to where they stay, on a boundary of eight; at least one word.
    fn own(&mut self, bytes: &[u8]) -> usize {
        let words = bytes.chunks(8).map(|part| {
            let mut word = [0; 8];
            word.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
            u64::from_ne_bytes(word)
        });
        self.own_words(words)
    }

    fn own_words(&mut self, words: impl Iterator<Item = u64>) -> usize {
        let kept = vec::collect(words).and_then(|mut words| {
            if words.is_empty() {
                vec::push(&mut words, 0)?;
            }
            let address = words.as_ptr() as usize;
            vec::push(&mut self.words, words)?;
            Ok(address)
        });
        kept.unwrap_or_else(|_| {
            self.incomplete = true;
            0
        })
    }

    /// Notes that there was no memory for what is missing now.
    pub(crate) fn fail(&mut self) {
        self.incomplete = true;
    }

    /// The list, unless something is missing in it: ENOMEM.
    pub(crate) fn complete(self) -> sys::Result<Self> {
        if self.incomplete { Err(Errno(libc::ENOMEM)) } else { Ok(self) }
    }
}

/// Of linux/capability.h: sets of 64 bits.
const CAPABILITY_VERSION_3: u32 = 0x2008_0522;

/// Two `struct __user_cap_data_struct`: the lower halves of all sets, then the upper.
fn halves(sets: [u64; 3]) -> [u32; 6] {
    let [effective, permitted, inheritable] = sets;
    let high = |set: u64| (set >> 32) as u32;
    [
        effective as u32,
        permitted as u32,
        inheritable as u32,
        high(effective),
        high(permitted),
        high(inheritable),
    ]
}

/// `struct sigevent` of a 64-bit kernel: value, signal and SIGEV_SIGNAL, padding.
fn sigevent(signal: i32) -> [u64; 8] {
    let mut event = [0; 8];
    // SIGEV_SIGNAL is 0, the upper half.
    event[1] = signal as u64;
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_takes_two_slots_and_gives_one() {
        let mut list = List::default();
        list.step(Stage::FD, 3).tcsetpgrp(5, At(Slot::GROUP)).into(Slot::A).when(When::COPIED);
        let call = list.calls()[0];
        assert_eq!((call.stage, call.index, call.when), (47, 3, When::COPIED.0));
        assert_eq!((call.takes, call.from, call.into), (3 | ADDRESS, 15, Slot::A.0));
        list.execve_fd(CStrArray::new(vec![c"x".into()]).unwrap());
        let call = list.calls()[1];
        assert_eq!((call.takes, call.from), (1 | 4 << 4, Slot::PROGRAM.0 | Slot::ENV.0 << 4));
    }

    #[test]
    fn memory_stays_where_it_is() {
        let mut list = List::default();
        list.chdir(c"/tmp/of/some/length");
        let before = list.calls()[0].args[0];
        for _ in 0..100 {
            list.setgroups(&[1, 2, 3]);
        }
        let list = Box::new(list);
        assert_eq!(list.calls()[0].args[0], before);
        assert_eq!(list.words[0].as_ptr() as usize, before);
    }
}
