// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The methods of `Process` in Python. PyO3 takes them in one block.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use procfd::{Fields, ProcessState};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyDict};

use super::Process;
use crate::convert;
use crate::error;
use crate::info::{self, Info};
use crate::manage::{self, KillTree, Reference};
use crate::names;
use crate::relatives;
use crate::settings;
use crate::status::ExitStatus;

#[pymethods]
impl Process {
    /// Its descriptor: the pidfd, which polls readable when the process has ended. With a close policy or `watch`, or
    /// if its context had one, the procfd, which polls readable from the start on.
    fn fileno(&self) -> PyResult<RawFd> {
        Ok(self.get("fileno")?.as_raw_fd())
    }

    /// The pidfd, which polls readable when the process has ended. It belongs to this object.
    #[getter]
    fn pidfd(&self) -> PyResult<RawFd> {
        Ok(self.get("pidfd")?.pidfd().as_raw_fd())
    }

    /// A procfd for holders in other processes, which is yours to close. It is the process's own, or a new one.
    fn procfd(&self, py: Python<'_>) -> PyResult<RawFd> {
        self.ask(py, "procfd", |p| p.procfd()).map(IntoRawFd::into_raw_fd)
    }

    /// The pid in your pid namespace. Once the process is reaped, the kernel may give it to another process.
    #[getter]
    fn pid(&self) -> PyResult<u32> {
        if let Some(pid) = self.pid.get() {
            return Ok(*pid);
        }
        let pid = self.get("pid")?.pid().map_err(|e| error::from_io(&e))?;
        Ok(*self.pid.get_or_init(|| pid))
    }

    /// "running" or "exited".
    #[getter]
    fn state(&self) -> PyResult<&'static str> {
        if self.status.get().is_some() {
            return Ok("exited");
        }
        match self.get("state of")?.state().map_err(|e| self.refused("state of", &e))? {
            ProcessState::Exited => Ok("exited"),
            _ => Ok("running"),
        }
    }

    /// How the process ended, if a wait or a poll has seen its end; else `None`.
    #[getter]
    fn status(&self) -> Option<ExitStatus> {
        self.status.get().copied()
    }

    /// Whether there is a `ResourceWarning` when it is dropped while it runs.
    #[getter]
    fn warns(&self) -> bool {
        self.warns.load(Ordering::Relaxed)
    }

    #[setter]
    fn set_warns(&self, on: bool) {
        self.warns.store(on, Ordering::Relaxed);
    }

    /// Waits until it has ended, at most `timeout` seconds: then `TimeoutError`.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<ExitStatus> {
        let timeout = timeout.map(convert::seconds).transpose()?.flatten();
        self.wait_for(py, timeout)?
            .ok_or_else(|| self.refused("wait for", &io::Error::from_raw_os_error(libc::ETIMEDOUT)))
    }

    /// How it ended, or `None` while it runs.
    fn poll(&self) -> PyResult<Option<ExitStatus>> {
        self.poll_now()
    }

    /// Sends a signal to the process, its group ("group") or its leading thread ("thread"); with a
    /// value as `sigqueue` does.
    #[pyo3(signature = (signal, *, scope=None, value=None))]
    fn send_signal(
        &self,
        signal: &Bound<'_, PyAny>,
        scope: Option<&Bound<'_, PyAny>>,
        value: Option<u64>,
    ) -> PyResult<()> {
        let signal = signal_or_none(signal)?;
        let scope = scope.map(settings::scope).transpose()?.unwrap_or_default();
        self.get("send_signal")?
            .send_signal_to(signal, scope, value)
            .map_err(|e| self.refused("send_signal", &e))
    }

    /// SIGTERM.
    fn terminate(&self) -> PyResult<()> {
        self.send("terminate", libc::SIGTERM)
    }

    /// SIGKILL.
    fn kill(&self) -> PyResult<()> {
        self.send("kill", libc::SIGKILL)
    }

    /// SIGSTOP; with the built-in init, for every process of its namespace.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        self.ask(py, "stop", |p| p.stop())
    }

    /// Continues the processes that `stop` has stopped.
    fn cont(&self, py: Python<'_>) -> PyResult<()> {
        self.ask(py, "cont", |p| p.cont())
    }

    /// Sends a signal to the process and all its descendants; 0 counts them.
    #[pyo3(signature = (signal=None))]
    fn kill_tree(&self, py: Python<'_>, signal: Option<&Bound<'_, PyAny>>) -> PyResult<KillTree> {
        let signal = signal.map_or(Ok(libc::SIGKILL), signal_or_none)?;
        self.ask(py, "kill_tree", |p| p.kill_tree(signal)).map(KillTree)
    }

    /// SIGKILL to every process of its cgroup and of those below, at once, by the kernel.
    fn kill_cgroup(&self, py: Python<'_>) -> PyResult<KillTree> {
        self.ask(py, "kill_cgroup", |p| p.kill_cgroup()).map(KillTree)
    }

    /// Moves the calling thread into namespaces of the process.
    fn setns(&self, py: Python<'_>, namespaces: &Bound<'_, PyAny>) -> PyResult<()> {
        let namespaces = settings::namespaces(namespaces)?;
        self.ask(py, "setns", |p| p.setns(namespaces))
    }

    /// A descriptor of one of its namespaces, which is yours to close.
    fn namespace(&self, py: Python<'_>, which: &Bound<'_, PyAny>) -> PyResult<RawFd> {
        let which = settings::namespaces(which)?;
        self.ask(py, "namespace", |p| p.namespace(which)).map(IntoRawFd::into_raw_fd)
    }

    /// Returns a resource limit, soft and hard, -1 for none. Sets it if you give `limits`.
    #[pyo3(signature = (resource, limits=None))]
    fn rlimit(
        &self,
        py: Python<'_>,
        resource: &Bound<'_, PyAny>,
        limits: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(i128, i128)> {
        let resource = names::resource(resource)?;
        let new = limits.map(settings::limits).transpose()?;
        let (soft, hard) = self.ask(py, "rlimit", |p| p.rlimit(resource, new))?;
        Ok((info::limit(soft), info::limit(hard)))
    }

    /// Sets the nice value of all its threads.
    fn set_nice(&self, py: Python<'_>, nice: i32) -> PyResult<()> {
        self.ask(py, "set_nice", |p| p.set_nice(nice))
    }

    /// Sets the scheduling policy of all its threads: `flags`, `nice`, `priority`, `runtime`, `deadline`
    /// and `period` in seconds, `util_min`, `util_max`.
    #[pyo3(signature = (policy, **parameters))]
    fn set_scheduler(
        &self,
        py: Python<'_>,
        policy: u32,
        parameters: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let scheduler = manage::scheduler(policy, parameters)?;
        self.ask(py, "set_scheduler", |p| p.set_scheduler(&scheduler))
    }

    /// Sets the CPUs that all its threads may run on.
    fn set_affinity(&self, py: Python<'_>, cpus: Vec<usize>) -> PyResult<()> {
        self.ask(py, "set_affinity", |p| p.set_affinity(cpus))
    }

    /// The CPUs that its leading thread may run on.
    fn affinity(&self, py: Python<'_>) -> PyResult<Vec<usize>> {
        self.ask(py, "affinity", |p| p.affinity())
    }

    /// Sets the I/O priority of all its threads: class and level in it.
    #[pyo3(signature = (class_, level=0))]
    fn set_ioprio(&self, py: Python<'_>, class_: u16, level: u16) -> PyResult<()> {
        self.ask(py, "set_ioprio", |p| p.set_ioprio(class_, level))
    }

    /// Sets `oom_score_adj`, -1000 to 1000.
    fn set_oom_score_adj(&self, py: Python<'_>, value: i32) -> PyResult<()> {
        self.ask(py, "set_oom_score_adj", |p| p.set_oom_score_adj(value))
    }

    /// Moves it into the cgroup of a cgroup v2 directory, by path or descriptor.
    fn move_to_cgroup(&self, py: Python<'_>, directory: &Bound<'_, PyAny>) -> PyResult<()> {
        let directory = manage::directory(directory)?;
        self.ask(py, "move_to_cgroup", |p| p.move_to_cgroup(directory.as_fd()))
    }

    /// Frees the memory of a process that SIGKILL is ending, before the process itself does.
    fn mrelease(&self, py: Python<'_>) -> PyResult<()> {
        self.ask(py, "mrelease", |p| p.mrelease())
    }

    /// The path of its program.
    fn exe(&self, py: Python<'_>) -> PyResult<OsString> {
        self.ask(py, "exe", |p| p.exe()).map(OsString::from)
    }

    /// Its current directory.
    fn cwd(&self, py: Python<'_>) -> PyResult<OsString> {
        self.ask(py, "cwd", |p| p.cwd()).map(OsString::from)
    }

    /// Its root directory.
    fn root(&self, py: Python<'_>) -> PyResult<OsString> {
        self.ask(py, "root", |p| p.root()).map(OsString::from)
    }

    /// Its arguments.
    fn argv(&self, py: Python<'_>) -> PyResult<Vec<OsString>> {
        self.ask(py, "argv", |p| p.argv())
    }

    /// Its environment at the start of the program.
    fn environ<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        manage::variables(self.ask(py, "environ", |p| p.environ())?).into_py_dict(py)
    }

    /// The path of its cgroup v2 directory, from the root of your cgroup namespace.
    fn cgroup(&self, py: Python<'_>) -> PyResult<OsString> {
        self.ask(py, "cgroup", |p| p.cgroup()).map(OsString::from)
    }

    /// Its supplementary groups.
    fn groups(&self, py: Python<'_>) -> PyResult<Vec<u32>> {
        self.ask(py, "groups", |p| p.groups())
    }

    /// The user id map of its user namespace: first id inside, outside, and how many.
    fn uid_map(&self, py: Python<'_>) -> PyResult<Vec<(u32, u32, u32)>> {
        self.ask(py, "uid_map", |p| p.uid_map()).map(manage::lines)
    }

    /// The group id map of its user namespace.
    fn gid_map(&self, py: Python<'_>) -> PyResult<Vec<(u32, u32, u32)>> {
        self.ask(py, "gid_map", |p| p.gid_map()).map(manage::lines)
    }

    /// Its children as handles; with `recursive` their children and so on too, parents first.
    #[pyo3(signature = (recursive=false))]
    fn children(&self, py: Python<'_>, recursive: bool) -> PyResult<Vec<Self>> {
        let found = self.ask(py, "children", |p| {
            let references = if recursive { p.descendants() } else { p.children() }?;
            Ok(references.iter().filter_map(relatives::open).collect::<Vec<_>>())
        })?;
        Ok(found.into_iter().map(Self::opened).collect())
    }

    /// Its parent as a handle; `None` if the parent is outside your pid namespace.
    fn parent(&self, py: Python<'_>) -> PyResult<Option<Self>> {
        Ok(self.ask(py, "parent", relatives::parent)?.map(Self::opened))
    }

    /// Its parent, that one's parent and so on.
    fn parents(&self, py: Python<'_>) -> PyResult<Vec<Self>> {
        let found = self.ask(py, "parents", |p| {
            let mut all = Vec::new();
            let mut next = relatives::parent(p)?;
            while let Some(process) = next {
                // One that ends meanwhile has no parent to name.
                next = relatives::parent(&process).unwrap_or(None);
                all.push(process);
            }
            Ok(all)
        })?;
        Ok(found.into_iter().map(Self::opened).collect())
    }

    /// Its children, their children and so on, parents first.
    fn descendants(&self, py: Python<'_>) -> PyResult<Vec<Reference>> {
        self.ask(py, "descendants", |p| p.descendants()).map(manage::references)
    }

    /// The name of its program: as psutil has it, completed where the kernel cut it at 15 bytes.
    fn name<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "name", ())
    }

    /// The name of its real user, or the number of a user without a name.
    fn username<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "username", ())
    }

    /// Its arguments, as `argv` has them.
    fn cmdline<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "cmdline", ())
    }

    /// The pid of its parent, 0 outside your pid namespace.
    fn ppid<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "ppid", ())
    }

    /// The time of its start, in seconds since 1970.
    fn create_time<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "create_time", ())
    }

    /// The path of its controlling terminal, or `None`.
    fn terminal<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "terminal", ())
    }

    /// Real, effective and saved user id.
    fn uids<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "uids", ())
    }

    /// Real, effective and saved group id.
    fn gids<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "gids", ())
    }

    /// The number of its threads.
    fn num_threads<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "num_threads", ())
    }

    /// The number of its open descriptors.
    fn num_fds<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "num_fds", ())
    }

    /// Voluntary and involuntary context switches.
    fn num_ctx_switches<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "num_ctx_switches", ())
    }

    /// CPU times in seconds: user, system, those of the children it waited for, and waiting for I/O.
    fn cpu_times<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "cpu_times", ())
    }

    /// The processor that its leading thread ran on last.
    fn cpu_num<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "cpu_num", ())
    }

    /// Sizes of its memory in bytes: rss, vms, shared, text, data.
    fn memory_info<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "memory_info", ())
    }

    /// `memory_info` with what is its own and what is swapped out: uss, pss, swap. It takes longer.
    fn memory_full_info<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "memory_full_info", ())
    }

    /// In this `with` block the library reads answers of one file at once, and keeps them.
    fn oneshot<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "oneshot", ())
    }

    /// Its threads: id, user and system time in seconds.
    fn threads<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "threads", ())
    }

    /// The regular files that it has open: path, descriptor, position, mode and flags.
    fn open_files<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "open_files", ())
    }

    /// Its mappings: address, permissions, path, size, offset, device and inode.
    fn memory_maps<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "memory_maps", ())
    }

    /// Its input and output: calls, bytes of storage, and characters.
    fn io_counters<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "io_counters", ())
    }

    /// Stops it, as `stop`.
    fn suspend<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "suspend", ())
    }

    /// Continues it, as `cont`: also one that was started suspended.
    fn resume<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "resume", ())
    }

    /// Whether it exists: a process that has ended exists until its parent reaps it.
    fn is_running<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "is_running", ())
    }

    /// Its share of the machine's memory in percent, by "rss", "vms", "shared", "text", "data", "uss", "pss"
    /// or "swap".
    #[pyo3(signature = (memtype="rss"))]
    fn memory_percent<'py>(slf: &Bound<'py, Self>, memtype: &str) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "memory_percent", (memtype,))
    }

    /// Its sockets, by kind: "inet", "inet4", "inet6", "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "unix"
    /// or "all".
    #[pyo3(signature = (kind="inet"))]
    fn net_connections<'py>(slf: &Bound<'py, Self>, kind: &str) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "net_connections", (kind,))
    }

    /// Its nice value; sets one if it is given.
    #[pyo3(signature = (value=None))]
    fn nice<'py>(slf: &Bound<'py, Self>, value: Option<i32>) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "nice", (value,))
    }

    /// Its I/O class and level; sets them if they are given. A class is a number, or "rt", "be" or "idle"; the
    /// level of the first two is 0 to 7, the others have none.
    #[pyo3(signature = (ioclass=None, value=None))]
    fn ionice<'py>(
        slf: &Bound<'py, Self>,
        ioclass: Option<Bound<'py, PyAny>>,
        value: Option<u16>,
    ) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "ionice", (ioclass, value))
    }

    /// The CPUs it may run on; sets them if they are given, to all that exist if the list is empty.
    #[pyo3(signature = (cpus=None))]
    fn cpu_affinity<'py>(
        slf: &Bound<'py, Self>,
        cpus: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "cpu_affinity", (cpus,))
    }

    /// Answers by name, as psutil has them; `ad_value` stands for one that is refused.
    #[pyo3(signature = (attrs=None, ad_value=None))]
    fn as_dict<'py>(
        slf: &Bound<'py, Self>,
        attrs: Option<Bound<'py, PyAny>>,
        ad_value: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        relatives::call(slf.as_any(), "as_dict", (attrs, ad_value))
    }

    /// How much of one processor it uses, in percent: over `interval` seconds, or since the last call,
    /// of which the first answers 0. With several threads it may be more than 100.
    #[pyo3(signature = (interval=None))]
    fn cpu_percent(&self, py: Python<'_>, interval: Option<f64>) -> PyResult<f64> {
        self.cpu_use(py, interval)
    }

    /// The fields that you name, as far as the kernel tells them. `help(procfd.Info)` lists them.
    #[pyo3(signature = (*fields))]
    fn info(&self, py: Python<'_>, fields: &Bound<'_, PyAny>) -> PyResult<Info> {
        const QUICK: Fields = Fields::IDS.union(Fields::CREDS).union(Fields::CGROUP_ID).union(Fields::CPU);
        let fields = info::fields(fields)?;
        if QUICK.contains(fields) {
            // An ioctl and a clock, which never wait: to let other threads in costs as much.
            error::check_memory()?;
            return self.get("info")?.info(fields).map(Info).map_err(|e| self.refused("info", &e));
        }
        self.ask(py, "info", |p| p.info(fields)).map(Info)
    }

    /// A duplicate of one of its descriptors, which is yours to close.
    fn getfd(&self, number: RawFd) -> PyResult<RawFd> {
        Ok(self
            .get("getfd")?
            .get_fd(number)
            .map_err(|e| self.refused(&format!("getfd {number} of"), &e))?
            .into_raw_fd())
    }

    /// Changes what happens when its last procfd is closed: a signal, `True` for SIGKILL, `False` for
    /// nothing.
    #[pyo3(signature = (kill_on_close, *, close_scope=None))]
    fn change_close(
        &self,
        kill_on_close: &Bound<'_, PyAny>,
        close_scope: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let scope = close_scope.map(settings::scope).transpose()?.unwrap_or_default();
        let policy = settings::close_signal(kill_on_close)?.map(|signal| (signal, scope));
        self.get("change_close")?.change_close(policy).map_err(|e| self.refused("change_close", &e))?;
        self.policy.store(policy.is_some(), Ordering::Relaxed);
        Ok(())
    }

    /// Closes the procfd, so that its close policy acts. The child stays yours to wait for: the library does not reap it.
    fn _leave(&self) -> PyResult<()> {
        let process = self.get("leave")?;
        let pidfd = process.pidfd().try_clone_to_owned()?;
        let kept = procfd::Process::from_fd(pidfd).map_err(|e| self.refused("leave", &e))?;
        let left = self.lock().replace(Arc::new(kept));
        drop(process);
        // A call of another thread may still have it, and closes it later.
        drop(left.and_then(Arc::into_inner).map(procfd::Process::into_fd));
        Ok(())
    }

    /// Closes the descriptors. A second call does nothing.
    fn close(&self) {
        let closed = self.lock().take();
        drop(closed);
    }

    /// Whether it is closed.
    #[getter]
    fn closed(&self) -> bool {
        self.lock().is_none()
    }

    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    /// Closes the descriptors. It first waits for a process that you have started, unless the process has a close
    /// policy: then the close ends it.
    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) -> PyResult<()> {
        let waits = self.is_ours() && !self.policy.load(Ordering::Relaxed) && !self.closed();
        let done = if waits { self.wait_for(py, None).map(drop) } else { Ok(()) };
        self.close();
        done
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a procfd.Process cannot be pickled: it is a descriptor. Send that with socket.send_fds or \
             multiprocessing.reduction.send_handle, and give what arrives to procfd.open(fd=...)",
        ))
    }

    fn __repr__(&self) -> String {
        let pid = self.pid.get().map_or_else(String::new, |pid| format!(" pid={pid}"));
        match (&*self.lock(), self.status.get()) {
            (None, _) => format!("<procfd.Process{pid} closed>"),
            (Some(_), Some(_)) => format!("<procfd.Process{pid} exited>"),
            (Some(process), None) => format!("<procfd.Process{pid} fd={}>", process.as_raw_fd()),
        }
    }
}

/// A signal, or 0, which only checks.
fn signal_or_none(signal: &Bound<'_, PyAny>) -> PyResult<i32> {
    match signal.extract::<i32>() {
        Ok(0) => Ok(0),
        _ => names::signal(signal),
    }
}
