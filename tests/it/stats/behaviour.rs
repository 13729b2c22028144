//! Behaviours of counts, shares and pairs that users rely on, one named test each.

use truecount::stats::{Cycle, Judgement, Scored, Sensitivity, Series, count, pair, ratio};

use super::{Dice, alarms, judge_count, judge_pair, judge_ratio, paired, week};

const DAY: usize = 150;
const SEEDS: std::ops::Range<u64> = 1..21;

fn judge_with(values: &[f64], usable: &[bool], at: usize) -> Judgement {
    let special = vec![0; values.len()];
    let series = Series {
        values,
        usable,
        special: &special,
        cycle: Cycle::Daily(0),
    };
    count::judge(&series, at, Sensitivity::Normal).unwrap()
}

/// How many of the seeds raise an alarm between two days.
fn found(from: usize, to: usize, values: impl Fn(u64) -> Vec<f64>) -> usize {
    let raised = |seed: &u64| {
        let all = alarms(&values(*seed), from);
        all.iter().any(|day| *day < to)
    };
    SEEDS.filter(raised).count()
}

#[test]
fn a_loss_of_15_percent_is_found_within_weeks() {
    let many = found(DAY, DAY + 28, |seed| {
        let mut values = week(300.0, DAY + 28, seed);
        let mut dice = Dice::new(seed + 100);
        for value in &mut values[DAY..] {
            *value = dice.thin(*value, 0.85);
        }
        values
    });
    assert!(many >= 18, "{many} of 20");
}

#[test]
fn a_decay_of_10_percent_a_week_is_found_within_six_weeks() {
    let many = found(DAY, DAY + 42, |seed| {
        let mut values = week(300.0, DAY + 42, seed);
        let mut dice = Dice::new(seed + 100);
        for (day, value) in values[DAY..].iter_mut().enumerate() {
            *value = dice.thin(*value, 0.9_f64.powf((day + 1) as f64 / 7.0));
        }
        values
    });
    assert!(many >= 18, "{many} of 20");
}

#[test]
fn a_loud_series_is_expected_to_be_loud() {
    // The same fall to a half for three days, in a calm series and in one that doubles and halves.
    let fall = |noise: f64| {
        SEEDS
            .filter(|seed| {
                let mut dice = Dice::new(*seed);
                let mut values: Vec<f64> = (0..DAY + 3)
                    .map(|_| {
                        let z = (0..12).map(|_| dice.share()).sum::<f64>() - 6.0;
                        dice.poisson(100.0 * (noise * z).exp())
                    })
                    .collect();
                for value in &mut values[DAY..] {
                    *value = (*value * 0.5).round();
                }
                judge_count(&values, DAY + 2).unwrap().alarm
            })
            .count()
    };
    let (calm, loud) = (fall(0.05), fall(0.6));
    assert!(calm >= 18 && loud <= 4, "calm {calm}, loud {loud} of 20");
}

#[test]
fn confirmed_trouble_teaches_neither_the_level_nor_the_noise() {
    for seed in SEEDS {
        let clean = week(60.0, DAY + 30, seed);
        let mut broken = clean.clone();
        broken[DAY - 10..DAY].fill(3.0);
        let mut usable = vec![true; clean.len()];
        let before = judge_with(&clean, &usable, DAY + 2);
        usable[DAY - 10..DAY].fill(false);
        let after = judge_with(&broken, &usable, DAY + 2);
        let near = |a: f64, b: f64| (a - b).abs() <= 0.12 * b;
        assert!(
            near(after.now.expected, before.now.expected) && near(after.now.low, before.now.low),
            "seed {seed}: {before:?} {after:?}"
        );
        assert!(!after.alarm, "seed {seed}: recovery is no trouble");
    }
}

#[test]
fn the_return_from_a_level_that_had_become_normal_is_silent() {
    let mut silent = 0;
    for seed in SEEDS {
        let mut values = week(60.0, DAY + 45, seed);
        let mut dice = Dice::new(seed + 100);
        for value in &mut values[DAY..DAY + 25] {
            *value = dice.thin(*value, 0.4);
        }
        silent += usize::from(alarms(&values, DAY + 25).is_empty());
    }
    assert!(silent >= 18, "{silent} of 20 returns were silent");
}

#[test]
fn what_the_same_days_a_year_ago_showed_is_allowed_again() {
    let mut spared = 0;
    for seed in SEEDS {
        let mut values = week(200.0, 364 + DAY + 1, seed);
        let again = DAY + 364;
        let unknown = {
            let mut values = values.clone();
            values[again] = 30.0;
            judge_count(&values, again).unwrap()
        };
        for day in [DAY, again] {
            values[day] = 30.0;
        }
        let known = judge_count(&values, again).unwrap();
        assert!(unknown.alarm, "seed {seed}: {unknown:?}");
        spared += usize::from(!known.alarm);
    }
    assert!(spared >= 19, "{spared} of 20");
}

#[test]
fn a_young_series_is_silent_then_humble() {
    for seed in SEEDS {
        let stopped = |days: usize| {
            let mut values = week(60.0, days + 1, seed);
            values[days] = 0.0;
            judge_count(&values, days)
        };
        // Three weeks teach, the next day is judged; all of them are the same weekday.
        assert!(stopped(20).is_err(), "seed {seed}");
        let [young, grown, old] = [21, 63, 364].map(|days| stopped(days).unwrap());
        assert!(
            young.score < grown.score && grown.score < old.score,
            "seed {seed}: {young:?} {grown:?} {old:?}"
        );
        assert!(old.alarm, "seed {seed}: {old:?}");
    }
}

/// Shares with a weekday pattern, and of what from `DAY` on.
fn shares(n: &[f64], seed: u64, share: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut dice = Dice::new(seed + 7);
    (0..n.len())
        .map(|day| dice.thin(n[day], share(day)))
        .collect()
}

#[test]
fn a_share_may_have_its_weekdays() {
    let usual = [0.95, 0.95, 0.95, 0.94, 0.93, 0.85, 0.82];
    let mut loud = 0;
    for seed in SEEDS {
        let n = week(150.0, DAY + 14, seed);
        let k = shares(&n, seed, |day| usual[day % 7]);
        loud += usize::from((DAY..DAY + 14).any(|at| judge_ratio(&k, &n, at).unwrap().alarm));
        // A Monday like a Sunday is trouble for a share, if it stays so.
        let k = shares(
            &n,
            seed,
            |day| {
                if day >= DAY { 0.82 } else { usual[day % 7] }
            },
        );
        let found = (DAY..DAY + 7).any(|at| judge_ratio(&k, &n, at).unwrap().alarm);
        assert!(found, "seed {seed}");
    }
    // These are three quarters of a series-year.
    assert!(loud <= 2, "{loud} of 20");
}

#[test]
fn a_share_that_drifts_down_in_weeks_is_found() {
    let mut many = 0;
    for seed in SEEDS {
        let n = week(600.0, DAY + 28, seed);
        let k = shares(&n, seed, |day| {
            0.95 - 0.005 * day.saturating_sub(DAY) as f64
        });
        many += usize::from((DAY..DAY + 28).any(|at| judge_ratio(&k, &n, at).unwrap().alarm));
    }
    assert!(many >= 18, "{many} of 20");
}

#[test]
fn a_share_of_few_trials_waits_for_enough_of_them() {
    let mut early = 0;
    for seed in SEEDS {
        let n = week(6.0, DAY + 21, seed);
        let k = shares(&n, seed, |day| if day >= DAY { 0.4 } else { 0.9 });
        let alarm = |at: &usize| judge_ratio(&k, &n, *at).is_ok_and(|judged| judged.alarm);
        early += usize::from((DAY - 20..DAY).any(|at| alarm(&at)));
        let found = (DAY..DAY + 21).find(alarm);
        assert!(
            found.is_some_and(|at| at < DAY + 14),
            "seed {seed}: {found:?}"
        );
    }
    // These are 1.1 series-years, and the tail of so few trials is rough.
    assert!(early <= 3, "{early} of 20");
}

#[test]
fn double_counting_on_either_side_of_a_pair_is_found_with_its_direction() {
    for seed in SEEDS {
        let b = week(200.0, DAY + 3, seed);
        let a = shares(&b, seed, |_| 0.9);
        let doubled = |values: &[f64]| {
            let mut values = values.to_vec();
            for value in &mut values[DAY..] {
                *value *= 2.0;
            }
            values
        };
        let at = DAY + 1;
        let first = judge_pair(&doubled(&a), &b, at).unwrap();
        assert!(
            first.alarm && first.now.observed > first.now.high && first.since == DAY,
            "seed {seed}: {first:?}"
        );
        let second = judge_pair(&a, &doubled(&b), at).unwrap();
        assert!(
            second.alarm && second.now.observed < second.now.low && second.since == DAY,
            "seed {seed}: {second:?}"
        );
    }
}

#[test]
fn sums_of_money_are_held_against_each_other_like_counts() {
    for seed in SEEDS {
        let orders = week(80.0, DAY + 5, seed);
        let mut dice = Dice::new(seed + 9);
        // Revenue of the shop, and of analytics, which misses 8% of orders and rounds differently.
        let b: Vec<f64> = orders
            .iter()
            .map(|&many| many * (45.0 + 10.0 * dice.share()) + 0.37)
            .collect();
        let sound: Vec<f64> = b
            .iter()
            .map(|sum| sum * (0.91 + 0.02 * dice.share()))
            .collect();
        assert!(
            !judge_pair(&sound, &b, DAY + 4).unwrap().alarm,
            "seed {seed}"
        );
        // From one day on it leaves out tax.
        let mut net = sound.clone();
        for value in &mut net[DAY..] {
            *value /= 1.2;
        }
        let judged = judge_pair(&net, &b, DAY + 1).unwrap();
        assert!(judged.alarm, "seed {seed}: {judged:?}");
        assert!(
            (judged.now.observed - 0.92 / 1.2).abs() < 0.02,
            "{judged:?}"
        );
    }
}

#[test]
fn a_boundary_moved_for_good_is_a_shift_and_a_loss_is_none() {
    for seed in SEEDS {
        let b = week(120.0, DAY + 8, seed);
        let a = shares(&b, seed, |_| 0.9);
        let lost: Vec<f64> = (0..a.len())
            .map(|day| {
                if day >= DAY {
                    (a[day] * 0.6).round()
                } else {
                    a[day]
                }
            })
            .collect();
        let (usable, special) = (vec![true; a.len()], vec![0; a.len()]);
        let at = DAY + 6;
        let said = |a: &[f64]| pair::boundary_shift(&paired(a, &b, &usable, &special), at);
        assert!(!said(&lost), "seed {seed}: a loss is no shift");
        let mut moved = a.clone();
        moved[DAY..].copy_from_slice(&a[DAY - 1..a.len() - 1]);
        assert!(said(&moved), "seed {seed}");
    }
}

#[test]
fn quiet_shares_and_pairs_of_any_size_alarm_about_once_a_year_at_most() {
    for mean in [3.0, 20.0, 100.0] {
        let (mut ratio, mut pair) = (0, 0);
        for seed in 1..31 {
            let n = week(mean, DAY + 200, seed);
            let k = shares(&n, seed, |_| 0.9);
            let usable = vec![true; n.len()];
            let special = vec![0; n.len()];
            let paired = paired(&k, &n, &usable, &special);
            let mut out = Vec::new();
            ratio::sweep(&paired, DAY, &mut out);
            ratio += runs(&out);
            out.clear();
            pair::sweep(&paired, DAY, &mut out);
            pair += runs(&out);
        }
        // 16 series-years of each; one a year is promised on average over all kinds of series.
        assert!(ratio <= 24 && pair <= 24, "mean {mean}: {ratio} and {pair}");
    }
}

/// Alarms that are more than three days after the last.
fn runs(out: &[Option<Scored>]) -> usize {
    let alarm = |at: &usize| out[*at].is_some_and(|scored| scored.alarm);
    let all: Vec<usize> = (0..out.len()).filter(alarm).collect();
    let again = all.windows(2).filter(|days| days[1] - days[0] > 3).count();
    again + usize::from(!all.is_empty())
}

#[test]
fn the_night_before_a_holiday_may_be_as_busy_as_a_saturday_night() {
    let mean = |hour: usize| {
        let (day, hour) = (hour / 24 % 7, hour % 24);
        match hour {
            0..6 if day >= 5 => 60.0,
            0..6 => 8.0,
            _ => 100.0,
        }
    };
    let mut silent = 0;
    for seed in SEEDS {
        let mut dice = Dice::new(seed);
        let mut values: Vec<f64> = (0..24 * 60).map(|hour| dice.poisson(mean(hour))).collect();
        let night = 24 * 56;
        for value in &mut values[night..night + 6] {
            *value = dice.poisson(60.0);
        }
        let first = judge_hours(&values, night);
        silent += usize::from(first.is_none_or(|hour| hour >= night + 6));
        // Twice as busy as that is no holiday.
        for value in &mut values[night..night + 6] {
            *value *= 3.0;
        }
        let first = judge_hours(&values, night);
        assert!(
            first.is_some_and(|hour| hour < night + 6),
            "seed {seed}: {first:?}"
        );
    }
    assert!(silent >= 19, "{silent} of 20 nights were silent");
}

/// The first alarm of an hourly series, Monday first, from an hour on.
fn judge_hours(values: &[f64], from: usize) -> Option<usize> {
    let (usable, special) = (vec![true; values.len()], vec![0; values.len()]);
    let series = Series {
        values,
        usable: &usable,
        special: &special,
        cycle: Cycle::Hourly(0),
    };
    let mut out = Vec::new();
    count::sweep(&series, from, &mut out);
    let first = out.iter().position(|one| one.is_some_and(|one| one.alarm));
    first.map(|index| from + index)
}
