//! Young numbers: when they are final, learnt from kept readings, and what is believed before that is known.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::model::{Evaluation, Outcome, Question, Reading, Shape, Status, Timestamp};
use crate::stats::maturity::Curve;

use super::Evidence;
use super::shape::{Core, View, same_age};

/// Part of the declared curve below which a number has collapsed (decision 18).
const HALF: f64 = 0.5;

/// Part of the final number that must be declared before a collapse can be told from an early look.
const LEAST: f64 = 0.2;

/// Readings first seen this long after a bucket has settled teach nothing of how it filled up.
const LATE: TimeDelta = TimeDelta::days(1);

/// The least part of a final number that a source declares to show at an age: nothing until numbers
/// arrive, all of it once they settle, and between them at least a straight line.
pub(super) fn declared(age: TimeDelta, arrives: TimeDelta, settles: TimeDelta) -> f64 {
    let span = (settles - arrives).num_seconds() as f64;
    if span <= 0.0 {
        return f64::from(u8::from(age >= settles));
    }
    ((age - arrives).num_seconds() as f64 / span).clamp(0.0, 1.0)
}

/// How a question's numbers fill up with age, from the days that are final by now.
pub(super) fn curve(evidence: &Evidence<'_>, question: &Question) -> Curve {
    let buckets = changes(evidence, question);
    Curve::of_changes(buckets.iter().map(Vec::as_slice))
}

/// Ages in hours and values of each day that is final by now and was seen in time, oldest first.
pub(super) fn changes(evidence: &Evidence<'_>, question: &Question) -> Vec<Vec<(f64, f64)>> {
    let Some(state) = evidence.sources.get(&question.source) else {
        return Vec::new();
    };
    let lines = evidence.vintages.get(question);
    let lines = lines.map_or(&[][..], Vec::as_slice);
    let total = lines.iter().find(|line| line.segment.is_empty());
    let readings = total.map_or(&[][..], |line| line.readings.as_slice());
    let settled = |one: &&Reading| one.bucket.end + state.settles <= evidence.now;
    let mut buckets: BTreeMap<Timestamp, Vec<(f64, f64)>> = BTreeMap::new();
    for one in readings.iter().filter(settled) {
        let hours = one.age().num_minutes() as f64 / 60.0;
        let changes = buckets.entry(one.bucket.start).or_default();
        changes.push((hours, one.value));
    }
    let late = (state.settles + LATE).num_minutes() as f64 / 60.0;
    let in_time = |changes: &Vec<(f64, f64)>| changes.first().is_some_and(|one| one.0 <= late);
    buckets.into_values().filter(in_time).collect()
}

impl Core {
    /// The newest number where it is young and no past of the same age is known: only if less than half of
    /// what the source shows by then would be a fault is it one: what a curve knows of that, least of
    /// all days but one in twenty, or what the source declares.
    pub(super) fn collapsed(
        &self,
        evidence: &Evidence<'_>,
        question: &Question,
        known: Option<&Curve>,
        judge: impl Fn(&View) -> Outcome,
    ) -> Option<Evaluation> {
        let questions = [question];
        let (calendar, newest, young) = Self::newest(evidence, &questions, None);
        if !young {
            return None;
        }
        Self::fit(evidence, question).ok()?;
        let state = evidence.sources.get(&question.source)?;
        let age = evidence.now - newest.end;
        let hours = age.num_minutes() as f64 / 60.0;
        let learnt = known.and_then(|curve| curve.share(hours));
        let declared = learnt.map_or_else(
            || declared(age, state.arrives, state.settles),
            |(low, ..)| low.min(1.0),
        );
        if declared < LEAST {
            return None;
        }
        let aged = self.assemble(evidence, &questions, &calendar, newest, Some(age));
        if aged.ok()?.past() >= same_age(newest.grain) {
            return None;
        }
        let mut view = self
            .assemble(evidence, &questions, &calendar, newest, None)
            .ok()?;
        let last = view.at();
        for at in 0..last {
            if view.buckets[at].end + state.settles > evidence.now {
                view.columns[0][at] = f64::NAN;
            }
        }
        let seen = view.last(0);
        let share = HALF * declared;
        *view.columns[0].last_mut()? = seen / share;
        let Outcome::Known {
            status,
            mut finding,
            ..
        } = judge(&view)
        else {
            return None;
        };
        let fell = finding.now.observed < finding.now.low;
        if status == Status::Ok || !fell {
            return None;
        }
        // Told in what was seen, beside what must have been there by now at least.
        let now = &mut finding.now;
        for amount in [&mut now.expected, &mut now.low, &mut now.high] {
            *amount *= share;
        }
        now.observed = seen;
        finding.since_onset = finding.now;
        finding.since = newest;
        finding.buckets = 1;
        finding.shape = Shape::Count { value: seen };
        let outcome = Outcome::Known {
            status,
            finding,
            provisional: true,
        };
        Some(self.evaluation(&question.source, newest, outcome, view.seen_at))
    }
}
