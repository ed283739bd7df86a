// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Kernel parameters of new namespaces.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::{Configured, Context};

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
