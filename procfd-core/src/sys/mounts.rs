// SPDX-License-Identifier: MIT OR Apache-2.0

//! Which system calls for mounts there are.

use super::{Errno, Result, call};

/// What the kernel has and no filter refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NewCalls {
    /// open_tree(2), fsopen(2), fsmount(2), move_mount(2); 5.2.
    pub(crate) mounts: bool,
    /// mount_setattr(2); 5.12.
    pub(crate) attributes: bool,
}

impl NewCalls {
    /// Asks with flags that no version has: EINVAL. Three of the calls check CAP_SYS_ADMIN before that, so without it
    /// only their absence shows.
    pub(crate) fn present() -> Self {
        const BAD: u32 = u32::MAX;
        const NONE: i32 = -1;
        // SAFETY: no call reads memory before it has refused the flags or the descriptor.
        let (open_tree, mount_setattr, fsconfig) = unsafe {
            (
                call!(SYS_open_tree, NONE, 0, BAD),
                call!(SYS_mount_setattr, NONE, 0, BAD, 0, 0),
                call!(SYS_fsconfig, NONE, BAD, 0, 0, 0),
            )
        };
        // SAFETY: as above.
        let privileged = unsafe {
            [
                call!(SYS_fsopen, 0, BAD),
                call!(SYS_fsmount, NONE, BAD, 0),
                call!(SYS_move_mount, NONE, 0, NONE, 0, BAD),
            ]
        };
        let there = |result: Result<usize>| !matches!(result, Err(Errno(libc::ENOSYS | libc::EPERM)));
        // One that answers EINVAL has seen the privilege; then another's EPERM is a filter's.
        let has_rights = privileged.contains(&Err(Errno(libc::EINVAL)));
        let privileged_there = privileged.into_iter().all(|result| match result {
            Err(Errno(libc::ENOSYS)) => false,
            Err(Errno(libc::EPERM)) => !has_rights,
            _ => true,
        });
        Self {
            mounts: there(open_tree) && there(fsconfig) && privileged_there,
            attributes: there(mount_setattr),
        }
    }
}
