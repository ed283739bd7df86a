// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The messages between the client and the watcher, on a `SOCK_SEQPACKET` pair.
//!
//! Client and watcher are of the same build, so there is one version only. The magic number tells a message from a
//! stray one.
//!
//! | request | descriptors | answer |
//! |---|---|---|
//! | BEGIN | pidfd of the creator | READY: the first grant, or the step that failed |
//! | RESERVE | B | none |
//! | ADD | B, pidfd | none; with ANSWER whether the pair is watched |
//! | CONFIRM, DROP | | none |
//! | LEAF, and the name | parent, directory | whether the cgroup is watched |
//! | UNLEAF | | none |
//! | CHANGE | | with ANSWER whether the policy holds |
//! | ASK | | the next grant |
//! | HOLD, RELEASE | | none |
//! | COUNT | | the counts |
//!
//! **Grants.** An ADD without signals has no answer, so that it costs the creator one system call. Instead the watcher
//! promises room beforehand. A grant of n says that it has descriptors, memory and table entries for n more pairs.
//! The client counts them down and asks again at zero. A descriptor limit is therefore an error of the call that
//! meets it, before the process is published. No procfd stays silent.
//!
//! **Before the start.** A fuse fires only while B is open, so the watcher gets B before the clone (RESERVE). A
//! policy with signals of the watcher is added before the program can run (ADD with EARLY and ANSWER): the child
//! waits for the answer. Until CONFIRM the watcher carries out the policy, but does not report the exit. The creation
//! may still fail and be tried again on the same B. DROP says that it has failed.
//!
//! **Cgroups.** The watcher gets the cgroup of a process before the process exists (LEAF). It removes the cgroup even
//! if the creator is killed. UNLEAF says that the creation has failed, and that the client removes it.
//!
//! **Time limits.** An ADD has the time that is left, so that a successor of the watcher keeps the limit. A CHANGE leaves
//! it as it is.
//!
//! **Holds.** A watcher that leaves when it is idle stays while a hold is out. The client takes a hold before it
//! starts a process, and gives it back with the ADD or with RELEASE.

#![allow(dead_code, reason = "the library and the program each use their part")]

/// `"pfdw"`, and the layout of this file.
pub(crate) const MAGIC: u32 = 0x7766_6470 ^ 3;

pub(crate) const BEGIN: u32 = 1;
pub(crate) const ADD: u32 = 2;
pub(crate) const CHANGE: u32 = 3;
pub(crate) const ASK: u32 = 4;
pub(crate) const HOLD: u32 = 5;
pub(crate) const RELEASE: u32 = 6;
pub(crate) const COUNT: u32 = 7;
pub(crate) const RESERVE: u32 = 8;
pub(crate) const CONFIRM: u32 = 9;
pub(crate) const DROP: u32 = 10;
pub(crate) const LEAF: u32 = 11;
pub(crate) const UNLEAF: u32 = 12;

/// In BEGIN: the watcher is the creator's child after all (the creator is an init or a subreaper),
/// and leaves when it has nothing to watch.
pub(crate) const LEAVE_WHEN_IDLE: u32 = 1;
/// In ADD and CHANGE: the signals go to the process group.
pub(crate) const TO_GROUP: u32 = 2;
/// In ADD, CONFIRM and DROP: gives a hold back.
pub(crate) const HELD: u32 = 4;
/// In ADD and CHANGE: the client waits for the answer.
pub(crate) const ANSWER: u32 = 8;
/// In ADD: the start is not published yet; CONFIRM or DROP follows.
pub(crate) const EARLY: u32 = 16;
/// In a reply: the watcher will not send signals. Its creator was a set-user-ID program when it started the watcher,
/// and may give up privileges that the watcher would keep.
pub(crate) const NO_SIGNALS: u32 = 1;

/// How long such a watcher stays without work. A creator that starts one process after the other keeps its watcher,
/// and `wait` until ECHILD does not seem to hang.
pub(crate) const LINGER_MS: u32 = 20;

/// The longest name of a cgroup (limits.h), with its NUL. It follows a LEAF.
pub(crate) const NAME: usize = 256;

/// Pairs per grant.
pub(crate) const GRANT: u32 = 128;

/// A message: integers, one behind the other, in the machine's byte order.
macro_rules! message {
    ($(#[$doc:meta])* struct $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default)]
        pub(crate) struct $name {
            $($(#[$field_doc])* pub(crate) $field: $type,)*
        }

        impl $name {
            pub(crate) const SIZE: usize = 0 $(+ size_of::<$type>())*;

            pub(crate) fn to_bytes(self) -> [u8; Self::SIZE] {
                let mut bytes = [0; Self::SIZE];
                let left = &mut bytes[..];
                $(
                    let Some((field, left)) = left.split_first_chunk_mut() else { return bytes };
                    *field = self.$field.to_ne_bytes();
                )*
                let _ = left;
                bytes
            }

            pub(crate) fn from_bytes(bytes: &[u8; Self::SIZE]) -> Option<Self> {
                let left = &bytes[..];
                $(
                    let (field, left) = left.split_first_chunk()?;
                    let $field = <$type>::from_ne_bytes(*field);
                )*
                let _ = left;
                Some(Self { $($field),* })
            }
        }
    };
}

message! {
    /// Client to watcher.
    struct Request {
        magic: u32,
        op: u32,
        /// The pair, for a later CHANGE.
        id: u64,
        /// From the close of the last procfd to `second`.
        delay_ns: u64,
        flags: u32,
        /// Sent when the last procfd has been closed; 0 none.
        first: u16,
        /// Sent `delay_ns` later, if the process still runs; 0 none.
        second: u16,
        /// In ADD: the time left to the process, and from its end to `limit_second`.
        limit_ns: u64,
        limit_delay_ns: u64,
        /// Sent at the end of that time; 0: no limit.
        limit_first: u16,
        /// Sent `limit_delay_ns` later, if the process still runs; 0 none.
        limit_second: u16,
    }
}

message! {
    /// Watcher to client.
    struct Reply {
        magic: u32,
        /// Why there is no grant, why a pair or policy was not taken, or why the watcher cannot work; 0 none.
        errno: i32,
        /// Which of [`STEPS`] failed.
        step: u32,
        grant: u32,
        /// Pairs that are watched now.
        watched: u32,
        /// Pairs that could not be watched in spite of a grant, and were hung up at once.
        refused: u32,
        flags: u32,
    }
}

message! {
    /// The message of the built-in init of a pid namespace on its fuse, before it ends: how the program
    /// ended. Its own status can carry the exit code only, since a signal of its own cannot end it.
    struct Ended {
        magic: u32,
        /// CLD_EXITED, CLD_KILLED or CLD_DUMPED. waitid(2)
        code: i32,
        /// The exit code or the signal.
        status: i32,
    }
}

impl Ended {
    /// Whether the built-in init has said it, and it is no stray message.
    pub(crate) fn is_genuine(&self) -> bool {
        self.magic == MAGIC
    }
}

/// The steps of the watcher's own set-up, by number.
pub(crate) const STEPS: [&str; 8] = [
    "set up the watcher",
    "set up the watcher: epoll",
    "set up the watcher: memory",
    "set up the watcher: shutdown(2)",
    "set up the watcher: pidfd_send_signal(2)",
    "set up the watcher: descriptors",
    "set up the watcher: the creator's pidfd",
    "set up the watcher: close(2)",
];
pub(crate) const STEP_EPOLL: u32 = 1;
pub(crate) const STEP_MEMORY: u32 = 2;
pub(crate) const STEP_SHUTDOWN: u32 = 3;
pub(crate) const STEP_SIGNAL: u32 = 4;
pub(crate) const STEP_DESCRIPTORS: u32 = 5;
pub(crate) const STEP_CREATOR: u32 = 6;
pub(crate) const STEP_CLOSE: u32 = 7;
