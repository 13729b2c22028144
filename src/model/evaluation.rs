//! What a check found: a status with numbers, or the reason why there is none.

use super::{Bridge, Bucket, Name, Segment, Timestamp};
use chrono::NaiveDate;

/// How bad. Ordered from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// As expected.
    Ok,
    /// Look when there is time.
    Warning,
    /// Look now.
    Failing,
}

impl Status {
    /// `ok`, `warning` or `failing`: the word of stores and interfaces.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failing => "failing",
        }
    }

    /// Reads [`Status::word`] back.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Ok, Self::Warning, Self::Failing]
            .into_iter()
            .find(|status| status.word() == word)
    }
}

/// Why there is no judgement. Never zero, never green.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gap {
    /// Nothing was ever read.
    NeverSeen,
    /// The source is later than it usually is.
    Late {
        /// Start of the newest bucket that has a value.
        last: Timestamp,
    },
    /// The pull failed.
    SourceFailed {
        /// What went wrong, redacted.
        why: String,
    },
    /// Too little history or too few events to judge.
    TooFew {
        /// How many there are.
        have: u32,
        /// How many are needed.
        need: u32,
        /// What is counted: `days` or `events`.
        of: Unit,
        /// The day from which it can be judged, if it can be told.
        from: Option<NaiveDate>,
    },
    /// The source attached a warning that forbids judging, or cannot answer the question.
    Unfit {
        /// Such as `sampled: 25% of the events were read`.
        why: String,
    },
    /// The bucket is not final and there is no past of the same age to compare with.
    Settling {
        /// When it will be final.
        final_at: Timestamp,
    },
    /// Our own fault: a check panicked. Inhibits nothing.
    Broken {
        /// What happened.
        why: String,
    },
}

impl Gap {
    /// Whether the source itself is to blame, so that checks depending on it stay quiet.
    pub fn is_source_trouble(&self) -> bool {
        matches!(self, Self::Late { .. } | Self::SourceFailed { .. })
    }
}

/// What the numbers of a finding are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// Events, orders, sessions.
    Count,
    /// A share between 0 and 1.
    Share,
    /// An amount in major units of a currency, if it is known.
    Money(Option<String>),
    /// Days of history.
    Days,
    /// Hours since the newest value.
    Hours,
    /// Signed relative difference: (other - baseline) / baseline.
    Difference,
}

/// An observed number beside what was expected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Amount {
    /// Seen.
    pub observed: f64,
    /// Expected.
    pub expected: f64,
    /// Lower end of the expected range.
    pub low: f64,
    /// Upper end of the expected range.
    pub high: f64,
}

impl Amount {
    /// Relative change against the expectation, -1 for a full loss; `None` when nothing was expected.
    pub fn change(&self) -> Option<f64> {
        (self.expected.abs() > f64::EPSILON)
            .then(|| (self.observed - self.expected) / self.expected)
    }

    /// [`Amount::change`] in the finding's unit: of two differences, the change of what was compared.
    pub fn change_in(&self, unit: &Unit) -> Option<f64> {
        if *unit != Unit::Difference {
            return self.change();
        }
        let (seen, expected) = (1.0 + self.observed, 1.0 + self.expected);
        (expected > f64::EPSILON).then(|| seen / expected - 1.0)
    }

    /// Whether the observed number lies outside the expected range.
    pub fn outside(&self) -> bool {
        self.observed < self.low || self.observed > self.high
    }
}

/// The raw counts behind the newest value, by shape (decision 10).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// How many in a bucket.
    Count {
        /// The count.
        value: f64,
    },
    /// k of n.
    Ratio {
        /// Hits.
        k: f64,
        /// Trials.
        n: f64,
    },
    /// a against b.
    Pair {
        /// The other system.
        a: f64,
        /// The baseline.
        b: f64,
    },
}

/// What the newest value was compared with, in numbers a person can check.
#[derive(Debug, Clone, PartialEq)]
pub enum Reference {
    /// The last `count` buckets of the same kind (weekday, hour of week) in the history.
    SamePast {
        /// How many buckets carry weight.
        count: u32,
        /// Their kind in words: `Sundays`, `Mondays at 09:00`, `days`.
        of: String,
    },
    /// Past readings of the same age.
    SameAge {
        /// How many.
        count: u32,
    },
    /// A limit of the plan.
    Limit {
        /// The limit.
        limit: f64,
    },
    /// The learned gap between two systems.
    LearnedGap {
        /// Usual signed difference.
        usual: f64,
    },
    /// The clock.
    Clock,
}

/// How one segment contributes to a change.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentShare {
    /// The part.
    pub segment: Segment,
    /// Its own relative change.
    pub change: f64,
    /// The share of the whole change that it explains, 0 to 1 (may exceed 1).
    pub share: f64,
}

/// One explained line under a finding, such as a misspelt campaign and its canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// What was found, a name from data.
    pub what: Name,
    /// Why, or what it should be.
    pub why: String,
    /// How often in the bucket.
    pub count: u64,
}

/// The numbers of a judgement. Computed once, stored, printed everywhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Raw counts behind `now`.
    pub shape: Shape,
    /// What the amounts are.
    pub unit: Unit,
    /// The newest judged bucket.
    pub now: Amount,
    /// Everything since `since`.
    pub since_onset: Amount,
    /// First bucket outside the range in this run of trouble; the newest bucket when all is well.
    pub since: Bucket,
    /// How many buckets since then, the newest included.
    pub buckets: u32,
    /// Combined tail probability; `None` where a rule and not a statistic decides.
    pub p: Option<f64>,
    /// What it was compared with.
    pub compared_with: Reference,
    /// Segments that explain the change, largest share first.
    pub segments: Vec<SegmentShare>,
    /// Names and values behind a hygiene finding, most frequent first.
    pub details: Vec<Explained>,
    /// From one system to the other, for comparisons.
    pub bridge: Option<Bridge>,
    /// What each side of a comparison did by itself since the onset: the other system, the baseline.
    pub sides: Option<(Amount, Amount)>,
}

/// Whether the plan's alert budget held a finding back; then it is shown as "watched".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Free to alarm.
    No,
    /// Kept back.
    ByBudget,
}

/// A judgement, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Judged.
    Known {
        /// How bad.
        status: Status,
        /// The numbers.
        finding: Box<Finding>,
        /// Whether the bucket may still change.
        provisional: bool,
    },
    /// Not judged.
    NoData(Gap),
}

impl Outcome {
    /// The status, if there is one.
    pub fn status(&self) -> Option<Status> {
        match self {
            Self::Known { status, .. } => Some(*status),
            Self::NoData(_) => None,
        }
    }

    /// The numbers, if there are any.
    pub fn finding(&self) -> Option<&Finding> {
        match self {
            Self::Known { finding, .. } => Some(finding),
            Self::NoData(_) => None,
        }
    }
}

/// What makes this evaluation one more reason to open or close an incident (decision 21).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strike {
    /// When the newest reading behind the evaluation was first seen.
    pub data_seen_at: Timestamp,
    /// So unlikely (p < 1e-6), or a rule so plain, that one strike is enough.
    pub extreme: bool,
}

/// The result of a check for a bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The check, such as `purchase.volume`.
    pub check: Name,
    /// Its kind, such as `volume`.
    pub kind: Name,
    /// The plan's event, if it has one.
    pub event: Option<Name>,
    /// The source whose number is judged (for a pair: the system that is held against the baseline).
    pub source: Option<Name>,
    /// The part that is judged; empty for the total.
    pub segment: Segment,
    /// Who answers for it.
    pub owner: Option<Name>,
    /// Whether a primary conversion depends on it.
    pub primary: bool,
    /// Evaluated for the verdict and the bridge only; never alarms alone (decision 19).
    pub witness: bool,
    /// The newest bucket that was judged, or could not be.
    pub bucket: Bucket,
    /// What came out.
    pub outcome: Outcome,
    /// How it counts towards opening and closing.
    pub strike: Strike,
    /// Whether the budget held it back.
    pub held: Held,
}
