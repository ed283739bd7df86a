// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The keywords `affinity`, `numa` and `speculation`: which parts of the machine the process uses, and how.

use procfd::{Context, NumaFlags, NumaPolicy, Speculation, SpeculationControl};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::convert;
use crate::error;

/// Processor numbers, or a list of ranges as the kernel's files have it ("0-3,8").
pub(super) fn cpus(value: &Bound<'_, PyAny>) -> PyResult<Vec<usize>> {
    let Ok(text) = value.cast::<PyString>() else {
        return value.try_iter()?.map(|cpu| cpu?.extract()).collect();
    };
    let text = text.to_cow()?;
    ranges(&text)
        .ok_or_else(|| PyValueError::new_err(format!("affinity: {text:?} is no list of CPUs, as \"0-3,8\"")))
}

/// The numbers of a list of ranges, all below 8192.
fn ranges(text: &str) -> Option<Vec<usize>> {
    let mut all = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let first: usize = first.trim().parse().ok()?;
        let last: usize = last.trim().parse().ok()?;
        if first > last || last > 8191 {
            return None;
        }
        all.extend(first..=last);
    }
    Some(all)
}

const POLICIES: &[(&str, NumaPolicy)] = &[
    ("default", NumaPolicy::Default),
    ("preferred", NumaPolicy::Preferred),
    ("bind", NumaPolicy::Bind),
    ("interleave", NumaPolicy::Interleave),
    ("local", NumaPolicy::Local),
    ("preferred-many", NumaPolicy::PreferredMany),
    ("weighted-interleave", NumaPolicy::WeightedInterleave),
];

const FLAGS: &[(&str, NumaFlags)] = &[
    ("balancing", NumaFlags::BALANCING),
    ("relative", NumaFlags::RELATIVE_NODES),
    ("static", NumaFlags::STATIC_NODES),
];

/// "POLICY[=FLAG][:NODES]", as tmpfs(5) writes a policy.
pub(super) fn numa(context: &mut Context, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let text: String = value.extract()?;
    let (mode, nodes) = match text.split_once(':') {
        Some((mode, nodes)) => (mode, Some(nodes)),
        None => (text.as_str(), None),
    };
    let mut words = mode.split('=');
    let policy = named("numa", "policy", words.next().unwrap_or_default(), POLICIES)?;
    let flags = words.map(|flag| named("numa", "flag", flag, FLAGS)).collect::<PyResult<NumaFlags>>()?;
    let nodes = match nodes {
        None => Vec::new(),
        Some(nodes) => ranges(nodes).ok_or_else(|| {
            PyValueError::new_err(format!("numa: {nodes:?} is no list of nodes, as \"0-3,8\""))
        })?,
    };
    context.numa(policy, flags, nodes).map(drop).map_err(|e| error::of_config(&e))
}

const FEATURES: &[(&str, Speculation)] = &[
    ("store_bypass", Speculation::StoreBypass),
    ("indirect_branch", Speculation::IndirectBranch),
    ("l1d_flush", Speculation::L1dFlush),
];

const CONTROLS: &[(&str, SpeculationControl)] = &[
    ("enable", SpeculationControl::Enable),
    ("disable", SpeculationControl::Disable),
    ("force_disable", SpeculationControl::ForceDisable),
];

/// A mapping, or "NAME=CONTROL,...".
pub(super) fn speculation(context: &mut Context, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let pairs: Vec<(String, String)> = match value.cast::<PyString>() {
        Ok(text) => {
            let text = text.to_cow()?;
            let pair = |part: &str| match part.split_once('=') {
                Some((name, control)) => Ok((name.trim().to_owned(), control.trim().to_owned())),
                None => Err(PyValueError::new_err(format!(
                    "speculation: {part:?} is no NAME=CONTROL, as \"store_bypass=disable\""
                ))),
            };
            text.split(',').map(pair).collect::<PyResult<_>>()?
        }
        Err(_) => {
            let pairs = convert::items(value, "speculation")?.into_iter();
            pairs.map(|(name, control)| Ok((name.extract()?, control.extract()?))).collect::<PyResult<_>>()?
        }
    };
    for (name, control) in pairs {
        let feature = named("speculation", "feature", &name, FEATURES)?;
        let control = named("speculation", "control", &control, CONTROLS)?;
        context.speculation(feature, control).map_err(|e| error::of_config(&e))?;
    }
    Ok(())
}

/// What a name stands for.
fn named<T: Copy>(keyword: &str, what: &str, name: &str, all: &[(&str, T)]) -> PyResult<T> {
    all.iter().find_map(|(known, value)| (*known == name).then_some(*value)).ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(|(known, _)| *known).collect();
        let text = format!("{keyword}: no {what} {name:?}");
        PyValueError::new_err(error::with_suggestion(&text, name, &known))
    })
}
