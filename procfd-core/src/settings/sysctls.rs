// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Kernel parameters of the new namespaces (sysctl(8)), which the child writes in /proc/sys.
//!
//! The files of namespaces show those of the process that opens them. A parameter outside of the namespaces
//! would concern the whole system, so it is refused.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;

use super::{Configured, Context, Facts, Families, Namespaces, Prepared, Set, Settings, check};
use crate::child::List;
use crate::error::{Error, Stage};

/// One parameter.
#[derive(Clone, Debug)]
struct Sysctl {
    /// Below /proc/sys.
    path: String,
    value: Vec<u8>,
    of: Namespaces,
}

/// The parameters, in the order in which they were given: the index of an error.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sysctls(Vec<Sysctl>);

/// The kernel takes less than a page at once.
const VALUE_MAX: usize = 4095;

/// The parameters of the namespaces: those that end in a slash with all beneath.
const KNOWN: &[(Namespaces, &[&str])] = &[
    (Namespaces::NET, &["net/"]),
    (Namespaces::UTS, &["kernel/hostname", "kernel/domainname"]),
    (
        Namespaces::IPC,
        &[
            "fs/mqueue/",
            "kernel/auto_msgmni",
            "kernel/msg_next_id",
            "kernel/msgmax",
            "kernel/msgmnb",
            "kernel/msgmni",
            "kernel/sem",
            "kernel/sem_next_id",
            "kernel/shm_next_id",
            "kernel/shm_rmid_forced",
            "kernel/shmall",
            "kernel/shmmax",
            "kernel/shmmni",
        ],
    ),
    (Namespaces::USER, &["user/"]),
];

/// The namespace that a parameter is of.
fn namespace_of(path: &str) -> Option<Namespaces> {
    let is = |known: &&str| if known.ends_with('/') { path.starts_with(known) } else { path == *known };
    KNOWN.iter().find_map(|(of, names)| names.iter().any(is).then_some(*of))
}

/// The path of a name as sysctl(8) has it: where a dot comes before any slash, dots and slashes change places.
fn path_of(name: &str) -> Option<String> {
    let dots = name.find(['.', '/']).is_some_and(|at| name.as_bytes().get(at) == Some(&b'.'));
    let path: String = name
        .chars()
        .map(|c| match c {
            '.' if dots => '/',
            '/' if dots => '.',
            c => c,
        })
        .collect();
    let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    (path.split('/').all(plain) && path.len() < check::PATH_MAX / 2).then_some(path)
}

impl Settings {
    /// One parameter: its name, "=", its value.
    pub fn add_sysctl(&mut self, text: CString) -> Set {
        let text = text.as_bytes();
        let Some(at) = text.iter().position(|&c| c == b'=') else {
            return Err(Error::config(
                libc::EINVAL,
                format_args!("{:?}, which is not NAME=VALUE", String::from_utf8_lossy(text)),
            ));
        };
        let (name, value) = (text.get(..at), text.get(at.saturating_add(1)..));
        self.add_sysctl_value(name.unwrap_or_default(), value.unwrap_or_default())
    }

    /// The same in two parts.
    pub(crate) fn add_sysctl_value(&mut self, name: &[u8], value: &[u8]) -> Set {
        let shown = String::from_utf8_lossy(name);
        let Some(path) = std::str::from_utf8(name).ok().and_then(path_of) else {
            return Err(Error::config(
                libc::EINVAL,
                format_args!("{shown:?}, which is no name of a parameter"),
            ));
        };
        if value.len() > VALUE_MAX {
            return Err(Error::config(libc::E2BIG, format_args!("{} bytes for {shown}", value.len())));
        }
        if value.contains(&0) {
            return Err(Error::config(libc::EINVAL, format_args!("a NUL in the value of {shown}")));
        }
        let Some(of) = namespace_of(&path) else {
            return Err(Error::config(
                libc::EINVAL,
                format_args!("{shown}, which is not of a namespace: it would be the whole system's"),
            ));
        };
        check::len(self.sysctls.0.len().saturating_add(1), "parameters")?;
        self.make(Families::SYSCTLS).sysctls.0.push(Sysctl { path, value: value.to_vec(), of });
        Ok(())
    }
}

impl Context {
    /// A kernel parameter of a new namespace, by the name that sysctl(8) has for it. You can set several.
    ///
    /// The namespaces have these: `net.*` the network; `kernel.msg*`, `kernel.sem*`, `kernel.shm*` and `fs.mqueue.*`
    /// IPC; `kernel.hostname` and `kernel.domainname` UTS; `user.*` the user namespace.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no such name, or a parameter of the whole system; `E2BIG`: a value over 4,095 bytes.
    ///
    /// # Kernel
    ///
    /// [sysctl(8)](https://man7.org/linux/man-pages/man8/sysctl.8.html). Privilege: that of the namespace. In a new
    /// user namespace the IPC parameters need Linux 6.3, and `kernel.hostname` is never writable.
    ///
    /// ```no_run
    /// use procfd::Namespaces;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?.namespaces(Namespaces::USER | Namespaces::NET)?;
    /// context.sysctl("net.ipv4.ip_forward", "1")?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_SYSCTL")]
    pub fn sysctl(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Configured<'_> {
        self.set(|s| s.add_sysctl_value(name.as_ref().as_bytes(), value.as_ref().as_bytes()))
    }
}

pub(super) fn conflicts(s: &Settings) -> Set {
    match s.sysctls.0.iter().find(|sysctl| !s.namespaces.has(sysctl.of)) {
        None => Ok(()),
        Some(Sysctl { path, of, .. }) => Err(Error::plan(
            libc::EINVAL,
            format_args!("{path} without a new namespace of its kind ({})", Namespaces::names_of(of.bits())),
        )),
    }
}

pub(super) fn write(s: &Settings, _: &Facts<'_>, list: &mut List) {
    for (sysctl, index) in s.sysctls.0.iter().zip(0..) {
        // Neither has a NUL in it.
        let Ok(path) = CString::new(format!("/proc/sys/{}", sysctl.path)) else { continue };
        list.step(Stage::SYSCTL, index).write_file(&path, &sysctl.value);
    }
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, index: u32) -> Option<String> {
    if stage != Stage::SYSCTL {
        return None;
    }
    let Sysctl { path, value, .. } = s.sysctls.0.get(usize::try_from(index).ok()?)?;
    Some(format!("{path} to {:?}", String::from_utf8_lossy(value)))
}

pub(super) fn hint(_: &Settings, stage: Stage, errno: i32) -> Option<&'static str> {
    match (stage, errno) {
        (Stage::SYSCTL, libc::ENOENT) => {
            Some("this namespace does not have it, its module is not loaded, or /proc is not mounted")
        }
        (Stage::SYSCTL, libc::EACCES | libc::EPERM) => {
            Some("not writable in a namespace, or the kernel lets only the root of the system change it")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_sysctl() {
        let path = |name| path_of(name).unwrap();
        assert_eq!(path("net.ipv4.ip_forward"), "net/ipv4/ip_forward");
        assert_eq!(path("net/ipv4/conf/eth0.1/rp_filter"), "net/ipv4/conf/eth0.1/rp_filter");
        assert_eq!(path("net.ipv4.conf.eth0/1.rp_filter"), "net/ipv4/conf/eth0.1/rp_filter");
        for wrong in ["", ".", "net..ipv4", "net/../kernel/panic", "/net", "net/", "net.", "net/./x"] {
            assert_eq!(path_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn each_is_of_a_namespace() {
        for (path, of) in [
            ("net/core/somaxconn", Some(Namespaces::NET)),
            ("kernel/sem", Some(Namespaces::IPC)),
            ("kernel/shm_rmid_forced", Some(Namespaces::IPC)),
            ("fs/mqueue/msg_max", Some(Namespaces::IPC)),
            ("user/max_net_namespaces", Some(Namespaces::USER)),
            ("kernel/hostname", Some(Namespaces::UTS)),
            ("kernel/panic", None),
            ("kernel/semaphore", None),
            ("network/x", None),
            ("vm/swappiness", None),
        ] {
            assert_eq!(namespace_of(path), of, "{path}");
        }
    }
}
