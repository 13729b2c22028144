//! Rounds: evaluations, incidents, what was told, marks and silences.

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde::{Deserialize, Serialize};

use crate::incident::{Change, Incident, State};
use crate::model::{Evaluation, Fingerprint, Mark, MarkKind, Name, Timestamp, Window};
use crate::notify::{Reason, Silence, Told};
use crate::store::rows::{
    self, EvaluationRow, IncidentRow, MatcherRow, WindowRow, at, damaged, millis,
};
use crate::store::{Round, StoreError};

use super::{outbox, trouble};

/// Everything of a round but its slot.
pub(super) fn write_round(
    transaction: &Transaction<'_>,
    project: &Name,
    round: &Round<'_>,
) -> Result<(), StoreError> {
    for seen in round.seen {
        add_evaluation(transaction, project, seen)?;
    }
    for change in round.changes {
        write_change(transaction, project, change)?;
    }
    for letter in round.letters {
        outbox::add(transaction, project, letter)?;
    }
    for told in round.told {
        add_told(transaction, project, told)?;
    }
    for mark in round.marks {
        add_mark(transaction, project, mark)?;
    }
    Ok(())
}

/// What an evaluation is about, as a key.
fn subject(seen: &Evaluation) -> Result<String, StoreError> {
    let source = seen.source.as_ref().map_or("", |source| source.as_str());
    let segment = rows::segment_text(&seen.segment)?;
    Ok(format!(
        "{}|{}|{source}|{segment}",
        seen.check,
        seen.bucket.grain.word()
    ))
}

fn add_evaluation(
    transaction: &Transaction<'_>,
    project: &Name,
    seen: &Evaluation,
) -> Result<(), StoreError> {
    let subject = subject(seen)?;
    let start = seen.bucket.start.timestamp();
    let text = rows::write(&EvaluationRow::from(seen))?;
    transaction
        .prepare_cached(
            "UPDATE evaluation SET newest = 0 WHERE project = ?1 AND subject = ?2 AND newest = 1 AND start <> ?3",
        )
        .and_then(|mut statement| statement.execute(params![project.as_str(), subject, start]))
        .map_err(|why| trouble(&why))?;
    transaction
        .prepare_cached(
            "INSERT INTO evaluation (project, subject, start, newest, row) VALUES (?1, ?2, ?3, 1, ?4)
             ON CONFLICT DO UPDATE SET row = ?4, newest = 1 WHERE row <> ?4 OR newest = 0",
        )
        .and_then(|mut statement| statement.execute(params![project.as_str(), subject, start, text]))
        .map_err(|why| trouble(&why))?;
    Ok(())
}

/// The rows of a query that selects one text column, each read back into what it was.
fn listed<Row: serde::de::DeserializeOwned, Thing>(
    connection: &Connection,
    sql: &str,
    values: &[&dyn rusqlite::ToSql],
    back: impl Fn(Row) -> Result<Thing, StoreError>,
) -> Result<Vec<Thing>, StoreError> {
    let mut statement = connection
        .prepare_cached(sql)
        .map_err(|why| trouble(&why))?;
    let found = statement
        .query_map(values, |row| row.get::<_, String>(0))
        .map_err(|why| trouble(&why))?;
    found
        .map(|text| back(rows::read(&text.map_err(|why| trouble(&why))?)?))
        .collect()
}

fn evaluations(
    connection: &Connection,
    sql: &str,
    values: &[&dyn rusqlite::ToSql],
) -> Result<Vec<Evaluation>, StoreError> {
    listed(connection, sql, values, |row: EvaluationRow| {
        row.evaluation()
    })
}

pub(super) fn latest(
    connection: &Connection,
    project: &Name,
) -> Result<Vec<Evaluation>, StoreError> {
    let sql = "SELECT row FROM evaluation WHERE project = ?1 AND newest = 1 ORDER BY subject";
    evaluations(connection, sql, &[&project.as_str()])
}

pub(super) fn evaluations_in(
    connection: &Connection,
    project: &Name,
    window: Window,
) -> Result<Vec<Evaluation>, StoreError> {
    let sql = "SELECT row FROM evaluation WHERE project = ?1 AND start >= ?2 AND start < ?3 ORDER BY start, subject";
    let (from, to) = (window.from.timestamp(), window.to.timestamp());
    evaluations(connection, sql, &[&project.as_str(), &from, &to])
}

/// Writes an incident if it is as old as the change thinks: a turn raises the revision by one.
pub(super) fn write_change(
    transaction: &Transaction<'_>,
    project: &Name,
    change: &Change,
) -> Result<(), StoreError> {
    let after = &change.after;
    let known: Option<u32> = transaction
        .prepare_cached("SELECT revision FROM incident WHERE id = ?1")
        .and_then(|mut statement| {
            statement
                .query_row([after.id.0], |row| row.get(0))
                .optional()
        })
        .map_err(|why| trouble(&why))?;
    let before = if change.turn.is_some() {
        after.revision.saturating_sub(1)
    } else {
        after.revision
    };
    if known.is_some_and(|known| known != before) {
        return Err(StoreError::Stale(after.id));
    }
    let text = rows::write(&IncidentRow::from(after))?;
    let resolved = match after.state {
        State::Resolved { at } => Some(millis(at)),
        State::Suspected { .. } | State::Open | State::Recovering { .. } => None,
    };
    transaction
        .prepare_cached(
            "INSERT INTO incident (id, project, number, revision, resolved_at, first_start, last_end, row)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (id) DO UPDATE SET number = ?3, revision = ?4, resolved_at = ?5, first_start = ?6,
               last_end = ?7, row = ?8",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                after.id.0,
                project.as_str(),
                after.number,
                after.revision,
                resolved,
                millis(after.first.start),
                millis(after.last.end),
                text,
            ])
        })
        .map_err(|why| trouble(&why))?;
    Ok(())
}

fn incidents(
    connection: &Connection,
    sql: &str,
    values: &[&dyn rusqlite::ToSql],
) -> Result<Vec<Incident>, StoreError> {
    listed(connection, sql, values, |row: IncidentRow| row.incident())
}

pub(super) fn unresolved(
    connection: &Connection,
    project: &Name,
    since: Timestamp,
) -> Result<Vec<Incident>, StoreError> {
    let sql = "SELECT row FROM incident WHERE project = ?1 AND (resolved_at IS NULL OR resolved_at >= ?2) ORDER BY id";
    incidents(connection, sql, &[&project.as_str(), &millis(since)])
}

pub(super) fn incidents_in(
    connection: &Connection,
    project: &Name,
    window: Window,
) -> Result<Vec<Incident>, StoreError> {
    let sql = "SELECT row FROM incident WHERE project = ?1 AND first_start < ?3
                 AND (resolved_at IS NULL OR resolved_at >= ?2) ORDER BY number DESC, id";
    incidents(
        connection,
        sql,
        &[&project.as_str(), &millis(window.from), &millis(window.to)],
    )
}

pub(super) fn numbered(
    connection: &Connection,
    project: &Name,
    number: u32,
) -> Result<Option<Incident>, StoreError> {
    let sql = "SELECT row FROM incident WHERE project = ?1 AND number = ?2";
    Ok(incidents(connection, sql, &[&project.as_str(), &number])?
        .into_iter()
        .next())
}

/// Reserves numbers; gaps are allowed.
pub(super) fn numbers(
    transaction: &Transaction<'_>,
    project: &Name,
    count: u32,
) -> Result<u32, StoreError> {
    let next: u32 = fact(transaction, project, "next_number")?
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    set_fact(
        transaction,
        project,
        "next_number",
        &next.saturating_add(count).to_string(),
    )?;
    Ok(next)
}

pub(super) fn fact(
    connection: &Connection,
    project: &Name,
    name: &str,
) -> Result<Option<String>, StoreError> {
    connection
        .prepare_cached("SELECT value FROM fact WHERE project = ?1 AND name = ?2")
        .and_then(|mut statement| {
            statement
                .query_row(params![project.as_str(), name], |row| row.get(0))
                .optional()
        })
        .map_err(|why| trouble(&why))
}

fn set_fact(
    transaction: &Transaction<'_>,
    project: &Name,
    name: &str,
    value: &str,
) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT INTO fact (project, name, value) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET value = ?3",
        )
        .and_then(|mut statement| statement.execute(params![project.as_str(), name, value]))
        .map_err(|why| trouble(&why))?;
    Ok(())
}

pub(super) fn add_told(
    transaction: &Transaction<'_>,
    project: &Name,
    told: &Told,
) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT OR IGNORE INTO told (project, route, channel, incident, revision, reason, n, at, receipt)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                project.as_str(),
                told.route.as_str(),
                told.channel.as_str(),
                told.incident.0,
                told.revision,
                told.reason.word(),
                told.n,
                millis(told.at),
                told.receipt,
            ])
        })
        .map_err(|why| trouble(&why))?;
    Ok(())
}

/// Route, channel, revision, reason, n, at, receipt.
type RawTold = (String, String, u32, String, u32, i64, Option<String>);

pub(super) fn told(
    connection: &Connection,
    project: &Name,
    of: &[Fingerprint],
) -> Result<Vec<Told>, StoreError> {
    let mut statement = connection
        .prepare_cached(
            "SELECT route, channel, revision, reason, n, at, receipt FROM told
             WHERE project = ?1 AND incident = ?2 ORDER BY at, revision, n",
        )
        .map_err(|why| trouble(&why))?;
    let mut list = Vec::new();
    for incident in of {
        let mut rows = statement
            .query(params![project.as_str(), incident.0])
            .map_err(|why| trouble(&why))?;
        while let Some(row) = rows.next().map_err(|why| trouble(&why))? {
            let read = || -> rusqlite::Result<RawTold> {
                Ok((
                    row.get(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                    row.get(5)?,
                    row.get(6)?,
                ))
            };
            let (route, channel, revision, reason, n, when, receipt) =
                read().map_err(|why| trouble(&why))?;
            list.push(Told {
                route: Name::clean(&route),
                channel: Name::clean(&channel),
                incident: *incident,
                revision,
                reason: Reason::parse(&reason).ok_or_else(|| damaged("a reason"))?,
                n,
                at: at(when),
                receipt,
            });
        }
    }
    Ok(list)
}

pub(super) fn told_since(
    connection: &Connection,
    project: &Name,
    since: Timestamp,
) -> Result<Vec<(Name, Reason, u32)>, StoreError> {
    let mut statement = connection
        .prepare_cached(
            // A digest is one message about many incidents.
            "SELECT channel, reason, CASE reason WHEN 'digest' THEN count(DISTINCT at) ELSE count(*) END
             FROM told WHERE project = ?1 AND at >= ?2 GROUP BY channel, reason",
        )
        .map_err(|why| trouble(&why))?;
    let rows = statement
        .query_map(params![project.as_str(), millis(since)], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, u32>(2)?,
            ))
        })
        .map_err(|why| trouble(&why))?;
    let mut list = Vec::new();
    for row in rows {
        let (channel, reason, count) = row.map_err(|why| trouble(&why))?;
        list.push((
            Name::clean(&channel),
            Reason::parse(&reason).ok_or_else(|| damaged("a reason"))?,
            count,
        ));
    }
    Ok(list)
}

pub(super) fn add_mark(
    transaction: &Transaction<'_>,
    project: &Name,
    mark: &Mark,
) -> Result<(), StoreError> {
    let source = mark.source.as_ref().map_or("", |source| source.as_str());
    transaction
        .prepare_cached("INSERT OR IGNORE INTO mark (project, at, kind, name, source) VALUES (?1, ?2, ?3, ?4, ?5)")
        .and_then(|mut statement| {
            let (kind, name) = (mark.kind.word(), mark.name.as_str());
            statement.execute(params![project.as_str(), millis(mark.at), kind, name, source])
        })
        .map_err(|why| trouble(&why))?;
    Ok(())
}

pub(super) fn marks(
    connection: &Connection,
    project: &Name,
    window: Window,
) -> Result<Vec<Mark>, StoreError> {
    let read = || -> rusqlite::Result<Vec<(i64, String, String, String)>> {
        let mut statement = connection.prepare_cached(
            "SELECT at, kind, name, source FROM mark WHERE project = ?1 AND at >= ?2 AND at < ?3 ORDER BY at",
        )?;
        let rows = statement.query_map(
            params![project.as_str(), millis(window.from), millis(window.to)],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
        )?;
        rows.collect()
    };
    let rows = read().map_err(|why| trouble(&why))?;
    let mark = |(when, kind, name, source): (i64, String, String, String)| {
        let kind = MarkKind::parse(&kind)?;
        let source = (!source.is_empty()).then(|| Name::clean(&source));
        Some(Mark {
            at: at(when),
            kind,
            name: Name::clean(&name),
            source,
        })
    };
    Ok(rows.into_iter().filter_map(mark).collect())
}

#[derive(Serialize, Deserialize)]
struct SilenceRow {
    version: u32,
    id: String,
    matcher: MatcherRow,
    window: WindowRow,
    reason: String,
    by: String,
}

pub(super) fn set_silence(
    transaction: &Transaction<'_>,
    project: &Name,
    silence: &Silence,
) -> Result<(), StoreError> {
    let row = SilenceRow {
        version: 1,
        id: silence.id.hex(),
        matcher: (&silence.matcher).into(),
        window: silence.window.into(),
        reason: silence.reason.clone(),
        by: silence.by.clone(),
    };
    let text = rows::write(&row)?;
    transaction
        .prepare_cached(
            "INSERT INTO silence (id, project, until, row) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (id) DO UPDATE SET until = ?3, row = ?4",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                silence.id.0,
                project.as_str(),
                millis(silence.window.to),
                text
            ])
        })
        .map_err(|why| trouble(&why))?;
    Ok(())
}

pub(super) fn silences(
    connection: &Connection,
    project: &Name,
    since: Timestamp,
) -> Result<Vec<Silence>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT row FROM silence WHERE project = ?1 AND until > ?2 ORDER BY until")
        .map_err(|why| trouble(&why))?;
    let texts = statement
        .query_map(params![project.as_str(), millis(since)], |row| {
            row.get::<_, String>(0)
        })
        .map_err(|why| trouble(&why))?;
    let mut list = Vec::new();
    for text in texts {
        let row: SilenceRow = rows::read(&text.map_err(|why| trouble(&why))?)?;
        list.push(Silence {
            id: Fingerprint::parse(&row.id).ok_or_else(|| damaged("a silence id"))?,
            matcher: row.matcher.matcher(),
            window: row.window.window(),
            reason: row.reason,
            by: row.by,
        });
    }
    Ok(list)
}
