//! Brings a database to the newest schema: forward only, each step in one transaction.

use rusqlite::Connection;

use super::StoreError;
use super::sqlite::trouble;

/// Numbered steps; a step that was released is never edited.
const STEPS: &[&str] = &[include_str!("migration/0001.sql")];

/// The schema version of this program.
pub(super) const NEWEST: usize = STEPS.len();

/// Runs what is missing. A database of a newer program is refused.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let version = version(connection)?;
    if version > NEWEST {
        return Err(StoreError::Corrupt {
            what: format!(
                "the database has schema {version}, this program knows {NEWEST}: it was written by a \
                 newer version; run that one, or restore the backup that was made before the update"
            ),
        });
    }
    for (index, step) in STEPS.iter().enumerate().skip(version) {
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
