// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The same by mount(2): before Linux 5.2, or 5.12 where attributes change, and where a filter refuses the newer calls.
//!
//! mount(2) takes paths. The child goes into a directory that it has opened beneath the new root, and mounts
//! at `.`; a file has a name in its directory. A new root is mounted on top of the present one. `/..` leads
//! there; no path of the creator does. If a path changes between two calls, they can reach different places.
//! The newer calls rule this out.

use std::ffi::{CStr, CString};

use super::mount::{ATIME, Entry, MountKind, Target};
use super::table::{self, Known, OF_TMPFS_ROOT, below_root};
use super::work::{self, CLOEXEC, TOP, Work};
use super::{MountAttributes, NewRoot, Source};
use crate::child::{List, Slot};

const PATH: i32 = libc::O_PATH | CLOEXEC as i32;
const DIRECTORY: i32 = PATH | libc::O_DIRECTORY;
const BIND_AGAIN: u64 = libc::MS_REMOUNT | libc::MS_BIND;

/// The new root, on top of the creator's. With `is_bound` an entry binds the creator's root, and an
/// unbindable mount keeps the new root out of that bind.
pub(super) fn new_root(root: &NewRoot, is_bound: bool, list: &mut List) {
    if is_bound {
        list.mount_new(c"tmpfs", c"/", 0, c"");
        list.set_propagation(TOP, libc::MS_UNBINDABLE);
    }
    let recursive = libc::MS_BIND | libc::MS_REC;
    match root {
        NewRoot::Own => {}
        NewRoot::Tmpfs => {
            let flags = table::flags_of(OF_TMPFS_ROOT.bits());
            list.mount_new(c"tmpfs", c"/", flags, c"mode=0755");
        }
        NewRoot::Path(path) => {
            list.bind(path, c"/", recursive);
        }
        NewRoot::ReadOnly => {
            list.bind(c"/", c"/", recursive);
        }
    }
    list.open(if *root == NewRoot::Own { c"/" } else { TOP }, DIRECTORY, 0).into(Slot::ROOT);
}

/// Where mount(2) finds a target: its directory is the child's.
type Name = CString;

impl Work<'_> {
    /// The creator's root, read-only with all that is mounted beneath.
    pub(super) fn old_read_only(&mut self) {
        self.old_attributes(&[], MountAttributes::READ_ONLY.bits(), 0, true);
    }

    /// An entry that mount(2) carries out otherwise than the newer calls; whether it is one.
    pub(super) fn old_entry(&mut self, entry: &Entry, source: Source, creates: bool) -> bool {
        match entry.kind {
            MountKind::Bind => self.old_bind(entry, source, creates),
            MountKind::Filesystem => {
                self.old_filesystem(&entry.source, &entry.options, entry.set, &entry.target, creates);
            }
            MountKind::Dev => self.old_dev(entry, creates),
            MountKind::File => self.old_file(entry, creates),
            MountKind::Move => self.old_move(entry, source, creates),
            MountKind::Attributes => self.old_remount(entry),
            MountKind::Unmount => {
                if let Some(table) = &mut self.old {
                    table::remove(&mut table.now, &entry.target.bytes());
                }
                return false;
            }
            MountKind::Symlink | MountKind::Directory | MountKind::Propagation => return false,
        }
        true
    }

    fn know(&mut self, known: Known) {
        if let Some(table) = &mut self.old {
            table.add(known);
        }
    }

    /// Goes where a target can be named.
    fn enter(&mut self, target: &Target, is_dir: bool) -> Name {
        let (path, name) =
            if is_dir { (target.path(), c".".to_owned()) } else { (target.parent(), target.last_name()) };
        self.target().open_in_root_or_below(&path, DIRECTORY, Slot::B);
        self.mount().fchdir_slot(Slot::B);
        self.list.close_slot(Slot::B);
        name
    }

    /// Sets attributes of mounts at a path and beneath it, which may be what others are mounted on.
    fn old_attributes(&mut self, path: &[u8], set: u64, clear: u64, recursive: bool) {
        let Some(table) = &self.old else { return };
        let whole = |known: &Known| Known { path: table::joined(path, &known.path), ..known.clone() };
        let mounts: Vec<Known> = table::at(&table.now, path, recursive).iter().map(whole).collect();
        for mut known in mounts {
            known.flags = table::changed(known.flags, set, clear);
            let Some(target) = Target::below_root(&known.path) else { continue };
            // The child may have no right to enter what is mounted beneath.
            let name = self.enter(&target, known.is_dir && known.path == path);
            self.mount().remount(&name, BIND_AGAIN | known.flags, c"");
            if let Some(table) = &mut self.old {
                table::put(&mut table.now, known);
            }
        }
    }

    fn old_bind(&mut self, entry: &Entry, source: Source, creates: bool) {
        let path = self.absolute(&entry.source).into_owned();
        self.source().open(&path, PATH, 0).into(Slot::A);
        self.list.close_slot(Slot::A);
        self.make_target(&entry.target, creates, source.is_dir);
        let name = self.enter(&entry.target, source.is_dir);
        let recursive = if entry.recursive { libc::MS_REC } else { 0 };
        self.mount().bind(&path, &name, libc::MS_BIND | recursive);
        let target = entry.target.bytes();
        if let Some(table) = &mut self.old {
            let sources = table.sources.as_ref().unwrap_or(&table.now);
            for known in table::at(sources, &below_root(&path), entry.recursive) {
                let is_dir = if known.path.is_empty() { source.is_dir } else { known.is_dir };
                table.add(Known { path: table::joined(&target, &known.path), is_dir, ..known });
            }
        }
        self.old_change(entry, &target);
    }

    /// The attributes of an entry.
    fn old_change(&mut self, entry: &Entry, target: &[u8]) {
        if entry.set | entry.clear != 0 {
            let clear = if entry.set & ATIME == 0 { entry.clear } else { entry.clear | ATIME };
            self.old_attributes(target, entry.set, clear, entry.recursive);
        }
    }

    fn old_filesystem(
        &mut self,
        kind: &CStr,
        options: &[(CString, Option<CString>)],
        attributes: u64,
        target: &Target,
        creates: bool,
    ) {
        self.make_target(target, creates, true);
        let name = self.enter(target, true);
        self.mount().mount_new(kind, &name, table::flags_of(attributes), &as_text(options));
        self.know(Known::directory(target.bytes(), attributes));
    }

    fn old_remount(&mut self, entry: &Entry) {
        let target = entry.target.bytes();
        self.old_change(entry, &target);
        if !entry.options.is_empty() {
            let known = self.old.as_ref().map(|table| table::at(&table.now, &target, false));
            let flags = known.and_then(|known| known.first().map(|known| known.flags)).unwrap_or_default();
            let name = self.enter(&entry.target, true);
            self.mount().remount(&name, libc::MS_REMOUNT | flags, &as_text(&entry.options));
        }
    }

    fn old_move(&mut self, entry: &Entry, source: Source, creates: bool) {
        let Some(from) = &entry.from else { return };
        self.source().open_in_root_or_below(&from.path(), PATH, Slot::A);
        self.list.close_slot(Slot::A);
        self.make_target(&entry.target, creates, source.is_dir);
        // Both are paths, so no directory of one of them will do.
        self.mount().fchdir_slot(Slot::ROOT);
        self.list.bind(&from.path(), &entry.target.path(), libc::MS_MOVE);
        if let Some(table) = &mut self.old {
            let moved = table::at(&table.now, &from.bytes(), true);
            table::remove(&mut table.now, &from.bytes());
            for known in moved {
                table.add(Known { path: table::joined(&entry.target.bytes(), &known.path), ..known });
            }
        }
    }

    /// A private /dev. The nodes are those of the creator: by path, or from its directory if the new one hides it.
    fn old_dev(&mut self, entry: &Entry, creates: bool) {
        self.source().open(c"/dev", DIRECTORY, 0).into(Slot::C);
        let mode = CString::new(format!("{:o}", entry.mode.unwrap_or(0o755))).unwrap_or_default();
        let nosuid = MountAttributes::NOSUID.bits();
        let options = [(c"mode".to_owned(), Some(mode))];
        self.old_filesystem(c"tmpfs", &options, nosuid, &entry.target, creates);
        self.target().open_in_root_or_below(&entry.target.path(), DIRECTORY, Slot::A);
        let in_place = self.old.as_ref().is_some_and(|table| table.sources.is_none());
        self.mount().fchdir_slot(if in_place { Slot::C } else { Slot::A });
        for name in work::NODES {
            let text = name.to_string_lossy();
            let (above_source, above_target) = match in_place {
                true => (String::new(), format!("/{}/", entry.target.path().to_string_lossy())),
                false => ("/dev/".to_owned(), String::new()),
            };
            let source = CString::new(format!("{above_source}{text}")).unwrap_or_default();
            let target = CString::new(format!("{above_target}{text}")).unwrap_or_default();
            self.mount().make_file_at(Slot::A, name, 0o666);
            self.source().bind(&source, &target, libc::MS_BIND);
            let path = table::joined(&entry.target.bytes(), name.to_bytes());
            self.know(Known { is_dir: false, ..Known::directory(path, nosuid) });
        }
        self.list.close_slot(Slot::C);
        self.links_and_directories();
        self.mount().fchdir_slot(Slot::A);
        let attributes = MountAttributes::NOSUID | MountAttributes::NOEXEC;
        let flags = table::flags_of(attributes.bits());
        self.list.mount_new(c"devpts", c"pts", flags, c"newinstance,ptmxmode=0666,mode=0620");
        let path = table::joined(&entry.target.bytes(), b"pts");
        self.know(Known::directory(path, attributes.bits()));
        self.list.close_slot(Slot::A);
        if entry.set != 0 {
            self.old_attributes(&entry.target.bytes(), entry.set, 0, false);
        }
    }

    /// A file of a tmpfs of its own, which is on top of the root until the file is bound.
    fn old_file(&mut self, entry: &Entry, creates: bool) {
        let attributes = MountAttributes::NOSUID | MountAttributes::NODEV;
        self.mount().mount_new(c"tmpfs", c"/", table::flags_of(attributes.bits()), c"");
        self.list.open(TOP, DIRECTORY, 0).into(Slot::A);
        self.write_file_in_a(entry);
        self.make_target(&entry.target, creates, false);
        let name = self.enter(&entry.target, false);
        self.mount().bind(c"/../file", &name, libc::MS_BIND);
        self.list.fchdir_slot(Slot::A);
        self.list.umount(c".");
        self.list.close_slot(Slot::A);
        let target = entry.target.bytes();
        self.know(Known { is_dir: false, ..Known::directory(target.clone(), attributes.bits()) });
        self.old_change(entry, &target);
    }
}

/// Options as mount(2) takes them.
fn as_text(options: &[(CString, Option<CString>)]) -> CString {
    let mut text = Vec::new();
    for (key, value) in options {
        if !text.is_empty() {
            text.push(b',');
        }
        text.extend(key.to_bytes());
        if let Some(value) = value {
            text.push(b'=');
            for &byte in value.to_bytes() {
                if byte == b',' {
                    text.push(b'\\');
                }
                text.push(byte);
            }
        }
    }
    CString::new(text).unwrap_or_default()
}
