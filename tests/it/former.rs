//! An event that got another name keeps its history.

use std::fmt::Write as _;

use chrono::{NaiveDate, TimeDelta};
use truecount::model::{Gap, Outcome, Status, Timestamp};

use super::fake::life::Life;

fn plan(event: &str) -> String {
    format!(
        r#"
[project]
name = "Shop"
timezone = "Europe/Berlin"
[source.web]
type = "files"
path = "counts.csv"
rows = "counts"
every = "hour"
arrives = "1 hour"
settles = "1 hour"
{event}
[route.default]
webhook = {{ file = "nobody.txt" }}
"#
    )
}

/// Ninety days under the former name, then five under the new one.
fn counts(until: i64) -> String {
    let mut text = String::from("date,event,count\n");
    let renamed = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
    for day in -90..until {
        let name = if day < 0 { "order_paid" } else { "purchase" };
        let date = renamed + TimeDelta::days(day);
        writeln!(text, "{date},{name},{}", 300 + (day * 37).rem_euclid(40)).unwrap();
    }
    text
}

async fn judged(after: &str) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counts.csv");
    std::fs::write(&file, counts(-1)).unwrap();
    let (october, november): (Timestamp, Timestamp) = (
        "2026-10-31T10:30:00Z".parse().unwrap(),
        "2026-11-06T10:30:00Z".parse().unwrap(),
    );
    let life = Life::begin(folder, &plan("[event.order_paid]"), october).await;
    life.tick(october).await;
    life.tick(october + TimeDelta::hours(1)).await;
    std::fs::write(&file, counts(5)).unwrap();
    let life = life.replanned(&plan(after), november).await;
    life.tick(november).await;
    life.tick(november + TimeDelta::hours(1)).await;
    let seen = life.world.store.latest().await.unwrap();
    let one = seen
        .iter()
        .find(|one| one.check.as_str() == "purchase.volume");
    one.unwrap().outcome.clone()
}

#[tokio::test]
async fn a_renamed_event_is_judged_by_what_it_was() {
    let renamed = judged("[event.purchase]\nwas = \"order_paid\"").await;
    assert_eq!(renamed.status(), Some(Status::Ok), "{renamed:?}");
    let unrelated = judged("[event.purchase]").await;
    assert!(
        matches!(unrelated, Outcome::NoData(Gap::TooFew { .. })),
        "{unrelated:?}"
    );
}
