// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The child's descriptor table: what it takes from the creator's, and what is left of it for the program.

use std::collections::BTreeSet;
use std::os::fd::RawFd;

use super::Action;
use crate::child::{List, Slot, When};
use crate::error::Stage;
use crate::settings::{Facts, Families, Program, Settings};
use crate::sys::Result;
use crate::sys::vec::{self, Shared};

/// Families that name descriptors too.
const OTHERS: Families = Families::SECCOMP
    .union(Families::LANDLOCK)
    .union(Families::SESSION)
    .union(Families::MOUNTS)
    .union(Families::JOINS);

/// The descriptors above 2 that the child takes from the creator's table, ascending. ENOMEM.
pub(in crate::settings) fn sources(s: &Settings) -> Result<Vec<u32>> {
    let program = match s.program.program {
        Program::Fd(fd) => Some(fd),
        _ => None,
    };
    let above = |fd: &u32| *fd > 2;
    let in_list = s.descriptors.actions.iter().filter_map(Action::source).chain(program);
    let mut all = vec::collect(in_list.map(|fd| fd as u32).filter(above))?;
    if let Some(rare) = s.of(OTHERS) {
        // The built-in init leaves the creator's table before the program's process looks for its terminal.
        let terminals = [rare.session.ctty, rare.session.foreground].into_iter().flatten();
        let terminals = terminals.filter(|_| s.built_in_init());
        let user_namespaces = rare.mounts.user_namespaces().map(|(_, fd)| fd);
        let joins = rare.joins.descriptors().map(|(_, fd)| fd);
        let others = s.late_numbers().chain(terminals).chain(user_namespaces).chain(joins);
        for fd in others.map(|fd| fd as u32).filter(above) {
            vec::push(&mut all, fd)?;
        }
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// The caller's descriptors that the settings name. The child finds out what an earlier action has made or
/// closed. ENOMEM.
pub(in crate::settings) fn named(s: &Settings) -> Result<Vec<(Stage, u32, RawFd)>> {
    let mut named = Vec::new();
    // An entry in each of the lists below.
    vec::need(s.descriptors.actions.len().saturating_mul(128))?;
    if let Program::Fd(fd) = s.program.program {
        named.push((Stage::EXEC, 0, fd));
    }
    named.extend(s.cgroup.descriptor().map(|fd| (Stage::CGROUP, 0, fd)));
    named.extend(s.session.ctty.map(|fd| (Stage::CTTY, 0, fd)));
    named.extend(s.session.foreground.map(|fd| (Stage::FOREGROUND, 0, fd)));
    named.extend(s.joins.descriptors().map(|(index, fd)| (Stage::JOIN, index, fd)));
    named.extend(s.mounts.user_namespaces().map(|(index, fd)| (Stage::MOUNT, index, fd)));
    let mut changed = BTreeSet::new();
    let mut closed: Vec<(u32, u32)> = Vec::new();
    for (action, index) in s.descriptors.actions.iter().zip(0..) {
        if let Some(fd) = action.source() {
            let is_callers = !changed.contains(&fd)
                && !closed.iter().any(|&(first, last)| (first..=last).contains(&(fd as u32)));
            if is_callers {
                vec::push(&mut named, (action.stage(), index, fd))?;
            }
        }
        match *action {
            Action::Dup { target, .. }
            | Action::Open { target, .. }
            | Action::End { target, .. }
            | Action::Data { target, .. }
            | Action::Close(target) => {
                changed.insert(target);
            }
            Action::CloseRange { first, last } => vec::push(&mut closed, (first, last))?,
            Action::Chdir(_) | Action::Fchdir(_) => {}
        }
    }
    Ok(named)
}

/// The first pipe whose end the context has no longer: the program has closed its number.
pub(in crate::settings) fn lost_end(s: &Settings) -> Option<u32> {
    let mut actions = s.descriptors.actions.iter().zip(0..);
    actions.find_map(|(action, index)| match *action {
        Action::End { source, .. } if !s.descriptors.pipes.has(source) => Some(index),
        _ => None,
    })
}

/// The descriptors above 2 that are mapped when the list is done, ascending. ENOMEM.
fn kept(actions: &Shared<Action>) -> Result<Vec<u32>> {
    let mut keep = BTreeSet::new();
    vec::need(actions.len().saturating_mul(64))?;
    for action in actions.iter() {
        match *action {
            Action::Dup { target, .. }
            | Action::Open { target, .. }
            | Action::End { target, .. }
            | Action::Data { target, .. } => {
                keep.insert(target as u32);
            }
            Action::Close(fd) => {
                keep.remove(&(fd as u32));
            }
            Action::CloseRange { first, last } => keep.retain(|fd| *fd < first || *fd > last),
            Action::Chdir(_) | Action::Fchdir(_) => {}
        }
    }
    vec::collect(keep.range(3..).copied())
}

pub(in crate::settings) fn leave_table(_: &Settings, _: &Facts<'_>, list: &mut List) {
    list.step(Stage::FD_TABLE, 0).leave_table();
}

/// Closes what no setting asks for. With nothing but 0, 1 and 2 taken there is nothing to close.
pub(in crate::settings) fn close_rest(s: &Settings, _: &Facts<'_>, list: &mut List) {
    if s.descriptors.inherit_all {
        return;
    }
    if s.is_plain() {
        list.step(Stage::FD_TABLE, 0).close_range(3, u32::MAX).when(When::CLOSES);
        return;
    }
    let Ok(mut kept) = kept(&s.descriptors.actions) else { return list.fail() };
    list.step(Stage::FD_TABLE, 0);
    close_on_exec(s, list, &kept);
    kept.extend(s.late_numbers().map(|number| number as u32));
    kept.sort_unstable();
    let mut first = 3u32;
    for &fd in kept.iter().chain([&u32::MAX]) {
        if first < fd {
            list.close_range(first, fd.wrapping_sub(1)).when(When::CLOSES);
        }
        first = fd.wrapping_add(1);
    }
}

/// The program's descriptor ends with the execution, unless the caller asked for it.
fn close_on_exec(s: &Settings, list: &mut List, kept: &[u32]) {
    match s.program.program {
        Program::Fd(fd) if fd > 2 && place(s, fd) == Ok(None) && !kept.contains(&(fd as u32)) => {
            list.set_cloexec(fd, true).when(When::CLOSES);
        }
        _ => {}
    }
}

/// Moves the program's descriptor out of the way of the actions.
pub(in crate::settings) fn move_program(s: &Settings, _: &Facts<'_>, list: &mut List) {
    let Program::Fd(fd) = s.program.program else { return };
    list.step(Stage::EXEC, 0);
    match place(s, fd) {
        Ok(Some(place)) => drop(list.dup_above(fd, place).into(Slot::PROGRAM)),
        Ok(None) => drop(list.load(Slot::PROGRAM, fd)),
        Err(_) => list.fail(),
    }
}

/// The place of the program's descriptor if an action would overwrite or close it: above all that they name.
fn place(s: &Settings, fd: RawFd) -> Result<Option<i32>> {
    let mut touched = false;
    let mut highest = sources(s)?.last().copied().unwrap_or(2) as i32;
    for action in s.descriptors.actions() {
        if let Some(target) = action.target() {
            highest = highest.max(target);
        }
        touched |= action.changes(fd);
    }
    Ok(touched.then(|| highest.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_moves_out_of_the_way() {
        let settings = |source, target| {
            let mut s = Settings::default();
            s.add_dup(source, target).unwrap();
            s
        };
        assert_eq!(place(&settings(4, 3), 3).unwrap(), Some(5));
        assert_eq!(place(&settings(4, 3), 7).unwrap(), None);
        assert_eq!(place(&settings(3, 3), 3).unwrap(), None);
    }

    #[test]
    fn keeps_what_is_mapped_and_not_closed_again() {
        let mut s = Settings::default();
        s.add_dup(9, 5).unwrap();
        s.add_dup(0, 1).unwrap();
        s.add_null(7).unwrap();
        s.add_null(8).unwrap();
        s.add_close(7).unwrap();
        s.add_close_range(8, 20).unwrap();
        s.add_null(20).unwrap();
        assert_eq!(kept(&s.descriptors.actions).unwrap(), [5, 20]);
        assert_eq!(sources(&s).unwrap(), [9]);
    }

    #[test]
    fn names_what_no_action_has_made() {
        let mut s = Settings::default();
        s.add_dup(9, 5).unwrap();
        s.add_dup(5, 6).unwrap();
        s.add_close_range(10, 20).unwrap();
        s.add_dup(11, 1).unwrap();
        s.add_fchdir(21).unwrap();
        assert_eq!(named(&s).unwrap(), [(Stage::FD, 0, 9), (Stage::CWD, 4, 21)]);
    }
}
