//! Labelled series of a benchmark, as text: read, judged online, written as scores. The one file of
//! the room that reads a date.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{Datelike, NaiveDateTime, Timelike};
use serde::Deserialize;

use super::{Cycle, Paired, Scored, Series};
use super::{count, pair, ratio};

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

/// The grain of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Freq {
    /// Days.
    D,
    /// Hours.
    H,
}

/// Why a benchmark cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrialError {
    /// The labels are no such JSON.
    #[error("cannot read labels: {0}")]
    Labels(String),
    /// A line of a series is no such CSV.
    #[error("cannot read line {line}: {why}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// The series has no lines.
    #[error("the series is empty")]
    Empty,
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

/// A series of a benchmark, aligned: absent rows are missing buckets.
#[derive(Debug, Clone)]
pub struct Trial {
    label: Label,
    cycle: Cycle,
    values: Vec<f64>,
    totals: Vec<f64>,
    /// The timestamp as it stood in the file, where there was a row.
    stamps: Vec<Option<String>>,
}

impl Trial {
    /// Reads `timestamp,value` or `timestamp,value,total`, ascending, with a header.
    pub fn parse(text: &str, label: &Label) -> Result<Self, TrialError> {
        let mut rows = Vec::new();
        for (index, line) in text.lines().enumerate().skip(1) {
            if !line.trim().is_empty() {
                let line_number = index + 1;
                rows.push(row(line).map_err(|why| TrialError::Line {
                    line: line_number,
                    why,
                })?);
            }
        }
        let first = rows.first().ok_or(TrialError::Empty)?.time;
        let mut trial = Self {
            label: label.clone(),
            cycle: cycle(label.freq, first),
            values: Vec::with_capacity(rows.len()),
            totals: Vec::with_capacity(rows.len()),
            stamps: Vec::with_capacity(rows.len()),
        };
        for (index, row) in rows.into_iter().enumerate() {
            let after = row.time - first;
            let place = match label.freq {
                Freq::D => after.num_days(),
                Freq::H => after.num_hours(),
            };
            let filled = trial.values.len();
            let at = usize::try_from(place).unwrap_or(usize::MAX);
            if at < filled || place > LONGEST {
                let why = "timestamps must ascend, one bucket apart or more".to_owned();
                return Err(TrialError::Line {
                    line: index + 2,
                    why,
                });
            }
            trial.values.resize(at, f64::NAN);
            trial.totals.resize(at, f64::NAN);
            trial.stamps.resize(at, None);
            trial.values.push(row.value);
            trial.totals.push(row.total);
            trial.stamps.push(Some(row.stamp));
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

    /// The lines of `series_id,timestamp,score,is_anomaly` for the buckets from `score_from` on.
    pub fn scores(&self, id: &str) -> String {
        let mut text = String::new();
        for (stamp, scored) in self.stamps.iter().zip(self.judge()) {
            if let (Some(stamp), Some(scored)) = (stamp, scored)
                && *stamp >= self.label.score_from
            {
                let alarm = u8::from(scored.alarm);
                // Writing to a string cannot fail.
                writeln!(text, "{id},{stamp},{:.6},{alarm}", scored.score).unwrap_or_default();
            }
        }
        text
    }
}

struct Row {
    stamp: String,
    time: NaiveDateTime,
    value: f64,
    total: f64,
}

fn row(line: &str) -> Result<Row, String> {
    let mut fields = line.trim().split(',');
    let stamp = fields.next().unwrap_or_default().to_owned();
    let time = NaiveDateTime::parse_from_str(&stamp, "%Y-%m-%dT%H:%M:%S")
        .map_err(|why| format!("`{stamp}` is no timestamp: {why}"))?;
    let number = |field: Option<&str>| {
        let text = field.unwrap_or_default();
        text.parse::<f64>()
            .map_err(|_| format!("`{text}` is no number"))
    };
    let value = number(fields.next())?;
    let total = fields
        .next()
        .map_or(Ok(f64::NAN), |field| number(Some(field)))?;
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
