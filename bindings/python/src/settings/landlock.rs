// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The keyword `landlock`: what each kind of access is left to.
//!
//! `{"read": ["/usr"], "connect": [443]}` restricts reading to `/usr` and TCP connections to port 443. What has no key
//! stays unrestricted.

use procfd::{Context, Landlock, LandlockFs, LandlockNet, LandlockScopes};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::convert;
use crate::error;

const PATHS: &[(&str, LandlockFs)] = &[
    ("read", LandlockFs::READ),
    ("write", LandlockFs::WRITE),
    ("execute", LandlockFs::EXECUTE),
    ("ioctl", LandlockFs::IOCTL_DEV),
];

const PORTS: &[(&str, LandlockNet)] =
    &[("bind", LandlockNet::BIND_TCP), ("connect", LandlockNet::CONNECT_TCP)];

const SCOPES: &[(&str, LandlockScopes)] =
    &[("abstract_unix_socket", LandlockScopes::ABSTRACT_UNIX_SOCKET), ("signal", LandlockScopes::SIGNAL)];

const OTHERS: &[&str] = &["scope", "strict"];

/// Replaces the ruleset and its rules.
pub(super) fn set(context: &mut Context, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let mut ruleset = Landlock::new();
    let (mut paths, mut ports) = (Vec::new(), Vec::new());
    for (key, value) in convert::items(value, "landlock")? {
        if value.is_none() {
            continue;
        }
        let key: String = key.extract()?;
        if let Some(accesses) = find(PATHS, &key) {
            ruleset = ruleset.fs(accesses);
            if convert::is_string(&value) {
                return Err(PyTypeError::new_err(format!(
                    "landlock: {key:?} takes a list of paths, not one string"
                )));
            }
            for path in value.try_iter()? {
                paths.push((convert::os_string(&path?)?, accesses));
            }
        } else if let Some(accesses) = find(PORTS, &key) {
            ruleset = ruleset.net(accesses);
            for port in value.try_iter()? {
                ports.push((port?.extract::<u16>()?, accesses));
            }
        } else if key == "scope" {
            ruleset = ruleset.scopes(scopes(&value)?);
        } else if key == "strict" {
            if value.is_truthy()? {
                ruleset = ruleset.strict();
            }
        } else {
            let known: Vec<&str> = names(PATHS).chain(names(PORTS)).chain(OTHERS.iter().copied()).collect();
            let text = format!("landlock has no {key:?}");
            return Err(PyTypeError::new_err(error::with_suggestion(&text, &key, &known)));
        }
    }
    let failed = |e| error::of_config(&e);
    context.landlock(Landlock::new()).and_then(|context| context.landlock(ruleset)).map_err(failed)?;
    for (path, accesses) in paths {
        context.landlock_path(path, accesses).map_err(failed)?;
    }
    for (port, accesses) in ports {
        context.landlock_port(port, accesses).map_err(failed)?;
    }
    Ok(())
}

fn scopes(value: &Bound<'_, PyAny>) -> PyResult<LandlockScopes> {
    if convert::is_string(value) {
        return Err(PyTypeError::new_err("landlock: \"scope\" takes a list of names, not one string"));
    }
    let mut all = LandlockScopes::empty();
    for name in value.try_iter()? {
        let name: String = name?.extract()?;
        all |= find(SCOPES, &name).ok_or_else(|| {
            let known: Vec<&str> = names(SCOPES).collect();
            let text = format!("landlock: no scope {name:?}");
            PyValueError::new_err(error::with_suggestion(&text, &name, &known))
        })?;
    }
    Ok(all)
}

fn find<T: Copy>(all: &[(&str, T)], name: &str) -> Option<T> {
    all.iter().find_map(|(known, value)| (*known == name).then_some(*value))
}

fn names<'a, T>(all: &[(&'a str, T)]) -> impl Iterator<Item = &'a str> {
    all.iter().map(|(name, _)| *name)
}
