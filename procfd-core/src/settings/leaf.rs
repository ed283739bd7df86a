// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! A new cgroup (v2) for the process, with limits.

use std::ffi::{CStr, CString, OsStr};
use std::fmt;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use super::{Configured, Context, Families, Set, Settings, c_string};
use crate::error::{Error, Stage};
use crate::leaves::{Leaf, NewLeaf};
use crate::sys::{self, CGROUP2_SUPER_MAGIC, Errno, OwnFd, vec};

/// Longest name of a file (limits.h).
const NAME_MAX: usize = 255;
/// Longest value of a limit: the kernel takes a page.
const VALUE_MAX: usize = 4095;
/// Limits of one context.
const LIMITS_MAX: usize = 256;
/// The length of a CPU period in microseconds, and the shortest quota. The kernel's own.
const PERIOD_US: f64 = 100_000.0;
const QUOTA_MIN_US: f64 = 1_000.0;
/// More CPUs than a kernel can have.
const CPUS_MAX: f64 = 65_536.0;
/// The name of a limit that is a number of CPUs.
const CPUS: &str = "cpus";

/// A new cgroup for the process.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// Without one the library chooses it.
    name: Option<CString>,
    limits: Vec<Limit>,
}

/// A file of the cgroup, and what is written there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Limit {
    file: CString,
    value: CString,
}

impl Limit {
    /// Of `NAME=VALUE`.
    fn parse(text: &CStr) -> Result<Self, Error> {
        let refuse =
            |why: fmt::Arguments<'_>| Err(Error::config(libc::EINVAL, format_args!("a cgroup limit {why}")));
        let Some((name, value)) = text.to_str().ok().and_then(|text| text.split_once('=')) else {
            return refuse(format_args!("{text:?}, which is not NAME=VALUE"));
        };
        if name == CPUS {
            return Self::of_cpus(value);
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.len() > NAME_MAX || !name.chars().all(is_plain) || !name.trim_matches('.').contains('.') {
            return refuse(format_args!(
                "{name:?}: a file of the cgroup is needed, as \"memory.max\", or \"cpus\""
            ));
        }
        if name.starts_with("cgroup.") && !name.starts_with("cgroup.max.") {
            return refuse(format_args!("{name:?}, which is not a limit"));
        }
        if value.is_empty() || value.len() > VALUE_MAX {
            return refuse(format_args!("{name:?} of {} bytes, not 1 to {VALUE_MAX}", value.len()));
        }
        Self::new(name, value)
    }

    fn of_cpus(value: &str) -> Result<Self, Error> {
        let cpus = value.parse::<f64>().unwrap_or(f64::NAN);
        let least = QUOTA_MIN_US / PERIOD_US;
        if !(least..=CPUS_MAX).contains(&cpus) {
            return Err(Error::config(
                libc::EINVAL,
                format_args!("a cgroup limit of {value:?} CPUs, not {least} to {CPUS_MAX}"),
            ));
        }
        Self::new("cpu.max", &format!("{:.0} {PERIOD_US:.0}", cpus * PERIOD_US))
    }

    fn new(file: &str, value: &str) -> Result<Self, Error> {
        let string = |s: &str| vec::c_string(s.as_bytes()).map_err(|e| Error::config(e.0, "a cgroup limit"));
        Ok(Self { file: string(file)?, value: string(value)? })
    }

    fn file(&self) -> &str {
        self.file.to_str().unwrap_or_default()
    }

    /// The controller of the file; none for the files of all cgroups.
    fn controller(&self) -> Option<&str> {
        self.file().split('.').next().filter(|&name| name != "cgroup")
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.file(), self.value.to_string_lossy())
    }
}

impl Wanted {
    /// How many limits there are.
    pub(super) fn limits(&self) -> u32 {
        self.limits.len() as u32
    }

    /// The operand of one of its steps.
    pub(super) fn shown(&self, stage: Stage, index: u32) -> Option<String> {
        match stage {
            Stage::CGROUP_LEAF => {
                Some(self.name.as_ref().map_or_else(String::new, |name| format!("{name:?}")))
            }
            Stage::CGROUP_LIMIT => self.limits.get(index as usize).map(ToString::to_string),
            _ => None,
        }
    }

    /// Makes it below `parent`, with its limits.
    pub(super) fn make(&self, parent: OwnFd) -> Result<NewLeaf, Error> {
        self.enable(parent.as_fd())?;
        let name = self.name.as_deref();
        let leaf = Leaf::make(parent, name).map_err(|e| {
            let error =
                Error::new(Stage::CGROUP_LEAF, 0, e, self.shown(Stage::CGROUP_LEAF, 0).unwrap_or_default());
            match e.0 {
                libc::EACCES | libc::EPERM | libc::EROFS => error.hint(
                    "the parent must be yours to write: a delegated cgroup, as of systemd's Delegate=yes",
                ),
                libc::EEXIST => error.hint("a cgroup, or a file of the parent, has this name"),
                libc::EAGAIN => error.hint("cgroup.max.depth or cgroup.max.descendants of a cgroup above"),
                _ => error,
            }
        })?;
        let leaf = NewLeaf::new(leaf);
        let Some(made) = leaf.get() else { return Ok(leaf) };
        if words(made.dir(), c"cgroup.type").starts_with("domain invalid") {
            let shown = self.shown(Stage::CGROUP_LEAF, 0).unwrap_or_default();
            return Err(Error::new(Stage::CGROUP_LEAF, 0, Errno(libc::EBUSY), shown).hint(PROCESSES));
        }
        for (limit, index) in self.limits.iter().zip(0..) {
            self.write(made.dir(), limit, index)?;
        }
        Ok(leaf)
    }

    fn write(&self, dir: BorrowedFd<'_>, limit: &Limit, index: u32) -> Result<(), Error> {
        let file = sys::fd::open_at(dir.as_raw_fd(), &limit.file, libc::O_WRONLY);
        let done = file.and_then(|file| file.write(limit.value.to_bytes()));
        done.map_err(|e| {
            let error = Error::new(Stage::CGROUP_LIMIT, index, e, limit);
            match e.0 {
                libc::ENOENT => error.hint("this kernel has no such file in a cgroup"),
                libc::EINVAL | libc::ERANGE => error.hint("the file does not take this value"),
                libc::ENODEV => error.hint("no such device"),
                _ => error,
            }
        })
    }

    /// Has the parent give its children the controllers of the limits. The kernel refuses some where the parent has
    /// processes. With the others (pids, cpu) it makes the new cgroup one that no process can start in, and leaves the
    /// parent changed.
    fn enable(&self, parent: BorrowedFd<'_>) -> Result<(), Error> {
        if self.limits.iter().all(|limit| limit.controller().is_none()) {
            return Ok(());
        }
        let on = words(parent, c"cgroup.subtree_control");
        for (limit, index) in self.limits.iter().zip(0..) {
            let Some(controller) = limit.controller().filter(|name| !has(&on, name)) else { continue };
            let failed = |e: Errno| {
                Error::new(
                    Stage::CGROUP_LIMIT,
                    index,
                    e,
                    format_args!("{limit} (cgroup.subtree_control: +{controller})"),
                )
            };
            if !has(&words(parent, c"cgroup.controllers"), controller) {
                return Err(failed(Errno(libc::EOPNOTSUPP)).hint(
                    "the parent's cgroup.controllers lacks it: enable it above, unless this system has it in cgroup v1",
                ));
            }
            // Only the root of all cgroups may have both, and has no type.
            if !words(parent, c"cgroup.procs").is_empty() && !words(parent, c"cgroup.type").is_empty() {
                return Err(failed(Errno(libc::EBUSY)).hint(PROCESSES));
            }
            let file = sys::fd::open_at(parent.as_raw_fd(), c"cgroup.subtree_control", libc::O_WRONLY);
            let done = file.and_then(|file| file.write(format!("+{controller}").as_bytes()));
            done.map_err(|e| match e.0 {
                libc::EBUSY => failed(e).hint(PROCESSES),
                libc::EACCES | libc::EPERM | libc::EROFS => failed(e).hint(
                    "the parent must be yours to write: a delegated cgroup, as of systemd's Delegate=yes",
                ),
                _ => failed(e),
            })?;
        }
        Ok(())
    }
}

const PROCESSES: &str = "the parent has processes of its own, and a cgroup has either those or controllers for its \
                         children: move them into a cgroup below it, or name a parent without processes";

/// The words of a file of a cgroup; none where it cannot be read.
fn words(dir: BorrowedFd<'_>, file: &CStr) -> String {
    let mut buf = [0; 1024];
    let len = sys::fd::read_small(dir.as_raw_fd(), file, &mut buf).unwrap_or(0);
    String::from_utf8_lossy(buf.get(..len).unwrap_or_default()).into_owned()
}

fn has(words: &str, word: &str) -> bool {
    words.split_ascii_whitespace().any(|w| w == word)
}

/// The cgroup above the one of `dir`. `None`: there is none in sight.
pub(super) fn above(dir: BorrowedFd<'_>) -> Option<OwnFd> {
    let above = sys::fd::open_at(dir.as_raw_fd(), c"..", libc::O_PATH | libc::O_DIRECTORY).ok()?;
    sys::fs_is(above.as_fd(), CGROUP2_SUPER_MAGIC).then_some(above)
}

impl Settings {
    /// A new cgroup for the process, under this name or one that the library chooses; or none, and no limits.
    pub fn set_cgroup_leaf(&mut self, leaf: Option<Option<CString>>) -> Set {
        let Some(name) = leaf else {
            self.make(Families::CGROUP).cgroup.leaf = None;
            return Ok(());
        };
        if let Some(name) = &name {
            let bytes = name.to_bytes();
            let is_bad = bytes.is_empty() || bytes == b"." || bytes == b"..";
            if is_bad || bytes.len() > NAME_MAX || bytes.iter().any(|b| matches!(b, b'/' | b'\n')) {
                return Err(Error::config(
                    libc::EINVAL,
                    format_args!("a cgroup named {name:?}: 1 to {NAME_MAX} bytes without / and newline"),
                ));
            }
        }
        self.make(Families::CGROUP).cgroup.leaf.get_or_insert_default().name = name;
        Ok(())
    }

    /// A limit of the new cgroup, as `NAME=VALUE`.
    pub fn add_cgroup_limit(&mut self, limit: CString) -> Set {
        let limit = Limit::parse(&limit)?;
        let limits = &mut self.make(Families::CGROUP).cgroup.leaf.get_or_insert_default().limits;
        if limits.len() >= LIMITS_MAX {
            return Err(Error::config(libc::E2BIG, format_args!("more than {LIMITS_MAX} cgroup limits")));
        }
        vec::push(limits, limit).map_err(|e| Error::config(e.0, "a cgroup limit"))
    }
}

impl Context {
    /// Starts the process in a new cgroup (v2) of its own, under a name that the library chooses; with
    /// [`cgroup_leaf_named`](Self::cgroup_leaf_named) under yours. [`cgroup_limit`](Self::cgroup_limit) implies it.
    ///
    /// The parent is [`cgroup`](Self::cgroup). Without that it is your own cgroup; or the one above, if your own has
    /// processes and so cannot have controllers for its children (cgroups(7), "no internal processes").
    ///
    /// SIGKILL of [`Process::kill_tree`](crate::Process::kill_tree) kills the whole cgroup; with a watcher, so does
    /// SIGKILL of a close policy. Once it is empty it is removed: when you next wait for a process or make a context,
    /// and by the watcher. Without a watcher it stays if your process ends first, and the close policy reaches the
    /// process or its group alone.
    ///
    /// # Errors
    ///
    /// None here. [`create`](Self::create) makes it ([`Stage::CGROUP_LEAF`](crate::Stage::CGROUP_LEAF)).
    ///
    /// # Kernel
    ///
    /// [cgroups(7)](https://man7.org/linux/man-pages/man7/cgroups.7.html), as [`cgroup`](Self::cgroup). Before 5.14 a
    /// kill reaches the processes of the cgroup and not those of cgroups below it. Privilege: the parent must be
    /// delegated to you.
    ///
    /// ```no_run
    /// let mut context = procfd::Context::new()?;
    /// context.program("/usr/bin/make")?.cgroup("/sys/fs/cgroup/builds")?.cgroup_leaf()?;
    /// let process = context.create()?;
    /// // The whole cgroup.
    /// process.kill_tree(libc::SIGKILL)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_CGROUP_LEAF")]
    pub fn cgroup_leaf(&mut self) -> Configured<'_> {
        self.set(|s| s.set_cgroup_leaf(Some(None)))
    }

    /// As [`cgroup_leaf`](Self::cgroup_leaf), under this name.
    ///
    /// # Errors
    ///
    /// `EINVAL`: an empty name, one of more than 255 bytes, or one with a slash or newline.
    ///
    /// # Kernel
    ///
    /// [cgroups(7)](https://man7.org/linux/man-pages/man7/cgroups.7.html), as [`cgroup_leaf`](Self::cgroup_leaf).
    /// Privilege: the parent must be delegated to you.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.cgroup_leaf_named("job-7")?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::CGROUP_LEAF));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cgroup_leaf_named(&mut self, name: impl AsRef<OsStr>) -> Configured<'_> {
        let name = c_string(name)?;
        self.set(|s| s.set_cgroup_leaf(Some(Some(name))))
    }

    /// A limit of the process's own cgroup: a file of it and what to write there, as `("memory.max", "100M")` or
    /// `("pids.max", 20)`; or `("cpus", 0.5)` for `cpu.max` as a number of CPUs. In the order given; one file may come
    /// several times (`io.max` takes a device a time).
    ///
    /// The library enables the controller in the parent's `cgroup.subtree_control`, where it stays enabled.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no name of a limit, or no value. `E2BIG`: more than 256. [`create`](Self::create) sets it
    /// ([`Stage::CGROUP_LIMIT`](crate::Stage::CGROUP_LIMIT)).
    ///
    /// # Kernel
    ///
    /// As [`cgroup_leaf`](Self::cgroup_leaf). [cgroups(7)](https://man7.org/linux/man-pages/man7/cgroups.7.html).
    /// Privilege: the parent must be delegated to you.
    ///
    /// ```no_run
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/make")?;
    /// context.cgroup_limit("memory.max", "2G")?.cgroup_limit("cpus", 1.5)?.cgroup_limit("pids.max", 500)?;
    /// let process = context.create()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_CGROUP_LIMIT")]
    pub fn cgroup_limit(&mut self, file: &str, value: impl ToString) -> Configured<'_> {
        let text = vec::text(format_args!("{file}={}", value.to_string()));
        let limit = c_string(text.map_err(|e| Error::config(e.0, "a cgroup limit"))?)?;
        self.set(|s| s.add_cgroup_limit(limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &CStr) -> Option<(String, Option<String>)> {
        let limit = Limit::parse(text).ok()?;
        Some((limit.to_string(), limit.controller().map(str::to_owned)))
    }

    #[test]
    fn limits_and_their_controllers() {
        let of = |text, shown: &str, controller: Option<&str>| {
            assert_eq!(parsed(text), Some((shown.into(), controller.map(str::to_owned))));
        };
        of(c"memory.max=100M", "memory.max=100M", Some("memory"));
        of(c"hugetlb.2MB.max=0", "hugetlb.2MB.max=0", Some("hugetlb"));
        of(c"io.max=8:0 rbps=1048576", "io.max=8:0 rbps=1048576", Some("io"));
        of(c"cgroup.max.depth=1", "cgroup.max.depth=1", None);
        of(c"cpus=0.5", "cpu.max=50000 100000", Some("cpu"));
        of(c"cpus=12", "cpu.max=1200000 100000", Some("cpu"));
        for bad in
            [c"", c"=", c"memory.max", c"memory.max=", c"max=1", c".max=1", c"../a.b=1", c"cgroup.procs=1"]
        {
            assert_eq!(parsed(bad), None, "{bad:?}");
        }
        for bad in
            [c"cgroup.kill=1", c"cpus=0", c"cpus=-1", c"cpus=x", c"cpus=inf", c"cpus=nan", c"cpus=0.001"]
        {
            assert_eq!(parsed(bad), None, "{bad:?}");
        }
    }
}
