// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the questions are compared with: C code, compiled when the benchmark starts and loaded into
//! it, and psutil in a process of its own. What is not installed here is a skipped row.

use std::ffi::{CStr, CString, c_int, c_void};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A shared object of C functions.
pub struct Library(Result<*mut c_void, String>);

impl Library {
    /// Compiles `name.c` with the flags.
    pub fn compile(name: &str, flags: &[&str]) -> Self {
        Self(compile(name, flags).and_then(|file| {
            let loaded = load(&file);
            let _ = std::fs::remove_file(file);
            loaded
        }))
    }

    /// A function without arguments.
    pub fn none(&self, name: &CStr) -> impl Fn() -> io::Result<c_int> + use<> {
        let function = self.function(name);
        move || {
            let at = function.as_ref().map_err(|why| io::Error::other(why.clone()))?;
            // SAFETY: the sources beside this file declare it as `int name(void)`.
            let call: extern "C" fn() -> c_int = unsafe { std::mem::transmute(*at) };
            checked(call())
        }
    }

    /// A function of one number.
    pub fn one(&self, name: &CStr) -> impl Fn(c_int) -> io::Result<c_int> + use<> {
        let function = self.function(name);
        move |a| {
            let at = function.as_ref().map_err(|why| io::Error::other(why.clone()))?;
            // SAFETY: declared as `int name(int)`.
            let call: extern "C" fn(c_int) -> c_int = unsafe { std::mem::transmute(*at) };
            checked(call(a))
        }
    }

    /// A function of two numbers.
    pub fn two(&self, name: &CStr) -> impl Fn(c_int, c_int) -> io::Result<c_int> + use<> {
        let function = self.function(name);
        move |a, b| {
            let at = function.as_ref().map_err(|why| io::Error::other(why.clone()))?;
            // SAFETY: declared as `int name(int, int)`.
            let call: extern "C" fn(c_int, c_int) -> c_int = unsafe { std::mem::transmute(*at) };
            checked(call(a, b))
        }
    }

    fn function(&self, name: &CStr) -> Result<*mut c_void, String> {
        let library = *self.0.as_ref().map_err(String::clone)?;
        // SAFETY: a loaded library, and a string that outlives the call.
        let at = unsafe { libc::dlsym(library, name.as_ptr()) };
        if at.is_null() { Err(format!("no {}", name.to_string_lossy())) } else { Ok(at) }
    }
}

fn checked(answer: c_int) -> io::Result<c_int> {
    if answer < 0 { Err(io::Error::other(format!("{answer}"))) } else { Ok(answer) }
}

/// The workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn compile(name: &str, flags: &[&str]) -> Result<PathBuf, String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/info/peers");
    let to = std::env::temp_dir().join(format!("procfd-bench-{}-{name}.so", std::process::id()));
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let done = Command::new(&compiler)
        .args(["-O2", "-shared", "-fPIC", "-o"])
        .arg(&to)
        .arg(sources.join(format!("{name}.c")))
        .args(flags)
        .output()
        .map_err(|e| format!("{compiler}: {e}"))?;
    if done.status.success() {
        return Ok(to);
    }
    let text = String::from_utf8_lossy(&done.stderr);
    let line = text.lines().find(|l| l.contains("error") || l.contains("cannot find")).unwrap_or("?");
    Err(format!("{name}.c does not compile: {line}"))
}

fn load(file: &Path) -> Result<*mut c_void, String> {
    let path = CString::new(file.as_os_str().as_encoded_bytes()).map_err(|e| e.to_string())?;
    // SAFETY: the strings outlive the calls; what the library runs when it is loaded is the C library's.
    unsafe {
        let at = libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
        if at.is_null() {
            return Err(CStr::from_ptr(libc::dlerror()).to_string_lossy().into_owned());
        }
        Ok(at)
    }
}

/// psutil, asked line by line.
pub struct Psutil {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    pub version: String,
}

impl Psutil {
    /// By the interpreter in `PROCFD_PSUTIL_PYTHON`, or python3.
    pub fn start() -> io::Result<Self> {
        let python = std::env::var("PROCFD_PSUTIL_PYTHON").unwrap_or_else(|_| "python3".into());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/info/peers/psutil_peer.py");
        let mut child = Command::new(&python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let to = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let from = BufReader::new(child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?);
        let mut psutil = Self { child, to, from, version: String::new() };
        psutil.version = psutil.line().map_err(|_| {
            io::Error::other(format!("{python} has no psutil (PROCFD_PSUTIL_PYTHON names another)"))
        })?;
        Ok(psutil)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.from.read_line(&mut line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim().to_owned()),
        }
    }

    /// A pid or `all`; nanoseconds.
    pub fn ask(&mut self, what: &str) -> io::Result<u64> {
        writeln!(self.to, "{what}")?;
        self.line()?.parse().map_err(io::Error::other)
    }
}

impl Drop for Psutil {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
