// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The processes of a snapshot, one after the other.

use std::collections::HashSet;

use super::Snapshot;
use crate::info::fields::Info;
use crate::proc::Root;
use crate::sys::Result;

/// How many processes have one proof of /proc before and one after them: some 0.2 ms.
const PROVED_TOGETHER: usize = 16;
/// How often such a proof may fail.
const PROOFS: usize = 4;

/// The processes of a snapshot; the iterator reads each when you ask for it. If descriptors or memory run out,
/// a process is missing.
#[derive(Debug)]
pub struct Processes<'a> {
    pub(super) snapshot: &'a mut Snapshot,
    pub(super) pids: Vec<u32>,
    /// How many of them were taken.
    pub(super) taken: usize,
    /// The cgroups that an entry has to be in.
    pub(super) cgroups: Option<HashSet<u64>>,
}

impl Processes<'_> {
    /// How many there may be still.
    fn left(&self) -> usize {
        self.pids.len().saturating_sub(self.taken)
    }

    /// Passes each remaining process to `each`, until that returns false. Returns how many may still remain.
    ///
    /// `undo` removes the last ones again: their proof has failed, and they follow once more. /proc is proved
    /// before and after some processes, and not for each. Only other threads of the program run in between.
    pub(crate) fn hand_out(
        mut self,
        each: &mut dyn FnMut(&Info) -> bool,
        undo: &mut dyn FnMut(usize),
    ) -> Result<usize> {
        let mut info = Info::default();
        let mut failed = 0;
        let mut proved = Root::take().ok();
        loop {
            let (first, mut given, mut goes_on) = (self.taken, 0, true);
            while goes_on && self.taken < first.saturating_add(PROVED_TOGETHER) {
                goes_on = self.next_in(&mut info, proved.as_ref());
                if !goes_on {
                    break;
                }
                goes_on = each(&info);
                if goes_on {
                    given += 1;
                } else {
                    self.taken -= 1;
                }
            }
            if proved.as_ref().is_some_and(|root| !root.is_proved_again()) {
                undo(given);
                self.taken = first;
                self.snapshot.let_go();
                failed += 1;
                // Then each process has a proof of its own.
                proved = if failed < PROOFS { Root::take().ok() } else { None };
                continue;
            }
            if !goes_on {
                break;
            }
        }
        self.snapshot.short.map_or(Ok(self.left()), Err)
    }

    /// Reads the next process into `out`. `false`: none is left. `root`: a proof of /proc that serves others
    /// too.
    fn next_in(&mut self, out: &mut Info, root: Option<&Root>) -> bool {
        while let Some(&pid) = self.pids.get(self.taken) {
            self.taken += 1;
            out.empty();
            let found = self.snapshot.again(out, pid) || self.snapshot.first(out, pid, root);
            if found && self.belongs(out) {
                return true;
            }
        }
        let round = self.snapshot.round;
        self.snapshot.kept.retain(|_, kept| kept.round == round);
        false
    }

    fn belongs(&self, info: &Info) -> bool {
        match (&self.cgroups, info.cgroup_id) {
            (Some(cgroups), Some(id)) => cgroups.contains(&id),
            _ => true,
        }
    }
}

impl Iterator for Processes<'_> {
    type Item = Info;

    fn next(&mut self) -> Option<Info> {
        let mut info = Info::default();
        self.next_in(&mut info, None).then_some(info)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left()))
    }
}
