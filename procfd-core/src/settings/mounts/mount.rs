// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! One entry of the list of mounts: what a caller says, and its checks.

use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::error::Error;
use crate::settings::check;

bitflags::bitflags! {
    /// Attributes of a mount ([mount_setattr(2)](https://man7.org/linux/man-pages/man2/mount_setattr.2.html)).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct MountAttributes: u64 {
        /// Read-only.
        const READ_ONLY = 0x1;
        /// Set-user-ID and set-group-ID bits and file capabilities have no effect.
        const NOSUID = 0x2;
        /// Device files cannot be opened.
        const NODEV = 0x4;
        /// Programs cannot be executed.
        const NOEXEC = 0x8;
        /// Reading never changes the access time.
        const NOATIME = 0x10;
        /// Reading always changes the access time.
        const STRICTATIME = 0x20;
        /// Reading never changes the access time of a directory.
        const NODIRATIME = 0x80;
        /// Symbolic links are not followed; 5.14.
        const NOSYMFOLLOW = 0x20_0000;
    }
}

/// The bits of mount_setattr(2) that are one number, not flags.
pub(super) const ATIME: u64 = 0x70;
/// mount_setattr(2).
pub(super) const IDMAP: u64 = 0x10_0000;

/// How mounts and unmounts spread between mounts
/// ([mount_namespaces(7)](https://man7.org/linux/man-pages/man7/mount_namespaces.7.html)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Propagation {
    /// Not at all.
    #[default]
    Private,
    /// From the creator's mounts to the child's.
    Slave,
    /// In both directions between the mounts of one peer group.
    Shared,
    /// Not at all, and the mount cannot be bound.
    Unbindable,
}

impl Propagation {
    /// As `MS_*`.
    pub(super) fn flag(self) -> u64 {
        match self {
            Self::Private => libc::MS_PRIVATE,
            Self::Slave => libc::MS_SLAVE,
            Self::Shared => libc::MS_SHARED,
            Self::Unbindable => libc::MS_UNBINDABLE,
        }
    }

    /// Of an `MS_*`.
    #[doc(hidden)]
    pub fn from_flag(flag: u64) -> Option<Self> {
        [Self::Private, Self::Slave, Self::Shared, Self::Unbindable].into_iter().find(|p| p.flag() == flag)
    }
}

/// What an entry does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
#[non_exhaustive]
pub enum MountKind {
    Bind,
    Filesystem,
    Dev,
    File,
    Symlink,
    Directory,
    Attributes,
    Move,
    Unmount,
    Propagation,
}

/// One entry of the list of mounts ([`Context::mount`](crate::Context::mount)).
///
/// A source is a path as the creator sees it, a target an absolute one in the new root.
#[derive(Clone, Debug)]
#[must_use]
pub struct Mount {
    pub(super) kind: MountKind,
    source: Option<Vec<u8>>,
    target: Vec<u8>,
    options: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    set: u64,
    clear: u64,
    recursive: bool,
    create: bool,
    mode: Option<u32>,
    content: Vec<u8>,
    user_namespace: Option<RawFd>,
    propagation: Propagation,
}

impl Mount {
    /// An entry with nothing but its kind and paths.
    #[doc(hidden)]
    pub fn new(kind: MountKind, source: Option<&OsStr>, target: impl AsRef<Path>) -> Self {
        Self {
            kind,
            source: source.map(|s| s.as_bytes().to_vec()),
            target: target.as_ref().as_os_str().as_bytes().to_vec(),
            options: Vec::new(),
            set: 0,
            clear: 0,
            recursive: false,
            create: false,
            mode: None,
            content: Vec::new(),
            user_namespace: None,
            propagation: Propagation::default(),
        }
    }

    /// A file or directory of the creator at the target, without the mounts beneath it. A child
    /// without privilege has to take them along: [`rbind`](Self::rbind).
    pub fn bind(source: impl AsRef<Path>, target: impl AsRef<Path>) -> Self {
        Self::new(MountKind::Bind, Some(source.as_ref().as_os_str()), target)
    }

    /// A directory of the creator at the target, with the mounts beneath it.
    pub fn rbind(source: impl AsRef<Path>, target: impl AsRef<Path>) -> Self {
        Self::bind(source, target).recursive()
    }

    /// A new filesystem of this type at the target, with its [`option`](Self::option)s.
    pub fn filesystem(kind: impl AsRef<OsStr>, target: impl AsRef<Path>) -> Self {
        Self::new(MountKind::Filesystem, Some(kind.as_ref()), target)
    }

    /// An empty tmpfs; `size` and `mode` are among its options.
    pub fn tmpfs(target: impl AsRef<Path>) -> Self {
        Self::filesystem("tmpfs", target).nosuid().nodev()
    }

    /// The processes of the child's pid namespace.
    pub fn proc(target: impl AsRef<Path>) -> Self {
        Self::filesystem("proc", target).nosuid().nodev().noexec()
    }

    /// The devices of the child's network namespace, which the child needs privilege over.
    pub fn sysfs(target: impl AsRef<Path>) -> Self {
        Self::filesystem("sysfs", target).nosuid().nodev().noexec()
    }

    /// New pseudo-terminals.
    pub fn devpts(target: impl AsRef<Path>) -> Self {
        let fs = Self::filesystem("devpts", target).nosuid().noexec();
        fs.option("newinstance", None::<&str>).option("ptmxmode", Some("0666")).option("mode", Some("0620"))
    }

    /// The POSIX message queues of the child's IPC namespace.
    pub fn mqueue(target: impl AsRef<Path>) -> Self {
        Self::filesystem("mqueue", target).nosuid().nodev().noexec()
    }

    /// The cgroups beneath the root of the child's cgroup namespace.
    pub fn cgroup2(target: impl AsRef<Path>) -> Self {
        Self::filesystem("cgroup2", target).nosuid().nodev().noexec()
    }

    /// Directories on top of each other, the first `lower` uppermost; changes go to `upper`. `work` is an empty
    /// directory on the filesystem of `upper`.
    pub fn overlay<P: AsRef<Path>>(
        lower: impl IntoIterator<Item = P>,
        upper_and_work: Option<(&Path, &Path)>,
        target: impl AsRef<Path>,
    ) -> Self {
        let mut layers = Vec::new();
        for path in lower {
            if !layers.is_empty() {
                layers.push(b':');
            }
            for &byte in path.as_ref().as_os_str().as_bytes() {
                if matches!(byte, b':' | b'\\') {
                    layers.push(b'\\');
                }
                layers.push(byte);
            }
        }
        let fs = Self::filesystem("overlay", target).option("lowerdir", Some(OsStr::from_bytes(&layers)));
        match upper_and_work {
            Some((upper, work)) => fs.option("upperdir", Some(upper)).option("workdir", Some(work)),
            None => fs,
        }
    }

    /// A private `/dev`: a tmpfs with null, zero, full, random, urandom and tty of the creator, new
    /// pseudo-terminals, and the usual links.
    pub fn dev(target: impl AsRef<Path>) -> Self {
        Self::new(MountKind::Dev, None, target)
    }

    /// A file with these bytes, read-only.
    pub fn file(content: impl Into<Vec<u8>>, target: impl AsRef<Path>) -> Self {
        Self::new(MountKind::File, None, target).content(content).read_only()
    }

    /// A symbolic link with this text.
    pub fn symlink(text: impl AsRef<Path>, target: impl AsRef<Path>) -> Self {
        Self::new(MountKind::Symlink, Some(text.as_ref().as_os_str()), target)
    }

    /// A directory, and those above it. That it is there already is no error.
    pub fn directory(target: impl AsRef<Path>) -> Self {
        Self::new(MountKind::Directory, None, target).create()
    }

    /// Changes the attributes of the mount at the target, or with an [`option`](Self::option) its filesystem.
    pub fn remount(target: impl AsRef<Path>) -> Self {
        Self::new(MountKind::Attributes, None, target)
    }

    /// Moves a mount of the new root.
    pub fn moved(source: impl AsRef<Path>, target: impl AsRef<Path>) -> Self {
        Self::new(MountKind::Move, Some(source.as_ref().as_os_str()), target)
    }

    /// Unmounts the mount at the target, and those beneath it.
    pub fn unmount(target: impl AsRef<Path>) -> Self {
        Self::new(MountKind::Unmount, None, target)
    }

    /// Changes the propagation of the mount at the target.
    pub fn propagation(target: impl AsRef<Path>, propagation: Propagation) -> Self {
        Self { propagation, ..Self::new(MountKind::Propagation, None, target) }
    }
}

/// What an entry may have besides.
impl Mount {
    /// Read-only.
    pub fn read_only(self) -> Self {
        self.set(MountAttributes::READ_ONLY)
    }

    /// Without set-user-ID programs.
    pub fn nosuid(self) -> Self {
        self.set(MountAttributes::NOSUID)
    }

    /// Without device files.
    pub fn nodev(self) -> Self {
        self.set(MountAttributes::NODEV)
    }

    /// Without programs.
    pub fn noexec(self) -> Self {
        self.set(MountAttributes::NOEXEC)
    }

    /// Sets attributes.
    pub fn set(mut self, attributes: MountAttributes) -> Self {
        self.set |= attributes.bits();
        self
    }

    /// Clears attributes.
    pub fn clear(mut self, attributes: MountAttributes) -> Self {
        self.clear |= attributes.bits();
        self.set &= !attributes.bits();
        self
    }

    /// With the mounts beneath.
    pub fn recursive(mut self) -> Self {
        self.recursive = true;
        self
    }

    /// Makes the target, and the directories above it, where they are missing. In a fresh root
    /// ([`Context::tmpfs_root`](crate::Context::tmpfs_root)) that is done in any case.
    pub fn create(mut self) -> Self {
        self.create = true;
        self
    }

    /// An option of the filesystem.
    pub fn option(mut self, key: impl AsRef<OsStr>, value: Option<impl AsRef<OsStr>>) -> Self {
        let value = value.map(|v| v.as_ref().as_bytes().to_vec());
        self.options.push((key.as_ref().as_bytes().to_vec(), value));
        self
    }

    /// The size of a tmpfs in bytes.
    pub fn size(self, bytes: u64) -> Self {
        self.option("size", Some(bytes.to_string()))
    }

    /// The mode of a tmpfs, a file or a directory.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Ids as the user namespace of this descriptor maps them. The descriptor stays open until the start.
    pub fn id_mapped(mut self, user_namespace: &impl AsFd) -> Self {
        self.user_namespace = Some(user_namespace.as_fd().as_raw_fd());
        self
    }

    #[doc(hidden)]
    pub fn id_mapped_fd(mut self, user_namespace: RawFd) -> Self {
        self.user_namespace = Some(user_namespace);
        self
    }

    #[doc(hidden)]
    pub fn content(mut self, content: impl Into<Vec<u8>>) -> Self {
        self.content = content.into();
        self
    }

    #[doc(hidden)]
    pub fn propagates(mut self, propagation: Propagation) -> Self {
        self.propagation = propagation;
        self
    }

    /// Options as mount(8) has them: `KEY=VALUE,KEY`; a comma in a value has a backslash before it.
    #[doc(hidden)]
    pub fn options(mut self, text: &[u8]) -> Self {
        let mut entries = vec![Vec::new()];
        let mut bytes = text.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            match (byte, entries.last_mut()) {
                (b',', _) => entries.push(Vec::new()),
                (b'\\', Some(entry)) if bytes.peek() == Some(&b',') => entry.extend(bytes.next()),
                (_, Some(entry)) => entry.push(byte),
                (_, None) => {}
            }
        }
        for entry in entries.into_iter().filter(|entry| !entry.is_empty()) {
            let mut parts = entry.splitn(2, |byte| *byte == b'=');
            let key = parts.next().unwrap_or_default().to_vec();
            self.options.push((key, parts.next().map(<[u8]>::to_vec)));
        }
        self
    }
}

/// A path of the new root: its parts, without `.` and empty ones.
#[derive(Clone, Debug)]
pub(super) struct Target(Vec<Vec<u8>>);

impl Target {
    pub(super) fn new(path: &[u8], what: &str) -> Result<Self, Error> {
        check::path(&c_string(path, what)?, what)?;
        if !path.starts_with(b"/") {
            return Err(refused(what, "is not absolute"));
        }
        let parts = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
        let parts: Vec<Vec<u8>> = parts.map(<[u8]>::to_vec).collect();
        if parts.iter().any(|part| part == b"..") {
            return Err(refused(what, "has a \"..\""));
        }
        Ok(Self(parts))
    }

    /// A path without a slash at the beginning, of the list's own making.
    pub(super) fn below_root(path: &[u8]) -> Option<Self> {
        Self::new(&[b"/", path].concat(), "a mount").ok()
    }

    /// Without a slash at the beginning, empty for the root.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.join(&b'/')
    }

    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn depth(&self) -> usize {
        self.0.len()
    }

    /// The first `depth` parts, relative to the root.
    pub(super) fn beginning(&self, depth: usize) -> CString {
        let path = self.0.get(..depth).unwrap_or_default().join(&b'/');
        // No part has a NUL: `new` has seen to it.
        CString::new(if path.is_empty() { b".".to_vec() } else { path }).unwrap_or_default()
    }

    pub(super) fn path(&self) -> CString {
        self.beginning(self.depth())
    }

    pub(super) fn parent(&self) -> CString {
        self.beginning(self.depth().saturating_sub(1))
    }

    /// One part.
    pub(super) fn name(&self, at: usize) -> CString {
        self.0.get(at).and_then(|part| CString::new(part.clone()).ok()).unwrap_or_default()
    }

    pub(super) fn last_name(&self) -> CString {
        self.name(self.depth().saturating_sub(1))
    }
}

/// An entry whose parts fit together.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(super) kind: MountKind,
    /// A path, the type of a filesystem, the text of a link; empty where there is none.
    pub(super) source: CString,
    /// The mount that is moved.
    pub(super) from: Option<Target>,
    pub(super) target: Target,
    pub(super) options: Vec<(CString, Option<CString>)>,
    pub(super) set: u64,
    pub(super) clear: u64,
    pub(super) recursive: bool,
    pub(super) create: bool,
    pub(super) mode: Option<u32>,
    pub(super) content: Vec<u8>,
    pub(super) user_namespace: Option<RawFd>,
    pub(super) propagation: Propagation,
}

/// The longest content of a file.
const CONTENT_MAX: usize = 16 << 20;

impl Mount {
    pub(super) fn check(self) -> Result<Entry, Error> {
        use MountKind::{Attributes, Bind, Dev, Directory, File, Filesystem, Move, Propagation as Spread};
        let kind = self.kind;
        let what = |is: &str| format!("the {is} of a mount ({})", name(kind));
        let has_source = matches!(kind, Bind | Filesystem | Move | MountKind::Symlink);
        let source = match (&self.source, has_source) {
            (Some(source), true) => c_string(source, &what("source"))?,
            (None, false) => CString::default(),
            (None, true) => return Err(refused(&what("source"), "is missing")),
            (Some(_), false) => return Err(refused(&what("source"), "has no meaning")),
        };
        if has_source {
            check::path(&source, &what("source"))?;
        }
        let target = Target::new(&self.target, &what("target"))?;
        if target.is_root() && !matches!(kind, Attributes | Spread) {
            return Err(refused(&what("target"), "is the root itself: change that by pivot_root"));
        }
        let from = match kind {
            Move => Some(Target::new(source.as_bytes(), &what("source"))?),
            _ => None,
        };
        let known = MountAttributes::all().bits();
        if (self.set | self.clear) & !known != 0 || self.set & self.clear != 0 {
            return Err(refused(&what("set and clear"), "are not MOUNT_ATTR_*, or the same"));
        }
        if self.set & ATIME == 0x30 {
            return Err(refused(&what("set"), "has two ways for the access time"));
        }
        let takes_attributes = matches!(kind, Bind | Filesystem | Dev | File | Attributes);
        let no_clear = self.clear == 0 || matches!(kind, Bind | Attributes);
        if !no_clear || (self.set != 0 && !takes_attributes) {
            return Err(refused(&what("attributes"), "have no meaning"));
        }
        let forbidden = [
            (self.recursive && !matches!(kind, Bind | Attributes | Spread), "recursion"),
            (!self.options.is_empty() && !matches!(kind, Filesystem | Attributes), "options"),
            (!self.content.is_empty() && kind != File, "content"),
            (self.user_namespace.is_some() && kind != Bind, "user namespace"),
            (self.propagation != Propagation::Private && kind != Spread, "propagation"),
            (self.mode.is_some() && !matches!(kind, Filesystem | Dev | File | Directory), "mode"),
            (self.create && matches!(kind, Attributes | MountKind::Unmount | Spread), "creation"),
        ];
        if let Some((_, is)) = forbidden.iter().find(|(is_there, _)| *is_there) {
            return Err(refused(&what(is), "has no meaning"));
        }
        if self.mode.is_some_and(|mode| mode > 0o7777) {
            return Err(refused(&what("mode"), "is above 07777"));
        }
        if self.content.len() > CONTENT_MAX {
            return Err(Error::config(libc::EFBIG, format_args!("{} above 16 MiB", what("content"))));
        }
        if kind == Attributes && self.set == 0 && self.clear == 0 && self.options.is_empty() {
            return Err(refused(&what("attributes"), "are missing"));
        }
        if let Some(fd) = self.user_namespace {
            check::fd(fd, &what("user namespace"))?;
        }
        let mut options = Vec::new();
        for (key, value) in &self.options {
            let value = value.as_ref().map(|v| c_string(v, &what("option"))).transpose()?;
            options.push((c_string(key, &what("option"))?, value));
        }
        if let (Some(mode), Filesystem) = (self.mode, kind) {
            options.push((c"mode".into(), CString::new(format!("{mode:o}")).ok()));
        }
        Ok(Entry {
            kind,
            source,
            from,
            target,
            options,
            set: self.set,
            clear: self.clear,
            recursive: self.recursive,
            create: self.create,
            mode: self.mode,
            content: self.content,
            user_namespace: self.user_namespace,
            propagation: self.propagation,
        })
    }
}

/// An entry's kind in words.
pub(super) fn name(kind: MountKind) -> &'static str {
    match kind {
        MountKind::Bind => "bind",
        MountKind::Filesystem => "filesystem",
        MountKind::Dev => "dev",
        MountKind::File => "file",
        MountKind::Symlink => "symlink",
        MountKind::Directory => "directory",
        MountKind::Attributes => "remount",
        MountKind::Move => "move",
        MountKind::Unmount => "unmount",
        MountKind::Propagation => "propagation",
    }
}

fn c_string(bytes: &[u8], what: &str) -> Result<CString, Error> {
    CString::new(bytes).map_err(|_| refused(what, "has a NUL in it"))
}

fn refused(what: &str, why: &str) -> Error {
    Error::config(libc::EINVAL, format_args!("{what} {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_its_parts() {
        let target = Target::new(b"//a/./bc//d/", "x").unwrap();
        assert_eq!(target.path().as_c_str(), c"a/bc/d");
        assert_eq!(target.parent().as_c_str(), c"a/bc");
        assert_eq!(target.last_name().as_c_str(), c"d");
        assert!(Target::new(b"/", "x").unwrap().is_root());
        assert_eq!(Target::new(b"/", "x").unwrap().path().as_c_str(), c".");
        assert!(Target::new(b"/a/../b", "x").is_err());
        assert!(Target::new(b"a", "x").is_err());
    }

    #[test]
    fn options_are_split_at_commas() {
        let mount = Mount::filesystem("tmpfs", "/t").options(br"size=1m,,huge,a=b\,c\d=e");
        let entry = mount.check().unwrap();
        let texts: Vec<String> = entry.options.iter().map(|o| format!("{o:?}")).collect();
        assert_eq!(texts, [r#"("size", Some("1m"))"#, r#"("huge", None)"#, r#"("a", Some("b,c\\d=e"))"#]);
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        assert!(Mount::bind("/a", "/b").mode(0o700).check().is_err());
        assert!(Mount::bind("/a", "/").check().is_err());
        assert!(Mount::remount("/").check().is_err());
        assert!(Mount::unmount("/a").recursive().check().is_err());
        assert!(Mount::directory("/a").mode(0o10000).check().is_err());
        assert!(Mount::bind("/a", "/b").clear(MountAttributes::NOSUID).check().is_ok());
    }

    #[test]
    fn layers_are_escaped() {
        let entry = Mount::overlay(["/a:b", "/c"], None, "/m").check().unwrap();
        assert_eq!(entry.options[0].1.as_deref(), Some(c"/a\\:b:/c"));
    }
}
