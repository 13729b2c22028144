//! A set of times by dates, weekdays and hours of the day, in a zone of its own.

use std::collections::BTreeSet;

use chrono::{Datelike, Duration, NaiveDate};
use chrono_tz::Tz;

use super::{Bucket, DailyHours, Grain, Timestamp};

/// Times that recur or are listed: `weekends`, `2026-12-24..2026-12-26`, `20:00-07:00`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Times {
    /// Single days.
    pub dates: BTreeSet<NaiveDate>,
    /// Days of every week, from Monday = 0.
    pub weekdays: BTreeSet<u8>,
    /// Only these hours of the days; the whole days when `None`. Hours that cross midnight belong to
    /// the day on which they begin.
    pub hours: Option<DailyHours>,
    /// The zone of days and hours.
    pub zone: Tz,
}

impl Times {
    /// Whether an instant belongs to the set. Without dates and weekdays every day does.
    pub fn contains(&self, at: Timestamp) -> bool {
        let local = at.with_timezone(&self.zone).naive_local();
        let mut date = local.date();
        if let Some(hours) = self.hours {
            if !hours.contains(local.time()) {
                return false;
            }
            if hours.from > hours.to && local.time() < hours.to {
                date -= Duration::days(1);
            }
        }
        let every = self.dates.is_empty() && self.weekdays.is_empty();
        let weekday = u8::try_from(date.weekday().num_days_from_monday()).unwrap_or(0);
        every || self.dates.contains(&date) || self.weekdays.contains(&weekday)
    }

    /// Whether a bucket belongs to the set: an hour by its beginning, a day by its middle and only to
    /// sets of whole days.
    pub fn covers(&self, bucket: &Bucket) -> bool {
        match (bucket.grain, self.hours) {
            (Grain::Hour, _) => self.contains(bucket.start),
            (Grain::Day, None) => self.contains(bucket.start + bucket.length() / 2),
            (Grain::Day | Grain::Week, _) => false,
        }
    }
}
