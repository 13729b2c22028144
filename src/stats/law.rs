//! How far a count, a share or a gap lies from its expectation, in standard deviations.

use super::tail;

/// What is counted, which decides how much chance alone moves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Law {
    /// Events in a bucket: at least about Poisson, usually more.
    Count,
    /// k of n: binomial or more.
    Share,
    /// One system against another: binomial while it sees less, and it may see more.
    Gap,
}

/// What is expected of a window, and how much it varies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Forecast {
    /// Expected sum.
    pub(super) mean: f64,
    /// Sum of the exposures: buckets for counts, trials for shares, the other system for gaps.
    pub(super) exposure: f64,
    /// Square of the relative deviation beyond chance; below 0 for series steadier than chance.
    pub(super) wander: f64,
}

impl Law {
    /// The part of the variance that chance alone explains.
    pub(super) fn chance(self, mean: f64, exposure: f64) -> f64 {
        let missed = 1.0 - mean / exposure;
        match self {
            Self::Count => mean,
            Self::Share => mean * missed.max(0.5 / (exposure + 1.0)),
            Self::Gap => mean * missed.clamp(0.03, 1.0),
        }
    }

    /// Variance of the sum. Chance is never taken for less than 30% of itself: a series that looks
    /// steadier than that has only been watched too briefly.
    pub(super) fn variance(self, forecast: &Forecast) -> f64 {
        let chance = self.chance(forecast.mean, forecast.exposure);
        (chance + forecast.wander * forecast.mean * forecast.mean).max(0.3 * chance)
    }

    /// Signed deviance residual with a continuity correction of one half: nearly normal even at a
    /// handful of events (`McCullagh` and Nelder, *Generalized Linear Models*, section 2.4.3; Pierce and
    /// Schafer 1986). Negative below the expectation.
    pub(super) fn residual(self, observed: f64, forecast: &Forecast) -> f64 {
        let mean = forecast.mean;
        let variance = self.variance(forecast);
        let seen = if observed < mean {
            (observed + 0.5).min(mean)
        } else {
            (observed - 0.5).max(mean)
        };
        let size = match self {
            Self::Count => {
                let dispersion = variance / mean;
                if dispersion > 1.0001 {
                    negative_binomial(seen, mean, dispersion)
                } else {
                    (entropy(seen, mean) - (seen - mean)).max(0.0) / dispersion
                }
            }
            Self::Share => {
                let total = forecast.exposure;
                let deviance = entropy(seen, mean)
                    + entropy((total - seen).max(0.0), (total - mean).max(1e-9));
                deviance.max(0.0) * self.chance(mean, total) / variance
            }
            Self::Gap => (seen - mean).powi(2) / (2.0 * variance),
        };
        let z = (2.0 * size.max(0.0)).sqrt();
        if observed < mean { -z } else { z }
    }

    /// The range that holds 99% of ordinary sums.
    pub(super) fn range(self, forecast: &Forecast) -> (f64, f64) {
        const Z: f64 = 2.575_829_303_548_901;
        let half = Z * self.variance(forecast).sqrt();
        let (low, high) = (forecast.mean - half, forecast.mean + half);
        match self {
            Self::Count if forecast.mean < 100.0 => {
                let dispersion = (self.variance(forecast) / forecast.mean).max(1.0);
                tail::middle(forecast.mean, dispersion, 0.005)
            }
            Self::Count | Self::Gap => (low.max(0.0), high),
            Self::Share => (low.max(0.0), high.min(forecast.exposure)),
        }
    }
}

/// `seen * ln(seen / mean)`, 0 at 0.
fn entropy(seen: f64, mean: f64) -> f64 {
    if seen > 0.0 {
        seen * (seen / mean).ln()
    } else {
        0.0
    }
}

/// Half the deviance of the negative binomial law.
fn negative_binomial(seen: f64, mean: f64, dispersion: f64) -> f64 {
    let size = mean / (dispersion - 1.0);
    entropy(seen, mean) - (seen + size) * ((seen + size) / (mean + size)).ln()
}
