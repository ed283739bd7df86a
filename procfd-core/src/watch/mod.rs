// SPDX-License-Identifier: MIT OR Apache-2.0

//! The watcher: exit readiness on the procfd itself.
//!
//! | room | holds |
//! |---|---|
//! | `client` | what the library calls: start a watcher, hand it processes |
//! | `start` | the way to a watcher with a socket |
//! | `keeper` | the watcher of this process, and its successor |
//! | `image` | the program |
//! | `proto` | what client and watcher say to each other |
//! | `program/` | the watcher program, and the built-in init; not a module of this crate |
//!
//! # Out of sight
//!
//! A child of the creator would be returned by its `waitpid(-1)` and would raise SIGCHLD: the
//! kernel resets a child's exit signal to SIGCHLD when it executes, so no flag of clone hides a
//! child that executes. So the watcher is a grandchild whose parent ends at once, and goes to the
//! nearest subreaper above the creator, or to init.
//!
//! A creator that is itself a subreaper, or the init of its pid namespace, gets that orphan, like
//! every orphan below it: whatever the kernel offers to put a process elsewhere has been tried.
//!
//! | way | what comes of it |
//! |---|---|
//! | `CLONE_PARENT` | EINVAL for an init; else the parent's parent gets a zombie that it may never reap |
//! | a child with exit signal 0 that never executes, as the watcher's parent | hides it, but shares the creator's memory for good: seen twice in `ps`, keeps privileges that the creator gives up in memory the creator can write, keeps the memory after an exec |
//! | the same with memory of its own | is a fork: 300 ms for 8 GiB |
//! | a nested pid namespace | its init is the child, and privileges are needed |
//! | not being a subreaper for a moment | an orphan of the program's own that falls into it is lost to the program |
//! | a thread of the creator | ends with the creator and with its exec, closes `unshare` of namespaces to it |
//!
//! So there the watcher is visible, and behaves so that it does no harm: it leaves by itself
//! [20 ms](proto::LINGER_MS) after the last process it watches has ended, and comes back with the
//! next one. `wait` returns the children first, then the watcher, as any orphan, then ECHILD; it does
//! not hang. While processes are there to be watched `wait` would not return ECHILD anyway. The
//! client reaps it, if the program has not, so that there is never more than one zombie of it.

mod client;
mod image;
pub(crate) mod keeper;
mod proto;
mod start;
#[cfg(test)]
mod tests;

pub(crate) use client::{AddError, Client, Policy, Reservation, StartError};
pub(crate) use image::init_image;
pub(crate) use proto::Ended;
