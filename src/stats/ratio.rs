//! Is this share, k of n, what its own past leads one to expect, and does it keep its target?

use statrs::function::beta::inv_beta_reg;

use super::tail;
use super::watch::Watch;
use super::{Judgement, Paired, Scored, Sensitivity, TooFew};

/// Judges the share in bucket `at` from buckets `0..=at`. Observed and expected are shares. A share
/// that rises is never trouble.
pub fn judge(
    paired: &Paired<'_>,
    at: usize,
    sensitivity: Sensitivity,
) -> Result<Judgement, TooFew> {
    let there = |values: &[f64]| values.get(at).is_some_and(|value| value.is_finite());
    if !there(paired.first) || !there(paired.second) {
        return Err(TooFew::Missing);
    }
    let mut watch = Watch::ratio_with_room(paired.cycle, at + 1);
    for at in 0..=at {
        watch.push(paired.point(at));
    }
    watch.judge(sensitivity)
}

/// Judges every bucket from `from` on in one pass; as `count::sweep`.
pub fn sweep(paired: &Paired<'_>, from: usize, out: &mut Vec<Option<Scored>>) {
    let mut watch = Watch::ratio_with_room(paired.cycle, paired.first.len());
    for at in 0..paired.first.len() {
        watch.push(paired.point(at));
        if at >= from {
            out.push(watch.scored());
        }
    }
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
    let spread = share * (1.0 - share) / n + square / (4.0 * n * n);
    let half = z / (1.0 + square / n) * spread.max(0.0).sqrt();
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
