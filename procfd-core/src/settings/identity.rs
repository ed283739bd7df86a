// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! User and group ids.

use std::ffi::{CString, OsStr};
use std::sync::Arc;

use super::{
    Configured, Context, Facts, Families, IdMap, Namespaces, Prepared, Set, Setgroups, Settings, c_string,
    check,
};
use crate::child::{At, List, Slot, When};
use crate::error::{Error, Stage};
use crate::sys::accounts;

/// How long a child whose credentials have changed may take to execute. Processes of its new user may
/// stop it, and the creator sleeps until it executes: then it ends itself, and the creator is told.
pub(crate) const HELD_SECONDS: u64 = 10;

/// Real, effective and saved id; `None` leaves one as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ids {
    /// Real id.
    pub real: Option<u32>,
    /// Effective id.
    pub effective: Option<u32>,
    /// Saved id.
    pub saved: Option<u32>,
}

impl Ids {
    /// The same id for all three.
    pub fn all(id: u32) -> Self {
        Self { real: Some(id), effective: Some(id), saved: Some(id) }
    }

    /// As setresuid(2) takes them: -1 for "as it is".
    fn raw(self) -> [u32; 3] {
        [self.real, self.effective, self.saved].map(|id| id.unwrap_or(u32::MAX))
    }

    fn shown(self) -> String {
        let show = |id: Option<u32>| id.map_or("as it is".into(), |id| id.to_string());
        format!("real {}, effective {}, saved {}", show(self.real), show(self.effective), show(self.saved))
    }
}

impl From<u32> for Ids {
    /// [`Ids::all`].
    fn from(id: u32) -> Self {
        Self::all(id)
    }
}

/// Who the process is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    uid: Option<Ids>,
    gid: Option<Ids>,
    groups: Option<Arc<Vec<u32>>>,
}

impl Identity {
    /// Whether the child changes its credentials: from then on others may reach it.
    pub(crate) fn changes(&self) -> bool {
        self.uid.is_some() || self.gid.is_some() || self.groups.is_some()
    }

    /// Whether there is a new user, and nothing is said of the groups.
    pub(crate) fn keeps_groups(&self) -> bool {
        self.uid.is_some() && self.groups.is_none()
    }

    /// The user ids that are set.
    pub(super) fn uid(&self) -> Option<Ids> {
        self.uid
    }

    /// The user that a signal to the process has to be allowed for.
    pub(crate) fn new_user(&self) -> Option<u32> {
        self.uid.and_then(|ids| ids.saved.or(ids.real))
    }
}

impl Settings {
    /// User ids.
    pub fn set_uid(&mut self, ids: Ids) -> Set {
        self.make(Families::IDENTITY).identity.uid = Some(ids);
        Ok(())
    }

    /// Group ids.
    pub fn set_gid(&mut self, ids: Ids) -> Set {
        self.make(Families::IDENTITY).identity.gid = Some(ids);
        Ok(())
    }

    /// Supplementary groups.
    pub fn set_groups(&mut self, groups: Vec<u32>) -> Set {
        check::len(groups.len(), "supplementary groups")?;
        self.make(Families::IDENTITY).identity.groups = Some(Arc::new(groups));
        Ok(())
    }

    /// The user ids, group ids and supplementary groups of a user: a name, or the number of one.
    pub fn set_user(&mut self, user: CString) -> Set {
        let shown = user.to_string_lossy();
        let failed = |errno: i32| Error::config(errno, format_args!("the user database, for {shown:?}"));
        let number = user.to_str().ok().filter(|text| text.bytes().all(|c| c.is_ascii_digit()));
        let found = match number.and_then(|text| text.parse().ok()) {
            Some(uid) => accounts::by_id(uid),
            None => accounts::by_name(&user),
        };
        let Some((name, ids)) = found.map_err(|e| failed(e.0))? else {
            return Err(Error::config(
                libc::ENOENT,
                format_args!("there is no user {shown:?}: without an account, give the ids and groups"),
            ));
        };
        let groups = accounts::groups(&name, ids.gid).map_err(|e| failed(e.0))?;
        self.set_groups(groups)?;
        self.set_gid(Ids::all(ids.gid))?;
        self.set_uid(Ids::all(ids.uid))
    }
}

impl Context {
    /// User ids. Supplementary groups stay as they are unless [`groups`](Self::groups) says otherwise.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [setresuid(2)](https://man7.org/linux/man-pages/man2/setresuid.2.html).
    /// Privilege: `CAP_SETUID`, but for one's own ids.
    ///
    /// ```
    /// use procfd::Ids;
    ///
    /// let mut context = procfd::Context::new()?;
    /// // Your own id needs no privilege.
    /// context.program("/bin/true")?.uid(Ids { effective: Some(0), ..Ids::default() })?;
    /// match context.create() {
    ///     Ok(process) => assert!(process.wait()?.is_success()),
    ///     Err(e) => assert_eq!(e.stage(), procfd::Stage::UID),
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_UID")]
    pub fn uid(&mut self, ids: Ids) -> Configured<'_> {
        self.set(|s| s.set_uid(ids))
    }

    /// A user, by name or number: its user id, group id and supplementary groups, as you find them now.
    ///
    /// A later [`uid`](Self::uid), [`gid`](Self::gid) or [`groups`](Self::groups) replaces these one by one.
    ///
    /// # Errors
    ///
    /// `ENOENT`: no such user, or a number without an account; what the user database answers.
    ///
    /// # Kernel
    ///
    /// [getpwnam_r(3)](https://man7.org/linux/man-pages/man3/getpwnam_r.3.html),
    /// [getgrouplist(3)](https://man7.org/linux/man-pages/man3/getgrouplist.3.html), then setgroups(2), setresgid(2)
    /// and setresuid(2). Privilege: `CAP_SETUID` and `CAP_SETGID`.
    ///
    /// ```no_run
    /// let mut context = procfd::Context::new()?;
    /// context.program("/usr/bin/id")?.user("nobody")?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_USER")]
    pub fn user(&mut self, user: impl AsRef<OsStr>) -> Configured<'_> {
        let user = c_string(user)?;
        self.set(|s| s.set_user(user))
    }

    /// Group ids.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [setresgid(2)](https://man7.org/linux/man-pages/man2/setresgid.2.html).
    /// Privilege: `CAP_SETGID`, but for one's own ids.
    ///
    /// ```
    /// use procfd::{Ids, Stage};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.gid(Ids::all(65_534))?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::GID));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_GID")]
    pub fn gid(&mut self, ids: Ids) -> Configured<'_> {
        self.set(|s| s.set_gid(ids))
    }

    /// Supplementary groups; an empty list drops them all.
    ///
    /// # Errors
    ///
    /// `E2BIG`: more than 65,536.
    ///
    /// # Kernel
    ///
    /// [setgroups(2)](https://man7.org/linux/man-pages/man2/setgroups.2.html).
    /// Privilege: `CAP_SETGID`.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.groups(&[])?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::GROUPS));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_GROUPS")]
    pub fn groups(&mut self, groups: &[u32]) -> Configured<'_> {
        self.set(|s| s.set_groups(groups.to_vec()))
    }

    /// Whether the process gets a new user, and keeps its groups.
    pub(crate) fn keeps_groups(&self) -> bool {
        self.with_settings(|settings| settings.identity.keeps_groups())
    }
}

/// In a new user namespace there are the ids of its maps alone.
pub(super) fn conflicts(s: &Settings) -> Set {
    if !s.namespaces.has(Namespaces::USER) {
        return Ok(());
    }
    if s.identity.groups.is_some() && s.namespaces.setgroups == Setgroups::Deny {
        return Err(Error::plan(libc::EINVAL, "supplementary groups, and a policy that denies setgroups(2)")
            .hint("leave the groups out, or the policy"));
    }
    let of = |ids: Option<Ids>| ids.map_or([None; 3], |ids| [ids.real, ids.effective, ids.saved]);
    let groups = s.identity.groups.iter().flat_map(|groups| groups.iter().copied().map(Some));
    let uids = of(s.identity.uid).into_iter();
    let gids = of(s.identity.gid).into_iter().chain(groups);
    is_mapped("user", uids, &s.namespaces.uid_map)?;
    is_mapped("group", gids, &s.namespaces.gid_map)
}

fn is_mapped(kind: &str, ids: impl Iterator<Item = Option<u32>>, map: &[IdMap]) -> Set {
    let has = |id: u32| map.iter().any(|line| id.checked_sub(line.inside).is_some_and(|n| n < line.count));
    match ids.flatten().find(|id| !has(*id)) {
        None => Ok(()),
        Some(id) => Err(Error::plan(
            libc::EINVAL,
            format_args!("{kind} id {id}, which the {kind} id map of the new user namespace does not have"),
        )
        .hint("add a line that has it, or give an id of the map")),
    }
}

/// Processes of a new user or user namespace may stop the child, and a stopped child would hold the creator:
/// two timers of its own, which execve deletes, continue it every second and end it after [`HELD_SECONDS`].
pub(super) fn continue_if_stopped(list: &mut List) {
    for (signal, first, every) in [(libc::SIGCONT, 1, 1), (libc::SIGKILL, HELD_SECONDS, 0)] {
        // No timer has this number. The kernel writes a new one's into the lower half.
        list.load(Slot::TIMER, u32::MAX).when(When::SHARED_MEMORY);
        list.timer_create(signal, At(Slot::TIMER)).or_not().when(When::SHARED_MEMORY);
        list.timer_settime(Slot::TIMER, first, every).or_not().when(When::SHARED_MEMORY);
    }
}

/// Groups, group ids, user ids.
pub(super) fn credentials(s: &Settings, _: &Facts<'_>, list: &mut List) {
    let Identity { uid, gid, groups } = &s.identity;
    if s.identity.changes() && !s.joins.has_user() {
        continue_if_stopped(list.step(Stage::GROUPS, 0));
    }
    if let Some(groups) = groups {
        list.step(Stage::GROUPS, 0).setgroups(groups);
    }
    // After a join it is no longer what the creator had.
    if (gid.is_some() || uid.is_some()) && !s.joins.has_user() {
        // The creator restores what is found here: see `start::dumpable`.
        list.dumpable().into(Slot::DUMPABLE).or_not().when(When::SHARED_MEMORY);
    }
    if let Some(ids) = gid {
        list.step(Stage::GID, 0).setresgid(ids.raw());
    }
    if let Some(ids) = uid {
        list.step(Stage::UID, 0).setresuid(ids.raw());
    }
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, _: u32) -> Option<String> {
    match stage {
        Stage::GROUPS => s.identity.groups.as_ref().map(|groups| format!("{groups:?}")),
        Stage::UID => s.identity.uid.map(Ids::shown),
        Stage::GID => s.identity.gid.map(Ids::shown),
        _ => None,
    }
}

pub(super) fn hint(s: &Settings, stage: Stage, errno: i32) -> Option<&'static str> {
    match (stage, errno) {
        // Of no groups: others are refused before the start.
        (Stage::GROUPS, libc::EPERM) if s.namespaces.is_unmapped() => {
            Some("the new user namespace has no id map")
        }
        (Stage::UID | Stage::GID | Stage::GROUPS, libc::EINVAL) if s.joins.has_user() => {
            Some("the user namespace that it joins does not map the id")
        }
        _ => None,
    }
}
