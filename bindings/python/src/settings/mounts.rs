// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The keyword `mounts`: each entry a tuple, or a dictionary with a type.
//!
//! `("bind", "/usr", "/usr", {"ro": True})` and `{"type": "bind", "source": "/usr", "target": "/usr", "ro": True}` are
//! the same. Where the source is left out, the tuple has one path less.

use std::ffi::OsString;

use procfd::{Mount, MountAttributes, Propagation};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};

use crate::convert;
use crate::error;

/// The types, and whether they have a source.
const TYPES: &[(&str, bool)] = &[
    ("bind", true),
    ("rbind", true),
    ("tmpfs", false),
    ("proc", false),
    ("sysfs", false),
    ("devpts", false),
    ("mqueue", false),
    ("cgroup2", false),
    ("overlay", false),
    ("filesystem", true),
    ("dev", false),
    ("file", true),
    ("symlink", true),
    ("directory", false),
    ("remount", false),
    ("move", true),
    ("unmount", false),
    ("propagation", true),
];

const ATTRIBUTES: &[(&str, MountAttributes)] = &[
    ("ro", MountAttributes::READ_ONLY),
    ("nosuid", MountAttributes::NOSUID),
    ("nodev", MountAttributes::NODEV),
    ("noexec", MountAttributes::NOEXEC),
    ("noatime", MountAttributes::NOATIME),
    ("strictatime", MountAttributes::STRICTATIME),
    ("nodiratime", MountAttributes::NODIRATIME),
    ("nosymfollow", MountAttributes::NOSYMFOLLOW),
];

const OTHERS: &[&str] =
    &["recursive", "create", "mode", "size", "options", "userns", "lower", "upper", "work"];

/// One entry.
pub(super) fn read(entry: &Bound<'_, PyAny>, held: &mut Vec<Py<PyAny>>) -> PyResult<Mount> {
    if let Ok(entry) = entry.cast::<PyDict>() {
        let rest = entry.copy()?;
        let kind: String = taken(&rest, "type")?
            .ok_or_else(|| PyValueError::new_err("a mount without a \"type\""))?
            .extract()?;
        let source = taken(&rest, "source")?;
        let target = taken(&rest, "target")?;
        let target = target.ok_or_else(|| PyValueError::new_err(format!("a {kind} without a \"target\"")))?;
        return made(&kind, source.as_ref(), &target, &rest, held);
    }
    let parts = entry.cast::<PyTuple>().map_err(|_| PyTypeError::new_err("a mount is a tuple or a dict"))?;
    let kind: String = parts.get_item(0)?.extract()?;
    let has_source = known(&kind)?;
    let paths = if has_source { 2 } else { 1 };
    let rest = match parts.len().checked_sub(1 + paths) {
        Some(0) => PyDict::new(entry.py()),
        Some(1) => parts.get_item(1 + paths)?.cast_into::<PyDict>()?.copy()?,
        _ => {
            let wanted = if has_source { "source, target" } else { "target" };
            return Err(PyValueError::new_err(format!("a mount ({kind:?}, {wanted}[, options])")));
        }
    };
    let source = if has_source { Some(parts.get_item(1)?) } else { None };
    made(&kind, source.as_ref(), &parts.get_item(paths)?, &rest, held)
}

fn known(kind: &str) -> PyResult<bool> {
    TYPES.iter().find_map(|(name, has_source)| (*name == kind).then_some(*has_source)).ok_or_else(|| {
        let names: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
        PyValueError::new_err(error::with_suggestion(&format!("no type of mount {kind:?}"), kind, &names))
    })
}

fn taken<'py>(dict: &Bound<'py, PyDict>, key: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    let value = dict.get_item(key)?;
    if value.is_some() {
        dict.del_item(key)?;
    }
    Ok(value.filter(|value| !value.is_none()))
}

fn made(
    kind: &str,
    source: Option<&Bound<'_, PyAny>>,
    target: &Bound<'_, PyAny>,
    rest: &Bound<'_, PyDict>,
    held: &mut Vec<Py<PyAny>>,
) -> PyResult<Mount> {
    if known(kind)? != source.is_some() {
        let is = if source.is_some() { "has no" } else { "needs a" };
        return Err(PyValueError::new_err(format!("a {kind} {is} source")));
    }
    let path = convert::os_string(target)?;
    let from = || source.map_or(Ok(OsString::new()), convert::os_string);
    let mount = match kind {
        "bind" => Mount::bind(from()?, path),
        "rbind" => Mount::rbind(from()?, path),
        "tmpfs" => Mount::tmpfs(path),
        "proc" => Mount::proc(path),
        "sysfs" => Mount::sysfs(path),
        "devpts" => Mount::devpts(path),
        "mqueue" => Mount::mqueue(path),
        "cgroup2" => Mount::cgroup2(path),
        "overlay" => overlay(rest, path)?,
        "filesystem" => Mount::filesystem(from()?, path),
        "dev" => Mount::dev(path),
        "file" => Mount::file(content(source)?, path),
        "symlink" => Mount::symlink(from()?, path),
        "directory" => Mount::directory(path),
        "remount" => Mount::remount(path),
        "move" => Mount::moved(from()?, path),
        "unmount" => Mount::unmount(path),
        _ => Mount::propagation(path, source.map_or(Ok(Propagation::Private), propagation)?),
    };
    let mut mount = mount;
    for (key, value) in rest.iter() {
        mount = with(mount, key.cast::<PyString>()?.to_cow()?.as_ref(), &value, held)?;
    }
    Ok(mount)
}

fn with(mount: Mount, key: &str, value: &Bound<'_, PyAny>, held: &mut Vec<Py<PyAny>>) -> PyResult<Mount> {
    if value.is_none() {
        return Ok(mount);
    }
    if let Some((_, attribute)) = ATTRIBUTES.iter().find(|(name, _)| *name == key) {
        return Ok(if value.is_truthy()? { mount.set(*attribute) } else { mount.clear(*attribute) });
    }
    Ok(match key {
        "recursive" if value.is_truthy()? => mount.recursive(),
        "create" if value.is_truthy()? => mount.create(),
        "recursive" | "create" => mount,
        "mode" => mount.mode(value.extract()?),
        "size" => mount.size(value.extract()?),
        "options" => options(mount, value)?,
        "userns" => {
            held.push(value.clone().unbind());
            mount.id_mapped_fd(convert::fd(value)?)
        }
        _ => {
            let names: Vec<&str> =
                ATTRIBUTES.iter().map(|(name, _)| *name).chain(OTHERS.iter().copied()).collect();
            let text = format!("a mount has no {key:?}");
            return Err(PyTypeError::new_err(error::with_suggestion(&text, key, &names)));
        }
    })
}

/// Options of the filesystem: a dictionary, where `None` and `True` are keys without a value.
fn options(mut mount: Mount, value: &Bound<'_, PyAny>) -> PyResult<Mount> {
    for (key, value) in convert::items(value, "options")? {
        let key: OsString = convert::os_string(&key)?;
        let plain = value.is_none() || value.is(pyo3::types::PyBool::new(value.py(), true));
        let text = if plain { None } else { Some(value.str()?.extract::<OsString>()?) };
        mount = mount.option(key, text);
    }
    Ok(mount)
}

fn overlay(rest: &Bound<'_, PyDict>, path: OsString) -> PyResult<Mount> {
    let lower = taken(rest, "lower")?.ok_or_else(|| PyValueError::new_err("an overlay without \"lower\""))?;
    let lower = match convert::is_string(&lower) {
        true => vec![convert::os_string(&lower)?],
        false => convert::os_strings(&lower, "lower")?,
    };
    let (upper, work) = (taken(rest, "upper")?, taken(rest, "work")?);
    let upper_and_work = match (&upper, &work) {
        (Some(upper), Some(work)) => Some((convert::os_string(upper)?, convert::os_string(work)?)),
        (None, None) => None,
        _ => return Err(PyValueError::new_err("an overlay with one of \"upper\" and \"work\"")),
    };
    let upper_and_work = upper_and_work.as_ref().map(|(upper, work)| (upper.as_ref(), work.as_ref()));
    Ok(Mount::overlay(lower, upper_and_work, path))
}

fn content(source: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<u8>> {
    let Some(source) = source else { return Ok(Vec::new()) };
    match source.cast::<PyBytes>() {
        Ok(bytes) => Ok(bytes.as_bytes().to_vec()),
        Err(_) => Ok(source.extract::<String>()?.into_bytes()),
    }
}

/// A propagation by its name.
pub(super) fn propagation(value: &Bound<'_, PyAny>) -> PyResult<Propagation> {
    let name: String = value.extract()?;
    match name.as_str() {
        "private" => Ok(Propagation::Private),
        "slave" => Ok(Propagation::Slave),
        "shared" => Ok(Propagation::Shared),
        "unbindable" => Ok(Propagation::Unbindable),
        _ => Err(PyValueError::new_err(format!(
            "no propagation {name:?}: \"private\", \"slave\", \"shared\", \"unbindable\""
        ))),
    }
}
