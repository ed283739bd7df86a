// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Landlock: which files, ports and processes the process reaches.
//!
//! The child makes the ruleset itself, shortly before it executes: it opens the paths in its own root, as its own
//! user. Rulesets that the caller has made come after it, by their descriptors. The kernel wants no_new_privs, or
//! CAP_SYS_ADMIN in the user namespace.

mod lower;
mod ruleset;

use std::ffi::CString;
use std::os::fd::{OwnedFd, RawFd};
use std::path::Path;
use std::sync::Arc;

use super::ends::End;
use super::{Configured, Context, Families, Prepared, Set, Settings, c_string, check};
use crate::error::{Error, Stage};
use crate::sys::vec::Shared;
use crate::{forks, sys};

pub(super) use lower::{landlock, made};
pub use ruleset::{Landlock, LandlockFs, LandlockLog, LandlockNet, LandlockScopes};

const CAP_SYS_ADMIN: u32 = 21;
/// LANDLOCK_RESTRICT_SELF_LOG_*: what is logged. Linux 6.15.
const RESTRICT_FLAGS: u32 = LandlockLog::all().bits();
/// LANDLOCK_MAX_NUM_LAYERS of the kernel.
const LAYERS_MAX: usize = 16;

/// The accesses that a rule permits.
#[derive(Clone, Debug)]
enum Rule {
    Path(LandlockFs, CString),
    Port(LandlockNet, u16),
}

impl Rule {
    /// The accesses, as a ruleset that restricts just them.
    fn accesses(&self) -> Landlock {
        match self {
            Self::Path(accesses, _) => Landlock::new().fs(*accesses),
            Self::Port(accesses, _) => Landlock::new().net(*accesses),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Path(_, path) => format!("for {path:?}"),
            Self::Port(_, port) => format!("for port {port}"),
        }
    }
}

/// The ruleset, the rules in the order in which they came, and the caller's own rulesets with their flags.
#[derive(Clone, Debug, Default)]
pub(crate) struct Confinement {
    ruleset: Option<Landlock>,
    rules: Shared<Rule>,
    made: Vec<(Arc<End>, u32)>,
}

impl Confinement {
    /// The kernel's version, where something depends on it.
    pub(super) fn abi(&self) -> Option<u32> {
        self.ruleset.map(|_| sys::task::landlock_abi())
    }

    /// The caller's own rulesets.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = &Arc<End>> {
        self.made.iter().map(|(end, _)| end)
    }

    pub(super) fn descriptors_mut(&mut self) -> impl Iterator<Item = &mut Arc<End>> {
        self.made.iter_mut().map(|(end, _)| end)
    }

    pub(super) fn let_go(&mut self) {
        self.made.clear();
    }
}

fn unknown(bits: u64, what: &str) -> Error {
    Error::config(libc::EINVAL, format_args!("{what} {bits:#x} of Landlock, which are unknown"))
}

impl Settings {
    /// The ruleset; none drops the rules too.
    pub fn set_landlock(&mut self, ruleset: Option<Landlock>) -> Set {
        let Some(ruleset) = ruleset else {
            self.make(Families::LANDLOCK).landlock = Confinement::default();
            return Ok(());
        };
        let Landlock { fs, net, scopes, .. } = ruleset;
        let beyond = [
            (fs.bits() & !LandlockFs::all().bits(), "accesses to files"),
            (net.bits() & !LandlockNet::all().bits(), "accesses to ports"),
            (scopes.bits() & !LandlockScopes::all().bits(), "scopes"),
        ];
        if let Some((bits, what)) = beyond.into_iter().find(|(bits, _)| *bits != 0) {
            return Err(unknown(bits, what));
        }
        if ruleset.is_empty() {
            return Err(Error::config(libc::EINVAL, "a Landlock ruleset that restricts nothing"));
        }
        self.make(Families::LANDLOCK).landlock.ruleset = Some(ruleset);
        Ok(())
    }

    /// A rule for a path and what is beneath.
    pub fn add_landlock_path(&mut self, accesses: LandlockFs, path: CString) -> Set {
        check::path(&path, "a Landlock rule")?;
        let beyond = accesses.bits() & !LandlockFs::all().bits();
        if beyond != 0 {
            return Err(unknown(beyond, "accesses to files"));
        }
        self.add_landlock_rule(Rule::Path(accesses, path))
    }

    /// A rule for a TCP port.
    pub fn add_landlock_port(&mut self, accesses: LandlockNet, port: u32) -> Set {
        let Ok(port) = u16::try_from(port) else {
            return Err(Error::config(libc::EINVAL, format_args!("port {port} is not in 0 to 65535")));
        };
        let beyond = accesses.bits() & !LandlockNet::all().bits();
        if beyond != 0 {
            return Err(unknown(beyond, "accesses to ports"));
        }
        self.add_landlock_rule(Rule::Port(accesses, port))
    }

    fn add_landlock_rule(&mut self, rule: Rule) -> Set {
        if rule.accesses().is_empty() {
            let words = rule.words();
            return Err(Error::config(
                libc::EINVAL,
                format_args!("a Landlock rule {words} that allows nothing"),
            ));
        }
        check::len(self.landlock.rules.len() + 1, "Landlock rules")?;
        self.make(Families::LANDLOCK)
            .landlock
            .rules
            .push(rule)
            .map_err(|e| Error::config(e.0, "the Landlock rules"))
    }

    /// A ruleset that the caller has made.
    pub fn add_landlock_fd(&mut self, fd: OwnedFd, flags: u64) -> Set {
        let Some(flags) = u32::try_from(flags).ok().filter(|flags| flags & !RESTRICT_FLAGS == 0) else {
            return Err(Error::config(
                libc::EINVAL,
                format_args!("flags {flags:#x} of Landlock; there are {RESTRICT_FLAGS:#x}"),
            ));
        };
        if self.landlock.made.len() >= LAYERS_MAX {
            return Err(Error::config(libc::E2BIG, format_args!("more than {LAYERS_MAX} Landlock rulesets")));
        }
        let end = self.keep_late(fd.into(), |e| Error::config(e.0, "a Landlock ruleset"))?;
        self.make(Families::LANDLOCK).landlock.made.push((end, flags));
        Ok(())
    }

    /// The same: the descriptor stays the caller's.
    pub fn copy_landlock_fd(&mut self, fd: RawFd, flags: u64) -> Set {
        check::fd(fd, "a Landlock ruleset")?;
        let failed =
            |e: crate::Errno| Error::config(e.0, format_args!("descriptor {fd} as a Landlock ruleset"));
        if forks::is_listed(fd) {
            return Err(failed(crate::Errno(libc::EBADF)));
        }
        let copy = sys::fd::borrow(fd).and_then(sys::fd::dup_cloexec).map_err(failed)?;
        self.add_landlock_fd(copy.into(), flags)
    }

    /// Whether the child needs CAP_SYS_ADMIN for it.
    pub(super) fn landlock_needs_rights(&self) -> bool {
        (self.landlock.ruleset.is_some() || !self.landlock.made.is_empty())
            && !self.privileges.is_no_new_privs()
    }
}

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
    /// [landlock(7)](https://man7.org/linux/man-pages/man7/landlock.7.html), since 5.13; newer parts name
    /// their version. What the kernel lacks stays unrestricted, unless the ruleset is strict. Privilege:
    /// [`no_new_privs`](Self::no_new_privs) or `CAP_SYS_ADMIN`.
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
    /// 6.15 with flags. Privilege: [`no_new_privs`](Self::no_new_privs) or `CAP_SYS_ADMIN`.
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

pub(super) fn conflicts(s: &Settings) -> Set {
    if let Some(ruleset) = s.landlock.ruleset {
        fits(s, ruleset)?;
    } else if !s.landlock.rules.is_empty() {
        return Err(Error::plan(libc::EINVAL, "Landlock rules without a ruleset")
            .hint("say what it restricts (PROC_SET_LANDLOCK)"));
    }
    if s.landlock_needs_rights() && !sys::task::no_new_privs() && !s.creator_has(CAP_SYS_ADMIN) {
        return Err(Error::plan(libc::EPERM, "a Landlock ruleset without CAP_SYS_ADMIN")
            .hint("set no_new_privs (PROC_SET_NO_NEW_PRIVS)"));
    }
    Ok(())
}

/// The rules are for what the ruleset restricts, and with `strict` the kernel knows all of it.
fn fits(s: &Settings, ruleset: Landlock) -> Set {
    for rule in s.landlock.rules.iter() {
        let beyond = rule.accesses().beyond(ruleset);
        if !beyond.is_empty() {
            return Err(Error::plan(
                libc::EINVAL,
                format_args!("a Landlock rule {} for {beyond}", rule.words()),
            )
            .hint("the ruleset does not restrict it: add it there, or leave it out"));
        }
    }
    if ruleset.strict {
        let abi = sys::task::landlock_abi();
        let missing = ruleset.beyond(ruleset.known(abi));
        if !missing.is_empty() {
            let text = match abi {
                0 => "Landlock, which this kernel lacks or does not enable".into(),
                _ => format!("{missing} of Landlock, which version {abi} of this kernel lacks"),
            };
            return Err(Error::plan(libc::EOPNOTSUPP, text)
                .hint("without PROC_LANDLOCK_STRICT it stays unrestricted"));
        }
    }
    Ok(())
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, index: u32) -> Option<String> {
    if stage == Stage::LANDLOCK_FD {
        return s.landlock.made.get(usize::try_from(index).ok()?).map(|(_, flags)| match flags {
            0 => format!("number {index}"),
            flags => format!("number {index} with flags {flags:#x}"),
        });
    }
    if stage != Stage::LANDLOCK_RULE {
        return None;
    }
    s.landlock.rules.get(usize::try_from(index).ok()?).map(Rule::words)
}

pub(super) fn hint(s: &Settings, stage: Stage, errno: i32) -> Option<&'static str> {
    match (stage, errno) {
        (Stage::LANDLOCK | Stage::LANDLOCK_FD, libc::E2BIG) => {
            Some("16 rulesets are the most, with those of the creator")
        }
        (Stage::LANDLOCK | Stage::LANDLOCK_RULE, libc::EMFILE) => {
            Some("it takes two more descriptors: raise RLIMIT_NOFILE")
        }
        (Stage::LANDLOCK_FD, libc::EBADFD) => Some("the descriptor is not one of landlock_create_ruleset(2)"),
        (Stage::LANDLOCK_FD, libc::EBADF) => {
            Some("the program has closed the number at which the context keeps it")
        }
        (Stage::LANDLOCK_FD, libc::EINVAL) => Some("a kernel older than 6.15 has no flags"),
        (Stage::LANDLOCK_FD, libc::EOPNOTSUPP) => Some("this kernel does not enable Landlock"),
        (Stage::LANDLOCK_RULE, libc::EINVAL) => {
            Some("the path is no directory, and what the rule allows is for directories")
        }
        (Stage::EXEC, libc::EACCES)
            if !s.landlock.made.is_empty()
                || s.landlock.ruleset.is_some_and(|all| all.fs.intersects(EXECUTES)) =>
        {
            Some("or no Landlock rule allows the program, its interpreter or its dynamic linker")
        }
        _ => None,
    }
}

/// The accesses that an execution needs.
const EXECUTES: LandlockFs = LandlockFs::EXECUTE.union(LandlockFs::READ_FILE);
