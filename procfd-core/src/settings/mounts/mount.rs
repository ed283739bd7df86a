// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! One entry of the list of mounts, as a caller says it.

mod entry;

use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub(crate) use self::entry::Entry;
pub(super) use self::entry::{Target, name};

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

/// The action of an entry.
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
///
/// ```
/// use procfd::{Mount, Namespaces};
///
/// # let mut context = procfd::Context::new()?;
/// context.program("/bin/true")?.namespaces(Namespaces::USER | Namespaces::MOUNT)?.tmpfs_root(true)?;
/// for mount in [
///     Mount::rbind("/usr", "/usr").read_only(),
///     Mount::symlink("usr/bin", "/bin"),
///     Mount::tmpfs("/tmp").size(16 << 20).mode(0o1777),
///     Mount::file("127.0.0.1 localhost\n", "/etc/hosts"),
/// ] {
///     context.mount(mount)?;
/// }
/// println!("{}", context.plan()?);
/// # Ok::<(), std::io::Error>(())
/// ```
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

    /// A directory, and those above it. It may exist already.
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

/// The attributes and options of an entry.
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
