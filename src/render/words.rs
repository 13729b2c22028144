//! The only place that writes numbers, shares, spans of time and dates for people.

use chrono::{Datelike as _, TimeDelta};

use crate::model::{
    Amount, Bridge, Calendar, Finding, Gap, Grain, Ground, PartKind, Reference, Segment, Status,
    Timestamp, Unit,
};

/// Longest text that comes from data in one place of a message.
const LONGEST: usize = 80;

/// `● OK`, `▲ Warning`, `◆ Failing`, `○ No data`: shape and word, never color alone.
pub fn state(status: Option<Status>) -> &'static str {
    match status {
        Some(Status::Ok) => "● OK",
        Some(Status::Warning) => "▲ Warning",
        Some(Status::Failing) => "◆ Failing",
        None => "○ No data",
    }
}

/// Whole numbers with thousands separators: `12,345`; small fractions keep one digit.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "not known".to_owned();
    }
    let rounded = if value.abs() < 10.0 && value.fract().abs() > 0.05 {
        (value * 10.0).round() / 10.0
    } else {
        value.round()
    };
    let text = if rounded.fract() == 0.0 {
        format!("{:.0}", rounded.abs())
    } else {
        format!("{:.1}", rounded.abs())
    };
    let (whole, rest) = text
        .split_once('.')
        .map_or((text.as_str(), ""), |(whole, rest)| (whole, rest));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if !rest.is_empty() {
        grouped.push('.');
        grouped.push_str(rest);
    }
    if rounded < 0.0 {
        format!("−{grouped}")
    } else {
        grouped
    }
}

/// `96.4%`; a share of 0 to 1.
pub fn share(value: f64) -> String {
    let percent = value * 100.0;
    if (percent - percent.round()).abs() < 0.05 || percent.abs() >= 99.95 && percent.abs() <= 100.05
    {
        format!("{:.0}%", percent.round().abs()).replace('-', "")
    } else {
        format!("{:.1}%", percent.abs())
    }
}

/// `−63%` or `+12%`; `0%` for what rounds to nothing.
pub fn change(value: f64) -> String {
    let sign = if value < 0.0 { "−" } else { "+" };
    let percent = (value * 100.0).abs();
    if percent < LEAST {
        "0%".to_owned()
    } else if percent >= 10.0 {
        format!("{sign}{percent:.0}%")
    } else {
        format!("{sign}{percent:.1}%")
    }
}

/// A relative change as a figure moved: `−63%`, `no change`.
pub fn moved(value: f64) -> String {
    match change(value).as_str() {
        "0%" => NO_CHANGE.to_owned(),
        text => text.to_owned(),
    }
}

/// Percentage points, which a change of a share is told in: `−7.7 points`, `no change`.
pub fn points(now: f64, before: f64) -> String {
    let change = (now - before) * 100.0;
    let sign = if change < 0.0 { "−" } else { "+" };
    match change.abs() {
        small if small < LEAST => NO_CHANGE.to_owned(),
        size => format!("{sign}{size:.1} points"),
    }
}

/// What is said of a figure that did not move.
pub const NO_CHANGE: &str = "no change";

/// What is smaller reads as nothing with one digit after the point.
const LEAST: f64 = 0.05;

/// `1 incident`, `3 incidents`, `1,105 events`.
pub fn many(count: usize, word: &str) -> String {
    let end = if count == 1 { "" } else { "s" };
    format!("{} {word}{end}", number(count as f64))
}

/// `a, b and c`; of more than `most` the rest as a number: `a, b and 5 more`.
pub fn list(items: &[String], most: usize) -> String {
    let rest = items.len().saturating_sub(most);
    let mut shown: Vec<String> = items.iter().take(most).cloned().collect();
    if rest > 0 {
        shown.push(format!("{rest} more"));
    }
    match shown.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}

/// An amount of its unit.
pub fn value(value_: f64, unit: &Unit) -> String {
    match unit {
        Unit::Count | Unit::Days => number(value_),
        Unit::Share => share(value_),
        Unit::Money(currency) => {
            let text = number(value_.round());
            currency
                .as_ref()
                .map_or(text.clone(), |currency| format!("{text} {currency}"))
        }
        Unit::Hours => span(hours(value_)),
        Unit::Difference => change(value_),
    }
}

fn hours(value: f64) -> TimeDelta {
    #[expect(clippy::cast_possible_truncation, reason = "hours of an absence fit")]
    TimeDelta::minutes((value.clamp(0.0, 1e6) * 60.0) as i64)
}

/// `34–50`.
pub fn range(amount: &Amount, unit: &Unit) -> String {
    let (low, high) = (value(amount.low, unit), value(amount.high, unit));
    // A dash beside a sign or between spans of time cannot be read.
    let wordy = low.starts_with(['−', '+']) || high.starts_with(['−', '+']) || low.contains(' ');
    if low == high {
        low
    } else if wordy {
        format!("{low} to {high}")
    } else {
        format!("{low}–{high}")
    }
}

/// `shop 120 − 24 consent refused (estimated) + 1 duplicate − 38 unexplained = web 60`: every number
/// is a whole one, and they add up.
pub fn bridge(bridge: &Bridge) -> String {
    let signed = |count: i64| {
        let sign = if count < 0 { '−' } else { '+' };
        format!("{sign} {}", number(count.unsigned_abs() as f64))
    };
    let part = |one: &crate::model::Part| {
        let ground = match one.ground {
            Ground::Measured => "",
            Ground::Estimated => " (estimated)",
        };
        format!(
            " {} {}{ground}",
            signed(one.count),
            part(one.kind, one.count)
        )
    };
    format!(
        "{} {}{} {} unexplained = {} {}",
        bridge.from,
        number(bridge.baseline as f64),
        bridge.parts.iter().map(part).collect::<String>(),
        signed(bridge.unexplained()),
        bridge.to,
        number(bridge.other as f64)
    )
}

/// What explains a part of a gap of so many events.
pub fn part(kind: PartKind, count: i64) -> &'static str {
    match kind {
        PartKind::Consent => "consent refused",
        PartKind::Duplicates if count.abs() == 1 => "duplicate",
        PartKind::Duplicates => "duplicates",
        PartKind::Excluded => "out of scope",
        PartKind::DayBoundary => "day boundary",
        PartKind::StillToCome => "still to come",
    }
}

/// `2 d 6 h`, `40 min`.
pub fn span(length: TimeDelta) -> String {
    let minutes = length.num_minutes().max(0);
    let (days, hours, rest) = (minutes / 1_440, minutes / 60 % 24, minutes % 60);
    match (days, hours, rest) {
        (0, 0, rest) => format!("{rest} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, rest) => format!("{hours} h {rest} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// `Fri 23 Oct`.
pub fn day(calendar: &Calendar, at: Timestamp) -> String {
    let local = calendar.local(at);
    format!(
        "{} {} {}",
        local.format("%a"),
        local.day(),
        local.format("%b")
    )
}

/// `Fri 23 Oct 14:00`.
pub fn moment(calendar: &Calendar, at: Timestamp) -> String {
    format!(
        "{} {}",
        day(calendar, at),
        calendar.local(at).format("%H:%M")
    )
}

/// A bucket's start: a day, or a day with its hour.
pub fn since(calendar: &Calendar, bucket: &crate::model::Bucket) -> String {
    match bucket.grain {
        Grain::Hour => moment(calendar, bucket.start),
        Grain::Day | Grain::Week => day(calendar, bucket.start),
    }
}

/// `14:00 to 15:00: ` in front of a number of an hour; nothing for longer buckets.
pub fn hour(bucket: &crate::model::Bucket) -> String {
    if bucket.grain != Grain::Hour {
        return String::new();
    }
    let end = bucket.label + chrono::TimeDelta::hours(1);
    format!(
        "{} to {}: ",
        bucket.label.format("%H:%M"),
        end.format("%H:%M")
    )
}

/// `browser = Safari, country = DE`; `everywhere` for the total.
pub fn segment(segment: &Segment) -> String {
    if segment.is_empty() {
        return "everywhere".to_owned();
    }
    let parts: Vec<String> = segment
        .iter()
        .map(|(key, value)| format!("{key} = {}", cut(value)))
        .collect();
    parts.join(", ")
}

/// A name as people read it: `qualified_demo` becomes `qualified demo`.
pub fn spoken(name: &str) -> String {
    cut(&name.replace(['_', '-'], " "))
}

/// With a capital at its beginning.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// At most eighty characters, with an ellipsis.
pub fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(LONGEST - 1).collect();
    short.push('…');
    short
}

/// Everything since the onset: `Fri 23 Oct: 72 of 183 expected over 3 days`; of what is not counted
/// `Fri 23 Oct: −42%, expected −17%, over 6 days`.
pub fn since_onset(calendar: &Calendar, finding: &Finding, grain: Grain) -> String {
    let total = &finding.since_onset;
    let (seen, wanted) = (
        value(total.observed, &finding.unit),
        value(total.expected, &finding.unit),
    );
    let beside = match finding.unit {
        Unit::Count | Unit::Money(_) => format!("{seen} of {wanted} expected"),
        _ => format!("{seen}, expected {wanted},"),
    };
    let since = since(calendar, &finding.since);
    format!(
        "{since}: {beside} over {} {}s",
        finding.buckets,
        grain.word()
    )
}

/// What a number was compared with.
pub fn compared(reference: &Reference) -> String {
    match reference {
        Reference::SamePast { count, of } => format!("from the last {count} {of}"),
        Reference::SameAge { count } => format!("from {count} past readings of the same age"),
        Reference::Limit { limit } => format!("the limit is {}", share(*limit)),
        Reference::LearnedGap { usual } => format!("the usual difference is {}", change(*usual)),
        Reference::Clock => "by the clock".to_owned(),
    }
}

/// What a check asks, in words: `purchase: how many, by the day`.
pub fn asked(one: &crate::model::Evaluation) -> String {
    let what = match one.kind.as_str() {
        "volume" => "how many",
        "completeness" => "do required parameters arrive",
        "conformance" => "do parameters follow their rules",
        "duplicates" => "is anything counted twice",
        "freshness" => "does data arrive",
        "history" => "do final days stay as they were",
        "settings" => "are the settings what they were",
        "traffic" => "is the traffic known",
        "compare" => "do the systems agree",
        "rate" => "is the step passed as usual",
        "naming" => "do names follow the standard",
        "utm" => "are campaigns named by the standard",
        "unplanned" => "do events arrive without a plan",
        other => return spoken(other),
    };
    let subject = one
        .event
        .as_ref()
        .or(one.source.as_ref())
        .map(|name| spoken(name.as_str()));
    subject.map_or_else(|| what.to_owned(), |subject| format!("{subject}: {what}"))
}

/// A chance: `0.012`, and below a thousandth `4.0e-7`.
pub fn chance(p: f64) -> String {
    if p >= 0.001 {
        format!("{p:.3}")
    } else {
        format!("{p:.1e}")
    }
}

/// Why something was not judged.
pub fn gap(gap: &Gap, calendar: &Calendar) -> String {
    match gap {
        Gap::NeverSeen => "nothing was ever read".to_owned(),
        Gap::Late { last } => format!("late: the newest value is of {}", moment(calendar, *last)),
        Gap::SourceFailed { why } => format!("cannot be read: {}", cut(why)),
        Gap::TooFew {
            have,
            need,
            of,
            from,
        } => {
            let of = if *of == Unit::Days { "days" } else { "events" };
            let from = from.map_or(String::new(), |day| {
                format!("; judged from {} {} on", day.day(), day.format("%b"))
            });
            format!("learning: {have} of {need} {of}{from}")
        }
        Gap::Unfit { why } => cut(why),
        Gap::Settling { final_at } => format!("not final before {}", moment(calendar, *final_at)),
        Gap::Broken { why } => format!("the check itself failed: {}", cut(why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(number(12_345.0), "12,345");
        assert_eq!(number(2.34), "2.3");
        assert_eq!(number(-1_000_000.4), "−1,000,000");
        assert_eq!(share(0.964), "96.4%");
        assert_eq!(share(1.0), "100%");
        assert_eq!(change(-0.634), "−63%");
        assert_eq!(change(0.031), "+3.1%");
        assert_eq!(change(-0.0004), "0%");
        assert_eq!(moved(0.0001), "no change");
        assert_eq!(points(0.366, 0.443), "−7.7 points");
        assert_eq!(points(0.5001, 0.5), "no change");
        assert_eq!(many(1, "pull"), "1 pull");
        assert_eq!(many(1_105, "event"), "1,105 events");
        let names = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(list(&names, 3), "a, b and c");
        assert_eq!(list(&names, 1), "a and 2 more");
        assert_eq!(list(&names[..1], 3), "a");
        assert_eq!(part(PartKind::Duplicates, -1), "duplicate");
        assert_eq!(span(TimeDelta::hours(54)), "2 d 6 h");
        assert_eq!(span(TimeDelta::minutes(40)), "40 min");
    }
}
