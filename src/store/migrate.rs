//! Brings a database to the newest schema: forward only, each step in one transaction.

use rusqlite::Connection;

use super::StoreError;
use super::sqlite::trouble;

/// Numbered steps; a step that was released is never edited.
const STEPS: &[&str] = &[
    include_str!("migration/0001.sql"),
    include_str!("migration/0002.sql"),
];

/// The schema version of this program.
pub(super) const NEWEST: usize = STEPS.len();

/// Runs what is missing. A database of a newer program is refused.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    run(connection, STEPS)
}

/// Runs what is missing of these steps.
fn run(connection: &mut Connection, steps: &[&str]) -> Result<(), StoreError> {
    let version = version(connection)?;
    let newest = steps.len();
    if version > newest {
        return Err(StoreError::Corrupt {
            what: format!(
                "the database has schema {version}, this program knows {newest}: it was written by a \
                 newer version; run that one, or put the copy that it made before the update, \
                 *.before-schema-{version}.db beside the database, in its place"
            ),
        });
    }
    for (index, step) in steps.iter().enumerate().skip(version) {
        let transaction = connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
            .map_err(|why| trouble(&why))?;
        // Another process may have been faster.
        if self::version(&transaction)? == index {
            transaction
                .execute_batch(step)
                .map_err(|why| trouble(&why))?;
            transaction
                .pragma_update(
                    None,
                    "user_version",
                    u32::try_from(index + 1).unwrap_or(u32::MAX),
                )
                .map_err(|why| trouble(&why))?;
            transaction.commit().map_err(|why| trouble(&why))?;
        }
    }
    Ok(())
}

/// The schema version of a database; 0 for a new one.
pub(super) fn version(connection: &Connection) -> Result<usize, StoreError> {
    let version: u32 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(|why| trouble(&why))?;
    Ok(version as usize)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use super::*;

    /// The folder of a database that a second process brings up to date, to be killed meanwhile.
    const FOLDER: &str = "TRUECOUNT_TEST_MIGRATION";

    /// Steps of which the second takes a while: a kill hits it in the middle.
    const SLOW: &[&str] = &[
        "CREATE TABLE reading (number INTEGER PRIMARY KEY, value REAL NOT NULL) STRICT;
         INSERT INTO reading (value) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
           SELECT i FROM n;",
        "CREATE TABLE finer (number INTEGER PRIMARY KEY, value REAL NOT NULL, text TEXT NOT NULL) STRICT;
         INSERT INTO finer SELECT number, value * 2, hex(zeroblob(200)) FROM reading;
         CREATE INDEX finer_text ON finer (text, value);
         DROP TABLE reading;
         ALTER TABLE finer RENAME TO reading;",
        "ALTER TABLE reading ADD COLUMN seen INTEGER;",
    ];

    fn open(path: &Path) -> Connection {
        let connection = Connection::open(path).expect("a database");
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .expect("WAL");
        connection
    }

    fn sum(connection: &Connection) -> f64 {
        let all = "SELECT sum(value) FROM reading";
        connection
            .query_row(all, [], |row| row.get(0))
            .expect("a sum")
    }

    #[test]
    fn steps_run_once_in_order_and_a_newer_schema_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut connection = open(&folder.path().join("a.db"));
        for upto in [1, 1, 3, 3] {
            run(&mut connection, &SLOW[..upto]).expect("it runs");
            assert_eq!(version(&connection).expect("a version"), upto);
        }
        let why = run(&mut connection, &SLOW[..2])
            .expect_err("newer")
            .to_string();
        assert!(why.contains("schema 3, this program knows 2"), "{why}");
        assert!(why.contains("before-schema-3.db"), "{why}");
    }

    #[test]
    fn a_step_that_fails_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut connection = open(&folder.path().join("a.db"));
        let wrong = [
            SLOW[0],
            "ALTER TABLE reading ADD COLUMN x INTEGER; SELECT nothing FROM nowhere;",
        ];
        assert!(run(&mut connection, &wrong).is_err());
        assert_eq!(version(&connection).expect("a version"), 1);
        run(&mut connection, SLOW).expect("the right steps run");
        assert_eq!(version(&connection).expect("a version"), 3);
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "a real process lives by the real clock"
    )]
    fn a_kill_in_the_middle_converges() {
        // The process that is killed is this test itself, told where to work.
        if let Ok(folder) = std::env::var(FOLDER) {
            let mut connection = open(&Path::new(&folder).join("a.db"));
            run(&mut connection, SLOW).expect("it runs");
            return;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db");
        let mut connection = open(&path);
        run(&mut connection, &SLOW[..1]).expect("it runs");
        let before = sum(&connection);
        drop(connection);
        let (mut killed, mut pause) = (0_u32, Duration::from_millis(1));
        loop {
            let mut child = Command::new(std::env::current_exe().expect("this test"))
                .args([
                    "--exact",
                    "store::migrate::tests::a_kill_in_the_middle_converges",
                ])
                .env(FOLDER, folder.path())
                .stdout(Stdio::null())
                .spawn()
                .expect("a process");
            std::thread::sleep(pause);
            child.kill().expect("a kill");
            let ended = child.wait().expect("an end");
            let connection = open(&path);
            let whole: String = connection
                .query_row("PRAGMA integrity_check", [], |row| row.get(0))
                .expect("a word");
            assert_eq!(whole, "ok");
            let at = version(&connection).expect("a version");
            let expected = if at == 1 { before } else { before * 2.0 };
            assert!((sum(&connection) - expected).abs() < 0.5, "schema {at}");
            if ended.success() {
                assert_eq!(at, 3, "what was not killed is done");
                break;
            }
            killed += 1;
            assert!(killed < 500, "it must come to an end");
            pause += Duration::from_millis(2);
        }
        assert!(killed >= 5, "{killed} kills");
    }
}
