//! Keeps the detection as good as it was: a seeded labelled split, graded, beside the recorded figures.
//!
//! The figures lie in `tests/golden/detection.json`. After a change that is meant to move them:
//! `RENEW_FIGURES=1 cargo test -- the_detection_is_as_good_as_it_was`, and look at the difference.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use truecount::demo::split::{Labelled, SeriesKind, split};
use truecount::stats::grade::{self, Case, Counting, DAYS, Fault, Grade, HOURS};
use truecount::stats::{Cycle, Paired, Scored, Sensitivity, Series, count, pair, ratio};

const SEED: u64 = 20_261_124;

/// A share may fall by this much before the test fails.
const SLACK: f64 = 0.02;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Figures {
    f1_at_budget: f64,
    recall_at_budget: f64,
    f1_as_shipped: f64,
    recall_as_shipped: f64,
    false_alarms_a_series_year: f64,
    mean_delay_in_buckets: f64,
}

fn scores(of: &Labelled) -> Vec<Option<Scored>> {
    let many = of.values.len();
    let (usable, special) = (vec![true; many], vec![0; many]);
    let cycle = if of.kind == SeriesKind::CountHourly {
        Cycle::Hourly(0)
    } else {
        Cycle::Daily(0)
    };
    let series = Series {
        values: &of.values,
        usable: &usable,
        special: &special,
        cycle,
    };
    let paired = Paired {
        first: &of.values,
        second: &of.totals,
        usable: &usable,
        special: &special,
        cycle,
    };
    let mut out = Vec::with_capacity(many);
    match of.kind {
        SeriesKind::CountDaily | SeriesKind::CountHourly => count::sweep(&series, 0, &mut out),
        SeriesKind::Completeness => ratio::sweep(&paired, 0, &mut out),
        SeriesKind::Discrepancy => pair::sweep(&paired, 0, &mut out),
    }
    out
}

fn cases(kind: SeriesKind) -> Vec<Case> {
    let of_kind = split(SEED).into_iter().filter(|one| one.kind == kind);
    of_kind
        .map(|one| Case {
            scores: scores(&one)
                .into_iter()
                .map(|scored| scored.map(|scored| scored.score))
                .collect(),
            from: one.from,
            faults: one
                .faults
                .iter()
                .map(|fault| Fault {
                    first: fault.first,
                    last: fault.last,
                })
                .collect(),
        })
        .collect()
}

fn figures(cases: &[Case], counting: &Counting) -> Figures {
    let budget = grade::at_budget(cases, counting).unwrap();
    let shipped = grade::at_level(cases, Sensitivity::Normal.level(), counting);
    let short = |value: f64| (value * 1e3).round() / 1e3;
    Figures {
        f1_at_budget: short(budget.f1()),
        recall_at_budget: short(budget.recall()),
        f1_as_shipped: short(shipped.f1()),
        recall_as_shipped: short(shipped.recall()),
        false_alarms_a_series_year: short(shipped.false_alarms_a_year()),
        mean_delay_in_buckets: short(shipped.delay),
    }
}

#[test]
fn the_detection_is_as_good_as_it_was() {
    let mut now = BTreeMap::new();
    for (name, kind, counting) in [
        ("daily counts", SeriesKind::CountDaily, &DAYS),
        ("hourly counts", SeriesKind::CountHourly, &HOURS),
        ("completeness", SeriesKind::Completeness, &DAYS),
        ("discrepancy", SeriesKind::Discrepancy, &DAYS),
    ] {
        now.insert(name.to_owned(), figures(&cases(kind), counting));
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/detection.json");
    if std::env::var_os("RENEW_FIGURES").is_some() {
        let text = serde_json::to_string_pretty(&now).unwrap();
        std::fs::write(&file, format!("{text}\n")).unwrap();
    }
    let recorded: BTreeMap<String, Figures> =
        serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    for (name, was) in &recorded {
        let is = &now[name];
        let said = format!("{name}: recorded {was:?}, now {is:?}");
        assert!(is.f1_at_budget >= was.f1_at_budget - SLACK, "{said}");
        assert!(
            is.recall_at_budget >= was.recall_at_budget - SLACK,
            "{said}"
        );
        assert!(is.f1_as_shipped >= was.f1_as_shipped - SLACK, "{said}");
        assert!(
            is.recall_as_shipped >= was.recall_as_shipped - SLACK,
            "{said}"
        );
        let more = is.false_alarms_a_series_year - was.false_alarms_a_series_year;
        assert!(
            more <= 0.2 * was.false_alarms_a_series_year.max(0.5),
            "{said}"
        );
        let later = is.mean_delay_in_buckets - was.mean_delay_in_buckets;
        assert!(later <= 0.2 * was.mean_delay_in_buckets.max(2.5), "{said}");
    }
    assert_eq!(
        recorded.len(),
        now.len(),
        "a type of series has no recorded figures"
    );
}

#[test]
fn the_split_is_the_same_every_time_and_its_faults_lie_inside() {
    let one = format!("{:?}", split(SEED));
    assert_eq!(one, format!("{:?}", split(SEED)));
    assert_ne!(one, format!("{:?}", split(SEED + 1)));
    for series in split(SEED) {
        assert!(series.faults.len() >= 5, "{series:?}");
        let inside = |at: usize| at >= series.from && at < series.values.len();
        assert!(
            series
                .faults
                .iter()
                .all(|one| inside(one.first) && inside(one.last))
        );
    }
}

/// One series of 400 days whose score is 2 on the given days.
fn case(loud: &[usize], faults: &[(usize, usize)]) -> Case {
    let scores = (0..400)
        .map(|at| Some(if loud.contains(&at) { 2.0 } else { 0.0 }))
        .collect();
    let faults = faults.iter().map(|&(first, last)| Fault { first, last });
    Case {
        scores,
        from: 90,
        faults: faults.collect(),
    }
}

#[test]
fn alarms_are_counted_as_the_benchmark_counts_them() {
    // Day 10 is history, 102 finds the fault, 108 is too near after it, 200 to 203 are one alarm.
    let graded = grade::at_level(
        &[case(
            &[10, 102, 108, 200, 203, 207],
            &[(100, 104), (300, 310)],
        )],
        1.0,
        &DAYS,
    );
    assert_eq!(
        (graded.found, graded.faults, graded.false_alarms),
        (1, 2, 2)
    );
    assert!((graded.delay - 2.0).abs() < 1e-9);
    // 310 days less two faults of 5 and 11 days with two weeks after each.
    assert!((graded.years - (310.0 - 19.0 - 25.0) / 365.25).abs() < 1e-9);
    assert!(
        (graded.f1() - 2.0 * 1.0 / 5.0).abs() < 1e-9,
        "{}",
        graded.f1()
    );
    // An alarm that stays on counts again after 14 days.
    let long: Vec<usize> = (200..230).collect();
    let graded = grade::at_level(&[case(&long, &[])], 1.0, &DAYS);
    assert_eq!(graded.false_alarms, 3);
}

#[test]
fn the_level_at_the_budget_finds_the_most_that_the_budget_allows() {
    let mut noisy = case(&[], &[(100, 104), (300, 310)]);
    noisy.scores[101] = Some(3.0);
    noisy.scores[305] = Some(1.5);
    for day in [150, 170, 190, 210] {
        noisy.scores[day] = Some(1.7);
    }
    let graded: Grade = grade::at_budget(&[noisy], &DAYS).unwrap();
    assert_eq!((graded.found, graded.false_alarms), (1, 0));
    assert!((graded.level - 3.0).abs() < 1e-9);
}
