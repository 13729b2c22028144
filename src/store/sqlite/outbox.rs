//! Letters on their way: written once, claimed, settled.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use rusqlite::{Connection, Row, Transaction, params};

use crate::model::{Fingerprint, Name, Timestamp};
use crate::notify::{Letter, Payload, Reason};
use crate::store::rows::{self, at, damaged, millis};
use crate::store::{Claim, Fate, LetterRow, Room, StoreError};

use super::trouble;

const COLUMNS: &str = "id, route, channel, reason, n, incident, revision, sequence, content_type, body, extra, \
                       written_at, next_at, state, attempts, why, settled_at";

/// Adds a letter; one that is known already is left as it is.
pub(super) fn add(
    transaction: &Transaction<'_>,
    project: &Name,
    letter: &Letter,
) -> Result<(), StoreError> {
    let extra = rows::write(&letter.payload.extra)?;
    transaction
        .prepare_cached(
            "INSERT OR IGNORE INTO letter (id, project, route, channel, reason, n, incident, revision, sequence,
               content_type, body, extra, written_at, next_at, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 'waiting')",
        )
        .and_then(|mut statement| {
            statement.execute(params![
                letter.id.0,
                project.as_str(),
                letter.route.as_str(),
                letter.channel.as_str(),
                letter.reason.word(),
                letter.n,
                letter.about.map(|(incident, _)| incident.0),
                letter.about.map(|(_, revision)| revision),
                i64::try_from(letter.sequence).unwrap_or(i64::MAX),
                letter.payload.content_type,
                letter.payload.body,
                extra,
                millis(letter.written_at),
                millis(letter.not_before),
            ])
        })
        .map_err(|why| trouble(&why))?;
    Ok(())
}

/// Letter, state, attempts, reason, settled.
type Raw = (RawLetter, String, u32, Option<String>, Option<i64>);

fn letter_row(row: &Row<'_>) -> rusqlite::Result<Raw> {
    let raw = RawLetter {
        id: row.get(0)?,
        route: row.get(1)?,
        channel: row.get(2)?,
        reason: row.get(3)?,
        n: row.get(4)?,
        incident: row.get(5)?,
        revision: row.get(6)?,
        sequence: row.get(7)?,
        content_type: row.get(8)?,
        body: row.get(9)?,
        extra: row.get(10)?,
        written_at: row.get(11)?,
        next_at: row.get(12)?,
    };
    Ok((raw, row.get(13)?, row.get(14)?, row.get(15)?, row.get(16)?))
}

struct RawLetter {
    id: [u8; 16],
    route: String,
    channel: String,
    reason: String,
    n: u32,
    incident: Option<[u8; 16]>,
    revision: Option<u32>,
    sequence: i64,
    content_type: String,
    body: Vec<u8>,
    extra: String,
    written_at: i64,
    next_at: i64,
}

impl RawLetter {
    fn letter(self) -> Result<Letter, StoreError> {
        let extra: BTreeMap<String, String> = rows::read(&self.extra)?;
        Ok(Letter {
            id: Fingerprint(self.id),
            route: Name::clean(&self.route),
            channel: Name::clean(&self.channel),
            reason: Reason::parse(&self.reason).ok_or_else(|| damaged("a reason"))?,
            n: self.n,
            about: self.incident.map(Fingerprint).zip(self.revision),
            sequence: u64::try_from(self.sequence).unwrap_or(0),
            payload: Payload {
                content_type: self.content_type,
                body: self.body,
                extra,
            },
            written_at: at(self.written_at),
            not_before: at(self.next_at),
        })
    }
}

/// Letters that are due. Of one channel and incident only the oldest unsettled is taken, so that
/// no later letter overtakes an earlier one; the revision goes before the time, since clocks step.
/// A letter from the future was written before the clock stepped back: it is due.
pub(super) fn claim(
    transaction: &Transaction<'_>,
    project: &Name,
    holder: &str,
    now: Timestamp,
    hold: TimeDelta,
    room: &Room,
) -> Result<Vec<Claim>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM letter AS mine
         WHERE project = ?1 AND state IN ('waiting', 'sending')
           AND (next_at <= ?2 OR written_at > ?2)
           AND (state = 'waiting' OR held_until <= ?2)
           AND channel NOT IN (SELECT value FROM json_each(?4))
           AND NOT EXISTS (
             SELECT 1 FROM letter AS earlier
             WHERE earlier.channel = mine.channel AND earlier.incident = mine.incident
               AND (earlier.revision, earlier.sequence) < (mine.revision, mine.sequence)
               AND earlier.state IN ('waiting', 'sending'))
         ORDER BY next_at, sequence LIMIT ?3"
    );
    let mut room = room.clone();
    let mut claims = Vec::new();
    // A channel that is full is left out, and the next ones are asked for: one round for each.
    while room.all > 0 {
        let full: Vec<&str> = room
            .of
            .iter()
            .filter(|(_, left)| **left == 0)
            .map(|(channel, _)| channel.as_str())
            .collect();
        let full = rows::write(&full)?;
        let found = transaction
            .prepare_cached(&sql)
            .and_then(|mut statement| {
                statement
                    .query_map(
                        params![project.as_str(), millis(now), room.all, full],
                        letter_row,
                    )?
                    .collect::<Result<Vec<_>, _>>()
            })
            .map_err(|why| trouble(&why))?;
        let enough = found.len() < room.all as usize;
        let before = claims.len();
        for (raw, _, attempts, _, _) in found {
            let letter = raw.letter()?;
            if let Some(left) = room.of.get_mut(&letter.channel) {
                if *left == 0 {
                    continue;
                }
                *left -= 1;
            }
            room.all -= 1;
            transaction
                .prepare_cached(
                    "UPDATE letter SET state = 'sending', holder = ?2, held_until = ?3, attempts = attempts + 1 WHERE id = ?1",
                )
                .and_then(|mut statement| {
                    statement.execute(params![letter.id.0, holder, millis(now + hold)])
                })
                .map_err(|why| trouble(&why))?;
            let earlier = receipts(transaction, &letter)?;
            claims.push(Claim {
                letter,
                attempts,
                earlier,
            });
        }
        if enough || claims.len() == before {
            break;
        }
    }
    Ok(claims)
}

/// What waits for a channel is due now.
pub(super) fn hurry(
    transaction: &Transaction<'_>,
    project: &Name,
    channel: &Name,
    now: Timestamp,
) -> Result<u64, StoreError> {
    transaction
        .execute(
            "UPDATE letter SET next_at = ?3
             WHERE project = ?1 AND channel = ?2 AND state = 'waiting' AND next_at > ?3",
            params![project.as_str(), channel.as_str(), millis(now)],
        )
        .map(|changed| changed as u64)
        .map_err(|why| trouble(&why))
}

/// Letters that wait for a channel and are older than a time.
pub(super) fn overdue(
    connection: &Connection,
    project: &Name,
    channel: &Name,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<Letter>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM letter WHERE project = ?1 AND channel = ?2 AND state = 'waiting'
           AND written_at <= ?3 ORDER BY written_at, sequence LIMIT ?4"
    );
    let found = connection
        .prepare_cached(&sql)
        .and_then(|mut statement| {
            statement
                .query_map(
                    params![project.as_str(), channel.as_str(), millis(before), limit],
                    letter_row,
                )?
                .collect::<Result<Vec<_>, _>>()
        })
        .map_err(|why| trouble(&why))?;
    found.into_iter().map(|(raw, ..)| raw.letter()).collect()
}

/// What the receiver answered to earlier letters about the same incident, oldest first.
fn receipts(connection: &Connection, letter: &Letter) -> Result<Vec<String>, StoreError> {
    let Some((incident, _)) = letter.about else {
        return Ok(Vec::new());
    };
    let sequence = i64::try_from(letter.sequence).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "SELECT receipt FROM letter WHERE channel = ?1 AND incident = ?2 AND sequence < ?3
               AND state = 'delivered' AND receipt IS NOT NULL ORDER BY sequence",
        )
        .and_then(|mut statement| {
            statement
                .query_map(
                    params![letter.channel.as_str(), incident.0, sequence],
                    |row| row.get(0),
                )?
                .collect()
        })
        .map_err(|why| trouble(&why))
}

/// What became of a letter. A letter that was settled before stays as it is.
pub(super) fn settle(
    transaction: &Transaction<'_>,
    id: Fingerprint,
    fate: &Fate,
    now: Timestamp,
) -> Result<(), StoreError> {
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        transaction
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values))
            .map(|_| ())
            .map_err(|why| trouble(&why))
    };
    match fate {
        Fate::Delivered { receipt } => {
            run(
                "UPDATE letter SET state = 'delivered', receipt = ?2, settled_at = ?3, why = NULL
                 WHERE id = ?1 AND state <> 'delivered'",
                &[&id.0, receipt, &millis(now)],
            )?;
            run(
                "UPDATE told SET receipt = ?2 WHERE (channel, incident, revision, reason, n) =
                   (SELECT channel, incident, revision, reason, n FROM letter WHERE id = ?1)",
                &[&id.0, receipt],
            )
        }
        Fate::Retry { at, why } => run(
            "UPDATE letter SET state = 'waiting', next_at = ?2, why = ?3 WHERE id = ?1 AND state = 'sending'",
            &[&id.0, &millis(*at), why],
        ),
        Fate::Dead { why } => run(
            "UPDATE letter SET state = 'dead', why = ?2, settled_at = ?3 WHERE id = ?1 AND state <> 'delivered'",
            &[&id.0, why, &millis(now)],
        ),
    }
}

/// How many letters wait for each channel.
pub(super) fn waiting(
    connection: &Connection,
    project: &Name,
) -> Result<BTreeMap<Name, u32>, StoreError> {
    connection
        .prepare_cached(
            "SELECT channel, count(*) FROM letter
             WHERE project = ?1 AND state IN ('waiting', 'sending') GROUP BY channel",
        )
        .and_then(|mut statement| {
            statement
                .query_map([project.as_str()], |row| {
                    Ok((Name::clean(&row.get::<_, String>(0)?), row.get(1)?))
                })?
                .collect()
        })
        .map_err(|why| trouble(&why))
}

/// When the next letter is due; a claimed one when its hold ends.
pub(super) fn next(
    connection: &Connection,
    project: &Name,
) -> Result<Option<Timestamp>, StoreError> {
    connection
        .prepare_cached(
            "SELECT min(CASE state WHEN 'sending' THEN max(next_at, held_until) ELSE next_at END)
             FROM letter WHERE project = ?1 AND state IN ('waiting', 'sending')",
        )
        .and_then(|mut statement| {
            statement.query_row([project.as_str()], |row| row.get::<_, Option<i64>>(0))
        })
        .map(|next| next.map(at))
        .map_err(|why| trouble(&why))
}

/// Letters in flight of a holder wait again.
pub(super) fn reclaim(
    transaction: &Transaction<'_>,
    project: &Name,
    holder: &str,
) -> Result<u64, StoreError> {
    transaction
        .execute(
            "UPDATE letter SET state = 'waiting' WHERE project = ?1 AND holder = ?2 AND state = 'sending'",
            params![project.as_str(), holder],
        )
        .map(|changed| changed as u64)
        .map_err(|why| trouble(&why))
}

/// Puts a dead letter back.
pub(super) fn resend(
    transaction: &Transaction<'_>,
    id: Fingerprint,
    now: Timestamp,
) -> Result<bool, StoreError> {
    transaction
        .execute(
            "UPDATE letter SET state = 'waiting', next_at = ?2, attempts = 0, settled_at = NULL
             WHERE id = ?1 AND state = 'dead'",
            params![id.0, millis(now)],
        )
        .map(|changed| changed > 0)
        .map_err(|why| trouble(&why))
}

/// Letters about an incident, or all dead ones, newest first.
pub(super) fn list(
    connection: &Connection,
    project: &Name,
    of: Option<Fingerprint>,
    limit: u32,
) -> Result<Vec<LetterRow>, StoreError> {
    let condition = if of.is_some() {
        "incident = ?2"
    } else {
        "state = 'dead' AND ?2 IS NULL"
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM letter WHERE project = ?1 AND {condition} ORDER BY written_at DESC, sequence DESC LIMIT ?3"
    );
    let mut statement = connection
        .prepare_cached(&sql)
        .map_err(|why| trouble(&why))?;
    let found = statement
        .query_map(
            params![project.as_str(), of.map(|id| id.0), limit],
            letter_row,
        )
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|why| trouble(&why))?;
    found
        .into_iter()
        .map(|(raw, state, attempts, why, settled)| {
            Ok(LetterRow {
                letter: raw.letter()?,
                state,
                attempts,
                why,
                settled_at: settled.map(at),
            })
        })
        .collect()
}
