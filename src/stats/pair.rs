//! Do two systems that should tell the same story keep the gap they always had?

use super::tail;
use super::{Expected, Judgement, Paired, Sensitivity, TooFew};

/// Judges `first` against `second` in bucket `at` from buckets `0..=at`. Observed and expected are
/// `first` as a share of `second`.
pub fn judge(
    paired: &Paired<'_>,
    at: usize,
    sensitivity: Sensitivity,
) -> Result<Judgement, TooFew> {
    let (a, b) = (paired.first[at], paired.second[at]);
    if !a.is_finite() || !b.is_finite() {
        return Err(TooFew::Missing);
    }
    if b < 1.0 {
        return Err(TooFew::Events(0, 1));
    }
    let log = |i: usize| ((paired.first[i] + 0.5) / (paired.second[i] + 0.5)).ln();
    let from = at.saturating_sub(paired.cycle.period() * 6);
    let mut past: Vec<f64> = (from..at)
        .filter(|&i| paired.usable[i] && paired.first[i].is_finite() && paired.second[i] > 0.0)
        .map(log)
        .collect();
    let weight = u32::try_from(past.len()).unwrap_or(u32::MAX);
    if weight < 14 {
        return Err(TooFew::Buckets(weight, 14));
    }
    let expected = super::median(&mut past).unwrap_or(0.0);
    let spread = super::mad(&mut past, expected).unwrap_or(0.0).max(0.003);
    let z = (log(at) - expected) / spread;
    let p = (2.0 * tail::above(z.abs())).clamp(1e-300, 1.0);
    let score = p.ln() / (1e-4_f64).ln();
    let now = Expected {
        observed: a / b,
        expected: expected.exp(),
        low: (expected - 2.576 * spread).exp(),
        high: (expected + 2.576 * spread).exp(),
    };
    Ok(Judgement {
        now,
        total: now,
        since: at,
        p,
        score,
        alarm: score >= sensitivity.level(),
        weight,
    })
}

/// Whether bucket `at` shows `first` of one bucket being counted in the next one: the sign of a
/// changed time zone or day boundary, not of a loss.
pub fn boundary_shift(paired: &Paired<'_>, at: usize) -> bool {
    const DAYS: usize = 5;
    if at < DAYS {
        return false;
    }
    let distance = |back: usize| {
        (at + 1 - DAYS..=at)
            .map(|i| ((paired.first[i] + 0.5) / (paired.second[i - back] + 0.5)).ln())
            .map(|log| log * log)
            .sum::<f64>()
    };
    distance(1) * 9.0 < distance(0)
}
