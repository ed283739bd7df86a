// SPDX-License-Identifier: MIT OR Apache-2.0

//! Figures, not verdicts: `cargo test --release -- --ignored --nocapture watch::tests::measure`.

use std::os::fd::AsFd;
use std::time::Instant;

use super::super::{Client, Policy};
use super::{Sleeper, pair};

fn median(mut of: impl FnMut() -> f64, times: usize) -> f64 {
    let mut all: Vec<f64> = (0..times).map(|_| of()).collect();
    all.sort_by(f64::total_cmp);
    all[times / 2]
}

fn start_us() -> f64 {
    let start = Instant::now();
    let client = Client::start().unwrap();
    let time = start.elapsed().as_secs_f64() * 1e6;
    drop(client);
    time
}

#[test]
#[ignore = "a measurement"]
fn start() {
    println!("start: {:.0} µs", median(start_us, 200));
    let memory = vec![1u8; 1 << 30];
    println!("start with 1 GiB: {:.0} µs", median(start_us, 200));
    drop(memory);
    let open: Vec<_> = (0..5000).map(|_| pair()).collect();
    println!("start with {} descriptors: {:.0} µs", 2 * open.len(), median(start_us, 200));
}

#[test]
#[ignore = "a measurement"]
fn add() {
    let client = Client::start().unwrap();
    let process = Sleeper::new();
    let (pidfd, (_a, b)) = (process.pidfd(), pair());
    let mut each = Vec::new();
    for id in 0..1000 {
        let start = Instant::now();
        client.add(id, b.as_fd(), pidfd.as_fd(), &Policy::default()).unwrap();
        each.push(start.elapsed().as_secs_f64() * 1e6);
    }
    let mut each = each.into_iter();
    println!("add: {:.1} µs", median(|| each.next().unwrap_or_default(), 1000));
    let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", client.pid())).unwrap();
    let rss = rollup.lines().find(|line| line.starts_with("Rss:")).unwrap_or_default();
    println!("with {:?} watched: {rss}", client.counts().unwrap().0);
}
