// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The five sets of capabilities, keep-caps, securebits.

use super::{Configured, Context};
use crate::settings::{CapSet, SecureBits};

impl Context {
    /// The capability bounding set: what the program can get at most by its file. It is a limit: what the
    /// creator's has lost does not come back.
    ///
    /// # Errors
    ///
    /// `EINVAL`: a capability that the kernel does not have.
    ///
    /// # Kernel
    ///
    /// [capabilities(7)](https://man7.org/linux/man-pages/man7/capabilities.7.html).
    /// Privilege: `CAP_SETPCAP`.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/grep")?.args(["grep", "-q", "CapBnd:.0*400$", "/proc/self/status"])?;
    /// context.cap_bounding("net_bind_service".parse()?)?;
    /// match context.create() {
    ///     Ok(process) => assert!(process.wait()?.is_success()),
    ///     Err(e) => assert_eq!(e.error().stage(), procfd::Stage::BOUNDING),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_CAP_BOUNDING")]
    pub fn cap_bounding(&mut self, set: CapSet) -> Configured<'_> {
        self.set(|s| s.set_cap_bounding(set.bits()))
    }

    /// The permitted set. execve(2) computes the program's permitted set from the other sets and the file. This is
    /// therefore for a fork, and for root with [`no_new_privs`](Self::no_new_privs), which gains nothing at the
    /// execve(2).
    ///
    /// # Errors
    ///
    /// `EINVAL`: a capability that the kernel does not have.
    ///
    /// # Kernel
    ///
    /// [capset(2)](https://man7.org/linux/man-pages/man2/capset.2.html).
    /// Privilege: the creator must have the capabilities.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.no_new_privs()?.cap_permitted("kill".parse()?)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::CAPS));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_CAP_PERMITTED")]
    pub fn cap_permitted(&mut self, set: CapSet) -> Configured<'_> {
        self.set(|s| s.set_cap_permitted(set.bits()))
    }

    /// The effective set. execve(2) computes the program's anew.
    ///
    /// # Errors
    ///
    /// `EINVAL`: a capability that the kernel does not have.
    ///
    /// # Kernel
    ///
    /// [capset(2)](https://man7.org/linux/man-pages/man2/capset.2.html).
    /// Privilege: the creator must have the capabilities.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.cap_effective("kill".parse()?)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::CAPS));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_CAP_EFFECTIVE")]
    pub fn cap_effective(&mut self, set: CapSet) -> Configured<'_> {
        self.set(|s| s.set_cap_effective(set.bits()))
    }

    /// The inheritable set: the program gets those that its file has as inheritable too.
    ///
    /// # Errors
    ///
    /// `EINVAL`: a capability that the kernel does not have.
    ///
    /// # Kernel
    ///
    /// [capset(2)](https://man7.org/linux/man-pages/man2/capset.2.html).
    /// Privilege: the creator must have the capabilities.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.cap_inheritable("net_bind_service".parse()?)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::CAPS));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_CAP_INHERITABLE")]
    pub fn cap_inheritable(&mut self, set: CapSet) -> Configured<'_> {
        self.set(|s| s.set_cap_inheritable(set.bits()))
    }

    /// The ambient set: capabilities that a program without root has in spite of its file. They become
    /// inheritable too, unless [`cap_inheritable`](Self::cap_inheritable) says otherwise.
    ///
    /// # Errors
    ///
    /// `EINVAL`: a capability that the kernel does not have.
    ///
    /// # Kernel
    ///
    /// [capabilities(7)](https://man7.org/linux/man-pages/man7/capabilities.7.html).
    /// Privilege: the creator must have the capabilities.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.cap_ambient("net_bind_service".parse()?)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::AMBIENT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_CAP_AMBIENT")]
    pub fn cap_ambient(&mut self, set: CapSet) -> Configured<'_> {
        self.set(|s| s.set_cap_ambient(set.bits()))
    }

    /// Whether a new user keeps the creator's permitted set, as far as execve(2) leaves it.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [PR_SET_KEEPCAPS(2const)](https://man7.org/linux/man-pages/man2const/PR_SET_KEEPCAPS.2const.html). No privilege.
    ///
    /// ```
    /// use procfd::Stage;
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.keep_caps(true)?.uid(procfd::Ids::all(65_534))?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::KEEP_CAPS));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_KEEP_CAPS")]
    pub fn keep_caps(&mut self, on: bool) -> Configured<'_> {
        self.set(|s| s.set_keep_caps(on))
    }

    /// The securebits, with their locks.
    ///
    /// # Errors
    ///
    /// `EINVAL`: unknown bits.
    ///
    /// # Kernel
    ///
    /// [PR_SET_SECUREBITS(2const)](https://man7.org/linux/man-pages/man2const/PR_SET_SECUREBITS.2const.html).
    /// Privilege: `CAP_SETPCAP`.
    ///
    /// ```
    /// use procfd::{SecureBits, Stage};
    ///
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/true")?;
    /// context.securebits(SecureBits::NOROOT)?;
    /// assert!(context.plan()?.steps().iter().any(|step| step.stage == Stage::SECUREBITS));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_SECUREBITS")]
    pub fn securebits(&mut self, bits: SecureBits) -> Configured<'_> {
        self.set(|s| s.set_securebits(bits.bits()))
    }
}
