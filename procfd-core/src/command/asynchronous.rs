// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Children for tokio: feature `tokio`.

use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::pin;
use std::task::Poll;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::unix::pipe;

use super::child::{self, Kill, Output};
use super::{Command, Stdio};
use crate::error::Error;
use crate::process::Process;
use crate::status::Status;

/// A child whose streams and whose end can be awaited.
#[derive(Debug)]
pub struct Child {
    /// Our end of standard input, if it is a pipe. [`wait`](Self::wait) closes it.
    pub stdin: Option<pipe::Sender>,
    /// Our end of standard output, if it is a pipe.
    pub stdout: Option<pipe::Receiver>,
    /// Our end of standard error, if it is a pipe.
    pub stderr: Option<pipe::Receiver>,
    child: child::Child,
    exit: AsyncFd<OwnedFd>,
}

impl Child {
    // `register_with_interest` is younger than the oldest tokio that will do. An OwnedFd stays open.
    #[allow(deprecated)]
    fn new(mut child: child::Child) -> io::Result<Self> {
        let receiver = |fd: OwnedFd| pipe::Receiver::from_owned_fd(fd);
        Ok(Self {
            stdin: child.stdin.take().map(|s| pipe::Sender::from_owned_fd(s.into())).transpose()?,
            stdout: child.stdout.take().map(|s| receiver(s.into())).transpose()?,
            stderr: child.stderr.take().map(|s| receiver(s.into())).transpose()?,
            exit: AsyncFd::with_interest(child.process().pidfd().try_clone_to_owned()?, Interest::READABLE)?,
            child,
        })
    }

    /// The pid it was started with.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The process: signals, questions, limits.
    pub fn process(&self) -> &Process {
        self.child.process()
    }

    /// `SIGKILL`, without waiting for the end. One that has ended is no error. With [`Command::kill_tree`] its
    /// descendants get the signal too.
    ///
    /// # Errors
    ///
    /// As [`Child::kill`](crate::Child::kill).
    pub fn start_kill(&mut self) -> Result<(), Error> {
        self.child.kill()
    }

    /// `SIGKILL`, and waits for the end.
    ///
    /// # Errors
    ///
    /// As [`start_kill`](Self::start_kill) and [`wait`](Self::wait).
    pub async fn kill(&mut self) -> Result<(), Error> {
        self.start_kill()?;
        self.wait().await.map(drop)
    }

    /// The status if it has ended.
    ///
    /// # Errors
    ///
    /// As [`Process::wait`].
    pub fn try_wait(&mut self) -> Result<Option<Status>, Error> {
        self.child.try_wait()
    }

    /// Closes our end of its standard input, and waits until it ends. You may drop the future and wait again.
    ///
    /// # Errors
    ///
    /// As [`Process::wait`].
    pub async fn wait(&mut self) -> Result<Status, Error> {
        self.stdin = None;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            self.exit.readable().await?.clear_ready();
        }
    }

    /// Closes our end of its standard input, reads both other pipes to their ends, and waits.
    ///
    /// # Errors
    ///
    /// As [`Process::wait`]; those of read(2).
    pub async fn wait_with_output(mut self) -> Result<Output, Error> {
        self.stdin = None;
        let (out, err) = (self.stdout.take(), self.stderr.take());
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        both(read_all(out, &mut stdout), read_all(err, &mut stderr)).await?;
        Ok(Output { status: self.wait().await?, stdout, stderr })
    }
}

impl AsFd for Child {
    /// The procfd.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.child.as_fd()
    }
}

async fn read_all(pipe: Option<pipe::Receiver>, to: &mut Vec<u8>) -> io::Result<()> {
    let Some(pipe) = pipe else { return Ok(()) };
    let mut part = vec![0; 65_536];
    loop {
        pipe.readable().await?;
        match pipe.try_read(&mut part) {
            Ok(0) => return Ok(()),
            Ok(len) => to.extend_from_slice(part.get(..len).unwrap_or_default()),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(e) => return Err(e),
        }
    }
}

/// Both to their ends, or the first error.
async fn both(
    one: impl Future<Output = io::Result<()>>,
    other: impl Future<Output = io::Result<()>>,
) -> io::Result<()> {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (mut one_done, mut other_done) = (false, false);
    poll_fn(|context| {
        if !one_done {
            if let Poll::Ready(done) = one.as_mut().poll(context) {
                done?;
                one_done = true;
            }
        }
        if !other_done {
            if let Poll::Ready(done) = other.as_mut().poll(context) {
                done?;
                other_done = true;
            }
        }
        if one_done && other_done { Poll::Ready(Ok(())) } else { Poll::Pending }
    })
    .await
}

impl Command {
    /// As [`spawn`](Self::spawn), within a tokio runtime that has I/O enabled.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn). If the runtime cannot take the descriptors, the process is killed.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    ///
    /// ```
    /// use procfd::{Command, Stdio};
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// # runtime.block_on(async {
    /// let mut child = Command::new("cat").stdin(Stdio::piped()).kill_on_drop(true).spawn_async()?;
    /// let input = child.stdin.take().unwrap();
    /// input.writable().await?;
    /// input.try_write(b"hello\n")?;
    /// drop(input);
    /// assert!(child.wait().await?.success());
    /// # Ok::<(), procfd::Error>(())
    /// # })?;
    /// # Ok::<(), procfd::Error>(())
    /// ```
    pub fn spawn_async(&mut self) -> Result<Child, Error> {
        self.start_async(&Stdio::inherit())
    }

    fn start_async(&self, default: &Stdio) -> Result<Child, Error> {
        let (mut context, ours) = self.ready(default)?;
        // A start that fails behind this point kills the process.
        let kill = Kill { on_drop: true, ..self.kill };
        let mut started = Child::new(child::Child::new(context.create()?, ours, kill)?)?;
        if !self.kill.on_drop {
            started.child.disarm();
        }
        Ok(started)
    }

    /// As [`output`](Self::output), without blocking. The call starts the child; the future waits for it, and does not
    /// borrow the command.
    ///
    /// # Errors
    ///
    /// As [`spawn_async`](Self::spawn_async).
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn output_async(&mut self) -> impl Future<Output = Result<Output, Error>> + use<> {
        let child = self.start_async(&Stdio::piped());
        async { child?.wait_with_output().await }
    }

    /// As [`status`](Self::status), without blocking.
    ///
    /// # Errors
    ///
    /// As [`spawn_async`](Self::spawn_async).
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn status_async(&mut self) -> impl Future<Output = Result<Status, Error>> + use<> {
        let child = self.spawn_async();
        async { child?.wait().await }
    }
}
