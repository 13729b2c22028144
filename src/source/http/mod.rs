//! Counts from any JSON API, described in TOML: what to call, where the rows are, what a row holds.

mod call;
mod rows;
mod template;

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::TimeDelta;

use crate::config::{Reader, SecretRef, Section, Typed};
use crate::model::{
    Bucket, Code, Diagnostic, Grain, Measure, Observation, Quality, Question, Segment, Subject,
    Window,
};
use crate::net::{Method, Request, json};
use crate::plan::{Decl, Form, Kind, Plan, SOURCE_KEYS, Setting};
use crate::secret::ExposeSecret as _;

use super::{Ask, Cost, Means, Probe, Pulled, Source, SourceError, top_values};
use rows::{Found, Shape};
use template::{Slots, Template};

const fn setting(
    key: &'static str,
    about: &'static str,
    form: Form,
    required: bool,
    default: &'static str,
) -> Setting {
    Setting {
        key,
        about,
        form,
        required,
        default,
    }
}

pub(super) const KIND: Kind<dyn Source> = Kind {
    name: "http",
    about: include_str!("../../../docs/sources/http.md"),
    settings: &[
        setting(
            "request",
            "path, query, body and method; {from}, {to}, {event} and others are filled in",
            Form::Table,
            true,
            "",
        ),
        setting(
            "headers",
            "Header name to text or secret",
            Form::Table,
            false,
            "",
        ),
        setting(
            "bearer",
            "The token of the header Authorization",
            Form::Secret,
            false,
            "",
        ),
        setting(
            "rows",
            "Where the rows are, as JSONPath; without it the answer is one number for each day",
            Form::Text,
            false,
            "",
        ),
        setting(
            "date",
            "The field that says when",
            Form::Text,
            false,
            "date",
        ),
        setting(
            "event",
            "The field of the event name",
            Form::Text,
            false,
            "",
        ),
        setting(
            "count",
            "The field of the count",
            Form::Text,
            false,
            "count",
        ),
        setting("sum", "The field of the amount", Form::Text, false, ""),
        setting(
            "next",
            "Where the address or the cursor of the next page is",
            Form::Text,
            false,
            "",
        ),
        setting(
            "zero",
            "What an absent day means",
            Form::OneOf(&["absent", "explicit"]),
            false,
            "absent",
        ),
    ],
    mapping: &[setting(
        "fields",
        "Parameter to field of a row",
        Form::Table,
        false,
        "",
    )],
    event_named: true,
    build,
};

/// Most pages of one answer.
const MOST_PAGES: usize = 1_000;

/// Most calls of one pull in the form of one number for each day.
const MOST_DAYS: usize = 800;

/// Any JSON API as a source.
struct Http {
    template: Template,
    headers: Vec<(String, SecretRef)>,
    shape: Shape,
    fill: bool,
}

fn build(decl: &Decl, _plan: &Plan) -> Result<Box<dyn Source>, Vec<Diagnostic>> {
    let mut reader = Reader::new(&decl.section);
    for key in SOURCE_KEYS {
        reader.entry(key);
    }
    let base = reader.url("base_url");
    if base.is_none() && !reader.has("base_url") {
        reader.missing(
            "base_url",
            "say where the API is: base_url = \"https://api.example.com\"",
        );
    }
    let template = if reader.has("request") {
        reader
            .table("request")
            .and_then(|section| template::read(section, base, &mut reader))
    } else {
        reader.missing("request", "say what to call: request = { path = \"/v1/counts\", query = { from = \"{from}\", to = \"{to}\" } }");
        None
    };
    let mut headers = Vec::new();
    if let Some(section) = reader.table("headers") {
        headers = read_headers(section, &mut reader);
    }
    if reader.has("bearer") {
        headers.extend(reader.secret("bearer").map(|at| (BEARER.to_owned(), at)));
    }
    let shape = rows::read(&mut reader);
    let fill = !reader.has("zero")
        || reader.one_of("zero", &["absent", "explicit"]).as_deref() != Some("explicit");
    if let (Some(template), Some(shape)) = (&template, &shape)
        && shape.rows.is_none()
        && !template.names_time()
    {
        let at = reader.place("request");
        reader.complain(
            Diagnostic::error(
                Code(105),
                "without `rows` every call asks for one day, and this request names none",
            )
            .at(at, "no {from}")
            .help("write {from} and {to} (or {last}) where the API takes the days"),
        );
    }
    let complaints = reader.finish();
    match (template, shape) {
        (Some(template), Some(shape)) if complaints.is_empty() => Ok(Box::new(Http {
            template,
            headers,
            shape,
            fill,
        })),
        _ => Err(complaints),
    }
}

/// Marks the token that becomes `Authorization: Bearer …`.
const BEARER: &str = "bearer";

/// Headers that carry credentials are secrets; others may be written plainly.
fn read_headers(section: &Section, reader: &mut Reader<'_>) -> Vec<(String, SecretRef)> {
    let mut inner = Reader::new(section);
    let mut found = Vec::new();
    for (name, entry) in &section.entries {
        let lower = name.to_ascii_lowercase();
        let secret = ["authorization", "cookie", "key", "token", "secret"]
            .iter()
            .any(|word| lower.contains(word));
        let value = match &entry.value {
            Typed::Text(text) if !secret => {
                inner.entry(name);
                Some(SecretRef::Plain(text.clone()))
            }
            _ => inner.secret(name),
        };
        found.extend(value.map(|value| (lower, value)));
    }
    inner
        .finish()
        .into_iter()
        .for_each(|complaint| reader.complain(complaint));
    found
}

/// One call: for which event (or all) and which time.
struct Call {
    event: Option<String>,
    window: Window,
    bucket: Option<Bucket>,
}

impl Call {
    fn slots<'a>(&'a self, ask: &'a Ask, next: &'a str) -> Slots<'a> {
        Slots {
            window: self.window,
            calendar: &ask.calendar,
            event: self.event.as_deref().unwrap_or(""),
            next,
        }
    }
}

#[async_trait]
impl Source for Http {
    fn arrives(&self) -> TimeDelta {
        TimeDelta::hours(3)
    }

    fn settles(&self) -> TimeDelta {
        TimeDelta::days(2)
    }

    fn has_hours(&self) -> bool {
        self.shape.rows.is_some()
    }

    fn refuses(&self, question: &Question) -> Option<String> {
        let dated = self.shape.rows.is_some();
        let refused = match (&question.subject, &question.measure) {
            (Subject::Sessions, _) => "this API is described as counts of events, not of sessions",
            (Subject::AnyEvent, _) if self.shape.event.is_none() => {
                "the answer has no field of event names: add `event`"
            }
            _ if !question.filter.0.is_empty() => {
                "counts of an API cannot be filtered afterwards: put the condition into the request"
            }
            _ if !dated && question.grain == Grain::Hour => "a number for each day knows no hours",
            _ if !dated && !question.by.is_empty() => "a number for each day has no parts",
            (_, Measure::Count) => return None,
            (_, Measure::Sum { .. }) if self.shape.sum.is_some() => return None,
            (_, Measure::Sum { .. }) => "the answer has no field of amounts: add `sum`",
            _ => "an API of counts knows counts only, not parameters",
        };
        Some(refused.to_owned())
    }

    fn cost(&self, ask: &Ask) -> Cost {
        let asked = ask
            .questions
            .iter()
            .filter(|question| self.refuses(question).is_none());
        let calls: usize = self.calls(asked, ask).len();
        Cost {
            requests: u32::try_from(calls).unwrap_or(u32::MAX),
            units: 0,
        }
    }

    async fn pull(&self, ask: &Ask, means: &Means) -> Result<Pulled, SourceError> {
        let mut pulled = Pulled::default();
        let (good, refused): (Vec<&Question>, Vec<&Question>) = ask
            .questions
            .iter()
            .partition(|question| self.refuses(question).is_none());
        for question in refused {
            pulled
                .unanswerable
                .push((question.clone(), self.refuses(question).unwrap_or_default()));
        }
        let headers = self.headers(means).await?;
        let calls = self.calls(good.iter().copied(), ask);
        if calls.len() > MOST_DAYS {
            let why = format!(
                "the window needs {} calls, more than {MOST_DAYS}: ask for fewer days, or describe rows",
                calls.len()
            );
            return Err(SourceError::Refused { why });
        }
        let mut found: Vec<Found> = Vec::new();
        for call in &calls {
            found.extend(self.read(call, ask, &headers, means).await?);
        }
        rows::refuse_repeats(&found)?;
        for question in good {
            self.answer(question, &found, ask, &mut pulled);
        }
        Ok(pulled)
    }

    async fn probe(&self, means: &Means) -> Result<Probe, SourceError> {
        let headers = self.headers(means).await?;
        let now = means.net.clock.now();
        let calendar = crate::model::Calendar::new(chrono_tz::UTC);
        let day = calendar.previous(&calendar.bucket(Grain::Day, now));
        let slots = Slots {
            window: day.window(),
            calendar: &calendar,
            event: "",
            next: "",
        };
        let request = self.request(&self.template.url(&slots)?, &slots, &headers);
        let reply = call::send(&request, means).await?;
        let _: serde_json::Value = json(&request.host(), &reply).map_err(odd)?;
        Ok(Probe {
            found: format!("{} answers with JSON", request.host()),
            remarks: Vec::new(),
        })
    }
}

fn odd(why: impl std::fmt::Display) -> SourceError {
    SourceError::Odd {
        why: why.to_string(),
    }
}

impl Http {
    /// The calls that answer all questions: one for each event if the request names it, and one for
    /// each day if an answer is a single number.
    fn calls<'a>(&self, questions: impl Iterator<Item = &'a Question>, ask: &Ask) -> Vec<Call> {
        let mut events: Vec<Option<String>> = questions
            .map(|question| {
                let name = question.mapping.native.clone();
                name.filter(|_| self.template.names_event())
            })
            .collect();
        events.sort();
        events.dedup();
        let mut calls = Vec::new();
        for event in events {
            if self.shape.rows.is_some() {
                calls.push(Call {
                    event,
                    window: ask.window,
                    bucket: None,
                });
                continue;
            }
            let days = ask.calendar.buckets(Grain::Day, ask.window);
            // Of a day that has not begun there is nothing to ask.
            calls.extend(
                days.into_iter()
                    .filter(|day| day.start <= ask.now)
                    .map(|day| Call {
                        event: event.clone(),
                        window: day.window(),
                        bucket: Some(day),
                    }),
            );
        }
        calls
    }

    async fn headers(&self, means: &Means) -> Result<Vec<(String, String)>, SourceError> {
        let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
        for (name, at) in &self.headers {
            let text = means
                .secrets
                .read(at)
                .await
                .map_err(|why| SourceError::Refused {
                    why: why.to_string(),
                })?;
            let text = text.expose_secret();
            if name == BEARER {
                headers.push(("authorization".to_owned(), format!("Bearer {text}")));
            } else {
                headers.retain(|(known, _)| known != name);
                headers.push((name.clone(), text.to_owned()));
            }
        }
        Ok(headers)
    }

    fn request(&self, url: &url::Url, slots: &Slots<'_>, headers: &[(String, String)]) -> Request {
        let mut request = Request::get(url.clone());
        if let Some(body) = self.template.body(slots) {
            request.method = Method::Post;
            request.body = body.into_bytes();
            request = request.header("content-type", "application/json");
        } else if self.template.is_post() {
            request.method = Method::Post;
        }
        for (name, value) in headers {
            request.headers.retain(|(known, _)| known != name);
            request = request.header(name, value);
        }
        request
    }

    /// All pages of one call.
    async fn read(
        &self,
        call: &Call,
        ask: &Ask,
        headers: &[(String, String)],
        means: &Means,
    ) -> Result<Vec<Found>, SourceError> {
        let mut found = Vec::new();
        let mut seen: Vec<String> = Vec::new();
        let mut cursor = String::new();
        let mut url = self.template.url(&call.slots(ask, ""))?;
        loop {
            let request = self.request(&url, &call.slots(ask, &cursor), headers);
            let reply = call::send(&request, means).await?;
            let host = request.host();
            let page: serde_json::Value = json(&host, &reply).map_err(odd)?;
            self.shape
                .page(&page, call.bucket, call.event.as_deref(), ask, &mut found)
                .map_err(|why| odd(format!("{host}: {why}")))?;
            let Some(next) = self
                .shape
                .next_page(&page)
                .map_err(|why| odd(format!("{host}: {why}")))?
            else {
                return Ok(found);
            };
            if seen.contains(&next) || seen.len() >= MOST_PAGES {
                return Err(odd(format!(
                    "{host}: the pages do not end (page {} names a page that was read)",
                    seen.len() + 1
                )));
            }
            url = self
                .template
                .next_url(&url, &next, &call.slots(ask, &next))?;
            cursor.clone_from(&next);
            seen.push(next);
        }
    }

    fn answer(&self, question: &Question, found: &[Found], ask: &Ask, pulled: &mut Pulled) {
        let mut sums: BTreeMap<(Bucket, Segment), f64> = BTreeMap::new();
        let is_sum = matches!(question.measure, Measure::Sum { .. });
        for one in found.iter().filter(|one| one.belongs_to(question)) {
            let Some(bucket) = one.bucket(question.grain, &ask.calendar) else {
                continue;
            };
            let value = if is_sum {
                one.sum.unwrap_or(0.0)
            } else {
                one.count
            };
            *sums.entry((bucket, one.segment(question))).or_default() += value;
        }
        for ((bucket, segment), value) in top_values(question, sums) {
            if ask.window.contains(bucket.start) {
                let series = question.key(segment);
                pulled.observations.push(Observation {
                    series,
                    bucket,
                    value,
                    quality: Quality::plain(),
                    seen_at: ask.now,
                });
            }
        }
        // Rows of days cannot say that an hour had none.
        let dated = question.grain == Grain::Hour && found.iter().any(Found::is_day);
        if self.fill && !dated {
            pulled.covered.push((question.clone(), ask.window));
        }
    }
}
