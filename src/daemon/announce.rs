//! What time alone changes: group waits, reminders, quiet hours and silences that end.

use crate::model::Timestamp;
use crate::store::{Round, StoreError};

use super::{LEASE, Step, World, evaluate, letters};

/// Compares what is true with what was told and writes what is missing. The same function as in a
/// round, over the incidents as they stand.
pub(super) async fn announce(world: &World, now: Timestamp) -> Result<Step, StoreError> {
    let known = world.store.incidents(now - evaluate::REOPEN).await?;
    if known.is_empty() {
        return Ok(Step::Idle);
    }
    let written = letters::write(world, &known, now).await?;
    if written.letters.is_empty() {
        return Ok(Step::Idle);
    }
    let Some(lease) = world
        .store
        .lease("evaluate", &world.holder, now, LEASE)
        .await?
    else {
        return Ok(Step::Idle);
    };
    let round = Round {
        slot: now,
        now,
        seen: &[],
        changes: &[],
        letters: &written.letters,
        told: &written.told,
        marks: &[],
    };
    match world.store.commit(&lease, &round).await {
        Ok(()) => {
            world.letters_wait.notify_one();
            Ok(Step::Worked)
        }
        Err(StoreError::Fenced { .. } | StoreError::Stale(_)) => Ok(Step::Idle),
        Err(why) => Err(why),
    }
}
