//! P5 against a real process: sources break and recover again and again while the daemon is killed
//! and its receiver fails. Nothing is told out of order, no end without its beginning, and what
//! was told last is what is true.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};

use super::rig::receiver::{Arrival, Manner, Receiver};
use super::rig::{PATIENCE, Rig, body};

const BINARY: &str = env!("CARGO_BIN_EXE_truecount");

const SOURCES: usize = 18;

/// Each ends by a kill, and the next begins a day later.
const LIVES: u32 = 15;

const APART: TimeDelta = TimeDelta::days(1);

/// The day before each life: a source breaks, recovers, and stays so for a day.
async fn push(rig: &Rig, start: TimeDelta, life: u32) {
    let today = (Utc::now() + start + APART * i32::try_from(life).unwrap()).date_naive();
    for source in 0..SOURCES {
        let count = match (source + life as usize) % 3 {
            0 => 0,
            _ => 100 + u64::from(life) * 7 % 11,
        };
        rig.hand_over(body(source, today, 1..=1, |_| count)).await;
    }
}

/// Every ninth call is refused for now, every thirteenth is cut off, some come in a row.
fn failing(call: usize) -> Manner {
    let status = match call {
        call if call % 40 >= 38 => 503,
        call if call % 9 == 4 => 503,
        call if call % 13 == 6 => 0,
        _ => 204,
    };
    Manner {
        delay: Duration::from_millis(15),
        status,
        retry_after: None,
    }
}

/// What the receiver knows of one incident, oldest first: revision, type, reason. What was cut off
/// had been read, so it counts too.
fn heard(arrivals: &[Arrival]) -> BTreeMap<String, Vec<(u32, String, String)>> {
    let mut heard: BTreeMap<String, Vec<(u32, String, String)>> = BTreeMap::new();
    for one in arrivals
        .iter()
        .filter(|one| one.was_taken() || one.status == 0)
    {
        if !one.kind().starts_with("incident.") {
            continue;
        }
        let number = one.field("/data/number");
        assert!(!number.is_empty(), "each by itself: {}", one.body);
        let word = (
            one.field("/data/revision").parse().unwrap(),
            one.kind(),
            one.field("/data/reason"),
        );
        heard.entry(number).or_default().push(word);
    }
    heard
}

#[derive(Debug, Default)]
struct Tally {
    incidents: usize,
    messages: usize,
    repeats: usize,
    openings: usize,
    endings: usize,
    flapping: usize,
}

/// Order and pairing of everything that was told.
fn judge(heard: &BTreeMap<String, Vec<(u32, String, String)>>) -> Tally {
    let mut tally = Tally {
        incidents: heard.len(),
        ..Tally::default()
    };
    for (number, words) in heard {
        let mut is_open = false;
        let mut before: Option<&(u32, String, String)> = None;
        for word in words {
            tally.messages += 1;
            if before == Some(word) {
                tally.repeats += 1;
                continue;
            }
            let (revision, kind, reason) = word;
            if let Some((earlier, ..)) = before {
                assert!(revision >= earlier, "{number} is overtaken: {words:?}");
            }
            match kind.as_str() {
                "incident.opened" => {
                    is_open = true;
                    tally.openings += 1;
                }
                "incident.resolved" if reason == "past" => {
                    assert!(before.is_none(), "{number}: told before: {words:?}");
                    tally.endings += 1;
                }
                "incident.resolved" => {
                    assert!(is_open, "{number} ends without a beginning: {words:?}");
                    is_open = false;
                    tally.endings += 1;
                }
                _ => {
                    // After the notice of flapping it may open again unheard.
                    if reason == "flapping" {
                        tally.flapping += 1;
                        is_open = true;
                    }
                    assert!(is_open, "{number} changes unopened: {words:?}");
                }
            }
            before = Some(word);
        }
    }
    tally
}

/// The incidents of the database: number, whether it is over, whether anybody should know of it.
fn known(rig: &Rig) -> Vec<(String, bool, u32)> {
    let database = rig.database();
    let mut statement = database
        .prepare("SELECT number, resolved_at IS NOT NULL, revision FROM incident WHERE number IS NOT NULL")
        .unwrap();
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, i64>(0)?.to_string(), row.get(1)?, row.get(2)?))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flapping_under_kills_is_told_in_order_and_ends_in_what_is_true() {
    let hook = Receiver::start().await;
    hook.behave(|_, call| failing(call));
    let mut rig = Rig::new(BINARY, SOURCES, &hook, "wait = \"0 min\"");
    let start = -APART * i32::try_from(LIVES).unwrap();
    let today = (Utc::now() + start).date_naive();
    rig.live_at(start);
    let mut daemon = rig.serve().await;
    for source in 0..SOURCES {
        let history = body(source, today, 1..=42, |ago| 100 + ago * 7 % 11);
        rig.hand_over(history).await;
    }
    for life in 1..=LIVES {
        daemon.end("KILL").await;
        rig.live_at(start + APART * i32::try_from(life).unwrap());
        daemon = rig.serve().await;
        push(&rig, start, life).await;
        // Killed in the middle of what this brings, each time a little later.
        let before = hook.count();
        let share = 6 + life as usize * 5 % 13;
        let since = Instant::now();
        while hook.count() < before + share && since.elapsed() < Duration::from_secs(6) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(40 * u64::from(life % 3))).await;
    }
    // The receiver is well again, and everything comes to rest.
    hook.behave(|_, _| Manner {
        status: 204,
        ..Manner::default()
    });
    let begun = Instant::now();
    let mut quiet = (hook.count(), Instant::now());
    let waiting = || -> i64 {
        let database = rig.database();
        let sql = "SELECT count(*) FROM letter WHERE state <> 'delivered'";
        database.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    while quiet.1.elapsed() < Duration::from_secs(4) || waiting() > 0 {
        assert!(begun.elapsed() < PATIENCE * 2, "{}", rig.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
        if hook.count() != quiet.0 {
            quiet = (hook.count(), Instant::now());
        }
    }
    assert!(daemon.end("TERM").await.0.success());

    let arrivals = hook.arrivals();
    let heard = heard(&arrivals);
    let tally = judge(&heard);
    let refused = arrivals.iter().filter(|one| !one.was_taken()).count();
    println!("{tally:?}, {refused} calls refused or cut off, {LIVES} kills");
    assert!(refused >= 10, "the receiver did fail: {refused}");
    assert!(
        tally.incidents >= SOURCES && tally.openings >= SOURCES * 2 && tally.endings >= SOURCES * 2,
        "they did flap: {tally:?}"
    );
    for (number, is_over, revision) in known(&rig) {
        let words = heard.get(&number);
        let Some((told, kind, reason)) = words.and_then(|words| words.last()) else {
            panic!("incident {number} was never told: {}", rig.log());
        };
        if reason == "flapping" {
            continue;
        }
        assert_eq!(
            (kind == "incident.resolved", *told),
            (is_over, revision),
            "incident {number} is not what was told last: {words:?}"
        );
    }
}
