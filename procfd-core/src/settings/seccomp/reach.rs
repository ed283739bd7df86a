// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Whether a seccomp program may notify of a system call: the program is run for the call's number, whatever its
//! arguments are. Where it branches by an argument, both ways are followed.

use std::collections::HashSet;

/// linux/seccomp.h.
const ACTION: u32 = 0xffff_0000;
const USER_NOTIF: u32 = 0x7fc0_0000;
/// The offsets in `struct seccomp_data`, and its size.
const NR: u32 = 0;
const ARCH: u32 = 4;
const SIZE: u32 = 64;
/// A program for which there are more states than this is believed to notify.
const STATES_MAX: usize = 50_000;

/// linux/audit.h: what the kernel calls this machine; none for one that is not known here.
const THIS_ARCH: Value = if cfg!(target_arch = "x86_64") {
    Some(0xc000_003e)
} else if cfg!(target_arch = "aarch64") {
    Some(0xc000_00b7)
} else if cfg!(target_arch = "riscv64") {
    Some(0xc000_00f3)
} else {
    None
};

/// A number of the program; none where it depends on an argument.
type Value = Option<u32>;

/// One `struct sock_filter`.
#[derive(Clone, Copy)]
struct Instruction {
    code: u16,
    jump_true: u8,
    jump_false: u8,
    k: u32,
}

impl Instruction {
    fn at(words: &[u32], pc: usize) -> Option<Self> {
        let at = pc.checked_mul(2)?;
        let (head, k) = (words.get(at)?, words.get(at.checked_add(1)?)?);
        let [low, high, jump_true, jump_false] = head.to_ne_bytes();
        Some(Self { code: u16::from_ne_bytes([low, high]), jump_true, jump_false, k: *k })
    }
}

/// Where the program is, and what it has computed.
#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    pc: usize,
    a: Value,
    x: Value,
    memory: [Value; 16],
}

/// Whether the program, the words of its instructions, may notify of the system call with this number.
pub(super) fn may_notify(words: &[u32], number: u32) -> bool {
    let mut seen = HashSet::new();
    let mut open = vec![State { pc: 0, a: Some(0), x: Some(0), memory: [Some(0); 16] }];
    while let Some(state) = open.pop() {
        if seen.len() > STATES_MAX {
            return true;
        }
        if !seen.insert(state.clone()) {
            continue;
        }
        // Beyond the end, or no such instruction: the kernel refuses the program.
        let Some(instruction) = Instruction::at(words, state.pc) else { continue };
        match step(state, instruction, number) {
            Step::On(states) => open.extend(states),
            Step::Returns(action) if action.is_none_or(|action| action & ACTION == USER_NOTIF) => {
                return true;
            }
            Step::Returns(_) => {}
        }
    }
    false
}

enum Step {
    On(Vec<State>),
    Returns(Value),
}

/// The class of an instruction is in its last three bits (linux/bpf_common.h).
fn step(mut s: State, i: Instruction, number: u32) -> Step {
    let next = s.pc + 1;
    let operand = if i.code & 0x08 == 0 { Some(i.k) } else { s.x };
    let cell = (i.k & 15) as usize;
    match i.code {
        // BPF_RET: a constant, or A.
        0x06 => return Step::Returns(Some(i.k)),
        0x16 => return Step::Returns(s.a),
        // BPF_LD: a word of the data, its length, a constant, a cell.
        0x20 => {
            s.a = match i.k {
                NR => Some(number),
                ARCH => THIS_ARCH,
                _ => None,
            };
        }
        0x80 => s.a = Some(SIZE),
        0x00 => s.a = Some(i.k),
        0x60 => s.a = s.memory[cell],
        // BPF_LDX.
        0x81 => s.x = Some(SIZE),
        0x01 => s.x = Some(i.k),
        0x61 => s.x = s.memory[cell],
        // BPF_ST, BPF_STX.
        0x02 => s.memory[cell] = s.a,
        0x03 => s.memory[cell] = s.x,
        // BPF_MISC.
        0x07 => s.x = s.a,
        0x87 => s.a = s.x,
        // BPF_JA.
        0x05 => {
            s.pc = next.saturating_add(i.k as usize);
            return Step::On(vec![s]);
        }
        code if code & 0x07 == 0x05 => return Step::On(branches(&s, i, operand)),
        code if code & 0x07 == 0x04 => s.a = arithmetic(code & 0xf0, s.a, operand),
        _ => return Step::On(Vec::new()),
    }
    s.pc = next;
    Step::On(vec![s])
}

/// Where a conditional jump leads: one way if the numbers are known, else both.
fn branches(s: &State, i: Instruction, operand: Value) -> Vec<State> {
    let holds = s.a.zip(operand).map(|(a, b)| match i.code & 0xf0 {
        0x10 => a == b,
        0x20 => a > b,
        0x30 => a >= b,
        _ => a & b != 0,
    });
    let to = |jump: u8| State { pc: s.pc + 1 + usize::from(jump), ..s.clone() };
    match holds {
        Some(true) => vec![to(i.jump_true)],
        Some(false) => vec![to(i.jump_false)],
        None => vec![to(i.jump_true), to(i.jump_false)],
    }
}

fn arithmetic(operation: u16, a: Value, operand: Value) -> Value {
    let a = a?;
    if operation == 0x80 {
        return Some(a.wrapping_neg());
    }
    let b = operand?;
    match operation {
        0x00 => Some(a.wrapping_add(b)),
        0x10 => Some(a.wrapping_sub(b)),
        0x20 => Some(a.wrapping_mul(b)),
        0x30 => a.checked_div(b),
        0x40 => Some(a | b),
        0x50 => Some(a & b),
        0x60 => a.checked_shl(b),
        0x70 => a.checked_shr(b),
        0xa0 => Some(a ^ b),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTIFY: (u16, u8, u8, u32) = (0x06, 0, 0, USER_NOTIF);
    const ALLOW: (u16, u8, u8, u32) = (0x06, 0, 0, 0x7fff_0000);
    const LOAD_NR: (u16, u8, u8, u32) = (0x20, 0, 0, NR);

    fn may(program: &[(u16, u8, u8, u32)], number: u32) -> bool {
        let words: Vec<u32> = program
            .iter()
            .flat_map(|&(code, jt, jf, k)| {
                let [low, high] = code.to_ne_bytes();
                [u32::from_ne_bytes([low, high, jt, jf]), k]
            })
            .collect();
        may_notify(&words, number)
    }

    #[test]
    fn by_the_number() {
        let of_83 = [LOAD_NR, (0x15, 0, 1, 83), NOTIFY, ALLOW];
        assert!(may(&of_83, 83));
        assert!(!may(&of_83, 84) && !may(&of_83, 0));
        let above_100 = [LOAD_NR, (0x35, 0, 1, 100), NOTIFY, ALLOW];
        assert!(may(&above_100, 100) && !may(&above_100, 99));
        assert!(may(&[NOTIFY], 1) && !may(&[ALLOW], 1));
    }

    #[test]
    fn by_the_architecture() {
        let Some(arch) = THIS_ARCH else { return };
        let load = (0x20, 0, 0, ARCH);
        assert!(!may(&[load, (0x15, 1, 0, arch), NOTIFY, ALLOW], 1));
        assert!(may(&[load, (0x15, 0, 1, arch), NOTIFY, ALLOW], 1));
    }

    #[test]
    fn an_argument_may_be_anything() {
        let argument = (0x20, 0, 0, 16);
        assert!(may(&[argument, (0x15, 0, 1, 7), NOTIFY, ALLOW], 1));
        assert!(may(&[argument, (0x15, 1, 0, 7), NOTIFY, ALLOW], 1));
        assert!(!may(&[argument, (0x15, 0, 1, 7), ALLOW, ALLOW], 1));
        // The answer itself.
        assert!(may(&[argument, (0x16, 0, 0, 0)], 1));
        // Through memory and arithmetic: (nr + 1) * 2 == 10.
        let computed = [
            LOAD_NR,
            (0x04, 0, 0, 1),
            (0x02, 0, 0, 3),
            (0x00, 0, 0, 2),
            (0x61, 0, 0, 3),
            (0x2c, 0, 0, 0),
            (0x15, 0, 1, 10),
            NOTIFY,
            ALLOW,
        ];
        assert!(may(&computed, 4) && !may(&computed, 5));
    }

    #[test]
    fn many_branches_have_few_states() {
        let mut program = vec![(0x20, 0, 0, 16)];
        program.extend((0..2000).map(|k| (0x15, 0, 0, k)));
        program.push(ALLOW);
        assert!(!may(&program, 1));
        // A program that ends nowhere is the kernel's to refuse.
        assert!(!may(&[LOAD_NR], 1) && !may(&[(0x05, 0, 0, u32::MAX)], 1) && !may(&[(0xffff, 0, 0, 0)], 1));
    }
}
