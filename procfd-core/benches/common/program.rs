// SPDX-License-Identifier: MIT OR Apache-2.0

//! The programs that the benches start: static executables of a few instructions. They are written out as ELF
//! images, so that no compiler and no loader takes part in a measurement.

use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

#[cfg(target_arch = "x86_64")]
mod code {
    pub const MACHINE: u16 = 62;
    /// mov eax, 231 (exit_group); xor edi, edi; syscall
    pub const EXIT: &[u8] = &[0xb8, 231, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05];
    /// mov eax, 34 (pause); syscall; and again
    pub const PAUSE: &[u8] = &[0xb8, 34, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7];
}

#[cfg(target_arch = "aarch64")]
mod code {
    pub const MACHINE: u16 = 183;
    /// mov x8, 94 (exit_group); mov x0, 0; svc 0
    pub const EXIT: &[u8] = &[0xc8, 0x0b, 0x80, 0xd2, 0, 0, 0x80, 0xd2, 0x01, 0, 0, 0xd4];
    /// mov x8, 73 (ppoll); mov x0 to x4, 0; svc 0; and again
    pub const PAUSE: &[u8] = &[
        0x28, 0x09, 0x80, 0xd2, 0, 0, 0x80, 0xd2, 1, 0, 0x80, 0xd2, 2, 0, 0x80, 0xd2, 3, 0, 0x80, 0xd2, 4, 0,
        0x80, 0xd2, 0x01, 0, 0, 0xd4, 0xf9, 0xff, 0xff, 0x17,
    ];
}

#[cfg(target_arch = "riscv64")]
mod code {
    pub const MACHINE: u16 = 243;
    /// li a7, 94 (exit_group); li a0, 0; ecall
    pub const EXIT: &[u8] = &[0x93, 0x08, 0xe0, 0x05, 0x13, 0x05, 0, 0, 0x73, 0, 0, 0];
    /// li a7, 73 (ppoll); li a0 to a4, 0; ecall; and again
    pub const PAUSE: &[u8] = &[
        0x93, 0x08, 0x90, 0x04, 0x13, 0x05, 0, 0, 0x93, 0x05, 0, 0, 0x13, 0x06, 0, 0, 0x93, 0x06, 0, 0, 0x13,
        0x07, 0, 0, 0x73, 0, 0, 0, 0x6f, 0xf0, 0x5f, 0xfe,
    ];
}

/// An executable file, removed when dropped.
pub struct Program {
    pub path: CString,
    file: PathBuf,
}

impl Program {
    /// Ends at once with 0.
    pub fn noop() -> Self {
        Self::write("noop", code::EXIT)
    }

    /// Waits for a signal.
    pub fn pause() -> Self {
        Self::write("pause", code::PAUSE)
    }

    fn write(name: &str, code: &[u8]) -> Self {
        let file = std::env::temp_dir().join(format!("procfd-bench-{}-{name}", std::process::id()));
        fs::write(&file, elf(code)).expect("a program in the directory for temporary files");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("chmod");
        let path = CString::new(file.as_os_str().as_bytes()).expect("a path without NUL");
        Self { path, file }
    }

    pub fn as_path(&self) -> &std::path::Path {
        &self.file
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}

/// ELF64, little-endian, one loaded segment, and PT_GNU_STACK for a stack without execution.
fn elf(code: &[u8]) -> Vec<u8> {
    const BASE: u64 = 0x40_0000;
    const HEADERS: u64 = 64 + 2 * 56;
    let size = HEADERS + code.len() as u64;
    let mut out = Vec::from(*b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    let half = |out: &mut Vec<u8>, v: u16| out.extend(v.to_le_bytes());
    let word = |out: &mut Vec<u8>, v: u32| out.extend(v.to_le_bytes());
    let long = |out: &mut Vec<u8>, v: u64| out.extend(v.to_le_bytes());
    half(&mut out, 2); // ET_EXEC
    half(&mut out, code::MACHINE);
    word(&mut out, 1);
    long(&mut out, BASE + HEADERS); // entry
    long(&mut out, 64); // program headers
    long(&mut out, 0);
    word(&mut out, 0);
    for v in [64, 56, 2, 64, 0, 0] {
        half(&mut out, v);
    }
    for (kind, flags, size) in [(1, 5, size), (0x6474_e551, 6, 0)] {
        word(&mut out, kind);
        word(&mut out, flags);
        let address = if size == 0 { 0 } else { BASE };
        for v in [0, address, address, size, size, 0x1000] {
            long(&mut out, v);
        }
    }
    out.extend(code);
    out
}
