//! From a page of JSON to counts.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json_path::JsonPath;

use crate::config::Reader;
use crate::model::{
    Bucket, Calendar, Code, Diagnostic, Grain, Question, Segment, Subject, masked_value,
};
use crate::source::line::{self, When, shown};
use crate::source::{Ask, SourceError};

/// Where things are in an answer.
pub(super) struct Shape {
    /// The rows; `None` when the answer is one number.
    pub(super) rows: Option<JsonPath>,
    date: JsonPath,
    /// The event's name.
    pub(super) event: Option<JsonPath>,
    count: JsonPath,
    /// The amount.
    pub(super) sum: Option<JsonPath>,
    next: Option<JsonPath>,
}

/// One count of an answer.
pub(super) struct Found {
    place: String,
    at: When,
    event: Option<String>,
    pub(super) count: f64,
    pub(super) sum: Option<f64>,
    fields: BTreeMap<String, String>,
}

impl Found {
    /// Whether it was counted for a whole day.
    pub(super) fn is_day(&self) -> bool {
        matches!(self.at, When::Day(_))
    }

    pub(super) fn bucket(&self, grain: Grain, calendar: &Calendar) -> Option<Bucket> {
        self.at.bucket(grain, calendar)
    }

    pub(super) fn belongs_to(&self, question: &Question) -> bool {
        match (&question.subject, &self.event) {
            (Subject::Event(_), Some(event)) => question.mapping.native.as_deref() == Some(event),
            (Subject::Event(_), None) | (Subject::AnyEvent, _) => true,
            (Subject::Sessions, _) => false,
        }
    }

    pub(super) fn segment(&self, question: &Question) -> Segment {
        let value = |name: &crate::model::Name| match name.as_str() {
            "event" => self.event.clone(),
            _ => self
                .fields
                .get(question.mapping.field(name))
                .filter(|text| !text.is_empty())
                .cloned(),
        };
        let part = |name: &crate::model::Name| {
            (
                name.clone(),
                masked_value(&value(name).unwrap_or_else(|| "(not set)".to_owned())),
            )
        };
        question.by.iter().map(part).collect()
    }
}

/// Reads the settings that describe an answer.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<Shape> {
    let date = path(reader, "date", Some("date"));
    let count = path(reader, "count", Some("count"));
    let (rows, event) = (path(reader, "rows", None), path(reader, "event", None));
    let (sum, next) = (path(reader, "sum", None), path(reader, "next", None));
    Some(Shape {
        rows,
        date: date?,
        event,
        count: count?,
        sum,
        next,
    })
}

/// A `JSONPath`, or the name of a field.
fn path(reader: &mut Reader<'_>, key: &str, usual: Option<&str>) -> Option<JsonPath> {
    let text = reader.text(key).or_else(|| usual.map(str::to_owned))?;
    let plain = !text.starts_with('$');
    let full = if plain {
        format!("$[{}]", Value::String(text.clone()))
    } else {
        text.clone()
    };
    match JsonPath::parse(&full) {
        Ok(path) => Some(path),
        Err(why) => {
            let at = reader.place(key);
            reader.complain(
                Diagnostic::error(Code(105), format!("`{text}` is not a JSONPath: {why}"))
                    .at(at, "cannot be read")
                    .help("write a path such as $.data[*].count, or the name of a field"),
            );
            None
        }
    }
}

/// The single value at a path. None, many, and what is neither text nor number are told apart.
fn value(path: &JsonPath, row: &Value, what: &str) -> Result<Option<String>, String> {
    let found = path.query(row).all();
    match found.as_slice() {
        [] | [Value::Null] => Ok(None),
        [Value::String(text)] => Ok(Some(text.clone())),
        [Value::Number(number)] => Ok(Some(number.to_string())),
        [Value::Bool(flag)] => Ok(Some(flag.to_string())),
        [_] => Err(format!("`{what}` leads to a list or an object")),
        _ => Err(format!(
            "`{what}` leads to {} values; it must lead to one",
            found.len()
        )),
    }
}

fn needed(path: &JsonPath, row: &Value, what: &str) -> Result<String, String> {
    value(path, row, what)?.ok_or_else(|| format!("there is no `{what}` at {path}"))
}

impl Shape {
    /// Reads one page.
    pub(super) fn page(
        &self,
        page: &Value,
        bucket: Option<Bucket>,
        event: Option<&str>,
        ask: &Ask,
        found: &mut Vec<Found>,
    ) -> Result<(), String> {
        let (Some(rows), None) = (&self.rows, bucket) else {
            let count = line::count(&needed(&self.count, page, "count")?)?;
            let sum = self
                .sum
                .as_ref()
                .map(|path| needed(path, page, "sum").and_then(|text| line::amount(&text)))
                .transpose()?;
            let day = bucket
                .map(|bucket| bucket.date())
                .ok_or("the call names no day")?;
            let (place, fields) = (day.to_string(), BTreeMap::new());
            found.push(Found {
                place,
                at: When::Day(day),
                event: event.map(str::to_owned),
                count,
                sum,
                fields,
            });
            return Ok(());
        };
        let list = rows.query(page).all();
        if list.is_empty() && !empty_list(rows, page) {
            return Err(format!(
                "there are no rows at {rows}; the answer begins {}",
                shown(&page.to_string())
            ));
        }
        for (index, row) in list.into_iter().enumerate() {
            let one = self
                .row(row, event, ask)
                .map_err(|why| format!("row {index}: {why}"))?;
            found.push(one);
        }
        Ok(())
    }

    fn row(&self, row: &Value, event: Option<&str>, ask: &Ask) -> Result<Found, String> {
        let time = needed(&self.date, row, "date")?;
        let at = When::read(&time, &ask.calendar, ask.now)?;
        let count = line::count(&needed(&self.count, row, "count")?)?;
        let sum = self
            .sum
            .as_ref()
            .map(|path| needed(path, row, "sum").and_then(|text| line::amount(&text)))
            .transpose()?;
        let event = match &self.event {
            Some(path) => Some(needed(path, row, "event")?),
            None => event.map(str::to_owned),
        };
        let mut fields = BTreeMap::new();
        for (key, value) in row.as_object().into_iter().flatten() {
            match value {
                Value::String(text) => drop(fields.insert(key.clone(), text.clone())),
                Value::Number(number) => drop(fields.insert(key.clone(), number.to_string())),
                Value::Bool(flag) => drop(fields.insert(key.clone(), flag.to_string())),
                Value::Null | Value::Array(_) | Value::Object(_) => {}
            }
        }
        for path in [Some(&self.count), self.sum.as_ref(), Some(&self.date)]
            .into_iter()
            .flatten()
        {
            if let Some(name) = path
                .to_string()
                .strip_prefix("$['")
                .and_then(|rest| rest.strip_suffix("']"))
            {
                fields.remove(name);
            }
        }
        Ok(Found {
            place: time,
            at,
            event,
            count,
            sum,
            fields,
        })
    }

    /// Where the next page is; empty, null and false are the end.
    pub(super) fn next_page(&self, page: &Value) -> Result<Option<String>, String> {
        let Some(path) = &self.next else {
            return Ok(None);
        };
        let next = value(path, page, "next")?;
        Ok(next.filter(|text| !text.is_empty() && text != "false"))
    }
}

/// Whether `$.data[*]` found nothing because the list is there and empty.
fn empty_list(rows: &JsonPath, page: &Value) -> bool {
    let text = rows.to_string();
    let Some(list) = text.strip_suffix("[*]") else {
        return true;
    };
    let Ok(path) = JsonPath::parse(list) else {
        return true;
    };
    matches!(path.query(page).all().as_slice(), [Value::Array(items)] if items.is_empty())
}

/// The same event, time and fields twice: which of the two is meant cannot be known.
pub(super) fn refuse_repeats(found: &[Found]) -> Result<(), SourceError> {
    let mut seen = std::collections::BTreeSet::new();
    for one in found {
        if !seen.insert((&one.event, one.at, &one.fields)) {
            let event = one
                .event
                .as_deref()
                .map(|event| format!(" of {}", shown(event)))
                .unwrap_or_default();
            return Err(SourceError::Odd {
                why: format!("the count{event} for {} is there twice", shown(&one.place)),
            });
        }
    }
    Ok(())
}
