//! HubSpot against a strict search on loopback.

use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use truecount::clock::Clock;
use truecount::model::{Grain, Measure, Question, Timestamp};
use truecount::source::SourceError;

use super::bench::{Bench, HEAD, at, errors, example, name, shown};
use crate::fake::http_api::HttpApi;
use crate::fake::hubspot::{Account, Record, TOKEN, limited, won};
use crate::fake::life::Stopped;

fn records() -> Vec<Record> {
    vec![
        // The last millisecond of a day in Berlin, and the first of the next.
        won(at("2026-11-20T22:59:59.999Z"), Some("100.50")),
        won(at("2026-11-20T23:00:00Z"), Some("20")),
        Record {
            stage: "closedlost",
            ..won(at("2026-11-21T10:00:00Z"), None)
        },
        won(at("2026-11-21T11:00:00Z"), None),
    ]
}

/// An account with an API, and a plan that asks it, on one clock that jumps where others sleep.
async fn bench(
    deals: Vec<Record>,
    mapping: &str,
    rule: impl FnOnce(Account) -> Account,
) -> (Bench, HttpApi) {
    let clock = Stopped::at(at("2026-11-25T12:00:00Z"));
    let time = Arc::clone(&clock) as Arc<dyn Clock>;
    let api = rule(Account::of(deals, Arc::clone(&time))).start().await;
    (asking(&api, HEAD, mapping).on(time), api)
}

fn asking(api: &HttpApi, head: &str, mapping: &str) -> Bench {
    Bench::new(&format!(
        "{head}[source.crm]\ntype = \"hubspot\"\ntoken = {{ env = \"TOKEN\" }}\nbase_url = \"{}\"\n\n[event.deal_won]\nin.crm = {mapping}\n",
        api.address
    ))
    .secret("TOKEN", TOKEN)
}

const WON: &str = "{ object = \"deals\", date = \"closedate\", filter = \"dealstage = 'closedwon'\", sum = \"amount\" }";
const RENEWED: &str = "{ object = \"deals\", date = \"renewal\" }";

fn count(bench: &Bench) -> Question {
    bench.question("crm", "deal_won", Measure::Count, Grain::Day)
}

fn sum(bench: &Bench) -> Question {
    let measure = Measure::Sum {
        of: name("amount"),
        currency: None,
    };
    bench.question("crm", "deal_won", measure, Grain::Day)
}

/// `many` records an hour apart, the newest at `last`.
fn hourly(last: Timestamp, many: usize) -> Vec<Record> {
    let back = |index: usize| last - TimeDelta::hours(i64::try_from(index).unwrap());
    (0..many)
        .rev()
        .map(|index| won(back(index), Some("1.5")))
        .collect()
}

#[tokio::test]
async fn days_are_counted_in_the_projects_zone_without_overlap() {
    let (bench, api) = bench(records(), WON, |account| account).await;
    let counts = bench
        .counts(&count(&bench), "2026-11-20", "2026-11-22")
        .await;
    assert_eq!(counts, ["11-20 1", "11-21 2", "11-22 0"]);
    assert_eq!(api.asked().len(), 1, "one page holds them all");
}

#[tokio::test]
async fn sums_read_the_records_and_shares_use_the_property() {
    let (bench, _api) = bench(records(), WON, |account| account).await;
    assert_eq!(
        bench.counts(&sum(&bench), "2026-11-20", "2026-11-21").await,
        ["11-20 100.5", "11-21 20"]
    );
    let having = Measure::Having(vec![name("amount")]);
    let question = bench.question("crm", "deal_won", having, Grain::Day);
    assert_eq!(
        bench.counts(&question, "2026-11-21", "2026-11-21").await,
        ["11-21 1"]
    );
    let weekly = bench.question("crm", "deal_won", Measure::Count, Grain::Week);
    assert_eq!(
        bench.counts(&weekly, "2026-11-16", "2026-11-24").await,
        ["11-16 3", "11-23 0"]
    );
}

#[tokio::test]
async fn records_and_days_are_two_ways_to_the_same_counts() {
    // 25 hours on 25 October: by the day there are more records than days have pages.
    let deals = hourly(at("2026-11-24T20:30:00Z"), 1_000);
    for (copies, searches) in [(1, 5), (9, 41)] {
        let many: Vec<Record> = (0..copies).flat_map(|_| deals.clone()).collect();
        let (bench, api) = bench(many, WON, |account| account).await;
        let counts = bench
            .counts(&count(&bench), "2026-10-16", "2026-11-24")
            .await;
        assert_eq!(counts.len(), 40);
        let hours = |day: &str| match day {
            "10-25" => 25,
            "11-24" => 22,
            _ => 24,
        };
        for line in &counts {
            let (day, value) = line.split_once(' ').unwrap();
            assert_eq!(value, (hours(day) * copies).to_string(), "{day}");
        }
        assert_eq!(api.asked().len(), searches, "{copies} records an hour");
    }
}

#[tokio::test]
async fn ten_thousand_records_are_no_end() {
    let many: Vec<Record> = (0..12_345)
        .map(|second| {
            won(
                at("2026-11-21T06:00:00Z") + TimeDelta::seconds(second),
                Some("0.5"),
            )
        })
        .collect();
    let (bench, api) = bench(many, WON, |account| account).await;
    let sums = bench.counts(&sum(&bench), "2026-11-20", "2026-11-22").await;
    assert_eq!(sums, ["11-20 0", "11-21 6172.5", "11-22 0"]);
    assert_eq!(api.asked().len(), 62, "pages of 200");
}

#[tokio::test]
async fn a_sum_of_too_many_records_reads_the_newest_days_or_is_not_judged() {
    // More than is read for one question on any one day: 40 days, 20, 10, 5, 3, 2, 1.
    let body = r#"{"total": 100001, "results": []}"#;
    let many = move |account: Account| {
        account.instead(move |_, _| Some((200, "application/json", body.to_owned())))
    };
    let (bench, api) = bench(Vec::new(), WON, many).await;
    let question = sum(&bench);
    let asked = std::slice::from_ref(&question);
    let pulled = bench.pull(asked, "2026-10-16", "2026-11-24").await.unwrap();
    assert_eq!(shown(&pulled, &question), Vec::<String>::new());
    assert!(
        pulled.unanswerable[0]
            .1
            .contains("sum them in the warehouse"),
        "{:?}",
        pulled.unanswerable
    );
    assert_eq!(api.asked().len(), 7);
}

#[tokio::test]
async fn a_first_sum_reads_the_newest_days_that_fit() {
    // Whole windows are too many; the newest ten days are a few.
    let few = at("2026-11-14T23:00:00Z").timestamp_millis();
    let many = move |account: Account| {
        account.instead(move |asked, _| {
            let from = asked.body.split("\"value\":\"").nth(1)?.split('"').next()?;
            let wide = from.parse::<i64>().ok()? < few;
            wide.then(|| {
                (
                    200,
                    "application/json",
                    r#"{"total": 100001, "results": []}"#.to_owned(),
                )
            })
        })
    };
    let (bench, _api) = bench(records(), WON, many).await;
    let question = sum(&bench);
    let found = bench.counts(&question, "2026-10-16", "2026-11-24").await;
    assert_eq!(found.len(), 10, "older days stay unknown: {found:?}");
    assert_eq!(found[0], "11-15 0");
    assert!(found.contains(&"11-20 100.5".to_owned()), "{found:?}");
}

#[tokio::test]
async fn a_day_property_has_no_zone() {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let renewed = |text: &str, copies: usize| {
        let one = Record {
            renewal: Some(day(text)),
            ..Record::default()
        };
        vec![one; copies]
    };
    // With many copies each day is a search of its own.
    for (copies, searches) in [(1, 1), (300, 5)] {
        for zone in [
            "America/New_York",
            "Europe/Berlin",
            "Asia/Tokyo",
            "Pacific/Auckland",
        ] {
            let deals: Vec<Record> = ["2026-11-22", "2026-11-23", "2026-11-25", "2026-11-27"]
                .iter()
                .flat_map(|text| renewed(text, copies))
                .collect();
            let clock = Stopped::at(at("2026-11-25T23:00:00Z")) as Arc<dyn Clock>;
            let api = Account::of(deals, Arc::clone(&clock)).start().await;
            let head = HEAD.replace("Europe/Berlin", zone);
            let bench = asking(&api, &head, RENEWED).on(clock);
            let counts = bench
                .counts(&count(&bench), "2026-11-22", "2026-11-25")
                .await;
            let wanted = [
                format!("11-22 {copies}"),
                format!("11-23 {copies}"),
                "11-24 0".to_owned(),
                format!("11-25 {copies}"),
            ];
            assert_eq!(counts, wanted, "{zone}");
            assert_eq!(api.asked().len(), searches, "{zone}");
        }
    }
}

#[tokio::test]
async fn what_is_dated_in_the_future_is_not_counted_yet() {
    let mut deals = records();
    deals.push(won(at("2026-11-25T11:30:00Z"), Some("1")));
    deals.push(won(at("2026-11-25T15:00:00Z"), Some("1")));
    let (bench, _api) = bench(deals, WON, |account| account).await;
    let counts = bench
        .counts(&count(&bench), "2026-11-25", "2026-11-26")
        .await;
    assert_eq!(counts, ["11-25 1"], "tomorrow has not begun");
}

#[tokio::test]
async fn a_limit_by_the_second_is_waited_for_and_the_daily_one_until_tomorrow() {
    let slow = |account: Account| {
        account.instead(|_, before| match before {
            0 => Some(limited("SECONDLY")),
            1 | 2 => Some(limited("TEN_SECONDLY_ROLLING")),
            3 => Some((
                423,
                "application/json",
                "{\"message\":\"locked\"}".to_owned(),
            )),
            4 => Some((502, "text/html", "<html>bad gateway</html>".to_owned())),
            5 => Some((504, "text/html", "<html>timeout</html>".to_owned())),
            _ => None,
        })
    };
    let (bench, api) = bench(records(), WON, slow).await;
    let counts = bench
        .counts(&count(&bench), "2026-11-20", "2026-11-20")
        .await;
    assert_eq!(counts, ["11-20 1"]);
    assert_eq!(api.asked().len(), 7, "within one pull");
}

#[tokio::test]
async fn a_daily_limit_ends_asking_until_tomorrow() {
    let clock = Stopped::at(at("2026-11-25T12:00:00Z"));
    let time = Arc::clone(&clock) as Arc<dyn Clock>;
    // The account's midnight is three hours behind ours.
    let spent = Arc::clone(&clock);
    let api = Account::of(records(), Arc::clone(&time))
        .instead(move |_, _| (spent.now() < at("2026-11-26T02:00:00Z")).then(|| limited("DAILY")))
        .start()
        .await;
    let bench = asking(&api, HEAD, WON).on(time);
    let (source, question) = (bench.source("crm"), count(&bench));
    let ask = bench.ask(&[question], "2026-11-20", "2026-11-21");
    let means = bench.means();
    let mut asked = Vec::new();
    while clock.now() < at("2026-11-26T04:00:00Z") {
        let outcome = source.pull(&ask, &means).await;
        match outcome {
            Ok(_) => break,
            Err(why) => {
                assert!(
                    matches!(why, SourceError::Wait { after: Some(_), .. }),
                    "{why:?}"
                );
                assert!(why.to_string().contains("daily limit"), "{why}");
            }
        }
        asked.push(api.asked().len());
        clock
            .sleep_until(clock.now() + TimeDelta::minutes(30))
            .await;
    }
    assert_eq!(asked[..22], [1; 22], "silent until midnight in Berlin");
    assert_eq!(api.asked().len(), 5, "then once an hour: {asked:?}");
    assert!(clock.now() < at("2026-11-26T03:00:00Z"), "{}", clock.now());
}

#[tokio::test]
async fn a_property_that_is_gone_is_not_judged_and_harms_nobody_else() {
    let clock = Stopped::at(at("2026-11-25T12:00:00Z")) as Arc<dyn Clock>;
    let api = Account::of(records(), Arc::clone(&clock)).start().await;
    let two =
        format!("{WON}\n\n[event.gone]\nin.crm = {{ object = \"deals\", date = \"old_date\" }}");
    let bench = asking(&api, HEAD, &two).on(clock);
    let gone = bench.question("crm", "gone", Measure::Count, Grain::Day);
    let good = count(&bench);
    let pulled = bench
        .pull(&[gone.clone(), good.clone()], "2026-11-20", "2026-11-21")
        .await
        .unwrap();
    assert_eq!(shown(&pulled, &good), ["11-20 1", "11-21 2"]);
    assert_eq!(shown(&pulled, &gone), Vec::<String>::new(), "no zeros");
    let [(question, why)] = &pulled.unanswerable[..] else {
        panic!("{:?}", pulled.unanswerable)
    };
    assert_eq!(*question, gone);
    assert!(why.contains("\"old_date\" does not exist"), "{why}");
}

#[tokio::test]
async fn no_failure_is_ever_a_zero_and_no_error_shows_the_token() {
    let cases: [(u16, &'static str, &'static str, bool); 12] = [
        (
            401,
            r#"{"message":"expired","category":"EXPIRED_AUTHENTICATION"}"#,
            "expired",
            false,
        ),
        (
            403,
            r#"{"message":"not granted","category":"MISSING_SCOPES"}"#,
            "crm.objects.deals.read",
            false,
        ),
        (
            403,
            r#"{"message":"not granted","category":"MISSING_SCOPES","errors":[{"message":"needed","context":{"requiredGranularScopes":["crm.objects.custom.read"]}}]}"#,
            "crm.objects.custom.read",
            false,
        ),
        (
            429,
            r#"{"message":"slow","policyName":"DAILY"}"#,
            "daily limit",
            true,
        ),
        (
            429,
            r#"{"message":"slow","policyName":"SECONDLY"}"#,
            "429",
            true,
        ),
        (423, r#"{"message":"shut"}"#, "locked", true),
        (477, r#"{"message":"moving"}"#, "477", true),
        (200, "<html>login</html>", "HTML", false),
        (200, r#"{"total": 4"#, "breaks off", false),
        (200, r#"{"total": 4, "results": []}"#, "sent none", false),
        (
            200,
            r#"{"total": 4, "results": [{"id": "5", "properties": {}}]}"#,
            "did not send",
            false,
        ),
        (
            200,
            r#"{"total": 4, "results": [{"id": "5", "properties": {"closedate": "soon"}}]}"#,
            "`soon`",
            false,
        ),
    ];
    for (status, body, word, waits) in cases {
        let answer = move |account: Account| {
            account.instead(move |_, _| Some((status, "application/json", body.to_owned())))
        };
        let (bench, _api) = bench(Vec::new(), WON, answer).await;
        let why = bench
            .failure(&count(&bench), "2026-11-20", "2026-11-20")
            .await;
        assert!(why.to_string().contains(word), "{status}: {why}");
        assert!(!format!("{why:?}").contains("canary"), "{why:?}");
        assert_eq!(matches!(why, SourceError::Wait { .. }), waits, "{why:?}");
    }
}

#[tokio::test]
async fn records_out_of_order_are_not_counted_twice() {
    let record =
        |id: u32| format!(r#"{{"id":"{id}","properties":{{"closedate":"2026-11-20T08:00:00Z"}}}}"#);
    let body = format!(r#"{{"total":2,"results":[{},{}]}}"#, record(9), record(9));
    let answer = move |account: Account| {
        account.instead(move |_, _| Some((200, "application/json", body.clone())))
    };
    let (bench, _api) = bench(Vec::new(), WON, answer).await;
    let why = bench
        .failure(&count(&bench), "2026-11-20", "2026-11-20")
        .await;
    assert!(why.to_string().contains("out of order"), "{why}");
}

#[test]
fn the_example_of_the_page_is_a_plan_without_errors() {
    let page = include_str!("../../../docs/sources/hubspot.md");
    assert_eq!(errors(&example(page, "toml")), Vec::<String>::new());
    let page = include_str!("../../../docs/sources/ga4.md");
    assert_eq!(errors(&example(page, "toml")), Vec::<String>::new());
}
