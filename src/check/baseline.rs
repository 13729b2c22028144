//! Which buckets a judgement leaves out of its baseline, and why.

use chrono::TimeDelta;

use crate::model::{Baseline, Bucket, LeftOut, Question, Trouble};
use crate::stats::{Lesson, NAMED, PUT_BACK, Point, Watch};

use super::Evidence;
use super::grid::is_whole;
use super::shape::{Core, View};
use super::{holiday, special};

/// Why nobody looks at a bucket, whatever was counted in it; `alone` where a count stands by itself.
pub(super) fn closed(evidence: &Evidence<'_>, bucket: &Bucket, alone: bool) -> Option<LeftOut> {
    if special::is_left_out(evidence.calendar, bucket, alone) {
        Some(LeftOut::Planned)
    } else {
        (!is_whole(bucket)).then_some(LeftOut::Clocks)
    }
}

/// Names confirmed incidents where there is no other reason, and says which ordinary buckets people
/// put back.
pub(super) fn mark_incidents(
    troubled: &[Trouble],
    buckets: &[Bucket],
    left: &mut [Option<LeftOut>],
    classes: &mut [u8],
) {
    for ((bucket, left), class) in buckets.iter().zip(left).zip(classes) {
        let over = |one: &&Trouble| one.window.overlaps(&bucket.window());
        let one = troubled.iter().filter(over).find(|one| !one.put_back);
        let back = one.is_none() && troubled.iter().any(|one| over(&one));
        if back && left.is_none() && *class == 0 {
            *class = PUT_BACK;
        }
        let why = one.map(|one| LeftOut::Incident {
            number: one.number,
            real: one.real,
        });
        *left = left.take().or(why);
    }
}

impl Core {
    /// As [`Core::view`]; where the newest bucket cannot be judged, up to the newest that was read.
    pub(super) fn view_of_past(
        &self,
        evidence: &Evidence<'_>,
        questions: &[&Question],
        settle: Option<TimeDelta>,
    ) -> Option<View> {
        if let Ok(view) = self.view(evidence, questions, settle) {
            return Some(view);
        }
        let (calendar, _, _) = Self::newest(evidence, questions, settle);
        let ends = questions.iter().map(|one| evidence.total(one).last());
        let last = ends.min_by_key(|end| end.map(|one| one.bucket.start))??;
        self.assemble(evidence, questions, &calendar, last.bucket, None)
            .ok()
    }
}

impl View {
    /// What a pass over the first column leaves out, believing in the same noise as the judgement.
    pub(super) fn baseline_of_count(
        &self,
        evidence: &Evidence<'_>,
        of: &Question,
        noise: Option<f64>,
    ) -> Baseline {
        self.baseline(Watch::count_believing(self.cycle, noise), evidence, of)
    }

    /// What a pass over columns 0 and 1 as a share leaves out.
    pub(super) fn baseline_of_share(&self, evidence: &Evidence<'_>, of: &Question) -> Baseline {
        self.baseline(Watch::ratio(self.cycle), evidence, of)
    }

    /// What a pass over columns 0 and 1 as a pair leaves out.
    pub(super) fn baseline_of_pair(&self, evidence: &Evidence<'_>, of: &Question) -> Baseline {
        self.baseline(Watch::pair(self.cycle), evidence, of)
    }

    /// Runs the pass that judges, and asks what became of each bucket. Buckets of the first question
    /// that are younger than the view are not final.
    fn baseline(&self, mut watch: Watch, evidence: &Evidence<'_>, of: &Question) -> Baseline {
        let value = |column: usize, at: usize| self.columns.get(column).map_or(1.0, |one| one[at]);
        for at in 0..self.buckets.len() {
            watch.push(Point {
                first: value(0, at),
                second: value(1, at),
                usable: self.usable[at],
                special: self.special[at],
            });
        }
        let lessons = watch.lessons();
        let why = |at: usize| match (&self.left[at], lessons[at]) {
            (Some(why), _) => Some(why.clone()),
            (None, Lesson::Special) if self.special[at] == holiday::EVE => Some(LeftOut::Eve),
            (None, Lesson::Special) if self.special[at] >= NAMED => Some(LeftOut::Named),
            (None, Lesson::Special) => Some(LeftOut::Holiday),
            (None, Lesson::Odd | Lesson::Barred) => Some(LeftOut::Odd),
            (None, Lesson::Taught | Lesson::Missing) => None,
        };
        let mut left: Vec<(Bucket, Option<LeftOut>)> = (0..self.buckets.len())
            .map(|at| (self.buckets[at], why(at)))
            .collect();
        if let Some((_, why)) = left.last_mut().filter(|_| self.provisional) {
            why.get_or_insert(LeftOut::Unfinished);
        }
        let readings = evidence.total(of).iter();
        let younger = readings.filter(|one| one.bucket.label > self.bucket.label);
        left.extend(younger.map(|one| (one.bucket, Some(LeftOut::Unfinished))));
        let new_normal = watch.new_normal();
        Baseline::of(
            left,
            new_normal.and_then(|at| self.buckets.get(at).copied()),
        )
    }
}
