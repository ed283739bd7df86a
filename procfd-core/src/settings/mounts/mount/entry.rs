// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! One entry of the list of mounts, whose parts fit together.

use std::ffi::CString;
use std::os::fd::RawFd;

use super::{ATIME, Mount, MountAttributes, MountKind, Propagation};
use crate::error::Error;
use crate::settings::check;

/// A path of the new root: its parts, without `.` and empty ones.
#[derive(Clone, Debug)]
pub(in crate::settings::mounts) struct Target(Vec<Vec<u8>>);

impl Target {
    pub(in crate::settings::mounts) fn new(path: &[u8], what: &str) -> Result<Self, Error> {
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
    pub(in crate::settings::mounts) fn below_root(path: &[u8]) -> Option<Self> {
        Self::new(&[b"/", path].concat(), "a mount").ok()
    }

    /// Without a slash at the beginning, empty for the root.
    pub(in crate::settings::mounts) fn bytes(&self) -> Vec<u8> {
        self.0.join(&b'/')
    }

    pub(in crate::settings::mounts) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::settings::mounts) fn depth(&self) -> usize {
        self.0.len()
    }

    /// The first `depth` parts, relative to the root.
    pub(in crate::settings::mounts) fn beginning(&self, depth: usize) -> CString {
        let path = self.0.get(..depth).unwrap_or_default().join(&b'/');
        // No part has a NUL: `new` has seen to it.
        CString::new(if path.is_empty() { b".".to_vec() } else { path }).unwrap_or_default()
    }

    pub(in crate::settings::mounts) fn path(&self) -> CString {
        self.beginning(self.depth())
    }

    pub(in crate::settings::mounts) fn parent(&self) -> CString {
        self.beginning(self.depth().saturating_sub(1))
    }

    /// One part.
    pub(in crate::settings::mounts) fn name(&self, at: usize) -> CString {
        self.0.get(at).and_then(|part| CString::new(part.clone()).ok()).unwrap_or_default()
    }

    pub(in crate::settings::mounts) fn last_name(&self) -> CString {
        self.name(self.depth().saturating_sub(1))
    }
}

/// An entry whose parts fit together.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(in crate::settings::mounts) kind: MountKind,
    /// A path, the type of a filesystem, the text of a link; empty where there is none.
    pub(in crate::settings::mounts) source: CString,
    /// The mount that is moved.
    pub(in crate::settings::mounts) from: Option<Target>,
    pub(in crate::settings::mounts) target: Target,
    pub(in crate::settings::mounts) options: Vec<(CString, Option<CString>)>,
    pub(in crate::settings::mounts) set: u64,
    pub(in crate::settings::mounts) clear: u64,
    pub(in crate::settings::mounts) recursive: bool,
    pub(in crate::settings::mounts) create: bool,
    pub(in crate::settings::mounts) mode: Option<u32>,
    pub(in crate::settings::mounts) content: Vec<u8>,
    pub(in crate::settings::mounts) user_namespace: Option<RawFd>,
    pub(in crate::settings::mounts) propagation: Propagation,
}

/// The longest content of a file.
const CONTENT_MAX: usize = 16 << 20;

impl Mount {
    pub(in crate::settings::mounts) fn check(self) -> Result<Entry, Error> {
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
pub(in crate::settings::mounts) fn name(kind: MountKind) -> &'static str {
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
