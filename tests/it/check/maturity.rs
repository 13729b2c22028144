//! Numbers that fill up with age, as Google Analytics, Google Ads and Meta show them: no false drop from days
//! that are not finished, a real loss on a young day is found, and rewritten history is told as such.

use std::collections::BTreeMap;

use chrono::{Duration, NaiveDate, TimeDelta};
use truecount::check::{self, Evidence, Line, SourceState};
use truecount::model::{
    Bucket, Evaluation, Name, Outcome, Quality, Question, Reading, Segment, Status, Timestamp,
};
use truecount::plan::Plan;

use super::bench::{noise, of};
use super::resolved;

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
"#;

/// How a system shows its numbers: the share of the final one by age in hours, on straight lines.
struct Profile {
    arrives: TimeDelta,
    settles: TimeDelta,
    points: &'static [(f64, f64)],
}

/// Standard properties: intraday after hours, changing for two days.
const ANALYTICS: Profile = Profile {
    arrives: TimeDelta::hours(6),
    settles: TimeDelta::hours(72),
    points: &[
        (0.0, 0.2),
        (6.0, 0.62),
        (24.0, 0.9),
        (48.0, 0.995),
        (60.0, 1.0),
    ],
};

/// Booked on the day of the click: conversions come in for thirty days.
const ADS: Profile = Profile {
    arrives: TimeDelta::hours(3),
    settles: TimeDelta::days(30),
    points: &[
        (0.0, 0.3),
        (15.0, 0.5),
        (72.0, 0.7),
        (168.0, 0.85),
        (336.0, 0.95),
        (720.0, 1.0),
    ],
};

/// Restates for 28 days, also downwards.
const SOCIAL: Profile = Profile {
    arrives: TimeDelta::hours(3),
    settles: TimeDelta::days(28),
    points: &[
        (0.0, 0.5),
        (24.0, 0.9),
        (72.0, 1.06),
        (168.0, 1.03),
        (672.0, 1.0),
    ],
};

impl Profile {
    fn share(&self, age: f64) -> f64 {
        let after = self.points.partition_point(|(hours, _)| *hours <= age);
        let (before, share) = self.points[after.saturating_sub(1)];
        let Some((next, then)) = self.points.get(after) else {
            return share;
        };
        share + (then - share) * (age - before) / (next - before)
    }
}

fn first() -> NaiveDate {
    "2026-03-02".parse().unwrap()
}

const DAYS: i64 = 150;

/// What the system shows at times six hours apart, from the day on which it was first asked.
struct World<'a> {
    profile: &'a Profile,
    /// Days after the first one.
    asked_from: i64,
    /// The part of a day that was really counted, by its number.
    counted: &'a dyn Fn(i64) -> f64,
    /// What a day is multiplied with when it is looked at, by its number and the time of the look.
    rewritten: &'a dyn Fn(i64, Timestamp) -> f64,
}

impl World<'_> {
    fn value(&self, day: i64, bucket: &Bucket, at: Timestamp) -> f64 {
        const WEEK: [f64; 7] = [1.1, 1.1, 1.0, 1.0, 0.95, 0.8, 0.75];
        let age = (at - bucket.end).num_minutes() as f64 / 60.0;
        let weekday = WEEK[usize::try_from(day.rem_euclid(7)).unwrap()];
        let all = 400.0 * weekday * (1.0 + 0.06 * noise(day));
        // The share that is shown differs a little from day to day.
        let share = self.profile.share(age);
        let share = share + 0.1 * (1.0 - share).abs() * noise(day + 7_000);
        (all * (self.counted)(day) * share * (self.rewritten)(day, at)).round()
    }

    /// Every change of every day that a poll has seen by then.
    fn vintages(&self, plan: &Plan, now: Timestamp) -> Vec<Reading> {
        let calendar = &plan.project.calendar;
        let start = calendar
            .day(first() + Duration::days(self.asked_from))
            .start;
        let mut found = Vec::new();
        for day in 0..DAYS {
            let bucket = calendar.day(first() + Duration::days(day));
            let mut before = None;
            let mut at = start.max(bucket.start);
            while at <= now && at <= bucket.end + TimeDelta::days(60) {
                if at >= bucket.end + self.profile.arrives {
                    let value = self.value(day, &bucket, at);
                    if before != Some(value) {
                        before = Some(value);
                        found.push(Reading {
                            bucket,
                            value,
                            quality: Quality::plain(),
                            seen_at: at,
                        });
                    }
                }
                at += TimeDelta::hours(6);
            }
        }
        found
    }

    /// What all checks say at that hour of a day.
    fn look(&self, plan: &Plan, day: i64, hour: i64) -> Vec<Evaluation> {
        let calendar = &plan.project.calendar;
        let now = calendar.day(first() + Duration::days(day)).start + TimeDelta::hours(hour);
        let every = self.vintages(plan, now);
        let mut newest: BTreeMap<Timestamp, Reading> = BTreeMap::new();
        for one in &every {
            newest.insert(one.bucket.start, one.clone());
        }
        let line = |readings: Vec<Reading>| {
            vec![Line {
                segment: Segment::new(),
                readings,
            }]
        };
        let checks = check::checks(plan);
        let (mut history, mut vintages) = (BTreeMap::new(), BTreeMap::new());
        let needs = checks.iter().flat_map(|check| check.needs(now, calendar));
        let questions: Vec<Question> = needs
            .map(|need| need.question)
            .filter(|question| question.grain == truecount::model::Grain::Day)
            .collect();
        let young: Vec<Reading> = every
            .into_iter()
            .filter(|one| one.bucket.start > now - TimeDelta::days(90))
            .collect();
        for question in questions {
            history.insert(question.clone(), line(newest.values().cloned().collect()));
            vintages.insert(question, line(young.clone()));
        }
        let state = SourceState {
            last_success: Some(now),
            last_try: Some(now),
            arrives: self.profile.arrives,
            settles: self.profile.settles,
            ..SourceState::default()
        };
        let sources = BTreeMap::from([(Name::clean("web"), state)]);
        let evidence = Evidence {
            now,
            calendar,
            history: &history,
            vintages: &vintages,
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
}

fn plan() -> Plan {
    let (plan, complaints) = resolved(PLAN);
    assert!(complaints.is_empty(), "{complaints:?}");
    plan
}

fn well(_: i64) -> f64 {
    1.0
}

fn as_it_was(_: i64, _: Timestamp) -> f64 {
    1.0
}

const PROFILES: [(&str, &Profile); 3] = [
    ("analytics", &ANALYTICS),
    ("ads", &ADS),
    ("social", &SOCIAL),
];

fn is_bad(one: &Evaluation) -> bool {
    one.outcome.status() > Some(Status::Ok)
}

#[test]
fn unfinished_days_are_no_drop() {
    let plan = plan();
    for (name, profile) in PROFILES {
        // Asked from the first day on, and asked since four days only with a past that was fetched whole.
        for asked_from in [0, 116] {
            let world = World {
                profile,
                asked_from,
                counted: &well,
                rewritten: &as_it_was,
            };
            for day in 120..134 {
                for hour in [1, 20] {
                    let seen = world.look(&plan, day, hour);
                    let bad: Vec<_> = seen.iter().filter(|one| is_bad(one)).collect();
                    assert!(
                        bad.is_empty(),
                        "{name}, asked since {asked_from}, {day} {hour}: {bad:#?}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_loss_on_a_young_day_is_found_against_days_of_the_same_age() {
    let plan = plan();
    let half = |day: i64| if day >= 130 { 0.15 } else { 1.0 };
    for (name, profile) in PROFILES {
        let world = World {
            profile,
            asked_from: 0,
            counted: &half,
            rewritten: &as_it_was,
        };
        // Day 130 ended at midnight; it is looked at nine hours later, long before it is final.
        let seen = world.look(&plan, 131, 9);
        let one = of(&seen, "purchase.volume");
        assert!(is_bad(one), "{name}: {one:#?}");
        assert_eq!(one.bucket.date(), first() + Duration::days(130));
        let Outcome::Known { provisional, .. } = &one.outcome else {
            panic!("{one:?}");
        };
        assert!(provisional, "{name}");
    }
}

#[test]
fn without_a_past_of_the_same_age_only_a_collapse_is_told() {
    let plan = plan();
    let look = |left: f64| {
        let counted = move |day: i64| if day >= 130 { left } else { 1.0 };
        let world = World {
            profile: &ANALYTICS,
            // Asked since four days: no fourteen days of the same age.
            asked_from: 127,
            counted: &counted,
            rewritten: &as_it_was,
        };
        world.look(&plan, 131, 28)
    };
    let seen = look(0.01);
    let one = of(&seen, "purchase.volume");
    assert!(is_bad(one), "{one:#?}");
    let finding = one.outcome.finding().unwrap();
    assert!(finding.now.observed < finding.now.low, "{finding:#?}");
    assert!(
        finding.now.observed < 10.0 && finding.now.expected < 250.0,
        "{finding:#?}"
    );
    assert_eq!(one.bucket.date(), first() + Duration::days(130));
    let seen = look(0.7);
    assert!(!is_bad(of(&seen, "purchase.volume")), "{seen:#?}");
}

/// From the first look on there is always a day that is judged: the newest final one, until enough
/// readings of the same age are kept to judge a young one.
#[test]
fn a_young_installation_is_never_without_a_judgement() {
    let plan = plan();
    let mut young = 0;
    for asked_since in 1..=30 {
        let world = World {
            profile: &ANALYTICS,
            asked_from: 131 - asked_since,
            counted: &well,
            rewritten: &as_it_was,
        };
        let seen = world.look(&plan, 131, 9);
        let one = of(&seen, "purchase.volume");
        let Outcome::Known { provisional, .. } = &one.outcome else {
            panic!("asked since {asked_since} days: {one:#?}");
        };
        young += usize::from(*provisional);
    }
    assert!((5..=12).contains(&young), "{young} of 30 were judged young");
}

#[test]
fn a_rewriting_of_old_days_is_a_finding_of_its_own() {
    let plan = plan();
    let moment = plan
        .project
        .calendar
        .day(first() + Duration::days(130))
        .start;
    let rewritten = move |day: i64, at: Timestamp| {
        let old = (80..90).contains(&day) && at >= moment;
        if old { 0.8 } else { 1.0 }
    };
    for (name, profile) in PROFILES {
        let world = World {
            profile,
            asked_from: 0,
            counted: &well,
            rewritten: &rewritten,
        };
        let before = world.look(&plan, 129, 20);
        assert!(!is_bad(of(&before, "web.history")), "{name}");
        let seen = world.look(&plan, 130, 9);
        let one = of(&seen, "web.history");
        assert_eq!(
            one.outcome.status(),
            Some(Status::Warning),
            "{name}: {one:#?}"
        );
        let finding = one.outcome.finding().unwrap();
        assert_eq!(finding.buckets, 10, "{name}: {finding:#?}");
        assert!(
            (finding.now.observed + 0.2).abs() < 0.02,
            "{name}: {finding:#?}"
        );
        assert_eq!(finding.since.date(), first() + Duration::days(80));
        assert!(!is_bad(of(&seen, "purchase.volume")), "{name}: no drop");
        // A week later it is old news.
        assert!(
            !is_bad(of(&world.look(&plan, 138, 9), "web.history")),
            "{name}"
        );
    }
}

#[test]
fn when_a_number_is_final_is_learnt() {
    let plan = plan();
    let world = World {
        profile: &ANALYTICS,
        asked_from: 0,
        counted: &well,
        rewritten: &as_it_was,
    };
    let every = world.vintages(
        &plan,
        plan.project
            .calendar
            .day(first() + Duration::days(140))
            .start,
    );
    let mut days: BTreeMap<Timestamp, Vec<(f64, f64)>> = BTreeMap::new();
    for one in every {
        let age = one.age().num_minutes() as f64 / 60.0;
        days.entry(one.bucket.start)
            .or_default()
            .push((age, one.value));
    }
    let curve = truecount::stats::maturity::Curve::of_changes(days.values().map(Vec::as_slice));
    assert_eq!(curve.settles_after(), Some(48.0));
    let (low, middle, high) = curve.share(24.0).unwrap();
    assert!(
        (middle - 0.9).abs() < 0.02 && low < middle && middle < high,
        "{low} {middle} {high}"
    );
}
