//! Empties the outbox: claim, send, settle. A letter leaves only after the receiver said yes, or
//! into the list of dead letters.
//!
//! Letters leave one by one: who hangs does not keep the others waiting. A receiver that fails
//! again and again rests, is tried with one letter, and gets the rest as soon as it answers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::task::JoinSet;

use crate::model::{Fingerprint, Name, Timestamp};
use crate::notify::Letter;
use crate::store::{Claim, Fate, Memory, Room, StoreError};

use super::{Channel, Means, SendError};

/// Letters in flight at once: each may be repeated once by a crash, so this number is a promise.
pub const IN_FLIGHT: u32 = 8;

/// Of these at most so many to one receiver, so that one that hangs leaves room for the others.
pub const PER_RECEIVER: u32 = 6;

/// A claim that was not settled within this time was lost with its process: it is sent again,
/// under the same id.
pub const HOLD: TimeDelta = TimeDelta::seconds(60);

/// A letter is tried for this long before it is given up.
pub const LIFE: TimeDelta = TimeDelta::hours(72);

/// Longest time for one try; shorter than [`HOLD`], so that nobody takes the letter meanwhile.
const LONGEST: Duration = Duration::from_secs(45);

/// Pauses between the tries of one letter, in seconds; the last one repeats until [`LIFE`] is over.
const PAUSES: [i64; 12] = [
    5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 57_600, 72_000,
];

/// So many failures in a row and a receiver rests.
const FAILURES: u32 = 3;

/// The first rest; each one that follows is twice as long, up to the longest.
const REST: TimeDelta = TimeDelta::seconds(5);
const LONGEST_REST: TimeDelta = TimeDelta::minutes(5);

/// Old letters are not given up while their receiver has failed for less than this: we may have
/// been down ourselves.
const FAIR: TimeDelta = TimeDelta::hours(1);

/// Letters given up in one go.
const GIVEN_UP: u32 = 200;

/// What became of a letter, for metrics and for the fallback.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    /// The letter.
    pub letter: Letter,
    /// Its fate.
    pub fate: Fate,
}

/// What one receiver is up to. Forgotten by a restart, which costs a few tries.
#[derive(Debug, Default)]
struct Receiver {
    busy: u32,
    last: Option<Timestamp>,
    failures: u32,
    failing_since: Option<Timestamp>,
    rests: i32,
    resting: Option<(Timestamp, Timestamp)>,
}

impl Receiver {
    /// When it may be written to again; `None` when it may now. Times that lie ahead of a clock
    /// that stepped back count for nothing.
    fn ready_at(&self, spacing: TimeDelta, now: Timestamp) -> Option<Timestamp> {
        let rested = self
            .resting
            .filter(|(from, until)| *from <= now && *until > now)
            .map(|(_, until)| until);
        let paced = self
            .last
            .filter(|last| *last <= now)
            .map(|last| last + spacing)
            .filter(|next| *next > now);
        rested.max(paced)
    }

    /// How many letters it may get now.
    fn room(&self, spacing: TimeDelta, now: Timestamp) -> u32 {
        if self.ready_at(spacing, now).is_some() {
            return 0;
        }
        let alone = spacing > TimeDelta::zero() || self.failures >= FAILURES;
        let most = if alone { 1 } else { PER_RECEIVER };
        most.saturating_sub(self.busy)
    }

    /// It did not take a letter: it rests when it says so, or when that happens again and again.
    fn failed(&mut self, asked: Option<TimeDelta>, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        self.failing_since.get_or_insert(now);
        let rests = self.resting.is_some_and(|(_, until)| until > now);
        let until = match asked {
            Some(asked) => now + asked.min(LIFE),
            None if rests || self.failures < FAILURES => return,
            None => {
                let rest = REST * 2_i32.saturating_pow(self.rests.min(8).unsigned_abs());
                self.rests += 1;
                now + rest.min(LONGEST_REST)
            }
        };
        let until = self.resting.map_or(until, |(_, known)| known.max(until));
        self.resting = Some((now, until));
    }

    /// Whether it was resting before it answered.
    fn answered(&mut self) -> bool {
        let was = self.failures >= FAILURES || self.resting.is_some();
        self.failures = 0;
        self.failing_since = None;
        self.rests = 0;
        self.resting = None;
        was
    }
}

/// An answer, or a failure to get one.
struct Answer {
    letter: Letter,
    attempts: u32,
    outcome: Result<String, SendError>,
}

/// The worker: what is on its way, and what was answered and is not yet settled.
#[derive(Default)]
pub struct Outbox {
    receivers: BTreeMap<Name, Receiver>,
    tasks: JoinSet<Answer>,
    settling: VecDeque<Settled>,
    answering: VecDeque<Name>,
}

impl Outbox {
    /// Claims what is due and may be sent now, and begins to send it. Returns how many letters.
    pub async fn fill(
        &mut self,
        store: &Arc<dyn Memory>,
        channels: &BTreeMap<Name, Arc<dyn Channel>>,
        means: &Means,
        holder: &str,
    ) -> Result<usize, StoreError> {
        let now = means.net.clock.now();
        let busy = u32::try_from(self.tasks.len()).unwrap_or(u32::MAX);
        let of = channels.iter().map(|(key, channel)| {
            let receiver = self.receivers.entry(key.clone()).or_default();
            (key.clone(), receiver.room(channel.spacing(), now))
        });
        let room = Room {
            all: IN_FLIGHT.saturating_sub(busy),
            of: of.collect(),
        };
        if room.all == 0 {
            return Ok(0);
        }
        let claims = store.claim(holder, now, HOLD, &room).await?;
        let count = claims.len();
        for claim in claims {
            match channels.get(&claim.letter.channel) {
                Some(channel) => self.send(Arc::clone(channel), claim, means, now),
                None => self.settling.push_back(Settled {
                    letter: claim.letter,
                    fate: Fate::Dead {
                        why: "its channel left the configuration".to_owned(),
                    },
                }),
            }
        }
        Ok(count)
    }

    fn send(&mut self, channel: Arc<dyn Channel>, claim: Claim, means: &Means, now: Timestamp) {
        let receiver = self
            .receivers
            .entry(claim.letter.channel.clone())
            .or_default();
        receiver.busy += 1;
        receiver.last = Some(now);
        let means = means.clone();
        self.tasks.spawn(async move {
            let Claim {
                letter,
                attempts,
                earlier,
            } = claim;
            let copy = letter.clone();
            // A panic in a channel is that letter's trouble, not the worker's.
            let call =
                tokio::spawn(async move { channel.send(&copy, &earlier, now, &means).await });
            let outcome = match tokio::time::timeout(LONGEST, call).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(why)) => Err(SendError::Wait {
                    after: None,
                    why: crate::net::shown_start(format!("the sender failed: {why}").as_bytes()),
                }),
                Err(_) => Err(SendError::Wait {
                    after: None,
                    why: format!("no answer within {} s", LONGEST.as_secs()),
                }),
            };
            Answer {
                letter,
                attempts,
                outcome,
            }
        });
    }

    /// Whether letters are on their way.
    pub fn is_busy(&self) -> bool {
        !self.tasks.is_empty()
    }

    /// Waits for an answer and takes all that are there. Safe to be dropped while it waits.
    pub async fn answered(&mut self, store: &Arc<dyn Memory>, now: impl Fn() -> Timestamp) {
        let Some(first) = self.tasks.join_next().await else {
            return;
        };
        let mut ended = Some(first);
        while let Some(one) = ended {
            match one {
                Ok(answer) => self.note(answer, now()),
                Err(why) => {
                    tracing::error!("a sender ended badly: {why}; its letter is sent again later");
                }
            }
            ended = self.tasks.try_join_next();
        }
        let failing: Vec<(Name, Timestamp)> = self
            .receivers
            .iter()
            .filter_map(|(key, receiver)| Some((key.clone(), receiver.failing_since?)))
            .collect();
        for (channel, since) in failing {
            if now() - since >= FAIR {
                self.give_up(store, &channel, now()).await;
            }
        }
    }

    fn note(&mut self, answer: Answer, now: Timestamp) {
        let Answer {
            letter,
            attempts,
            outcome,
        } = answer;
        let receiver = self.receivers.entry(letter.channel.clone()).or_default();
        receiver.busy = receiver.busy.saturating_sub(1);
        let fate = match outcome {
            Ok(receipt) => {
                if receiver.answered() {
                    self.answering.push_back(letter.channel.clone());
                }
                Fate::Delivered { receipt }
            }
            Err(SendError::Refused { why }) => Fate::Dead { why },
            Err(SendError::Wait { after, why }) => {
                receiver.failed(after, now);
                let fair = receiver.failing_since.is_some_and(|at| now - at >= FAIR);
                // Who takes nothing at all is asked again after its rest, whichever letter it was.
                let rest = receiver
                    .resting
                    .filter(|_| receiver.failures >= FAILURES)
                    .map(|(_, until)| until - now);
                again(&letter, attempts, fair, after.or(rest), why, now)
            }
        };
        self.settling.push_back(Settled { letter, fate });
    }

    /// What waits for a dead receiver for too long is not tried one by one.
    async fn give_up(&mut self, store: &Arc<dyn Memory>, channel: &Name, now: Timestamp) {
        let old = store.overdue(channel, now - LIFE, GIVEN_UP).await;
        let known = |settling: &VecDeque<Settled>, letter: &Letter| {
            settling.iter().any(|one| one.letter.id == letter.id)
        };
        for letter in old.unwrap_or_default() {
            if !known(&self.settling, &letter) {
                let why = "given up after 72 hours: the receiver does not answer".to_owned();
                let fate = Fate::Dead { why };
                self.settling.push_back(Settled { letter, fate });
            }
        }
    }

    /// Answers that are not settled yet, oldest first.
    pub fn unsettled(&self) -> impl Iterator<Item = &Settled> {
        self.settling.iter()
    }

    /// Writes down what became of letters; what cannot be written now is tried again at the next
    /// call and never sent a second time by this process.
    pub async fn settle(
        &mut self,
        store: &Arc<dyn Memory>,
        now: Timestamp,
    ) -> Result<Vec<Settled>, StoreError> {
        let mut done = Vec::new();
        while let Some(Settled { letter, fate }) = self.settling.front() {
            store.settle(letter.id, fate, now).await?;
            let route = &letter.route;
            match fate {
                Fate::Delivered { .. } => tracing::debug!(route = %route, "a letter was taken"),
                Fate::Retry { why, .. } => tracing::warn!(route = %route, "a letter waits: {why}"),
                Fate::Dead { why } => tracing::error!(route = %route, "a letter is dead: {why}"),
            }
            done.extend(self.settling.pop_front());
        }
        while let Some(channel) = self.answering.front() {
            let count = store.hurry(channel, now).await?;
            if count > 0 {
                tracing::info!(channel = %channel, "the receiver answers again: {count} letters go out");
            }
            self.answering.pop_front();
        }
        Ok(done)
    }

    /// When to look again, given when the next letter is due: a letter that is due and was not
    /// taken waits for its receiver.
    pub fn wake(
        &self,
        next: Option<Timestamp>,
        channels: &BTreeMap<Name, Arc<dyn Channel>>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let ready = channels.iter().filter_map(|(key, channel)| {
            self.receivers
                .get(key)
                .and_then(|receiver| receiver.ready_at(channel.spacing(), now))
        });
        let next = next?;
        if next > now {
            return Some(next);
        }
        // Ready meanwhile: at once. While others are on their way an answer wakes us anyway.
        let soon = if self.is_busy() {
            REST
        } else {
            TimeDelta::zero()
        };
        Some(ready.min().unwrap_or(now + soon))
    }
}

/// The next try by the list of pauses, or after the time that the receiver asks for or rests. After [`LIFE`] the letter is
/// dead, if it or its receiver was tried often enough to say so.
fn again(
    letter: &Letter,
    attempts: u32,
    fair: bool,
    asked: Option<TimeDelta>,
    why: String,
    now: Timestamp,
) -> Fate {
    let ends = letter.written_at + LIFE;
    let tried = usize::try_from(attempts).unwrap_or(usize::MAX);
    if now >= ends && (fair || tried >= PAUSES.len()) {
        let why = format!("given up after {} tries: {why}", attempts.saturating_add(1));
        return Fate::Dead { why };
    }
    let pause = PAUSES[tried.min(PAUSES.len() - 1)];
    let own = TimeDelta::milliseconds(pause * 1_000 + spread(letter.id, pause));
    let wait = match asked {
        Some(asked) if tried < PAUSES.len() => asked,
        Some(asked) => asked.max(REST),
        None => own,
    };
    let mut at = now + wait.min(LIFE);
    if now < ends {
        at = at.min(ends);
    }
    Fate::Retry { at, why }
}

/// A stable spread of a tenth, so that a crowd of letters does not come back at once.
fn spread(id: Fingerprint, pause: i64) -> i64 {
    i64::from(id.0[0]) * pause * 100 / 256
}
