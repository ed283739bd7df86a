// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What the last call of the calling thread did wrong, in words: `procfd_error_message`.
//!
//! A buffer of the thread: nothing is allocated, and nothing runs when the thread ends.

mod commands;
mod explain;
mod settings;
mod takes;

use std::cell::Cell;
use std::ffi::{c_char, c_int};

use procfd::Errno;

use crate::abi::PROCFD_ERROR_MESSAGE_MAX;

pub(crate) use commands::name;
pub(crate) use explain::{Call, arguments, entries, explain};

thread_local! {
    static MESSAGE: [Cell<u8>; PROCFD_ERROR_MESSAGE_MAX] =
        const { [const { Cell::new(0) }; PROCFD_ERROR_MESSAGE_MAX] };
}

/// Forgets what an earlier call did.
pub(crate) fn clear() {
    MESSAGE.with(|message| message[0].set(0));
}

/// Whether this call has a message already.
pub(crate) fn is_set() -> bool {
    MESSAGE.with(|message| message[0].get() != 0)
}

/// Keeps a message, cut between characters so that it stays UTF-8.
pub(crate) fn set(text: &str) {
    let mut end = text.len().min(PROCFD_ERROR_MESSAGE_MAX - 1);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    MESSAGE.with(|message| {
        for (to, from) in message.iter().zip(text.bytes().take(end).chain([0])) {
            to.set(from);
        }
    });
}

/// A failure that the core has described: the command in front of its words.
pub(crate) fn failed(cmd: u32, error: &procfd::Error) -> Errno {
    set(&format!("{}: {error}", name(cmd).unwrap_or("unknown command")));
    Errno(error.raw_os_error())
}

/// The text of this thread; valid until its next call.
pub(crate) fn pointer() -> *const c_char {
    MESSAGE.with(|message| message.as_ptr().cast())
}

/// Keeps the words of a call that failed, unless they are known already.
pub(crate) fn kept<T>(
    done: Result<T, Errno>,
    call: Call,
    procfd: c_int,
    cmd: u32,
    arg: u64,
    data: crate::args::Data,
) -> Result<T, Errno> {
    if let Err(errno) = &done {
        if !is_set() {
            set(&explain(call, procfd, cmd, arg, data, *errno));
        }
    }
    done
}
