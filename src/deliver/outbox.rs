//! Empties the outbox: claim, send, settle. A letter leaves only after the receiver said yes, or
//! into the list of dead letters.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use tokio::task::JoinSet;

use crate::model::{Fingerprint, Name, Timestamp};
use crate::notify::Letter;
use crate::store::{Claim, Fate, Memory, StoreError};

use super::{Channel, Means, SendError};

/// Letters in flight at once: each may be repeated once by a crash, so this number is a promise.
pub const IN_FLIGHT: u32 = 8;

/// A claim that was not settled within this time was lost with its process: it is sent again,
/// under the same id.
pub const HOLD: TimeDelta = TimeDelta::seconds(60);

/// Pauses between tries, in seconds: 72 hours in all.
const PAUSES: [i64; 12] = [
    5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200, 57_600, 72_000,
];

/// What became of a letter, for metrics and for the fallback.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    /// The letter.
    pub letter: Letter,
    /// Its fate.
    pub fate: Fate,
}

/// When each receiver was last written to, so that its spacing is kept.
#[derive(Debug, Default)]
pub struct Spacing {
    last: BTreeMap<Name, Timestamp>,
}

/// Claims and sends what is due, at most [`IN_FLIGHT`] at once, and settles each as soon as it is
/// answered. Returns what was settled; empty when nothing was due.
pub async fn step(
    store: &Arc<dyn Memory>,
    channels: &BTreeMap<Name, Arc<dyn Channel>>,
    means: &Means,
    holder: &str,
    spacing: &mut Spacing,
) -> Result<Vec<Settled>, StoreError> {
    let now = means.net.clock.now();
    let claims = store.claim(holder, now, HOLD, IN_FLIGHT).await?;
    let mut tasks: JoinSet<Result<Settled, StoreError>> = JoinSet::new();
    let mut settled = Vec::new();
    for claim in claims {
        let Some(channel) = channels.get(&claim.letter.channel) else {
            let why = "its channel left the configuration".to_owned();
            settled.push(settle(store, claim.letter, Fate::Dead { why }, now).await?);
            continue;
        };
        if let Some(at) = too_soon(channel.as_ref(), &claim.letter.channel, spacing, now) {
            let why = "keeping the receiver's pace".to_owned();
            store
                .settle(claim.letter.id, &Fate::Retry { at, why }, now)
                .await?;
            continue;
        }
        let (store, channel, means) = (Arc::clone(store), Arc::clone(channel), means.clone());
        tasks.spawn(async move { send(&store, channel, claim, &means).await });
    }
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok(outcome) => settled.push(outcome?),
            Err(why) => {
                tracing::error!("a sender ended badly: {why}; its letter is sent again later");
            }
        }
    }
    Ok(settled)
}

/// The earliest time the receiver's pace allows, when that is not now.
fn too_soon(
    channel: &dyn Channel,
    key: &Name,
    spacing: &mut Spacing,
    now: Timestamp,
) -> Option<Timestamp> {
    let pause = channel.spacing();
    let next = spacing
        .last
        .get(key)
        .map(|last| *last + pause)
        .filter(|next| *next > now);
    if next.is_none() {
        spacing.last.insert(key.clone(), now);
    }
    next
}

async fn send(
    store: &Arc<dyn Memory>,
    channel: Arc<dyn Channel>,
    claim: Claim,
    means: &Means,
) -> Result<Settled, StoreError> {
    let Claim {
        letter,
        attempts,
        earlier,
    } = claim;
    let now = means.net.clock.now();
    let (copy, own) = (letter.clone(), means.clone());
    // A panic in a channel is that letter's trouble, not the worker's.
    let answer = tokio::spawn(async move { channel.send(&copy, &earlier, now, &own).await }).await;
    let after = means.net.clock.now();
    let fate = match answer {
        Ok(Ok(receipt)) => Fate::Delivered { receipt },
        Ok(Err(SendError::Refused { why })) => Fate::Dead { why },
        Ok(Err(SendError::Wait { after: asked, why })) => {
            again(letter.id, attempts, asked, why, after)
        }
        Err(why) => again(
            letter.id,
            attempts,
            None,
            format!("the sender failed: {why}"),
            after,
        ),
    };
    settle(store, letter, fate, after).await
}

/// The next try by the list of pauses, never before the receiver's own wish; after the last one the
/// letter is dead.
fn again(
    id: Fingerprint,
    attempts: u32,
    asked: Option<TimeDelta>,
    why: String,
    now: Timestamp,
) -> Fate {
    let Some(pause) = usize::try_from(attempts).ok().and_then(|at| PAUSES.get(at)) else {
        return Fate::Dead {
            why: format!("given up after {} tries: {why}", attempts + 1),
        };
    };
    // A stable spread of a tenth, so that a crowd of letters does not come back at once.
    let spread = i64::from(id.0[0]) * pause * 100 / 256;
    let own = TimeDelta::milliseconds(pause * 1_000 + spread);
    Fate::Retry {
        at: now + asked.unwrap_or(own),
        why,
    }
}

async fn settle(
    store: &Arc<dyn Memory>,
    letter: Letter,
    fate: Fate,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    store.settle(letter.id, &fate, now).await?;
    match &fate {
        Fate::Delivered { .. } => tracing::debug!(route = %letter.route, "a letter was taken"),
        Fate::Retry { why, .. } => tracing::warn!(route = %letter.route, "a letter waits: {why}"),
        Fate::Dead { why } => tracing::error!(route = %letter.route, "a letter is dead: {why}"),
    }
    Ok(Settled { letter, fate })
}
