//! When a row happened, as an expression of each dialect: seconds since 1970 of an instant, or of
//! wall time as if it were UTC.

use chrono_tz::Tz;

use crate::model::Timestamp;
use crate::net::Engine;

use super::text::Stamp;

/// Stands before the step of an instant, in a column whose other values are wall time.
pub(super) const INSTANT: char = 'i';

/// The time of a row.
pub(super) struct Time {
    engine: Engine,
    zone: Tz,
    /// Seconds of the column; of wall time where it has no zone.
    seconds: String,
    /// Whether `seconds` are wall time.
    is_wall: bool,
    /// Of a text: whether it ends with an offset, and then the seconds of its instant.
    with_offset: Option<(String, String)>,
}

impl Time {
    pub(super) fn new(engine: Engine, column: &str, stamp: Stamp, zone: Tz) -> Self {
        let is_text = stamp == Stamp::Text;
        Self {
            engine,
            zone,
            seconds: seconds(engine, column, stamp),
            is_wall: matches!(stamp, Stamp::Naive | Stamp::Text),
            with_offset: is_text.then(|| (has_offset(engine, column), instant(engine, column))),
        }
    }

    /// Steps of so many seconds since 1970.
    pub(super) fn step(&self, step: i64) -> String {
        let floor = |seconds: &str| match self.engine {
            Engine::Sqlite => format!("CAST({seconds} / {step} AS INTEGER)"),
            Engine::Postgres | Engine::MySql => format!("FLOOR({seconds} / {step})"),
        };
        let plain = floor(&self.seconds);
        let Some((has, instant)) = &self.with_offset else {
            return plain;
        };
        let (marked, plain) = match self.engine {
            Engine::MySql => (
                format!("CONCAT('{INSTANT}', {})", floor(instant)),
                format!("CONCAT('', {plain})"),
            ),
            Engine::Postgres | Engine::Sqlite => (
                format!("'{INSTANT}' || CAST({} AS text)", floor(instant)),
                format!("CAST({plain} AS text)"),
            ),
        };
        format!("CASE WHEN {has} THEN {marked} ELSE {plain} END")
    }

    /// Whether it is before an instant.
    pub(super) fn before(&self, at: Timestamp) -> String {
        self.compared("<", at)
    }

    /// Whether it is at an instant or later.
    pub(super) fn since(&self, at: Timestamp) -> String {
        self.compared(">=", at)
    }

    fn compared(&self, sign: &str, at: Timestamp) -> String {
        let wall = at.with_timezone(&self.zone).naive_local().and_utc();
        let edge = if self.is_wall { wall } else { at };
        let plain = format!("{} {sign} {}", self.seconds, edge.timestamp());
        match &self.with_offset {
            None => plain,
            Some((has, instant)) => {
                let marked = format!("{instant} {sign} {}", at.timestamp());
                format!("(CASE WHEN {has} THEN {marked} ELSE {plain} END)")
            }
        }
    }
}

fn seconds(engine: Engine, column: &str, stamp: Stamp) -> String {
    match (engine, stamp) {
        (_, Stamp::Seconds) => column.to_owned(),
        (_, Stamp::Millis) => format!("({column} / 1000)"),
        (Engine::Postgres, Stamp::Text) => {
            format!("extract(epoch FROM CAST({column} AS timestamp))")
        }
        (Engine::Postgres, _) => format!("extract(epoch FROM {column})"),
        (Engine::MySql, Stamp::Instant) => format!("UNIX_TIMESTAMP({column})"),
        // What stands behind the seconds is no part of wall time.
        (Engine::MySql, Stamp::Text) => wall(&format!("LEFT({column}, 19)")),
        (Engine::MySql, _) => wall(column),
        (Engine::Sqlite, _) => format!("CAST(strftime('%s', {column}) AS INTEGER)"),
    }
}

/// MySQL: seconds of wall time.
fn wall(column: &str) -> String {
    format!("TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00', {column})")
}

/// The end of a text with an offset: `Z`, `+01:00`, `-0500`.
const OFFSET: &str = "[+-][0-9]{2}:?[0-9]{2}$";

fn has_offset(engine: Engine, column: &str) -> String {
    match engine {
        Engine::Postgres => format!("{column} ~ '(Z|{OFFSET})$'"),
        Engine::MySql => format!("{column} REGEXP '(Z|{OFFSET})$'"),
        Engine::Sqlite => {
            format!("({column} GLOB '*Z' OR {column} GLOB '*[+-][0-9][0-9]:[0-9][0-9]')")
        }
    }
}

/// Seconds of the instant of a text with an offset.
fn instant(engine: Engine, column: &str) -> String {
    match engine {
        Engine::Postgres => format!("extract(epoch FROM CAST({column} AS timestamptz))"),
        Engine::MySql => {
            let offset = format!("REGEXP_SUBSTR({column}, '{OFFSET}')");
            let minutes = format!("(SUBSTR({offset}, 2, 2) * 60 + RIGHT({offset}, 2))");
            let ahead = format!("IF(LEFT({offset}, 1) = '-', -60, 60) * {minutes}");
            let wall = wall(&format!("LEFT({column}, 19)"));
            format!("({wall} - IF({column} REGEXP 'Z$', 0, {ahead}))")
        }
        // SQLite counts an offset in.
        Engine::Sqlite => format!("CAST(strftime('%s', {column}) AS INTEGER)"),
    }
}
