//! Numbers in, numbers out: the statistics of the three shapes. Imports no other room.
//!
//! Knows no event, no date and no TOML. Slices are aligned: index `i` of every slice is the same
//! bucket, oldest first. **A missing bucket is `NaN`**; this is the only room in which `NaN` may
//! stand for "not there". Nothing here allocates in its inner loops, reads a clock or panics.

pub mod tail;

pub mod rare;

pub mod count;

pub mod ratio;

pub mod pair;

pub mod maturity;

pub mod many;

pub mod blame;

pub mod power;

pub mod trial;

pub mod grade;

mod engine;
mod input;
mod law;
mod level;
mod order;
mod peak;
mod tuning;
mod watch;

pub use order::{mad, median};
pub use watch::{Lesson, Point, Watch};

/// Classes of special days from here on are days of a name that somebody gave them. They need not be
/// like a day off: once one was seen, only those of the same class say what to expect.
pub const NAMED: u8 = 3;

/// Where index 0 of a series lies in its cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cycle {
    /// Hourly buckets; hour of the week of index 0, 0 to 167, Monday 00:00 is 0.
    Hourly(u8),
    /// Daily buckets; weekday of index 0, Monday is 0.
    Daily(u8),
    /// No known cycle (weekly buckets).
    Plain,
}

impl Cycle {
    /// Buckets after which the cycle repeats.
    pub const fn period(self) -> usize {
        match self {
            Self::Hourly(_) => 168,
            Self::Daily(_) => 7,
            Self::Plain => 1,
        }
    }

    /// The cycle of what is left when this many of the oldest buckets are taken away.
    #[must_use]
    pub const fn shifted(self, by: usize) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "at most 167")]
        match self {
            Self::Hourly(first) => Self::Hourly(((first as usize + by) % 168) as u8),
            Self::Daily(first) => Self::Daily(((first as usize + by) % 7) as u8),
            Self::Plain => Self::Plain,
        }
    }

    /// Place of index 0 in the cycle.
    pub const fn first(self) -> usize {
        match self {
            Self::Hourly(hour) => hour as usize,
            Self::Daily(weekday) => weekday as usize,
            Self::Plain => 0,
        }
    }
}

/// The class of an ordinary bucket that people put back: what a run of trouble withheld of it is taught
/// once the run is over.
pub const PUT_BACK: u8 = u8::MAX;

/// A series of counts or sums, oldest first.
#[derive(Debug, Clone, Copy)]
pub struct Series<'a> {
    /// The values; `NaN` is a missing bucket.
    pub values: &'a [f64],
    /// Whether a bucket may teach: false for incidents that people confirmed. It is still evidence: a
    /// run of trouble goes through it and is not taken for the new normal. A bucket that must not be
    /// looked at either (ignored, marked, incomplete) is `NaN`. Same length as `values`.
    pub usable: &'a [bool],
    /// 0 for an ordinary bucket, otherwise a class of special day (holidays of one kind share a
    /// class), or [`PUT_BACK`]. Same length as `values`.
    pub special: &'a [u8],
    /// Position of index 0.
    pub cycle: Cycle,
}

/// Two aligned series: k of n for ratios, a against b for pairs.
#[derive(Debug, Clone, Copy)]
pub struct Paired<'a> {
    /// k, or the system that is held against the baseline.
    pub first: &'a [f64],
    /// n, or the baseline.
    pub second: &'a [f64],
    /// As in [`Series`].
    pub usable: &'a [bool],
    /// As in [`Series`].
    pub special: &'a [u8],
    /// As in [`Series`].
    pub cycle: Cycle,
}

impl Paired<'_> {
    /// Bucket `at`.
    fn point(&self, at: usize) -> Point {
        Point {
            first: self.first[at],
            second: self.second[at],
            usable: self.usable[at],
            special: self.special[at],
        }
    }
}

/// How readily a judgement alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sensitivity {
    /// About a quarter of the usual false alarms.
    Quiet,
    /// The promise of the plan.
    #[default]
    Normal,
    /// About four times the usual false alarms.
    Strict,
}

impl Sensitivity {
    /// The score from which a bucket alarms.
    pub const fn level(self) -> f64 {
        match self {
            Self::Quiet => 1.2,
            Self::Normal => 1.0,
            Self::Strict => 0.8,
        }
    }
}

/// Four numbers that a person can check.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    /// Seen.
    pub observed: f64,
    /// Expected.
    pub expected: f64,
    /// Lower end of the range that holds 99% of ordinary buckets.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What one shape's statistic says of the newest bucket, having seen nothing later.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// The newest bucket.
    pub now: Expected,
    /// Everything from `since` to the newest bucket.
    pub total: Expected,
    /// Index of the first bucket of the run of trouble; the newest bucket when all is well.
    pub since: usize,
    /// Two-sided tail probability of the whole run, 0 to 1.
    pub p: f64,
    /// Comparable over series of one type: higher is worse, 1 is the shipped alarm level of
    /// [`Sensitivity::Normal`].
    pub score: f64,
    /// Whether the score passes the level of the asked sensitivity.
    pub alarm: bool,
    /// How many past buckets carry the expectation.
    pub weight: u32,
}

/// What a sweep says of one bucket: the part of a [`Judgement`] that a backtest needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// As in [`Judgement`].
    pub score: f64,
    /// As in [`Judgement`].
    pub since: usize,
    /// As in [`Judgement`], at [`Sensitivity::Normal`].
    pub alarm: bool,
}

/// Why there is no judgement yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooFew {
    /// Usable buckets: have, need.
    Buckets(u32, u32),
    /// Events or trials: have, need.
    Events(u32, u32),
    /// The newest bucket itself is missing.
    Missing,
}
