//! SQLite as the memory: one file, one writer, every commit on the disk before it counts.

mod backup;
mod browse;
mod desk;
mod incident;
mod lease;
mod observation;
mod outbox;
mod pull;
mod thin;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{NaiveDate, TimeDelta};
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use crate::model::{Name, Timestamp};

use super::{Maintenance, StoreError, migrate};

/// A locked database is waited for this long before it counts as busy.
const PATIENCE: Duration = Duration::from_secs(5);

/// Prepared statements kept per connection.
const STATEMENTS: usize = 64;

/// The database of one project in one file.
#[derive(Clone)]
pub struct Sqlite {
    inner: Arc<Inner>,
}

struct Inner {
    project: Name,
    path: PathBuf,
    writer: Mutex<Connection>,
    /// Readers do not wait for the writer; a database in memory has only one connection.
    reader: Option<Mutex<Connection>>,
    /// Why the last writes were not taken.
    trouble: Mutex<Option<StoreError>>,
}

/// What went wrong, as a reaction.
pub(super) fn trouble(why: &rusqlite::Error) -> StoreError {
    match why.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
        Some(ErrorCode::DiskFull) => StoreError::Full,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt {
            what:
                "the database is damaged: stop, move the file aside, and restore the newest backup \
                   (docs/operations.md)"
                    .to_owned(),
        },
        Some(ErrorCode::SystemIoFailure) => StoreError::Corrupt {
            what: format!(
                "the database cannot be written or read ({why}): look at the disk, its quota and its log"
            ),
        },
        Some(ErrorCode::ReadOnly) => StoreError::Corrupt {
            what: "the database cannot be written: it is read-only".to_owned(),
        },
        Some(ErrorCode::CannotOpen) => StoreError::Corrupt {
            what: "the database file cannot be opened: look at its folder and permissions"
                .to_owned(),
        },
        _ => StoreError::Corrupt {
            what: format!("the database refused: {why}"),
        },
    }
}

impl Sqlite {
    /// Opens or makes the database at `path` (`:memory:` for one that is forgotten). Brings the
    /// schema up to date after a backup, and looks for damage first: a damaged database is an
    /// error, never a new empty one.
    pub fn open(path: &Path, project: &Name, now: Timestamp) -> Result<Self, StoreError> {
        let in_memory = path == Path::new(":memory:");
        if !in_memory
            && let Some(folder) = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder).map_err(|why| StoreError::Corrupt {
                what: format!("cannot make the folder {}: {why}", folder.display()),
            })?;
        }
        if !in_memory {
            backup::refuse_to_begin_anew(path)?;
        }
        let mut writer = connect(path)?;
        check(&writer, "quick_check")?;
        let version = migrate::version(&writer)?;
        if version > 0 && version < migrate::NEWEST && !in_memory {
            let beside = path.with_extension(format!("before-schema-{}.db", migrate::NEWEST));
            backup::replace(&writer, &beside)?;
        }
        migrate::migrate(&mut writer)?;
        let reader = if in_memory {
            None
        } else {
            Some(Mutex::new(connect(path)?))
        };
        let store = Self {
            inner: Arc::new(Inner {
                project: project.clone(),
                path: path.to_path_buf(),
                writer: Mutex::new(writer),
                reader,
                trouble: Mutex::default(),
            }),
        };
        let opened = store.inner.writer.lock().map_err(|_| poisoned())?;
        lease::forget_old_slots(&opened, project, now)?;
        drop(opened);
        Ok(store)
    }

    /// The project whose rows these are.
    pub fn project(&self) -> &Name {
        &self.inner.project
    }

    /// Runs a write as one transaction, away from the tasks that serve the network.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>, &Name) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.inner);
        let outcome = blocking(move || {
            let mut connection = inner.writer.lock().map_err(|_| poisoned())?;
            let transaction = connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(|why| trouble(&why))?;
            let value = work(&transaction, &inner.project)?;
            transaction.commit().map_err(|why| trouble(&why))?;
            Ok(value)
        })
        .await;
        if let Err(why @ (StoreError::Busy | StoreError::Full | StoreError::Corrupt { .. })) =
            &outcome
        {
            self.note(Some(why.clone()));
        }
        outcome
    }

    /// Remembers whether writes are taken.
    fn note(&self, trouble: Option<StoreError>) {
        if let Ok(mut known) = self.inner.trouble.lock() {
            *known = trouble;
        }
    }

    /// Runs a read.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection, &Name) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || {
            let own = inner.reader.as_ref().unwrap_or(&inner.writer);
            let connection = own.lock().map_err(|_| poisoned())?;
            work(&connection, &inner.project)
        })
        .await
    }
}

fn poisoned() -> StoreError {
    StoreError::Corrupt {
        what: "a database task ended badly; restart the process".to_owned(),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(why) => Err(StoreError::Corrupt {
            what: format!("a database task ended badly: {why}"),
        }),
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|why| trouble(&why))?;
    let set = |name: &str, value: &str| {
        connection
            .pragma_update(None, name, value)
            .map_err(|why| trouble(&why))
    };
    connection
        .busy_timeout(PATIENCE)
        .map_err(|why| trouble(&why))?;
    set("journal_mode", "WAL")?;
    // Every commit is on the disk before it counts: an alert that was accepted survives a power cut.
    set("synchronous", "FULL")?;
    set("foreign_keys", "ON")?;
    set("mmap_size", "0")?;
    set("cache_size", "-2000")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

fn check(connection: &Connection, pragma: &str) -> Result<(), StoreError> {
    let verdict: String = connection
        .query_row(&format!("PRAGMA {pragma}(1)"), [], |row| row.get(0))
        .map_err(|why| trouble(&why))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(StoreError::Corrupt {
        what: format!(
            "the database is damaged ({verdict}): stop, move the file aside, and restore the newest backup"
        ),
    })
}

#[async_trait]
impl Maintenance for Sqlite {
    async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let to = to.to_path_buf();
        if to.exists() {
            return Err(StoreError::Corrupt {
                what: format!("{} exists already; a backup never overwrites", to.display()),
            });
        }
        let inner = Arc::clone(&self.inner);
        // A connection of its own: neither readers nor the writer wait for a long copy.
        blocking(move || match &inner.reader {
            Some(_) => backup::copy(&connect(&inner.path)?, &to),
            None => backup::copy(&*inner.writer.lock().map_err(|_| poisoned())?, &to),
        })
        .await
    }

    async fn backup_of_day(&self, day: NaiveDate) -> Result<Option<PathBuf>, StoreError> {
        let inner = Arc::clone(&self.inner);
        if inner.reader.is_none() {
            return Ok(None);
        }
        blocking(move || backup::of_day(&connect(&inner.path)?, &inner.path, day).map(Some)).await
    }

    async fn thin(&self, now: Timestamp, keep: TimeDelta) -> Result<u64, StoreError> {
        self.write(move |transaction, project| {
            lease::forget_old_slots(transaction, project, now)?;
            thin::forget(transaction, project, now - keep)
        })
        .await?;
        let (mut gone, mut next) = (0, Some(0));
        while let Some(from) = next {
            let portion = self
                .write(move |transaction, project| {
                    thin::portion(transaction, project, from, now, keep)
                })
                .await?;
            gone += portion.0;
            next = portion.1;
        }
        Ok(gone)
    }

    async fn shrink(&self) -> Result<(), StoreError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || {
            let connection = inner.writer.lock().map_err(|_| poisoned())?;
            connection
                .execute_batch("VACUUM")
                .map_err(|why| trouble(&why))
        })
        .await?;
        self.tidy().await
    }

    async fn tidy(&self) -> Result<(), StoreError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || {
            let connection = inner.writer.lock().map_err(|_| poisoned())?;
            connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
                .map_err(|why| trouble(&why))
        })
        .await
    }

    async fn integrity(&self) -> Result<(), StoreError> {
        self.read(|connection, _| check(connection, "integrity_check"))
            .await
    }

    fn backed_up(&self) -> Option<Timestamp> {
        backup::newest(&self.inner.path)
    }

    fn bytes(&self) -> Option<u64> {
        std::fs::metadata(&self.inner.path)
            .ok()
            .map(|facts| facts.len())
    }

    fn trouble(&self) -> Option<StoreError> {
        self.inner.trouble.lock().ok()?.clone()
    }

    /// A full database may still take what fits into its pages: the probe needs new ones.
    async fn probe(&self) -> Result<(), StoreError> {
        self.write(|transaction, project| {
            transaction
                .execute(
                    "INSERT INTO fact (project, name, value) VALUES (?1, 'probe', hex(zeroblob(32768)))
                     ON CONFLICT DO UPDATE SET value = excluded.value",
                    [project.as_str()],
                )
                .map(|_| ())
                .map_err(|why| trouble(&why))
        })
        .await?;
        self.write(|transaction, project| {
            transaction
                .execute(
                    "DELETE FROM fact WHERE project = ?1 AND name = 'probe'",
                    [project.as_str()],
                )
                .map(|_| ())
                .map_err(|why| trouble(&why))
        })
        .await?;
        self.note(None);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Mark, MarkKind};
    use crate::store::{Browse as _, Desk as _, Store as _};

    /// Marks until one is refused; how many were taken.
    async fn marks(store: &Sqlite, at: Timestamp, most: i64) -> (i64, Option<StoreError>) {
        for count in 0..most {
            let mark = Mark {
                at: at + TimeDelta::seconds(count),
                kind: MarkKind::Release,
                name: Name::clean(&"x".repeat(190)),
                source: None,
            };
            if let Err(why) = store.mark(&mark).await {
                return (count, Some(why));
            }
        }
        (most, None)
    }

    #[tokio::test]
    async fn a_database_without_pages_left_refuses_reads_on_and_recovers() {
        let folder = tempfile::tempdir().expect("a folder");
        let begin: Timestamp = "2026-03-02T10:00:00Z".parse().expect("a time");
        let shop = Name::clean("shop");
        let store = Sqlite::open(&folder.path().join("a.db"), &shop, begin).expect("a database");
        let limit = |pages: i64| {
            let writer = store.inner.writer.lock().expect("a writer");
            let now: i64 = writer
                .query_row("PRAGMA page_count", [], |row| row.get(0))
                .expect("a count");
            writer
                .pragma_update(None, "max_page_count", now + pages)
                .expect("a limit");
        };
        limit(4);
        let (taken, why) = marks(&store, begin, 10_000).await;
        assert_eq!(why, Some(StoreError::Full));
        assert!(taken > 10, "{taken}");
        assert_eq!(store.trouble(), Some(StoreError::Full));
        assert_eq!(store.probe().await, Err(StoreError::Full));
        // What was taken is there and can be read.
        assert_eq!(store.next_letter().await, Ok(None));
        assert!(store.latest().await.is_ok_and(|seen| seen.is_empty()));
        let week = crate::model::Window {
            from: begin,
            to: begin + TimeDelta::days(1),
        };
        let known = store.marks(week).await.expect("marks");
        assert_eq!(i64::try_from(known.len()).unwrap_or(0), taken);
        limit(100_000);
        assert_eq!(store.probe().await, Ok(()));
        assert_eq!(store.trouble(), None);
        assert_eq!(marks(&store, begin, taken + 50).await.1, None);
        assert_eq!(store.integrity().await, Ok(()));
    }
}
