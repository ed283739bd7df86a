// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! A path below /proc.

use std::ffi::CStr;

/// A path below /proc, made without an allocation.
#[derive(Clone, Copy)]
pub(crate) struct Path {
    bytes: [u8; 96],
    len: usize,
}

impl Path {
    pub(crate) fn new() -> Self {
        Self { bytes: [0; 96], len: 0 }
    }

    fn push(mut self, byte: u8) -> Self {
        // The last byte stays the NUL.
        if self.len + 1 < self.bytes.len() {
            if let Some(to) = self.bytes.get_mut(self.len) {
                *to = byte;
                self.len += 1;
            }
        }
        self
    }

    pub(crate) fn number(self, number: u32) -> Self {
        let mut digits = [0u8; 10];
        let mut left = number;
        let mut count = 0;
        for digit in &mut digits {
            *digit = b'0' + (left % 10) as u8;
            left /= 10;
            count += 1;
            if left == 0 {
                break;
            }
        }
        digits.iter().take(count).rev().fold(self, |path, &digit| path.push(digit))
    }

    pub(crate) fn text(self, text: &CStr) -> Self {
        text.to_bytes().iter().fold(self, |path, &byte| path.push(byte))
    }

    pub(crate) fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let path = Path::new().number(4_294_967_295).text(c"/task/").number(0).text(c"/stat");
        assert_eq!(path.as_c_str(), c"4294967295/task/0/stat");
    }
}
