//! A thousand series for three months: the plan keeps its alert budget, and hides no real fault.

use truecount::check::{self, Promise};
use truecount::model::{Evaluation, Held, Status};
use truecount::stats::{Cycle, Scored, Sensitivity, Series, count};

use crate::made;
use crate::stats::Dice;

const SERIES: usize = 1_000;
const HISTORY: usize = 70;
const DAYS: usize = 84;
/// The series that stops, and on which day.
const BROKEN: (usize, usize) = (500, HISTORY + 40);

/// Daily counts of a plan: from one a day to thousands, rougher than chance, one of them broken.
fn values(index: usize) -> Vec<f64> {
    const WEEK: [f64; 7] = [1.1, 1.15, 1.1, 1.05, 1.0, 0.8, 0.8];
    let base = [1.0, 8.0, 60.0, 700.0][index % 4] * if index == BROKEN.0 { 30.0 } else { 1.0 };
    let mut dice = Dice::new(u64::try_from(index).unwrap() * 7 + 11);
    (0..HISTORY + DAYS)
        .map(|day| {
            let rough = 1.0 + 0.1 * (dice.share() + dice.share() + dice.share() - 1.5);
            let mean = base * WEEK[day % 7] * rough;
            let noise = if mean > 50.0 {
                let sum: f64 = (0..12).map(|_| dice.share()).sum();
                (mean + mean.sqrt() * (sum - 6.0)).round()
            } else {
                dice.poisson(mean)
            };
            if index == BROKEN.0 && day >= BROKEN.1 {
                0.0
            } else {
                noise
            }
        })
        .collect()
}

/// The scores of every day.
fn scores(values: &[f64]) -> Vec<Option<Scored>> {
    let (usable, special) = (vec![true; values.len()], vec![0; values.len()]);
    let mut out = Vec::with_capacity(values.len());
    count::sweep(&series(values, &usable, &special), 0, &mut out);
    out
}

fn series<'a>(values: &'a [f64], usable: &'a [bool], special: &'a [u8]) -> Series<'a> {
    Series {
        values,
        usable,
        special,
        cycle: Cycle::Daily(0),
    }
}

/// The chance behind a score is a fixed power of it: one judgement with a score tells which.
fn power(values: &[f64], at: usize) -> f64 {
    let (usable, special) = (vec![true; values.len()], vec![0; values.len()]);
    let judged = count::judge(&series(values, &usable, &special), at, Sensitivity::Normal).unwrap();
    -judged.p.ln() / judged.score
}

#[test]
fn a_thousand_series_keep_the_budget_of_the_plan() {
    let plan = made::plan("");
    let promise = Promise { per_week: 1.0 };
    let all: Vec<Vec<f64>> = (0..SERIES).map(values).collect();
    let power = power(&all[BROKEN.0], BROKEN.1 + 1);
    assert!(power > 1.0, "{power}");
    let judged: Vec<Vec<Option<Scored>>> = all.iter().map(|values| scores(values)).collect();
    let calendar = &plan.project.calendar;
    let first = made::day("2026-03-02");
    let (mut told, mut wanted, mut found) = (0, 0, None);
    let mut loud_before = vec![false; SERIES];
    let mut told_before = vec![false; SERIES];
    for at in HISTORY..HISTORY + DAYS {
        let day = calendar.day(first.date() + chrono::Days::new(at as u64));
        let seen: Vec<Evaluation> = judged
            .iter()
            .map(|days| {
                let one = days[at].unwrap();
                let status = if one.alarm {
                    Status::Failing
                } else {
                    Status::Ok
                };
                let p = (-one.score * power).exp().clamp(f64::MIN_POSITIVE, 1.0);
                let mut seen = made::seen("purchase.volume", "shop", day, status, 50.0);
                made::finding_of(&mut seen).p = Some(p);
                seen
            })
            .collect();
        assert_eq!(check::tests(&seen), SERIES);
        let seen = check::budget(seen, &promise);
        for (index, one) in seen.iter().enumerate() {
            let loud = one.outcome.status() > Some(Status::Ok);
            let tells = loud && one.held == Held::No;
            if index == BROKEN.0 {
                if tells && at >= BROKEN.1 && found.is_none() {
                    found = Some(at - BROKEN.1);
                }
                continue;
            }
            wanted += u32::from(loud && !loud_before[index]);
            told += u32::from(tells && !told_before[index]);
            loud_before[index] = loud;
            told_before[index] = tells;
        }
    }
    // Twelve weeks at one a week, and three standard deviations of chance.
    assert!(told <= 12 + 10, "told {told} of {wanted}");
    assert!(wanted > 2 * told, "told {told} of {wanted}");
    assert!(found.is_some_and(|days| days <= 2), "{found:?}");
    let limit = check::share(&promise, SERIES);
    assert!((limit - 1.0 / 7.0 / 1_000.0).abs() < 1e-12);
}
