//! Counts that are posted.

use truecount::model::{Flag, Grain, Measure};
use truecount::source::push::{self, Posted};

use super::bench::{Bench, HEAD, at, berlin, example, name};

const PAGE: &str = include_str!("../../../docs/sources/push.md");

fn bench() -> Bench {
    Bench::new(&format!(
        "{HEAD}[source.till]\ntype = \"push\"\n[source.export]\ntype = \"files\"\npath = \"x.csv\"\n[event.purchase]\nin.till = \"sale\"\n[event.other]\nin.export = true\n"
    ))
}

fn parse(readings: &str) -> Result<Posted, Vec<String>> {
    let bench = bench();
    let body = format!("{{\"source\":\"till\",\"readings\":[{readings}]}}");
    push::parse(body.as_bytes(), &bench.plan, bench.now).map_err(|errors| {
        errors
            .into_iter()
            .map(|one| format!("{}: {}", one.field, one.why))
            .collect()
    })
}

#[test]
fn the_example_of_the_page_is_taken() {
    let bench = Bench::new(&example(PAGE, "toml"));
    let posted = push::parse(example(PAGE, "json").as_bytes(), &bench.plan, bench.now).unwrap();
    assert_eq!(posted.source, name("till"));
    let count = bench.question("till", "purchase", Measure::Count, Grain::Day);
    let sum = Measure::Sum {
        of: name("value"),
        currency: Some("EUR".to_owned()),
    };
    let keys = [
        (count.key([].into()), 41.0),
        (count.clone().measured(sum).key([].into()), 1890.5),
        (
            bench
                .question("till", "purchase", Measure::Count, Grain::Hour)
                .key([].into()),
            3.0,
        ),
        (
            count
                .split(&[name("country")])
                .key([(name("country"), "AT".to_owned())].into()),
            12.0,
        ),
    ];
    let found: Vec<_> = posted
        .observations
        .iter()
        .map(|one| (one.series.clone(), one.value))
        .collect();
    assert_eq!(found, keys);
    assert_eq!(
        posted.observations[0].bucket,
        berlin().day("2026-11-23".parse().unwrap())
    );
}

#[test]
fn every_wrong_field_is_named() {
    let cases = [
        (
            r#"{"event":"sale","grain":"day","start":"2026-11-23","count":-1}"#,
            "readings[0].count: -1 is no count: counts are whole and not negative",
        ),
        (
            r#"{"event":"sale","grain":"day","start":"2026-11-23","count":1.5}"#,
            "readings[0].count: 1.5 is no count: counts are whole and not negative",
        ),
        (
            r#"{"event":"sale","grain":"month","start":"2026-11-23","count":1}"#,
            "readings[0].grain: say hour or day",
        ),
        (
            r#"{"event":"sale","grain":"hour","start":"2026-11-23","count":1}"#,
            "readings[0].start: an hour needs a time: 2026-11-24T13:00",
        ),
        (
            r#"{"event":"sale","grain":"day","start":"2026-11-23T00:00:00Z","count":1}"#,
            "readings[0].start: no day begins there; this one begins at 2026-11-23T00:00:00+01:00",
        ),
        (
            r#"{"event":"sale","grain":"day","start":"2026-11-27","count":1}"#,
            "readings[0].start: 2026-11-27 lies in the future",
        ),
        (
            r#"{"event":"sale","grain":"day","start":"2126-11-27","count":1}"#,
            "readings[0].start: the date 2126-11-27 is out of range",
        ),
        (
            r#"{"event":"sale","grain":"day","start":"2026-11-23","count":1,"sum":1,"currency":"euro"}"#,
            "readings[0].currency: write three capital letters (ISO 4217), such as EUR",
        ),
        (
            r#"{"event":"<b>other</b>","grain":"day","start":"2026-11-23","count":1}"#,
            "readings[0].event: the plan expects no event `<b>other</b>` from `till`; add it: [event.…] in.till = true",
        ),
    ];
    for (reading, why) in cases {
        assert_eq!(parse(reading).unwrap_err(), [why]);
    }
    let missing = parse(r#"{"event":"sale","grain":"day","start":"2026-11-23"}"#).unwrap_err();
    assert!(
        missing[0].starts_with("readings[0]: missing field `count`"),
        "{missing:?}"
    );
    let long = parse(&format!(
        r#"{{"event":"{}","grain":"day","start":"2026-11-23","count":1}}"#,
        "x".repeat(10_000)
    ))
    .unwrap_err();
    assert!(long[0].len() < 1_000, "{long:?}");
}

#[test]
fn all_faults_are_told_at_once_and_repeats_name_their_first() {
    let good = r#"{"event":"sale","grain":"day","start":"2026-11-23","count":4}"#;
    let bad = r#"{"event":"no","grain":"day","start":"then","count":-4}"#;
    let errors = parse(&format!("{good},{bad},{good}")).unwrap_err();
    let fields: Vec<&str> = errors
        .iter()
        .map(|one| one.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        fields,
        [
            "readings[1].event",
            "readings[1].start",
            "readings[1].count",
            "readings[2]"
        ]
    );
    assert_eq!(
        errors[3],
        "readings[2]: readings[0] is about the same event, time and segment"
    );
}

#[test]
fn only_push_sources_take_posts() {
    let bench = bench();
    let refused =
        |body: &str| push::parse(body.as_bytes(), &bench.plan, bench.now).unwrap_err()[0].clone();
    let other = refused(r#"{"source":"export","readings":[]}"#);
    assert_eq!(
        (other.field.as_str(), other.why.as_str()),
        (
            "source",
            "`export` is a source of type files; counts are posted to type push"
        )
    );
    assert_eq!(
        refused(r#"{"source":"nobody","readings":[]}"#).why,
        "the plan has no source `nobody`"
    );
    assert_eq!(refused("<html>").field, "body");
    assert_eq!(refused(r#"{"source":"till","readings":["#).field, "body");
}

#[test]
fn both_passes_of_an_hour_that_happens_twice_are_told_apart() {
    let first = r#"{"event":"sale","grain":"hour","start":"2026-10-25T00:00:00Z","count":4}"#;
    let second =
        r#"{"event":"sale","grain":"hour","start":"2026-10-25T01:00:00Z","count":5,"final":false}"#;
    let posted = parse(&format!("{first},{second}")).unwrap();
    let starts: Vec<_> = posted
        .observations
        .iter()
        .map(|one| one.bucket.start)
        .collect();
    assert_eq!(
        starts,
        [at("2026-10-25T00:00:00Z"), at("2026-10-25T01:00:00Z")]
    );
    assert_eq!(posted.observations[1].quality.flags, [Flag::Estimated]);
}
