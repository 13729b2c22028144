//! What a young event borrows from the others of its source, and that no fault is hidden by it.

use std::collections::BTreeMap;

use chrono::{Datelike, Duration, NaiveDate, TimeDelta};
use truecount::check::{self, Evidence, Line};
use truecount::model::{
    Evaluation, Grain, Measure, Outcome, Question, Reading, Segment, Status, Subject,
};

use super::bench::{Bench, noise, of};
use super::resolved;

const EVENTS: [&str; 5] = ["purchase", "login", "signup", "search", "add_to_cart"];

/// A plan of the first events on one source.
fn plan(many: usize) -> String {
    let mut text = r#"
[project]
name = "Acme"
timezone = "UTC"
[source.web]
type = "demo"
system = "web"
seed = 1
today = "2026-11-01"
"#
    .to_owned();
    for event in &EVENTS[..many] {
        text.push_str(&format!("[event.{event}]\nin.web = true\n"));
    }
    text
}

fn today() -> NaiveDate {
    "2026-10-31".parse().unwrap()
}

/// Place of the event that a question counts by the day.
fn place(question: &Question) -> Option<i64> {
    let Subject::Event(event) = &question.subject else {
        return None;
    };
    let found = EVENTS.iter().position(|one| *one == event.as_str());
    let counts = question.grain == Grain::Day && question.measure == Measure::Count;
    counts.then(|| i64::try_from(found.unwrap()).unwrap())
}

fn usual(event: i64, date: NaiveDate, spread: f64) -> f64 {
    let weekend = date.weekday().num_days_from_monday() > 4;
    let level = if weekend { 600.0 } else { 1_000.0 };
    let day = i64::from(date.num_days_from_ce());
    (level * (1.0 + spread * noise(7_919 * event + day))).round()
}

/// What all checks say on the last of October, where `purchase` is so many days old and `share` says
/// what is left of an event on a day.
fn said(many: usize, age: i64, share: impl Fn(i64, NaiveDate) -> f64) -> Vec<Evaluation> {
    let bench = Bench::at("2026-11-01T02:00:00Z");
    bench.judge(&plan(many), |question, bucket| {
        let (event, date) = (place(question)?, bucket.date());
        let known = event > 0 || date > today() - Duration::days(age);
        known.then(|| (usual(event, date, 0.03) * share(event, date)).round())
    })
}

fn borrowed(many: usize, age: i64, own: f64) -> Vec<String> {
    let mut lines = Vec::new();
    let text = plan(many);
    Bench::at("2026-11-01T02:00:00Z").with_evidence(
        &text,
        |question, bucket| {
            let (event, date) = (place(question)?, bucket.date());
            let known = event > 0 || date > today() - Duration::days(age);
            let stray = if event == 0 { own } else { 0.03 };
            known.then(|| usual(event, date, stray))
        },
        |evidence| {
            let checks = check::checks(&resolved(&text).0);
            let mut those = checks
                .iter()
                .filter(|one| one.label().name.as_str() == "purchase.volume");
            lines = those.next().unwrap().borrowed(evidence);
        },
    );
    lines
}

#[test]
fn a_young_event_says_what_it_borrows_and_has_no_say_in_it() {
    let steady = borrowed(5, 30, 0.03);
    assert!(
        steady
            .iter()
            .any(|line| line.starts_with("noise of 8% a day from 4 other events of web")),
        "{steady:?}"
    );
    // Its own noise, ten times as large, changes nothing of it.
    assert_eq!(steady, borrowed(5, 30, 0.3));
    let noise = |lines: Vec<String>| lines.iter().any(|line| line.starts_with("noise"));
    assert!(!noise(borrowed(5, 90, 0.03)), "a grown event borrows none");
    assert!(
        !noise(borrowed(3, 30, 0.03)),
        "two siblings are not typical"
    );
}

#[test]
fn a_fault_of_the_young_one_is_found_sooner_than_alone() {
    let lost = |event: i64, date: NaiveDate| {
        let fresh = date > today() - Duration::days(7);
        if event == 0 && fresh { 0.72 } else { 1.0 }
    };
    let status = |many| {
        let seen = said(many, 37, lost);
        of(&seen, "purchase.volume").outcome.status()
    };
    assert_eq!(status(1), Some(Status::Ok), "alone it is not told yet");
    assert!(status(5) > Some(Status::Ok));
}

#[test]
fn what_is_left_out_is_what_was_judged_with_the_borrowed_noise() {
    // Whether the newest day is in trouble, and whether it is said to be left out.
    let both = |many: usize, kept: f64| {
        let text = plan(many);
        let mut found = (false, false);
        let value = |question: &Question, bucket: &truecount::model::Bucket| {
            let (event, date) = (place(question)?, bucket.date());
            let known = event > 0 || date > today() - Duration::days(37);
            let fresh = event == 0 && date > today() - Duration::days(7);
            let share = if fresh { kept } else { 1.0 };
            known.then(|| (usual(event, date, 0.03) * share).round())
        };
        Bench::at("2026-11-01T02:00:00Z").with_evidence(&text, value, |evidence| {
            let checks = check::checks(&resolved(&text).0);
            let mut those = checks
                .iter()
                .filter(|one| one.label().name.as_str() == "purchase.volume");
            let check = those.next().unwrap();
            let seen = check.evaluate(evidence);
            let baseline = check.baseline(evidence).unwrap();
            let out = baseline.left_out.iter();
            found = (
                of(&seen, "purchase.volume").outcome.status() > Some(Status::Ok),
                out.clone().any(|one| one.last.date() == today()),
            );
        });
        found
    };
    let mut helped = 0;
    for kept in (600..900).step_by(5).map(|kept| f64::from(kept) / 1_000.0) {
        let (alone, beside) = (both(1, kept), both(5, kept));
        assert_eq!(alone.0, alone.1, "{kept} alone");
        assert_eq!(beside.0, beside.1, "{kept} with siblings");
        if beside.0 && !alone.0 {
            println!("{kept} is told with siblings only");
            helped += 1;
        }
    }
    assert!(helped > 0, "the siblings make no difference here");
}

#[test]
fn a_fault_in_one_or_in_all_of_them_is_told_as_without_siblings() {
    let bad = |seen: &[Evaluation]| -> Vec<String> {
        let mut found: Vec<String> = seen
            .iter()
            .filter(|one| one.kind.as_str() == "volume")
            .filter(|one| one.outcome.status() > Some(Status::Ok))
            .map(|one| one.check.to_string())
            .collect();
        found.sort();
        found
    };
    let since = |date: NaiveDate, days: i64| date > today() - Duration::days(days);
    // A grown event in trouble is judged bit by bit as if it were alone.
    let one = |event: i64, date: NaiveDate| {
        if event == 0 && since(date, 2) {
            0.4
        } else {
            1.0
        }
    };
    let (alone, beside) = (said(1, 200, one), said(5, 200, one));
    let outcome = |seen: &[Evaluation]| of(seen, "purchase.volume").outcome.clone();
    assert_eq!(outcome(&alone), outcome(&beside));
    assert_eq!(bad(&beside), ["purchase.volume"]);
    // A young one, while a sibling has been down for two weeks.
    let two = |event: i64, date: NaiveDate| match event {
        0 if since(date, 2) => 0.3,
        1 if since(date, 14) => 0.0,
        _ => 1.0,
    };
    assert_eq!(bad(&said(5, 33, two)), ["login.volume", "purchase.volume"]);
    // All of the source at once, the young one among them.
    let all = |_: i64, date: NaiveDate| if since(date, 2) { 0.3 } else { 1.0 };
    assert_eq!(bad(&said(5, 33, all)).len(), EVENTS.len());
}

/// The share of the final number that the source shows at an age in hours.
type Filling = fn(f64) -> f64;

/// What `purchase.volume` says at an hour of the day after, where `purchase` was asked for since two
/// days only, the others all along, and of the newest day of `purchase` a part was really counted.
fn young_day(many: usize, filling: Filling, hour: i64, counted: f64) -> Evaluation {
    let day = today() + Duration::days(1);
    let now = format!("{day}T00:00:00Z");
    let mut bench = Bench::at(&now);
    bench.now += TimeDelta::hours(hour);
    bench.arrives = TimeDelta::hours(6);
    bench.settles = TimeDelta::hours(72);
    let (mut seen, text) = (Vec::new(), plan(many));
    let value = |question: &Question, bucket: &truecount::model::Bucket| {
        Some(usual(place(question)?, bucket.date(), 0.03))
    };
    bench.with_evidence(&text, value, |evidence| {
        let (mut history, mut vintages) = (BTreeMap::new(), BTreeMap::new());
        for (question, lines) in evidence.history {
            let own = place(question) == Some(0);
            let mut every = Vec::new();
            for one in lines.iter().flat_map(|line| &line.readings) {
                let newest = own && one.bucket.date() == today();
                let part = if newest { counted } else { 1.0 };
                for age in [6, 24, 40, 48, 72] {
                    let at = one.bucket.end + TimeDelta::hours(age);
                    let late = bench.now - TimeDelta::days(2);
                    let seen_at = if own { at.max(late) } else { at };
                    if at <= bench.now {
                        let share = filling((seen_at - one.bucket.end).num_hours() as f64);
                        every.push(Reading {
                            value: (one.value * share * part).round(),
                            seen_at,
                            ..one.clone()
                        });
                    }
                }
            }
            let mut last: BTreeMap<_, Reading> = BTreeMap::new();
            for one in &every {
                last.insert(one.bucket.start, one.clone());
            }
            let line = |readings: Vec<Reading>| {
                vec![Line {
                    segment: Segment::new(),
                    readings,
                }]
            };
            history.insert(question.clone(), line(last.into_values().collect()));
            let from = bench.now - TimeDelta::days(90);
            every.retain(|one| one.bucket.start > from);
            vintages.insert(question.clone(), line(every));
        }
        let evidence = Evidence {
            history: &history,
            vintages: &vintages,
            ..evidence.clone()
        };
        let checks = check::checks(&resolved(&text).0);
        seen.extend(checks.iter().flat_map(|check| check.evaluate(&evidence)));
    });
    of(&seen, "purchase.volume").clone()
}

#[test]
fn a_young_event_fills_up_as_its_siblings_do() {
    // Nine tenths are there after nine hours; the source declares hardly any by then.
    let quick: Filling = |age| if age < 24.0 { 0.9 } else { 1.0 };
    let is_bad = |one: &Evaluation| one.outcome.status() > Some(Status::Ok);
    let told = young_day(5, quick, 9, 0.05);
    assert!(is_bad(&told), "{told:#?}");
    assert!(matches!(
        told.outcome,
        Outcome::Known {
            provisional: true,
            ..
        }
    ));
    assert!(!is_bad(&young_day(1, quick, 9, 0.05)), "alone: too young");
    assert!(!is_bad(&young_day(5, quick, 9, 1.0)), "nothing is wrong");
    // Hardly any is there after 29 hours; the source declares a third, so that a plain day looks collapsed.
    let slow: Filling = |age| if age < 60.0 { 0.03 } else { 1.0 };
    assert!(is_bad(&young_day(1, slow, 29, 1.0)), "alone: a false drop");
    let well = young_day(5, slow, 29, 1.0);
    assert!(!is_bad(&well), "{well:#?}");
}
