//! GA4 against a strict property on loopback.

use std::process::Command;
use std::sync::OnceLock;

use serde_json::json;
use truecount::model::{Flag, Grain, Measure};
use truecount::source::SourceError;

use super::bench::{Bench, HEAD, example, name, shown};
use crate::fake::ga4::{Property, start};

/// A throw-away key of a service account.
fn key() -> &'static str {
    static KEY: OnceLock<String> = OnceLock::new();
    KEY.get_or_init(|| {
        let made = Command::new("openssl")
            .args([
                "genpkey",
                "-algorithm",
                "RSA",
                "-pkeyopt",
                "rsa_keygen_bits:2048",
            ])
            .output()
            .expect("openssl is missing; `bash tests/run` installs it");
        String::from_utf8(made.stdout).unwrap()
    })
}

async fn bench(property: Property, event: &str) -> (Bench, crate::fake::http_api::HttpApi) {
    let api = start(property).await;
    let toml = format!(
        "{HEAD}[source.ga4]\ntype = \"ga4\"\nproperty = \"123\"\nkey = {{ env = \"KEY\" }}\nbase_url = \"{}\"\n\n{event}",
        api.address
    );
    let account = json!({
        "client_email": "reader@acme.example",
        "private_key": key(),
        "private_key_id": "1",
        "token_uri": format!("{}/token", api.address),
    });
    (Bench::new(&toml).secret("KEY", &account.to_string()), api)
}

fn usual() -> Property {
    Property {
        zone: "Europe/Berlin",
        page: 100_000,
        counts: [
            (("20261120", "purchase"), 41),
            (("20261121", "purchase"), 38),
            (("20261120", "sign_up"), 7),
            (("2026112013", "purchase"), 5),
            (("2026102502", "purchase"), 9),
        ]
        .into_iter()
        .collect(),
        ..Property::default()
    }
}

const PURCHASE: &str = "[event.purchase]\nrequired = [\"transaction_id\", \"currency\"]\nunique = \"transaction_id\"\n";

#[tokio::test]
async fn counts_come_by_day_and_an_absent_row_is_zero() {
    let (bench, api) = bench(usual(), PURCHASE).await;
    let question = bench.question("ga4", "purchase", Measure::Count, Grain::Day);
    let counts = bench.counts(&question, "2026-11-19", "2026-11-22").await;
    assert_eq!(counts, ["11-19 0", "11-20 41", "11-21 38", "11-22 0"]);
    let asked = api.asked();
    assert!(
        asked
            .iter()
            .filter(|one| one.path != "/token")
            .all(|one| one.headers["authorization"] == "Bearer ya29.x")
    );
}

#[tokio::test]
async fn pages_are_read_to_the_end() {
    let property = Property { page: 1, ..usual() };
    let (bench, _api) = bench(property, PURCHASE).await;
    let question = bench.question("ga4", "purchase", Measure::Count, Grain::Day);
    let counts = bench.counts(&question, "2026-11-20", "2026-11-21").await;
    assert_eq!(counts, ["11-20 41", "11-21 38"]);
}

#[tokio::test]
async fn settings_that_give_numbers_their_meaning_are_told() {
    let property = Property {
        zone: "America/New_York",
        custom: vec!["customEvent:coupon", "customEvent:tier"],
        ..usual()
    };
    let (bench, _api) = bench(property, PURCHASE).await;
    let question = bench.question("ga4", "purchase", Measure::Count, Grain::Day);
    let pulled = bench
        .pull(&[question], "2026-11-19", "2026-11-22")
        .await
        .unwrap();
    let told = |key: &str| {
        let mut settings = pulled.settings.iter();
        settings
            .find(|(known, _)| known == key)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(told("time zone"), Some("America/New_York"));
    assert_eq!(
        told("custom dimensions"),
        Some("customEvent:coupon, customEvent:tier")
    );
    assert_eq!(told("key events"), None, "nothing that was not answered");
}

/// Found by fuzzing: a time that no clock can add.
#[tokio::test]
async fn a_token_that_lasts_for_ever_or_less_than_nothing_is_used() {
    for lasts in [i64::MAX, i64::MIN, 0, -1] {
        let property = Property {
            lasts: Some(lasts),
            ..usual()
        };
        let (bench, _api) = bench(property, PURCHASE).await;
        let question = bench.question("ga4", "purchase", Measure::Count, Grain::Day);
        let counts = bench.counts(&question, "2026-11-19", "2026-11-22").await;
        assert_eq!(counts.len(), 4, "{lasts}");
    }
}

#[tokio::test]
async fn hours_come_too_and_the_autumn_hour_lasts_two() {
    let (bench, _api) = bench(usual(), PURCHASE).await;
    let question = bench.question("ga4", "purchase", Measure::Count, Grain::Hour);
    let pulled = bench
        .pull(std::slice::from_ref(&question), "2026-10-25", "2026-10-25")
        .await
        .unwrap();
    let twice = pulled
        .observations
        .iter()
        .find(|one| (one.value - 9.0).abs() < f64::EPSILON)
        .unwrap();
    assert_eq!(twice.bucket.length().num_hours(), 2);
}

#[tokio::test]
async fn days_of_another_zone_are_summed_from_hours() {
    let property = Property {
        zone: "America/New_York",
        ..usual()
    };
    let (bench, _api) = bench(property, PURCHASE).await;
    let question = bench.question("ga4", "purchase", Measure::Count, Grain::Day);
    // 13:00 in New York is 19:00 in Berlin: the same day.
    let counts = bench.counts(&question, "2026-11-20", "2026-11-20").await;
    assert_eq!(counts, ["11-20 5"]);
}

#[tokio::test]
async fn completeness_leaves_out_what_is_not_registered_and_says_so() {
    let property = Property {
        rows: vec![(vec!["20261120"], "40")],
        ..usual()
    };
    let (bench, api) = bench(
        property,
        "[event.purchase]\nrequired = [\"transaction_id\", \"shipping_method\"]\n",
    )
    .await;
    let measure = Measure::Having(vec![name("transaction_id"), name("shipping_method")]);
    let question = bench.question("ga4", "purchase", measure, Grain::Day);
    let pulled = bench
        .pull(std::slice::from_ref(&question), "2026-11-20", "2026-11-20")
        .await
        .unwrap();
    assert_eq!(shown(&pulled, &question), ["11-20 40"]);
    assert!(
        pulled
            .notes
            .iter()
            .any(|note| note.contains("leaves out shipping_method")),
        "{:?}",
        pulled.notes
    );
    let body = api.asked().last().unwrap().body.clone();
    assert!(
        body.contains("\"emptyFilter\":{}") && body.contains("transactionId"),
        "{body}"
    );
}

#[tokio::test]
async fn nothing_registered_is_not_judged_with_the_way_to_mend_it() {
    let (bench, _api) = bench(
        usual(),
        "[event.purchase]\nrequired = [\"shipping_method\"]\n",
    )
    .await;
    let question = bench.question(
        "ga4",
        "purchase",
        Measure::Having(vec![name("shipping_method")]),
        Grain::Day,
    );
    let pulled = bench
        .pull(std::slice::from_ref(&question), "2026-11-20", "2026-11-20")
        .await
        .unwrap();
    assert!(pulled.observations.is_empty());
    assert!(
        pulled.unanswerable[0].1.contains("Custom definitions"),
        "{:?}",
        pulled.unanswerable
    );
}

#[tokio::test]
async fn repeats_are_all_but_the_first_of_each_id() {
    let rows = vec![
        (vec!["20261120", "A-1"], "1"),
        (vec!["20261120", "A-2"], "3"),
        (vec!["20261121", "A-3"], "2"),
    ];
    let (bench, _api) = bench(Property { rows, ..usual() }, PURCHASE).await;
    let question = bench.question(
        "ga4",
        "purchase",
        Measure::Repeats(name("transaction_id")),
        Grain::Day,
    );
    assert_eq!(
        bench.counts(&question, "2026-11-20", "2026-11-21").await,
        ["11-20 2", "11-21 1"]
    );
}

#[tokio::test]
async fn what_google_says_of_quality_travels_with_the_number() {
    let flags = json!({ "subjectToThresholding": true, "samplingMetadatas": [{ "samplesReadCount": "500", "samplingSpaceSize": "2000" }] });
    let (bench, _api) = bench(Property { flags, ..usual() }, PURCHASE).await;
    let question = bench.question("ga4", "purchase", Measure::Count, Grain::Day);
    let pulled = bench
        .pull(std::slice::from_ref(&question), "2026-11-20", "2026-11-20")
        .await
        .unwrap();
    assert_eq!(
        pulled.observations[0].quality.flags,
        [Flag::Thresholded, Flag::Sampled(0.25)]
    );
}

#[tokio::test]
async fn no_failure_is_ever_a_zero() {
    let cases: [(u16, &'static str, &'static str, &str); 6] = [
        (
            403,
            "application/json",
            r#"{"error":{"code":403,"message":"User does not have sufficient permissions","status":"PERMISSION_DENIED"}}"#,
            "Viewer",
        ),
        (
            429,
            "application/json",
            r#"{"error":{"code":429,"message":"Exhausted","status":"RESOURCE_EXHAUSTED"}}"#,
            "quota",
        ),
        (200, "text/html", "<html><body>Log in</body></html>", "HTML"),
        (
            200,
            "application/json",
            r#"{"dimensionHeaders":[{"name":"date"}],"rows":[{"dim"#,
            "breaks off",
        ),
        (200, "application/json", "", "empty page"),
        (
            400,
            "application/json",
            r#"{"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT"}}"#,
            "bad",
        ),
    ];
    for (status, kind, text, word) in cases {
        let property = Property {
            instead: Some((status, kind, text)),
            ..usual()
        };
        let (bench, _api) = bench(property, PURCHASE).await;
        let question = bench.question("ga4", "purchase", Measure::Count, Grain::Day);
        let why = bench.failure(&question, "2026-11-20", "2026-11-21").await;
        assert!(why.to_string().contains(word), "{status}: {why}");
        assert_eq!(
            matches!(why, SourceError::Wait { .. }),
            status == 429,
            "{why:?}"
        );
    }
}

#[tokio::test]
async fn a_negative_or_broken_count_refuses_the_answer() {
    for count in ["-3", "1.5", "many"] {
        let rows = vec![(vec!["20261120"], count)];
        let (bench, _api) = bench(Property { rows, ..usual() }, PURCHASE).await;
        let measure = Measure::Having(vec![name("transaction_id")]);
        let question = bench.question("ga4", "purchase", measure, Grain::Day);
        let why = bench.failure(&question, "2026-11-20", "2026-11-20").await;
        assert!(matches!(why, SourceError::Odd { .. }), "{why:?}");
    }
}

#[tokio::test]
async fn a_report_that_breaks_off_is_no_data() {
    let property = Property { lost: 2, ..usual() };
    let (bench, _api) = bench(property, PURCHASE).await;
    let question = bench.question("ga4", "purchase", Measure::Count, Grain::Day);
    let why = bench.failure(&question, "2026-11-20", "2026-11-21").await;
    assert!(
        why.to_string().contains("breaks off after 3 of 5 rows"),
        "{why}"
    );
}

#[tokio::test]
async fn what_google_withheld_is_unknown_and_not_zero() {
    let property = Property {
        flags: json!({ "subjectToThresholding": true }),
        ..usual()
    };
    let (bench, _api) = bench(property, PURCHASE).await;
    let question = bench.question("ga4", "purchase", Measure::Count, Grain::Day);
    let counts = bench.counts(&question, "2026-11-19", "2026-11-22").await;
    assert_eq!(counts, ["11-20 41", "11-21 38"]);
}

#[test]
fn fourteen_lines_give_the_checks_of_the_first_page() {
    let text = truecount::config::Text {
        path: "truecount.toml".to_owned(),
        text: example(include_str!("../../../README.md"), "toml"),
    };
    let project =
        truecount::app::understand(".".into(), vec![text], truecount::app::Reading::default());
    let checks = truecount::check::checks(&project.plan);
    let mut names: Vec<&str> = checks.iter().map(|one| one.label().name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "ga4.freshness",
            "ga4.history",
            "ga4.settings",
            "plan.unplanned",
            "purchase.completeness",
            "purchase.duplicates",
            "purchase.volume",
            "traffic.unknown"
        ]
    );
}
