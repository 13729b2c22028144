//! Event rows and Parquet through the SQL engine.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use datafusion::parquet::arrow::ArrowWriter;
use truecount::model::{Filter, Grain, Measure, Question, Rule, Term, Value};
use truecount::source::SourceError;

use super::bench::{Bench, HEAD, at, name};

fn bench(path: &str, more: &str) -> Bench {
    let mut bench = Bench::new(&format!(
        "{HEAD}[source.log]\ntype = \"files\"\npath = \"{path}\"\n{more}\n[event.purchase]\nunique = \"transaction_id\"\nin.log = true\n"
    ));
    bench.now = at("2026-10-28T00:00:00Z");
    bench
}

const EVENTS: &str = "rows = \"events\"\ntime = \"ts\"\nevent = \"event_name\"";

type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

/// Time (UTC), event, id, value, currency, browser.
const LOG: &[Row] = &[
    (
        "2026-10-24T21:59:59Z",
        "purchase",
        "T1",
        "10.5",
        "EUR",
        "Safari",
    ),
    (
        "2026-10-25T00:30:00Z",
        "purchase",
        "T2",
        "20",
        "EUR",
        "Chrome",
    ),
    (
        "2026-10-25T01:30:00Z",
        "purchase",
        "T2",
        "20",
        "EUR",
        "Chrome",
    ),
    ("2026-10-25T12:00:00Z", "purchase", "", "5", "", "O'Hara's"),
    ("2026-10-25T12:00:00Z", "page_view", "", "", "", "Safari"),
    (
        "2026-10-26T23:30:00Z",
        "purchase",
        "T3",
        "-3",
        "usd",
        "Safari",
    ),
];

fn csv() -> String {
    let rows: Vec<String> = LOG
        .iter()
        .map(|(a, b, c, d, e, f)| format!("{a},{b},{c},{d},{e},{f}\n"))
        .collect();
    format!(
        "ts,event_name,transaction_id,value,currency,browser\n{}",
        rows.concat()
    )
}

fn json() -> String {
    let row = |(at, event, id, value, currency, browser): &Row| {
        let value: serde_json::Value = value
            .parse::<f64>()
            .map_or(serde_json::Value::Null, Into::into);
        serde_json::json!({ "ts": at, "event_name": event, "transaction_id": id, "value": value, "currency": currency, "browser": browser }).to_string()
    };
    LOG.iter().map(row).collect::<Vec<_>>().join("\n")
}

fn parquet(bench: &Bench, path: &str, columns: Vec<(&str, ArrayRef)>) {
    let full = bench.folder.path().join(path);
    std::fs::create_dir_all(full.parent().unwrap()).unwrap();
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(key, array)| (key, array, true)),
    )
    .unwrap();
    let mut writer =
        ArrowWriter::try_new(std::fs::File::create(full).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn parquet_log(bench: &Bench) {
    let texts = |of: fn(&Row) -> &'static str| -> ArrayRef {
        let values = LOG
            .iter()
            .map(|row| Some(of(row)).filter(|text| !text.is_empty()));
        Arc::new(values.collect::<StringArray>())
    };
    let times: Vec<i64> = LOG.iter().map(|row| at(row.0).timestamp_micros()).collect();
    let values: Vec<Option<f64>> = LOG.iter().map(|row| row.3.parse().ok()).collect();
    parquet(
        bench,
        "log/day.parquet",
        vec![
            (
                "ts",
                Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")),
            ),
            ("event_name", texts(|row| row.1)),
            ("transaction_id", texts(|row| row.2)),
            ("value", Arc::new(Float64Array::from(values))),
            ("currency", texts(|row| row.4)),
            ("browser", texts(|row| row.5)),
        ],
    );
}

fn all() -> Vec<Bench> {
    let parquet = bench("log/*.parquet", EVENTS);
    parquet_log(&parquet);
    vec![
        bench("log/*.csv", EVENTS).file("log/a.csv", &csv()),
        bench("log/*.jsonl", EVENTS).file("log/a.jsonl", &json()),
        parquet,
    ]
}

fn asked(bench: &Bench, measure: Measure) -> Question {
    bench.question("log", "purchase", measure, Grain::Day)
}

#[tokio::test]
async fn events_are_counted_by_the_projects_days_and_hours_in_every_form() {
    for bench in all() {
        let days = bench
            .counts(&asked(&bench, Measure::Count), "2026-10-23", "2026-10-27")
            .await;
        assert_eq!(days, ["10-24 1", "10-25 3", "10-26 0", "10-27 1"]);
        let hour = bench.question("log", "purchase", Measure::Count, Grain::Hour);
        let hours = bench.counts(&hour, "2026-10-25", "2026-10-25").await;
        assert_eq!(hours.len(), 25);
        assert_eq!(hours[2..4], ["10-25T02 1", "10-25T02 1"]);
    }
}

#[tokio::test]
async fn every_measure_is_known() {
    let cases = [
        (
            Measure::Having(vec![name("transaction_id"), name("currency")]),
            ["10-24 1", "10-25 2"],
        ),
        (
            Measure::Repeats(name("transaction_id")),
            ["10-24 0", "10-25 1"],
        ),
        (
            Measure::WithoutId(name("transaction_id")),
            ["10-24 0", "10-25 1"],
        ),
        (
            Measure::Sum {
                of: name("value"),
                currency: None,
            },
            ["10-24 10.5", "10-25 45"],
        ),
        (
            Measure::Sum {
                of: name("value"),
                currency: Some("EUR".to_owned()),
            },
            ["10-24 10.5", "10-25 40"],
        ),
        (
            Measure::Valid {
                parameter: name("currency"),
                rule: Rule::Pattern("[A-Z]{3}".to_owned()),
            },
            ["10-24 1", "10-25 2"],
        ),
        (
            Measure::Valid {
                parameter: name("browser"),
                rule: Rule::OneOf(vec!["O'Hara's".to_owned()]),
            },
            ["10-24 0", "10-25 1"],
        ),
        (
            Measure::Valid {
                parameter: name("value"),
                rule: Rule::Number {
                    min: Some("6".to_owned()),
                    max: Some("15".to_owned()),
                },
            },
            ["10-24 1", "10-25 0"],
        ),
    ];
    for bench in all() {
        for (measure, days) in &cases {
            let found = bench
                .counts(&asked(&bench, measure.clone()), "2026-10-24", "2026-10-25")
                .await;
            assert_eq!(found, *days, "{measure:?}");
        }
    }
}

#[tokio::test]
async fn events_are_split_and_filtered() {
    for bench in all() {
        let split = asked(&bench, Measure::Count).split(&[name("browser")]);
        let found = bench.counts(&split, "2026-10-25", "2026-10-25").await;
        assert_eq!(found, ["10-25[Chrome] 2", "10-25[O'Hara's] 1"]);
        let mut filtered = asked(&bench, Measure::Count);
        filtered.filter = Filter(vec![Term::NotEqual(
            name("browser"),
            Value::Text("O'Hara's".to_owned()),
        )]);
        assert_eq!(
            bench.counts(&filtered, "2026-10-25", "2026-10-25").await,
            ["10-25 2"]
        );
    }
}

#[tokio::test]
async fn counts_may_stand_in_parquet() {
    let bench = bench("log/*.parquet", "");
    let dates: ArrayRef = Arc::new(StringArray::from(vec!["2026-10-24", "2026-10-26"]));
    let events: ArrayRef = Arc::new(StringArray::from(vec!["purchase", "purchase"]));
    let counts = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
    parquet(
        &bench,
        "log/a.parquet",
        vec![
            ("date", dates.clone()),
            ("event", events.clone()),
            ("count", counts(vec![4, 6])),
        ],
    );
    let asked = asked(&bench, Measure::Count);
    assert_eq!(
        bench.counts(&asked, "2026-10-24", "2026-10-26").await,
        ["10-24 4", "10-25 0", "10-26 6"]
    );
    parquet(
        &bench,
        "log/a.parquet",
        vec![
            ("date", dates),
            ("event", events),
            ("count", counts(vec![4, -6])),
        ],
    );
    let why = bench.failure(&asked, "2026-10-24", "2026-10-26").await;
    assert!(
        matches!(&why, SourceError::Odd { why } if why.contains("row 2: a count of -6")),
        "{why:?}"
    );
}

#[tokio::test]
async fn broken_event_rows_are_told() {
    let cases = [
        ("ts,event_name\nsoon,purchase\n", "`soon` is not a date"),
        (
            "ts,event_name\n2026-10-25,purchase,more\n",
            "log/a.csv:2: 3 values where the first line names 2 columns",
        ),
        ("<html>", "log/a.csv is HTML"),
    ];
    for (text, why) in cases {
        let bench = bench("log/*.csv", EVENTS).file("log/a.csv", text);
        let told = bench
            .failure(&asked(&bench, Measure::Count), "2026-10-24", "2026-10-26")
            .await;
        assert!(
            matches!(&told, SourceError::Odd { why: told } if told.contains(why)),
            "{told:?}"
        );
    }
    let no_parquet = bench("log/*.parquet", EVENTS).file("log/a.parquet", "not parquet");
    let told = no_parquet
        .failure(
            &asked(&no_parquet, Measure::Count),
            "2026-10-24",
            "2026-10-26",
        )
        .await;
    assert!(matches!(told, SourceError::Odd { .. }), "{told:?}");
}
