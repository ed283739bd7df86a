// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The restrictions of a Landlock ruleset, and the kernel versions that know them.

bitflags::bitflags! {
    /// The accesses to files that a Landlock ruleset restricts, and that a rule permits beneath a path
    /// ([landlock(7)](https://man7.org/linux/man-pages/man7/landlock.7.html)).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct LandlockFs: u64 {
        /// Execute a file.
        const EXECUTE = 1;
        /// Open a file for writing.
        const WRITE_FILE = 1 << 1;
        /// Open a file for reading.
        const READ_FILE = 1 << 2;
        /// Open a directory, or list it.
        const READ_DIR = 1 << 3;
        /// Remove an empty directory, or rename one.
        const REMOVE_DIR = 1 << 4;
        /// Unlink or rename a file.
        const REMOVE_FILE = 1 << 5;
        /// Make a character device.
        const MAKE_CHAR = 1 << 6;
        /// Make or rename a directory.
        const MAKE_DIR = 1 << 7;
        /// Make, rename or link a regular file.
        const MAKE_REG = 1 << 8;
        /// Make a UNIX domain socket.
        const MAKE_SOCK = 1 << 9;
        /// Make a named pipe.
        const MAKE_FIFO = 1 << 10;
        /// Make a block device.
        const MAKE_BLOCK = 1 << 11;
        /// Make a symbolic link.
        const MAKE_SYM = 1 << 12;
        /// Link or rename a file from or to another directory; 5.19.
        const REFER = 1 << 13;
        /// Truncate a file; 6.2.
        const TRUNCATE = 1 << 14;
        /// ioctl(2) on a device; 6.10.
        const IOCTL_DEV = 1 << 15;

        /// Read files and list directories.
        const READ = Self::READ_FILE.bits() | Self::READ_DIR.bits();
        /// Change files, and make, rename and remove all kinds of them.
        const WRITE = Self::WRITE_FILE.bits() | Self::REMOVE_DIR.bits() | Self::REMOVE_FILE.bits()
            | Self::MAKE_CHAR.bits() | Self::MAKE_DIR.bits() | Self::MAKE_REG.bits() | Self::MAKE_SOCK.bits()
            | Self::MAKE_FIFO.bits() | Self::MAKE_BLOCK.bits() | Self::MAKE_SYM.bits() | Self::REFER.bits()
            | Self::TRUNCATE.bits();
    }

    /// The uses of TCP sockets that a Landlock ruleset restricts, and that a rule permits for a port; 6.7.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct LandlockNet: u64 {
        /// bind(2) to a port.
        const BIND_TCP = 1;
        /// connect(2) to a port.
        const CONNECT_TCP = 1 << 1;
    }

    /// The ways to reach processes outside that a Landlock ruleset blocks; 6.12.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct LandlockScopes: u64 {
        /// Abstract UNIX domain sockets of processes outside.
        const ABSTRACT_UNIX_SOCKET = 1;
        /// Signals to processes outside.
        const SIGNAL = 1 << 1;
    }
}

bitflags::bitflags! {
    /// The refusals of a ruleset that the kernel logs; 6.15. Without flags it logs what the program itself
    /// does.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct LandlockLog: u32 {
        /// Nothing of the program itself.
        const SAME_EXEC_OFF = 1;
        /// What later programs do, too.
        const NEW_EXEC_ON = 1 << 1;
        /// Nothing of rulesets that the process adds later.
        const SUBDOMAINS_OFF = 1 << 2;
    }
}

/// The accesses that a rule can permit for a path that is no directory: the kernel refuses the rest there.
pub(super) const OF_FILES: LandlockFs = LandlockFs::EXECUTE
    .union(LandlockFs::WRITE_FILE)
    .union(LandlockFs::READ_FILE)
    .union(LandlockFs::TRUNCATE)
    .union(LandlockFs::IOCTL_DEV);

/// A Landlock ruleset: it forbids what it restricts, but for what rules allow.
///
/// A kernel that lacks some of it leaves that unrestricted, unless the ruleset is [`strict`](Self::strict).
///
/// ```
/// use procfd::{Landlock, LandlockFs, LandlockNet, LandlockScopes};
///
/// // Writes, outgoing connections and signals to processes outside.
/// let ruleset = Landlock::new()
///     .fs(LandlockFs::WRITE)
///     .net(LandlockNet::CONNECT_TCP)
///     .scopes(LandlockScopes::SIGNAL);
/// # let mut context = procfd::Context::new()?;
/// context.program("/bin/true")?.no_new_privs()?.landlock(ruleset)?;
/// println!("{}", context.plan()?);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Landlock {
    pub(super) fs: LandlockFs,
    pub(super) net: LandlockNet,
    pub(super) scopes: LandlockScopes,
    pub(super) strict: bool,
}

impl Landlock {
    /// One that restricts nothing yet.
    pub const fn new() -> Self {
        Self {
            fs: LandlockFs::empty(),
            net: LandlockNet::empty(),
            scopes: LandlockScopes::empty(),
            strict: false,
        }
    }

    /// Restricts these accesses to files.
    pub const fn fs(mut self, accesses: LandlockFs) -> Self {
        self.fs = self.fs.union(accesses);
        self
    }

    /// Restricts these accesses to TCP ports.
    pub const fn net(mut self, accesses: LandlockNet) -> Self {
        self.net = self.net.union(accesses);
        self
    }

    /// Keeps the process from reaching these outside.
    pub const fn scopes(mut self, scopes: LandlockScopes) -> Self {
        self.scopes = self.scopes.union(scopes);
        self
    }

    /// A kernel that lacks some of it fails the start.
    pub const fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Whether it restricts nothing.
    pub(crate) const fn is_empty(self) -> bool {
        self.fs.is_empty() && self.net.is_empty() && self.scopes.is_empty()
    }

    /// The part that a kernel with this version of Landlock has.
    pub(super) fn known(self, abi: u32) -> Self {
        let since = |first, bits| if abi >= first { bits } else { 0 };
        let fs = since(1, LandlockFs::REFER.bits() - 1)
            | since(2, LandlockFs::REFER.bits())
            | since(3, LandlockFs::TRUNCATE.bits())
            | since(5, LandlockFs::IOCTL_DEV.bits());
        Self {
            fs: self.fs & LandlockFs::from_bits_truncate(fs),
            net: if abi >= 4 { self.net } else { LandlockNet::empty() },
            scopes: if abi >= 6 { self.scopes } else { LandlockScopes::empty() },
            strict: self.strict,
        }
    }

    /// The names of what another does not have.
    pub(super) fn beyond(self, other: Self) -> String {
        let fs = (self.fs - other.fs).iter_names().map(|(name, _)| name);
        let net = (self.net - other.net).iter_names().map(|(name, _)| name);
        let scopes = (self.scopes - other.scopes).iter_names().map(|(name, _)| name);
        fs.chain(net).chain(scopes).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Landlock =
        Landlock::new().fs(LandlockFs::all()).net(LandlockNet::all()).scopes(LandlockScopes::all());

    #[test]
    fn each_version_knows_more() {
        let lacks = |abi| ALL.beyond(ALL.known(abi));
        let all = "EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE, MAKE_CHAR, MAKE_DIR, MAKE_REG, \
                   MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM, REFER, TRUNCATE, IOCTL_DEV, BIND_TCP, CONNECT_TCP, \
                   ABSTRACT_UNIX_SOCKET, SIGNAL";
        let names: Vec<&str> = all.split(", ").collect();
        for (abi, known) in [(0, 0), (1, 13), (2, 14), (3, 15), (6, 20), (7, 20), (99, 20)] {
            assert_eq!(lacks(abi), names[known..].join(", "), "version {abi}");
        }
        assert_eq!(lacks(4), "IOCTL_DEV, ABSTRACT_UNIX_SOCKET, SIGNAL");
        assert_eq!(lacks(5), "ABSTRACT_UNIX_SOCKET, SIGNAL");
    }
}
