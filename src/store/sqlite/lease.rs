//! Who may write for a job, and which slots are done.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::model::{Name, Timestamp};
use crate::store::rows::{at, millis};
use crate::store::{Lease, StoreError};

use super::trouble;

/// Done slots are remembered this long; the newest of each job for ever.
const REMEMBERED: TimeDelta = TimeDelta::days(40);

pub(super) fn take(
    connection: &Connection,
    project: &Name,
    job: &str,
    holder: &str,
    now: Timestamp,
    ttl: TimeDelta,
) -> Result<Option<Lease>, StoreError> {
    let known: Option<(String, i64, i64)> = connection
        .prepare_cached("SELECT holder, epoch, until FROM lease WHERE project = ?1 AND job = ?2")
        .and_then(|mut statement| {
            statement
                .query_row(params![project.as_str(), job], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
                .optional()
        })
        .map_err(|why| trouble(&why))?;
    let epoch = match known {
        Some((there, _, until)) if there != holder && until > millis(now) => return Ok(None),
        Some((there, epoch, _)) if there == holder => epoch,
        Some((_, epoch, _)) => epoch + 1,
        None => 1,
    };
    connection
        .prepare_cached(
            "INSERT INTO lease (project, job, holder, epoch, until) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET holder = ?3, epoch = ?4, until = ?5",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                project.as_str(),
                job,
                holder,
                epoch,
                millis(now + ttl)
            ])
        })
        .map_err(|why| trouble(&why))?;
    Ok(Some(Lease {
        job: job.to_owned(),
        epoch,
    }))
}

/// A newer epoch makes a lease worthless: nothing is written under it.
pub(super) fn fence(
    connection: &Connection,
    project: &Name,
    lease: &Lease,
) -> Result<(), StoreError> {
    let epoch: Option<i64> = connection
        .prepare_cached("SELECT epoch FROM lease WHERE project = ?1 AND job = ?2")
        .and_then(|mut statement| {
            statement
                .query_row(params![project.as_str(), lease.job], |row| row.get(0))
                .optional()
        })
        .map_err(|why| trouble(&why))?;
    if epoch == Some(lease.epoch) {
        Ok(())
    } else {
        Err(StoreError::Fenced {
            job: lease.job.clone(),
        })
    }
}

/// Marks a slot as done; false when it was done before.
pub(super) fn finish(
    connection: &Connection,
    project: &Name,
    job: &str,
    slot: Timestamp,
) -> Result<bool, StoreError> {
    let added = connection
        .prepare_cached("INSERT OR IGNORE INTO slot (project, job, slot) VALUES (?1, ?2, ?3)")
        .and_then(|mut statement| statement.execute(params![project.as_str(), job, millis(slot)]))
        .map_err(|why| trouble(&why))?;
    Ok(added > 0)
}

pub(super) fn newest_slots(
    connection: &Connection,
    project: &Name,
) -> Result<BTreeMap<String, Timestamp>, StoreError> {
    let read = || -> rusqlite::Result<BTreeMap<String, Timestamp>> {
        let mut statement = connection
            .prepare_cached("SELECT job, max(slot) FROM slot WHERE project = ?1 GROUP BY job")?;
        let rows = statement.query_map([project.as_str()], |row| {
            Ok((row.get::<_, String>(0)?, at(row.get(1)?)))
        })?;
        rows.collect()
    };
    read().map_err(|why| trouble(&why))
}

pub(super) fn forget_old_slots(
    connection: &Connection,
    project: &Name,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .execute(
            "DELETE FROM slot WHERE project = ?1 AND slot < ?2 AND slot < (
               SELECT max(newer.slot) FROM slot AS newer
               WHERE newer.project = slot.project AND newer.job = slot.job)",
            params![project.as_str(), millis(now - REMEMBERED)],
        )
        .map_err(|why| trouble(&why))?;
    Ok(())
}
