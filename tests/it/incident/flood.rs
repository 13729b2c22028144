//! A thousand findings of one cause in a round are one message.

use truecount::incident;
use truecount::model::{Evaluation, Explained, Segment, SegmentShare, Status};
use truecount::notify::{self, Situation};

use super::super::made::{self, at, day, finding_of, name};

const MANY: usize = 1_000;

/// A plan with so many events of the web, heard at once and without a cap.
fn plan() -> truecount::plan::Plan {
    made::plan("[route.default]\nwait = \"0 min\"\nemail = [\"jon@acme.example\"]\n")
}

fn finding(at: usize, kind: &str, source: &str) -> Evaluation {
    let today = day("2026-10-20");
    let check = format!("event_{at}.{kind}");
    let mut one = made::seen(&check, source, today, Status::Failing, 2.0);
    one.strike.extreme = true;
    one
}

/// The causes of the incidents, and how many messages they are.
fn told(seen: &[Evaluation]) -> (Vec<String>, usize, usize) {
    let plan = plan();
    let now = at("2026-10-21 10:00");
    let mut changes = incident::round(&[], seen, &[], &plan, now);
    for (change, number) in changes.iter_mut().zip(1..) {
        incident::assign_number(change, number);
    }
    let incidents: Vec<_> = changes.into_iter().map(|change| change.after).collect();
    let decided = notify::decide(&Situation {
        plan: &plan,
        incidents: &incidents,
        told: &[],
        silences: &[],
        sent_today: &std::collections::BTreeMap::new(),
        queued: &std::collections::BTreeMap::new(),
        now,
    });
    let causes = incidents.iter().map(|one| format!("{:?}", one.cause));
    let members = incidents.iter().map(|one| one.members.len()).sum();
    (causes.collect(), members, decided.len())
}

#[test]
fn a_thousand_findings_of_one_cause_are_one_message() {
    let volumes: Vec<Evaluation> = (0..MANY).map(|at| finding(at, "volume", "web")).collect();
    let lacking: Vec<Evaluation> = (0..MANY)
        .map(|at| {
            let mut one = finding(at, "completeness", "web");
            finding_of(&mut one).details.push(Explained {
                what: name("currency"),
                why: "missing".to_owned(),
                count: 60,
            });
            one
        })
        .collect();
    let safari: Vec<Evaluation> = (0..MANY)
        .map(|at| {
            let mut one = finding(at, "volume", if at % 2 == 0 { "web" } else { "shop" });
            finding_of(&mut one).segments.push(SegmentShare {
                segment: Segment::from([(name("browser"), "Safari".to_owned())]),
                change: -0.9,
                share: 0.95,
            });
            one
        })
        .collect();
    let mut late = made::seen(
        "x.freshness",
        "web",
        day("2026-10-20"),
        Status::Failing,
        50.0,
    );
    late.check = name("web.freshness");
    late.event = None;
    late.strike.extreme = true;
    let mut behind: Vec<Evaluation> = (0..MANY).map(|at| finding(at, "volume", "web")).collect();
    behind.push(late);
    // With other events of the source that held, so that the source itself is not to blame.
    let mut held = safari;
    for source in ["web", "shop"] {
        held.push(made::seen(
            "other.volume",
            source,
            day("2026-10-20"),
            Status::Ok,
            100.0,
        ));
    }
    let cases = [
        ("all events of a source fell", volumes, "Source", MANY),
        (
            "a parameter is missing in all events",
            lacking,
            "Parameter",
            MANY,
        ),
        ("one browser fell in two systems", held, "Segment", MANY),
        ("a late source speaks for its events", behind, "Source", 1),
    ];
    for (what, seen, cause, members) in cases {
        let (found, count, messages) = told(&seen);
        assert_eq!(found.len(), 1, "{what}: {} incidents", found.len());
        assert!(found[0].starts_with(cause), "{what}: {found:?}");
        assert_eq!(count, members, "{what}: all members stay visible");
        assert_eq!(messages, 1, "{what}");
    }
}
