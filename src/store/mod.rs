//! What is remembered: readings, pulls, evaluations, incidents, letters, marks, silences, leases.
//!
//! Every call is all or nothing and safe to repeat. SQLite is the first back end; the traits carry
//! leases and epochs so that PostgreSQL can join. Only this room speaks SQL about our tables.

mod migrate;
mod rows;
pub mod sqlite;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use chrono::{NaiveDate, TimeDelta};

use crate::incident::{Change, Incident};
use crate::model::{
    AsOf, Evaluation, Fingerprint, Mark, Name, Observation, Question, Reading, Segment, Timestamp,
    Window,
};
use crate::notify::{Letter, Reason, Silence, Told};

/// The right to write for one job. Every write names it; a newer epoch makes it worthless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Such as `pull:ga4`, `evaluate`, `report:weekly`.
    pub job: String,
    /// Rises each time the lease changes hands.
    pub epoch: i64,
}

/// Why the store did not do it. A variant is a reaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Locked by somebody else: try again soon.
    #[error("the database is busy")]
    Busy,
    /// An incident changed since it was read: do the round again.
    #[error("incident {0} changed meanwhile")]
    Stale(Fingerprint),
    /// Somebody else holds the lease: drop what was computed.
    #[error("the lease of {job} has passed to another process")]
    Fenced {
        /// The job.
        job: String,
    },
    /// No space left.
    #[error("the disk or the database is full")]
    Full,
    /// Damaged, or written by a newer version.
    #[error("{what}")]
    Corrupt {
        /// What is wrong and what to do.
        what: String,
    },
}

/// The fate of one pull, for freshness, `status` and the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    /// The source.
    pub source: Name,
    /// The slot it ran for.
    pub slot: Timestamp,
    /// When it ended.
    pub at: Timestamp,
    /// The window it asked for.
    pub window: Window,
    /// Rows that came back; 0 when it failed.
    pub rows: u64,
    /// Why it failed, redacted; `None` when it succeeded.
    pub failure: Option<String>,
    /// Whether a person must act.
    pub refused: bool,
    /// How long it took.
    pub took: TimeDelta,
    /// Remarks.
    pub notes: Vec<String>,
    /// What could not be answered: the question's family (see `Question::family`), and why.
    pub unanswerable: Vec<(Fingerprint, String)>,
    /// The zone in which the source cut its days, when it is not the project's.
    pub zone: Option<chrono_tz::Tz>,
    /// Every setting of the source that is known by now: those that were read, and earlier ones.
    pub settings: BTreeMap<String, String>,
    /// Settings that are no longer what the pull before knew: written with it, read back as marks.
    pub drift: Vec<Mark>,
}

/// What one round learnt: written together or not at all. (job, slot) is unique; known letter ids
/// are skipped.
#[derive(Debug, Clone)]
pub struct Round<'a> {
    /// The slot of the job.
    pub slot: Timestamp,
    /// When it was computed.
    pub now: Timestamp,
    /// Every evaluation.
    pub seen: &'a [Evaluation],
    /// Incidents that changed.
    pub changes: &'a [Change],
    /// Letters to send.
    pub letters: &'a [Letter],
    /// What routes were told by those letters.
    pub told: &'a [Told],
    /// Marks that were noticed, such as settings that drifted.
    pub marks: &'a [Mark],
}

/// A letter that was claimed for sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The letter.
    pub letter: Letter,
    /// How often it was tried before.
    pub attempts: u32,
    /// Receipts of earlier letters about the same incident by the same channel, oldest first.
    pub earlier: Vec<String>,
}

/// How many letters may be taken at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Room {
    /// In all.
    pub all: u32,
    /// By channel; a channel that is not listed may fill all of it.
    pub of: BTreeMap<Name, u32>,
}

/// What became of a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The receiver said yes.
    Delivered {
        /// What it answered.
        receipt: String,
    },
    /// Try again.
    Retry {
        /// Not before.
        at: Timestamp,
        /// Why, redacted.
        why: String,
    },
    /// Given up: shown as a dead letter until a person re-sends or drops it.
    Dead {
        /// Why, redacted.
        why: String,
    },
}

/// History of one question: segment to readings, oldest bucket first.
pub type History = BTreeMap<Segment, Vec<Reading>>;

/// What the daemon needs.
#[async_trait]
pub trait Store: Send + Sync {
    /// Takes or renews the right to a job; `None` when somebody else holds it.
    async fn lease(
        &self,
        job: &str,
        holder: &str,
        now: Timestamp,
        ttl: TimeDelta,
    ) -> Result<Option<Lease>, StoreError>;

    /// The newest slot each job has finished.
    async fn last_slots(&self) -> Result<BTreeMap<String, Timestamp>, StoreError>;

    /// Keeps a part of what a large pull brought, before [`Store::record`] keeps its end: without
    /// that the pull is due again, and repeating it changes nothing. Returns how many were added.
    async fn keep(&self, lease: &Lease, seen: Vec<Observation>) -> Result<u64, StoreError>;

    /// Keeps a pull and what it brought. A reading is added only when value or quality changed.
    /// Marks the slot as done. Returns how many readings were added.
    async fn record(
        &self,
        lease: &Lease,
        pull: &Pull,
        seen: Vec<Observation>,
    ) -> Result<u64, StoreError>;

    /// Readings of each question in the window, in the order of the questions.
    async fn history(
        &self,
        questions: &[Question],
        window: Window,
        at: AsOf,
    ) -> Result<Vec<History>, StoreError>;

    /// Where the newest bucket begins of which a value of each question is known, zero or not.
    async fn reached(&self, questions: &[Question]) -> Result<Vec<Option<Timestamp>>, StoreError>;

    /// The newest pull of each source, and the newest that succeeded.
    async fn pulls(&self) -> Result<BTreeMap<Name, (Pull, Option<Timestamp>)>, StoreError>;

    /// The newest pull of one source, and the newest that succeeded.
    async fn pull_of(&self, source: &Name)
    -> Result<Option<(Pull, Option<Timestamp>)>, StoreError>;

    /// Incidents that are not resolved, and those resolved after `since`.
    async fn incidents(&self, since: Timestamp) -> Result<Vec<Incident>, StoreError>;

    /// What routes were told about these incidents.
    async fn told(&self, of: &[Fingerprint]) -> Result<Vec<Told>, StoreError>;

    /// Silences that are in force or ended after `since`.
    async fn silences(&self, since: Timestamp) -> Result<Vec<Silence>, StoreError>;

    /// Marks in the window.
    async fn marks(&self, window: Window) -> Result<Vec<Mark>, StoreError>;

    /// Reserves the next `count` incident numbers of the project under the lease.
    async fn numbers(&self, lease: &Lease, count: u32) -> Result<u32, StoreError>;

    /// Writes a round.
    async fn commit(&self, lease: &Lease, round: &Round<'_>) -> Result<(), StoreError>;

    /// Letters beside a round, with what routes are told by them; known ids are skipped.
    async fn post(&self, letters: &[Letter], told: &[Told]) -> Result<(), StoreError>;

    /// Letters that are due, as many as there is room for, held for `hold`. Letters of one channel
    /// and incident come one at a time and in order.
    async fn claim(
        &self,
        holder: &str,
        now: Timestamp,
        hold: TimeDelta,
        room: &Room,
    ) -> Result<Vec<Claim>, StoreError>;

    /// How many letters wait for each channel.
    async fn waiting(&self) -> Result<std::collections::BTreeMap<Name, u32>, StoreError>;

    /// The receiver answers again: what waits for it is due now. Returns how many letters.
    async fn hurry(&self, channel: &Name, now: Timestamp) -> Result<u64, StoreError>;

    /// Letters that wait for a channel and were written before a time, oldest first.
    async fn overdue(
        &self,
        channel: &Name,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<Letter>, StoreError>;

    /// What became of a claimed letter.
    async fn settle(&self, id: Fingerprint, fate: &Fate, now: Timestamp) -> Result<(), StoreError>;

    /// Gives letters back that an earlier process of this holder left in flight. Only for a holder
    /// of which there is surely one process.
    async fn reclaim(&self, holder: &str) -> Result<u64, StoreError>;

    /// When the next letter is due, if any waits.
    async fn next_letter(&self) -> Result<Option<Timestamp>, StoreError>;
}

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Right<'a> {
    /// The word of its scope.
    pub scope: &'a str,
    /// When it ends by itself; `None` when it is to be revoked.
    pub ends: Option<Timestamp>,
}

/// A token as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Who uses it.
    pub name: Name,
    /// The word of its scope.
    pub scope: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it ends by itself.
    pub ends_at: Option<Timestamp>,
}

/// What people do; each commits its change and letters together.
#[async_trait]
pub trait Desk: Send + Sync {
    /// A change of an incident by a person, with its letters.
    async fn act(
        &self,
        change: &Change,
        letters: &[Letter],
        told: &[Told],
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Counts posted to us; idempotent per (series, bucket, body).
    async fn push(
        &self,
        source: &Name,
        seen: &[Observation],
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// A mark.
    async fn mark(&self, mark: &Mark) -> Result<(), StoreError>;

    /// Adds a silence, or ends it by a window that ends now.
    async fn silence(&self, silence: &Silence) -> Result<(), StoreError>;

    /// Adds an API token by its SHA-256; without a right it is ended.
    async fn token(
        &self,
        name: &Name,
        hash: &[u8; 32],
        right: Option<Right<'_>>,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Puts a dead letter back into the outbox; false when there is none.
    async fn resend(&self, id: Fingerprint, now: Timestamp) -> Result<bool, StoreError>;
}

/// A letter with its fate, for lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterRow {
    /// The letter.
    pub letter: Letter,
    /// `waiting`, `sending`, `delivered` or `dead`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The last reason.
    pub why: Option<String>,
    /// When it was settled.
    pub settled_at: Option<Timestamp>,
}

/// What pages, the API and reports read.
#[async_trait]
pub trait Browse: Send + Sync {
    /// The newest evaluation of each check and segment.
    async fn latest(&self) -> Result<Vec<Evaluation>, StoreError>;

    /// Evaluations in a window of bucket starts, newest per check, segment and bucket.
    async fn evaluations(&self, window: Window) -> Result<Vec<Evaluation>, StoreError>;

    /// One incident by its number.
    async fn incident(&self, number: u32) -> Result<Option<Incident>, StoreError>;

    /// Incidents that were open at some time in the window, newest first.
    async fn incidents_in(&self, window: Window) -> Result<Vec<Incident>, StoreError>;

    /// Letters about an incident, or all dead ones.
    async fn letters(
        &self,
        of: Option<Fingerprint>,
        limit: u32,
    ) -> Result<Vec<LetterRow>, StoreError>;

    /// Pulls that ended in the window.
    async fn pulls_in(&self, window: Window) -> Result<Vec<Pull>, StoreError>;

    /// The start of each series' first bucket that held anything, for *time to implement* and
    /// coverage. Not when we first looked: a source that is read for the first time brings its past.
    async fn first_seen(
        &self,
        questions: &[Question],
    ) -> Result<Vec<Option<Timestamp>>, StoreError>;

    /// All tokens, those that ended too.
    async fn tokens(&self) -> Result<Vec<TokenRow>, StoreError>;

    /// Whether any token exists: one that ended opens no door either.
    async fn has_tokens(&self) -> Result<bool, StoreError>;

    /// Scope of a token by its SHA-256, while it lasts.
    async fn token_scope(
        &self,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<String>, StoreError>;

    /// How many messages of each reason each channel was told since a time, for daily caps.
    async fn told_since(&self, since: Timestamp) -> Result<Vec<(Name, Reason, u32)>, StoreError>;
}

/// A whole back end: what the daemon, people and readers need of one memory.
pub trait Memory: Store + Desk + Browse + Maintenance {}

impl<T: Store + Desk + Browse + Maintenance> Memory for T {}

/// Looking after the memory.
#[async_trait]
pub trait Maintenance: Send + Sync {
    /// Copies everything into a new file while it is in use. Never overwrites.
    async fn backup(&self, to: &Path) -> Result<(), StoreError>;

    /// Copies everything beside the database as the backup of a day, in place of an earlier one of
    /// that day, and drops the oldest beyond the few that are kept. `None` without a file.
    async fn backup_of_day(&self, day: NaiveDate) -> Result<Option<PathBuf>, StoreError>;

    /// Thins old readings: what was known at any time stays exact for 90 days, after that at fixed
    /// ages of each bucket (decision 4); what is older than `keep` goes, with its results and pulls.
    /// Returns how many readings went.
    async fn thin(&self, now: Timestamp, keep: TimeDelta) -> Result<u64, StoreError>;

    /// Gives the room of what went back to the disk; writers wait meanwhile.
    async fn shrink(&self) -> Result<(), StoreError>;

    /// Gives the write-ahead log back to the disk.
    async fn tidy(&self) -> Result<(), StoreError>;

    /// Looks for damage.
    async fn integrity(&self) -> Result<(), StoreError>;

    /// When the newest daily backup was written, if there is one.
    fn backed_up(&self) -> Option<Timestamp>;

    /// Size on disk, if it has one.
    fn bytes(&self) -> Option<u64>;

    /// Why writes are not taken: set by a write that failed, unset by a [`Maintenance::probe`] that
    /// did not.
    fn trouble(&self) -> Option<StoreError>;

    /// Writes some pages and takes them back.
    async fn probe(&self) -> Result<(), StoreError>;
}
