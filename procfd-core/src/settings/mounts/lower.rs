// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What mounts come to in the child's list, by fsopen(2), open_tree(2), move_mount(2), mount_setattr(2).
//!
//! A new root is made detached and put on top of the present one, where no path of the creator leads:
//! sources are found as before, targets beneath the new root's descriptor (`Slot::ROOT`). pivot_root(2) at
//! the end makes it the root, and the old one is unmounted.
//!
//! A recursive bind of the creator's root would take along what is on top of it. With such a source the new root is on
//! top of a mount that cannot be bound: the kernel leaves that out, and what is on it.

use std::borrow::Cow;
use std::ffi::{CStr, CString};

use super::mount::{ATIME, Entry, IDMAP, MountKind, Target};
use super::old::{self, Table};
use super::{MountAttributes, NewRoot, Source, private_dev, private_tmp};
use crate::child::{List, Slot};
use crate::error::Stage;
use crate::settings::{Facts, Settings};

/// open_tree(2), mount_setattr(2).
const CLONE: u32 = 1;
pub(super) const CLOEXEC: u32 = libc::O_CLOEXEC as u32;
const RECURSIVE: i32 = 0x8000;

/// Which steps an error names.
#[derive(Clone, Copy)]
struct Steps {
    source: Stage,
    target: Stage,
    mount: Stage,
}

impl Steps {
    const LIST: Self = Self { source: Stage::MOUNT_SOURCE, target: Stage::MOUNT_TARGET, mount: Stage::MOUNT };

    fn all(stage: Stage) -> Self {
        Self { source: stage, target: stage, mount: stage }
    }
}

pub(crate) fn all(s: &Settings, facts: &Facts<'_>, list: &mut List) {
    let mounts = &s.mounts;
    if !mounts.any() {
        return;
    }
    // Nothing that follows leaves the namespace.
    let propagation = mounts.propagation.unwrap_or_default();
    list.step(Stage::MOUNT_PROPAGATION, 0).set_propagation(c"/", libc::MS_REC | propagation.flag());
    list.umask(0).into(Slot::UMASK);
    let is_bound = facts.mount_sources.iter().any(|source| source.has_new_root);
    let old = facts.old_mounts.map(|creators| Table::new(&mounts.root, creators));
    list.step(Stage::NEW_ROOT, 0);
    match &old {
        Some(_) => old::new_root(&mounts.root, is_bound, list),
        None => new_root(&mounts.root, is_bound, list),
    }
    let fresh = mounts.root == NewRoot::Tmpfs;
    let mut work =
        Work { list, step: Steps::all(Stage::NEW_ROOT), index: 0, fresh, directory: facts.directory, old };
    if mounts.root == NewRoot::ReadOnly {
        work.old_read_only();
    }
    if mounts.private_tmp {
        work.short(Stage::PRIVATE_TMP, private_tmp());
    }
    if mounts.private_dev {
        work.short(Stage::PRIVATE_DEV, private_dev());
    }
    for ((entry, index), source) in mounts.list.iter().zip(0..).zip(facts.mount_sources) {
        work.step = Steps::LIST;
        work.index = index;
        work.entry(entry, *source);
    }
    list.step(Stage::PIVOT_ROOT, 0);
    if mounts.root != NewRoot::Own {
        list.fchdir_slot(Slot::ROOT);
        list.pivot_root_here();
        list.umount(c".");
    }
    list.close_slot(Slot::ROOT);
    // Also where the root stays: the directory may be one that a mount hides.
    list.chdir(c"/");
    if let Some(directory) = facts.directory {
        list.chdir(directory).or_not();
    }
    list.umask_slot(Slot::UMASK);
}

/// The new root, on top of the creator's. That one is bound too if `is_bound`.
fn new_root(root: &NewRoot, is_bound: bool, list: &mut List) {
    match root {
        NewRoot::Own => {
            list.open(c"/", libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC, 0).into(Slot::ROOT);
            return;
        }
        NewRoot::Tmpfs => {
            list.fsopen(c"tmpfs").into(Slot::A);
            list.fsconfig_string(Slot::A, c"mode", c"0755");
            list.fsconfig_create(Slot::A);
            list.fsmount(Slot::A, OF_TMPFS_ROOT.bits()).into(Slot::ROOT);
            list.close_slot(Slot::A);
        }
        NewRoot::Path(path) => {
            list.open_tree(path, CLONE | CLOEXEC | RECURSIVE as u32).into(Slot::ROOT);
        }
        NewRoot::ReadOnly => {
            list.open_tree(c"/", CLONE | CLOEXEC | RECURSIVE as u32).into(Slot::ROOT);
            list.mount_setattr(Slot::ROOT, RECURSIVE, [MountAttributes::READ_ONLY.bits(), 0, 0, 0]);
        }
    }
    if is_bound {
        list.fsopen(c"tmpfs").into(Slot::A);
        list.fsconfig_create(Slot::A);
        list.fsmount(Slot::A, 0).into(Slot::B);
        list.close_slot(Slot::A);
        list.move_mount_over_root(Slot::B);
        list.close_slot(Slot::B);
        list.set_propagation(TOP, libc::MS_UNBINDABLE);
    }
    list.move_mount_over_root(Slot::ROOT);
}

/// What is on top of the creator's root: the way up from a root ends there.
pub(super) const TOP: &CStr = c"/..";

/// A root that is made from nothing.
pub(super) const OF_TMPFS_ROOT: MountAttributes = MountAttributes::NOSUID.union(MountAttributes::NODEV);

pub(super) struct Work<'a> {
    pub(super) list: &'a mut List,
    step: Steps,
    index: u32,
    /// The root is a new tmpfs: what is missing is made.
    fresh: bool,
    /// The creator's, where relative sources begin.
    directory: Option<&'a CStr>,
    /// By mount(2).
    pub(super) old: Option<Table>,
}

impl Work<'_> {
    /// An entry that has a setting of its own.
    fn short(&mut self, stage: Stage, entry: Option<Entry>) {
        self.step = Steps::all(stage);
        if let Some(entry) = entry {
            self.entry(&entry, Source { is_dir: true, has_new_root: false });
        }
    }

    fn entry(&mut self, entry: &Entry, source: Source) {
        let creates = self.fresh || entry.create;
        if self.old.is_some() && self.old_entry(entry, source, creates) {
            return;
        }
        match entry.kind {
            MountKind::Bind => {
                let recursive = if entry.recursive { RECURSIVE } else { 0 };
                let path = self.absolute(&entry.source);
                self.source().open_tree(&path, CLONE | CLOEXEC | recursive as u32).into(Slot::A);
                self.attributes(Slot::A, entry, recursive);
                self.attach(&entry.target, creates, source.is_dir);
            }
            MountKind::Filesystem => {
                self.filesystem(&entry.source, &entry.options, entry.set);
                self.attach(&entry.target, creates, true);
            }
            MountKind::Dev => self.dev(entry, creates),
            MountKind::File => self.file(entry, creates),
            MountKind::Move => {
                if let Some(from) = &entry.from {
                    self.source().open_in_root_or_below(&from.path(), libc::O_PATH, Slot::A);
                    self.attach(&entry.target, creates, source.is_dir);
                }
            }
            MountKind::Symlink => {
                self.parent(&entry.target, creates);
                self.mount().symlink_at(&entry.source, Slot::B, &entry.target.last_name());
                self.list.close_slot(Slot::B);
            }
            MountKind::Directory => {
                self.parent(&entry.target, true);
                let mode = entry.mode.unwrap_or(0o755);
                self.mount().mkdir_at(Slot::B, &entry.target.last_name(), mode).or_exists();
                self.list.close_slot(Slot::B);
            }
            MountKind::Attributes => {
                let recursive = if entry.recursive { RECURSIVE } else { 0 };
                self.target().open_in_root_or_below(&entry.target.path(), libc::O_PATH, Slot::B);
                self.attributes(Slot::B, entry, recursive);
                if !entry.options.is_empty() {
                    self.mount().fspick(Slot::B).into(Slot::A);
                    self.options(Slot::A, &entry.options);
                    self.list.fsconfig_reconfigure(Slot::A);
                    self.list.close_slot(Slot::A);
                }
                self.list.close_slot(Slot::B);
            }
            MountKind::Unmount => {
                self.parent(&entry.target, false);
                self.mount().fchdir_slot(Slot::B);
                self.list.umount(&entry.target.last_name());
                self.list.close_slot(Slot::B);
            }
            MountKind::Propagation => {
                let flags = libc::O_PATH | libc::O_DIRECTORY;
                self.target().open_in_root_or_below(&entry.target.path(), flags, Slot::B);
                let recursive = if entry.recursive { libc::MS_REC } else { 0 };
                self.mount().fchdir_slot(Slot::B);
                self.list.set_propagation(c".", entry.propagation.flag() | recursive);
                self.list.close_slot(Slot::B);
            }
        }
    }

    /// A source wherever the child is.
    pub(super) fn absolute<'p>(&self, path: &'p CStr) -> Cow<'p, CStr> {
        match self.directory {
            Some(directory) if !path.to_bytes().starts_with(b"/") => {
                let whole = [directory.to_bytes(), b"/", path.to_bytes()].concat();
                CString::new(whole).map_or(Cow::Borrowed(path), Cow::Owned)
            }
            _ => Cow::Borrowed(path),
        }
    }

    pub(super) fn source(&mut self) -> &mut List {
        self.list.step(self.step.source, self.index)
    }

    pub(super) fn target(&mut self) -> &mut List {
        self.list.step(self.step.target, self.index)
    }

    pub(super) fn mount(&mut self) -> &mut List {
        self.list.step(self.step.mount, self.index)
    }

    /// mount_setattr(2) of what a slot holds, if the entry changes anything.
    fn attributes(&mut self, fd: Slot, entry: &Entry, recursive: i32) {
        let idmap = if entry.user_namespace.is_some() { IDMAP } else { 0 };
        let set = entry.set | idmap;
        // The way of the access time is a number, which has to be cleared as a whole.
        let clear = if (set | entry.clear) & ATIME == 0 { entry.clear } else { entry.clear | ATIME };
        if set | clear != 0 {
            let fd_of_map = entry.user_namespace.map_or(0, |fd| fd as u64);
            self.mount().mount_setattr(fd, recursive, [set, clear, 0, fd_of_map]);
        }
    }

    fn options(&mut self, fs: Slot, options: &[(CString, Option<CString>)]) {
        for (key, value) in options {
            match value {
                Some(value) => self.list.fsconfig_string(fs, key, value),
                None => self.list.fsconfig_flag(fs, key),
            };
        }
    }

    /// A new mount in `Slot::A`.
    fn filesystem(&mut self, kind: &CStr, options: &[(CString, Option<CString>)], attributes: u64) {
        self.mount().fsopen(kind).into(Slot::B);
        self.options(Slot::B, options);
        self.list.fsconfig_create(Slot::B);
        self.list.fsmount(Slot::B, attributes).into(Slot::A);
        self.list.close_slot(Slot::B);
    }

    /// The directory that holds the target, in `Slot::B`; if `creates`, made with those above it.
    fn parent(&mut self, target: &Target, creates: bool) {
        if creates {
            for depth in 0..target.depth().saturating_sub(1) {
                self.directory(target, depth);
            }
        }
        let flags = libc::O_PATH | libc::O_DIRECTORY;
        self.target().open_in_root_or_below(&target.parent(), flags, Slot::B);
    }

    /// Makes the part at this depth a directory.
    fn directory(&mut self, target: &Target, depth: usize) {
        let name = target.name(depth);
        if depth == 0 {
            self.target().mkdir_at(Slot::ROOT, &name, 0o755).or_exists();
            return;
        }
        let flags = libc::O_PATH | libc::O_DIRECTORY;
        self.target().open_in_root_or_below(&target.beginning(depth), flags, Slot::B);
        self.list.mkdir_at(Slot::B, &name, 0o755).or_exists();
        self.list.close_slot(Slot::B);
    }

    /// Attaches the mount in `Slot::A`, and closes it.
    fn attach(&mut self, target: &Target, creates: bool, is_dir: bool) {
        self.attach_open(Slot::A, target, creates, is_dir);
        self.list.close_slot(Slot::A);
    }

    fn attach_open(&mut self, from: Slot, target: &Target, creates: bool, is_dir: bool) {
        self.make_target(target, creates, is_dir);
        self.target().open_in_root_or_below(&target.path(), libc::O_PATH, Slot::B);
        self.mount().move_mount(from, Slot::B);
        self.list.close_slot(Slot::B);
    }

    /// What the entry mounts on, if `creates`.
    pub(super) fn make_target(&mut self, target: &Target, creates: bool, is_dir: bool) {
        if creates {
            self.parent(target, true);
            let name = target.last_name();
            match is_dir {
                true => self.target().mkdir_at(Slot::B, &name, 0o755),
                false => self.target().make_file_at(Slot::B, &name, 0o644),
            }
            .or_exists();
            self.list.close_slot(Slot::B);
        }
    }

    /// A private /dev. Everything is done beneath the descriptor of the new tmpfs.
    fn dev(&mut self, entry: &Entry, creates: bool) {
        // The creator's, which the new one may hide.
        let flags = libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC;
        self.source().open(c"/dev", flags, 0).into(Slot::C);
        let mode = CString::new(format!("{:o}", entry.mode.unwrap_or(0o755))).unwrap_or_default();
        self.filesystem(c"tmpfs", &[(c"mode".into(), Some(mode))], MountAttributes::NOSUID.bits());
        self.attach_open(Slot::A, &entry.target, creates, true);
        for name in NODES {
            self.source().open_tree_at(Slot::C, name, CLONE | CLOEXEC).into(Slot::B);
            self.mount().make_file_at(Slot::A, name, 0o666);
            self.list.move_mount_to(Slot::B, Slot::A, name);
            self.list.close_slot(Slot::B);
        }
        self.list.close_slot(Slot::C);
        self.links_and_directories();
        self.list.fsopen(c"devpts").into(Slot::B);
        self.list.fsconfig_string(Slot::B, c"ptmxmode", c"0666");
        self.list.fsconfig_string(Slot::B, c"mode", c"0620");
        self.list.fsconfig_create(Slot::B);
        let attributes = MountAttributes::NOSUID | MountAttributes::NOEXEC;
        self.list.fsmount(Slot::B, attributes.bits()).into(Slot::C);
        self.list.close_slot(Slot::B);
        self.list.move_mount_to(Slot::C, Slot::A, c"pts");
        self.list.close_slot(Slot::C);
        // Only now: nodes are made in it.
        if entry.set != 0 {
            self.list.mount_setattr(Slot::A, 0, [entry.set, 0, 0, 0]);
        }
        self.list.close_slot(Slot::A);
    }

    /// What else is in a private /dev, which is `Slot::A`.
    pub(super) fn links_and_directories(&mut self) {
        for (text, name) in LINKS {
            self.mount().symlink_at(text, Slot::A, name);
        }
        self.mount().mkdir_at(Slot::A, c"shm", 0o1777);
        self.list.mkdir_at(Slot::A, c"pts", 0o755);
    }

    /// The file of an entry, in the directory of `Slot::A`.
    pub(super) fn write_file_in_a(&mut self, entry: &Entry) {
        let flags = libc::O_CREAT | libc::O_EXCL | libc::O_WRONLY | libc::O_CLOEXEC;
        self.mount().open_at(Slot::A, c"file", flags, entry.mode.unwrap_or(0o444)).into(Slot::B);
        if !entry.content.is_empty() {
            self.list.write(Slot::B, &entry.content);
        }
        self.list.close_slot(Slot::B);
    }

    /// A file of a tmpfs of its own, which is bound and then loses its other place. A detached mount
    /// cannot be bound from before 6.15: it is on top of the root for that time.
    fn file(&mut self, entry: &Entry, creates: bool) {
        self.filesystem(c"tmpfs", &[], (MountAttributes::NOSUID | MountAttributes::NODEV).bits());
        self.write_file_in_a(entry);
        self.list.move_mount_over_root(Slot::A);
        self.list.open_tree_at(Slot::A, c"file", CLONE | CLOEXEC).into(Slot::C);
        self.list.fchdir_slot(Slot::A);
        self.list.umount(c".");
        self.list.close_slot(Slot::A);
        self.attributes(Slot::C, entry, 0);
        self.attach_open(Slot::C, &entry.target, creates, false);
        self.list.close_slot(Slot::C);
    }
}

pub(super) const NODES: [&CStr; 6] = [c"null", c"zero", c"full", c"random", c"urandom", c"tty"];

const LINKS: [(&CStr, &CStr); 6] = [
    (c"/proc/self/fd", c"fd"),
    (c"/proc/self/fd/0", c"stdin"),
    (c"/proc/self/fd/1", c"stdout"),
    (c"/proc/self/fd/2", c"stderr"),
    (c"/proc/kcore", c"core"),
    (c"pts/ptmx", c"ptmx"),
];

impl List {
    /// Opens a path beneath the new root; before 5.6, and under a filter that refuses openat2(2), without
    /// the rule that absolute symbolic links stay in it.
    pub(super) fn open_in_root_or_below(&mut self, path: &CStr, flags: i32, into: Slot) {
        let flags = flags | libc::O_CLOEXEC;
        self.open_in_root(Slot::ROOT, path, flags).into(into).or_else(1);
        self.open_at(Slot::ROOT, path, flags, 0).into(into);
    }
}
