//! Counts from files: CSV and JSON Lines, by glob, each line a count for an hour or a day.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta};
use serde_json::Value;

use crate::config::Reader;
use crate::model::{
    Bucket, Calendar, Code, Diagnostic, Grain, Measure, Name, Observation, Quality, Question,
    Segment, Subject, Window, masked_value,
};
use crate::plan::{Decl, Form, Kind, Plan, Setting};

use super::{Ask, Cost, Means, Probe, Pulled, Source, SourceError, top_values};

pub(super) const KIND: Kind<dyn Source> = Kind {
    name: "files",
    about: include_str!("../../docs/sources/files.md"),
    settings: &[
        Setting {
            key: "path",
            about: "A file or a pattern: exports/*.csv",
            form: Form::Text,
            required: true,
            default: "",
        },
        Setting {
            key: "rows",
            about: "What a line is",
            form: Form::OneOf(&["counts", "events"]),
            required: false,
            default: "counts",
        },
        Setting {
            key: "time",
            about: "The column that says when",
            form: Form::Text,
            required: false,
            default: "date",
        },
        Setting {
            key: "event",
            about: "The column of the event name",
            form: Form::Text,
            required: false,
            default: "event",
        },
        Setting {
            key: "count",
            about: "The column of the count",
            form: Form::Text,
            required: false,
            default: "count",
        },
        Setting {
            key: "sum",
            about: "The column of the amount",
            form: Form::Text,
            required: false,
            default: "",
        },
        Setting {
            key: "zero",
            about: "What an absent day means",
            form: Form::OneOf(&["absent", "explicit"]),
            required: false,
            default: "absent",
        },
    ],
    mapping: &[],
    event_named: true,
    build,
};

/// Files as a source.
struct Files {
    pattern: String,
    time: String,
    event: String,
    count: String,
    sum: Option<String>,
    fill: bool,
}

/// Most bytes of one file.
const LARGEST: u64 = 512 << 20;

/// A date further ahead than this is a mistake.
const AHEAD: TimeDelta = TimeDelta::days(3);

fn build(decl: &Decl, _plan: &Plan) -> Result<Box<dyn Source>, Vec<Diagnostic>> {
    let mut reader = Reader::new(&decl.section);
    for key in [
        "type", "every", "cron", "arrives", "settles", "owner", "about", "base_url",
    ] {
        reader.entry(key);
    }
    let pattern = reader.required_text("path", "say where the files are: path = \"exports/*.csv\"");
    let rows = reader
        .has("rows")
        .then(|| reader.one_of("rows", &["counts", "events"]))
        .flatten();
    if rows.as_deref() == Some("events")
        || pattern
            .as_deref()
            .is_some_and(|path| path.ends_with(".parquet"))
    {
        let at = reader.place(if rows.as_deref() == Some("events") {
            "rows"
        } else {
            "path"
        });
        reader.complain(
            Diagnostic::error(
                Code(214),
                "event rows and Parquet need the SQL engine, which this build does not have",
            )
            .at(at, "needs the feature `lake`")
            .help("take a released binary, or build with: cargo build --release --features lake"),
        );
    }
    let column = |reader: &mut Reader<'_>, key: &str, usual: &str| {
        reader.text(key).unwrap_or_else(|| usual.to_owned())
    };
    let files = Files {
        pattern: pattern.unwrap_or_default(),
        time: column(&mut reader, "time", "date"),
        event: column(&mut reader, "event", "event"),
        count: column(&mut reader, "count", "count"),
        sum: reader.text("sum"),
        fill: !reader.has("zero")
            || reader.one_of("zero", &["absent", "explicit"]).as_deref() != Some("explicit"),
    };
    let complaints = reader.finish();
    if complaints.is_empty() {
        Ok(Box::new(files))
    } else {
        Err(complaints)
    }
}

/// One line of a file, understood.
struct Line {
    place: String,
    at: When,
    event: Option<String>,
    count: f64,
    sum: Option<f64>,
    fields: BTreeMap<String, String>,
}

#[derive(Clone, Copy)]
enum When {
    Day(NaiveDate),
    Hour(NaiveDateTime),
    Instant(DateTime<chrono::Utc>),
}

#[async_trait]
impl Source for Files {
    fn arrives(&self) -> TimeDelta {
        TimeDelta::hours(6)
    }

    fn settles(&self) -> TimeDelta {
        TimeDelta::days(2)
    }

    fn has_hours(&self) -> bool {
        true
    }

    fn refuses(&self, question: &Question) -> Option<String> {
        match (&question.subject, &question.measure) {
            (Subject::Sessions, _) => Some("files of counts do not know sessions".to_owned()),
            (_, Measure::Count) => None,
            (_, Measure::Sum { .. }) if self.sum.is_some() => None,
            (_, Measure::Sum { .. }) => {
                Some("the files have no column of amounts: add `sum`".to_owned())
            }
            _ => Some("files of counts know counts only, not parameters".to_owned()),
        }
    }

    fn cost(&self, _ask: &Ask) -> Cost {
        Cost {
            requests: 1,
            units: 0,
        }
    }

    async fn pull(&self, ask: &Ask, means: &Means) -> Result<Pulled, SourceError> {
        let lines = self.lines(&means.folder, ask).await?;
        let mut pulled = Pulled::default();
        let range = covered(&lines, &ask.calendar);
        for question in &ask.questions {
            if let Some(why) = self.refuses(question) {
                pulled.unanswerable.push((question.clone(), why));
                continue;
            }
            let found = self.answer(question, &lines, &ask.calendar)?;
            for ((bucket, segment), value) in top_values(question, found) {
                if ask.window.contains(bucket.start) {
                    pulled.observations.push(Observation {
                        series: question.key(segment),
                        bucket,
                        value,
                        quality: Quality::plain(),
                        seen_at: ask.now,
                    });
                }
            }
            if self.fill
                && let Some(range) = range.filter(|range| range.overlaps(&ask.window))
            {
                let window = Window {
                    from: range.from.max(ask.window.from),
                    to: range.to.min(ask.window.to),
                };
                pulled.covered.push((question.clone(), window));
            }
        }
        Ok(pulled)
    }

    async fn probe(&self, means: &Means) -> Result<Probe, SourceError> {
        let paths = self.paths(&means.folder)?;
        Ok(Probe {
            found: format!("{} files match {}", paths.len(), self.pattern),
            remarks: Vec::new(),
        })
    }
}

/// From the first to the last written day: an absent day in between is zero.
fn covered(lines: &[Line], calendar: &Calendar) -> Option<Window> {
    let days = lines.iter().map(|line| day_of(line.at, calendar));
    let (first, last) = (days.clone().min()?, days.max()?);
    Some(Window {
        from: calendar.day(first).start,
        to: calendar.day(last).end,
    })
}

fn day_of(at: When, calendar: &Calendar) -> NaiveDate {
    match at {
        When::Day(day) => day,
        When::Hour(wall) => wall.date(),
        When::Instant(at) => calendar.local(at).date(),
    }
}

impl Files {
    fn paths(&self, folder: &Path) -> Result<Vec<PathBuf>, SourceError> {
        let full = folder.join(&self.pattern);
        let refused = |why: String| SourceError::Refused { why };
        let found = glob::glob(&full.to_string_lossy())
            .map_err(|why| refused(format!("`{}` is not a pattern: {}", self.pattern, why.msg)))?;
        let mut paths: Vec<PathBuf> = found
            .filter_map(Result::ok)
            .filter(|path| path.is_file())
            .collect();
        paths.sort();
        if paths.is_empty() {
            return Err(SourceError::Wait {
                after: None,
                why: format!("no file matches {}", self.pattern),
            });
        }
        Ok(paths)
    }

    /// Every line of every file; one broken line refuses all, since a part is not a count.
    async fn lines(&self, folder: &Path, ask: &Ask) -> Result<Vec<Line>, SourceError> {
        let paths = self.paths(folder)?;
        let mut lines = Vec::new();
        for path in paths {
            let shown = path
                .strip_prefix(folder)
                .unwrap_or(&path)
                .display()
                .to_string();
            let size = std::fs::metadata(&path).map_or(0, |facts| facts.len());
            if size > LARGEST {
                let why = format!("{shown} is larger than {} MiB", LARGEST >> 20);
                return Err(SourceError::Refused { why });
            }
            let read = tokio::task::spawn_blocking(move || std::fs::read(path)).await;
            let bytes = match read {
                Ok(Ok(bytes)) => bytes,
                Ok(Err(why)) => {
                    return Err(SourceError::Wait {
                        after: None,
                        why: format!("{shown}: {why}"),
                    });
                }
                Err(why) => {
                    return Err(SourceError::Wait {
                        after: None,
                        why: format!("{shown}: {why}"),
                    });
                }
            };
            let text = String::from_utf8(bytes).map_err(|_| SourceError::Odd {
                why: format!("{shown} is not UTF-8 text"),
            })?;
            let is_json = shown.ends_with(".jsonl")
                || shown.ends_with(".ndjson")
                || text.trim_start().starts_with('{');
            let rows = if is_json {
                json_rows(&shown, &text)?
            } else {
                csv_rows(&shown, &text)?
            };
            for (number, row) in rows {
                lines.push(self.line(&format!("{shown}:{number}"), row, ask)?);
            }
        }
        Ok(lines)
    }

    fn line(
        &self,
        place: &str,
        mut row: BTreeMap<String, String>,
        ask: &Ask,
    ) -> Result<Line, SourceError> {
        let odd = |why: String| SourceError::Odd {
            why: format!("{place}: {why}"),
        };
        let mut take = |column: &str| {
            row.remove(column)
                .ok_or_else(|| odd(format!("there is no column `{column}`")))
        };
        let time = take(&self.time)?;
        let count = take(&self.count)?;
        let sum = self.sum.as_deref().map(&mut take).transpose()?;
        let at = when(&time).ok_or_else(|| {
            odd(format!(
                "`{time}` is not a date; write 2026-11-24 or 2026-11-24T13:00"
            ))
        })?;
        let day = day_of(at, &ask.calendar);
        let latest = ask.calendar.local(ask.now + AHEAD).date();
        if day > latest || day < NaiveDate::from_ymd_opt(1990, 1, 1).unwrap_or(NaiveDate::MIN) {
            return Err(odd(format!("the date {time} is out of range")));
        }
        let number: f64 = count
            .trim()
            .parse()
            .map_err(|_| odd(format!("`{count}` is not a count")))?;
        if !number.is_finite() || number < 0.0 || number.fract() != 0.0 {
            return Err(odd(format!(
                "a count of {count}: counts are whole and not negative"
            )));
        }
        let sum = sum
            .map(|text| {
                text.trim()
                    .parse::<f64>()
                    .ok()
                    .filter(|sum| sum.is_finite())
                    .ok_or_else(|| odd(format!("`{text}` is not an amount")))
            })
            .transpose()?;
        let event = row.remove(&self.event);
        Ok(Line {
            place: place.to_owned(),
            at,
            event,
            count: number,
            sum,
            fields: row,
        })
    }

    fn answer(
        &self,
        question: &Question,
        lines: &[Line],
        calendar: &Calendar,
    ) -> Result<BTreeMap<(Bucket, Segment), f64>, SourceError> {
        let mut found: BTreeMap<(Bucket, Segment), f64> = BTreeMap::new();
        let mut written: BTreeMap<(String, BTreeMap<String, String>, NaiveDateTime), String> =
            BTreeMap::new();
        for line in lines {
            let wanted = match (&question.subject, &line.event) {
                (Subject::Event(_), Some(event)) => {
                    question.mapping.native.as_deref() == Some(event)
                }
                (Subject::Event(_), None) | (Subject::AnyEvent, _) => true,
                (Subject::Sessions, _) => false,
            };
            let Some(bucket) = bucket(question.grain, line.at, calendar).filter(|_| wanted) else {
                continue;
            };
            let wall = match line.at {
                When::Day(day) => day.and_time(chrono::NaiveTime::MIN),
                When::Hour(wall) => wall,
                When::Instant(at) => at.naive_utc(),
            };
            let key = (
                line.event.clone().unwrap_or_default(),
                line.fields.clone(),
                wall,
            );
            if let Some(first) = written.insert(key, line.place.clone()) {
                let why = format!(
                    "{}: the same event and time stand in {first} already",
                    line.place
                );
                return Err(SourceError::Odd { why });
            }
            let value = if matches!(question.measure, Measure::Sum { .. }) {
                line.sum.unwrap_or(0.0)
            } else {
                line.count
            };
            let segment = segment(question, line);
            *found.entry((bucket, segment)).or_default() += value;
        }
        Ok(found)
    }
}

fn segment(question: &Question, line: &Line) -> Segment {
    let value = |dimension: &Name| {
        if dimension.as_str() == "event" {
            return line.event.clone();
        }
        line.fields
            .get(question.mapping.field(dimension))
            .filter(|text| !text.is_empty())
            .cloned()
    };
    question
        .by
        .iter()
        .map(|dimension| {
            let text = value(dimension).unwrap_or_else(|| "(not set)".to_owned());
            (dimension.clone(), masked_value(&text))
        })
        .collect()
}

/// A line of a day gives no hours; lines of hours add up to days.
fn bucket(grain: Grain, at: When, calendar: &Calendar) -> Option<Bucket> {
    match (grain, at) {
        (Grain::Hour, When::Day(_)) => None,
        (Grain::Day, When::Day(day)) => Some(calendar.day(day)),
        (Grain::Week, When::Day(day)) => {
            Some(calendar.bucket(Grain::Week, calendar.day(day).start))
        }
        (grain, When::Hour(wall)) => Some(calendar.bucket(grain, calendar.instant(wall))),
        (grain, When::Instant(at)) => Some(calendar.bucket(grain, at)),
    }
}

fn when(text: &str) -> Option<When> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(When::Instant(at.to_utc()));
    }
    for form in [
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M",
    ] {
        if let Ok(wall) = NaiveDateTime::parse_from_str(text, form) {
            return Some(When::Hour(wall));
        }
    }
    for form in ["%Y-%m-%d", "%Y%m%d"] {
        if let Ok(day) = NaiveDate::parse_from_str(text, form) {
            return Some(When::Day(day));
        }
    }
    None
}

type Rows = Vec<(u64, BTreeMap<String, String>)>;

fn csv_rows(shown: &str, text: &str) -> Result<Rows, SourceError> {
    let odd = |why: String| SourceError::Odd { why };
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let headers = reader
        .headers()
        .map_err(|why| odd(format!("{shown}: {why}")))?
        .clone();
    let mut rows = Rows::new();
    for record in reader.records() {
        let record = record.map_err(|why| odd(format!("{shown}: {why}")))?;
        let line = record.position().map_or(0, csv::Position::line);
        let row = headers
            .iter()
            .zip(record.iter())
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        rows.push((line, row));
    }
    Ok(rows)
}

fn json_rows(shown: &str, text: &str) -> Result<Rows, SourceError> {
    let mut rows = Rows::new();
    for (index, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let number = index as u64 + 1;
        let value: BTreeMap<String, Value> =
            serde_json::from_str(line).map_err(|why| SourceError::Odd {
                why: format!("{shown}:{number}: not a JSON object ({why})"),
            })?;
        let row = value
            .into_iter()
            .filter_map(|(key, value)| match value {
                Value::String(text) => Some((key, text)),
                Value::Number(number) => Some((key, number.to_string())),
                Value::Bool(flag) => Some((key, flag.to_string())),
                Value::Null | Value::Array(_) | Value::Object(_) => None,
            })
            .collect();
        rows.push((number, row));
    }
    Ok(rows)
}
