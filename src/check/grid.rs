//! Buckets in a row, as the statistics want them: each in its place of the day and the week.

use chrono::{Datelike, TimeDelta, Timelike};

use crate::model::{Bucket, Calendar, Grain, Timestamp, Window};
use crate::stats::Cycle;

/// The buckets from an instant to the last one. Hours stand in a grid of 24 a day, also on the days
/// when clocks jump, so that each keeps its place in the week.
pub(super) fn grid(calendar: &Calendar, begin: Timestamp, last: &Bucket) -> Vec<Bucket> {
    if last.grain != Grain::Hour {
        let window = Window {
            from: begin,
            to: last.end,
        };
        return calendar.buckets(last.grain, window);
    }
    let mut label = calendar.bucket(Grain::Hour, begin).label;
    let mut buckets = Vec::new();
    while label <= last.label {
        let bucket = calendar.bucket(Grain::Hour, calendar.instant(label));
        buckets.push(Bucket { label, ..bucket });
        label += TimeDelta::hours(1);
    }
    buckets
}

/// Whether an hour is one hour of wall time: not where clocks jump.
pub(super) fn is_whole(bucket: &Bucket) -> bool {
    if bucket.grain != Grain::Hour {
        return true;
    }
    let local = |at: Timestamp| at.with_timezone(&bucket.zone).naive_local();
    let next = bucket.label + TimeDelta::hours(1);
    local(bucket.start) == bucket.label && local(bucket.end) == next
}

/// Where the first bucket lies in its cycle.
#[expect(clippy::cast_possible_truncation, reason = "below 168")]
pub(super) fn cycle(first: &Bucket) -> Cycle {
    let weekday = first.label.weekday().num_days_from_monday();
    match first.grain {
        Grain::Hour => Cycle::Hourly((weekday * 24 + first.label.hour()) as u8),
        Grain::Day => Cycle::Daily(weekday as u8),
        Grain::Week => Cycle::Plain,
    }
}
