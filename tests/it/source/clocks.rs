//! Days of 23 and 25 hours in real PostgreSQL and MariaDB, by every type of column that says when.

use chrono::{NaiveDateTime, TimeDelta};
use truecount::model::{Calendar, Grain, Measure, Timestamp};

use super::bench::{Bench, HEAD, at, berlin};
use super::sql::{Kind, prepare};

/// How a column says when.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Column {
    /// An instant: `timestamptz`, MariaDB's `TIMESTAMP`.
    Instant,
    /// Wall time without a zone, written as UTC.
    PlainUtc,
    /// Wall time without a zone, written as clocks in Berlin show it.
    PlainBerlin,
    /// Unix seconds and milliseconds.
    Seconds,
    Millis,
}

const COLUMNS: [Column; 5] = [
    Column::Instant,
    Column::PlainUtc,
    Column::PlainBerlin,
    Column::Seconds,
    Column::Millis,
];

impl Column {
    fn kind(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Self::Instant, Kind::Postgres) => "timestamptz",
            (Self::Instant, _) => "timestamp NULL",
            (Self::PlainUtc | Self::PlainBerlin, Kind::Postgres) => "timestamp",
            (Self::PlainUtc | Self::PlainBerlin, _) => "datetime",
            (Self::Seconds | Self::Millis, _) => "bigint",
        }
    }

    /// A value as the shop writes it.
    fn written(self, kind: Kind, at: Timestamp) -> String {
        let text = |wall: NaiveDateTime| wall.format("%Y-%m-%d %H:%M:%S").to_string();
        match (self, kind) {
            (Self::Instant, Kind::Postgres) => format!("'{}+00'", text(at.naive_utc())),
            (Self::Instant | Self::PlainUtc, _) => format!("'{}'", text(at.naive_utc())),
            (Self::PlainBerlin, _) => format!("'{}'", text(berlin().local(at))),
            (Self::Seconds, _) => at.timestamp().to_string(),
            (Self::Millis, _) => at.timestamp_millis().to_string(),
        }
    }
}

/// An order each 30 minutes from one time to another, as the plan reads it.
async fn shop(kind: Kind, column: Column, from: &str, to: &str) -> Bench {
    let table = format!("t_clocks_{column:?}_{}", &from[5..7]).to_lowercase();
    let zone = match column {
        Column::PlainBerlin => "zone = \"Europe/Berlin\"\n",
        _ => "",
    };
    let mut bench = Bench::new(&format!(
        "{HEAD}[source.orders]\ntype = \"sql\"\nurl = {{ env = \"DB\" }}\n{zone}[event.purchase]\nin.orders = {{ table = \"{table}\", date = \"paid_at\" }}\n"
    ));
    let (from, to) = (at(from), at(to));
    bench.now = to + TimeDelta::days(2);
    let mut rows = Vec::new();
    let mut when = from;
    while when < to {
        rows.push(format!("({})", column.written(kind, when)));
        when += TimeDelta::minutes(30);
    }
    // MariaDB reads what is written into a TIMESTAMP in the zone of the session.
    let session = match kind {
        Kind::Maria => "SET time_zone = '+00:00';\n",
        _ => "",
    };
    let script = format!(
        "{session}DROP TABLE IF EXISTS {table};\nCREATE TABLE {table} (paid_at {});\nINSERT INTO {table} VALUES {};\n",
        column.kind(kind),
        rows.join(", ")
    );
    let url = prepare(kind, &bench, &script).await;
    bench.secret("DB", &url)
}

async fn counts(bench: &Bench, grain: Grain, first: &str, last: &str) -> Vec<String> {
    let question = bench.question("orders", "purchase", Measure::Count, grain);
    bench.counts(&question, first, last).await
}

#[tokio::test]
async fn a_day_of_23_hours_holds_46_half_hours() {
    for kind in [Kind::Postgres, Kind::Maria] {
        for column in COLUMNS {
            let (from, to) = ("2026-03-27T23:00:00Z", "2026-03-30T22:00:00Z");
            let bench = shop(kind, column, from, to).await;
            let days = counts(&bench, Grain::Day, "2026-03-28", "2026-03-30").await;
            let wanted = ["03-28 48", "03-29 46", "03-30 48"];
            assert_eq!(days, wanted, "{kind:?} {column:?}");
            let hours = counts(&bench, Grain::Hour, "2026-03-29", "2026-03-29").await;
            assert_eq!(hours.len(), 23, "{kind:?} {column:?}: {hours:?}");
            let odd: Vec<&String> = hours.iter().filter(|one| !one.ends_with(" 2")).collect();
            assert!(odd.is_empty(), "{kind:?} {column:?}: {odd:?}");
            assert!(
                !hours.iter().any(|one| one.starts_with("03-29T02")),
                "{hours:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_day_of_25_hours_holds_50_half_hours() {
    for kind in [Kind::Postgres, Kind::Maria] {
        for column in COLUMNS {
            let (from, to) = ("2026-10-23T22:00:00Z", "2026-10-26T23:00:00Z");
            let bench = shop(kind, column, from, to).await;
            let days = counts(&bench, Grain::Day, "2026-10-24", "2026-10-26").await;
            let wanted = ["10-24 48", "10-25 50", "10-26 48"];
            assert_eq!(days, wanted, "{kind:?} {column:?}");
            let hours = counts(&bench, Grain::Hour, "2026-10-25", "2026-10-25").await;
            let odd: Vec<&String> = hours.iter().filter(|one| !one.ends_with(" 2")).collect();
            assert!(odd.is_empty(), "{kind:?} {column:?}: {odd:?}");
            // Wall time says 02:00 twice and cannot tell which: unknown, neither double nor zero.
            let twice = hours.iter().filter(|one| one.starts_with("10-25T02"));
            let (all, second) = match column {
                Column::PlainBerlin => (23, 0),
                _ => (25, 2),
            };
            assert_eq!(
                (hours.len(), twice.count()),
                (all, second),
                "{kind:?} {column:?}"
            );
        }
    }
}

/// A date is the day, whatever the zone, also where a day has 23 or 25 hours.
#[tokio::test]
async fn dates_are_the_days_they_name() {
    for kind in [Kind::Postgres, Kind::Maria] {
        for zone in ["Europe/Berlin", "America/New_York", "Asia/Tokyo"] {
            let mut bench = Bench::new(&format!(
                "{}[source.orders]\ntype = \"sql\"\nurl = {{ env = \"DB\" }}\n[event.purchase]\nin.orders = {{ table = \"t_clock_dates\", date = \"day\" }}\n",
                HEAD.replace("Europe/Berlin", zone)
            ));
            bench.now = at("2026-11-03T12:00:00Z");
            let days = [
                "2026-03-28",
                "2026-03-29",
                "2026-03-29",
                "2026-03-30",
                "2026-10-24",
                "2026-10-25",
                "2026-10-25",
                "2026-10-26",
                "2026-11-01",
            ];
            let rows: Vec<String> = days.iter().map(|day| format!("('{day}')")).collect();
            let script = format!(
                "DROP TABLE IF EXISTS t_clock_dates;\nCREATE TABLE t_clock_dates (day date);\nINSERT INTO t_clock_dates VALUES {};\n",
                rows.join(", ")
            );
            let url = prepare(kind, &bench, &script).await;
            let bench = bench.secret("DB", &url);
            let spring = counts(&bench, Grain::Day, "2026-03-28", "2026-03-30").await;
            assert_eq!(spring, ["03-28 1", "03-29 2", "03-30 1"], "{kind:?} {zone}");
            let autumn = counts(&bench, Grain::Day, "2026-10-24", "2026-10-26").await;
            assert_eq!(autumn, ["10-24 1", "10-25 2", "10-26 1"], "{kind:?} {zone}");
            let week = counts(&bench, Grain::Week, "2026-10-19", "2026-11-01").await;
            assert_eq!(week, ["10-19 3", "10-26 2"], "{kind:?} {zone}");
        }
    }
}

/// Hours of a zone of half hours, out of wall time of another zone.
#[tokio::test]
async fn hours_are_cut_where_zones_are_apart_by_half_an_hour() {
    for kind in [Kind::Postgres, Kind::Maria] {
        let mut bench = Bench::new(&format!(
            "{HEAD}[source.orders]\ntype = \"sql\"\nurl = {{ env = \"DB\" }}\nzone = \"Asia/Kolkata\"\n[event.purchase]\nin.orders = {{ table = \"t_clock_half\", date = \"paid_at\" }}\n"
        ));
        bench.now = at("2026-11-24T00:00:00Z");
        let kolkata = Calendar::parse("Asia/Kolkata").unwrap();
        // Five minutes before and after each full hour of Berlin.
        let rows: Vec<String> = (0..24)
            .flat_map(|hour| [5, 55].map(|minute| (hour, minute)))
            .map(|(hour, minute)| {
                let when = at("2026-11-21T23:00:00Z")
                    + TimeDelta::hours(hour)
                    + TimeDelta::minutes(minute);
                format!("('{}')", kolkata.local(when).format("%Y-%m-%d %H:%M:%S"))
            })
            .collect();
        let script = format!(
            "DROP TABLE IF EXISTS t_clock_half;\nCREATE TABLE t_clock_half (paid_at {});\nINSERT INTO t_clock_half VALUES {};\n",
            Column::PlainUtc.kind(kind),
            rows.join(", ")
        );
        let url = prepare(kind, &bench, &script).await;
        let bench = bench.secret("DB", &url);
        let hours = counts(&bench, Grain::Hour, "2026-11-22", "2026-11-22").await;
        assert_eq!(hours.len(), 24);
        assert!(
            hours.iter().all(|one| one.ends_with(" 2")),
            "{kind:?}: {hours:?}"
        );
    }
}

/// Text is read as it is written: with an offset an instant, without one wall time of the source.
#[tokio::test]
async fn texts_with_and_without_an_offset_are_the_same_hour() {
    for kind in [Kind::Postgres, Kind::Maria, Kind::Sqlite] {
        for (zone, wall) in [("UTC", "22T23"), ("Europe/Berlin", "23T00")] {
            let mut bench = Bench::new(&format!(
                "{HEAD}[source.orders]\ntype = \"sql\"\nurl = {{ env = \"DB\" }}\nzone = \"{zone}\"\n[event.purchase]\nin.orders = {{ table = \"t_clock_text\", date = \"paid_at\" }}\n"
            ));
            bench.now = at("2026-11-25T12:00:00Z");
            let (day, hour) = wall.split_once('T').unwrap();
            let texts = [
                format!("2026-11-{day} {hour}:30:00"),
                format!("2026-11-{day}T{hour}:30:00"),
                format!("2026-11-{day}T{hour}:30:00.123"),
                "2026-11-22T23:30:00Z".to_owned(),
                "2026-11-22T23:30:00.5Z".to_owned(),
                "2026-11-23T00:30:00+01:00".to_owned(),
                "2026-11-22T18:30:00-05:00".to_owned(),
            ];
            let rows: Vec<String> = texts.iter().map(|text| format!("('{text}')")).collect();
            let script = format!(
                "DROP TABLE IF EXISTS t_clock_text;\nCREATE TABLE t_clock_text (paid_at varchar(40));\nINSERT INTO t_clock_text VALUES {};\n",
                rows.join(", ")
            );
            let url = prepare(kind, &bench, &script).await;
            let bench = bench.secret("DB", &url);
            let hours = counts(&bench, Grain::Hour, "2026-11-22", "2026-11-23").await;
            let seen: Vec<&String> = hours.iter().filter(|one| !one.ends_with(" 0")).collect();
            assert_eq!(seen, ["11-23T00 7"], "{kind:?} {zone}");
        }
    }
}
