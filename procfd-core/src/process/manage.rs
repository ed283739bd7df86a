// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The methods of [`Process`] that manage it while it runs.

use std::io;
use std::os::fd::BorrowedFd;

use crate::manage::{self, Advice, KillTree};
use crate::process::Process;
use crate::settings::{self, Namespaces, Scheduler};
use crate::sys::{self, Errno};

impl Process {
    /// Sends a signal, normally `SIGKILL`, to the process and all its descendants; 0 counts them.
    ///
    /// With `SIGKILL` to the init of a pid namespace, such as the built-in init, the kernel ends the whole
    /// namespace. Otherwise the library stops each process when it finds it, until it finds no new one. So no
    /// process can fork or end meanwhile. It then signals each by its pidfd, children first. After signals
    /// other than `SIGKILL` and `SIGSTOP` it continues the processes that were not stopped before. It returns
    /// when all have the signal, not when all have ended.
    ///
    /// It reaches processes that fork as fast as they can. It does not reach these:
    ///
    /// - Those whose parent ended before: their parent is now another process, outside the tree (a double fork).
    /// - Those that you may not signal, which [`refused`](KillTree::refused) counts. It goes on to their children.
    /// - Those that `/proc` hides from you (`hidepid`).
    ///
    /// A pid namespace ([`Context::built_in_init`]) or a cgroup ([`kill_cgroup`](Self::kill_cgroup)) reaches
    /// all of them. If the caller is in the tree, it is not stopped, and gets the signal last.
    ///
    /// [`Context::built_in_init`]: crate::Context::built_in_init
    ///
    /// # Errors
    ///
    /// `EINVAL`: no such signal; a thread's pidfd; the init of the caller's own pid namespace; `EPERM`: the
    /// process itself may not be signalled; `ESRCH`: reaped; `EREMOTE`: not in the caller's pid namespace;
    /// `EOPNOTSUPP`: no `/proc` of it. On failure it continues the processes that it stopped.
    ///
    /// # Kernel
    ///
    /// 5.4. Since 6.13 the pidfds tell the parents, before that `/proc`.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "sleep 60 & sleep 60 & wait"])?;
    /// let process = context.create()?;
    /// let tree = process.kill_tree(libc::SIGKILL)?;
    /// assert!(tree.signalled >= 1 && tree.refused == 0);
    /// assert_eq!(process.wait()?.signal(), Some(libc::SIGKILL));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_KILL_TREE")]
    pub fn kill_tree(&self, signal: i32) -> io::Result<KillTree> {
        Ok(manage::kill(&|| Ok(self.pidfd()), self.is_built_in_init(), signal)?)
    }

    /// The kernel sends SIGKILL to every process of its cgroup (v2) and of those below, at once.
    ///
    /// The creator of the cgroup decides which processes belong to it. The call does not ask whether they are
    /// descendants.
    ///
    /// # Errors
    ///
    /// `EBUSY`: the caller is one of them; `EACCES`: the caller may not write to the cgroup; `EOPNOTSUPP`: no
    /// cgroup v2 mount shows it, or before 5.14; `EAGAIN`: the process changed its cgroup meanwhile; `ESRCH`:
    /// it has ended.
    ///
    /// # Kernel
    ///
    /// 5.14. The directory is compared with the pidfd's cgroup since 6.13.
    #[doc(alias = "PROC_TREE_CGROUP")]
    pub fn kill_cgroup(&self) -> io::Result<KillTree> {
        Ok(manage::kill_cgroup(self.pidfd())?)
    }

    /// Stops it (SIGSTOP). For a built-in init ([`Context::built_in_init`](crate::Context::built_in_init)) it
    /// stops all other processes of the namespace. The init runs on, because it carries out the close policy,
    /// and no wait reports a stop.
    ///
    /// # Errors
    ///
    /// As [`send_signal`](Self::send_signal). For a built-in init as [`kill_tree`](Self::kill_tree), and
    /// `EPERM` if at least one process could not be stopped; the others are stopped.
    ///
    /// ```
    /// # let mut context = procfd::Context::new()?;
    /// # context.program("/bin/sleep")?.args(["sleep", "60"])?.kill_on_close(libc::SIGKILL)?;
    /// let process = context.create()?;
    /// process.stop()?;
    /// process.cont()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_STOP")]
    pub fn stop(&self) -> io::Result<()> {
        Ok(manage::stop_or_continue(&|| Ok(self.pidfd()), self.is_built_in_init(), libc::SIGSTOP)?)
    }

    /// Continues the processes that [`stop`](Self::stop) has stopped (SIGCONT).
    ///
    /// # Errors
    ///
    /// As [`stop`](Self::stop).
    ///
    /// ```
    /// # let mut context = procfd::Context::new()?;
    /// # context.program("/bin/sleep")?.args(["sleep", "60"])?.kill_on_close(libc::SIGKILL)?;
    /// let process = context.create()?;
    /// process.stop()?;
    /// process.cont()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_CONT")]
    pub fn cont(&self) -> io::Result<()> {
        Ok(manage::stop_or_continue(&|| Ok(self.pidfd()), self.is_built_in_init(), libc::SIGCONT)?)
    }

    /// Continues a process that was [started suspended](crate::Context::start_suspended), or is stopped
    /// (SIGCONT).
    ///
    /// # Errors
    ///
    /// `EALREADY`: it is not stopped; `EPERM`: the caller may not signal it; `ESRCH`: it has ended; `EOPNOTSUPP`:
    /// without a `/proc` of its pid namespace.
    #[doc(alias = "PROC_RESUME")]
    pub fn resume(&self) -> io::Result<()> {
        Ok(manage::resume(&|| Ok(self.pidfd()))?)
    }

    /// Moves the calling thread into namespaces of the process (setns(2)). For the pid and time namespaces,
    /// it moves the later children of the thread.
    ///
    /// # Errors
    ///
    /// `EPERM`: the caller may not trace the process, or has not the capabilities; `EINVAL`: none named; or
    /// a user or time namespace, and the caller has several threads; or its own user namespace, or a
    /// mount namespace, and it shares its directories with another; or a pid namespace that is not below; `ESRCH`: it
    /// has ended.
    ///
    /// # Kernel
    ///
    /// 5.8: all or none. Before that it uses the files in `/proc/PID/ns` one by one, and a failure leaves
    /// those before it joined.
    #[doc(alias = "PROC_SETNS")]
    pub fn setns(&self, namespaces: Namespaces) -> io::Result<()> {
        Ok(manage::enter(self.pidfd(), namespaces)?)
    }

    /// Returns a resource limit (`RLIMIT_*`), soft and hard, and sets it to `new` if given; `u64::MAX` is no
    /// limit.
    ///
    /// prlimit(2) takes a pid: success means that the pid was this process's during the call. See
    /// [`set_nice`](Self::set_nice) for a failure with `ESRCH`.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no such resource, or soft above hard; `EPERM`: not the caller's user, or above the hard
    /// limit without `CAP_SYS_RESOURCE`; `ESRCH`: it has ended; `EREMOTE`: not in the caller's pid namespace.
    ///
    /// ```
    /// let own = procfd::Process::open(std::process::id())?;
    /// let (soft, hard) = own.rlimit(libc::RLIMIT_NOFILE as u32, None)?;
    /// assert!(soft <= hard);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_RLIMIT")]
    pub fn rlimit(&self, resource: u32, new: Option<(u64, u64)>) -> io::Result<(u64, u64)> {
        Ok(manage::rlimit(self.pidfd(), resource, new)?)
    }

    /// Sets the nice value, -20 to 19, of all its threads, or of the one thread of a pidfd with
    /// `PIDFD_THREAD`. The library reads the list of threads until it finds no new one. On failure some
    /// threads may have the new value.
    ///
    /// The kernel takes threads by number. If the thread exists after the call, it had the number during the
    /// call. A thread that ended meanwhile does not count. If another process's thread got its number in
    /// those microseconds, that thread was changed. For that, the kernel must use up all other numbers of the
    /// pid namespace in this time.
    ///
    /// # Errors
    ///
    /// `EINVAL`: not such a value; `EPERM`: not the caller's user; `EACCES`: lower than `RLIMIT_NICE` allows
    /// it, without `CAP_SYS_NICE`; `ESRCH`: it has ended; `EREMOTE`: not in the caller's pid namespace;
    /// `EOPNOTSUPP`: no `/proc` of it; `EAGAIN`: it made threads faster than the call could change them.
    ///
    /// ```
    /// # let mut context = procfd::Context::new()?;
    /// # context.program("/bin/sleep")?.args(["sleep", "60"])?.kill_on_close(libc::SIGKILL)?;
    /// let process = context.create()?;
    /// process.set_nice(10)?;
    /// # use procfd::Fields;
    /// assert_eq!(process.info(Fields::SCHED)?.sched.map(|sched| sched.nice), Some(10));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_PRIORITY")]
    pub fn set_nice(&self, nice: i32) -> io::Result<()> {
        Ok(manage::set_nice(self.pidfd(), i64::from(nice))?)
    }

    /// Sets the scheduling policy of all its threads, as [`set_nice`](Self::set_nice) does. A
    /// `SCHED_DEADLINE` reservation is one for each thread.
    ///
    /// # Errors
    ///
    /// Those of [`set_nice`](Self::set_nice); `EPERM`: a real-time policy beyond `RLIMIT_RTPRIO` without
    /// `CAP_SYS_NICE`; `EBUSY`: no room for the reservation; `EOPNOTSUPP`: utilization clamps, which the
    /// kernel is built without.
    ///
    /// ```
    /// let mut scheduler = procfd::Scheduler::default();
    /// scheduler.policy = libc::SCHED_BATCH as u32;
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sleep")?.args(["sleep", "60"])?.kill_on_close(9)?;
    /// context.create()?.set_scheduler(&scheduler)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SCHEDULER")]
    pub fn set_scheduler(&self, scheduler: &Scheduler) -> io::Result<()> {
        Ok(manage::set_scheduler(self.pidfd(), scheduler)?)
    }

    /// Sets the CPUs that all its threads may run on, as [`set_nice`](Self::set_nice) does.
    ///
    /// # Errors
    ///
    /// Those of [`set_nice`](Self::set_nice); `EINVAL`: none of the CPUs exists and is in its cpuset.
    ///
    /// ```
    /// # let mut context = procfd::Context::new()?;
    /// # context.program("/bin/sleep")?.args(["sleep", "60"])?.kill_on_close(libc::SIGKILL)?;
    /// let process = context.create()?;
    /// let first = process.affinity()?.first().copied();
    /// process.set_affinity(first)?;
    /// assert_eq!(process.affinity()?.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_AFFINITY")]
    pub fn set_affinity(&self, cpus: impl IntoIterator<Item = usize>) -> io::Result<()> {
        Ok(manage::set_affinity(self.pidfd(), &settings::cpu_mask(cpus)?)?)
    }

    /// Sets the I/O priority of all its threads, as [`set_nice`](Self::set_nice) does: class (1 real time,
    /// 2 best effort, 3 idle, 0 by the nice value) and level in it (0 to 7).
    ///
    /// # Errors
    ///
    /// Those of [`set_nice`](Self::set_nice); `EINVAL`: no such class or level; `EPERM`: the real-time class
    /// without `CAP_SYS_NICE` or `CAP_SYS_ADMIN`.
    ///
    /// ```
    /// # let mut context = procfd::Context::new()?;
    /// # context.program("/bin/sleep")?.args(["sleep", "60"])?.kill_on_close(libc::SIGKILL)?;
    /// let process = context.create()?;
    /// // The idle class.
    /// process.set_ioprio(3, 0)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_IOPRIO")]
    pub fn set_ioprio(&self, class: u16, level: u16) -> io::Result<()> {
        if class > 7 || level >= 1 << 13 {
            return Err(Errno(libc::EINVAL).into());
        }
        Ok(manage::set_ioprio(self.pidfd(), (class << 13) | level)?)
    }

    /// Sets `oom_score_adj`, -1000 (the out-of-memory killer spares it) to 1000. All processes that share its
    /// memory get the same value. The library writes a file of the process's own directory, so no other
    /// process gets the value.
    ///
    /// # Errors
    ///
    /// `EINVAL`: not such a value; `EPERM`: not the caller's user's, or not dumpable; `EACCES`: lower than it
    /// was set with privilege, without `CAP_SYS_RESOURCE`; `ESRCH`: it has ended; `EREMOTE`;
    /// `EOPNOTSUPP`: no `/proc` of the caller's pid namespace.
    ///
    /// ```
    /// # let mut context = procfd::Context::new()?;
    /// # context.program("/bin/sleep")?.args(["sleep", "60"])?.kill_on_close(libc::SIGKILL)?;
    /// let process = context.create()?;
    /// process.set_oom_score_adj(500)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_OOM_SCORE_ADJ")]
    pub fn set_oom_score_adj(&self, value: i32) -> io::Result<()> {
        Ok(manage::set_oom_score_adj(self.pidfd(), i64::from(value))?)
    }

    /// Moves it, with all its threads, into the cgroup of an open cgroup v2 directory. The kernel takes a
    /// pid, as for [`rlimit`](Self::rlimit).
    ///
    /// # Errors
    ///
    /// `EBADF`; `EINVAL`: no directory of a cgroup v2; `EACCES`: the caller may not write there, or in the
    /// common ancestor; `EBUSY`: the cgroup has controllers for those below it; `EOPNOTSUPP`: a threaded
    /// cgroup; `ENOENT`, `ENODEV`: it was removed; `ESRCH`: the process has ended; `EREMOTE`.
    #[doc(alias = "PROC_CGROUP")]
    pub fn move_to_cgroup(&self, cgroup: BorrowedFd<'_>) -> io::Result<()> {
        Ok(manage::move_to_cgroup(self.pidfd(), cgroup)?)
    }

    /// Advises the kernel about ranges (address, length) of its memory: process_madvise(2). Returns the
    /// number of bytes that the advice reached, which may be smaller.
    ///
    /// # Errors
    ///
    /// `EACCES`: the caller may not trace it; `EPERM`: it has not `CAP_SYS_NICE`; `EINVAL`: over 1024 ranges,
    /// not on page borders, or advice that this kernel does not have; `ENOMEM`: not mapped; `ESRCH`: it has ended;
    /// `ENOSYS` before 5.10.
    #[doc(alias = "PROC_MADVISE")]
    pub fn madvise(&self, ranges: &[(u64, u64)], advice: Advice) -> io::Result<usize> {
        Ok(manage::advise(self.pidfd(), ranges, advice)?)
    }

    /// Frees the memory of a process that `SIGKILL` is ending: process_mrelease(2). Use it if memory is short
    /// and the process ends slowly.
    ///
    /// # Errors
    ///
    /// `EINVAL`: it is not being killed; `ESRCH`: the kernel has freed its memory already; `EAGAIN`: the
    /// kernel could not free all of it; `ENOSYS` before 5.15.
    #[doc(alias = "PROC_MRELEASE")]
    pub fn mrelease(&self) -> io::Result<()> {
        Ok(sys::manage::release_memory(self.pidfd())?)
    }
}
