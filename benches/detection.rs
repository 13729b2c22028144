//! How well and how fast series are judged. `cargo bench --bench detection -- DIR OUT` judges every
//! series of a labelled benchmark online, writes the scores and says how long it took; `-- speed`
//! measures made-up series: from nothing, on a kept state, and many hours on two cores; `-- quiet`
//! counts the alarms of made-up years in which nothing happens.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Context as _, anyhow, bail};
use truecount::stats::trial::{self, Trial};
use truecount::stats::{
    Cycle, Paired, Point, Scored, Sensitivity, Series, Watch, count, pair, ratio,
};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    match arguments.as_slice() {
        [word] if word == "speed" => {
            days();
            hours();
            Ok(())
        }
        [word] if word == "quiet" => {
            quiet();
            Ok(())
        }
        [folder, out] => labelled(Path::new(folder), out),
        _ => bail!("usage: cargo bench --bench detection -- (DIR OUT | speed | quiet)"),
    }
}

fn labelled(folder: &Path, out: &str) -> anyhow::Result<()> {
    let labels = trial::labels(&fs::read_to_string(labels_file(folder)?)?)?;
    let mut scores = trial::HEADER.to_owned();
    let mut took = Duration::ZERO;
    let (mut buckets, mut series) = (0, 0);
    for (id, label) in &labels {
        let file = folder.join(format!("{id}.csv"));
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let trial = Trial::parse(&text, label).with_context(|| file.display().to_string())?;
        let mut lines = String::new();
        took += timed(|| lines = trial.scores(id));
        buckets += trial.buckets();
        series += 1;
        scores.push_str(&lines);
    }
    fs::write(out, scores).with_context(|| format!("cannot write {out}"))?;
    let each = took.as_secs_f64() / buckets.max(1) as f64;
    println!(
        "{series} series, {buckets} buckets, {:.3} s judging",
        took.as_secs_f64()
    );
    println!("{:.2} µs a bucket", each * 1e6);
    Ok(())
}

/// `labels.json` beside the series, or one folder up.
fn labels_file(folder: &Path) -> anyhow::Result<PathBuf> {
    let places = [Some(folder), folder.parent()];
    places
        .into_iter()
        .flatten()
        .map(|place| place.join("labels.json"))
        .find(|file| file.exists())
        .ok_or_else(|| anyhow!("no labels.json in {} or its parent", folder.display()))
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn timed(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

/// Seconds for all of these, each done seven times and the shortest time counted: what the work takes
/// when nothing else wants the core.
fn best(many: usize, mut run: impl FnMut(usize)) -> f64 {
    let shortest = |number: usize| (0..7).map(|_| timed(|| run(number))).min();
    let total: Duration = (0..many).filter_map(shortest).sum();
    total.as_secs_f64()
}

/// Daily series of all sizes: one judgement from nothing, and one more day on a kept state.
fn days() {
    const MANY: usize = 1000;
    const DAYS: usize = 180;
    let cycle = Cycle::Daily(0);
    let all: Vec<Vec<f64>> = (0..MANY).map(|number| made(number, DAYS, day)).collect();
    let (usable, special) = ([true; DAYS], [0; DAYS]);
    let mut known = vec![false; MANY];
    let full = best(MANY, |number| {
        let series = Series {
            values: &all[number],
            usable: &usable,
            special: &special,
            cycle,
        };
        known[number] = count::judge(&series, DAYS - 1, Sensitivity::Normal).is_ok();
    });
    println!(
        "{} of {MANY} daily series judged from {DAYS} days each: {:.0} series a second on one core",
        known.iter().filter(|known| **known).count(),
        MANY as f64 / full
    );
    let kept: Vec<Watch> = all
        .iter()
        .map(|values| watch(&values[..DAYS - 1], cycle))
        .collect();
    let more = best(MANY, |number| {
        let mut watch = kept[number].clone();
        watch.push(point(all[number][DAYS - 1]));
        known[number] = watch.judge(Sensitivity::Normal).is_ok();
    });
    println!(
        "{} of {MANY} judged again with one more day, each on a copy of its kept state: {:.0} series a second on one core",
        known.iter().filter(|known| **known).count(),
        MANY as f64 / more
    );
    let (bucket, fixed) = kept[0].bytes();
    println!("a kept state of days takes {bucket} bytes a day and {fixed} bytes besides");
}

/// Ten thousand hourly series over 90 days, every hour judged, on two threads.
fn hours() {
    const MANY: usize = 10_000;
    const HOURS: usize = 90 * 24;
    const THREADS: usize = 2;
    let (usable, special) = ([true; HOURS], [0; HOURS]);
    let work = |from: usize| {
        let mut out = Vec::with_capacity(HOURS);
        let mut took = Duration::ZERO;
        for number in (from..MANY).step_by(THREADS) {
            let values = made(number, HOURS, hour);
            let series = Series {
                values: &values,
                usable: &usable,
                special: &special,
                cycle: Cycle::Hourly(0),
            };
            out.clear();
            took += timed(|| count::sweep(&series, 0, &mut out));
        }
        took
    };
    let took = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|from| scope.spawn(move || work(from)))
            .collect();
        let each = threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_default());
        each.max().unwrap_or_default()
    });
    println!(
        "{MANY} hourly series of {HOURS} hours, every hour judged from nothing: {:.1} s on {THREADS} threads",
        took.as_secs_f64()
    );
    let (bucket, fixed) = watch(&[], Cycle::Hourly(0)).bytes();
    println!("a kept state of hours takes {bucket} bytes an hour and {fixed} bytes besides");
}

/// Independent events, of which nine in ten are kept, judged for a year each after 150 days: as a
/// count, as a share and as a pair.
fn quiet() {
    const YEARS: u64 = 100;
    const DAYS: usize = 150;
    let many = DAYS + 365;
    for mean in [0.5, 3.0, 20.0, 100.0] {
        let mut alarms = [0, 0, 0];
        for year in 0..YEARS {
            let mut dice = dice(year + 1);
            let mut poisson = |mean: f64| {
                let (mut events, mut wait) = (-1.0, 0.0);
                while wait < mean {
                    wait -= dice().max(1e-12).ln();
                    events += 1.0;
                }
                events
            };
            let kept: Vec<f64> = (0..many).map(|at| poisson(0.9 * mean * day(at))).collect();
            let all: Vec<f64> = kept
                .iter()
                .enumerate()
                .map(|(at, kept)| kept + poisson(0.1 * mean * day(at)))
                .collect();
            let (usable, special) = (vec![true; many], vec![0; many]);
            let cycle = Cycle::Daily(0);
            let series = Series {
                values: &all,
                usable: &usable,
                special: &special,
                cycle,
            };
            let paired = Paired {
                first: &kept,
                second: &all,
                usable: &usable,
                special: &special,
                cycle,
            };
            let mut out = [Vec::new(), Vec::new(), Vec::new()];
            count::sweep(&series, DAYS, &mut out[0]);
            ratio::sweep(&paired, DAYS, &mut out[1]);
            pair::sweep(&paired, DAYS, &mut out[2]);
            for (alarms, out) in alarms.iter_mut().zip(&out) {
                *alarms += runs(out);
            }
        }
        let [count, ratio, pair] = alarms.map(|many| f64::from(many) / YEARS as f64);
        println!(
            "{mean} events a day, alarms a quiet year: count {count:.2}, share {ratio:.2}, pair {pair:.2}"
        );
    }
}

/// Alarms more than three days after the last.
fn runs(out: &[Option<Scored>]) -> u32 {
    let (mut runs, mut last) = (0, None);
    for (at, scored) in out.iter().enumerate() {
        if scored.is_some_and(|scored| scored.alarm) {
            runs += u32::from(last.is_none_or(|last| at - last > 3));
            last = Some(at);
        }
    }
    runs
}

/// Numbers between 0 and 1 that look random and are always the same.
fn dice(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn watch(values: &[f64], cycle: Cycle) -> Watch {
    let mut watch = Watch::count(cycle);
    for &value in values {
        watch.push(point(value));
    }
    watch
}

fn point(value: f64) -> Point {
    Point {
        first: value,
        second: 1.0,
        usable: true,
        special: 0,
    }
}

/// A series of half an event to 50,000 a bucket, about normal, with a noise of a tenth beyond chance.
fn made(number: usize, buckets: usize, shape: fn(usize) -> f64) -> Vec<f64> {
    const LEVELS: [f64; 5] = [0.5, 5.0, 50.0, 500.0, 50_000.0];
    let mut dice = dice(number as u64 + 1);
    (0..buckets)
        .map(|at| {
            let mean = LEVELS[number % LEVELS.len()] * shape(at);
            // Irwin and Hall: twelve uniform values are nearly normal.
            let z = (0..12).map(|_| dice()).sum::<f64>() - 6.0;
            (mean + z * (mean + 0.01 * mean * mean).sqrt())
                .max(0.0)
                .round()
        })
        .collect()
}

fn day(at: usize) -> f64 {
    [1.1, 1.2, 1.2, 1.15, 1.05, 0.7, 0.6][at % 7]
}

fn hour(at: usize) -> f64 {
    let busy = if (8..20).contains(&(at % 24)) {
        1.5
    } else {
        0.4
    };
    busy * day(at / 24)
}
