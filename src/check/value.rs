//! A check of the values of one breakdown: which of them break a rule, and how much of all they are.

use chrono::Duration;

use crate::model::{
    Amount, Calendar, Evaluation, Explained, Finding, Gap, Grain, Name, Outcome, Question,
    Reference, Shape, Status, Timestamp, Unit, Window,
};

use super::shape::Core;
use super::{Check, Evidence, Label, Need};

/// Days that are looked at together.
const DAYS: i64 = 7;

/// Lines that are explained at most.
const MOST: usize = 20;

/// Why a value is wrong, given all values with their counts; `None` when it is right.
pub(super) type Verdict = Box<dyn Fn(&str, &[(String, f64)]) -> Option<String> + Send + Sync>;

/// Values of one dimension, judged one by one.
pub(super) struct Values {
    pub(super) core: Core,
    /// Split by one dimension.
    pub(super) question: Question,
    pub(super) verdict: Verdict,
    /// Warns above this share; `None` for any.
    pub(super) limit: f64,
}

impl Check for Values {
    fn label(&self) -> &Label {
        &self.core.label
    }

    fn needs(&self, now: Timestamp, calendar: &Calendar) -> Vec<Need> {
        let from = calendar
            .day(calendar.local(now).date() - Duration::days(DAYS))
            .start;
        vec![Need {
            busy_only: false,
            filled_only: false,
            changes_only: false,
            question: self.question.clone(),
            window: Window { from, to: now },
        }]
    }

    fn evaluate(&self, evidence: &Evidence<'_>) -> Vec<Evaluation> {
        let source = &self.question.source;
        let bucket = evidence
            .calendar
            .previous(&evidence.calendar.bucket(Grain::Day, evidence.now));
        let failure = evidence
            .sources
            .get(source)
            .and_then(|state| state.failure.clone());
        let lines = evidence.lines(&self.question);
        let seen_at = lines
            .iter()
            .flat_map(|line| &line.readings)
            .map(|one| one.seen_at)
            .max();
        let outcome = match failure {
            Some(why) => Outcome::NoData(Gap::SourceFailed { why }),
            None if seen_at.is_none() => Outcome::NoData(Gap::NeverSeen),
            None => self.judge(evidence, bucket),
        };
        vec![
            self.core
                .evaluation(source, bucket, outcome, seen_at.unwrap_or(evidence.now)),
        ]
    }
}

impl Values {
    fn judge(&self, evidence: &Evidence<'_>, bucket: crate::model::Bucket) -> Outcome {
        let from = bucket.date() - Duration::days(DAYS - 1);
        let counted: Vec<(String, f64)> = evidence
            .lines(&self.question)
            .iter()
            .filter_map(|line| {
                let value = line.segment.values().next()?.clone();
                let recent = line
                    .readings
                    .iter()
                    .filter(|one| one.bucket.date() >= from && one.bucket.date() <= bucket.date());
                Some((value, recent.map(|one| one.value).sum()))
            })
            .filter(|(_, count)| *count > 0.0)
            .collect();
        let all: f64 = counted.iter().map(|(_, count)| count).sum();
        let mut wrong: Vec<(&str, String, f64)> = counted
            .iter()
            .filter(|(value, _)| !matches!(value.as_str(), "(rest)" | "(masked)"))
            .filter_map(|(value, count)| {
                Some((value.as_str(), (self.verdict)(value, &counted)?, *count))
            })
            .collect();
        wrong.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(b.0)));
        let bad: f64 = wrong.iter().map(|one| one.2).sum();
        let share = if all > 0.0 { bad / all } else { 0.0 };
        let now = Amount {
            observed: share,
            expected: 0.0,
            low: 0.0,
            high: self.limit,
        };
        let finding = Finding {
            shape: Shape::Ratio { k: bad, n: all },
            unit: Unit::Share,
            now,
            since_onset: now,
            since: bucket,
            buckets: 1,
            p: None,
            compared_with: Reference::Limit { limit: self.limit },
            segments: Vec::new(),
            details: wrong.into_iter().take(MOST).map(explained).collect(),
            bridge: None,
            sides: None,
        };
        // What is only reported shows its lines and never alarms.
        let status = if share > self.limit && !self.core.label.report_only {
            Status::Warning
        } else {
            Status::Ok
        };
        Outcome::Known {
            status,
            finding: Box::new(finding),
            provisional: false,
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts lie far below 2^53"
)]
fn explained((value, why, count): (&str, String, f64)) -> Explained {
    Explained {
        what: Name::clean(value),
        why,
        count: count.max(0.0).round() as u64,
    }
}
