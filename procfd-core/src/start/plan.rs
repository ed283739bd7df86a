// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The steps of a start, without a start: the steps of the child, in words and as JSON.

use std::fmt::{self, Write};

use super::clone::{conditions, described, shares_table};
use super::publish::check_lean;
use crate::error::{Error, Stage};
use crate::settings::Settings;
use crate::sys::vec;

/// The steps of a start in their order, from [`Context::plan`](crate::Context::plan).
///
/// [`Display`](fmt::Display) shows a line for each.
///
/// ```
/// use procfd::Stage;
///
/// let mut context = procfd::Context::new()?;
/// context.program("/bin/true")?.umask(0o077)?;
/// let plan = context.plan()?;
/// assert!(plan.steps().iter().any(|step| step.stage == Stage::UMASK));
/// println!("{plan}");
/// println!("{}", plan.to_json());
/// # Ok::<(), std::io::Error>(())
/// ```
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
    /// A description of the step, as in an error message.
    pub what: String,
    /// The names of its system calls. One that begins with "or " is made only where the kernel lacks the call
    /// before it.
    pub calls: Vec<String>,
}

impl Plan {
    /// What the settings come to now: with the present `PATH`, environment, limits and ids.
    pub(crate) fn new(settings: &Settings, watched: bool) -> Result<Self, Error> {
        settings.check_time_limit(watched)?;
        let prepared = settings.prepare()?;
        let mut steps = Vec::new();
        // A line and the names of the calls for each step.
        vec::need(prepared.list.len().saturating_mul(512)).map_err(|e| Error::plan(e.0, "the steps"))?;
        let mut add = |stage: Stage, index, operand: String, calls: Vec<String>| {
            let sep = if operand.is_empty() { "" } else { " " };
            steps.push(PlanStep { stage, index, what: format!("{}{sep}{operand}", stage.name()), calls });
        };
        let words = |stage, index| settings.operand(&prepared, stage, index);
        let when = conditions(settings, &prepared, shares_table(settings), watched);
        if let Some(between) = settings.joins.between_outline() {
            add(Stage::CLONE, 0, "which joins the pid namespace".into(), vec!["clone3".into()]);
            for step in between.outline(when) {
                let operand = settings.operand(&prepared, step.stage, step.index);
                add(step.stage, step.index, operand, step.calls);
            }
        }
        if settings.cgroup.has_leaf() {
            add(Stage::CGROUP_LEAF, 0, words(Stage::CGROUP_LEAF, 0), vec!["mkdirat".into()]);
        }
        for index in 0..settings.cgroup.limits() {
            let calls = ["openat", "write", "close"].map(String::from);
            add(Stage::CGROUP_LIMIT, index, words(Stage::CGROUP_LIMIT, index), calls.to_vec());
        }
        add(Stage::CLONE, 0, described(settings), vec!["clone3".into()]);
        if settings.built_in_init() {
            add(Stage::INIT, 0, String::new(), vec!["clone".into()]);
        }
        for step in prepared.list.outline(when) {
            let operand = settings.operand(&prepared, step.stage, step.index);
            add(step.stage, step.index, operand, step.calls);
        }
        Ok(Self { steps })
    }

    /// The same without a procfd: a close policy takes no step then, since the clone has it.
    pub(crate) fn lean(settings: &Settings) -> Result<Self, Error> {
        if settings.close().is_none() {
            return Self::new(settings, false);
        }
        check_lean(settings)?;
        let mut settings = settings.clone();
        settings.restore_close(None);
        Self::new(&settings, false)
    }

    /// The steps.
    pub fn steps(&self) -> &[PlanStep] {
        &self.steps
    }

    /// An array of objects with `stage`, `index`, `what` and `calls`.
    pub fn to_json(&self) -> String {
        self.json().to_string()
    }

    pub(crate) fn json(&self) -> impl fmt::Display {
        Json(self)
    }
}

/// The steps as JSON.
struct Json<'a>(&'a Plan);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (n, step) in self.0.steps.iter().enumerate() {
            let (stage, index, what) = (step.stage.as_raw(), step.index, Quoted(&step.what));
            let sep = if n == 0 { "" } else { "," };
            write!(f, "{sep}{{\"stage\":{stage},\"index\":{index},\"what\":{what},\"calls\":[")?;
            for (n, call) in step.calls.iter().enumerate() {
                write!(f, "{}{}", if n == 0 { "" } else { "," }, Quoted(call))?;
            }
            f.write_str("]}")?;
        }
        f.write_str("]")
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
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_escaped() {
        assert_eq!(Quoted("a\"b\\c\n\u{1}ü").to_string(), "\"a\\\"b\\\\c\\u000a\\u0001ü\"");
    }
}
