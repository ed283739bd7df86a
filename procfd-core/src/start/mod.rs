// SPDX-License-Identifier: MIT OR Apache-2.0

//! Starting a process.
//!
//! | room | holds |
//! |---|---|
//! | `plan` | the configuration, lowered to what the child needs and nothing else |
//! | `child` | the steps of the child, in their fixed order |
//! | `dumpable` | dumpable, kept across changes of credentials |
//! | `report` | the record of the failing step, and its words |
//! | `idmap` | id maps: which way each is written, and the parent's ways |
//! | `fork` | a creation without a program |
//! | `parent` | the creation: clone, report, publish |

mod child;
mod dumpable;
mod fork;
mod idmap;
mod parent;
mod plan;
mod report;

pub(crate) use parent::{Created, attach, create};
