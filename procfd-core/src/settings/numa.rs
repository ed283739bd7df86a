// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! On which NUMA nodes the memory of the process lies.
//!
//! The policy is of the task alone, and the program inherits it. The creator keeps its own, though the child
//! shares its memory.

use super::scheduling::ranges;
use super::{Configured, Context, Facts, Families, Prepared, Set, Settings, cpu_mask};
use crate::child::List;
use crate::error::{Error, Stage};

/// A NUMA memory policy ([set_mempolicy(2)](https://man7.org/linux/man-pages/man2/set_mempolicy.2.html)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NumaPolicy {
    /// The system's: the node of the CPU. It takes no node.
    Default,
    /// One node first, then others. Without a node it is [`Local`](Self::Local).
    Preferred,
    /// These nodes alone.
    Bind,
    /// These nodes in turn.
    Interleave,
    /// The node of the CPU. It takes no node.
    Local,
    /// These nodes first, then others; 5.15.
    PreferredMany,
    /// These nodes in turn, by the weights in `/sys/kernel/mm/mempolicy`; 6.9.
    WeightedInterleave,
}

/// linux/mempolicy.h, in the order of their numbers.
const POLICIES: [(NumaPolicy, &str); 7] = [
    (NumaPolicy::Default, "MPOL_DEFAULT"),
    (NumaPolicy::Preferred, "MPOL_PREFERRED"),
    (NumaPolicy::Bind, "MPOL_BIND"),
    (NumaPolicy::Interleave, "MPOL_INTERLEAVE"),
    (NumaPolicy::Local, "MPOL_LOCAL"),
    (NumaPolicy::PreferredMany, "MPOL_PREFERRED_MANY"),
    (NumaPolicy::WeightedInterleave, "MPOL_WEIGHTED_INTERLEAVE"),
];

impl NumaPolicy {
    /// Its number in linux/mempolicy.h.
    #[must_use]
    pub const fn as_raw(self) -> u32 {
        self as u32
    }

    fn takes_nodes(self) -> bool {
        !matches!(self, Self::Default | Self::Local)
    }

    fn needs_nodes(self) -> bool {
        self.takes_nodes() && self != Self::Preferred
    }
}

bitflags::bitflags! {
    /// How a [`NumaPolicy`] takes its nodes.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct NumaFlags: u32 {
        /// The kernel may move pages to the node that uses them, among these; 5.12 for [`NumaPolicy::Bind`].
        const BALANCING = 1 << 13;
        /// The nodes count from the first one that the cpuset allows.
        const RELATIVE_NODES = 1 << 14;
        /// The nodes stay the same when the cpuset changes.
        const STATIC_NODES = 1 << 15;
    }
}

const ALL_FLAGS: u32 = NumaFlags::all().bits();
const BOTH: NumaFlags = NumaFlags::STATIC_NODES.union(NumaFlags::RELATIVE_NODES);

/// A policy with its flags, and the nodes in the kernel's words.
#[derive(Clone, Debug)]
pub(crate) struct Numa {
    policy: NumaPolicy,
    flags: NumaFlags,
    nodes: Vec<u8>,
}

impl Numa {
    fn shown(&self) -> String {
        let name = POLICIES.iter().find(|(policy, _)| *policy == self.policy).map_or("", |(_, name)| *name);
        let flags: String = self.flags.iter_names().map(|(name, _)| format!(" with {name}")).collect();
        let nodes = ranges(&self.nodes);
        let nodes = if nodes.is_empty() { nodes } else { format!(" to nodes {nodes}") };
        format!("{name}{flags}{nodes}")
    }
}

impl Settings {
    /// The NUMA policy: its number with its flags, and the mask of nodes, whose words are the kernel's.
    pub fn set_numa(&mut self, mode: u64, nodes: Vec<u8>) -> Set {
        let err = |text: String| Err(Error::config(libc::EINVAL, text));
        let number = mode & !u64::from(ALL_FLAGS);
        let Some((policy, name)) = usize::try_from(number).ok().and_then(|at| POLICIES.get(at)) else {
            return err(format!("NUMA policy {number:#x}; there are 0 to 6, and flags {ALL_FLAGS:#x}"));
        };
        let flags = NumaFlags::from_bits_truncate(mode as u32);
        let has_nodes = nodes.iter().any(|byte| *byte != 0);
        if policy.needs_nodes() && !has_nodes {
            return err(format!("{name} without a node"));
        }
        if !policy.takes_nodes() && (has_nodes || !flags.is_empty()) {
            return err(format!("{name} with nodes or flags; it takes none"));
        }
        if flags.contains(BOTH) {
            return err(format!("{name} with STATIC_NODES and RELATIVE_NODES; it takes one of them"));
        }
        if flags.intersects(BOTH) && !has_nodes {
            return err(format!("{name} with a flag for nodes, and without a node"));
        }
        let balances = matches!(policy, NumaPolicy::Bind | NumaPolicy::PreferredMany);
        if flags.contains(NumaFlags::BALANCING) && !balances {
            return err(format!("{name} with BALANCING; MPOL_BIND and MPOL_PREFERRED_MANY take it"));
        }
        self.make(Families::NUMA).numa = Some(Numa { policy: *policy, flags, nodes });
        Ok(())
    }
}

/// The most nodes that a kernel can be built for.
const NODES_MAX: usize = 1024;

impl Context {
    /// The NUMA policy of the process, and of all that it starts: from which nodes its memory comes. The creator
    /// keeps its own policy. The nodes have to be in the cpuset, that of the new [`cgroup`](Self::cgroup) if there
    /// is one.
    ///
    /// # Errors
    ///
    /// `EINVAL`: the policy needs a node or takes none, a node is above 1,023, or the flags do not go with the
    /// policy. The message says which. [`create`](Self::create) fails with `EINVAL` if none of the nodes has memory,
    /// with `ENOSYS` where the kernel has no NUMA.
    ///
    /// # Kernel
    ///
    /// [set_mempolicy(2)](https://man7.org/linux/man-pages/man2/set_mempolicy.2.html); since 5.15 for
    /// [`NumaPolicy::PreferredMany`], since 6.9 for [`NumaPolicy::WeightedInterleave`]. No privilege.
    ///
    /// ```
    /// use procfd::{NumaFlags, NumaPolicy};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/grep")?.args(["grep", "-q", "bind:0", "/proc/self/numa_maps"])?;
    /// context.numa(NumaPolicy::Bind, NumaFlags::empty(), [0])?;
    /// # let _ = std::path::Path::new("/proc/self/numa_maps").exists() || std::process::exit(0);
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_NUMA")]
    pub fn numa(
        &mut self,
        policy: NumaPolicy,
        flags: NumaFlags,
        nodes: impl IntoIterator<Item = usize>,
    ) -> Configured<'_> {
        let wrong = || Error::config(libc::EINVAL, format_args!("a NUMA node over {}", NODES_MAX - 1));
        // Nothing beyond the first wrong one is taken.
        let mut is_wrong = false;
        let known = nodes.into_iter().take_while(|node| {
            is_wrong = *node >= NODES_MAX;
            !is_wrong
        });
        let mask = cpu_mask(known).map_err(|_| wrong())?;
        if is_wrong {
            return Err(wrong());
        }
        self.set(|s| s.set_numa((policy.as_raw() | flags.bits()).into(), mask))
    }
}

/// After the cgroup, whose cpuset limits the nodes.
pub(super) fn policy(s: &Settings, _: &Facts<'_>, list: &mut List) {
    if let Some(numa) = &s.numa {
        let mode = numa.policy.as_raw() | numa.flags.bits();
        list.step(Stage::NUMA, 0).set_mempolicy(mode, &numa.nodes);
    }
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, _: u32) -> Option<String> {
    s.numa.as_ref().filter(|_| stage == Stage::NUMA).map(|numa| format!("to {}", numa.shown()))
}

pub(super) fn hint(s: &Settings, stage: Stage, errno: i32) -> Option<&'static str> {
    let balances = s.numa.as_ref().is_some_and(|numa| numa.flags.contains(NumaFlags::BALANCING));
    match (stage, errno) {
        (Stage::NUMA, libc::EINVAL) if balances => Some(
            "none of these nodes has memory and is in the cpuset, or the kernel is too old for this policy with BALANCING",
        ),
        (Stage::NUMA, libc::EINVAL) => Some(
            "none of these nodes has memory and is in the cpuset, or the kernel is too old for this policy",
        ),
        (Stage::NUMA, libc::ENOSYS) => Some("this kernel has no NUMA"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_kernels() {
        for (number, (policy, _)) in (0..).zip(POLICIES) {
            assert_eq!(policy.as_raw(), number);
        }
    }

    #[test]
    fn what_goes_together() {
        let set = |mode: u64, nodes: &[u8]| Settings::default().set_numa(mode, nodes.to_vec());
        let (balancing, relative, fixed) = (1 << 13, 1 << 14, 1 << 15);
        for (mode, nodes) in [
            (0, &[][..]),
            (0, &[0]),
            (1, &[]),
            (1, &[1]),
            (2 | balancing, &[1]),
            (3 | relative, &[3]),
            (4, &[]),
            (5 | balancing | fixed, &[1]),
            (6 | fixed, &[1]),
        ] {
            assert!(set(mode, nodes).is_ok(), "{mode:#x} {nodes:?}");
        }
        for (mode, nodes) in [
            (0, &[1][..]),
            (fixed, &[]),
            (1 | fixed, &[]),
            (1 | balancing, &[1]),
            (2, &[0]),
            (2 | fixed | relative, &[1]),
            (3 | balancing, &[1]),
            (4, &[1]),
            (5, &[]),
            (7, &[1]),
            (1 << 12, &[1]),
            (1 << 32 | 2, &[1]),
        ] {
            assert!(set(mode, nodes).is_err(), "{mode:#x} {nodes:?}");
        }
    }
}
