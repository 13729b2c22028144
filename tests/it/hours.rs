//! Hours beside days: an outage is told in the hour in which it is plain, once, and its day adds
//! no second message.

use std::fmt::Write as _;

use chrono::{TimeDelta, Timelike};
use truecount::incident::State;
use truecount::model::{Grain, Status, Timestamp};
use truecount::notify::Reason;

use super::fake::life::Life;

const PLAN: &str = r#"
[project]
name = "Shop"
timezone = "Europe/Berlin"

[source.orders]
type = "sql"
url = "sqlite:shop.db"
every = "hour"
arrives = "5 minutes"
settles = "10 minutes"

[event.purchase]
in.orders = { table = "orders", date = "paid_at" }

[route.default]
webhook = { file = "nobody.txt" }
wait = "0 minutes"
remind = "0 minutes"
"#;

/// Orders of one hour: more by day than by night, with the noise of dice.
fn orders(hour: Timestamp, usual: f64) -> usize {
    let local = hour.with_timezone(&chrono_tz::Europe::Berlin);
    let by_day = if (7..22).contains(&local.hour()) {
        1.0
    } else {
        0.4
    };
    let mean = usual * by_day;
    let mut state = u64::try_from(hour.timestamp()).unwrap();
    let mut sum = -6.0;
    for _ in 0..12 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        sum += (state >> 33) as f64 / f64::from(1_u32 << 31);
    }
    let count = (mean + sum * mean.sqrt()).round().max(0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small and not negative"
    )]
    let count = count as usize;
    count
}

fn insert(database: &rusqlite::Connection, hour: Timestamp, count: usize) {
    let mut script = String::from("BEGIN;");
    for minute in 0..count {
        let at = hour + TimeDelta::seconds(i64::try_from(minute * 3600 / count.max(1)).unwrap());
        write!(
            script,
            "INSERT INTO orders VALUES ('{}');",
            at.format("%Y-%m-%d %H:%M:%S")
        )
        .unwrap();
    }
    database.execute_batch(&(script + "COMMIT;")).unwrap();
}

/// Lives from an hour on; `orders_of` says what each hour brings.
async fn live(
    from: Timestamp,
    hours: i64,
    usual: f64,
    changed: impl Fn(Timestamp, usize) -> usize,
) -> (Life, Vec<(Timestamp, Reason)>) {
    let folder = tempfile::tempdir().unwrap();
    let database = rusqlite::Connection::open(folder.path().join("shop.db")).unwrap();
    database
        .execute_batch("CREATE TABLE orders (paid_at TEXT); PRAGMA synchronous = OFF;")
        .unwrap();
    for back in (1..=24 * 49).rev() {
        let hour = from - TimeDelta::hours(back);
        insert(&database, hour, orders(hour, usual));
    }
    let life = Life::begin(folder, PLAN, from).await;
    let mut told = Vec::new();
    for step in 0..hours {
        let hour = from + TimeDelta::hours(step);
        // Ten minutes past the hour: the hour before is complete.
        let now = hour + TimeDelta::minutes(10);
        if step > 0 {
            let before = hour - TimeDelta::hours(1);
            insert(&database, before, changed(before, orders(before, usual)));
        }
        life.tick(now).await;
        let all = life.told().await;
        told.extend(
            all.into_iter()
                .skip(told.len())
                .map(|reason| (hour, reason)),
        );
    }
    (life, told)
}

#[tokio::test]
async fn an_outage_is_told_within_two_hours_and_its_day_is_no_second_message() {
    let from: Timestamp = "2026-10-14T00:00:00Z".parse().unwrap();
    let (began, ended): (Timestamp, Timestamp) = (
        "2026-10-15T10:00:00Z".parse().unwrap(),
        "2026-10-15T17:00:00Z".parse().unwrap(),
    );
    let outage = |hour: Timestamp, count: usize| {
        if hour >= began && hour < ended {
            0
        } else {
            count
        }
    };
    let (life, told) = live(from, 24 * 3, 80.0, outage).await;
    let incidents = life.incidents().await;
    assert_eq!(incidents.len(), 1, "{incidents:#?}");
    let one = &incidents[0];
    assert_eq!(one.first.grain, Grain::Hour);
    assert_eq!(one.first.start, began);
    assert_eq!(one.status, Status::Failing);
    assert!(
        matches!(one.state, State::Resolved { .. }),
        "{:?}",
        one.state
    );
    let reasons: Vec<Reason> = told.iter().map(|(_, reason)| *reason).collect();
    assert_eq!(reasons, [Reason::Opened, Reason::Resolved], "{told:?}");
    assert!(told[0].0 - began <= TimeDelta::hours(2), "{told:?}");
    assert!(told[1].0 - ended <= TimeDelta::hours(4), "{told:?}");
}

#[tokio::test]
async fn the_hours_of_a_quiet_event_are_not_asked_for_and_a_quiet_week_says_nothing() {
    let from: Timestamp = "2026-10-21T00:00:00Z".parse().unwrap();
    let (life, told) = live(from, 24 * 2, 10.0, |_, count| count).await;
    assert!(told.is_empty(), "{told:?}");
    let seen = life.world.store.latest().await.unwrap();
    assert!(
        seen.iter()
            .any(|one| one.check.as_str() == "purchase.volume")
    );
    assert!(seen.iter().all(|one| one.bucket.grain == Grain::Day));
    // Busy, through the night in which clocks go back.
    let (life, told) = live(from, 24 * 6, 80.0, |_, count| count).await;
    assert!(told.is_empty(), "{told:?}");
    let seen = life.world.store.latest().await.unwrap();
    let hour = seen
        .iter()
        .find(|one| one.bucket.grain == Grain::Hour)
        .unwrap();
    assert_eq!(hour.outcome.status(), Some(Status::Ok));
}
