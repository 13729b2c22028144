//! How soon a fault is seen by somebody who has little history: by shape, level and days known.

use super::{Dice, judge_count, judge_pair, judge_ratio, week};

const SEEDS: std::ops::RangeInclusive<u64> = 1..=9;
const HISTORIES: [usize; 5] = [22, 30, 45, 60, 120];
const LEVELS: [f64; 4] = [10.0, 100.0, 1_000.0, 10_000.0];
/// Days after which nobody waits any longer.
const PATIENCE: usize = 14;

/// A fault and what it does to what is seen of a day's true count.
struct Fault {
    name: &'static str,
    keeps: f64,
}

const FAULTS: [Fault; 4] = [
    Fault {
        name: "nothing arrives",
        keeps: 0.0,
    },
    Fault {
        name: "half is lost",
        keeps: 0.5,
    },
    Fault {
        name: "a quarter is lost",
        keeps: 0.75,
    },
    Fault {
        name: "all is counted twice",
        keeps: 2.0,
    },
];

fn seen(dice: &mut Dice, count: f64, keeps: f64) -> f64 {
    if keeps > 1.0 {
        count + dice.thin(count, keeps - 1.0)
    } else {
        dice.thin(count, keeps)
    }
}

/// The day of the trouble, from 1, on which it is told; `None` after [`PATIENCE`].
fn found(shape: &str, history: usize, level: f64, keeps: f64, seed: u64) -> Option<usize> {
    let truth = week(level, history + PATIENCE, seed);
    let mut dice = Dice::new(seed + 1_000);
    let mut seen_of = |at: usize, usual: f64| {
        let there = dice.thin(truth[at], usual);
        if at < history {
            there
        } else {
            seen(&mut dice, there, keeps)
        }
    };
    let usual = if shape == "pair" { 0.88 } else { 0.97 };
    let part: Vec<f64> = (0..truth.len()).map(|at| seen_of(at, usual)).collect();
    let alarms = |at: usize| match shape {
        "count" => judge_count(&part[..=at], at).is_ok_and(|one| one.alarm),
        "share" => judge_ratio(&part[..=at], &truth[..=at], at).is_ok_and(|one| one.alarm),
        _ => judge_pair(&part[..=at], &truth[..=at], at).is_ok_and(|one| one.alarm),
    };
    (history..truth.len())
        .find(|at| alarms(*at))
        .map(|at| at + 1 - history)
}

/// The middle one of the seeds.
fn typical(shape: &str, history: usize, level: f64, keeps: f64) -> Option<usize> {
    let each = SEEDS.map(|seed| found(shape, history, level, keeps, seed));
    let mut days: Vec<usize> = each.map(|day| day.unwrap_or(usize::MAX)).collect();
    days.sort_unstable();
    Some(days[days.len() / 2]).filter(|day| *day <= PATIENCE)
}

/// `cargo test --test it -- soon --nocapture` prints the table of docs/statistics.md.
#[test]
fn what_a_young_installation_sees_and_when() {
    println!(
        "| shape | fault | a day | {} |",
        HISTORIES.map(|days| format!("{days} days")).join(" | ")
    );
    for shape in ["count", "share", "pair"] {
        for fault in &FAULTS {
            if shape == "share" && fault.keeps > 1.0 {
                continue;
            }
            for level in LEVELS {
                let days = HISTORIES.map(|history| typical(shape, history, level, fault.keeps));
                let cells = days.map(|day| day.map_or("–".to_owned(), |day| day.to_string()));
                println!(
                    "| {shape} | {} | {level} | {} |",
                    fault.name,
                    cells.join(" | ")
                );
            }
        }
    }
    let within = |shape, history, level, keeps, most| {
        let day = typical(shape, history, level, keeps);
        assert!(
            day.is_some_and(|day| day <= most),
            "{shape} {history} {level} {keeps}: {day:?}"
        );
    };
    for level in [100.0, 1_000.0, 10_000.0] {
        within("count", 30, level, 0.0, 1);
        within("share", 30, level, 0.0, 1);
        within("pair", 30, level, 0.0, 1);
        within("count", 60, level, 0.5, 3);
        within("share", 60, level, 0.5, 1);
        within("pair", 60, level, 0.5, 2);
        within("pair", 60, level, 2.0, 2);
    }
}
