//! What a person does to an incident, in one commit with its letters.

use crate::incident::{self, Event, Incident, Policy};
use crate::model::Timestamp;
use crate::store::StoreError;

use super::{World, letters};

/// Applies a person's action and returns the incident after it. An action that changes nothing
/// returns the incident as it is.
pub async fn act(
    world: &World,
    before: &Incident,
    event: Event<'_>,
    now: Timestamp,
) -> Result<Incident, StoreError> {
    let policy = Policy::of(&world.plan);
    let Some(change) = incident::step(Some(before), event, &policy, now) else {
        return Ok(before.clone());
    };
    let written = letters::write(world, std::slice::from_ref(&change.after), now).await?;
    world
        .store
        .act(&change, &written.letters, &written.told, now)
        .await?;
    world.letters_wait.notify_one();
    world.stir.notify_one();
    Ok(change.after)
}
