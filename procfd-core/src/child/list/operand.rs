// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The operands of a call, and their way into its arguments.

use std::ffi::CStr;

use super::List;
use super::entry::{At, Slot};
use crate::sys::cstr::CStrArray;

/// An argument as it comes to its place.
pub(crate) enum Arg {
    Number(usize),
    Slot(Slot),
    Address(Slot),
}

/// An operand of a call: a number, a slot, or memory that the list copies.
pub(crate) trait Operand {
    fn arg(self, list: &mut List) -> Arg;
}

macro_rules! numbers {
    ($($ty:ty)*) => {
        $(impl Operand for $ty {
            fn arg(self, _: &mut List) -> Arg {
                // A negative number is extended, as C does.
                Arg::Number(self as usize)
            }
        })*
    };
}

numbers! { i32 u32 i64 u64 usize }

impl Operand for Slot {
    fn arg(self, _: &mut List) -> Arg {
        Arg::Slot(self)
    }
}

impl Operand for At {
    fn arg(self, _: &mut List) -> Arg {
        Arg::Address(self.0)
    }
}

impl Operand for &CStr {
    fn arg(self, list: &mut List) -> Arg {
        Arg::Number(list.own(self.to_bytes_with_nul()))
    }
}

impl Operand for &[u8] {
    fn arg(self, list: &mut List) -> Arg {
        Arg::Number(list.own(self))
    }
}

impl Operand for &[u32] {
    fn arg(self, list: &mut List) -> Arg {
        let words = self.chunks(2).map(|pair| {
            let [a, b, c, d] = pair.first().copied().unwrap_or_default().to_ne_bytes();
            let [e, f, g, h] = pair.get(1).copied().unwrap_or_default().to_ne_bytes();
            u64::from_ne_bytes([a, b, c, d, e, f, g, h])
        });
        Arg::Number(list.own_words(words))
    }
}

impl Operand for &[u64] {
    fn arg(self, list: &mut List) -> Arg {
        Arg::Number(list.own_words(self.iter().copied()))
    }
}

/// The argument that is a list of strings: the program's arguments.
pub(crate) struct Strings(pub(super) CStrArray);

impl Operand for Strings {
    fn arg(self, list: &mut List) -> Arg {
        let address = self.0.as_ref().as_ptr() as usize;
        // Its pointers are on the heap: moving it does not move them.
        list.argv = Some(self.0);
        Arg::Number(address)
    }
}

/// An argument that is a `struct sock_fprog`, made from the words of its instructions.
pub(crate) struct SockFprog<'a>(pub(crate) &'a [u32]);

impl Operand for SockFprog<'_> {
    fn arg(self, list: &mut List) -> Arg {
        let Arg::Number(filter) = self.0.arg(list) else { return Arg::Number(0) };
        // The length in the first two bytes; the address on the next boundary of eight.
        let [a, b] = ((self.0.len() / 2) as u16).to_ne_bytes();
        let length = u64::from_ne_bytes([a, b, 0, 0, 0, 0, 0, 0]);
        [length, filter as u64].as_slice().arg(list)
    }
}
