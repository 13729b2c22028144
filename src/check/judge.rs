//! What the statistics say of a view, as outcomes with numbers that a person can check.

use chrono::Duration;

use crate::model::{
    Amount, Bucket, Explained, Finding, Gap, Grain, Outcome, Reference, Shape, Status, Unit,
};
use crate::stats::{self, Expected, Judgement, Paired, Series, TooFew};

use super::Sight;
use super::shape::View;

/// Chance below which a limit is missed for certain and not by bad luck.
const CERTAIN: f64 = 0.001;

/// The same just after a release, when a fault is likely and a day counts.
const LIKELY: f64 = 0.01;

impl View {
    pub(super) fn at(&self) -> usize {
        self.buckets.len().saturating_sub(1)
    }

    /// The newest value of a column.
    pub(super) fn last(&self, column: usize) -> f64 {
        self.columns
            .get(column)
            .and_then(|values| values.last())
            .copied()
            .unwrap_or(f64::NAN)
    }

    /// Sums of the first two columns over the newest buckets.
    pub(super) fn sums(&self, buckets: usize) -> (f64, f64) {
        let sum = |column: usize| {
            let values = self.columns.get(column).map_or(&[][..], Vec::as_slice);
            let newest = values.iter().rev().take(buckets);
            newest.copied().filter(|value| value.is_finite()).sum()
        };
        (sum(0), sum(1))
    }

    /// The same with a column averaged over so many buckets up to each; where fewer than half of
    /// them are known, nothing is.
    pub(super) fn with_mean(&self, column: usize, buckets: usize) -> Self {
        let mut other = self.clone();
        if buckets < 2 {
            return other;
        }
        let values = &self.columns[column];
        other.columns[column] = (0..values.len())
            .map(|at| {
                let window = &values[(at + 1).saturating_sub(buckets)..=at];
                let known: Vec<f64> = window
                    .iter()
                    .copied()
                    .filter(|one| one.is_finite())
                    .collect();
                let enough = known.len() * 2 >= buckets && window.len() == buckets;
                if enough {
                    known.iter().sum::<f64>() / known.len() as f64
                } else {
                    f64::NAN
                }
            })
            .collect();
        other
    }

    /// Past buckets in which every column has a value.
    pub(super) fn past(&self) -> usize {
        (0..self.at())
            .filter(|at| self.columns.iter().all(|values| values[*at].is_finite()))
            .count()
    }

    /// Past buckets of the same kind (weekday, hour of the week) with values that may teach.
    fn alike(&self) -> u32 {
        let period = self.cycle.period();
        let same = (0..self.at()).rev().skip(period - 1).step_by(period);
        let teaches =
            |at: &usize| self.usable[*at] && self.columns.iter().all(|one| one[*at].is_finite());
        u32::try_from(same.filter(teaches).count()).unwrap_or(u32::MAX)
    }

    fn paired<'a>(&'a self, first: &'a [f64], second: &'a [f64]) -> Paired<'a> {
        Paired {
            first,
            second,
            usable: &self.usable,
            special: &self.special,
            cycle: self.cycle,
        }
    }

    /// The first column as a series.
    pub(super) fn series(&self) -> Series<'_> {
        Series {
            values: &self.columns[0],
            usable: &self.usable,
            special: &self.special,
            cycle: self.cycle,
        }
    }

    /// Judges the first column as a count, in both directions.
    pub(super) fn count(&self, unit: &Unit) -> Outcome {
        self.count_believing(unit, None)
    }

    /// The same, believing at first in a noise that like series have shown.
    pub(super) fn count_believing(&self, unit: &Unit, noise: Option<f64>) -> Outcome {
        let (series, at) = (self.series(), self.at());
        match stats::count::judge_believing(&series, at, self.sensitivity, noise) {
            Ok(judgement) => {
                let far = amount(&judgement.now)
                    .change()
                    .is_some_and(|change| change.abs() >= 0.3);
                let bad = if far || self.last(0) == 0.0 {
                    Status::Failing
                } else {
                    Status::Warning
                };
                let status = if judgement.alarm { bad } else { Status::Ok };
                let shape = Shape::Count {
                    value: self.last(0),
                };
                self.known(
                    status,
                    self.finding(shape, unit.clone(), &judgement, |one| amount(&one)),
                )
            }
            Err(why) => self.too_few(why),
        }
    }

    /// What a column did from a bucket on, against what was expected before that bucket.
    pub(super) fn stretch(&self, column: usize, since: &Bucket) -> Option<(usize, Amount)> {
        let from = self
            .buckets
            .iter()
            .position(|one| one.label >= since.label)?;
        let series = Series {
            values: self.columns.get(column)?,
            usable: &self.usable,
            special: &self.special,
            cycle: self.cycle,
        };
        let found = stats::count::stretch(&series, from, self.at()).ok()?;
        Some((from, amount(&found)))
    }

    /// What could be found in the first column as a daily count.
    pub(super) fn sight_of_count(&self) -> Option<Sight> {
        stats::power::of_count(&self.series(), self.sensitivity)
    }

    /// What could be found in column 0 as a part of column 1.
    pub(super) fn sight_of_share(&self) -> Option<Sight> {
        let paired = self.paired(&self.columns[0], &self.columns[1]);
        stats::power::of_share(&paired, self.sensitivity)
    }

    /// What could be found in column 0 against column 1.
    pub(super) fn sight_of_gap(&self) -> Option<Sight> {
        let paired = self.paired(&self.columns[0], &self.columns[1]);
        stats::power::of_gap(&paired, self.sensitivity)
    }

    /// How many were good, where column 0 counts the good or the bad ones of column 1.
    pub(super) fn good(&self, limits: Limits) -> Vec<f64> {
        let both = self.columns[0].iter().zip(&self.columns[1]);
        if limits.inverse {
            both.map(|(bad, all)| (all - bad).max(0.0)).collect()
        } else {
            both.map(|(k, n)| k.min(*n)).collect()
        }
    }

    /// Judges good of all (columns 0 and 1) by its own past and by what is allowed.
    pub(super) fn share(&self, limits: Limits) -> Outcome {
        let (all, good) = (&self.columns[1], self.good(limits));
        let (k, n) = (good.last().copied().unwrap_or(f64::NAN), self.last(1));
        let missed = |limit: f64| {
            let chance = if self.watched { LIKELY } else { CERTAIN };
            n >= 1.0 && k.is_finite() && stats::ratio::below_target(k, n, limit) < chance
        };
        let by_rule = if limits.fail.is_some_and(missed) {
            Some(Status::Failing)
        } else {
            limits
                .warn
                .filter(|limit| missed(*limit))
                .map(|_| Status::Warning)
        };
        let past = stats::ratio::judge(&self.paired(&good, all), self.at(), self.sensitivity);
        let turned = |one: Expected| {
            if limits.inverse {
                inverse(&one)
            } else {
                amount(&one)
            }
        };
        let shape = Shape::Ratio { k: self.last(0), n };
        match (past, by_rule) {
            (Ok(judgement), None) => {
                let status = if judgement.alarm && limits.change {
                    Status::Warning
                } else {
                    Status::Ok
                };
                self.known(status, self.finding(shape, Unit::Share, &judgement, turned))
            }
            (past, Some(status)) => {
                let limit = limits.warn.or(limits.fail).unwrap_or(1.0);
                let low = Expected {
                    observed: k / n,
                    expected: limit,
                    low: limit,
                    high: 1.0,
                };
                let judgement = past.unwrap_or(Judgement {
                    now: low,
                    total: low,
                    since: self.at(),
                    p: 1.0,
                    score: 0.0,
                    alarm: false,
                    weight: 0,
                });
                let mut finding = self.finding(shape, Unit::Share, &judgement, turned);
                finding.now = turned(low);
                finding.p = None;
                let shown = if limits.inverse { 1.0 - limit } else { limit };
                finding.compared_with = Reference::Limit { limit: shown };
                self.known(status, finding)
            }
            (Err(why), None) => self.too_few(why),
        }
    }

    /// Judges column 0 against column 1: whether the gap between them changed.
    pub(super) fn pair(&self, unit: Unit) -> Outcome {
        let difference = unit == Unit::Difference;
        match stats::pair::judge(
            &self.paired(&self.columns[0], &self.columns[1]),
            self.at(),
            self.sensitivity,
        ) {
            Ok(judgement) => {
                let status = if judgement.alarm {
                    Status::Failing
                } else {
                    Status::Ok
                };
                let shape = Shape::Pair {
                    a: self.last(0),
                    b: self.last(1),
                };
                let off = if difference { 1.0 } else { 0.0 };
                let mut finding = self.finding(shape, unit, &judgement, |one| shifted(&one, off));
                if difference {
                    finding.compared_with = Reference::LearnedGap {
                        usual: judgement.now.expected - 1.0,
                    };
                }
                self.known(status, finding)
            }
            Err(why) => self.too_few(why),
        }
    }

    /// An outcome of this bucket.
    pub(super) fn known(&self, status: Status, finding: Finding) -> Outcome {
        Outcome::Known {
            status,
            finding: Box::new(finding),
            provisional: self.provisional,
        }
    }

    fn finding(
        &self,
        shape: Shape,
        unit: Unit,
        judgement: &Judgement,
        turn: impl Fn(Expected) -> Amount,
    ) -> Finding {
        let since = judgement.since.min(self.at());
        let compared_with = if self.provisional {
            Reference::SameAge {
                count: u32::try_from(self.past()).unwrap_or(u32::MAX),
            }
        } else {
            Reference::SamePast {
                count: self.alike(),
                of: kind_of(&self.bucket),
            }
        };
        Finding {
            shape,
            unit,
            now: turn(judgement.now),
            since_onset: turn(judgement.total),
            since: self.buckets.get(since).copied().unwrap_or(self.bucket),
            buckets: u32::try_from(self.at() - since + 1).unwrap_or(u32::MAX),
            p: Some(judgement.p),
            compared_with,
            segments: Vec::new(),
            details: Vec::<Explained>::new(),
            bridge: None,
            sides: None,
        }
    }

    fn too_few(&self, why: TooFew) -> Outcome {
        let (have, need, of) = match why {
            TooFew::Buckets(have, need) => (have, need, Unit::Days),
            // A share or a comparison without a whole: no learning will help.
            TooFew::Events(0, 1) => {
                let why = "the system it is held against counted none".to_owned();
                return Outcome::NoData(Gap::Unfit { why });
            }
            TooFew::Events(have, need) => (have, need, Unit::Count),
            TooFew::Missing => {
                let why = "the day is left out by the plan or by a remark of the source".to_owned();
                return Outcome::NoData(Gap::Unfit { why });
            }
        };
        let left = i64::from(need.saturating_sub(have));
        let from = (of == Unit::Days && self.bucket.grain == Grain::Day)
            .then(|| self.bucket.date() + Duration::days(left + 1));
        Outcome::NoData(Gap::TooFew {
            have,
            need,
            of,
            from,
        })
    }
}

/// What a share must keep. Limits are shares of what is good, also when the first column counts what is bad.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Limits {
    /// Warns below.
    pub(super) warn: Option<f64>,
    /// Fails below.
    pub(super) fail: Option<f64>,
    /// Whether a fall against its own past warns too.
    pub(super) change: bool,
    /// Whether the first column counts what is bad; numbers are then shown that way.
    pub(super) inverse: bool,
}

fn amount(one: &Expected) -> Amount {
    Amount {
        observed: one.observed,
        expected: one.expected,
        low: one.low,
        high: one.high,
    }
}

fn inverse(one: &Expected) -> Amount {
    Amount {
        observed: 1.0 - one.observed,
        expected: 1.0 - one.expected,
        low: 1.0 - one.high,
        high: 1.0 - one.low,
    }
}

fn shifted(one: &Expected, by: f64) -> Amount {
    Amount {
        observed: one.observed - by,
        expected: one.expected - by,
        low: one.low - by,
        high: one.high - by,
    }
}

fn kind_of(bucket: &Bucket) -> String {
    match bucket.grain {
        Grain::Hour => bucket.label.format("%As at %H:%M").to_string(),
        Grain::Day => bucket.label.format("%As").to_string(),
        Grain::Week => "weeks".to_owned(),
    }
}
