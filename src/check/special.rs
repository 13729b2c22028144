//! Which buckets are special days, and of which class: public holidays, their eves, and days that the
//! plan names.

use crate::model::{Bucket, Calendar, Grain};
use crate::stats;

use super::holiday;

/// The class of each bucket: 0 for ordinary ones, public holidays by country, and from
/// [`stats::NAMED`] on the days of one `[calendar.NAME]` each. A week is always ordinary: one day of it
/// makes no other kind of week, and its Monday says nothing of the rest.
pub(super) fn classes(country: Option<&str>, calendar: &Calendar, buckets: &[Bucket]) -> Vec<u8> {
    let class = |one: &Bucket| match one.grain {
        Grain::Week => 0,
        Grain::Day | Grain::Hour => {
            named(calendar, one).unwrap_or_else(|| holiday::class(country, one.date()))
        }
    };
    buckets.iter().map(class).collect()
}

/// Whether the plan leaves a bucket out for good. A day that a calendar names is looked at where a
/// count stands alone; two numbers side by side see the same day and gain nothing from it.
pub(super) fn is_left_out(calendar: &Calendar, bucket: &Bucket, alone: bool) -> bool {
    calendar.ignores(bucket) && !(alone && named(calendar, bucket).is_some())
}

/// The class of a day that a calendar names by date.
fn named(calendar: &Calendar, bucket: &Bucket) -> Option<u8> {
    let place = calendar.named(bucket)?;
    u8::try_from(place).ok()?.checked_add(stats::NAMED)
}

/// Leaves the newest day out where it is the first of its name that was ever seen: nobody can say what
/// such a day is like.
pub(super) fn hush_first(values: &mut [f64], classes: &[u8]) {
    let (Some((newest, past)), Some(class)) = (values.split_last_mut(), classes.last()) else {
        return;
    };
    let mut known = past.iter().zip(classes);
    let before = known.any(|(value, other)| other == class && value.is_finite());
    if *class >= stats::NAMED && !before {
        *newest = f64::NAN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holiday_makes_a_day_and_its_hours_special_but_no_week() {
        let zone = "Europe/Berlin".parse().unwrap();
        let calendar = Calendar::new(zone);
        let day = calendar.day("2026-04-06".parse().unwrap());
        let of = |grain| {
            let bucket = calendar.bucket(grain, day.start);
            assert_eq!(bucket.start, day.start, "Easter Monday begins all three");
            classes(Some("DE"), &calendar, &[bucket])
        };
        assert_eq!(of(Grain::Day), [1]);
        assert_eq!(of(Grain::Hour), [1]);
        assert_eq!(of(Grain::Week), [0]);
    }
}
