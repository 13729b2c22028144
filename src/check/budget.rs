//! The promise of the whole plan: which findings may alarm, so that many checks stay quiet together.

use crate::model::{Evaluation, Held, Status, Timestamp};
use crate::stats::many;

/// What a plan promises.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Promise {
    /// False alarms a week over the whole plan.
    pub per_week: f64,
}

/// A chance below which no budget holds a finding back (decision 21).
const EXTREME: f64 = 1e-6;

/// Rounds in which at least this many findings pass the false-discovery cut may use it: then much
/// is wrong, and a quiet round cannot hide behind it.
const MUCH: usize = 3;

/// Marks findings that the budget holds back, and returns the ledger to keep: when the budget last
/// looked. Rules without a chance and extreme findings are never held back.
///
/// A bucket is judged again in every round until it settles; these looks are one test, not many, so
/// the promise is shared among the series of a day (Bonferroni over a day's tests): the expected
/// number of false alarms a week stays below the promise whatever the dependence between series.
pub fn budget(
    mut seen: Vec<Evaluation>,
    promise: &Promise,
    _ledger: Option<&str>,
    now: Timestamp,
) -> (Vec<Evaluation>, String) {
    let allowance = many::Allowance {
        weekly: promise.per_week.max(0.0),
        ..many::Allowance::default()
    };
    let chances: Vec<f64> = seen.iter().map(chance).collect();
    let mut limit = share(promise, tests(&seen));
    if let Some(wide) = many::cut(&chances, allowance.discovery) {
        let kept = chances.iter().filter(|p| **p <= wide).count();
        if kept >= MUCH {
            limit = limit.max(wide);
        }
    }
    for (one, p) in seen.iter_mut().zip(&chances) {
        let alarms = one.outcome.status() > Some(Status::Ok);
        let held = alarms && p.is_finite() && *p >= EXTREME && *p > limit;
        one.held = if held { Held::ByBudget } else { Held::No };
    }
    (seen, format!("2 {}", now.timestamp()))
}

/// The chance below which one of so many tests may alarm: the promise of a day, shared evenly.
pub fn share(promise: &Promise, tests: usize) -> f64 {
    promise.per_week.max(0.0) / 7.0 / tests.max(1) as f64
}

/// Findings of a round that the budget has to share between: each is one test.
pub fn tests(seen: &[Evaluation]) -> usize {
    seen.iter().filter(|one| chance(one).is_finite()).count()
}

/// `NaN` for what no chance decides.
fn chance(one: &Evaluation) -> f64 {
    let p = one.outcome.finding().and_then(|finding| finding.p);
    p.filter(|_| !one.witness).unwrap_or(f64::NAN)
}
