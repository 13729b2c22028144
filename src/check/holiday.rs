//! Public holidays of common countries, computed by rule, so that a quiet Easter is no incident.

use chrono::{Datelike, Duration, NaiveDate, Weekday};

/// Class of a public holiday.
const HOLIDAY: u8 = 1;

/// Class of the day before one.
const EVE: u8 = 2;

/// When a holiday is.
enum Rule {
    /// Month and day.
    Fixed(u32, u32),
    /// Days after Easter Sunday.
    Easter(i64),
    /// The n-th weekday of a month.
    Nth(u32, Weekday, u8),
    /// The last weekday of a month.
    Last(u32, Weekday),
}
use Rule::{Easter, Fixed, Last, Nth};

/// 0 for an ordinary day, 1 for a public holiday, 2 for the day before one. A country without
/// rules has ordinary days only.
pub(super) fn class(country: Option<&str>, date: NaiveDate) -> u8 {
    let rules = country.map_or(&[][..], rules);
    let is = |date: NaiveDate| rules.iter().any(|rule| falls_on(rule, date));
    if is(date) {
        HOLIDAY
    } else if is(date + Duration::days(1)) {
        EVE
    } else {
        0
    }
}

/// National holidays; those of single regions are left out.
fn rules(country: &str) -> &'static [Rule] {
    match country.to_ascii_uppercase().as_str() {
        "DE" => DE,
        "AT" => AT,
        "FR" => FR,
        "GB" => GB,
        "US" => US,
        "NL" => NL,
        "IT" => IT,
        "ES" => ES,
        _ => &[],
    }
}

const DE: &[Rule] = &[
    Fixed(1, 1),
    Easter(-2),
    Easter(1),
    Fixed(5, 1),
    Easter(39),
    Easter(50),
    Fixed(10, 3),
    Fixed(12, 25),
    Fixed(12, 26),
];

const AT: &[Rule] = &[
    Fixed(1, 1),
    Fixed(1, 6),
    Easter(1),
    Fixed(5, 1),
    Easter(39),
    Easter(50),
    Easter(60),
    Fixed(8, 15),
    Fixed(10, 26),
    Fixed(11, 1),
    Fixed(12, 8),
    Fixed(12, 25),
    Fixed(12, 26),
];

const FR: &[Rule] = &[
    Fixed(1, 1),
    Easter(1),
    Fixed(5, 1),
    Fixed(5, 8),
    Easter(39),
    Easter(50),
    Fixed(7, 14),
    Fixed(8, 15),
    Fixed(11, 1),
    Fixed(11, 11),
    Fixed(12, 25),
];

const GB: &[Rule] = &[
    Fixed(1, 1),
    Easter(-2),
    Easter(1),
    Nth(5, Weekday::Mon, 1),
    Last(5, Weekday::Mon),
    Last(8, Weekday::Mon),
    Fixed(12, 25),
    Fixed(12, 26),
];

const US: &[Rule] = &[
    Fixed(1, 1),
    Nth(1, Weekday::Mon, 3),
    Nth(2, Weekday::Mon, 3),
    Last(5, Weekday::Mon),
    Fixed(6, 19),
    Fixed(7, 4),
    Nth(9, Weekday::Mon, 1),
    Nth(10, Weekday::Mon, 2),
    Fixed(11, 11),
    Nth(11, Weekday::Thu, 4),
    Fixed(12, 25),
];

const NL: &[Rule] = &[
    Fixed(1, 1),
    Easter(1),
    Fixed(4, 27),
    Easter(39),
    Easter(50),
    Fixed(12, 25),
    Fixed(12, 26),
];

const IT: &[Rule] = &[
    Fixed(1, 1),
    Fixed(1, 6),
    Easter(1),
    Fixed(4, 25),
    Fixed(5, 1),
    Fixed(6, 2),
    Fixed(8, 15),
    Fixed(11, 1),
    Fixed(12, 8),
    Fixed(12, 25),
    Fixed(12, 26),
];

const ES: &[Rule] = &[
    Fixed(1, 1),
    Fixed(1, 6),
    Easter(-2),
    Fixed(5, 1),
    Fixed(8, 15),
    Fixed(10, 12),
    Fixed(11, 1),
    Fixed(12, 6),
    Fixed(12, 8),
    Fixed(12, 25),
];

fn falls_on(rule: &Rule, date: NaiveDate) -> bool {
    match *rule {
        Fixed(month, day) => date.month() == month && date.day() == day,
        Easter(after) => {
            easter(date.year()).is_some_and(|sunday| sunday + Duration::days(after) == date)
        }
        Nth(month, weekday, n) => {
            date.month() == month
                && NaiveDate::from_weekday_of_month_opt(date.year(), month, weekday, n)
                    == Some(date)
        }
        Last(month, weekday) => {
            date.month() == month
                && date.weekday() == weekday
                && (date + Duration::days(7)).month() != month
        }
    }
}

/// Western Easter Sunday by the anonymous Gregorian algorithm (Meeus 1991, chapter 8).
fn easter(year: i32) -> Option<NaiveDate> {
    let (golden, century, rest) = (year % 19, year / 100, year % 100);
    let drift = century - century / 4 - (century - (century + 8) / 25 + 1) / 3;
    let moon = (19 * golden + drift + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (rest / 4) - moon - rest % 4) % 7;
    let late = (golden + 11 * moon + 22 * weekday) / 451;
    let n = moon + weekday - 7 * late + 114;
    NaiveDate::from_ymd_opt(
        year,
        u32::try_from(n / 31).ok()?,
        u32::try_from(n % 31 + 1).ok()?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn easter_falls_where_almanacs_print_it() {
        for (year, month, day) in [
            (2000, 4, 23),
            (2019, 4, 21),
            (2024, 3, 31),
            (2025, 4, 20),
            (2026, 4, 5),
        ] {
            assert_eq!(easter(year), NaiveDate::from_ymd_opt(year, month, day));
        }
    }

    #[test]
    fn holidays_and_their_eves_have_classes() {
        let class = |country, month, day| {
            super::class(
                Some(country),
                NaiveDate::from_ymd_opt(2026, month, day).unwrap(),
            )
        };
        assert_eq!(class("US", 11, 26), HOLIDAY);
        assert_eq!(class("us", 11, 25), EVE);
        assert_eq!(class("GB", 8, 31), HOLIDAY);
        assert_eq!(class("DE", 5, 14), HOLIDAY);
        assert_eq!(class("DE", 5, 20), 0);
        assert_eq!(class("XX", 12, 25), 0);
    }
}
