// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Vectors as long as others will have them: without memory for that there is ENOMEM, and no abort.

use std::collections::HashMap;
use std::hash::Hash;

use super::{Errno, Result};

/// Room for so many more.
pub(crate) fn room<T>(of: &mut Vec<T>, more: usize) -> Result<()> {
    of.try_reserve(more).map_err(|_| Errno(libc::ENOMEM))
}

/// Room for one more.
pub(crate) fn room_in_map<K: Eq + Hash, V>(of: &mut HashMap<K, V>) -> Result<()> {
    of.try_reserve(1).map_err(|_| Errno(libc::ENOMEM))
}

/// One more.
pub(crate) fn push<T>(to: &mut Vec<T>, value: T) -> Result<()> {
    room(to, 1)?;
    to.push(value);
    Ok(())
}

/// All that come.
pub(crate) fn collect<T>(all: impl Iterator<Item = T>) -> Result<Vec<T>> {
    let mut vec = Vec::new();
    room(&mut vec, all.size_hint().0)?;
    for one in all {
        push(&mut vec, one)?;
    }
    Ok(vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_memory_there_is_an_error() {
        let endless = std::iter::repeat_n(0u64, usize::MAX);
        assert_eq!(collect(endless), Err(Errno(libc::ENOMEM)));
        assert_eq!(room(&mut vec![0u64; 3], usize::MAX / 8), Err(Errno(libc::ENOMEM)));
        assert_eq!(collect(0..3), Ok(vec![0, 1, 2]));
    }
}
