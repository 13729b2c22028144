//! Series as text, those of a benchmark and any other: read, judged online, written as scores. The one
//! file of the room that reads a date.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use serde::Deserialize;

use super::{Cycle, Paired, Point, Scored, Sensitivity, Series, Watch};
use super::{count, grade, pair, ratio};

/// The first line of the scores.
pub const HEADER: &str = "series_id,timestamp,score,is_anomaly\n";
/// Longest series that is read, so that a stray date cannot ask for all memory.
const LONGEST: i64 = 1_000_000;

/// What a benchmark says of a series. Nothing else of its labels is ever read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Label {
    /// What is judged.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// `D` or `H`.
    pub freq: Freq,
    /// First bucket that is judged; earlier ones are history only.
    pub score_from: String,
}

/// The kinds of series in a benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Events a day.
    CountDaily,
    /// Events an hour.
    CountHourly,
    /// Events with a parameter, of all events.
    Completeness,
    /// One system against another.
    Discrepancy,
}

impl Kind {
    /// Every kind, with the word by which files and flags call it.
    pub const ALL: [(&'static str, Self); 4] = [
        ("count_daily", Self::CountDaily),
        ("count_hourly", Self::CountHourly),
        ("completeness", Self::Completeness),
        ("discrepancy", Self::Discrepancy),
    ];

    /// Whether it needs a third column.
    const fn is_paired(self) -> bool {
        matches!(self, Self::Completeness | Self::Discrepancy)
    }
}

/// The grain of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Freq {
    /// Days.
    D,
    /// Hours.
    H,
}

/// Why a series or its labels cannot be read. The text says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrialError {
    /// The labels are no such JSON.
    #[error("the labels cannot be read: {0}; each series needs `type`, `freq` and `score_from`")]
    Labels(String),
    /// A line of a series is no such CSV.
    #[error("line {line}: {why}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// The series has no lines.
    #[error(
        "there are no rows below the first line; each is timestamp,value or timestamp,value,total"
    )]
    Empty,
    /// `score_from` is no time.
    #[error("score_from {0}")]
    From(String),
}

/// Reads the labels of a benchmark: series id to what is known of it.
pub fn labels(text: &str) -> Result<BTreeMap<String, Label>, TrialError> {
    #[derive(Deserialize)]
    struct Labels {
        series: BTreeMap<String, Label>,
    }
    serde_json::from_str::<Labels>(text)
        .map(|labels| labels.series)
        .map_err(|why| TrialError::Labels(why.to_string()))
}

/// A series, aligned: absent rows are missing buckets.
#[derive(Debug, Clone)]
pub struct Trial {
    label: Label,
    from: Option<NaiveDateTime>,
    cycle: Cycle,
    values: Vec<f64>,
    totals: Vec<f64>,
    /// The timestamp as it stood in the file, and what it means, where there was a row.
    stamps: Vec<Option<(String, NaiveDateTime)>>,
}

/// What a rehearsal says of a series at one sensitivity.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// First bucket of the trouble, as its row has it; the bucket of the alarm where that is missing.
    pub since: String,
    /// Bucket in which it alarmed.
    pub at: String,
    /// Buckets from the one to the other.
    pub delay: usize,
    /// Highest score while it lasted.
    pub score: f64,
}

impl Trial {
    /// Reads `timestamp,value` or `timestamp,value,total`, ascending, below a line of names. An empty
    /// `score_from` judges every bucket.
    pub fn parse(text: &str, label: &Label) -> Result<Self, TrialError> {
        let text = text.trim_start_matches('\u{feff}');
        let mut rows = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            let found = row(line, label.kind);
            if index == 0 {
                if found.is_ok() {
                    let why = "the first line must name the columns: timestamp,value or \
                               timestamp,value,total";
                    return Err(at_line(number, why));
                }
            } else if !line.trim().is_empty() {
                rows.push((number, found.map_err(|why| at_line(number, why))?));
            }
        }
        let first = rows.first().ok_or(TrialError::Empty)?.1.time;
        let from = (!label.score_from.is_empty())
            .then(|| moment(&label.score_from).map_err(TrialError::From))
            .transpose()?;
        let mut trial = Self {
            label: label.clone(),
            from,
            cycle: cycle(label.freq, first),
            values: Vec::with_capacity(rows.len()),
            totals: Vec::with_capacity(rows.len()),
            stamps: Vec::with_capacity(rows.len()),
        };
        for (number, row) in rows {
            let after = row.time - first;
            let (place, grain) = match label.freq {
                Freq::D => (after.num_days(), "day"),
                Freq::H => (after.num_hours(), "hour"),
            };
            let at = usize::try_from(place).unwrap_or(usize::MAX);
            if place < 0 || at < trial.values.len() {
                let why = format!(
                    "`{}` is not later than the row before it; sort the file and keep one row a {grain}",
                    row.stamp
                );
                return Err(at_line(number, why));
            }
            if place > LONGEST {
                let why = format!(
                    "`{}` lies {place} {grain}s after the first row; is the year right?",
                    row.stamp
                );
                return Err(at_line(number, why));
            }
            trial.values.resize(at, f64::NAN);
            trial.totals.resize(at, f64::NAN);
            trial.stamps.resize(at, None);
            trial.values.push(row.value);
            trial.totals.push(row.total);
            trial.stamps.push(Some((row.stamp, row.time)));
        }
        Ok(trial)
    }

    /// Buckets, missing ones included.
    pub fn buckets(&self) -> usize {
        self.values.len()
    }

    /// Judges every bucket online; `None` where nothing can be said.
    pub fn judge(&self) -> Vec<Option<Scored>> {
        let usable = vec![true; self.values.len()];
        let special = vec![0; self.values.len()];
        let mut out = Vec::with_capacity(self.values.len());
        let paired = Paired {
            first: &self.values,
            second: &self.totals,
            usable: &usable,
            special: &special,
            cycle: self.cycle,
        };
        match self.label.kind {
            Kind::CountDaily | Kind::CountHourly => {
                let series = Series {
                    values: &self.values,
                    usable: &usable,
                    special: &special,
                    cycle: self.cycle,
                };
                count::sweep(&series, 0, &mut out);
            }
            Kind::Completeness => ratio::sweep(&paired, 0, &mut out),
            Kind::Discrepancy => pair::sweep(&paired, 0, &mut out),
        }
        out
    }

    /// Judges every day of a count online without windows longer than this downwards, to measure what
    /// the longer ones are worth; [`Trial::judge`] has them all.
    pub fn judge_within(&self, longest: usize) -> Vec<Option<Scored>> {
        let mut watch = Watch::days_within(self.cycle, longest);
        let judged = self.values.iter().map(|&first| {
            watch.push(Point {
                first,
                second: 1.0,
                usable: true,
                special: 0,
            });
            watch.scored()
        });
        judged.collect()
    }

    /// The lines of `series_id,timestamp,score,is_anomaly` for the buckets from `score_from` on.
    pub fn scores(&self, id: &str) -> String {
        let mut text = String::new();
        for (stamp, scored) in self.stamps.iter().zip(self.judge()) {
            if let (Some((stamp, time)), Some(scored)) = (stamp, scored)
                && self.is_judged(*time)
            {
                let alarm = u8::from(scored.alarm);
                // Writing to a string cannot fail.
                writeln!(text, "{id},{stamp},{:.6},{alarm}", scored.score).unwrap_or_default();
            }
        }
        text
    }

    fn is_judged(&self, time: NaiveDateTime) -> bool {
        self.from.is_none_or(|from| time >= from)
    }

    /// Weeks in which buckets were judged.
    pub fn weeks(&self) -> f64 {
        let buckets = self.stamps.iter().flatten();
        let judged = buckets.filter(|(_, time)| self.is_judged(*time)).count() as f64;
        match self.label.freq {
            Freq::D => judged / 7.0,
            Freq::H => judged / 168.0,
        }
    }

    /// The alerts of a rehearsal: alarms from `score_from` on, those close together taken as one.
    pub fn alerts(&self, sensitivity: Sensitivity) -> Vec<Alert> {
        let judged = self.judge();
        let level = sensitivity.level();
        let loud: Vec<usize> = (0..judged.len())
            .filter(|&at| {
                let time = self.stamps[at].as_ref().map(|(_, time)| *time);
                time.is_some_and(|time| self.is_judged(time))
                    && judged[at].is_some_and(|scored| scored.score >= level)
            })
            .collect();
        let gap = match self.label.freq {
            Freq::D => grade::DAYS.merge,
            Freq::H => grade::HOURS.merge,
        };
        let stamp = |at: usize| self.stamps[at].as_ref().map(|(stamp, _)| stamp.clone());
        grade::runs(&loud, gap)
            .into_iter()
            .map(|(first, last)| {
                let scores = judged[first..=last].iter().flatten();
                let since = judged[first].map_or(first, |scored| scored.since);
                let at = stamp(first).unwrap_or_default();
                Alert {
                    since: stamp(since).unwrap_or_else(|| at.clone()),
                    at,
                    delay: first - since.min(first),
                    score: scores.map(|scored| scored.score).fold(0.0, f64::max),
                }
            })
            .collect()
    }
}

struct Row {
    stamp: String,
    time: NaiveDateTime,
    value: f64,
    total: f64,
}

fn at_line(line: usize, why: impl Into<String>) -> TrialError {
    TrialError::Line {
        line,
        why: why.into(),
    }
}

/// A time as files write it; no zone, since buckets are local.
fn moment(text: &str) -> Result<NaiveDateTime, String> {
    const FORMS: [&str; 4] = [
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M",
    ];
    let parsed = FORMS
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let day = || {
        Some(
            NaiveDate::parse_from_str(text, "%Y-%m-%d")
                .ok()?
                .and_time(NaiveTime::MIN),
        )
    };
    parsed.or_else(day).ok_or_else(|| {
        format!(
            "`{text}` is no local time; write 2026-10-23 or 2026-10-23T09:00:00, without a zone"
        )
    })
}

fn number(column: &str, text: &str) -> Result<f64, String> {
    let remedy = "leave the whole row out where nothing is known";
    match text.parse::<f64>() {
        _ if text.is_empty() => Err(format!("{column} is empty; {remedy}")),
        Ok(value) if value < 0.0 => Err(format!("{column} `{text}` is negative; counts are not")),
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(format!(
            "{column} `{text}` is no number; write digits with a point, or {remedy}"
        )),
    }
}

fn row(line: &str, kind: Kind) -> Result<Row, String> {
    let mut fields = line.split(',').map(|field| field.trim().trim_matches('"'));
    let stamp = fields.next().unwrap_or_default().to_owned();
    if line.contains(';') && !line.contains(',') {
        return Err("columns are parted by `;`; write commas".to_owned());
    }
    let time = moment(&stamp)?;
    let value = number("value", fields.next().unwrap_or_default())?;
    let total = match fields.next() {
        Some(field) => number("total", field)?,
        None if kind.is_paired() => {
            return Err(
                "a third column, total, is missing; this type of series needs it".to_owned(),
            );
        }
        None => f64::NAN,
    };
    if fields.next().is_some() {
        return Err("there are more than three columns; keep timestamp,value,total".to_owned());
    }
    Ok(Row {
        stamp,
        time,
        value,
        total,
    })
}

fn cycle(freq: Freq, first: NaiveDateTime) -> Cycle {
    #[expect(clippy::cast_possible_truncation, reason = "at most 167")]
    let place = |number: u32| number as u8;
    let weekday = first.weekday().num_days_from_monday();
    match freq {
        Freq::D => Cycle::Daily(place(weekday)),
        Freq::H => Cycle::Hourly(place(weekday * 24 + first.hour())),
    }
}
