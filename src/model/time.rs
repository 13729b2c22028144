//! Instants, buckets and windows. All intervals are half-open: `from` included, `to` excluded.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use std::fmt;

/// An instant in UTC.
pub type Timestamp = DateTime<Utc>;

/// The width of a bucket. Weeks are ISO weeks and begin on Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grain {
    /// One local hour; 60 minutes, or two hours under one label where a source cuts it so.
    Hour,
    /// One local calendar day of 23, 24 or 25 hours.
    Day,
    /// Monday to Sunday.
    Week,
}

impl Grain {
    /// `hour`, `day` or `week`: the word used in TOML, stores and messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    /// Reads [`Grain::word`] back.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Hour, Self::Day, Self::Week]
            .into_iter()
            .find(|grain| grain.word() == word)
    }
}

/// One hour, day or week as cut in a zone. Ordered by its start.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// First instant, included.
    pub start: Timestamp,
    /// First instant that no longer belongs to the bucket.
    pub end: Timestamp,
    /// The width.
    pub grain: Grain,
    /// The local wall time at which the bucket is labelled: midnight for days and weeks.
    pub label: NaiveDateTime,
    /// The zone in which the bucket was cut.
    pub zone: Tz,
}

impl Bucket {
    /// The local date of the label.
    pub fn date(&self) -> NaiveDate {
        self.label.date()
    }

    /// True length: a day may last 23 or 25 hours.
    pub fn length(&self) -> TimeDelta {
        self.end - self.start
    }

    /// Whether `at` lies in the bucket.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }

    /// From start to end.
    pub fn window(&self) -> Window {
        Window {
            from: self.start,
            to: self.end,
        }
    }
}

impl PartialOrd for Bucket {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Bucket {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.start, self.grain, self.end).cmp(&(other.start, other.grain, other.end))
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.grain.word(), self.label, self.zone)
    }
}

/// A span of time, half-open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// Included.
    pub from: Timestamp,
    /// Excluded.
    pub to: Timestamp,
}

impl Window {
    /// Whether `at` lies in the window.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }

    /// Whether the two windows share an instant.
    pub fn overlaps(&self, other: &Window) -> bool {
        self.from < other.to && other.from < self.to
    }

    /// Length; never negative.
    pub fn length(&self) -> TimeDelta {
        (self.to - self.from).max(TimeDelta::zero())
    }
}
