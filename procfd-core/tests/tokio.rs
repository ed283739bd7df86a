// SPDX-License-Identifier: MIT OR Apache-2.0

//! Commands in a tokio runtime: feature `tokio`.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::future::Future;
use std::path::Path;
use std::time::{Duration, Instant};

use procfd::{Command, Error, Stdio};

fn block_on<T>(what: impl Future<Output = Result<T, Error>>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap().block_on(what).unwrap()
}

fn sh(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).kill_on_close();
    command
}

#[test]
fn output_of_both_pipes() {
    // More than a pipe takes, in both: reading one to its end first would never end.
    let script = "head -c 300000 /dev/zero >&2; head -c 200000 /dev/zero; exit 3";
    let output = block_on(async { sh(script).output_async().await });
    assert_eq!((output.stdout.len(), output.stderr.len()), (200_000, 300_000));
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn a_wait_may_be_dropped() {
    block_on(async {
        let mut child = sh("read line; exit 4").stdin(Stdio::piped()).spawn_async()?;
        let input = child.stdin.take().unwrap();
        // Polled once, and dropped.
        let polled = std::future::poll_fn(|context| {
            std::task::Poll::Ready(std::pin::pin!(child.wait()).poll(context).is_pending())
        });
        assert!(polled.await);
        drop(input);
        assert_eq!(child.wait().await?.code(), Some(4));
        assert_eq!(child.wait().await?.code(), Some(4));
        Ok(())
    });
}

#[test]
fn killed_on_drop_if_asked_for() {
    for kill in [true, false] {
        let process = block_on(async {
            let child = Command::new("sleep").arg("60").kill_on_drop(kill).spawn_async()?;
            let process = procfd::Process::open(child.id())?;
            drop(child);
            Ok(process)
        });
        let end = process.wait_timeout(Duration::from_millis(if kill { 20_000 } else { 100 })).unwrap();
        assert_eq!(end.is_some(), kill);
        if !kill {
            process.kill().unwrap();
        }
    }
}

#[test]
fn the_wait_does_not_block_others() {
    let start = Instant::now();
    block_on(async {
        let mut children = (0..4).map(|_| sh("sleep 0.2").spawn_async()).collect::<Result<Vec<_>, _>>()?;
        for child in &mut children {
            assert!(child.wait().await?.success());
        }
        Ok(())
    });
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn the_error_names_the_step() {
    let failed = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap().block_on(async {
        Command::new("/bin/true").current_dir(Path::new("/no/such")).status_async().await.unwrap_err()
    });
    assert_eq!(failed.stage(), procfd::Stage::CWD);
}

/// As with tokio's own: the command is a temporary, and both run at the same time.
#[test]
fn a_future_does_not_borrow_its_command() {
    let (first, second) = block_on(async {
        let first = sh("exit 3").status_async();
        let second = sh("echo hello").output_async();
        Ok((first.await?, second.await?))
    });
    assert_eq!((first.code(), second.stdout), (Some(3), b"hello\n".to_vec()));
}

/// A future that is dropped takes the whole tree with it.
#[test]
fn a_dropped_output_leaves_no_descendant() {
    use std::io::Read;
    let (mut reader, writer) = std::os::unix::net::UnixStream::pair().unwrap();
    block_on(async {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & echo >&3; wait"]).fd(writer, 3).kill_on_drop(true).kill_tree(true);
        let mut output = Box::pin(command.output_async());
        let polled = std::future::poll_fn(|context| {
            std::task::Poll::Ready(output.as_mut().poll(context).is_pending())
        });
        assert!(polled.await);
        // It has forked.
        reader.read_exact(&mut [0])?;
        drop(output);
        drop(command);
        assert_eq!(reader.read(&mut [0])?, 0);
        Ok(())
    });
}
