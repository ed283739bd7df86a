// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What a start would do, without one: the steps of the child, in words and as JSON.

use std::fmt;

use super::clone::{conditions, shares_table};
use crate::error::{Error, Stage};
use crate::settings::Settings;

/// The steps of a start in their order, from [`Context::plan`](crate::Context::plan).
///
/// [`Display`](fmt::Display) shows a line for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    steps: Vec<PlanStep>,
}

/// One step of a start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlanStep {
    /// The step, as an error names it.
    pub stage: Stage,
    /// Which of several, as in an error.
    pub index: u32,
    /// What it does, in the words of an error message.
    pub what: String,
    /// The names of its system calls. One that begins with "or " is made only where the kernel lacks the call
    /// before it.
    pub calls: Vec<String>,
}

impl Plan {
    /// What the settings come to now: with the present `PATH`, environment, limits and ids.
    pub(crate) fn new(settings: &Settings, watched: bool) -> Result<Self, Error> {
        let prepared = settings.prepare()?;
        let mut steps = Vec::new();
        let namespaces = match settings.namespaces.flags {
            0 => String::new(),
            _ => format!("in new namespaces {}", settings.namespaces.names()),
        };
        let mut add = |stage: Stage, index, operand: String, calls: Vec<String>| {
            let sep = if operand.is_empty() { "" } else { " " };
            steps.push(PlanStep { stage, index, what: format!("{}{sep}{operand}", stage.name()), calls });
        };
        add(Stage::CLONE, 0, namespaces, vec!["clone3".into()]);
        if settings.built_in_init() {
            add(Stage::INIT, 0, String::new(), vec!["clone".into()]);
        }
        let when = conditions(settings, &prepared, shares_table(settings), watched);
        for step in prepared.list.outline(when) {
            let operand = settings.operand(&prepared, step.stage, step.index);
            add(step.stage, step.index, operand, step.calls);
        }
        Ok(Self { steps })
    }

    /// The steps.
    pub fn steps(&self) -> &[PlanStep] {
        &self.steps
    }

    /// An array of objects with `stage`, `index`, `what` and `calls`.
    pub fn to_json(&self) -> String {
        let steps = self.steps.iter().map(|step| {
            let calls: Vec<String> = step.calls.iter().map(|call| quoted(call)).collect();
            format!(
                "{{\"stage\":{},\"index\":{},\"what\":{},\"calls\":[{}]}}",
                step.stage.as_raw(),
                step.index,
                quoted(&step.what),
                calls.join(",")
            )
        });
        format!("[{}]", steps.collect::<Vec<_>>().join(","))
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps.iter().zip(1..).try_for_each(|(step, number)| {
            writeln!(f, "{number:>2}. {}: {}", step.what, step.calls.join(", "))
        })
    }
}

/// A string of JSON.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_escaped() {
        assert_eq!(quoted("a\"b\\c\n\u{1}ü"), "\"a\\\"b\\\\c\\u000a\\u0001ü\"");
    }
}
