//! Readings and pulls.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde::{Deserialize, Serialize};

use crate::model::{
    AsOf, Fingerprint, Grain, Name, Observation, Question, Reading, Segment, Timestamp, Window,
};
use crate::store::rows::{self, WindowRow, at, millis};
use crate::store::{History, Pull, StoreError};

use super::trouble;

/// Readings are kept with every change for this long.
const EXACT: TimeDelta = TimeDelta::days(90);

/// Ages, in hours after the end of the bucket, at which older readings are kept (decision 4).
const KEPT_AGES: [i64; 11] = [1, 3, 6, 12, 24, 48, 72, 168, 336, 672, i64::MAX / 7_200_000];

/// Adds readings whose value or quality changed; returns how many.
pub(super) fn add(
    transaction: &Transaction<'_>,
    project: &Name,
    seen: &[Observation],
) -> Result<u64, StoreError> {
    let mut numbers: BTreeMap<Fingerprint, i64> = BTreeMap::new();
    let mut added = 0;
    let mut newest = transaction
        .prepare_cached(
            "SELECT value, quality FROM reading WHERE series = ?1 AND start = ?2
             ORDER BY seen_at DESC LIMIT 1",
        )
        .map_err(|why| trouble(&why))?;
    let mut insert = transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO reading (series, start, seen_at, length, zone, value, quality)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .map_err(|why| trouble(&why))?;
    for one in seen {
        if !one.value.is_finite() {
            continue; // A source that lets one through is caught by its contract test.
        }
        let id = one.series.id(project);
        let number = match numbers.get(&id) {
            Some(number) => *number,
            None => {
                let number = series(transaction, project, one, id)?;
                numbers.insert(id, number);
                number
            }
        };
        let quality = rows::quality_text(&one.quality)?;
        let start = one.bucket.start.timestamp();
        let known: Option<(f64, String)> = newest
            .query_row(params![number, start], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(|why| trouble(&why))?;
        let same = known
            .is_some_and(|(value, text)| value.to_bits() == one.value.to_bits() && text == quality);
        if same {
            continue;
        }
        let length = one.bucket.length().num_seconds();
        let zone = one.bucket.zone.name();
        insert
            .execute(params![
                number,
                start,
                millis(one.seen_at),
                length,
                zone,
                one.value,
                quality
            ])
            .map_err(|why| trouble(&why))?;
        added += 1;
    }
    Ok(added)
}

/// The number of a series, made on first sight.
fn series(
    transaction: &Transaction<'_>,
    project: &Name,
    one: &Observation,
    id: Fingerprint,
) -> Result<i64, StoreError> {
    let key = &one.series;
    let segment = rows::segment_text(&key.segment)?;
    transaction
        .prepare_cached(
            "INSERT OR IGNORE INTO series (id, family, project, source, subject, measure, grain, segment, definition)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                id.0,
                key.family(project).0,
                project.as_str(),
                key.source.as_str(),
                key.subject_text(),
                key.measure.text(),
                key.grain.word(),
                segment,
                format!("{:016x}", key.definition),
            ])
        })
        .map_err(|why| trouble(&why))?;
    transaction
        .prepare_cached("SELECT number FROM series WHERE id = ?1")
        .and_then(|mut statement| statement.query_row([id.0], |row| row.get(0)))
        .map_err(|why| trouble(&why))
}

/// The readings of one question in the window.
pub(super) fn history(
    connection: &Connection,
    project: &Name,
    question: &Question,
    window: Window,
    wanted: AsOf,
) -> Result<History, StoreError> {
    let family = question.family(project);
    let mut found = History::new();
    let series: Vec<(i64, Segment)> = {
        let mut statement = connection
            .prepare_cached("SELECT number, segment FROM series WHERE family = ?1 ORDER BY number")
            .map_err(|why| trouble(&why))?;
        let rows = statement
            .query_map([family.0], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
            })
            .map_err(|why| trouble(&why))?;
        let mut list = Vec::new();
        for row in rows {
            let (number, text) = row.map_err(|why| trouble(&why))?;
            list.push((number, rows::segment(&text)?));
        }
        list
    };
    for (number, segment) in series {
        let readings = line(connection, number, question.grain, window, wanted)?;
        if !readings.is_empty() {
            found.insert(segment, readings);
        }
    }
    Ok(found)
}

/// One series: the wanted reading of each bucket, oldest bucket first.
fn line(
    connection: &Connection,
    number: i64,
    grain: Grain,
    window: Window,
    wanted: AsOf,
) -> Result<Vec<Reading>, StoreError> {
    let until = match wanted {
        AsOf::Time(at) => millis(at),
        AsOf::Age(_) | AsOf::Every => i64::MAX,
    };
    let mut statement = connection
        .prepare_cached(
            "SELECT start, seen_at, length, zone, value, quality FROM reading
             WHERE series = ?1 AND start >= ?2 AND start < ?3 AND seen_at <= ?4
             ORDER BY start, seen_at",
        )
        .map_err(|why| trouble(&why))?;
    let (from, to) = (window.from.timestamp(), window.to.timestamp());
    let mut rows = statement
        .query(params![number, from, to, until])
        .map_err(|why| trouble(&why))?;
    let mut found: Vec<Reading> = Vec::new();
    while let Some(row) = rows.next().map_err(|why| trouble(&why))? {
        let get = || -> rusqlite::Result<(i64, i64, i64, f64)> {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(4)?))
        };
        let (start, seen_at, length, value) = get().map_err(|why| trouble(&why))?;
        let zone = row
            .get_ref(3)
            .and_then(|text| Ok(text.as_str()?))
            .map_err(|why| trouble(&why))?;
        let quality = row
            .get_ref(5)
            .and_then(|text| Ok(text.as_str()?))
            .map_err(|why| trouble(&why))?;
        let reading = Reading {
            bucket: rows::bucket(grain, start, length, zone)?,
            value,
            quality: rows::quality(quality)?,
            seen_at: at(seen_at),
        };
        let too_late = matches!(wanted, AsOf::Age(age) if reading.age() > age);
        if too_late {
            continue;
        }
        match found.last_mut() {
            Some(last) if wanted != AsOf::Every && last.bucket.start == reading.bucket.start => {
                *last = reading;
            }
            _ => found.push(reading),
        }
    }
    Ok(found)
}

/// When the first nonzero reading of a question's total was seen.
pub(super) fn first_seen(
    connection: &Connection,
    project: &Name,
    question: &Question,
) -> Result<Option<Timestamp>, StoreError> {
    connection
        .prepare_cached(
            "SELECT min(reading.seen_at) FROM series JOIN reading ON reading.series = series.number
             WHERE series.family = ?1 AND reading.value <> 0",
        )
        .and_then(|mut statement| {
            statement.query_row([question.family(project).0], |row| {
                row.get::<_, Option<i64>>(0)
            })
        })
        .map(|seen| seen.map(at))
        .map_err(|why| trouble(&why))
}

/// Of readings older than 90 days the newest at or below each kept age stay, and the final one.
pub(super) fn thin(
    transaction: &Transaction<'_>,
    project: &Name,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let edge = (now - EXACT).timestamp();
    let mut buckets = transaction
        .prepare(
            "SELECT reading.series, reading.start, reading.length FROM reading
             JOIN series ON series.number = reading.series
             WHERE series.project = ?1 AND reading.start < ?2
             GROUP BY reading.series, reading.start HAVING count(*) > 1",
        )
        .map_err(|why| trouble(&why))?;
    let crowded: Vec<(i64, i64, i64)> = buckets
        .query_map(params![project.as_str(), edge], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .and_then(Iterator::collect)
        .map_err(|why| trouble(&why))?;
    let mut gone = 0;
    for (number, start, length) in crowded {
        let mut statement = transaction
            .prepare_cached(
                "SELECT seen_at FROM reading WHERE series = ?1 AND start = ?2 ORDER BY seen_at",
            )
            .map_err(|why| trouble(&why))?;
        let times: Vec<i64> = statement
            .query_map(params![number, start], |row| row.get(0))
            .and_then(Iterator::collect)
            .map_err(|why| trouble(&why))?;
        let end = (start + length) * 1_000;
        let kept: Vec<i64> = KEPT_AGES
            .iter()
            .filter_map(|hours| {
                times
                    .iter()
                    .rev()
                    .find(|time| **time - end <= hours * 3_600_000)
            })
            .copied()
            .collect();
        for time in times.iter().filter(|time| !kept.contains(time)) {
            gone += transaction
                .prepare_cached(
                    "DELETE FROM reading WHERE series = ?1 AND start = ?2 AND seen_at = ?3",
                )
                .and_then(|mut statement| statement.execute(params![number, start, time]))
                .map_err(|why| trouble(&why))? as u64;
        }
    }
    Ok(gone)
}

/// A pull as a row. Questions that could not be answered are kept as their family and the reason.
#[derive(Serialize, Deserialize)]
struct PullRow {
    version: u32,
    slot: i64,
    window: WindowRow,
    rows: u64,
    failure: Option<String>,
    refused: bool,
    took: i64,
    notes: Vec<String>,
    unanswerable: Vec<(String, String)>,
    zone: Option<String>,
}

pub(super) fn add_pull(
    transaction: &Transaction<'_>,
    project: &Name,
    pull: &Pull,
) -> Result<(), StoreError> {
    let row = PullRow {
        version: 1,
        slot: millis(pull.slot),
        window: pull.window.into(),
        rows: pull.rows,
        failure: pull.failure.clone(),
        refused: pull.refused,
        took: pull.took.num_milliseconds(),
        notes: pull.notes.clone(),
        unanswerable: pull
            .unanswerable
            .iter()
            .map(|(question, why)| (question.hex(), why.clone()))
            .collect(),
        zone: pull.zone.map(|zone| zone.name().to_owned()),
    };
    let ok = pull.failure.is_none();
    transaction
        .prepare_cached(
            "INSERT INTO pull (project, source, at, ok, row) VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .and_then(|mut statement| {
            let text = rows::write(&row).unwrap_or_default();
            statement.execute(params![
                project.as_str(),
                pull.source.as_str(),
                millis(pull.at),
                ok,
                text
            ])
        })
        .map_err(|why| trouble(&why))?;
    Ok(())
}

fn pull(source: &str, when: i64, text: &str) -> Result<Pull, StoreError> {
    let row: PullRow = rows::read(text)?;
    Ok(Pull {
        source: Name::clean(source),
        slot: at(row.slot),
        at: at(when),
        window: row.window.window(),
        rows: row.rows,
        failure: row.failure,
        refused: row.refused,
        took: TimeDelta::milliseconds(row.took),
        notes: row.notes,
        unanswerable: row
            .unanswerable
            .into_iter()
            .filter_map(|(hex, why)| Some((Fingerprint::parse(&hex)?, why)))
            .collect(),
        zone: row.zone.and_then(|zone| zone.parse().ok()),
    })
}

/// Pulls that ended in the window, oldest first.
pub(super) fn pulls_in(
    connection: &Connection,
    project: &Name,
    window: Window,
) -> Result<Vec<Pull>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT source, at, row FROM pull WHERE project = ?1 AND at >= ?2 AND at < ?3 ORDER BY at")
        .map_err(|why| trouble(&why))?;
    let found = statement
        .query_map(
            params![project.as_str(), millis(window.from), millis(window.to)],
            |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, String>(2)?,
                ))
            },
        )
        .map_err(|why| trouble(&why))?;
    let mut list = Vec::new();
    for row in found {
        let (source, when, text) = row.map_err(|why| trouble(&why))?;
        list.push(pull(&source, when, &text)?);
    }
    Ok(list)
}

/// The newest pull of each source, and when one last succeeded.
pub(super) fn newest_pulls(
    connection: &Connection,
    project: &Name,
) -> Result<BTreeMap<Name, (Pull, Option<Timestamp>)>, StoreError> {
    let mut statement = connection
        .prepare_cached(
            "SELECT newest.source, newest.at, newest.row,
               (SELECT max(good.at) FROM pull AS good
                WHERE good.project = newest.project AND good.source = newest.source AND good.ok = 1)
             FROM pull AS newest
             WHERE newest.project = ?1 AND newest.number = (
               SELECT number FROM pull AS one WHERE one.project = newest.project
                 AND one.source = newest.source ORDER BY one.at DESC, one.number DESC LIMIT 1)",
        )
        .map_err(|why| trouble(&why))?;
    let found = statement
        .query_map([project.as_str()], |row| {
            let (source, when): (String, i64) = (row.get(0)?, row.get(1)?);
            Ok((
                source,
                when,
                row.get::<_, String>(2)?,
                row.get::<_, Option<i64>>(3)?,
            ))
        })
        .map_err(|why| trouble(&why))?;
    let mut map = BTreeMap::new();
    for row in found {
        let (source, when, text, success) = row.map_err(|why| trouble(&why))?;
        map.insert(
            Name::clean(&source),
            (pull(&source, when, &text)?, success.map(at)),
        );
    }
    Ok(map)
}
