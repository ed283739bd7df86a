// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The questions to a process whose answers are lists.

use std::io;
use std::os::fd::OwnedFd;

use crate::info::{self, Fields, Mapping, OpenFd, ProcessRef, Thread};
use crate::process::Process;
use crate::settings::{IdMap, Namespaces};

/// The lists of a process.
///
/// Each answer is about this process, or the call fails: an answer of /proc counts only if the process has
/// not been reaped meanwhile. If the leading thread has ended and others live, the library asks one of those.
///
/// # Errors
///
/// Of all of them: `ESRCH`: it is reaped; `ENODATA`: it has none, as a zombie or kernel thread has no
/// program, arguments, mappings or descriptors, or the kernel has none; `EACCES`, `EPERM`: the caller is not
/// permitted to read it (most of them need the permission to trace it: ptrace(2)), or `hidepid` of proc(5)
/// hides it; `EREMOTE`: it is outside the caller's pid namespace, or /proc is of another; `ENOENT`: no /proc;
/// `EMFILE`; `EAGAIN`: it executes programs faster than the call can read them.
impl Process {
    /// Its mappings.
    ///
    /// # Errors
    ///
    /// As above.
    ///
    /// ```
    /// let own = procfd::Process::open(std::process::id())?;
    /// for mapping in own.maps()? {
    ///     println!("{:x}-{:x} {}", mapping.start, mapping.end, mapping.path.display());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_INFO_MAPS")]
    pub fn maps(&self) -> io::Result<Vec<Mapping>> {
        Ok(info::maps(self.pidfd())?)
    }

    /// Its threads, each with the fields that you ask for and the kernel provides. Fields that threads do not
    /// have are ignored.
    ///
    /// # Errors
    ///
    /// As above.
    ///
    /// ```
    /// use procfd::Fields;
    ///
    /// let own = procfd::Process::from_fd(std::fs::File::open("/proc/self")?)?;
    /// for thread in own.threads(Fields::COMM | Fields::CPU)? {
    ///     println!("{} {:?}: {:?} ns", thread.tid, thread.comm, thread.cpu_ns);
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_INFO_THREADS")]
    pub fn threads(&self, fields: Fields) -> io::Result<Vec<Thread>> {
        Ok(info::threads(self.pidfd(), fields)?)
    }

    /// Its children, each with an identity that no later process has. A child that starts or ends meanwhile
    /// may be missing. The cost grows with the number of processes on the machine.
    ///
    /// # Errors
    ///
    /// As above.
    ///
    /// ```
    /// let own = procfd::Process::open(std::process::id())?;
    /// for child in own.children()? {
    ///     println!("{} is a child of {}", child.pid, child.ppid);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_INFO_CHILDREN")]
    pub fn children(&self) -> io::Result<Vec<ProcessRef>> {
        Ok(info::children(self.pidfd())?)
    }

    /// Its children, their children and so on, parents first; otherwise as [`children`](Self::children).
    /// Those of a descendant that ends meanwhile may be missing too.
    ///
    /// # Errors
    ///
    /// As above.
    ///
    /// ```
    /// let own = procfd::Process::open(std::process::id())?;
    /// println!("{} descendants", own.descendants()?.len());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_INFO_DESCENDANTS")]
    pub fn descendants(&self) -> io::Result<Vec<ProcessRef>> {
        Ok(info::descendants(self.pidfd())?)
    }

    /// Its supplementary groups.
    ///
    /// # Errors
    ///
    /// As above.
    ///
    /// ```
    /// let own = procfd::Process::open(std::process::id())?;
    /// println!("{:?}", own.groups()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_INFO_GROUPS")]
    pub fn groups(&self) -> io::Result<Vec<u32>> {
        Ok(info::groups(self.pidfd())?)
    }

    /// The processors its leading thread may run on.
    ///
    /// # Errors
    ///
    /// As above.
    ///
    /// ```
    /// let own = procfd::Process::open(std::process::id())?;
    /// assert!(!own.affinity()?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_INFO_AFFINITY")]
    pub fn affinity(&self) -> io::Result<Vec<usize>> {
        let mask = info::affinity(self.pidfd())?;
        let bits =
            mask.iter().enumerate().flat_map(|(at, byte)| (0..8).map(move |bit| (at * 8 + bit, byte >> bit)));
        Ok(bits.filter(|(_, bit)| bit & 1 != 0).map(|(number, _)| number).collect())
    }

    /// The user id map of its user namespace: proc_pid_uid_map(5).
    ///
    /// # Errors
    ///
    /// As above.
    ///
    /// ```
    /// let own = procfd::Process::open(std::process::id())?;
    /// for line in own.uid_map()? {
    ///     println!("{} to {}, {} ids", line.inside, line.outside, line.count);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_INFO_UID_MAP")]
    pub fn uid_map(&self) -> io::Result<Vec<IdMap>> {
        Ok(info::id_map(self.pidfd(), c"uid_map")?)
    }

    /// The group id map of its user namespace.
    ///
    /// # Errors
    ///
    /// As above.
    ///
    /// ```
    /// let own = procfd::Process::open(std::process::id())?;
    /// assert!(!own.gid_map()?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_INFO_GID_MAP")]
    pub fn gid_map(&self) -> io::Result<Vec<IdMap>> {
        Ok(info::id_map(self.pidfd(), c"gid_map")?)
    }

    /// Its open descriptors. One that is opened or closed meanwhile may be missing.
    ///
    /// # Errors
    ///
    /// As above.
    ///
    /// ```
    /// let own = procfd::Process::open(std::process::id())?;
    /// for fd in own.open_fds()? {
    ///     println!("{}: {}", fd.fd, fd.path.display());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_INFO_FDS")]
    pub fn open_fds(&self) -> io::Result<Vec<OpenFd>> {
        Ok(info::open_fds(self.pidfd())?)
    }

    /// A descriptor of the namespace that you name, for setns(2).
    ///
    /// # Errors
    ///
    /// As above; `EINVAL`: none named, or several.
    ///
    /// # Kernel
    ///
    /// By the pidfd since 6.11, before that by /proc.
    ///
    /// ```
    /// let own = procfd::Process::open(std::process::id())?;
    /// let network = own.namespace(procfd::Namespaces::NET)?;
    /// # drop(network);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_INFO_NSFD")]
    pub fn namespace(&self, which: Namespaces) -> io::Result<OwnedFd> {
        Ok(info::namespace(self.pidfd(), which)?.into())
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsFd, AsRawFd};
    use std::os::unix::ffi::OsStrExt;
    use std::path::PathBuf;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::{FdKind, MapFlags, sys};

    fn own() -> Process {
        Process::open(std::process::id()).unwrap()
    }

    #[test]
    fn the_mappings_of_the_caller() {
        let code = the_mappings_of_the_caller as fn() as usize as u64;
        let maps = own().maps().unwrap();
        let map = maps.iter().find(|map| (map.start..map.end).contains(&code)).unwrap();
        assert_eq!(map.flags, MapFlags::READ | MapFlags::EXEC);
        assert_eq!(PathBuf::from(&map.path), std::env::current_exe().unwrap());
        assert!(maps.iter().any(|map| map.path == "[stack]"));
        assert!(maps.windows(2).all(|two| two[0].end <= two[1].start));
    }

    #[test]
    fn the_descriptors_of_the_caller() {
        let file = std::fs::File::open("/dev/null").unwrap();
        let all = own().open_fds().unwrap();
        let one = all.iter().find(|fd| fd.fd == file.as_raw_fd()).unwrap();
        assert_eq!((one.kind, one.path.as_bytes()), (FdKind::Character, &b"/dev/null"[..]));
        assert_eq!(one.rdev, libc::makedev(1, 3));
        assert_ne!(one.flags & libc::O_CLOEXEC as u32, 0);
        assert_eq!(own().fd_path(file.as_raw_fd() as u32).unwrap(), PathBuf::from("/dev/null"));
        assert_eq!(own().fd_path(1_000_000).unwrap_err().raw_os_error(), Some(libc::EBADF));
    }

    #[test]
    fn the_threads_of_the_caller() {
        let (done, wait) = std::sync::mpsc::channel::<()>();
        let (named, ready) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("x) R 1 (y".into());
        let thread = thread.spawn(move || {
            let link = std::fs::read_link("/proc/thread-self").unwrap();
            let tid: u32 = link.file_name().unwrap().to_str().unwrap().parse().unwrap();
            named.send(tid).unwrap();
            let _ = wait.recv();
        });
        let tid = ready.recv().unwrap();
        let all = own().threads(Fields::all()).unwrap();
        let one = all.iter().find(|thread| thread.tid == tid).unwrap();
        assert_eq!(one.comm.unwrap().as_bytes(), b"x) R 1 (y");
        assert!(one.fields().contains(Fields::START | Fields::TIMES | Fields::SWITCHES | Fields::SIGNALS));
        assert!(one.cpu_ns.unwrap() > 0);
        assert_eq!(own().threads(Fields::empty()).unwrap()[0].fields(), Fields::IDS);
        drop(done);
        thread.unwrap().join().unwrap();
    }

    #[test]
    fn the_lists_of_the_caller() {
        let own = own();
        assert!(!own.affinity().unwrap().is_empty());
        assert!(!own.uid_map().unwrap().is_empty());
        assert!(!own.gid_map().unwrap().is_empty());
        own.groups().unwrap();
        let ns = own.namespace(Namespaces::UTS).unwrap();
        let link = std::fs::read_link("/proc/self/ns/uts").unwrap();
        let (_, inode) = sys::fd::mode_and_inode(ns.as_fd()).unwrap();
        assert_eq!(link, PathBuf::from(format!("uts:[{inode}]")));
        let both = own.namespace(Namespaces::UTS | Namespaces::NET);
        assert_eq!(both.unwrap_err().raw_os_error(), Some(libc::EINVAL));
    }

    #[test]
    fn a_child_until_it_is_reaped() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let process = Process::open(child.id()).unwrap();
        let refs = own().children().unwrap();
        let one = refs.iter().find(|one| one.pid == child.id()).unwrap();
        assert_eq!(one.ppid, std::process::id());
        let start = process.info(Fields::START).unwrap().start.unwrap();
        assert_eq!(one.start_boot_ns, start.boot_ns);
        assert!(own().descendants().unwrap().contains(one));
        drop(child.stdin.take());
        sys::fd::poll(process.pidfd(), libc::POLLIN, None).unwrap();
        let error = |done: io::Result<()>| done.unwrap_err().raw_os_error();
        assert_eq!(error(process.exe().map(drop)), Some(libc::ENODATA));
        assert_eq!(error(process.open_fds().map(drop)), Some(libc::ENODATA));
        assert_eq!(process.threads(Fields::STATE).unwrap()[0].state.unwrap().code, b'Z');
        child.wait().unwrap();
        assert_eq!(error(process.exe().map(drop)), Some(libc::ESRCH));
        assert_eq!(error(process.threads(Fields::empty()).map(drop)), Some(libc::ESRCH));
        assert_eq!(error(process.children().map(drop)), Some(libc::ESRCH));
    }
}
