//! How small a fault can be found, and how soon: the honest limits of one series.

use super::tail;

/// Chance of a false alarm that the sizes below are computed for.
pub const ALPHA: f64 = 0.001;
/// Chance of finding a fault of the size given.
pub const POWER: f64 = 0.9;

/// Events that must be expected in the window so that a loss of `share` is found with [`POWER`] at
/// [`ALPHA`], for a variance of `dispersion` times the mean (two normal tails, Lehr's formula for
/// one known rate; Mathews, *Sample Size Calculations*, section 5.2).
pub fn events_needed(share: f64, dispersion: f64) -> f64 {
    let share = share.clamp(1e-6, 1.0);
    let sum =
        tail::normal_quantile(ALPHA) + tail::normal_quantile(1.0 - POWER) * (1.0 - share).sqrt();
    dispersion.max(1.0) * (sum / share).powi(2)
}

/// The smallest loss, as a share of the volume, found within `buckets` of a series that has `mean`
/// events a bucket, variance `dispersion` times the mean, and a level that itself wanders by
/// `drift` (a standard deviation, share of the level; 0 when unknown). `None`: not even a total
/// stop is found in that time.
pub fn smallest_drop(mean: f64, dispersion: f64, drift: f64, buckets: u32) -> Option<f64> {
    let volume = mean * f64::from(buckets);
    let found = |share: f64| {
        let relative = dispersion.max(1.0) / volume;
        let quiet = (relative + drift * drift).sqrt();
        let during = ((1.0 - share) * relative + (drift * (1.0 - share)).powi(2)).sqrt();
        tail::normal_quantile(ALPHA) * quiet + tail::normal_quantile(1.0 - POWER) * during <= share
    };
    if volume <= 0.0 || !found(1.0) {
        return None;
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        if found(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

/// [`smallest_drop`] within 1, 7 and 28 days of a daily series.
pub fn within(mean: f64, dispersion: f64, drift: f64) -> [(u32, Option<f64>); 3] {
    [1, 7, 28].map(|days| (days, smallest_drop(mean, dispersion, drift, days)))
}
