//! Laws that hold for any series.

use std::fmt::Write as _;

use proptest::prelude::*;
use truecount::stats::trial::{self, Freq, Kind, Label, Trial};
use truecount::stats::{
    Cycle, Judgement, Paired, Scored, Sensitivity, Series, TooFew, count, pair, ratio,
};

/// A count, or a bucket that is not there.
fn bucket() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => (0_u32..60).prop_map(f64::from),
        1 => Just(0.0),
        1 => Just(f64::NAN),
        1 => (0_u32..5000).prop_map(f64::from),
    ]
}

/// Which of some buckets may teach, and which are special.
fn flags() -> impl Strategy<Value = (Vec<bool>, Vec<u8>)> {
    let one = prop_oneof![
        20 => Just((true, 0_u8)),
        1 => Just((true, 1)),
        1 => Just((true, 2)),
        1 => Just((false, 0)),
    ];
    prop::collection::vec(one, 140).prop_map(|all| all.into_iter().unzip())
}

type Sweep = fn(&Paired<'_>, usize, &mut Vec<Option<Scored>>);
type Judge = fn(&Paired<'_>, usize, Sensitivity) -> Result<Judgement, TooFew>;

fn sweep(values: &[f64], cycle: Cycle) -> Vec<Option<Scored>> {
    let usable = vec![true; values.len()];
    let special = vec![0; values.len()];
    let mut out = Vec::new();
    let series = Series {
        values,
        usable: &usable,
        special: &special,
        cycle,
    };
    count::sweep(&series, 0, &mut out);
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_future_changes_no_judgement(
        values in prop::collection::vec(bucket(), 60..140),
        (usable, special) in flags(),
        cut in 30_usize..60,
        weekday in 0_u8..7,
    ) {
        let cycle = Cycle::Daily(weekday);
        let totals: Vec<f64> = values.iter().map(|value| value * 1.3 + 5.0).collect();
        let counts = |paired: &Paired<'_>, from: usize, out: &mut Vec<Option<Scored>>| {
            let Paired { first: values, usable, special, cycle, .. } = *paired;
            count::sweep(&Series { values, usable, special, cycle }, from, out);
        };
        for run in [counts as Sweep, ratio::sweep, pair::sweep] {
            let mut out = [Vec::new(), Vec::new()];
            for (end, out) in [values.len(), cut].into_iter().zip(&mut out) {
                let paired = Paired {
                    first: &values[..end],
                    second: &totals[..end],
                    usable: &usable[..end],
                    special: &special[..end],
                    cycle,
                };
                run(&paired, 0, out);
            }
            prop_assert_eq!(&out[0][..cut], &out[1][..]);
        }
    }

    #[test]
    fn judging_one_bucket_is_what_the_sweep_says(
        values in prop::collection::vec(bucket(), 60..120),
        at in 0_usize..120,
    ) {
        let at = at % values.len();
        let swept = sweep(&values, Cycle::Daily(2))[at];
        let usable = vec![true; values.len()];
        let special = vec![0; values.len()];
        let series =
            Series { values: &values, usable: &usable, special: &special, cycle: Cycle::Daily(2) };
        let judged = count::judge(&series, at, Sensitivity::Normal).ok();
        prop_assert_eq!(judged.is_some(), swept.is_some());
        if let (Some(judged), Some(swept)) = (judged, swept) {
            prop_assert_eq!(judged.score.to_bits(), swept.score.to_bits());
            prop_assert_eq!((judged.since, judged.alarm), (swept.since, swept.alarm));
        }
    }

    #[test]
    fn numbers_are_finite_and_in_order(
        values in prop::collection::vec(bucket(), 60..120),
        (usable, special) in flags(),
        kind in 0_usize..3,
    ) {
        let cycle = [Cycle::Hourly(30), Cycle::Daily(3), Cycle::Plain][kind];
        // Hours are judged after two weeks only, and not each of them to save time.
        let (times, step) = if kind == 0 { (5, 31) } else { (1, 1) };
        let many = values.len() * times;
        let values: Vec<f64> = values.into_iter().cycle().take(many).collect();
        let usable: Vec<bool> = usable.into_iter().cycle().take(many).collect();
        let special: Vec<u8> = special.into_iter().cycle().take(many).collect();
        let series = Series { values: &values, usable: &usable, special: &special, cycle };
        for at in (0..many).step_by(step) {
            if let Ok(judged) = count::judge(&series, at, Sensitivity::Normal) {
                prop_assert!(judged.score.is_finite() && judged.score >= 0.0);
                prop_assert!(judged.p > 0.0 && judged.p <= 1.0);
                prop_assert!(judged.since <= at);
                for part in [judged.now, judged.total] {
                    prop_assert!(part.low <= part.expected && part.expected <= part.high);
                    prop_assert!(part.low >= 0.0 && part.high.is_finite());
                }
            }
        }
    }

    #[test]
    fn shares_and_gaps_are_finite_and_in_order(
        days in prop::collection::vec((bucket(), 0.0_f64..1.3), 60..100),
    ) {
        let second: Vec<f64> = days.iter().map(|day| day.0).collect();
        let usable = vec![true; days.len()];
        let special = vec![0; days.len()];
        for (most, judge) in [(1.0, ratio::judge as Judge), (2.0, pair::judge as Judge)] {
            let first: Vec<f64> =
                days.iter().map(|day| (day.0 * day.1.min(most)).floor()).collect();
            let paired = super::paired(&first, &second, &usable, &special);
            for at in 0..days.len() {
                if let Ok(judged) = judge(&paired, at, Sensitivity::Normal) {
                    prop_assert!(judged.score.is_finite() && judged.score >= 0.0);
                    for part in [judged.now, judged.total] {
                        prop_assert!(part.low <= part.expected + 1e-12, "{judged:?}");
                        prop_assert!(part.expected <= part.high + 1e-12, "{judged:?}");
                        prop_assert!(part.low >= -1e-12 && part.high.is_finite(), "{judged:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn weeks_before_the_first_bucket_change_nothing(
        values in prop::collection::vec(bucket(), 60..100),
        weeks in 1_usize..5,
    ) {
        let mut later = vec![f64::NAN; 7 * weeks];
        later.extend(&values);
        let shifted = sweep(&later, Cycle::Daily(4));
        for (now, then) in sweep(&values, Cycle::Daily(4)).iter().zip(&shifted[7 * weeks..]) {
            prop_assert_eq!(now.map(|scored| scored.score.to_bits()), then.map(|scored| scored.score.to_bits()));
        }
    }

    #[test]
    fn a_special_day_may_hold_anything(
        values in prop::collection::vec((0_u32..60).prop_map(f64::from), 80..100),
        day in 30_usize..60,
        anything in 0_u32..100_000,
    ) {
        let usable = vec![true; values.len()];
        let mut special = vec![0; values.len()];
        special[day] = 3;
        let mut other = values.clone();
        other[day] = f64::from(anything);
        let judged = [&values, &other].map(|values| {
            let mut out = Vec::new();
            let cycle = Cycle::Daily(0);
            let series = Series { values, usable: &usable, special: &special, cycle };
            count::sweep(&series, 0, &mut out);
            out
        });
        let [mut one, mut two] = judged;
        (one[day], two[day]) = (None, None);
        prop_assert_eq!(one, two);
    }

    #[test]
    fn a_large_pair_is_judged_alike_in_any_unit(
        days in prop::collection::vec((800_u32..1200, 0.85_f64..0.95), 60..90),
        unit in 2_u32..50,
    ) {
        // With millions a day chance is nothing, and only the relative gap counts.
        let score = |factor: f64| {
            let b: Vec<f64> = days.iter().map(|day| f64::from(day.0) * 1e6 * factor).collect();
            let a: Vec<f64> = days.iter().zip(&b).map(|(day, b)| day.1 * b).collect();
            let (usable, special) = (vec![true; a.len()], vec![0; a.len()]);
            let paired = super::paired(&a, &b, &usable, &special);
            let mut out = Vec::new();
            pair::sweep(&paired, 40, &mut out);
            out.iter().map(|scored| scored.map_or(0.0, |scored| scored.score)).fold(0.0, f64::max)
        };
        let (one, many) = (score(1.0), score(f64::from(unit)));
        prop_assert!((one - many).abs() < 1e-3 * (1.0 + one), "{} and {}", one, many);
    }
}

#[test]
fn a_benchmark_is_read_judged_and_written() {
    let labels = r#"{"version": 1, "series": {"x": {"type": "count_daily", "freq": "D",
        "score_from": "2026-03-02T00:00:00", "level": "mid", "events": [{"kind": "outage"}]}}}"#;
    let labels = trial::labels(labels).unwrap();
    let label = Label {
        kind: Kind::CountDaily,
        freq: Freq::D,
        score_from: "2026-03-02T00:00:00".to_owned(),
    };
    assert_eq!(labels["x"], label);
    let mut text = "timestamp,value\n".to_owned();
    for day in 1..=31 {
        if day != 20 {
            writeln!(text, "2026-01-{day:02}T00:00:00,{}", 40 + day % 3).unwrap();
        }
    }
    for (month, last) in [(2, 28), (3, 31)] {
        for day in 1..=last {
            let value = if (month, day) == (3, 10) {
                0
            } else {
                40 + day % 4
            };
            writeln!(text, "2026-{month:02}-{day:02}T00:00:00,{value}").unwrap();
        }
    }
    let trial = Trial::parse(&text, &label).unwrap();
    assert_eq!(trial.buckets(), 90);
    let scores = trial.scores("x");
    assert_eq!(scores.lines().count(), 30, "{scores}");
    let alarms: Vec<&str> = scores.lines().filter(|line| line.ends_with(",1")).collect();
    assert_eq!(alarms.len(), 1, "{scores}");
    assert!(alarms[0].starts_with("x,2026-03-10T00:00:00,"), "{scores}");
}

#[test]
fn a_benchmark_that_is_none_is_refused_with_the_line() {
    let label = Label {
        kind: Kind::CountDaily,
        freq: Freq::D,
        score_from: String::new(),
    };
    let refuse = |text: &str| Trial::parse(text, &label).unwrap_err().to_string();
    assert!(refuse("timestamp,value\n").starts_with("there are no rows"));
    assert!(refuse("timestamp,value\n2026-01-01T00:00:00,x\n").starts_with("line 2: value `x`"));
    let twice = "timestamp,value\n2026-01-01T00:00:00,1\n2026-01-01T00:00:00,2\n";
    assert!(refuse(twice).starts_with("line 3: `2026-01-01T00:00:00` is not later"));
    assert!(trial::labels("{}").is_err());
}
