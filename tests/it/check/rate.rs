//! Rates: limits of the plan by the day and by the hour, and steps of a funnel that take days.

use chrono::{Datelike, Timelike};
use truecount::model::{Gap, Grain, Outcome, Status};

use super::bench::{Bench, noise, of};

const SHOP: &str = r#"
[project]
name = "Acme shop"
timezone = "Europe/Zurich"
[source.web]
type = "files"
path = "counts.csv"
rows = "counts"
[event.begin_checkout]
[event.add_payment_info]
[event.purchase]
"#;

const CLIFF: &str = r#"
[check.checkout_cliff]
rate = ["begin_checkout", "add_payment_info"]
below = "40%"
for = "2 hours"
level = "failing"
"#;

/// `begin` checkouts an hour, of which a share pays: 60% until an hour of the day, then another.
fn cliff(now: &str, begin: f64, breaks: u32, then: f64) -> Outcome {
    let bench = Bench::at(now);
    let seen = bench.judge(&format!("{SHOP}{CLIFF}"), |question, bucket| {
        let share = match question.subject {
            truecount::model::Subject::Event(ref name) if name.as_str() == "begin_checkout" => 1.0,
            _ if bucket.label.hour() >= breaks && bucket.label.day() == 12 => then,
            _ => 0.6,
        };
        Some((begin * share).round())
    });
    let seen = of(&seen, "checkout_cliff");
    assert_eq!(seen.bucket.grain, Grain::Hour);
    seen.outcome.clone()
}

#[test]
fn a_limit_for_two_hours_fires_after_two_hours_and_not_after_one() {
    // 10:07 in Zurich: the newest hour is the one from 09:00.
    let at_ten = "2026-11-12T09:07:00Z";
    assert_eq!(cliff(at_ten, 100.0, 8, 0.1).status(), Some(Status::Failing));
    assert_eq!(cliff(at_ten, 100.0, 9, 0.1).status(), Some(Status::Ok));
    assert_eq!(cliff(at_ten, 100.0, 20, 0.1).status(), Some(Status::Ok));
    let fired = cliff(at_ten, 100.0, 7, 0.1);
    let finding = fired.finding().unwrap();
    assert_eq!((finding.buckets, finding.now.observed), (3, 0.1));
    assert_eq!(finding.since.label.hour(), 7);
}

#[test]
fn a_limit_missed_by_a_handful_is_not_judged_and_by_chance_is_no_alarm() {
    let at_ten = "2026-11-12T09:07:00Z";
    let few = cliff(at_ten, 4.0, 8, 0.25);
    assert!(
        matches!(
            few,
            Outcome::NoData(Gap::TooFew {
                have: 8,
                need: 10,
                ..
            })
        ),
        "{few:?}"
    );
    // 7 of 20 twice is under 40%, and nothing that chance could not do.
    assert_eq!(cliff(at_ten, 20.0, 8, 0.35).status(), Some(Status::Ok));
    assert_eq!(
        cliff(at_ten, 2_000.0, 8, 0.35).status(),
        Some(Status::Failing)
    );
}

#[test]
fn a_limit_needs_no_past() {
    let rule = "[check.refunds]\nrate = [\"begin_checkout\", \"purchase\"]\nabove = \"8%\"\nfor = \"1 day\"\n";
    let bench = Bench::at("2026-11-12T09:07:00Z");
    let seen = bench.judge(&format!("{SHOP}{rule}"), |question, bucket| {
        // The third day of all.
        (bucket.label.date() >= chrono::NaiveDate::from_ymd_opt(2026, 11, 9)?).then_some(())?;
        let from = matches!(&question.subject, truecount::model::Subject::Event(name) if name.as_str() == "begin_checkout");
        Some(if from { 1_000.0 } else { 120.0 })
    });
    let seen = of(&seen, "refunds");
    assert_eq!(seen.outcome.status(), Some(Status::Warning));
    assert!(seen.strike.extreme, "whoever says how long is told then");
}

#[test]
fn a_step_that_takes_days_is_held_against_the_days_from_which_it_came() {
    // A campaign doubles the first step on one weekend; the last step follows over a week.
    let step = |within: &str| {
        let funnel = format!(
            "[funnel.trial]\nsteps = [\"begin_checkout\", \"purchase\"]\nsettle = \"1 hour\"\n{within}"
        );
        let bench = Bench::at("2026-11-12T09:07:00Z");
        let begun = |day: i64| {
            let usual = 2_000.0 + 45.0 * noise(day);
            if (739_930..=739_931).contains(&day) {
                usual * 2.0
            } else {
                usual
            }
        };
        let seen = bench.judge(&format!("{SHOP}{funnel}"), |question, bucket| {
            let day = i64::from(bucket.label.date().num_days_from_ce());
            let first = matches!(&question.subject, truecount::model::Subject::Event(name) if name.as_str() == "begin_checkout");
            let week = (0..8).map(|back| begun(day - back)).sum::<f64>() / 8.0;
            Some(if first { begun(day) } else { week * 0.2 + noise(day + 7) * 8.0 }.round())
        });
        of(&seen, "trial.purchase").outcome.status()
    };
    assert_eq!(step(""), Some(Status::Failing));
    assert_eq!(step("within = \"7 days\"\n"), Some(Status::Ok));
}
