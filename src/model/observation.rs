//! Readings: a value of a bucket as seen at a time, with what the source said of its quality.

use std::sync::Arc;

use super::{Bucket, SeriesKey, Timestamp};
use chrono::TimeDelta;

/// A warning that a source attached to a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Flag {
    /// Extrapolated from this share (0 to 1) of the events.
    Sampled(f64),
    /// Rows were withheld to protect people.
    Thresholded,
    /// This share of the events (0 to 1; `NaN` never) sits in an `(other)` row.
    OtherRow(f64),
    /// A limit cut the answer.
    Truncated,
    /// Contains modelled users or conversions.
    Modelled,
    /// An estimate by design, such as distinct users.
    Estimated,
}

/// Everything a source said about the fitness of a number. Empty means none of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Quality {
    /// In no particular order, each kind at most once.
    pub flags: Vec<Flag>,
}

impl Quality {
    /// Nothing to remark.
    pub fn plain() -> Self {
        Self::default()
    }

    /// Why a total of this quality must not be judged; `None` when it may.
    /// Estimates and modelled values may be judged against their own past.
    pub fn unfit(&self) -> Option<String> {
        self.flags.iter().find_map(|flag| match flag {
            Flag::Sampled(share) => Some(format!(
                "sampled: {:.0}% of the events were read",
                share * 100.0
            )),
            Flag::Thresholded => Some("rows were withheld by the source (thresholding)".to_owned()),
            Flag::Truncated => Some("the answer was cut by a limit".to_owned()),
            Flag::OtherRow(share) if *share > 0.01 => Some(format!(
                "{:.0}% of the events sit in an \"(other)\" row",
                share * 100.0
            )),
            Flag::OtherRow(_) | Flag::Modelled | Flag::Estimated => None,
        })
    }
}

/// One value as a source gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Which series; one key for all its values, since there may be millions.
    pub series: Arc<SeriesKey>,
    /// Which bucket.
    pub bucket: Bucket,
    /// Finite and not negative for counts; sums may be negative.
    pub value: f64,
    /// What the source said of it.
    pub quality: Quality,
    /// When we saw it.
    pub seen_at: Timestamp,
}

/// A value from the store, of a series known from its context.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Which bucket.
    pub bucket: Bucket,
    /// The value.
    pub value: f64,
    /// What the source said of it.
    pub quality: Quality,
    /// When this value was first seen.
    pub seen_at: Timestamp,
}

impl Reading {
    /// How old the bucket was, counted from its end, when this value was first seen.
    pub fn age(&self) -> TimeDelta {
        self.seen_at - self.bucket.end
    }
}

/// Which readings of a bucket are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// The newest known at this time.
    Time(Timestamp),
    /// The newest known when each bucket had this age, counted from its end.
    Age(TimeDelta),
    /// All of them, oldest first.
    Every,
}
