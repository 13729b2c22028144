//! Receivers that forget: what lasts is posted to them again and again, past the outbox.
//!
//! Nothing is remembered of it: a post that is lost is followed by the next one, and an ending is a
//! letter like any other.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::deliver;
use crate::incident::Incident;
use crate::model::{Fingerprint, Name, Timestamp};
use crate::notify::{Notification, Reason, Told};
use crate::store::StoreError;

use super::World;

/// When each channel was last posted to.
pub type Renewed = BTreeMap<Name, Timestamp>;

/// Begins to post to every channel that is due. Returns at once; a failure is only logged.
pub async fn renew(
    world: &Arc<World>,
    renewed: &mut Renewed,
    now: Timestamp,
) -> Result<(), StoreError> {
    let due = world.channels.iter().filter(|(key, channel)| {
        let last = renewed.get(*key).copied();
        // A clock that stepped back makes it due.
        let early = |pause| last.is_some_and(|last| last <= now && now - last < pause);
        channel.renews().is_some_and(|pause| !early(pause))
    });
    let due: Vec<Name> = due.map(|(key, _)| key.clone()).collect();
    if due.is_empty() {
        return Ok(());
    }
    let mut lasting = world.store.incidents(now).await?;
    lasting.retain(Incident::is_on);
    let ids: Vec<Fingerprint> = lasting.iter().map(|one| one.id).collect();
    let told = world.store.told(&ids).await?;
    for key in due {
        renewed.insert(key.clone(), now);
        if let Some(again) = again(&key, &lasting, &told, now) {
            let world = Arc::clone(world);
            tokio::spawn(async move { post(&world, &again).await });
        }
    }
    Ok(())
}

/// What this channel was told and should still know.
fn again(key: &Name, lasting: &[Incident], told: &[Told], now: Timestamp) -> Option<Notification> {
    let mine: Vec<&Told> = told.iter().filter(|one| one.channel == *key).collect();
    let known = |incident: &&Incident| mine.iter().any(|told| told.incident == incident.id);
    let incidents: Vec<Incident> = lasting.iter().filter(known).cloned().collect();
    let route = mine.first()?.route.clone();
    (!incidents.is_empty()).then(|| Notification {
        route,
        channel: key.clone(),
        reason: Reason::Reminder,
        n: 0,
        incidents,
        at: now,
        remark: String::new(),
    })
}

async fn post(world: &World, again: &Notification) {
    let Some(channel) = world.channels.get(&again.channel) else {
        return;
    };
    let project = &world.plan.project.id;
    let desk = deliver::Desk {
        plan: &world.plan,
        id: again.letter_id(project),
        thread: None,
        now: again.at,
    };
    let letter = again.letter(project, channel.letter(again, &desk), 0);
    let means = super::letters_means(world);
    if let Err(why) = channel.send(&letter, &[], again.at, &means).await {
        tracing::warn!(route = %again.route, "what lasts could not be posted again: {why}");
    }
}
