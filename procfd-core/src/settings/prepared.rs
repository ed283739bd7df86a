// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What the settings come to in a start: the child's list, and what the creator has to know beside it.
//!
//! It is made at the first start and kept until the next change. Copies of a context share it, so a
//! start from a template allocates nothing here. What it took from the process, the `PATH` and the
//! environment, the effective ids, is compared at each start.

use std::ffi::{CStr, CString};
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex};

use super::capabilities::Sets;
use super::environment::Edited;
use super::namespaces::Maps;
use super::{Settings, descriptors, mounts, program, seccomp};
use crate::child::List;
use crate::error::{Error, Stage};
use crate::forks;
use crate::sys::cstr::CStrArrayRef;
use crate::sys::{self, Errno};

fn no_memory(e: Errno) -> Error {
    Error::plan(e.0, "preparing it")
}

/// What the list depends on besides the settings.
pub(crate) struct Facts<'a> {
    /// Where execve looks for the program, in this order.
    pub(crate) candidates: &'a [CString],
    /// Which way the id maps are written.
    pub(crate) maps: Maps,
    /// Of each mount: what its source is.
    pub(crate) mount_sources: &'a [mounts::Source],
    /// The creator's mounts, where mount(2) has to do.
    pub(crate) old_mounts: Option<&'a [mounts::Known]>,
    /// With mounts: the creator's working directory.
    pub(crate) directory: Option<&'a CStr>,
    /// The capabilities that the child begins with; none where no setting depends on them.
    pub(crate) sets: Option<Sets>,
    /// The version of Landlock, where a setting depends on it; else 0.
    pub(crate) landlock_abi: u32,
}

/// A configuration, prepared for a start.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) list: List,
    pub(crate) candidates: Vec<CString>,
    /// The creator writes the id maps, and the child waits for it.
    pub(crate) by_parent: bool,
    /// Descriptors above 2 of the creator that the child starts from, ascending.
    pub(crate) sources: Vec<u32>,
    /// All descriptors of the creator that are named, with their step.
    named: Vec<(Stage, u32, RawFd)>,
    environment: Option<Edited>,
    /// The PATH that was searched.
    path: Option<Option<Vec<u8>>>,
    /// The capabilities that the child begins with, where a setting depends on them.
    pub(super) sets: Option<Sets>,
    /// The effective ids that chose the way of the maps.
    ids: Option<(u32, u32)>,
    /// With mounts.
    mounts: Option<mounts::MountFacts>,
    landlock_abi: Option<u32>,
}

impl Prepared {
    fn new(settings: &Settings) -> Result<Self, Error> {
        settings.check()?;
        let (candidates, path) = program::candidates(settings)?;
        let ids = settings.namespaces.has_maps().then(sys::task::effective_ids);
        let maps = ids.map_or(Maps::None, |ids| settings.namespaces.choose(ids));
        let mounts = settings.mounts.any().then(|| settings.mounts.facts());
        if let Some(facts) = &mounts {
            settings.mounts.check(facts)?;
        }
        let sets = settings.sets_at_start();
        let landlock_abi = settings.landlock.abi();
        let facts = Facts {
            candidates: &candidates,
            maps,
            mount_sources: mounts.as_ref().map_or(&[], |facts| facts.sources.as_slice()),
            old_mounts: mounts.as_ref().and_then(|facts| facts.old.as_deref()),
            directory: mounts.as_ref().and_then(|facts| facts.directory.as_deref()),
            sets,
            landlock_abi: landlock_abi.unwrap_or(0),
        };
        let list = settings.list(&facts).map_err(no_memory)?;
        seccomp::waits_for_itself(settings, &list)?;
        Ok(Self {
            list,
            by_parent: maps == Maps::ByParent,
            sources: descriptors::sources(settings).map_err(no_memory)?,
            named: descriptors::named(settings).map_err(no_memory)?,
            environment: settings.environment.edited().map_err(no_memory)?,
            candidates,
            path,
            sets,
            ids,
            mounts,
            landlock_abi,
        })
    }

    /// Whether what it took from the process is still so.
    fn is_current(&self, settings: &Settings) -> bool {
        let path_is = |path: &Option<Vec<u8>>| CStrArrayRef::environ().value_is(b"PATH", path.as_deref());
        self.path.as_ref().is_none_or(path_is)
            && self.environment.as_ref().is_none_or(Edited::is_current)
            && (self.sets.is_none() || self.sets == settings.sets_at_start())
            && (self.landlock_abi.is_none() || self.landlock_abi == settings.landlock.abi())
            && self.ids.is_none_or(|ids| ids == sys::task::effective_ids())
            && self.mounts.as_ref().is_none_or(|facts| *facts == settings.mounts.facts())
    }

    /// The program's environment.
    pub(crate) fn environment<'a>(&'a self, settings: &'a Settings) -> CStrArrayRef<'a> {
        match &self.environment {
            Some(edited) => edited.as_ref(),
            None => settings.environment.unedited(),
        }
    }

    /// That the descriptors the child starts from are open, and the caller's. The creator looks before the
    /// library opens any of its own, which could take a number that the caller believes to have.
    fn check_descriptors(&self, settings: &Settings) -> Result<(), Error> {
        if let Some(index) = descriptors::lost_end(settings) {
            return Err(settings.step_failed(self, Stage::FD, index, Errno(libc::EBADF)));
        }
        if let Some((stage, index)) = settings.lost_late() {
            return Err(settings.step_failed(self, stage, index, Errno(libc::EBADF)));
        }
        let bad = self.named.iter().find(|(.., fd)| !sys::fd::is_open(*fd) || forks::is_listed(*fd));
        bad.map_or(Ok(()), |&(stage, index, _)| {
            Err(settings.step_failed(self, stage, index, Errno(libc::EBADF)))
        })
    }
}

impl Settings {
    /// Everything of a start that can be refused before there is a process.
    pub(crate) fn prepare(&self) -> Result<Arc<Prepared>, Error> {
        let prepared = match self.prepared.get().filter(|prepared| prepared.is_current(self)) {
            Some(prepared) => prepared,
            None => {
                let fresh = Arc::new(Prepared::new(self)?);
                self.prepared.put(&fresh);
                fresh
            }
        };
        prepared.check_descriptors(self)?;
        Ok(prepared)
    }
}

/// The place of what was prepared, which copies share.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept(Arc<Mutex<Option<Arc<Prepared>>>>);

impl Kept {
    // try_lock: after a fork in another thread the lock may never open again. Then a start prepares anew.
    fn get(&self) -> Option<Arc<Prepared>> {
        self.0.try_lock().ok()?.clone()
    }

    fn put(&self, prepared: &Arc<Prepared>) {
        if let Ok(mut kept) = self.0.try_lock() {
            *kept = Some(Arc::clone(prepared));
        }
    }

    /// Leaves the copies theirs.
    pub(super) fn drop_all(&mut self) {
        match Arc::get_mut(&mut self.0).map(Mutex::get_mut) {
            Some(Ok(kept)) => *kept = None,
            _ => self.0 = Arc::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Program;
    use super::*;

    fn settings() -> Settings {
        let mut settings = Settings::default();
        settings.change(|s| s.set_program(Program::Path(c"/bin/true".into()))).unwrap();
        settings
    }

    #[test]
    fn copies_share_until_a_change() {
        let template = settings();
        let copy = template.clone();
        let first = copy.prepare().unwrap();
        assert!(Arc::ptr_eq(&first, &template.prepare().unwrap()));
        let mut changed = template.clone();
        changed.change(|s| s.set_nice(3)).unwrap();
        assert!(!Arc::ptr_eq(&first, &changed.prepare().unwrap()));
        assert!(Arc::ptr_eq(&first, &template.prepare().unwrap()));
    }

    #[test]
    fn a_refused_change_drops_it_too() {
        let mut settings = settings();
        let first = settings.prepare().unwrap();
        settings.change(|s| s.set_nice(99)).unwrap_err();
        assert!(!Arc::ptr_eq(&first, &settings.prepare().unwrap()));
    }
}
