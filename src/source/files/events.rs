//! Event rows and Parquet, counted by the SQL engine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::engine::{self, Answer, Rows, Slot, Take};
use crate::model::{
    Bucket, Calendar, Measure, Observation, Quality, Question, Segment, Timestamp, masked_value,
};
use crate::source::line::When;
use crate::source::{Ask, Pulled, SourceError, top_values};
use crate::sql::{self, EventColumns};

use super::counts::{self, name};
use super::{Files, read};

fn odd(why: impl std::fmt::Display) -> SourceError {
    SourceError::Odd {
        why: why.to_string(),
    }
}

/// Cuts times into the project's buckets.
fn slot(calendar: &Calendar, now: Timestamp) -> Slot {
    let calendar = calendar.clone();
    Arc::new(move |grain, text| {
        let at = When::read(text, &calendar, now)?;
        let bucket = at.bucket(grain, &calendar);
        let bucket = bucket.ok_or_else(|| format!("the time {text} has no hour"))?;
        Ok(bucket.start.timestamp())
    })
}

/// Columns of texts out of lines, for the engine.
fn lines(paths: Vec<PathBuf>, names: Vec<String>, columns: BTreeSet<String>) -> Rows {
    let columns: Vec<String> = columns.into_iter().collect();
    let wanted = columns.clone();
    let feed = move |take: &mut Take<'_>| {
        for (path, name) in paths.iter().zip(&names) {
            let mut stopped = false;
            let visit = &mut |_line: u64, row: read::Row<'_>| {
                if !stopped {
                    let value = |column: &String| row.get(column).map(str::to_owned);
                    stopped = !take(wanted.iter().map(value).collect());
                }
                Ok(())
            };
            read::lines(path, name, visit).map_err(|why| why.to_string())?;
        }
        Ok(())
    };
    Rows::Lines(columns, Arc::new(feed))
}

impl Files {
    /// Counts events by the project's buckets.
    pub(super) async fn pull_events(
        &self,
        paths: Vec<PathBuf>,
        folder: &Path,
        ask: Ask,
        mut pulled: Pulled,
    ) -> Result<Pulled, SourceError> {
        let known = EventColumns {
            time: self.columns.time.clone(),
            event: self.columns.event.clone(),
        };
        let (from, to) = (ask.window.from.timestamp(), ask.window.to.timestamp());
        let mut statements: Vec<String> = ask
            .questions
            .iter()
            .map(|question| sql::text(question, &known, from, to))
            .collect();
        statements.push(sql::range(&known));
        let rows = if self.pattern.ends_with(".parquet") {
            Rows::Parquet(paths)
        } else {
            let names = paths.iter().map(|path| name(path, folder)).collect();
            let mut columns = BTreeSet::from([known.time.clone(), known.event.clone()]);
            for question in &ask.questions {
                columns.extend(sql::columns(question, &known));
            }
            lines(paths, names, columns)
        };
        let slot = slot(&ask.calendar, ask.now);
        let mut answers = engine::ask(rows, slot, statements).await.map_err(odd)?;
        let range = answers
            .pop()
            .and_then(|answer| days(&answer, &ask.calendar));
        for (question, answer) in ask.questions.iter().zip(answers) {
            for ((bucket, segment), value) in top_values(question, sums(question, &answer, &ask)?) {
                pulled.observations.push(Observation {
                    series: question.key(segment),
                    bucket,
                    value,
                    quality: Quality::plain(),
                    seen_at: ask.now,
                });
            }
            if let Some(range) = range.filter(|range| self.fill && range.overlaps(&ask.window)) {
                let window = crate::model::Window {
                    from: range.from.max(ask.window.from),
                    to: range.to.min(ask.window.to),
                };
                pulled.covered.push((question.clone(), window));
            }
        }
        Ok(pulled)
    }

    /// Counts that stand in Parquet: the engine only reads them.
    pub(super) async fn parquet_rows(
        &self,
        paths: Vec<PathBuf>,
        ask: &Ask,
    ) -> Result<Vec<read::Fields>, SourceError> {
        let slot = slot(&ask.calendar, ask.now);
        let all = vec![format!("SELECT * FROM {}", sql::EVENTS)];
        let answers = engine::ask(Rows::Parquet(paths), slot, all)
            .await
            .map_err(odd)?;
        let answer = answers.into_iter().next().unwrap_or_default();
        let row = |values: Vec<Option<String>>| {
            let named = answer.columns.iter().cloned().zip(values);
            named
                .filter_map(|(key, value)| Some((key, value?)))
                .collect()
        };
        Ok(answer.rows.into_iter().map(row).collect())
    }
}

/// The days of the first and the last event: an absent day in between is zero.
fn days(answer: &Answer, calendar: &Calendar) -> Option<crate::model::Window> {
    let row = answer.rows.first()?;
    let at = |index: usize| -> Option<Timestamp> {
        let seconds: i64 = row.get(index)?.as_deref()?.parse().ok()?;
        Timestamp::from_timestamp(seconds, 0)
    };
    let day = |at: Timestamp| calendar.local(at).date();
    Some(counts::covered(day(at(0)?), day(at(1)?), calendar))
}

fn sums(
    question: &Question,
    answer: &Answer,
    ask: &Ask,
) -> Result<BTreeMap<(Bucket, Segment), f64>, SourceError> {
    let mut found = BTreeMap::new();
    for row in &answer.rows {
        let (Some(Some(slot)), Some(value)) = (row.first(), row.get(1)) else {
            continue;
        };
        let seconds: i64 = slot
            .parse()
            .map_err(|_| odd(format!("`{slot}` is not a time")))?;
        let start = Timestamp::from_timestamp(seconds, 0);
        let start = start.ok_or_else(|| odd(format!("the time {slot} is out of range")))?;
        let value: f64 = value
            .as_deref()
            .unwrap_or("0")
            .parse()
            .map_err(|_| odd("a value that is no number"))?;
        if !matches!(question.measure, Measure::Sum { .. }) && value < 0.0 {
            return Err(odd(format!("a count of {value}")));
        }
        let part = |(name, value): (&crate::model::Name, &Option<String>)| {
            let text = value.as_deref().filter(|text| !text.is_empty());
            (name.clone(), masked_value(text.unwrap_or("(not set)")))
        };
        let segment: Segment = question
            .by
            .iter()
            .zip(row.iter().skip(2))
            .map(part)
            .collect();
        let bucket = ask.calendar.bucket(question.grain, start);
        *found.entry((bucket, segment)).or_default() += value;
    }
    Ok(found)
}
