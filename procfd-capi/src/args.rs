// SPDX-License-Identifier: MIT OR Apache-2.0

//! How pointers, strings and structures of C callers are read and written.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::MaybeUninit;

use procfd::Errno;

/// Structures longer than this are not of any version to come.
const STRUCT_MAX: usize = 4096;
/// Strings longer than this are not read to their end (execve(2): MAX_ARG_STRLEN).
const STRING_MAX: usize = 131_072;
/// Entries of a string array: beyond what execve(2) takes in any form.
const ARRAY_MAX: usize = 1 << 20;
/// Addresses below this are never mapped (vm.mmap_min_addr): offsets from NULL.
const LOWEST: usize = 4096;

const FAULT: Errno = Errno(libc::EFAULT);
const INVALID: Errno = Errno(libc::EINVAL);
const NO_MEMORY: Errno = Errno(libc::ENOMEM);
const TOO_BIG: Errno = Errno(libc::E2BIG);

type Result<T> = std::result::Result<T, Errno>;

/// Types of the header that are any bytes.
///
/// # Safety
///
/// All bit patterns are values, and there is no padding.
pub(crate) unsafe trait Plain: Copy {
    /// Its bytes.
    fn bytes(&self) -> &[u8] {
        // SAFETY: `Plain` owes that there is no padding, so all bytes of the borrowed value are initialised.
        unsafe { std::slice::from_raw_parts(std::ptr::from_ref(self).cast(), size_of::<Self>()) }
    }
}

macro_rules! plain {
    ($($ty:ty),* $(,)?) => {
        $(
            // SAFETY: a repr(C) structure of integers (and pointers, which are not followed
            // here), whose sizes add up to its own; tests/layout.rs checks that.
            unsafe impl Plain for $ty {}
        )*
    };
}
/// A `struct iovec` of another process's memory.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct RemoteRange {
    pub address: u64,
    pub len: u64,
}

use crate::abi::*;
plain!(
    u8,
    u16,
    c_int,
    u32,
    u64,
    RemoteRange,
    procfd_close,
    procfd_time_limit,
    procfd_dup,
    procfd_open,
    procfd_range,
    procfd_ids,
    procfd_rlimit,
    procfd_idmap,
    procfd_landlock,
    procfd_mount,
    procfd_signal,
    procfd_kill_tree,
    procfd_prlimit,
    procfd_sched,
    procfd_madvise,
    procfd_wait,
    procfd_info,
    procfd_snapshot,
    procfd_change,
    procfd_changes,
    procfd_error,
    procfd_ioctl_arg,
    procfd_map,
    procfd_fd,
    procfd_ref,
    procfd_thread,
    procfd_spawn,
);

/// A signed argument: two's complement in 64 bits; callers that widen an int without its sign mean the same.
pub(crate) fn signed(arg: u64) -> i64 {
    if arg >> 32 == 0 { i64::from(arg as u32 as i32) } else { arg as i64 }
}

/// The value whose bytes are all zero.
pub(crate) fn zero<T: Plain>() -> T {
    // SAFETY: T is Plain, which owes that all bit patterns are values.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

/// The data of a call: a pointer and a size that the caller vouches for.
#[derive(Clone, Copy)]
pub(crate) struct Data {
    pointer: *mut c_void,
    size: usize,
}

impl Data {
    /// # Safety
    ///
    /// The pointer is NULL or valid for what the methods called read and write: `size` bytes, or
    /// where that is 0 a NUL-terminated string or NULL-terminated array.
    pub(crate) unsafe fn new(pointer: *mut c_void, size: usize) -> Self {
        Self { pointer, size }
    }

    /// No data: both NULL and 0.
    pub(crate) fn none(self) -> Result<()> {
        if self.is_null() && self.size == 0 { Ok(()) } else { Err(INVALID) }
    }

    /// How many bytes the caller has.
    pub(crate) fn size(self) -> usize {
        self.size
    }

    pub(crate) fn is_null(self) -> bool {
        self.pointer.is_null()
    }

    /// What a pointer in the data points to, `size` bytes; by the same contract.
    pub(crate) fn at(self, pointer: *const c_void, size: usize) -> Self {
        Self { pointer: pointer.cast_mut(), size }
    }

    fn checked(self) -> Result<*mut u8> {
        if (self.pointer as usize) < LOWEST { Err(FAULT) } else { Ok(self.pointer.cast()) }
    }

    /// A structure: zero-extended when it is shorter, E2BIG when what is beyond is not zero.
    pub(crate) fn read<T: Plain>(self) -> Result<T> {
        let from = self.checked()?;
        if self.size < 4 {
            return Err(INVALID);
        }
        if self.size > STRUCT_MAX {
            return Err(TOO_BIG);
        }
        let mut value = MaybeUninit::<T>::zeroed();
        let known = self.size.min(size_of::<T>());
        // SAFETY: the caller vouches for `size` bytes; T is Plain, so that any bytes are a value.
        unsafe {
            if (known..self.size).any(|i| from.add(i).read() != 0) {
                return Err(TOO_BIG);
            }
            std::ptr::copy_nonoverlapping(from, value.as_mut_ptr().cast(), known);
            Ok(value.assume_init())
        }
    }

    /// Refuses a structure that ends within the pointer it begins with: half of one leads anywhere.
    pub(crate) fn whole_pointer(self) -> Result<Self> {
        if self.is_null() || self.size >= size_of::<*const c_void>() { Ok(self) } else { Err(INVALID) }
    }

    /// A structure, or its zero value where there is no data.
    pub(crate) fn read_or_default<T: Plain + Default>(self) -> Result<T> {
        if self.is_null() && self.size == 0 {
            return Ok(T::default());
        }
        self.read()
    }

    /// Checks the place of an answer.
    pub(crate) fn writable<T: Plain>(self) -> Result<()> {
        self.checked()?;
        match self.size {
            0..8 => Err(INVALID),
            8..=STRUCT_MAX => Ok(()),
            _ => Err(TOO_BIG),
        }
    }

    /// Writes an answer: as much as there is room for; what is beyond becomes zero.
    pub(crate) fn write<T: Plain>(self, value: &T) -> Result<()> {
        self.writable::<T>()?;
        let to = self.checked()?;
        let known = self.size.min(size_of::<T>());
        // SAFETY: the caller vouches for `size` bytes; T has no padding.
        unsafe {
            std::ptr::copy_nonoverlapping(std::ptr::from_ref(value).cast::<u8>(), to, known);
            to.add(known).write_bytes(0, self.size - known);
        }
        Ok(())
    }

    /// The place of an answer, zeroed, to be filled where it is: without a copy of a long structure. `None` where the
    /// caller's structure is of another size or not aligned; [`write`](Self::write) then.
    pub(crate) fn place<T: Plain>(&mut self) -> Option<&mut T> {
        let to = self.checked().ok()?.cast::<T>();
        if self.size != size_of::<T>() || !to.is_aligned() {
            return None;
        }
        // SAFETY: the caller vouches for `size` bytes, which are those of an aligned T, for as long as the call takes;
        // any bytes are a value of T.
        unsafe {
            to.write_bytes(0, 1);
            Some(&mut *to)
        }
    }

    /// Checks the place of an answer of any length: none, or a buffer.
    pub(crate) fn room(self) -> Result<()> {
        if self.size == 0 && self.is_null() { Ok(()) } else { self.checked().map(drop) }
    }

    /// Writes bytes at an offset into a buffer, as far as they fit.
    pub(crate) fn fill(self, at: usize, bytes: &[u8]) {
        let Some(room) = self.size.checked_sub(at) else { return };
        let Ok(to) = self.checked() else { return };
        let len = bytes.len().min(room);
        // SAFETY: the caller vouches for `size` bytes, within which this ends; the source is ours.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to.add(at), len) };
    }

    /// A string: NUL-terminated where size is 0, else `size` bytes, of which the last may be its NUL.
    pub(crate) fn string(self) -> Result<CString> {
        let from = self.checked()?;
        if self.size == 0 {
            return string_at(from.cast());
        }
        if self.size > STRING_MAX {
            return Err(Errno(libc::ENAMETOOLONG));
        }
        // SAFETY: the caller vouches for `size` bytes.
        let bytes = unsafe { std::slice::from_raw_parts(from, self.size) };
        let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
        if bytes.contains(&0) {
            return Err(INVALID);
        }
        copied(bytes)
    }

    /// A NULL-terminated array of strings; `size` is 0.
    pub(crate) fn strings(self) -> Result<Vec<CString>> {
        let first: *const *const c_char = self.checked()?.cast_const().cast();
        if self.size != 0 {
            return Err(INVALID);
        }
        let mut out = Vec::new();
        for i in 0..ARRAY_MAX {
            // SAFETY: the caller vouches for an array up to its NULL, which has not come yet.
            let at = unsafe { first.add(i).read_unaligned() };
            if at.is_null() {
                return Ok(out);
            }
            out.try_reserve(1).map_err(|_| NO_MEMORY)?;
            out.push(string_at(at).map_err(|e| if e.0 == libc::ENAMETOOLONG { TOO_BIG } else { e })?);
        }
        Err(TOO_BIG)
    }

    /// An array of whole elements; no data is none.
    pub(crate) fn list<T: Plain>(self, most: usize) -> Result<Vec<T>> {
        if self.is_null() && self.size == 0 {
            return Ok(Vec::new());
        }
        let from: *const T = self.checked()?.cast_const().cast();
        if self.size % size_of::<T>() != 0 {
            return Err(INVALID);
        }
        let count = self.size / size_of::<T>();
        if count > most {
            return Err(TOO_BIG);
        }
        let mut all = Vec::new();
        all.try_reserve_exact(count).map_err(|_| NO_MEMORY)?;
        // SAFETY: the caller vouches for `size` bytes, which `count` elements are; T is Plain.
        all.extend((0..count).map(|i| unsafe { from.add(i).read_unaligned() }));
        Ok(all)
    }

    /// A signal set: the argument where there is no data, else a sigset_t, whose first eight bytes
    /// are the kernel's, or just those.
    pub(crate) fn signal_set(self, arg: u64) -> Result<u64> {
        if self.is_null() && self.size == 0 {
            return Ok(arg);
        }
        self.checked()?;
        if arg != 0 || self.size < 8 {
            return Err(INVALID);
        }
        // glibc's sigset_t has room for 1024 signals; those beyond 64 do not exist, and sigfillset
        // sets them all the same.
        Data { size: 8, ..self }.read()
    }
}

/// An array that the caller has room for.
pub(crate) struct Entries {
    first: *mut u8,
    size: usize,
    room: usize,
    used: usize,
}

impl Entries {
    /// `room` entries of `size` bytes at an address in the caller's data, who vouches for them.
    pub(crate) fn new(first: *mut c_void, size: u64, room: u64) -> Result<Self> {
        let room = usize::try_from(room).map_err(|_| TOO_BIG)?;
        if room == 0 {
            return Ok(Self { first: std::ptr::null_mut(), size: 0, room, used: 0 });
        }
        if first.addr() < LOWEST {
            return Err(FAULT);
        }
        let size = usize::try_from(size).map_err(|_| TOO_BIG)?;
        match size {
            0..8 => return Err(INVALID),
            _ if size % 8 != 0 || first.addr() % 8 != 0 => return Err(INVALID),
            8..=STRUCT_MAX => {}
            _ => return Err(TOO_BIG),
        }
        room.checked_mul(size).ok_or(TOO_BIG)?;
        Ok(Self { first: first.cast(), size, room, used: 0 })
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// All that the caller has put there, each zero-extended; E2BIG when there is more than is known.
    pub(crate) fn read<T: Plain>(&self) -> Result<Vec<T>> {
        if self.room > ARRAY_MAX {
            return Err(TOO_BIG);
        }
        let mut all = Vec::new();
        all.try_reserve_exact(self.room).map_err(|_| NO_MEMORY)?;
        for i in 0..self.room {
            // SAFETY: inside the array, for which the caller vouches.
            let pointer = unsafe { self.first.add(i * self.size) }.cast();
            all.push(Data { pointer, size: self.size }.read()?);
        }
        Ok(all)
    }

    /// The place of one more, zeroed, to be filled where it is. `None` where there is no room, or the caller's entries
    /// are of another size; [`push`](Self::push) then.
    pub(crate) fn place<T: Plain>(&mut self) -> Option<&mut T> {
        if self.used == self.room || self.size != size_of::<T>() || align_of::<T>() > 8 {
            return None;
        }
        // SAFETY: the caller vouches for `room` entries of `size` bytes, which are those of a T, of which this is one.
        // `new` has seen that they are aligned to 8. Any bytes are a value of T.
        unsafe {
            let to = self.first.add(self.used * self.size).cast::<T>();
            to.write_bytes(0, 1);
            self.used += 1;
            Some(&mut *to)
        }
    }

    /// Takes the last ones back. There is room then.
    pub(crate) fn take_back(&mut self, many: usize) -> bool {
        self.used = self.used.saturating_sub(many);
        true
    }

    /// One more; false if there is no room.
    pub(crate) fn push<T: Plain>(&mut self, value: &T) -> bool {
        if self.used == self.room {
            return false;
        }
        let known = self.size.min(size_of::<T>());
        // SAFETY: the caller vouches for `room` entries of `size` bytes, of which this is one; T has no
        // padding.
        unsafe {
            let to = self.first.add(self.used * self.size);
            std::ptr::copy_nonoverlapping(std::ptr::from_ref(value).cast::<u8>(), to, known);
            to.add(known).write_bytes(0, self.size - known);
        }
        self.used += 1;
        true
    }
}

/// An array of descriptors in the caller's data.
pub(crate) fn descriptors(at: *const c_int, count: u64) -> Result<Vec<c_int>> {
    let size = usize::try_from(count).ok().and_then(|count| count.checked_mul(size_of::<c_int>()));
    let size = size.ok_or(TOO_BIG)?;
    Data { pointer: at.cast_mut().cast(), size }.list(ARRAY_MAX)
}

/// A NUL-terminated string behind a pointer in the caller's data.
pub(crate) fn string_at(at: *const c_char) -> Result<CString> {
    if (at as usize) < LOWEST {
        return Err(FAULT);
    }
    // SAFETY: the caller vouches for a NUL-terminated string; no more than the limit is read.
    unsafe {
        if libc::strnlen(at, STRING_MAX) == STRING_MAX {
            return Err(Errno(libc::ENAMETOOLONG));
        }
        copied(CStr::from_ptr(at).to_bytes())
    }
}

/// The data behind a pointer in the caller's data, which the caller vouches for as for its own.
pub(crate) fn data_at(pointer: *mut c_void, size: usize) -> Data {
    Data { pointer, size }
}

/// A copy of bytes without a NUL; ENOMEM instead of an abort.
fn copied(bytes: &[u8]) -> Result<CString> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len() + 1).map_err(|_| NO_MEMORY)?;
    copy.extend_from_slice(bytes);
    copy.push(0);
    CString::from_vec_with_nul(copy).map_err(|_| INVALID)
}
