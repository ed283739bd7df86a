// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Vectors as long as others will have them: without memory for that there is ENOMEM, and no abort.

use std::collections::HashMap;
use std::ffi::CString;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use super::{Errno, Result};

/// Room for so many more.
pub(crate) fn room<T>(of: &mut Vec<T>, more: usize) -> Result<()> {
    of.try_reserve(more).map_err(|_| Errno(libc::ENOMEM))
}

/// Makes it this long, with zeroes at its end. ENOMEM.
pub(crate) fn lengthen<T: Copy + Default>(of: &mut Vec<T>, to: usize) -> Result<()> {
    let more = to.saturating_sub(of.len());
    room(of, more)?;
    of.resize(of.len().saturating_add(more), T::default());
    Ok(())
}

/// Whether there is memory for so many bytes, which many small allocations take next. ENOMEM.
pub(crate) fn need(bytes: usize) -> Result<()> {
    room(&mut Vec::<u8>::new(), bytes)
}

/// Text of a value that may be long. ENOMEM.
pub(crate) fn text(of: impl fmt::Display) -> Result<String> {
    struct Text(String);

    impl fmt::Write for Text {
        fn write_str(&mut self, more: &str) -> fmt::Result {
            self.0.try_reserve(more.len()).map_err(|_| fmt::Error)?;
            self.0.push_str(more);
            Ok(())
        }
    }

    let mut text = Text(String::new());
    fmt::write(&mut text, format_args!("{of}")).map_err(|_| Errno(libc::ENOMEM))?;
    Ok(text.0)
}

/// Room for one more.
pub(crate) fn room_in_map<K: Eq + Hash, V>(of: &mut HashMap<K, V, impl BuildHasher>) -> Result<()> {
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

/// The same again.
pub(crate) fn copy<T: Copy>(of: &[T]) -> Result<Vec<T>> {
    let mut vec = Vec::new();
    room(&mut vec, of.len())?;
    vec.extend_from_slice(of);
    Ok(vec)
}

/// A copy of bytes with a NUL behind. EINVAL: there is one in them.
pub(crate) fn c_string(bytes: &[u8]) -> Result<CString> {
    let mut vec = Vec::new();
    vec.try_reserve_exact(bytes.len().saturating_add(1)).map_err(|_| Errno(libc::ENOMEM))?;
    vec.extend_from_slice(bytes);
    CString::new(vec).map_err(|_| Errno(libc::EINVAL))
}

/// A list that its copies share until they change it: a copy allocates nothing, and an empty list has nothing.
#[derive(Debug)]
pub(crate) struct Shared<T>(Option<Arc<Vec<Arc<T>>>>);

impl<T> Shared<T> {
    /// One more, for this copy.
    pub(crate) fn push(&mut self, value: T) -> Result<()> {
        self.append(Arc::new(value))
    }

    fn append(&mut self, value: Arc<T>) -> Result<()> {
        let list = self.0.get_or_insert_default();
        if Arc::get_mut(list).is_none() {
            *list = Arc::new(collect(list.iter().cloned())?);
        }
        Arc::get_mut(list).map_or(Ok(()), |list| push(list, value))
    }

    /// All of another list.
    pub(crate) fn extend(&mut self, others: Self) -> Result<()> {
        others.values().iter().try_for_each(|value| self.append(Arc::clone(value)))
    }

    fn values(&self) -> &[Arc<T>] {
        self.0.as_ref().map_or(&[], |list| list.as_slice())
    }

    pub(crate) fn len(&self) -> usize {
        self.values().len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values().is_empty()
    }

    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        self.values().get(at).map(|value| &**value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.values().iter().map(|value| &**value)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(None)
    }
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
        assert_eq!(text(format_args!("{} of {}", 1, 2)).as_deref(), Ok("1 of 2"));
        assert_eq!(need(usize::MAX / 2), Err(Errno(libc::ENOMEM)));
        assert_eq!(c_string(b"a\0b"), Err(Errno(libc::EINVAL)));
        assert_eq!(c_string(b"a").as_deref(), Ok(c"a"));
    }

    #[test]
    fn a_copy_is_changed_alone() {
        let mut list = Shared::default();
        list.push(1).unwrap();
        let mut copy = list.clone();
        assert_eq!(list.values().as_ptr(), copy.values().as_ptr());
        copy.push(2).unwrap();
        list.extend(copy.clone()).unwrap();
        assert_eq!(list.iter().copied().collect::<Vec<i32>>(), [1, 1, 2]);
        assert_eq!(copy.iter().copied().collect::<Vec<i32>>(), [1, 2]);
    }
}
