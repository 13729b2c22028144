//! P19: a database of an earlier release is copied, brought up to date, and loses nothing; a kill in
//! between changes nothing of that.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rusqlite::Connection;
use truecount::app;
use truecount::model::{Name, Window};
use truecount::store::Memory;

use super::at;

/// As the first schema wrote it.
const FIRST: &str = include_str!("../../fixture/database/schema-1.sql");

/// The plan under which it was written.
const PLAN: &str = "[project]\nname = \"Acme shop\"\ntimezone = \"Europe/Berlin\"\n\n[source.web]\ntype = \"files\"\npath = \"web.csv\"\n\n[event.purchase]\nin.web = \"purchase\"\n";

/// Tables that are to keep every row, with what an upgrade may not change of them.
const KEPT: &[(&str, &str)] = &[
    ("reading", "count(*) || '/' || sum(value)"),
    ("series", "count(*) || '/' || group_concat(hex(id))"),
    ("evaluation", "count(*) || '/' || sum(length(row))"),
    ("incident", "count(*) || '/' || sum(length(row))"),
    ("letter", "group_concat(hex(id) || state || length(body))"),
    ("told", "count(*)"),
    ("mark", "group_concat(name)"),
    ("silence", "count(*)"),
    ("token", "group_concat(name || scope || hex(hash))"),
    ("slot", "count(*)"),
];

fn facts(database: &Connection) -> Vec<String> {
    let fact = |(table, what): &(&str, &str)| {
        let sql = format!("SELECT {what} FROM {table}");
        let found: rusqlite::types::Value = database.query_row(&sql, [], |row| row.get(0)).unwrap();
        format!("{table} {found:?}")
    };
    KEPT.iter().map(fact).collect()
}

fn schema(database: &Connection) -> u32 {
    database
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap()
}

fn first(path: &Path) -> Vec<String> {
    let database = Connection::open(path).unwrap();
    database.execute_batch(FIRST).unwrap();
    database.pragma_update(None, "journal_mode", "WAL").unwrap();
    assert_eq!(schema(&database), 1);
    facts(&database)
}

#[tokio::test]
async fn the_first_schema_is_read_whole_after_a_copy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truecount.db");
    let before = first(&path);
    let now = at("2026-11-26T12:00:00Z");
    let store: std::sync::Arc<dyn Memory> =
        app::open_store(&path, &Name::clean("acme-shop"), now).unwrap();
    let open = store.incidents(now).await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].number, Some(1));
    let tokens = store.tokens().await.unwrap();
    let names: Vec<&str> = tokens.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["jon", "mara", "x"]);
    assert!(tokens.iter().all(|one| one.ends_at.is_none()));
    let week = Window {
        from: at("2026-11-01T00:00:00Z"),
        to: now,
    };
    assert_eq!(store.marks(week).await.unwrap().len(), 1);
    assert_eq!(store.silences(now).await.unwrap().len(), 1);
    assert!(
        store.next_letter().await.unwrap().is_some(),
        "its letter still waits"
    );
    store.integrity().await.unwrap();
    drop(store);
    let database = Connection::open(&path).unwrap();
    let newest = schema(&database);
    assert!(newest > 1);
    assert_eq!(facts(&database), before);
    // The copy is what was there before, and it is what a return to the old release needs.
    let copy = folder
        .path()
        .join(format!("truecount.before-schema-{newest}.db"));
    let copy = Connection::open(copy).unwrap();
    assert_eq!(schema(&copy), 1);
    assert_eq!(facts(&copy), before);
}

/// Opens the database by a real command.
fn list(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_truecount"));
    command
        .current_dir(folder)
        .args(["incident", "list"])
        .env_clear()
        .stdin(Stdio::null());
    command
}

#[test]
fn an_upgrade_that_is_killed_again_and_again_converges() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("truecount.toml"), PLAN).unwrap();
    let path = folder.path().join("truecount.db");
    let before = first(&path);
    let mut killed = 0;
    for pause in (0..120).step_by(4) {
        let mut child = list(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(pause));
        child.kill().unwrap();
        killed += usize::from(!child.wait().unwrap().success());
        let database = Connection::open(&path).unwrap();
        assert_eq!(facts(&database), before, "after {pause} ms");
    }
    assert!(killed > 3, "{killed} kills");
    let done = list(folder.path()).output().unwrap();
    let shown = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{done:?}");
    assert!(
        shown.contains("#1") && shown.contains("Purchase"),
        "{shown}"
    );
    let copies: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("before-schema"))
        .filter(|path| path.extension().is_some_and(|end| end == "db"))
        .collect();
    assert_eq!(copies.len(), 1, "{copies:?}");
    let copy = Connection::open(&copies[0]).unwrap();
    assert_eq!((schema(&copy), facts(&copy)), (1, before));
}
