//! What another system did in the very buckets of a trouble.

use crate::model::{Bucket, Evaluation, Outcome, Question, Unit};

use super::Evidence;
use super::shape::{Core, same_age};

impl Core {
    /// A count judged over the buckets in which another system is in trouble: its first and its newest
    /// one. `None` where it was not read then, or not at an age at which it can be judged.
    pub(super) fn alongside(
        &self,
        evidence: &Evidence<'_>,
        question: &Question,
        trouble: &(Bucket, Bucket),
    ) -> Option<Evaluation> {
        let (since, newest) = trouble;
        Self::fit(evidence, question).ok()?;
        let (calendar, _, _) = Self::newest(evidence, &[question], None);
        let bucket = calendar.bucket(newest.grain, calendar.instant(newest.label));
        let settles = Self::longest(evidence, &[question], |state| state.settles);
        let aged = (bucket.end + settles > evidence.now).then(|| evidence.now - bucket.end);
        let view = self.assemble(evidence, &[question], &calendar, bucket, aged);
        let view = view.ok()?;
        if aged.is_some() && view.past() < same_age(bucket.grain) {
            return None;
        }
        let mut outcome = view.count(&Unit::Count);
        let Outcome::Known { finding, .. } = &mut outcome else {
            return None;
        };
        let (from, total) = view.stretch(0, since)?;
        finding.since_onset = total;
        finding.since = *view.buckets.get(from)?;
        finding.buckets = u32::try_from(view.at() - from + 1).unwrap_or(u32::MAX);
        Some(self.evaluation(&question.source, bucket, outcome, view.seen_at))
    }
}
