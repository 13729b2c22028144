//! Work never starves the answer to "are you alive": `/healthz` is asked every 100 ms while many
//! series are judged.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use chrono::{Days, Utc};

use super::rig::receiver::Receiver;
use super::rig::{PATIENCE, Rig};

const BINARY: &str = env!("CARGO_BIN_EXE_truecount");

/// Events of the one source: each with its checks.
const EVENTS: usize = 600;

/// Two cores may be shared with a dozen other programs.
const LONGEST: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_health_route_answers_while_many_series_are_judged() {
    let hook = Receiver::start().await;
    let rig = Rig::new(BINARY, 1, &hook, "wait = \"0 min\"");
    let mut plan = rig.plan("wait = \"0 min\"");
    plan.push_str("[source.many]\ntype = \"files\"\npath = \"many.csv\"\nevery = \"1 minute\"\n");
    let mut rows = "date,event,count\n".to_owned();
    for event in 0..EVENTS {
        writeln!(plan, "[event.m{event}]\nin.many = \"m{event}\"").unwrap();
        for ago in 1..=70 {
            let day = Utc::now().date_naive() - Days::new(ago);
            writeln!(
                rows,
                "{day},m{event},{}",
                100 + (ago * 7 + event as u64) % 11
            )
            .unwrap();
        }
    }
    rig.write("many.csv", &rows);
    rig.write("truecount.toml", &plan);
    let daemon = rig.serve().await;
    let (begun, mut waits) = (Instant::now(), Vec::new());
    let judged = || {
        let log = rig.whole_log();
        log.lines()
            .filter(|line| line.contains("results,"))
            .filter_map(|line| {
                line.split("judged ")
                    .nth(1)?
                    .split(' ')
                    .next()?
                    .parse()
                    .ok()
            })
            .filter(|count: &usize| *count >= EVENTS)
            .count()
    };
    while judged() < 3 || waits.len() < 50 {
        assert!(begun.elapsed() < PATIENCE * 2, "{}", rig.log());
        let asked = Instant::now();
        let answer = tokio::time::timeout(PATIENCE, rig.get("/healthz")).await;
        assert!(matches!(answer, Ok(Some(_))), "{answer:?}: {}", rig.log());
        waits.push(asked.elapsed());
        // Counts that come meanwhile make for the next round.
        if waits.len().is_multiple_of(4) {
            rig.push_drop(0..1).await;
            rig.push_recovery(0..1).await;
        }
        tokio::time::sleep(Duration::from_millis(100).saturating_sub(asked.elapsed())).await;
    }
    assert!(daemon.end("TERM").await.0.success());
    waits.sort();
    let longest = *waits.last().unwrap();
    println!(
        "{} answers while {} rounds over {EVENTS} events were judged, middle {:?}, longest {longest:?}",
        waits.len(),
        judged(),
        waits[waits.len() / 2]
    );
    assert!(longest < LONGEST, "{longest:?}");
}
