//! Waiting times: how surprising is it that nothing (or so little) came for so long?

use statrs::function::gamma::ln_gamma;

/// Chance of waiting this long without an event. The rate is known from `events` seen in `exposure`
/// (expected-volume units: buckets of a flat series, or the sum of a profile), so it is a gamma
/// variable and the wait follows the gamma-Poisson predictive law: `(T / (T + t)) ^ n`
/// (Gelman et al., *Bayesian Data Analysis*, 3rd ed., section 2.6, prior exponent 0).
pub fn waiting(events: f64, exposure: f64, waited: f64) -> f64 {
    at_most(0.0, events, exposure, waited)
}

/// Chance of at most `seen` events in `waited`, by the same law: a negative binomial whose
/// uncertainty is that of the learnt rate.
pub fn at_most(seen: f64, events: f64, exposure: f64, waited: f64) -> f64 {
    if events <= 0.0 || exposure <= 0.0 || waited <= 0.0 {
        return 1.0;
    }
    let stay = (exposure / (exposure + waited)).ln() * events;
    let step = (waited / (exposure + waited)).ln();
    let mut sum = 0.0;
    let mut k = 0.0;
    while k <= seen.max(0.0) {
        sum +=
            (ln_gamma(events + k) - ln_gamma(events) - ln_gamma(k + 1.0) + stay + k * step).exp();
        k += 1.0;
    }
    sum.min(1.0)
}

/// The wait without an event that has chance `p`, for a rate known exactly: `-ln p / rate`.
pub fn wait_for(rate: f64, p: f64) -> f64 {
    -p.ln() / rate
}
