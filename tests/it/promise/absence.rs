//! P8 against a real process: a day and a half switched off. What the sources know of that time is
//! fetched without a hole, in one pull, and what broke meanwhile is one message.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use rusqlite::Connection;

use super::super::fake::http_api::{HttpApi, good};
use super::rig::receiver::Receiver;
use super::rig::{PATIENCE, Rig};

const BINARY: &str = env!("CARGO_BIN_EXE_truecount");

const AWAY: TimeDelta = TimeDelta::hours(36);

/// Orders of an hour, so many that hours are looked at too.
const AN_HOUR: u64 = 30;

fn plan(rig: &Rig, shop: &HttpApi) -> String {
    format!(
        r#"{}
[source.shop]
type     = "http"
base_url = "{}"
every    = "1 hour"
request  = {{ path = "/v1/daily", query = {{ since = "{{from}}", until = "{{last}}" }} }}
rows     = "$.data[*]"
event    = "kind"

[source.db]
type  = "sql"
url   = "sqlite:orders.sqlite"
every = "1 hour"

[event.purchase]
in.shop = "order"
in.db   = {{ table = "orders", date = "paid_at" }}
"#,
        rig.plan("wait = \"0 min\""),
        shop.address
    )
}

/// Orders by the hour, up to now. They are there whether anybody looks or not.
fn orders(rig: &Rig, from: NaiveDate) {
    let now = Utc::now().naive_utc();
    let database = Connection::open(rig.folder.path().join("orders.sqlite")).unwrap();
    database
        .execute_batch("CREATE TABLE orders (paid_at TEXT); BEGIN")
        .unwrap();
    let mut insert = database.prepare("INSERT INTO orders VALUES (?1)").unwrap();
    let mut at = from.and_time(NaiveTime::MIN);
    while at < now {
        insert.execute([at.to_string()]).unwrap();
        at += TimeDelta::minutes(60 / i64::try_from(AN_HOUR).unwrap());
    }
    database.execute_batch("COMMIT").unwrap();
}

type Asked = Arc<Mutex<Vec<(NaiveDate, NaiveDate)>>>;

async fn shop(broke: NaiveDate, asked: &Asked) -> HttpApi {
    let asked = Arc::clone(asked);
    HttpApi::start(move |path, _| {
        let url = url::Url::parse(&format!("http://x{path}")).unwrap();
        let day = |key: &str| -> NaiveDate {
            let found = url.query_pairs().find(|(name, _)| name == key);
            found.unwrap().1.parse().unwrap()
        };
        let (since, until) = (day("since"), day("until"));
        asked.lock().unwrap().push((since, until));
        let rows: Vec<String> = since
            .iter_days()
            .take_while(|day| *day <= until)
            .map(|day| {
                let count = if day <= broke { AN_HOUR * 24 } else { 0 };
                format!(r#"{{"date":"{day}","kind":"order","count":{count}}}"#)
            })
            .collect();
        good(format!(r#"{{"data":[{}]}}"#, rows.join(",")))
    })
    .await
}

fn count(rig: &Rig, sql: &str, source: &str) -> i64 {
    let database = rig.database();
    database.query_row(sql, [source], |row| row.get(0)).unwrap()
}

fn pulls(rig: &Rig, source: &str) -> i64 {
    count(
        rig,
        "SELECT count(*) FROM pull WHERE source = ?1 AND ok",
        source,
    )
}

async fn pulled(rig: &Rig, times: i64) {
    let begun = Instant::now();
    while ["shop", "db"].iter().any(|one| pulls(rig, one) < times) {
        assert!(begun.elapsed() < PATIENCE, "{}", rig.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Starts of the stored buckets of a source since `from`, in seconds of Unix time.
fn stored(rig: &Rig, source: &str, grain: &str, from: NaiveDate) -> BTreeSet<i64> {
    let database = rig.database();
    let mut statement = database
        .prepare(
            "SELECT DISTINCT start FROM reading JOIN series ON series = number
             WHERE source = ?1 AND grain = ?2 AND segment IN ('', '{}', '[]') AND start >= ?3",
        )
        .unwrap();
    let from = from.and_time(NaiveTime::MIN).and_utc().timestamp();
    let rows = statement.query_map((source, grain, from), |row| row.get(0));
    rows.unwrap().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_and_a_half_away_is_fetched_whole_in_one_pull_and_told_once() {
    let asked = Asked::default();
    let left = Utc::now() - AWAY;
    // The shop says nothing any more since the day on which nobody looked any more.
    let day = left.date_naive();
    let broke = day - Days::new(1);
    let shop = shop(broke, &asked).await;
    let hook = Receiver::start().await;
    let mut rig = Rig::new(BINARY, 1, &hook, "wait = \"0 min\"");
    orders(&rig, day - Days::new(70));
    rig.write("truecount.toml", &plan(&rig, &shop));
    rig.live_at(-AWAY);
    let daemon = rig.serve().await;
    pulled(&rig, 1).await;
    // Once more by hand: now that the days are known to be busy, their hours are asked for.
    let again = rig.command(&["pull"]).output().unwrap();
    assert!(again.status.success(), "{again:?}");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = (pulls(&rig, "shop"), pulls(&rig, "db"));
    daemon.end("KILL").await;
    let hours = stored(&rig, "db", "hour", broke - Days::new(3));
    assert!(hours.len() > 48, "hours are known: {}", hours.len());
    let first = asked.lock().unwrap().drain(..).collect::<Vec<_>>();
    let known = first.iter().map(|(_, until)| *until).max().unwrap();
    assert!(known <= day, "asked up to its own day: {first:?}");
    assert_eq!(hook.count(), 0, "nothing is wrong yet: {}", rig.log());

    rig.live_at(TimeDelta::zero());
    let daemon = rig.serve().await;
    pulled(&rig, before.0 + 1).await;
    // Long enough for 36 pulls, if there were any.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let today = Utc::now().date_naive();
    assert!(daemon.end("TERM").await.0.success());

    // One pull each; together they were asked for every day since the last that was seen.
    assert_eq!(
        (pulls(&rig, "shop"), pulls(&rig, "db")),
        (before.0 + 1, before.1 + 1),
        "one catch-up"
    );
    let second = asked.lock().unwrap().clone();
    for date in day.iter_days().take_while(|day| *day <= today) {
        assert!(
            second
                .iter()
                .any(|(since, until)| (*since..=*until).contains(&date)),
            "{date} was not asked for: {second:?}"
        );
    }
    let days = stored(&rig, "shop", "day", day);
    for date in day.iter_days().take_while(|day| *day < today) {
        let start = date.and_time(NaiveTime::MIN).and_utc().timestamp();
        assert!(days.contains(&start), "{date} is not stored: {days:?}");
    }
    // By the hour too, without a hole.
    let hours = stored(&rig, "db", "hour", day);
    let start = day.and_time(NaiveTime::MIN).and_utc().timestamp();
    let full = (left + AWAY - TimeDelta::hours(3)).timestamp();
    let missing: Vec<i64> = (start..full)
        .step_by(3_600)
        .filter(|at| !hours.contains(at))
        .collect();
    assert!(missing.is_empty(), "{} hours missing", missing.len());

    // Each trouble is one message, however many slots were missed.
    let arrivals = hook.arrivals();
    let opened = arrivals
        .iter()
        .filter(|one| one.kind() == "incident.opened");
    let numbers: Vec<String> = opened.map(|one| one.field("/data/number")).collect();
    let each: BTreeSet<&String> = numbers.iter().collect();
    println!(
        "{} windows asked, {} days and {} hours stored, {} messages about {} incidents",
        second.len(),
        days.len(),
        hours.len(),
        arrivals.len(),
        each.len()
    );
    assert!(!each.is_empty(), "what broke is told: {}", rig.log());
    assert_eq!(each.len(), numbers.len(), "each once");
    assert_eq!(arrivals.len(), numbers.len(), "and nothing else");
    assert!(each.len() <= 4, "no burst: {}", each.len());
}
