//! HubSpot's CRM: records counted by the total of a search, day by day.

mod search;

use async_trait::async_trait;
use chrono::TimeDelta;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::config::{Reader, SecretRef};
use crate::model::{
    Bucket, Calendar, Diagnostic, Grain, Measure, Observation, Quality, Question, Segment, Subject,
    Timestamp, Window,
};
use crate::net::{Backoff, NetError, Reply, Request, json, retry_after, shown_start};
use crate::plan::{Decl, Form, Kind, Plan, SOURCE_KEYS, Setting};

use super::{Ask, Cost, Means, Probe, Pulled, Source, SourceError};

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

/// The search takes four requests a second of an account; this leaves room for others.
const PACE: TimeDelta = TimeDelta::milliseconds(260);

/// The index is behind by minutes: younger records are not asked for.
const INDEX: TimeDelta = TimeDelta::minutes(15);

/// Days that the first pull reads.
const FIRST: i64 = 120;

/// Only the first 10,000 results can be paged.
const CAP: u64 = 10_000;

/// Largest page.
const PAGE: u64 = 200;

/// An account as a source.
struct HubSpot {
    token: SecretRef,
    version: String,
    base: Url,
}

fn build(decl: &Decl, _plan: &Plan) -> Result<Box<dyn Source>, Vec<Diagnostic>> {
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
        (Some(token), Some(base)) if complaints.is_empty() => Ok(Box::new(HubSpot {
            token,
            version: version.unwrap_or_else(|| VERSIONS[0].to_owned()),
            base,
        })),
        _ => Err(complaints),
    }
}

#[derive(Deserialize)]
struct Found {
    total: u64,
    #[serde(default)]
    results: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    #[serde(default)]
    id: String,
    #[serde(default)]
    properties: std::collections::BTreeMap<String, Option<String>>,
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
            return Some("HubSpot is read by day: each bucket is a search".to_owned());
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

    fn cost(&self, ask: &Ask) -> Cost {
        let days = buckets(&ask.calendar, Grain::Day, ask).len();
        let requests = u32::try_from(days * ask.questions.len()).unwrap_or(u32::MAX);
        Cost { requests, units: 0 }
    }

    async fn pull(&self, ask: &Ask, means: &Means) -> Result<Pulled, SourceError> {
        let token = self.token(means).await?;
        let mut pulled = Pulled::default();
        for question in &ask.questions {
            if let Some(why) = self.refuses(question) {
                pulled.unanswerable.push((question.clone(), why));
                continue;
            }
            let filters = search::filters(question).map_err(|why| SourceError::Refused { why })?;
            let days = buckets(&ask.calendar, question.grain, ask);
            let Some(window) = window(&days) else {
                continue;
            };
            let mut values = Vec::new();
            for bucket in &days {
                match self
                    .value(&token, question, &filters, bucket, ask.now, means)
                    .await?
                {
                    Ok(value) => values.push((*bucket, value)),
                    Err(why) => {
                        pulled.unanswerable.push((question.clone(), why));
                        values.clear();
                        break;
                    }
                }
            }
            if values.is_empty() {
                continue;
            }
            pulled.covered.push((question.clone(), window));
            pulled
                .observations
                .extend(values.into_iter().map(|(bucket, value)| Observation {
                    series: question.key(Segment::new()),
                    bucket,
                    value,
                    quality: Quality::plain(),
                    seen_at: ask.now,
                }));
        }
        Ok(pulled)
    }

    async fn probe(&self, means: &Means) -> Result<Probe, SourceError> {
        let token = self.token(means).await?;
        let url = self.address("objects/contacts/search", "contacts")?;
        let found = self.search(&token, url, &search::look(), means).await?;
        Ok(Probe {
            found: format!("readable, {} contacts", found.total),
            remarks: Vec::new(),
        })
    }
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

fn window(days: &[Bucket]) -> Option<Window> {
    Some(Window {
        from: days.first()?.start,
        to: days.last()?.end,
    })
}

impl HubSpot {
    async fn token(&self, means: &Means) -> Result<crate::secret::SecretString, SourceError> {
        means
            .secrets
            .read(&self.token)
            .await
            .map_err(|why| SourceError::Refused {
                why: why.to_string(),
            })
    }

    /// Date-based versions stand behind the family, v3 before it.
    fn address(&self, what: &str, object: &str) -> Result<Url, SourceError> {
        let base = self.base.as_str().trim_end_matches('/');
        let plain = object
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        let path = if self.version == "v3" {
            format!("{base}/crm/v3/{what}")
        } else {
            format!("{base}/crm/objects/{}/{object}/search", self.version)
        };
        Url::parse(&path)
            .ok()
            .filter(|_| plain)
            .ok_or_else(|| SourceError::Refused {
                why: format!("`{object}` is not an object of HubSpot"),
            })
    }

    /// The value of one bucket; the inner error is *not judged*.
    async fn value(
        &self,
        token: &crate::secret::SecretString,
        question: &Question,
        filters: &[Value],
        bucket: &Bucket,
        now: Timestamp,
        means: &Means,
    ) -> Result<Result<f64, String>, SourceError> {
        let settings = &question.mapping.settings;
        let object = settings.get("object").map_or("", String::as_str);
        let url = self.address(&format!("objects/{object}/search"), object)?;
        let date = settings.get("date").map_or("createdate", String::as_str);
        let until = bucket.end.min(now - INDEX);
        if !matches!(question.measure, Measure::Sum { .. }) {
            let body = search::count(filters, date, bucket.start, until);
            let found = self.search(token, url, &body, means).await?;
            return Ok(Ok(found.total as f64));
        }
        let property = settings.get("sum").map_or("", String::as_str);
        let mut sum = 0.0;
        let mut last: Option<String> = None;
        for _ in 0..CAP / PAGE {
            let body = search::rows(
                filters,
                date,
                bucket.start,
                until,
                property,
                last.as_deref(),
            );
            let found = self.search(token, url.clone(), &body, means).await?;
            if last.is_none() && found.total > CAP {
                return Ok(Err(format!(
                    "more than {CAP} records a day: sum them in the warehouse"
                )));
            }
            let rows = found.results.len() as u64;
            for record in &found.results {
                let text = record
                    .properties
                    .get(property)
                    .and_then(Option::as_deref)
                    .unwrap_or("");
                let amount: f64 = if text.is_empty() {
                    0.0
                } else {
                    text.parse().unwrap_or(f64::NAN)
                };
                if !amount.is_finite() {
                    return Err(SourceError::Odd {
                        why: format!(
                            "HubSpot answered `{}` as an amount",
                            shown_start(text.as_bytes())
                        ),
                    });
                }
                sum += amount;
            }
            last = found.results.last().map(|record| record.id.clone());
            if rows < PAGE {
                break;
            }
        }
        Ok(Ok(sum))
    }

    async fn search(
        &self,
        token: &crate::secret::SecretString,
        url: Url,
        body: &Value,
        means: &Means,
    ) -> Result<Found, SourceError> {
        means
            .net
            .clock
            .sleep_until(means.net.clock.now() + PACE)
            .await;
        let bearer = format!("Bearer {}", token.expose_secret());
        let request = Request::post_json(url, body).header("authorization", &bearer);
        let reply = means
            .net
            .fetch(&request, &Backoff::READ)
            .await
            .map_err(|why| match why {
                NetError::Forbidden { .. } | NetError::Setup { .. } => SourceError::Refused {
                    why: why.to_string(),
                },
                NetError::TooLarge { .. } => SourceError::Odd {
                    why: why.to_string(),
                },
                NetError::Unreachable { .. } => SourceError::Wait {
                    after: None,
                    why: why.to_string(),
                },
            })?;
        if reply.is_success() {
            return json("HubSpot", &reply).map_err(|why| SourceError::Odd {
                why: why.to_string(),
            });
        }
        Err(trouble(&reply, means.net.clock.now()))
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Fault {
    message: String,
    category: String,
    policy_name: String,
}

/// HubSpot's errors as reactions.
fn trouble(reply: &Reply, now: Timestamp) -> SourceError {
    let fault: Fault = serde_json::from_slice(&reply.body).unwrap_or_default();
    let text = if fault.message.is_empty() {
        shown_start(&reply.body)
    } else {
        shown_start(fault.message.as_bytes())
    };
    let asked = retry_after(reply, now);
    match reply.status {
        429 if fault.policy_name == "DAILY" => SourceError::Wait {
            after: Some(TimeDelta::hours(1)),
            why: format!("the daily limit of HubSpot is used up: {text}"),
        },
        429 | 423 | 477 | 500..=599 => SourceError::Wait {
            after: asked,
            why: format!("HubSpot answered {}: {text}", reply.status),
        },
        401 => SourceError::Refused {
            why: format!("HubSpot does not accept the token: {text}"),
        },
        403 => SourceError::Refused {
            why: format!(
                "HubSpot refused ({}): {text}; add the scope under Settings > Integrations",
                fault.category
            ),
        },
        status => SourceError::Refused {
            why: format!("HubSpot answered {status}: {text}"),
        },
    }
}
