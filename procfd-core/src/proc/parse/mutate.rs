// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Damaged copies of real files, the same ones in every run.

/// Hands `check` that many variants of the samples: bytes flipped, doubled, removed, exchanged for what
/// the formats are made of, spliced from another sample, and cut.
pub(super) fn run(samples: &[&[u8]], count: u32, mut check: impl FnMut(&[u8])) {
    const SPECIAL: &[u8] = b"\n\t ():-/\\[]0123456789akxZ\0\xff";
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    let mut text = Vec::new();
    for _ in 0..count {
        text.clear();
        text.extend_from_slice(samples[random(samples.len())]);
        for _ in 0..=random(4) {
            let (at, more) = (random(text.len()), random(24));
            let end = (at + more).min(text.len());
            match random(7) {
                0 if at < text.len() => text[at] ^= 1 << random(8),
                1 if at < text.len() => text[at] = SPECIAL[random(SPECIAL.len())],
                2 => drop(text.drain(at..end)),
                3 => text.insert(at, SPECIAL[random(SPECIAL.len())]),
                4 => {
                    let copy = text[at..end].to_vec();
                    text.splice(at..at, copy);
                }
                5 => {
                    let other = samples[random(samples.len())];
                    let from = random(other.len());
                    text.splice(at..end, other[from..(from + more).min(other.len())].iter().copied());
                }
                _ => text.truncate(at),
            }
        }
        check(&text);
    }
}

/// Each length a reader might have got of a file.
pub(super) fn cuts(sample: &[u8]) -> impl Iterator<Item = &[u8]> {
    (0..sample.len()).map(|end| &sample[..end])
}
