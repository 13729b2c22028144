//! Everything opens while the daemon dies ten times: what was lost, what came twice.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::Rig;
use super::receiver::{Manner, Receiver};

/// What a storm did.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    /// Sources whose loss was accepted and never told.
    pub(crate) lost: usize,
    /// Calls beyond the first of each key.
    pub(crate) extra: usize,
    /// Sources that were told under more than one key: a repeat nobody could recognise.
    pub(crate) keyless: usize,
    /// The database is whole.
    pub(crate) whole: bool,
    /// The slowest clean stop.
    pub(crate) slowest_stop: Duration,
    /// From the first kill to the last letter.
    pub(crate) took: Duration,
}

/// Pushes a drop of every source and ends the daemon `kills` times by `signal` while it delivers.
pub(crate) async fn storm(
    rig: &Rig,
    hook: &Receiver,
    kills: usize,
    signal: &str,
    delay: Duration,
) -> Outcome {
    hook.behave(move |_, _| Manner {
        delay,
        status: 204,
        retry_after: None,
    });
    let mut daemon = rig.serve().await;
    rig.push_history().await;
    rig.next_rounds(1).await;
    assert_eq!(hook.count(), 0, "nothing is wrong yet");
    let pushing = rig.push_drop(0..rig.count);
    tokio::pin!(pushing);
    let mut pushed = false;
    let begun = Instant::now();
    let mut slowest = Duration::ZERO;
    for kill in 1..=kills {
        let share = rig.count * kill / (kills + 2);
        let reached = rig.until("delivery", || hook.taken() >= share, || hook.taken());
        tokio::pin!(reached);
        loop {
            tokio::select! {
                () = &mut pushing, if !pushed => pushed = true,
                () = &mut reached => break,
            }
        }
        let (status, took) = daemon.end(signal).await;
        assert!(
            signal == "KILL" || status.success(),
            "{status:?}: {}",
            rig.log()
        );
        slowest = slowest.max(took);
        daemon = rig.serve().await;
    }
    if !pushed {
        pushing.await;
    }
    let told = || hook.opened();
    rig.until("the rest", || told() >= rig.count, told).await;
    // Whatever else is on its way must come too.
    let mut quiet = (hook.count(), Instant::now());
    while quiet.1.elapsed() < Duration::from_secs(2) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if hook.count() != quiet.0 {
            quiet = (hook.count(), Instant::now());
        }
    }
    let took = quiet.1 - begun;
    let (status, stop) = daemon.end("TERM").await;
    assert!(status.success(), "{status:?}: {}", rig.log());
    Outcome {
        slowest_stop: slowest.max(stop),
        took,
        ..judged(rig, hook)
    }
}

/// What the receiver and the database say when everything has come to rest.
fn judged(rig: &Rig, hook: &Receiver) -> Outcome {
    let database = rig.database();
    let waiting: i64 = database
        .query_row(
            "SELECT count(*) FROM letter WHERE state <> 'delivered'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(waiting, 0, "the outbox is empty");
    let whole: String = database
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    let arrivals = hook.arrivals();
    let opened: BTreeSet<(String, String)> = arrivals
        .iter()
        .filter(|one| one.field("/type") == "incident.opened")
        .map(|one| (one.field("/data/source"), one.key.clone()))
        .collect();
    Outcome {
        lost: rig.count - hook.opened(),
        extra: arrivals.len() - hook.taken(),
        keyless: opened.len() - hook.opened(),
        whole: whole == "ok",
        slowest_stop: Duration::ZERO,
        took: Duration::ZERO,
    }
}
