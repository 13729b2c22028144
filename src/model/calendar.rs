//! The only maker of buckets: cuts time into local hours, days and weeks, and resolves local wall
//! time where clocks jump.

use std::collections::BTreeSet;

use chrono::{
    Datelike, Duration, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Timelike,
};
use chrono_tz::Tz;

use super::{Bucket, Grain, Times, Timestamp, Window};

/// A zone with the days that teach nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Calendar {
    zone: Tz,
    ignored: BTreeSet<NaiveDate>,
    closed: Vec<Times>,
}

/// Why a calendar cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// The IANA database has no such zone.
    #[error("unknown time zone `{0}`")]
    UnknownZone(String),
}

impl Calendar {
    /// A calendar without ignored days.
    pub fn new(zone: Tz) -> Self {
        Self {
            zone,
            ignored: BTreeSet::new(),
            closed: Vec::new(),
        }
    }

    /// By IANA name, such as `Europe/Berlin`.
    pub fn parse(zone: &str) -> Result<Self, CalendarError> {
        zone.parse()
            .map(Self::new)
            .map_err(|_| CalendarError::UnknownZone(zone.to_owned()))
    }

    /// The same calendar with further days that teach nothing and raise nothing.
    #[must_use]
    pub fn ignoring(mut self, days: impl IntoIterator<Item = NaiveDate>) -> Self {
        self.ignored.extend(days);
        self
    }

    /// The same calendar with further times that teach nothing and raise nothing.
    #[must_use]
    pub fn closed(mut self, times: impl IntoIterator<Item = Times>) -> Self {
        self.closed.extend(times);
        self
    }

    /// The zone.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// Whether the plan says that this bucket teaches nothing.
    pub fn ignores(&self, bucket: &Bucket) -> bool {
        self.ignored.contains(&bucket.date())
            || self.closed.iter().any(|times| times.covers(bucket))
    }

    /// Place among the closed times, from 0, of those to which a whole day belongs by its date: days of
    /// one such name are alike from year to year. `None` for hours, for times that recur every week,
    /// and for days that are ignored by another rule too.
    pub fn named(&self, bucket: &Bucket) -> Option<usize> {
        if bucket.grain != Grain::Day || self.ignored.contains(&bucket.date()) {
            return None;
        }
        let mut covering = self.closed.iter().enumerate();
        let (place, times) = covering.find(|(_, times)| times.covers(bucket))?;
        let by_date = times.hours.is_none() && times.weekdays.is_empty();
        let only = covering.all(|(_, times)| !times.covers(bucket));
        (by_date && !times.dates.is_empty() && only).then_some(place)
    }

    /// Local wall time of an instant.
    pub fn local(&self, at: Timestamp) -> NaiveDateTime {
        at.with_timezone(&self.zone).naive_local()
    }

    /// The first instant at or after a local wall time: in a gap the first instant after it, in a
    /// fold the first of the two.
    pub fn instant(&self, wall: NaiveDateTime) -> Timestamp {
        match self.zone.from_local_datetime(&wall).earliest() {
            Some(at) => at.to_utc(),
            None => self.after_gap(wall),
        }
    }

    /// Gaps last at most a day (Samoa skipped a date); the transition is found by bisection.
    fn after_gap(&self, wall: NaiveDateTime) -> Timestamp {
        let mut low = wall.and_utc() - Duration::hours(30);
        let mut high = wall.and_utc() + Duration::hours(30);
        while high - low > Duration::seconds(1) {
            let middle = low + (high - low) / 2;
            if self.local(middle) < wall {
                low = middle;
            } else {
                high = middle;
            }
        }
        let whole = high.timestamp();
        Timestamp::from_timestamp(whole, 0).unwrap_or(high)
    }

    /// The bucket that contains an instant.
    pub fn bucket(&self, grain: Grain, at: Timestamp) -> Bucket {
        let local = self.local(at);
        match grain {
            Grain::Hour => {
                // Whole hours of wall time; the two passes of a fold are two buckets.
                let into = i64::from(local.minute()) * 60 + i64::from(local.second());
                let label = local
                    .date()
                    .and_time(NaiveTime::from_hms_opt(local.hour(), 0, 0).unwrap_or_default());
                let start =
                    self.at_same_offset(at, at - TimeDelta::seconds(into) - sub_second(at), label);
                let end = self.hour_end(start, label);
                Bucket {
                    start,
                    end,
                    grain,
                    label,
                    zone: self.zone,
                }
            }
            Grain::Day => self.day(local.date()),
            Grain::Week => {
                let back = i64::from(local.weekday().num_days_from_monday());
                self.week(local.date() - Duration::days(back))
            }
        }
    }

    /// Where an hour began: plain subtraction, unless a transition lies in between.
    fn at_same_offset(&self, at: Timestamp, start: Timestamp, label: NaiveDateTime) -> Timestamp {
        let same = self.zone.offset_from_utc_datetime(&at.naive_utc()).fix()
            == self.zone.offset_from_utc_datetime(&start.naive_utc()).fix();
        if same {
            start
        } else {
            self.instant(label).max(start)
        }
    }

    fn hour_end(&self, start: Timestamp, label: NaiveDateTime) -> Timestamp {
        let plain = start + Duration::hours(1);
        let same_hour = |at: Timestamp| {
            let local = self.local(at);
            local.date() == label.date() && local.hour() == label.hour()
        };
        // A half-hour transition (Lord Howe) may end the hour early; ask minute by minute only then.
        if same_hour(plain - TimeDelta::seconds(1)) {
            return plain;
        }
        (1..60)
            .map(|minute| start + Duration::minutes(minute))
            .find(|at| !same_hour(*at))
            .unwrap_or(plain)
    }

    /// The day bucket of a local date.
    pub fn day(&self, date: NaiveDate) -> Bucket {
        self.span(Grain::Day, date, 1)
    }

    /// The week bucket that begins on this Monday.
    pub fn week(&self, monday: NaiveDate) -> Bucket {
        self.span(Grain::Week, monday, 7)
    }

    fn span(&self, grain: Grain, date: NaiveDate, days: i64) -> Bucket {
        let label = date.and_time(NaiveTime::MIN);
        let next = (date + Duration::days(days)).and_time(NaiveTime::MIN);
        Bucket {
            start: self.instant(label),
            end: self.instant(next),
            grain,
            label,
            zone: self.zone,
        }
    }

    /// The hour buckets that carry this label: none in a gap, two in a fold.
    pub fn hours_labelled(&self, label: NaiveDateTime) -> Vec<Bucket> {
        let mut found: Vec<Bucket> = Vec::new();
        let from = self.zone.from_local_datetime(&label);
        for at in [from.earliest(), from.latest()].into_iter().flatten() {
            let bucket = self.bucket(Grain::Hour, at.to_utc());
            if !found.contains(&bucket) {
                found.push(bucket);
            }
        }
        found
    }

    /// The bucket after this one.
    pub fn next(&self, bucket: &Bucket) -> Bucket {
        self.bucket(bucket.grain, bucket.end)
    }

    /// The bucket before this one.
    pub fn previous(&self, bucket: &Bucket) -> Bucket {
        self.bucket(bucket.grain, bucket.start - TimeDelta::seconds(1))
    }

    /// The bucket `count` steps before this one, by date for days and weeks.
    pub fn back(&self, bucket: &Bucket, count: u32) -> Bucket {
        match bucket.grain {
            Grain::Hour => self.bucket(
                Grain::Hour,
                bucket.start - Duration::hours(i64::from(count)),
            ),
            Grain::Day => self.day(bucket.date() - Duration::days(i64::from(count))),
            Grain::Week => self.week(bucket.date() - Duration::days(7 * i64::from(count))),
        }
    }

    /// All buckets that begin in the window, in order.
    pub fn buckets(&self, grain: Grain, window: Window) -> Vec<Bucket> {
        let mut found = Vec::new();
        let mut bucket = self.bucket(grain, window.from);
        if bucket.start < window.from {
            bucket = self.next(&bucket);
        }
        while bucket.start < window.to {
            let next = self.next(&bucket);
            found.push(bucket);
            bucket = next;
        }
        found
    }
}

fn sub_second(at: Timestamp) -> TimeDelta {
    TimeDelta::nanoseconds(i64::from(at.timestamp_subsec_nanos()))
}

/// A daily span of local time such as 20:00-07:00; it may cross midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DailyHours {
    /// Included.
    pub from: NaiveTime,
    /// Excluded.
    pub to: NaiveTime,
}

impl DailyHours {
    /// Whether a local time of day lies in the span. Equal ends mean the whole day.
    pub fn contains(&self, time: NaiveTime) -> bool {
        if self.from < self.to {
            self.from <= time && time < self.to
        } else {
            self.from <= time || time < self.to
        }
    }
}
