// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What the settings come to in a start: the child's list, and what the creator has to know beside it.
//!
//! Copies of a context share it: the first start makes it, and it is kept until the next change. So a
//! start from a template allocates nothing here. The one start of a context without copies keeps nothing. What it took from the process, the `PATH` and the
//! environment, the effective ids, is compared at each start.

use std::ffi::{CStr, CString};
use std::ops::Deref;
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, OnceLock};

use super::capabilities::Sets;
use super::environment::Edited;
use super::namespaces::Maps;
use super::{Families, LATE_RIGHTS, Settings, descriptors, mounts, program, seccomp};
use crate::child::List;
use crate::error::{Error, Stage};
use crate::forks;
use crate::sys::cstr::CStrArrayRef;
use crate::sys::{self, Errno};

fn no_memory(e: Errno) -> Error {
    Error::plan(e.0, "preparing it")
}

/// The facts that the list depends on, besides the settings.
pub(crate) struct Facts<'a> {
    /// Where execve looks for the program, in this order.
    pub(crate) candidates: &'a [CString],
    /// Which way the id maps are written.
    pub(crate) maps: Maps,
    /// For each mount, the kind of its source.
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
    /// Where the program is looked for, if that comes from a search.
    found: Option<Vec<CString>>,
    /// The creator writes the id maps, and the child waits for it.
    pub(crate) by_parent: bool,
    /// Descriptors above 2 of the creator that the child starts from, ascending.
    pub(crate) sources: Vec<u32>,
    /// All descriptors of the creator that are named, with their step.
    named: Vec<(Stage, u32, RawFd)>,
    environment: Option<Edited>,
    /// The PATH that was searched.
    path: Option<Option<Vec<u8>>>,
    rare: Option<Box<Taken>>,
}

/// The facts that rare settings took from the process.
#[derive(Debug, PartialEq)]
struct Taken {
    /// The capabilities that the child begins with, where a setting depends on them.
    sets: Option<Sets>,
    /// The effective ids that chose the way of the maps.
    ids: Option<(u32, u32)>,
    /// With mounts.
    mounts: Option<mounts::MountFacts>,
    landlock_abi: Option<u32>,
}

impl Taken {
    fn now(settings: &Settings) -> Option<Self> {
        let rare = settings.of(LATE_RIGHTS | Families::NAMESPACES | Families::MOUNTS)?;
        Some(Self {
            sets: settings.sets_at_start(),
            ids: rare.namespaces.has_maps().then(sys::task::effective_ids),
            mounts: rare.mounts.any().then(|| rare.mounts.facts()),
            landlock_abi: rare.landlock.abi(),
        })
    }
}

impl Prepared {
    /// `MORE`: the settings are more than [plain](Settings::is_plain) ones.
    fn new<const MORE: bool>(settings: &Settings) -> Result<Self, Error> {
        settings.check()?;
        let (found, path) = program::search_for(settings)?;
        let rare = if MORE { Taken::now(settings).map(Box::new) } else { None };
        let mut facts = Facts {
            candidates: program::candidates(settings, found.as_deref()),
            maps: Maps::None,
            mount_sources: &[],
            old_mounts: None,
            directory: None,
            sets: None,
            landlock_abi: 0,
        };
        if let Some(rare) = &rare {
            facts.maps = rare.ids.map_or(Maps::None, |ids| settings.namespaces.choose(ids));
            facts.sets = rare.sets;
            facts.landlock_abi = rare.landlock_abi.unwrap_or(0);
            if let Some(mounts) = &rare.mounts {
                settings.mounts.check(mounts)?;
                facts.mount_sources = mounts.sources.as_slice();
                facts.old_mounts = mounts.old.as_deref();
                facts.directory = mounts.directory.as_deref();
            }
        }
        let list = settings.list(&facts).map_err(no_memory)?;
        if rare.is_some() {
            seccomp::waits_for_itself(settings, &list)?;
        }
        Ok(Self {
            list,
            by_parent: facts.maps == Maps::ByParent,
            sources: if MORE { descriptors::sources(settings).map_err(no_memory)? } else { Vec::new() },
            named: if MORE { descriptors::named(settings).map_err(no_memory)? } else { Vec::new() },
            environment: settings.environment.edited().map_err(no_memory)?,
            found,
            path,
            rare,
        })
    }

    /// Whether what it took from the process is still so.
    fn is_current(&self, settings: &Settings) -> bool {
        let path_is = |path: &Option<Vec<u8>>| CStrArrayRef::environ().value_is(b"PATH", path.as_deref());
        self.path.as_ref().is_none_or(path_is)
            && self.environment.as_ref().is_none_or(Edited::is_current)
            && (self.rare.is_none() || self.rare.as_deref() == Taken::now(settings).as_ref())
    }

    /// The capabilities that the child begins with, where a setting depends on them.
    pub(super) fn sets(&self) -> Option<Sets> {
        self.rare.as_ref()?.sets
    }

    /// Where execve looks for the program, in this order.
    pub(crate) fn candidates<'a>(&'a self, settings: &'a Settings) -> &'a [CString] {
        program::candidates(settings, self.found.as_deref())
    }

    /// The program's environment.
    pub(crate) fn environment<'a>(&'a self, settings: &'a Settings) -> CStrArrayRef<'a> {
        match &self.environment {
            Some(edited) => edited.as_ref(),
            None => settings.environment.unedited(),
        }
    }

    /// Checks that the descriptors which the child uses are open, and belong to the caller. The creator looks
    /// before the library opens any of its own, which could take a number that the caller believes to have.
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
    /// Everything of a start that can be refused before there is a process; kept until the next change.
    pub(crate) fn prepare(&self) -> Result<Arc<Prepared>, Error> {
        let prepared = match self.prepared.get().filter(|prepared| prepared.is_current(self)) {
            Some(prepared) => prepared,
            None => {
                let fresh = Arc::new(self.prepare_anew()?);
                self.prepared.put(&fresh);
                fresh
            }
        };
        self.check_prepared(&prepared)?;
        Ok(prepared)
    }

    /// The same for a start. Most settings end with their only start: then nothing is kept.
    pub(crate) fn prepare_to_start(&self) -> Result<ToStart, Error> {
        if self.prepared.is_used() {
            return self.prepare().map(ToStart::Kept);
        }
        let prepared = self.prepare_anew()?;
        self.check_prepared(&prepared)?;
        Ok(ToStart::Once(prepared))
    }

    fn prepare_anew(&self) -> Result<Prepared, Error> {
        if self.is_plain() { Prepared::new::<false>(self) } else { Prepared::new::<true>(self) }
    }

    fn check_prepared(&self, prepared: &Prepared) -> Result<(), Error> {
        if self.is_plain() { Ok(()) } else { prepared.check_descriptors(self) }
    }
}

/// The prepared parts of a start.
#[expect(clippy::large_enum_variant, reason = "a box would be one more allocation in each start")]
pub(crate) enum ToStart {
    /// Other starts have it too.
    Kept(Arc<Prepared>),
    Once(Prepared),
}

impl Deref for ToStart {
    type Target = Prepared;

    fn deref(&self) -> &Prepared {
        match self {
            Self::Kept(prepared) => prepared,
            Self::Once(prepared) => prepared,
        }
    }
}

/// The place of what was prepared.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Without copies.
    alone: OnceLock<Arc<Prepared>>,
    /// Which copies share. Made by the first copy, or by the second that is put here.
    shared: OnceLock<Arc<Shared>>,
}

type Shared = Mutex<Option<Arc<Prepared>>>;

impl Kept {
    // try_lock: after a fork in another thread the lock may never open again. Then a start prepares anew.
    fn get(&self) -> Option<Arc<Prepared>> {
        match self.shared.get() {
            Some(shared) => shared.try_lock().ok()?.clone(),
            None => self.alone.get().cloned(),
        }
    }

    /// Whether there are copies, or something is kept.
    fn is_used(&self) -> bool {
        self.shared.get().is_some() || self.alone.get().is_some()
    }

    fn put(&self, prepared: &Arc<Prepared>) {
        if self.shared.get().is_none() && self.alone.set(Arc::clone(prepared)).is_ok() {
            return;
        }
        if let Ok(mut kept) = self.share().try_lock() {
            *kept = Some(Arc::clone(prepared));
        }
    }

    fn share(&self) -> &Arc<Shared> {
        self.shared.get_or_init(|| Arc::new(Mutex::new(self.alone.get().cloned())))
    }

    /// Leaves the copies theirs.
    pub(super) fn drop_all(&mut self) {
        self.alone.take();
        match self.shared.get_mut().map(|shared| Arc::get_mut(shared).map(Mutex::get_mut)) {
            None => {}
            Some(Some(Ok(kept))) => *kept = None,
            Some(_) => drop(self.shared.take()),
        }
    }
}

impl Clone for Kept {
    fn clone(&self) -> Self {
        Self { alone: OnceLock::new(), shared: OnceLock::from(Arc::clone(self.share())) }
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
