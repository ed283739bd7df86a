// SPDX-License-Identifier: MIT OR Apache-2.0
//! What process_config copies from its caller: a command, arg, a size, and bytes.
#![no_main]

mod settings;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((head, bytes)) = input.split_first_chunk::<12>() else { return };
    let command = 0x100 | u32::from(head[0]) | (u32::from(head[1]) & 1) << 8;
    let arg = u64::from_ne_bytes(head[4..12].try_into().unwrap_or_default());
    let arg = if head[1] & 2 == 0 { arg & 0xff } else { arg };
    let mut data = settings::data_of(command, bytes);
    let most = size_of_val(data.as_slice());
    let size = usize::from(u16::from_ne_bytes([head[2], head[3]])).min(most);
    // A string ends in the memory's last word; all else is in exactly `size` bytes.
    let at = if head[1] & 4 == 0 { data.as_mut_ptr().cast() } else { std::ptr::null_mut() };
    settings::with_context(command, |fd| {
        // SAFETY: `at` is NULL, or has `size` bytes, in which pointers are valid, with a NUL behind.
        unsafe { procfd_capi::process_config(fd, command, arg, at, size) }
    });
});
