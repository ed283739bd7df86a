// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Landlock: which files, ports and processes the process reaches.

use std::os::fd::OwnedFd;
use std::path::Path;

use super::{Configured, Context};
use crate::settings::{Landlock, LandlockFs, LandlockLog, LandlockNet, c_string};

impl Context {
    /// A Landlock ruleset: what the process may not do, but for what
    /// [`landlock_path`](Self::landlock_path) and [`landlock_port`](Self::landlock_port) allow. A second one
    /// replaces the first and keeps the rules; one that restricts nothing drops both.
    ///
    /// It holds for the process and all it starts, and no way leads out. The execution of the program is restricted
    /// already: rules have to allow the program, its interpreter and its libraries.
    ///
    /// # Errors
    ///
    /// `EINVAL`: unknown bits. The creation fails with `EPERM` without
    /// [`no_new_privs`](Self::no_new_privs) or `CAP_SYS_ADMIN`; with `EOPNOTSUPP` if the ruleset is
    /// [`strict`](Landlock::strict) and the kernel lacks some of it.
    ///
    /// # Kernel
    ///
    /// [landlock(7)](https://man7.org/linux/man-pages/man7/landlock.7.html), since 5.13; what is newer says so. What
    /// the kernel lacks stays unrestricted, unless the ruleset is strict.
    ///
    /// ```
    /// use procfd::{Landlock, LandlockFs};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "! echo x > /tmp/procfd-landlock"])?;
    /// context.no_new_privs()?.landlock(Landlock::new().fs(LandlockFs::WRITE))?;
    /// context.landlock_path("/dev/null", LandlockFs::WRITE)?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_LANDLOCK")]
    pub fn landlock(&mut self, ruleset: Landlock) -> Configured<'_> {
        self.set(|s| s.set_landlock((!ruleset.is_empty()).then_some(ruleset)))
    }

    /// Allows accesses to a file, or to a directory and all beneath it. The child opens the path, in its own root and
    /// as its own user. Of a file the accesses of directories are left out.
    ///
    /// # Errors
    ///
    /// `EINVAL`: unknown bits, or none; a NUL in the path. `ENOENT`: an empty path. `ENAMETOOLONG`. `E2BIG`: over 65,536
    /// rules. The creation fails with `EINVAL` without a [`landlock`](Self::landlock) ruleset that restricts all of
    /// the accesses.
    ///
    /// # Kernel
    ///
    /// [landlock_add_rule(2)](https://man7.org/linux/man-pages/man2/landlock_add_rule.2.html). No privilege.
    ///
    /// ```
    /// use procfd::{Landlock, LandlockFs, Stage};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?.no_new_privs()?.landlock(Landlock::new().fs(LandlockFs::WRITE))?;
    /// context.landlock_path("/tmp", LandlockFs::WRITE)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::LANDLOCK_RULE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_LANDLOCK_PATH")]
    pub fn landlock_path(&mut self, path: impl AsRef<Path>, accesses: LandlockFs) -> Configured<'_> {
        let path = c_string(path.as_ref())?;
        self.set(|s| s.add_landlock_path(accesses, path))
    }

    /// Allows to bind a TCP socket to a port, or to connect one.
    ///
    /// # Errors
    ///
    /// `EINVAL`: unknown bits, or none. `E2BIG`: over 65,536 rules. The creation fails with `EINVAL` without a
    /// [`landlock`](Self::landlock) ruleset that restricts all of the accesses.
    ///
    /// # Kernel
    ///
    /// [landlock_add_rule(2)](https://man7.org/linux/man-pages/man2/landlock_add_rule.2.html); since 6.7. No privilege.
    ///
    /// ```
    /// use procfd::{Landlock, LandlockNet, Stage};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.no_new_privs()?.landlock(Landlock::new().net(LandlockNet::CONNECT_TCP))?;
    /// context.landlock_port(443, LandlockNet::CONNECT_TCP)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::LANDLOCK));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_LANDLOCK_PORT")]
    pub fn landlock_port(&mut self, port: u16, accesses: LandlockNet) -> Configured<'_> {
        self.set(|s| s.add_landlock_port(accesses, port.into()))
    }

    /// A ruleset that you have made with landlock_create_ruleset(2) and landlock_add_rule(2), for what
    /// [`landlock`](Self::landlock) does not express. The context keeps the descriptor until the process has started.
    /// Several apply one after another, after [`landlock`](Self::landlock): an access must be allowed by all of
    /// them. A [`Landlock`] that restricts nothing drops them too.
    ///
    /// # Errors
    ///
    /// `E2BIG`: over 16. `EMFILE`. Of [`create`](Self::create): `EPERM`: neither
    /// [`no_new_privs`](Self::no_new_privs) nor `CAP_SYS_ADMIN`. `EBADFD`: the descriptor is no ruleset. `EINVAL`: the
    /// kernel has no such flags.
    ///
    /// # Kernel
    ///
    /// [landlock_restrict_self(2)](https://man7.org/linux/man-pages/man2/landlock_restrict_self.2.html), since 5.13; since
    /// 6.15 with flags.
    ///
    /// ```no_run
    /// use procfd::LandlockLog;
    ///
    /// # let ruleset = std::fs::File::open("/proc/self/fd/5")?; // of landlock_create_ruleset(2)
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?.no_new_privs()?.landlock_fd(ruleset, LandlockLog::empty())?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_LANDLOCK_FD")]
    pub fn landlock_fd(&mut self, ruleset: impl Into<OwnedFd>, log: LandlockLog) -> Configured<'_> {
        let ruleset = ruleset.into();
        self.set(|s| s.add_landlock_fd(ruleset, log.bits().into()))
    }
}
