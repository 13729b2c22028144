//! Readings: added when something changed, and read back as they were known.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{CachedStatement, Connection, Transaction, params};

use crate::model::{
    AsOf, Bucket, Grain, Name, Observation, Question, Reading, Segment, SeriesKey, Timestamp,
    Window,
};
use crate::store::rows::{self, at, millis};
use crate::store::{History, StoreError};

use super::trouble;

/// Adds readings whose value or quality changed; returns how many. What is known of a series is
/// read once for all its buckets, and rows are written in the order of the table.
pub(super) fn add(
    transaction: &Transaction<'_>,
    project: &Name,
    seen: &[Observation],
) -> Result<u64, StoreError> {
    let mut insert = transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO reading (series, start, seen_at, length, zone, value, quality)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .map_err(|why| trouble(&why))?;
    let mut known: HashMap<i64, (u64, String)> = HashMap::new();
    let mut added = 0;
    for (number, is_new, ordered) in by_series(transaction, project, seen)? {
        known.clear();
        if !is_new {
            newest(transaction, number, &ordered, &mut known)?;
        }
        for one in ordered {
            let quality = rows::quality_text(&one.quality)?;
            let start = one.bucket.start.timestamp();
            let bits = one.value.to_bits();
            if known
                .get(&start)
                .is_some_and(|(value, text)| *value == bits && *text == quality)
            {
                continue;
            }
            insert
                .execute(params![
                    number,
                    start,
                    millis(one.seen_at),
                    one.bucket.length().num_seconds(),
                    one.bucket.zone.name(),
                    one.value,
                    quality
                ])
                .map_err(|why| trouble(&why))?;
            known.insert(start, (bits, quality));
            added += 1;
        }
    }
    Ok(added)
}

/// The number of a series, whether it was made just now, and its observations by bucket.
type OfSeries<'a> = (i64, bool, Vec<&'a Observation>);

fn by_series<'a>(
    transaction: &Transaction<'_>,
    project: &Name,
    seen: &'a [Observation],
) -> Result<Vec<OfSeries<'a>>, StoreError> {
    let mut places: HashMap<&SeriesKey, usize> = HashMap::new();
    let mut found: Vec<OfSeries<'a>> = Vec::new();
    // Observations of one series mostly follow each other and share their key.
    let mut last: Option<(&Arc<SeriesKey>, usize)> = None;
    for one in seen {
        if !one.value.is_finite() {
            continue; // A source that lets one through is caught by its contract test.
        }
        let key = &one.series;
        let place = match last {
            Some((known, place)) if Arc::ptr_eq(known, key) => place,
            _ => match places.get(&**key) {
                Some(place) => *place,
                None => {
                    let (number, is_new) = series(transaction, project, key)?;
                    places.insert(key, found.len());
                    found.push((number, is_new, Vec::new()));
                    found.len() - 1
                }
            },
        };
        last = Some((key, place));
        found[place].2.push(one);
    }
    found.sort_by_key(|(number, _, _)| *number);
    for (_, _, ordered) in &mut found {
        ordered.sort_by_key(|one| one.bucket.start);
    }
    Ok(found)
}

/// The newest value and quality of each bucket from the first to the last of these.
fn newest(
    transaction: &Transaction<'_>,
    number: i64,
    ordered: &[&Observation],
    known: &mut HashMap<i64, (u64, String)>,
) -> Result<(), StoreError> {
    let (Some(first), Some(last)) = (ordered.first(), ordered.last()) else {
        return Ok(());
    };
    let (first, last) = (
        first.bucket.start.timestamp(),
        last.bucket.start.timestamp(),
    );
    let mut statement = transaction
        .prepare_cached(
            "SELECT start, value, quality FROM reading WHERE series = ?1 AND start >= ?2 AND start <= ?3
             ORDER BY start, seen_at",
        )
        .map_err(|why| trouble(&why))?;
    let rows = statement
        .query_map(params![number, first, last], |row| {
            Ok((row.get(0)?, row.get::<_, f64>(1)?, row.get::<_, String>(2)?))
        })
        .map_err(|why| trouble(&why))?;
    for row in rows {
        let (start, value, quality) = row.map_err(|why| trouble(&why))?;
        known.insert(start, (value.to_bits(), quality));
    }
    Ok(())
}

/// The number of a series, and whether it was made just now.
fn series(
    transaction: &Transaction<'_>,
    project: &Name,
    key: &SeriesKey,
) -> Result<(i64, bool), StoreError> {
    let id = key.id(project);
    let segment = rows::segment_text(&key.segment)?;
    let made = transaction
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
        .map(|number| (number, made > 0))
        .map_err(|why| trouble(&why))
}

/// Buckets by grain, start and length with the zone they were cut in: the same few days stand in
/// every series, and finding their local label is slow.
type Buckets = HashMap<(Grain, i64, i64), Vec<(String, Bucket)>>;

/// The readings of each question in the window, in the order of the questions.
pub(super) fn histories(
    connection: &Connection,
    project: &Name,
    questions: &[Question],
    window: Window,
    wanted: AsOf,
) -> Result<Vec<History>, StoreError> {
    let mut buckets = Buckets::new();
    let mut families = connection
        .prepare_cached("SELECT number, segment FROM series WHERE family = ?1 ORDER BY number")
        .map_err(|why| trouble(&why))?;
    let mut readings = connection
        .prepare_cached(
            "SELECT start, seen_at, length, zone, value, quality FROM reading
             WHERE series = ?1 AND start >= ?2 AND start < ?3 AND seen_at <= ?4
             ORDER BY start, seen_at",
        )
        .map_err(|why| trouble(&why))?;
    let mut answers = Vec::with_capacity(questions.len());
    for question in questions {
        let mut found = History::new();
        for (number, segment) in segments(&mut families, project, question)? {
            let asked = (number, question.grain, window, wanted);
            let line = line(&mut readings, asked, &mut buckets)?;
            if !line.is_empty() {
                found.insert(segment, line);
            }
        }
        answers.push(found);
    }
    Ok(answers)
}

/// The series of a question: number and segment.
fn segments(
    statement: &mut CachedStatement<'_>,
    project: &Name,
    question: &Question,
) -> Result<Vec<(i64, Segment)>, StoreError> {
    let rows = statement
        .query_map([question.family(project).0], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })
        .map_err(|why| trouble(&why))?;
    let mut list = Vec::new();
    for row in rows {
        let (number, text) = row.map_err(|why| trouble(&why))?;
        list.push((number, rows::segment(&text)?));
    }
    Ok(list)
}

/// One series: the wanted readings of each bucket, oldest bucket first.
fn line(
    statement: &mut CachedStatement<'_>,
    (number, grain, window, wanted): (i64, Grain, Window, AsOf),
    buckets: &mut Buckets,
) -> Result<Vec<Reading>, StoreError> {
    let until = match wanted {
        AsOf::Time(at) => millis(at),
        AsOf::Age(_) | AsOf::Every => i64::MAX,
    };
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
        let text = |place: usize| -> Result<&str, StoreError> {
            let value = row.get_ref(place).map_err(|why| trouble(&why))?;
            value
                .as_str()
                .map_err(|why| rows::damaged(&why.to_string()))
        };
        let reading = Reading {
            bucket: bucket(buckets, grain, start, length, text(3)?)?,
            value,
            quality: rows::quality(text(5)?)?,
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

fn bucket(
    buckets: &mut Buckets,
    grain: Grain,
    start: i64,
    length: i64,
    zone: &str,
) -> Result<Bucket, StoreError> {
    let known = buckets.entry((grain, start, length)).or_default();
    if let Some((_, bucket)) = known.iter().find(|(cut, _)| cut == zone) {
        return Ok(*bucket);
    }
    let bucket = rows::bucket(grain, start, length, zone)?;
    known.push((zone.to_owned(), bucket));
    Ok(bucket)
}

/// Where the first bucket begins that held anything.
pub(super) fn first_seen(
    connection: &Connection,
    project: &Name,
    question: &Question,
) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT min(reading.start) FROM series JOIN reading ON reading.series = series.number
               WHERE series.family = ?1 AND reading.value <> 0";
    start_of(connection, project, question, sql)
}

/// Where the newest bucket begins of which a value is known.
pub(super) fn reached(
    connection: &Connection,
    project: &Name,
    question: &Question,
) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT max(reading.start) FROM series JOIN reading ON reading.series = series.number
               WHERE series.family = ?1";
    start_of(connection, project, question, sql)
}

/// The start of the one bucket that a query over the readings of a question picks.
fn start_of(
    connection: &Connection,
    project: &Name,
    question: &Question,
    sql: &str,
) -> Result<Option<Timestamp>, StoreError> {
    let family = question.family(project).0;
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row([family], |row| row.get::<_, Option<i64>>(0)))
        .map(|start| start.and_then(|start| Timestamp::from_timestamp(start, 0)))
        .map_err(|why| trouble(&why))
}
