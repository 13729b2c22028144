//! What an audit tells of: a whole week or a whole month, cut in the project's zone.

use chrono::{Datelike as _, Duration, Months, NaiveDate, Weekday};

use super::{Bucket, Calendar, Timestamp, Window};

/// A week from Monday to Sunday, or a calendar month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// Monday to Sunday.
    Week,
    /// From the first day to the last.
    Month,
}

/// Days between a week and the one a year before that begins on the same weekday.
const YEAR: i64 = 364;

impl Period {
    /// `week` or `month`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The first day of the period that holds a day.
    fn first(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Week => day - Duration::days(i64::from(day.weekday().num_days_from_monday())),
            Self::Month => day.with_day(1).unwrap_or(day),
        }
    }

    /// The period that begins on a day.
    fn from(self, calendar: &Calendar, first: NaiveDate) -> Window {
        let after = match self {
            Self::Week => first + Duration::days(7),
            Self::Month => first + Months::new(1),
        };
        Window {
            from: calendar.day(first).start,
            to: calendar.day(after).start,
        }
    }

    /// The day on which a period begins.
    fn began(calendar: &Calendar, period: Window) -> NaiveDate {
        let day: Bucket = calendar.bucket(super::Grain::Day, period.from);
        day.date()
    }

    /// The last whole period before `now`.
    pub fn last(self, calendar: &Calendar, now: Timestamp) -> Window {
        let this = self.first(calendar.local(now).date());
        self.from(calendar, self.first(this - Duration::days(1)))
    }

    /// The period before one.
    pub fn before(self, calendar: &Calendar, period: Window) -> Window {
        let first = Self::began(calendar, period);
        self.from(calendar, self.first(first - Duration::days(1)))
    }

    /// The same period a year before: 52 weeks back, or the month of the same name.
    pub fn year_before(self, calendar: &Calendar, period: Window) -> Window {
        let first = Self::began(calendar, period);
        let then = match self {
            Self::Week => first - Duration::days(YEAR),
            Self::Month => first - Months::new(12),
        };
        self.from(calendar, then)
    }

    /// `2026-W43` or `2026-10`.
    pub fn label(self, calendar: &Calendar, period: Window) -> String {
        let first = Self::began(calendar, period);
        match self {
            Self::Week => {
                let iso = first.iso_week();
                format!("{}-W{:02}", iso.year(), iso.week())
            }
            Self::Month => first.format("%Y-%m").to_string(),
        }
    }

    /// Reads [`Period::label`] back; `None` when the text names neither a week nor a month.
    pub fn named(calendar: &Calendar, text: &str) -> Option<(Self, Window)> {
        if let Some((year, week)) = text.split_once("-W") {
            let (year, week) = (year.parse().ok()?, week.parse().ok()?);
            let monday = NaiveDate::from_isoywd_opt(year, week, Weekday::Mon)?;
            return Some((Self::Week, Self::Week.from(calendar, monday)));
        }
        let (year, month) = text.split_once('-')?;
        let (year, month) = (year.parse().ok()?, month.parse().ok()?);
        let first = NaiveDate::from_ymd_opt(year, month, 1)?;
        Some((Self::Month, Self::Month.from(calendar, first)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_and_months_are_found_again_by_their_names() {
        let berlin = Calendar::new(chrono_tz::Europe::Berlin);
        let now: Timestamp = "2026-11-01T09:00:00Z".parse().unwrap_or_default();
        for (period, label, before, year) in [
            (Period::Week, "2026-W43", "2026-W42", "2025-W43"),
            (Period::Month, "2026-10", "2026-09", "2025-10"),
        ] {
            let last = period.last(&berlin, now);
            assert_eq!(period.label(&berlin, last), label);
            assert_eq!(Period::named(&berlin, label), Some((period, last)));
            let earlier = period.before(&berlin, last);
            assert_eq!(earlier.to, last.from);
            assert_eq!(period.label(&berlin, earlier), before);
            let then = period.year_before(&berlin, last);
            assert_eq!(period.label(&berlin, then), year);
        }
        // October has an hour more where clocks go back.
        let october = Period::Month.last(&berlin, now);
        assert_eq!(october.length().num_hours(), 31 * 24 + 1);
        for odd in ["2026-13", "2026-W60", "October", "", "2026-"] {
            assert_eq!(Period::named(&berlin, odd), None, "{odd}");
        }
    }
}
