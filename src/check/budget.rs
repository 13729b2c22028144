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

/// Marks findings that the budget holds back, and returns the ledger to keep. An unreadable or
/// absent ledger begins anew. Rules without a chance and extreme findings are never held back.
pub fn budget(
    mut seen: Vec<Evaluation>,
    promise: &Promise,
    ledger: Option<&str>,
    now: Timestamp,
) -> (Vec<Evaluation>, String) {
    let allowance = many::Allowance {
        weekly: promise.per_week.max(0.0),
        ..many::Allowance::default()
    };
    let fresh = (many::Ledger::new(&allowance), 24.0);
    let (ledger, hours) = ledger.and_then(read).map_or(fresh, |(balance, then)| {
        (
            many::Ledger { balance },
            (now.timestamp() - then).max(0) as f64 / 3600.0,
        )
    });
    let chances: Vec<f64> = seen.iter().map(chance).collect();
    let (admitted, ledger) = many::admit(&chances, &allowance, ledger, hours);
    for ((one, p), admitted) in seen.iter_mut().zip(&chances).zip(admitted) {
        let alarms = one.outcome.status() > Some(Status::Ok);
        let held = alarms && p.is_finite() && *p >= EXTREME && !admitted;
        one.held = if held { Held::ByBudget } else { Held::No };
    }
    (seen, format!("1 {} {}", ledger.balance, now.timestamp()))
}

/// `NaN` for what no chance decides.
fn chance(one: &Evaluation) -> f64 {
    let p = one.outcome.finding().and_then(|finding| finding.p);
    p.filter(|_| !one.witness).unwrap_or(f64::NAN)
}

/// Version, balance, second of the last round.
fn read(text: &str) -> Option<(f64, i64)> {
    let mut fields = text.split(' ');
    let version = fields.next()?;
    let balance: f64 = fields.next()?.parse().ok()?;
    let then = fields.next()?.parse().ok()?;
    (version == "1" && balance.is_finite() && balance >= 0.0).then_some((balance, then))
}
