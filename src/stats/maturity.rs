//! How a number fills up with age: learnt from vintages, so that young buckets are judged fairly.

/// Ages at which the curve is kept, in hours; between them it is read off a straight line.
const AGES: [f64; 16] = [
    1.0, 2.0, 4.0, 6.0, 12.0, 24.0, 36.0, 48.0, 72.0, 96.0, 120.0, 168.0, 240.0, 336.0, 504.0,
    720.0,
];
/// Buckets that must have been seen near an age before the curve speaks of it.
const ENOUGH: usize = 14;
/// A value counts as final when the middle of the band is within this share of it.
const SETTLED: f64 = 0.01;

/// The share of the final value that is visible at each age.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    points: Vec<Point>,
}

/// One age of a [`Curve`].
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    age: f64,
    low: f64,
    middle: f64,
    high: f64,
}

impl Curve {
    /// Learns from readings: age in hours, value then, final value. Readings whose final value is
    /// not positive teach nothing. The band holds the middle 90% of what was seen at an age.
    pub fn learn(readings: &[(f64, f64, f64)]) -> Self {
        let mut bins: Vec<Vec<f64>> = vec![Vec::new(); AGES.len()];
        for &(age, value, last) in readings {
            if !(age > 0.0 && value.is_finite() && last > 0.0) {
                continue;
            }
            let nearest = |a: &f64| (a.ln() - age.ln()).abs();
            let bin = AGES
                .iter()
                .enumerate()
                .min_by(|(_, a), (_, b)| nearest(a).total_cmp(&nearest(b)))
                .map_or(0, |(index, _)| index);
            bins[bin].push(value / last);
        }
        let points = AGES
            .iter()
            .zip(&mut bins)
            .filter(|(_, shares)| shares.len() >= ENOUGH)
            .map(|(&age, shares)| {
                shares.sort_by(f64::total_cmp);
                Point {
                    age,
                    low: quantile(shares, 0.05),
                    middle: quantile(shares, 0.5),
                    high: quantile(shares, 0.95),
                }
            })
            .collect();
        Self { points }
    }

    /// Learns from the changes of buckets: of each the ages in hours and values, oldest first, the last one
    /// final. Between two changes a value stood still.
    pub fn of_changes<'a>(buckets: impl IntoIterator<Item = &'a [(f64, f64)]>) -> Self {
        let mut readings = Vec::new();
        for changes in buckets {
            let (Some(first), Some(last)) = (changes.first(), changes.last()) else {
                continue;
            };
            for age in AGES.into_iter().filter(|age| *age >= first.0) {
                let known = changes.iter().rev().find(|(then, _)| *then <= age);
                readings.extend(known.map(|(_, value)| (age, *value, last.1)));
            }
        }
        Self::learn(&readings)
    }

    /// Whether too little was seen for any age.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Low, middle and high share of the final value visible at `age` hours; `None` for an age
    /// younger than any that was learnt. Older than all of them is the oldest one's.
    pub fn share(&self, age: f64) -> Option<(f64, f64, f64)> {
        let after = self.points.partition_point(|point| point.age <= age);
        let before = self.points[..after].last()?;
        let Some(next) = self.points.get(after) else {
            return Some((before.low, before.middle, before.high));
        };
        let part = (age - before.age) / (next.age - before.age);
        let mix = |a: f64, b: f64| a + (b - a) * part;
        Some((
            mix(before.low, next.low),
            mix(before.middle, next.middle),
            mix(before.high, next.high),
        ))
    }

    /// The youngest age, in hours, from which on the middle of the band stays within 1% of final.
    /// `None` while it was not seen to settle.
    pub fn settles_after(&self) -> Option<f64> {
        let settled = |point: &&Point| (point.middle - 1.0).abs() <= SETTLED;
        self.points
            .iter()
            .rev()
            .take_while(settled)
            .last()
            .map(|point| point.age)
    }
}

/// The quantile of sorted values by linear interpolation (Hyndman and Fan 1996, type 7).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 <= place < len"
    )]
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (place - place.floor())
}
