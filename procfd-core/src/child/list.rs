// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The list of what the child does: prepared system calls, with all the memory they point to.
//!
//! A setting writes its calls with the methods of [`List`], one for each system call. A call names
//! its step ([`List::step`]), may put its result into a [`Slot`] and take arguments from slots: a
//! descriptor goes from open(2) to write(2) and close(2) this way. What only the clone knows is in slots
//! too, which the creator fills in ([`Moment`](super::Moment)).
//!
//! This file and its folder alone make a [`Call`], which is what the walker's unsafe code relies on:
//!
//! - Each address among the arguments is of memory that the list owns on the heap and never changes,
//!   or of a slot.
//! - The kernel writes to slots alone: each call with a result in memory has a slot's address there.

mod calls;
mod entry;
mod operand;

pub(crate) use calls::{LsmAttribute, PR_SET_MEMORY_MERGE};
pub(super) use entry::{ADDRESS, Call, NO_SLOT, SLOTS, kind, soft};
pub(crate) use entry::{At, Slot, When};
use operand::Arg;
pub(crate) use operand::SockFprog;

use crate::error::Stage;
use crate::sys::cstr::CStrArray;
use crate::sys::{self, Errno, vec};

/// Room for the calls of a program without settings.
const FEW: usize = 8;
/// Room for so many more calls at once: a list with some ten settings is not moved while it grows.
const CALLS: usize = 32;
/// Room for so many words at once.
const WORDS: usize = 64;

/// The prepared calls in the child's order.
#[derive(Debug, Default)]
pub(crate) struct List {
    calls: Vec<Call>,
    /// The memory that the arguments of the calls point to. It is never changed, and stays where it is: more
    /// is added within the capacity alone.
    words: Vec<u64>,
    /// The earlier ones, which are full.
    full: Vec<Vec<u64>>,
    /// The program's arguments.
    argv: Option<CStrArray>,
    /// There was no memory for a call or for what it points to.
    incomplete: bool,
    stage: u8,
    index: u32,
}

/// The call that was just written.
pub(crate) struct Last<'a>(Option<&'a mut Call>);

impl Last<'_> {
    /// Its result goes into a slot.
    pub(crate) fn into(mut self, slot: Slot) -> Self {
        self.change(|call| call.into = slot.0);
        self
    }

    /// Only then is it made.
    pub(crate) fn when(mut self, when: When) -> Self {
        self.change(|call| call.when |= when.0);
        self
    }

    /// Its failure means nothing.
    pub(crate) fn or_not(mut self) -> Self {
        self.change(|call| call.soft = soft::IGNORED);
        self
    }

    /// An existing one is no failure.
    pub(crate) fn or_exists(mut self) -> Self {
        self.change(|call| call.soft = soft::EXISTS);
        self
    }

    /// Where the kernel or a filter does not know it (ENOSYS, EOPNOTSUPP, EINVAL, EPERM), the next `calls`
    /// calls are made in its place; after success they are not.
    pub(crate) fn or_else(mut self, calls: u16) -> Self {
        self.change(|call| {
            call.soft = soft::OR_ELSE;
            call.skip = calls;
        });
        self
    }

    fn change(&mut self, f: impl FnOnce(&mut Call)) {
        if let Some(call) = &mut self.0 {
            f(call);
        }
    }
}

impl List {
    /// A list of a few calls. ENOMEM.
    pub(crate) fn short() -> sys::Result<Self> {
        let mut list = Self::default();
        vec::room(&mut list.calls, FEW)?;
        Ok(list)
    }

    /// The step of the calls that follow, as an error names it.
    pub(crate) fn step(&mut self, stage: Stage, index: u32) -> &mut Self {
        // Stages are numbered from 1 to 127.
        self.stage = stage.as_raw() as u8;
        self.index = index;
        self
    }

    /// The name of a system call.
    pub(crate) fn name(nr: u16) -> &'static str {
        let others: &[(u16, &'static str)] = &[
            (libc::SYS_rt_sigaction as u16, "rt_sigaction"),
            (libc::SYS_sendmsg as u16, "sendmsg"),
            (libc::SYS_exit_group as u16, "exit_group"),
            (libc::SYS_exit as u16, "exit"),
            (libc::SYS_nanosleep as u16, "nanosleep"),
            (libc::SYS_execve as u16, "execve"),
            (libc::SYS_execveat as u16, "execveat"),
            (calls::SYS_LSM_SET_SELF_ATTR, "lsm_set_self_attr"),
        ];
        let known = Self::CALLS.iter().chain(others).find(|(known, _)| *known == nr);
        known.map_or("a system call", |(_, name)| name.strip_prefix("SYS_").unwrap_or(name))
    }

    /// The numbers of the system calls after the first one of a step.
    pub(crate) fn numbers_after(&self, stage: Stage, index: u32) -> impl Iterator<Item = u16> {
        let of_step = move |call: &&Call| u32::from(call.stage) == stage.as_raw() && call.index == index;
        let first = self.calls.iter().position(|call| of_step(&call)).map_or(self.calls.len(), |at| at + 1);
        self.calls.iter().skip(first).filter(|call| call.nr != 0).map(|call| call.nr)
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(super) fn calls(&self) -> &[Call] {
        &self.calls
    }

    fn with_slot<const N: usize>(&mut self, kind: u8, slot: Slot, numbers: [usize; N]) -> Last<'_> {
        let mut last = self.push(0, kind, numbers.map(Arg::Number));
        last.change(|call| call.from = slot.0);
        last
    }

    fn push<const N: usize>(&mut self, nr: u16, kind: u8, args: [Arg; N]) -> Last<'_> {
        const { assert!(N <= 6) }
        self.push_call(nr, kind, &args)
    }

    fn push_call(&mut self, nr: u16, kind: u8, args: &[Arg]) -> Last<'_> {
        let mut call = Call {
            nr,
            stage: self.stage,
            kind,
            takes: 0,
            from: 0,
            into: NO_SLOT,
            soft: soft::HARD,
            index: self.index,
            when: 0,
            skip: 0,
            args: [0; 6],
        };
        for ((to, arg), number) in call.args.iter_mut().zip(args).zip(1u8..) {
            let (slot, address) = match *arg {
                Arg::Number(value) => {
                    *to = value;
                    continue;
                }
                Arg::Slot(slot) => (slot, 0),
                Arg::Address(slot) => (slot, ADDRESS),
            };
            // Two at most: the first is in the lower half.
            let half = if call.takes == 0 { 0 } else { 4 };
            debug_assert!(half == 0 || call.takes >> 4 == 0, "a call takes from two slots at most");
            call.takes |= (number | address) << half;
            call.from |= slot.0 << half;
        }
        if self.calls.len() == self.calls.capacity() && vec::room(&mut self.calls, CALLS).is_err() {
            self.incomplete = true;
            return Last(None);
        }
        self.calls.push(call);
        Last(self.calls.last_mut())
    }

    /// Copies bytes to where they stay, on a boundary of eight; at least one word.
    fn own(&mut self, bytes: &[u8]) -> usize {
        let words = bytes.chunks(8).map(|part| {
            let mut word = [0; 8];
            word.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
            u64::from_ne_bytes(word)
        });
        self.own_words(words)
    }

    fn own_words(&mut self, words: impl ExactSizeIterator<Item = u64>) -> usize {
        let len = words.len().max(1);
        if self.words.capacity().saturating_sub(self.words.len()) < len && self.begin_words(len).is_err() {
            self.incomplete = true;
            return 0;
        }
        let at = self.words.len();
        // Within the capacity, so that nothing moves.
        self.words.extend(words.chain([0]).take(len));
        self.words.get(at..).map_or(0, |words| words.as_ptr() as usize)
    }

    /// Memory for so many words, and more.
    fn begin_words(&mut self, len: usize) -> sys::Result<()> {
        let mut words = Vec::new();
        vec::room(&mut words, len.max(WORDS))?;
        let full = std::mem::replace(&mut self.words, words);
        if full.is_empty() { Ok(()) } else { vec::push(&mut self.full, full) }
    }

    /// Notes that there was no memory for what is missing now.
    pub(crate) fn fail(&mut self) {
        self.incomplete = true;
    }

    /// The list, unless something is missing in it: ENOMEM.
    pub(crate) fn complete(self) -> sys::Result<Self> {
        if self.incomplete { Err(Errno(libc::ENOMEM)) } else { Ok(self) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_takes_two_slots_and_gives_one() {
        let mut list = List::default();
        list.step(Stage::FD, 3).tcsetpgrp(5, At(Slot::GROUP)).into(Slot::A).when(When::COPIED);
        let call = list.calls()[0];
        assert_eq!((call.stage, call.index, call.when), (47, 3, When::COPIED.0));
        assert_eq!((call.takes, call.from, call.into), (3 | ADDRESS, 15, Slot::A.0));
        list.execve_fd(CStrArray::new(vec![c"x".into()]).unwrap());
        let call = list.calls()[1];
        assert_eq!((call.takes, call.from), (1 | 4 << 4, Slot::PROGRAM.0 | Slot::ENV.0 << 4));
    }

    #[test]
    fn memory_stays_where_it_is() {
        let mut list = List::default();
        list.chdir(c"/tmp/of/some/length");
        let before = list.calls()[0].args[0];
        for _ in 0..100 {
            list.setgroups(&[1, 2, 3]);
        }
        let list = Box::new(list);
        assert_eq!(list.calls()[0].args[0], before);
        assert_eq!(list.full[0].as_ptr() as usize, before);
        assert!(list.full.len() > 1);
    }
}
