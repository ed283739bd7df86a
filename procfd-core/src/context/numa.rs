// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! On which NUMA nodes the memory of the process lies.

use super::{Configured, Context};
use crate::error::Error;
use crate::settings::{NumaFlags, NumaPolicy, cpu_mask};

/// What the kernel can be built for.
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
