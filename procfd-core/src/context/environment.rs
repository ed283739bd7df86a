// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The environment: the caller's, or one given whole, and edits on top.

use std::ffi::OsStr;

use super::{Configured, Context};
use crate::settings::{Settings, assignment, c_string};

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
