// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The questions to a process whose answers are texts.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use crate::info::{self, Text};
use crate::process::Process;

/// The texts of a process.
///
/// Each is of this process or fails: what /proc says counts only if the process has not been reaped
/// meanwhile. Where the leading thread has ended and others live, one of those is asked.
///
/// # Errors
///
/// Of all of them: `ESRCH`: it is reaped; `ENODATA`: it has none, as a zombie or kernel thread has no
/// program, arguments, mappings or descriptors, or the kernel has none; `EACCES`, `EPERM`: the caller may
/// not know (for most of them, who may not trace it: ptrace(2)), or `hidepid` of proc(5) hides it;
/// `EREMOTE`: it is outside the caller's pid namespace, or /proc is of another; `ENOENT`: no /proc;
/// `EMFILE`; `EAGAIN`: it executes one program after the other, faster than they can be read.
impl Process {
    /// The path of its program, with " (deleted)" behind it where that has been unlinked.
    ///
    /// # Errors
    ///
    /// As above.
    ///
    /// ```
    /// let own = procfd::Process::from_fd(std::fs::File::open("/proc/self")?)?;
    /// assert_eq!(own.exe()?, std::env::current_exe()?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_INFO_EXE")]
    pub fn exe(&self) -> io::Result<PathBuf> {
        self.os_string(Text::Exe).map(PathBuf::from)
    }

    /// Its current directory.
    ///
    /// # Errors
    ///
    /// As above.
    ///
    /// ```
    /// let own = procfd::Process::open(std::process::id())?;
    /// assert_eq!(own.cwd()?, std::env::current_dir()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_INFO_CWD")]
    pub fn cwd(&self) -> io::Result<PathBuf> {
        self.os_string(Text::Cwd).map(PathBuf::from)
    }

    /// Its root directory.
    ///
    /// # Errors
    ///
    /// As above.
    ///
    /// ```
    /// let own = procfd::Process::open(std::process::id())?;
    /// println!("{}", own.root()?.display());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_INFO_ROOT")]
    pub fn root(&self) -> io::Result<PathBuf> {
        self.os_string(Text::Root).map(PathBuf::from)
    }

    /// Its arguments. It may have written others over those it was started with.
    ///
    /// # Errors
    ///
    /// As above.
    ///
    /// ```
    /// let own = procfd::Process::open(std::process::id())?;
    /// assert_eq!(own.argv()?, std::env::args_os().collect::<Vec<_>>());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_INFO_ARGV")]
    pub fn argv(&self) -> io::Result<Vec<OsString>> {
        self.text(Text::Argv).map(|bytes| strings(&bytes))
    }

    /// Its environment as the program was started with, of `NAME=value`.
    ///
    /// # Errors
    ///
    /// As above.
    ///
    /// ```
    /// let own = procfd::Process::open(std::process::id())?;
    /// for variable in own.environ()? {
    ///     println!("{}", variable.display());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_INFO_ENVIRON")]
    pub fn environ(&self) -> io::Result<Vec<OsString>> {
        self.text(Text::Environ).map(|bytes| strings(&bytes))
    }

    /// The path of its cgroup v2 directory, from the root of the caller's cgroup namespace.
    ///
    /// # Errors
    ///
    /// As above; `ENODATA`: no cgroup v2.
    ///
    /// ```
    /// let own = procfd::Process::open(std::process::id())?;
    /// match own.cgroup() {
    ///     Ok(path) => println!("{}", path.display()),
    ///     Err(e) => assert_eq!(e.raw_os_error(), Some(libc::ENODATA)),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_INFO_CGROUP")]
    pub fn cgroup(&self) -> io::Result<PathBuf> {
        self.os_string(Text::Cgroup).map(PathBuf::from)
    }

    /// Its auxiliary vector (getauxval(3)): types and values, the AT_NULL at the end included.
    ///
    /// # Errors
    ///
    /// As above.
    ///
    /// ```
    /// let own = procfd::Process::open(std::process::id())?;
    /// let page = own.auxv()?.into_iter().find(|(key, _)| *key == libc::AT_PAGESZ);
    /// assert_eq!(page.map(|(_, size)| size % 4096), Some(0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_INFO_AUXV")]
    pub fn auxv(&self) -> io::Result<Vec<(u64, u64)>> {
        let words: Vec<u64> = self
            .text(Text::Auxv)?
            .chunks_exact(8)
            .filter_map(|word| word.try_into().ok().map(u64::from_ne_bytes))
            .collect();
        Ok(words.chunks_exact(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?))).collect())
    }

    /// The kernel function its leading thread sleeps in.
    ///
    /// # Errors
    ///
    /// As above; `ENODATA` also where that runs, and where the caller may not know.
    #[doc(alias = "PROC_INFO_WCHAN")]
    pub fn wchan(&self) -> io::Result<OsString> {
        self.os_string(Text::Wchan)
    }

    /// The label of the security module.
    ///
    /// # Errors
    ///
    /// As above; `ENODATA` also where no module has labels.
    #[doc(alias = "PROC_INFO_LABEL")]
    pub fn label(&self) -> io::Result<OsString> {
        self.os_string(Text::Label)
    }

    /// The system call its leading thread is in: proc_pid_syscall(5).
    ///
    /// # Errors
    ///
    /// As above.
    #[doc(alias = "PROC_INFO_SYSCALL")]
    pub fn syscall(&self) -> io::Result<OsString> {
        self.os_string(Text::Syscall)
    }

    /// The kernel's stack of its leading thread: proc_pid_stack(5). For CAP_SYS_ADMIN.
    ///
    /// # Errors
    ///
    /// As above.
    #[doc(alias = "PROC_INFO_STACK")]
    pub fn stack(&self) -> io::Result<OsString> {
        self.os_string(Text::Stack)
    }

    /// The mounts it sees: proc_pid_mountinfo(5).
    ///
    /// # Errors
    ///
    /// As above.
    ///
    /// ```
    /// let own = procfd::Process::open(std::process::id())?;
    /// for line in own.mounts()?.to_string_lossy().lines() {
    ///     println!("{line}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_INFO_MOUNTS")]
    pub fn mounts(&self) -> io::Result<OsString> {
        self.os_string(Text::Mounts)
    }

    /// The file that one of its descriptors refers to, as in [`OpenFd::path`](crate::OpenFd::path).
    ///
    /// # Errors
    ///
    /// As above; `EBADF`: it is not open.
    ///
    /// ```
    /// let own = procfd::Process::open(std::process::id())?;
    /// let null = std::fs::File::open("/dev/null")?;
    /// # use std::os::fd::AsRawFd;
    /// assert_eq!(own.fd_path(null.as_raw_fd() as u32)?.to_str(), Some("/dev/null"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_INFO_FD_PATH")]
    pub fn fd_path(&self, number: u32) -> io::Result<PathBuf> {
        self.os_string(Text::Fd(number)).map(PathBuf::from)
    }

    fn text(&self, which: Text) -> io::Result<Vec<u8>> {
        Ok(info::text(self.pidfd(), which)?)
    }

    fn os_string(&self, which: Text) -> io::Result<OsString> {
        self.text(which).map(OsString::from_vec)
    }
}

/// Strings that are each followed by a NUL, which the last may lack.
fn strings(bytes: &[u8]) -> Vec<OsString> {
    if bytes.is_empty() {
        return Vec::new();
    }
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    bytes.split(|&b| b == 0).map(|string| OsString::from_vec(string.to_vec())).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    fn own() -> Process {
        Process::open(std::process::id()).unwrap()
    }

    #[test]
    fn strings_and_their_ends() {
        assert_eq!(strings(b"a\0\0b c\0"), ["a", "", "b c"]);
        assert_eq!(strings(b"title"), ["title"]);
        assert_eq!(strings(b"\0"), [""]);
        assert!(strings(b"").is_empty());
    }

    #[test]
    fn the_texts_of_the_caller() {
        let own = own();
        assert_eq!(own.exe().unwrap(), std::env::current_exe().unwrap());
        assert_eq!(own.cwd().unwrap(), std::env::current_dir().unwrap());
        assert_eq!(own.argv().unwrap(), std::env::args_os().collect::<Vec<_>>());
        let environ = std::fs::read("/proc/self/environ").unwrap();
        assert_eq!(own.environ().unwrap(), strings(&environ));
        let page = own.auxv().unwrap().into_iter().find(|&(key, _)| key == libc::AT_PAGESZ);
        assert_eq!(page.map(|(_, size)| size % 4096), Some(0));
        assert_eq!(own.auxv().unwrap().last(), Some(&(0, 0)));
        assert_eq!(own.mounts().unwrap().as_bytes(), std::fs::read("/proc/self/mountinfo").unwrap());
    }
}
