//! Counts from a database: PostgreSQL, MySQL, MariaDB or SQLite, by table and date column or by a
//! query.

mod moment;
mod text;
mod writer;

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, TimeDelta};
use chrono_tz::Tz;
use secrecy::ExposeSecret as _;

use crate::config::{Reader, SecretRef, Typed};
use crate::model::{
    Bucket, Calendar, Code, Diagnostic, Grain, Measure, Observation, Quality, Question, Segment,
    Subject, Window, masked_value,
};
use crate::net::{Database, DatabaseError, Engine, Row, shown_start};
use crate::plan::{Decl, Form, Kind, Plan, Setting};

use super::{Ask, Cost, Means, Probe, Pulled, Source, SourceError};
use text::Stamp;

const fn setting(key: &'static str, about: &'static str, form: Form, required: bool) -> Setting {
    Setting {
        key,
        about,
        form,
        required,
        default: "",
    }
}

pub(super) const KIND: Kind<dyn Source> = Kind {
    name: "sql",
    about: include_str!("../../../docs/sources/sql.md"),
    settings: &[
        setting(
            "url",
            "Where the database is: postgres://, mysql://, mariadb:// or sqlite:path",
            Form::Secret,
            true,
        ),
        setting(
            "zone",
            "The zone of timestamps without one; UTC unless given",
            Form::Text,
            false,
        ),
    ],
    mapping: &[
        setting("table", "The table or view", Form::Text, false),
        setting("date", "The column that says when", Form::Text, false),
        setting(
            "query",
            "A SELECT with the columns day (or hour) and count",
            Form::Text,
            false,
        ),
        setting(
            "id",
            "The column of the deduplication key",
            Form::Text,
            false,
        ),
        setting("sum", "The column of the amount", Form::Text, false),
        setting("currency", "The column of the currency", Form::Text, false),
        setting(
            "filter",
            "A condition in the database's own SQL",
            Form::Text,
            false,
        ),
        setting("fields", "Parameter to column", Form::Table, false),
    ],
    event_named: false,
    build,
};

/// A database as a source.
struct Sql {
    url: SecretRef,
    zone: Tz,
}

fn build(decl: &Decl, _plan: &Plan) -> Result<Box<dyn Source>, Vec<Diagnostic>> {
    let mut reader = Reader::new(&decl.section);
    for key in [
        "type", "every", "cron", "arrives", "settles", "owner", "about", "base_url",
    ] {
        reader.entry(key);
    }
    let url = url(&mut reader);
    let zone = reader.text("zone").unwrap_or_else(|| "UTC".to_owned());
    let zone = zone.parse::<Tz>().map_err(|_| {
        let at = reader.place("zone");
        reader.complain(
            Diagnostic::error(Code(207), format!("there is no time zone `{zone}`"))
                .at(at, "not known"),
        );
    });
    let complaints = reader.finish();
    match (url, zone) {
        (Some(url), Ok(zone)) if complaints.is_empty() => Ok(Box::new(Sql { url, zone })),
        _ => Err(complaints),
    }
}

/// An address without a password is no secret and may be written plainly.
fn url(reader: &mut Reader<'_>) -> Option<SecretRef> {
    if !reader.has("url") {
        reader.missing(
            "url",
            "say where the database is: url = { env = \"ORDERS_DATABASE_URL\" }",
        );
        return None;
    }
    let plain = match reader
        .section()
        .entries
        .get("url")
        .map(|entry| &entry.value)
    {
        Some(Typed::Text(text)) => {
            let secret = url::Url::parse(text).is_ok_and(|url| url.password().is_some());
            (!secret).then(|| text.clone())
        }
        _ => None,
    };
    match plain {
        Some(text) => {
            reader.entry("url");
            Some(SecretRef::Plain(text))
        }
        None => reader.secret("url"),
    }
}

fn reaction(why: DatabaseError) -> SourceError {
    match why {
        DatabaseError::Wait(why) => SourceError::Wait { after: None, why },
        DatabaseError::Refused(why) => SourceError::Refused { why },
    }
}

impl Sql {
    async fn database(&self, means: &Means) -> Result<Database, SourceError> {
        let text = means
            .secrets
            .read(&self.url)
            .await
            .map_err(|why| SourceError::Refused {
                why: why.to_string(),
            })?;
        Database::parse(text.expose_secret(), &means.folder).map_err(reaction)
    }
}

#[async_trait]
impl Source for Sql {
    fn arrives(&self) -> TimeDelta {
        TimeDelta::minutes(5)
    }

    fn settles(&self) -> TimeDelta {
        TimeDelta::hours(6)
    }

    fn has_hours(&self) -> bool {
        true
    }

    fn refuses(&self, question: &Question) -> Option<String> {
        if !matches!(question.subject, Subject::Event(_)) {
            return Some("a table knows only the events that are mapped to it".to_owned());
        }
        text::refusal(question)
    }

    fn cost(&self, ask: &Ask) -> Cost {
        Cost {
            requests: u32::try_from(ask.questions.len()).unwrap_or(u32::MAX),
            units: 0,
        }
    }

    async fn pull(&self, ask: &Ask, means: &Means) -> Result<Pulled, SourceError> {
        let database = self.database(means).await?;
        let mut pulled = Pulled::default();
        let mut stamps: BTreeMap<(String, String), Stamp> = BTreeMap::new();
        for question in &ask.questions {
            if let Some(why) = self.refuses(question) {
                pulled.unanswerable.push((question.clone(), why));
                continue;
            }
            let stamp = self.stamp(&database, question, &mut stamps, means).await?;
            if stamp == Stamp::Date && question.grain == Grain::Hour {
                let why = "the date column has no time of day".to_owned();
                pulled.unanswerable.push((question.clone(), why));
                continue;
            }
            let statements = text::statements(database.engine(), question, stamp, self.zone, ask)
                .map_err(|why| SourceError::Refused { why })?;
            let texts: Vec<_> = statements
                .iter()
                .map(|one| (one.sql.clone(), one.values.clone()))
                .collect();
            let answers = database.ask(&texts, &means.net).await.map_err(reaction)?;
            let twice =
                if matches!(stamp, Stamp::Naive | Stamp::Text) && question.grain == Grain::Hour {
                    repeated(self.zone, ask.window)
                } else {
                    Vec::new()
                };
            let mut sums: BTreeMap<(Bucket, Segment), f64> = BTreeMap::new();
            for (statement, rows) in statements.iter().zip(answers) {
                for row in rows {
                    add(
                        &mut sums,
                        question,
                        &ask.calendar,
                        statement,
                        &row,
                        self.zone,
                    )?;
                }
            }
            keep(&mut pulled, question, ask, sums, &twice);
        }
        Ok(pulled)
    }

    async fn probe(&self, means: &Means) -> Result<Probe, SourceError> {
        let database = self.database(means).await?;
        let version = match database.engine() {
            crate::net::Engine::Sqlite => "SELECT sqlite_version()",
            _ => "SELECT version()",
        };
        let rows = database
            .ask(&[(version.to_owned(), Vec::new())], &means.net)
            .await
            .map_err(reaction)?;
        let found = rows
            .first()
            .and_then(|rows| rows.first())
            .and_then(|row| row.first().cloned().flatten());
        let found = found.unwrap_or_default();
        let short: String = found
            .split(" on ")
            .next()
            .unwrap_or(&found)
            .chars()
            .take(60)
            .collect();
        Ok(Probe {
            found: format!("connected, {short}"),
            remarks: Vec::new(),
        })
    }
}

impl Sql {
    /// What the date column holds: asked once per table and column.
    async fn stamp(
        &self,
        database: &Database,
        question: &Question,
        known: &mut BTreeMap<(String, String), Stamp>,
        means: &Means,
    ) -> Result<Stamp, SourceError> {
        let settings = &question.mapping.settings;
        if settings.contains_key("query") {
            return Ok(Stamp::Date);
        }
        let key = (
            settings.get("table").cloned().unwrap_or_default(),
            settings.get("date").cloned().unwrap_or_default(),
        );
        if let Some(stamp) = known.get(&key) {
            return Ok(*stamp);
        }
        let sql = text::probe(database.engine(), &key.0, &key.1)
            .map_err(|why| SourceError::Refused { why })?;
        let rows = database
            .ask(&[(sql, Vec::new())], &means.net)
            .await
            .map_err(reaction)?;
        let word = rows
            .first()
            .and_then(|rows| rows.first())
            .and_then(|row| row.first().cloned().flatten());
        let mut stamp = text::stamp(word.as_deref().unwrap_or(""))
            .map_err(|why| SourceError::Refused { why })?;
        if stamp == Stamp::Seconds && database.engine() != Engine::Sqlite {
            let sql = text::probe_numbers(database.engine(), &key.0, &key.1)
                .map_err(|why| SourceError::Refused { why })?;
            let rows = database
                .ask(&[(sql, Vec::new())], &means.net)
                .await
                .map_err(reaction)?;
            let word = rows.first().and_then(|rows| rows.first());
            if word.is_some_and(|row| row.first() == Some(&Some("millis".to_owned()))) {
                stamp = Stamp::Millis;
            }
        }
        known.insert(key, stamp);
        Ok(stamp)
    }
}

/// A value that should have been something else may be anything, also a person.
fn shown(value: &str) -> String {
    shown_start(value.as_bytes())
}

/// One row into its bucket. Negative or fractional counts are odd: nothing of the answer is kept.
fn add(
    sums: &mut BTreeMap<(Bucket, Segment), f64>,
    question: &Question,
    calendar: &Calendar,
    statement: &text::Statement,
    row: &Row,
    zone: Tz,
) -> Result<(), SourceError> {
    let odd = |why: String| SourceError::Odd { why };
    let (Some(Some(slot)), Some(Some(value))) = (row.first(), row.get(1)) else {
        return Ok(()); // Rows without a date belong to no bucket.
    };
    let number: f64 = value
        .trim()
        .parse()
        .map_err(|_| odd(format!("`{}` is not a number", shown(value))))?;
    let is_sum = matches!(question.measure, Measure::Sum { .. });
    if !number.is_finite() || (!is_sum && (number < 0.0 || number.fract() != 0.0)) {
        return Err(odd(format!(
            "a count of {value} at {}: counts are whole and not negative",
            shown(slot)
        )));
    }
    let Some(bucket) = bucket(question.grain, calendar, statement, slot, zone).map_err(odd)? else {
        return Ok(());
    };
    let mut segment = Segment::new();
    for (dimension, value) in question.by.iter().zip(row.iter().skip(2)) {
        let text = value
            .as_deref()
            .filter(|text| !text.is_empty())
            .unwrap_or("(not set)");
        segment.insert(dimension.clone(), masked_value(text));
    }
    *sums.entry((bucket, segment)).or_default() += number;
    Ok(())
}

fn bucket(
    grain: Grain,
    calendar: &Calendar,
    statement: &text::Statement,
    slot: &str,
    zone: Tz,
) -> Result<Option<Bucket>, String> {
    match statement.slots {
        text::Slots::Dates => {
            let day = slot
                .get(..10)
                .and_then(|day| NaiveDate::parse_from_str(day, "%Y-%m-%d").ok());
            let day = day.ok_or_else(|| format!("`{}` is not a date", shown(slot)))?;
            let day = calendar.day(day);
            Ok(Some(if grain == Grain::Week {
                calendar.bucket(Grain::Week, day.start)
            } else {
                day
            }))
        }
        text::Slots::Seconds { step, naive } => {
            let instant = slot.strip_prefix(text::INSTANT);
            let naive = naive && instant.is_none();
            let number: f64 = instant
                .unwrap_or(slot)
                .parse()
                .map_err(|_| format!("`{}` is not a time", shown(slot)))?;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a count of steps since 1970 fits"
            )]
            let at = DateTime::from_timestamp((number.floor() as i64).saturating_mul(step), 0);
            let at = at.ok_or_else(|| format!("the time {slot} is out of range"))?;
            let at = if naive {
                Calendar::new(zone).instant(at.naive_utc())
            } else {
                at
            };
            Ok(Some(calendar.bucket(grain, at)))
        }
        text::Slots::Buckets(ref buckets) => {
            let index: usize = slot
                .parse()
                .map_err(|_| format!("`{}` is not a slot", shown(slot)))?;
            Ok(buckets.get(index).copied())
        }
    }
}

/// The times in which wall clocks of a zone say the same hours twice, each as one window.
fn repeated(zone: Tz, window: Window) -> Vec<Window> {
    let calendar = Calendar::new(zone);
    let days = calendar.buckets(
        Grain::Day,
        Window {
            from: window.from - TimeDelta::days(1),
            to: window.to + TimeDelta::days(1),
        },
    );
    let long = days
        .iter()
        .filter(|day| day.end - day.start > TimeDelta::days(1));
    long.filter_map(|day| {
        let twice: Vec<Bucket> = (0..24)
            .map(|hour| day.label + TimeDelta::hours(hour))
            .map(|label| calendar.hours_labelled(label))
            .filter(|found| found.len() > 1)
            .flatten()
            .collect();
        Some(Window {
            from: twice.iter().map(|one| one.start).min()?,
            to: twice.iter().map(|one| one.end).max()?,
        })
    })
    .collect()
}

/// Keeps what was counted. Hours of wall time that came `twice` cannot be told from each other:
/// they stay unknown.
fn keep(
    pulled: &mut Pulled,
    question: &Question,
    ask: &Ask,
    sums: BTreeMap<(Bucket, Segment), f64>,
    twice: &[Window],
) {
    let buckets = if twice.is_empty() {
        Vec::new()
    } else {
        ask.calendar.buckets(question.grain, ask.window)
    };
    let touches = |bucket: &&Bucket| {
        let meets = |one: &Window| bucket.start < one.to && bucket.end > one.from;
        twice.iter().any(meets)
    };
    let unknown: Vec<&Bucket> = buckets.iter().filter(touches).collect();
    let ahead = sums.keys().filter(|(bucket, _)| bucket.start > ask.now);
    let ahead = ahead.count();
    if ahead > 0 {
        let event = match &question.subject {
            Subject::Event(name) => name.as_str(),
            Subject::AnyEvent | Subject::Sessions => "all events",
        };
        pulled.notes.push(format!(
            "{event}: {ahead} dates of its query lie in the future and are left out"
        ));
    }
    let sums = super::top_values(question, sums);
    for ((bucket, segment), value) in sums {
        let inside = bucket.start >= ask.window.from && bucket.start < ask.window.to;
        if inside && !unknown.contains(&&bucket) {
            pulled.observations.push(Observation {
                series: question.key(segment),
                bucket,
                value,
                quality: Quality::plain(),
                seen_at: ask.now,
            });
        }
    }
    let mut from = ask.window.from;
    for bucket in unknown {
        if bucket.start > from {
            let to = bucket.start;
            pulled.covered.push((question.clone(), Window { from, to }));
        }
        from = bucket.end;
    }
    if from < ask.window.to {
        let to = ask.window.to;
        pulled.covered.push((question.clone(), Window { from, to }));
    }
}
