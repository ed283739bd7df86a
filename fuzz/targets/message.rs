// SPDX-License-Identifier: MIT OR Apache-2.0
//! A received procfd that its sender has forged: a marked socket with any message and any descriptors in its queue, and
//! perhaps a second one. No call may crash, hang, leave a descriptor open, or return what is no answer.
#![no_main]

use std::ffi::c_void;

use procfd_capi::abi::*;

const SO_MAX_PACING_RATE: i32 = 47;
const MARK: u64 = 0x7072_6f63_6664_0001;

fn pair() -> [i32; 2] {
    let mut ends = [-1; 2];
    // SAFETY: the kernel writes two numbers.
    let made = unsafe {
        libc::socketpair(libc::AF_UNIX, libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC, 0, ends.as_mut_ptr())
    };
    assert_eq!(made, 0);
    ends
}

/// Up to three descriptors that a byte chooses.
fn send(to: i32, text: &[u8], kinds: u8, own: i32, other: i32) {
    let choice = [own, other, to, -1];
    let fds: Vec<i32> =
        (0..3).map(|at| choice[usize::from(kinds >> (2 * at) & 3)]).filter(|&fd| fd >= 0).collect();
    let mut control = [0u64; 8];
    let mut part = libc::iovec { iov_base: text.as_ptr().cast_mut().cast(), iov_len: text.len() };
    // SAFETY: all zeroes is a value of msghdr. `control` has room for the three descriptors of a message, and is
    // aligned as its header wants it. The kernel reads what `message` refers to, on this frame.
    unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        if !fds.is_empty() {
            let bytes = size_of_val(fds.as_slice()) as u32;
            message.msg_control = control.as_mut_ptr().cast();
            message.msg_controllen = libc::CMSG_SPACE(bytes) as usize;
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(bytes) as usize;
            std::ptr::copy_nonoverlapping(fds.as_ptr(), libc::CMSG_DATA(header).cast(), fds.len());
        }
        libc::sendmsg(to, &raw const message, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL);
    }
}

/// The lowest free number, which is where it was unless something was left open.
fn lowest() -> i32 {
    // SAFETY: plain numbers.
    unsafe {
        let fd = libc::dup(2);
        libc::close(fd);
        fd
    }
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let [how, kinds, more, text @ ..] = input else { return };
    let before = lowest();
    let [a, b] = pair();
    let [other, peer] = pair();
    let mark = MARK;
    // SAFETY: plain numbers, and a number that outlives the call.
    let own = unsafe {
        libc::setsockopt(a, libc::SOL_SOCKET, SO_MAX_PACING_RATE, (&raw const mark).cast(), 8);
        libc::syscall(libc::SYS_pidfd_open, libc::getpid(), 0) as i32
    };
    let text = if how & 1 == 0 { text.to_vec() } else { [b"procfd\x00\x01", text].concat() };
    send(b, &text, *kinds, own, other);
    if how & 2 != 0 {
        send(b, &text, *more, own, other);
    }
    if how & 4 != 0 {
        // SAFETY: a plain number.
        unsafe { libc::close(b) };
    }
    if how & 8 != 0 {
        // SAFETY: a plain number.
        unsafe { libc::shutdown(a, libc::SHUT_RDWR) };
    }
    let ask = |command, data: *mut c_void, size| {
        // SAFETY: `data` is NULL or a structure of the size.
        let answer = unsafe { procfd_capi::process_info(a, command, 0, data, size) };
        assert!(answer >= -1);
        answer
    };
    // SAFETY: all zeroes is a value of the structures of the header.
    let (mut info, mut error): (procfd_info, procfd_error) = unsafe { std::mem::zeroed() };
    ask(PROC_INFO_STATE, std::ptr::null_mut(), 0);
    ask(PROC_INFO_PID, std::ptr::null_mut(), 0);
    ask(PROC_INFO, (&raw mut info).cast(), size_of_val(&info));
    ask(PROC_INFO_ERROR, (&raw mut error).cast(), size_of_val(&error));
    let pidfd = ask(PROC_INFO_PIDFD, std::ptr::null_mut(), 0);
    let mut wait = procfd_wait { timeout_ns: 1, ..Default::default() };
    let manage = |command, arg, data: *mut c_void, size| {
        // SAFETY: as above.
        unsafe { procfd_capi::process_manage(a, command, arg, data, size) }
    };
    manage(PROC_WAIT, PROC_WAIT_NOHANG, (&raw mut wait).cast(), size_of_val(&wait));
    manage(PROC_SIGNAL, 0, std::ptr::null_mut(), 0);
    // Nothing is armed in this process's name: the message is the sender's.
    manage(PROC_SET_CLOSE, 0, std::ptr::null_mut(), 0);
    for fd in [pidfd, own, a, other, peer].into_iter().filter(|&fd| fd >= 0) {
        // SAFETY: each was made here.
        unsafe { libc::close(fd) };
    }
    if how & 4 == 0 {
        // SAFETY: a plain number.
        unsafe { libc::close(b) };
    }
    assert_eq!(lowest(), before, "a descriptor is left open");
});
