//! P18: a full or locked disk is survived: the process lives, says so by ways that need no database,
//! recovers alone, and the database is whole.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

use super::rig::receiver::Receiver;
use super::rig::{Daemon, PATIENCE, Rig};

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
    rig.write_watched();
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
    let remark = told(&rig, &hook, "truecount.trouble").await;
    assert!(remark.contains("cannot write its database"), "{remark}");
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

/// Waits until the message of this kind was taken, and returns it: told past the outbox, once.
async fn told(rig: &Rig, hook: &Receiver, kind: &str) -> String {
    let found = || {
        let all = hook.arrivals().into_iter();
        all.filter(|one| one.kind() == kind).collect::<Vec<_>>()
    };
    let begun = Instant::now();
    while found().is_empty() {
        assert!(begun.elapsed() < PATIENCE, "no {kind}: {}", rig.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let found = found();
    assert_eq!(found.len(), 1, "once");
    found[0].field("/data/remark")
}

/// Five sources that are known, and a daemon that watches them. Nothing is wrong yet.
async fn begin(rig: &Rig) -> Daemon {
    rig.write_watched();
    let daemon = rig.serve().await;
    rig.push_history().await;
    rig.next_rounds(1).await;
    daemon
}

/// Asks until the answer to a mark is not `201`.
async fn refused(rig: &Rig, daemon: &mut Daemon) -> (u16, String) {
    let begun = Instant::now();
    for number in 0.. {
        let body = format!(r#"{{"name":"release {number}","kind":"release"}}"#);
        if let Some((status, text)) = rig.post("/api/v1/marks", body).await
            && status != 201
        {
            return (status, text);
        }
        assert!(begun.elapsed() < PATIENCE, "{}", rig.log());
        assert!(daemon.child.try_wait().unwrap().is_none(), "it lives");
    }
    unreachable!("the loop ends by an answer or by a failure")
}

/// While nothing can be written: it lives, is read, says that it is not ready, and says it in numbers.
async fn limps(rig: &Rig) {
    assert_eq!(rig.get("/healthz").await.as_deref(), Some("ok\n"));
    assert!(rig.get("/api/v1/checks").await.is_some(), "it is read");
    assert!(rig.get("/readyz").await.is_none(), "it is not ready");
}

/// Everything works again: what comes now is kept and told, and the database is whole.
async fn recovers(rig: &Rig, hook: &Receiver, mut daemon: Daemon, database: &Path) {
    let remark = told(rig, hook, "truecount.recovered").await;
    assert!(remark.contains("writes its database again"), "{remark}");
    assert!(rig.get("/readyz").await.is_some(), "ready again");
    rig.push_drop(0..5).await;
    rig.until("alerts", || hook.opened() >= 5, || hook.count())
        .await;
    let ended = daemon.child.try_wait().unwrap();
    assert!(ended.is_none(), "the same process");
    let whole: String = Connection::open(database)
        .unwrap()
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(whole, "ok");
    assert!(daemon.end("TERM").await.0.success());
}

/// Writes until the disk is full; the file is the last byte of room.
fn fill(path: &Path) {
    let mut file = fs::File::create(path).unwrap();
    for size in [1 << 16, 1 << 12, 1] {
        while file.write_all(&vec![0x5a; size]).is_ok() {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_and_survived() {
    let (hook, watcher) = (Receiver::start().await, Receiver::start().await);
    let rig = Rig::new(BINARY, 5, &hook, "wait = \"0 min\"")
        .set("BEAT", &watcher.address)
        .small_disk(8);
    let mut daemon = begin(&rig).await;
    let disk = daemon.sees(&rig.folder.path().join("disk"));
    fill(&disk.join("filler"));
    let (status, text) = refused(&rig, &mut daemon).await;
    assert_eq!(status, 507, "{text}");
    limps(&rig).await;
    let remark = told(&rig, &hook, "truecount.trouble").await;
    assert!(
        remark.contains("full") && remark.contains("goes on by itself"),
        "{remark}"
    );
    assert!(
        rig.log().contains("cannot write its database since"),
        "{}",
        rig.log()
    );
    let numbers = rig.get("/metrics").await.unwrap();
    assert!(numbers.contains("truecount_store_writable 0"), "{numbers}");
    fs::remove_file(disk.join("filler")).unwrap();
    recovers(&rig, &hook, daemon, &disk.join("truecount.db")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_database_is_told_and_survived() {
    let (hook, watcher) = (Receiver::start().await, Receiver::start().await);
    let rig = Rig::new(BINARY, 5, &hook, "wait = \"0 min\"").set("BEAT", &watcher.address);
    let mut daemon = begin(&rig).await;
    // Another process holds the lock of writers and does not let go.
    let mut other = rig.database();
    let lock = other
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .unwrap();
    let (status, text) = refused(&rig, &mut daemon).await;
    assert_eq!(status, 503, "{text}");
    assert!(
        text.contains("busy") && text.contains("try again"),
        "{text}"
    );
    limps(&rig).await;
    let remark = told(&rig, &hook, "truecount.trouble").await;
    assert!(
        remark.contains("busy") && remark.contains("end what locks it"),
        "{remark}"
    );
    drop(lock);
    let database = rig.folder.path().join("truecount.db");
    recovers(&rig, &hook, daemon, &database).await;
}
