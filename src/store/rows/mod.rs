//! Versioned JSON columns to types and back. A row written by any release loads for ever.

mod evaluation;
mod finding;
mod incident;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::model::{Bucket, Flag, Grain, Matcher, Name, Quality, Segment, Timestamp, Window};

use super::StoreError;

pub(in crate::store) use evaluation::EvaluationRow;
pub(in crate::store) use incident::IncidentRow;

pub(in crate::store) fn damaged(what: &str) -> StoreError {
    StoreError::Corrupt {
        what: format!("a row cannot be read ({what}); `truecount db check` looks for more"),
    }
}

pub(in crate::store) fn millis(at: Timestamp) -> i64 {
    at.timestamp_millis()
}

pub(in crate::store) fn at(millis: i64) -> Timestamp {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

pub(in crate::store) fn write<T: Serialize>(row: &T) -> Result<String, StoreError> {
    serde_json::to_string(row).map_err(|why| damaged(&why.to_string()))
}

pub(in crate::store) fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|why| damaged(&why.to_string()))
}

/// The label of a bucket follows from its start, grain and zone.
pub(in crate::store) fn bucket(
    grain: Grain,
    start: i64,
    length: i64,
    zone: &str,
) -> Result<Bucket, StoreError> {
    let zone: Tz = zone.parse().map_err(|_| damaged("an unknown time zone"))?;
    let start = DateTime::from_timestamp(start, 0).ok_or_else(|| damaged("a time out of range"))?;
    let local = start.with_timezone(&zone).naive_local();
    let label = match grain {
        Grain::Hour => local
            .date()
            .and_time(NaiveTime::from_hms_opt(local.hour(), 0, 0).unwrap_or_default()),
        Grain::Day | Grain::Week => local.date().and_time(NaiveTime::MIN),
    };
    Ok(Bucket {
        start,
        end: start + TimeDelta::seconds(length),
        grain,
        label,
        zone,
    })
}

#[derive(Serialize, Deserialize)]
pub(in crate::store) struct BucketRow {
    grain: String,
    start: i64,
    length: i64,
    zone: String,
    label: NaiveDateTime,
}

impl From<&Bucket> for BucketRow {
    fn from(from: &Bucket) -> Self {
        Self {
            grain: from.grain.word().to_owned(),
            start: from.start.timestamp(),
            length: from.length().num_seconds(),
            zone: from.zone.name().to_owned(),
            label: from.label,
        }
    }
}

impl BucketRow {
    pub(in crate::store) fn bucket(&self) -> Result<Bucket, StoreError> {
        let grain = Grain::parse(&self.grain).ok_or_else(|| damaged("an unknown grain"))?;
        Ok(Bucket {
            label: self.label,
            ..bucket(grain, self.start, self.length, &self.zone)?
        })
    }
}

/// `[["sampled", 0.25], ["thresholded", null]]`, or an empty text for nothing to remark.
pub(in crate::store) fn quality_text(quality: &Quality) -> Result<String, StoreError> {
    if quality.flags.is_empty() {
        return Ok(String::new());
    }
    let flags: Vec<(&str, Option<f64>)> = quality
        .flags
        .iter()
        .map(|flag| match flag {
            Flag::Sampled(share) => ("sampled", Some(*share)),
            Flag::Thresholded => ("thresholded", None),
            Flag::OtherRow(share) => ("other_row", Some(*share)),
            Flag::Truncated => ("truncated", None),
            Flag::Modelled => ("modelled", None),
            Flag::Estimated => ("estimated", None),
        })
        .collect();
    write(&flags)
}

pub(in crate::store) fn quality(text: &str) -> Result<Quality, StoreError> {
    if text.is_empty() {
        return Ok(Quality::plain());
    }
    let flags: Vec<(String, Option<f64>)> = read(text)?;
    let flags = flags
        .into_iter()
        .map(|(word, share)| match (word.as_str(), share) {
            ("sampled", Some(share)) => Ok(Flag::Sampled(share)),
            ("thresholded", _) => Ok(Flag::Thresholded),
            ("other_row", Some(share)) => Ok(Flag::OtherRow(share)),
            ("truncated", _) => Ok(Flag::Truncated),
            ("modelled", _) => Ok(Flag::Modelled),
            ("estimated", _) => Ok(Flag::Estimated),
            _ => Err(damaged("an unknown flag of quality")),
        })
        .collect::<Result<_, _>>()?;
    Ok(Quality { flags })
}

/// `{"browser":"Safari"}`; `{}` for the total.
pub(in crate::store) fn segment_text(segment: &Segment) -> Result<String, StoreError> {
    write(
        &segment
            .iter()
            .map(|(key, value)| (key.as_str(), value))
            .collect::<BTreeMap<_, _>>(),
    )
}

pub(in crate::store) fn segment(text: &str) -> Result<Segment, StoreError> {
    let pairs: BTreeMap<String, String> = read(text)?;
    Ok(pairs
        .into_iter()
        .map(|(key, value)| (Name::clean(&key), value))
        .collect())
}

#[derive(Serialize, Deserialize)]
pub(in crate::store) struct MatcherRow {
    checks: Vec<String>,
    events: Vec<String>,
    owners: Vec<String>,
    sources: Vec<String>,
    primary_only: bool,
}

impl From<&Matcher> for MatcherRow {
    fn from(from: &Matcher) -> Self {
        Self {
            checks: from.checks.clone(),
            events: from.events.clone(),
            owners: from.owners.clone(),
            sources: from.sources.clone(),
            primary_only: from.primary_only,
        }
    }
}

impl MatcherRow {
    pub(in crate::store) fn matcher(self) -> Matcher {
        Matcher {
            checks: self.checks,
            events: self.events,
            owners: self.owners,
            sources: self.sources,
            primary_only: self.primary_only,
        }
    }
}

/// A window as two instants.
#[derive(Serialize, Deserialize, Clone, Copy)]
pub(in crate::store) struct WindowRow(i64, i64);

impl From<Window> for WindowRow {
    fn from(from: Window) -> Self {
        Self(millis(from.from), millis(from.to))
    }
}

impl WindowRow {
    pub(in crate::store) fn window(self) -> Window {
        Window {
            from: at(self.0),
            to: at(self.1),
        }
    }
}

pub(super) fn names(of: Option<&Name>) -> Option<String> {
    of.map(ToString::to_string)
}

pub(super) fn name(of: Option<&String>) -> Option<Name> {
    of.map(|text| Name::clean(text))
}
