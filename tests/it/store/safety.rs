//! Copies, damage, and databases of other versions.

use std::fs;

use chrono::NaiveDate;
use truecount::model::AsOf;

use super::{at, day, open, push, seen, values};

#[tokio::test]
async fn the_newest_backups_are_kept_and_hold_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truecount.db");
    let now = at("2026-06-01T00:00:00Z");
    let store = open(&path, now).unwrap();
    push(&*store, &[seen(day("2026-05-01"), 4.0, now)]).await;
    for day in [1, 2, 3, 4, 5, 5] {
        let day = NaiveDate::from_ymd_opt(2026, 6, day).unwrap();
        store.backup_of_day(day).await.unwrap();
    }
    let backups = folder.path().join("backups");
    let mut names: Vec<String> = fs::read_dir(&backups)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "truecount-2026-06-03.db",
            "truecount-2026-06-04.db",
            "truecount-2026-06-05.db"
        ]
    );
    let copy = open(&backups.join(&names[2]), now).unwrap();
    assert_eq!(values(&*copy, AsOf::Time(now)).await, [4.0]);
}

#[tokio::test]
async fn a_lost_database_is_not_begun_anew_while_there_is_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truecount.db");
    let now = at("2026-06-01T00:00:00Z");
    let store = open(&path, now).unwrap();
    let day = NaiveDate::from_ymd_opt(2026, 6, 1).unwrap();
    let backup = store.backup_of_day(day).await.unwrap().unwrap();
    drop(store);
    for empty in [false, true] {
        fs::remove_file(&path).unwrap();
        if empty {
            fs::write(&path, "").unwrap();
        }
        let why = format!("{:#}", open(&path, now).err().unwrap());
        assert!(
            why.contains("truecount-2026-06-01.db in its place"),
            "{why}"
        );
        fs::write(&path, "x").unwrap();
    }
    fs::copy(&backup, &path).unwrap();
    assert!(open(&path, now).is_ok());
}

#[test]
fn damage_and_a_newer_schema_are_refused_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truecount.db");
    let now = at("2026-06-01T00:00:00Z");
    drop(open(&path, now).unwrap());
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let why = format!("{:#}", open(&path, now).err().unwrap());
    assert!(why.contains("schema 99"), "{why}");
    assert!(why.contains("newer version"), "{why}");

    fs::write(
        &path,
        "this is no database at all, but a text of some length",
    )
    .unwrap();
    let why = format!("{:#}", open(&path, now).err().unwrap());
    assert!(why.contains("restore the newest backup"), "{why}");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("this is no database"), "it was replaced");
}
