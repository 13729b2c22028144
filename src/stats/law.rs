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
            Self::Gap => mean * missed.clamp(LEAST_MISSED, 1.0),
        }
    }

    /// Variance of the sum. Chance is never taken for less than 30% of itself, that of a share for less
    /// than all: a series that looks steadier has only been watched too briefly.
    pub(super) fn variance(self, forecast: &Forecast) -> f64 {
        let chance = self.chance(forecast.mean, forecast.exposure);
        let least = if self == Self::Share { 1.0 } else { 0.3 };
        (chance + forecast.wander * forecast.mean * forecast.mean).max(least * chance)
    }

    /// Signed deviance residual with a continuity correction of one half: nearly normal even at a
    /// handful of events (`McCullagh` and Nelder, *Generalized Linear Models*, section 2.4.3; Pierce and
    /// Schafer 1986). Negative below the expectation.
    pub(super) fn residual(self, observed: f64, forecast: &Forecast) -> f64 {
        self.residual_at(observed, forecast, self.variance(forecast))
    }

    /// [`Law::residual`] for a variance that is known already.
    pub(super) fn residual_at(self, observed: f64, forecast: &Forecast, variance: f64) -> f64 {
        let mean = forecast.mean;
        let seen = corrected(observed, mean);
        let size = match self {
            Self::Count => {
                let dispersion = variance / mean;
                if dispersion > EVEN {
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
            Self::Gap => {
                let even = (seen - mean).powi(2) / (2.0 * variance);
                if observed < mean {
                    // What is missing is a count of its own, and a small one is skewed. It is taken for no
                    // smaller than its chance is: else two systems that always agree could not fall apart.
                    let missed = (forecast.exposure - mean).max(LEAST_MISSED * mean);
                    let more = missed + mean - seen;
                    let skewed = (entropy(more, missed) - (more - missed)).max(0.0);
                    even.min(skewed * missed / variance)
                } else {
                    even
                }
            }
        };
        let z = (2.0 * size.max(0.0)).sqrt();
        if observed < mean { -z } else { z }
    }

    /// Whether the residual is certainly smaller than `z`, without a logarithm: the deviance is at most
    /// the squared deviation over the smallest variance on the way from the mean to what was seen.
    pub(super) fn within(self, z: f64, observed: f64, forecast: &Forecast, variance: f64) -> bool {
        let mean = forecast.mean;
        let seen = corrected(observed, mean);
        let low = seen.min(mean);
        // A little less, so that rounding never decides.
        let square = (seen - mean) * (seen - mean);
        let most = 0.999 * z * z;
        match self {
            Self::Count if variance > EVEN * mean => {
                // Variance at the lower end: low + low² * (dispersion - 1) / mean.
                square * mean * mean < most * low * (mean * mean + low * (variance - mean))
            }
            Self::Count => square * mean < most * low * variance,
            Self::Share => {
                let total = forecast.exposure;
                let spread = |at: f64| at * (total - at) / total;
                let least = spread(seen).min(spread(mean));
                square * self.chance(mean, total) < most * least * variance
            }
            Self::Gap => square < most * variance,
        }
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

/// Part of what one system should see that it may miss by chance, however well both agreed so far.
const LEAST_MISSED: f64 = 0.03;

/// Dispersion up to which a count is taken for Poisson.
const EVEN: f64 = 1.0001;

/// What was seen, half an event nearer to the mean.
fn corrected(observed: f64, mean: f64) -> f64 {
    if observed < mean {
        (observed + 0.5).min(mean)
    } else {
        (observed - 0.5).max(mean)
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
