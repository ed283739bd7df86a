// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! New namespaces, the id maps of a user namespace, the host name of a UTS namespace.
//!
//! A process in the namespace may write a map of one line with its own id (user_namespaces(7)). Any other map needs
//! CAP_SETUID (CAP_SETGID) in the parent's namespace. The creator may have it. The set-user-id helpers newuidmap(1)
//! and newgidmap(1) have it for ids in /etc/subuid and subgid.

mod maps;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::{Configured, Context, Facts, Families, Prepared, Set, Settings};
use crate::child::{List, When};
use crate::error::{Error, Stage};
use maps::checked_map;

pub use maps::{IdMap, Setgroups};
pub(crate) use maps::{Maps, is_own, map_text};

bitflags::bitflags! {
    /// New namespaces for the process ([namespaces(7)](https://man7.org/linux/man-pages/man7/namespaces.7.html)).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Namespaces: u64 {
        /// Time, 5.6; the program enters it as it is executed (6.1).
        const TIME = 0x80;
        /// Mounts.
        const MOUNT = 0x2_0000;
        /// Cgroup root.
        const CGROUP = 0x200_0000;
        /// Host and domain name.
        const UTS = 0x400_0000;
        /// System V IPC and POSIX message queues.
        const IPC = 0x800_0000;
        /// User and group ids, capabilities.
        const USER = 0x1000_0000;
        /// Process ids; the process is its init.
        const PID = 0x2000_0000;
        /// Network.
        const NET = 0x4000_0000;
    }
}

/// The namespaces of the process.
#[derive(Clone, Debug, Default)]
pub(crate) struct NamespaceSettings {
    /// CLONE_NEW*.
    pub(crate) flags: u64,
    pub(crate) uid_map: Vec<IdMap>,
    pub(crate) gid_map: Vec<IdMap>,
    pub(crate) setgroups: Setgroups,
    hostname: Option<Vec<u8>>,
    domain_name: Option<Vec<u8>>,
}

impl NamespaceSettings {
    pub(crate) fn has(&self, flag: Namespaces) -> bool {
        self.flags & flag.bits() != 0
    }

    pub(super) fn has_maps(&self) -> bool {
        !self.uid_map.is_empty() || !self.gid_map.is_empty() || self.setgroups != Setgroups::Auto
    }

    pub(super) fn is_unmapped(&self) -> bool {
        self.has(Namespaces::USER) && self.uid_map.is_empty() && self.gid_map.is_empty()
    }

    /// The way for a creator with these effective ids. Nothing is refused here: the kernel knows better.
    pub(super) fn choose(&self, (uid, gid): (u32, u32)) -> Maps {
        let gid_alone =
            self.gid_map.is_empty() || (is_own(&self.gid_map, gid) && self.setgroups != Setgroups::Allow);
        let uid_alone = self.uid_map.is_empty() || is_own(&self.uid_map, uid);
        if uid_alone && gid_alone { Maps::ByChild } else { Maps::ByParent }
    }
}

impl Namespaces {
    /// The names of the flags.
    pub(crate) fn names_of(flags: u64) -> String {
        let mut names = String::new();
        let flags = Self::from_bits_retain(flags);
        bitflags::parser::to_writer(&flags, &mut names).map_or(String::new(), |()| names)
    }
}

impl Settings {
    /// The namespaces that the clone makes.
    pub(crate) fn cloned_namespaces(&self) -> u64 {
        let Some(rare) = self.rare() else { return 0 };
        let flags = rare.namespaces.flags & !self.unshared_namespaces().bits();
        // The child makes the one of the offsets as well.
        if rare.clocks.any() { flags & !Namespaces::TIME.bits() } else { flags }
    }

    /// The namespaces that the child makes after it has joined a user namespace. Those of the clone belong to the
    /// creator's, where the child has no rights from then on. A pid namespace takes only later children, and a time
    /// namespace what is executed.
    fn unshared_namespaces(&self) -> Namespaces {
        match self.of(Families::JOINS) {
            Some(rare) if rare.joins.has_user() => {
                Namespaces::from_bits_retain(rare.namespaces.flags) - (Namespaces::PID | Namespaces::TIME)
            }
            _ => Namespaces::empty(),
        }
    }

    /// Adds flags; 0 clears them.
    pub fn add_namespaces(&mut self, flags: u64) -> Set {
        let unknown = flags & !Namespaces::all().bits();
        if unknown != 0 {
            return Err(Error::config(
                libc::EINVAL,
                format_args!("flags {unknown:#x}, which are not CLONE_NEW*"),
            ));
        }
        self.make(Families::NAMESPACES).namespaces.flags =
            if flags == 0 { 0 } else { self.namespaces.flags | flags };
        Ok(())
    }

    /// The user id map.
    pub fn set_uid_map(&mut self, map: Vec<IdMap>) -> Set {
        self.make(Families::NAMESPACES).namespaces.uid_map = checked_map(map)?;
        Ok(())
    }

    /// The group id map.
    pub fn set_gid_map(&mut self, map: Vec<IdMap>) -> Set {
        self.make(Families::NAMESPACES).namespaces.gid_map = checked_map(map)?;
        Ok(())
    }

    /// The policy for setgroups(2).
    pub fn set_setgroups(&mut self, policy: Setgroups) -> Set {
        self.make(Families::NAMESPACES).namespaces.setgroups = policy;
        Ok(())
    }

    /// The host name.
    pub fn set_hostname(&mut self, name: Vec<u8>) -> Set {
        self.make(Families::NAMESPACES).namespaces.hostname = Some(uts_name(name, "host")?);
        Ok(())
    }

    /// The NIS domain name.
    pub fn set_domain_name(&mut self, name: Vec<u8>) -> Set {
        self.make(Families::NAMESPACES).namespaces.domain_name = Some(uts_name(name, "domain")?);
        Ok(())
    }
}

impl Context {
    /// New namespaces, added to those set before.
    ///
    /// # Errors
    ///
    /// `EINVAL`: unknown bits.
    ///
    /// # Kernel
    ///
    /// [namespaces(7)](https://man7.org/linux/man-pages/man7/namespaces.7.html); since 5.6 for `CLONE_NEWTIME`.
    /// Privilege: `CAP_SYS_ADMIN`, but for a user namespace.
    ///
    /// ```
    /// use procfd::Namespaces;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?.namespaces(Namespaces::USER | Namespaces::NET)?;
    /// println!("{}", context.plan()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_FLAG")]
    pub fn namespaces(&mut self, namespaces: Namespaces) -> Configured<'_> {
        self.set(|s| s.add_namespaces(namespaces.bits()))
    }

    /// The user id map of a new user namespace.
    ///
    /// # Errors
    ///
    /// `EINVAL`: an empty or overflowing line; `E2BIG`: over 340 lines.
    ///
    /// # Kernel
    ///
    /// [user_namespaces(7)](https://man7.org/linux/man-pages/man7/user_namespaces.7.html).
    /// Privilege: `CAP_SETUID` or newuidmap(1), but for one's own id.
    ///
    /// ```
    /// use procfd::{IdMap, Namespaces, Stage};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.namespaces(Namespaces::USER)?.uid_map(&[IdMap { inside: 0, outside: 1000, count: 1 }])?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::UID_MAP));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_UID_MAP")]
    pub fn uid_map(&mut self, map: &[IdMap]) -> Configured<'_> {
        self.set(|s| s.set_uid_map(map.to_vec()))
    }

    /// The group id map of a new user namespace.
    ///
    /// # Errors
    ///
    /// As [`uid_map`](Self::uid_map).
    ///
    /// # Kernel
    ///
    /// [user_namespaces(7)](https://man7.org/linux/man-pages/man7/user_namespaces.7.html).
    /// Privilege: `CAP_SETGID` or newgidmap(1), but for one's own id.
    ///
    /// ```
    /// use procfd::{IdMap, Namespaces};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.namespaces(Namespaces::USER)?.gid_map(&[IdMap { inside: 0, outside: 1000, count: 1 }])?;
    /// println!("{}", context.plan()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_GID_MAP")]
    pub fn gid_map(&mut self, map: &[IdMap]) -> Configured<'_> {
        self.set(|s| s.set_gid_map(map.to_vec()))
    }

    /// Policy for setgroups(2) in a new user namespace.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [user_namespaces(7)](https://man7.org/linux/man-pages/man7/user_namespaces.7.html).
    /// Privilege: `CAP_SETGID` to allow it.
    ///
    /// ```
    /// use procfd::{Namespaces, Setgroups, Stage};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.namespaces(Namespaces::USER)?.setgroups(Setgroups::Deny)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::SETGROUPS));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_SETGROUPS")]
    pub fn setgroups(&mut self, policy: Setgroups) -> Configured<'_> {
        self.set(|s| s.set_setgroups(policy))
    }

    /// The host name in a new UTS namespace.
    ///
    /// # Errors
    ///
    /// `ENAMETOOLONG`: over 64 bytes; `EINVAL`: a NUL in it.
    ///
    /// # Kernel
    ///
    /// [sethostname(2)](https://man7.org/linux/man-pages/man2/sethostname.2.html).
    /// Privilege: `CAP_SYS_ADMIN` in the namespace.
    ///
    /// ```no_run
    /// use procfd::Namespaces;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/hostname")?.namespaces(Namespaces::USER | Namespaces::UTS)?;
    /// context.hostname("box")?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_HOSTNAME")]
    pub fn hostname(&mut self, name: impl AsRef<OsStr>) -> Configured<'_> {
        self.set(|s| s.set_hostname(name.as_ref().as_bytes().to_vec()))
    }

    /// The NIS domain name in a new UTS namespace, up to 64 bytes.
    ///
    /// # Errors
    ///
    /// `ENAMETOOLONG`: over 64 bytes; `EINVAL`: a NUL in it.
    ///
    /// # Kernel
    ///
    /// [setdomainname(2)](https://man7.org/linux/man-pages/man2/setdomainname.2.html).
    /// Privilege: `CAP_SYS_ADMIN` in the namespace.
    ///
    /// ```
    /// use procfd::{Namespaces, Stage};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.namespaces(Namespaces::USER | Namespaces::UTS)?.domain_name("inside.example")?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::DOMAINNAME));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_DOMAINNAME")]
    pub fn domain_name(&mut self, name: impl AsRef<OsStr>) -> Configured<'_> {
        let name = name.as_ref().as_bytes().to_vec();
        self.set(|s| s.set_domain_name(name))
    }
}

/// A name that sethostname(2) and setdomainname(2) take: __NEW_UTS_LEN.
fn uts_name(name: Vec<u8>, what: &str) -> Result<Vec<u8>, Error> {
    if name.len() > 64 {
        return Err(Error::config(
            libc::ENAMETOOLONG,
            format_args!("a {what} name of {} bytes; there are 64 at most", name.len()),
        ));
    }
    if name.contains(&0) {
        return Err(Error::config(libc::EINVAL, format_args!("a {what} name with a NUL in it")));
    }
    Ok(name)
}

pub(super) fn conflicts(s: &Settings) -> Set {
    let err = |text: &str| Err(Error::plan(libc::EINVAL, text));
    if s.namespaces.hostname.is_some() && !s.namespaces.has(Namespaces::UTS) {
        return err("a host name without a new UTS namespace (CLONE_NEWUTS): it would be the whole system's");
    }
    if s.namespaces.domain_name.is_some() && !s.namespaces.has(Namespaces::UTS) {
        return err(
            "a domain name without a new UTS namespace (CLONE_NEWUTS): it would be the whole system's",
        );
    }
    if !s.namespaces.has(Namespaces::USER) && s.namespaces.has_maps() {
        return err("an id map or setgroups policy without a new user namespace (CLONE_NEWUSER)");
    }
    Ok(())
}

/// The wait for the creator, which may have the id maps to write or the watcher to tell; and the child's own way.
pub(super) fn id_maps(s: &Settings, facts: &Facts<'_>, list: &mut List) {
    let NamespaceSettings { uid_map, gid_map, setgroups, .. } = &s.namespaces;
    let stage = if facts.maps == Maps::ByParent { Stage::UID_MAP } else { Stage::WATCHER };
    // The reason why the child waits: the maps, or a policy of the watcher's.
    if facts.maps == Maps::ByParent || s.close().is_some() || s.time_limit().is_some() {
        list.step(stage, 0).wait_go().when(When::GO);
    }
    match facts.maps {
        Maps::None | Maps::ByParent => {}
        Maps::ByChild => {
            if *setgroups == Setgroups::Deny || !gid_map.is_empty() {
                list.step(Stage::SETGROUPS, 0).write_file(c"/proc/self/setgroups", b"deny");
            }
            if !uid_map.is_empty() {
                let text = map_text(uid_map);
                list.step(Stage::UID_MAP, 0).write_file(c"/proc/self/uid_map", text.as_bytes());
            }
            if !gid_map.is_empty() {
                let text = map_text(gid_map);
                list.step(Stage::GID_MAP, 0).write_file(c"/proc/self/gid_map", text.as_bytes());
            }
        }
    }
}

/// New namespaces that belong to a user namespace which the child has joined: it makes them itself.
pub(super) fn made_there(s: &Settings, _: &Facts<'_>, list: &mut List) {
    let made = s.unshared_namespaces();
    if !made.is_empty() {
        list.step(Stage::NAMESPACES, 0).unshare(made.bits() as i32);
    }
}

pub(super) fn names(s: &Settings, _: &Facts<'_>, list: &mut List) {
    if let Some(name) = &s.namespaces.hostname {
        list.step(Stage::HOSTNAME, 0).sethostname(name);
    }
    if let Some(name) = &s.namespaces.domain_name {
        list.step(Stage::DOMAINNAME, 0).setdomainname(name);
    }
}

pub(super) fn operand(s: &Settings, _: &Prepared, stage: Stage, _: u32) -> Option<String> {
    let name = match stage {
        Stage::NAMESPACES => return Some(Namespaces::names_of(s.unshared_namespaces().bits())),
        Stage::HOSTNAME => s.namespaces.hostname.as_deref()?,
        Stage::DOMAINNAME => s.namespaces.domain_name.as_deref()?,
        _ => return None,
    };
    Some(format!("{:?}", String::from_utf8_lossy(name)))
}
