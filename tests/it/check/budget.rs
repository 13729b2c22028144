//! The alert budget over source, event and series: what a quiet plan costs, what a broken one shows.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use proptest::prelude::*;
use statrs::function::erf::erfc;
use truecount::check::{self, Level, Promise};
use truecount::model::{Bucket, Evaluation, Held, Status, Timestamp};
use truecount::stats::many;

use crate::made;
use crate::stats::Dice;

const SOURCES: usize = 10;
const EVENTS: usize = 10;
const SERIES: usize = 10;
const ALL: usize = SOURCES * EVENTS * SERIES;
/// One false alarm a week.
const PROMISE: Promise = Promise { per_week: 1.0 };

/// A number from the normal law, with its true tails (Box and Muller 1958).
fn normal(dice: &mut Dice) -> f64 {
    let length = (-2.0 * dice.share().max(1e-300).ln()).sqrt();
    length * (std::f64::consts::TAU * dice.share()).cos()
}

fn tail(score: f64) -> f64 {
    erfc(score / std::f64::consts::SQRT_2) / 2.0
}

/// The chances of a day on which nothing is wrong. What moves a series is in part a shock that its
/// source shares, in part one that its event shares.
fn quiet_day(dice: &mut Dice, source_part: f64, event_part: f64) -> Vec<f64> {
    let own = (1.0 - source_part - event_part).max(0.0).sqrt();
    let mut chances = Vec::with_capacity(ALL);
    for _ in 0..SOURCES {
        let shock = normal(dice) * source_part.sqrt();
        for _ in 0..EVENTS {
            let shock = shock + normal(dice) * event_part.sqrt();
            chances.extend((0..SERIES).map(|_| tail(shock + own * normal(dice))));
        }
    }
    chances
}

fn leaves(chances: &[f64]) -> Vec<many::Leaf> {
    let leaf = |(at, &chance): (usize, &f64)| many::Leaf {
        chance,
        group: at / (EVENTS * SERIES),
        family: at / SERIES,
    };
    chances.iter().enumerate().map(leaf).collect()
}

/// What passes when the promise of a day is kept over the tree.
fn passed(chances: &[f64]) -> Vec<usize> {
    let gates = many::nested(&leaves(chances), PROMISE.per_week / 7.0, 0.1);
    let passes = |at: &usize| gates[*at] == many::Gate::Passed;
    (0..chances.len()).filter(passes).collect()
}

/// What the flat rule let pass: an even share of the day, or the false-discovery cut if it keeps three.
fn passed_flat(chances: &[f64]) -> Vec<usize> {
    let limit = check::share(&PROMISE, chances.len());
    let wide = many::cut(chances, 0.1).unwrap_or(0.0);
    let many = chances.iter().filter(|p| **p <= wide).count() >= 3;
    let limit = if many { limit.max(wide) } else { limit };
    let passes = |at: &usize| chances[*at] <= limit;
    (0..chances.len()).filter(passes).collect()
}

fn sources(passed: &[usize]) -> usize {
    let sources: BTreeSet<usize> = passed.iter().map(|at| at / (EVENTS * SERIES)).collect();
    sources.len()
}

fn events(passed: &[usize]) -> usize {
    let events: BTreeSet<usize> = passed.iter().map(|at| at / SERIES).collect();
    events.len()
}

#[test]
fn a_thousand_quiet_series_keep_the_promise_of_the_plan() {
    const WEEKS: usize = 150;
    println!("a week over {WEEKS} weeks, {ALL} series: named sources, named events; flat the same");
    for (source_part, event_part) in [(0.0, 0.0), (0.0, 0.3), (0.3, 0.0), (0.3, 0.3), (0.7, 0.2)] {
        let mut dice = Dice::new(77);
        let (mut named, mut loud, mut flat, mut flat_loud) = (0, 0, 0, 0);
        for _ in 0..WEEKS * 7 {
            let chances = quiet_day(&mut dice, source_part, event_part);
            let (nested, even) = (passed(&chances), passed_flat(&chances));
            named += sources(&nested);
            loud += events(&nested);
            flat += sources(&even);
            flat_loud += events(&even);
        }
        let week = |count: usize| count as f64 / WEEKS as f64;
        println!(
            "shared by source {source_part}, by event {event_part}: {:.2} {:.2}; flat {:.2} {:.2}",
            week(named),
            week(loud),
            week(flat),
            week(flat_loud)
        );
        // Three standard deviations of a count whose mean is the promise.
        assert!(week(named) <= 1.0 + 3.0 * (1.0 / WEEKS as f64).sqrt());
        assert!(week(named) <= 1.05 * week(flat) && week(loud) <= 1.05 * week(flat_loud));
        assert!(week(loud) <= 1.5, "{}", week(loud));
    }
}

/// A quiet day on which these series got a chance of their own.
fn with(dice: &mut Dice, broken: &[usize], weak: f64) -> Vec<f64> {
    let mut chances = quiet_day(dice, 0.1, 0.1);
    for &at in broken {
        // Around what is wanted, by a factor of up to two either way.
        chances[at] = weak * 4.0_f64.powf(dice.share() - 0.5);
    }
    chances
}

/// How much of what is broken is told, nested and flat, over 200 days.
fn told(broken: &[usize], weak: f64) -> (f64, f64) {
    let mut dice = Dice::new(41);
    let (mut nested, mut flat) = (0, 0);
    for _ in 0..200 {
        let chances = with(&mut dice, broken, weak);
        nested += passed(&chances)
            .iter()
            .filter(|at| broken.contains(at))
            .count();
        flat += passed_flat(&chances)
            .iter()
            .filter(|at| broken.contains(at))
            .count();
    }
    let all = (200 * broken.len()) as f64;
    (nested as f64 / all, flat as f64 / all)
}

#[test]
fn a_broken_source_speaks_through_many_weak_findings() {
    let source: Vec<usize> = (300..400).collect();
    let third: Vec<usize> = (300..330).collect();
    let event: Vec<usize> = (300..310).collect();
    let few: Vec<usize> = vec![300, 301, 302, 303];
    let spread: Vec<usize> = (0..SOURCES).map(|at| at * 100 + 5).collect();
    let cases: [(&str, &[usize], f64); 8] = [
        ("a source, 100 series", &source, 1e-3),
        ("a source, 100 series", &source, 5e-3),
        ("three events of a source", &third, 1e-3),
        ("three events of a source", &third, 3e-3),
        ("one event, 10 series", &event, 5e-4),
        ("one event, 10 series", &event, 1e-3),
        ("four series of an event", &few, 3e-4),
        ("one series in each source", &spread, 3e-4),
    ];
    println!("share told of what is broken: nested, flat");
    let mut shares = Vec::new();
    for (what, broken, weak) in cases {
        let (nested, flat) = told(broken, weak);
        println!("{what}, p about {weak:e}: {nested:.2} {flat:.2}");
        shares.push((nested, flat));
    }
    for at in [0, 1, 2, 4] {
        assert!(shares[at].0 > 0.99, "{shares:?}");
    }
    // Never much worse inside a source; what is weak everywhere and strong nowhere is the price.
    for (nested, flat) in &shares[..7] {
        assert!(*nested > flat - 0.15, "{shares:?}");
    }
    assert!(shares[7].0 < 0.1, "{shares:?}");
}

#[test]
fn of_what_a_broken_source_tells_little_is_false() {
    let broken: Vec<usize> = (300..330).collect();
    for (source_part, event_part) in [(0.0, 0.0), (0.3, 0.3), (0.6, 0.2)] {
        let mut dice = Dice::new(9);
        let mut share = 0.0;
        for _ in 0..300 {
            let mut chances = quiet_day(&mut dice, source_part, event_part);
            for &at in &broken {
                chances[at] = 1e-3 * dice.share();
            }
            let told = passed(&chances);
            assert!(told.len() >= 25, "{}", told.len());
            let wrong = told.iter().filter(|at| !broken.contains(at)).count();
            share += wrong as f64 / told.len() as f64 / 300.0;
        }
        assert!(share < 0.02, "{share}");
    }
}

fn finding(source: usize, event: usize, p: f64) -> Evaluation {
    finding_on(made::day("2026-10-20"), source, event, p)
}

fn finding_on(day: Bucket, source: usize, event: usize, p: f64) -> Evaluation {
    let status = if p < 0.02 {
        Status::Failing
    } else {
        Status::Ok
    };
    let (check, source) = (format!("event_{event}.volume"), format!("source_{source}"));
    let mut one = made::seen(&check, &source, day, status, 50.0);
    made::finding_of(&mut one).p = Some(p);
    one
}

/// Two sources of five events with two series each.
fn round(chances: [f64; 20]) -> Vec<Evaluation> {
    let each = chances.into_iter().enumerate();
    each.map(|(at, p)| finding(at / 10, at / 2, p)).collect()
}

#[test]
fn a_finding_is_held_where_nothing_stands_out() {
    let levels = |chances| -> Vec<Option<Level>> {
        let holds = check::holds(&round(chances), &PROMISE);
        holds
            .iter()
            .map(|hold| hold.map(|hold| hold.level))
            .collect()
    };
    let mut chances = [0.5; 20];
    chances[0] = 0.012;
    // One weak finding: ten tests of its source come to 0.12, and half of 1/7 is 0.071.
    let holds = check::holds(&round(chances), &PROMISE);
    let hold = holds[0].unwrap();
    assert_eq!(hold.level, Level::Source);
    assert!((hold.chance - 0.12).abs() < 1e-12 && (hold.limit - 0.5 / 7.0).abs() < 1e-12);
    assert!(holds[1..].iter().all(Option::is_none), "{holds:?}");
    // The same beside a plain one in another event: its source stands out, its event does not.
    chances[9] = 1e-5;
    assert_eq!(levels(chances)[0], Some(Level::Event));
    assert_eq!(levels(chances)[9], None);
    // Beside a plain one in its own event: the event stands out, this series does not.
    let mut own = [0.5; 20];
    (own[8], own[9]) = (0.012, 1e-5);
    assert_eq!(levels(own)[8..10], [Some(Level::Series), None]);
    // Everything in the source is weak: nothing is held.
    let mut broken = [0.5; 20];
    broken[..10].fill(0.012);
    assert_eq!(levels(broken), [None; 20]);
    // Elsewhere it is not plainer for that.
    broken[10] = 0.012;
    assert_eq!(levels(broken)[10], Some(Level::Source));
}

#[test]
fn alarms_that_were_called_noise_are_spent() {
    let now = made::day("2026-10-20").end + TimeDelta::hours(9);
    let ago = |days: i64| now - TimeDelta::days(days);
    let after = |promise: f64, noise: &[Timestamp]| {
        let allowed = Promise { per_week: promise }.after(noise, now);
        (allowed.promise.per_week, allowed.noise, allowed.less)
    };
    assert_eq!(after(1.0, &[]), (1.0, 0, false));
    // One a week is what was promised.
    assert_eq!(after(1.0, &[ago(3); 8]), (1.0, 8, false));
    assert_eq!(after(1.0, &[ago(3); 16]), (0.5, 16, true));
    // Never less than a quarter.
    assert_eq!(after(1.0, &[ago(3); 400]), (0.25, 400, true));
    // They age: what is eight weeks old, or not yet opened, no longer counts.
    let mut ages = vec![ago(3); 4];
    ages.extend([ago(57); 20]);
    ages.push(now + TimeDelta::hours(1));
    assert_eq!(after(0.25, &ages), (0.125, 4, true));
    assert_eq!(after(0.0, &[ago(1)]), (0.0, 1, true));
}

fn any_chance() -> impl Strategy<Value = f64> {
    prop_oneof![
        2 => 1e-9..1e-6,
        4 => 1e-5..1e-2,
        4 => 0.01..1.0,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_budget_keeps_its_laws(
        all in prop::collection::vec((0_usize..4, 0_usize..6, any_chance(), any::<bool>()), 1..60),
        at in any::<prop::sample::Index>(),
        smaller in 0.0..1.0,
        per_week in 0.01..20.0,
    ) {
        let day = made::day("2026-10-20");
        let seen: Vec<Evaluation> = all
            .iter()
            .map(|&(source, event, p, rule)| {
                let mut one = finding_on(day, source, event, p);
                if rule && p < 1e-4 {
                    made::finding_of(&mut one).p = None;
                }
                one
            })
            .collect();
        let promise = Promise { per_week };
        let after = check::budget(seen.clone(), &promise);
        let even = check::share(&promise, check::tests(&seen));
        for (before, after) in seen.iter().zip(&after) {
            // It holds back and does nothing else: no alarm is made, none is changed.
            prop_assert_eq!(&before.outcome, &after.outcome);
            if after.held == Held::ByBudget {
                prop_assert!(after.outcome.status() > Some(Status::Ok));
                let p = after.outcome.finding().unwrap().p.unwrap();
                // Neither what is certain nor what an even share of the promise lets pass.
                prop_assert!(p >= 1e-6 && p > even, "{} {}", p, even);
            }
        }
        let held = |seen: &[Evaluation]| -> Vec<bool> {
            seen.iter().map(|one| one.held == Held::ByBudget).collect()
        };
        // One chance smaller: nothing is held that was free.
        let mut lower = seen.clone();
        let one = made::finding_of(&mut lower[at.index(all.len())]);
        one.p = one.p.map(|p| p * smaller);
        let lower = check::budget(lower, &promise);
        for (was, is) in held(&after).into_iter().zip(held(&lower)) {
            prop_assert!(was || !is);
        }
        // A larger promise holds nothing that was free.
        let more = check::budget(seen, &Promise { per_week: per_week * 1.5 });
        for (was, is) in held(&after).into_iter().zip(held(&more)) {
            prop_assert!(was || !is);
        }
    }
}
