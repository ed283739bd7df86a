// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Answers about a process: one table of what can be asked.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use procfd::{Fields, Missing};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyString};

use crate::error;
use crate::records::*;
use crate::status::ExitStatus;

/// One line per group: its bit, its attribute, and how that is made of the core's.
macro_rules! groups {
    ($($(#[doc = $doc:literal])* $flag:ident $field:ident: $type:ty = $convert:expr;)*) => {
        const GROUPS: &[(&str, Fields)] = &[$((stringify!($field), Fields::$flag),)*];

        #[pymethods]
        impl Info {
            $(
                $(#[doc = $doc])*
                #[getter]
                fn $field(&self) -> Option<$type> {
                    self.0.$field.map($convert)
                }
            )*

            /// Why a field that you asked for is absent. "denied": you are not permitted to know. "unsupported": this
            /// kernel, its configuration or a filter cannot tell. "gone": the process has ended. "nothing": the
            /// process has none. None: the field is there, or you did not ask for it.
            #[pyo3(signature = (field, /))]
            fn why(&self, field: &str) -> PyResult<Option<&'static str>> {
                Ok(self.0.missing(named(field)?).map(reason))
            }

            /// What is known, by name.
            fn _asdict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
                let dict = PyDict::new(py);
                $(
                    if let Some(value) = self.$field() {
                        dict.set_item(stringify!($field), value)?;
                    }
                )*
                Ok(dict)
            }

            fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
                let known = self._asdict(py)?;
                let parts = known.iter().map(|(name, value)| Ok(format!("{name}={}", value.repr()?)));
                Ok(format!("Info({})", parts.collect::<PyResult<Vec<_>>>()?.join(", ")))
            }
        }
    };
}

/// What was asked about a process, as far as it is known: the rest is `None`.
#[pyclass(frozen, module = "procfd")]
pub(crate) struct Info(pub procfd::Info);

groups! {
    /// Process id, thread group id, parent's id. Class ioctl, or stat where that is read anyway.
    IDS ids: ProcessIds = ProcessIds;
    /// The eight user and group ids. Class ioctl.
    CREDS creds: Credentials = Credentials;
    /// The inode of the cgroup v2 directory. Class ioctl (6.13; nothing before).
    CGROUP_ID cgroup_id: u64 = same;
    /// How it ended. The same ioctl (6.15) once it is reaped; before that a waitid.
    EXIT exit: ExitStatus = ExitStatus::from;
    /// The pidfs inode, which no other process has until reboot (6.9). One fstat.
    INODE inode: u64 = same;
    /// State and kernel flags. Class stat.
    STATE state: TaskState = TaskState;
    /// Process group, session, terminal. Class stat.
    JOB job: Job = Job;
    /// When it started. Class stat.
    START start: Start = Start;
    /// The name of its leading thread. Class stat.
    COMM comm: OsString = name;
    /// CPU times, of itself and the children it waited for, of 10 ms grain. Class stat.
    TIMES times: Times = Times;
    /// Virtual and resident size. Class statm. Absent without an address space: kernel threads, zombies.
    MEMORY memory: Memory = Memory;
    /// Page faults. Class stat.
    FAULTS faults: Faults = Faults;
    /// Nice value, priority, policy, processor, of the leading thread. Class stat.
    SCHED sched: Sched = Sched;
    /// How many threads. Class stat.
    THREADS threads: u32 = same;
    /// CPU time by its CPU-time clock, exact. Class clock.
    CPU cpu_ns: u64 = same;
    /// User and system time by its CPU-time clocks, as sampled by the timer tick: [`Fields::TIMES`] is
    /// the same scaled to the exact sum. Class clock, twice.
    CPU_SPLIT cpu_split: CpuSplit = CpuSplit;
    /// Shared, text and data. Class statm.
    MEMORY_PARTS memory_parts: MemoryParts = MemoryParts;
    /// Peaks, swap and the kinds of pages. Class status.
    MEMORY_DETAIL memory_detail: MemoryDetail = MemoryDetail;
    /// Pending, blocked, ignored and caught signals, and the queue. Class status.
    SIGNALS signals: Signals = Signals;
    /// Capability sets. Class status.
    CAPS caps: Caps = Caps;
    /// no_new_privs and seccomp. Class status.
    SECURITY security: Security = Security;
    /// The process that traces it, 0 for none. Class status.
    TRACER tracer: u32 = same;
    /// The file mode creation mask. Class status (4.7).
    UMASK umask: u32 = same;
    /// Its id in its own pid namespace. Class status (4.1).
    NS_PID ns_pid: NsPid = NsPid;
    /// The dumpable attribute (PR_SET_DUMPABLE). Class call: an ioctl (6.16).
    DUMPABLE dumpable: u32 = same;
    /// Whether it dumps or has dumped core. Class call: an ioctl (6.16).
    COREDUMP coredump: CoreDump = CoreDump;
    /// Bytes read and written. Class file; for those who may trace it.
    IO io: Io = Io;
    /// Badness and its adjustment. Class file, twice.
    OOM oom: Oom = Oom;
    /// Login user and audit session. Class file, twice; absent where none is set.
    LOGIN login: Login = Login;
    /// Autogroup. Class file; absent where the kernel has none or the session is in none.
    AUTOGROUP autogroup: Autogroup = Autogroup;
    /// The I/O priority, as ioprio_get(2) has it, of the leading thread. Class call.
    IOPRIO ioprio: u32 = same;
    /// The core scheduling cookie. Class call; for those who may trace it (5.14).
    CORE_SCHED core_sched: u64 = same;
    /// Open descriptors. Class several: a stat (6.2; before, the directory is read) and two files.
    /// For those who may trace it.
    FDS fds: Fds = Fds;
    /// The namespaces' ids. Class several: ten links. For those who may trace it.
    NAMESPACES namespaces: NamespaceIds = NamespaceIds;
    /// All resource limits. Class file.
    LIMITS limits: BTreeMap<usize, (i128, i128)> = limits;
    /// How many mounts its mount namespace shows it. Class several: grows with their number.
    MOUNTS mounts: u32 = same;
    /// Proportional and unique set size. Class several: grows with its memory (4.14). For those who may
    /// trace it.
    MEMORY_SET memory_set: MemorySet = MemorySet;
    /// Context switches of the threads that live. Class status, for each thread.
    SWITCHES switches: Switches = Switches;
    /// How long its living threads waited for a processor. Class file, for each thread.
    RUN_DELAY run_delay: RunDelay = RunDelay;
    /// As getrusage(2) has it, as far as known. Class several: stat, status, io. Of the caller
    /// itself, and of its child that has ended, one call.
    USAGE usage: KnownUsage = KnownUsage;
    /// What a core dump holds: bits as in core(5). Class file; for its user.
    COREDUMP_FILTER coredump_filter: u32 = same;
    /// Timer slack in nanoseconds. Class file; for those who may trace it, with CAP_SYS_NICE.
    TIMER_SLACK timer_slack_ns: u64 = same;
    /// The securebits flags. Class call; of the calling thread's process only.
    SECUREBITS securebits: u32 = same;
    /// The execution domain, as personality(2) has it. Class file; for those who may trace it.
    PERSONALITY personality: u32 = same;
}

fn reason(missing: Missing) -> &'static str {
    match missing {
        Missing::Denied => "denied",
        Missing::Unsupported => "unsupported",
        Missing::Gone => "gone",
        _ => "nothing",
    }
}

fn same<T>(value: T) -> T {
    value
}

fn name(comm: procfd::Comm) -> OsString {
    OsStr::from_bytes(comm.as_bytes()).to_owned()
}

/// Soft and hard by RLIMIT_*, -1 for none, as the module `resource` has them.
fn limits(limits: procfd::Limits) -> BTreeMap<usize, (i128, i128)> {
    limits.0.iter().map(|(soft, hard)| (limit(*soft), limit(*hard))).enumerate().collect()
}

pub(crate) fn limit(limit: u64) -> i128 {
    if limit == u64::MAX { -1 } else { limit.into() }
}

/// Groups by name, or as the bits of `PROC_FIELD_*`.
pub(crate) fn fields(asked: &Bound<'_, PyAny>) -> PyResult<Fields> {
    let mut fields = Fields::empty();
    for name in asked.try_iter()? {
        let name = name?;
        fields |= if name.is_instance_of::<PyInt>() {
            let bits: u64 = name.extract()?;
            Fields::from_bits(bits)
                .ok_or_else(|| PyValueError::new_err(format!("unknown fields in {bits:#x}")))?
        } else {
            named(&name.cast::<PyString>()?.to_cow()?)?
        };
    }
    Ok(fields)
}

fn named(name: &str) -> PyResult<Fields> {
    // `PROC_FIELD_*` in lower case, which is the attribute but for its unit: "cpu" is `cpu_ns`.
    let is_it = |known: &str| known == name || known.strip_suffix("_ns") == Some(name);
    GROUPS.iter().find_map(|(known, fields)| is_it(known).then_some(*fields)).ok_or_else(|| {
        let known: Vec<&str> = GROUPS.iter().map(|(known, _)| *known).collect();
        let text = format!("there is no field {name:?}");
        PyValueError::new_err(error::with_suggestion(&text, name, &known))
    })
}
