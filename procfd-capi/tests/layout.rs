// SPDX-License-Identifier: MIT OR Apache-2.0

//! The structures have, in Rust, the layout that a C compiler gave them in `abi/layout.txt`.
#![cfg(target_pointer_width = "64")]
#![allow(clippy::panic)]

use procfd_capi::abi::*;
use std::fmt::Write;
use std::mem::{align_of, offset_of, size_of};

fn size_of_field<S, F>(_: fn(&S) -> &F) -> usize {
    size_of::<F>()
}

fn table() -> String {
    let mut out = String::new();
    macro_rules! layout {
        ($name:ident { $($field:ident),* }) => {
            let _ = writeln!(
                out,
                "{} {} {}",
                stringify!($name),
                size_of::<$name>(),
                align_of::<$name>()
            );
            $(
                let _ = writeln!(
                    out,
                    "{}.{} {} {}",
                    stringify!($name),
                    stringify!($field),
                    offset_of!($name, $field),
                    size_of_field(|s: &$name| &s.$field)
                );
            )*
        };
    }
    include!("../abi/fields.rs");
    out
}

#[test]
fn rust_and_c_agree() {
    let rust = table();
    let c = include_str!("../abi/layout.txt");
    for (ours, theirs) in rust.lines().zip(c.lines()) {
        assert_eq!(ours, theirs, "left is Rust, right is C");
    }
    assert_eq!(rust, c);
}
