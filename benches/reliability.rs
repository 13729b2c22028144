//! Kills a real daemon while it delivers, and says what was lost, what came twice and how long a
//! letter takes: `cargo bench --bench reliability -- [SOURCES]`, 5,000 unless given.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]
#![expect(clippy::unwrap_used, reason = "a rig stops at the first surprise")]
#![expect(
    clippy::disallowed_methods,
    reason = "a real process lives by the real clock"
)]

#[path = "../tests/it/promise/rig/mod.rs"]
mod rig;

use std::time::{Duration, Instant};

use rig::Rig;
use rig::receiver::{Manner, Receiver};
use rig::storm::storm;

const BINARY: &str = env!("CARGO_BIN_EXE_truecount");
const KILLS: usize = 10;

fn main() {
    let sources = std::env::args()
        .skip(1)
        .find_map(|word| word.parse().ok())
        .unwrap_or(5_000);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        latency(200).await;
        patience(20).await;
        println!("\n{sources} sources, one event each, no grouping, no daily limit");
        println!("| run | lost | repeated | repeats under another key | slowest clean stop | s |");
        println!("| --- | --- | --- | --- | --- | --- |");
        for (name, route, signal, kills) in [
            ("no kill", "wait = \"0 min\"", "KILL", 0),
            ("10 × kill -9", "wait = \"0 min\"", "KILL", KILLS),
            (
                "10 × kill -9, group wait 2 s",
                "wait = \"2 seconds\"",
                "KILL",
                KILLS,
            ),
            ("10 × SIGTERM", "wait = \"0 min\"", "TERM", KILLS),
        ] {
            let hook = Receiver::start().await;
            let rig = Rig::new(BINARY, sources, &hook, route);
            let seen = Box::pin(storm(&rig, &hook, kills, signal, Duration::from_millis(5))).await;
            assert!(seen.whole, "the database is damaged");
            println!(
                "| {name} | {} | {} | {} | {} ms | {:.0} |",
                seen.lost,
                seen.extra,
                seen.keyless,
                seen.slowest_stop.as_millis(),
                seen.took.as_secs_f64()
            );
        }
    });
}

/// A person takes an incident: from the call that commits it to the webhook, one at a time.
async fn latency(count: usize) {
    let hook = Receiver::start().await;
    let rig = Rig::new(BINARY, 1, &hook, "wait = \"0 min\"");
    let daemon = rig.serve().await;
    rig.push_history().await;
    rig.push_drop(0..1).await;
    rig.until("the opening", || hook.opened() >= 1, || hook.opened())
        .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut took = Vec::new();
    for turn in 0..count {
        let before = hook.count();
        let begun = Instant::now();
        let body = format!("{{\"by\":\"person {turn}\"}}");
        let answer = rig.post("/api/v1/incidents/1/acknowledge", body).await;
        let (status, text) = answer.unwrap();
        assert_eq!(status, 200, "{text}");
        while hook.count() == before {
            assert!(begun.elapsed() < rig::PATIENCE, "{}", rig.log());
            tokio::task::yield_now().await;
        }
        took.push(hook.arrivals()[before].at - begun);
        // Rounds that the change stirs up are not part of the figure.
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    daemon.end("TERM").await;
    took.sort();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    println!(
        "call of the API (with its commit) to webhook, {count} one after another: best {:.1} / p50 {:.1} / p99 {:.1} / worst {:.1} ms",
        at(0),
        at(50),
        at(99),
        at(100)
    );
}

/// The first try of every letter is answered 429 with `Retry-After: 1`.
async fn patience(count: usize) {
    let hook = Receiver::start().await;
    hook.behave(|times, _| Manner {
        status: if times == 0 { 429 } else { 204 },
        retry_after: (times == 0).then(|| "1".to_owned()),
        ..Manner::default()
    });
    let rig = Rig::new(BINARY, 1, &hook, "wait = \"0 min\"");
    let daemon = rig.serve().await;
    rig.push_history().await;
    rig.push_drop(0..1).await;
    rig.until("openings", || hook.opened() >= 1, || hook.opened())
        .await;
    let mut took = Vec::new();
    for turn in 0..count {
        let before = hook.count();
        let body = format!("{{\"by\":\"person {turn}\"}}");
        rig.post("/api/v1/incidents/1/acknowledge", body)
            .await
            .unwrap();
        rig.until("second try", || hook.count() >= before + 2, || hook.count())
            .await;
        let arrivals = hook.arrivals();
        took.push(arrivals[before + 1].at - arrivals[before].at);
    }
    daemon.end("TERM").await;
    took.sort();
    println!(
        "429 with `Retry-After: 1`, then taken, {count} letters: p50 {:.2} / worst {:.2} s after the first try",
        took[took.len() / 2].as_secs_f64(),
        took[took.len() - 1].as_secs_f64()
    );
}
