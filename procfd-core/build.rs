// SPDX-License-Identifier: MIT OR Apache-2.0

//! Builds the watcher program, which the library carries in itself (`src/watch/program`).
//!
//! With the compiler that builds the crate, for its target, without network: `rustc` makes an
//! archive of the program and `core`, and a linker makes a static executable of it without libc or
//! start files. The linker is the one that cargo was told to use (`RUSTC_LINKER`), or if that cannot, `cc`, or
//! the lld that comes with Rust, which knows all targets.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// More than this and something that does not belong there was linked in.
const LARGEST: usize = 64 * 1024;

fn main() -> ExitCode {
    for path in ["build.rs", "src/watch/program", "src/sys/bare", "src/watch/proto.rs"] {
        println!("cargo::rerun-if-changed={path}");
    }
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    println!("cargo::rustc-check-cfg=cfg(procfd_program)");
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            for line in why.lines() {
                println!("cargo::error={line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    if var("CARGO_CFG_TARGET_POINTER_WIDTH")? != "64" {
        return Err("procfd is 64-bit only".into());
    }
    let out = PathBuf::from(var("OUT_DIR")?);
    let program = out.join("procfd-watcher");
    let arch = var("CARGO_CFG_TARGET_ARCH")?;
    let arch = arch.to_str().unwrap_or_default();
    if var("CARGO_CFG_TARGET_OS")? != "linux" || machine(arch).is_none() {
        // The crate itself says what it needs, in words; this only lets it be compiled so far.
        return fs::write(&program, []).map_err(|e| format!("{}: {e}", program.display()));
    }
    let archive = out.join("libprocfd_watcher.a");
    compile(&archive)?;
    link(&archive, &program, arch)
}

fn var(name: &str) -> Result<OsString, String> {
    env::var_os(name).ok_or_else(|| format!("the build script needs {name}, which cargo sets"))
}

fn compile(archive: &Path) -> Result<(), String> {
    let manifest_dir = PathBuf::from(var("CARGO_MANIFEST_DIR")?);
    let mut remap = manifest_dir.clone().into_os_string();
    remap.push("=.");
    let mut rustc = Command::new(var("RUSTC")?);
    rustc
        .args(["--crate-name", "procfd_watcher", "--crate-type", "staticlib", "--edition", "2024"])
        .args(["-C", "panic=abort", "-C", "opt-level=z", "-C", "codegen-units=1", "-C", "debuginfo=0"])
        .args(["-C", "overflow-checks=off", "-C", "debug-assertions=off", "-C", "relocation-model=static"])
        .args(["-C", "force-unwind-tables=no", "--cap-lints", "warn", "--cfg", "procfd_program"])
        .arg("--target")
        .arg(var("TARGET")?)
        .arg("--remap-path-prefix")
        .arg(remap)
        .args(sysroot())
        .arg("-o")
        .arg(archive)
        .arg(manifest_dir.join("src/watch/program/main.rs"));
    run(&mut rustc)
}

/// The `--sysroot` of the flags that the crate is compiled with. The others are for the library:
/// instrumentation, for one, needs a run-time library that is not there.
fn sysroot() -> Vec<String> {
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let mut flags = flags.split('\u{1f}');
    let mut found = Vec::new();
    while let Some(flag) = flags.next() {
        if flag == "--sysroot" {
            found = flags.next().map(|path| vec![flag.into(), path.into()]).unwrap_or_default();
        } else if flag.starts_with("--sysroot=") {
            found = vec![flag.into()];
        }
    }
    found
}

fn link(archive: &Path, program: &Path, arch: &str) -> Result<(), String> {
    let mut tried = String::new();
    for linker in linkers()? {
        // Not every linker knows how to make it smaller.
        for small in [true, false] {
            let _ = fs::remove_file(program);
            match run(&mut command(&linker, archive, program, arch, small))
                .and_then(|()| check(program, arch))
            {
                Ok(()) => return Ok(()),
                Err(why) => tried = format!("{tried}{why}\n"),
            }
        }
    }
    Err(format!(
        "cannot link the watcher program; set the linker of the target (CARGO_TARGET_<TRIPLE>_LINKER)\n{tried}"
    ))
}

fn linkers() -> Result<Vec<OsString>, String> {
    // One that cannot do it (zig's compiler driver) does not end the build: the program needs no libc.
    let mut linkers: Vec<OsString> = env::var_os("RUSTC_LINKER").into_iter().collect();
    if var("HOST")? == var("TARGET")? {
        linkers.push("cc".into());
    }
    let mut rustc = Command::new(var("RUSTC")?);
    if let Ok(answer) = rustc.args(["--print", "sysroot"]).output() {
        let sysroot = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
        let host = var("HOST")?;
        let lld = Path::new(&sysroot).join("lib/rustlib").join(host).join("bin/rust-lld");
        if lld.exists() {
            linkers.push(lld.into());
        }
    }
    linkers.push("ld.lld".into());
    linkers.push("cc".into());
    Ok(linkers)
}

/// A linker's name says how it wants its options.
fn command(linker: &OsStr, archive: &Path, program: &Path, arch: &str, small: bool) -> Command {
    let name = Path::new(linker).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let plain = name == "ld" || name.contains("lld") || name.ends_with("-ld") || name.starts_with("ld.");
    // The only root of an archive is its start.
    let mut options = vec!["--undefined=_start", "--gc-sections", "-s", "-z", "noexecstack"];
    if small {
        // One segment of code and constants: fewer pages, each of them resident.
        options.extend(["--build-id=none", "-z", "noseparate-code"]);
        if arch == "x86_64" {
            options.extend(["-z", "max-page-size=4096"]);
        }
    }
    if arch == "riscv64" {
        options.push("--no-relax");
    }
    let mut command = Command::new(linker);
    if plain {
        if name == "rust-lld" {
            command.args(["-flavor", "gnu"]);
        }
        command.args(["-static", "-nostdlib"]).args(options);
    } else {
        command.args(["-static", "-no-pie", "-nostdlib", "-nostartfiles"]);
        command.arg(format!("-Wl,{}", options.join(",")));
    }
    command.arg("-o").arg(program).arg(archive);
    command
}

/// e_machine of the ELF header.
fn machine(arch: &str) -> Option<u16> {
    match arch {
        "x86_64" => Some(62),
        "aarch64" => Some(183),
        "riscv64" => Some(243),
        _ => None,
    }
}

/// A linker for something else is found out here, and not when the first process is started.
fn check(program: &Path, arch: &str) -> Result<(), String> {
    const EXECUTABLE: u16 = 2;
    const NEEDS_A_LOADER: [u32; 2] = [2, 3];
    let bytes = fs::read(program).map_err(|e| format!("{}: {e}", program.display()))?;
    let half = |at: usize| bytes.get(at..at + 2).and_then(|b| b.try_into().ok()).map(u16::from_le_bytes);
    let word = |at: usize| bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    let headers = word(32).unwrap_or(0) as usize;
    let (size, count) = (half(54).unwrap_or(0), half(56).unwrap_or(0));
    let loaded = (0..usize::from(count))
        .filter_map(|i| word(headers + i * usize::from(size)))
        .any(|kind| NEEDS_A_LOADER.contains(&kind));
    if !bytes.starts_with(b"\x7fELF\x02\x01")
        || half(16) != Some(EXECUTABLE)
        || half(18) != machine(arch)
        || loaded
    {
        return Err("what was linked is not a static executable of the target".into());
    }
    if bytes.len() > LARGEST {
        return Err(format!("what was linked is too large: {} bytes", bytes.len()));
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.output() {
        Ok(done) if done.status.success() => Ok(()),
        Ok(done) => Err(format!("{name}: {}\n{}", done.status, String::from_utf8_lossy(&done.stderr))),
        Err(e) => Err(format!("{name}: {e}")),
    }
}
