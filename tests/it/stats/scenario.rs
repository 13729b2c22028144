//! Troubles that must be found, and changes that must not alarm.

use truecount::stats::{Cycle, Paired, Sensitivity, Series, TooFew, count, pair, ratio};

use super::{Dice, alarms, judge_count, judge_pair, judge_ratio, paired, week};

const DAY: usize = 150;

/// Seeds for which the same must hold.
const SEEDS: std::ops::Range<u64> = 1..21;

#[test]
fn a_total_stop_is_found_on_its_first_day() {
    for seed in SEEDS {
        let mut values = week(40.0, DAY + 1, seed);
        values[DAY] = 0.0;
        let judged = judge_count(&values, DAY).unwrap();
        assert!(judged.alarm, "seed {seed}: score {}", judged.score);
        assert_eq!(judged.since, DAY);
        assert!(judged.now.observed < judged.now.low && judged.p < 1e-3);
    }
}

#[test]
fn a_thin_series_that_stops_is_found_when_enough_is_missing() {
    for seed in SEEDS {
        let mut values = week(1.5, DAY + 21, seed);
        values[DAY..].fill(0.0);
        let found = alarms(&values, DAY);
        let days = found.first().map(|first| first + 1 - DAY);
        assert!(days.is_some_and(|days| days <= 14), "seed {seed}: {days:?}");
    }
}

#[test]
fn a_series_too_thin_for_any_window_is_judged_by_its_waits() {
    let mut dice = Dice::new(3);
    let mut values: Vec<f64> = (0..500).map(|_| dice.poisson(0.15)).collect();
    values.extend([0.0; 90]);
    let found = alarms(&values, 500);
    let days = found.first().map(|first| first + 1 - 500);
    assert!(
        days.is_some_and(|days| (29..=90).contains(&days)),
        "{days:?}"
    );
}

#[test]
fn a_loss_of_half_is_found_within_a_week_with_its_first_day() {
    for seed in SEEDS {
        let mut values = week(60.0, DAY + 10, seed);
        let mut dice = Dice::new(seed + 100);
        for value in &mut values[DAY..] {
            *value = dice.thin(*value, 0.5);
        }
        let found = alarms(&values, DAY - 30);
        let first = *found.first().unwrap_or(&usize::MAX);
        assert!((DAY..DAY + 7).contains(&first), "seed {seed}: {found:?}");
        let judged = judge_count(&values, DAY + 9).unwrap();
        assert!(
            judged.alarm && judged.since.abs_diff(DAY) <= 2,
            "seed {seed}: {judged:?}"
        );
        assert!(
            judged.total.observed < 0.7 * judged.total.expected,
            "seed {seed}: {judged:?}"
        );
    }
}

#[test]
fn counting_everything_twice_is_found_within_four_days() {
    for seed in SEEDS {
        let mut values = week(60.0, DAY + 10, seed);
        for value in &mut values[DAY..] {
            *value *= 2.0;
        }
        let found = alarms(&values, DAY - 30);
        let first = *found.first().unwrap_or(&usize::MAX);
        assert!((DAY..DAY + 4).contains(&first), "seed {seed}: {found:?}");
    }
}

#[test]
fn an_alarm_ends_with_its_trouble_and_the_trouble_teaches_nothing() {
    for seed in SEEDS {
        let mut values = week(60.0, DAY + 60, seed);
        values[DAY..DAY + 4].fill(0.0);
        let found = alarms(&values, DAY - 30);
        let want: Vec<usize> = (DAY..DAY + 4).collect();
        assert_eq!(found, want, "seed {seed}");
    }
}

#[test]
fn ordinary_years_alarm_no_more_than_once() {
    let mut runs = 0;
    for seed in SEEDS {
        let found = alarms(&week(30.0, 60 + 365, seed), 60);
        runs += found
            .windows(2)
            .filter(|days| days[1] - days[0] > 3)
            .count();
        runs += usize::from(!found.is_empty());
    }
    // One false alarm a series-year is allowed, and these are twenty series-years.
    assert!(runs <= 20, "{runs} false alarms");
}

#[test]
fn growth_over_weeks_and_modest_steps_do_not_alarm() {
    for (name, ramp, gain) in [("ramp", 28.0, 0.5), ("step", 1.0, 0.2)] {
        let mut silent = 0;
        for seed in SEEDS {
            let mut dice = Dice::new(seed);
            let mut values = week(80.0, DAY, seed + 50);
            for day in 0..60_u32 {
                let part = (f64::from(day + 1) / ramp).min(1.0);
                let weekday = (DAY + day as usize) % 7;
                let mean = [1.1, 1.2, 1.2, 1.15, 1.05, 0.7, 0.6][weekday] * 80.0;
                values.push(dice.poisson(mean * (1.0 + gain * part)));
            }
            silent += usize::from(alarms(&values, DAY).is_empty());
        }
        assert!(silent >= 18, "{name}: only {silent} of 20 silent");
    }
}

#[test]
fn a_working_day_like_a_sunday_is_taken_for_a_holiday() {
    for seed in SEEDS {
        let mut values = week(60.0, DAY + 3, seed);
        // DAY is a Thursday; Sundays have half its volume.
        values[DAY] = Dice::new(seed).poisson(0.62 * 60.0);
        assert!(alarms(&values, DAY - 7).is_empty(), "seed {seed}");
    }
}

#[test]
fn special_days_teach_nothing_and_only_a_collapse_makes_them_alarm() {
    let judge = |values: &[f64], special: &[u8], at: usize| {
        let usable = vec![true; values.len()];
        let cycle = Cycle::Daily(0);
        let series = Series {
            values,
            usable: &usable,
            special,
            cycle,
        };
        count::judge(&series, at, Sensitivity::Normal).unwrap()
    };
    let mut values = week(60.0, DAY + 29, 4);
    let mut special = vec![0; values.len()];
    special[DAY] = 1;
    values[DAY] = 12.0;
    let holiday = judge(&values, &special, DAY);
    assert!(!holiday.alarm && holiday.now.expected < 45.0, "{holiday:?}");
    assert!(holiday.now.low < 12.0, "{holiday:?}");
    let next = judge(&values, &special, DAY + 7);
    assert!(next.now.expected > 50.0 && !next.alarm, "{next:?}");
    values[DAY] = 0.0;
    assert!(
        judge(&values, &special, DAY).alarm,
        "a total stop is one on a holiday too"
    );
    // The second holiday of a class is expected as the first one was.
    values[DAY] = 4.0;
    special[DAY + 28] = 1;
    values[DAY + 28] = 0.0;
    let second = judge(&values, &special, DAY + 28);
    assert!(!second.alarm && second.now.expected < 25.0, "{second:?}");
}

#[test]
fn a_lasting_level_is_the_new_normal_unless_people_say_it_is_trouble() {
    let mut values = week(60.0, DAY + 26, 9);
    let mut dice = Dice::new(9);
    for value in &mut values[DAY..] {
        *value = dice.thin(*value, 0.4);
    }
    let mut usable = vec![true; values.len()];
    let special = vec![0; values.len()];
    let at = DAY + 25;
    let series = Series {
        values: &values,
        usable: &usable,
        special: &special,
        cycle: Cycle::Daily(0),
    };
    assert!(
        !count::judge(&series, at, Sensitivity::Normal)
            .unwrap()
            .alarm
    );
    usable[DAY..].fill(false);
    let series = Series {
        values: &values,
        usable: &usable,
        special: &special,
        cycle: Cycle::Daily(0),
    };
    let judged = count::judge(&series, at, Sensitivity::Normal).unwrap();
    assert!(
        judged.alarm && judged.since.abs_diff(DAY) <= 2,
        "{judged:?}"
    );
}

#[test]
fn too_little_is_said_with_what_is_missing() {
    let values = week(20.0, 30, 1);
    assert_eq!(judge_count(&values, 9), Err(TooFew::Buckets(10, 22)));
    assert!(judge_count(&values, 25).is_ok());
    let mut gap = values.clone();
    gap[25] = f64::NAN;
    assert_eq!(judge_count(&gap, 25), Err(TooFew::Missing));
    assert_eq!(judge_count(&values, 99), Err(TooFew::Missing));
    let mut empty = vec![0.0; 60];
    empty[3] = 2.0;
    assert_eq!(judge_count(&empty, 59), Err(TooFew::Events(2, 5)));
    let trials = vec![0.0; 60];
    assert_eq!(judge_ratio(&trials, &trials, 59), Err(TooFew::Events(0, 1)));
}

#[test]
fn a_parameter_that_goes_missing_is_found_and_one_that_comes_back_is_not_trouble() {
    for seed in SEEDS {
        let n = week(100.0, DAY + 6, seed);
        let mut dice = Dice::new(seed + 7);
        let keep = |day: usize| if day >= DAY { 0.80 } else { 0.97 };
        let k: Vec<f64> = (0..n.len())
            .map(|day| dice.thin(n[day], keep(day)))
            .collect();
        let judged = judge_ratio(&k, &n, DAY + 2).unwrap();
        assert!(
            judged.alarm && judged.since.abs_diff(DAY) <= 3,
            "seed {seed}: {judged:?}"
        );
        assert!(
            (judged.now.expected - 0.97).abs() < 0.02,
            "seed {seed}: {judged:?}"
        );
        assert!(judged.now.low <= judged.now.expected && judged.now.expected <= judged.now.high);
        // The other way round: better than before.
        let better = |day: usize| if day >= DAY { 0.97 } else { 0.80 };
        let k: Vec<f64> = (0..n.len())
            .map(|day| dice.thin(n[day], better(day)))
            .collect();
        assert!(!judge_ratio(&k, &n, DAY + 5).unwrap().alarm, "seed {seed}");
    }
}

#[test]
fn a_small_share_is_counted_by_its_hits() {
    for seed in SEEDS {
        let n = week(2000.0, DAY + 8, seed);
        let mut dice = Dice::new(seed + 7);
        let rate = |day: usize| if day >= DAY { 0.015 } else { 0.03 };
        let k: Vec<f64> = (0..n.len())
            .map(|day| dice.poisson(n[day] * rate(day)))
            .collect();
        let judged = judge_ratio(&k, &n, DAY + 7).unwrap();
        assert!(judged.alarm, "seed {seed}: {judged:?}");
        assert!(
            (judged.now.expected - 0.03).abs() < 0.006,
            "seed {seed}: {judged:?}"
        );
    }
}

#[test]
fn a_gap_that_widens_is_found_and_its_weekday_pattern_is_not_trouble() {
    let usual = [0.90, 0.90, 0.91, 0.90, 0.89, 0.86, 0.85];
    for seed in SEEDS {
        let b = week(300.0, DAY + 5, seed);
        let mut dice = Dice::new(seed + 7);
        let keep = |day: usize| usual[day % 7] - if day >= DAY { 0.12 } else { 0.0 };
        let a: Vec<f64> = (0..b.len())
            .map(|day| dice.thin(b[day], keep(day)))
            .collect();
        assert!(!judge_pair(&a, &b, DAY - 1).unwrap().alarm, "seed {seed}");
        let judged = judge_pair(&a, &b, DAY + 3).unwrap();
        assert!(
            judged.alarm && judged.since.abs_diff(DAY) <= 2,
            "seed {seed}: {judged:?}"
        );
    }
}

#[test]
fn a_gap_that_widens_slowly_is_found_too() {
    for seed in SEEDS {
        let b = week(800.0, DAY + 29, seed);
        let mut dice = Dice::new(seed + 7);
        let lost = |day: usize| 0.1 + 0.005 * (day.saturating_sub(DAY)) as f64;
        let a: Vec<f64> = (0..b.len())
            .map(|day| dice.thin(b[day], 1.0 - lost(day)))
            .collect();
        let found = (DAY..DAY + 29).find(|&at| judge_pair(&a, &b, at).unwrap().alarm);
        assert!(
            found.is_some_and(|at| at > DAY + 2),
            "seed {seed}: {found:?}"
        );
    }
}

#[test]
fn hours_of_a_share_are_judged_by_their_night_and_day() {
    let mut dice = Dice::new(6);
    let busy = |hour: usize| {
        if (8..20).contains(&(hour % 24)) {
            200.0
        } else {
            5.0
        }
    };
    let n: Vec<f64> = (0..24 * 60).map(|hour| dice.poisson(busy(hour))).collect();
    let broken = 24 * 55 + 8;
    let share = |hour: usize| if hour >= broken { 0.80 } else { 0.95 };
    let k: Vec<f64> = (0..n.len())
        .map(|hour| dice.thin(n[hour], share(hour)))
        .collect();
    let (usable, special) = (vec![true; n.len()], vec![0; n.len()]);
    let cycle = Cycle::Hourly(0);
    let paired = Paired {
        first: &k,
        second: &n,
        usable: &usable,
        special: &special,
        cycle,
    };
    let mut out = Vec::new();
    ratio::sweep(&paired, 24 * 30, &mut out);
    let first = out
        .iter()
        .position(|scored| scored.is_some_and(|scored| scored.alarm));
    let hour = first.map(|index| index + 24 * 30);
    assert!(
        hour.is_some_and(|hour| (broken..broken + 6).contains(&hour)),
        "{hour:?}"
    );
}

#[test]
fn a_shifted_day_boundary_is_told_from_a_loss() {
    for seed in SEEDS {
        let b = week(60.0, DAY + 8, seed);
        let mut dice = Dice::new(seed + 7);
        let mut a: Vec<f64> = b.iter().map(|&n| dice.thin(n, 0.9)).collect();
        let straight = a.clone();
        for day in (DAY..a.len()).rev() {
            a[day] = straight[day - 1];
        }
        let (usable, special) = (vec![true; a.len()], vec![0; a.len()]);
        let at = DAY + 7;
        assert!(
            pair::boundary_shift(&paired(&a, &b, &usable, &special), at),
            "seed {seed}"
        );
        assert!(judge_pair(&a, &b, at).unwrap().alarm, "seed {seed}");
        let straight = paired(&straight, &b, &usable, &special);
        assert!(!pair::boundary_shift(&straight, at), "seed {seed}");
    }
}

#[test]
fn hours_know_their_nights_and_a_dead_morning_is_found() {
    let shape = |hour: usize| {
        if (8..20).contains(&(hour % 24)) {
            30.0
        } else {
            1.0
        }
    };
    for seed in SEEDS {
        let mut dice = Dice::new(seed);
        let mut values: Vec<f64> = (0..24 * 60).map(|hour| dice.poisson(shape(hour))).collect();
        let dead = 24 * 50 + 9;
        values[dead..dead + 4].fill(0.0);
        let usable = vec![true; values.len()];
        let special = vec![0; values.len()];
        let cycle = Cycle::Hourly(0);
        let series = Series {
            values: &values,
            usable: &usable,
            special: &special,
            cycle,
        };
        let mut out = Vec::new();
        count::sweep(&series, 24 * 21, &mut out);
        let alarms: Vec<usize> = (0..out.len())
            .filter(|&index| out[index].is_some_and(|scored| scored.alarm))
            .map(|index| index + 24 * 21)
            .collect();
        let first = alarms.first().copied().unwrap_or(usize::MAX);
        assert!((dead..dead + 4).contains(&first), "seed {seed}: {alarms:?}");
    }
}

#[test]
fn weeks_are_judged_without_a_profile() {
    let mut dice = Dice::new(2);
    let mut values: Vec<f64> = (0..40).map(|_| dice.poisson(200.0)).collect();
    values.push(60.0);
    let usable = vec![true; values.len()];
    let special = vec![0; values.len()];
    let series = Series {
        values: &values,
        usable: &usable,
        special: &special,
        cycle: Cycle::Plain,
    };
    assert!(
        !count::judge(&series, 39, Sensitivity::Normal)
            .unwrap()
            .alarm
    );
    let judged = count::judge(&series, 40, Sensitivity::Strict).unwrap();
    assert!(judged.alarm, "{judged:?}");
}

#[test]
fn sensitivity_moves_the_level_and_nothing_else() {
    let mut values = week(60.0, DAY + 3, 11);
    values[DAY] *= 0.05;
    let usable = vec![true; values.len()];
    let special = vec![0; values.len()];
    let series = Series {
        values: &values,
        usable: &usable,
        special: &special,
        cycle: Cycle::Daily(0),
    };
    let [quiet, normal, strict] = [Sensitivity::Quiet, Sensitivity::Normal, Sensitivity::Strict]
        .map(|sensitivity| count::judge(&series, DAY, sensitivity).unwrap());
    assert!(quiet.score.total_cmp(&strict.score).is_eq());
    assert!(quiet.alarm <= normal.alarm && normal.alarm <= strict.alarm);
}
