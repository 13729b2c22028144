//! Is this count what its own past leads one to expect?

use super::tail;
use super::{Expected, Judgement, Sensitivity, Series, TooFew};

/// Judges bucket `at` from buckets `0..=at`.
pub fn judge(
    series: &Series<'_>,
    at: usize,
    sensitivity: Sensitivity,
) -> Result<Judgement, TooFew> {
    let observed = series.values.get(at).copied().unwrap_or(f64::NAN);
    if !observed.is_finite() {
        return Err(TooFew::Missing);
    }
    let period = series.cycle.period();
    let past: Vec<f64> = (1..=8)
        .filter_map(|back| at.checked_sub(back * period))
        .filter(|&index| series.usable[index] && series.values[index].is_finite())
        .map(|index| series.values[index])
        .collect();
    if past.len() < 3 {
        return Err(TooFew::Buckets(u32::try_from(past.len()).unwrap_or(0), 3));
    }
    let expected = super::median(&mut past.clone()).unwrap_or(0.0).max(0.1);
    let spread = past
        .iter()
        .map(|value| (value - expected).powi(2))
        .sum::<f64>()
        / (past.len() - 1) as f64;
    let dispersion = (spread / expected).max(1.0);
    Ok(simple(
        observed,
        expected,
        dispersion,
        at,
        past.len(),
        sensitivity,
    ))
}

fn simple(
    observed: f64,
    expected: f64,
    dispersion: f64,
    at: usize,
    weight: usize,
    sensitivity: Sensitivity,
) -> Judgement {
    let one_side = if observed < expected {
        tail::at_most(observed, expected, dispersion)
    } else {
        tail::at_least(observed, expected, dispersion)
    };
    let p = (2.0 * one_side).clamp(1e-300, 1.0);
    let score = p.ln() / (1e-4_f64).ln();
    let half = 2.576 * (expected * dispersion).sqrt();
    let now = Expected {
        observed,
        expected,
        low: (expected - half).max(0.0),
        high: expected + half,
    };
    Judgement {
        now,
        total: now,
        since: at,
        p,
        score,
        alarm: score >= sensitivity.level(),
        weight: u32::try_from(weight).unwrap_or(u32::MAX),
    }
}
