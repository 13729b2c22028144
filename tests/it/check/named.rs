//! Days that a calendar of the plan names: they teach nothing, and are held against earlier days of the
//! same name.

use chrono::{Datelike, NaiveDate};
use truecount::model::{Evaluation, Gap, Grain, Outcome, Status};

use super::bench::{Bench, noise, of};

const PLAN: &str = r#"
[project]
name = "Acme"
timezone = "UTC"
[source.web]
type = "demo"
system = "web"
seed = 1
today = "2026-11-01"
[event.purchase]
in.web = true
[calendar.sale]
days = ["2025-11-28", "2026-06-10..2026-06-11", "2026-11-27"]
[calendar.closed]
days = ["2026-05-14", "2026-11-26"]
"#;

/// What the volume check says of a day, where the named days hold these shares of a usual day.
fn said(of_day: &str, share: impl Fn(NaiveDate) -> Option<f64>) -> Evaluation {
    let day: NaiveDate = of_day.parse().unwrap();
    let bench = Bench::at(&format!("{}T02:00:00Z", day + chrono::Duration::days(1)));
    let seen = bench.judge(PLAN, |question, bucket| {
        if question.grain != Grain::Day {
            return None;
        }
        let date = bucket.date();
        let weekend = if date.weekday().num_days_from_monday() > 4 {
            0.6
        } else {
            1.0
        };
        let usual = 1_000.0 * weekend + 40.0 * noise(i64::from(date.num_days_from_ce()));
        Some((usual * share(date).unwrap_or(1.0)).round())
    });
    of(&seen, "purchase.volume").clone()
}

/// Shares by date; all other days are usual.
fn days(known: &'static [(&'static str, f64)]) -> impl Fn(NaiveDate) -> Option<f64> {
    move |date| {
        let mut found = known.iter().filter(|(day, _)| *day == date.to_string());
        found.next().map(|(_, share)| *share)
    }
}

#[test]
fn a_named_day_is_held_against_earlier_days_of_its_name() {
    for (why, known, status, expected) in [
        (
            "as a year ago",
            &[("2025-11-28", 3.0), ("2026-11-27", 3.1)][..],
            Status::Ok,
            3_000.0,
        ),
        (
            "three days of the name",
            &[
                ("2025-11-28", 3.0),
                ("2026-06-10", 2.0),
                ("2026-06-11", 2.0),
                ("2026-11-27", 2.2),
            ],
            Status::Ok,
            2_300.0,
        ),
        (
            "nothing arrives on the day of the sale",
            &[("2025-11-28", 3.0), ("2026-11-27", 0.0)],
            Status::Failing,
            3_000.0,
        ),
    ] {
        let seen = said("2026-11-27", |date| {
            let sale = ["2025-11-28", "2026-06-10", "2026-06-11"];
            let three = known.len() > 2;
            let other = !three && sale[1..].contains(&date.to_string().as_str());
            other.then_some(3.0).or_else(|| days(known)(date))
        });
        assert_eq!(seen.outcome.status(), Some(status), "{why}: {seen:#?}");
        let now = seen.outcome.finding().unwrap().now;
        assert!(
            (now.expected / expected - 1.0).abs() < 0.15,
            "{why}: {now:?}"
        );
    }
}

#[test]
fn the_first_day_of_a_name_is_left_out_and_a_closed_day_stays_closed() {
    let first = said("2026-05-14", days(&[("2026-05-14", 0.0)]));
    assert!(
        matches!(&first.outcome, Outcome::NoData(Gap::Unfit { .. })),
        "{first:#?}"
    );
    let again = said(
        "2026-11-26",
        days(&[("2026-05-14", 0.0), ("2026-11-26", 0.0)]),
    );
    assert_eq!(again.outcome.status(), Some(Status::Ok), "{again:#?}");
    // Without the name such a day is an outage.
    let outage = said("2026-11-25", days(&[("2026-11-25", 0.0)]));
    assert_eq!(
        outage.outcome.status(),
        Some(Status::Failing),
        "{outage:#?}"
    );
}

#[test]
fn a_named_day_teaches_nothing() {
    let after = |share: &'static [(&'static str, f64)]| said("2026-06-15", days(share)).outcome;
    let loud = after(&[("2026-06-10", 4.0), ("2026-06-11", 4.0)]);
    assert_eq!(loud, after(&[("2026-06-10", 0.3), ("2026-06-11", 0.3)]));
    // The same on days without a name is learnt, or this test could not fail.
    assert_ne!(loud, after(&[("2026-06-08", 4.0), ("2026-06-09", 4.0)]));
}
