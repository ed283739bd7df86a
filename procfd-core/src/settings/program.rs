// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The program and its arguments.

use std::ffi::{CString, OsStr};
use std::fmt::Write;
use std::os::fd::{OwnedFd, RawFd};
use std::path::Path;

use super::check::{self, PATH_MAX};
use super::{Configured, Context, Facts, Prepared, Set, Settings, c_string, c_strings};
use crate::child::List;
use crate::error::{Error, Stage};
use crate::sys::cstr::{CStrArray, CStrArrayRef};
use crate::sys::{Errno, vec};

/// Longest name in a directory (limits.h).
const NAME_MAX: usize = 255;
/// The directories that execvpe(3) searches without a PATH, in glibc and musl.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// The program.
#[derive(Clone, Debug, Default)]
pub enum Program {
    /// None: a fork.
    #[default]
    None,
    /// A path.
    Path(CString),
    /// By the caller's PATH unless there is a slash in it.
    Search(CString),
    /// The first of these that is there, by the rule of execvpe(3).
    OneOf(Vec<CString>),
    /// An open descriptor.
    Fd(RawFd),
}

/// The program to execute.
#[derive(Clone, Debug, Default)]
pub(crate) struct Execution {
    pub(crate) program: Program,
    argv: Option<CStrArray>,
    /// A search is one of the program's own PATH.
    own_path: bool,
}

impl Execution {
    /// Without a program a creation forks.
    pub(crate) fn is_none(&self) -> bool {
        matches!(self.program, Program::None)
    }
}

impl Settings {
    /// The program.
    pub fn set_program(&mut self, program: Program) -> Set {
        match &program {
            Program::None => {}
            Program::Path(path) | Program::Search(path) => check::path(path, "the program")?,
            Program::OneOf(paths) => {
                check::len(paths.len(), "paths of the program")?;
                if paths.is_empty() {
                    return Err(Error::config(libc::ENOENT, "the program: no path"));
                }
                paths.iter().try_for_each(|path| check::path(path, "the program"))?;
            }
            Program::Fd(fd) => check::fd(*fd, "the program")?,
        }
        self.program.program = program;
        Ok(())
    }

    /// Whether a search takes the PATH that the program gets.
    pub fn set_own_path(&mut self, on: bool) -> Set {
        self.program.own_path = on;
        Ok(())
    }

    /// The program by a descriptor.
    pub fn set_program_fd(&mut self, fd: RawFd) -> Set {
        self.set_program(Program::Fd(fd))
    }

    /// The arguments, `argv[0]` among them.
    pub fn set_argv(&mut self, argv: Vec<CString>) -> Set {
        self.program.argv = Some(check::strings(argv, "argument")?);
        Ok(())
    }
}

impl Context {
    /// The program, by its path.
    ///
    /// # Errors
    ///
    /// `ENOENT`: an empty path; `ENAMETOOLONG`; `EINVAL`: a NUL in it.
    ///
    /// # Kernel
    ///
    /// [execve(2)](https://man7.org/linux/man-pages/man2/execve.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "exit 3"])?;
    /// assert_eq!(context.create()?.wait()?.code(), Some(3));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_EXEC")]
    pub fn program(&mut self, path: impl AsRef<Path>) -> Configured<'_> {
        let path = c_string(path.as_ref())?;
        self.set(|s| s.set_program(Program::Path(path)))
    }

    /// The program, searched in the creator's `PATH` if there is no slash in it, as execvpe(3) does. For a file
    /// of unknown format it tries no shell.
    ///
    /// # Errors
    ///
    /// As [`program`](Self::program).
    ///
    /// # Kernel
    ///
    /// [execve(2)](https://man7.org/linux/man-pages/man2/execve.2.html), as [`program`](Self::program). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program_in_path("true")?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_EXEC_PATH")]
    pub fn program_in_path(&mut self, name: impl AsRef<OsStr>) -> Configured<'_> {
        let name = c_string(name.as_ref())?;
        self.set(|s| s.set_program(Program::Search(name)))
    }

    /// A search for the program, as by [`program_in_path`](Self::program_in_path), takes the `PATH` that the program
    /// gets. That is yours, unless the environment is another.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [execve(2)](https://man7.org/linux/man-pages/man2/execve.2.html), as [`program`](Self::program). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program_in_path("sh")?.args(["sh", "-c", "exit 3"])?;
    /// context.env("PATH", "/nonexistent:/bin")?.own_path()?;
    /// assert_eq!(context.create()?.wait()?.code(), Some(3));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[doc(alias = "PROC_SET_OWN_PATH")]
    pub fn own_path(&mut self) -> Configured<'_> {
        self.set(|s| s.set_own_path(true))
    }

    /// The program, as the first of these paths that is there, by the rule of execvpe(3): a caller's own
    /// search. Without [`args`](Self::args), `argv[0]` is the first of them.
    ///
    /// # Errors
    ///
    /// As [`program`](Self::program); `ENOENT`: no path; `E2BIG`: more than 65,536.
    ///
    /// # Kernel
    ///
    /// [execve(2)](https://man7.org/linux/man-pages/man2/execve.2.html), as [`program`](Self::program). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program_first_of(["/nonexistent/sh", "/bin/sh"])?.args(["sh", "-c", "exit 3"])?;
    /// assert_eq!(context.create()?.wait()?.code(), Some(3));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn program_first_of<P: AsRef<Path>>(&mut self, paths: impl IntoIterator<Item = P>) -> Configured<'_> {
        let paths = c_strings(paths.into_iter().map(|p| p.as_ref().as_os_str().to_owned()))?;
        self.set(|s| s.set_program(Program::OneOf(paths)))
    }

    /// The program, by a descriptor of it, which the context keeps. [`args`](Self::args) must be
    /// set. A script needs its descriptor inherited too, for its interpreter.
    ///
    /// # Errors
    ///
    /// None here.
    ///
    /// # Kernel
    ///
    /// [execveat(2)](https://man7.org/linux/man-pages/man2/execveat.2.html). No privilege.
    ///
    /// ```
    /// let program = std::fs::File::open("/bin/true")?;
    /// let mut context = procfd::Context::new()?;
    /// context.program_fd(program)?.args(["true"])?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_EXEC_FD")]
    pub fn program_fd(&mut self, fd: impl Into<OwnedFd>) -> Configured<'_> {
        let fd = fd.into();
        self.set(|s| {
            let number = s.hold(fd);
            s.set_program_fd(number)
        })
    }

    /// The arguments, `argv[0]` among them. Default: the program as it was named.
    ///
    /// # Errors
    ///
    /// `EINVAL`: a NUL in one; `E2BIG`: more than execve(2) takes.
    ///
    /// # Kernel
    ///
    /// [execve(2)](https://man7.org/linux/man-pages/man2/execve.2.html). No privilege.
    ///
    /// ```
    /// let mut context = procfd::Context::new()?;
    /// context.program("/bin/sh")?.args(["sh", "-c", "test $A = 1"])?;
    /// context.env("A", "1")?;
    /// assert!(context.create()?.wait()?.is_success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "PROC_SET_ARGV")]
    pub fn args<S: AsRef<OsStr>>(&mut self, args: impl IntoIterator<Item = S>) -> Configured<'_> {
        let args = c_strings(args)?;
        self.set(|s| s.set_argv(args))
    }
}

impl Context {
    /// Whether it has a program, which it executes in place of a fork.
    pub(crate) fn has_program(&self) -> bool {
        self.with_settings(|s| !matches!(s.program.program, Program::None))
    }
}

pub(super) fn conflicts(s: &Settings) -> Set {
    let err = |text: &str| Err(Error::plan(libc::EINVAL, text));
    match &s.program {
        Execution { program: Program::None, argv: Some(_), .. } => err("arguments without a program"),
        Execution { program: Program::None, .. } if s.environment.is_set() => {
            err("an environment without a program")
        }
        Execution { program: Program::Fd(_), argv: None, .. } => {
            err("a program by descriptor without arguments: set argv")
        }
        _ => Ok(()),
    }
}

/// The paths that a search through PATH would try, and that PATH.
#[allow(clippy::type_complexity, reason = "a PATH that is not set is another one than no search")]
pub(super) fn search_for(s: &Settings) -> Result<(Option<Vec<CString>>, Option<Option<Vec<u8>>>), Error> {
    match &s.program.program {
        Program::Search(name) if !name.as_bytes().contains(&b'/') => {
            if s.program.own_path {
                if let Some(path) = s.environment.given(b"PATH").map_err(no_memory)? {
                    return Ok((Some(search(name, path.as_deref().unwrap_or(DEFAULT_PATH))?), None));
                }
            }
            let path = CStrArrayRef::environ().value(b"PATH").map_err(no_memory)?;
            Ok((Some(search(name, path.as_deref().unwrap_or(DEFAULT_PATH))?), Some(path)))
        }
        _ => Ok((None, None)),
    }
}

/// The paths to try, of which a search has found these.
pub(super) fn candidates<'a>(s: &'a Settings, found: Option<&'a [CString]>) -> &'a [CString] {
    match (&s.program.program, found) {
        (_, Some(found)) => found,
        (Program::None | Program::Fd(_), None) => &[],
        (Program::Path(path) | Program::Search(path), None) => std::slice::from_ref(path),
        (Program::OneOf(paths), None) => paths,
    }
}

fn no_memory(e: Errno) -> Error {
    Error::plan(e.0, "the paths of the program")
}

/// The paths that execvpe(3) would try: an empty entry is the directory the child is in by then.
fn search(name: &CString, path: &[u8]) -> Result<Vec<CString>, Error> {
    let bytes = name.as_bytes();
    if bytes.len() > NAME_MAX {
        return Err(Error::plan(
            libc::ENAMETOOLONG,
            format_args!(
                "the program {name:?}, a name of {} bytes; there are {NAME_MAX} at most",
                bytes.len()
            ),
        ));
    }
    let mut candidates = Vec::new();
    for dir in path.split(|&b| b == b':') {
        let mut full = vec::copy(dir).map_err(no_memory)?;
        if !dir.is_empty() {
            full.push(b'/');
        }
        full.extend_from_slice(bytes);
        // glibc skips entries that make too long a path.
        if full.len() < PATH_MAX {
            let path = vec::c_string(&full).and_then(|path| vec::push(&mut candidates, path));
            path.map_err(no_memory)?;
        }
    }
    if candidates.is_empty() {
        return Err(Error::plan(
            libc::ENOENT,
            format_args!("the program {name:?}: every PATH entry is too long"),
        ));
    }
    Ok(candidates)
}

pub(super) fn execute(s: &Settings, facts: &Facts<'_>, list: &mut List) {
    let argv = match (&s.program.argv, facts.candidates.first(), &s.program.program) {
        (Some(argv), ..) => Ok(argv.clone()),
        // Without arguments, the program as it was named.
        (None, _, Program::Search(name)) => CStrArray::new(vec![name.clone()]),
        (None, first, _) => CStrArray::new(first.cloned().into_iter().collect()),
    };
    let Ok(argv) = argv else { return list.fail() };
    match s.program.program {
        Program::None => {}
        Program::Fd(_) => {
            list.step(Stage::EXEC, 0).execve_fd(argv);
        }
        _ => list.execve(Stage::EXEC, facts.candidates, argv),
    }
}

pub(super) fn operand(s: &Settings, p: &Prepared, stage: Stage, index: u32) -> Option<String> {
    if stage != Stage::EXEC {
        return None;
    }
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = match (&s.program.program, p.candidates(s).get(index as usize)) {
        (Program::Search(name), Some(path)) if name != path => {
            write!(out, "{name:?} (searched in {} directories of PATH, last {path:?})", p.candidates(s).len())
        }
        (_, Some(path)) => write!(out, "{path:?}"),
        (Program::Fd(fd), None) => write!(out, "descriptor {fd}"),
        _ => Ok(()),
    };
    Some(out)
}

pub(super) fn hint(s: &Settings, stage: Stage, errno: i32) -> Option<&'static str> {
    match (stage, errno) {
        (Stage::EXEC, libc::ENOENT) if matches!(s.program.program, Program::Fd(_)) => {
            Some("a script needs its descriptor inherited, so that its interpreter can open it")
        }
        (Stage::EXEC, libc::ENOENT) => match &s.program.program {
            Program::Path(path) if !path.as_bytes().contains(&b'/') => Some(
                "without a slash it is a file of the directory it starts in: PROC_EXEC_PATH searches PATH",
            ),
            _ => None,
        },
        (Stage::EXEC, libc::EAGAIN) => Some("its user has more processes than RLIMIT_NPROC"),
        (Stage::EXEC, libc::EFAULT) => Some("another thread changed the environment meanwhile"),
        (Stage::EXEC, libc::ENOEXEC) => Some("no known format and no #! line; no shell is tried"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_has_one_candidate_for_each_entry() {
        let found = search(&c"x".into(), b"/a:/b:").unwrap();
        assert_eq!(found, [CString::from(c"/a/x"), c"/b/x".into(), c"x".into()]);
        let long = CString::new(vec![b'x'; 256]).unwrap();
        assert_eq!(search(&long, b"/bin").unwrap_err().raw_os_error(), libc::ENAMETOOLONG);
    }
}
