//! Values as people say them: `"5%"`, `"2 days"`, `"07:00-20:00"`, `"60%..85%"`, `"400 EUR"`.

use chrono::{NaiveDate, NaiveTime, TimeDelta};

use crate::model::DailyHours;

/// Reads a span of time such as `2 days`, `90 min`, `3h` or `1 week`.
pub fn duration(text: &str) -> Result<TimeDelta, String> {
    let wrong =
        || format!("`{text}` is not a duration; write it like \"2 days\" or \"15 minutes\"");
    let trimmed = text.trim();
    let digits = trimmed
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .ok_or_else(wrong)?;
    let (number, unit) = trimmed.split_at(digits);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let seconds = match unit.trim() {
        "s" | "sec" | "second" | "seconds" => 1.0,
        "m" | "min" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3_600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "week" | "weeks" => 604_800.0,
        "month" | "months" => 30.0 * 86_400.0,
        "y" | "year" | "years" => 365.0 * 86_400.0,
        _ => return Err(wrong()),
    };
    let total = number * seconds;
    if !(0.0..=100.0 * 365.0 * 86_400.0).contains(&total) {
        return Err(wrong());
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "bounded by a century above"
    )]
    Ok(TimeDelta::seconds(total.round() as i64))
}

/// Reads a share: `5%` or `0.05`. The result is 0 to 1 for ordinary shares, and may lie outside.
pub fn share(text: &str) -> Result<f64, String> {
    let wrong = || format!("`{text}` is not a share; write it like \"5%\"");
    let trimmed = text.trim();
    let (number, scale) = match trimmed.strip_suffix('%') {
        Some(number) => (number.trim(), 0.01),
        None => (trimmed, 1.0),
    };
    let value: f64 = number
        .trim_start_matches('+')
        .parse()
        .map_err(|_| wrong())?;
    if value.is_finite() {
        Ok(value * scale)
    } else {
        Err(wrong())
    }
}

/// Reads a band of shares: `60%..85%` or `+5%..+25%`.
pub fn band(text: &str) -> Result<(f64, f64), String> {
    let wrong = || format!("`{text}` is not a band; write it like \"60%..85%\"");
    let (low, high) = text.split_once("..").ok_or_else(wrong)?;
    let (low, high) = (share(low)?, share(high)?);
    if low <= high {
        Ok((low, high))
    } else {
        Err(wrong())
    }
}

/// Reads hours of the day: `20:00-07:00`.
pub fn hours(text: &str) -> Result<DailyHours, String> {
    let wrong = || format!("`{text}` are no hours; write them like \"20:00-07:00\"");
    let (from, to) = text.split_once('-').ok_or_else(wrong)?;
    let time = |text: &str| NaiveTime::parse_from_str(text.trim(), "%H:%M").map_err(|_| wrong());
    Ok(DailyHours {
        from: time(from)?,
        to: time(to)?,
    })
}

/// Reads an amount with its currency: `400 EUR`.
pub fn money(text: &str) -> Result<(f64, String), String> {
    let wrong = || format!("`{text}` is not an amount; write it like \"400 EUR\"");
    let (number, currency) = text.trim().split_once(' ').ok_or_else(wrong)?;
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let currency = currency.trim();
    let known = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
    if known && number.is_finite() {
        Ok((number, currency.to_owned()))
    } else {
        Err(wrong())
    }
}

/// Most days that a span of dates may hold.
const LONGEST_SPAN: i64 = 3_700;

/// Reads a date or a span of dates, both ends included: `2026-12-24..2027-01-02`.
pub fn days(text: &str) -> Result<Vec<NaiveDate>, String> {
    let wrong =
        || format!("`{text}` is not a span of dates; write it like \"2026-12-24..2027-01-02\"");
    let date = |text: &str| NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").map_err(|_| wrong());
    let (from, to) = match text.split_once("..") {
        Some((from, to)) => (date(from)?, date(to)?),
        None => (date(text)?, date(text)?),
    };
    let days = (to - from).num_days();
    if days < 0 {
        return Err(format!("`{text}` ends before it begins"));
    }
    if days >= LONGEST_SPAN {
        return Err(format!("`{text}` is longer than ten years"));
    }
    Ok(from.iter_days().take_while(|day| *day <= to).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_people_say_them() {
        assert_eq!(duration("2 days"), Ok(TimeDelta::days(2)));
        assert_eq!(duration("90 min"), Ok(TimeDelta::minutes(90)));
        assert_eq!(duration("1.5h"), Ok(TimeDelta::minutes(90)));
        assert_eq!(share("5%"), Ok(0.05));
        assert_eq!(band("+5%..+25%"), Ok((0.05, 0.25)));
        assert_eq!(money("400 EUR"), Ok((400.0, "EUR".to_owned())));
        assert_eq!(
            days("2026-12-24..2027-01-02").map(|days| days.len()),
            Ok(10)
        );
        assert!(hours("20:00-07:00").is_ok_and(|hours| hours.contains(NaiveTime::MIN)));
    }

    #[test]
    fn nonsense_is_refused_with_an_example() {
        for text in [
            "",
            "two days",
            "5 parsecs",
            "-3 days",
            "9999999999999 years",
        ] {
            assert!(
                duration(text).is_err_and(|why| why.contains("2 days")),
                "{text}"
            );
        }
        assert!(band("85%..60%").is_err());
        assert!(money("400").is_err());
        assert!(days("2026-13-01").is_err());
    }
}
