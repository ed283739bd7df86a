// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The list in words: which system calls the walker would make, step by step.

use super::list::{Call, List, When, kind, soft};
use crate::error::Stage;

/// A step of the child, and the names of its system calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outlined {
    pub(crate) stage: Stage,
    pub(crate) index: u32,
    pub(crate) calls: Vec<String>,
}

impl List {
    /// The steps that the walker takes where these conditions hold. A substitute, which is made only where the
    /// kernel lacks the call before it, begins with "or ".
    pub(crate) fn outline(&self, when: When) -> Vec<Outlined> {
        let mut steps: Vec<Outlined> = Vec::new();
        let mut substitutes = 0;
        for call in self.calls() {
            let is_substitute = substitutes > 0;
            substitutes = u16::saturating_sub(substitutes, 1);
            if !when.has(When(call.when)) {
                continue;
            }
            if call.soft == soft::OR_ELSE {
                substitutes = call.skip;
            }
            let (stage, index) = (Stage::from_raw(call.stage.into()), call.index);
            let same = steps.last().is_some_and(|last| last.stage == stage && last.index == index);
            if !same {
                steps.push(Outlined { stage, index, calls: Vec::new() });
            }
            let prefix = if is_substitute { "or " } else { "" };
            if let Some(step) = steps.last_mut() {
                step.calls.extend(names(call).iter().map(|name| format!("{prefix}{name}")));
            }
        }
        steps
    }
}

/// The system calls of an entry, as the walker makes them where none fails.
fn names(call: &Call) -> Vec<&'static str> {
    let of_code: &[&'static str] = match call.kind {
        kind::CALL => return vec![List::name(call.nr)],
        kind::NOT_INIT => &["getpid"],
        kind::ARM if call.args[1] != 0 => &["getpgid", "fcntl", "fcntl", "fcntl"],
        kind::ARM => &["getpid", "fcntl", "fcntl", "fcntl"],
        kind::HUNG_UP => &["ppoll"],
        kind::LEAVE_TABLE | kind::CLOSE => &["close_range"],
        kind::WAIT_GO => &["read"],
        kind::ARM_AS => &["geteuid", "setresuid", "fcntl", "fcntl", "fcntl", "setresuid"],
        kind::PLACE => &["dup3", "close"],
        kind::ONE_OF_PAIR => &[],
        kind::SEND_FD => &["sendmsg"],
        kind::CHECK_PARENT => &["getppid"],
        _ => &[],
    };
    of_code.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::child::Slot;

    #[test]
    fn steps_have_their_calls() {
        let mut list = List::default();
        list.step(Stage::CWD, 2).chdir(c"/");
        list.step(Stage::SETGROUPS, 0).write_file(c"/proc/self/setgroups", b"deny");
        list.step(Stage::FD, 1).dup2(3, 4).when(When::COPIED);
        list.step(Stage::ARM, 0).arm(Slot::FUSE, 9, false);
        let steps = list.outline(When::ALWAYS);
        let text: Vec<String> = steps.iter().map(|s| s.calls.join(" ")).collect();
        assert_eq!(text, ["chdir", "openat write close", "getpid fcntl fcntl fcntl"]);
        assert_eq!((steps[0].stage, steps[0].index), (Stage::CWD, 2));
        assert_eq!(list.outline(When::COPIED).len(), 4);
    }

    #[test]
    fn substitutes_are_told_apart() {
        let mut list = List::default();
        list.step(Stage::FD, 0).setsid().or_else(2);
        list.umask(0);
        list.chdir(c"/");
        list.setsid();
        assert_eq!(list.outline(When::ALWAYS)[0].calls, ["setsid", "or umask", "or chdir", "setsid"]);
    }
}
