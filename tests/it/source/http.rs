//! Counts from a JSON API on loopback.

use std::sync::atomic::{AtomicUsize, Ordering};

use truecount::model::{Grain, Measure, Question};
use truecount::source::SourceError;

use super::bench::{Bench, HEAD, errors, example, name};
use crate::fake::http_api::{Answer, HttpApi, good};

const PAGE: &str = include_str!("../../../docs/sources/http.md");

fn bench(api: &HttpApi, settings: &str) -> Bench {
    Bench::new(&format!(
        "{HEAD}[source.shop]\ntype = \"http\"\nbase_url = \"{}\"\n{settings}\n[event.purchase]\nin.shop = \"order\"\n[event.signup]\nin.shop = true\n",
        api.address
    ))
}

const ROWS: &str = "request = { path = \"/v1\", query = { from = \"{from}\", to = \"{to}\" } }\nrows = \"$.data[*]\"\nevent = \"kind\"\n";

fn purchase(bench: &Bench) -> Question {
    bench.question("shop", "purchase", Measure::Count, Grain::Day)
}

async fn failed(answer: impl Fn(&str, &str) -> Answer + Send + Sync + 'static) -> SourceError {
    let api = HttpApi::start(answer).await;
    let bench = bench(&api, ROWS);
    bench
        .failure(&purchase(&bench), "2026-11-22", "2026-11-23")
        .await
}

async fn odd(body: &'static str) -> String {
    match failed(move |_, _| good(body)).await {
        SourceError::Odd { why } => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_example_of_the_page_counts() {
    let answer = example(PAGE, "json");
    let api = HttpApi::start(move |_, _| good(answer.clone())).await;
    let toml = example(PAGE, "toml").replace("https://api.shop.example", &api.address);
    let bench = Bench::new(&toml).secret("SHOP_API_TOKEN", "t0ken");
    let days = bench
        .counts(&purchase(&bench), "2026-11-21", "2026-11-23")
        .await;
    assert_eq!(days, ["11-21 0", "11-22 41", "11-23 38"]);
    let asked = api.asked();
    assert_eq!(asked[0].path, "/v1/daily?since=2026-11-21&until=2026-11-23");
    assert_eq!(asked[0].headers["authorization"], "Bearer t0ken");
}

#[tokio::test]
async fn the_smallest_form_asks_for_a_number_a_day() {
    let api = HttpApi::start(|path, _| {
        good(format!(
            "{{\"result\":{{\"total\":{}}}}}",
            if path.contains("from=2026-11-22") {
                7
            } else {
                9
            }
        ))
    })
    .await;
    let bench = bench(
        &api,
        "request = { path = \"/count/{event}\", query = { from = \"{from}\", to = \"{to}\" } }\ncount = \"$.result.total\"",
    );
    assert_eq!(
        bench
            .counts(&purchase(&bench), "2026-11-22", "2026-11-23")
            .await,
        ["11-22 7", "11-23 9"]
    );
    assert_eq!(
        api.asked()[0].path,
        "/count/order?from=2026-11-22&to=2026-11-23"
    );
    let hours = bench.question("shop", "purchase", Measure::Count, Grain::Hour);
    let pulled = bench
        .pull(&[hours], "2026-11-22", "2026-11-23")
        .await
        .unwrap();
    assert_eq!(
        pulled.unanswerable[0].1,
        "a number for each day knows no hours"
    );
}

#[tokio::test]
async fn pages_are_followed_by_cursor_and_by_address() {
    let page = |path: &str| {
        let (day, next) = if path.contains("c%26d") {
            ("2026-11-23", "null")
        } else {
            ("2026-11-22", "\"c&d\"")
        };
        good(format!(
            "{{\"data\":[{{\"date\":\"{day}\",\"kind\":\"order\",\"count\":5,\"land\":\"DE\"}}],\"next\":{next}}}"
        ))
    };
    let api = HttpApi::start(move |path, _| page(path)).await;
    let bench = bench(
        &api,
        "request = { path = \"/v1\", query = { after = \"{next}\" } }\nrows = \"$.data[*]\"\nevent = \"kind\"\nnext = \"next\"",
    );
    let split = purchase(&bench).split(&[name("land")]);
    assert_eq!(
        bench.counts(&split, "2026-11-22", "2026-11-23").await,
        ["11-22[DE] 5", "11-23[DE] 5"]
    );
    assert_eq!(api.asked().len(), 2);
}

#[tokio::test]
async fn pages_that_never_end_or_lead_elsewhere_are_odd() {
    let rows = |next: &'static str| {
        move |_: &str, _: &str| good(format!("{{\"data\":[],\"next\":\"{next}\"}}"))
    };
    for (next, why) in [
        ("/v1?page=1", "the pages do not end"),
        (
            "https://elsewhere.example/x",
            "another host (elsewhere.example)",
        ),
        ("opaque", "write {next} into the request"),
    ] {
        let api = HttpApi::start(rows(next)).await;
        let bench = bench(&api, &format!("{ROWS}next = \"next\""));
        let SourceError::Odd { why: told } = bench
            .failure(&purchase(&bench), "2026-11-22", "2026-11-23")
            .await
        else {
            panic!()
        };
        assert!(told.contains(why), "{told}");
    }
}

#[tokio::test]
async fn a_body_is_posted_and_no_value_breaks_out_of_it() {
    let api = HttpApi::start(|_, _| good("{\"n\":1}")).await;
    let bench = Bench::new(&format!(
        "{HEAD}[source.shop]\ntype = \"http\"\nbase_url = \"{}\"\nrequest = {{ path = \"/q\", body = {{ kind = \"{{event}}\", from = \"{{from_unix}}\", n = 5 }} }}\ncount = \"n\"\nheaders = {{ accept = \"application/vnd.shop+json\", x-api-key = {{ env = \"KEY\" }} }}\n[event.purchase]\nin.shop = 'a\",\"b{{to}}'\n",
        api.address
    ))
    .secret("KEY", "k");
    assert_eq!(
        bench
            .counts(&purchase(&bench), "2026-11-23", "2026-11-23")
            .await,
        ["11-23 1"]
    );
    let asked = &api.asked()[0];
    let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(
        body,
        serde_json::json!({ "kind": "a\",\"b{to}", "from": "1795388400", "n": 5 })
    );
    assert_eq!(
        (&asked.headers["x-api-key"], &asked.headers["accept"]),
        (
            &"k".parse().unwrap(),
            &"application/vnd.shop+json".parse().unwrap()
        )
    );
}

#[tokio::test]
async fn answers_that_make_no_sense_are_odd_and_never_zero() {
    let cases = [
        (
            r#"{"data":[{"date":"2026-11-22","kind":"order","count":-3}]}"#,
            "row 0: a count of -3: counts are whole and not negative",
        ),
        (
            r#"{"data":[{"date":"2026-11-22","kind":"order","count":3.5}]}"#,
            "row 0: a count of 3.5: counts are whole and not negative",
        ),
        (
            r#"{"data":[{"date":"2026-11-22","kind":"order","count":"<b>"}]}"#,
            "row 0: `<b>` is not a count",
        ),
        (
            r#"{"data":[{"date":"2026-11-22","kind":"order","count":[1]}]}"#,
            "row 0: `count` leads to a list or an object",
        ),
        (
            r#"{"data":[{"date":"2026-11-22","kind":"order"}]}"#,
            "row 0: there is no `count`",
        ),
        (
            r#"{"data":[{"date":"yesterday","kind":"order","count":3}]}"#,
            "row 0: `yesterday` is not a date",
        ),
        (
            r#"{"data":[{"date":"2099-01-01","kind":"order","count":3}]}"#,
            "row 0: the date 2099-01-01 is out of range",
        ),
        (
            r#"{"data":[{"date":"2026-11-22","kind":"order","count":3},{"date":"2026-11-22","kind":"order","count":3}]}"#,
            "the count of order for 2026-11-22 is there twice",
        ),
        (r#"{"error":"quota"}"#, "there are no rows at"),
        (
            r#"{"data":[{"date":"2026-11-22","ki"#,
            "JSON that breaks off",
        ),
        (
            "<html><h1>Sign in</h1></html>",
            "an HTML page instead of JSON",
        ),
        ("", "an empty page instead of JSON"),
    ];
    for (body, why) in cases {
        let told = odd(body).await;
        assert!(told.contains(why), "{body}: {told}");
    }
    let long: &'static str = Box::leak(
        format!(
            r#"{{"data":[{{"date":"{}","kind":"order","count":3}}]}}"#,
            "x".repeat(10_000)
        )
        .into_boxed_str(),
    );
    assert!(odd(long).await.len() < 500);
}

#[tokio::test]
async fn each_status_has_its_reaction() {
    assert!(
        matches!(failed(|_, _| (401, "text/plain", "bad key".to_owned())).await, SourceError::Refused { why } if why.contains("refuses the credentials (401): bad key"))
    );
    assert!(matches!(
        failed(|_, _| (404, "text/html", "no".to_owned())).await,
        SourceError::Refused { .. }
    ));
    assert!(
        matches!(failed(|_, _| (302, "text/html", String::new())).await, SourceError::Refused { why } if why.contains("redirect"))
    );
    let calls = AtomicUsize::new(0);
    let api = HttpApi::start(move |_, _| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => (503, "text/plain", "busy".to_owned()),
        _ => good("{\"data\":[]}"),
    })
    .await;
    let bench = bench(&api, ROWS);
    assert_eq!(
        bench
            .counts(&purchase(&bench), "2026-11-23", "2026-11-23")
            .await,
        ["11-23 0"]
    );
    assert_eq!(api.asked().len(), 2);
}

#[tokio::test]
async fn a_server_that_is_gone_is_waited_for() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let bench = Bench::new(&format!(
        "{HEAD}[source.shop]\ntype = \"http\"\nbase_url = \"{address}\"\n{ROWS}[event.purchase]\nin.shop = \"order\"\n"
    ));
    assert!(matches!(
        bench
            .failure(&purchase(&bench), "2026-11-23", "2026-11-23")
            .await,
        SourceError::Wait { .. }
    ));
}

#[test]
fn settings_are_checked() {
    let table =
        |text: &str| errors(&format!("{HEAD}[source.shop]\ntype = \"http\"\n{text}\n")).join("\n");
    assert!(table("base_url = \"https://a.example\"").contains("request"));
    assert!(table("request = { path = \"/\" }\nrows = \"$[*]\"").contains("base_url"));
    let good = "base_url = \"https://a.example\"\nrequest = { path = \"/\" }\n";
    assert!(table(good).contains("this request names none"));
    assert!(table(&format!("{good}rows = \"$.[\"")).contains("JSONPath"));
    assert!(
        table(&format!(
            "{good}rows = \"$[*]\"\nheaders = {{ authorization = \"Basic abc\" }}"
        ))
        .contains("310")
    );
    assert_eq!(table(&format!("{good}rows = \"$[*]\"")), "");
}
