//! Which readings stay: every change for 90 days, then those at fixed ages (decision 4), nothing
//! beyond what `[store] keep` says.

use chrono::TimeDelta;
use rusqlite::{Transaction, params};

use crate::model::{Name, Timestamp};
use crate::store::StoreError;
use crate::store::rows::millis;

use super::trouble;

/// What was known at any time is exact for this long.
const EXACT: TimeDelta = TimeDelta::days(90);

/// Ages, in hours after the end of the bucket, at which the newest reading is kept for ever.
const KEPT_AGES: [i64; 10] = [1, 3, 6, 12, 24, 48, 72, 168, 336, 672];

/// Series that are thinned in one transaction: others who write wait no longer than that.
const PORTION: i64 = 200;

/// Thins a portion of the series from a number on; how many readings went, and where to go on.
pub(super) fn portion(
    transaction: &Transaction<'_>,
    project: &Name,
    from: i64,
    now: Timestamp,
    keep: TimeDelta,
) -> Result<(u64, Option<i64>), StoreError> {
    let numbers: Vec<i64> = transaction
        .prepare_cached(
            "SELECT number FROM series WHERE project = ?1 AND number >= ?2 ORDER BY number LIMIT ?3",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![project.as_str(), from, PORTION], |row| row.get(0))?
                .collect()
        })
        .map_err(|why| trouble(&why))?;
    let mut gone = 0;
    for number in &numbers {
        gone += transaction
            .prepare_cached("DELETE FROM reading WHERE series = ?1 AND start < ?2")
            .and_then(|mut statement| statement.execute(params![number, (now - keep).timestamp()]))
            .map_err(|why| trouble(&why))? as u64;
        gone += thin(transaction, *number, now)?;
    }
    Ok((gone, numbers.last().map(|last| last + 1)))
}

/// Of what was seen more than 90 days ago the newest of each bucket stays, so that every look back
/// of up to 90 days finds what was known then, and the newest at or below each kept age.
fn thin(transaction: &Transaction<'_>, number: i64, now: Timestamp) -> Result<u64, StoreError> {
    let edge = millis(now - EXACT);
    let crowded: Vec<(i64, i64)> = transaction
        .prepare_cached(
            "SELECT start, max(length) FROM reading WHERE series = ?1 AND seen_at < ?2
             GROUP BY start HAVING count(*) > 1",
        )
        .and_then(|mut statement| {
            statement
                .query_map(params![number, edge], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .map_err(|why| trouble(&why))?;
    let mut gone = 0;
    for (start, length) in crowded {
        let old: Vec<i64> = transaction
            .prepare_cached(
                "SELECT seen_at FROM reading WHERE series = ?1 AND start = ?2 AND seen_at < ?3
                 ORDER BY seen_at",
            )
            .and_then(|mut statement| {
                statement
                    .query_map(params![number, start, edge], |row| row.get(0))?
                    .collect()
            })
            .map_err(|why| trouble(&why))?;
        for seen_at in thinned(&old, (start + length) * 1_000) {
            gone += transaction
                .prepare_cached(
                    "DELETE FROM reading WHERE series = ?1 AND start = ?2 AND seen_at = ?3",
                )
                .and_then(|mut statement| statement.execute(params![number, start, seen_at]))
                .map_err(|why| trouble(&why))? as u64;
        }
    }
    Ok(gone)
}

/// Which of these times of seeing, oldest first, of a bucket that ended at `end` go.
fn thinned(times: &[i64], end: i64) -> Vec<i64> {
    let at_age = |hours: &i64| {
        let newest = times.iter().rev();
        newest.copied().find(|time| time - end <= hours * 3_600_000)
    };
    let mut kept: Vec<i64> = KEPT_AGES.iter().filter_map(at_age).collect();
    kept.extend(times.last());
    times
        .iter()
        .copied()
        .filter(|time| !kept.contains(time))
        .collect()
}

/// Results and pulls older than what is kept go too; the newest result of each check and the newest
/// pulls of each source stay.
pub(super) fn forget(
    transaction: &Transaction<'_>,
    project: &Name,
    before: Timestamp,
) -> Result<(), StoreError> {
    let results = transaction.execute(
        "DELETE FROM evaluation WHERE project = ?1 AND start < ?2 AND newest = 0",
        params![project.as_str(), before.timestamp()],
    );
    let pulls = transaction.execute(
        "DELETE FROM pull WHERE project = ?1 AND at < ?2 AND number NOT IN (
           SELECT max(number) FROM pull WHERE project = ?1 GROUP BY source, ok)",
        params![project.as_str(), millis(before)],
    );
    results.and(pulls).map(|_| ()).map_err(|why| trouble(&why))
}
