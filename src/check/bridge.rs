//! The parts of the gap between two systems that can be measured: what leads from the baseline to the
//! other system, bucket by bucket.

use std::collections::BTreeMap;

use crate::model::{
    Bridge, Bucket, Grain, Ground, Mapping, Measure, Name, Part, PartKind, Question, Subject,
    Timestamp,
};
use crate::plan::{Compare, Event, Plan};
use crate::stats::median;

use super::Evidence;
use super::question::daily;
use super::shape::{Core, View};

/// Past buckets of the same age without which nothing is said of what is still to come.
const ENOUGH: usize = 14;

/// Hours of a day whose counts must be known to move its boundary.
const HOURS: usize = 23;

/// What the parts are measured by, beside the counts of both systems. A question that its source
/// cannot answer leaves its part out; it never stands in the way of the comparison.
pub(super) struct Parts {
    other: Name,
    baseline: Name,
    /// Repeats in the other system and in the baseline.
    repeats: [Option<Question>; 2],
    /// Visitors of the other system: those who consent, and all.
    consent: Option<(Question, Question)>,
    /// The baseline by the hour.
    hours: Question,
}

/// The parts of one bucket, signed.
pub(super) type Signed = BTreeMap<PartKind, (f64, Ground)>;

impl Parts {
    /// Repeats are asked where the check of duplicates asks them anyway, and consent where the
    /// comparison says that the other systems count only who consents.
    pub(super) fn of(
        plan: &Plan,
        compare: &Compare,
        event: &Event,
        other: &Name,
        baseline: &Question,
    ) -> Self {
        let home = plan.home(event);
        let repeats = |source: &Name| {
            let unique = event.unique.clone()?;
            (home.as_ref() == Some(source)).then_some(())?;
            let mapping = plan.mapping(&event.name, source)?;
            Some(daily(
                &event.name,
                source,
                mapping,
                Measure::Repeats(unique),
            ))
        };
        let watches = plan
            .sources
            .iter()
            .any(|source| source.event_named && source.decl.name == *other);
        let sessions = |measure| {
            let mapping = Mapping::default();
            Question::total(other, Subject::Sessions, mapping, measure, Grain::Day)
        };
        Self {
            other: other.clone(),
            baseline: baseline.source.clone(),
            repeats: [repeats(other), repeats(&baseline.source)],
            consent: (compare.consent && watches)
                .then(|| (sessions(Measure::Consented), sessions(Measure::Count))),
            hours: Question {
                grain: Grain::Hour,
                ..baseline.clone()
            },
        }
    }

    /// What else must be known.
    pub(super) fn questions(&self) -> Vec<&Question> {
        let consent = self.consent.iter().flat_map(|(some, all)| [some, all]);
        self.repeats.iter().flatten().chain(consent).collect()
    }

    /// The parts of every bucket of a view; its columns are the other system, the baseline, then what
    /// is out of scope of the baseline.
    pub(super) fn measured(&self, evidence: &Evidence<'_>, view: &View) -> Vec<Signed> {
        let beside = |question: &Question| Core::beside(evidence, question, view);
        let repeats = self.repeats.each_ref().map(|one| one.as_ref().map(beside));
        let consent = self
            .consent
            .as_ref()
            .map(|(some, all)| (beside(some), beside(all)));
        let boundary = self.boundary(evidence, view);
        let parts = |at: usize| {
            let mut found = Signed::new();
            let mut add = |kind, count: f64, ground| {
                if count.is_finite() && count.round() != 0.0 {
                    let known = found.entry(kind).or_insert((0.0, ground));
                    known.0 += count.round();
                }
            };
            let out: f64 = view.columns[2..].iter().map(|column| column[at]).sum();
            add(PartKind::Excluded, -out, Ground::Measured);
            for (values, sign) in repeats.iter().zip([1.0, -1.0]) {
                if let Some(values) = values {
                    add(PartKind::Duplicates, sign * values[at], Ground::Measured);
                }
            }
            if let Some((some, all)) = &consent {
                let refused = 1.0 - some[at] / all[at];
                let scope = view.columns[1][at] - if out.is_finite() { out } else { 0.0 };
                if (0.0..=1.0).contains(&refused) {
                    add(PartKind::Consent, -scope * refused, Ground::Estimated);
                }
            }
            if let Some(moved) = boundary.get(&view.buckets[at].label.date()) {
                add(PartKind::DayBoundary, *moved, Ground::Measured);
            }
            found
        };
        (0..view.buckets.len()).map(parts).collect()
    }

    /// The bridge of the newest bucket.
    /// `asked` are the counts of the other system and of the baseline.
    pub(super) fn bridge(
        &self,
        evidence: &Evidence<'_>,
        view: &View,
        parts: &[Signed],
        asked: [&Question; 2],
    ) -> Bridge {
        let part = |(kind, (count, ground)): (&PartKind, &(f64, Ground))| Part {
            kind: *kind,
            count: whole(*count),
            ground: *ground,
        };
        let newest = parts.last();
        let mut parts: Vec<Part> = newest.into_iter().flatten().map(part).collect();
        let coming = |question: &Question| Core::still_to_come(evidence, question, view, ENOUGH);
        let to_come = asked.map(coming).map(Option::unwrap_or_default);
        let to_come = to_come[0] - to_come[1];
        if view.provisional && to_come.round() != 0.0 {
            parts.push(Part {
                kind: PartKind::StillToCome,
                count: -whole(to_come),
                ground: Ground::Estimated,
            });
        }
        Bridge {
            from: self.baseline.clone(),
            to: self.other.clone(),
            baseline: whole(view.last(1)),
            other: whole(view.last(0)),
            parts,
        }
    }

    /// By how many events the baseline's day is moved by the other system's day boundary, by day.
    fn boundary(&self, evidence: &Evidence<'_>, view: &View) -> BTreeMap<chrono::NaiveDate, f64> {
        let zone = |source: &Name| evidence.sources.get(source).and_then(|state| state.zone);
        let mut found = BTreeMap::new();
        if zone(&self.other) == zone(&self.baseline) || view.bucket.grain != Grain::Day {
            return found;
        }
        let hours: BTreeMap<Timestamp, f64> = evidence
            .total(&self.hours)
            .iter()
            .map(|one| (one.bucket.start, one.value))
            .collect();
        let ours = |source: &Name| {
            zone(source).map_or_else(|| evidence.calendar.clone(), crate::model::Calendar::new)
        };
        let (theirs, ours) = (ours(&self.other), ours(&self.baseline));
        let count = |day: &Bucket| {
            let within: Vec<f64> = hours.range(day.start..day.end).map(|(_, v)| *v).collect();
            (within.len() >= HOURS).then(|| within.iter().sum::<f64>())
        };
        for bucket in &view.buckets {
            let date = bucket.label.date();
            if let (Some(there), Some(here)) = (count(&theirs.day(date)), count(&ours.day(date))) {
                found.insert(date, there - here);
            }
        }
        found
    }
}

/// The baseline less what is explained: what the other system should show.
pub(super) fn explained(baseline: f64, parts: &Signed) -> f64 {
    let sum: f64 = parts.values().map(|(count, _)| count).sum();
    (baseline + sum).max(0.0)
}

#[expect(clippy::cast_possible_truncation, reason = "counts lie far below 2^53")]
fn whole(value: f64) -> i64 {
    value.round() as i64
}

/// The middle of shares; `None` for fewer than `least`.
pub(super) fn middle(mut shares: Vec<f64>, least: usize) -> Option<f64> {
    (shares.len() >= least)
        .then(|| median(&mut shares))
        .flatten()
}
