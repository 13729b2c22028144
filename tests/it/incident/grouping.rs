//! What belongs together becomes one incident, with a diagnosis, a cause nearby and its cost.

use chrono::TimeDelta;
use truecount::incident::{self, Cause, Change, Incident, Level, State, Turn, Verdict};
use truecount::model::{
    Bucket, Evaluation, Explained, Gap, Mark, MarkKind, Outcome, Segment, SegmentShare, Status,
    Timestamp,
};
use truecount::plan::Plan;

use super::super::made::{self, SHOP, at, day, finding_of, name};

fn today() -> Bucket {
    day("2026-10-20")
}

fn now() -> Timestamp {
    at("2026-10-21 08:00")
}

/// Beyond doubt, so that one look opens.
fn sure(check: &str, source: &str, observed: f64) -> Evaluation {
    let mut one = made::seen(check, source, today(), Status::Failing, observed);
    one.strike.extreme = true;
    one
}

fn fine(check: &str, source: &str) -> Evaluation {
    made::seen(check, source, today(), Status::Ok, 100.0)
}

fn freshness(source: &str, status: Status) -> Evaluation {
    let mut one = made::seen("x.freshness", source, today(), status, 50.0);
    one.check = name(&format!("{source}.freshness"));
    one.event = None;
    one
}

fn led_by(mut one: Evaluation, value: &str, share: f64) -> Evaluation {
    let segment = Segment::from([(name("browser"), value.to_owned())]);
    finding_of(&mut one).segments.push(SegmentShare {
        segment,
        change: -0.9,
        share,
    });
    one
}

fn lacks(check: &str, parameter: &str) -> Evaluation {
    let mut one = sure(check, "web", 40.0);
    finding_of(&mut one).details.push(Explained {
        what: name(parameter),
        why: "missing".to_owned(),
        count: 60,
    });
    one
}

fn round_of(plan: &Plan, known: &[Incident], seen: &[Evaluation]) -> Vec<Change> {
    incident::round(known, seen, &[], plan, now())
}

/// The causes, in short: `source web: 3`, with the number of members.
fn causes(plan: &Plan, seen: &[Evaluation]) -> Vec<String> {
    let text = |change: Change| {
        let after = change.after;
        let cause = match &after.cause {
            Cause::Source(name) => format!("source {name}"),
            Cause::Segment(segment) => format!("segment {segment:?}"),
            Cause::Parameter(name) => format!("parameter {name}"),
            Cause::Event(name) => format!("event {name}"),
            Cause::Check(name, segment) if segment.is_empty() => format!("check {name}"),
            Cause::Check(name, segment) => format!("check {name} {segment:?}"),
        };
        format!("{cause}: {}", after.members.len())
    };
    let mut found: Vec<String> = round_of(plan, &[], seen).into_iter().map(text).collect();
    found.sort();
    found
}

#[test]
fn findings_of_one_cause_become_one_incident() {
    let volumes = |purchase: Evaluation| {
        vec![
            purchase,
            sure("sign_up.volume", "web", 0.0),
            sure("view_item.volume", "web", 0.0),
        ]
    };
    let mut elsewhere = sure("purchase.volume", "web", 0.0);
    elsewhere.segment = Segment::from([(name("browser"), "Safari".to_owned())]);
    let mut earlier = sure("purchase.completeness", "web", 40.0);
    earlier.bucket = day("2026-10-12");
    finding_of(&mut earlier).since = earlier.bucket;
    let cases: Vec<(&str, Vec<Evaluation>, Vec<&str>)> = vec![
        (
            "all events of a source fell",
            volumes(sure("purchase.volume", "web", 0.0)),
            vec!["source web: 3"],
        ),
        (
            "one of its events held",
            volumes(fine("purchase.volume", "web")),
            vec!["check sign_up.volume: 1", "check view_item.volume: 1"],
        ),
        (
            "two events are not a source",
            vec![
                sure("purchase.volume", "web", 0.0),
                sure("sign_up.volume", "web", 0.0),
            ],
            vec!["check purchase.volume: 1", "check sign_up.volume: 1"],
        ),
        (
            "all rose: no trouble of the source",
            vec![
                sure("purchase.volume", "web", 300.0),
                sure("sign_up.volume", "web", 300.0),
                sure("view_item.volume", "web", 300.0),
            ],
            vec![
                "check purchase.volume: 1",
                "check sign_up.volume: 1",
                "check view_item.volume: 1",
            ],
        ),
        (
            "two checks of one event",
            vec![
                sure("purchase.volume", "web", 0.0),
                sure("purchase.completeness", "web", 40.0),
            ],
            vec!["event purchase: 2"],
        ),
        (
            "two checks of one event, a week apart",
            vec![sure("purchase.volume", "web", 0.0), earlier],
            vec!["check purchase.completeness: 1", "check purchase.volume: 1"],
        ),
        (
            "a conversion is its event",
            vec![
                sure("purchase.volume", "web", 0.0),
                sure("purchase.duplicates", "shop", 40.0),
            ],
            vec!["event purchase: 2"],
        ),
        (
            "two systems moved in one browser",
            vec![
                led_by(sure("purchase.volume", "shop", 40.0), "Safari", 0.9),
                led_by(sure("sign_up.volume", "web", 40.0), "Safari", 0.8),
            ],
            vec!["segment {\"browser\": \"Safari\"}: 2"],
        ),
        (
            "a browser that explains little leads nothing",
            vec![
                led_by(sure("purchase.volume", "shop", 40.0), "Safari", 0.4),
                led_by(sure("sign_up.volume", "web", 40.0), "Safari", 0.8),
            ],
            vec!["check purchase.volume: 1", "check sign_up.volume: 1"],
        ),
        (
            "three events lack one parameter",
            vec![
                lacks("purchase.completeness", "currency"),
                lacks("sign_up.completeness", "currency"),
                lacks("view_item.completeness", "currency"),
            ],
            vec!["parameter currency: 3"],
        ),
        (
            "a late source speaks for its checks",
            vec![
                freshness("web", Status::Failing),
                sure("purchase.volume", "web", 0.0),
                sure("sign_up.volume", "web", 0.0),
            ],
            vec!["source web: 1"],
        ),
        (
            "one part alone keeps its name",
            vec![elsewhere],
            vec!["check purchase.volume {\"browser\": \"Safari\"}: 1"],
        ),
    ];
    for (what, seen, expected) in cases {
        assert_eq!(causes(&SHOP, &seen), expected, "{what}");
    }
}

#[test]
fn without_grouping_each_check_stands_alone() {
    let plan = made::plan("[noise]\ngroup = false\n");
    let seen = [
        sure("purchase.volume", "web", 0.0),
        sure("purchase.completeness", "web", 40.0),
    ];
    assert_eq!(
        causes(&plan, &seen),
        ["check purchase.completeness: 1", "check purchase.volume: 1"]
    );
}

#[test]
fn a_further_check_of_an_open_event_joins_its_incident() {
    let open = round_of(&SHOP, &[], &[sure("purchase.volume", "web", 0.0)]);
    let open = open[0].after.clone();
    let mut seen = [
        made::seen(
            "purchase.volume",
            "web",
            day("2026-10-21"),
            Status::Failing,
            0.0,
        ),
        made::seen(
            "purchase.completeness",
            "web",
            day("2026-10-21"),
            Status::Warning,
            60.0,
        ),
    ];
    for one in &mut seen {
        finding_of(one).since = today();
    }
    let later = now() + TimeDelta::days(1);
    let changes = incident::round(std::slice::from_ref(&open), &seen, &[], &SHOP, later);
    assert_eq!(changes.len(), 1, "{changes:#?}");
    assert_eq!(changes[0].after.id, open.id);
    assert_eq!(changes[0].after.members.len(), 2);
    assert_eq!(changes[0].turn, None, "company is no news");
}

#[test]
fn trouble_that_spreads_while_an_event_is_open_stays_one_incident() {
    // Open since the 20th with two checks; nothing is known of the days after, then four fail.
    let checks = ["volume", "completeness", "duplicates", "conformance"];
    let check = |kind: &str, bucket| {
        let mut one = made::seen(
            &format!("purchase.{kind}"),
            "web",
            bucket,
            Status::Failing,
            0.0,
        );
        one.strike.extreme = true;
        one
    };
    let first: Vec<Evaluation> = checks[..2]
        .iter()
        .map(|kind| check(kind, today()))
        .collect();
    let open = round_of(&SHOP, &[], &first)[0].after.clone();
    let all: Vec<Evaluation> = checks
        .iter()
        .map(|kind| check(kind, day("2026-10-24")))
        .collect();
    let later = at("2026-10-25 08:00");
    let changes = incident::round(std::slice::from_ref(&open), &all, &[], &SHOP, later);
    let lasting: Vec<_> = changes.iter().map(|change| &change.after.cause).collect();
    assert_eq!(lasting, [&Cause::Event(name("purchase"))]);
    assert_eq!(changes[0].after.members.len(), 4);
}

#[test]
fn what_other_systems_did_makes_the_diagnosis() {
    let volume = |source: &str, change: f64| {
        let status = if change.abs() > 0.15 {
            Status::Failing
        } else {
            Status::Ok
        };
        let mut one = made::seen(
            "purchase.volume",
            source,
            today(),
            status,
            100.0 * (1.0 + change),
        );
        one.witness = source == "shop";
        one.strike.extreme = true;
        one
    };
    let cases = [
        (-0.6, 0.02, Verdict::TrackingLoss),
        (-0.6, -0.55, Verdict::RealLoss),
        (0.8, -0.03, Verdict::Duplication),
        (-0.6, -0.14, Verdict::Unknown),
        (0.8, 0.7, Verdict::Unknown),
    ];
    for (web, shop, verdict) in cases {
        let changes = round_of(&SHOP, &[], &[volume("web", web), volume("shop", shop)]);
        let after = &changes[0].after;
        assert_eq!(after.verdict, verdict, "web {web}, shop {shop}");
        assert_eq!(after.companions[0].source, name("shop"));
    }
    let alone = round_of(&SHOP, &[], &[volume("web", -0.6)]);
    assert_eq!(alone[0].after.verdict, Verdict::Unknown);
    // The system of record fell and visitors did not: records do not arrive.
    let mut record = volume("shop", -0.6);
    record.witness = false;
    let mut visitors = volume("web", 0.01);
    visitors.witness = true;
    let changes = round_of(&SHOP, &[], &[record, visitors]);
    assert_eq!(changes[0].after.verdict, Verdict::SyncFault);
}

#[test]
fn a_diagnosis_that_comes_later_is_told() {
    let lone = sure("purchase.volume", "web", 10.0);
    let open = round_of(&SHOP, &[], std::slice::from_ref(&lone))[0]
        .after
        .clone();
    let mut next = made::seen(
        "purchase.volume",
        "web",
        day("2026-10-21"),
        Status::Failing,
        10.0,
    );
    finding_of(&mut next).since = today();
    let mut witness = made::seen(
        "purchase.volume",
        "shop",
        day("2026-10-21"),
        Status::Ok,
        101.0,
    );
    witness.witness = true;
    let later = now() + TimeDelta::days(1);
    let changes = incident::round(&[open], &[next, witness], &[], &SHOP, later);
    assert_eq!(changes[0].turn, Some(Turn::VerdictChanged));
    assert_eq!(changes[0].after.verdict, Verdict::TrackingLoss);
}

#[test]
fn only_what_happened_shortly_before_is_named() {
    let mark = |when: &str, what: &str| Mark {
        at: at(when),
        kind: MarkKind::Release,
        name: name(what),
        source: None,
    };
    let mut of_shop = mark("2026-10-19 12:00", "shop 2");
    of_shop.source = Some(name("shop"));
    let marks = [
        mark("2026-10-17 12:00", "long before"),
        mark("2026-10-19 12:00", "the day before"),
        mark("2026-10-20 06:00", "that morning"),
        mark("2026-10-21 06:00", "the day after"),
        of_shop,
    ];
    let seen = [sure("purchase.volume", "web", 0.0)];
    let changes = incident::round(&[], &seen, &marks, &SHOP, now());
    let names: Vec<&str> = changes[0]
        .after
        .causes
        .iter()
        .map(|mark| mark.name.as_str())
        .collect();
    assert_eq!(names, ["that morning", "the day before"]);
}

#[test]
fn a_loss_costs_what_the_conversion_is_worth() {
    let changes = round_of(&SHOP, &[], &[sure("purchase.volume", "web", 10.0)]);
    let after = &changes[0].after;
    let impact = after.impact.as_ref().unwrap();
    assert!((impact.count + 90.0).abs() < 1e-9, "{impact:?}");
    assert_eq!(impact.value, Some((-3_600.0, "EUR".to_owned())));
    assert_eq!(after.certainty.word, Level::Medium);
    let share = round_of(&SHOP, &[], &[sure("purchase.completeness", "web", 0.1)]);
    assert_eq!(share[0].after.impact, None, "a share costs nothing itself");
}

#[test]
fn a_source_without_freshness_is_late_by_its_checks() {
    let mut late = fine("purchase.volume", "web");
    late.outcome = Outcome::NoData(Gap::Late {
        last: day("2026-10-18").start,
    });
    let first = round_of(&SHOP, &[], std::slice::from_ref(&late));
    assert_eq!(first[0].after.cause, Cause::Source(name("web")));
    assert!(matches!(first[0].after.state, State::Suspected { .. }));
    // With a freshness check, that one decides.
    let seen = [late, freshness("web", Status::Ok)];
    assert_eq!(round_of(&SHOP, &[], &seen), []);
}
