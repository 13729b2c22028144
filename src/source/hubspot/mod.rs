//! HubSpot's CRM: records by their day, through its search.

mod client;
mod days;
mod search;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use url::Url;

use crate::config::Reader;
use crate::model::{
    Bucket, Calendar, Diagnostic, Grain, Measure, Observation, Quality, Question, Segment, Subject,
    Window,
};
use crate::plan::{Decl, Form, Kind, Plan, SOURCE_KEYS, Setting};

use super::{Ask, Cost, Means, Probe, Pulled, Source, SourceError};
use client::{Client, Trouble};
use days::Task;

pub(super) const KIND: Kind<dyn Source> = Kind {
    name: "hubspot",
    about: include_str!("../../../docs/sources/hubspot.md"),
    settings: &[
        Setting {
            key: "token",
            about: "A service key or private app token",
            form: Form::Secret,
            required: true,
            default: "",
        },
        Setting {
            key: "api",
            about: "The version in the path",
            form: Form::OneOf(VERSIONS),
            required: false,
            default: "2026-09",
        },
        Setting {
            key: "base_url",
            about: "Another address of the API",
            form: Form::Url,
            required: false,
            default: ADDRESS,
        },
    ],
    mapping: &[
        Setting {
            key: "object",
            about: "contacts, deals, …",
            form: Form::Text,
            required: true,
            default: "",
        },
        Setting {
            key: "date",
            about: "The date property",
            form: Form::Text,
            required: false,
            default: "createdate",
        },
        Setting {
            key: "filter",
            about: "A condition over properties",
            form: Form::Text,
            required: false,
            default: "",
        },
        Setting {
            key: "sum",
            about: "The property of the amount",
            form: Form::Text,
            required: false,
            default: "",
        },
        Setting {
            key: "fields",
            about: "Parameter to property",
            form: Form::Table,
            required: false,
            default: "",
        },
    ],
    event_named: false,
    build,
};

const ADDRESS: &str = "https://api.hubapi.com";
const VERSIONS: &[&str] = &["2026-09", "2026-03", "v3"];

/// The index is behind by minutes: younger records are not asked for.
const INDEX: TimeDelta = TimeDelta::minutes(15);

/// Days that the first pull reads.
const FIRST: i64 = 120;

/// Largest page.
const PAGE: u64 = 200;

/// An account as a source.
struct HubSpot {
    client: Client,
    /// What the events of the plan count, for `doctor`.
    objects: BTreeSet<String>,
}

fn build(decl: &Decl, plan: &Plan) -> Result<Box<dyn Source>, Vec<Diagnostic>> {
    let mut reader = Reader::new(&decl.section);
    for key in SOURCE_KEYS {
        reader.entry(key);
    }
    if !reader.has("token") {
        reader.missing(
            "token",
            "give it a token: token = { env = \"HUBSPOT_TOKEN\" }",
        );
    }
    let token = reader
        .has("token")
        .then(|| reader.secret("token"))
        .flatten();
    let version = reader
        .has("api")
        .then(|| reader.one_of("api", VERSIONS))
        .flatten();
    let base = if reader.has("base_url") {
        reader.url("base_url")
    } else {
        Url::parse(ADDRESS).ok()
    };
    let complaints: Vec<Diagnostic> = reader.finish();
    match (token, base) {
        (Some(token), Some(base)) if complaints.is_empty() => {
            let version = version.unwrap_or_else(|| VERSIONS[0].to_owned());
            let calendar = plan.project.calendar.clone();
            Ok(Box::new(HubSpot {
                client: Client::new(token, version, base, calendar),
                objects: objects(decl, plan),
            }))
        }
        _ => Err(complaints),
    }
}

/// The objects that events name; contacts where none does.
fn objects(decl: &Decl, plan: &Plan) -> BTreeSet<String> {
    let mappings = plan.events.iter().filter_map(|one| one.mapping(&decl.name));
    let named = mappings.filter_map(|mapping| mapping.settings.get("object"));
    let found: BTreeSet<String> = named.cloned().collect();
    if found.is_empty() {
        BTreeSet::from(["contacts".to_owned()])
    } else {
        found
    }
}

#[async_trait]
impl Source for HubSpot {
    fn arrives(&self) -> TimeDelta {
        TimeDelta::hours(1)
    }

    fn settles(&self) -> TimeDelta {
        TimeDelta::days(2)
    }

    fn has_hours(&self) -> bool {
        false
    }

    fn refuses(&self, question: &Question) -> Option<String> {
        if !matches!(question.subject, Subject::Event(_)) {
            return Some("HubSpot knows only the records that are mapped to events".to_owned());
        }
        if question.grain == Grain::Hour {
            return Some("HubSpot is read by day".to_owned());
        }
        if !question.by.is_empty() {
            return Some("a search of HubSpot cannot be split".to_owned());
        }
        let settings = &question.mapping.settings;
        match &question.measure {
            _ if !settings.contains_key("object") => Some("in.<source> names no object".to_owned()),
            Measure::Sum { .. } if !settings.contains_key("sum") => {
                Some("in.<source> names no property to sum".to_owned())
            }
            Measure::Repeats(_) => Some("a search of HubSpot cannot count repeats".to_owned()),
            Measure::Users | Measure::Unknown | Measure::Consented => {
                Some("HubSpot does not know users, traffic sources or consent".to_owned())
            }
            Measure::Count
            | Measure::Sum { .. }
            | Measure::Having(_)
            | Measure::Valid { .. }
            | Measure::WithoutId(_) => search::filters(question).err(),
        }
    }

    fn by_question(&self) -> bool {
        true
    }

    /// The most that it can take: a look, and a search for each day. Few records take fewer.
    fn cost(&self, ask: &Ask) -> Cost {
        let each = |question: &Question| 1 + buckets(&ask.calendar, question.grain, ask).len();
        let requests: usize = ask.questions.iter().map(each).sum();
        Cost {
            requests: u32::try_from(requests).unwrap_or(u32::MAX),
            units: 0,
        }
    }

    async fn pull(&self, ask: &Ask, means: &Means) -> Result<Pulled, SourceError> {
        let token = self.client.token(means).await?;
        let mut pulled = Pulled::default();
        for question in &ask.questions {
            let asked = self
                .refuses(question)
                .map_or(Ok(()), Err)
                .and_then(|()| Task::new(&self.client, &token, means, question, ask));
            let values = match asked {
                Ok(task) => {
                    let days = buckets(&ask.calendar, question.grain, ask);
                    task.read(&days).await
                }
                Err(why) => Err(Trouble::Question(why)),
            };
            match values {
                Ok(values) => keep(&mut pulled, question, &values, ask),
                Err(Trouble::Question(why)) => pulled.unanswerable.push((question.clone(), why)),
                Err(Trouble::Pull(why)) => return Err(why),
            }
        }
        Ok(pulled)
    }

    async fn probe(&self, means: &Means) -> Result<Probe, SourceError> {
        let token = self.client.token(means).await?;
        let mut found = Vec::new();
        for object in &self.objects {
            let look = search::look();
            match self.client.search(&token, object, &look, means).await {
                Ok(page) => found.push(format!("{} {object}", page.total)),
                Err(Trouble::Pull(why)) => return Err(why),
                Err(Trouble::Question(why)) => return Err(SourceError::Refused { why }),
            }
        }
        Ok(Probe {
            found: format!("readable, {}", found.join(", ")),
            remarks: Vec::new(),
        })
    }
}

/// Values in a row are what was covered.
fn keep(pulled: &mut Pulled, question: &Question, values: &[(Bucket, f64)], ask: &Ask) {
    let (Some((first, _)), Some((last, _))) = (values.first(), values.last()) else {
        return;
    };
    let window = Window {
        from: first.start,
        to: last.end,
    };
    pulled.covered.push((question.clone(), window));
    let series = question.key(Segment::new());
    let seen = values.iter().map(|(bucket, value)| Observation {
        series: Arc::clone(&series),
        bucket: *bucket,
        value: *value,
        quality: Quality::plain(),
        seen_at: ask.now,
    });
    pulled.observations.extend(seen);
}

/// Whole buckets that have begun; the first pull reads no further back than [`FIRST`] days.
fn buckets(calendar: &Calendar, grain: Grain, ask: &Ask) -> Vec<Bucket> {
    let from = ask.window.from.max(ask.now - TimeDelta::days(FIRST));
    let all = calendar.buckets(
        grain,
        Window {
            from,
            to: ask.window.to,
        },
    );
    all.into_iter()
        .filter(|bucket| bucket.start + INDEX < ask.now)
        .collect()
}
