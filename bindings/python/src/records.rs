// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The groups of an answer as Python objects: plain numbers, by the names that the core has for them.
//! Times are nanoseconds, sizes bytes.

use procfd::UsageFields;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;

/// One class per group, of the core's structure with the same name.
macro_rules! records {
    ($($name:ident { $($(#[doc = $doc:literal])* $field:ident: $type:ty;)* })*) => {
        $(
            #[pyclass(frozen, eq, module = "procfd._native")]
            #[derive(Clone, Copy, PartialEq)]
            pub(crate) struct $name(pub procfd::$name);

            #[pymethods]
            impl $name {
                $(
                    $(#[doc = $doc])*
                    #[getter]
                    fn $field(&self) -> $type {
                        self.0.$field
                    }
                )*

                fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
                    let parts = [$((stringify!($field), self.$field().into_bound_py_any(py)?)),*];
                    repr(stringify!($name), &parts)
                }
            }
        )*
    };
}

fn repr(name: &str, parts: &[(&str, Bound<'_, PyAny>)]) -> PyResult<String> {
    let parts = parts.iter().map(|(name, value)| Ok(format!("{name}={}", value.repr()?)));
    Ok(format!("{name}({})", parts.collect::<PyResult<Vec<_>>>()?.join(", ")))
}

records! {
    ProcessIds {
        /// The id of the thread the descriptor stands for: the leader's, for a process.
        pid: u32;
        /// The process id.
        tgid: u32;
        /// The parent's id, 0 if it is outside the caller's pid namespace.
        ppid: u32;
    }
    Credentials {
        /// Real user id.
        ruid: u32;
        /// Effective user id.
        euid: u32;
        /// Saved user id.
        suid: u32;
        /// Filesystem user id.
        fsuid: u32;
        /// Real group id.
        rgid: u32;
        /// Effective group id.
        egid: u32;
        /// Saved group id.
        sgid: u32;
        /// Filesystem group id.
        fsgid: u32;
    }
    Job {
        /// Process group.
        pgid: u32;
        /// Session.
        sid: u32;
        /// The foreground process group of the terminal; -1 without a terminal.
        tpgid: i32;
        /// The controlling terminal's device number as makedev(3) has it, 0 for none.
        tty: u64;
    }
    Start {
        /// Since boot, suspended time included (CLOCK_BOOTTIME).
        boot_ns: u64;
        /// Since 1970 (CLOCK_REALTIME), by the clock's present offset.
        real_ns: u64;
    }
    Times {
        /// In user mode.
        user_ns: u64;
        /// In the kernel.
        system_ns: u64;
        /// In user mode, by the children it waited for.
        children_user_ns: u64;
        /// In the kernel, by the children it waited for.
        children_system_ns: u64;
        /// As a virtual processor's guest; counted in `user_ns`.
        guest_ns: u64;
        /// The children's guest time; counted in `children_user_ns`.
        children_guest_ns: u64;
        /// Waiting for block I/O, of the leading thread (0 unless the kernel accounts delays).
        block_io_ns: u64;
    }
    Memory {
        /// Address space.
        virt: u64;
        /// Resident pages; may lag by some pages for each processor.
        resident: u64;
    }
    Faults {
        /// Without I/O.
        minor: u64;
        /// With I/O.
        major: u64;
        /// Without I/O, by the children it waited for.
        children_minor: u64;
        /// With I/O, by the children it waited for.
        children_major: u64;
    }
    Sched {
        /// The kernel's priority as proc(5) shows it: 20 + nice, or -1 - the real-time priority.
        priority: i32;
        /// Nice value.
        nice: i32;
        /// SCHED_*.
        policy: u32;
        /// Real-time priority, 0 for the other policies.
        rt_priority: u32;
        /// The processor it ran on last.
        processor: u32;
    }
    CpuSplit {
        /// In user mode.
        user_ns: u64;
        /// In the kernel.
        system_ns: u64;
    }
    MemoryParts {
        /// Resident pages with a file or shared memory behind them.
        shared: u64;
        /// Code.
        text: u64;
        /// Data and stack.
        data: u64;
    }
    MemoryDetail {
        /// Largest address space.
        peak_virt: u64;
        /// Largest resident set.
        peak_resident: u64;
        /// Resident anonymous pages.
        anon: u64;
        /// Resident file pages.
        file: u64;
        /// Resident shared memory.
        shmem: u64;
        /// Locked.
        locked: u64;
        /// Pinned.
        pinned: u64;
        /// Private writable mappings.
        data: u64;
        /// Stack.
        stack: u64;
        /// The program's code.
        exe: u64;
        /// Libraries' code.
        lib: u64;
        /// Page tables.
        page_tables: u64;
        /// Swapped out anonymous pages.
        swap: u64;
    }
    Signals {
        /// Pending for the leading thread.
        pending_thread: u64;
        /// Pending for the process.
        pending_process: u64;
        /// Blocked by the leading thread.
        blocked: u64;
        /// Ignored.
        ignored: u64;
        /// With a handler.
        caught: u64;
        /// Signals queued for its user.
        queued: u64;
        /// The limit of that (RLIMIT_SIGPENDING).
        queue_limit: u64;
    }
    Caps {
        /// Inheritable.
        inheritable: u64;
        /// Permitted.
        permitted: u64;
        /// Effective.
        effective: u64;
        /// Bounding.
        bounding: u64;
        /// Ambient.
        ambient: u64;
    }
    Security {
        /// no_new_privs.
        no_new_privs: bool;
        /// 0: none, 1: strict, 2: filters.
        seccomp: u32;
        /// How many filters (5.9).
        seccomp_filters: Option<u32>;
    }
    NsPid {
        /// Its id in the innermost pid namespace it is in.
        pid: u32;
        /// How many pid namespaces that is below the caller's.
        depth: u32;
    }
    CoreDump {
        /// It has dumped core, or is about it.
        dumped: bool;
        /// The signal that made it (6.19).
        signal: Option<i32>;
    }
    Io {
        /// Bytes by read(2) and similar calls.
        read_chars: u64;
        /// Bytes by write(2) and similar calls.
        write_chars: u64;
        /// The number of these reading calls.
        read_calls: u64;
        /// The number of these writing calls.
        write_calls: u64;
        /// Bytes fetched from storage.
        read_bytes: u64;
        /// Bytes sent to storage.
        write_bytes: u64;
        /// Of those, bytes whose writing was made needless by truncation.
        cancelled_write_bytes: u64;
    }
    Oom {
        /// 0 to 2000: who is killed first when memory runs out.
        score: u32;
        /// -1000 to 1000, added to the above.
        score_adj: i32;
    }
    Login {
        /// The user who logged in.
        uid: u32;
        /// The audit session, u32::MAX for none.
        session: u32;
    }
    Autogroup {
        /// Its number.
        id: u64;
        /// Its nice value.
        nice: i32;
    }
    Fds {
        /// Open descriptors.
        count: u32;
        /// Room in the descriptor table.
        table: u32;
        /// The soft RLIMIT_NOFILE.
        limit: u64;
    }
    NamespaceIds {
        /// Cgroup.
        cgroup: u64;
        /// IPC.
        ipc: u64;
        /// Mount.
        mnt: u64;
        /// Network.
        net: u64;
        /// Pid.
        pid: u64;
        /// The pid namespace of its children; 0 before the first of them is born.
        pid_for_children: u64;
        /// Time.
        time: u64;
        /// The time namespace of its children.
        time_for_children: u64;
        /// User.
        user: u64;
        /// UTS.
        uts: u64;
    }
    MemorySet {
        /// Proportional set size: shared pages divided by their users.
        pss: u64;
        /// Unique set size: pages that no other process has.
        uss: u64;
        /// Swapped out.
        swap: u64;
        /// The proportional part of that.
        swap_pss: u64;
    }
    Switches {
        /// Voluntary.
        voluntary: u64;
        /// Involuntary.
        involuntary: u64;
    }
    RunDelay {
        /// Runnable, but waiting for a processor.
        delay_ns: u64;
        /// How often it was given one.
        slices: u64;
    }
}

/// State and kernel flags.
#[pyclass(frozen, eq, module = "procfd._native")]
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct TaskState(pub procfd::TaskState);

#[pymethods]
impl TaskState {
    /// The letter of proc(5): R, S, D, Z, T, t, X, I.
    #[getter]
    fn code(&self) -> char {
        self.0.code.into()
    }

    /// The same as a word, as psutil has it: "running", "sleeping", "disk-sleep", "stopped",
    /// "tracing-stop", "zombie", "dead", "idle", "parked".
    #[getter]
    fn name(&self) -> &'static str {
        match self.0.code {
            b'R' => "running",
            b'S' => "sleeping",
            b'D' => "disk-sleep",
            b'T' => "stopped",
            b't' => "tracing-stop",
            b'Z' => "zombie",
            b'X' | b'x' => "dead",
            b'I' => "idle",
            b'P' => "parked",
            b'K' => "wake-kill",
            b'W' => "waking",
            _ => "unknown",
        }
    }

    /// The kernel's PF_* flags of the leading thread.
    #[getter]
    fn flags(&self) -> u32 {
        self.0.flags
    }

    fn __repr__(&self) -> String {
        format!("TaskState(code={:?}, flags={:#x})", self.code().to_string(), self.0.flags)
    }
}

/// As getrusage(2) has it, as far as known.
#[pyclass(frozen, eq, module = "procfd._native")]
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct KnownUsage(pub procfd::KnownUsage);

impl KnownUsage {
    fn if_known<T>(&self, fields: UsageFields, value: T) -> Option<T> {
        self.0.known.contains(fields).then_some(value)
    }
}

#[pymethods]
impl KnownUsage {
    /// User CPU time.
    #[getter]
    fn user_ns(&self) -> Option<u128> {
        self.if_known(UsageFields::TIMES, self.0.usage.user.as_nanos())
    }

    /// System CPU time.
    #[getter]
    fn system_ns(&self) -> Option<u128> {
        self.if_known(UsageFields::TIMES, self.0.usage.system.as_nanos())
    }

    /// Largest resident set.
    #[getter]
    fn max_rss(&self) -> Option<u64> {
        self.if_known(UsageFields::MAX_RSS, self.0.usage.max_rss)
    }

    /// Page faults without I/O.
    #[getter]
    fn minor_faults(&self) -> Option<u64> {
        self.if_known(UsageFields::FAULTS, self.0.usage.minor_faults)
    }

    /// Page faults with I/O.
    #[getter]
    fn major_faults(&self) -> Option<u64> {
        self.if_known(UsageFields::FAULTS, self.0.usage.major_faults)
    }

    /// Blocks of 512 bytes read.
    #[getter]
    fn blocks_in(&self) -> Option<u64> {
        self.if_known(UsageFields::BLOCKS, self.0.usage.blocks_in)
    }

    /// Blocks of 512 bytes written.
    #[getter]
    fn blocks_out(&self) -> Option<u64> {
        self.if_known(UsageFields::BLOCKS, self.0.usage.blocks_out)
    }

    /// Voluntary context switches.
    #[getter]
    fn voluntary_switches(&self) -> Option<u64> {
        self.if_known(UsageFields::SWITCHES, self.0.usage.voluntary_switches)
    }

    /// Involuntary context switches.
    #[getter]
    fn involuntary_switches(&self) -> Option<u64> {
        self.if_known(UsageFields::SWITCHES, self.0.usage.involuntary_switches)
    }

    /// Whether the children it waited for are counted in.
    #[getter]
    fn with_children(&self) -> bool {
        self.0.known.contains(UsageFields::WITH_CHILDREN)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let names = ["user_ns", "system_ns", "max_rss", "minor_faults", "major_faults"];
        let values = [
            self.user_ns().into_bound_py_any(py)?,
            self.system_ns().into_bound_py_any(py)?,
            self.max_rss().into_bound_py_any(py)?,
            self.minor_faults().into_bound_py_any(py)?,
            self.major_faults().into_bound_py_any(py)?,
        ];
        repr("KnownUsage", &names.into_iter().zip(values).collect::<Vec<_>>())
    }
}
