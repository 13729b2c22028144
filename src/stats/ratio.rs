//! Is this share, k of n, what its own past leads one to expect, and does it keep its target?

use statrs::function::beta::inv_beta_reg;

use super::engine::Engine;
use super::input::{Input, Verdict};
use super::law::Law;
use super::tail;
use super::tuning::Tuning;
use super::{Judgement, Paired, Scored, Sensitivity, TooFew};

/// Buckets that decide whether the hits or the misses are the rarer side.
const LOOK: usize = 28;

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
    if paired.second[at] < 1.0 {
        return Err(TooFew::Events(0, 1));
    }
    let side = Side::choose(paired);
    let tuning = Tuning::share(paired.cycle, side.misses);
    let mut engine = Engine::new(side.input(paired), &tuning);
    for _ in 0..=at {
        engine.step();
    }
    let verdict = engine.verdict().ok_or_else(|| engine.too_few())?;
    Ok(engine.report(verdict).shares(sensitivity, side.misses))
}

/// Judges every bucket from `from` on in one pass; as `count::sweep`.
pub fn sweep(paired: &Paired<'_>, from: usize, out: &mut Vec<Option<Scored>>) {
    let side = Side::choose(paired);
    let tuning = Tuning::share(paired.cycle, side.misses);
    let mut engine = Engine::new(side.input(paired), &tuning);
    for at in 0..paired.first.len() {
        engine.step();
        if at >= from {
            let verdict = engine.verdict().filter(|_| paired.second[at] >= 1.0);
            out.push(verdict.map(Verdict::scored));
        }
    }
}

/// The rarer side of a share is the one that is counted: from 99.5% to 97% is five times the misses
/// but hardly fewer hits.
struct Side {
    misses: bool,
    /// The counted side.
    values: Vec<f64>,
}

impl Side {
    /// Decided by the first buckets only, so that a later bucket never changes an earlier judgement.
    fn choose(paired: &Paired<'_>) -> Self {
        let both = || paired.first.iter().zip(paired.second);
        let seen = both()
            .filter(|(k, n)| k.is_finite() && n.is_finite())
            .take(LOOK);
        let (hits, trials) = seen.fold((0.0, 0.0), |(a, b), (k, n)| (a + k, b + n));
        let misses = hits > 0.5 * trials;
        let side = |(k, n): (&f64, &f64)| if misses { (n - k).max(0.0) } else { *k };
        Self {
            misses,
            values: both().map(side).collect(),
        }
    }

    fn input<'a>(&'a self, paired: &Paired<'a>) -> Input<'a> {
        Input {
            law: Law::Share,
            values: &self.values,
            exposure: Some(paired.second),
            usable: paired.usable,
            special: paired.special,
            period: paired.cycle.period(),
            first_slot: paired.cycle.first(),
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
