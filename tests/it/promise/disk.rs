//! P18: a full disk is survived: the process lives, says so outside the database, recovers alone.

use std::process::Command;
use std::time::{Duration, Instant};

use super::rig::receiver::Receiver;
use super::rig::{PATIENCE, Rig};

const BINARY: &str = env!("CARGO_BIN_EXE_truecount");

/// No file of the process may grow beyond this many bytes: what a quota does.
fn limit(process: u32, bytes: &str) {
    let done = Command::new("prlimit")
        .args([
            &format!("--pid={process}"),
            &format!("--fsize={bytes}:unlimited"),
        ])
        .status();
    assert!(done.unwrap().success(), "prlimit is part of util-linux");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_without_room_stops_nothing_but_what_needs_it() {
    let (hook, watcher) = (Receiver::start().await, Receiver::start().await);
    let rig = Rig::new(BINARY, 5, &hook, "wait = \"0 min\"").set("BEAT", &watcher.address);
    let plan = format!(
        "{}\n[heartbeat]\nurl = {{ env = \"BEAT\" }}\n",
        rig.plan("wait = \"0 min\"")
    );
    rig.write("truecount.toml", &plan);
    let mut daemon = rig.serve().await;
    rig.push_history().await;
    rig.next_rounds(1).await;
    assert!(rig.get("/readyz").await.is_some());
    limit(daemon.child.id(), "4096");
    // Counts are refused while they cannot be kept: nothing is accepted and lost.
    let begun = Instant::now();
    let refused = loop {
        let body = r#"{"name":"a release","kind":"release"}"#.to_owned();
        let answer = rig.post("/api/v1/marks", body).await;
        if let Some((status, text)) = answer.filter(|(status, _)| *status != 201) {
            break (status, text);
        }
        assert!(begun.elapsed() < PATIENCE, "{}", rig.log());
        assert!(daemon.child.try_wait().unwrap().is_none(), "it lives");
    };
    assert!(refused.0 >= 500, "{refused:?}");
    assert_eq!(
        rig.get("/healthz").await.as_deref(),
        Some("ok\n"),
        "it lives"
    );
    assert!(rig.get("/api/v1/checks").await.is_some(), "and is read");
    let told = hook.count();
    limit(daemon.child.id(), "unlimited");
    // No restart, no hand: the next counts are taken and told.
    rig.push_drop(0..5).await;
    rig.until("alerts", || hook.opened() >= 5, || hook.count())
        .await;
    assert!(hook.count() >= told + 5);
    assert!(
        daemon.child.try_wait().unwrap().is_none(),
        "the same process"
    );
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(daemon.end("TERM").await.0.success());
    let whole: String = rig
        .database()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(whole, "ok");
}
