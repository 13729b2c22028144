//! Public holidays of common countries, computed by rule, so that a quiet Easter is no incident.

use chrono::{Datelike, Duration, NaiveDate, Weekday};

/// Class of a public holiday.
const HOLIDAY: u8 = 1;

/// Class of the day before one.
pub(super) const EVE: u8 = 2;

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
    /// The weekday in the seven days that end with a month and day.
    UpTo(u32, u32, Weekday),
}
use Rule::{Easter, Fixed, Last, Nth, UpTo};

/// What becomes of a fixed holiday that falls on a weekend.
#[derive(Clone, Copy, PartialEq)]
enum Substitute {
    /// Nothing.
    Lost,
    /// The next working day that is none.
    Later,
    /// The Friday before a Saturday, the Monday after a Sunday.
    Nearest,
}

/// 0 for an ordinary day, 1 for a public holiday, 2 for the day before one. A country without
/// rules has ordinary days only.
pub(super) fn class(country: Option<&str>, date: NaiveDate) -> u8 {
    let Some(country) = country else {
        return 0;
    };
    let (rules, substitute) = rules(country);
    let is = |date: NaiveDate| is_holiday(rules, substitute, date);
    if is(date) {
        HOLIDAY
    } else if is(date + Duration::days(1)) {
        EVE
    } else {
        0
    }
}

fn is_holiday(rules: &[Rule], substitute: Substitute, date: NaiveDate) -> bool {
    let is = |date: NaiveDate| rules.iter().any(|rule| falls_on(rule, date));
    let fixed = |date: NaiveDate| {
        let mut fixed = rules.iter().filter(|rule| matches!(rule, Fixed(..)));
        fixed.any(|rule| falls_on(rule, date))
    };
    if is(date) {
        return true;
    }
    // A weekend day is nobody's substitute.
    if matches!(date.weekday(), Weekday::Sat | Weekday::Sun) {
        return false;
    }
    match (substitute, date.weekday()) {
        (Substitute::Nearest, Weekday::Fri) => fixed(date + Duration::days(1)),
        (Substitute::Nearest, Weekday::Mon) => fixed(date - Duration::days(1)),
        (Substitute::Lost | Substitute::Nearest, _) => false,
        (Substitute::Later, weekday) => {
            let monday = date - Duration::days(i64::from(weekday.num_days_from_monday()));
            let lost = [2, 1].map(|back| monday - Duration::days(back));
            let mut owed = lost.into_iter().filter(|day| fixed(*day)).count();
            for day in monday.iter_days().take_while(|day| *day <= date) {
                if owed > 0 && !is(day) {
                    if day == date {
                        return true;
                    }
                    owed -= 1;
                }
            }
            false
        }
    }
}

/// National holidays, those of single regions are left out, and what becomes of them on weekends.
fn rules(country: &str) -> (&'static [Rule], Substitute) {
    let rules = match country.to_ascii_uppercase().as_str() {
        "DE" => DE,
        "AT" => AT,
        "CH" => CH,
        "FR" => FR,
        "BE" => BE,
        "NL" => NL,
        "IT" => IT,
        "ES" => ES,
        "PT" => PT,
        "PL" => PL,
        "CZ" => CZ,
        "DK" => DK,
        "NO" => NO,
        "SE" => SE,
        "FI" => FI,
        "GB" => return (GB, Substitute::Later),
        "IE" => return (IE, Substitute::Later),
        "CA" => return (CA, Substitute::Later),
        "AU" => return (AU, Substitute::Later),
        "NZ" => return (NZ, Substitute::Later),
        "US" => return (US, Substitute::Nearest),
        _ => &[],
    };
    (rules, Substitute::Lost)
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

const CH: &[Rule] = &[
    Fixed(1, 1),
    Easter(-2),
    Easter(1),
    Easter(39),
    Easter(50),
    Fixed(8, 1),
    Fixed(12, 25),
    Fixed(12, 26),
];

const BE: &[Rule] = &[
    Fixed(1, 1),
    Easter(1),
    Fixed(5, 1),
    Easter(39),
    Easter(50),
    Fixed(7, 21),
    Fixed(8, 15),
    Fixed(11, 1),
    Fixed(11, 11),
    Fixed(12, 25),
];

const PT: &[Rule] = &[
    Fixed(1, 1),
    Easter(-2),
    Fixed(4, 25),
    Fixed(5, 1),
    Easter(60),
    Fixed(6, 10),
    Fixed(8, 15),
    Fixed(10, 5),
    Fixed(11, 1),
    Fixed(12, 1),
    Fixed(12, 8),
    Fixed(12, 25),
];

const PL: &[Rule] = &[
    Fixed(1, 1),
    Fixed(1, 6),
    Easter(1),
    Fixed(5, 1),
    Fixed(5, 3),
    Easter(60),
    Fixed(8, 15),
    Fixed(11, 1),
    Fixed(11, 11),
    Fixed(12, 25),
    Fixed(12, 26),
];

const CZ: &[Rule] = &[
    Fixed(1, 1),
    Easter(-2),
    Easter(1),
    Fixed(5, 1),
    Fixed(5, 8),
    Fixed(7, 5),
    Fixed(7, 6),
    Fixed(9, 28),
    Fixed(10, 28),
    Fixed(11, 17),
    Fixed(12, 24),
    Fixed(12, 25),
    Fixed(12, 26),
];

const DK: &[Rule] = &[
    Fixed(1, 1),
    Easter(-3),
    Easter(-2),
    Easter(1),
    Easter(39),
    Easter(50),
    Fixed(12, 25),
    Fixed(12, 26),
];

const NO: &[Rule] = &[
    Fixed(1, 1),
    Easter(-3),
    Easter(-2),
    Easter(1),
    Fixed(5, 1),
    Fixed(5, 17),
    Easter(39),
    Easter(50),
    Fixed(12, 25),
    Fixed(12, 26),
];

const SE: &[Rule] = &[
    Fixed(1, 1),
    Fixed(1, 6),
    Easter(-2),
    Easter(1),
    Fixed(5, 1),
    Easter(39),
    Fixed(6, 6),
    UpTo(6, 25, Weekday::Fri),
    Fixed(12, 24),
    Fixed(12, 25),
    Fixed(12, 26),
];

const FI: &[Rule] = &[
    Fixed(1, 1),
    Fixed(1, 6),
    Easter(-2),
    Easter(1),
    Fixed(5, 1),
    Easter(39),
    UpTo(6, 25, Weekday::Fri),
    Fixed(12, 6),
    Fixed(12, 25),
    Fixed(12, 26),
];

const IE: &[Rule] = &[
    Fixed(1, 1),
    Nth(2, Weekday::Mon, 1),
    Fixed(3, 17),
    Easter(1),
    Nth(5, Weekday::Mon, 1),
    Nth(6, Weekday::Mon, 1),
    Nth(8, Weekday::Mon, 1),
    Last(10, Weekday::Mon),
    Fixed(12, 25),
    Fixed(12, 26),
];

const CA: &[Rule] = &[
    Fixed(1, 1),
    Easter(-2),
    UpTo(5, 24, Weekday::Mon),
    Fixed(7, 1),
    Nth(9, Weekday::Mon, 1),
    Nth(10, Weekday::Mon, 2),
    Fixed(12, 25),
    Fixed(12, 26),
];

const AU: &[Rule] = &[
    Fixed(1, 1),
    Fixed(1, 26),
    Easter(-2),
    Easter(1),
    Fixed(4, 25),
    Fixed(12, 25),
    Fixed(12, 26),
];

const NZ: &[Rule] = &[
    Fixed(1, 1),
    Fixed(1, 2),
    Fixed(2, 6),
    Easter(-2),
    Easter(1),
    Fixed(4, 25),
    Nth(6, Weekday::Mon, 1),
    Nth(10, Weekday::Mon, 4),
    Fixed(12, 25),
    Fixed(12, 26),
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
        UpTo(month, day, weekday) => {
            let last = NaiveDate::from_ymd_opt(date.year(), month, day);
            date.weekday() == weekday
                && last.is_some_and(|last| (0..7).contains(&(last - date).num_days()))
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

    #[test]
    fn holidays_on_a_weekend_move_where_the_country_moves_them() {
        for (country, day, is) in [
            // Independence Day 2026 was a Saturday, Christmas 2022 a Sunday.
            ("US", "2026-07-03", true),
            ("US", "2022-12-26", true),
            ("DE", "2022-12-27", false),
            // Boxing Day took the Monday, so that Christmas moved on to the Tuesday; in 2021 both moved.
            ("GB", "2022-12-27", true),
            ("GB", "2021-12-27", true),
            ("GB", "2021-12-28", true),
            ("GB", "2021-12-29", false),
            ("GB", "2023-01-02", true),
            ("NZ", "2022-01-03", true),
            ("NZ", "2022-01-04", true),
            ("IE", "2024-03-18", true),
            ("AU", "2025-01-27", true),
            ("CA", "2026-05-18", true),
            ("CA", "2026-05-25", false),
            ("SE", "2026-06-19", true),
            ("SE", "2025-06-20", true),
            ("FI", "2024-06-21", true),
            ("DK", "2026-04-02", true),
            ("PL", "2026-06-04", true),
        ] {
            let found = super::class(Some(country), day.parse().unwrap()) == HOLIDAY;
            assert_eq!(found, is, "{country} {day}");
        }
    }

    #[test]
    fn every_country_of_the_page_has_rules() {
        for country in [
            "AT", "AU", "BE", "CA", "CH", "CZ", "DE", "DK", "ES", "FI", "FR", "GB", "IE", "IT",
            "NL", "NO", "NZ", "PL", "PT", "SE", "US",
        ] {
            let christmas = NaiveDate::from_ymd_opt(2024, 12, 25).unwrap();
            assert_eq!(super::class(Some(country), christmas), HOLIDAY, "{country}");
        }
    }
}
