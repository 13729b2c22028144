//! Which buckets of what was covered are absent, and therefore zero.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::TimeDelta;

use crate::model::{
    Bucket, Calendar, Grain, Measure, Name, Observation, Quality, Question, Segment, SeriesKey,
    Subject, Timestamp, Window,
};

/// What tells the series of one question from those of another.
type Family<'a> = (&'a Subject, &'a Measure, Grain, &'a [Name], u64);

/// What is known of each question that was covered.
pub(super) struct Known<'a> {
    covered: &'a [(Question, Window)],
    places: HashMap<Family<'a>, usize>,
    /// Starts of the buckets that have a value, by segment; one for each family.
    starts: Vec<BTreeMap<&'a Segment, Vec<Timestamp>>>,
}

fn family(question: &Question) -> Family<'_> {
    (
        &question.subject,
        &question.measure,
        question.grain,
        &question.by,
        question.definition(),
    )
}

impl<'a> Known<'a> {
    /// Sorts what was observed by question and segment, in one pass.
    pub(super) fn new(covered: &'a [(Question, Window)], observed: &'a [Observation]) -> Self {
        let mut places = HashMap::new();
        for (question, _) in covered {
            let next = places.len();
            places.entry(family(question)).or_insert(next);
        }
        let mut starts: Vec<BTreeMap<&Segment, Vec<Timestamp>>> =
            vec![BTreeMap::new(); places.len()];
        // Values of one series mostly follow each other and share their key.
        let mut last: Option<(&Arc<SeriesKey>, Option<usize>)> = None;
        for one in observed {
            let key = &one.series;
            let place = match last {
                Some((known, place)) if Arc::ptr_eq(known, key) => place,
                _ => places
                    .get(&(
                        &key.subject,
                        &key.measure,
                        key.grain,
                        key.dimensions.as_slice(),
                        key.definition,
                    ))
                    .copied(),
            };
            last = Some((key, place));
            if let Some(place) = place {
                let seen = starts[place].entry(&key.segment).or_default();
                seen.push(one.bucket.start);
            }
        }
        for seen in starts.iter_mut().flat_map(BTreeMap::values_mut) {
            seen.sort_unstable();
        }
        Self {
            covered,
            places,
            starts,
        }
    }

    /// A zero for each bucket that is absent and must have arrived.
    pub(super) fn absent(
        &self,
        calendar: &Calendar,
        now: Timestamp,
        arrives: TimeDelta,
    ) -> Vec<Observation> {
        let mut cut: HashMap<(Grain, Timestamp, Timestamp), Vec<Bucket>> = HashMap::new();
        let mut added = Vec::new();
        let total = Segment::new();
        for (question, window) in self.covered {
            let Some(known) = self
                .places
                .get(&family(question))
                .and_then(|place| self.starts.get(*place))
            else {
                continue;
            };
            let buckets = cut
                .entry((question.grain, window.from, window.to))
                .or_insert_with(|| {
                    let all = calendar.buckets(question.grain, *window).into_iter();
                    all.take_while(|bucket| bucket.end + arrives <= now)
                        .collect()
                });
            let lonely = (question.by.is_empty() && !known.contains_key(&total))
                .then_some((&total, &[][..]));
            let segments = known
                .iter()
                .map(|(segment, seen)| (*segment, seen.as_slice()));
            for (segment, seen) in segments.chain(lonely) {
                let mut series: Option<Arc<SeriesKey>> = None;
                for bucket in buckets.iter() {
                    if seen.binary_search(&bucket.start).is_ok() {
                        continue;
                    }
                    let series = series.get_or_insert_with(|| question.key(segment.clone()));
                    added.push(Observation {
                        series: Arc::clone(series),
                        bucket: *bucket,
                        value: 0.0,
                        quality: Quality::plain(),
                        seen_at: now,
                    });
                }
            }
        }
        added
    }
}
