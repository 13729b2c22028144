//! HubSpot against a strict search on loopback.

use truecount::model::{Grain, Measure};
use truecount::source::SourceError;

use super::bench::{Bench, HEAD, at, errors, example, name};
use crate::fake::http_api::HttpApi;
use crate::fake::hubspot::{Record, start};

const PATH: &str = "/crm/objects/2026-09/deals/search";

fn millis(text: &str) -> i64 {
    at(text).timestamp_millis()
}

fn records() -> Vec<Record> {
    vec![
        // The last millisecond of a day in Berlin, and the first of the next.
        (
            millis("2026-11-20T22:59:59.999Z"),
            "closedwon",
            Some("100.50"),
        ),
        (millis("2026-11-20T23:00:00Z"), "closedwon", Some("20")),
        (millis("2026-11-21T10:00:00Z"), "closedlost", None),
        (millis("2026-11-21T11:00:00Z"), "closedwon", None),
    ]
}

fn bench(api: &HttpApi, mapping: &str) -> Bench {
    Bench::new(&format!(
        "{HEAD}[source.crm]\ntype = \"hubspot\"\ntoken = {{ env = \"TOKEN\" }}\nbase_url = \"{}\"\n\n[event.deal_won]\nin.crm = {mapping}\n",
        api.address
    ))
    .secret("TOKEN", "pat-canary")
}

const WON: &str = "{ object = \"deals\", date = \"closedate\", filter = \"dealstage = 'closedwon'\", sum = \"amount\" }";

#[tokio::test]
async fn days_are_counted_in_the_projects_zone_without_overlap() {
    let api = start(PATH, records()).await;
    let bench = bench(&api, WON);
    let question = bench.question("crm", "deal_won", Measure::Count, Grain::Day);
    let counts = bench.counts(&question, "2026-11-20", "2026-11-22").await;
    assert_eq!(counts, ["11-20 1", "11-21 2", "11-22 0"]);
    assert!(
        api.asked()
            .iter()
            .all(|one| one.headers["authorization"] == "Bearer pat-canary")
    );
}

#[tokio::test]
async fn sums_read_the_records_and_shares_use_the_property() {
    let api = start(PATH, records()).await;
    let bench = bench(&api, WON);
    let measure = Measure::Sum {
        of: name("amount"),
        currency: None,
    };
    let question = bench.question("crm", "deal_won", measure, Grain::Day);
    assert_eq!(
        bench.counts(&question, "2026-11-20", "2026-11-21").await,
        ["11-20 100.5", "11-21 20"]
    );
    let question = bench.question(
        "crm",
        "deal_won",
        Measure::Having(vec![name("amount")]),
        Grain::Day,
    );
    assert_eq!(
        bench.counts(&question, "2026-11-21", "2026-11-21").await,
        ["11-21 1"]
    );
}

#[tokio::test]
async fn no_failure_is_ever_a_zero_and_no_error_shows_the_token() {
    let cases: [(u16, &'static str, &'static str, bool); 6] = [
        (
            401,
            r#"{"status":"error","message":"expired","category":"EXPIRED_AUTHENTICATION"}"#,
            "expired",
            false,
        ),
        (
            403,
            r#"{"status":"error","message":"needs crm.objects.deals.read","category":"MISSING_SCOPES"}"#,
            "MISSING_SCOPES",
            false,
        ),
        (
            429,
            r#"{"status":"error","message":"slow","policyName":"DAILY"}"#,
            "daily limit",
            true,
        ),
        (477, r#"{"status":"error","message":"moving"}"#, "477", true),
        (200, "<html>login</html>", "HTML", false),
        (200, r#"{"total": 4"#, "breaks off", false),
    ];
    for (status, body, word, waits) in cases {
        let api = HttpApi::start(move |_, _| (status, "application/json", body.to_owned())).await;
        let bench = bench(&api, WON);
        let question = bench.question("crm", "deal_won", Measure::Count, Grain::Day);
        let why = bench.failure(&question, "2026-11-20", "2026-11-20").await;
        assert!(why.to_string().contains(word), "{status}: {why}");
        assert!(!format!("{why:?}").contains("canary"), "{why:?}");
        assert_eq!(matches!(why, SourceError::Wait { .. }), waits, "{why:?}");
    }
}

#[test]
fn the_example_of_the_page_is_a_plan_without_errors() {
    let page = include_str!("../../../docs/sources/hubspot.md");
    assert_eq!(errors(&example(page, "toml")), Vec::<String>::new());
    let page = include_str!("../../../docs/sources/ga4.md");
    assert_eq!(errors(&example(page, "toml")), Vec::<String>::new());
}
