//! What other systems did is read from the very buckets of the trouble.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use truecount::check::{self, Evidence, Line, SourceState};
use truecount::model::{Evaluation, Grain, Measure, Quality, Reading, Segment, Status, Timestamp};

use super::super::made::{self, at, name};

const DAYS: u32 = 60;

/// All evaluations of a plan in which the web settles after three days and the shop at once; the web
/// lost half in its newest `broken` days, and the shop had one odd day, its newest.
fn judged(home: &str, broken: u32) -> Vec<Evaluation> {
    let mut plan = made::plan(&format!(
        r#"
[event.order]
home    = "{home}"
in.shop = true
in.web  = true
[compare.pairs]
event    = "order"
baseline = "shop"
against  = ["web"]
"#
    ));
    for source in &mut plan.sources {
        source.event_named = source.decl.name.as_str() == "web";
    }
    let calendar = &plan.project.calendar;
    let now: Timestamp = at("2026-10-23 08:30");
    let today = calendar.bucket(Grain::Day, now);
    let checks = check::checks(&plan);
    let mut history = BTreeMap::new();
    for need in checks.iter().flat_map(|check| check.needs(now, calendar)) {
        let question = need.question;
        if question.measure != Measure::Count || question.grain != Grain::Day {
            continue;
        }
        let web = question.source.as_str() == "web";
        let reading = |back: u32| {
            let swell = 1.0 + 0.02 * f64::from(back * 7 % 5);
            let value = match (web, back) {
                (true, _) if back <= broken => 450.0,
                (true, _) => 900.0,
                (false, 1) => 860.0,
                (false, _) => 1_000.0,
            };
            let bucket = calendar.back(&today, back);
            Reading {
                bucket,
                value: (value * swell).round(),
                quality: Quality::plain(),
                seen_at: now,
            }
        };
        let line = Line {
            segment: Segment::new(),
            readings: (1..=DAYS).rev().map(reading).collect(),
        };
        history.insert(question, vec![line]);
    }
    let state = |days: i64| SourceState {
        last_success: Some(now),
        last_try: Some(now),
        settles: TimeDelta::days(days),
        ..SourceState::default()
    };
    let sources = BTreeMap::from([(name("web"), state(3)), (name("shop"), state(0))]);
    let evidence = Evidence {
        now,
        calendar,
        history: &history,
        vintages: &BTreeMap::new(),
        changes: &BTreeMap::new(),
        unanswerable: &BTreeMap::new(),
        sources: &sources,
        marks: &[],
        troubled: &BTreeMap::new(),
    };
    checks
        .iter()
        .flat_map(|check| check.evaluate(&evidence))
        .collect()
}

fn volume<'a>(seen: &'a [Evaluation], source: &str) -> &'a Evaluation {
    let mine = |one: &&Evaluation| {
        one.kind.as_str() == "volume" && one.source.as_ref().is_some_and(|s| s.as_str() == source)
    };
    seen.iter().find(mine).unwrap()
}

#[test]
fn a_witness_speaks_of_the_buckets_of_the_trouble() {
    let seen = judged("web", 7);
    let (web, shop) = (volume(&seen, "web"), volume(&seen, "shop"));
    assert!(web.outcome.status() > Some(Status::Ok));
    assert!(shop.witness);
    assert_eq!(
        shop.bucket.label, web.bucket.label,
        "not its own newest day"
    );
    let (trouble, beside) = (
        web.outcome.finding().unwrap(),
        shop.outcome.finding().unwrap(),
    );
    assert_eq!(beside.since.label, trouble.since.label);
    assert_eq!(beside.buckets, trouble.buckets);
    assert!(beside.buckets > 1, "{trouble:?}");
    let total = beside.since_onset;
    assert!(total.change().unwrap().abs() < 0.05, "{total:?}");
    assert!(total.low < total.observed && total.observed < total.high);
}

#[test]
fn without_trouble_each_system_is_judged_by_its_own_newest_day() {
    let seen = judged("web", 0);
    let (web, shop) = (volume(&seen, "web"), volume(&seen, "shop"));
    assert_eq!(web.outcome.status(), Some(Status::Ok));
    assert!(shop.bucket.label > web.bucket.label);
}

/// Where the home is the system that is well, the comparison itself knows what both sides did.
#[test]
fn a_comparison_knows_what_each_side_did() {
    let seen = judged("shop", 7);
    let mine = |one: &&Evaluation| one.kind.as_str() == "compare";
    let pair = seen.iter().find(mine).unwrap();
    assert!(pair.outcome.status() > Some(Status::Ok), "{pair:?}");
    let finding = pair.outcome.finding().unwrap();
    let (web, shop) = finding.sides.unwrap();
    assert!((web.change().unwrap() + 0.5).abs() < 0.05, "{web:?}");
    assert!(shop.change().unwrap().abs() < 0.05, "{shop:?}");
    let days = f64::from(finding.buckets);
    assert!((shop.observed / days - 1_040.0).abs() < 60.0, "{shop:?}");
}
