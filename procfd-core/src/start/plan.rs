// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The configuration, lowered to what the child needs: everything that allocates, can be refused
//! or needs thought is done here, before the clone.

use std::ffi::CString;
use std::os::fd::RawFd;
use std::sync::atomic::AtomicBool;

use super::idmap::{self, Maps};
use super::report::Report;
use crate::error::{Error, Stage};
use crate::forks;
use crate::settings::{Action, Config, Ids, Namespaces, PATH_MAX, Program, describe};
use crate::sys::cstr::{CStrArray, CStrArrayRef};
use crate::sys::{self, Errno, RLimit64};

/// Longest name in a directory (limits.h).
const NAME_MAX: usize = 255;
/// What execvpe(3) searches without a PATH, as glibc and musl have it.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// The resource that limits descriptor numbers.
#[allow(clippy::unnecessary_cast, reason = "a signed constant on musl")]
pub(super) const NOFILE: u32 = libc::RLIMIT_NOFILE as u32;

/// What the plan borrows from and the configuration does not hold itself.
pub(super) struct Lowered {
    pub candidates: Vec<CString>,
    argv: Option<CStrArray>,
    env: Option<CStrArray>,
    pub maps: Maps,
    /// Descriptors above 2 that the program gets, ascending.
    keep: Vec<u32>,
    /// Descriptors above 2 of the creator that the child starts from, ascending.
    sources: Vec<u32>,
    limits_before: Vec<(u32, RLimit64)>,
    nofile_after: Option<RLimit64>,
}

/// What the plan takes from the moment of the clone.
pub(super) struct From<'a> {
    /// The fuse, which is B.
    pub fuse: Option<RawFd>,
    /// The creator's signal mask.
    pub mask: u64,
    /// For a copied table.
    pub private: &'a [u32],
    pub shared_table: bool,
}

/// What the child does. Plain data and borrows: the child only reads it, and writes the report.
pub(super) struct Plan<'a> {
    pub report: Report,
    pub clear_handlers: AtomicBool,
    pub default_signals: u64,
    pub ignored_signals: u64,
    /// The fuse (B), its signal, and whether it is for the group.
    pub fuse: Option<(RawFd, i32, bool)>,
    /// There is a fuse, which the init of a pid namespace is out of reach of.
    pub has_fuse: bool,
    /// The user in whose name the fuse is armed again, once the child is in its namespaces.
    pub arm_as: Option<u32>,
    /// The pid of the creator as the child sees it; 0 when it cannot see it.
    pub parent: i32,
    pub nice: Option<i32>,
    pub limits_before: &'a [(u32, RLimit64)],
    pub nofile_after: Option<RLimit64>,
    pub session: bool,
    pub group: Option<i32>,
    pub ctty: Option<RawFd>,
    pub foreground: Option<RawFd>,
    /// The table is shared and has to be left.
    pub shared_table: bool,
    /// The highest descriptor that the actions start from: what is above is not copied.
    pub last: u32,
    /// What of it the child keeps until its actions are done, ascending.
    pub stays: Vec<u32>,
    /// In a copied table: the library's own descriptors.
    pub private: &'a [u32],
    /// The end that says "go on" when the parent has written the id maps.
    pub go: Option<RawFd>,
    pub maps: &'a Maps,
    pub hostname: Option<&'a [u8]>,
    pub root: Option<&'a std::ffi::CStr>,
    pub actions: &'a [Action],
    /// `None`: all that is not close-on-exec.
    pub keep: Option<&'a [u32]>,
    pub umask: Option<u32>,
    pub groups: Option<&'a [u32]>,
    pub gid: Option<[u32; 3]>,
    pub uid: Option<[u32; 3]>,
    pub no_new_privs: bool,
    pub pdeathsig: i32,
    pub mask: u64,
    pub candidates: &'a [CString],
    /// The program's descriptor, and where to move it out of the actions' way (0: it stays).
    pub exec_fd: Option<(RawFd, i32)>,
    pub argv: CStrArrayRef<'a>,
    pub env: CStrArrayRef<'a>,
    /// The child becomes the built-in init, and a second child runs the program.
    pub init: Option<Init<'a>>,
}

/// What the built-in init of a new pid namespace is made from.
pub(super) struct Init<'a> {
    /// The program's image.
    pub image: RawFd,
    /// Its end of the fuse, which becomes its descriptor 0.
    pub fuse: RawFd,
    pub argv: CStrArrayRef<'a>,
    pub env: CStrArrayRef<'a>,
    /// For the second child.
    pub stack: &'a sys::task::Stack,
}

impl Lowered {
    pub(super) fn new(config: &Config) -> Result<Self, Error> {
        check(config)?;
        check_sources(config)?;
        let candidates = match &config.program {
            Program::None | Program::Fd(_) => Vec::new(),
            Program::Path(path) => vec![path.clone()],
            Program::Search(name) => search(name)?,
            Program::OneOf(paths) => paths.clone(),
        };
        let argv = match (&config.argv, &config.program) {
            (None, Program::Path(name) | Program::Search(name)) => Some(CStrArray::new(vec![name.clone()])),
            (None, Program::OneOf(paths)) => Some(CStrArray::new(paths.iter().take(1).cloned().collect())),
            _ => None,
        };
        let (limits_before, nofile_after) = split_limits(config);
        Ok(Self {
            candidates,
            argv,
            env: config.env.edited(),
            maps: idmap::lower(config)?,
            keep: kept(&config.actions),
            sources: sources(config),
            limits_before,
            nofile_after,
        })
    }

    /// Whether the child can make its whole way alone, so that the creator may sleep meanwhile.
    pub(super) fn needs_parent(&self) -> bool {
        self.maps.by_parent()
    }

    pub(super) fn plan<'a>(&'a self, config: &'a Config, from: &From<'a>) -> Plan<'a> {
        let From { fuse, mask, private, shared_table } = *from;
        let last = last_source(config);
        let exec_fd = match config.program {
            Program::Fd(fd) => Some((fd, exec_fd_place(fd, &config.actions, last))),
            _ => None,
        };
        let argv = match (&config.argv, &self.argv) {
            (Some(argv), _) | (None, Some(argv)) => argv.as_ref(),
            // check() refuses a program by descriptor without arguments; a fork has none.
            (None, None) => CStrArrayRef::none(),
        };
        let arm_as = fuse.and_then(|_| new_user(config));
        let mut plan = Plan {
            report: Report::default(),
            clear_handlers: AtomicBool::new(false),
            default_signals: config.default_signals,
            ignored_signals: config.ignored_signals,
            fuse: fuse.zip(config.close).map(|(b, p)| (b, p.signal, p.group)),
            parent: if config.namespaces & Namespaces::PID.bits() != 0 { 0 } else { sys::task::pid() },
            nice: config.nice,
            limits_before: &self.limits_before,
            nofile_after: self.nofile_after,
            session: config.session,
            group: config.group,
            ctty: config.ctty,
            foreground: config.foreground,
            shared_table,
            last,
            stays: self.sources.clone(),
            private,
            has_fuse: fuse.is_some(),
            go: None,
            maps: &self.maps,
            hostname: config.hostname.as_deref(),
            root: config.root.as_deref(),
            actions: &config.actions,
            // With nothing but 0, 1 and 2 taken there is nothing to close.
            keep: (!config.inherit_all && (!shared_table || last > 2 || !config.actions.is_empty()))
                .then_some(self.keep.as_slice()),
            umask: config.umask,
            groups: config.groups.as_deref(),
            gid: config.gid.map(Ids::raw),
            uid: config.uid.map(Ids::raw),
            no_new_privs: config.no_new_privs,
            pdeathsig: config.pdeathsig,
            mask: config.mask.unwrap_or(mask),
            candidates: &self.candidates,
            exec_fd,
            argv,
            env: match &self.env {
                Some(env) => env.as_ref(),
                None => config.env.unedited(),
            },
            init: None,
            arm_as,
        };
        if let Some(b) = fuse.filter(|_| arm_as.is_some() || !shared_table) {
            // A copied table has A too, up to the exec. So B stays as long: a fuse fires only while B is open.
            plan.take_up_to(b);
        }
        plan
    }
}

impl<'a> Plan<'a> {
    /// The child has to be told when the maps are written, by this end.
    pub(super) fn take_go(&mut self, go: Option<RawFd>) {
        if let Some(child) = go {
            self.take_up_to(child);
        }
        self.go = go;
    }

    /// One more descriptor of the library's to take along, which the program does not get, nor those
    /// of the creator below it.
    fn take_up_to(&mut self, fd: RawFd) {
        self.last = self.last.max(fd as u32);
        self.stays.push(fd as u32);
        self.stays.sort_unstable();
        if self.shared_table {
            self.keep = self.keep.or(Some(&[]));
        }
    }

    /// The child becomes an init with this image and fuse, and a second one, on `stack`, the program.
    pub(super) fn take_init(&mut self, init: Option<Init<'a>>) {
        if let Some(init) = &init {
            self.take_up_to(init.image);
            self.take_up_to(init.fuse);
        }
        self.init = init;
    }

    /// A fork has its own table, keeps all of it, and is armed by its parent.
    pub(super) fn for_fork(&mut self) {
        self.keep = None;
        self.fuse = None;
    }

    /// Whether the child changes its credentials: from then on others may reach it.
    pub(super) fn changes_credentials(&self) -> bool {
        self.uid.is_some() || self.gid.is_some() || self.groups.is_some()
    }
}

/// Settings that do not go together.
fn check(config: &Config) -> Result<(), Error> {
    let is = |flag: Namespaces| config.namespaces & flag.bits() != 0;
    let err = |text: &str| Err(Error::plan(libc::EINVAL, text));
    if matches!(config.program, Program::None) {
        if config.argv.is_some() {
            return err("arguments without a program");
        }
        if config.env.is_set() {
            return err("an environment without a program");
        }
    }
    if matches!(config.program, Program::Fd(_)) && config.argv.is_none() {
        return err("a program by descriptor without arguments: set argv");
    }
    if config.built_in_init {
        if !is(Namespaces::PID) {
            return err("a built-in init without a new pid namespace (CLONE_NEWPID)");
        }
        if matches!(config.program, Program::None) {
            return err("a built-in init without a program");
        }
    }
    if let Some(policy) = config.close {
        if policy.group && !config.session && config.group.is_none() {
            return err("a close policy for the process group, which is the creator's own: \
                        set a session or a process group");
        }
    }
    if config.session && config.group.is_some_and(|g| g != 0) {
        return err("a new session and another process group: a session leader leads its own");
    }
    if config.ctty.is_some() && !config.session {
        return err("a controlling terminal without a new session");
    }
    if config.hostname.is_some() && !is(Namespaces::UTS) {
        return err("a host name without a new UTS namespace (CLONE_NEWUTS): it would be the whole system's");
    }
    if !is(Namespaces::USER)
        && (!config.uid_map.is_empty()
            || !config.gid_map.is_empty()
            || config.setgroups != crate::settings::Setgroups::Auto)
    {
        return err("an id map or setgroups policy without a new user namespace (CLONE_NEWUSER)");
    }
    if config.default_signals & config.ignored_signals != 0 {
        return err("a signal that is both set to its default and ignored");
    }
    if config.exit_signal.is_some_and(|s| s != libc::SIGCHLD) && !matches!(config.program, Program::None) {
        return Err(Error::plan(libc::EOPNOTSUPP, "an exit signal for a program")
            .hint("execve resets it to SIGCHLD; only a fork keeps another"));
    }
    Ok(())
}

/// That the descriptors the child starts from are open, and the caller's. Seen before the library
/// opens any of its own, which could otherwise stand where the caller believes one of its.
fn check_sources(config: &Config) -> Result<(), Error> {
    let open = |fd: RawFd| sys::fd::is_open(fd) && !forks::is_listed(fd);
    let bad = |stage, index, what: String| Err(Error::new(stage, index, Errno(libc::EBADF), what));
    match config.program {
        Program::Fd(fd) if !open(fd) => return bad(Stage::EXEC, 0, format!("descriptor {fd}")),
        _ => {}
    }
    for (stage, fd) in [(Stage::CTTY, config.ctty), (Stage::FOREGROUND, config.foreground)] {
        match fd {
            Some(fd) if !open(fd) => return bad(stage, 0, format!("of descriptor {fd}")),
            _ => {}
        }
    }
    // What an action has made or closed before is the child's to know.
    let mut changed = std::collections::BTreeSet::new();
    let mut closed = Vec::new();
    for (index, action) in config.actions.iter().enumerate() {
        let source = match *action {
            Action::Dup { source, .. } => Some((Stage::FD, source)),
            Action::Fchdir(fd) => Some((Stage::CWD, fd)),
            _ => None,
        };
        let is_callers = |fd: RawFd| {
            !changed.contains(&fd)
                && !closed.iter().any(|&(first, last)| (first..=last).contains(&(fd as u32)))
        };
        match source {
            Some((stage, fd)) if is_callers(fd) && !open(fd) => {
                return bad(stage, index as u32, format!("{index}: {}", describe(action)));
            }
            _ => {}
        }
        match *action {
            Action::Dup { target, .. } | Action::Open { target, .. } => {
                changed.insert(target);
            }
            Action::Close(fd) => {
                changed.insert(fd);
            }
            Action::CloseRange { first, last } => closed.push((first, last)),
            Action::Chdir(_) | Action::Fchdir(_) => {}
        }
    }
    Ok(())
}

/// The paths that execvpe(3) would try: the caller's PATH, an empty entry being the directory the
/// child is in by then.
fn search(name: &CString) -> Result<Vec<CString>, Error> {
    let bytes = name.as_bytes();
    if bytes.contains(&b'/') {
        return Ok(vec![name.clone()]);
    }
    if bytes.len() > NAME_MAX {
        return Err(Error::plan(
            libc::ENAMETOOLONG,
            format_args!("the program {name:?}, a name of {} bytes", bytes.len()),
        ));
    }
    let path = CStrArrayRef::environ().value(b"PATH");
    let path = path.as_deref().unwrap_or(DEFAULT_PATH);
    let candidates = path.split(|&b| b == b':').filter_map(|dir| {
        let mut full = dir.to_vec();
        if !dir.is_empty() {
            full.push(b'/');
        }
        full.extend_from_slice(bytes);
        // glibc skips entries that make too long a path.
        (full.len() < PATH_MAX).then(|| CString::new(full).ok()).flatten()
    });
    let candidates: Vec<CString> = candidates.collect();
    if candidates.is_empty() {
        return Err(Error::plan(
            libc::ENOENT,
            format_args!("the program {name:?}: every PATH entry is too long"),
        ));
    }
    Ok(candidates)
}

/// The descriptors above 2 that are mapped when the list is done.
fn kept(actions: &[Action]) -> Vec<u32> {
    let mut keep = std::collections::BTreeSet::new();
    for action in actions {
        match *action {
            Action::Dup { target, .. } | Action::Open { target, .. } => {
                keep.insert(target as u32);
            }
            Action::Close(fd) => {
                keep.remove(&(fd as u32));
            }
            Action::CloseRange { first, last } => keep.retain(|fd| *fd < first || *fd > last),
            Action::Chdir(_) | Action::Fchdir(_) => {}
        }
    }
    keep.split_off(&3).into_iter().collect()
}

/// The user that the child becomes, where that puts it out of the reach of a signal in the creator's
/// name: all but the root of the initial user namespace, whose id map is the identity.
fn new_user(config: &Config) -> Option<u32> {
    let ids = config.uid?;
    let id = ids.saved.or(ids.real)?;
    let is_initial = sys::task::in_initial_user_namespace();
    let is_root = sys::task::effective_ids().0 == 0;
    (!(is_initial && is_root)).then_some(id)
}

/// The highest number the child takes from the creator's table.
fn last_source(config: &Config) -> u32 {
    sources(config).last().copied().unwrap_or(2)
}

/// The descriptors above 2 that the child takes from the creator's table, ascending.
fn sources(config: &Config) -> Vec<u32> {
    let in_list = config.actions.iter().filter_map(|action| match *action {
        Action::Dup { source, .. } => Some(source),
        Action::Fchdir(fd) => Some(fd),
        _ => None,
    });
    let program = match config.program {
        Program::Fd(fd) => Some(fd),
        _ => None,
    };
    let all: std::collections::BTreeSet<u32> = in_list.chain(program).map(|fd| fd as u32).collect();
    all.into_iter().filter(|fd| *fd > 2).collect()
}

/// Where the program's descriptor goes when an action would overwrite or close it: above all that
/// they name; 0 to leave it where it is.
fn exec_fd_place(fd: RawFd, actions: &[Action], last: u32) -> i32 {
    let mut touched = false;
    let mut highest = last as i32;
    for action in actions {
        match *action {
            Action::Dup { source, target } if source == target => {}
            Action::Dup { target, .. } | Action::Open { target, .. } => {
                touched |= target == fd;
                highest = highest.max(target);
            }
            Action::Close(closed) => touched |= closed == fd,
            Action::CloseRange { first, last } => touched |= (first..=last).contains(&(fd as u32)),
            Action::Chdir(_) | Action::Fchdir(_) => {}
        }
    }
    if touched { highest.saturating_add(1) } else { 0 }
}

/// The limits that are set before the descriptor actions, and a lower RLIMIT_NOFILE that has to
/// come after them, so that it does not hinder them.
fn split_limits(config: &Config) -> (Vec<(u32, RLimit64)>, Option<RLimit64>) {
    let mut before = config.rlimits.clone();
    let Some(at) = before.iter().position(|(r, _)| *r == NOFILE) else { return (before, None) };
    let now = sys::task::rlimit(NOFILE).map_or(0, |l| l.cur);
    let lower = before.get(at).is_some_and(|(_, l)| l.cur < now);
    let after = lower.then(|| before.swap_remove(at).1);
    (before, after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(f: impl FnOnce(&mut Config)) -> Config {
        let mut c = Config::default();
        f(&mut c);
        c
    }

    #[test]
    fn keeps_what_is_mapped_and_not_closed_again() {
        let c = config(|c| {
            c.add_dup(9, 5).unwrap();
            c.add_dup(0, 1).unwrap();
            c.add_null(7).unwrap();
            c.add_null(8).unwrap();
            c.add_close(7).unwrap();
            c.add_close_range(8, 20).unwrap();
            c.add_null(20).unwrap();
        });
        assert_eq!(kept(&c.actions), [5, 20]);
        assert_eq!(last_source(&c), 9);
    }

    #[test]
    fn the_program_moves_out_of_the_way() {
        let c = config(|c| c.add_dup(4, 3).unwrap());
        assert_eq!(exec_fd_place(3, &c.actions, 4), 5);
        assert_eq!(exec_fd_place(7, &c.actions, 7), 0);
        let c = config(|c| c.add_dup(3, 3).unwrap());
        assert_eq!(exec_fd_place(3, &c.actions, 3), 0);
    }

    #[test]
    fn a_search_has_one_candidate_for_each_entry() {
        assert_eq!(search(&c"a/b".into()).unwrap(), [CString::from(c"a/b")]);
        let long = CString::new(vec![b'x'; 256]).unwrap();
        assert_eq!(search(&long).unwrap_err().raw_os_error(), libc::ENAMETOOLONG);
    }
}
