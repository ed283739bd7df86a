// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The environment: the caller's, or one given whole, and edits on top.

use std::collections::BTreeMap;
use std::ffi::CString;

use super::{Config, Set, checked_list};
use crate::error::Error;
use crate::sys::cstr::{CStrArray, CStrArrayRef};

/// What the program's environment will be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Env {
    /// `None`: the caller's at the time of the creation.
    base: Option<CStrArray>,
    /// By name: the whole `NAME=value`, or removed.
    edits: BTreeMap<Vec<u8>, Option<CString>>,
}

#[allow(missing_docs, reason = "named as the C commands and the methods of Context")]
impl Config {
    pub fn set_env(&mut self, env: Vec<CString>) -> Set {
        for (i, s) in env.iter().enumerate() {
            if name(s.as_bytes()).is_none() {
                return Err(Error::config(libc::EINVAL, format_args!("environment string {i}: no NAME=")));
            }
        }
        self.env.base = Some(checked_list(env, "environment string")?);
        Ok(())
    }

    pub(crate) fn fix_env(&mut self) {
        self.env.base.get_or_insert_with(|| CStrArray::new(CStrArrayRef::environ().to_vec()));
    }

    pub fn set_env_var(&mut self, assignment: CString) -> Set {
        let Some(name) = name(assignment.as_bytes()) else {
            return Err(Error::config(libc::EINVAL, "environment variable: no NAME="));
        };
        let name = name.to_vec();
        checked_list(vec![assignment.clone()], "environment string")?;
        self.env.edits.insert(name, Some(assignment));
        Ok(())
    }

    pub fn unset_env_var(&mut self, name: CString) -> Set {
        let name = name.into_bytes();
        if name.is_empty() || name.contains(&b'=') {
            return Err(Error::config(libc::EINVAL, "environment variable: not a name"));
        }
        self.env.edits.insert(name, None);
        Ok(())
    }
}

/// The NAME of a `NAME=value`; `None` without one. glibc allows `=` as a name's first byte, too,
/// in what it hands on (`=C:=...`), so only a missing `=` and an empty name are refused.
fn name(assignment: &[u8]) -> Option<&[u8]> {
    let end = assignment.iter().skip(1).position(|&b| b == b'=')?.saturating_add(1);
    assignment.get(..end)
}

impl Env {
    /// Whether anything was said about the environment.
    pub(crate) fn is_set(&self) -> bool {
        self.base.is_some() || !self.edits.is_empty()
    }

    /// The edited copy, when there are edits.
    pub(crate) fn edited(&self) -> Option<CStrArray> {
        if self.edits.is_empty() {
            return None;
        }
        let base = match &self.base {
            Some(base) => base.strings().to_vec(),
            None => CStrArrayRef::environ().to_vec(),
        };
        let kept =
            base.into_iter().filter(|s| name(s.as_bytes()).is_none_or(|n| !self.edits.contains_key(n)));
        let set = self.edits.values().flatten().cloned();
        Some(CStrArray::new(kept.chain(set).collect()))
    }

    /// The unedited environment.
    pub(crate) fn unedited(&self) -> CStrArrayRef<'_> {
        match &self.base {
            Some(base) => base.as_ref(),
            None => CStrArrayRef::environ(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(name(b"A=1"), Some(&b"A"[..]));
        assert_eq!(name(b"A="), Some(&b"A"[..]));
        assert_eq!(name(b"=C:=x"), Some(&b"=C:"[..]));
        assert_eq!(name(b"=x"), None);
        assert_eq!(name(b"A"), None);
        assert_eq!(name(b""), None);
    }

    #[test]
    fn edits_replace_add_and_remove() {
        let mut c = Config::default();
        c.set_env(vec![c"A=1".into(), c"B=2".into(), c"A=3".into()]).unwrap();
        c.set_env_var(c"B=x".into()).unwrap();
        c.set_env_var(c"C=y".into()).unwrap();
        c.unset_env_var(c"A".into()).unwrap();
        let got = c.env.edited().unwrap();
        assert_eq!(got.strings(), [CString::from(c"B=x"), CString::from(c"C=y")]);
    }
}
