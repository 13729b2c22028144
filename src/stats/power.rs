//! How small a fault can be found, and how soon: the honest limits of one series.

use super::{Paired, Scored, Sensitivity, Series, count, pair, ratio, tail};

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

/// Sizes that are tried, smallest first.
const SIZES: [f64; 11] = [0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9, 1.0];
/// Times of a series at which a loss is tried.
const PLACES: usize = 6;
/// Buckets between them: not a multiple of seven, so that weekdays differ.
const APART: usize = 9;
/// Buckets that a loss lasts when it is tried.
const LONGEST: usize = 28;
/// Buckets that must lie before it.
const PAST: usize = 42;
/// Newest buckets that are looked at.
const NEWEST: usize = 200;

/// What the detector finds in one series, tried on the series itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sight {
    /// Days, and the smallest loss that is found within them at nearly every time it was tried; `None`:
    /// not even a total stop.
    pub within: [(u32, Option<f64>); 3],
    /// Days after which a loss of half is found; `None`: not within 28.
    pub half_after: Option<u32>,
}

/// Plants losses of several sizes at several times of the past of a daily count and lets the real detector
/// look for them. `None` while the series is too short for that.
pub fn of_count(series: &Series<'_>, sensitivity: Sensitivity) -> Option<Sight> {
    sight(series.values, sensitivity, |values| {
        let (from, many) = (series.values.len().saturating_sub(NEWEST), values.len());
        let mut out = Vec::with_capacity(many);
        let planted = Series {
            values,
            usable: &series.usable[from..from + many],
            special: &series.special[from..from + many],
            cycle: series.cycle.shifted(from),
        };
        count::sweep(&planted, 0, &mut out);
        out
    })
}

/// The same for a share (`first` of `second`), of which a part is lost.
pub fn of_share(paired: &Paired<'_>, sensitivity: Sensitivity) -> Option<Sight> {
    of_two(paired, sensitivity, ratio::sweep)
}

/// The same for one system against another, of which the first loses a part.
pub fn of_gap(paired: &Paired<'_>, sensitivity: Sensitivity) -> Option<Sight> {
    of_two(paired, sensitivity, pair::sweep)
}

fn of_two(
    paired: &Paired<'_>,
    sensitivity: Sensitivity,
    sweep: fn(&Paired<'_>, usize, &mut Vec<Option<Scored>>),
) -> Option<Sight> {
    sight(paired.first, sensitivity, |values| {
        let (from, many) = (paired.first.len().saturating_sub(NEWEST), values.len());
        let mut out = Vec::with_capacity(many);
        let planted = Paired {
            first: values,
            second: &paired.second[from..from + many],
            usable: &paired.usable[from..from + many],
            special: &paired.special[from..from + many],
            cycle: paired.cycle.shifted(from),
        };
        sweep(&planted, 0, &mut out);
        out
    })
}

fn sight(
    values: &[f64],
    sensitivity: Sensitivity,
    judge: impl Fn(&[f64]) -> Vec<Option<Scored>>,
) -> Option<Sight> {
    let values = &values[values.len().saturating_sub(NEWEST)..];
    let newest = values.len().checked_sub(LONGEST)?;
    let places: Vec<usize> = (0..PLACES)
        .filter_map(|back| newest.checked_sub(back * APART))
        .filter(|place| *place >= PAST)
        .collect();
    if places.len() < 2 {
        return None;
    }
    // Buckets until a loss is found, at the place where it takes longest but one.
    let days_to_find = |share: f64| {
        let mut days: Vec<usize> = places
            .iter()
            .map(|&place| {
                let scored = judge(&planted(values, place, share));
                let loud = |one: &Option<Scored>| {
                    one.is_some_and(|one| {
                        one.score >= sensitivity.level() && one.since + 7 >= place
                    })
                };
                let found = scored[place..].iter().position(loud);
                found.map_or(usize::MAX, |at| at + 1)
            })
            .collect();
        days.sort_unstable();
        let slow = if days.len() > 4 { 2 } else { 1 };
        days[days.len() - slow]
    };
    let mut sight = Sight {
        within: [1, 7, 28].map(|days| (days, None)),
        half_after: None,
    };
    for share in SIZES.into_iter().rev() {
        let days = days_to_find(share);
        if days == usize::MAX {
            break;
        }
        for (within, smallest) in &mut sight.within {
            if usize::try_from(*within).is_ok_and(|within| days <= within) {
                *smallest = Some(share);
            }
        }
        if (share - 0.5).abs() < 1e-9 {
            sight.half_after = u32::try_from(days).ok();
        }
    }
    Some(sight)
}

/// The series up to the end of a loss of `share` that begins at `place`. What is left is whole numbers
/// whose sum is right.
fn planted(values: &[f64], place: usize, share: f64) -> Vec<f64> {
    let mut planted = values[..place + LONGEST].to_vec();
    let mut rest = 0.0;
    for value in planted[place..]
        .iter_mut()
        .filter(|value| value.is_finite())
    {
        let left = *value * (1.0 - share) + rest;
        *value = left.floor();
        rest = left - *value;
    }
    planted
}
