//! When something is due: cron expressions and plain words, stepped through local wall time.
//!
//! The only wrapper of the `cron` package. It steps through wall time as if that were UTC, which
//! has neither gaps nor folds; what the clocks do then is our rule: a fixed time in a gap runs at
//! the first instant after it, a fixed time in a fold runs once, an interval follows real time and
//! so runs in both passes of a fold.

use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::{Calendar, Digest, Timestamp};

/// A parsed schedule in a zone.
#[derive(Debug, Clone)]
pub struct Schedule {
    text: String,
    zone: Tz,
    /// Several expressions: whichever comes first. Unix cron joins day of month and weekday by
    /// *or*; the package by *and*, so such an expression becomes two.
    cron: Vec<cron::Schedule>,
    /// Whether every hour of a day is meant: then both passes of a fold are run.
    interval: bool,
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.zone == other.zone
    }
}

/// Why a text is not a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Neither a cron expression nor plain words.
    #[error("`{text}` is not a schedule: {why}")]
    Unreadable {
        /// As written.
        text: String,
        /// What is wrong and what would be right.
        why: String,
    },
    /// The date never comes, such as 30 February.
    #[error("`{0}` never happens")]
    Never(String),
}

/// Longest text that is read.
const LONGEST: usize = 200;

/// The time before which no schedule is asked: far enough in the past for a first look.
const EPOCH: i64 = 1_577_836_800; // 2020-01-01

impl Schedule {
    /// Reads `*/15 * * * *` (five to seven fields, Unix weekdays), `every 15 minutes`, `15 minutes`,
    /// `hourly`, `daily 07:30`, `Monday 08:00`, `weekdays 09:00`, `1st 08:00`.
    pub fn parse(text: &str, zone: Tz) -> Result<Self, ScheduleError> {
        let unreadable = |why: String| ScheduleError::Unreadable {
            text: cut(text),
            why,
        };
        if text.len() > LONGEST {
            return Err(unreadable(format!("it has more than {LONGEST} characters")));
        }
        let words = text.trim().to_lowercase();
        let fields = plain_words(&words)
            .map_or_else(|| cron_fields(text), Ok)
            .map_err(unreadable)?;
        let interval = fields.is_interval();
        let cron = fields
            .expressions()
            .iter()
            .map(|expression| cron::Schedule::from_str(expression))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|why| unreadable(first_line(&why.to_string())))?;
        let schedule = Self {
            text: text.trim().to_owned(),
            zone,
            cron,
            interval,
        };
        let epoch = DateTime::from_timestamp(EPOCH, 0).unwrap_or_default();
        if schedule.next(epoch).is_none() {
            return Err(ScheduleError::Never(cut(text)));
        }
        Ok(schedule)
    }

    /// The first slot strictly after `after`; `None` when there is none before the year 2100.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let calendar = Calendar::new(self.zone);
        let wall = calendar.local(after);
        // A fold repeats up to two hours of wall time: begin before it.
        let mut from = wall.and_utc() - TimeDelta::hours(3);
        let mut found: Option<Timestamp> = None;
        // Slots just after a fold may sort before its second pass, so look a little further than
        // the first hit.
        let mut beyond: Option<NaiveDateTime> = None;
        while let Some(slot) = self.next_wall(from) {
            if beyond.is_some_and(|end| slot > end) {
                break;
            }
            let hits = self
                .instants(&calendar, slot)
                .into_iter()
                .filter(|at| *at > after);
            if let Some(at) = hits.min() {
                found = Some(found.map_or(at, |known| known.min(at)));
                beyond.get_or_insert(slot + TimeDelta::hours(3));
            }
            from = slot.and_utc();
        }
        found
    }

    fn next_wall(&self, from: DateTime<Utc>) -> Option<NaiveDateTime> {
        self.cron
            .iter()
            .filter_map(|one| one.after(&from).next())
            .min()
            .map(|at| at.naive_utc())
    }

    /// A wall time as instants, by our rule for gaps and folds.
    fn instants(&self, calendar: &Calendar, wall: NaiveDateTime) -> Vec<Timestamp> {
        match self.zone.from_local_datetime(&wall) {
            chrono::LocalResult::Single(at) => vec![at.to_utc()],
            chrono::LocalResult::Ambiguous(first, second) if self.interval => {
                vec![first.to_utc(), second.to_utc()]
            }
            chrono::LocalResult::Ambiguous(first, _) => vec![first.to_utc()],
            // Intervals follow real time: what falls into a gap did not happen.
            chrono::LocalResult::None if self.interval => Vec::new(),
            chrono::LocalResult::None => vec![calendar.instant(wall)],
        }
    }

    /// Whether slots lie a month or more apart, as those of `1st 08:00` do.
    pub fn is_monthly(&self) -> bool {
        let epoch = DateTime::from_timestamp(EPOCH, 0).unwrap_or_default();
        let first = self.next(epoch);
        let second = first.and_then(|first| self.next(first));
        let apart = first.zip(second).map(|(first, second)| second - first);
        apart.is_none_or(|apart| apart > TimeDelta::days(27))
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A stable shift below `most`, so that jobs of one schedule do not start together.
    pub fn jitter(job: &str, most: TimeDelta) -> TimeDelta {
        let mut digest = Digest::new("jitter.1");
        digest.text(job);
        let limit = u64::try_from(most.num_milliseconds().max(1)).unwrap_or(1);
        TimeDelta::milliseconds(i64::try_from(digest.number() % limit).unwrap_or(0))
    }
}

/// Second, minute, hour, day of month, month, day of week, year.
struct Fields([String; 7]);

impl Fields {
    fn of(minute: &str, hour: &str, day: &str, month: &str, weekday: &str) -> Self {
        Self(["0", minute, hour, day, month, weekday, "*"].map(str::to_owned))
    }

    /// Every hour is meant, by `*` or a step: it follows real time.
    fn is_interval(&self) -> bool {
        let hour = &self.0[2];
        hour == "*" || hour.contains('/') || hour.contains("0-23")
    }

    fn expressions(&self) -> Vec<String> {
        let [second, minute, hour, day, month, weekday, year] = &self.0;
        let free = |field: &str| field == "*" || field == "?";
        let join = |day: &str, weekday: &str| {
            format!("{second} {minute} {hour} {day} {month} {weekday} {year}")
        };
        if free(day) || free(weekday) {
            vec![join(day, weekday)]
        } else {
            // Unix: either of the two.
            vec![join(day, "*"), join("*", weekday)]
        }
    }
}

const WEEKDAYS: [&str; 7] = [
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

fn plain_words(text: &str) -> Option<Fields> {
    let text = text.strip_prefix("every ").unwrap_or(text).trim();
    let (first, rest) = text
        .split_once(' ')
        .map_or((text, ""), |(first, rest)| (first, rest.trim()));
    let at = || clock(if rest.is_empty() { "00:00" } else { rest });
    match first {
        "minute" | "minutely" => return Some(Fields::of("*", "*", "*", "*", "*")),
        "hour" | "hourly" => return Some(Fields::of("0", "*", "*", "*", "*")),
        "day" | "daily" | "midnight" => {
            let (hour, minute) = at()?;
            return Some(Fields::of(&minute, &hour, "*", "*", "*"));
        }
        "week" | "weekly" => {
            let (hour, minute) = at()?;
            return Some(Fields::of(&minute, &hour, "*", "*", "MON"));
        }
        "weekdays" => {
            let (hour, minute) = at()?;
            return Some(Fields::of(&minute, &hour, "*", "*", "MON-FRI"));
        }
        _ => {}
    }
    if let Some(weekday) = weekday(first) {
        let (hour, minute) = at()?;
        return Some(Fields::of(&minute, &hour, "*", "*", weekday));
    }
    if let Some(day) = ordinal(first) {
        let (hour, minute) = at()?;
        return Some(Fields::of(&minute, &hour, &day, "*", "*"));
    }
    steps(first, rest)
}

/// `15 minutes`, `6 hours`: steps that divide their hour or day.
fn steps(number: &str, unit: &str) -> Option<Fields> {
    let number: u32 = number.parse().ok()?;
    match unit {
        "min" | "minute" | "minutes" if (1..=59).contains(&number) => {
            Some(Fields::of(&format!("*/{number}"), "*", "*", "*", "*"))
        }
        "min" | "minute" | "minutes" if number == 60 => Some(Fields::of("0", "*", "*", "*", "*")),
        "h" | "hour" | "hours" if (1..=23).contains(&number) => {
            Some(Fields::of("0", &format!("*/{number}"), "*", "*", "*"))
        }
        "h" | "hour" | "hours" if number == 24 => Some(Fields::of("0", "0", "*", "*", "*")),
        "day" | "days" if number == 1 => Some(Fields::of("0", "0", "*", "*", "*")),
        _ => None,
    }
}

fn clock(text: &str) -> Option<(String, String)> {
    let text = text.strip_prefix("at ").unwrap_or(text);
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then(|| (hour.to_string(), minute.to_string()))
}

fn weekday(word: &str) -> Option<&'static str> {
    const SHORT: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
    let word = word
        .strip_suffix('s')
        .filter(|stem| stem.ends_with("day"))
        .unwrap_or(word);
    let at = WEEKDAYS
        .iter()
        .position(|full| *full == word || (word.len() == 3 && full.starts_with(word)))?;
    SHORT.get(at).copied()
}

fn ordinal(word: &str) -> Option<String> {
    let digits = ["st", "nd", "rd", "th"]
        .iter()
        .find_map(|ending| word.strip_suffix(ending))?;
    let day: u32 = digits.parse().ok()?;
    (1..=31).contains(&day).then(|| day.to_string())
}

/// Five Unix fields, or six and seven with seconds in front.
fn cron_fields(text: &str) -> Result<Fields, String> {
    let parts: Vec<&str> = text.split_whitespace().collect();
    let (second, rest, year) = match parts.len() {
        5 => ("0", &parts[..], "*"),
        6 => (parts[0], &parts[1..], "*"),
        7 => (parts[0], &parts[1..6], parts[6]),
        _ => {
            return Err(
                "write plain words (\"every 15 minutes\", \"daily 07:30\", \"Monday 08:00\") \
                        or five cron fields (\"*/15 * * * *\")"
                    .to_owned(),
            );
        }
    };
    if text.contains(['L', '#', 'W'])
        && !text.to_uppercase().contains("WED")
        && !text.to_uppercase().contains("JUL")
    {
        return Err("L, W and # are not known; name days plainly".to_owned());
    }
    let weekday = unix_weekday(rest[4])?;
    Ok(Fields(
        [second, rest[0], rest[1], rest[2], rest[3], &weekday, year].map(str::to_owned),
    ))
}

/// The package counts Sunday as 1; Unix counts Sunday as 0 and 7. Numbers become names.
fn unix_weekday(field: &str) -> Result<String, String> {
    const NAMES: [&str; 8] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
    let name = |word: &str| match word.parse::<usize>() {
        Ok(number) => NAMES
            .get(number)
            .map(|name| (*name).to_owned())
            .ok_or_else(|| format!("weekday {number}: use 0 (Sunday) to 6 (Saturday), or names")),
        Err(_) => Ok(word.to_uppercase()),
    };
    let mut parts = Vec::new();
    for part in field.split(',') {
        let (range, step) = part
            .split_once('/')
            .map_or((part, None), |(range, step)| (range, Some(step)));
        let range = match range.split_once('-') {
            _ if range == "*" || range == "?" => range.to_owned(),
            // 5-7 and FRI-SUN cross the package's week end: list the days.
            Some((from, to)) => days_between(&name(from)?, &name(to)?)?,
            None => name(range)?,
        };
        parts.push(match step {
            Some(step) if range == "*" => format!("{range}/{step}"),
            Some(_) => {
                return Err("a step over named weekdays is not known; list the days".to_owned());
            }
            None => range,
        });
    }
    Ok(parts.join(","))
}

fn days_between(from: &str, to: &str) -> Result<String, String> {
    const WEEK: [&str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
    let place = |word: &str| {
        let short = word.get(..3).unwrap_or(word);
        WEEK.iter()
            .position(|day| *day == short)
            .ok_or_else(|| format!("`{word}` is not a weekday"))
    };
    let (from, to) = (place(from)?, place(to)?);
    let count = (to + 7 - from) % 7;
    let days: Vec<&str> = (0..=count).map(|step| WEEK[(from + step) % 7]).collect();
    Ok(days.join(","))
}

fn first_line(text: &str) -> String {
    text.lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("it cannot be read")
        .trim()
        .to_owned()
}

fn cut(text: &str) -> String {
    text.chars().take(60).collect()
}
