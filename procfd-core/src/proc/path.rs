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

    /// Appends bytes, as far as there is room. The last byte stays the NUL.
    fn push(&mut self, bytes: &[u8]) {
        let room = self.bytes.len().saturating_sub(self.len + 1);
        let bytes = bytes.get(..bytes.len().min(room)).unwrap_or_default();
        if let Some(to) = self.bytes.get_mut(self.len..self.len + bytes.len()) {
            to.copy_from_slice(bytes);
            self.len += bytes.len();
        }
    }

    pub(crate) fn number(mut self, number: u32) -> Self {
        let mut digits = [0u8; 10];
        let mut left = number;
        let mut first = digits.len();
        for (at, digit) in digits.iter_mut().enumerate().rev() {
            *digit = b'0' + (left % 10) as u8;
            left /= 10;
            first = at;
            if left == 0 {
                break;
            }
        }
        self.push(digits.get(first..).unwrap_or_default());
        self
    }

    pub(crate) fn text(mut self, text: &CStr) -> Self {
        self.push(text.to_bytes());
        self
    }

    pub(crate) fn as_c_str(&self) -> &CStr {
        let bytes = self.bytes.get(..=self.len).unwrap_or_default();
        CStr::from_bytes_until_nul(bytes).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let path = Path::new().number(4_294_967_295).text(c"/task/").number(0).text(c"/stat");
        assert_eq!(path.as_c_str(), c"4294967295/task/0/stat");
        let long = [c"0123456789"; 12].into_iter().fold(Path::new(), Path::text);
        assert_eq!(long.as_c_str().count_bytes(), 95);
        assert_eq!(long.number(7).as_c_str(), long.as_c_str());
    }
}
