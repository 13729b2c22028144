//! The gap bridge: parts and remainder add up to the unit, and only the remainder alarms.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;
use truecount::check::{self, Evidence, Line, SourceState};
use truecount::model::{
    Bridge, Evaluation, Grain, Measure, PartKind, Quality, Question, Reading, Segment, Status,
    Subject, Timestamp,
};
use truecount::plan::Plan;

use super::super::made::{self, at, name};

const DAYS: u32 = 60;

fn plan() -> Plan {
    let mut plan = made::plan(
        r#"
[event.order]
home    = "web"
unique  = "transaction_id"
in.shop = true
in.web  = true
[compare.pairs]
event    = "order"
baseline = "shop"
against  = ["web"]
consent  = true
[compare.pairs.exclude]
admin = "channel = 'admin'"
"#,
    );
    for source in &mut plan.sources {
        source.event_named = source.decl.name.as_str() == "web";
    }
    plan
}

/// One day of both systems.
#[derive(Debug, Clone, Copy)]
struct Day {
    shop: f64,
    admin: f64,
    web: f64,
    repeats: f64,
    granted: f64,
}

const USUAL: Day = Day {
    shop: 1_000.0,
    admin: 100.0,
    web: 640.0,
    repeats: 10.0,
    granted: 0.7,
};

fn value(question: &Question, day: &Day) -> Option<f64> {
    let web = question.source.as_str() == "web";
    match (&question.subject, &question.measure) {
        (Subject::Sessions, Measure::Count) => Some(20_000.0),
        (Subject::Sessions, Measure::Consented) => Some((20_000.0 * day.granted).round()),
        (_, Measure::Repeats(_)) if web => Some(day.repeats),
        (_, Measure::Count) if web => Some(day.web),
        (_, Measure::Count) if question.filter.0.is_empty() => Some(day.shop),
        (_, Measure::Count) => Some(day.admin),
        _ => None,
    }
}

/// The comparison on days of which the newest are given; `lacks` is a measure that nobody answers.
fn judged(newest: &[Day], lacks: Option<fn(&Question) -> bool>) -> Evaluation {
    let plan = plan();
    let calendar = &plan.project.calendar;
    let now: Timestamp = at("2026-10-23 08:30");
    let today = calendar.bucket(Grain::Day, now);
    let check = check::checks(&plan)
        .into_iter()
        .find(|check| check.label().name.as_str() == "pairs.web")
        .unwrap();
    let mut history = BTreeMap::new();
    for need in check.needs(now, calendar) {
        if lacks.is_some_and(|lacks| lacks(&need.question)) {
            continue;
        }
        let reading = |back: u32| {
            let special = newest.len().checked_sub(back as usize);
            let day = special.map_or(&USUAL, |at| &newest[at]);
            let bucket = calendar.back(&today, back);
            // A little life, the same in every system.
            let swell = 1.0 + 0.01 * f64::from(back * 7 % 5);
            Some(Reading {
                bucket,
                value: (value(&need.question, day)? * swell).round(),
                quality: Quality::plain(),
                seen_at: bucket.end + TimeDelta::hours(8),
            })
        };
        let readings: Option<Vec<Reading>> = (1..=DAYS).rev().map(reading).collect();
        if let Some(readings) = readings {
            let segment = Segment::new();
            history.insert(need.question, vec![Line { segment, readings }]);
        }
    }
    let state = |source: &str| {
        let state = SourceState {
            arrives: TimeDelta::hours(3),
            settles: TimeDelta::hours(3),
            last_success: Some(now),
            ..SourceState::default()
        };
        (name(source), state)
    };
    let vintages = history.clone();
    let evidence = Evidence {
        now,
        calendar,
        history: &history,
        vintages: &vintages,
        changes: &BTreeMap::new(),
        unanswerable: &BTreeMap::new(),
        sources: &["web", "shop"].map(state).into(),
        marks: &[],
        troubled: &BTreeMap::new(),
    };
    check.evaluate(&evidence).remove(0)
}

fn bridge(one: &Evaluation) -> Bridge {
    let finding = one.outcome.finding().unwrap_or_else(|| panic!("{one:?}"));
    finding.bridge.clone().unwrap()
}

fn part(bridge: &Bridge, kind: PartKind) -> Option<i64> {
    let mut parts = bridge.parts.iter();
    parts.find(|part| part.kind == kind).map(|part| part.count)
}

#[test]
fn each_part_is_what_was_measured() {
    let bridge = bridge(&judged(&[USUAL], None));
    assert_eq!((bridge.baseline, bridge.other), (1_020, 653), "{bridge:?}");
    assert_eq!(part(&bridge, PartKind::Excluded), Some(-102));
    assert_eq!(part(&bridge, PartKind::Duplicates), Some(10));
    // Three in ten refuse, of the 918 in scope.
    assert_eq!(part(&bridge, PartKind::Consent), Some(-275));
    assert_eq!(bridge.unexplained(), 653 - (1_020 - 102 + 10 - 275));
}

#[test]
fn what_cannot_be_measured_is_absent_and_stands_in_nobodys_way() {
    let lacks: fn(&Question) -> bool = |question| question.measure == Measure::Consented;
    let bridge = bridge(&judged(&[USUAL], Some(lacks)));
    assert_eq!(part(&bridge, PartKind::Consent), None, "{bridge:?}");
    assert_eq!(part(&bridge, PartKind::StillToCome), None);
    assert_eq!(part(&bridge, PartKind::DayBoundary), None);
    assert_eq!(bridge.unexplained(), 653 - (1_020 - 102 + 10));
}

#[test]
fn only_what_is_unexplained_leaves_the_range() {
    // A day of admin orders: the shop has 400 more that no website can see.
    let admins = Day {
        shop: 1_400.0,
        admin: 500.0,
        ..USUAL
    };
    let seen = judged(&[admins, admins], None);
    assert_eq!(seen.outcome.status(), Some(Status::Ok), "{seen:#?}");
    // Visitors refuse: the web falls as far as consent does.
    let refusals = Day {
        web: 640.0 * 0.5 / 0.7,
        granted: 0.5,
        ..USUAL
    };
    let seen = judged(&[refusals, refusals], None);
    assert_eq!(seen.outcome.status(), Some(Status::Ok), "{seen:#?}");
    // The tag counts half and nothing explains it.
    let broken = Day {
        web: 320.0,
        ..USUAL
    };
    let seen = judged(&[broken, broken], None);
    assert_eq!(seen.outcome.status(), Some(Status::Failing), "{seen:#?}");
    let finding = seen.outcome.finding().unwrap();
    assert!(finding.now.outside(), "{seen:#?}");
    // It stops, and one day is enough.
    let stopped = Day { web: 30.0, ..USUAL };
    let seen = judged(&[stopped], None);
    assert_eq!(seen.outcome.status(), Some(Status::Failing), "{seen:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn parts_and_remainder_are_the_gap(
        shop in 0_u32..20_000, admin in 0_u32..3_000, web in 0_u32..20_000, repeats in 0_u32..2_000,
        granted in 0.0..1.0_f64,
    ) {
        let day = Day {
            shop: f64::from(shop), admin: f64::from(admin), web: f64::from(web),
            repeats: f64::from(repeats), granted,
        };
        let seen = judged(&[day], None);
        if seen.outcome.finding().is_some() {
            let bridge = bridge(&seen);
            let parts: i64 = bridge.parts.iter().map(|part| part.count).sum();
            prop_assert_eq!(-parts - bridge.unexplained(), bridge.baseline - bridge.other);
            let swell = 1.02;
            prop_assert!((bridge.other as f64 - (f64::from(web) * swell).round()).abs() < 0.5);
            prop_assert!((bridge.baseline as f64 - (f64::from(shop) * swell).round()).abs() < 0.5);
        }
    }
}
