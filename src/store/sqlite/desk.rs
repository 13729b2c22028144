//! What the daemon and people ask of the database, each as one transaction.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::TimeDelta;
use rusqlite::params;

use crate::incident::{Change, Incident};
use crate::model::{AsOf, Fingerprint, Mark, Name, Observation, Question, Timestamp, Window};
use crate::notify::{Letter, Silence, Told};
use crate::store::rows::millis;
use crate::store::{
    Claim, Desk, Fate, History, Lease, Pull, Right, Room, Round, Store, StoreError,
};

use super::{Sqlite, incident, lease, observation, outbox, pull, trouble};

/// A round whose parts are owned, so that it can travel to the thread of the database.
struct OwnRound {
    slot: Timestamp,
    now: Timestamp,
    seen: Vec<crate::model::Evaluation>,
    changes: Vec<Change>,
    letters: Vec<Letter>,
    told: Vec<Told>,
    marks: Vec<Mark>,
}

#[async_trait]
impl Store for Sqlite {
    async fn lease(
        &self,
        job: &str,
        holder: &str,
        now: Timestamp,
        ttl: TimeDelta,
    ) -> Result<Option<Lease>, StoreError> {
        let (job, holder) = (job.to_owned(), holder.to_owned());
        self.write(move |transaction, project| {
            lease::take(transaction, project, &job, &holder, now, ttl)
        })
        .await
    }

    async fn last_slots(&self) -> Result<BTreeMap<String, Timestamp>, StoreError> {
        self.read(lease::newest_slots).await
    }

    async fn keep(&self, lease: &Lease, seen: Vec<Observation>) -> Result<u64, StoreError> {
        let held = lease.clone();
        self.write(move |transaction, project| {
            lease::fence(transaction, project, &held)?;
            observation::add(transaction, project, &seen)
        })
        .await
    }

    async fn record(
        &self,
        lease: &Lease,
        pull: &Pull,
        seen: Vec<Observation>,
    ) -> Result<u64, StoreError> {
        let (held, pull) = (lease.clone(), pull.clone());
        self.write(move |transaction, project| {
            lease::fence(transaction, project, &held)?;
            let added = observation::add(transaction, project, &seen)?;
            if lease::finish(transaction, project, &held.job, pull.slot)? {
                pull::add_pull(transaction, project, &pull)?;
                for mark in &pull.drift {
                    incident::add_mark(transaction, project, mark)?;
                }
            }
            Ok(added)
        })
        .await
    }

    async fn history(
        &self,
        questions: &[Question],
        window: Window,
        at: AsOf,
    ) -> Result<Vec<History>, StoreError> {
        let questions = questions.to_vec();
        self.read(move |connection, project| {
            observation::histories(connection, project, &questions, window, at)
        })
        .await
    }

    async fn reached(&self, questions: &[Question]) -> Result<Vec<Option<Timestamp>>, StoreError> {
        let questions = questions.to_vec();
        self.read(move |connection, project| {
            let each = questions.iter();
            each.map(|one| observation::reached(connection, project, one))
                .collect()
        })
        .await
    }

    async fn pulls(&self) -> Result<BTreeMap<Name, (Pull, Option<Timestamp>)>, StoreError> {
        self.read(pull::newest_pulls).await
    }

    async fn pull_of(
        &self,
        source: &Name,
    ) -> Result<Option<(Pull, Option<Timestamp>)>, StoreError> {
        let source = source.clone();
        self.read(move |connection, project| pull::pull_of(connection, project, &source))
            .await
    }

    async fn incidents(&self, since: Timestamp) -> Result<Vec<Incident>, StoreError> {
        self.read(move |connection, project| incident::unresolved(connection, project, since))
            .await
    }

    async fn told(&self, of: &[Fingerprint]) -> Result<Vec<Told>, StoreError> {
        let of = of.to_vec();
        self.read(move |connection, project| incident::told(connection, project, &of))
            .await
    }

    async fn silences(&self, since: Timestamp) -> Result<Vec<Silence>, StoreError> {
        self.read(move |connection, project| incident::silences(connection, project, since))
            .await
    }

    async fn marks(&self, window: Window) -> Result<Vec<Mark>, StoreError> {
        self.read(move |connection, project| incident::marks(connection, project, window))
            .await
    }

    async fn numbers(&self, lease: &Lease, count: u32) -> Result<u32, StoreError> {
        let held = lease.clone();
        self.write(move |transaction, project| {
            lease::fence(transaction, project, &held)?;
            incident::numbers(transaction, project, count)
        })
        .await
    }

    async fn commit(&self, lease: &Lease, round: &Round<'_>) -> Result<(), StoreError> {
        let held = lease.clone();
        let own = OwnRound {
            slot: round.slot,
            now: round.now,
            seen: round.seen.to_vec(),
            changes: round.changes.to_vec(),
            letters: round.letters.to_vec(),
            told: round.told.to_vec(),
            marks: round.marks.to_vec(),
        };
        self.write(move |transaction, project| {
            lease::fence(transaction, project, &held)?;
            if !lease::finish(transaction, project, &held.job, own.slot)? {
                return Ok(()); // This round was committed before: repeating it changes nothing.
            }
            let round = Round {
                slot: own.slot,
                now: own.now,
                seen: &own.seen,
                changes: &own.changes,
                letters: &own.letters,
                told: &own.told,
                marks: &own.marks,
            };
            incident::write_round(transaction, project, &round)
        })
        .await
    }

    async fn post(&self, letters: &[Letter], told: &[Told]) -> Result<(), StoreError> {
        let (letters, told) = (letters.to_vec(), told.to_vec());
        self.write(move |transaction, project| {
            for letter in &letters {
                outbox::add(transaction, project, letter)?;
            }
            told.iter()
                .try_for_each(|told| incident::add_told(transaction, project, told))
        })
        .await
    }

    async fn claim(
        &self,
        holder: &str,
        now: Timestamp,
        hold: TimeDelta,
        room: &Room,
    ) -> Result<Vec<Claim>, StoreError> {
        let (holder, room) = (holder.to_owned(), room.clone());
        self.write(move |transaction, project| {
            outbox::claim(transaction, project, &holder, now, hold, &room)
        })
        .await
    }

    async fn hurry(&self, channel: &Name, now: Timestamp) -> Result<u64, StoreError> {
        let channel = channel.clone();
        self.write(move |transaction, project| outbox::hurry(transaction, project, &channel, now))
            .await
    }

    async fn overdue(
        &self,
        channel: &Name,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<Letter>, StoreError> {
        let channel = channel.clone();
        self.read(move |connection, project| {
            outbox::overdue(connection, project, &channel, before, limit)
        })
        .await
    }

    async fn settle(&self, id: Fingerprint, fate: &Fate, now: Timestamp) -> Result<(), StoreError> {
        let fate = fate.clone();
        self.write(move |transaction, _| outbox::settle(transaction, id, &fate, now))
            .await
    }

    async fn reclaim(&self, holder: &str) -> Result<u64, StoreError> {
        let holder = holder.to_owned();
        self.write(move |transaction, project| outbox::reclaim(transaction, project, &holder))
            .await
    }

    async fn waiting(&self) -> Result<std::collections::BTreeMap<Name, u32>, StoreError> {
        self.read(outbox::waiting).await
    }

    async fn next_letter(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(outbox::next).await
    }
}

#[async_trait]
impl Desk for Sqlite {
    async fn act(
        &self,
        change: &Change,
        letters: &[Letter],
        told: &[Told],
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        let (change, letters, told) = (change.clone(), letters.to_vec(), told.to_vec());
        self.write(move |transaction, project| {
            incident::write_change(transaction, project, &change)?;
            for letter in &letters {
                outbox::add(transaction, project, letter)?;
            }
            for told in &told {
                incident::add_told(transaction, project, told)?;
            }
            Ok(())
        })
        .await
    }

    async fn push(
        &self,
        _source: &Name,
        seen: &[Observation],
        _now: Timestamp,
    ) -> Result<u64, StoreError> {
        let seen = seen.to_vec();
        self.write(move |transaction, project| observation::add(transaction, project, &seen))
            .await
    }

    async fn mark(&self, mark: &Mark) -> Result<(), StoreError> {
        let mark = mark.clone();
        self.write(move |transaction, project| incident::add_mark(transaction, project, &mark))
            .await
    }

    async fn silence(&self, silence: &Silence) -> Result<(), StoreError> {
        let silence = silence.clone();
        self.write(move |transaction, project| {
            incident::set_silence(transaction, project, &silence)
        })
        .await
    }

    async fn token(
        &self,
        name: &Name,
        hash: &[u8; 32],
        right: Option<Right<'_>>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (name, hash) = (name.clone(), *hash);
        let right = right.map(|right| (right.scope.to_owned(), right.ends.map(millis)));
        self.write(move |transaction, project| {
            let done = match right {
                Some((scope, ends)) => transaction.execute(
                    "INSERT INTO token (project, name, hash, scope, made_at, ends_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT DO UPDATE SET hash = ?3, scope = ?4, made_at = ?5, ends_at = ?6",
                    params![project.as_str(), name.as_str(), hash, scope, millis(now), ends],
                ),
                None => transaction.execute(
                    "DELETE FROM token WHERE project = ?1 AND name = ?2",
                    params![project.as_str(), name.as_str()],
                ),
            };
            done.map(|_| ()).map_err(|why| trouble(&why))
        })
        .await
    }

    async fn resend(&self, id: Fingerprint, now: Timestamp) -> Result<bool, StoreError> {
        self.write(move |transaction, _| outbox::resend(transaction, id, now))
            .await
    }
}
