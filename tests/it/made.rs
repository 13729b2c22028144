//! Small values made by hand: a plan, evaluations and incidents that tests of several rooms share.

use std::sync::LazyLock;

use truecount::incident::{self, Incident};
use truecount::model::{
    Amount, Bucket, Calendar, Evaluation, Finding, Grain, Held, Name, Outcome, Reference, Segment,
    Shape, Status, Strike, Timestamp, Unit,
};
use truecount::plan::Plan;

/// A shop in Berlin: `web` watches visitors, `shop` keeps the orders.
const PLAN: &str = r#"
[project]
id       = "acme"
name     = "Acme shop"
timezone = "Europe/Berlin"
url      = "https://truecount.acme.example/"

[source.shop]
type   = "demo"
system = "orders"
seed   = 1
today  = "2026-11-01"

[source.web]
type   = "demo"
system = "web"
seed   = 1
today  = "2026-11-01"

[owner.growth]
name  = "Mara Lind"
email = "mara@acme.example"
slack = "U0MARA"

[owner.shop]
name  = "Jon Berg"
email = "jon@acme.example"

[event.purchase]
owner   = "shop"
in.shop = true
in.web  = true

[event.sign_up]
owner  = "growth"
in.web = true

[event.view_item]
in.web = true

[conversion.purchase]
primary = true
worth   = "40 EUR"

[compare.orders]
event    = "purchase"
baseline = "shop"
against  = ["web"]
limit    = "15%"

[mail]
from = "Truecount <truecount@acme.example>"
smtp = { env = "SMTP_URL" }
"#;

/// The shop's plan with more tables.
pub(crate) fn plan(more: &str) -> Plan {
    let (mut plan, complaints) = super::check::resolved(&format!("{PLAN}{more}"));
    assert!(complaints.is_empty(), "{complaints:#?}");
    for source in &mut plan.sources {
        source.event_named = true;
    }
    plan
}

/// The shop's plan as it stands.
pub(crate) static SHOP: LazyLock<Plan> = LazyLock::new(|| plan(""));

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// `2026-10-20 09:30`, in UTC.
pub(crate) fn at(text: &str) -> Timestamp {
    let wall = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
    wall.and_utc()
}

/// `2026-10-20` in Berlin.
pub(crate) fn day(text: &str) -> Bucket {
    Calendar::new(chrono_tz::Europe::Berlin).day(text.parse().unwrap())
}

/// An amount with an expected range of a fifth to either side.
pub(crate) fn amount(observed: f64, expected: f64) -> Amount {
    Amount {
        observed,
        expected,
        low: expected * 0.8,
        high: expected * 1.2,
    }
}

/// One bucket outside its range.
pub(crate) fn finding(bucket: Bucket, observed: f64, expected: f64) -> Finding {
    Finding {
        shape: Shape::Count { value: observed },
        unit: Unit::Count,
        now: amount(observed, expected),
        since_onset: amount(observed, expected),
        since: bucket,
        buckets: 1,
        p: Some(1e-4),
        compared_with: Reference::SamePast {
            count: 8,
            of: "Tuesdays".to_owned(),
        },
        segments: Vec::new(),
        details: Vec::new(),
        bridge: None,
        sides: None,
    }
}

/// A judgement of `event.kind` in a source: 100 were expected. The data was seen six hours after
/// the bucket's end.
pub(crate) fn seen(
    check: &str,
    source: &str,
    bucket: Bucket,
    status: Status,
    observed: f64,
) -> Evaluation {
    let (event, kind) = check.split_once('.').unwrap_or(("", check));
    let kind = kind.split('.').next().unwrap_or(kind);
    Evaluation {
        check: name(check),
        kind: name(kind),
        event: (!event.is_empty()).then(|| name(event)),
        source: Some(name(source)),
        segment: Segment::new(),
        owner: None,
        primary: false,
        witness: false,
        bucket,
        outcome: Outcome::Known {
            status,
            finding: Box::new(finding(bucket, observed, 100.0)),
            provisional: false,
        },
        strike: Strike {
            data_seen_at: bucket.end + chrono::TimeDelta::hours(6),
            extreme: false,
        },
        held: Held::No,
    }
}

/// The finding inside, to change it.
pub(crate) fn finding_of(one: &mut Evaluation) -> &mut Finding {
    match &mut one.outcome {
        Outcome::Known { finding, .. } => finding,
        Outcome::NoData(gap) => panic!("no finding: {gap:?}"),
    }
}

/// An incident of a check that was beyond doubt at this time, with its number.
pub(crate) fn opened(
    plan: &Plan,
    check: &str,
    source: &str,
    number: u32,
    now: Timestamp,
) -> Incident {
    let calendar = &plan.project.calendar;
    let bucket = calendar.previous(&calendar.bucket(Grain::Day, now));
    let mut look = seen(check, source, bucket, Status::Failing, 10.0);
    look.strike.extreme = true;
    look.strike.data_seen_at = now;
    let mut change = incident::round(&[], &[look], &[], plan, now).remove(0);
    incident::assign_number(&mut change, number);
    change.after
}
