// SPDX-License-Identifier: MIT OR Apache-2.0

//! The watcher: exit readiness on the procfd itself.
//!
//! | room | holds |
//! |---|---|
//! | `client` | the creator's side: starts a watcher, hands it processes |
//! | `start` | starts a watcher with a control socket |
//! | `keeper` | the watcher of this process, and its successor |
//! | `image` | the program |
//! | `proto` | the messages between client and watcher |
//! | `program/` | the watcher program, and the built-in init; not a module of this crate |
//!
//! # Out of sight
//!
//! The creator's `waitpid(-1)` would return a child of the creator, and the child's end would raise SIGCHLD. No flag
//! of clone hides a child that executes, since execve resets the exit signal to SIGCHLD. The watcher is therefore a
//! grandchild whose parent ends at once. The kernel gives it to the nearest subreaper above the creator, or to init.
//!
//! A creator that is itself a subreaper, or the init of its pid namespace, gets that orphan, like every orphan below
//! it. The kernel offers no better place for the watcher:
//!
//! | way | result |
//! |---|---|
//! | `CLONE_PARENT` | EINVAL for an init; else the parent's parent gets a zombie that it may never reap |
//! | a child with exit signal 0 that never executes, as the watcher's parent | hides it, but shares the creator's memory for good: seen twice in `ps`, keeps privileges that the creator gives up in memory the creator can write, keeps the memory after an exec |
//! | the same with memory of its own | it is a fork, which takes 300 ms for 8 GiB |
//! | a nested pid namespace | its init is the child, and privileges are needed |
//! | no subreaper for a moment | the program loses an orphan of its own that comes in that moment |
//! | a thread of the creator | ends with the creator and with its exec, closes `unshare` of namespaces to it |
//!
//! There the watcher is visible, and does no harm. It leaves [20 ms](proto::LINGER_MS) after its last process has
//! ended, and comes back with the next one. `wait` returns the children first, then the watcher, as any orphan, and
//! then ECHILD; it does not hang. While there are processes to watch, `wait` would not return ECHILD anyway. The
//! client reaps the watcher if the program has not, so that there is at most one zombie of it.

mod client;
mod image;
pub(crate) mod keeper;
mod proto;
mod start;
#[cfg(test)]
mod tests;

pub(crate) use client::{AddError, Client, Limit, Policy, Reservation, StartError};
pub(crate) use image::init_image;
pub(crate) use proto::Ended;
