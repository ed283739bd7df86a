// SPDX-License-Identifier: MIT OR Apache-2.0

//! The child: a list of prepared system calls, and the code that walks it.
//!
//! The child shares its creator's memory until it executes, so it can do very little. The settings
//! write what it has to do into a list beforehand; the walker knows no setting.
//!
//! | room | holds |
//! |---|---|
//! | `list` | the prepared calls and all memory they point to |
//! | `walk` | the code of the child |
//! | `outline` | the list in words |
//! | `report` | the step that the child is at, and the errno of the one that failed |

mod list;
mod outline;
mod report;
mod walk;

pub(crate) use list::{At, List, LsmAttribute, PR_SET_MEMORY_MERGE, Slot, SockFprog, When};
pub(crate) use report::{Report, Words};
pub(crate) use walk::{Init, Moment, set_up};
