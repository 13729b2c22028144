//! The promise of the whole plan: which findings may alarm, so that many checks stay quiet together.
//!
//! Findings hang together: a broken source breaks its events, a broken event its checks and
//! segments. So the promise is kept from the source down ([`many::nested`], after Yekutieli 2008
//! and Benjamini and Bogomolov 2014): first a source must stand out by all its findings together,
//! then an event in it, then the series.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::model::{Evaluation, Held, Name, Status, Timestamp};
use crate::stats::many::{self, Gate, Leaf};

/// What a plan promises.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Promise {
    /// False alarms a week over the whole plan.
    pub per_week: f64,
}

/// A chance below which no budget holds a finding back (decision 21).
const EXTREME: f64 = 1e-6;

/// The share of false findings among what is told of sources where something is wrong.
const DISCOVERY: f64 = 0.1;

/// For how many weeks an alarm that people called noise counts as spent.
const WEEKS: i32 = 8;

/// What is left of a promise at least, however much was noise: a plan must not fall silent.
const LEAST: f64 = 0.25;

/// The promise after what people said of earlier alarms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Allowed {
    /// What may be spent now.
    pub promise: Promise,
    /// Alarms of the last eight weeks that people called noise.
    pub noise: usize,
    /// Whether they are so many that less may be spent than the plan says.
    pub less: bool,
}

impl Promise {
    /// How long ago an alarm may be and still count as spent.
    pub fn memory() -> TimeDelta {
        TimeDelta::weeks(i64::from(WEEKS))
    }

    /// What may be spent when alarms that were opened at these times were called noise.
    ///
    /// If there were twice as many in eight weeks as promised, the chances of this plan are about
    /// half as large as they should be: half the promise, spent at that rate, is the promise. Never
    /// less than a quarter; what is older than eight weeks no longer counts.
    pub fn after(self, noise: &[Timestamp], now: Timestamp) -> Allowed {
        let since = now - Self::memory();
        let noise = noise.iter().filter(|at| **at > since && **at <= now);
        let noise = noise.count();
        let full = self.per_week.max(0.0);
        let promised = full * f64::from(WEEKS);
        let left = if noise as f64 > promised {
            (promised / noise as f64).max(LEAST)
        } else {
            1.0
        };
        Allowed {
            promise: Self {
                per_week: full * left,
            },
            noise,
            less: left < 1.0,
        }
    }
}

/// Where a finding was held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Its source, by all its findings together, is as usual.
    Source,
    /// Something is wrong in the source, but not with this event.
    Event,
    /// Something is wrong with the event, but not with this series.
    Series,
}

/// Why a finding was held back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hold {
    /// Where.
    pub level: Level,
    /// The chance there: of everything in the source or event together, or of the series.
    pub chance: f64,
    /// The chance below which it would have spoken.
    pub limit: f64,
}

/// Marks findings that the budget holds back. Rules without a chance and extreme findings never are.
///
/// A bucket is judged again in every round until it settles; these looks are one test, not many, so
/// the promise of a day is kept over the series of a round. A false alarm is a source that stands
/// out on a day when nothing is wrong: their expected number a week stays below the promise.
pub fn budget(mut seen: Vec<Evaluation>, promise: &Promise) -> Vec<Evaluation> {
    let holds = holds(&seen, promise);
    for (one, hold) in seen.iter_mut().zip(holds) {
        one.held = if hold.is_some() {
            Held::ByBudget
        } else {
            Held::No
        };
    }
    seen
}

/// For each finding of a round, why the budget holds it back; `None` where it does not.
pub fn holds(seen: &[Evaluation], promise: &Promise) -> Vec<Option<Hold>> {
    let gates = many::nested(&leaves(seen), per_day(*promise), DISCOVERY);
    let hold = |(one, gate): (&Evaluation, Gate)| {
        let alarms = one.outcome.status() > Some(Status::Ok);
        let hold = Hold::at(gate)?;
        (alarms && chance(one) >= EXTREME).then_some(hold)
    };
    seen.iter().zip(gates).map(hold).collect()
}

impl Hold {
    fn at(gate: Gate) -> Option<Self> {
        let (level, chance, limit) = match gate {
            Gate::Passed => return None,
            Gate::Group { chance, limit } => (Level::Source, chance, limit),
            Gate::Family { chance, limit } => (Level::Event, chance, limit),
            Gate::Own { chance, limit } => (Level::Series, chance, limit),
        };
        Some(Self {
            level,
            chance,
            limit,
        })
    }
}

/// The chance at which one of so many tests alarms by itself: the promise of a day, shared evenly.
pub fn share(promise: &Promise, tests: usize) -> f64 {
    per_day(*promise) / tests.max(1) as f64
}

/// Findings of a round that the budget has to share between: each is one test.
pub fn tests(seen: &[Evaluation]) -> usize {
    seen.iter().filter(|one| chance(one).is_finite()).count()
}

fn per_day(promise: Promise) -> f64 {
    promise.per_week.max(0.0) / 7.0
}

/// `NaN` for what no chance decides.
fn chance(one: &Evaluation) -> f64 {
    let p = one.outcome.finding().and_then(|finding| finding.p);
    p.filter(|_| !one.witness).unwrap_or(f64::NAN)
}

/// The tree: sources, their events, and in them checks and segments. What has no event stands for
/// itself under its source.
fn leaves(seen: &[Evaluation]) -> Vec<Leaf> {
    let mut groups: BTreeMap<Option<&Name>, usize> = BTreeMap::new();
    let mut families: BTreeMap<(usize, &Name, bool), usize> = BTreeMap::new();
    let mut out = Vec::with_capacity(seen.len());
    for one in seen {
        let next = groups.len();
        let group = *groups.entry(one.source.as_ref()).or_insert(next);
        let name = one.event.as_ref().unwrap_or(&one.check);
        let next = families.len();
        let key = (group, name, one.event.is_some());
        let family = *families.entry(key).or_insert(next);
        out.push(Leaf {
            chance: chance(one),
            group,
            family,
        });
    }
    out
}
