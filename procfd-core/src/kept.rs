// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The status of a process, kept with the descriptor or object of the wait.
//!
//! The parent takes a status from the kernel once. Since 6.15 the kernel keeps it for every pidfd, without the
//! usage; before, it keeps nothing. So the context of a procfd keeps it in the process that opened the procfd, and
//! a [`Process`](crate::Process) keeps it for itself: later waits and questions answer the same on every kernel.

use std::cell::OnceCell;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::contexts::{self, Opened};
use crate::status::Status;
use crate::sys::{self, PIDFD_INFO_EXIT};

/// The places that keep the status of a wait.
#[derive(Debug, Default)]
pub(crate) struct Keeper<'a> {
    /// The procfd whose context is looked for when it is needed first.
    procfd: Option<BorrowedFd<'a>>,
    context: OnceCell<Option<Arc<Opened>>>,
    object: Option<&'a Mutex<Option<Status>>>,
}

impl<'a> Keeper<'a> {
    /// The context of a procfd that this process opened. For all other descriptors, none.
    pub(crate) fn of(fd: BorrowedFd<'a>) -> Self {
        Self { procfd: Some(fd), ..Self::default() }
    }

    /// A context of this process.
    pub(crate) fn of_context(context: &Arc<Opened>) -> Self {
        Self { context: OnceCell::from(Some(Arc::clone(context))), ..Self::default() }
    }

    /// The same, and an object of this program.
    pub(crate) fn and(self, object: &'a Mutex<Option<Status>>) -> Self {
        Self { object: Some(object), ..self }
    }

    fn context(&self) -> Option<&Arc<Opened>> {
        self.context.get_or_init(|| self.procfd.and_then(contexts::opened_here)).as_ref()
    }

    /// The kept status.
    pub(crate) fn kept(&self) -> Option<Status> {
        let of_object =
            |object: &Mutex<Option<Status>>| *object.lock().unwrap_or_else(PoisonError::into_inner);
        let of_context = || self.context().and_then(|opened| opened.state().ended);
        self.object.and_then(of_object).or_else(of_context)
    }

    /// Keeps the status of a process that has ended.
    pub(crate) fn keep(&self, status: Status) {
        if !status.change.is_end() {
            return;
        }
        let put = |to: &mut Option<Status>| {
            // The kernel tells the usage to the parent only.
            if to.is_none_or(|kept| kept.usage.is_none()) {
                *to = Some(status);
            }
        };
        if let Some(object) = self.object {
            put(&mut object.lock().unwrap_or_else(PoisonError::into_inner));
        }
        if let Some(opened) = self.context() {
            put(&mut opened.state().ended);
        }
    }

    /// The kept status was taken from the kernel: the process is reaped.
    pub(crate) fn set_reaped(&self) {
        if let Some(opened) = self.context() {
            opened.state().is_reaped = true;
        }
    }

    /// A status of an ended process, with the kept usage.
    pub(crate) fn with_usage(&self, status: Status) -> Status {
        if status.usage.is_some() || !status.change.is_end() {
            return status;
        }
        Status { usage: self.kept().and_then(|kept| kept.usage), ..status }
    }

    /// Whether the caller has to keep a status before it takes it from the kernel. Otherwise another thread could find
    /// the status neither in the kernel nor here, in the instant between the two.
    pub(crate) fn comes_first(&self) -> bool {
        let kernel_keeps = KERNEL_KEEPS.load(Ordering::Relaxed) == YES;
        !kernel_keeps && (self.object.is_some() || self.context().is_some())
    }
}

const YES: u8 = 1;
const NO: u8 = 2;
/// Whether the kernel keeps the status of a reaped process for its pidfds (6.15); 0 until one was reaped.
static KERNEL_KEEPS: AtomicU8 = AtomicU8::new(0);

/// Learns from a process that the caller has just reaped whether the kernel keeps statuses.
pub(crate) fn learn(pidfd: BorrowedFd<'_>) {
    if KERNEL_KEEPS.load(Ordering::Relaxed) == 0 {
        let info = sys::pidfd::get_info(pidfd, PIDFD_INFO_EXIT);
        let keeps = info.is_ok_and(|info| info.mask & PIDFD_INFO_EXIT != 0);
        KERNEL_KEEPS.store(if keeps { YES } else { NO }, Ordering::Relaxed);
    }
}
