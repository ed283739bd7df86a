// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The entries of the list of mounts as calls, by fsopen(2), open_tree(2), move_mount(2), mount_setattr(2).

use std::borrow::Cow;
use std::ffi::{CStr, CString};

use super::mount::{ATIME, Entry, IDMAP, MountKind, Target};
use super::table::Table;
use super::{MountAttributes, Source};
use crate::child::{List, Slot};
use crate::error::Stage;

/// open_tree(2), mount_setattr(2).
pub(super) const CLONE: u32 = 1;
pub(super) const CLOEXEC: u32 = libc::O_CLOEXEC as u32;
pub(super) const RECURSIVE: i32 = 0x8000;

/// Which steps an error names.
#[derive(Clone, Copy)]
pub(super) struct Steps {
    source: Stage,
    target: Stage,
    mount: Stage,
}

impl Steps {
    pub(super) const LIST: Self =
        Self { source: Stage::MOUNT_SOURCE, target: Stage::MOUNT_TARGET, mount: Stage::MOUNT };

    pub(super) fn all(stage: Stage) -> Self {
        Self { source: stage, target: stage, mount: stage }
    }
}

/// What is on top of the creator's root: the way up from a root ends there.
pub(super) const TOP: &CStr = c"/..";

/// The state that the entries share.
pub(super) struct Work<'a> {
    pub(super) list: &'a mut List,
    pub(super) step: Steps,
    pub(super) index: u32,
    /// The root is a new tmpfs: what is missing is made.
    pub(super) fresh: bool,
    /// The creator's, where relative sources begin.
    pub(super) directory: Option<&'a CStr>,
    /// By mount(2).
    pub(super) old: Option<Table>,
}

impl Work<'_> {
    /// An entry that has a setting of its own.
    pub(super) fn short(&mut self, stage: Stage, entry: Option<Entry>) {
        self.step = Steps::all(stage);
        if let Some(entry) = entry {
            self.entry(&entry, Source { is_dir: true, has_new_root: false });
        }
    }

    pub(super) fn entry(&mut self, entry: &Entry, source: Source) {
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

    /// The other files of a private /dev, which is `Slot::A`.
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
