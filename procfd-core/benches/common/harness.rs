// SPDX-License-Identifier: MIT OR Apache-2.0

//! Rounds, medians, tables.
//!
//! A round runs every method of a group once, in a random order, so that other load of the machine hits all of
//! them alike. A timed call follows an untimed one of the same method. Each method therefore pays for its own
//! leftovers: the kernel's deferred work, and the library's for its next call.

use std::fs::File;
use std::io::{self, Write};
use std::sync::OnceLock;
use std::time::Instant;

/// How often.
pub struct Rounds {
    full: usize,
}

impl Rounds {
    /// Enough for a median that holds on a busy machine.
    pub fn full() -> Self {
        Self::of(3000)
    }

    /// To see that everything works.
    pub fn few() -> Self {
        Self::of(3)
    }

    pub fn of(rounds: usize) -> Self {
        Self { full: rounds.max(1) }
    }

    /// Only to see that everything works: not worth 8 GiB.
    pub fn are_few(&self) -> bool {
        self.full < 30
    }

    /// A fraction of the rounds, for what takes longer.
    pub fn one_in(&self, n: usize) -> usize {
        self.full.div_ceil(n)
    }
}

/// Runs once; returns how many nanoseconds count.
type Run<'a> = Box<dyn FnMut() -> io::Result<u64> + 'a>;

/// What is aimed at, for the reader.
#[derive(Clone, Copy)]
pub enum Aim {
    /// At most this many times the method with this name.
    AtMost(f64, &'static str),
    /// At least this many times faster than the method with this name.
    Faster(f64, &'static str),
}

pub struct Method<'a> {
    name: &'static str,
    aims: Vec<Aim>,
    run: Run<'a>,
    warm: bool,
}

impl<'a> Method<'a> {
    /// A method that is timed as a whole.
    pub fn new(name: &'static str, mut run: impl FnMut() -> io::Result<()> + 'a) -> Self {
        Self::timing_itself(name, move || {
            let before = Instant::now();
            run()?;
            Ok(since(before))
        })
    }

    /// A method that knows which part of it counts.
    pub fn timing_itself(name: &'static str, run: impl FnMut() -> io::Result<u64> + 'a) -> Self {
        Self { name, aims: Vec::new(), run: Box::new(run), warm: true }
    }

    /// A call too short for the clock: the mean of a hundred.
    pub fn hundred(name: &'static str, mut run: impl FnMut() -> io::Result<()> + 'a) -> Self {
        Self::timing_itself(name, move || {
            let before = Instant::now();
            for _ in 0..100 {
                run()?;
            }
            Ok(since(before) / 100)
        })
    }

    pub fn aim(mut self, aim: Aim) -> Self {
        self.aims.push(aim);
        self
    }

    /// Without the untimed call before each timed one: too slow for that.
    pub fn cold(mut self) -> Self {
        self.warm = false;
        self
    }
}

fn since(before: Instant) -> u64 {
    u64::try_from(before.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// A group's answers, in the order of its methods; a method that does not work here has the reason.
pub struct Medians(Vec<(&'static str, Result<Quartiles, String>)>);

#[derive(Clone, Copy)]
struct Quartiles {
    low: u64,
    median: u64,
    high: u64,
}

impl Medians {
    /// With those of another group.
    pub fn with(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// How many times as long `name` takes as `reference`.
    pub fn ratio(&self, name: &str, reference: &str) -> Option<f64> {
        Some(self.median(name)? as f64 / self.median(reference)? as f64)
    }

    fn median(&self, name: &str) -> Option<u64> {
        let (_, found) = self.0.iter().find(|(n, _)| *n == name)?;
        found.as_ref().ok().map(|q| q.median)
    }
}

/// Runs a group and prints its table, with a column of ratios for each of `references`.
pub fn group(title: &str, references: &[&str], rounds: usize, mut methods: Vec<Method<'_>>) -> Medians {
    println!("\n{title} ({rounds} rounds)");
    let mut failed: Vec<Option<String>> =
        methods.iter_mut().map(|m| (m.run)().err().map(|e| e.to_string())).collect();
    let mut samples: Vec<Vec<u64>> = methods.iter().map(|_| Vec::with_capacity(rounds)).collect();
    let mut order: Vec<usize> = (0..methods.len()).collect();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..rounds {
        random.shuffle(&mut order);
        for &i in &order {
            if failed[i].is_some() {
                continue;
            }
            let method = &mut methods[i];
            let warmed = if method.warm { (method.run)().map(drop) } else { Ok(()) };
            if let Err(e) = warmed {
                failed[i] = Some(e.to_string());
                continue;
            }
            match (method.run)() {
                Ok(ns) => samples[i].push(ns),
                Err(e) => failed[i] = Some(e.to_string()),
            }
        }
    }
    let answers = methods
        .iter()
        .zip(failed)
        .zip(samples)
        .map(|((m, failed), samples)| (m.name, failed.map_or_else(|| Ok(quartiles(samples)), Err)));
    let medians = Medians(answers.collect());
    print(&medians, &methods, references);
    if let Some(file) = CSV.get() {
        rows(title, rounds, &medians, file).expect("the file of --csv");
    }
    medians
}

/// Where the figures go, for a program to read.
static CSV: OnceLock<File> = OnceLock::new();

fn rows(title: &str, rounds: usize, medians: &Medians, mut file: &File) -> io::Result<()> {
    let quoted = |text: &str| format!("\"{}\"", text.trim().replace('"', "\"\""));
    for (method, answer) in &medians.0 {
        let figures = match answer {
            Ok(q) => format!("{rounds},{},{},{},", q.low, q.median, q.high),
            Err(why) => format!("{rounds},,,,{}", quoted(why)),
        };
        writeln!(file, "{},{},{figures}", quoted(title), quoted(method))?;
    }
    Ok(())
}

/// A name, and what it runs.
pub type Group = (&'static str, fn(&Rounds));

/// Runs the groups that the command line names, or all.
pub fn main(groups: &[Group]) {
    let mut rounds = None;
    let mut bench = false;
    let mut wanted = Vec::new();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bench" => bench = true,
            "--rounds" => {
                let number = args.next().and_then(|n| n.parse().ok());
                rounds = Some(Rounds::of(number.expect("--rounds takes a number")));
            }
            "--csv" => {
                let mut file = File::create(args.next().expect("--csv takes a file")).expect("--csv");
                writeln!(file, "group,method,rounds,low_ns,median_ns,high_ns,skipped").expect("--csv");
                CSV.set(file).expect("one --csv");
            }
            name if groups.iter().any(|(group, _)| *group == name) => wanted.push(arg),
            other => {
                let names: Vec<&str> = groups.iter().map(|(name, _)| *name).collect();
                eprintln!("{other}: not a group ({}), --rounds N or --csv FILE", names.join(", "));
                std::process::exit(2);
            }
        }
    }
    let rounds = rounds.unwrap_or_else(|| if bench { Rounds::full() } else { Rounds::few() });
    describe_machine();
    for (name, run) in groups {
        if wanted.is_empty() || wanted.iter().any(|w| w == name) {
            run(&rounds);
        }
    }
}

fn quartiles(mut samples: Vec<u64>) -> Quartiles {
    samples.sort_unstable();
    let at = |part: usize| samples[(samples.len() - 1) * part / 4];
    Quartiles { low: at(1), median: at(2), high: at(3) }
}

fn print(medians: &Medians, methods: &[Method<'_>], references: &[&str]) {
    let width = methods.iter().map(|m| m.name.len()).max().unwrap_or(0);
    let ratio_width = |r: &str| r.len().max(4) + 2;
    print!("  {:width$}  {:>10}  {:>17}", "method", "median µs", "middle half");
    for reference in references {
        print!("  {:>1$}", format!("x {reference}"), ratio_width(reference));
    }
    println!("  aim");
    for (method, (name, answer)) in methods.iter().zip(&medians.0) {
        let q = match answer {
            Ok(q) => q,
            Err(why) => {
                println!("  {name:width$}  skipped: {why}");
                continue;
            }
        };
        let half = format!("{}-{}", micros(q.low), micros(q.high));
        print!("  {name:width$}  {:>10}  {half:>17}", micros(q.median));
        for reference in references {
            let ratio = medians.ratio(name, reference).map_or("-".into(), |r| format!("{r:.2}"));
            print!("  {ratio:>0$}", ratio_width(reference));
        }
        let aims: Vec<String> = method.aims.iter().filter_map(|aim| words(*aim, name, medians)).collect();
        println!("  {}", aims.join("; "));
    }
}

/// The aim and, where it is not in a column, what was measured.
fn words(aim: Aim, name: &str, medians: &Medians) -> Option<String> {
    match aim {
        Aim::AtMost(limit, reference) => Some(format!("at most {limit:.2} x {reference}")),
        Aim::Faster(times, reference) => {
            let got = medians.ratio(reference, name)?;
            Some(format!("{times:.0} times faster than {reference}: {got:.1}"))
        }
    }
}

fn micros(ns: u64) -> String {
    let us = ns as f64 / 1000.0;
    match ns {
        0..10_000 => format!("{us:.2}"),
        10_000..1_000_000 => format!("{us:.1}"),
        _ => format!("{us:.0}"),
    }
}

/// xorshift64: only for the order.
struct Random(u64);

impl Random {
    fn shuffle(&mut self, order: &mut [usize]) {
        for i in (1..order.len()).rev() {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            order.swap(i, (self.0 % (i as u64 + 1)) as usize);
        }
    }
}

/// Pins this process, and with it its children, to one core, and says on what it runs.
fn describe_machine() {
    let cpu = pin();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release: String = kernel.trim().split('.').take(2).collect::<Vec<_>>().join(".");
    // SAFETY: a plain number.
    let cores = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
    let pinned = cpu.map_or("not pinned".into(), |cpu| format!("pinned to core {cpu}"));
    let machine = format!("Linux {release}, {}, {cores} cores, {pinned}", std::env::consts::ARCH);
    println!("{machine}");
    if let Some(mut file) = CSV.get() {
        writeln!(file, "# {machine}").expect("the file of --csv");
    }
}

fn pin() -> Option<usize> {
    // SAFETY: all zeroes is a cpu_set_t, and the calls are given its size.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        let size = size_of::<libc::cpu_set_t>();
        if libc::sched_getaffinity(0, size, &raw mut set) != 0 {
            return None;
        }
        let cpu = (0..libc::CPU_SETSIZE as usize).rfind(|&cpu| libc::CPU_ISSET(cpu, &set))?;
        libc::CPU_ZERO(&mut set);
        libc::CPU_SET(cpu, &mut set);
        (libc::sched_setaffinity(0, size, &raw const set) == 0).then_some(cpu)
    }
}
