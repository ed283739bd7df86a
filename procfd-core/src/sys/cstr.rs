// SPDX-License-Identifier: MIT OR Apache-2.0

//! String arrays as execve(2) takes them.

use core::ffi::{CStr, c_char};
use std::ffi::CString;
use std::sync::Arc;

use super::{Result, vec};

/// A NULL-terminated array of pointers to NUL-terminated strings, with the strings. Copies share it.
#[derive(Clone)]
pub(crate) struct CStrArray(Arc<Array>);

struct Array {
    strings: Vec<CString>,
    pointers: Vec<*const c_char>,
}

// SAFETY: the pointers point into `strings`, which the same value owns and never changes.
unsafe impl Send for Array {}
// SAFETY: a shared reference gives the pointers to the kernel alone, which reads the strings; `strings` never
// changes while it is shared.
unsafe impl Sync for Array {}

impl CStrArray {
    /// ENOMEM.
    pub(crate) fn new(strings: Vec<CString>) -> Result<Self> {
        // A CString's bytes are on the heap: moving the Vec does not move them.
        let pointers = vec::collect(strings.iter().map(|s| s.as_ptr()).chain([core::ptr::null()]))?;
        Ok(Self(Arc::new(Array { strings, pointers })))
    }

    pub(crate) fn strings(&self) -> &[CString] {
        &self.0.strings
    }

    pub(crate) fn as_ref(&self) -> CStrArrayRef<'_> {
        CStrArrayRef {
            // `new` always pushes the NULL.
            first: self.0.pointers.as_ptr(),
            _strings: core::marker::PhantomData,
        }
    }
}

impl core::fmt::Debug for CStrArray {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.strings.fmt(f)
    }
}

static EMPTY: Null = Null([core::ptr::null()]);
struct Null([*const c_char; 1]);
// SAFETY: threads share a null pointer, which no code writes or follows.
unsafe impl Sync for Null {}

/// A borrowed [`CStrArray`], or the process's own environment.
#[derive(Clone, Copy)]
pub(crate) struct CStrArrayRef<'a> {
    first: *const *const c_char,
    _strings: core::marker::PhantomData<&'a CStr>,
}

// SAFETY: nothing is written through the pointers, and what they point to outlives `'a` unchanged.
unsafe impl Sync for CStrArrayRef<'_> {}

impl CStrArrayRef<'_> {
    /// The environment as it is now, not copied. Like every user of `environ`, it must not be
    /// changed by another thread meanwhile: setenv(3) says so to its callers.
    pub(crate) fn environ() -> CStrArrayRef<'static> {
        unsafe extern "C" {
            static environ: *const *const c_char;
        }
        // SAFETY: libc's own variable; it holds NULL or an array.
        let first = unsafe { environ };
        CStrArrayRef {
            first: if first.is_null() { EMPTY.0.as_ptr() } else { first },
            _strings: core::marker::PhantomData,
        }
    }

    #[inline(always)]
    pub(crate) fn as_ptr(self) -> *const *const c_char {
        self.first
    }

    /// The value of a variable, when the array is an environment; the first one counts. ENOMEM.
    pub(crate) fn value(self, name: &[u8]) -> Result<Option<Vec<u8>>> {
        let mut at = self.first;
        // SAFETY: the array ends with NULL and its strings with NUL: `new` made it so, or libc did.
        unsafe {
            while !(*at).is_null() {
                let bytes = CStr::from_ptr(*at).to_bytes();
                if let Some(value) = bytes.strip_prefix(name).and_then(|b| b.strip_prefix(b"=")) {
                    return vec::copy(value).map(Some);
                }
                at = at.add(1);
            }
        }
        Ok(None)
    }

    /// Whether [`value`](Self::value) of a variable is this; allocates nothing.
    pub(crate) fn value_is(self, name: &[u8], value: Option<&[u8]>) -> bool {
        let is_named = |s: &&CStr| s.to_bytes().strip_prefix(name).is_some_and(|b| b.starts_with(b"="));
        let found = self.iter().find(is_named);
        found.and_then(|s| s.to_bytes().get(name.len().saturating_add(1)..)) == value
    }

    /// Whether these are its strings; allocates nothing.
    pub(crate) fn is(self, strings: &[CString]) -> bool {
        self.iter().eq(strings.iter().map(CString::as_c_str))
    }

    fn iter(self) -> impl Iterator<Item = &'static CStr> {
        let mut at = self.first;
        core::iter::from_fn(move || {
            // SAFETY: the array ends with NULL and its strings with NUL: `new` made it so, or libc did. The
            // callers above drop each string before `self` ends.
            unsafe {
                let string = *at;
                if string.is_null() {
                    return None;
                }
                at = at.add(1);
                Some(CStr::from_ptr(string))
            }
        })
    }

    /// The strings, for a copy of the environment. ENOMEM.
    pub(crate) fn to_vec(self) -> Result<Vec<CString>> {
        let mut out = Vec::new();
        let mut at = self.first;
        // SAFETY: the array ends with NULL and its strings with NUL: `new` made it so, or libc did.
        unsafe {
            while !(*at).is_null() {
                vec::push(&mut out, vec::c_string(CStr::from_ptr(*at).to_bytes())?)?;
                at = at.add(1);
            }
        }
        Ok(out)
    }
}
