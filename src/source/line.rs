//! What a line of counts holds, whichever way it came: when, how many, and what is refused.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};

use crate::model::{Bucket, Calendar, Grain, Timestamp};

/// A date further ahead than this is a mistake.
const AHEAD: TimeDelta = TimeDelta::days(3);

/// No counts are older.
const FIRST_YEAR: i32 = 1990;

/// Numbers from here on are milliseconds since 1970, below they are seconds.
const MILLIS_FROM: i64 = 100_000_000_000;

/// When something was counted, as precisely as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum When {
    /// A date in the zone of the calendar.
    Day(NaiveDate),
    /// Wall time in the zone of the calendar.
    Wall(NaiveDateTime),
    /// An instant.
    Instant(DateTime<Utc>),
}

impl When {
    /// Reads a date, a date with a time, a time with an offset, or Unix seconds or milliseconds.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Some(Self::Instant(at.to_utc()));
        }
        for form in [
            "%Y-%m-%dT%H:%M:%S%.f",
            "%Y-%m-%d %H:%M:%S%.f",
            "%Y-%m-%dT%H:%M",
            "%Y-%m-%d %H:%M",
        ] {
            if let Ok(wall) = NaiveDateTime::parse_from_str(text, form) {
                return Some(Self::Wall(wall));
            }
        }
        // With dots the day comes first everywhere; with slashes nobody can tell.
        for (form, length) in [("%Y-%m-%d", 10), ("%Y%m%d", 8), ("%d.%m.%Y", 10)] {
            if text.len() == length
                && let Ok(day) = NaiveDate::parse_from_str(text, form)
            {
                return Some(Self::Day(day));
            }
        }
        let number: i64 = text.parse().ok()?;
        let seconds = if number >= MILLIS_FROM {
            number.div_euclid(1_000)
        } else {
            number
        };
        // Eight digits that are no date, and small numbers, are no times either.
        (seconds >= MILLIS_FROM / 1_000)
            .then(|| DateTime::from_timestamp(seconds, 0))
            .flatten()
            .map(Self::Instant)
    }

    /// The same with the reason in words, and refused when out of range.
    pub(super) fn read(text: &str, calendar: &Calendar, now: Timestamp) -> Result<Self, String> {
        let at = Self::parse(text).ok_or_else(|| {
            format!(
                "`{}` is not a date; write 2026-11-24 or 2026-11-24T13:00",
                shown(text)
            )
        })?;
        let day = at.date(calendar);
        let latest = calendar.local(now + AHEAD).date();
        if day > latest || chrono::Datelike::year(&day) < FIRST_YEAR {
            return Err(format!("the date {} is out of range", shown(text)));
        }
        Ok(at)
    }

    /// The local date.
    pub(super) fn date(self, calendar: &Calendar) -> NaiveDate {
        match self {
            Self::Day(day) => day,
            Self::Wall(wall) => wall.date(),
            Self::Instant(at) => calendar.local(at).date(),
        }
    }

    /// The bucket it belongs to. A date gives no hours; hours add up to days.
    pub(super) fn bucket(self, grain: Grain, calendar: &Calendar) -> Option<Bucket> {
        match (grain, self) {
            (Grain::Hour, Self::Day(_)) => None,
            (Grain::Day, Self::Day(day)) => Some(calendar.day(day)),
            (Grain::Week, Self::Day(day)) => {
                Some(calendar.bucket(Grain::Week, calendar.day(day).start))
            }
            (grain, Self::Wall(wall)) => Some(calendar.bucket(grain, calendar.instant(wall))),
            (grain, Self::Instant(at)) => Some(calendar.bucket(grain, at)),
        }
    }
}

/// A count: whole and not negative.
pub(super) fn count(text: &str) -> Result<f64, String> {
    // 1.400 may be a thousand and 400, or 1 and two fifths: nobody may guess.
    if is_grouped(text.trim()) {
        return Err(format!(
            "`{}` is not plainly a count; write thousands without a separator",
            shown(text)
        ));
    }
    let number: f64 = text
        .trim()
        .parse()
        .map_err(|_| format!("`{}` is not a count", shown(text)))?;
    if !number.is_finite() || number < 0.0 || number.fract() != 0.0 {
        return Err(format!(
            "a count of {}: counts are whole and not negative",
            shown(text)
        ));
    }
    Ok(number)
}

/// Whether digits stand in groups of three as thousands do.
fn is_grouped(text: &str) -> bool {
    let mut groups = text.split(['.', ',', '\'', ' ', '\u{a0}', '\u{202f}']);
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let first = groups.next().unwrap_or_default();
    let rest: Vec<&str> = groups.collect();
    (1..=3).contains(&first.len())
        && digits(first)
        && !rest.is_empty()
        && rest.iter().all(|group| group.len() == 3 && digits(group))
}

/// An amount: finite; refunds are negative.
pub(super) fn amount(text: &str) -> Result<f64, String> {
    let number = text
        .trim()
        .parse::<f64>()
        .ok()
        .filter(|sum| sum.is_finite());
    number.ok_or_else(|| format!("`{}` is not an amount", shown(text)))
}

/// Foreign text in a message: one safe line that tells of nobody.
pub(super) fn shown(text: &str) -> crate::model::Name {
    let told = crate::model::masked_words(&crate::secret::masked(text));
    crate::model::Name::clean(&told)
}
