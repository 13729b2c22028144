//! Pulls and their fate.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use crate::model::{Fingerprint, Name, Timestamp, Window};
use crate::store::rows::{self, WindowRow, at, millis};
use crate::store::{Pull, StoreError};

use super::trouble;

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
    #[serde(default)]
    settings: BTreeMap<String, String>,
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
        settings: pull.settings.clone(),
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
        settings: row.settings,
        drift: Vec::new(),
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

/// The newest pull of a source that a query names, with when one last succeeded.
const NEWEST: &str = "newest.source, newest.at, newest.row,
   (SELECT max(good.at) FROM pull AS good
    WHERE good.project = newest.project AND good.source = newest.source AND good.ok = 1)
   FROM pull AS newest";

/// A row of [`NEWEST`].
type Newest = (String, i64, String, Option<i64>);

fn newest_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Newest> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

/// The newest pull of one source, and when one last succeeded.
pub(super) fn pull_of(
    connection: &Connection,
    project: &Name,
    source: &Name,
) -> Result<Option<(Pull, Option<Timestamp>)>, StoreError> {
    let found = connection
        .prepare_cached(&format!(
            "SELECT {NEWEST} WHERE newest.project = ?1 AND newest.source = ?2
             ORDER BY newest.at DESC, newest.number DESC LIMIT 1"
        ))
        .and_then(|mut query| {
            query
                .query_row([project.as_str(), source.as_str()], newest_row)
                .optional()
        })
        .map_err(|why| trouble(&why))?;
    found
        .map(|(source, when, text, success)| Ok((pull(&source, when, &text)?, success.map(at))))
        .transpose()
}

/// The newest pull of each source, and when one last succeeded.
pub(super) fn newest_pulls(
    connection: &Connection,
    project: &Name,
) -> Result<BTreeMap<Name, (Pull, Option<Timestamp>)>, StoreError> {
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT {NEWEST} WHERE newest.project = ?1 AND newest.number = (
               SELECT number FROM pull AS one WHERE one.project = newest.project
                 AND one.source = newest.source ORDER BY one.at DESC, one.number DESC LIMIT 1)"
        ))
        .map_err(|why| trouble(&why))?;
    let found = statement
        .query_map([project.as_str()], newest_row)
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
