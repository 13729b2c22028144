//! Google Analytics 4 through the Data API: counts by day and hour with their quality flags.

mod answer;
mod ask;
mod client;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::TimeDelta;
use chrono_tz::Tz;
use secrecy::ExposeSecret as _;
use tokio::sync::Mutex;
use url::Url;

use crate::config::{Reader, SecretRef};
use crate::model::{Diagnostic, Grain, Measure, Question, Subject, Timestamp};
use crate::net::ServiceAccount;
use crate::plan::{Decl, Form, Kind, Plan, Setting};

use super::{Ask, Cost, Means, Probe, Pulled, Source, SourceError};
use answer::Rows;
use ask::Dictionary;
use wire::Metadata;

pub(super) const KIND: Kind<dyn Source> = Kind {
    name: "ga4",
    about: include_str!("../../../docs/sources/ga4.md"),
    settings: &[
        Setting {
            key: "property",
            about: "The number of the property",
            form: Form::Text,
            required: true,
            default: "",
        },
        Setting {
            key: "key",
            about: "The key file of a service account",
            form: Form::Secret,
            required: true,
            default: "",
        },
        Setting {
            key: "base_url",
            about: "Another address of the Data API",
            form: Form::Url,
            required: false,
            default: "https://analyticsdata.googleapis.com",
        },
    ],
    mapping: &[
        Setting {
            key: "event",
            about: "The event's name there",
            form: Form::Text,
            required: false,
            default: "",
        },
        Setting {
            key: "sum",
            about: "The metric of the amount",
            form: Form::Text,
            required: false,
            default: "",
        },
        Setting {
            key: "fields",
            about: "Parameter to dimension",
            form: Form::Table,
            required: false,
            default: "",
        },
    ],
    event_named: true,
    build,
};

const ADDRESS: &str = "https://analyticsdata.googleapis.com";

/// Most identifiers a day among which repeats are sought (decision 24).
const IDS_A_DAY: u64 = 50_000;

/// Days of identifiers that a first pull reads.
const IDS_DAYS: i64 = 90;

/// A property as a source.
struct Ga4 {
    property: String,
    key: SecretRef,
    base: Url,
    /// Read once per process: the zone of the property and its dimensions.
    facts: Mutex<Option<Facts>>,
}

#[derive(Clone)]
struct Facts {
    zone: Tz,
    dictionary: Dictionary,
    /// What gives the numbers their meaning, to be seen when it changes.
    settings: Vec<(String, String)>,
    read_at: Timestamp,
}

/// Facts of a property are read again after this long.
const FACTS: TimeDelta = TimeDelta::hours(1);

fn build(decl: &Decl, _plan: &Plan) -> Result<Box<dyn Source>, Vec<Diagnostic>> {
    let mut reader = Reader::new(&decl.section);
    for key in [
        "type", "every", "cron", "arrives", "settles", "owner", "about",
    ] {
        reader.entry(key);
    }
    let property = reader.required_text(
        "property",
        "the number stands under Admin > Property details",
    );
    if !reader.has("key") {
        reader.missing(
            "key",
            "give it the key file of a service account: key = { file = \"ga4-key.json\" }",
        );
    }
    let key = reader.has("key").then(|| reader.secret("key")).flatten();
    let base = if reader.has("base_url") {
        reader.url("base_url")
    } else {
        Url::parse(ADDRESS).ok()
    };
    let property = property.map(|text| text.trim_start_matches("properties/").to_owned());
    if let Some(text) = property
        .as_ref()
        .filter(|text| !text.bytes().all(|byte| byte.is_ascii_digit()))
    {
        let at = reader.place("property");
        reader.complain(
            Diagnostic::error(crate::model::Code(105), format!("`{text}` is not a property number"))
                .at(at, "only digits")
                .help("a measurement id (G-…) is something else; the number stands under Admin > Property details"),
        );
    }
    let complaints: Vec<Diagnostic> = reader.finish();
    match (property, key, base) {
        (Some(property), Some(key), Some(base)) if complaints.is_empty() => Ok(Box::new(Ga4 {
            property,
            key,
            base,
            facts: Mutex::new(None),
        })),
        _ => Err(complaints),
    }
}

#[async_trait]
impl Source for Ga4 {
    fn arrives(&self) -> TimeDelta {
        TimeDelta::hours(12)
    }

    fn settles(&self) -> TimeDelta {
        TimeDelta::days(3)
    }

    fn has_hours(&self) -> bool {
        true
    }

    fn refuses(&self, question: &Question) -> Option<String> {
        match (&question.measure, question.grain) {
            (Measure::Consented, _) => Some("GA4 does not show events without consent".to_owned()),
            (_, Grain::Week) => Some("GA4 is read by day and hour".to_owned()),
            (Measure::Repeats(_), Grain::Hour) => Some("repeats are counted by day".to_owned()),
            _ => None,
        }
    }

    fn cost(&self, ask: &Ask) -> Cost {
        let plain =
            |question: &&Question| question.measure == Measure::Count && question.by.is_empty();
        let single = ask
            .questions
            .iter()
            .filter(|question| !plain(question))
            .count();
        let requests = u32::try_from(single).unwrap_or(u32::MAX).saturating_add(3);
        Cost {
            requests,
            units: requests.saturating_mul(10),
        }
    }

    async fn pull(&self, ask: &Ask, means: &Means) -> Result<Pulled, SourceError> {
        let account = self.account(means).await?;
        let mut pulled = Pulled::default();
        let facts = self.facts(&account, ask, means, &mut pulled).await?;
        pulled.settings.extend(facts.settings.iter().cloned());
        let (plain, single): (Vec<&Question>, Vec<&Question>) = ask
            .questions
            .iter()
            .filter(|question| self.refuses(question).is_none())
            .partition(|question| {
                question.measure == Measure::Count
                    && question.by.is_empty()
                    && question.filter.0.is_empty()
                    && matches!(question.subject, Subject::Event(_))
            });
        for grain in [Grain::Day, Grain::Hour] {
            let together: Vec<&Question> = plain
                .iter()
                .copied()
                .filter(|question| question.grain == grain)
                .collect();
            if !together.is_empty() {
                self.counts(&account, ask, &facts, &together, means, &mut pulled)
                    .await?;
            }
        }
        for question in single {
            self.single(&account, ask, &facts, question, means, &mut pulled)
                .await?;
        }
        Ok(pulled)
    }

    async fn probe(&self, means: &Means) -> Result<Probe, SourceError> {
        let account = self.account(means).await?;
        let metadata: Metadata = self.get(&account, "metadata", means).await?;
        let custom = metadata
            .dimensions
            .iter()
            .filter(|one| one.custom_definition)
            .count();
        Ok(Probe {
            found: format!("property readable, {custom} custom dimensions"),
            remarks: Vec::new(),
        })
    }
}

impl Ga4 {
    async fn account(&self, means: &Means) -> Result<ServiceAccount, SourceError> {
        let text = means
            .secrets
            .read(&self.key)
            .await
            .map_err(|why| SourceError::Refused {
                why: why.to_string(),
            })?;
        ServiceAccount::parse(text.expose_secret()).map_err(|why| SourceError::Refused {
            why: why.to_string(),
        })
    }

    /// The zone, the dimensions and the settings of the property, asked for once an hour.
    async fn facts(
        &self,
        account: &ServiceAccount,
        ask: &Ask,
        means: &Means,
        pulled: &mut Pulled,
    ) -> Result<Facts, SourceError> {
        let mut known = self.facts.lock().await;
        if let Some(facts) = known.as_ref().filter(|one| ask.now - one.read_at < FACTS) {
            return Ok(facts.clone());
        }
        let metadata: Metadata = self.get(account, "metadata", means).await?;
        let day = ask.calendar.local(ask.now).date();
        let look = ask::look(day);
        let report = self.report(account, &look, means).await?;
        means.net.gauge.left(answer::quota_left(&report));
        pulled.notes.extend(answer::quota_note(&report));
        let zone = report
            .metadata
            .time_zone
            .as_deref()
            .and_then(|name| name.parse().ok());
        let facts = Facts {
            zone: zone.unwrap_or(ask.calendar.zone()),
            dictionary: Dictionary::of(&metadata),
            settings: wire::settings(&report.metadata, &metadata),
            read_at: ask.now,
        };
        *known = Some(facts.clone());
        Ok(facts)
    }

    /// All plain counts of one grain in one report.
    async fn counts(
        &self,
        account: &ServiceAccount,
        ask: &Ask,
        facts: &Facts,
        questions: &[&Question],
        means: &Means,
        pulled: &mut Pulled,
    ) -> Result<(), SourceError> {
        let grain = questions
            .first()
            .map_or(Grain::Day, |question| question.grain);
        let hourly = grain == Grain::Hour || facts.zone != ask.calendar.zone();
        let names: BTreeSet<&str> = questions
            .iter()
            .filter_map(|one| one.mapping.native.as_deref())
            .collect();
        let body = ask::counts(&names, hourly, ask, facts.zone);
        let mut sums: Vec<(&Question, &str, answer::Sums)> = questions
            .iter()
            .filter_map(|one| {
                Some((
                    *one,
                    one.mapping.native.as_deref()?,
                    answer::Sums::default(),
                ))
            })
            .collect();
        let each = |page: &wire::Report| {
            sums.iter_mut().try_for_each(|(question, native, sums)| {
                let rows = Rows::OfEvent(native);
                sums.add(page, question, hourly, facts.zone, ask, &rows)
            })
        };
        let whole = self.pages(account, &body, means, pulled, each).await?;
        for (question, _, sums) in sums {
            if whole {
                sums.keep(question, ask.window, ask, pulled);
            } else {
                pulled.unanswerable.push((question.clone(), too_long()));
            }
        }
        Ok(())
    }

    /// One question by itself.
    async fn single(
        &self,
        account: &ServiceAccount,
        ask: &Ask,
        facts: &Facts,
        question: &Question,
        means: &Means,
        pulled: &mut Pulled,
    ) -> Result<(), SourceError> {
        let adds_up = !matches!(question.measure, Measure::Repeats(_) | Measure::Users);
        let hourly =
            question.grain == Grain::Hour || (adds_up && facts.zone != ask.calendar.zone());
        let ask = &recent(question, ask);
        let asked = match ask::single(question, hourly, ask, facts.zone, &facts.dictionary) {
            Ok(asked) => asked,
            Err(why) => {
                pulled.unanswerable.push((question.clone(), why));
                return Ok(());
            }
        };
        pulled.notes.extend(asked.note);
        let mut sums = answer::Sums::default();
        let mut currency = None;
        let each = |page: &wire::Report| {
            currency.clone_from(&page.metadata.currency_code);
            if asked.counts_ids {
                sums.add_repeats(page, question, facts.zone, ask)
            } else {
                sums.add(
                    page,
                    question,
                    hourly,
                    facts.zone,
                    ask,
                    &Rows::By(&asked.by),
                )
            }
        };
        let whole = self
            .pages(account, &asked.body, means, pulled, each)
            .await?;
        if let Some(why) = unfit(question, whole, currency.as_deref(), sums.most_ids()) {
            pulled.unanswerable.push((question.clone(), why));
            return Ok(());
        }
        sums.keep(question, ask.window, ask, pulled);
        Ok(())
    }
}

/// Repeats are sought in a list of identifiers, so the first pull reads no further back than
/// [`IDS_DAYS`].
fn recent(question: &Question, ask: &Ask) -> Ask {
    let mut ask = ask.clone();
    if matches!(question.measure, Measure::Repeats(_)) {
        let from = ask.now - TimeDelta::days(IDS_DAYS);
        let day = ask.calendar.bucket(Grain::Day, from);
        ask.window.from = ask.window.from.max(day.start);
    }
    ask
}

fn too_long() -> String {
    format!("the report of GA4 has more than {} rows", client::ROWS)
}

/// Why an answer that came cannot be used.
fn unfit(question: &Question, whole: bool, currency: Option<&str>, ids: u64) -> Option<String> {
    if !whole {
        return Some(too_long());
    }
    if let (
        Measure::Sum {
            currency: Some(wanted),
            ..
        },
        Some(own),
    ) = (&question.measure, currency)
        && own != wanted
    {
        return Some(format!(
            "the property counts in {own}, the project in {wanted}; nothing is converted"
        ));
    }
    (ids > IDS_A_DAY)
        .then(|| format!("more than {IDS_A_DAY} identifiers a day: count repeats in the database"))
}

/// Names of dimensions and what they are called here, for `by`.
const DIMENSIONS: &[(&str, &str)] = &[
    ("event", "eventName"),
    ("device", "deviceCategory"),
    ("browser", "browser"),
    ("os", "operatingSystem"),
    ("country", "country"),
    ("language", "language"),
    ("host", "hostName"),
    ("platform", "platform"),
    ("channel", "sessionDefaultChannelGroup"),
    ("landing_page", "landingPage"),
    ("page", "pagePath"),
    ("utm_source", "sessionSource"),
    ("utm_medium", "sessionMedium"),
    ("utm_campaign", "sessionCampaignName"),
    ("utm_term", "sessionManualTerm"),
    ("utm_content", "sessionManualAdContent"),
    ("app_version", "appVersion"),
];

/// Names in the answer, by position.
type Columns = BTreeMap<String, usize>;
