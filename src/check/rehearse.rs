//! Rule tests: a check of the plan judges counts that a test gives, by the code that judges real ones.

use std::collections::BTreeMap;

use chrono::{Datelike, Duration, NaiveDate, TimeDelta};

use crate::model::{
    Bucket, Digest, Evaluation, Gap, Grain, Outcome, Quality, Question, Reading, Segment, Status,
};
use crate::plan::{Expected, Plan, RuleTest, Today};

use super::{Check, Evidence, Line, SourceState};

/// Kinds whose answer is a list of names or a clock: a count cannot stand for it.
const OTHER: [&str; 5] = ["freshness", "naming", "unplanned", "utm", "traffic"];

/// What came of a test.
#[derive(Debug, Clone, PartialEq)]
pub struct Rehearsed {
    /// Whether the check said what was expected.
    pub passed: bool,
    /// What it said; `None` where the check cannot be tried by counts.
    pub seen: Option<Evaluation>,
}

/// Tries one test. `None` when the plan makes no such check.
pub fn rehearse(plan: &Plan, checks: &[Box<dyn Check>], test: &RuleTest) -> Option<Rehearsed> {
    let check = checks
        .iter()
        .find(|check| check.label().name == test.check)?;
    if OTHER.contains(&check.label().kind) {
        return Some(Rehearsed {
            passed: false,
            seen: None,
        });
    }
    let calendar = &plan.project.calendar;
    let now = calendar.day(test.on).end + TimeDelta::minutes(1);
    let mut questions: Vec<Question> = Vec::new();
    for need in check.needs(now, calendar) {
        // Hours follow from days only by a guess: tests speak of days.
        let asked = need.question.grain == Grain::Day || check.label().kind == "rate";
        if asked && !need.busy_only && !questions.contains(&need.question) {
            questions.push(need.question);
        }
    }
    // A volume is one count; everything else is a part and its whole, in this order.
    let alone = check.label().kind == "volume";
    let count = if alone { 1 } else { 2 };
    let mut history = BTreeMap::new();
    for (at, question) in questions.into_iter().take(count).enumerate() {
        let is_part = alone || at == 0;
        let line = Line {
            segment: Segment::new(),
            readings: readings(plan, test, question.grain, is_part),
        };
        history.insert(question, vec![line]);
    }
    let state = SourceState {
        last_success: Some(now),
        last_try: Some(now),
        ..SourceState::default()
    };
    let sources = plan
        .sources
        .iter()
        .map(|source| (source.decl.name.clone(), state.clone()))
        .collect();
    let (unanswerable, troubled) = (BTreeMap::new(), BTreeMap::new());
    let evidence = Evidence {
        now,
        calendar,
        vintages: &history,
        changes: &BTreeMap::new(),
        history: &history,
        unanswerable: &unanswerable,
        sources: &sources,
        marks: &[],
        troubled: &troubled,
    };
    let seen = check
        .evaluate(&evidence)
        .into_iter()
        .find(|one| !one.witness)?;
    Some(Rehearsed {
        passed: is_expected(test.expect, &seen, plan, &calendar.day(test.on)),
        seen: Some(seen),
    })
}

fn is_expected(expect: Expected, seen: &Evaluation, plan: &Plan, day: &Bucket) -> bool {
    match (expect, &seen.outcome) {
        (Expected::Ok, Outcome::Known { status, .. }) => *status == Status::Ok,
        (Expected::Ok, Outcome::NoData(gap)) => {
            matches!(gap, Gap::Unfit { .. }) && plan.project.calendar.ignores(day)
        }
        (Expected::Warning, outcome) => outcome.status() == Some(Status::Warning),
        (Expected::Failing, outcome) => outcome.status() == Some(Status::Failing),
        (Expected::NoData, outcome) => outcome.status().is_none(),
    }
}

/// The readings of a test: weeks of usual days, then the newest ones.
fn readings(plan: &Plan, test: &RuleTest, grain: Grain, is_part: bool) -> Vec<Reading> {
    let calendar = &plan.project.calendar;
    let first = test.on - Duration::weeks(i64::from(test.given.weeks));
    let newest = test.on - Duration::days(i64::from(test.days) - 1);
    let mut found = Vec::new();
    for date in first.iter_days().take_while(|date| *date <= test.on) {
        let usual = usual(test, date);
        let value = match (is_part, date >= newest, test.today) {
            (true, true, Today::Count(count)) => count,
            (true, true, Today::Part(part)) => (usual * part).round(),
            (true, false, _) => part_of(test, usual, date),
            (false, ..) => usual,
        };
        let day = calendar.day(date);
        let buckets = match grain {
            Grain::Hour => calendar.buckets(Grain::Hour, day.window()),
            Grain::Day | Grain::Week => vec![day],
        };
        let each = value / buckets.len() as f64;
        found.extend(buckets.into_iter().map(|bucket| Reading {
            bucket,
            value: each,
            quality: Quality::plain(),
            seen_at: bucket.end,
        }));
    }
    found
}

/// What a day usually brings, with the noise of chance and of the test.
fn usual(test: &RuleTest, date: NaiveDate) -> f64 {
    let mean = if date.weekday().num_days_from_monday() < 5 {
        test.given.weekday
    } else {
        test.given.weekend
    };
    let spread = (mean + (mean * test.given.noise).powi(2)).sqrt();
    (mean + spread * normal(&test.name, date)).round().max(0.0)
}

/// The usual part of a day, with the noise of its chance.
fn part_of(test: &RuleTest, whole: f64, date: NaiveDate) -> f64 {
    let part = test.given.part;
    let spread = (whole * part * (1.0 - part).max(0.0)).sqrt();
    let value = (whole * part + spread * normal(&format!("part of {}", test.name), date)).round();
    if part <= 1.0 {
        value.clamp(0.0, whole)
    } else {
        value.max(0.0)
    }
}

/// About normal with mean 0 and spread 1, the same in every run.
fn normal(what: &str, date: NaiveDate) -> f64 {
    let mut digest = Digest::new("rehearse.1");
    digest
        .text(what)
        .bytes(&date.num_days_from_ce().to_le_bytes());
    let mut state = digest.number();
    let mut sum = -6.0;
    for _ in 0..12 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        sum += (state >> 33) as f64 / f64::from(1_u32 << 31);
    }
    sum
}
