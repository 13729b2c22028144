//! Evidence made by a function of question and bucket, judged by every check of a plan.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use truecount::check::{self, Evidence, Line, SourceState};
use truecount::model::{
    Bucket, Evaluation, Mark, Name, Quality, Question, Reading, Segment, Timestamp,
};
use truecount::plan::Plan;

use super::resolved;

/// What there is to be known.
pub(crate) struct Bench {
    pub(crate) now: Timestamp,
    pub(crate) arrives: TimeDelta,
    pub(crate) settles: TimeDelta,
    pub(crate) marks: Vec<Mark>,
}

impl Bench {
    pub(crate) fn at(now: &str) -> Self {
        Self {
            now: now.parse().unwrap(),
            arrives: TimeDelta::minutes(5),
            settles: TimeDelta::minutes(5),
            marks: Vec::new(),
        }
    }

    /// All evaluations of a plan, where `value` says what a source knows of a bucket.
    pub(crate) fn judge(
        &self,
        plan: &str,
        value: impl Fn(&Question, &Bucket) -> Option<f64>,
    ) -> Vec<Evaluation> {
        let mut seen = Vec::new();
        let checks = check::checks(&resolved(plan).0);
        self.with_evidence(plan, value, |evidence| {
            seen.extend(checks.iter().flat_map(|check| check.evaluate(evidence)));
        });
        seen
    }

    /// Hands over what there is to be known for a plan.
    pub(crate) fn with_evidence(
        &self,
        plan: &str,
        value: impl Fn(&Question, &Bucket) -> Option<f64>,
        then: impl FnOnce(&Evidence<'_>),
    ) {
        let (plan, complaints) = resolved(plan);
        assert!(complaints.is_empty(), "{complaints:?}");
        self.evidence_of(&plan, value, then);
    }

    /// As [`Bench::with_evidence`], for a plan that is already understood.
    pub(crate) fn evidence_of(
        &self,
        plan: &Plan,
        value: impl Fn(&Question, &Bucket) -> Option<f64>,
        then: impl FnOnce(&Evidence<'_>),
    ) {
        let calendar = &plan.project.calendar;
        let checks = check::checks(plan);
        let mut history: BTreeMap<Question, Vec<Line>> = BTreeMap::new();
        for need in checks
            .iter()
            .flat_map(|check| check.needs(self.now, calendar))
        {
            let buckets = calendar.buckets(need.question.grain, need.window);
            let known = buckets
                .into_iter()
                .filter(|bucket| bucket.end + self.arrives <= self.now);
            let readings: Vec<Reading> = known
                .filter_map(|bucket| {
                    Some(Reading {
                        value: value(&need.question, &bucket)?,
                        bucket,
                        quality: Quality::plain(),
                        seen_at: bucket.end + self.arrives,
                    })
                })
                .collect();
            let line = Line {
                segment: Segment::new(),
                readings,
            };
            let longer = history
                .get(&need.question)
                .is_none_or(|known| known[0].readings.len() < line.readings.len());
            if longer {
                history.insert(need.question, vec![line]);
            }
        }
        let state = SourceState {
            last_success: Some(self.now),
            last_try: Some(self.now),
            arrives: self.arrives,
            settles: self.settles,
            ..SourceState::default()
        };
        let sources: BTreeMap<Name, SourceState> = plan
            .sources
            .iter()
            .map(|source| (source.decl.name.clone(), state.clone()))
            .collect();
        let evidence = Evidence {
            now: self.now,
            calendar,
            history: &history,
            vintages: &history,
            changes: &BTreeMap::new(),
            unanswerable: &BTreeMap::new(),
            sources: &sources,
            marks: &self.marks,
            troubled: &BTreeMap::new(),
        };
        then(&evidence);
    }
}

/// The one evaluation of a check.
pub(crate) fn of<'a>(seen: &'a [Evaluation], check: &str) -> &'a Evaluation {
    let mut mine = seen
        .iter()
        .filter(|one| one.check.as_str() == check && !one.witness);
    let first = mine
        .next()
        .unwrap_or_else(|| panic!("no evaluation of {check}: {seen:#?}"));
    assert!(mine.next().is_none(), "several evaluations of {check}");
    first
}

/// A number that looks like noise and is the same every time, about normal with spread 1.
pub(crate) fn noise(of: i64) -> f64 {
    let mut state = of.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut sum = -6.0;
    for _ in 0..12 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        sum += (state >> 33) as f64 / f64::from(1_u32 << 31);
    }
    sum
}
