// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The calls that a list can have: one method for each.

use std::ffi::{CStr, CString};

use super::entry::{At, Slot, kind, soft};
use super::operand::{Arg, Operand, SockFprog, Strings};
use super::{Last, List};
use crate::error::Stage;
use crate::sys::cstr::CStrArray;

/// openat2(2).
const RESOLVE_IN_ROOT: u64 = 0x10;
/// move_mount(2).
const MOVE_MOUNT_F_EMPTY_PATH: u32 = 4;
const MOVE_MOUNT_T_EMPTY_PATH: u32 = 0x40;

/// linux/prctl.h.
const PR_SET_SPECULATION_CTRL: i32 = 53;
/// linux/prctl.h.
const PR_SCHED_CORE: i32 = 62;
/// linux/prctl.h, 6.4; libc has it for some C libraries.
pub(crate) const PR_SET_MEMORY_MERGE: i32 = 67;

/// Whether an option of prctl(2) takes a number and writes nothing, and is of the task alone. PR_SET_DUMPABLE is of the
/// memory, which the caller sees to; so are the last three, for which the child has memory of its own.
const fn takes_number(option: i32) -> bool {
    matches!(
        option,
        libc::PR_SET_PDEATHSIG
            | libc::PR_SET_DUMPABLE
            | libc::PR_SET_KEEPCAPS
            | libc::PR_SET_TIMING
            | libc::PR_SET_TSC
            | libc::PR_SET_SECUREBITS
            | libc::PR_SET_TIMERSLACK
            | libc::PR_SET_CHILD_SUBREAPER
            | libc::PR_SET_NO_NEW_PRIVS
            | libc::PR_SET_THP_DISABLE
            | libc::PR_SET_MDWE
            | PR_SET_MEMORY_MERGE
    )
}

/// 6.8; the same number everywhere.
pub(super) const SYS_LSM_SET_SELF_ATTR: u16 = 460;

/// The head of a `struct lsm_ctx`.
const HEAD: usize = 32;

/// An attribute of a security module: its number and the module's (linux/lsm.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LsmAttribute(u32, u64);

impl LsmAttribute {
    pub(crate) const SELINUX_EXEC: Self = Self(101, 101);
    pub(crate) const APPARMOR_EXEC: Self = Self(101, 104);
    pub(crate) const SMACK_CURRENT: Self = Self(100, 102);
}

macro_rules! calls {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $ty:ty),*) = $nr:ident($($pass:expr),*);)*) => {
        /// The numbers of these system calls and their names.
        pub(super) const CALLS: &[(u16, &'static str)] = &[$((libc::$nr as u16, stringify!($nr))),*];

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
        /// set_mempolicy(2) of the caller: the kernel takes one from the number of bits.
        fn set_mempolicy(mode: u32, nodes: &[u8]) = SYS_set_mempolicy(mode, nodes, nodes.len() * 8 + 1);
        /// prctl(PR_SET_SPECULATION_CTRL) of the caller.
        fn set_speculation(what: u32, control: u32) = SYS_prctl(PR_SET_SPECULATION_CTRL, what, control, 0, 0);
        /// prctl(PR_MCE_KILL) of the caller: PR_MCE_KILL_SET.
        fn set_mce_kill(policy: u32) = SYS_prctl(libc::PR_MCE_KILL, libc::PR_MCE_KILL_SET, policy, 0, 0);
        /// prctl(PR_SCHED_CORE) of the caller: PR_SCHED_CORE_CREATE, for the thread alone.
        fn make_core_cookie() = SYS_prctl(PR_SCHED_CORE, 1, 0, 0, 0);
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
        /// unshare(2).
        fn unshare(kinds: i32) = SYS_unshare(kinds);
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
        /// keyctl(KEYCTL_JOIN_SESSION_KEYRING): a new one without a name.
        fn new_session_keyring() = SYS_keyctl(libc::KEYCTL_JOIN_SESSION_KEYRING, 0);
        /// keyctl(KEYCTL_JOIN_SESSION_KEYRING).
        fn join_session_keyring(name: &CStr) = SYS_keyctl(libc::KEYCTL_JOIN_SESSION_KEYRING, name);
        /// seccomp(SECCOMP_SET_MODE_FILTER).
        fn set_filter(flags: u64, program: SockFprog) = SYS_seccomp(libc::SECCOMP_SET_MODE_FILTER, flags, program);
        /// landlock_create_ruleset(2): the restricted accesses to files and ports, the scopes.
        fn landlock_create_ruleset(attr: [u64; 3]) = SYS_landlock_create_ruleset(attr.as_slice(), 24, 0);
        /// landlock_add_rule(LANDLOCK_RULE_PATH_BENEATH): slot B has the accesses, slot C behind it the descriptor.
        fn landlock_add_path_at_b(ruleset: Slot) = SYS_landlock_add_rule(ruleset, 1, At(Slot::B), 0);
        /// landlock_add_rule(LANDLOCK_RULE_NET_PORT): accesses, port.
        fn landlock_add_port(ruleset: Slot, attr: [u64; 2]) = SYS_landlock_add_rule(ruleset, 2, attr.as_slice(), 0);
        /// landlock_restrict_self(2).
        fn landlock_restrict_self(ruleset: Slot) = SYS_landlock_restrict_self(ruleset, 0);
        /// capset(2): effective, permitted, inheritable. Of this version the kernel writes no header.
        fn capset(sets: [u64; 3]) = SYS_capset([CAPABILITY_VERSION_3, 0].as_slice(), halves(sets).as_slice());
        /// prctl(PR_CAPBSET_DROP).
        fn drop_bounding(capability: u32) = SYS_prctl(libc::PR_CAPBSET_DROP, capability);
        /// prctl(PR_CAP_AMBIENT_CLEAR_ALL).
        fn clear_ambient() = SYS_prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL);
        /// prctl(PR_CAP_AMBIENT_RAISE).
        fn raise_ambient(capability: u32) = SYS_prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, capability);
        /// personality(2).
        fn personality(persona: u32) = SYS_personality(persona);
        /// ioprio_set(IOPRIO_WHO_PROCESS) of the caller.
        fn set_ioprio(ioprio: i32) = SYS_ioprio_set(1, 0, ioprio);
        /// open_tree(2) of a path as the child sees it.
        fn open_tree(path: &CStr, flags: u32) = SYS_open_tree(libc::AT_FDCWD, path, flags);
        /// open_tree(2) beneath a directory.
        fn open_tree_at(dir: Slot, path: &CStr, flags: u32) = SYS_open_tree(dir, path, flags);
        /// openat2(RESOLVE_IN_ROOT): the descriptor is the root of the path and of its symbolic links. 5.6.
        fn open_in_root(root: Slot, path: &CStr, flags: i32) = SYS_openat2(root, path, [flags as u64, 0, RESOLVE_IN_ROOT].as_slice(), 24);
        /// landlock_restrict_self(2) by a number.
        fn landlock_restrict_self_by(ruleset: i32, flags: u32) = SYS_landlock_restrict_self(ruleset, flags);
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
        /// mount(2): a bind, or a move.
        fn bind(source: &CStr, target: &CStr, flags: u64) = SYS_mount(source, target, 0, flags, 0);
        /// mount(2): a new filesystem with its options.
        fn mount_new(kind: &CStr, target: &CStr, flags: u64, options: &CStr) = SYS_mount(kind, target, kind, flags, options);
        /// mount(2): a change of the mount, or of its filesystem.
        fn remount(target: &CStr, flags: u64, options: &CStr) = SYS_mount(0, target, 0, flags, options);
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

    /// prctl(2) of an option whose argument is a number.
    pub(crate) fn prctl<const OPTION: i32>(&mut self, value: u64) -> Last<'_> {
        const { assert!(takes_number(OPTION), "others take or fill memory, or act on the creator too") }
        let args = [Operand::arg(OPTION, self), Operand::arg(value, self)];
        self.push(libc::SYS_prctl as u16, kind::CALL, args)
    }

    /// lsm_set_self_attr(2), 6.8.
    pub(crate) fn lsm_set_self_attr(&mut self, attribute: LsmAttribute, value: &[u8]) -> Last<'_> {
        let LsmAttribute(number, module) = attribute;
        // `struct lsm_ctx`: the module, flags, the length of all, that of the value, and the value.
        let len = HEAD + value.len();
        let head = [module, 0, len as u64, value.len() as u64];
        let whole: Vec<u8> =
            head.iter().flat_map(|word| word.to_ne_bytes()).chain(value.iter().copied()).collect();
        let args = [
            Operand::arg(number, self),
            Operand::arg(whole.as_slice(), self),
            Operand::arg(len, self),
            Arg::Number(0),
        ];
        self.push(SYS_LSM_SET_SELF_ATTR, kind::CALL, args)
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

    /// Sends the descriptor in a slot through a socket.
    pub(crate) fn send_fd(&mut self, socket: i32, fd: Slot) -> Last<'_> {
        let mut last = self.with_slot(kind::SEND_FD, fd, [socket as usize]);
        last.change(|call| call.nr = libc::SYS_sendmsg as u16);
        last
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

/// The kernel reads `struct landlock_path_beneath_attr` there: eight bytes, then an int.
const _: () = assert!(Slot::B.0 + 1 == Slot::C.0 && cfg!(target_endian = "little"));

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
