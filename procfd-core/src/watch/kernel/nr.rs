// SPDX-License-Identifier: MIT OR Apache-2.0

//! System call numbers.

/// The numbers that differ between x86_64 and the architectures of asm-generic/unistd.h.
#[cfg(target_arch = "x86_64")]
mod arch {
    pub(crate) const WRITE: usize = 1;
    pub(crate) const CLOSE: usize = 3;
    pub(crate) const MMAP: usize = 9;
    pub(crate) const MUNMAP: usize = 11;
    pub(crate) const RT_SIGACTION: usize = 13;
    pub(crate) const RT_SIGPROCMASK: usize = 14;
    pub(crate) const MREMAP: usize = 25;
    pub(crate) const GETPID: usize = 39;
    pub(crate) const SENDMSG: usize = 46;
    pub(crate) const RECVMSG: usize = 47;
    pub(crate) const SHUTDOWN: usize = 48;
    pub(crate) const FCNTL: usize = 72;
    pub(crate) const CHDIR: usize = 80;
    pub(crate) const SETPGID: usize = 109;
    pub(crate) const SETSID: usize = 112;
    pub(crate) const CAPGET: usize = 125;
    pub(crate) const CAPSET: usize = 126;
    pub(crate) const PRCTL: usize = 157;
    pub(crate) const CLOCK_GETTIME: usize = 228;
    pub(crate) const EXIT_GROUP: usize = 231;
    pub(crate) const EPOLL_CTL: usize = 233;
    pub(crate) const WAITID: usize = 247;
    pub(crate) const PPOLL: usize = 271;
    pub(crate) const UNSHARE: usize = 272;
    pub(crate) const EPOLL_PWAIT: usize = 281;
    pub(crate) const SIGNALFD4: usize = 289;
    pub(crate) const EPOLL_CREATE1: usize = 291;
    pub(crate) const DUP3: usize = 292;
    pub(crate) const PRLIMIT64: usize = 302;
    pub(crate) const MEMFD_CREATE: usize = 319;
    pub(crate) const EXECVEAT: usize = 322;
    pub(crate) const READ: usize = 0;
    pub(crate) const CLONE: usize = 56;
    pub(crate) const KILL: usize = 62;
    pub(crate) const SCHED_SETSCHEDULER: usize = 144;
    pub(crate) const SCHED_GETSCHEDULER: usize = 145;
    pub(crate) const SOCKET: usize = 41;
    pub(crate) const CONNECT: usize = 42;
    pub(crate) const BIND: usize = 49;
    pub(crate) const LISTEN: usize = 50;
    pub(crate) const GETSOCKNAME: usize = 51;
    pub(crate) const GETSOCKOPT: usize = 55;
    pub(crate) const ACCEPT4: usize = 288;
    pub(crate) const SOCKETPAIR: usize = 53;
    pub(crate) const SETSOCKOPT: usize = 54;
    pub(crate) const GETRESUID: usize = 118;
    pub(crate) const RT_SIGQUEUEINFO: usize = 129;
}

#[cfg(any(target_arch = "aarch64", target_arch = "riscv64"))]
mod arch {
    pub(crate) const EPOLL_CREATE1: usize = 20;
    pub(crate) const EPOLL_CTL: usize = 21;
    pub(crate) const EPOLL_PWAIT: usize = 22;
    pub(crate) const DUP3: usize = 24;
    pub(crate) const FCNTL: usize = 25;
    pub(crate) const CHDIR: usize = 49;
    pub(crate) const CLOSE: usize = 57;
    pub(crate) const READ: usize = 63;
    pub(crate) const WRITE: usize = 64;
    pub(crate) const PPOLL: usize = 73;
    pub(crate) const SIGNALFD4: usize = 74;
    pub(crate) const CAPGET: usize = 90;
    pub(crate) const CAPSET: usize = 91;
    pub(crate) const EXIT_GROUP: usize = 94;
    pub(crate) const WAITID: usize = 95;
    pub(crate) const UNSHARE: usize = 97;
    pub(crate) const CLOCK_GETTIME: usize = 113;
    pub(crate) const RT_SIGACTION: usize = 134;
    pub(crate) const RT_SIGPROCMASK: usize = 135;
    pub(crate) const SETPGID: usize = 154;
    pub(crate) const SETSID: usize = 157;
    pub(crate) const PRCTL: usize = 167;
    pub(crate) const GETPID: usize = 172;
    pub(crate) const SHUTDOWN: usize = 210;
    pub(crate) const SENDMSG: usize = 211;
    pub(crate) const RECVMSG: usize = 212;
    pub(crate) const MUNMAP: usize = 215;
    pub(crate) const MREMAP: usize = 216;
    pub(crate) const CLONE: usize = 220;
    pub(crate) const KILL: usize = 129;
    pub(crate) const SCHED_SETSCHEDULER: usize = 119;
    pub(crate) const SCHED_GETSCHEDULER: usize = 120;
    pub(crate) const SOCKET: usize = 198;
    pub(crate) const SOCKETPAIR: usize = 199;
    pub(crate) const BIND: usize = 200;
    pub(crate) const LISTEN: usize = 201;
    pub(crate) const CONNECT: usize = 203;
    pub(crate) const GETSOCKNAME: usize = 204;
    pub(crate) const GETSOCKOPT: usize = 209;
    pub(crate) const ACCEPT4: usize = 242;
    pub(crate) const SETSOCKOPT: usize = 208;
    pub(crate) const RT_SIGQUEUEINFO: usize = 138;
    pub(crate) const GETRESUID: usize = 148;
    pub(crate) const MMAP: usize = 222;
    pub(crate) const PRLIMIT64: usize = 261;
    pub(crate) const MEMFD_CREATE: usize = 279;
    pub(crate) const EXECVEAT: usize = 281;
}

pub(crate) use arch::*;

/// The numbers that are the same everywhere: those given since Linux 5.1.
pub(crate) const PIDFD_SEND_SIGNAL: usize = 424;
pub(crate) const PIDFD_OPEN: usize = 434;
pub(crate) const CLOSE_RANGE: usize = 436;
