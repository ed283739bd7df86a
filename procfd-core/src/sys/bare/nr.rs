// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The system call numbers of the programs that have no libc crate: x86_64, then the architectures
//! of asm-generic/unistd.h. A test compares them with those of libc.

macro_rules! numbers {
    ($($name:ident: $x86_64:literal, $generic:literal;)*) => {
        $(
            #[allow(non_upper_case_globals, reason = "the names of libc")]
            pub(crate) const $name: core::ffi::c_long =
                if cfg!(target_arch = "x86_64") { $x86_64 } else { $generic };
        )*

        #[test]
        fn the_numbers_are_those_of_libc() {
            $(assert_eq!($name, libc::$name, stringify!($name));)*
        }
    };
}

numbers! {
    SYS_read: 0, 63;
    SYS_write: 1, 64;
    SYS_close: 3, 57;
    SYS_mmap: 9, 222;
    SYS_munmap: 11, 215;
    SYS_rt_sigaction: 13, 134;
    SYS_rt_sigprocmask: 14, 135;
    SYS_ioctl: 16, 29;
    SYS_pread64: 17, 67;
    SYS_sched_yield: 24, 124;
    SYS_mremap: 25, 216;
    SYS_getpid: 39, 172;
    SYS_socket: 41, 198;
    SYS_connect: 42, 203;
    SYS_sendmsg: 46, 211;
    SYS_recvmsg: 47, 212;
    SYS_shutdown: 48, 210;
    SYS_bind: 49, 200;
    SYS_listen: 50, 201;
    SYS_getsockname: 51, 204;
    SYS_socketpair: 53, 199;
    SYS_setsockopt: 54, 208;
    SYS_getsockopt: 55, 209;
    SYS_clone: 56, 220;
    SYS_kill: 62, 129;
    SYS_fcntl: 72, 25;
    SYS_flock: 73, 32;
    SYS_chdir: 80, 49;
    SYS_setpgid: 109, 154;
    SYS_setsid: 112, 157;
    SYS_getresuid: 118, 148;
    SYS_capget: 125, 90;
    SYS_capset: 126, 91;
    SYS_rt_sigqueueinfo: 129, 138;
    SYS_sched_setscheduler: 144, 119;
    SYS_sched_getscheduler: 145, 120;
    SYS_prctl: 157, 167;
    SYS_getdents64: 217, 61;
    SYS_clock_gettime: 228, 113;
    SYS_exit_group: 231, 94;
    SYS_epoll_ctl: 233, 21;
    SYS_waitid: 247, 95;
    SYS_openat: 257, 56;
    SYS_unlinkat: 263, 35;
    SYS_ppoll: 271, 73;
    SYS_unshare: 272, 97;
    SYS_epoll_pwait: 281, 22;
    SYS_accept4: 288, 242;
    SYS_signalfd4: 289, 74;
    SYS_epoll_create1: 291, 20;
    SYS_dup3: 292, 24;
    SYS_prlimit64: 302, 261;
    SYS_memfd_create: 319, 279;
    SYS_execveat: 322, 281;
    SYS_statx: 332, 291;
    SYS_pidfd_send_signal: 424, 424;
    SYS_pidfd_open: 434, 434;
    SYS_clone3: 435, 435;
    SYS_close_range: 436, 436;
}
