//! Counts that other programs post to us: what a body may hold, and reading it back.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{NaiveDateTime, TimeDelta};
use serde::Deserialize;
use serde_json::Value;

use crate::config::Reader;
use crate::model::{
    Bucket, Calendar, Diagnostic, Flag, Grain, Mapping, Measure, Name, Observation, Quality,
    Question, Segment, Subject, Timestamp, masked_value,
};
use crate::net::shown_start;
use crate::plan::{Decl, Event, Form, Kind, Plan, SOURCE_KEYS, Setting};

use super::{Ask, Cost, Means, Probe, Pulled, Source, SourceError, When, shown};

pub(super) const KIND: Kind<dyn Source> = Kind {
    name: "push",
    about: include_str!("../../docs/sources/push.md"),
    settings: &[],
    mapping: &[Setting {
        key: "sum",
        about: "The parameter that the posted amount is",
        form: Form::Text,
        required: false,
        default: "value",
    }],
    event_named: true,
    build,
};

/// Most readings of one body.
pub const MOST_READINGS: usize = 10_000;

/// What a body held.
#[derive(Debug, Clone, PartialEq)]
pub struct Posted {
    /// The source it was posted for.
    pub source: Name,
    /// One per reading and measure.
    pub observations: Vec<Observation>,
}

/// What is wrong with a field of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Such as `readings[3].count`.
    pub field: String,
    /// Why, with the remedy.
    pub why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    source: String,
    readings: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reading {
    event: String,
    grain: String,
    start: String,
    count: f64,
    sum: Option<f64>,
    currency: Option<String>,
    #[serde(default)]
    segment: BTreeMap<String, String>,
    #[serde(rename = "final")]
    is_final: Option<bool>,
}

/// What the parser says, without the length of what it could not use.
fn told(why: &serde_json::Error) -> String {
    shown_start(why.to_string().as_bytes())
}

/// Reads the body of `POST /api/v1/counts`: all of it is good, or everything that is wrong is said.
pub fn parse(body: &[u8], plan: &Plan, now: Timestamp) -> Result<Posted, Vec<FieldError>> {
    let one = |field: &str, why: String| {
        vec![FieldError {
            field: field.to_owned(),
            why,
        }]
    };
    let body: Body = serde_json::from_slice(body).map_err(|why| one("body", told(&why)))?;
    let source = named(&body.source, plan).map_err(|why| one("source", why))?;
    if body.readings.len() > MOST_READINGS {
        return Err(one(
            "readings",
            format!(
                "at most {MOST_READINGS} at once, these are {}",
                body.readings.len()
            ),
        ));
    }
    let mut errors = Vec::new();
    let mut observations: Vec<Observation> = Vec::new();
    let mut first: BTreeMap<(Arc<crate::model::SeriesKey>, Timestamp), usize> = BTreeMap::new();
    for (index, value) in body.readings.into_iter().enumerate() {
        match reading(value, &source, plan, now) {
            Err(wrong) => errors.extend(wrong.into_iter().map(|(field, why)| FieldError {
                field: if field.is_empty() {
                    format!("readings[{index}]")
                } else {
                    format!("readings[{index}].{field}")
                },
                why,
            })),
            Ok(found) => {
                for one in found {
                    let key = (one.series.clone(), one.bucket.start);
                    if let Some(before) = first.get(&key) {
                        if one.series.measure == Measure::Count {
                            let why = format!(
                                "readings[{before}] is about the same event, time and segment"
                            );
                            errors.push(FieldError {
                                field: format!("readings[{index}]"),
                                why,
                            });
                        }
                        continue;
                    }
                    first.insert(key, index);
                    observations.push(one);
                }
            }
        }
    }
    if errors.is_empty() {
        Ok(Posted {
            source,
            observations,
        })
    } else {
        Err(errors)
    }
}

/// The push source of this name.
fn named(word: &str, plan: &Plan) -> Result<Name, String> {
    let known = plan
        .sources
        .iter()
        .find(|known| known.decl.name.as_str() == word);
    match known.map(|known| &known.decl) {
        Some(decl) if decl.kind == "push" => Ok(decl.name.clone()),
        Some(decl) => Err(format!(
            "`{}` is a source of type {}; counts are posted to type push",
            decl.name, decl.kind
        )),
        None => Err(format!("the plan has no source `{}`", shown(word))),
    }
}

type Wrong = (&'static str, String);

fn reading(
    value: Value,
    source: &Name,
    plan: &Plan,
    now: Timestamp,
) -> Result<Vec<Observation>, Vec<Wrong>> {
    let given: Reading = serde_json::from_value(value).map_err(|why| vec![("", told(&why))])?;
    let mut wrong: Vec<Wrong> = Vec::new();
    let known = event(&given.event, source, plan)
        .map_err(|why| wrong.push(("event", why)))
        .ok();
    let bucket = bucket(&given.grain, &given.start, &plan.project.calendar, now)
        .map_err(|why| wrong.push(why))
        .ok();
    let segment = values(&given, &mut wrong);
    let (Some((event, mapping)), Some(bucket), true) = (known, bucket, wrong.is_empty()) else {
        return Err(wrong);
    };
    let by: Vec<Name> = segment.keys().cloned().collect();
    let quality = if given.is_final == Some(false) {
        Quality {
            flags: vec![Flag::Estimated],
        }
    } else {
        Quality::plain()
    };
    let observation = |measure: Measure, value: f64| Observation {
        series: Question::total(
            source,
            Subject::Event(event.name.clone()),
            mapping.clone(),
            measure,
            bucket.grain,
        )
        .split(&by)
        .key(segment.clone()),
        bucket,
        value,
        quality: quality.clone(),
        seen_at: now,
    };
    let mut found = vec![observation(Measure::Count, given.count)];
    if let Some(sum) = given.sum {
        found.push(observation(
            Measure::Sum {
                of: summed(mapping),
                currency: given
                    .currency
                    .clone()
                    .or_else(|| plan.project.currency.clone()),
            },
            sum,
        ));
    }
    Ok(found)
}

/// The numbers, the currency and the segment of a reading.
fn values(given: &Reading, wrong: &mut Vec<Wrong>) -> Segment {
    if !given.count.is_finite() || given.count < 0.0 || given.count.fract() != 0.0 {
        wrong.push((
            "count",
            format!(
                "{} is no count: counts are whole and not negative",
                given.count
            ),
        ));
    }
    if given.sum.is_some_and(|sum| !sum.is_finite()) {
        wrong.push(("sum", "the amount is not a number".to_owned()));
    }
    if given
        .currency
        .as_deref()
        .is_some_and(|code| code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase()))
    {
        wrong.push((
            "currency",
            "write three capital letters (ISO 4217), such as EUR".to_owned(),
        ));
    }
    let mut segment = Segment::new();
    for (key, value) in &given.segment {
        match Name::parse(key) {
            Ok(name) => drop(segment.insert(name, masked_value(value))),
            Err(why) => wrong.push(("segment", why.to_string())),
        }
    }
    segment
}

/// The parameter that a posted amount is.
fn summed(mapping: &Mapping) -> Name {
    Name::clean(mapping.settings.get("sum").map_or("value", String::as_str))
}

fn event<'a>(
    word: &str,
    source: &Name,
    plan: &'a Plan,
) -> Result<(&'a Event, &'a Mapping), String> {
    let of = |event: &'a Event| event.mapping(source).map(|mapping| (event, mapping));
    let named =
        plan.events.iter().filter_map(of).find(|(event, mapping)| {
            mapping.native.as_deref().unwrap_or(event.name.as_str()) == word
        });
    named.ok_or_else(|| {
        format!(
            "the plan expects no event `{}` from `{source}`; add it: [event.…] in.{source} = true",
            shown(word)
        )
    })
}

fn bucket(grain: &str, start: &str, calendar: &Calendar, now: Timestamp) -> Result<Bucket, Wrong> {
    let grain = Grain::parse(grain)
        .filter(|grain| *grain != Grain::Week)
        .ok_or(("grain", "say hour or day".to_owned()))?;
    let at = When::read(start, calendar, now).map_err(|why| ("start", why))?;
    let bucket = at
        .bucket(grain, calendar)
        .ok_or(("start", "an hour needs a time: 2026-11-24T13:00".to_owned()))?;
    let begins = match at {
        When::Day(_) => true,
        When::Wall(wall) => {
            wall == bucket.label || NaiveDateTime::eq(&wall, &calendar.local(bucket.start))
        }
        When::Instant(at) => at == bucket.start,
    };
    if !begins {
        let begin = bucket.start.with_timezone(&bucket.zone).to_rfc3339();
        return Err((
            "start",
            format!(
                "no {} begins there; this one begins at {begin}",
                grain.word()
            ),
        ));
    }
    if bucket.start > now {
        return Err(("start", format!("{} lies in the future", shown(start))));
    }
    Ok(bucket)
}

/// Posted counts as a source.
struct Push;

fn build(decl: &Decl, _plan: &Plan) -> Result<Box<dyn Source>, Vec<Diagnostic>> {
    let mut reader = Reader::new(&decl.section);
    for key in SOURCE_KEYS {
        reader.entry(key);
    }
    let complaints = reader.finish();
    if complaints.is_empty() {
        Ok(Box::new(Push))
    } else {
        Err(complaints)
    }
}

#[async_trait]
impl Source for Push {
    fn arrives(&self) -> TimeDelta {
        TimeDelta::hours(1)
    }

    fn settles(&self) -> TimeDelta {
        TimeDelta::days(1)
    }

    fn has_hours(&self) -> bool {
        true
    }

    fn refuses(&self, question: &Question) -> Option<String> {
        match (&question.subject, &question.measure) {
            (Subject::Event(_), _) if !question.filter.0.is_empty() => {
                Some("posted counts cannot be filtered afterwards".to_owned())
            }
            (Subject::Event(_), Measure::Count) => None,
            (Subject::Event(_), Measure::Sum { of, .. }) if *of == summed(&question.mapping) => {
                None
            }
            (Subject::Event(_), _) => Some("posted counts know no parameters".to_owned()),
            _ => Some("only counts of planned events are posted".to_owned()),
        }
    }

    fn cost(&self, _ask: &Ask) -> Cost {
        Cost::default()
    }

    async fn pull(&self, ask: &Ask, means: &Means) -> Result<Pulled, SourceError> {
        let mut wanted = ask.clone();
        wanted
            .questions
            .retain(|question| self.refuses(question).is_none());
        let mut pulled = means.pushed.counts(&wanted).await?;
        for question in &ask.questions {
            if let Some(why) = self.refuses(question) {
                pulled.unanswerable.push((question.clone(), why));
            }
        }
        Ok(pulled)
    }

    async fn probe(&self, _means: &Means) -> Result<Probe, SourceError> {
        Ok(Probe {
            found: "waits for POST /api/v1/counts".to_owned(),
            remarks: Vec::new(),
        })
    }
}
