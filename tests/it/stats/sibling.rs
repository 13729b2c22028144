//! What a young count gains from the noise of its siblings, and that a fault is found as without it.

use std::fmt::Write as _;

use truecount::stats::{Cycle, Series, count};

use super::Dice;
use super::alarms::alarms;

const SEEDS: std::ops::RangeInclusive<u64> = 1..=15;
const HISTORIES: [usize; 3] = [22, 30, 45];
const PATIENCE: usize = 14;
const SHAPE: [f64; 7] = [1.1, 1.2, 1.2, 1.15, 1.05, 0.7, 0.6];

/// Days of a count that strays by `noise` beyond chance; the last days keep only a share.
fn days(mean: f64, noise: f64, many: usize, keeps: (usize, f64), seed: u64) -> Vec<f64> {
    let mut dice = Dice::new(seed);
    (0..many)
        .map(|at| {
            let normal = (0..12).map(|_| dice.share()).sum::<f64>() - 6.0;
            let usual = mean * SHAPE[at % 7] * (noise * normal).exp();
            let left = if at >= keeps.0 { keeps.1 } else { 1.0 };
            dice.poisson(usual * left)
        })
        .collect()
}

/// The middle noise of five siblings of 200 days, as the product takes it.
fn typical(mean: f64, noise: f64, seed: u64) -> f64 {
    let mut known: Vec<f64> = (0..5)
        .map(|sibling| {
            let values = days(mean, noise, 200, (200, 1.0), 1_000 * seed + sibling);
            let (usable, special) = (vec![true; 200], vec![0; 200]);
            let series = Series {
                values: &values,
                usable: &usable,
                special: &special,
                cycle: Cycle::Daily(0),
            };
            count::noise(&series, 199).unwrap()
        })
        .collect();
    known.sort_by(f64::total_cmp);
    known[2]
}

/// The middle day of the trouble on which it is told, from 1; `None` after [`PATIENCE`].
fn told(mean: f64, noise: f64, history: usize, keeps: f64, shares: bool) -> Option<usize> {
    let each = SEEDS.map(|seed| {
        let values = days(mean, noise, history + PATIENCE, (history, keeps), seed);
        let believed = shares.then(|| typical(mean, noise, seed));
        let found = alarms(&values, Cycle::Daily(0), believed);
        let first = found.into_iter().find(|at| *at >= history);
        first.map_or(usize::MAX, |at| at + 1 - history)
    });
    let mut each: Vec<usize> = each.collect();
    each.sort_unstable();
    Some(each[each.len() / 2]).filter(|day| *day <= PATIENCE)
}

/// Alarms that begin in days 22 to 60 of quiet series, a series-year.
fn false_alarms(mean: f64, noise: f64, shares: bool) -> f64 {
    const MANY: u64 = 60;
    let mut runs = 0;
    for seed in 1..=MANY {
        let values = days(mean, noise, 60, (60, 1.0), 50 + seed);
        let believed = shares.then(|| typical(mean, noise, seed));
        let mut last = None;
        for at in alarms(&values, Cycle::Daily(0), believed) {
            runs += u32::from(last.is_none_or(|last| at - last > 3));
            last = Some(at);
        }
    }
    f64::from(runs) / (MANY as f64 * 39.0 / 365.25)
}

/// `cargo test --test it -- siblings_noise --nocapture` prints the table of docs/statistics.md.
#[test]
fn siblings_noise_helps_the_young_and_hides_no_fault() {
    let mut table = String::new();
    let (mut earlier, mut all) = (0, 0);
    for (mean, noise) in [
        (100.0, 0.03),
        (1_000.0, 0.03),
        (1_000.0, 0.1),
        (1_000.0, 0.3),
    ] {
        for (name, keeps) in [
            ("nothing arrives", 0.0),
            ("half is lost", 0.5),
            ("a quarter is lost", 0.75),
        ] {
            let mut cells = String::new();
            for history in HISTORIES {
                let alone = told(mean, noise, history, keeps, false);
                let beside = told(mean, noise, history, keeps, true);
                let shown =
                    |day: Option<usize>| day.map_or("–".to_owned(), |day| day.to_string());
                write!(cells, " {} / {} |", shown(alone), shown(beside)).unwrap();
                let late = |day: Option<usize>| day.unwrap_or(PATIENCE + 1);
                let steady = noise < 0.1;
                all += usize::from(steady);
                earlier += usize::from(steady && late(beside) < late(alone));
                assert!(
                    late(beside) <= late(alone),
                    "{mean} {noise} {name} {history}: {alone:?} {beside:?}"
                );
            }
            writeln!(table, "| {mean} | {:.0}% | {name} |{cells}", noise * 100.0).unwrap();
        }
        let (alone, beside) = (
            false_alarms(mean, noise, false),
            false_alarms(mean, noise, true),
        );
        writeln!(
            table,
            "| {mean} | {:.0}% | false alarms a year, days 22 to 60 | {alone:.1} / {beside:.1} | | |",
            noise * 100.0
        )
        .unwrap();
        assert!(beside <= alone + 0.5, "{noise}: {alone} {beside}");
    }
    println!("{table}");
    assert!(earlier * 3 >= all, "{earlier} of {all}\n{table}");
}
