//! What a pass judges, and what it says of each bucket.

use super::law::Law;
use super::{Cycle, Expected, Judgement, PUT_BACK, Scored, Sensitivity};

/// One bucket as it is taken in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bucket {
    pub(super) value: f64,
    /// Trials or the other system; one where nothing is measured against.
    pub(super) exposure: f64,
    pub(super) usable: bool,
    pub(super) special: u8,
}

/// Values and what they are measured against, as far as they were taken in.
#[derive(Debug, Clone)]
pub(super) struct Input {
    pub(super) law: Law,
    pub(super) values: Vec<f64>,
    /// Trials or the other system; empty for counts, of which every bucket has an exposure of one.
    exposures: Vec<f64>,
    pub(super) usable: Vec<bool>,
    /// What people put back; as long as the first bucket of it that was taken in needs.
    put_back: Vec<bool>,
    pub(super) special: Vec<u8>,
    /// Buckets after which the cycle repeats.
    pub(super) period: usize,
    /// Place of index 0 in the cycle.
    pub(super) first_slot: usize,
}

impl Input {
    pub(super) fn new(law: Law, cycle: Cycle, room: usize) -> Self {
        let paired = if law == Law::Count { 0 } else { room };
        Self {
            law,
            values: Vec::with_capacity(room),
            exposures: Vec::with_capacity(paired),
            usable: Vec::with_capacity(room),
            put_back: Vec::new(),
            special: Vec::with_capacity(room),
            period: cycle.period(),
            first_slot: cycle.first(),
        }
    }

    pub(super) fn push(&mut self, bucket: &Bucket) {
        self.values.push(bucket.value);
        if self.law != Law::Count {
            self.exposures.push(bucket.exposure);
        }
        self.usable.push(bucket.usable);
        let back = bucket.special == PUT_BACK;
        if back {
            self.put_back.resize(self.special.len() + 1, false);
            self.put_back[self.special.len()] = true;
        }
        self.special.push(if back { 0 } else { bucket.special });
    }

    /// Whether people put a bucket back.
    pub(super) fn is_put_back(&self, at: usize) -> bool {
        self.put_back.get(at).copied().unwrap_or(false)
    }

    pub(super) fn exposure(&self, at: usize) -> f64 {
        if self.law == Law::Count {
            1.0
        } else {
            self.exposures[at]
        }
    }

    pub(super) fn slot(&self, at: usize) -> usize {
        (at + self.first_slot) % self.period
    }

    /// Value and exposure, if the bucket is there.
    pub(super) fn seen(&self, at: usize) -> Option<(f64, f64)> {
        let (value, exposure) = (self.values[at], self.exposure(at));
        (value.is_finite() && exposure.is_finite()).then_some((value, exposure))
    }

    /// Bytes a bucket takes here.
    pub(super) fn bytes(&self) -> usize {
        let floats = if self.law == Law::Count { 1 } else { 2 };
        floats * size_of::<f64>() + size_of::<bool>() + size_of::<u8>()
    }
}

/// What the engine says of one bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Verdict {
    pub(super) score: f64,
    /// First bucket of the trouble; the bucket itself when all is well.
    pub(super) since: usize,
    /// Whether there is more than expected.
    pub(super) upward: bool,
}

impl Verdict {
    pub(super) fn well(at: usize) -> Self {
        Self {
            score: 0.0,
            since: at,
            upward: false,
        }
    }

    /// This, or what another statistic says if that is louder.
    pub(super) fn or_louder(self, other: Option<Self>) -> Self {
        other
            .filter(|other| other.score > self.score)
            .unwrap_or(self)
    }

    pub(super) fn scored(self) -> Scored {
        let alarm = self.score >= Sensitivity::Normal.level();
        Scored {
            score: self.score,
            since: self.since,
            alarm,
        }
    }
}

/// A verdict with the sums behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Report {
    pub(super) verdict: Verdict,
    /// The newest bucket, and its exposure.
    pub(super) now: (Expected, f64),
    /// Everything since `verdict.since`, and its exposure.
    pub(super) total: (Expected, f64),
    /// Buckets that taught.
    pub(super) weight: u32,
    /// Minus the logarithm of the chance that makes a score of one.
    pub(super) budget: f64,
}

impl Report {
    /// The public form of it, for sums.
    pub(super) fn judgement(&self, sensitivity: Sensitivity) -> Judgement {
        self.convert(sensitivity, |expected, _| expected)
    }

    /// The same with each of the four numbers taken as a share of the exposure.
    pub(super) fn shares(&self, sensitivity: Sensitivity, misses: bool) -> Judgement {
        self.convert(sensitivity, |sums, exposure| {
            let share = |value: f64| {
                let part = if exposure > 0.0 {
                    value / exposure
                } else {
                    0.0
                };
                if misses { 1.0 - part } else { part }
            };
            let (low, high) = if misses {
                (sums.high, sums.low)
            } else {
                (sums.low, sums.high)
            };
            Expected {
                observed: share(sums.observed),
                expected: share(sums.expected),
                low: share(low),
                high: share(high),
            }
        })
    }

    fn convert(
        &self,
        sensitivity: Sensitivity,
        form: impl Fn(Expected, f64) -> Expected,
    ) -> Judgement {
        let score = self.verdict.score;
        Judgement {
            now: form(self.now.0, self.now.1),
            total: form(self.total.0, self.total.1),
            since: self.verdict.since,
            p: (-score * self.budget).exp().clamp(f64::MIN_POSITIVE, 1.0),
            score,
            alarm: score >= sensitivity.level(),
            weight: self.weight,
        }
    }
}
