// SPDX-License-Identifier: MIT OR Apache-2.0
//! Requests and arguments of procfd_ioctl, on a context, on /proc, and on a file that is neither.
#![no_main]

mod settings;

use std::os::fd::AsRawFd;

use procfd_capi::abi::procfd_ioctl_arg;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((head, bytes)) = input.split_first_chunk::<16>() else { return };
    let request = u32::from_ne_bytes(head[..4].try_into().unwrap_or_default());
    // Most are of the library, for a context.
    let request = if head[4] & 3 == 0 { request } else { request & 0xffff_01ff | 0xd100 };
    let command = request & 0x3ff;
    if request >> 8 & 3 == 2 {
        return; // process_manage would signal
    }
    let arg = u64::from_ne_bytes(head[8..].try_into().unwrap_or_default());
    let mut data = settings::data_of(command, bytes);
    let size = usize::from(u16::from_ne_bytes([head[6], head[7]])).min(size_of_val(data.as_slice()));
    // The request's size may go beyond the structure: zeroes are behind it, or other bytes.
    let mut wrapped = vec![0u64; 0x4000 / 8];
    // SAFETY: the memory is larger than the structure, aligned as it, and all zeroes is a value of it.
    let of = unsafe { &mut *wrapped.as_mut_ptr().cast::<procfd_ioctl_arg>() };
    (of.arg, of.data, of.size) = (arg & 0xff, data.as_mut_ptr().cast(), size);
    wrapped[64] = arg;
    let argument = match (request >> 30, head[5] & 1) {
        (0, _) => arg as *mut std::ffi::c_void,
        (_, 0) => wrapped.as_mut_ptr().cast(),
        _ => std::ptr::null_mut(),
    };
    // SAFETY: the argument of a request with a direction is NULL or leads to 16 KiB, the most that a request says.
    let call = |fd| unsafe { procfd_capi::procfd_ioctl_fixed(fd, request.into(), argument) };
    match head[5] >> 1 & 3 {
        0 => {
            // An argument that a command takes for a string or a structure of its own is no address.
            let name = if request >> 8 & 3 == 3 { "/dev/null" } else { "/proc" };
            let Ok(file) = std::fs::File::open(name) else { return };
            let made = call(file.as_raw_fd());
            if made > 2 && made != file.as_raw_fd() && request == procfd_capi::abi::PROCFD_IOC_OPEN {
                // SAFETY: the library has just made it.
                unsafe { libc::close(made) };
            }
        }
        1 => {
            call(-1);
        }
        _ if request >> 8 & 3 == 1 => settings::with_context(command, call),
        _ => {}
    }
});
