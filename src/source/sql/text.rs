//! Questions as SQL: every column comes back as text, every value goes in as a parameter.

use chrono::TimeDelta;
use chrono_tz::Tz;

use crate::model::{Bucket, Grain, Measure, Question};
use crate::net::Engine;
use crate::source::Ask;

pub(super) use super::moment::INSTANT;
use super::moment::Time;
use super::writer::{Writer, as_text, quoted, quoted_path};

/// Numbers from here on are milliseconds since 1970: as seconds they lie in the year 5138.
const MILLIS_FROM: i64 = 100_000_000_000;

/// What a date column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stamp {
    /// An instant.
    Instant,
    /// A wall time without a zone.
    Naive,
    /// A date.
    Date,
    /// Seconds of Unix time.
    Seconds,
    /// Milliseconds of Unix time.
    Millis,
    /// A text such as `2026-11-24 18:00:00`.
    Text,
}

/// How the first column of an answer names its bucket.
pub(super) enum Slots {
    /// A date.
    Dates,
    /// Steps since 1970, of an instant or of wall time.
    Seconds {
        /// Seconds of a step.
        step: i64,
        /// Whether it is wall time of the source's zone. An instant among wall times has a mark
        /// before its number ([`INSTANT`]).
        naive: bool,
    },
    /// Index into these buckets.
    Buckets(Vec<Bucket>),
}

/// One statement with its parameters and the meaning of its first column.
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) values: Vec<String>,
    pub(super) slots: Slots,
}

/// Why a question cannot be put to a table.
pub(super) fn refusal(question: &Question) -> Option<String> {
    let settings = &question.mapping.settings;
    let lacks = |key: &str, why: &str| (!settings.contains_key(key)).then(|| why.to_owned());
    if settings.contains_key("query") {
        let simple = question.measure == Measure::Count
            && question.by.is_empty()
            && question.filter.0.is_empty();
        if !simple {
            return Some("a query gives only its count; map a table for more".to_owned());
        }
        return (question.grain == Grain::Hour).then(|| "the query counts days".to_owned());
    }
    lacks("table", "in.<source> names no table")
        .or_else(|| lacks("date", "in.<source> names no date column"))
        .or_else(|| match &question.measure {
            Measure::Sum { .. } => lacks("sum", "in.<source> names no column to sum"),
            Measure::Users | Measure::Unknown | Measure::Consented => {
                Some("a table does not know users, traffic sources or consent".to_owned())
            }
            Measure::Repeats(_) if question.grain == Grain::Hour => {
                Some("repeats are counted by day".to_owned())
            }
            _ => None,
        })
}

/// A statement whose single value says what the date column holds.
pub(super) fn probe(engine: Engine, table: &str, column: &str) -> Result<String, String> {
    let (from, stamp) = (quoted_path(engine, table)?, quoted(engine, column)?);
    Ok(match engine {
        Engine::Postgres => format!(
            "SELECT pg_typeof({stamp})::text FROM (SELECT NULL) AS none LEFT JOIN {from} AS it ON true LIMIT 1"
        ),
        Engine::MySql => {
            let (schema, name) = table
                .rsplit_once('.')
                .map_or(("DATABASE()".to_owned(), table), |(schema, name)| {
                    (format!("'{schema}'"), name)
                });
            format!(
                "SELECT CAST(DATA_TYPE AS CHAR) FROM information_schema.COLUMNS \
                 WHERE TABLE_SCHEMA = {schema} AND TABLE_NAME = '{name}' AND COLUMN_NAME = '{column}'"
            )
        }
        Engine::Sqlite => format!(
            "SELECT typeof({stamp}) || ':' || length({stamp}) FROM {from} WHERE {stamp} IS NOT NULL LIMIT 1"
        ),
    })
}

/// A statement that says of numbers whether they are seconds or milliseconds, by one of them that
/// an index finds quickly; no row when there is none.
pub(super) fn probe_numbers(engine: Engine, table: &str, column: &str) -> Result<String, String> {
    let (from, stamp) = (quoted_path(engine, table)?, quoted(engine, column)?);
    let word = format!("CASE WHEN {stamp} >= {MILLIS_FROM} THEN 'millis' ELSE 'seconds' END");
    Ok(format!(
        "SELECT {} FROM {from} WHERE {stamp} > 0 LIMIT 1",
        as_text(engine, &word)
    ))
}

/// Reads the word of [`probe`].
pub(super) fn stamp(word: &str) -> Result<Stamp, String> {
    let (word, length) = word.split_once(':').unwrap_or((word, "0"));
    let length: usize = length.parse().unwrap_or(0);
    Ok(match word {
        "timestamp with time zone" | "timestamp" => Stamp::Instant,
        "timestamp without time zone" | "datetime" => Stamp::Naive,
        "date" => Stamp::Date,
        "bigint" | "integer" | "int" | "real" | "double" if length > 11 => Stamp::Millis,
        "bigint" | "integer" | "int" | "real" | "double" | "double precision" | "numeric"
        | "decimal" => Stamp::Seconds,
        "text" if length == 10 => Stamp::Date,
        // No word at all is an empty SQLite table: there is nothing to count yet.
        "text" | "character varying" | "varchar" | "char" | "character" | "" => Stamp::Text,
        other => return Err(format!("a column of type {other} cannot say when")),
    })
}

/// Most buckets of a statement that names each of them.
const NAMED: usize = 60;

/// The statements that answer a question for a window.
pub(super) fn statements(
    engine: Engine,
    question: &Question,
    stamp: Stamp,
    zone: Tz,
    ask: &Ask,
) -> Result<Vec<Statement>, String> {
    if let Some(query) = question.mapping.settings.get("query") {
        return Ok(vec![own_query(engine, query, ask)]);
    }
    if !matches!(question.measure, Measure::Repeats(_)) || stamp == Stamp::Date {
        let slots = match stamp {
            Stamp::Date => Slots::Dates,
            Stamp::Naive | Stamp::Text => Slots::Seconds {
                step: step(ask, &[ask.calendar.zone(), zone]),
                naive: true,
            },
            Stamp::Instant | Stamp::Seconds | Stamp::Millis => Slots::Seconds {
                step: step(ask, &[ask.calendar.zone()]),
                naive: false,
            },
        };
        return Ok(vec![statement(engine, question, stamp, zone, ask, slots)?]);
    }
    // Repeats of a day cannot be added up from smaller steps: the days are named.
    let buckets = ask.calendar.buckets(question.grain, ask.window);
    buckets
        .chunks(NAMED)
        .map(|part| {
            let (first, last) = (part[0], part[part.len() - 1]);
            let window = crate::model::Window {
                from: first.start,
                to: last.end,
            };
            let ask = Ask {
                window,
                questions: Vec::new(),
                calendar: ask.calendar.clone(),
                now: ask.now,
            };
            statement(
                engine,
                question,
                stamp,
                zone,
                &ask,
                Slots::Buckets(part.to_vec()),
            )
        })
        .collect()
}

/// Zones are off by whole quarters of an hour; most by whole hours, and all the year.
fn step(ask: &Ask, zones: &[Tz]) -> i64 {
    let mut at = ask.window.from;
    while at <= ask.window.to {
        let is_whole = |zone: &Tz| {
            let wall = at.with_timezone(zone).naive_local().and_utc();
            (wall.timestamp() - at.timestamp()) % 3_600 == 0
        };
        if !zones.iter().all(is_whole) {
            return 900;
        }
        at += TimeDelta::days(1);
    }
    3_600
}

fn own_query(engine: Engine, query: &str, ask: &Ask) -> Statement {
    let day = |at| ask.calendar.local(at).date().to_string();
    let query = query
        .trim()
        .trim_end_matches(';')
        .replace("$from", &format!("'{}'", day(ask.window.from)))
        .replace("$to", &format!("'{}'", day(ask.window.to)));
    let (day, count) = (as_text(engine, "day"), as_text(engine, "count"));
    let count = if engine == Engine::MySql {
        count.replace("count", "`count`")
    } else {
        count.replace("count", "\"count\"")
    };
    let sql = format!("SELECT {day}, {count} FROM ({query}) AS own");
    Statement {
        sql,
        values: Vec::new(),
        slots: Slots::Dates,
    }
}

fn statement(
    engine: Engine,
    question: &Question,
    stamp: Stamp,
    zone: Tz,
    ask: &Ask,
    slots: Slots,
) -> Result<Statement, String> {
    let settings = &question.mapping.settings;
    let table = quoted_path(engine, settings.get("table").map_or("", String::as_str))?;
    let date = quoted(engine, settings.get("date").map_or("", String::as_str))?;
    let mut writer = Writer {
        engine,
        values: Vec::new(),
    };
    let time = Time::new(engine, &date, stamp, zone);
    let slot = match &slots {
        Slots::Dates => date.clone(),
        Slots::Seconds { step, .. } => time.step(*step),
        Slots::Buckets(buckets) => {
            let branch = |(index, bucket): (usize, &Bucket)| {
                format!("WHEN {} THEN {index}", time.before(bucket.end))
            };
            let branches: Vec<String> = buckets.iter().enumerate().map(branch).collect();
            format!("CASE {} END", branches.join(" "))
        }
    };
    // Parameters are numbered in the order in which they stand in the text.
    let measure = writer.measure(question)?;
    let mut columns = vec![as_text(engine, &slot), measure];
    for dimension in &question.by {
        columns.push(as_text(
            engine,
            &quoted(engine, question.mapping.field(dimension))?,
        ));
    }
    let mut conditions = range(engine, &date, &time, stamp, ask);
    for term in &question.filter.0 {
        conditions.push(writer.term(term, question)?);
    }
    if let Some(own) = settings.get("filter") {
        conditions.push(format!("({own})"));
    }
    if let (
        Measure::Sum {
            currency: Some(wanted),
            ..
        },
        Some(column),
    ) = (&question.measure, settings.get("currency"))
    {
        // Amounts in other currencies are left out, never converted.
        let column = as_text(engine, &quoted(engine, column)?);
        let bound = writer.bind(wanted);
        conditions.push(format!("{column} = {bound}"));
    }
    let groups: Vec<String> = std::iter::once(1)
        .chain(3..3 + question.by.len())
        .map(|at| at.to_string())
        .collect();
    let sql = format!(
        "SELECT {} FROM {table} WHERE {} GROUP BY {}",
        columns.join(", "),
        conditions.join(" AND "),
        groups.join(", ")
    );
    Ok(Statement {
        sql,
        values: writer.values,
        slots,
    })
}

/// A wide condition that an index can serve, and the exact one.
fn range(engine: Engine, date: &str, time: &Time, stamp: Stamp, ask: &Ask) -> Vec<String> {
    let (from, to) = (ask.window.from, ask.window.to);
    let wide = |at: crate::model::Timestamp| at.format("%Y-%m-%d").to_string();
    let exact = format!("{} AND {}", time.since(from), time.before(to));
    let day = TimeDelta::days(2);
    match stamp {
        Stamp::Date => {
            let local = |at| ask.calendar.local(at).date().to_string();
            vec![format!(
                "{date} >= '{}' AND {date} < '{}'",
                local(from),
                local(to)
            )]
        }
        Stamp::Seconds | Stamp::Millis => vec![exact],
        Stamp::Text if engine == Engine::Postgres => vec![exact],
        Stamp::Instant | Stamp::Naive | Stamp::Text => {
            vec![
                format!(
                    "{date} >= '{}' AND {date} < '{}'",
                    wide(from - day),
                    wide(to + day)
                ),
                exact,
            ]
        }
    }
}
