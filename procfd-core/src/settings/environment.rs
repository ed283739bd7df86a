// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The environment: the caller's, or one given whole, and edits on top.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use super::check::{self, c_string};
use super::{Configured, Context, Set, Settings};
use crate::error::Error;
use crate::sys::cstr::{CStrArray, CStrArrayRef};
use crate::sys::{self, vec};

/// The environment of the program.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    /// `None`: the caller's at the time of the creation.
    base: Option<CStrArray>,
    /// By name: the whole `NAME=value`, or removed.
    edits: Option<Arc<Edits>>,
}

type Edits = BTreeMap<Vec<u8>, Option<CString>>;

/// An environment with its edits, and the process's own that it comes from.
#[derive(Debug)]
pub(super) struct Edited {
    array: CStrArray,
    from: Option<Vec<CString>>,
}

impl Edited {
    pub(super) fn as_ref(&self) -> CStrArrayRef<'_> {
        self.array.as_ref()
    }

    /// Whether the process's environment is still the same.
    pub(super) fn is_current(&self) -> bool {
        self.from.as_ref().is_none_or(|from| CStrArrayRef::environ().is(from))
    }
}

impl Settings {
    /// An empty environment, without the edits made so far.
    pub(crate) fn clear_env(&mut self) -> Set {
        self.environment.edits = None;
        self.set_env(Vec::new())
    }

    /// The whole environment.
    pub fn set_env(&mut self, env: Vec<CString>) -> Set {
        self.environment.base = Some(check::strings(env, "environment string")?);
        Ok(())
    }

    /// The process's environment as it is now, unless one was given.
    pub(crate) fn fix_env(&mut self) -> Set {
        if self.environment.base.is_none() {
            let now = CStrArrayRef::environ().to_vec().and_then(CStrArray::new);
            self.environment.base = Some(now.map_err(|e| Error::config(e.0, "the environment"))?);
        }
        Ok(())
    }

    /// One variable on top, as NAME=value.
    pub fn set_env_var(&mut self, assignment: CString) -> Set {
        let Some(name) = name(assignment.as_bytes()) else {
            return Err(Error::config(
                libc::EINVAL,
                format_args!("environment variable {assignment:?}: it is NAME=value"),
            ));
        };
        let name = name.to_vec();
        check::string(&assignment, "environment string")?;
        self.edit(name, Some(assignment))
    }

    /// Removes one variable.
    pub fn unset_env_var(&mut self, name: CString) -> Set {
        let name = name.into_bytes();
        if name.is_empty() || name.contains(&b'=') {
            return Err(no_name(OsStr::from_bytes(&name)));
        }
        self.edit(name, None)
    }

    fn edit(&mut self, name: Vec<u8>, assignment: Option<CString>) -> Set {
        let edits = self.environment.edits.get_or_insert_default();
        if Arc::get_mut(edits).is_none() {
            // Each has a name, a string, and its place in the tree.
            let size = |(name, string): (&Vec<u8>, &Option<CString>)| {
                256 + name.len() + string.as_ref().map_or(0, |string| string.as_bytes().len())
            };
            vec::need(edits.iter().map(size).sum()).map_err(|e| Error::config(e.0, "the variables"))?;
        }
        Arc::make_mut(edits).insert(name, assignment);
        Ok(())
    }
}

impl Context {
    /// The whole environment, as pairs. Default: the creator's at the time of the creation.
    ///
    /// # Errors
    ///
    /// `EINVAL`: a NUL, or a name that is empty or has a `=`; `E2BIG`.
    ///
    /// # Kernel
    ///
    /// [environ(7)](https://man7.org/linux/man-pages/man7/environ.7.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "test $A = 1 && test -z \"$HOME\""])?;
    /// context.env_only([("A", "1")])?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_ENV")]
    pub fn env_only<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        &mut self,
        vars: impl IntoIterator<Item = (K, V)>,
    ) -> Configured<'_> {
        let vars = vars
            .into_iter()
            .map(|(name, value)| assignment(name.as_ref(), value.as_ref()))
            .collect::<Result<_, _>>()?;
        self.set(|s| s.set_env(vars))
    }

    /// The creator's environment as it is now, and not as another thread may have changed it by the time of
    /// the creation. One that was given before stays.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    ///
    /// # Kernel
    ///
    /// All kernels: the library copies [environ(7)](https://man7.org/linux/man-pages/man7/environ.7.html). No
    /// privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "test -n \"$PATH\""])?;
    /// context.env_now()?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn env_now(&mut self) -> Configured<'_> {
        self.set(Settings::fix_env)
    }

    /// One variable on top of the environment.
    ///
    /// # Errors
    ///
    /// As [`env_only`](Self::env_only).
    ///
    /// # Kernel
    ///
    /// [environ(7)](https://man7.org/linux/man-pages/man7/environ.7.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "exit $CODE"])?.env("CODE", "4")?;
    /// assert_eq!(context.create()?.wait()?.code(), Some(4));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_ENV_VAR")]
    pub fn env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Configured<'_> {
        let var = assignment(name.as_ref(), value.as_ref())?;
        self.set(|s| s.set_env_var(var))
    }

    /// Removes one variable from the environment.
    ///
    /// # Errors
    ///
    /// As [`env_only`](Self::env_only).
    ///
    /// # Kernel
    ///
    /// [environ(7)](https://man7.org/linux/man-pages/man7/environ.7.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "test -z \"$A\""])?;
    /// context.env("A", "1")?.env_remove("A")?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_UNSET_ENV_VAR")]
    pub fn env_remove(&mut self, name: impl AsRef<OsStr>) -> Configured<'_> {
        let name = c_string(name.as_ref())?;
        self.set(|s| s.unset_env_var(name))
    }
}

/// The NAME of a `NAME=value`. `None` if the string has no `=`, or an empty name. As in glibc, the first byte
/// of a name may be `=` (`=C:=...`). A whole environment may have strings without a name, as execve(2) takes
/// them: edits leave those alone.
fn name(assignment: &[u8]) -> Option<&[u8]> {
    let end = assignment.iter().skip(1).position(|&b| b == b'=')?.saturating_add(1);
    assignment.get(..end)
}

fn no_name(name: &OsStr) -> Error {
    let why = if name.is_empty() { "empty" } else { "with a \"=\" in it" };
    Error::config(libc::EINVAL, format_args!("environment variable {name:?}: a name {why}"))
}

pub(crate) fn assignment(name: &OsStr, value: &OsStr) -> Result<CString, Error> {
    if name.is_empty() || name.as_bytes().contains(&b'=') {
        return Err(no_name(name));
    }
    let mut both = name.to_owned();
    both.push("=");
    both.push(value);
    c_string(&both)
}

impl Environment {
    /// Whether anything was said about the environment.
    pub(super) fn is_set(&self) -> bool {
        self.base.is_some() || self.edits.is_some()
    }

    /// The value of a variable, as far as the settings say it: `None` if it is the creator's. ENOMEM.
    #[allow(
        clippy::option_option,
        reason = "a variable that the program does not get is another thing than the creator's"
    )]
    pub(super) fn given(&self, name: &[u8]) -> sys::Result<Option<Option<Vec<u8>>>> {
        let edit = self.edits.as_ref().and_then(|edits| edits.get(name));
        match (edit, &self.base) {
            (Some(None), _) => Ok(Some(None)),
            (Some(Some(assignment)), _) => {
                let value = assignment.as_bytes().get(name.len().saturating_add(1)..);
                vec::copy(value.unwrap_or_default()).map(|value| Some(Some(value)))
            }
            (None, Some(base)) => base.as_ref().value(name).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// The edited copy, when there are edits. ENOMEM.
    pub(super) fn edited(&self) -> sys::Result<Option<Edited>> {
        let Some(edits) = &self.edits else { return Ok(None) };
        let from = self.base.is_none().then(|| CStrArrayRef::environ().to_vec()).transpose()?;
        let base = match (&self.base, &from) {
            (Some(base), _) => base.strings(),
            (None, from) => from.as_deref().unwrap_or_default(),
        };
        let is_kept = |s: &&CString| name(s.as_bytes()).is_none_or(|n| !edits.contains_key(n));
        let mut all = Vec::new();
        for string in base.iter().filter(is_kept).chain(edits.values().flatten()) {
            vec::push(&mut all, vec::c_string(string.as_bytes())?)?;
        }
        Ok(Some(Edited { array: CStrArray::new(all)?, from }))
    }

    /// The unedited environment.
    pub(super) fn unedited(&self) -> CStrArrayRef<'_> {
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
        let mut s = Settings::default();
        s.set_env(vec![c"A=1".into(), c"B=2".into(), c"A=3".into()]).unwrap();
        s.set_env_var(c"B=x".into()).unwrap();
        s.set_env_var(c"C=y".into()).unwrap();
        s.unset_env_var(c"A".into()).unwrap();
        let got = s.environment.edited().unwrap().unwrap();
        assert_eq!(got.array.strings(), [CString::from(c"B=x"), CString::from(c"C=y")]);
    }
}
