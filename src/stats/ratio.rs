//! Is this share, k of n, what its own past leads one to expect, and does it keep its target?

use statrs::function::beta::inv_beta_reg;

use super::tail;
use super::{Expected, Judgement, Paired, Sensitivity, TooFew};

/// Judges the share in bucket `at` from buckets `0..=at`; observed and expected are shares.
pub fn judge(
    paired: &Paired<'_>,
    at: usize,
    sensitivity: Sensitivity,
) -> Result<Judgement, TooFew> {
    let (k, n) = (paired.first[at], paired.second[at]);
    if !k.is_finite() || !n.is_finite() {
        return Err(TooFew::Missing);
    }
    if n < 1.0 {
        return Err(TooFew::Events(0, 1));
    }
    let from = at.saturating_sub(paired.cycle.period() * 6);
    let past: Vec<usize> = (from..at)
        .filter(|&i| paired.usable[i] && paired.first[i].is_finite() && paired.second[i] > 0.0)
        .collect();
    if past.len() < 14 {
        return Err(TooFew::Buckets(u32::try_from(past.len()).unwrap_or(0), 14));
    }
    let mut shares: Vec<f64> = past
        .iter()
        .map(|&i| paired.first[i] / paired.second[i])
        .collect();
    let expected = super::median(&mut shares).unwrap_or(0.5);
    let spread = super::mad(&mut shares, expected).unwrap_or(0.0).powi(2);
    let variance = spread
        .max(expected * (1.0 - expected) / n)
        .max(0.05 / (n * n));
    let z = (k / n - expected) / variance.sqrt();
    let p = (2.0 * tail::above(z.abs())).clamp(1e-300, 1.0);
    let score = p.ln() / (1e-4_f64).ln();
    let half = 2.576 * variance.sqrt();
    let now = Expected {
        observed: k / n,
        expected,
        low: (expected - half).max(0.0),
        high: (expected + half).min(1.0),
    };
    Ok(Judgement {
        now,
        total: now,
        since: at,
        p,
        score,
        alarm: score >= sensitivity.level(),
        weight: u32::try_from(past.len()).unwrap_or(u32::MAX),
    })
}

/// Chance of at most `k` of `n` if the true share were exactly `target`: small means that the
/// target is missed for certain.
pub fn below_target(k: f64, n: f64, target: f64) -> f64 {
    tail::successes_at_most(k, n, target)
}

/// Wilson's score interval for k of n at 99% (Wilson 1927); `None` without trials.
pub fn interval(k: f64, n: f64) -> Option<(f64, f64)> {
    wilson(k, n, 2.575_829_303_548_901)
}

/// Wilson's score interval at `z` standard deviations (Wilson 1927).
pub fn wilson(k: f64, n: f64, z: f64) -> Option<(f64, f64)> {
    if n <= 0.0 {
        return None;
    }
    let share = k / n;
    let square = z * z;
    let center = (share + square / (2.0 * n)) / (1.0 + square / n);
    let half = z / (1.0 + square / n)
        * (share * (1.0 - share) / n + square / (4.0 * n * n))
            .max(0.0)
            .sqrt();
    Some(((center - half).max(0.0), (center + half).min(1.0)))
}

/// The exact interval of Clopper and Pearson (1934) at `alpha`, two-sided; `None` without trials.
pub fn exact(k: f64, n: f64, alpha: f64) -> Option<(f64, f64)> {
    if n <= 0.0 {
        return None;
    }
    let low = if k <= 0.0 {
        0.0
    } else {
        inv_beta_reg(k, n - k + 1.0, alpha / 2.0)
    };
    let high = if k >= n {
        1.0
    } else {
        inv_beta_reg(k + 1.0, n - k, 1.0 - alpha / 2.0)
    };
    Some((low, high))
}
