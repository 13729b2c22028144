//! The compact parts of a tally: times by their text, sums by bucket and segment, and what stood
//! there before.

use std::collections::hash_map::{Entry, RandomState};
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher as _;
use std::sync::Arc;

use chrono::NaiveDate;

use crate::model::{
    Bucket, Grain, Name, Observation, Quality, Question, Segment, SeriesKey, masked_value,
};
use crate::source::Ask;
use crate::source::line::When;

use super::Columns;
use super::read::Row;

/// Different texts of times that are remembered: more of them are instants that hardly repeat.
const MOST_TEXTS: usize = 20_000;

/// When a line was counted, with the buckets it falls into.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    at: When,
    pub(super) day: NaiveDate,
    /// By hour, day and week; `None` outside of the window, and for the hour of a date.
    buckets: [Option<Bucket>; 3],
}

const GRAINS: [Grain; 3] = [Grain::Hour, Grain::Day, Grain::Week];

impl Time {
    /// Whether only the date is known.
    pub(super) fn is_day(&self) -> bool {
        matches!(self.at, When::Day(_))
    }

    /// The bucket within the window.
    pub(super) fn bucket(&self, grain: Grain) -> Option<&Bucket> {
        let place = GRAINS.iter().position(|one| *one == grain)?;
        self.buckets[place].as_ref()
    }
}

/// Times that were read, by their text: a date stands in thousands of lines.
#[derive(Debug, Default)]
pub(super) struct Times {
    texts: HashMap<String, Time>,
    buckets: HashMap<(Grain, i64), Bucket>,
}

impl Times {
    pub(super) fn read(&mut self, text: &str, ask: &Ask) -> Result<Time, String> {
        if let Some(known) = self.texts.get(text) {
            return Ok(*known);
        }
        let at = When::read(text, &ask.calendar, ask.now)?;
        let inside = |bucket: &Bucket| ask.window.contains(bucket.start);
        let time = Time {
            at,
            day: at.date(&ask.calendar),
            buckets: GRAINS.map(|grain| at.bucket(grain, &ask.calendar).filter(inside)),
        };
        for bucket in time.buckets.iter().flatten() {
            let key = (bucket.grain, bucket.start.timestamp());
            self.buckets.insert(key, *bucket);
        }
        if self.texts.len() >= MOST_TEXTS {
            self.texts.clear();
        }
        self.texts.insert(text.to_owned(), time);
        Ok(time)
    }

    /// A bucket that some line fell into, by its start.
    fn bucket(&self, grain: Grain, start: i64) -> Option<Bucket> {
        self.buckets.get(&(grain, start)).copied()
    }
}

/// Where each event and time stood first, as 64 bits of a hash with a fresh key: of a million lines
/// two differ in nothing else once in thirty million pulls, and then the next pull finds them fit.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    keys: RandomState,
    places: HashMap<u64, (u32, u32)>,
}

impl Repeats {
    /// Where a line of the same event, time and other columns stood before, if it did.
    pub(super) fn first(
        &mut self,
        event: Option<&str>,
        time: &Time,
        row: Row<'_>,
        columns: &Columns,
        place: (usize, u64),
    ) -> Option<(usize, u64)> {
        let mut hash = self.keys.hash_one((event, time.at));
        row.each(|column, value| {
            if !columns.holds(column) {
                // The order of columns is not part of what a line says.
                hash = hash.wrapping_add(self.keys.hash_one((column, value)));
            }
        });
        let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        match self.places.entry(hash) {
            Entry::Occupied(known) => {
                let (file, line) = *known.get();
                Some((file as usize, u64::from(line)))
            }
            Entry::Vacant(free) => {
                free.insert((small(place.0 as u64), small(place.1)));
                None
            }
        }
    }
}

/// The sums of one question by the start of the bucket and the number of the segment.
#[derive(Debug, Default)]
pub(super) struct Sums {
    values: BTreeMap<(i64, u32), f64>,
    numbers: BTreeMap<Segment, u32>,
    /// Numbers by the values as written: few differ, and cleaning each anew is slow.
    written: HashMap<String, u32>,
}

impl Sums {
    pub(super) fn add(
        &mut self,
        question: &Question,
        bucket: &Bucket,
        event: Option<&str>,
        row: Row<'_>,
        value: f64,
    ) {
        let number = if question.by.is_empty() {
            0
        } else {
            self.number(question, event, row)
        };
        let key = (bucket.start.timestamp(), number);
        *self.values.entry(key).or_default() += value;
    }

    fn number(&mut self, question: &Question, event: Option<&str>, row: Row<'_>) -> u32 {
        let value = |dimension: &Name| {
            let value = if dimension.as_str() == "event" {
                event
            } else {
                row.get(question.mapping.field(dimension))
                    .filter(|text| !text.is_empty())
            };
            value.unwrap_or("(not set)")
        };
        let written = question.by.iter().map(value).collect::<Vec<_>>().join("\0");
        if let Some(number) = self.written.get(&written) {
            return *number;
        }
        let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        let part = |dimension: &Name| (dimension.clone(), masked_value(value(dimension)));
        let segment = question.by.iter().map(part).collect();
        let number = *self.numbers.entry(segment).or_insert(next);
        if self.written.len() >= MOST_TEXTS {
            self.written.clear();
        }
        self.written.insert(written, number);
        number
    }

    /// Turns the sums into observations; of a breakdown the largest values and the rest.
    pub(super) fn answer(
        self,
        question: &Question,
        ask: &Ask,
        times: &Times,
        observations: &mut Vec<Observation>,
    ) {
        let (keys, of) = self.keys(question);
        let mut sums: BTreeMap<(i64, usize), f64> = BTreeMap::new();
        if !question.by.is_empty() {
            for ((start, number), value) in &self.values {
                let key = of.get(number).copied().unwrap_or_default();
                *sums.entry((*start, key)).or_default() += value;
            }
        }
        let plain = self.values.into_iter().filter(|_| question.by.is_empty());
        let all = plain
            .map(|((start, _), value)| ((start, 0), value))
            .chain(sums);
        observations.extend(all.filter_map(|((start, key), value)| {
            Some(Observation {
                series: Arc::clone(keys.get(key)?),
                bucket: times.bucket(question.grain, start)?,
                value,
                quality: Quality::plain(),
                seen_at: ask.now,
            })
        }));
    }

    /// The series of the answer, and the place of each segment among them (decision 26): the largest
    /// have their own, the others share that of the rest.
    fn keys(&self, question: &Question) -> (Vec<Arc<SeriesKey>>, HashMap<u32, usize>) {
        if question.by.is_empty() {
            return (vec![question.key(Segment::new())], HashMap::new());
        }
        let mut totals: BTreeMap<u32, f64> = BTreeMap::new();
        for ((_, number), value) in &self.values {
            *totals.entry(*number).or_default() += value.abs();
        }
        let total = |number: &u32| totals.get(number).copied().unwrap_or_default();
        let mut ranked: Vec<(&Segment, &u32)> = self.numbers.iter().collect();
        ranked.sort_by(|a, b| total(b.1).total_cmp(&total(a.1)).then_with(|| a.0.cmp(b.0)));
        let rest: Segment = question
            .by
            .iter()
            .map(|name| (name.clone(), "(rest)".to_owned()))
            .collect();
        let mut places: BTreeMap<&Segment, usize> = BTreeMap::new();
        let (mut keys, mut of) = (Vec::new(), HashMap::new());
        for (rank, (segment, number)) in ranked.into_iter().enumerate() {
            let own = rank < usize::from(question.top);
            let segment = if own { segment } else { &rest };
            let place = *places.entry(segment).or_insert_with(|| {
                keys.push(question.key(segment.clone()));
                keys.len() - 1
            });
            of.insert(*number, place);
        }
        (keys, of)
    }
}
