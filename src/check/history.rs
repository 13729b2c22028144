//! `history`: whether a source changed the numbers of days that were final.

use std::collections::BTreeMap;

use chrono::{Duration, TimeDelta};

use crate::model::{
    Amount, Bucket, Calendar, Evaluation, Explained, Finding, Gap, Grain, Measure, Name, Outcome,
    Question, Reading, Reference, Shape, Status, Timestamp, Unit,
};
use crate::plan::Plan;

use super::question::daily;
use super::shape::Core;
use super::{Check, Evidence, Kind, Label, Line, Need};

/// `<source>.history`
pub(super) const KIND: Kind = Kind {
    name: "history",
    about: include_str!("../../docs/checks/history.md"),
    settings: &[],
    checks,
};

/// Days of readings that are compared.
const WINDOW: i64 = 90;

/// A rewriting is told for this long after it was seen.
const FRESH: TimeDelta = TimeDelta::days(7);

/// A change of a final number is at least this part of it, and this many events.
const LEAST: f64 = 0.03;
const LEAST_EVENTS: f64 = 5.0;

/// Times the changes that are usual for the source at that age.
const USUAL: f64 = 3.0;

/// A settled day is looked at within this time.
const FIRST_LOOK: TimeDelta = TimeDelta::days(1);

/// Days that change together before it is more than a correction.
const MANY: usize = 7;

struct History {
    core: Core,
    source: Name,
    questions: Vec<Question>,
}

fn checks(plan: &Plan) -> Vec<Box<dyn Check>> {
    let made = plan.sources.iter().filter_map(|source| {
        let source = &source.decl.name;
        let counted = plan.events.iter().filter_map(|event| {
            let mapping = event.mapping(source)?;
            Some(daily(&event.name, source, mapping, Measure::Count))
        });
        let questions: Vec<Question> = counted.collect();
        let name = format!("{source}.history");
        let core = Core::new(plan, &name, KIND.name, None, Some(source))?;
        (!questions.is_empty()).then(|| {
            Box::new(History {
                core,
                source: source.clone(),
                questions,
            }) as Box<dyn Check>
        })
    });
    made.collect()
}

impl Check for History {
    fn label(&self) -> &Label {
        &self.core.label
    }

    fn needs(&self, now: Timestamp, calendar: &Calendar) -> Vec<Need> {
        let today = calendar.bucket(Grain::Day, now);
        let from = calendar.day(today.date() - Duration::days(WINDOW)).start;
        let window = crate::model::Window { from, to: now };
        let need = |question: &Question| Need {
            question: question.clone(),
            window,
            busy_only: false,
            filled_only: false,
            changes_only: true,
        };
        self.questions.iter().map(need).collect()
    }

    fn evaluate(&self, evidence: &Evidence<'_>) -> Vec<Evaluation> {
        let state = evidence.sources.get(&self.source);
        let settles = state.map_or(TimeDelta::zero(), |state| state.settles);
        let mut changed: Vec<Rewritten> = Vec::new();
        let mut known = 0;
        for question in &self.questions {
            let summed = evidence.changes.get(question).cloned();
            let of_all = || Changes::of(evidence.vintages.get(question)?, settles, evidence.now);
            let Some(of_one) = summed.or_else(of_all) else {
                continue;
            };
            known += of_one.known;
            changed.extend(of_one.rewritten);
        }
        let newest = evidence.calendar.bucket(Grain::Day, evidence.now);
        let newest = evidence.calendar.previous(&newest);
        let outcome = match (known, told(&changed, newest)) {
            (0, _) => Outcome::NoData(Gap::NeverSeen),
            (_, finding) => Outcome::Known {
                status: if changed.is_empty() {
                    Status::Ok
                } else {
                    Status::Warning
                },
                finding: Box::new(finding),
                provisional: false,
            },
        };
        let seen_at = changed.iter().map(|one| one.seen_at).max();
        let seen_at = seen_at.unwrap_or(evidence.now);
        let mut one = self.core.evaluation(&self.source, newest, outcome, seen_at);
        // It was read twice and differs: there is nothing to wait for.
        one.strike.extreme = !changed.is_empty();
        vec![one]
    }
}

/// A day with its number when it was final, and the one it has now.
struct Final {
    bucket: Bucket,
    before: f64,
    after: f64,
    seen_at: Timestamp,
}

/// How the final numbers of one question changed: little to keep of many readings.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes {
    /// Days that were read both young and final.
    known: usize,
    /// Those that changed lately by more than the source is used to.
    rewritten: Vec<Rewritten>,
}

impl Changes {
    /// From all readings of the newest 90 days, where the source declares its numbers final so long
    /// after the end of a day. `None` without a total.
    pub fn of(lines: &[Line], settles: TimeDelta, now: Timestamp) -> Option<Self> {
        let total = lines.iter().find(|line| line.segment.is_empty())?;
        let days = finals(&total.readings, settles, now);
        Some(Self {
            known: days.len(),
            rewritten: rewritten(&days, now),
        })
    }
}

/// A final day that changed.
#[derive(Debug, Clone, PartialEq)]
struct Rewritten {
    bucket: Bucket,
    before: f64,
    after: f64,
    seen_at: Timestamp,
}

/// Days that were read both young and final. Readings of a day stand together, oldest first.
fn finals(readings: &[Reading], settles: TimeDelta, now: Timestamp) -> Vec<Final> {
    let mut days: BTreeMap<Timestamp, Final> = BTreeMap::new();
    for one in readings {
        // The first look at a settled day may come a day later: what it brings is no rewriting.
        let is_final = |at: Timestamp| at >= one.bucket.end + settles + FIRST_LOOK;
        if !is_final(now) {
            continue;
        }
        let day = days.entry(one.bucket.start).or_insert(Final {
            bucket: one.bucket,
            before: f64::NAN,
            after: f64::NAN,
            seen_at: one.seen_at,
        });
        // A change as it settles is expected: the last number of that time is the final one.
        if !is_final(one.seen_at) || day.before.is_nan() {
            day.before = one.value;
        }
        day.after = one.value;
        day.seen_at = one.seen_at;
    }
    days.into_values().collect()
}

fn relative(day: &Final) -> f64 {
    (day.after - day.before).abs() / day.before.max(1.0)
}

/// Days that changed lately by more than this source is used to.
fn rewritten(days: &[Final], now: Timestamp) -> Vec<Rewritten> {
    let is_fresh = |day: &&Final| now - day.seen_at <= FRESH && relative(day) > 0.0;
    let mut usual: Vec<f64> = days
        .iter()
        .filter(|day| !is_fresh(day))
        .map(relative)
        .collect();
    usual.sort_by(f64::total_cmp);
    let place = usual.len() * 9 / 10;
    let usual = usual.get(place).copied().unwrap_or(0.0);
    days.iter()
        .filter(is_fresh)
        .filter(|day| relative(day) > LEAST.max(USUAL * usual))
        .filter(|day| (day.after - day.before).abs() >= LEAST_EVENTS)
        .map(|day| Rewritten {
            bucket: day.bucket,
            before: day.before,
            after: day.after,
            seen_at: day.seen_at,
        })
        .collect()
}

/// The sums of the changed days before and after, and each day by itself.
fn told(changed: &[Rewritten], newest: Bucket) -> Finding {
    let before: f64 = changed.iter().map(|one| one.before).sum();
    let after: f64 = changed.iter().map(|one| one.after).sum();
    let change = if before > 0.0 {
        (after - before) / before
    } else {
        0.0
    };
    let amount = Amount {
        observed: change,
        expected: 0.0,
        low: -LEAST,
        high: LEAST,
    };
    let days = changed.iter().take(MANY).map(|one| Explained {
        what: Name::clean(&one.bucket.date().to_string()),
        why: format!("was {}, is {}", one.before, one.after),
        count: 1,
    });
    let first = changed
        .iter()
        .map(|one| one.bucket)
        .min_by_key(|one| one.start);
    Finding {
        shape: Shape::Pair {
            a: after,
            b: before,
        },
        unit: Unit::Difference,
        now: amount,
        since_onset: amount,
        since: first.unwrap_or(newest),
        buckets: u32::try_from(changed.len().max(1)).unwrap_or(u32::MAX),
        p: None,
        compared_with: Reference::LearnedGap { usual: 0.0 },
        segments: Vec::new(),
        details: days.collect(),
        bridge: None,
        sides: None,
    }
}
