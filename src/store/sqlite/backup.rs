//! Copies of the database: whole, checked by being written whole, and never half in place.

use std::io;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use rusqlite::Connection;

use crate::model::Timestamp;
use crate::store::StoreError;

use super::trouble;

/// Daily backups that are kept.
const DAYS: usize = 3;

/// Copies a database that may be in use into a new file.
pub(super) fn copy(from: &Connection, to: &Path) -> Result<(), StoreError> {
    from.execute("VACUUM INTO ?1", [to.to_string_lossy()])
        .map_err(|why| trouble(&why))?;
    Ok(())
}

fn cannot(what: &str, path: &Path, why: &io::Error) -> StoreError {
    StoreError::Corrupt {
        what: format!("cannot {what} {}: {why}", path.display()),
    }
}

/// Copies into a file that may exist already: a crash leaves the old one or the new one.
pub(super) fn replace(from: &Connection, to: &Path) -> Result<(), StoreError> {
    let partial = to.with_extension("partial");
    match std::fs::remove_file(&partial) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => {
            return Err(cannot("remove", &partial, &why));
        }
        _ => {}
    }
    copy(from, &partial)?;
    std::fs::rename(&partial, to).map_err(|why| cannot("write", to, &why))
}

/// `backups` beside the database.
fn folder(database: &Path) -> PathBuf {
    database.with_file_name("backups")
}

/// The stem of the names of a database's backups.
fn stem(database: &Path) -> String {
    let name = database.file_stem().unwrap_or_default();
    format!("{}-", name.to_string_lossy())
}

/// Backups of a database, oldest first: their names carry the day.
fn all(database: &Path) -> Vec<PathBuf> {
    let stem = stem(database);
    let is_one = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.strip_suffix(".db")
            .and_then(|name| name.strip_prefix(&stem))
            .is_some_and(|day| day.parse::<NaiveDate>().is_ok())
    };
    let entries = std::fs::read_dir(folder(database)).into_iter().flatten();
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(is_one)
        .collect();
    found.sort();
    found
}

/// When the newest backup was written.
pub(super) fn newest(database: &Path) -> Option<Timestamp> {
    let facts = std::fs::metadata(all(database).last()?).ok()?;
    facts.modified().ok().map(Timestamp::from)
}

/// Writes the backup of a day and drops the oldest.
pub(super) fn of_day(
    from: &Connection,
    database: &Path,
    day: NaiveDate,
) -> Result<PathBuf, StoreError> {
    let folder = folder(database);
    std::fs::create_dir_all(&folder).map_err(|why| cannot("make", &folder, &why))?;
    let to = folder.join(format!("{}{day}.db", stem(database)));
    replace(from, &to)?;
    let known = all(database);
    let surplus = known.len().saturating_sub(DAYS);
    for old in &known[..surplus] {
        std::fs::remove_file(old).map_err(|why| cannot("remove", old, &why))?;
    }
    Ok(to)
}

/// A database that is gone or empty while its backups are there was lost, not begun: to start with
/// nothing would hide that.
pub(super) fn refuse_to_begin_anew(database: &Path) -> Result<(), StoreError> {
    let size = std::fs::metadata(database).map_or(0, |facts| facts.len());
    match all(database).last() {
        Some(newest) if size == 0 => Err(StoreError::Corrupt {
            what: format!(
                "{} is gone or empty, but there is a backup of it: copy {} in its place, or move the backups \
                 away to begin anew",
                database.display(),
                newest.display()
            ),
        }),
        _ => Ok(()),
    }
}
