//! P1 to P3: no alert is lost, few are repeated, a clean stop loses and repeats nothing.

use std::time::Duration;

use super::rig::Rig;
use super::rig::receiver::Receiver;
use super::rig::storm::{Outcome, storm};

const BINARY: &str = env!("CARGO_BIN_EXE_truecount");

/// Sources in the tests; `cargo bench --bench reliability` has 5,000.
const SOURCES: usize = 150;
const KILLS: usize = 10;

async fn after(route: &str, signal: &str) -> Outcome {
    let hook = Receiver::start().await;
    let rig = Rig::new(BINARY, SOURCES, &hook, route);
    Box::pin(storm(&rig, &hook, KILLS, signal, Duration::from_millis(10))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_kills_lose_nothing_and_repeat_at_most_what_was_in_flight() {
    let outcome = after("wait = \"0 min\"", "KILL").await;
    assert_eq!((outcome.lost, outcome.keyless), (0, 0), "{outcome:?}");
    assert!(outcome.extra <= KILLS * 8, "{outcome:?}");
    assert!(outcome.whole);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_kills_during_a_group_wait_lose_nothing() {
    let outcome = after("wait = \"2 seconds\"", "KILL").await;
    assert_eq!((outcome.lost, outcome.keyless), (0, 0), "{outcome:?}");
    assert!(outcome.extra <= KILLS * 8, "{outcome:?}");
    assert!(outcome.whole);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_clean_stops_lose_and_repeat_nothing() {
    let outcome = after("wait = \"0 min\"", "TERM").await;
    assert_eq!(
        (outcome.lost, outcome.extra, outcome.keyless),
        (0, 0, 0),
        "{outcome:?}"
    );
    assert!(
        outcome.slowest_stop < Duration::from_secs(10),
        "{outcome:?}"
    );
}
