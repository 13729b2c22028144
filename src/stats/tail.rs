//! Tail probabilities of counts: Poisson, negative binomial, binomial, and the normal quantile.

use statrs::function::beta::beta_reg;
use statrs::function::erf::erfc_inv;
use statrs::function::gamma::{gamma_lr, gamma_ur};

/// Chance of at most `seen` events where `expected` are expected, the variance being
/// `expected * dispersion`. At a dispersion of 1 this is Poisson, above it negative binomial
/// (Johnson, Kemp and Kotz, *Univariate Discrete Distributions*, eq. 5.31: a regularized incomplete
/// beta function).
pub fn at_most(seen: f64, expected: f64, dispersion: f64) -> f64 {
    if expected <= 0.0 {
        return 1.0;
    }
    let seen = seen.max(0.0).floor();
    if dispersion <= 1.0 + 1e-6 {
        return gamma_ur(seen + 1.0, expected);
    }
    let size = expected / (dispersion - 1.0);
    beta_reg(size, seen + 1.0, 1.0 / dispersion)
}

/// Chance of at least `seen` events; the other tail of [`at_most`].
pub fn at_least(seen: f64, expected: f64, dispersion: f64) -> f64 {
    let seen = seen.ceil();
    if seen <= 0.0 {
        return 1.0;
    }
    if expected <= 0.0 {
        return 0.0;
    }
    if dispersion <= 1.0 + 1e-6 {
        return gamma_lr(seen, expected);
    }
    let size = expected / (dispersion - 1.0);
    beta_reg(seen, size, 1.0 - 1.0 / dispersion)
}

/// Chance of at most `k` successes of `n` with chance `share` each (the regularized incomplete beta
/// function; Abramowitz and Stegun 26.5.24).
pub fn successes_at_most(k: f64, n: f64, share: f64) -> f64 {
    let (k, n) = (k.floor(), n.floor());
    if k >= n || share <= 0.0 {
        return 1.0;
    }
    if k < 0.0 || share >= 1.0 {
        return 0.0;
    }
    beta_reg(n - k, k + 1.0, 1.0 - share)
}

/// The `z` above which a standard normal value lies with chance `p`.
pub fn normal_quantile(p: f64) -> f64 {
    std::f64::consts::SQRT_2 * erfc_inv(2.0 * p)
}

/// The smallest and the largest number of events in a range that leaves at most `outside` on either
/// side.
pub fn middle(expected: f64, dispersion: f64, outside: f64) -> (f64, f64) {
    let half = normal_quantile(outside) * (expected * dispersion.max(1.0)).sqrt();
    let low = first((expected - half).max(0.0), |seen| {
        at_most(seen, expected, dispersion) > outside
    });
    let above = first(expected + half, |seen| {
        at_least(seen, expected, dispersion) <= outside
    });
    (low, (above - 1.0).max(low))
}

/// The smallest whole number for which a rising condition holds: from a guess outwards in growing
/// steps, then halving.
fn first(guess: f64, holds: impl Fn(f64) -> bool) -> f64 {
    const MOST: f64 = 1e15;
    let start = guess.clamp(0.0, MOST).floor();
    let mut step = 1.0;
    let (mut no, mut yes);
    if holds(start) {
        yes = start;
        loop {
            if yes <= 0.0 {
                return 0.0;
            }
            no = (yes - step).max(0.0);
            if !holds(no) {
                break;
            }
            yes = no;
            step *= 2.0;
        }
    } else {
        no = start;
        loop {
            yes = no + step;
            if yes >= MOST || holds(yes) {
                break;
            }
            no = yes;
            step *= 2.0;
        }
    }
    while yes - no > 1.0 {
        let half = f64::midpoint(no, yes).floor();
        if holds(half) {
            yes = half;
        } else {
            no = half;
        }
    }
    yes
}
