// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! One entry of the list: the call, its slots, its conditions.

/// A place for a number, from one call to a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(pub(in crate::child) u8);

/// How many slots there are.
pub(in crate::child) const SLOTS: usize = 16;

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
    /// The state of the process just before the credentials change: see `start::dumpable`.
    pub(crate) const DUMPABLE: Self = Self(13);
    /// Only the timers' number: they need a zero before the kernel writes its low half.
    pub(crate) const TIMER: Self = Self(14);
    /// Only the foreground group.
    pub(crate) const GROUP: Self = Self(15);
    /// Not 0 when the child begins, if an intermediate process has joined the user namespace.
    pub(crate) const JOINED_USER: Self = Self::GROUP;
}

/// The address of a slot, for a call that reads or writes there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At(pub(crate) Slot);

/// When a call is made: if all of these hold of the clone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct When(pub(in crate::child) u16);

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
    /// The table has descriptors that no setting asks for.
    pub(crate) const CLOSES: Self = Self(1 << 5);
    /// The new RLIMIT_NOFILE is no lower than the present one.
    pub(crate) const NOFILE_RISES: Self = Self(1 << 6);
    /// It is lower: it must not hinder the descriptor actions.
    pub(crate) const NOFILE_FALLS: Self = Self(1 << 7);
    /// The child waits for its creator, which has the id maps to write or the watcher to tell.
    pub(crate) const GO: Self = Self(1 << 8);

    /// The kernel has not started the child in its cgroup.
    pub(crate) const CGROUP: Self = Self(1 << 9);
    /// The child has to join the user namespace by itself.
    pub(crate) const USER_TO_JOIN: Self = Self(1 << 11);

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

/// The action of the walker for an entry: one system call, or one of the few steps that are code.
pub(in crate::child) mod kind {
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
    /// Sends the descriptor of `from` through a socket.
    pub(crate) const SEND_FD: u8 = 12;
}

/// The meaning of a call's failure.
pub(in crate::child) mod soft {
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

/// No slot.
pub(in crate::child) const NO_SLOT: u8 = u8::MAX;
/// In half of `takes`: the argument is the slot's address.
pub(in crate::child) const ADDRESS: u8 = 8;

/// One prepared call.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(in crate::child) struct Call {
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
